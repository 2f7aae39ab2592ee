# SPDX-License-Identifier: Apache-2.0
"""What Complete, Abort, Upload Part and the sweep do next, from what the records of an upload say. No I/O.

Each function takes what has been read so far and returns a ``Step``. A step may be to read one thing more, so the order
of the reads stands here, beside its reason. ``follow`` reads until the step is another one, and its callers carry that
out (``operations.ending``, ``operations.complete.commit``, ``sweep.judge``). ``tests/model/mutations.py`` plays what
goes wrong without each read and its order. The table "What an operation does in each state" of ``doc/design`` is made
from this module.
"""
import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from swift.common.utils import Timestamp

from s3multi.upload.records import Intent, ObjectAtKey, State, UploadMarker


class Step(enum.Enum):
    """What to do next. The steps ``READ_...`` ask for one thing more; each other step ends a look at the records."""

    READ_MARKER = 'read the marker'
    READ_INTENT = 'read the intent'
    READ_OBJECT = 'read the object'

    CONFIRM = 'confirm the intent'          # write that of the same list once more, so that everybody sees it
    GO_ON = 'go on'                         # the upload is open, and nothing is in the way
    JOIN = 'join'                           # the same list is at work: write its manifest too, with its T
    TRY_AGAIN = 'try again'                 # the intent that was in the way is gone
    REMOVE_INTENT = 'remove the intent'     # its Complete died without an object
    FINISH = 'finish'                       # the object is there: do what its Complete has not done
    SETTLE = 'settle the Abort'             # an Abort is undecided: decide it first
    FLAG = 'flag'                           # write "aborting", also over one, so that no new Complete passes
    END_ABORT = 'end the Abort'             # write "aborted"
    COMPLETED = 'completed'                 # a Complete has won, or there never was such an upload
    ABORTED = 'aborted'                     # an Abort has won; for a Complete: its object is not there
    BUSY = 'busy'                           # a Complete may be at work
    TOO_LATE = 'too late'                   # the intent is too old for its manifest to be written
    ABORT = 'abort'                         # the sweep: end the upload
    JUDGE = 'judge'                         # the sweep: the upload is over; free what no manifest lists
    LEAVE = 'leave'                         # the sweep: the upload is in progress


class Unread(enum.Enum):
    """The value of what has not been read yet."""

    UNREAD = 'unread'


UNREAD = Unread.UNREAD


@dataclass(frozen=True)
class View:
    """What has been read of one upload, always from the newest replica.

    marker, intent: None if there is none. object: what is at the key; or, if the upload made it, the version of the
    intent's timestamp. own_intent: whether the Complete that looks has just written the intent itself. confirmed:
    whether it has written the intent of another one again, and Swift has stored it (201). flagged: the same for an
    Abort and ``aborting``.
    """

    upload_id: str
    marker: 'UploadMarker | None | Unread' = UNREAD
    intent: 'Intent | None | Unread' = UNREAD
    object: 'ObjectAtKey | Unread' = UNREAD
    own_intent: bool = False
    confirmed: bool = False
    flagged: bool = False


_READS = {Step.READ_MARKER: 'marker', Step.READ_INTENT: 'intent', Step.READ_OBJECT: 'object'}


def follow(view: View, decide: 'Callable[[View], Step]', read: 'Callable[[Step, View], Any]') -> 'tuple[Step, View]':
    """Read what ``decide`` asks for until it asks for nothing more; return its last step, and all that was read.

    view: what is known at the beginning. read: takes a step ``READ_...`` and the view so far, and returns the value.
    """
    step = decide(view)
    while step in _READS:
        view = replace(view, **{_READS[step]: read(step, view)})
        step = decide(view)
    return step, view


def open_step(view: View) -> Step:
    """Return GO_ON if the upload is open, else COMPLETED, SETTLE or ABORTED.

    Upload Part, List Parts and the proof of a Complete ask this.
    """
    if view.marker is UNREAD:
        return Step.READ_MARKER
    # A marker goes when the object is there, or long after an Abort. Which it was, a Complete learns from the object;
    # had it answered 404 here, a client whose first answer was lost would take its finished upload for lost.
    if view.marker is None:
        return Step.COMPLETED
    # ABORTING: a Complete that passed before may still win, so another one decides the Abort before it answers. Parts
    # and lists are refused already. ABORTED: final, since parts may be deleted from here on.
    return {State.OPEN: Step.GO_ON, State.ABORTING: Step.SETTLE, State.ABORTED: Step.ABORTED}[view.marker.state]


def complete_step(view: View, list_name: str, now: Timestamp) -> Step:
    """Return what a Complete does after it has tried to write its intent. list_name: that of its own list."""
    # Only where there was one already. Who joins writes with the T that is read here: with a T of its own it could
    # cover the intent of a rival, whose manifest would then replace an object that was acknowledged.
    if view.intent is UNREAD:
        return Step.READ_INTENT
    # An intent that was found proves nothing: it may have reached a single replica, and an Abort that does not reach
    # that one would delete the parts. The same list and T, so it is the same intent; and before the marker is read, as
    # any intent is written.
    if view.intent is not None and not view.own_intent and not view.confirmed and (
            view.intent.list_name == list_name and view.intent.may_still_write(now)):
        return Step.CONFIRM
    # Read after the intent was written. A Complete and an Abort each write first and read second, so at least one of
    # them sees the other. In the other order the Abort could delete the parts under the object.
    step = open_step(view)
    if step is not Step.GO_ON:
        return step
    # It was taken away between the refused PUT and the read. Nothing protects a manifest without an intent.
    if view.intent is None:
        return Step.TRY_AGAIN
    fresh = view.intent.is_fresh(now)
    if view.own_intent or fresh and view.intent.list_name == list_name:
        # The rest of the lease is for the PUT itself. A manifest that came after the lease could follow an Abort that
        # found no object and deleted the parts.
        if not view.intent.may_still_write(now):
            return Step.TOO_LATE
        return Step.GO_ON if view.own_intent else Step.JOIN
    # Another list may be about to write its manifest: with two of them, one would replace the other's acknowledged
    # object.
    if fresh:
        return Step.BUSY
    # The Complete of the intent died or gave up. The object tells whether that was after its manifest: without the
    # look, an upload that has its object would be completed once more, perhaps with another list.
    if view.object is UNREAD:
        return Step.READ_OBJECT
    return Step.FINISH if view.object.upload_id == view.upload_id else Step.REMOVE_INTENT


def intent_serves(intent: Intent, list_name: str, older: 'Iterable[Timestamp]') -> bool:
    """Return whether an intent that was begun before the parts were proven is the one that a Complete needs now.

    list_name: that of the list as it was proven. older: the timestamps of everything that the manifest has to replace.
    """
    # With a T that is not later than what is at the key, the object would never be seen.
    return intent.list_name == list_name and all(intent.timestamp.raw > each.raw for each in older)


def has_won(own: Intent, found: 'Intent | None', now: Timestamp) -> bool:
    """Return whether a Complete may answer 200: its manifest was written, and then its marker deleted.

    own: the intent of its manifest. found: the one that was read after both.
    """
    # Without a marker no other Complete passes, and each that has passed wrote its intent before. Swift keeps the
    # latest: so the manifest of any other is older than ours. The lease: after it an Abort may have won, if the object
    # was replaced.
    return found == own and own.is_fresh(now)


def repeat_step(view: View, etag: str, list_name: 'str | None', now: Timestamp) -> Step:
    """Return what a Complete answers when the marker is gone and no proof of its own says that it has won.

    COMPLETED if its object is at the key, ABORTED (404) if not, BUSY if a Complete with another list may still replace
    it. etag: that of the object it would make. list_name: that of its list; None if its attempts are not known.
    """
    # Read after the marker, even if it was read before: a rival may have written its intent in between, and may be
    # about to write a manifest over an object that is acknowledged here.
    if view.intent is UNREAD:
        return Step.READ_INTENT
    # Read after the intent: a rival takes its intent away after its manifest, so this look sees the object it has left.
    if view.object is UNREAD:
        return Step.READ_OBJECT
    # The object is that of another upload or list, or there is none: this Complete has none to answer for.
    if view.object.upload_id != view.upload_id or view.object.etag != etag:
        return Step.ABORTED
    # The rival may be about to replace the object, also one with the same ETag but other attempts. An intent of this
    # list that is later than the object may hide that of such a rival, whose manifest would be later, too.
    if view.intent is not None and view.intent.is_fresh(now) and not (
            _is_of_list(view.intent, etag, list_name) and view.intent.timestamp.raw <= view.object.timestamp.raw):
        return Step.BUSY
    return Step.COMPLETED


def _is_of_list(intent: Intent, etag: str, list_name: 'str | None') -> bool:
    # Without the attempts, the list is known by its ETag alone, with which its name begins.
    return intent.list_name == list_name if list_name is not None else intent.list_name.startswith(etag + ':')


def abort_step(view: View, now: Timestamp) -> Step:
    """Return what is done by an Abort, and by a Complete that meets an undecided one."""
    step = open_step(view)
    # The flag comes before the look at the intent: a Complete could otherwise pass between the look and the flag, and
    # have its parts deleted. A flag that was found proves nothing: it may have reached a single replica, and a Complete
    # that does not reach that one still finds the upload open. A flag that this request has stored is on a majority.
    if step is Step.GO_ON or step is Step.SETTLE and not view.flagged:
        return Step.FLAG
    if step is not Step.SETTLE:
        # ABORTED as well: it is only written after a flag that was stored. So it need not be on a majority itself.
        return step
    # From the flag on no new Complete passes, and each that has passed wrote its intent before. Without this look the
    # parts would be deleted under its manifest.
    if view.intent is UNREAD:
        return Step.READ_INTENT
    if view.intent is not None:
        # Read even if the lease is over: the Complete may have died after its manifest, whose parts are needed.
        if view.object is UNREAD:
            return Step.READ_OBJECT
        if view.object.upload_id == view.upload_id:
            return Step.FINISH
        # The Complete may have passed before the flag, and be about to write the manifest.
        if view.intent.is_fresh(now):
            return Step.BUSY
    return Step.END_ABORT


def flagged_abort_step(marker: 'UploadMarker | None') -> Step:
    """Return who has ended an upload whose Abort has stored its flag, and has found no intent after that.

    COMPLETED, ABORTED, or BUSY while that is not certain. marker: as it was read after the intent.
    """
    # A Complete that passed before the flag had written its intent. That is gone, so the Complete has ended, and the
    # marker goes before the intent: without this look an Abort would be acknowledged beside its object. While the flag
    # is there, no Complete passes, so the client need not wait until "aborted" is written.
    if marker is not None and marker.state is State.ABORTING:
        return Step.ABORTED
    return refused_abort_step(marker)


def refused_abort_step(marker: 'UploadMarker | None') -> Step:
    """Return who has ended an upload, if ``aborted`` was not stored because something was there that is not older.

    COMPLETED, ABORTED, or BUSY while that is not certain. marker: as it was read after that.
    """
    # A Complete has ended between the flag and the look at the intent, and has deleted marker and intent.
    if marker is None:
        return Step.COMPLETED
    # Another Abort has written it at the same time.
    return Step.ABORTED if marker.state is State.ABORTED else Step.BUSY


def sweep_step(view: View, may_abort: bool, now: Timestamp) -> Step:
    """Return what the sweep does. may_abort: whether it may end the upload if that is open."""
    if view.marker is UNREAD:
        return Step.READ_MARKER
    # Read after the marker: each Complete that passed while there was one had written its intent before. In the other
    # order a Complete that is about to write its manifest could go unseen.
    if view.intent is UNREAD:
        return Step.READ_INTENT
    # A Complete may be at work; the next sweep finds what it left.
    if view.intent is not None and view.intent.is_fresh(now):
        return Step.BUSY
    # Over: nothing leads back from here. Which parts are needed, the manifests tell.
    if view.marker is None:
        return Step.JUDGE
    # Final as well: parts that came late are deleted.
    if view.marker.state is State.ABORTED:
        return Step.ABORTED
    # The lease is over. If the Complete died after its manifest, the upload is completed and must not be aborted.
    if view.intent is not None and view.object is UNREAD:
        return Step.READ_OBJECT
    if view.intent is not None and view.object is not UNREAD and view.object.upload_id == view.upload_id:
        return Step.FINISH
    # An Abort that began is brought to its end: clients are told NoSuchUpload already. Other uploads are their owner's,
    # unless the operator has set an age or the bucket was deleted.
    return Step.ABORT if view.marker.state is State.ABORTING or may_abort else Step.LEAVE
