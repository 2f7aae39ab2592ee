# SPDX-License-Identifier: Apache-2.0
"""Checksums of parts of an upload for which none was chosen: verified, kept and shown. Values: of `123456789`."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.integration.raw import NAMESPACE
from tests.integration.s3api_features import needs_checksums

BODY = b'123456789'
MD5 = hashlib.md5(BODY).hexdigest()
VALUES = {
    'crc32': 'y/Q5Jg==',
    'crc32c': '4waSgw==',
    'crc64nvme': 'rosUhgp5mIg=',
    'sha1': base64.b64encode(hashlib.sha1(BODY).digest()).decode(),
    'sha256': base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
}
every_algorithm = pytest.mark.parametrize('algorithm', VALUES)


@pytest.fixture
def upload_id(raw, bucket):
    """An upload of the key `key`."""
    return raw.initiate(bucket, 'key')


def body_listing(*elements):
    children = ''.join(f'<{name}>{value}</{name}>' for name, value in elements)
    return (f'<CompleteMultipartUpload xmlns="{NAMESPACE[1:-1]}"><Part><PartNumber>1</PartNumber><ETag>{MD5}</ETag>'
            f'{children}</Part></CompleteMultipartUpload>').encode()


@every_algorithm
def test_checksum_in_a_header_is_returned_by_upload_part_and_list_parts(raw, bucket, upload_id, algorithm):
    """UploadPart answers the checksum the request carried; ListParts shows it."""
    header = 'x-amz-checksum-' + algorithm

    answer = raw.upload_part(bucket, 'key', upload_id, 1, BODY, {header: VALUES[algorithm]})
    part = raw.list_parts(bucket, 'key', upload_id).xml('ListPartsResult').find('Part')

    assert 200 == answer.status
    assert VALUES[algorithm] == answer.headers[header]
    assert MD5 == answer.etag
    assert VALUES[algorithm] == part.findtext('Checksum' + algorithm.upper())
    assert f'"{MD5}"' == part.findtext('ETag')


@needs_checksums
@every_algorithm
@pytest.mark.parametrize('payload', ['unsigned-chunks-trailer', 'chunks-trailer'])
def test_checksum_in_a_trailer_is_kept_too(raw, bucket, upload_id, payload, algorithm):
    """The value may come after an aws-chunked body; SDKs send it so over TLS, and some sign it without."""
    header = 'x-amz-checksum-' + algorithm

    answer = raw.upload_part(bucket, 'key', upload_id, 1, BODY, payload=payload,
                             trailers={header: VALUES[algorithm]})
    part = raw.list_parts(bucket, 'key', upload_id).xml('ListPartsResult').find('Part')

    assert VALUES[algorithm] == answer.headers[header]
    assert VALUES[algorithm] == part.findtext('Checksum' + algorithm.upper())


def test_part_without_checksum_shows_none(raw, bucket, upload_id):
    """Only what the request carried is answered."""
    answer = raw.upload_part(bucket, 'key', upload_id, 1, BODY)
    part = raw.list_parts(bucket, 'key', upload_id).xml('ListPartsResult').find('Part')

    assert [] == [name for name in answer.headers if name.lower().startswith('x-amz-checksum-')]
    assert ['PartNumber', 'LastModified', 'ETag', 'Size'] == [child.tag for child in part]


def test_complete_refuses_two_checksums_of_one_part(raw, bucket, upload_id):
    """Several checksum elements in one part are InvalidArgument."""
    raw.upload_part(bucket, 'key', upload_id, 1, BODY, {'x-amz-checksum-crc32': VALUES['crc32']})

    refused = raw.complete(bucket, 'key', upload_id, body_listing(
        ('ChecksumCRC32', VALUES['crc32']), ('ChecksumSHA1', VALUES['sha1'])))
    error = refused.error

    assert (400, 'InvalidArgument') == refused.outcome
    assert ('Checksum', f'CRC32:{VALUES["crc32"]};SHA1:{VALUES["sha1"]};') == (
        error['ArgumentName'], error['ArgumentValue'])


def test_wrong_checksum_stores_nothing(raw, bucket, upload_id):
    """A well-formed value that is wrong is BadDigest, and the part is not there."""
    answer = raw.upload_part(bucket, 'key', upload_id, 1, BODY, {'x-amz-checksum-crc32': 'AAAAAA=='})

    assert (400, 'BadDigest') == answer.outcome
    assert [] == raw.list_parts(bucket, 'key', upload_id).xml('ListPartsResult').findall('Part')


def test_empty_part_has_a_checksum_too(raw, bucket, upload_id):
    """A part may be empty; its checksum is kept like any other."""
    raw.upload_part(bucket, 'key', upload_id, 1, b'', {'x-amz-checksum-crc32': 'AAAAAA=='})
    part = raw.list_parts(bucket, 'key', upload_id).xml('ListPartsResult').find('Part')

    assert ('AAAAAA==', '"d41d8cd98f00b204e9800998ecf8427e"') == (
        part.findtext('ChecksumCRC32'), part.findtext('ETag'))
