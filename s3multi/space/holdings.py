# SPDX-License-Identifier: Apache-2.0
"""What one upload holds, and the sums by bucket. No I/O."""
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappush, heappushpop

from s3multi.upload.names import Upload

OPEN, ABORTING, ABORTED, OBJECT, ELSEWHERE = 'open', 'aborting', 'aborted', 'object', 'elsewhere'
MEANINGS = {
    OPEN: 'in progress',
    ABORTING: 'an Abort has begun; the sweep ends it',
    ABORTED: 'aborted; the sweep frees the parts that are left',
    OBJECT: 'completed, and the object is at its key',
    ELSEWHERE: 'completed, and not at its key: an older version, a copy, or parts that the sweep frees',
}
KINDS = tuple(MEANINGS)


@dataclass(frozen=True)
class Holding:
    """What an upload holds in its segments container.

    kind: one of ``KINDS``. initiator: who began it; '' if unknown. parts: numbers of which there is an attempt.
    attempts: all of them. bytes: of all attempts.
    """

    upload: Upload
    kind: str
    initiator: str = ''
    parts: int = 0
    attempts: int = 0
    bytes: int = 0

    @property
    def began(self) -> float:
        """When the upload was initiated, in seconds since the epoch."""
        return self.upload.ticks / 100000


@dataclass
class BucketSum:
    """The sums of one bucket. uploads, bytes: by kind."""

    account: str
    bucket: str
    uploads: 'Counter[str]' = field(default_factory=Counter)
    attempts: 'Counter[str]' = field(default_factory=Counter)
    bytes: 'Counter[str]' = field(default_factory=Counter)

    def add(self, holding: Holding) -> None:
        """Count an upload."""
        self.uploads[holding.kind] += 1
        self.attempts[holding.kind] += holding.attempts
        self.bytes[holding.kind] += holding.bytes

    @property
    def unfinished_bytes(self) -> int:
        """The bytes that are not, as far as this tells, those of an object: what an operator may get back."""
        return sum(self.bytes[kind] for kind in KINDS if kind != OBJECT)


class Largest:
    """Keeps the uploads that hold the most bytes, of all that are added but those whose object is at its key."""

    def __init__(self, most: int) -> None:
        """most: how many are kept."""
        self._most = most
        self._heap: list[tuple[int, str, str, Holding]] = []

    def add(self, holding: Holding) -> None:
        """Keep an upload if it is among the largest."""
        if holding.kind == OBJECT or not holding.bytes and holding.kind == ABORTED:
            return
        entry = (holding.bytes, holding.upload.container, holding.upload.id, holding)
        if len(self._heap) < self._most:
            heappush(self._heap, entry)
        elif self._most:
            heappushpop(self._heap, entry)

    def __iter__(self) -> Iterator[Holding]:
        """Return them, the largest first."""
        return iter([holding for *_, holding in sorted(self._heap, reverse=True)])


def largest_first(sums: 'Iterable[BucketSum]') -> 'list[BucketSum]':
    """Return buckets by the bytes that are not of objects, then by all bytes; the largest first."""
    return sorted(sums, key=lambda each: (-each.unfinished_bytes, -sum(each.bytes.values()), each.account, each.bucket))
