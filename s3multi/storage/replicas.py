# SPDX-License-Identifier: Apache-2.0
"""Has the proxy-server ask the replicas of a thing at once where the newest of them has to answer.

With X-Newest, Swift asks one node after another: all that have a replica, and as many more that may have taken a write
for one of those (handoffs). With three replicas these are six round trips. It can ask them side by side, but only where
``concurrent_gets`` is set, which would also multiply the work of every download.
"""
import contextlib
import copy
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any


# In a green thread that is in a request which asks them at once: whether handoffs are asked, too.
_at_once: 'ContextVar[bool | None]' = ContextVar('_at_once', default=None)


@contextlib.contextmanager
def asked_at_once(app: Any, *, handoffs: bool = True) -> Iterator[None]:
    """Have the proxy-server at the end of the pipeline ``app`` ask replicas at once inside the ``with`` block.

    handoffs: whether to ask those nodes, too. Does nothing if that end is something else.
    """
    _prepare(getattr(app, '_pipeline_final_app', None))
    token = _at_once.set(handoffs)
    try:
        yield
    finally:
        _at_once.reset(token)


def _prepare(proxy: Any) -> None:
    if getattr(proxy, 'get_policy_options', None) is None or isinstance(proxy.get_policy_options, _PolicyOptions):
        return
    # The proxy-server asks these methods of its own for what binds each request.
    proxy.get_policy_options = _PolicyOptions(proxy.get_policy_options)
    proxy.get_object_ring = _Rings(proxy.get_object_ring, proxy.request_node_count)


class _PolicyOptions:
    """The ``get_policy_options`` of the proxy-server (``swift.proxy.server``), with requests that ask at once."""

    def __init__(self, options_of: Any) -> None:
        self._options_of = options_of

    def __call__(self, policy: Any) -> Any:
        options = self._options_of(policy)
        if _at_once.get() is None:
            return options
        quick = copy.copy(options)
        # The next one at once, not when the first is slow.
        quick.concurrent_gets, quick.concurrency_timeout = True, 0.0
        return quick


class _Rings:
    """The ``get_object_ring`` of the proxy-server, with rings that have all nodes of a request asked at once."""

    def __init__(self, ring_of: Any, node_count: Any) -> None:
        """node_count: the ``request_node_count`` of the proxy-server: how many nodes for so many replicas."""
        self._ring_of = ring_of
        self._node_count = node_count

    def __call__(self, policy_index: Any) -> Any:
        ring, handoffs = self._ring_of(policy_index), _at_once.get()
        return ring if handoffs is None else _Ring(ring, self._node_count, handoffs)


class _Ring:
    """A ring to read with. A read takes from ``replica_count`` only how many nodes it asks at a time.

    Swift asks twice as many nodes as there are replicas, unless told otherwise, so these would be two round trips.
    """

    def __init__(self, ring: Any, node_count: Any, handoffs: bool) -> None:
        self._ring = ring
        self._handoffs = handoffs
        self.replica_count = node_count(ring.replica_count)

    def get_more_nodes(self, partition: int) -> 'Iterator[Any]':
        """Return the nodes for handoffs; none where they are not asked."""
        nodes: Iterator[Any] = self._ring.get_more_nodes(partition) if self._handoffs else iter(())
        return nodes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ring, name)
