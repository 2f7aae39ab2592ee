# SPDX-License-Identifier: Apache-2.0
"""Runs leave much for Python's search for garbage, which is made seldom here."""
import pytest

from .remembered import seldom_look_for_garbage


@pytest.fixture(scope='package', autouse=True)
def little_garbage_collection():
    end = seldom_look_for_garbage()
    yield
    end()
