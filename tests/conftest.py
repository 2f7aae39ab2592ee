# SPDX-License-Identifier: Apache-2.0
"""The options of the test-suite, its hypothesis profiles, and what those who run it together share: ports, memory."""

import os
import signal

import pytest

from s3multi.demo import ports

from . import examples, in_memory

# Before pytest reads --hypothesis-profile.
examples.register()
# Before anything imports eventlet, which takes half the time then; the tests have addresses that are numbers.
os.environ.setdefault('EVENTLET_NO_GREENDNS', 'yes')


def pytest_configure(config):
    """Keep data in memory, and have each process that runs a share of the tests take ports of its own."""
    # Not the copies of objects of 5 GiB.
    if not config.getoption('large', False):
        in_memory.use()
    number, count = os.environ.get('PYTEST_XDIST_WORKER', ''), int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', 1))
    if number:
        share = (ports.LAST_PORT - ports.FIRST_PORT) // count
        ports.FIRST_PORT += int(number[len('gw'):]) * share
        ports.LAST_PORT = ports.FIRST_PORT + share - 1


@pytest.fixture
def without_nohup():
    """Programs that are started now do not ignore SIGHUP, as they would if these tests run under nohup."""
    # Unlike one that is ignored, a signal with a handler is the usual one again to a program that is started.
    before = signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    signal.signal(signal.SIGHUP, before)


def pytest_addoption(parser):
    """Add --auth and --behind."""
    parser.addoption('--auth', choices=('tempauth', 'keystone'), default='tempauth',
                     help='what tells the users of the integration tests apart: tempauth, or a real Keystone, for '
                     'those that do not depend on tempauth (default: %(default)s)')
    parser.addoption('--behind', default='0', metavar='WHEN',
                     help='when the proxies of the integration tests begin the work that goes on behind an answer: so '
                     'many seconds late, or first, so that it is over when the answer comes. A test that fails only '
                     'then relies on the speed of such work')
