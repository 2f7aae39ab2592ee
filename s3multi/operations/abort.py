# SPDX-License-Identifier: Apache-2.0
"""Abort: end an upload and free its parts.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
"""
from s3multi.operations import ending
from s3multi.operations.request import Reply
from s3multi.operations.session import Session
from s3multi.s3 import request_headers

# How often an Abort looks again, a second apart, while a Complete is at work.
_LOOKS = 3


def run(session: Session) -> Reply:
    """Answer 204 only if the upload was really aborted and its parts are gone; so 204 excludes a later Complete.

    Raises ServiceUnavailable while a Complete may be at work, or when a part could not be deleted: a repeat goes on.
    """
    upload = session.upload()
    request_headers.refuse_unsupported('abort', session.call.headers)
    if ending.abort(session, upload, _LOOKS):
        session.store.free(session.store.attempts(upload), session.ticks())
    return Reply(204)
