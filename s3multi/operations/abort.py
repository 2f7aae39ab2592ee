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
    """Answer 204 only if the upload was really aborted and its parts are gone; so 204 excludes a later Complete.

    Raises ServiceUnavailable while a Complete may be at work, or when a part could not be deleted: a repeat goes on.
    """
    upload = bucket.upload(call.object_key(), call.upload_id)
    request_headers.refuse_unsupported('abort', call.headers)
    if ending.abort(bucket, upload, _LOOKS):
        bucket.deletion.free(all_attempts(bucket, upload), bucket.ticks())
        bucket.hints.forget(upload)
        bucket.upload_hints.forget(upload)
    return Reply(204)
