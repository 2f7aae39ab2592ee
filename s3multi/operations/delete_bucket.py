# SPDX-License-Identifier: Apache-2.0
"""What follows the deletion of a bucket: its open uploads end, and their parts are freed.

Amazon S3 deletes a bucket with open uploads too. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
"""
from collections.abc import Sequence
from functools import partial
from itertools import chain

import eventlet

from s3multi.operations import ending
from s3multi.operations.session import Session
from s3multi.s3.errors import NoSuchUpload, S3Error
from s3multi.storage.records import marker_state
from s3multi.storage.requests import swift_time
from s3multi.storage.segments import Row, concurrently
from s3multi.upload.lifecycle import marker_time
from s3multi.upload.names import Upload, split_marker

# Clients wait a minute for an answer, and a repeat would tell them that there is no such bucket.
_ANSWER_WITHIN_SECONDS = 20.0


def end_uploads(session: Session, began: int) -> None:
    """End the uploads of a bucket that Swift has deleted, as Abort does, and remove its segments container if empty.

    began: when its deletion began, in units of 10 microseconds. An upload that is not older may belong to a bucket that
    was made again meanwhile. Returns after 20 seconds at the latest, and goes on behind the answer. Does not raise: the
    bucket is deleted, and what is left over costs space, for no bucket of this name will know these uploads.
    """
    def task() -> None:
        try:
            for rows in session.store.rows():
                _end_those_in(session, rows, began)
            session.store.delete_container()
        except (Exception, eventlet.Timeout):
            # Time-outs of eventlet are no Exceptions.
            session.logger.exception('not all uploads of the deleted bucket %s could be ended', session.call.bucket)

    worker = session.spawn(task)
    with eventlet.Timeout(_ANSWER_WITHIN_SECONDS, False):
        worker.wait()


def _end_those_in(session: Session, rows: Sequence[Row], began: int) -> None:
    uploads = [upload for upload in _uploads(session, rows) if upload.ticks < began]
    concurrency = session.settings.delete_concurrency
    ended = [upload for upload in concurrently(concurrency, partial(_end, session), uploads) if upload is not None]
    try:
        session.store.free(chain.from_iterable(map(session.store.attempts, ended)), session.ticks())
    except S3Error as error:
        session.logger.warning('not all parts of %d uploads of the deleted bucket %s could be deleted: %s', len(ended),
                               session.call.bucket, error)
        return
    # Only now: a marker is what an upload is found by, should the proxy die.
    list(concurrently(concurrency, partial(_forget, session, {row['name'] for row in rows}), ended))


def _uploads(session: Session, rows: Sequence[Row]) -> 'list[Upload]':
    """Return the uploads whose markers are in ``rows``, whatever their state and in whichever life of the bucket."""
    call = session.call
    splits = [split_marker(row['name']) for row in rows if marker_state(row['content_type'])]
    return [Upload(call.account, call.bucket, *split) for split in splits
            if split and session.ids.belongs(call.account, call.bucket, *split)]


def _end(session: Session, upload: Upload) -> 'Upload | None':
    """Return the upload if it was aborted, and its parts and records may go; else None."""
    try:
        return upload if ending.abort(session, upload, looks=0) else None
    except NoSuchUpload:
        return None
    except S3Error as error:
        session.logger.warning('upload %s of the deleted bucket %s is left as it is: %s', upload.id, upload.bucket,
                               error)
        return None


def _forget(session: Session, names: 'set[str]', upload: Upload) -> None:
    """Delete the records of an upload that is aborted. names: some of what the segments container holds."""
    # After ``aborted``.
    session.records.delete_marker(upload, marker_time(swift_time(upload.ticks), None))
    intent = session.records.intent(upload) if upload.intent in names else None
    if intent is not None:
        session.records.delete_intent(upload, ending.after(intent.timestamp, 1))
