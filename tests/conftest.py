# SPDX-License-Identifier: Apache-2.0
"""The options of the test-suite."""


def pytest_addoption(parser):
    """Add --auth."""
    parser.addoption('--auth', choices=('tempauth', 'keystone'), default='tempauth',
                     help='what tells the users of the integration tests apart: tempauth, or a real Keystone, for '
                     'those that do not depend on tempauth (default: %(default)s)')
