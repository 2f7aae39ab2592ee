# SPDX-License-Identifier: Apache-2.0
"""The owner that a client expects a bucket to have: ``x-amz-expected-bucket-owner`` and the like.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""
from s3multi.operations.bucket import Bucket
from s3multi.operations.request import Call
from s3multi.s3.errors import AccessDenied


def check_owner(bucket: Bucket, call: Call, header: str, name: str) -> None:
    """Raise AccessDenied when ``header`` names another owner of the bucket ``name`` than s3api shows to this user."""
    expected = call.headers.get(header)
    if expected is None:
        return
    # Without ACLs all buckets that a user can address are of one account, and s3api names the user as their owner.
    owner = call.user
    if call.s3_acl is not None:
        info = bucket.info if name == bucket.name else bucket.backend.bucket_info(name)
        owner = call.s3_acl.owner_of(info['sysmeta'])
    if expected != owner:
        raise AccessDenied()
