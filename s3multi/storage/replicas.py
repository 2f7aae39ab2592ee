# SPDX-License-Identifier: Apache-2.0
"""Has the proxy-server ask the replicas of a thing at once where the newest of them has to answer.

With X-Newest, Swift asks one node after another: all that have a replica, and as many more that may have taken a write
for one of those. With three replicas these are six round trips. It can ask them side by side, but only where
``concurrent_gets`` is set, which would also multiply the work of every download.
"""
import contextlib
import copy
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

# Whether the green thread is in a request that asks them at once.
_at_once: 'ContextVar[bool]' = ContextVar('_at_once', default=False)


@contextlib.contextmanager
def asked_at_once(app: Any) -> Iterator[None]:
    """Have the proxy-server at the end of the pipeline ``app`` ask replicas at once inside the ``with`` block.

    Does nothing if that end is something else.
    """
    _prepare(getattr(app, '_pipeline_final_app', None))
    token = _at_once.set(True)
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
        if not _at_once.get():
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
        ring = self._ring_of(policy_index)
        return _Ring(ring, self._node_count) if _at_once.get() else ring


class _Ring:
    """A ring to read with. A read takes from ``replica_count`` only how many nodes it asks at a time.

    Swift asks twice as many nodes as there are replicas, unless told otherwise, so these would be two round trips.
    """

    def __init__(self, ring: Any, node_count: Any) -> None:
        self._ring = ring
        self.replica_count = node_count(ring.replica_count)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ring, name)
