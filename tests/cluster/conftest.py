# SPDX-License-Identifier: Apache-2.0
"""Leaves these tests out of runs with Keystone: they are about storage servers, which do not know users."""


def pytest_ignore_collect(collection_path, config):
    """Ignore all tests if the users are those of Keystone."""
    return True if config.getoption('--auth') == 'keystone' else None
