# SPDX-License-Identifier: Apache-2.0
"""What S3 clients see of Swift's own s3api and of s3multi, request by request: the table of ``doc/switching.rst``.

``test_switching.py`` sends the requests to both, and fails if an answer is not what is written here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A request and what came. stock, ours: status and code of the error, and what else there is to see."""

    operation: str
    request: str
    stock: str
    ours: str


INITIATE, PART, COPY, COMPLETE = 'Initiate', 'Upload Part', 'Upload Part Copy', 'Complete'
ABORT, LISTS, READ, OTHER = 'Abort', 'Lists', 'Reading objects', 'Other requests'
VERSIONS = 'Versions'

# By the name of the function in ``test_switching.py``.
ROWS = {
    'content_type': Row(INITIATE, 'no ``Content-Type``: that of the object', 'application/octet-stream',
                        'binary/octet-stream'),
    'upload_id': Row(INITIATE, 'the upload id', '48 characters', '21 characters'),
    'algorithm': Row(INITIATE, '``x-amz-checksum-algorithm: CRC32``', '200, ignored', '200, echoed'),
    'unknown_algorithm': Row(INITIATE, '``x-amz-checksum-algorithm: ROT13``', '200', '400 InvalidRequest'),
    'customer_key': Row(INITIATE, 'a customer key (SSE-C)', '200', '501 NotImplemented'),
    'key_service': Row(INITIATE, '``x-amz-server-side-encryption-aws-kms-key-id``', '200', '501 NotImplemented'),
    'lock': Row(INITIATE, '``x-amz-object-lock-mode``', '200', '501 NotImplemented'),
    'expiry': Row(INITIATE, '``X-Delete-After``', '200', '501 NotImplemented'),
    'much_metadata': Row(INITIATE, '3 KB of ``x-amz-meta-*``', '200', '400 MetadataTooLarge'),
    'owner': Row(INITIATE, '``x-amz-expected-bucket-owner`` of somebody else', '200', '403 AccessDenied'),
    'chunked_encoding': Row(INITIATE, '``Content-Encoding: gzip, aws-chunked``: that of the object',
                            'gzip, aws-chunked', 'gzip'),
    'long_key': Row(INITIATE, 'a key of 1000 bytes', '400 InvalidRequest', '400 KeyTooLongError'),
    'control_character': Row(INITIATE, 'a key with U+0001', '500 InternalError', '200'),
    'acl': Row(INITIATE, '``x-amz-acl: public-read``, with ``s3_acl = false``', '200', '200'),
    'tagging': Row(INITIATE, '``x-amz-tagging``', '501 NotImplemented', '501 NotImplemented'),
    'unsigned': Row(INITIATE, '``x-amz-storage-class`` beside a presigned URL, not signed', '200',
                    '403 AccessDenied'),
    'v2_metadata': Row(INITIATE, 'metadata in the query of a presigned URL (version 2)', '403 SignatureDoesNotMatch',
                       '200'),
    'no_bucket': Row(INITIATE, 'no such bucket', '404 NoSuchBucket', '404 NoSuchBucket'),
    'number_1001': Row(PART, 'number 1001, with default settings', '400 InvalidArgument', '200'),
    'number_0': Row(PART, 'number 0', '400 InvalidArgument', '400 InvalidArgument'),
    'number_10001': Row(PART, 'number 10001', '400 InvalidArgument', '400 InvalidArgument'),
    'part_checksum': Row(PART, '``x-amz-checksum-crc32``', '200', '200, echoed'),
    'part_wrong_checksum': Row(PART, 'a wrong ``x-amz-checksum-crc32``', '400 BadDigest', '400 BadDigest'),
    'part_wrong_md5': Row(PART, 'a wrong ``Content-MD5``', '400 BadDigest', '400 BadDigest'),
    'part_metadata': Row(PART, '``x-amz-meta-*``', '200', '400 InvalidArgument'),
    'part_customer_key': Row(PART, 'a customer key (SSE-C)', '200', '501 NotImplemented'),
    'part_expiry': Row(PART, '``X-Delete-After``', '200', '501 NotImplemented'),
    'part_completed': Row(PART, 'of an upload that was completed', '200', '404 NoSuchUpload'),
    'part_aborted': Row(PART, 'of an upload that was aborted', '404 NoSuchUpload', '404 NoSuchUpload'),
    'range_over': Row(COPY, 'a range that ends past the source of 10 bytes: ``bytes=5-20``', '200, copies 5 bytes',
                      '400 InvalidArgument'),
    'range_open': Row(COPY, '``bytes=5-`` as range', '200, copies 5 bytes', '400 InvalidArgument'),
    'range_behind': Row(COPY, 'a range behind the source', '400 InvalidArgument', '400 InvalidArgument'),
    'range_header': Row(COPY, 'a ``Range`` header', '400 InvalidRequest', '400 InvalidArgument'),
    'source_owner': Row(COPY, '``x-amz-source-expected-bucket-owner`` of somebody else', '200, copies 10 bytes',
                        '403 AccessDenied'),
    'source_missing': Row(COPY, 'no such source', '404 NoSuchKey', '404 NoSuchKey'),
    'source_condition': Row(COPY, 'a condition on the source that does not hold', '412 PreconditionFailed',
                            '412 PreconditionFailed'),
    'plus': Row(COPY, '``a+b`` as the key of the source, not encoded', '200, copies 10 bytes', '404 NoSuchKey'),
    'presigned_copy': Row(COPY, 'the source in the query of a presigned URL', '200, an empty part',
                          '200, copies 10 bytes'),
    'etag_missing': Row(COMPLETE, 'a part that was not uploaded', '400 InvalidPart with UploadId',
                        '400 InvalidPart with UploadId, PartNumber, ETag'),
    'etag_wrong': Row(COMPLETE, 'a part with another ETag', '400 InvalidPart', '400 InvalidPart'),
    'number_too_big': Row(COMPLETE, 'number 10001, not uploaded', '400 InvalidPart', '400 InvalidPart'),
    'number_too_small': Row(COMPLETE, 'number 0', '400 InvalidPartOrder', '400 InvalidArgument'),
    'order': Row(COMPLETE, 'numbers out of order', '400 InvalidPartOrder', '400 InvalidPartOrder'),
    'small_part': Row(COMPLETE, 'an empty part before others', '400 EntityTooSmall', '400 EntityTooSmall'),
    'root': Row(COMPLETE, '``MultipartUpload`` as root of the list', '400 MalformedXML', '200'),
    'no_list': Row(COMPLETE, 'an empty list', '400 MalformedXML', '400 MalformedXML'),
    'if_none_match': Row(COMPLETE, '``If-None-Match: *``, with an object at the key', '412 PreconditionFailed',
                         '412 PreconditionFailed'),
    'if_match': Row(COMPLETE, '``If-Match`` of another ETag', '501 NotImplemented', '412 PreconditionFailed'),
    'size': Row(COMPLETE, 'a wrong ``x-amz-mp-object-size``', '200', '400 InvalidRequest'),
    'list_checksum': Row(COMPLETE, 'a wrong checksum of a part', '200', '400 InvalidPart'),
    'object_checksum': Row(COMPLETE, 'a wrong checksum of the object', '200', '400 BadDigest'),
    'composite': Row(COMPLETE, '``x-amz-checksum-sha256`` with the number of parts behind it', '400 InvalidRequest',
                     '200'),
    'again': Row(COMPLETE, 'again, after its success', '200', '200'),
    'again_other': Row(COMPLETE, 'again, with another list', '404 NoSuchUpload', '404 NoSuchUpload'),
    'again_deleted': Row(COMPLETE, 'again, after the object was deleted', '404 NoSuchUpload', '404 NoSuchUpload'),
    'after_abort': Row(COMPLETE, 'of an upload that was aborted', '404 NoSuchUpload', '404 NoSuchUpload'),
    'abort': Row(ABORT, 'an upload', '204', '204'),
    'abort_again': Row(ABORT, 'again', '404 NoSuchUpload', '204'),
    'abort_completed': Row(ABORT, 'of an upload that was completed', '404 NoSuchKey', '404 NoSuchUpload'),
    'abort_with_number': Row(ABORT, '``?uploadId=ID&partNumber=1`` of a completed upload',
                             '204, the object is deleted', '400 InvalidArgument'),
    'parts_of_completed': Row(LISTS, 'the parts of an upload that was completed', '200', '404 NoSuchUpload'),
    'no_parts_at_once': Row(LISTS, '``max-parts=0``', 'IsTruncated true', 'IsTruncated false'),
    'control_characters': Row(LISTS, 'the objects of a bucket with a key of U+0001', '500 InternalError', '200'),
    'attributes': Row(READ, '``?attributes`` (GetObjectAttributes)', '200, the object itself', '200, the attributes'),
    'part_number_of_plain': Row(READ, '``partNumber=1`` of an object without parts, ``If-None-Match`` of its ETag',
                                '206 without bytes', '304'),
    'part_number_sign': Row(READ, '``partNumber=+1``', '206', '400 InvalidArgument'),
    'part_number_over': Row(READ, '``partNumber`` above the last', '416 InvalidPartNumber',
                            '416 InvalidPartNumber with PartNumberRequested, ActualPartCount'),
    'empty_last_part': Row(READ, '``partNumber`` of an empty last part', '500', '200'),
    'checksum_mode': Row(READ, '``x-amz-checksum-mode: ENABLED``', 'no checksum', 'that of the object'),
    'reader': Row(READ, 'by another user, whom the ACL of the container lets read', '409 BrokenMPU', '200'),
    'if_range': Row(READ, '``Range`` with an ``If-Range`` that names another object', '206', '200, the whole'),
    'copy': Row(OTHER, 'CopyObject of a multipart object: HEAD and lists show the same ETag', 'no', 'yes'),
    'copy_range': Row(OTHER, 'CopyObject with a ``Range`` header', '200, truncated', '400 InvalidArgument'),
    'retention': Row(OTHER, '``PUT ?retention`` (and others that s3api does not know)',
                     '200, replaces the object with the document', '501 NotImplemented'),
    'delete_bucket': Row(OTHER, 'DeleteBucket with an open upload', '204', '204'),
    'no_version_id': Row(VERSIONS, 'DeleteObject of the version ``x``, in a bucket without versions', '204',
                         '400 InvalidArgument'),
    'undelete': Row(VERSIONS, 'DeleteObjects of the delete marker: a GET then', '404 NoSuchKey', '200'),
    'delete_current': Row(VERSIONS, 'DeleteObjects of the current version: a GET then', '404 NoSuchKey',
                          '200, the one before'),
    'delete_null': Row(VERSIONS, 'DeleteObject of the version ``null``, which is not there: a GET then',
                       '404 NoSuchKey', '200'),
    'delete_below_null': Row(VERSIONS, 'DeleteObject of the version below ``null``', '400 InvalidRequest', '204'),
}
