# SPDX-License-Identifier: Apache-2.0
"""What follows the deletion of a bucket: its open uploads end, and their parts are freed.

Amazon S3, too, deletes a bucket that has open uploads.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
"""
from collections.abc import Iterable
from functools import partial
from itertools import chain

import eventlet

from s3multi.operations import ending, uploads_of_0_1
from s3multi.operations.bucket import Bucket
from s3multi.operations.known_parts import all_attempts
from s3multi.s3.errors import NoSuchUpload, S3Error
from s3multi.storage.concurrency import concurrently
from s3multi.upload.marker_names import split_marker_name
from s3multi.upload.names import Upload
from s3multi.upload.timestamps import marker_time, swift_time

# Clients wait about a minute for an answer; after that they repeat, and are told that there is no such bucket.
_ANSWER_WITHIN_SECONDS = 20.0


def end_uploads(bucket: Bucket, began_ticks: int) -> None:
    """Abort the uploads of a bucket that Swift has deleted, and delete its segments container if it is empty then.

    began_ticks: when the deletion of the bucket began, in units of 10 microseconds. Only older uploads are ended: a
    newer one may belong to a bucket of the same name that was made meanwhile.

    Returns after 20 seconds at the latest; the rest goes on after the answer. Does not raise: the bucket is deleted,
    and uploads that are left take up space until a sweep, but no later bucket of this name knows them.
    """
    # Not before Swift has deleted the bucket: an Abort cannot be taken back, and Swift alone knows whether the bucket
    # may go.
    def task() -> None:
        with_markers = with_parts = False
        for page in bucket.markers.listing.pages():
            with_markers = page.exists
            splits = [split for row in page.rows if (split := split_marker_name(row['name']))]
            _end_all(bucket, [Upload(bucket.account, bucket.name, *split) for split in splits
                              if bucket.made_id(*split)], began_ticks)
        for page in bucket.segments.listing.pages():
            with_parts = page.exists
            _end_all(bucket, [upload for _, upload in uploads_of_0_1.of_rows(bucket, page.rows)], began_ticks)
        # The container of the parts last, and with that of the markers: Initiate relies on it as long as this is there.
        if (not with_markers or bucket.markers.delete()) and with_parts:
            bucket.segments.delete()

    worker = bucket.behind('not all uploads of the deleted bucket %s could be ended' % bucket.name, task)
    with eventlet.Timeout(_ANSWER_WITHIN_SECONDS, False):
        worker.wait()


def _end_all(bucket: Bucket, uploads: 'Iterable[Upload]', began_ticks: int) -> None:
    """End uploads of any state, and also from an earlier bucket of this name, as far as they are older."""
    concurrency = bucket.settings.delete_concurrency
    older = [upload for upload in uploads if upload.ticks < began_ticks]
    ended = [upload for upload in concurrently(concurrency, partial(_end, bucket), older) if upload is not None]
    try:
        bucket.deletion.free(chain.from_iterable(map(partial(all_attempts, bucket), ended)), bucket.ticks())
    except S3Error as error:
        bucket.logger.warning('not all parts of %d uploads of the deleted bucket %s could be deleted: %s', len(ended),
                              bucket.name, error)
        return
    # Only now: uploads are found by their markers. If the proxy dies before, the parts of an upload without a marker
    # would be taken for those of a finished object.
    list(concurrently(concurrency, partial(_forget, bucket), ended))


def _end(bucket: Bucket, upload: Upload) -> 'Upload | None':
    """Abort an upload; return it if its parts and records may be deleted, else None."""
    try:
        try:
            # All the steps of an Abort: a Complete may be about to write its manifest, whose PUT could come at the same
            # moment as the DELETE and bring the bucket back. Then the object must be whole.
            return upload if ending.abort(bucket, upload, looks=0) else None
        except NoSuchUpload:
            # The proxy of its Complete may have died before it deleted the marker, which would keep the container.
            bucket.records.delete_completed(upload)
            return None
    except S3Error as error:
        bucket.logger.warning('upload %s of the deleted bucket %s is left as it is: %s', upload.id, upload.bucket,
                              error)
        return None


def _forget(bucket: Bucket, upload: Upload) -> None:
    """Delete the records of an upload that is aborted."""
    # Just after ``aborted``, which it replaces.
    bucket.records.delete_marker(upload, marker_time(swift_time(upload.ticks), None))
    # An aborted upload never has an object, so nobody asks for its intent. Left, it would keep the container.
    intent = bucket.records.intent(upload)
    if intent is not None:
        bucket.records.delete_intent(upload, intent)
