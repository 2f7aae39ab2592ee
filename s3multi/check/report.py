# SPDX-License-Identifier: Apache-2.0
"""The report of a check: a line for everything that is broken or could not be told, and the sum at the end.

``doc/check`` specifies the JSON form and the exit codes.
"""
import time
from collections import Counter
from typing import Any, TextIO

from s3multi.check.asking import Asking
from s3multi.check.objects import Outcome, State
from s3multi.check.rules import Problem, mender
from s3multi.commands.lines import Lines, shown
from s3multi.commands.position import Position

# Exit codes.
OK, BROKEN, NOT_DONE = range(3)
# Of one object so many problems are told.
_MOST_PROBLEMS = 100


class Report:
    """Writes the report while the check goes on, and counts."""

    def __init__(self, out: TextIO, progress: 'TextIO | None', *, as_json: bool, verbose: bool) -> None:
        """progress: a terminal on which to show it, or None. as_json: whether lines are JSON documents.

        verbose: whether to report objects of which there is nothing to say, too.
        """
        self._lines = Lines(out, progress, as_json)
        self._verbose = verbose
        self._began = time.monotonic()
        self.objects: Counter[State] = Counter()
        self.buckets = self.unread = self.segments = self.size = 0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome; report it if something is wrong or not known, or if everything is to be reported."""
        self.objects[outcome.state] += 1
        self.segments += outcome.segments
        self.size += outcome.size
        object = outcome.candidate
        if self._verbose or outcome.state in (State.BROKEN, State.UNDECIDED):
            self._lines.say({
                'event': 'object', 'account': object.account, 'bucket': object.bucket, 'key': object.key,
                'version': object.version, 'outcome': outcome.state.value, 'maker': outcome.maker,
                'upload': outcome.upload, 'segments': outcome.segments, 'bytes': outcome.size,
                'problems': [_fields(problem) for problem in outcome.problems[:_MOST_PROBLEMS]],
                'problem_count': len(outcome.problems), 'reason': outcome.reason}, _text(outcome))
        self.show('%s/%s' % (object.account, object.bucket))

    def unreadable(self, account: str, bucket: 'str | None', error: BaseException) -> None:
        """Count and report that an account, or one bucket of it, could not be read.

        account: its name, or the place where its name should have been found. bucket: None for the account.
        """
        self.unread += 1
        place = account if bucket is None else '%s/%s' % (account, bucket)
        self._lines.say({'event': 'unreadable', 'account': account, 'bucket': bucket, 'reason': _reason(error)},
                        '%s cannot be checked: %s' % (shown(place), shown(_reason(error))))

    def show(self, place: str) -> None:
        """Show on the terminal that the check is at ``place``."""
        self._lines.show(lambda: '%s: %d objects in %d buckets, %d broken' % (
            shown(place), sum(self.objects.values()), self.buckets, self.objects[State.BROKEN]))

    def end(self, asking: Asking, position: 'Position | None', interrupted: bool) -> int:
        """Report the sum; return the exit code.

        position: how far it has come; None if it has come to the end. interrupted: whether somebody has ended it.
        """
        seconds = time.monotonic() - self._began
        counts = ', '.join('%d %s' % (count, state.value) for state, count in sorted(
            self.objects.items(), key=lambda item: item[0].value)) or 'none'
        where = '' if position is None else ' It ended early, at %s/%s/"%s".' % (
            shown(position.account), shown(position.bucket), shown(position.name))
        self._lines.say({
            'event': 'report', 'buckets': self.buckets, 'objects': {state.value: count for state, count in
                                                                    self.objects.items()},
            'segments': self.segments, 'bytes': self.size, 'bytes_read': asking.bytes, 'requests': asking.requests,
            'seconds': round(seconds, 3), 'unreadable': self.unread, 'interrupted': interrupted,
            'position': None if position is None else vars(position)},
            '%d buckets; objects: %s; %d segments of %d bytes; %d requests in %.0f seconds.%s' % (
                self.buckets, counts, self.segments, self.size, asking.requests, seconds, where))
        if self.objects[State.BROKEN]:
            return BROKEN
        return NOT_DONE if self.unread or self.objects[State.UNDECIDED] or interrupted else OK


def _reason(error: BaseException) -> str:
    return '%s: %s' % (type(error).__name__, error)


def _fields(problem: Problem) -> 'dict[str, Any]':
    who, advice = mender(problem)
    seen = problem.seen
    return {'what': problem.finding.value, 'segment': problem.path, 'etag': problem.etag, 'bytes': problem.size,
            'found_etag': seen.etag, 'found_bytes': seen.size,
            'time': seen.written.isoformat if seen.written else None,
            'listed': problem.is_listed, 'detail': problem.detail, 'mender': who.value, 'advice': advice}


def _text(outcome: Outcome) -> str:
    object = outcome.candidate
    version = '' if object.version == 'null' else ' version %s' % shown(object.version)
    lines = ['%s/%s/"%s"%s: %s%s' % (
        shown(object.account), shown(object.bucket), shown(object.key), version, outcome.state.value,
        ' (%s)' % shown(outcome.reason) if outcome.reason else '')]
    for problem in outcome.problems[:_MOST_PROBLEMS]:
        who, advice = mender(problem)
        what = [problem.finding.value, shown(problem.path), shown(problem.detail)]
        lines.append('  %s\n    %s: %s' % (' '.join(filter(None, what)), who.value, shown(advice)))
    more = len(outcome.problems) - _MOST_PROBLEMS
    return '\n'.join(lines + (['  and %d more' % more] if more > 0 else []))
