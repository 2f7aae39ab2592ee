# SPDX-License-Identifier: Apache-2.0
"""Who won between a Complete and an Abort: the questions that both operations ask of the records.

The order of the reads matters; ``doc/design`` has the trace that appears when one is left out.
"""
import enum
from dataclasses import dataclass

import eventlet

from s3multi.operations.session import Session
from s3multi.s3.errors import NoSuchUpload, ServiceUnavailable
from s3multi.storage.requests import swift_time
from s3multi.upload.lifecycle import marker_time
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, Marker, State
from swift.common.utils import Timestamp


_SECONDS_BETWEEN_LOOKS = 1.0


class Verdict(enum.Enum):
    """What became of an upload whose marker says ``aborting``. UNSURE: a Complete may still be at work."""

    ABORTED = 'aborted'
    COMPLETED = 'completed'
    UNSURE = 'unsure'


@dataclass(frozen=True)
class Settlement:
    """A verdict, and whether the intent of a Complete was met on the way to it."""

    verdict: Verdict
    met_intent: bool = False


def after(timestamp: Timestamp, offset: int) -> Timestamp:
    """Return the timestamp ``offset`` steps just after ``timestamp``, before the next tick of any clock."""
    return Timestamp(timestamp.internal, offset=offset)


def flag_abort(session: Session, upload: Upload, marker: Marker) -> None:
    """Write ``aborting`` over the marker that was read. From here on no new Complete passes."""
    # Just after the time of Initiate: so it replaces "open", but never brings back a marker that a Complete deleted.
    session.records.mark(upload, State.ABORTING, marker_time(swift_time(upload.ticks), State.ABORTING),
                         marker.initiator)


def settle_abort(session: Session, upload: Upload) -> Settlement:
    """Decide an upload that is flagged ``aborting``; writes ``aborted`` if that is the verdict."""
    records = session.records
    intent = records.intent(upload)
    if intent is not None:
        if is_finished(session, upload, intent.timestamp):
            records.delete_marker(upload, after(intent.timestamp, 1))
            if not intent.is_fresh(session.now()):
                records.delete_intent(upload, after(intent.timestamp, 1))
            return Settlement(Verdict.COMPLETED, True)
        if intent.is_fresh(session.now()):
            return Settlement(Verdict.UNSURE, True)
    # After the intent: a Complete may have finished, and taken its intent away, before that was looked for.
    marker = records.marker(upload)
    if marker is None:
        return Settlement(Verdict.COMPLETED, intent is not None)
    records.mark(upload, State.ABORTED, marker_time(swift_time(upload.ticks), State.ABORTED), marker.initiator)
    return Settlement(Verdict.ABORTED, intent is not None)


def finish(session: Session, upload: Upload, intent: Intent) -> None:
    """End what a Complete left whose proxy died after its manifest, which is there: the upload is over.

    intent: its own, or that of a rival; nobody else may be at work on it any more.
    """
    if session.is_versioned:
        session.store.show_version(upload, intent.timestamp)
    session.records.delete_marker(upload, after(intent.timestamp, 1))
    session.records.delete_intent(upload, after(intent.timestamp, 1))


def abort(session: Session, upload: Upload, looks: int) -> bool:
    """End an upload for good; say whether its parts may be deleted.

    looks: how often to look again, a second apart, while a Complete is at work. Raises NoSuchUpload when a Complete
    has won or there is no such upload, ServiceUnavailable while that is not certain: a repeat goes on.
    """
    marker = session.records.marker(upload)
    if marker is None:
        raise NoSuchUpload(upload.id)
    met_intent = False
    if marker.state is not State.ABORTED:
        if marker.state is State.OPEN:
            flag_abort(session, upload, marker)
        settlement = _settle(session, upload, looks)
        if settlement.verdict is Verdict.COMPLETED:
            raise NoSuchUpload(upload.id)
        if settlement.verdict is Verdict.UNSURE:
            raise ServiceUnavailable()
        met_intent = settlement.met_intent
    elif session.is_versioned:
        # The Abort that came first may have met it.
        met_intent = session.records.intent(upload) is not None
    if session.records.finished(upload.key).upload_id == upload.id:
        # No order of events leads here while Swift keeps its promises. The object outweighs the space.
        session.logger.error('upload %s of %s/%s is marked aborted, but its object exists: its parts are kept',
                             upload.id, upload.bucket, upload.key)
        raise NoSuchUpload(upload.id)
    # An older version may list the parts where a Complete was met; only the clean-up can tell.
    return not (met_intent and session.is_versioned)


def _settle(session: Session, upload: Upload, looks: int) -> Settlement:
    settlement = settle_abort(session, upload)
    for _ in range(looks):
        if settlement.verdict is not Verdict.UNSURE:
            break
        eventlet.sleep(_SECONDS_BETWEEN_LOOKS)
        settlement = settle_abort(session, upload)
    return settlement


def is_finished(session: Session, upload: Upload, timestamp: Timestamp) -> bool:
    """Say whether the manifest of ``upload``, or in a versioned bucket its version of ``timestamp``, is there."""
    if session.records.finished(upload.key).upload_id == upload.id:
        return True
    return session.is_versioned and session.records.finished(upload.key, timestamp).upload_id == upload.id
