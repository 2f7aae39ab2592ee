# SPDX-License-Identifier: Apache-2.0
"""What a sweep may do: which uploads it may end, and which objects it may delete. No I/O.

An upload with a marker is ended by the steps of the operations, which may run at any time. An upload without one is
over. What is stored of it may go when no manifest lists it; that nobody has overlooked one, because it was late, is
what the grace is for.
"""
from collections.abc import Iterable
from dataclasses import dataclass

from swift.common.utils import Timestamp

from s3multi.s3.parts import Attempt
from s3multi.upload.names import Upload
from s3multi.upload.records import UploadMarker

DAY_SECONDS = 86400.0
# Longer than a day in which somebody repairs a container server whose rows are late. Shorter than the week (Swift's
# ``reclaim_age``) for which the tombstone of a marker tells when, and with which timestamp, its upload was completed.
GRACE_SECONDS = 2 * DAY_SECONDS
# Much longer than the lease of an intent, and than the clocks of two proxies may differ.
LEAST_GRACE_SECONDS = 3600.0
MOST_GRACE_SECONDS = 7 * DAY_SECONDS


@dataclass(frozen=True)
class Limits:
    """What the operator allows. Times in seconds.

    grace: how old must be what is deleted. abort_older_than: the age of uploads to be aborted, None for none.
    keep_finished: whether the parts of uploads that are over stay, whoever refers to them.
    """

    grace: float = GRACE_SECONDS
    abort_older_than: 'float | None' = None
    keep_finished: bool = False


def may_abort(upload: Upload, ended_before: int, limits: Limits, now: Timestamp) -> bool:
    """Say whether an open upload is forgotten, or its bucket was deleted."""
    if upload.ticks <= ended_before and is_older(upload.ticks, limits.grace, now):
        return True
    return limits.abort_older_than is not None and is_older(upload.ticks, limits.abort_older_than, now)


def may_forget(marker: UploadMarker, limits: Limits, now: Timestamp) -> bool:
    """Say whether an upload that is aborted, and of which no part is left, needs its marker no more."""
    # Whoever repeats the Abort is told the same for so long. Older versions of s3multi did not note the time.
    return is_older((marker.marked or marker.timestamp).raw, limits.grace, now)


def is_over(ended: Timestamp, limits: Limits, now: Timestamp) -> bool:
    """Say whether an upload ended so long ago that nothing about it can be late any more.

    ended: when its marker was deleted; 0 when Swift has forgotten, which is after a week.
    """
    return is_older(ended.raw, limits.grace, now)


def candidates(upload: Upload, attempts: Iterable[Attempt], limits: Limits, now: Timestamp) -> 'dict[str, Attempt]':
    """Return the attempts of an upload that ``is_over`` which may be deleted if no manifest lists them.

    By the names that a manifest has for them, ``/container/object``.
    """
    return {'/%s/%s' % (upload.container, attempt.name): attempt for attempt in attempts
            if is_older(attempt.began, limits.grace, now)}


def is_older(ticks: int, seconds: float, now: Timestamp) -> bool:
    """Say whether a time (units of 10 microseconds) lies more than so many ``seconds`` back."""
    return now.raw - ticks > seconds * 100000
