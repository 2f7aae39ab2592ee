# SPDX-License-Identifier: Apache-2.0
"""The reads of a check: so many at a time and a second, and repeated when Swift is busy. Nothing is written."""
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import eventlet
from eventlet.semaphore import Semaphore
from swift.common.swob import Response
from swift.common.utils import close_if_possible

from s3multi.storage.requests import Backend, Target, own_environ

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_PAUSES = (1.0, 3.0, None)
NEWEST = {'X-Newest': 'true'}
# With it a link is what it is, and so is a manifest.
ITSELF = {'symlink': 'get', 'multipart-manifest': 'get'}
_UNREADABLE_TYPE = 'X-Object-Sysmeta-Crypto'


class Undecided(Exception):
    """Something could not be told. The text says why."""


class Stopped(Exception):
    """The operator has asked the check to end, or its time is over."""


class Asking:
    """Asks Swift. requests: how often it was asked. bytes: how many bytes of segments were read."""

    def __init__(self, app: 'WSGIApplication', concurrency: int, pause: 'Callable[[], None]' = lambda: None,
                 pause_after: 'Callable[[int], None]' = lambda count: None) -> None:
        """app: the pipeline of an internal client. pause: called before each request. pause_after: called with the
        number of bytes that were just read of a segment."""
        self._app = app
        self._slots = Semaphore(concurrency)
        self._pause = pause
        self.pause_after = pause_after
        self.requests = self.bytes = 0

    def head(self, account: str, target: Target, headers: 'Mapping[str, str] | None' = None) -> Response:
        """Return the answer to a HEAD: 2xx or 404. Raises Undecided for any other."""
        with self.get(account, target, headers, method='HEAD') as response:
            response.body  # noqa: B018 - reading it frees the connection to the object server
            return response

    @contextmanager
    def get(self, account: str, target: Target, headers: 'Mapping[str, str] | None' = None,
            method: str = 'GET') -> Iterator[Response]:
        """Yield an answer, 2xx or 404, whose body need not be read. Raises Undecided for any other."""
        with self._slots:
            response = self._settled(method, account, target, headers or {})
            try:
                if any(name.startswith(_UNREADABLE_TYPE) for name in response.headers):
                    raise Undecided('it is encrypted: the pipeline needs keymaster and encryption')
                yield response
            finally:
                close_if_possible(response.app_iter)

    def _settled(self, method: str, account: str, target: Target, headers: 'Mapping[str, str]') -> Response:
        for pause in _PAUSES:
            self._pause()
            self.requests += 1
            # Made anew each time, since the environ keeps what was learned, and a check takes hours.
            backend = Backend(self._app, own_environ(account, target.container), account, target.container)
            response = backend.send_as_client(method, target, headers)
            if response.is_success or response.status_int == 404:
                return response
            close_if_possible(response.app_iter)
            if pause is None or response.status_int < 429:
                break
            eventlet.sleep(pause)
        raise Undecided('%s of %s/%s%s answered %d' % (method, account, target.container, '/' + target.object
                                                       if target.object else '', response.status_int))
