# SPDX-License-Identifier: Apache-2.0
"""Has the proxy-server ask the replicas of a thing at once where the newest of them has to answer.

With X-Newest, Swift asks one node after another: all that have a replica, and as many more that may have taken a write
for one of those (handoffs). With three replicas these are six round trips. It can ask them side by side, but only where
``concurrent_gets`` is set, which would also multiply the work of every download.

What Swift makes of a tombstone depends on who answers first (``storage.answers``). Asked at once, the nearest node may
do so every time; so a further look asks another replica before all others.
"""
import contextlib
import copy
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple


class _Manner(NamedTuple):
    """How replicas are asked; as for ``asked``."""

    handoffs: bool
    look: int


# In a green thread that is in a request which looks for the newest replica.
_manner: 'ContextVar[_Manner | None]' = ContextVar('_manner', default=None)


@contextlib.contextmanager
def asked(app: Any, *, handoffs: bool = True, look: int = 0) -> Iterator[None]:
    """Have the proxy-server at the end of the pipeline ``app`` ask all replicas inside the ``with`` block, at once.

    handoffs: whether to ask those nodes, too. look: how often they were asked before; then they are asked one after
    another, beginning with another replica each time. Does nothing if that end is something else.
    """
    _prepare(getattr(app, '_pipeline_final_app', None))
    token = _manner.set(_Manner(handoffs, look))
    try:
        yield
    finally:
        _manner.reset(token)


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
        options, manner = self._options_of(policy), _manner.get()
        if manner is None:
            return options
        changed = copy.copy(options)
        if manner.look:
            changed.concurrent_gets, changed.sorting_method = False, 'affinity'
            changed.read_affinity_sort_key = lambda node: node.get('index') != manner.look - 1
            return changed
        # The next one at once, not when the first is slow.
        changed.concurrent_gets, changed.concurrency_timeout = True, 0.0
        return changed


class _Rings:
    """The ``get_object_ring`` of the proxy-server, with rings that have all nodes of a request asked at once."""

    def __init__(self, ring_of: Any, node_count: Any) -> None:
        """node_count: the ``request_node_count`` of the proxy-server: how many nodes for so many replicas."""
        self._ring_of = ring_of
        self._node_count = node_count

    def __call__(self, policy_index: Any) -> Any:
        ring, manner = self._ring_of(policy_index), _manner.get()
        return ring if manner is None else _Ring(ring, self._node_count, manner.handoffs)


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
