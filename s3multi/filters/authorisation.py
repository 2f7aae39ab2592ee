# SPDX-License-Identifier: Apache-2.0
"""Whether a client may ask for an operation: judged once, by its rights on the bucket.

What follows is done with the operator's rights, since no client has any on the segments container.
"""
from typing import TYPE_CHECKING

from swift.common.http import is_success
from swift.common.swob import Request

from s3multi.filters.routes import is_for_the_owner, reads_an_object
from s3multi.operations.bucket import Bucket
from s3multi.operations.expected_owner import check_owner
from s3multi.operations.request import Call
from s3multi.s3.errors import AccessDenied, NoSuchBucket, ServiceUnavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def authorize(bucket: Bucket, call: Call) -> 'WSGIApplication | None':
    """Judge the client's rights on the bucket: to own it, to read it for GET and HEAD, or to write it.

    Returns the auth filter's answer if that denies it, else None. Raises AccessDenied if there is no auth filter, if
    the ACL of S3 denies it, or if the client expects another owner; ServiceUnavailable if Swift does not tell whether
    there is a bucket; NoSuchBucket if there is none, which only clients learn that may know it.
    """
    judge = call.env.get('swift.authorize')
    # Without an auth filter nobody has judged the client, and the operations use the operator's rights.
    if judge is None:
        raise AccessDenied()
    request = Request(call.env)
    reads = call.method in ('GET', 'HEAD')
    # An ACL grants nobody what is the owner's.
    owners = is_for_the_owner(call)
    request.acl = None if owners else bucket.info['read_acl' if reads else 'write_acl']
    denied: WSGIApplication | None = judge(request)
    if denied is not None:
        return denied
    # Not before the client was judged: otherwise everybody could find out which buckets there are.
    status = bucket.info['status']
    if status == 404 or status == 0 and bucket.backend.account_is_missing():
        raise NoSuchBucket(bucket.name)
    if not is_success(status):
        raise ServiceUnavailable()
    # An operation that reads an object is judged by the object's own ACL, when that is read.
    if call.s3_acl is not None and not reads_an_object(call):
        sysmeta = bucket.info['sysmeta']
        if not (call.s3_acl.owns(sysmeta) if owners else call.s3_acl.may('READ' if reads else 'WRITE', sysmeta)):
            raise AccessDenied()
    check_owner(bucket, call, 'x-amz-expected-bucket-owner', bucket.name)
    return None
