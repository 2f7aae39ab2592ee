# SPDX-License-Identifier: Apache-2.0
"""The run of a check: one place after the other, several objects at a time."""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from s3multi.check.asking import Stopped, Undecided
from s3multi.check.objects import Candidate, Objects, Outcome, State
from s3multi.check.report import Report
from s3multi.check.walk import Walk
from s3multi.commands.arguments import Place
from s3multi.commands.cluster import ReachedCluster
from s3multi.commands.position import Position, PositionFile, Trail
from s3multi.storage.concurrency import FAILURES, concurrently


@dataclass
class Check:
    """Checks one place after the other. left: how many more objects to look at; None for all."""

    walk: Walk
    objects: Objects
    report: Report
    trail: Trail
    file: PositionFile
    stop: Callable[[], bool]
    left: 'int | None' = None

    def ends(self) -> bool:
        """Return whether to look at no more objects."""
        return self.left == 0 or self.stop()

    def all(self, cluster: ReachedCluster, wanted: 'Sequence[Place]') -> None:
        """Check places, which are in order, from the position on, until ``ends``."""
        start = self.trail.position
        for account, only in wanted:
            if account < start.account:
                continue
            try:
                for bucket in [only] if only is not None else buckets(cluster, account):
                    if (account, bucket) < (start.account, start.bucket):
                        continue
                    if self.ends():
                        return
                    self._bucket(account, bucket, start if (account, bucket) == (start.account, start.bucket)
                                 else Position(account, bucket))
            except FAILURES as error:
                self.report.unreadable(account, None, error)

    def _bucket(self, account: str, bucket: str, start: Position) -> None:
        self.report.buckets += 1
        self.report.show('%s/%s' % (account, bucket))
        self.trail.begin(start)
        self.trail.end(start)
        try:
            for outcome in concurrently(self.objects.concurrency, self._look, self._candidates(start)):
                if outcome is not None:
                    self._add(outcome)
        except FAILURES as error:
            self.report.unreadable(account, bucket, error)

    def _candidates(self, start: Position) -> Iterator[Candidate]:
        for page in self.walk.candidates(start.account, start.bucket, start.name, start.within):
            for candidate in page:
                if self.ends():
                    return
                if self.left is not None:
                    self.left -= 1
                self.trail.begin(_position(candidate))
                yield candidate

    def _look(self, candidate: Candidate) -> 'Outcome | None':
        try:
            return self.objects.look(candidate)
        except Stopped:
            return None
        except FAILURES as error:
            return Outcome(candidate, State.UNDECIDED, reason=str(error) or type(error).__name__)

    def _add(self, outcome: Outcome) -> None:
        self.trail.end(_position(outcome.candidate))
        if outcome.state is not State.PLAIN:
            self.report.add(outcome)
        self.file.write_now_and_then(self.trail.position)


def _position(candidate: Candidate) -> Position:
    return Position(candidate.account, candidate.bucket, candidate.key, candidate.version)


def buckets(cluster: ReachedCluster, account: str) -> Iterator[str]:
    """Yield the containers of an account that clients can see. Raises Undecided for an account that does not exist."""
    head = cluster.client.make_request('HEAD', cluster.client.make_path(account), {}, (2, 404))
    if head.status_int == 404 or 'X-Backend-Fake-Account-Listing' in head.headers:
        raise Undecided('there is no such account')
    for row in cluster.client.iter_containers(account):
        # Those of Swift's reserved namespace hold versions, which are looked at with their bucket, and markers.
        if not row['name'].startswith('\0'):
            yield row['name']
