# SPDX-License-Identifier: Apache-2.0
"""The quota of a bucket, held against what its multipart uploads take: rules of Swift's ``container_quotas``. No I/O.

Swift counts an object of a bucket as its manifest, and its parts in the segments container. So a bucket takes what both
containers hold: an object then counts as if it had been stored in one piece, and a part from the moment it is stored.
"""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from s3multi.s3.errors import EntityTooLarge

# Swift's words, which s3api passes on.
_REFUSAL = 'Upload exceeds quota.'


@dataclass(frozen=True)
class Quota:
    """What a bucket may hold; None for no limit. max_bytes: with its segments. max_objects: without."""

    max_bytes: 'int | None'
    max_objects: 'int | None'


NO_QUOTA = Quota(None, None)


def quota_of(bucket: 'Mapping[str, Any]') -> Quota:
    """Return the quota that Swift's container info of the bucket tells."""
    meta = bucket.get('meta') or {}
    return Quota(_limit(meta.get('quota-bytes')), _limit(meta.get('quota-count')))


def check_part(quota: Quota, bucket_bytes: int, segments_bytes: int, size: int) -> None:
    """Raise EntityTooLarge when ``size`` more bytes do not fit. The two containers: bytes that they hold."""
    if quota.max_bytes is not None and bucket_bytes + segments_bytes + size > quota.max_bytes:
        raise EntityTooLarge(size, None, _REFUSAL)


def check_object(quota: Quota, bucket_bytes: int, bucket_objects: int, segments_bytes: int, size: int) -> None:
    """Raise EntityTooLarge when one more object, of stored parts of ``size`` bytes in all, does not fit."""
    # The parts are in the segments container, but Swift may not have counted them yet.
    if quota.max_bytes is not None and bucket_bytes + max(segments_bytes, size) > quota.max_bytes:
        raise EntityTooLarge(size, None, _REFUSAL)
    if quota.max_objects is not None and bucket_objects + 1 > quota.max_objects:
        raise EntityTooLarge(size, None, _REFUSAL)


def _limit(text: 'str | None') -> 'int | None':
    # What is no number is no quota, as in Swift.
    return int(text) if text and text.isdigit() else None
