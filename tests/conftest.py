# SPDX-License-Identifier: Apache-2.0
"""The options of the test-suite, its hypothesis profiles, and the ports of those who run it together."""

import os

from s3multi.demo import ports

from . import examples

# Before pytest reads --hypothesis-profile.
examples.register()


def pytest_configure(config):
    """Have each process that runs a share of the tests take ports of its own."""
    number, count = os.environ.get('PYTEST_XDIST_WORKER', ''), int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', 1))
    if number:
        share = (ports.LAST_PORT - ports.FIRST_PORT) // count
        ports.FIRST_PORT += int(number[len('gw'):]) * share
        ports.LAST_PORT = ports.FIRST_PORT + share - 1


def pytest_addoption(parser):
    """Add --auth."""
    parser.addoption('--auth', choices=('tempauth', 'keystone'), default='tempauth',
                     help='what tells the users of the integration tests apart: tempauth, or a real Keystone, for '
                     'those that do not depend on tempauth (default: %(default)s)')
