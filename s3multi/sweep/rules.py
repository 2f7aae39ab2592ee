# SPDX-License-Identifier: Apache-2.0
"""The rules of a sweep: which uploads it may end, and which objects it may delete. No I/O.

An upload with a marker is ended by the steps of the operations, which may run at any time. An upload without a marker
is over, and its parts may be deleted when no manifest lists them (``operations.unreferenced``). The grace makes sure
that no manifest is overlooked because it was late.
"""
from dataclasses import dataclass

from swift.common.utils import Timestamp

from s3multi.upload.abort_rules import AbortRules
from s3multi.upload.names import Upload
from s3multi.upload.records import GRACE_SECONDS, RECLAIM_SECONDS, State, UploadMarker
from s3multi.upload.timestamps import ticks_before

# Much longer than the lease of an intent, and than the clocks of two proxies may be apart.
LEAST_GRACE_SECONDS = 3600.0
MOST_GRACE_SECONDS = RECLAIM_SECONDS
# A run that died keeps other runs from a bucket for so long. Each run renews its claim well before that.
CLAIM_SECONDS = 120.0


@dataclass(frozen=True)
class Limits:
    """What the operator allows. Times are in seconds.

    grace: nothing younger than this is deleted. abort_older_than: open uploads older than this are aborted; None: none
    are. keep_finished: whether all parts of uploads that are over stay, even if no object refers to them. abort_rules:
    those of the bucket that is swept.
    """

    grace: float = GRACE_SECONDS
    abort_older_than: 'float | None' = None
    keep_finished: bool = False
    abort_rules: AbortRules = AbortRules()


def may_abort(upload: Upload, ended_before: int, limits: Limits, now: Timestamp) -> bool:
    """Return whether an open upload may be aborted: its bucket was deleted, or it is older than is allowed.

    ended_before: uploads that began no later than this (units of 10 microseconds since the epoch) belong to a bucket
    that was deleted.
    """
    if upload.ticks <= ended_before and is_older(upload.ticks, limits.grace, now):
        return True
    if limits.abort_older_than is not None and is_older(upload.ticks, limits.abort_older_than, now):
        return True
    return rule_to_abort(upload, limits, now) is not None


def rule_to_abort(upload: Upload, limits: Limits, now: Timestamp) -> 'str | None':
    """Return the ID of the rule by which an open upload may be aborted now; None if there is none."""
    deadline = limits.abort_rules.deadline(upload.key, upload.ticks)
    return deadline.rule_id if deadline is not None and deadline.seconds <= float(now) else None


def may_forget(marker: UploadMarker, limits: Limits, now: Timestamp) -> bool:
    """Return whether the marker of an aborted upload without parts can be deleted."""
    # As long as the marker stays, a repeated Abort gets the same answer. Markers of older versions do not tell when the
    # Abort was; they have the time of the Initiate.
    return is_older((marker.aborted_at or marker.timestamp).raw, limits.grace, now)


def is_resting(state: 'State | None', aborted_at: 'Timestamp | None', limits: Limits, now: Timestamp) -> bool:
    """Return whether an upload was aborted so lately that its marker stays, whatever is left of it.

    It need not be asked about unless something is listed among the parts: a part whose row is late is met there as soon
    as it is listed, and after the grace the marker goes only if no part is listed.
    """
    return state is State.ABORTED and aborted_at is not None and not is_older(aborted_at.raw, limits.grace, now)


def claim_of(run: str, now: float) -> str:
    """Return the note by which a run claims a bucket. now: seconds since the epoch."""
    return '%.0f %s' % (now + CLAIM_SECONDS, run)


def is_claimed(note: str, run: str, now: float) -> bool:
    """Return whether a note says that a bucket is claimed by another run than ``run``."""
    until, _, other = note.partition(' ')
    # A claim that is longer than any can be is one by a clock that is wrong.
    return other != run and until.isascii() and until.isdigit() and now < int(until) <= now + 2 * CLAIM_SECONDS


def is_over(ended: Timestamp, limits: Limits, now: Timestamp) -> bool:
    """Return whether an upload ended so long ago that nothing about it can be late any more.

    ended: when its marker was deleted; 0 when Swift has forgotten it, after a week.
    """
    return is_older(ended.raw, limits.grace, now)


def is_older(ticks: int, seconds: float, now: Timestamp) -> bool:
    """Return whether ``ticks`` (units of 10 microseconds since the epoch) is more than ``seconds`` before ``now``."""
    return ticks < ticks_before(now, seconds)
