# SPDX-License-Identifier: Apache-2.0
"""Reads an object with the client's own rights: the source of a part copy, or an object whose attributes are wanted.

Swift judges the client by its own ACLs. With ``s3_acl``, where those of S3 count, Swift lets every request pass, and
this module judges the client.
"""
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from swift.common.http import is_success
from swift.common.middleware.versioned_writes.object_versioning import DELETE_MARKER_CONTENT_TYPE
from swift.common.swob import Response
from swift.common.utils import close_if_possible, drain_and_close

from s3multi.operations.bucket import Bucket, is_versioned
from s3multi.operations.request import Call
from s3multi.s3.errors import AccessDenied, InvalidArgument, NoSuchBucket, NoSuchKey, NoSuchVersion, S3Error
from s3multi.storage.answers import failure
from s3multi.storage.requests import Target
from s3multi.storage.rows import read_rows


@dataclass(frozen=True)
class Meaning:
    """How an operation translates those answers of Swift that mean different things to different operations.

    version_argument: the argument in which the client has named a version, for errors. refusal: returns the error for
    an answer; None if the usual one will do. delete_marker: takes the id of a version that is a delete marker, and
    returns the error; None if NoSuchVersion will do.
    """

    version_argument: str
    refusal: 'Callable[[Response], Exception | None]'
    delete_marker: 'Callable[[str], S3Error | None]'


def read(bucket: Bucket, call: Call, method: str, target: Target, headers: 'Mapping[str, str]',
         meaning: Meaning) -> Response:
    """Return Swift's answer to a GET or HEAD of an object if it is a success or 304. The body of a GET is not read yet.

    target: an object in any bucket of the account, perhaps with ``version-id`` in its query. headers: those of the
    request. Raises AccessDenied if the client may not know the answer, else the S3 error for any other answer.
    """
    response = bucket.backend.send_as_client(method, target, headers)
    if not _may_know(bucket, call, method, target, response):
        # Closed without being read, since the body may be long.
        close_if_possible(response.app_iter)
        raise AccessDenied()
    if not is_success(response.status_int) or method == 'HEAD':
        drain_and_close(response)
    if is_success(response.status_int) or response.status_int == 304:
        return response
    raise _refusal(bucket, target, response, meaning) or failure(method, target.kind, response)


def _may_know(bucket: Bucket, call: Call, method: str, target: Target, response: Response) -> bool:
    """Return whether the client may know an answer; always True without ``s3_acl``, where auth has judged already.

    With it the ACL of the object counts or, if there is no object, the right to read the bucket.
    """
    status = response.status_int
    if call.s3_acl is None or not is_success(status) and status not in (304, 404, 409, 412, 416):
        return True
    if not is_success(status) and (status, method) != (404, 'HEAD'):
        # Errors do not carry the headers of the object, and so not its ACL.
        response = bucket.backend.send_as_client('HEAD', target)
        drain_and_close(response)
    if response.status_int == 404:
        info = _info_of(bucket, target)
        return info['status'] == 404 or call.s3_acl.may('READ', info['sysmeta'])
    return call.s3_acl.may_read_object(response.headers)


def _refusal(bucket: Bucket, target: Target, response: Response, meaning: Meaning) -> 'Exception | None':
    status, version_id = response.status_int, target.query.get('version-id')
    if status in (401, 403):
        return AccessDenied()
    if status == 400 and version_id:
        return InvalidArgument(meaning.version_argument, version_id, 'Invalid version id specified')
    return _absence(bucket, target, response, meaning) if status == 404 else meaning.refusal(response)


def _absence(bucket: Bucket, target: Target, response: Response, meaning: Meaning) -> S3Error:
    info = _info_of(bucket, target)
    key, version_id = target.object or '', target.query.get('version-id')
    if not is_success(info['status']):
        return NoSuchBucket(target.container)
    if version_id:
        # Swift's 404 for a delete marker names the version; that for a version that is not there does not.
        is_delete_marker = response.headers.get('X-Object-Version-Id') == version_id
        error = meaning.delete_marker(version_id) if is_delete_marker else None
        return error or NoSuchVersion(key, version_id)
    delete_marker_id = _delete_marker(bucket, target) if is_versioned(info) else None
    return NoSuchKey(key, {'x-amz-delete-marker': 'true', 'x-amz-version-id': delete_marker_id}
                     if delete_marker_id else None)


def _delete_marker(bucket: Bucket, target: Target) -> 'str | None':
    """Return the version id of the delete marker that hides an object; None if there is none, or the client may not
    list the bucket."""
    response = bucket.backend.send_as_client('GET', Target(target.container, query={
        'versions': 'true', 'format': 'json', 'limit': '1', 'prefix': target.object or ''}))
    rows = read_rows(response)
    newest = rows[0] if rows else {}
    if newest.get('name') == target.object and newest.get('content_type') == DELETE_MARKER_CONTENT_TYPE:
        return str(newest.get('version_id', 'null'))
    return None


def _info_of(bucket: Bucket, target: Target) -> 'dict[str, Any]':
    """Return Swift's container info of the bucket of the object."""
    return bucket.info if target.container == bucket.name else bucket.backend.bucket_info(target.container)
