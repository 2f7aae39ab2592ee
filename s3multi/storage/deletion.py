# SPDX-License-Identifier: Apache-2.0
"""Deleting many parts at once: how many before the answer, and the queue of Swift's object expirer for the rest.

A batch goes to the queue in one request, as in SLO's asynchronous deletes (``handle_async_delete`` in
``swift/common/middleware/slo.py``).
"""
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import simplejson as json
from swift.cli.container_deleter import make_delete_jobs
from swift.common.utils import Timestamp

try:
    from swift.obj.expirer import ExpirerConfig
except ImportError:     # Swift 2.34
    from swift.common.utils import get_expirer_container
    ExpirerConfig = None

_BATCH_NAMES = 10000
# Names may be a kilobyte long, and each job holds one.
_BATCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Job:
    """A batch for the queue: the account and container of the queue, and the body of the request."""

    account: str
    container: str
    body: bytes


class ExpiryQueue:
    """Makes batches for the object expirer. conf: its options, where an operator has changed Swift's defaults."""

    def __init__(self, conf: Mapping[str, str], logger: Any) -> None:
        self._config = ExpirerConfig(conf, logger=logger) if ExpirerConfig else None
        self._account = '.' + conf.get('expiring_objects_account_name', 'expiring_objects')
        self._divisor = int(conf.get('expiring_objects_container_divisor', 86400))

    def job(self, account: str, container: str, names: 'list[str]', at: Timestamp) -> Job:
        """Return the batch that deletes the objects ``names`` (native text) unless they are newer than ``at``."""
        if self._config:
            queue, place = self._config.get_expirer_account_and_container(at, account, container, names[0])
        else:
            queue = self._account
            place = get_expirer_container(at, self._divisor, account, container, names[0])
        return Job(queue, place, json.dumps(make_delete_jobs(account, container, names, at)).encode('ascii'))


@dataclass(frozen=True)
class Freeing:
    """How parts are deleted: up to ``immediate`` at once, ``concurrency`` at a time; more by ``queue``, if any."""

    concurrency: int
    immediate: int
    queue: 'ExpiryQueue | None'


def batches(names: Iterable[str]) -> 'Iterator[list[str]]':
    """Cut ``names`` into batches that one request can carry."""
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
