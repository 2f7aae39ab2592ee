# SPDX-License-Identifier: Apache-2.0
"""GetObjectAttributes: what there is to know of an object without its bytes, and of its parts, a page at a time.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
"""
from swift.common.http import is_success
from swift.common.swob import Response, normalize_etag, str_to_wsgi
from swift.common.utils import drain_and_close, list_from_csv

from s3multi.operations.request import Reply
from s3multi.operations.session import Session
from s3multi.s3 import request_headers
from s3multi.s3.attributes import ShownPart, Wanted, checksum_node, in_order, parts_node
from s3multi.s3.checksums import Checksum, ObjectChecksum, stored_checksum
from s3multi.s3.documents import Node, document
from s3multi.s3.errors import (AccessDenied, InvalidArgument, InvalidRequest, MethodNotAllowed, NoSuchKey,
                               NoSuchVersion, PreconditionFailed, S3Error, ServiceUnavailable)
from s3multi.storage.finished_parts import attempts_named
from s3multi.storage.records import is_large, shown_etag
from s3multi.storage.requests import Target, failure
from s3multi.upload import manifest
from s3multi.upload.names import Upload

_CONDITIONS = ('if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since')


def run(session: Session) -> Reply:
    """Answer GetObjectAttributesResponse, or 304."""
    call = session.call
    key = call.object_key()
    request_headers.refuse_unsupported('get_attributes', call.headers)
    wanted = Wanted.parse(call.headers)
    target = Target(call.bucket, key, _version(session, key))
    found = _find(session, target)
    etag = shown_etag(found)
    headers = {'Last-Modified': found.headers['Last-Modified']}
    if 'X-Object-Version-Id' in found.headers:
        headers['x-amz-version-id'] = found.headers['X-Object-Version-Id']
    if found.status_int == 304:
        return Reply(304, {**headers, 'ETag': '"%s"' % etag})
    # A server-side copy takes this metadata along to an object that is no manifest.
    checksum = stored_checksum(found.headers.get(manifest.CHECKSUM_HEADER)) if is_large(found) else None
    return Reply.xml(document('GetObjectAttributesResponse', in_order(wanted, {
        'ETag': ('ETag', etag),
        'Checksum': checksum_node(checksum) if checksum else None,
        'ObjectParts': _parts(session, target, wanted, found, checksum) if 'ObjectParts' in wanted.names else None,
        'StorageClass': ('StorageClass', 'STANDARD'),
        'ObjectSize': None if found.content_length is None else ('ObjectSize', str(found.content_length))})), headers)


def _version(session: Session, key: str) -> 'dict[str, str]':
    """Return the query that asks for the version that the request names."""
    version_id = session.call.params.get('versionId')
    if version_id is None:
        return {}
    if not version_id:
        raise InvalidArgument('versionId', '', 'Version id cannot be the empty string')
    if version_id != 'null' and not session.is_versioned:
        raise NoSuchVersion(key, version_id)
    return {'version-id': version_id}


def _find(session: Session, target: Target) -> Response:
    """Return Swift's answer of 200 or 304 to a HEAD of the object, judged by the rights of the client.

    Raises the S3 error for any other answer.
    """
    conditions = {name: _as_swift_knows(session.call.headers[name]) for name in _CONDITIONS
                  if name in session.call.headers}
    if conditions:
        conditions['X-Backend-Etag-Is-At'] = manifest.ETAG_HEADER
    found = _head(session, target, conditions)
    if not _may_know(session, target, found):
        raise AccessDenied()
    if found.status_int in (200, 304):
        return found
    raise _refusal(session, target, found)


def _as_swift_knows(condition: str) -> str:
    # Of a large object that was not made through S3, s3api shows the ETag with this behind it.
    etags = [normalize_etag(etag) for etag in list_from_csv(condition)]
    return str_to_wsgi(', '.join([condition, *(etag[:-2] for etag in etags if etag.endswith('-N'))]))


def _head(session: Session, target: Target, headers: 'dict[str, str] | None' = None) -> Response:
    response = session.backend.send_as_client('HEAD', target, headers)
    drain_and_close(response)
    return response


def _may_know(session: Session, target: Target, found: Response) -> bool:
    """Say whether the client may know this answer, where the ACLs of S3 decide: Swift has let the request pass."""
    s3_acl = session.call.s3_acl
    if s3_acl is None:
        return True
    if found.status_int in (304, 412):
        # These do not carry the ACL.
        found = _head(session, target)
    if found.status_int == 404:
        return s3_acl.may('READ', session.bucket_info['sysmeta'])
    return not is_success(found.status_int) or s3_acl.may_read_object(found.headers)


def _refusal(session: Session, target: Target, found: Response) -> Exception:
    status = found.status_int
    version_id = target.query.get('version-id')
    if status in (401, 403):
        return AccessDenied()
    if status == 412:
        return PreconditionFailed('If-Match' if 'if-match' in session.call.headers else 'If-Unmodified-Since')
    if status == 400 and version_id:
        return InvalidArgument('versionId', version_id, 'Invalid version id specified')
    if status == 400:
        return InvalidRequest()
    if status == 404:
        return _absence(session, target, version_id, found)
    return failure('HEAD', target, found)


def _absence(session: Session, target: Target, version_id: 'str | None', found: Response) -> S3Error:
    key = session.call.object_key()
    if version_id is not None:
        # Swift tells of a delete marker, and of no other missing version, which one it is.
        if found.headers.get('X-Object-Version-Id') != version_id or version_id == 'null':
            return NoSuchVersion(key, version_id)
        error = MethodNotAllowed(session.call.method, 'DeleteMarker', 'DELETE')
        error.headers.update({'x-amz-delete-marker': 'true', 'x-amz-version-id': version_id})
        return error
    marker = session.delete_marker(target.container, key) if session.is_versioned else None
    return NoSuchKey(key, {'x-amz-delete-marker': 'true', 'x-amz-version-id': marker} if marker else None)


def _parts(session: Session, target: Target, wanted: Wanted, found: Response,
           checksum: 'ObjectChecksum | None') -> 'Node | None':
    """Return ObjectParts; None for an object that has no parts. Parts are shown where they have checksums."""
    if not is_large(found):
        return None
    segments = _segments(session, target, found)
    call = session.call
    upload = Upload(call.account, call.bucket, call.object_key(), found.headers.get(manifest.UPLOAD_ID_HEADER, ''))
    # What a link leads to, or a copy of a manifest, was made by an upload of another key.
    if checksum is None or not session.ids.belongs(call.account, call.bucket, upload.key, upload.id):
        return parts_node(wanted, len(segments), None)
    page = wanted.page(len(segments))
    names = {number: manifest.part_name(upload, segments[number - 1]) for number in page}
    attempts = attempts_named(session.store, upload, set(names.values()))
    algorithm = checksum.checksum.algorithm
    shown = []
    for number in page:
        attempt = attempts.get(names[number])
        value = attempt.checksums.get(checksum.checksum.element) if attempt else None
        shown.append(ShownPart(number, segments[number - 1].size, Checksum(algorithm, value) if value else None))
    return parts_node(wanted, len(segments), shown)


def _segments(session: Session, target: Target, found: Response) -> 'list[manifest.Segment]':
    """Return what the manifest of the object lists. Raises ServiceUnavailable when it was replaced meanwhile."""
    response = session.backend.send_as_client('GET', Target(target.container, target.object, {
        **target.query, 'multipart-manifest': 'get'}))
    # Both are the MD5 of the manifest. What is none may be long.
    if not is_success(response.status_int) or found.headers.get('X-Manifest-Etag') != response.headers.get(
            'Etag', '').strip('"'):
        drain_and_close(response)
        raise ServiceUnavailable()
    return manifest.read_stored(response.body)
