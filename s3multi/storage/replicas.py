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
    options_of = getattr(proxy, 'get_policy_options', None)
    if options_of is None or isinstance(options_of, _PolicyOptions):
        return
    # The proxy-server asks this method of its own for the options that bind each request.
    proxy.get_policy_options = _PolicyOptions(options_of)


class _PolicyOptions:
    """The ``get_policy_options`` of the proxy-server (``swift.proxy.server``), with requests that ask at once."""

    def __init__(self, options_of: Any) -> None:
        self._options_of = options_of

    def __call__(self, policy: Any) -> Any:
        options = self._options_of(policy)
        if not _at_once.get():
            return options
        quick = copy.copy(options)
        # As many at a time as there are replicas; the next one at once, not when the first is slow.
        quick.concurrent_gets, quick.concurrency_timeout = True, 0.0
        return quick
