# SPDX-License-Identifier: Apache-2.0
"""The run of a sweep: one bucket after the other, in an order that the next run can go on with."""
from collections.abc import Sequence
from dataclasses import dataclass

from s3multi.commands.arguments import Place
from s3multi.commands.cluster import ReachedCluster
from s3multi.commands.interrupt import Stop
from s3multi.commands.position import Position, PositionFile, Trail
from s3multi.storage.concurrency import FAILURES
from s3multi.sweep.bucket import Sweep
from s3multi.sweep.claim import Elsewhere
from s3multi.sweep.report import Report


@dataclass
class Run:
    """Sweeps one bucket after the other. trail: follows what is done. kept: keeps that in a file."""

    sweep: Sweep
    cluster: ReachedCluster
    report: Report
    trail: Trail
    kept: PositionFile
    stop: Stop

    def all(self, wanted: 'Sequence[Place]') -> None:
        """Sweep places, which are in order, from the position on, until ``stop`` says so.

        A place that cannot be read is reported, and does not end the sweep.
        """
        start = self.trail.position
        for account, only in wanted:
            if account < start.account:
                continue
            for bucket in self._buckets(account, only):
                if (account, bucket) < (start.account, start.bucket):
                    continue
                if self.stop():
                    return
                self._bucket(start if (account, bucket) == (start.account, start.bucket)
                             else Position(account, bucket))

    def _buckets(self, account: str, only: 'str | None') -> 'list[str]':
        """Return, in order, the buckets that are to be swept, as far as they can be read."""
        found: list[str] = []
        try:
            for bucket in self.cluster.wanted(account, only):
                found.append(bucket)
        except FAILURES as error:
            self.report.unreadable(account, only, error)
        return sorted(found)

    def _bucket(self, start: Position) -> None:
        self.report.containers += 1
        self.report.show('%s/%s' % (start.account, start.bucket))
        self.trail.begin(start)
        self.trail.end(start)
        try:
            for outcome in self.sweep.bucket(start.account, start.bucket, self.stop, self.trail):
                self.report.add(outcome)
                self.kept.write_now_and_then(self.trail.position)
        except Elsewhere:
            self.report.elsewhere(start.account, start.bucket)
        except FAILURES as error:
            self.report.unreadable(start.account, start.bucket, error)
