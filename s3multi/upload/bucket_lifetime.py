# SPDX-License-Identifier: Apache-2.0
"""Which uploads belong to a bucket as it is now, and which to one of the same name that was deleted before. No I/O.

Swift keeps the time at which a container was last deleted when it is made again: a PUT or a POST does not change it,
and of two replicas the later time counts. An upload that began before it is not one of this bucket.
"""
from collections.abc import Mapping
from typing import Any

from swift.common.utils import Timestamp

# Swift forgets a deleted container, and when that was, after its ``reclaim_age``, by default a week. A replica that was
# made later than an upload by this much (in units of 10 microseconds) is then what remains to tell. It has to be long:
# a replica whose disk was exchanged is young too, until it is replicated.
RECLAIMED_TICKS = 6 * 86400 * 100000


def ended_before(bucket_info: 'Mapping[str, Any]') -> int:
    """Return when this life of the bucket began, or a time before: uploads that are not later ended with another life.

    bucket_info: Swift's container info. The time is in units of 10 microseconds since the epoch.
    """
    return max(deleted_at(bucket_info), _ticks(bucket_info, 'created_at') - RECLAIMED_TICKS)


def deleted_at(bucket_info: 'Mapping[str, Any]') -> int:
    """Return when a bucket of this name was last deleted, 0 if never; units of 10 microseconds since the epoch.

    Unlike ``ended_before`` it does not guess: a replica that is young has not deleted anything.
    """
    return _ticks(bucket_info, 'delete_timestamp')


def _ticks(bucket_info: 'Mapping[str, Any]', name: str) -> int:
    return Timestamp(bucket_info.get(name) or 0).raw
