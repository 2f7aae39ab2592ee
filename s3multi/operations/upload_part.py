# SPDX-License-Identifier: Apache-2.0
"""Upload Part: stream the body into a name that was never used before.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
"""
import hashlib
from collections.abc import Callable, MutableMapping
from typing import Any, BinaryIO

from swift.common import constraints
from swift.common.swob import Response

from s3multi import request_headers
from s3multi.checksums import Checksum, with_parameter
from s3multi.errors import (BadDigest, EntityTooLarge, IncompleteBody, InvalidArgument, MissingContentLength,
                            NoSuchUpload, RequestTimeout)
from s3multi.layout import Upload, attempt_ticks, new_attempt
from s3multi.manifest import LISTING_ETAG_HEADER, LISTING_TYPE_HEADER, SEGMENT_TYPE
from s3multi.parts import MAX_PART_BYTES, Attempt, parse_part_number
from s3multi.session import Session
from s3multi.state import State
from s3multi.subrequest import Target, failure
from s3multi.wire import Reply


def run(session: Session) -> Reply:
    """Answer with the part's ETag, once it is stored."""
    call = session.call
    upload, number = read_target(session, 'upload_part')
    length = call.content_length
    if length is None:
        raise MissingContentLength()
    largest = min(MAX_PART_BYTES, constraints.MAX_FILE_SIZE)
    if length > largest:
        raise EntityTooLarge(length, largest)
    session.open_marker(upload)
    headers = {'Content-Length': str(length)}
    if call.content_md5:
        headers['ETag'] = call.content_md5
    environ: dict[str, Any] = {'wsgi.input': call.body}
    if isinstance(call.checksum, Checksum) and not session.encrypted:
        # Known already, and if it is wrong the PUT never ends: a header is cheaper than a footer.
        headers[LISTING_TYPE_HEADER] = with_parameter(SEGMENT_TYPE, call.checksum)
    elif call.checksum is not None:
        environ.update(_keeping(call.checksum, call.body, session.encrypted))
    stored = store_attempt(session, upload, number, headers, environ)
    checksum = _value(call.checksum) if call.checksum is not None else None
    return Reply(200, {'ETag': '"%s"' % stored.etag, **({checksum.header: checksum.value} if checksum else {})})


def _value(checksum: 'Checksum | Callable[[], Checksum]') -> Checksum:
    return checksum if isinstance(checksum, Checksum) else checksum()


def _keeping(checksum: 'Checksum | Callable[[], Checksum]', body: BinaryIO, encrypted: bool) -> 'dict[str, Any]':
    """Return the environ for a part whose row shall show what only the end of the body tells: its trailer, its MD5."""
    if not encrypted:
        def add_type(footers: 'MutableMapping[str, str]') -> None:
            footers[LISTING_TYPE_HEADER] = with_parameter(SEGMENT_TYPE, _value(checksum))

        return {'swift.callback.update_footers': add_type}
    stream = _DigestingInput(body)

    def add_hash(footers: 'MutableMapping[str, str]') -> None:
        footers[LISTING_ETAG_HEADER] = with_parameter(stream.md5.hexdigest(), _value(checksum))

    return {'wsgi.input': stream, 'swift.callback.update_footers': add_hash}


class _DigestingInput:
    """Passes a body on and takes its MD5: who sets the hash of a row has to set all of it."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self.md5 = hashlib.md5(usedforsecurity=False)

    def read(self, size: int = -1) -> bytes:
        chunk = self._body.read(size)
        self.md5.update(chunk)
        return chunk


def read_target(session: Session, operation: str) -> 'tuple[Upload, int]':
    """Return upload and part number of a request that writes a part, and refuse what it may not carry."""
    call = session.call
    if 'uploadId' not in call.params:
        raise InvalidArgument('uploadId', '', 'This operation does not accept a partNumber without an uploadId')
    if 'versionId' in call.params:
        raise InvalidArgument('versionId', call.params['versionId'],
                              'This operation does not accept a version-id.')
    number = parse_part_number(call.params.get('partNumber'), session.settings.max_upload_part_num)
    upload = session.upload()
    request_headers.refuse_unsupported(operation, call.headers)
    return upload, number


def store_attempt(session: Session, upload: Upload, number: int, headers: 'dict[str, str]',
                  environ: 'dict[str, Any]') -> Attempt:
    """Write a new attempt of part ``number`` and return it. environ: ``wsgi.input`` is the stream of its bytes.

    headers: Content-Length, or Transfer-Encoding where the length is not known, and what Swift shall check. Raises
    NoSuchUpload when the upload ended meanwhile, EntityTooLarge when the bucket's quota has no room.
    """
    # Like Swift, of a length that is not known beforehand: only whether there is any room left.
    session.check_part_quota(upload, int(headers.get('Content-Length', 0)))
    began = session.ticks()
    name = new_attempt(began)
    response = session.store.put_part(upload, number, name, headers, environ)
    if response.status_int != 201:
        raise _refusal(session, upload, number, response)
    stored = Attempt(number, upload.part(number, name), attempt_ticks(name), response.headers['Etag'].strip('"'), 0)
    if session.ticks() - began > session.settings.marker_recheck_after * 100000:
        _recheck(session, upload, stored)
    session.hints.remember(upload, number, name)
    return stored


def _recheck(session: Session, upload: Upload, stored: Attempt) -> None:
    marker = session.records.marker(upload)
    if marker is not None and marker.state is State.ABORTED:
        session.store.free([stored], session.ticks())
    # A marker that is gone was completed, perhaps with this very attempt in its list: that one must stay.
    if marker is None or marker.state is not State.OPEN:
        raise NoSuchUpload(upload.id)


def _refusal(session: Session, upload: Upload, number: int, response: Response) -> Exception:
    """Return the S3 error for an answer to the PUT of a part. 202 means that it was not stored."""
    status = response.status_int
    if status == 422 and session.call.content_md5:
        return BadDigest(session.call.content_md5)
    if status == 408:
        return RequestTimeout()
    if status == 499:
        return IncompleteBody(session.call.content_length, None)
    if status == 411:
        return MissingContentLength()
    if status == 413:
        return EntityTooLarge(session.call.content_length, None, response.body.decode('utf-8', 'replace').strip())
    if status == 404:
        return NoSuchUpload(upload.id)
    return failure('PUT', Target(upload.container, 'part %d' % number), response)
