# SPDX-License-Identifier: Apache-2.0
"""What Complete, Abort, Upload Part and the sweep do next, from what the records of an upload say. No I/O.

Each function takes what has been read so far and returns a ``Step``. A step may be to read one thing more, so the order
of the reads stands here beside its reason. ``follow`` reads until something else is to be done; who calls it does that
(``operations.ending``, ``operations.complete.commit``, ``sweep.judge``). The table of ``doc/design`` is made from here.
"""
import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from swift.common.utils import Timestamp

from s3multi.upload.records import Intent, ObjectAtKey, State, UploadMarker


class Step(enum.Enum):
    """What is next. The first ones ask for one thing more; each of the others ends a look at the records."""

    READ_MARKER = 'read the marker'
    READ_INTENT = 'read the intent'
    READ_OBJECT = 'read the object'
    READ_MARKER_AGAIN = 'read the marker again'

    GO_ON = 'go on'                         # the upload is open, and the way is free
    JOIN = 'join'                           # the same list is at work: write its manifest once more
    TRY_AGAIN = 'try again'                 # the intent that was in the way is gone
    REMOVE_INTENT = 'remove the intent'     # that of a Complete which died without an object
    FINISH = 'finish'                       # a Complete has its object: tidy up behind it
    SETTLE = 'settle the Abort'             # an Abort is undecided, which comes first
    FLAG = 'flag'                           # write "aborting", so that no new Complete passes
    END_ABORT = 'end the Abort'             # write "aborted"
    COMPLETED = 'completed'
    ABORTED = 'aborted'
    BUSY = 'busy'                           # a Complete may be at work
    TOO_LATE = 'too late'                   # to write the manifest of this intent
    ABORT = 'abort'                         # the sweep: end an upload that was forgotten
    JUDGE = 'judge'                         # the sweep: it is over; free what no manifest lists
    LEAVE = 'leave'                         # the sweep: it is in progress


class Unread(enum.Enum):
    """Stands for what nobody has asked for yet."""

    UNREAD = 'unread'


UNREAD = Unread.UNREAD


@dataclass(frozen=True)
class View:
    """What has been read of one upload.

    marker, intent: None where there is none. object: what is at the key, or the version with the timestamp of the
    intent where that is the upload's. marker_again: the marker as it was read after the intent. own_intent: whether
    the Complete that looks has just written the intent itself.
    """

    upload_id: str
    marker: 'UploadMarker | None | Unread' = UNREAD
    intent: 'Intent | None | Unread' = UNREAD
    object: 'ObjectAtKey | Unread' = UNREAD
    marker_again: 'UploadMarker | None | Unread' = UNREAD
    own_intent: bool = False


_READS = {Step.READ_MARKER: 'marker', Step.READ_INTENT: 'intent', Step.READ_OBJECT: 'object',
          Step.READ_MARKER_AGAIN: 'marker_again'}


def follow(view: View, decide: 'Callable[[View], Step]', read: 'Callable[[Step, View], Any]') -> 'tuple[Step, View]':
    """Read what ``decide`` asks for until it asks for nothing more; return its last step and all that was read.

    read: returns the value for a step that reads, given what is known.
    """
    step = decide(view)
    while step in _READS:
        view = replace(view, **{_READS[step]: read(step, view)})
        step = decide(view)
    return step, view


def open_step(view: View) -> Step:
    """Return GO_ON for an upload that is open; what Upload Part, List Parts and the proof of a Complete ask."""
    if view.marker is UNREAD:
        return Step.READ_MARKER
    if view.marker is None:
        return Step.COMPLETED
    return {State.OPEN: Step.GO_ON, State.ABORTING: Step.SETTLE, State.ABORTED: Step.ABORTED}[view.marker.state]


def complete_step(view: View, list_name: str, now: Timestamp) -> Step:
    """Return what a Complete does once it has tried to write its intent. list_name: of its parts."""
    if view.intent is UNREAD:
        return Step.READ_INTENT
    # After the intent: of a Complete and an Abort each writes first and reads second, so one sees the other.
    step = open_step(view)
    if step is not Step.GO_ON:
        return step
    if view.intent is None:
        return Step.TRY_AGAIN
    fresh = view.intent.is_fresh(now)
    if view.own_intent or fresh and view.intent.list_name == list_name:
        # The rest of the lease is for the write itself: an Abort that waits for its end must find the object.
        if not view.intent.may_still_write(now):
            return Step.TOO_LATE
        return Step.GO_ON if view.own_intent else Step.JOIN
    if fresh:
        return Step.BUSY
    # Its proxy died. Whether before or after the manifest, the object tells.
    if view.object is UNREAD:
        return Step.READ_OBJECT
    return Step.FINISH if view.object.upload_id == view.upload_id else Step.REMOVE_INTENT


def repeat_step(view: View, etag: str, list_name: 'str | None', now: Timestamp) -> Step:
    """Return COMPLETED for a Complete without a marker whose object is there, ABORTED (404) or BUSY.

    etag: of the object that it would make. list_name: None when its parts are not known.
    """
    if view.intent is UNREAD:
        return Step.READ_INTENT
    # After the intent: who has taken it away has left the object.
    if view.object is UNREAD:
        return Step.READ_OBJECT
    if view.object.upload_id != view.upload_id or view.object.etag != etag:
        return Step.ABORTED
    if view.intent is not None and view.intent.is_fresh(now) and not _is_of_list(view.intent, etag, list_name):
        # Another list with the same ETag may be about to replace the object.
        return Step.BUSY
    return Step.COMPLETED


def _is_of_list(intent: Intent, etag: str, list_name: 'str | None') -> bool:
    # Without the parts at hand the ETag has to do, which the name begins with.
    return intent.list_name == list_name if list_name is not None else intent.list_name.startswith(etag + ':')


def abort_step(view: View, now: Timestamp) -> Step:
    """Return what an Abort does, or whoever meets one that is undecided."""
    step = open_step(view)
    if step is Step.GO_ON:
        return Step.FLAG
    if step is not Step.SETTLE:
        return step
    # From the flag on no new Complete passes. One that has passed wrote its intent before.
    if view.intent is UNREAD:
        return Step.READ_INTENT
    if view.intent is not None:
        if view.object is UNREAD:
            return Step.READ_OBJECT
        if view.object.upload_id == view.upload_id:
            return Step.FINISH
        if view.intent.is_fresh(now):
            return Step.BUSY
    # After the intent: a Complete may have finished, and taken its intent away, before that was looked for.
    if view.marker_again is UNREAD:
        return Step.READ_MARKER_AGAIN
    return Step.COMPLETED if view.marker_again is None else Step.END_ABORT


def sweep_step(view: View, may_abort: bool, now: Timestamp) -> Step:
    """Return what the sweep does. may_abort: whether the upload, if it is open, is forgotten or its bucket deleted."""
    if view.marker is UNREAD:
        return Step.READ_MARKER
    # After the marker: whoever has passed while there was one had written an intent before.
    if view.intent is UNREAD:
        return Step.READ_INTENT
    if view.intent is not None and view.intent.is_fresh(now):
        return Step.BUSY
    if view.marker is None:
        return Step.JUDGE
    if view.marker.state is State.ABORTED:
        return Step.ABORTED
    if view.intent is not None and view.object is UNREAD:
        return Step.READ_OBJECT
    if view.intent is not None and view.object is not UNREAD and view.object.upload_id == view.upload_id:
        return Step.FINISH
    return Step.ABORT if view.marker.state is State.ABORTING or may_abort else Step.LEAVE
