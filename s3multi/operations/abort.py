# SPDX-License-Identifier: Apache-2.0
"""Abort: end an upload and free its parts.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
"""
import eventlet

from s3multi import request_headers
from s3multi.errors import NoSuchUpload, ServiceUnavailable
from s3multi.layout import Upload
from s3multi.operations.settle import Settlement, Verdict, flag_abort, settle_abort
from s3multi.session import Session
from s3multi.state import State
from s3multi.wire import Reply

# How often, and after how many seconds each, an Abort looks again while a Complete is at work.
_LOOKS = 3
_SECONDS_BETWEEN_LOOKS = 1.0


def run(session: Session) -> Reply:
    """Answer 204 only if the upload was really aborted and its parts are gone; so 204 excludes a later Complete.

    Raises ServiceUnavailable while a Complete may be at work, or when a part could not be deleted: a repeat goes on.
    """
    upload = session.upload()
    request_headers.refuse_unsupported('abort', session.call.headers)
    marker = session.records.marker(upload)
    if marker is None:
        raise NoSuchUpload(upload.id)
    met_intent = False
    if marker.state is not State.ABORTED:
        if marker.state is State.OPEN:
            flag_abort(session, upload)
        settlement = _settle(session, upload)
        if settlement.verdict is Verdict.COMPLETED:
            raise NoSuchUpload(upload.id)
        if settlement.verdict is Verdict.UNSURE:
            raise ServiceUnavailable()
        met_intent = settlement.met_intent
    if session.records.finished(upload.key).upload_id == upload.id:
        # No order of events leads here while Swift keeps its promises. The object outweighs the space.
        session.logger.error('upload %s of %s/%s is marked aborted, but its object exists: its parts are kept',
                             upload.id, upload.bucket, upload.key)
        raise NoSuchUpload(upload.id)
    # An older version may list the parts where a Complete was met; only the clean-up can tell.
    if not (met_intent and session.is_versioned):
        session.store.free(session.store.attempts(upload), session.ticks())
    return Reply(204)


def _settle(session: Session, upload: Upload) -> Settlement:
    settlement = settle_abort(session, upload)
    for _ in range(_LOOKS):
        if settlement.verdict is not Verdict.UNSURE:
            break
        eventlet.sleep(_SECONDS_BETWEEN_LOOKS)
        settlement = settle_abort(session, upload)
    return settlement
