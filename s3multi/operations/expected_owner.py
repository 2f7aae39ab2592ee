# SPDX-License-Identifier: Apache-2.0
"""The headers with which a client names the owner that it expects a bucket to have (``x-amz-expected-bucket-owner``).

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""
from s3multi.operations.bucket import Bucket
from s3multi.operations.request import Call
from s3multi.s3.errors import AccessDenied


def check_owner(bucket: Bucket, call: Call, header: str, name: str) -> None:
    """Raise AccessDenied if ``header`` is there and names another owner of the bucket ``name`` than s3api does."""
    expected = call.headers.get(header)
    if expected is None:
        return
    # Without ``s3_acl`` all buckets that a user can address are in one account, and s3api shows the user as the owner.
    owner = call.user
    if call.s3_acl is not None:
        info = bucket.info if name == bucket.name else bucket.backend.bucket_info(name)
        owner = call.s3_acl.owner_of(info['sysmeta'])
    if expected != owner:
        raise AccessDenied()
