# SPDX-License-Identifier: Apache-2.0
"""Abort: end an upload and free its parts.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
"""
from s3multi.operations import ending
from s3multi.operations.bucket import Bucket
from s3multi.operations.known_parts import all_attempts
from s3multi.operations.request import Call, Reply
from s3multi.s3 import request_headers
from s3multi.upload.names import Upload

# How often an Abort looks again, a second apart, while a Complete is at work.
_LOOKS = 3


def run(bucket: Bucket, call: Call) -> Reply:
    """Abort the upload and answer 204. After this answer no Complete of it succeeds.

    Parts that were uploaded are deleted behind the answer, or handed to the object expirer; in a bucket with versions
    some may be left to the sweep. Raises NoSuchUpload if a Complete has won, ServiceUnavailable while one may be at
    work. With ``abort_waits`` the answer comes after the parts, and is ServiceUnavailable if one could not be deleted.
    A repeat goes on.
    """
    upload = bucket.upload(call.object_key(), call.upload_id)
    request_headers.refuse_unsupported('abort', call.headers)
    if bucket.settings.abort_waits:
        _free(bucket, upload, ending.abort(bucket, upload, _LOOKS))
    else:
        end = ending.win_by_abort(bucket, upload, _LOOKS)
        # If this proxy dies on the way, a repeat or the sweep frees what is left: the marker stays.
        bucket.behind('not all parts of the aborted upload %s could be deleted' % upload.id,
                      lambda: _free(bucket, upload, end()))
    return Reply(204)


def _free(bucket: Bucket, upload: Upload, may_free: bool) -> None:
    """Delete all parts of an upload whose marker says ``aborted``. Before that a Complete may win, and needs them."""
    if may_free:
        bucket.deletion.free(all_attempts(bucket, upload), bucket.ticks())
        bucket.hints.forget(upload)
        bucket.upload_hints.forget(upload)
