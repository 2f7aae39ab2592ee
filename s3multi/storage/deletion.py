# SPDX-License-Identifier: Apache-2.0
"""Freeing parts: a few are deleted at once, many are handed to Swift's object expirer.

A batch goes to the expirer's queue in one request, as in SLO's asynchronous deletes (``handle_async_delete`` in
``swift/common/middleware/slo.py``).
"""
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import simplejson as json
from swift.cli.container_deleter import make_delete_jobs
from swift.common.utils import Timestamp

from s3multi.s3.errors import ServiceUnavailable
from s3multi.s3.parts import Attempt
from s3multi.storage.concurrency import concurrently
from s3multi.storage.metrics import FREED_BYTES, FREED_PARTS
from s3multi.storage.requests import Backend, Job, Target
from s3multi.upload.names import segments_container
from s3multi.upload.timestamps import swift_time

try:
    from swift.obj.expirer import ExpirerConfig
except ImportError:     # Swift 2.34
    from swift.common.utils import get_expirer_container
    ExpirerConfig = None

_BATCH_NAMES = 10000
# A name may have a kilobyte, and the body of the request holds all of them.
_BATCH_BYTES = 4 * 1024 * 1024


class ExpiryQueue:
    """Makes batches for the object expirer. conf: those of its options whose defaults the operator has changed."""

    def __init__(self, conf: Mapping[str, str], logger: Any) -> None:
        self._config = ExpirerConfig(conf, logger=logger) if ExpirerConfig else None
        self._account = '.' + conf.get('expiring_objects_account_name', 'expiring_objects')
        self._divisor = int(conf.get('expiring_objects_container_divisor', 86400))

    def job(self, account: str, container: str, names: 'list[str]', at: Timestamp) -> Job:
        """Return the batch that deletes the objects ``names`` (native text) as of the time ``at``; newer ones stay."""
        if self._config:
            queue, place = self._config.get_expirer_account_and_container(at, account, container, names[0])
        else:
            queue = self._account
            place = get_expirer_container(at, self._divisor, account, container, names[0])
        return Job(queue, place, json.dumps(make_delete_jobs(account, container, names, at)).encode('ascii'))


@dataclass(frozen=True)
class Freeing:
    """How parts are deleted.

    concurrency: how many requests at a time. immediate: up to how many parts are deleted here; if there are more,
    all go to the queue. queue: None if the cluster does not allow it; then all are deleted here.
    """

    concurrency: int
    immediate: int
    queue: 'ExpiryQueue | None'


@dataclass
class Freed:
    """What was freed by one call."""

    parts: int = 0
    bytes: int = 0


class _Counted:
    """Attempts that are counted as they pass."""

    def __init__(self, attempts: Iterable[Attempt]) -> None:
        self._attempts = attempts
        self.parts = self.bytes = 0

    def __iter__(self) -> Iterator[Attempt]:
        for attempt in self._attempts:
            self.parts += 1
            self.bytes += attempt.size
            yield attempt


class Deletion:
    """Frees parts of one bucket's uploads."""

    def __init__(self, backend: Backend, account: str, bucket: str, freeing: Freeing) -> None:
        self._backend = backend
        self._account = account
        self._container = segments_container(bucket)
        self._freeing = freeing

    def free(self, attempts: Iterable[Attempt], now_ticks: int, most: 'int | None' = None) -> Freed:
        """Delete parts: a few before this returns, many by the object expirer. Return what was there to be deleted now,
        or was handed to the expirer.

        now_ticks: in units of 10 microseconds. most: how many are deleted at once, if fewer than the operator allows.
        Raises an S3 error, mostly ServiceUnavailable, if one may be left.
        """
        few = self._freeing.immediate if most is None else min(most, self._freeing.immediate)
        rest = iter(attempts)
        first = list(islice(rest, few + 1))
        counted = _Counted(chain(first, rest))
        queued = len(first) > few and self._freeing.queue is not None
        how = 'left'
        try:
            if queued:
                assert self._freeing.queue is not None
                self._queue(counted, now_ticks, self._freeing.queue)
                freed = Freed(counted.parts, counted.bytes)
            else:
                freed = self._delete_now(counted, now_ticks)
            how = 'queued' if queued else 'deleted'
            return freed
        finally:
            self._backend.metrics.count(FREED_PARTS, how, counted.parts)
            self._backend.metrics.count(FREED_BYTES, how, counted.bytes)

    def _delete_now(self, attempts: Iterable[Attempt], now_ticks: int) -> Freed:
        freed = Freed()

        def delete(attempt: Attempt) -> int:
            # Later than the part even if the clock of the proxy that stored it is ahead: Swift keeps what is newer.
            status = self._backend.delete(Target(self._container, attempt.name),
                                          swift_time(max(now_ticks, attempt.began_ticks + 1)))
            # It is 404 if somebody else was quicker.
            if status == 204:
                freed.parts += 1
                freed.bytes += attempt.size
            return status

        if 409 in list(concurrently(self._freeing.concurrency, delete, attempts)):
            raise ServiceUnavailable()
        return freed

    def _queue(self, attempts: Iterable[Attempt], now_ticks: int, queue: ExpiryQueue) -> None:
        newest = now_ticks

        def names() -> Iterator[str]:
            nonlocal newest
            for attempt in attempts:
                newest = max(newest, attempt.began_ticks + 1)
                yield attempt.name

        for batch in batches(names()):
            self._backend.enqueue(queue.job(self._account, self._container, batch, swift_time(newest)))


def batches(names: Iterable[str]) -> 'Iterator[list[str]]':
    """Yield ``names`` in batches, each small enough for one request."""
    batch: list[str] = []
    size = 0
    for name in names:
        batch.append(name)
        size += len(name.encode('utf-8', 'surrogateescape'))
        if len(batch) == _BATCH_NAMES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
