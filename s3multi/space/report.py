# SPDX-License-Identifier: Apache-2.0
"""The report in JSON and as text. ``doc/space`` specifies the JSON form and the exit codes."""
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from s3multi.commands.lines import Lines, shown
from s3multi.commands.queue import QueueState
from s3multi.space.holdings import KINDS, MEANINGS, BucketSum, Holding, Largest, largest_first

# Exit codes.
OK, INCOMPLETE, CANNOT_START, INTERRUPTED = range(4)
_UNITS = ('bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')


def show_bytes(size: float) -> str:
    """Return a number of bytes for people: ``17 bytes``, ``1.5 GiB``."""
    if size == 1:
        return '1 byte'
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return '%d %s' % (size, _UNITS[unit]) if unit == 0 or size >= 100 else '%.1f %s' % (size, _UNITS[unit])


def show_age(seconds: float) -> str:
    """Return a time for people: ``3 days``, ``5 hours``, ``2 minutes``."""
    for length, name in ((86400, 'days'), (3600, 'hours'), (60, 'minutes')):
        if seconds >= 2 * length:
            return '%d %s' % (seconds // length, name)
    return '%d seconds' % seconds


@dataclass(frozen=True)
class Finding:
    """All that was found. buckets, uploads: the largest first. unread: how many places could not be read.

    queue: None if it was not, or could not be, looked at. now: when it was found, in seconds since the epoch.
    """

    buckets: 'Sequence[BucketSum]'
    uploads: 'Sequence[Holding]'
    unread: int
    queue: 'QueueState | None'
    interrupted: bool
    now: float

    def total(self, kind: str) -> 'tuple[int, int, int]':
        """Return how many uploads of a kind there are, their attempts, and their bytes."""
        return (sum(each.uploads[kind] for each in self.buckets), sum(each.attempts[kind] for each in self.buckets),
                sum(each.bytes[kind] for each in self.buckets))


class Report:
    """Collects what is found, and shows where the command is."""

    def __init__(self, out: TextIO, progress: 'TextIO | None', as_json: bool, top: int) -> None:
        """progress: a terminal on which to show it, or None. top: how many uploads, and in text buckets, to tell of."""
        self._lines = Lines(out, progress, as_json)
        self._as_json = as_json
        self._top = top
        self._largest = Largest(top)
        self._sums: dict[tuple[str, str], BucketSum] = {}
        self._unread = 0

    def add(self, holding: Holding) -> None:
        """Count what an upload holds."""
        place = holding.upload.account, holding.upload.bucket
        self._sums.setdefault(place, BucketSum(*place)).add(holding)
        self._largest.add(holding)
        self.show('%s/%s' % place)

    def unreadable(self, account: str, bucket: 'str | None', error: BaseException) -> None:
        """Count and report that an account, or one bucket of it, could not be read."""
        self._unread += 1
        reason = '%s: %s' % (type(error).__name__, error)
        self._lines.say({'event': 'unreadable', 'account': account, 'bucket': bucket, 'reason': reason},
                        '%s cannot be read: %s' % (shown(account if bucket is None else '%s/%s' % (account, bucket)),
                                                   shown(reason)))

    def show(self, place: str) -> None:
        """Show on the terminal that the command is at ``place``."""
        self._lines.show(lambda: '%s: %d buckets' % (shown(place), len(self._sums)))

    def end(self, interrupted: bool, queue: 'QueueState | None') -> Finding:
        """Write the report, and return what was found."""
        found = Finding(largest_first(self._sums.values()), list(self._largest), self._unread, queue, interrupted,
                        time.time())
        for line in json_lines(found) if self._as_json else text_lines(found, self._top):
            self._lines.say(line if isinstance(line, dict) else {}, str(line))
        return found


def exit_code(found: Finding) -> int:
    """Return the exit code of the command."""
    return INTERRUPTED if found.interrupted else INCOMPLETE if found.unread else OK


def json_lines(found: Finding) -> 'Iterator[dict[str, Any]]':
    """Yield the documents: one for each bucket and each of the largest uploads, and the sums."""
    for each in found.buckets:
        yield {'event': 'bucket', 'account': each.account, 'bucket': each.bucket, 'kinds': {
            kind: _numbers(each.uploads[kind], each.attempts[kind], each.bytes[kind]) for kind in each.uploads}}
    for holding in found.uploads:
        upload = holding.upload
        yield {'event': 'upload', 'account': upload.account, 'bucket': upload.bucket, 'key': upload.key,
               'upload': upload.id, 'kind': holding.kind, 'initiator': holding.initiator,
               'initiated': _iso(holding.began), 'age_seconds': round(found.now - holding.began),
               'parts': holding.parts, 'attempts': holding.attempts, 'bytes': holding.bytes}
    queue = found.queue
    yield {'event': 'report', 'interrupted': found.interrupted, 'unreadable': found.unread,
           'buckets': len(found.buckets), 'kinds': {kind: _numbers(*found.total(kind)) for kind in KINDS},
           'expirer_queue': {'length': queue.length, 'overdue_seconds': round(queue.overdue),
                             'unreported': queue.unreported} if queue else None,
           'warnings': queue.warnings if queue else []}


def text_lines(found: Finding, top: int) -> 'Iterator[str]':
    """Yield the lines for people. top: how many buckets are shown."""
    yield '%-12s %9s %9s %12s   %s' % ('', 'uploads', 'attempts', 'bytes', '')
    for kind, meaning in MEANINGS.items():
        uploads, attempts, size = found.total(kind)
        yield '%-12s %9d %9d %12s   %s' % (kind, uploads, attempts, show_bytes(size), meaning)
    buckets = [each for each in found.buckets if each.unfinished_bytes][:top]
    if buckets:
        yield ''
        yield 'Buckets with the most bytes that are no object\'s at its key:'
        for each in buckets:
            yield '%12s  %s' % (show_bytes(each.unfinished_bytes), shown('%s/%s' % (each.account, each.bucket)))
    if found.uploads:
        yield ''
        yield 'Uploads with the most bytes:'
        for holding in found.uploads:
            upload = holding.upload
            yield '%12s  %-9s %12s  %s/%s/"%s" %s%s' % (
                show_bytes(holding.bytes), holding.kind, show_age(found.now - holding.began), shown(upload.account),
                shown(upload.bucket), shown(upload.key), upload.id,
                ' by %s' % shown(holding.initiator) if holding.initiator else '')
    if found.queue:
        yield ''
        yield 'The queue of the object expirer holds %d tasks.' % found.queue.length
        yield from map(shown, found.queue.warnings)
    if found.interrupted:
        yield 'Interrupted: this is not all.'


def _numbers(uploads: int, attempts: int, size: int) -> 'dict[str, int]':
    return {'uploads': uploads, 'attempts': attempts, 'bytes': size}


def _iso(seconds: float) -> str:
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))
