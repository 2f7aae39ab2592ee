# SPDX-License-Identifier: Apache-2.0
"""The rules of a check: what is wrong with a segment or an object, and who can mend it. No I/O."""
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

from swift.common.utils import Timestamp

from s3multi.s3.etags import multipart_etag, part_count
from s3multi.upload.manifest import Segment, slo_sums

_NEVER = Timestamp(0)
# SLO reads no deeper (``max_slo_recursion_depth`` in ``swift/common/middleware/slo.py``).
MOST_LEVELS = 10


class Proof(enum.Enum):
    """What has to be shown of a segment: its row in the listing, its metadata on an object server, or its bytes."""

    LISTING = 'listing'
    HEAD = 'head'
    BYTES = 'bytes'


class Finding(enum.Enum):
    """What can be wrong. The first ones are those of a segment, the others those of the object."""

    MISSING = 'missing'
    EXPIRED = 'expired'
    CHANGED = 'changed'
    DAMAGED = 'damaged'
    TOO_DEEP = 'too deep'
    LOST = 'lost'
    MANIFEST = 'manifest'
    SUMS = 'sums'


class Mender(enum.Enum):
    """Who can mend it. Swift does so by itself, if a whole replica is left."""

    SWIFT = 'swift'
    OPERATOR = 'operator'
    OWNER = 'owner'


@dataclass(frozen=True)
class Seen:
    """What Swift has told of a segment.

    found: whether there is one. etag, size: of its bytes; of the large object, where the manifest lists one. written:
    when it was written or, unless it is found, deleted; 0 if Swift does not tell. has_expired: whether its X-Delete-At
    has passed.
    """

    found: bool
    etag: str = ''
    size: int = -1
    written: Timestamp = _NEVER
    has_expired: bool = False


@dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    path: of the segment, ``/container/object``; '' for the object itself. etag, size: what the manifest says. seen:
    what was found instead. is_listed: whether the listing shows the segment; None if that was not looked up. detail:
    more for a person.
    """

    finding: Finding
    path: str = ''
    etag: str = ''
    size: int = -1
    seen: Seen = field(default=Seen(False))
    is_listed: 'bool | None' = None
    detail: str = ''


def judge(segment: Segment, seen: Seen) -> 'Finding | None':
    """Return what is wrong with a segment, by its metadata; None if nothing is."""
    if not seen.found:
        return Finding.EXPIRED if seen.has_expired else Finding.MISSING
    # SLO ends a read at a segment of another ETag or size (``SegmentedIterable`` in ``swift/common/request_helpers``).
    return None if (seen.etag, seen.size) == (segment.etag, segment.size) else Finding.CHANGED


def contradiction(segments: 'Sequence[Segment]', slo_etag: str, slo_size: str, s3_etag: str) -> str:
    """Return in which way the metadata of a large object contradicts its manifest; '' if it does not.

    slo_etag, slo_size: as SLO has stored them, '' in objects of old versions of Swift. s3_etag: that of s3api, bare, ''
    if it has none. Raises ValueError for a manifest that SLO could not read.
    """
    etag, size = slo_sums(segments)
    if slo_etag and slo_etag != etag:
        return 'its ETag in the Swift API is %s, and that of its segments %s' % (slo_etag, etag)
    # Readers are told this size before the first byte.
    if slo_size and slo_size != str(size):
        return 'its size is said to be %s, and its segments have %d bytes' % (slo_size, size)
    # Old versions of s3api have counted an empty last part, which SLO does not store.
    if part_count(s3_etag) == len(segments) and not any(segment.range or segment.is_large for segment in segments):
        expected = multipart_etag(segment.etag for segment in segments)
        if expected != s3_etag:
            return 'its ETag in S3 is %s, and that of its parts %s' % (s3_etag, expected)
    return ''


def mender(problem: Problem) -> 'tuple[Mender, str]':
    """Return who can mend a problem, and how."""
    if problem.finding is Finding.MISSING:
        return _of_missing(problem)
    return _MENDERS[problem.finding]


_STORE_AGAIN = 'store the segment again under its name, with these bytes; or upload the object again, or delete it'
_MENDERS = {
    Finding.EXPIRED: (Mender.OPERATOR, 'the X-Delete-At of the segment has passed: read it with X-Backend-Open-Expired '
                                       'before the expirer deletes it, and store it again without that header'),
    Finding.CHANGED: (Mender.OWNER, 'somebody has written other bytes over the segment: ' + _STORE_AGAIN),
    Finding.DAMAGED: (Mender.SWIFT, 'the bytes are not those of the ETag: the auditor of the objects takes such a '
                                    'replica away, and a whole one is copied; if this is found again, none is left: '
                                    + _STORE_AGAIN),
    Finding.TOO_DEEP: (Mender.OWNER, 'Swift reads manifests of manifests up to %d levels deep: make a manifest of fewer'
                                     % MOST_LEVELS),
    Finding.LOST: (Mender.OPERATOR, 'the listing shows the object, and no object server has it: bring back devices '
                                    'that are out and let the replicators run; if it was deleted long ago, its row is '
                                    'stale: delete it once more'),
    Finding.MANIFEST: (Mender.OWNER, 'the manifest cannot be read: upload the object again, or delete it'),
    Finding.SUMS: (Mender.OWNER, 'the metadata of the object are wrong, or its segments were exchanged: compare the '
                                 'bytes with a copy, and upload the object again'),
}


def _of_missing(problem: Problem) -> 'tuple[Mender, str]':
    if problem.seen.written:
        return Mender.OWNER, 'the segment was deleted at %s: %s' % (problem.seen.written.isoformat, _STORE_AGAIN)
    if problem.is_listed:
        return Mender.OPERATOR, ('the listing shows the segment, and no object server has it: bring back devices that '
                                 'are out and let the replicators run; else ' + _STORE_AGAIN)
    return Mender.OWNER, 'nothing is left of the segment: ' + _STORE_AGAIN
