# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of Swift's timestamps: t0 of an upload, T of a manifest, and the moments just after them. No I/O.

A tick is Swift's unit of time, 10 microseconds; ticks are counted since the epoch. A timestamp is a tick and an offset,
0 by default. A larger offset sorts later, but before the next tick (``swift/common/utils/timestamp.py``).
"""
from swift.common.utils import Timestamp

from s3multi.upload.records import State

# Hexadecimal digits of the list's digest in the offset of T. An offset has room for 16. Behind the digest there is room
# for intents that are written again just after T, each by a Complete that joins: more than 20 seconds suffice for.
_OFFSET_DIGITS = 12
_OFFSETS_OF_A_LIST = 1 << 15
# How far T may be ahead of the newest timestamp seen, where the clock is behind that: a second, in ticks.
_SPREAD_TICKS = 100000
# The offsets at which a marker is written in each state, and deleted after ``aborted`` (None). ``aborting`` may be
# written again and again, just after what is there, and comes never so far. Release 0.1 used 1, 2 and 3.
_MARKER_OFFSETS = {State.OPEN: 0, State.ABORTING: 1, State.ABORTED: 1 << 32, None: 1 << 33}


def swift_time(ticks: int) -> Timestamp:
    """Return the Swift timestamp, without an offset, of a time in ticks."""
    return Timestamp('%010d.%05d' % divmod(ticks, 100000))


def read_timestamp(written: object) -> Timestamp:
    """Return the timestamp that Swift, or the cache, has as text; 0 for what is none."""
    try:
        return Timestamp(written or 0)
    except (OverflowError, TypeError, ValueError):
        return Timestamp(0)


def ticks_before(now: Timestamp, seconds: float) -> int:
    """Return the time so many ``seconds`` before ``now``, in ticks."""
    return int(now.raw - seconds * 100000)


def just_after(timestamp: Timestamp, offset: int = 1) -> Timestamp:
    """Return ``timestamp`` with its offset increased by ``offset``: later, but before the next tick of any clock."""
    return Timestamp(timestamp.internal, offset=offset)


def marker_time(initiated: Timestamp, state: 'State | None') -> Timestamp:
    """Return the timestamp at which a marker is written in ``state``; for None, at which an aborted one is deleted.

    initiated: t0, the time in the upload id. Each timestamp is later than the one before it, so that the write takes
    effect. All are older than any T: with a later one an Abort would bring back a marker that a Complete has deleted,
    and then free the parts of its object.
    """
    offset = _MARKER_OFFSETS[state]
    return just_after(initiated, offset) if offset else initiated


def intent_end(timestamp: Timestamp) -> Timestamp:
    """Return when the intent of a manifest's T is deleted: later than it was ever written, but before any other T."""
    return just_after(timestamp, _OFFSETS_OF_A_LIST - 1)


def manifest_timestamp(list_name: str, now: Timestamp, *seen: Timestamp) -> Timestamp:
    """Return the timestamp T for a new Complete: ``now``, or a later time if something ``seen`` is not older.

    list_name: the name of its list of parts (``records.list_name``). The offset of T is made from the digest in it, so
    two lists do not get the same T even if their Completes begin in the same tick: each would take the other's intent
    for its own. The same list may get the same T again: that makes it the same write.

    seen: the timestamps of everything that T has to replace. If T were older, Swift would keep what is there.

    The manifest has T without the offset (``plain_time``). Where the clock is behind what was seen, two Completes would
    choose the same tick, so the digest then also moves T by up to a second.
    """
    digest = int(list_name[-_OFFSET_DIGITS:], 16)
    newest = max(seen, default=Timestamp(0))
    # ``delta`` is in ticks. One tick is enough to be later than any offset of what was seen.
    moment = now if float(now) > float(newest) else Timestamp(float(newest), delta=1 + digest % _SPREAD_TICKS)
    return Timestamp(moment.normal, offset=(1 + digest) * _OFFSETS_OF_A_LIST)


def plain_time(timestamp: Timestamp) -> str:
    """Return T without its offset: the timestamp of the manifest, and the id of its version.

    container-sync does not copy an object whose timestamp has an offset. A version cannot have one before Swift 2.37.
    """
    return str(timestamp.normal)
