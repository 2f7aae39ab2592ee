# SPDX-License-Identifier: Apache-2.0
"""The rules of a sweep: which uploads it may end, and which objects it may delete. No I/O.

An upload with a marker is ended by the steps of the operations, which may run at any time. An upload without a marker
is over, and its parts may be deleted when no manifest lists them. The grace makes sure that no manifest is overlooked
because it was late.
"""
from collections.abc import Iterable
from dataclasses import dataclass

from swift.common.utils import Timestamp

from s3multi.s3.parts import Attempt
from s3multi.upload.names import Upload
from s3multi.upload.records import UploadMarker

DAY_SECONDS = 86400.0
# Long enough to repair, within a day, a container server whose rows are late. Shorter than the week (Swift's
# ``reclaim_age``) for which the tombstone of a marker tells when, and with which timestamp, its upload was completed.
GRACE_SECONDS = 2 * DAY_SECONDS
# Much longer than the lease of an intent, and than the clocks of two proxies may be apart.
LEAST_GRACE_SECONDS = 3600.0
MOST_GRACE_SECONDS = 7 * DAY_SECONDS


@dataclass(frozen=True)
class Limits:
    """What the operator allows. Times are in seconds.

    grace: nothing younger than this is deleted. abort_older_than: open uploads older than this are aborted; None: none
    are. keep_finished: whether all parts of uploads that are over stay, even if no object refers to them.
    """

    grace: float = GRACE_SECONDS
    abort_older_than: 'float | None' = None
    keep_finished: bool = False


def may_abort(upload: Upload, ended_before: int, limits: Limits, now: Timestamp) -> bool:
    """Return whether an open upload may be aborted: its bucket was deleted, or it is older than the operator allows.

    ended_before: uploads that began no later than this (units of 10 microseconds since the epoch) belong to a bucket
    that was deleted.
    """
    if upload.ticks <= ended_before and is_older(upload.ticks, limits.grace, now):
        return True
    return limits.abort_older_than is not None and is_older(upload.ticks, limits.abort_older_than, now)


def may_forget(marker: UploadMarker, limits: Limits, now: Timestamp) -> bool:
    """Return whether the marker of an aborted upload without parts can be deleted."""
    # As long as the marker stays, a repeated Abort gets the same answer. Markers of older versions do not tell when the
    # Abort was; they have the time of the Initiate.
    return is_older((marker.aborted_at or marker.timestamp).raw, limits.grace, now)


def is_over(ended: Timestamp, limits: Limits, now: Timestamp) -> bool:
    """Return whether an upload ended so long ago that nothing about it can be late any more.

    ended: when its marker was deleted; 0 when Swift has forgotten it, after a week.
    """
    return is_older(ended.raw, limits.grace, now)


def candidates(upload: Upload, attempts: Iterable[Attempt], limits: Limits, now: Timestamp) -> 'dict[str, Attempt]':
    """Return the attempts that may be deleted if no manifest lists them: those that are older than the grace.

    upload: one that ``is_over``. The keys are the names that a manifest has for the attempts, ``/container/object``.
    """
    return {'/%s/%s' % (upload.container, attempt.name): attempt for attempt in attempts
            if is_older(attempt.began_ticks, limits.grace, now)}


def is_older(ticks: int, seconds: float, now: Timestamp) -> bool:
    """Return whether ``ticks`` (units of 10 microseconds since the epoch) is more than ``seconds`` before ``now``."""
    return now.raw - ticks > seconds * 100000
