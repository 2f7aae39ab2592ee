# SPDX-License-Identifier: Apache-2.0
"""The report of a sweep: a line for everything that it changed or could not do, its progress, and the sum at the end.

``doc/sweep`` specifies the JSON form and the exit codes.
"""
from collections import Counter
from collections.abc import Sequence
from typing import Any, TextIO

from s3multi.commands.interrupt import SIGNAL
from s3multi.commands.lines import Lines, shown
from s3multi.commands.position import Position
from s3multi.sweep.judge import CHANGES, FAILED, Outcome
from s3multi.commands.queue import QueueState

# Exit codes.
OK, INCOMPLETE, CANNOT_START, INTERRUPTED, QUEUE_STUCK, ENDED_EARLY = range(6)
_VERBS = {'finished': 'end', 'aborted': 'abort', 'freed': 'free', 'forgotten': 'forget'}


class Report:
    """Writes the report to ``out`` while the sweep goes on, and counts. last: the document with the sums."""

    def __init__(self, out: TextIO, progress: 'TextIO | None', *, as_json: bool, applied: bool, verbose: bool) -> None:
        """progress: a terminal on which to show it, or None.

        as_json: whether lines are JSON documents. applied: whether the sweep makes its changes. verbose: whether to
        report uploads that are left as they are, too.
        """
        self._lines = Lines(out, progress, as_json)
        self._say = self._lines.say
        self._applied = applied
        self._verbose = verbose
        self.uploads: Counter[str] = Counter()
        self.parts = self.bytes = self.containers = self.unread = self.others = 0
        self.last: dict[str, Any] = {}

    def add(self, outcome: Outcome) -> None:
        """Count an outcome; report it if it is a change or a failure, or if everything is to be reported."""
        self.uploads[outcome.what] += 1
        self.parts += outcome.parts
        self.bytes += outcome.bytes
        upload = outcome.upload
        if self._verbose or outcome.what in (*CHANGES, FAILED):
            self._say({'event': 'upload', 'account': upload.account, 'bucket': upload.bucket, 'key': upload.key,
                       'upload': upload.id, 'outcome': outcome.what, 'applied': self._applies(outcome),
                       'parts': outcome.parts, 'bytes': outcome.bytes, 'reason': outcome.reason},
                      self._line(outcome))
        self.show('%s/%s' % (upload.account, upload.bucket))

    def unreadable(self, account: str, bucket: 'str | None', error: BaseException) -> None:
        """Count and report that an account, or one bucket of it, could not be read.

        account: its name, or the place where its name should have been found. bucket: None for the account.
        """
        self.unread += 1
        place = account if bucket is None else '%s/%s' % (account, bucket)
        reason = '%s: %s' % (type(error).__name__, error)
        self._say({'event': 'unreadable', 'account': account, 'bucket': bucket, 'reason': reason},
                  '%s cannot be swept: %s' % (shown(place), shown(reason)))

    def elsewhere(self, account: str, bucket: str) -> None:
        """Count and report that another run is sweeping a bucket, which was left to that."""
        self.others += 1
        self._say({'event': 'elsewhere', 'account': account, 'bucket': bucket},
                  '%s/%s is left to another sweep, which is at it' % (shown(account), shown(bucket)))

    def show(self, place: str) -> None:
        """Show on the terminal, at most twice a second, that the sweep is at ``place``."""
        self._lines.show(lambda: '%s: %d uploads in %d containers, %d parts %s' % (
            shown(place), sum(self.uploads.values()), self.containers, self.parts, self._verb('free')))

    def end(self, cause: 'str | None', position: Position, queue: 'QueueState | None',
            warnings: Sequence[str]) -> int:
        """Report the sum; return the exit code.

        cause: why the sweep ended early, as ``Stop`` tells; None if it did not. position: how far it came. queue: None
        when it was not, or could not be, looked at. warnings: what to tell the operator about it.
        """
        state = {'length': queue.length, 'overdue_seconds': round(queue.overdue), 'unreported': queue.unreported
                 } if queue else None
        counts = ', '.join('%d %s' % (count, what) for what, count in sorted(self.uploads.items())) or 'none'
        early = '' if cause is None else 'Ended early (%s) at %s/%s: the rest was not looked at. ' % (
            cause, shown(position.account), shown(position.bucket))
        self.last = {'event': 'report', 'applied': self._applied, 'interrupted': cause == SIGNAL, 'ended_by': cause,
                     'position': None if cause is None else vars(position), 'containers': self.containers,
                     'elsewhere': self.others, 'uploads': dict(self.uploads), 'parts': self.parts, 'bytes': self.bytes,
                     'unreadable': self.unread, 'expirer_queue': state, 'warnings': list(warnings)}
        self._say(self.last, '%s%d containers; uploads: %s; %d parts of %d bytes %s.%s' % (
            early, self.containers, counts, self.parts, self.bytes, self._verb('free'),
            ''.join('\n' + shown(warning) for warning in warnings)))
        if cause == SIGNAL:
            return INTERRUPTED
        if self.unread or self.uploads[FAILED]:
            return INCOMPLETE
        return ENDED_EARLY if cause else QUEUE_STUCK if warnings else OK

    def _applies(self, outcome: Outcome) -> bool:
        return self._applied and outcome.what in CHANGES

    def _verb(self, verb: str) -> str:
        past = {'end': 'ended', 'abort': 'aborted', 'free': 'freed', 'forget': 'forgotten'}[verb]
        return past if self._applied else 'would be ' + past

    def _line(self, outcome: Outcome) -> str:
        upload = outcome.upload
        what = self._verb(_VERBS[outcome.what]) if outcome.what in CHANGES else outcome.what
        details = ['%d parts, %d bytes' % (outcome.parts, outcome.bytes)] if outcome.parts else []
        details += [shown(outcome.reason)] if outcome.reason else []
        return '%s/%s/"%s" %s: %s%s' % (shown(upload.account), shown(upload.bucket), shown(upload.key), upload.id, what,
                                        ' (%s)' % '; '.join(details) if details else '')
