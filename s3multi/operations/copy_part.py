# SPDX-License-Identifier: Apache-2.0
"""Upload Part Copy: read the source with the client's own rights, and stream it into a part.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
"""
import re
from email.utils import parsedate_to_datetime

from swift.common.http import is_success
from swift.common.swob import Response
from swift.common.utils import FileLikeIter, close_if_possible, closing_if_possible, drain_and_close

from s3multi.operations.request import Reply
from s3multi.operations.session import Session
from s3multi.operations.upload_part import read_target, store_attempt
from s3multi.s3.copy_source import (HEADER, CopySource, SourceState, check_conditions, check_range, parse_range,
                                    parse_source)
from s3multi.s3.documents import Node, document
from s3multi.s3.errors import (AccessDenied, BrokenSource, IncompleteBody, InvalidArgument, InvalidRequest,
                               NoSuchBucket, NoSuchKey, NoSuchVersion, RequestTimeout, S3Error, ServiceUnavailable)
from s3multi.storage.part_body import PartBody
from s3multi.storage.records import shown_etag
from s3multi.storage.requests import Target, failure
from s3multi.storage.segments import s3_time_of
from s3multi.upload.names import is_segments_container

_CONTENT_RANGE = re.compile(r'bytes (?:[0-9]+-[0-9]+|\*)/([0-9]+)')


def run(session: Session) -> Reply:
    """Answer CopyPartResult with the ETag of the bytes copied, and their checksum if the upload has an algorithm."""
    call = session.call
    upload, number = read_target(session, 'copy_part')
    source = parse_source(call.headers[HEADER])
    session.check_owner('x-amz-source-expected-bucket-owner', source.bucket)
    if is_segments_container(source.bucket):
        raise NoSuchBucket(source.bucket)
    byte_range = parse_range(call.headers)
    choice = session.open_marker(upload).checksum
    response = _open_source(session, source, byte_range)
    with closing_if_possible(response.app_iter):
        state = _state_of(response)
        check_conditions(call.headers, state, float(session.now()))
        # A source that Swift answers without a length (a DLO) is streamed in chunks; its size cannot be checked first.
        length = None if state.size < 0 else check_range(byte_range, state.size)
        body = PartBody(FileLikeIter(response.app_iter), length, owed=choice.algorithm if choice else None,
                        encrypted=session.encrypted)
        try:
            stored = store_attempt(session, upload, number, body)
        except (IncompleteBody, RequestTimeout) as error:
            # Not the client's body: it has sent none.
            session.logger.warning('copying a part of upload %s has to be repeated: the source broke off', upload.id)
            raise ServiceUnavailable() from error
    checksum: list[Node] = [(body.checksum.element, body.checksum.value)] if body.checksum else []
    result = document('CopyPartResult', [('LastModified', s3_time_of(stored.began // 100000)),
                                         ('ETag', '"%s"' % stored.etag), *checksum])
    version_id = response.headers.get('X-Object-Version-Id')
    return Reply.xml(result, {'x-amz-copy-source-version-id': version_id} if version_id else None)


def _open_source(session: Session, source: CopySource, byte_range: 'tuple[int, int] | None') -> Response:
    """Return Swift's answer to a GET of the source, its body not yet read. Raises the S3 error it amounts to."""
    target = Target(source.bucket, source.key, {'version-id': source.version_id} if source.version_id else {})
    headers = {'Range': 'bytes=%d-%d' % byte_range} if byte_range else {}
    response = session.backend.send_as_client('GET', target, headers)
    if not _may_know(session, source, target, response):
        # Not read: it may be long.
        close_if_possible(response.app_iter)
        raise AccessDenied()
    if is_success(response.status_int):
        return response
    drain_and_close(response)
    raise _refusal(session, source, byte_range, response, target)


def _may_know(session: Session, source: CopySource, target: Target, response: Response) -> bool:
    """Say whether the client may know this answer, where the ACLs of S3 decide: Swift has let the request pass.

    The source's own ACL counts, and for a source that is not there the right to read its bucket.
    """
    s3_acl = session.call.s3_acl
    if s3_acl is None or response.status_int not in (200, 206, 404, 409, 416):
        return True
    if not is_success(response.status_int):
        # An error does not carry the ACL.
        response = session.backend.send_as_client('HEAD', target)
        drain_and_close(response)
    if response.status_int == 404:
        info = session.backend.bucket_info(source.bucket)
        return info['status'] == 404 or s3_acl.may('READ', info['sysmeta'])
    return s3_acl.may_read_object(response.headers)


def _refusal(session: Session, source: CopySource, byte_range: 'tuple[int, int] | None', response: Response,
             target: Target) -> Exception:
    status = response.status_int
    if status in (401, 403):
        return AccessDenied()
    if status == 409:
        # Asking again would not help.
        return BrokenSource()
    if status == 416 and byte_range:
        size = _CONTENT_RANGE.fullmatch(response.headers.get('Content-Range', ''))
        try:
            check_range(byte_range, int(size[1]) if size else 0)
        except S3Error as error:
            return error
    if status == 400 and source.version_id:
        return InvalidArgument(HEADER, source.version_id, 'Invalid version id specified')
    if status == 404:
        return _absence(session, source, response)
    return failure('GET', target, response)


def _absence(session: Session, source: CopySource, response: Response) -> S3Error:
    info = session.backend.bucket_info(source.bucket)
    if not is_success(info['status']):
        return NoSuchBucket(source.bucket)
    if source.version_id:
        # Swift tells of a delete marker, and of no other missing version, which one it is.
        if response.headers.get('X-Object-Version-Id') == source.version_id:
            return InvalidRequest('The source of a copy request may not specifically refer to a delete marker by '
                                  'version id.')
        return NoSuchVersion(source.key, source.version_id)
    versioned = 'versions-container' in (info.get('sysmeta') or {})
    marker = session.delete_marker(source.bucket, source.key) if versioned else None
    return NoSuchKey(source.key, {'x-amz-delete-marker': 'true', 'x-amz-version-id': marker} if marker else None)


def _state_of(response: Response) -> SourceState:
    headers = response.headers
    size = -1 if response.content_length is None else response.content_length
    if response.status_int == 206:
        match = _CONTENT_RANGE.fullmatch(headers.get('Content-Range', ''))
        size = int(match[1]) if match else size
    return SourceState(shown_etag(response), parsedate_to_datetime(headers['Last-Modified']).timestamp(), size)
