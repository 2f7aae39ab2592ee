# SPDX-License-Identifier: Apache-2.0
"""List Parts: the newest attempt of each part, a page at a time.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
"""
from s3multi.operations import known_parts
from s3multi.operations.bucket import Bucket
from s3multi.operations.ending import ask_open
from s3multi.operations.known_parts import PartsPage
from s3multi.operations.request import Call, Reply
from s3multi.s3 import request_headers
from s3multi.s3.documents import Node, document, people, s3_time_of, url_encode
from s3multi.s3.pages import MAX_PAGE, parse_count, parse_encoding
from s3multi.s3.parts import MAX_PART_NUMBER, Attempt


def run(bucket: Bucket, call: Call) -> Reply:
    """Answer ListPartsResult."""
    upload = bucket.upload(call.object_key(), call.upload_id)
    request_headers.refuse_unsupported('list_parts', call.headers)
    encoding = parse_encoding(call.params)
    max_parts = parse_count(call.params, 'max-parts', MAX_PAGE, MAX_PAGE)
    after = parse_count(call.params, 'part-number-marker', 0)
    with ask_open(bucket, upload) as asked:
        # Numbers beyond those of S3 have no parts.
        page = (known_parts.page(bucket, upload, after, max_parts) if max_parts and after < MAX_PART_NUMBER
                else PartsPage([], False, after))
    upload_marker = asked.result()
    nodes: list[Node] = [
        ('Bucket', call.bucket), ('Key', url_encode(upload.key) if encoding else upload.key), ('UploadId', upload.id),
        *people(upload_marker.initiator), ('StorageClass', 'STANDARD'), ('PartNumberMarker', str(after)),
        # After an empty page Amazon S3 sends 0. Paginators that ignore IsTruncated, such as that of the AWS SDK for
        # JavaScript v3, then begin again for ever. Without the element they end.
        *([('NextPartNumberMarker', str(page.last))] if page.parts or page.truncated else []),
        ('MaxParts', str(max_parts))]
    if encoding:
        nodes.append(('EncodingType', encoding))
    nodes.append(('IsTruncated', 'true' if page.truncated else 'false'))
    nodes += upload_marker.checksum.elements if upload_marker.checksum else []
    nodes += [('Part', _part(attempt)) for attempt in page.parts]
    return Reply.xml(document('ListPartsResult', nodes), bucket.abort_headers(upload))


def _part(attempt: Attempt) -> 'list[Node]':
    return [('PartNumber', str(attempt.number)), ('LastModified', s3_time_of(attempt.began_ticks)),
            ('ETag', '"%s"' % attempt.etag), ('Size', str(attempt.size)), *attempt.checksums.items()]
