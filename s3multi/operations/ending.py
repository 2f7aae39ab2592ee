# SPDX-License-Identifier: Apache-2.0
"""How an upload ends: whether it is open, and who wins between a Complete and an Abort.

What is next, and in which order the records are read, is decided in ``upload.decisions``; here it is done.
"""
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import eventlet
from swift.common.utils import Timestamp

from s3multi.operations.bucket import Bucket
from s3multi.s3.errors import NoSuchUpload, ServiceUnavailable
from s3multi.upload.decisions import UNREAD, Step, View, abort_step, follow, open_step
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, ObjectAtKey, State, UploadMarker
from s3multi.upload.timestamps import just_after, marker_time, swift_time

_SECONDS_BETWEEN_LOOKS = 1.0


def reader(bucket: Bucket, upload: Upload) -> 'Callable[[Step, View], Any]':
    """Return what reads for ``decisions.follow``: always the newest replica."""
    def read(step: Step, view: View) -> Any:
        if step is Step.READ_INTENT:
            return bucket.records.intent(upload)
        if step is Step.READ_OBJECT:
            return object_of(bucket, upload, view.intent.timestamp if isinstance(view.intent, Intent) else None)
        return bucket.records.marker(upload)

    return read


def object_of(bucket: Bucket, upload: Upload, written: 'Timestamp | None') -> ObjectAtKey:
    """Return what is at the key or, where there are versions, the version of time ``written`` if it is the upload's."""
    shown = bucket.objects.shown(upload.key)
    if shown.upload_id == upload.id or not bucket.is_versioned or written is None:
        return shown
    version = bucket.objects.version(upload.key, written)
    return version if version.upload_id == upload.id else shown


def require_open(bucket: Bucket, upload: Upload) -> UploadMarker:
    """Return the marker of an upload that must be open. Raises NoSuchUpload from the moment an Abort begins."""
    marker = bucket.records.marker(upload)
    if marker is None or open_step(View(upload.id, marker)) is not Step.GO_ON:
        raise NoSuchUpload(upload.id)
    return marker


def open_marker(bucket: Bucket, upload: Upload) -> 'UploadMarker | None':
    """Return the marker of an open upload; None when it was completed, so that its object has to tell what it is.

    An Abort that is undecided is decided first. Raises NoSuchUpload when it wins, or had won, ServiceUnavailable while
    that is not certain.
    """
    marker = bucket.records.marker(upload)
    step = open_step(View(upload.id, marker))
    if step is Step.SETTLE:
        assert marker is not None
        step = settle(bucket, upload, marker)
    if step is Step.BUSY:
        raise ServiceUnavailable()
    if step is Step.ABORTED:
        raise NoSuchUpload(upload.id)
    return marker if step is Step.GO_ON else None


def settle(bucket: Bucket, upload: Upload, marker: UploadMarker) -> Step:
    """Decide an upload whose ``marker`` says ``aborting``; return COMPLETED, ABORTED or BUSY."""
    return _carry_out(bucket, upload, *_look(bucket, upload, View(upload.id, marker)))


def abort(bucket: Bucket, upload: Upload, looks: int) -> bool:
    """End an upload for good; return whether its parts may be deleted.

    looks: how often to look again, a second apart, while a Complete is at work. Raises NoSuchUpload when a Complete
    has won or there is no such upload, ServiceUnavailable while that is not certain: a repeat goes on.
    """
    step, view = _look(bucket, upload, View(upload.id))
    was_aborted = step is Step.ABORTED
    if step is Step.FLAG:
        assert isinstance(view.marker, UploadMarker)
        _flag(bucket, upload, view.marker)
        step, view = _look(bucket, upload, View(upload.id, replace(view.marker, state=State.ABORTING)))
    while step is Step.BUSY and looks:
        looks -= 1
        eventlet.sleep(_SECONDS_BETWEEN_LOOKS)
        step, view = _look(bucket, upload, View(upload.id, view.marker))
    step = _carry_out(bucket, upload, step, view)
    if step is Step.COMPLETED:
        raise NoSuchUpload(upload.id)
    if step is Step.BUSY:
        raise ServiceUnavailable()
    met_intent = view.intent not in (None, UNREAD)
    if was_aborted and bucket.is_versioned:
        # The Abort that came first may have met it.
        met_intent = bucket.records.intent(upload) is not None
    if bucket.objects.shown(upload.key).upload_id == upload.id:
        # No order of events leads here while Swift keeps its promises. The object outweighs the space.
        bucket.logger.error('upload %s of %s/%s is marked aborted, but its object exists: its parts are kept',
                            upload.id, upload.bucket, upload.key)
        raise NoSuchUpload(upload.id)
    # An older version may list the parts where a Complete was met; only the sweep can tell.
    return not (met_intent and bucket.is_versioned)


def finish(bucket: Bucket, upload: Upload, intent: Intent) -> None:
    """End what a Complete left whose proxy died after its manifest, which is there: the upload is over.

    intent: its own, or that of a rival; nobody else may be at work on it any more.
    """
    if bucket.is_versioned:
        bucket.objects.show_version(upload, intent.timestamp)
    bucket.records.delete_marker(upload, just_after(intent.timestamp))
    bucket.records.delete_intent(upload, just_after(intent.timestamp))


def _look(bucket: Bucket, upload: Upload, view: View) -> 'tuple[Step, View]':
    return follow(view, lambda seen: abort_step(seen, bucket.now()), reader(bucket, upload))


def _flag(bucket: Bucket, upload: Upload, marker: UploadMarker) -> None:
    """Write ``aborting`` over the marker that was read. From here on no new Complete passes."""
    # Just after the time of Initiate: so it replaces "open", but never brings back a marker that a Complete deleted.
    bucket.records.mark(upload, State.ABORTING, marker_time(swift_time(upload.ticks), State.ABORTING),
                        marker.initiator)


def _carry_out(bucket: Bucket, upload: Upload, step: Step, view: View) -> Step:
    """Write what ``step`` asks for, of an upload that is flagged; return COMPLETED, ABORTED or BUSY."""
    if step is Step.FINISH:
        assert isinstance(view.intent, Intent)
        # The Complete that wrote the object deletes its marker too; whoever is first tells it that the upload is over.
        bucket.records.delete_marker(upload, just_after(view.intent.timestamp))
        if not view.intent.is_fresh(bucket.now()):
            # A fresh one proves to its Complete that no other has passed.
            bucket.records.delete_intent(upload, just_after(view.intent.timestamp))
        return Step.COMPLETED
    if step is Step.END_ABORT:
        assert isinstance(view.marker_again, UploadMarker)
        bucket.records.mark(upload, State.ABORTED, marker_time(swift_time(upload.ticks), State.ABORTED),
                            view.marker_again.initiator)
        return Step.ABORTED
    return step
