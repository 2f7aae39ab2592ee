# SPDX-License-Identifier: Apache-2.0
"""PUTs that are begun before it is certain that they may take effect.

An object server first judges a PUT by its headers, and stores the object when the body has ended. So the body is held
back: Swift connects, and finds the place, while something else is asked. What is never released is never stored.
"""
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

import eventlet
from eventlet.event import Event
from swift.common.swob import HTTPClientDisconnect, Request

from s3multi.storage.concurrency import Later

_Result = TypeVar('_Result')

# A write that was begun longer ago is not released: what Swift has judged then may have changed.
_SECONDS_OF_USE = 3.0
# A body is held no longer than this, so that no connection stays open for ever. Swift itself waits for a minute.
_MOST_SECONDS = 10.0


class HeldBody:
    """The body of a PUT, which Swift can read only when that is allowed."""

    def __init__(self) -> None:
        self._decision = Event()
        self._body: Any = None

    def hold(self, request: Request) -> None:
        """Hold back the body of ``request``, which is about to be sent."""
        self._body, request.environ['wsgi.input'] = request.environ['wsgi.input'], self

    def decide(self, released: bool) -> None:
        """Have Swift read the body, or have the request fail; once that is decided, nothing changes it."""
        if not self._decision.ready():
            self._decision.send(released)

    def read(self, size: int = -1) -> bytes:
        """Return the body as ``read`` of a file does, once that is decided. Swift calls this."""
        released = False
        with eventlet.Timeout(_MOST_SECONDS, False):
            released = self._decision.wait()
        if not released:
            # Swift answers with it, and closes the connections to the object servers before the body has ended.
            raise HTTPClientDisconnect()
        chunk: bytes = self._body.read(size)
        return chunk


class HeldWrite(Generic[_Result]):
    """A PUT that was begun, and takes effect if it is released.

    The end of a ``with`` block abandons it.
    """

    def __init__(self, logger: Any, put: 'Callable[[HeldBody], _Result]') -> None:
        """Begin. put: sends the PUT with this body, and returns what became of it or raises an S3Error."""
        self._began = time.monotonic()
        self._body = HeldBody()
        self._answer = Later(logger, partial(put, self._body))

    def __enter__(self) -> 'HeldWrite[_Result]':
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    @property
    def is_recent(self) -> bool:
        """Whether it can still be released."""
        return time.monotonic() - self._began < _SECONDS_OF_USE

    def let_go(self) -> None:
        """Let it take effect, before anything that is begun from now on is sent. Does not wait for it."""
        self._body.decide(True)

    def release(self) -> _Result:
        """Let it take effect, if that has not been said yet; return what became of it, or raise the S3Error."""
        self.let_go()
        return self._answer.result()

    def abandon(self) -> None:
        """Let it take no effect, unless it was released."""
        self._body.decide(False)
