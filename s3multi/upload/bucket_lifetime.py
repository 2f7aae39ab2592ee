# SPDX-License-Identifier: Apache-2.0
"""Tells the uploads of a bucket as it is now from those of a deleted bucket of the same name. No I/O.

When a container is made again, Swift keeps the time at which it was last deleted: a PUT or a POST does not change that
time, and of two replicas the later time counts. An upload that began before it does not belong to the bucket.
"""
from collections.abc import Mapping
from typing import Any

from s3multi.upload.timestamps import read_timestamp

# Swift forgets a deleted container, and the time of its deletion, after ``reclaim_age``, by default a week. Then only
# the age of a replica is left to tell: an upload that began this much before the replica was made (in units of 10
# microseconds) ended with an earlier bucket. That has to be long: a replica whose disk was exchanged is young too,
# until it is replicated.
RECLAIMED_TICKS = 6 * 86400 * 100000


def ended_before(bucket_info: 'Mapping[str, Any]') -> int:
    """Return a time that is no later than the beginning of the bucket as it is now.

    Uploads that did not begin after it ended with an earlier bucket. bucket_info: Swift's container info. The time is
    in units of 10 microseconds since the epoch.
    """
    return max(deleted_at(bucket_info), _ticks(bucket_info, 'created_at') - RECLAIMED_TICKS)


def deleted_at(bucket_info: 'Mapping[str, Any]') -> int:
    """Return when a bucket of this name was last deleted, 0 if never; units of 10 microseconds since the epoch.

    bucket_info: Swift's container info. Unlike ``ended_before``, this does not guess from the age of a replica.
    """
    return _ticks(bucket_info, 'delete_timestamp')


def _ticks(bucket_info: 'Mapping[str, Any]', name: str) -> int:
    return read_timestamp(bucket_info.get(name)).raw
