# SPDX-License-Identifier: Apache-2.0
"""Initiate (CreateMultipartUpload): write the marker that makes an upload exist.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
"""
from swift.common import constraints
from swift.common.swob import str_to_wsgi

from s3multi.operations import containers, uploads_of_0_1
from s3multi.operations.bucket import Bucket
from s3multi.operations.request import Call, Reply
from s3multi.s3 import checksum_rules, request_headers
from s3multi.s3.documents import document
from s3multi.s3.errors import InvalidBucketName, KeyTooLong, ServiceUnavailable
from s3multi.upload.marker_names import markers_container
from s3multi.upload.names import NAME_OVERHEAD, Upload, segments_container


def run(bucket: Bucket, call: Call) -> Reply:
    """Answer InitiateMultipartUploadResult. Creates the containers for uploads if the bucket has none yet."""
    key = call.object_key()
    _check_names(call.bucket, key)
    request_headers.refuse_unsupported('initiate', call.headers)
    checksum = checksum_rules.read_choice(call.headers)
    request_headers.check_metadata_size(call.headers)
    # Later than the last deletion of a bucket of this name, whose proxy may have had a clock that is ahead: an upload
    # that seems to have begun before it would count as ended with that bucket.
    began_ticks = max(bucket.ticks(), bucket.ended_before + 1)
    initiation = _initiation(bucket, call)
    upload = Upload(call.account, call.bucket, key, (
        uploads_of_0_1.new_id(bucket, key, began_ticks) if bucket.settings.initiate_for_release == '0.1'
        else bucket.ids.new(call.account, call.bucket, key, began_ticks, checksum)))
    # Written last: the marker makes the upload exist, and nothing that the upload relies on may be missing then.
    if not bucket.records.open_upload(upload, initiation, call.user, checksum):
        # This is the first upload of the bucket. Later ones need no request for the containers.
        containers.create(bucket, upload.is_apart)
        if not bucket.records.open_upload(upload, initiation, call.user, checksum):
            raise ServiceUnavailable()
    # The row of the marker may be late.
    bucket.upload_hints.remember(upload)
    return Reply.xml(document('InitiateMultipartUploadResult', [
        ('Bucket', call.bucket), ('Key', key), ('UploadId', upload.id)]),
        {**bucket.abort_headers(upload), **(checksum.headers if checksum else {})})


def _check_names(bucket: str, key: str) -> None:
    """Raise KeyTooLong or InvalidBucketName if Swift does not allow the names of parts or of the containers.

    The name of a part is longer than its key, so the key may be too long although S3 allows it. It is refused here,
    rather than at the first part.
    """
    allowed = constraints.MAX_OBJECT_NAME_LENGTH - NAME_OVERHEAD
    size = len(key.encode('utf-8'))
    if size > allowed:
        raise KeyTooLong(size, allowed)
    longest = max(len(name(bucket).encode('utf-8')) for name in (segments_container, markers_container))
    if longest > constraints.MAX_CONTAINER_NAME_LENGTH:
        raise InvalidBucketName(bucket)


def _initiation(bucket: Bucket, call: Call) -> 'dict[str, str]':
    """Return the headers of the object to be made, as WSGI strings."""
    kept = {name: str_to_wsgi(call.headers[name]) for name in request_headers.OBJECT_HEADERS if name in call.headers}
    if call.headers.get('content-type'):
        kept['content-type'] = str_to_wsgi(call.headers['content-type'])
    if call.s3_acl is not None:
        kept.update(call.s3_acl.object_headers(bucket.info['sysmeta']))
    return {**kept, **call.metadata}
