# SPDX-License-Identifier: Apache-2.0
"""Several requests at once, requests sent ahead of time, and work that goes on after the answer."""
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import eventlet
from eventlet.greenthread import GreenThread
from eventlet.semaphore import Semaphore
from swift.common.utils import StreamingPile

from s3multi.s3.errors import S3Error
from s3multi.storage.metrics import BEHIND, Metrics

_Item = TypeVar('_Item')
_Result = TypeVar('_Result')

# Everything with which work can fail. Time-outs of eventlet are not Exceptions.
FAILURES = (Exception, eventlet.Timeout)


def concurrently(concurrency: int, ask: 'Callable[[_Item], _Result]', items: 'Iterable[_Item]') -> Iterator[_Result]:
    """Yield what ``ask`` returns for each item, in any order; raise the first error after all items are done.

    concurrency: how many calls at a time.
    """
    errors: list[BaseException] = []

    def caught(item: _Item) -> 'tuple[_Result, ...]':
        # StreamingPile drops a call that raises.
        try:
            return (ask(item),)
        except FAILURES as error:
            errors.append(error)
            return ()

    with StreamingPile(concurrency) as pile:
        for results in pile.asyncstarmap(caught, ((item,) for item in items)):
            yield from results
    if errors:
        raise errors[0]


def spawn(logger: Any, task: 'Callable[[], _Result]') -> GreenThread:
    """Run ``task`` in a new green thread, whose log lines name the present request; return the thread."""
    thread_locals = logger.thread_locals

    def run() -> '_Result':
        logger.thread_locals = thread_locals
        return task()

    return eventlet.spawn(run)


class Behind:
    """Work that goes on while clients are answered, and after: so much of it at a time, in all requests together."""

    def __init__(self, logger: Any, metrics: Metrics, most: int = 200) -> None:
        """metrics: where the work is counted. most: how much may be under way; more waits, and its client with it."""
        self._logger = logger
        self._metrics = metrics
        self._turns = Semaphore(most)

    def run(self, complaint: str, task: 'Callable[[], None]') -> GreenThread:
        """Run ``task`` in a new green thread, and return that. It never raises.

        complaint: the text that the log shows, before the error, if the task fails.
        """
        def run() -> None:
            try:
                # A thread that waits for the one which has called sends the answer first.
                eventlet.sleep(0)
                task()
            except S3Error as error:
                self._metrics.count(BEHIND, 'failed')
                # Swift has trouble. That is no defect of ours, so the log gets no traceback.
                self._logger.warning('%s: %s', complaint, error)
            except FAILURES:
                self._metrics.count(BEHIND, 'failed')
                self._logger.exception(complaint)
            finally:
                self._turns.release()
                self._metrics.count(BEHIND, 'ended')

        # So clients cannot begin more than the cluster can do.
        self._turns.acquire()
        self._metrics.count(BEHIND, 'begun')
        return spawn(self._logger, run)


class Later(Generic[_Result]):
    """An answer of Swift that is asked for before it is needed, while other work goes on.

    The end of a ``with`` block waits for it. If an S3Error came instead, that is raised, whatever the block has raised.
    """

    def __init__(self, logger: Any, ask: 'Callable[[], _Result]') -> None:
        """Begin to ask. ask: an S3Error that it raises is raised by ``result``, and lost if nobody calls that."""
        def outcome() -> '_Result | S3Error':
            try:
                return ask()
            except S3Error as error:
                return error

        self._thread = spawn(logger, outcome)

    def __enter__(self) -> 'Later[_Result]':
        return self

    def __exit__(self, *_: object) -> None:
        self.result()

    def check(self) -> None:
        """Raise the S3Error that came instead of the answer, if it has come already."""
        if self._thread.dead:
            self.result()

    def result(self) -> _Result:
        """Wait for the answer, and return it or raise the S3Error that came instead."""
        outcome: _Result | S3Error = self._thread.wait()
        if isinstance(outcome, S3Error):
            raise outcome
        return outcome
