# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of Swift's timestamps: t0 of an upload, T of a manifest, and what is just after them. No I/O.

A tick is Swift's unit of time, 10 microseconds; ticks are counted since the epoch. A timestamp may have an offset
besides, which puts it after its own tick and before the next one.
"""
from swift.common.utils import Timestamp

from s3multi.upload.records import State

# Of the 16 that the offset of a timestamp may have; what comes just after must fit in as well.
_OFFSET_DIGITS = 12
# How far ahead of what was seen T may be in a bucket with versions: a second, in ticks.
_SPREAD_TICKS = 100000
_MARKER_OFFSETS = {State.OPEN: 0, State.ABORTING: 1, State.ABORTED: 2, None: 3}


def swift_time(ticks: int) -> Timestamp:
    """Return the Swift timestamp of a time in ticks."""
    return Timestamp('%010d.%05d' % divmod(ticks, 100000))


def just_after(timestamp: Timestamp, offset: int = 1) -> Timestamp:
    """Return the timestamp ``offset`` steps after a tick, before the next tick of any clock. ``timestamp``: the tick,
    or T, whose own offset then grows by so much."""
    return Timestamp(timestamp.internal, offset=offset)


def marker_time(began: Timestamp, state: 'State | None') -> Timestamp:
    """Return the timestamp at which a marker is written, or, as None, deleted after ``aborted``.

    began: t0, the time in the upload id. Each replaces what comes before it, and none can bring back a marker that a
    Complete deleted: all are older than any T.
    """
    offset = _MARKER_OFFSETS[state]
    return just_after(began, offset) if offset else began


def manifest_timestamp(list_name: str, now: Timestamp, *seen: Timestamp) -> Timestamp:
    """Return the timestamp T for a new Complete: now, but later than every timestamp it has seen.

    list_name: the name of its list of parts (``records.list_name``), whose digest is the offset of T. Two lists thus
    never have the same T, not even where two Completes begin in the same moment: each would take the other's intent
    for its own. One list may have the same T twice: that is the same write. The offset is for the records alone
    (``plain_time``). So where clocks are behind what was seen, the digest moves T by up to a second as well.
    """
    digest = int(list_name[-_OFFSET_DIGITS:], 16)
    newest = max(seen, default=Timestamp(0))
    # Timestamps count ticks; one such step makes it later than any offset of what was seen.
    moment = now if float(now) > float(newest) else Timestamp(float(newest), delta=1 + digest % _SPREAD_TICKS)
    return Timestamp(moment.normal, offset=1 + digest)


def plain_time(timestamp: Timestamp) -> str:
    """Return T as the manifest has it, and the id of its version: without the offset.

    container-sync does not copy an object whose timestamp has one, and before Swift 2.37 a version cannot.
    """
    return str(timestamp.normal)
