# SPDX-License-Identifier: Apache-2.0
"""How an upload ends: whether it is open, and whether a Complete or an Abort wins.

``upload.decisions`` decides what is next, and in which order the records are read; this module does it.
"""
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import eventlet
from swift.common.utils import Timestamp

from s3multi.operations.bucket import Bucket
from s3multi.s3.errors import NoSuchUpload, ServiceUnavailable
from s3multi.storage.concurrency import Later
from s3multi.storage.held_writes import HeldBody, HeldWrite
from s3multi.storage.metrics import COMPLETES_REFUSED
from s3multi.upload.decisions import (UNREAD, Step, View, abort_step, flagged_abort_step, follow, open_step,
                                      refused_abort_step)
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, ObjectAtKey, State, UploadMarker
from s3multi.upload.timestamps import just_after, marker_time, swift_time

_SECONDS_BETWEEN_LOOKS = 1.0
# How often a flag is written that is not stored. It fails as often only if others write theirs at the same time, or if
# this proxy does not reach the replicas that they have reached.
_MAX_FLAGS = 5


def reader(bucket: Bucket, upload: Upload) -> 'Callable[[Step, View], Any]':
    """Return the ``read`` of ``decisions.follow``: it asks Swift, always the newest replica."""
    def read(step: Step, view: View) -> Any:
        if step is Step.READ_INTENT:
            return bucket.records.intent(upload)
        if step is Step.READ_OBJECT:
            return object_of(bucket, upload, view.intent.timestamp if isinstance(view.intent, Intent) else None)
        return bucket.records.marker(upload)

    return read


def object_of(bucket: Bucket, upload: Upload, written_at: 'Timestamp | None') -> ObjectAtKey:
    """Return what is at the key; or, if the upload made it, the version that was written at ``written_at``.

    written_at: T of the intent; None if there is no intent.
    """
    shown = bucket.objects.shown(upload.key)
    if shown.upload_id == upload.id or not bucket.is_versioned or written_at is None:
        return shown
    # The key may have been overwritten since. Without this look an Abort would delete the parts of an older version.
    version = bucket.objects.version(upload.key, written_at)
    return version if version.upload_id == upload.id else shown


def require_open(bucket: Bucket, upload: Upload) -> UploadMarker:
    """Return the marker of an upload that must be open. Raises NoSuchUpload from the moment an Abort has begun."""
    marker = bucket.records.marker(upload)
    if marker is None or open_step(View(upload.id, marker)) is not Step.GO_ON:
        raise NoSuchUpload(upload.id)
    return marker


def ask_open(bucket: Bucket, upload: Upload) -> 'Later[UploadMarker]':
    """Begin to ask whether an upload is open; return its marker for later. It comes as NoSuchUpload if it is not."""
    return Later(bucket.logger, partial(require_open, bucket, upload))


def open_marker(bucket: Bucket, upload: Upload) -> 'UploadMarker | None':
    """Return to a Complete the marker of an open upload; None if it was completed, so that its object tells the answer.

    An undecided Abort is decided first. Raises NoSuchUpload if an Abort wins or has won, ServiceUnavailable while that
    is not certain.
    """
    marker = bucket.records.marker(upload)
    step = open_step(View(upload.id, marker))
    if step is Step.SETTLE:
        assert marker is not None
        # The Abort may have died. If nobody else decided it, a repeated Complete would be answered 503 for ever.
        step = settle(bucket, upload, marker)
    if step is Step.BUSY:
        bucket.metrics.count(COMPLETES_REFUSED, 'abort')
        raise ServiceUnavailable()
    if step is Step.ABORTED:
        raise NoSuchUpload(upload.id)
    return marker if step is Step.GO_ON else None


def settle(bucket: Bucket, upload: Upload, marker: UploadMarker) -> Step:
    """Decide between an Abort that has begun and the Completes that passed before; return COMPLETED, ABORTED or BUSY.

    marker: as it was read; its state is ``aborting``.
    """
    return _carry_out(bucket, upload, *_Flag(bucket, upload).look(View(upload.id, marker)))


def abort(bucket: Bucket, upload: Upload, looks: int) -> bool:
    """Abort an upload for good; return whether all of its parts may be deleted.

    looks: how often to look again, a second apart, while a Complete may be at work. Raises NoSuchUpload if a Complete
    has won or there is no such upload, ServiceUnavailable while that is not certain: a repeat goes on.
    """
    return may_free(bucket, upload, _end(bucket, upload, *_flagged(bucket, upload, looks)))


def win_by_abort(bucket: Bucket, upload: Upload, looks: int) -> 'Callable[[], bool]':
    """Abort an upload, so that no Complete of it succeeds any more; return a function that does the rest.

    That may still have to write ``aborted``. It returns whether all parts may be deleted. Arguments and errors of both:
    ``abort``.
    """
    step, view = _flagged(bucket, upload, looks)
    if step is Step.END_ABORT and view.intent is None:
        _require_win(upload, flagged_abort_step(bucket.records.marker(upload)))
        return lambda: may_free(bucket, upload, _end(bucket, upload, step, view))
    met_intent = _end(bucket, upload, step, view)
    return lambda: may_free(bucket, upload, met_intent)


def _flagged(bucket: Bucket, upload: Upload, looks: int) -> 'tuple[Step, View]':
    """Return the ``abort_step`` that comes after the flag, and all that was read. looks: as for ``abort``."""
    flag = _Flag(bucket, upload)
    flag.begin()
    step, view = flag.look(View(upload.id))
    while step is Step.BUSY and looks:
        looks -= 1
        eventlet.sleep(_SECONDS_BETWEEN_LOOKS)
        # A flag that is stored stays, so no new Complete passes meanwhile. All that comes after it is read anew.
        step, view = flag.look(View(upload.id, view.marker, flagged=True) if view.flagged else View(upload.id))
    return step, view


def _end(bucket: Bucket, upload: Upload, step: Step, view: View) -> 'bool | None':
    """Carry out the ``step`` of an Abort; return whether a Complete was met, None if an earlier Abort may have met one.

    Raises as ``abort`` does.
    """
    _require_win(upload, _carry_out(bucket, upload, step, view))
    # A repeat reads no intent above.
    return None if step is Step.ABORTED else view.intent not in (None, UNREAD)


def _require_win(upload: Upload, step: Step) -> None:
    """Raise what an Abort answers if it has not won. step: COMPLETED, ABORTED or BUSY."""
    if step is Step.COMPLETED:
        raise NoSuchUpload(upload.id)
    if step is Step.BUSY:
        raise ServiceUnavailable()


def may_free(bucket: Bucket, upload: Upload, met_intent: 'bool | None') -> bool:
    """Return whether all parts of an upload that was aborted may be deleted.

    met_intent: as ``_end`` returns it. Raises NoSuchUpload if its object is there.
    """
    if met_intent is None and bucket.is_versioned:
        # The first Abort may have met one and left the parts to the sweep.
        met_intent = bucket.records.intent(upload) is not None
    # A second lock. No order of events leads to an object here while Swift keeps its promises; should it break one, the
    # object is worth more than the space.
    if bucket.objects.shown(upload.key).upload_id == upload.id:
        bucket.logger.error('upload %s of %s/%s is marked aborted, but its object exists: its parts are kept',
                            upload.id, upload.bucket, upload.key)
        raise NoSuchUpload(upload.id)
    # Two Completes may have overlapped, and the one whose intent was covered may have left a version that lists the
    # parts. Only the sweep asks all versions.
    return not (met_intent and bucket.is_versioned)


def finish(bucket: Bucket, upload: Upload, intent: Intent) -> None:
    """Do what a Complete left undone that died after its manifest: the upload is over then.

    intent: the one that was read, whose lease is over: that of this Complete or of a rival.
    """
    if bucket.is_versioned:
        # The proxy may have died between the version and the link that shows it.
        bucket.objects.show_version(upload, intent.timestamp)
    # The marker first: an Abort that saw a marker and no intent would delete the parts of the object.
    bucket.records.delete_marker(upload, just_after(intent.timestamp))
    # Nobody needs the intent any more, since its lease is over.
    bucket.records.delete_intent(upload, intent)


class _Flag:
    """The marker of an upload as ``aborting``. From the moment it is stored no new Complete passes."""

    def __init__(self, bucket: Bucket, upload: Upload) -> None:
        self._bucket, self._upload = bucket, upload
        self._time = marker_time(swift_time(upload.ticks), State.ABORTING)
        self._begun: 'HeldWrite[bool] | None' = None

    def begin(self) -> None:
        """Begin the write, held back, if the upload seems to be open: so it takes one round trip less."""
        if self._bucket.upload_hints.is_open(self._upload):
            # Who began the upload is not known yet. ``aborted``, which follows, tells it, unless this Abort ends
            # before.
            self._begun = HeldWrite(self._bucket.logger, partial(self._mark, '', self._time))

    def look(self, view: View) -> 'tuple[Step, View]':
        """Return the ``abort_step`` that comes after the flag, and all that was read; BUSY if no flag can be stored.

        view: what is known at the beginning.
        """
        try:
            for _ in range(_MAX_FLAGS):
                step, view = follow(view, lambda seen: abort_step(seen, self._bucket.now()),
                                    reader(self._bucket, self._upload))
                if step is not Step.FLAG:
                    return step, view
                assert isinstance(view.marker, UploadMarker)
                # Only then the intent: read before the flag, it would not show a Complete that passed in between.
                view = self._write(view.marker)
            return Step.BUSY, view
        finally:
            self._abandon()

    def _write(self, marker: UploadMarker) -> View:
        """Write it over the ``marker`` that was read; return what is known then."""
        # The note goes first: a Complete that relied on it would write an intent, which keeps all others waiting.
        self._bucket.upload_hints.forget(self._upload)
        timestamp = _after(self._time, marker)
        if timestamp == self._time and self._begun is not None and self._begun.is_recent:
            stored = self._begun.release()
        else:
            stored = self._mark(marker.initiator, timestamp)
        self._abandon()
        if stored:
            return View(self._upload.id, replace(marker, state=State.ABORTING, timestamp=timestamp), flagged=True)
        # Some replica has what is not older: another flag, ``aborted``, or the tombstone that a Complete has left.
        # Swift has stored nothing, so nothing is proven.
        return View(self._upload.id)

    def _abandon(self) -> None:
        """Let what was begun take no effect, unless it was released."""
        if self._begun is not None:
            self._begun.abandon()
            self._begun = None

    def _mark(self, initiator: str, timestamp: Timestamp, held: 'HeldBody | None' = None) -> bool:
        # Just after the time of Initiate: it replaces "open", but cannot bring back a marker that a Complete has
        # deleted. With such a marker, and the intent gone too, the parts of the object would be deleted.
        return self._bucket.records.mark(self._upload, State.ABORTING, timestamp, initiator, held)


def _after(timestamp: Timestamp, marker: UploadMarker) -> Timestamp:
    """Return ``timestamp``; or the moment just after the ``marker``, if that is not older, but of the same tick.

    It is not older if it is a flag, or if Swift's container-reconciler has moved it: that writes it again a few offsets
    later.
    """
    return max(timestamp, just_after(marker.timestamp)) if marker.timestamp.normal == timestamp.normal else timestamp


def _carry_out(bucket: Bucket, upload: Upload, step: Step, view: View) -> Step:
    """Write what ``step`` asks for, after the flag was stored; return COMPLETED, ABORTED or BUSY."""
    if step is Step.FINISH:
        assert isinstance(view.intent, Intent)
        # The object is there, so the upload is over. If the marker stayed and the intent went, the next Abort would win
        # and delete the parts of the object.
        bucket.records.delete_marker(upload, just_after(view.intent.timestamp))
        if not view.intent.is_fresh(bucket.now()):
            # While it is fresh, its removal is the proof that its own Complete needs: that no other has passed.
            bucket.records.delete_intent(upload, view.intent)
        return Step.COMPLETED
    if step is Step.END_ABORT:
        assert isinstance(view.marker, UploadMarker)
        # A state of its own, which is final: with "aborting" alone a repeat could meet a late intent, and be answered
        # 503 though the parts are gone.
        timestamp = marker_time(swift_time(upload.ticks), State.ABORTED)
        stored = bucket.records.mark(upload, State.ABORTED, timestamp, view.marker.initiator)
        # A Complete may have ended, and taken marker and intent away, between the flag and the look at the intent. Then
        # Swift keeps the tombstone of the marker, which is later. Without this an Abort would delete the parts of its
        # object.
        return Step.ABORTED if stored else refused_abort_step(bucket.records.marker(upload))
    return step
