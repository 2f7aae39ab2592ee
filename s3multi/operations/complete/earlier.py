# SPDX-License-Identifier: Apache-2.0
"""What a Complete answers for an upload that is over, or that others are just ending."""
from s3multi.operations.bucket import Bucket
from s3multi.s3.errors import NoSuchUpload, ServiceUnavailable
from s3multi.storage.metrics import COMPLETES_REFUSED
from s3multi.upload.decisions import UNREAD, Step, Unread, View, follow, repeat_step
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, ObjectAtKey


def repeated_object(bucket: Bucket, upload: Upload, etag: str, list_name: 'str | None') -> ObjectAtKey:
    """Return what ``earlier_object`` does, to one that has ended no marker, but has read that there is none."""
    # The write that ended it may have reached one replica, and not been acknowledged. A rival that does not reach that
    # one would find the upload open, and replace an object that is acknowledged here. Before the intent is read: who
    # has found it open before had written his intent by then.
    bucket.records.end_marker_again(upload)
    return earlier_object(bucket, upload, etag, list_name)


def earlier_object(bucket: Bucket, upload: Upload, etag: str, list_name: 'str | None',
                   intent: 'Intent | None | Unread' = UNREAD) -> ObjectAtKey:
    """Return the object at the key if it is the one that a Complete of this list would make. The marker must be gone.

    etag: that of the object. list_name: None if the attempts of the list are not known. intent: as it was read since
    the marker is gone. Raises NoSuchUpload if another object is there or none, ServiceUnavailable while a Complete with
    another list may still replace it.
    """
    def read(step: Step, _view: View) -> 'Intent | ObjectAtKey | None':
        # What clients see: a version that was replaced since is no success to tell of.
        return bucket.records.intent(upload) if step is Step.READ_INTENT else bucket.objects.shown(upload.key)

    step, view = follow(View(upload.id, intent=intent), lambda seen: repeat_step(seen, etag, list_name, bucket.now()),
                        read)
    if step is Step.BUSY:
        raise busy(bucket, upload, 'rival', 'another Complete is closing it')
    if step is Step.ABORTED:
        raise NoSuchUpload(upload.id)
    assert isinstance(view.object, ObjectAtKey)
    return view.object


def busy(bucket: Bucket, upload: Upload, reason: str, text: str) -> ServiceUnavailable:
    """Count and log that a Complete has to be repeated, and return the error that tells the client to.

    reason: one of the values of ``COMPLETES_REFUSED``. text: the same for the log.
    """
    bucket.metrics.count(COMPLETES_REFUSED, reason)
    bucket.logger.info('Complete of upload %s has to be repeated: %s', upload.id, text)
    return ServiceUnavailable()
