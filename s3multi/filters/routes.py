# SPDX-License-Identifier: Apache-2.0
"""Which operation a request asks for, by its method and query.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""
from collections.abc import Callable, Mapping

from s3multi.operations import (abort, bucket_lifecycle, copy_part, get_attributes, initiate, list_parts, list_uploads,
                                upload_part)
from s3multi.operations.bucket import Bucket
from s3multi.operations.complete import handler as complete
from s3multi.operations.request import Call, Reply
from s3multi.s3.copy_source import HEADER as COPY_SOURCE
from s3multi.s3.errors import MethodNotAllowed

Operation = Callable[[Bucket, Call], Reply]

# The query parameter, the name of the resource in errors, and the operation for each method.
ROUTES: 'tuple[tuple[str, str, Mapping[str, Operation]], ...]' = (
    ('uploadId', 'UPLOAD', {'GET': list_parts.run, 'POST': complete.run, 'DELETE': abort.run}),
    ('uploads', 'UPLOADS', {'GET': list_uploads.run, 'POST': initiate.run}),
    ('attributes', 'ATTRIBUTES', {'GET': get_attributes.run}),
    ('lifecycle', 'LIFECYCLE', {'GET': bucket_lifecycle.get, 'PUT': bucket_lifecycle.put,
                                'DELETE': bucket_lifecycle.delete}),
)

# What Amazon calls them, and so the metrics and the log.
NAMES: 'Mapping[Operation, str]' = {
    bucket_lifecycle.delete: 'DeleteBucketLifecycle', bucket_lifecycle.get: 'GetBucketLifecycleConfiguration',
    bucket_lifecycle.put: 'PutBucketLifecycleConfiguration',
    abort.run: 'AbortMultipartUpload', complete.run: 'CompleteMultipartUpload', copy_part.run: 'UploadPartCopy',
    get_attributes.run: 'GetObjectAttributes', initiate.run: 'CreateMultipartUpload', list_parts.run: 'ListParts',
    list_uploads.run: 'ListMultipartUploads', upload_part.run: 'UploadPart',
}


def name_of(call: Call) -> str:
    """Return what Amazon calls the operation of ``call``; ``Unknown`` if there is none."""
    try:
        return NAMES[route(call)]
    except MethodNotAllowed:
        return 'Unknown'


def route(call: Call) -> Operation:
    """Return the operation that ``call`` asks for. Raises MethodNotAllowed if there is none."""
    if call.method == 'PUT' and 'partNumber' in call.params:
        return copy_part.run if COPY_SOURCE in call.headers else upload_part.run
    for parameter, resource, methods in ROUTES:
        if parameter in call.params:
            if call.method in methods:
                return methods[call.method]
            raise MethodNotAllowed(call.method, resource, ', '.join(methods))
    raise MethodNotAllowed(call.method, 'PART', 'PUT')


def is_for_the_owner(call: Call) -> bool:
    """Return whether the operation of ``call`` is for the owner of the bucket alone, whatever its ACL grants."""
    return 'lifecycle' in call.params


def reads_an_object(call: Call) -> bool:
    """Return whether the operation of ``call`` judges the client by the ACL of an object, not by that of the bucket."""
    try:
        return route(call) is get_attributes.run
    except MethodNotAllowed:
        return False
