# SPDX-License-Identifier: Apache-2.0
"""Which requests have the proxy-server ask the replicas of a thing at once."""
from types import SimpleNamespace

import eventlet
import pytest

from s3multi.storage.objects import Objects
from s3multi.storage.requests import Backend, Target
from tests.unit.fakes import RecordingSwift, client_env


HANDOFFS = ['node 4', 'node 5', 'node 6']


class Proxy(RecordingSwift):
    """Stands in for the proxy-server, which asks for the options of a storage policy during each request."""

    def __init__(self):
        super().__init__()
        self.options = SimpleNamespace(concurrent_gets=False, concurrency_timeout=0.5, sorting_method='timing')
        self.ring = SimpleNamespace(replica_count=3, partition_power=10, get_more_nodes=lambda _: iter(HANDOFFS))
        self.bound, self.rings = [], []
        self._pipeline_final_app = self

    def answer_heads(self, statuses):
        """Answer the next HEAD requests with these."""
        self._answers['HEAD'] = statuses

    def get_policy_options(self, policy):
        """Return the options that were configured."""
        return self.options

    def get_object_ring(self, policy_index):
        """Return the ring of the one storage policy."""
        return self.ring

    def request_node_count(self, replicas):
        """Return how many nodes a request asks at most, as Swift has it where nothing is configured."""
        return 2 * replicas

    def __call__(self, env, start_response):
        # What another request does meanwhile.
        eventlet.sleep(0)
        self.bound.append(self.get_policy_options(None))
        self.rings.append(self.get_object_ring(0))
        return super().__call__(env, start_response)


@pytest.fixture
def proxy():
    return Proxy()


@pytest.fixture
def backend(proxy):
    return Backend(proxy, client_env(), 'AUTH_a', 'bucket')


def test_the_newest_replica_is_looked_for_in_all_at_once(proxy, backend):
    """In all nodes, those for handoffs as well; there is no time in which only the first is asked.

    Everything else is as it was configured.
    """
    for _ in range(2):
        backend.head_newest(Target('bucket', 'key'))

        assert {**vars(proxy.options), 'concurrent_gets': True, 'concurrency_timeout': 0} == vars(proxy.bound[-1])
        assert (6, 10) == (proxy.rings[-1].replica_count, proxy.rings[-1].partition_power)
        assert HANDOFFS == list(proxy.rings[-1].get_more_nodes(0))


def test_where_the_newest_replica_is_looked_for_again(proxy, backend):
    """Another replica is asked before all others each time, wherever it is: it may have the tombstone that was hidden.
    """
    proxy.answer_heads([(200, {'Accept-Ranges': None}, b'')] * 3 + [404])
    backend.head_newest(Target('bucket', 'key'))

    first, *further = proxy.bound
    assert first.concurrent_gets and not any(each.concurrent_gets for each in further)
    nodes = [{'index': number} for number in range(3)]
    assert [0, 1, 2] == [min(nodes, key=each.read_affinity_sort_key)['index'] for each in further]
    assert {'affinity'} == {each.sorting_method for each in further}
    assert [HANDOFFS] * 4 == [list(ring.get_more_nodes(0)) for ring in proxy.rings]


def test_what_is_about_to_be_replaced_is_looked_for_where_it_should_be(proxy, backend):
    """At once as well, but not on the nodes for handoffs, unless nobody else answers."""
    Objects(backend, 'bucket').to_replace('key')

    assert ([True], [[]]) == ([each.concurrent_gets for each in proxy.bound],
                              [list(ring.get_more_nodes(0)) for ring in proxy.rings])

    proxy.answer_heads([503, 404])
    Objects(backend, 'bucket').to_replace('key')

    assert [[], [], HANDOFFS] == [list(ring.get_more_nodes(0)) for ring in proxy.rings]


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
    assert [3, 3, 6, 3, 3] == [each.replica_count for each in proxy.rings]
    assert not proxy.options.concurrent_gets and 3 == proxy.ring.replica_count


def test_another_end_of_the_pipeline_is_left_alone():
    """It has no such options."""
    backend = Backend(RecordingSwift(), client_env(), 'AUTH_a', 'bucket')

    assert 404 == backend.head_newest(Target('bucket', 'key')).status_int
