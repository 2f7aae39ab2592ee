# SPDX-License-Identifier: Apache-2.0
"""What s3multi counts and times, sent to StatsD by Swift's own clients, in Swift's two forms.

Plain names, as Swift always had them, begin with ``s3multi.``, behind the operator's own prefix. Labelled metrics begin
with ``swift_s3multi_``; Swift 2.36 and later send them if ``statsd_label_mode`` is set
(``swift/common/statsd_client.py``). ``COUNTERS`` is the whole list, for the product and for the page "Metrics".
"""
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

try:
    from swift.common.statsd_client import get_labeled_statsd_client
except ImportError:     # Swift 2.34 and 2.35
    get_labeled_statsd_client = None


@dataclass(frozen=True)
class Counter:
    """Something that is counted.

    name: its words, joined by points. label: what ``value`` of ``Metrics.count`` says, '' if there is no such thing.
    values: all that it may be. meaning, normal: for the page.
    """

    name: str
    meaning: str
    normal: str
    label: str = ''
    values: 'tuple[str, ...]' = ()


COMPLETES = Counter(
    'complete', 'Completes that have succeeded although they have not made the object alone: joined, with another one '
    'of the same list at the same time; repeated, after one, also if its proxy died and this one did the rest.',
    'A few: clients repeat what took long. Many: heartbeat_interval or a time-out of the clients is too short.',
    'how', ('joined', 'repeated'))
COMPLETES_REFUSED = Counter(
    'complete.refused', 'Completes that were answered 503 (condition: 409) since they have to be repeated: rival, '
    'another one is at work, or closing the upload, or has just made the object; abort, an Abort is under way; '
    'condition, another one with a condition writes to the key; slow, too much time has passed since its intent, or '
    'since the one to be joined; clock, a part or what is at the key has a time ahead of this proxy.',
    'clock: 0. slow: 0, unless proxies die. The others: a few, where clients send the same thing twice.', 'reason',
    ('rival', 'abort', 'condition', 'slow', 'clock'))
UPLOADS_NOTED = Counter(
    'hints.upload', 'Completes by whether the cache noted their upload as open: that saves a request, and time.',
    'used: most of those within an hour of their Initiate. Only missing: the cache does not work.', 'found',
    ('used', 'missing'))
PARTS_NOTED = Counter(
    'hints.parts', 'The parts that Completes list, by whether the cache noted an attempt at them. Where it did not, a '
    'part whose row is late is not found.',
    'used: most of those uploaded within the hour. Only missing: the cache does not work.', 'found',
    ('used', 'missing'))
SHARDS_ASKED = Counter(
    'shards.asked', 'Shards of a segments container, or of one of markers, that were listed by themselves, because '
    'Swift does not list them yet or any more.',
    '0, except while such a container is being sharded or its shards shrink.')
LATE_ROWS = Counter(
    'parts.late', 'Attempts at a part that were found by the note of their Upload Part, because their rows were late.',
    'A few. Many: a container server is overloaded, or its updates pile up on the object servers.')
FREED_PARTS = Counter(
    'parts.freed', 'Attempts that were freed: deleted by s3multi, or handed to the object expirer; or left, since a '
    'deletion failed: a repeat of the request or the sweep frees them.', 'left: 0.', 'how',
    ('deleted', 'queued', 'left'))
FREED_BYTES = Counter(
    'bytes.freed', 'The bytes of those attempts. An attempt whose row is late counts as 0: its size is not known.',
    'left: 0.', 'how', ('deleted', 'queued', 'left'))
BEHIND = Counter(
    'behind', 'Work behind an answer, such as freeing parts. What has begun and not ended is in flight; what has '
    'failed is in the log.', 'begun and ended keep up with each other; failed: 0.', 'state',
    ('begun', 'ended', 'failed'))
COUNTERS = (COMPLETES, COMPLETES_REFUSED, UPLOADS_NOTED, PARTS_NOTED, SHARDS_ASKED, LATE_ROWS, FREED_PARTS, FREED_BYTES,
            BEHIND)


class Metrics:
    """Sends metrics, if the operator has configured a ``log_statsd_host``."""

    def __init__(self, plain: Any = None, labelled: Any = None) -> None:
        """plain: a Swift logger, whose prefix is ``s3multi``. labelled: Swift's client for labelled metrics. None: such
        metrics are not sent."""
        self._plain = plain
        self._labelled = labelled

    @classmethod
    def of(cls, logger: Any, conf: 'Mapping[str, str]') -> 'Metrics':
        """Return those that go where ``conf``, [DEFAULT] and the filter's section, says."""
        return cls(logger, get_labeled_statsd_client(dict(conf), logger.logger) if get_labeled_statsd_client else None)

    def operation(self, name: str, status: int, code: str, seconds: float, account: str, bucket: str) -> None:
        """Time an operation. name: as Amazon has it. code: that of the S3 error, '' without one."""
        if self._plain:
            # As the middleware proxy-logging names what it times.
            self._plain.timing('%s.%d.timing' % (name, status), seconds * 1000)
            if code:
                self._plain.increment('%s.%d.%s' % (name, status, code))
        if self._labelled:
            self._labelled.timing('swift_s3multi_operation_timing', seconds * 1000, labels={
                'operation': name, 'status': status, 'account': _label(account), 'container': _label(bucket),
                **({'error': code} if code else {})})

    def count(self, counter: Counter, value: str = '', amount: int = 1) -> None:
        """Add to a counter. value: one of its ``values``, if it has a label."""
        if self._plain and amount:
            self._plain.update_stats('.'.join(filter(None, (counter.name, value))), amount)
        if self._labelled and amount:
            self._labelled.update_stats('swift_s3multi_' + counter.name.replace('.', '_'), amount,
                                        labels={counter.label: value} if counter.label else {})


def _label(name: str) -> str:
    """Return a name that somebody has chosen, as the value of a label: Swift sends it as it is, in a line of text."""
    return re.sub(r'[^0-9A-Za-z_.-]', '_', name)
