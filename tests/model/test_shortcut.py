# SPDX-License-Identifier: Apache-2.0
"""The short way to Swift in memory, and what is remembered, make no difference: runs end alike, request by request."""
import contextlib
from unittest import mock

import pytest

from . import search
from .checking import CheckedRun
from .search import Run
from .sweeping import SweptRun


@pytest.mark.parametrize('make', [Run, SweptRun, CheckedRun])
def test_runs_are_the_same(make):
    """All requests, their times and the answers to clients are the same."""
    for seed in range(12):
        run, longer = make(seed), make(seed)
        run.go()
        with mock.patch.object(search, 'shortcuts', contextlib.nullcontext):
            longer.go()

        assert longer.describe() == run.describe()
