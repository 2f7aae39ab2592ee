# SPDX-License-Identifier: Apache-2.0
"""The lifecycle configuration of a bucket: set, read and deleted by its owner, and told to those who upload.

It is system metadata of the bucket: whoever replaces other metadata leaves it, and it goes with the bucket. Initiate
and List Parts take it from the container info that they have, which may be as old as Swift's cache
(``recheck_container_existence``); what is done by it is decided by ``newest``.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketLifecycle.html
"""
from s3multi.operations.body import read_body
from s3multi.operations.bucket import Bucket
from s3multi.operations.request import Call, Reply
from s3multi.s3.bucket_lifecycle import MAX_BYTES, SIZE_HEADER, Lifecycle, lifecycle_document, read_lifecycle
from s3multi.s3.errors import NoSuchBucket, NoSuchLifecycleConfiguration
from s3multi.storage.requests import Target
from s3multi.upload.abort_rules import HEADER, decode, encode


def put(bucket: Bucket, call: Call) -> Reply:
    """Replace the configuration."""
    lifecycle = read_lifecycle(read_body(call, MAX_BYTES), call.headers)
    _store(bucket, encode(lifecycle))
    return Reply(headers={SIZE_HEADER: lifecycle.minimum_size})


def get(bucket: Bucket, _call: Call) -> Reply:
    """Answer the LifecycleConfiguration."""
    lifecycle = newest(bucket)
    if lifecycle is None:
        raise NoSuchLifecycleConfiguration(bucket.name)
    return Reply.xml(lifecycle_document(lifecycle), {SIZE_HEADER: lifecycle.minimum_size})


def delete(bucket: Bucket, _call: Call) -> Reply:
    """Delete the configuration, if there is one."""
    _store(bucket, '')
    return Reply(204)


def newest(bucket: Bucket) -> 'Lifecycle | None':
    """Return the configuration that the newest replica of the bucket has; None if there is none."""
    return decode(bucket.backend.head_newest(Target(bucket.name)).headers.get(HEADER))


def _store(bucket: Bucket, value: str) -> None:
    if bucket.backend.call('POST', Target(bucket.name), (404,), {HEADER: value}).status_int == 404:
        raise NoSuchBucket(bucket.name)
