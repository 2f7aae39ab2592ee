# SPDX-License-Identifier: Apache-2.0
"""Upload Part Copy: read the source with the client's own rights, and stream it into a part.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
"""
import re

from swift.common.swob import Response
from swift.common.utils import FileLikeIter, closing_if_possible

from s3multi.operations import client_read
from s3multi.operations.bucket import Bucket
from s3multi.operations.ending import ask_open
from s3multi.operations.expected_owner import check_owner
from s3multi.operations.request import Call, Reply
from s3multi.operations.upload_part import choice_at, read_target, store_attempt
from s3multi.s3.copy_source import (HEADER, CopySource, SourceState, check_conditions, check_range, parse_range,
                                    parse_source, seconds_of)
from s3multi.s3.documents import Node, document, s3_time_of
from s3multi.s3.errors import (BrokenSource, IncompleteBody, InvalidRequest, NoSuchBucket, RequestTimeout, S3Error,
                               ServiceUnavailable)
from s3multi.storage.objects import shown_etag
from s3multi.storage.part_body import PartBody
from s3multi.storage.requests import Target
from s3multi.upload.names import is_segments_container

_CONTENT_RANGE = re.compile(r'bytes (?:[0-9]+-[0-9]+|\*)/([0-9]+)')


def run(bucket: Bucket, call: Call) -> Reply:
    """Answer CopyPartResult: the ETag of the copied bytes, and their checksum if the upload has an algorithm."""
    upload, number = read_target(bucket, call, 'copy_part')
    source = parse_source(call.headers[HEADER])
    check_owner(bucket, call, 'x-amz-source-expected-bucket-owner', source.bucket)
    if is_segments_container(source.bucket):
        raise NoSuchBucket(source.bucket)
    byte_range = parse_range(call.headers)
    with ask_open(bucket, upload) as marker:
        response = _open_source(bucket, call, source, byte_range)
        with closing_if_possible(response.app_iter):
            state = _state_of(response)
            check_conditions(call.headers, state, float(bucket.now()))
            # Swift answers some sources, such as a dynamic large object, without a length. Such a source is streamed in
            # chunks, and its size cannot be checked first.
            length = None if state.size < 0 else check_range(byte_range, state.size)
            choice = choice_at(upload, marker)
            body = PartBody(FileLikeIter(response.app_iter), length, owed=choice.algorithm if choice else None,
                            encrypted=bucket.cluster.encrypted, allow=marker.result)
            try:
                stored = store_attempt(bucket, call, upload, number, body, marker)
            except (IncompleteBody, RequestTimeout) as error:
                # The body that broke off is that of the source. The client has sent none, so it is not to blame.
                bucket.logger.warning('copying a part of upload %s has to be repeated: the source broke off', upload.id)
                raise ServiceUnavailable() from error
    checksum: list[Node] = [(body.checksum.element, body.checksum.value)] if body.checksum else []
    result = document('CopyPartResult', [('LastModified', s3_time_of(stored.began_ticks)),
                                         ('ETag', '"%s"' % stored.etag), *checksum])
    version_id = response.headers.get('X-Object-Version-Id')
    return Reply.xml(result, {'x-amz-copy-source-version-id': version_id} if version_id else None)


def _open_source(bucket: Bucket, call: Call, source: CopySource, byte_range: 'tuple[int, int] | None') -> Response:
    """Return Swift's answer to a GET of the source, its body not yet read; raise the S3 error if it is a failure."""
    def refusal(response: Response) -> 'Exception | None':
        if response.status_int == 409:
            # SLO found a segment of the source missing or changed, which a repeat does not mend.
            return BrokenSource()
        if response.status_int == 416 and byte_range:
            size = _CONTENT_RANGE.fullmatch(response.headers.get('Content-Range', ''))
            try:
                check_range(byte_range, int(size[1]) if size else 0)
            except S3Error as error:
                return error
        return None

    def delete_marker(_version_id: str) -> S3Error:
        return InvalidRequest('The source of a copy request may not specifically refer to a delete marker by version '
                              'id.')

    target = Target(source.bucket, source.key, {'version-id': source.version_id} if source.version_id else {})
    headers = {'Range': 'bytes=%d-%d' % byte_range} if byte_range else {}
    return client_read.read(bucket, call, 'GET', target, headers,
                            client_read.Meaning(HEADER, refusal, delete_marker))


def _state_of(response: Response) -> SourceState:
    headers = response.headers
    size = -1 if response.content_length is None else response.content_length
    if response.status_int == 206:
        match = _CONTENT_RANGE.fullmatch(headers.get('Content-Range', ''))
        size = int(match[1]) if match else size
    return SourceState(shown_etag(response), seconds_of(headers.get('Last-Modified', '')), size)
