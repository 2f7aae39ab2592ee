# SPDX-License-Identifier: Apache-2.0
"""These tests are about servers, which nobody asks in the name of a user: one kind of users is enough."""


def pytest_ignore_collect(collection_path, config):
    """Leave all out where users are Keystone's."""
    return True if config.getoption('--auth') == 'keystone' else None
