# SPDX-License-Identifier: Apache-2.0
"""The quota of a bucket, applied to its multipart uploads by the rules of Swift's ``container_quotas``. No I/O.

To Swift a multipart object in a bucket is as large as its manifest; its parts count in the segments container. So what
both containers hold counts against the quota of the bucket. Then an object counts as if it were stored in one piece,
and a part counts from the moment it is stored.
"""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s3multi.s3.errors import EntityTooLarge

# Swift's words, which s3api passes on.
_REFUSAL = 'Upload exceeds quota.'


@dataclass(frozen=True)
class Quota:
    """What a bucket may hold; None for no limit. max_bytes: with its segments container. max_objects: without it."""

    max_bytes: 'int | None'
    max_objects: 'int | None'


NO_QUOTA = Quota(None, None)


def quota_of(bucket: 'Mapping[str, Any]') -> Quota:
    """Return the quota of a bucket. bucket: Swift's container info."""
    meta = bucket.get('meta') or {}
    return Quota(_limit(meta.get('quota-bytes')), _limit(meta.get('quota-count')))


def check_part(quota: Quota, bucket_bytes: int, segments_bytes: int, size: int) -> None:
    """Raise EntityTooLarge when a part of ``size`` bytes does not fit.

    bucket_bytes, segments_bytes: what the two containers hold.
    """
    if quota.max_bytes is not None and bucket_bytes + segments_bytes + size > quota.max_bytes:
        raise EntityTooLarge(size, None, _REFUSAL)


def check_object(quota: Quota, bucket_bytes: int, bucket_objects: int, segments_bytes: int, size: int) -> None:
    """Raise EntityTooLarge when one more object does not fit. size: of its parts together, which are stored, in bytes.

    bucket_bytes, bucket_objects, segments_bytes: what the two containers hold.
    """
    # The parts are in the segments container, but Swift may not have counted them yet.
    if quota.max_bytes is not None and bucket_bytes + max(segments_bytes, size) > quota.max_bytes:
        raise EntityTooLarge(size, None, _REFUSAL)
    if quota.max_objects is not None and bucket_objects + 1 > quota.max_objects:
        raise EntityTooLarge(size, None, _REFUSAL)


def _limit(text: 'str | None') -> 'int | None':
    # Swift ignores a quota that is not a number, too; nothing can reach one that is longer.
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None
