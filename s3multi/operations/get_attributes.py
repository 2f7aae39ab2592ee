# SPDX-License-Identifier: Apache-2.0
"""GetObjectAttributes: size, ETag and checksum of an object without its bytes, and a page of its parts.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
"""
from swift.common.http import is_success
from swift.common.swob import Response, normalize_etag, str_to_wsgi
from swift.common.utils import drain_and_close, list_from_csv

from s3multi.operations import client_read
from s3multi.operations.bucket import Bucket
from s3multi.operations.known_parts import attempts_named
from s3multi.operations.request import Call, Reply
from s3multi.s3 import request_headers
from s3multi.s3.attributes import ShownPart, Wanted, checksum_node, in_order, parts_node
from s3multi.s3.checksums import Checksum, ObjectChecksum, stored_checksum
from s3multi.s3.documents import Node, document
from s3multi.s3.errors import (BrokenSource, InvalidRequest, MethodNotAllowed, NoSuchVersion, PreconditionFailed,
                               S3Error, ServiceUnavailable)
from s3multi.s3.version_ids import check_version_id
from s3multi.storage.objects import is_large, shown_etag
from s3multi.storage.requests import Target
from s3multi.upload import manifest
from s3multi.upload.names import Upload

# By the name that S3 has for it.
_SHOWN_HEADERS = (('Last-Modified', 'Last-Modified'), ('x-amz-version-id', 'X-Object-Version-Id'))
_CONDITIONS = ('if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since')


def run(bucket: Bucket, call: Call) -> Reply:
    """Answer GetObjectAttributesResponse, or 304 if the client's condition says that nothing has changed."""
    key = call.object_key()
    request_headers.refuse_unsupported('get_attributes', call.headers)
    wanted = Wanted.parse(call.headers)
    target = Target(call.bucket, key, _version(bucket, call, key))
    found = _find(bucket, call, target)
    etag = shown_etag(found)
    headers = {name: found.headers[header] for name, header in _SHOWN_HEADERS if header in found.headers}
    if found.status_int == 304:
        return Reply(304, {**headers, 'ETag': '"%s"' % etag})
    # A server-side copy inherits this metadata, but it is not a manifest.
    checksum = stored_checksum(found.headers.get(manifest.CHECKSUM_HEADER)) if is_large(found) else None
    return Reply.xml(document('GetObjectAttributesResponse', in_order(wanted, {
        'ETag': ('ETag', etag),
        'Checksum': checksum_node(checksum) if checksum else None,
        'ObjectParts': _parts(bucket, target, wanted, found, checksum) if 'ObjectParts' in wanted.names else None,
        'StorageClass': ('StorageClass', 'STANDARD'),
        'ObjectSize': None if found.content_length is None else ('ObjectSize', str(found.content_length))})), headers)


def _version(bucket: Bucket, call: Call, key: str) -> 'dict[str, str]':
    """Return the query for the version that the request names, {} if it names none.

    Raises InvalidArgument for an empty id, NoSuchVersion if the bucket has no versions.
    """
    version_id = call.params.get('versionId')
    if version_id is None:
        return {}
    check_version_id(version_id, 'versionId', version_id)
    if version_id != 'null' and not bucket.is_versioned:
        raise NoSuchVersion(key, version_id)
    return {'version-id': version_id}


def _find(bucket: Bucket, call: Call, target: Target) -> Response:
    """Return Swift's answer to a HEAD with the client's rights and conditions; raise the S3 error unless 200 or 304."""
    def refusal(response: Response) -> 'Exception | None':
        if response.status_int == 412:
            return PreconditionFailed('If-Match' if 'if-match' in call.headers else 'If-Unmodified-Since')
        return InvalidRequest() if response.status_int == 400 else None

    def delete_marker(version_id: str) -> 'S3Error | None':
        if version_id == 'null':
            return None
        error = MethodNotAllowed(call.method, 'DeleteMarker', 'DELETE')
        error.headers.update({'x-amz-delete-marker': 'true', 'x-amz-version-id': version_id})
        return error

    conditions = {name: _as_swift_knows(call.headers[name]) for name in _CONDITIONS if name in call.headers}
    if conditions:
        conditions['X-Backend-Etag-Is-At'] = ','.join(manifest.ETAG_HEADERS)
    return client_read.read(bucket, call, 'HEAD', target, conditions,
                            client_read.Meaning('versionId', refusal, delete_marker))


def _as_swift_knows(condition: str) -> str:
    """Return an ETag condition, with each ETag that ends in "-N" a second time without that.

    s3api shows the ETag of a large object that was not made through S3 with this ending, which Swift does not know.
    """
    etags = [normalize_etag(etag) for etag in list_from_csv(condition)]
    return str_to_wsgi(', '.join([condition, *(etag[:-2] for etag in etags if etag.endswith('-N'))]))


def _parts(bucket: Bucket, target: Target, wanted: Wanted, found: Response,
           checksum: 'ObjectChecksum | None') -> 'Node | None':
    """Return ObjectParts; None for an object without parts. Single parts are shown only if the object has a checksum.

    found: the answer to the HEAD of the object.
    """
    if not is_large(found):
        return None
    segments = _segments(bucket, target, found)
    upload = Upload(bucket.account, bucket.name, target.object or '', found.headers.get(manifest.UPLOAD_ID_HEADER, ''))
    # The target of a link, or a copied manifest, was made by an upload of another key, the rows of whose parts this
    # client may not be allowed to see.
    if checksum is None or not bucket.made_id(upload.key, upload.id):
        return parts_node(wanted, len(segments), None)
    page = wanted.page(len(segments))
    names = {number: manifest.part_name(upload, segments[number - 1]) for number in page}
    attempts, left = attempts_named(bucket, upload, set(names.values()))
    algorithm = checksum.checksum.algorithm
    shown: list[ShownPart] = []
    for number in page:
        if shown and names[number] in left:
            break
        attempt = attempts.get(names[number])
        value = attempt.checksums.get(checksum.checksum.element) if attempt else None
        shown.append(ShownPart(number, segments[number - 1].size, Checksum(algorithm, value) if value else None))
    return parts_node(wanted, len(segments), shown)


def _segments(bucket: Bucket, target: Target, found: Response) -> 'list[manifest.Segment]':
    """Return the segments that the manifest of the object lists.

    Raises ServiceUnavailable if it is another by now, BrokenSource if it cannot be read.

    found: the answer to the HEAD of the object.
    """
    response = bucket.backend.send_as_client('GET', Target(target.container, target.object, {
        **target.query, 'multipart-manifest': 'get'}))
    # Both headers have the MD5 of the manifest. Anything else is not read into memory, since it may be long.
    if not is_success(response.status_int) or found.headers.get('X-Manifest-Etag') != response.headers.get(
            'Etag', '').strip('"'):
        drain_and_close(response)
        raise ServiceUnavailable()
    try:
        return manifest.read_stored(response.body)
    except ValueError:
        raise BrokenSource() from None
