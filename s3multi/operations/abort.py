# SPDX-License-Identifier: Apache-2.0
"""Abort: end an upload and free its parts.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
"""
from s3multi.operations import ending
from s3multi.operations.bucket import Bucket
from s3multi.operations.known_parts import all_attempts
from s3multi.operations.request import Call, Reply
from s3multi.s3 import request_headers

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
    # Never before the marker says "aborted": until then a Complete may win, and needs the parts.
    met_intent = ending.end_by_abort(bucket, upload, _LOOKS)

    def free() -> None:
        if ending.may_free(bucket, upload, met_intent):
            bucket.deletion.free(all_attempts(bucket, upload), bucket.ticks())
            bucket.hints.forget(upload)
            bucket.upload_hints.forget(upload)

    if bucket.settings.abort_waits:
        free()
    else:
        # If this proxy dies on the way, a repeat or the sweep frees what is left: the marker stays.
        bucket.behind('not all parts of the aborted upload %s could be deleted' % upload.id, free)
    return Reply(204)
