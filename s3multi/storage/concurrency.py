# SPDX-License-Identifier: Apache-2.0
"""Several requests at once, requests asked ahead of time, and work that goes on behind the answer."""
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import eventlet
from eventlet.greenthread import GreenThread
from swift.common.utils import StreamingPile

from s3multi.s3.errors import S3Error

_Item = TypeVar('_Item')
_Result = TypeVar('_Result')

# Everything that a piece of work can fail with: time-outs of eventlet are no Exceptions.
FAILURES = (Exception, eventlet.Timeout)


def concurrently(concurrency: int, ask: 'Callable[[_Item], _Result]', items: 'Iterable[_Item]') -> Iterator[_Result]:
    """Yield what ``ask`` returns for each item, in any order; when all are done raise the first error, if any."""
    errors: list[BaseException] = []

    def guarded(item: _Item) -> 'tuple[_Result, ...]':
        # The pile would drop what raises.
        try:
            return (ask(item),)
        except FAILURES as error:
            errors.append(error)
            return ()

    with StreamingPile(concurrency) as pile:
        for results in pile.asyncstarmap(guarded, ((item,) for item in items)):
            yield from results
    if errors:
        raise errors[0]


def spawn(logger: Any, task: 'Callable[[], _Result]') -> GreenThread:
    """Run ``task`` in a green thread of its own, which logs as the present request does; return the thread."""
    thread_locals = logger.thread_locals

    def run() -> '_Result':
        logger.thread_locals = thread_locals
        return task()

    return eventlet.spawn(run)


def behind(logger: Any, complaint: str, task: 'Callable[[], None]') -> GreenThread:
    """Run ``task`` while, and after, the client is answered; return its thread, which never raises.

    complaint: what the log says, before the error, when the task fails.
    """
    def run() -> None:
        try:
            task()
        except S3Error as error:
            # Swift could not be asked: no defect, so no traceback.
            logger.warning('%s: %s', complaint, error)
        except FAILURES:
            logger.exception(complaint)

    return spawn(logger, run)


class Later(Generic[_Result]):
    """An answer of Swift that is asked for ahead of time, beside other work."""

    def __init__(self, logger: Any, ask: 'Callable[[], _Result]') -> None:
        """ask: may raise S3Error, which ``result`` then raises, and which is lost when nobody asks for the result."""
        def outcome() -> '_Result | S3Error':
            try:
                return ask()
            except S3Error as error:
                return error

        self._thread = spawn(logger, outcome)

    def result(self) -> _Result:
        """Wait for the answer and return it, or raise the S3Error that it is."""
        outcome: _Result | S3Error = self._thread.wait()
        if isinstance(outcome, S3Error):
            raise outcome
        return outcome
