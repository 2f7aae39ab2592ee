# SPDX-License-Identifier: Apache-2.0
"""Which requests have the proxy-server ask the replicas of a thing at once."""
from types import SimpleNamespace

import eventlet
import pytest

from s3multi.storage.requests import Backend, Target
from tests.unit.fakes import RecordingSwift, client_env


class Proxy(RecordingSwift):
    """Stands in for the proxy-server, which asks for the options of a storage policy during each request."""

    def __init__(self):
        super().__init__()
        self.options = SimpleNamespace(concurrent_gets=False, concurrency_timeout=0.5, sorting_method='timing')
        self.bound = []
        self._pipeline_final_app = self

    def get_policy_options(self, policy):
        """Return the options that were configured."""
        return self.options

    def __call__(self, env, start_response):
        # What another request does meanwhile.
        eventlet.sleep(0)
        self.bound.append(self.get_policy_options(None))
        return super().__call__(env, start_response)


@pytest.fixture
def proxy():
    return Proxy()


@pytest.fixture
def backend(proxy):
    return Backend(proxy, client_env(), 'AUTH_a', 'bucket')


def test_the_newest_replica_is_looked_for_in_all_at_once(proxy, backend):
    """Without a time in which only the first is asked; all other options are as they were configured."""
    for _ in range(2):
        backend.head_newest(Target('bucket', 'key'))

        assert {**vars(proxy.options), 'concurrent_gets': True, 'concurrency_timeout': 0} == vars(proxy.bound[-1])


def test_other_requests_ask_as_configured(proxy, backend):
    """Before, after and during a request for the newest replica."""
    def ask(headers):
        backend.answer(backend.request('HEAD', Target('bucket', 'key'), headers))

    newest = {'X-Newest': 'true'}
    ask({})
    for thread in [eventlet.spawn(ask, headers) for headers in ({}, newest, {})]:
        thread.wait()
    ask({})

    assert [False, False, True, False, False] == [each.concurrent_gets for each in proxy.bound]
    assert not proxy.options.concurrent_gets


def test_another_end_of_the_pipeline_is_left_alone():
    """It has no such options."""
    backend = Backend(RecordingSwift(), client_env(), 'AUTH_a', 'bucket')

    assert 404 == backend.head_newest(Target('bucket', 'key')).status_int
