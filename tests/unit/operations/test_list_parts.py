# SPDX-License-Identifier: Apache-2.0
"""List Parts: the newest attempt of each part, a page at a time."""
import json
from urllib.parse import unquote_plus

import lxml.etree
import pytest

from s3multi.operations import list_parts
from s3multi.s3.bucket_lifecycle import Lifecycle, Rule
from s3multi.s3.errors import S3Error
from s3multi.upload.abort_rules import encode
from s3multi.upload.names import Upload, new_attempt
from tests.unit.fakes import IDS, RecordingSwift, Together, handed_on, asked

TICKS = 1790000000 * 100000
A, B, C = (letter * 32 for letter in 'abc')
UPLOAD = Upload('AUTH_a', 'bucket', 'a key', IDS.new('AUTH_a', 'bucket', 'a key', TICKS))
MARKER = 200, {'Content-Type': 'application/x-s3multi-marker;state=open;checksum=crc32;checksum-type=COMPOSITE',
               'X-Timestamp': '1790000000.00000', 'X-Object-Sysmeta-S3multi-Initiator': 'test:tester'}, b''


def row(number, etag, seconds=0):
    """Return a row for an attempt that began so many seconds after the upload."""
    return {'name': UPLOAD.part(number, new_attempt(TICKS + seconds * 100000)), 'hash': etag, 'bytes': number,
            'content_type': 'application/octet-stream; crc32=de576f05', 'last_modified': '2030-01-01T00:00:00.000000'}


def answer(rows, **params):
    """Return the document, as element names and texts. Swift has these rows."""
    def listing(seen):
        query = dict(pair.split('=') for pair in seen.query.split('&'))
        after = [row for row in rows if row['name'] > unquote_plus(query['marker'])
                 and row['name'].startswith(unquote_plus(query['prefix']))]
        if 'reverse' in query:
            after.reverse()
        return 200, {}, json.dumps(after[:int(query['limit'])]).encode()

    swift = RecordingSwift(HEAD=MARKER, GET=listing)
    params = {'uploadId': UPLOAD.id, **{name.replace('_', '-'): text for name, text in params.items()}}
    root = lxml.etree.fromstring(
        list_parts.run(*asked(swift, handed_on('GET', '/v1/AUTH_a/bucket/a key', params))).body)
    assert '{http://s3.amazonaws.com/doc/2006-03-01/}ListPartsResult' == root.tag
    return [(child.tag.rpartition('}')[2],
             [(inner.tag.rpartition('}')[2], inner.text) for inner in child] if len(child) else child.text)
            for child in root]


def numbers(document):
    """Return number and ETag of each part that a document shows."""
    return [(dict(children)['PartNumber'], dict(children)['ETag']) for name, children in document if name == 'Part']


ROWS = [row(1, A), row(2, B), row(2, C, 5), row(10, A)]


def test_rows_that_cannot_be_read():
    """A part whose hash cannot be decrypted is shown, and not the one it replaced; a broken checksum is left out."""
    broken = {**row(1, A), 'content_type': 'application/octet-stream; crc32=zz'}
    unknown = {**row(2, C, 5), 'hash': '<unknown>'}
    parts = [dict(children) for name, children in answer([broken, row(2, B), unknown]) if name == 'Part']

    assert [('1', '"%s"' % A), ('2', '""')] == [(part['PartNumber'], part['ETag']) for part in parts]
    assert not [part for part in parts if 'ChecksumCRC32' in part]


def test_the_whole_answer():
    """The elements have the order of the API reference. LastModified is the time of the attempt, not of its row."""
    person = [('ID', 'test:tester'), ('DisplayName', 'test:tester')]

    assert [
        ('Bucket', 'bucket'), ('Key', 'a+key'), ('UploadId', UPLOAD.id), ('Initiator', person), ('Owner', person),
        ('StorageClass', 'STANDARD'), ('PartNumberMarker', '1'), ('NextPartNumberMarker', '2'), ('MaxParts', '1'),
        ('EncodingType', 'url'), ('IsTruncated', 'true'), ('ChecksumAlgorithm', 'CRC32'), ('ChecksumType', 'COMPOSITE'),
        ('Part', [('PartNumber', '2'), ('LastModified', '2026-09-21T14:13:25.000Z'), ('ETag', '"%s"' % C),
                  ('Size', '2'), ('ChecksumCRC32', '3ldvBQ==')]),
    ] == answer(ROWS, part_number_marker='1', max_parts='1', encoding_type='url')


def test_the_least_answer():
    """For an upload without parts there is no next marker. The key is not encoded unless that is asked for."""
    document = answer([])

    assert [] == numbers(document)
    assert {'Key': 'a key', 'PartNumberMarker': '0', 'MaxParts': '1000', 'IsTruncated': 'false'}.items() <= {
        name: text for name, text in document if isinstance(text, str)}.items()
    assert 'NextPartNumberMarker' not in dict(document)


@pytest.mark.parametrize('params, parts, truncated', [
    pytest.param({}, [('1', A), ('2', C), ('10', A)], 'false', id='all'),
    pytest.param({'max_parts': '2'}, [('1', A), ('2', C)], 'true', id='newest-of-the-last-number'),
    pytest.param({'max_parts': '3'}, [('1', A), ('2', C), ('10', A)], 'false', id='just-all'),
    pytest.param({'max_parts': '1'}, [('1', A)], 'true', id='one'),
    pytest.param({'max_parts': '0'}, [], 'false', id='none-wanted'),
    pytest.param({'part_number_marker': '2'}, [('10', A)], 'false', id='after-a-number'),
    pytest.param({'part_number_marker': '5'}, [('10', A)], 'false', id='after-a-number-that-is-not-there'),
    pytest.param({'part_number_marker': '10'}, [], 'false', id='after-the-last'),
    pytest.param({'part_number_marker': '2147483647'}, [], 'false', id='after-any'),
])
def test_pages(params, parts, truncated):
    """A page has the numbers above the marker, in numeric order, and only the newest attempt of each part."""
    document = answer(ROWS, **params)

    assert [(number, '"%s"' % etag) for number, etag in parts] == numbers(document)
    assert ('IsTruncated', truncated) in document


def test_paging_shows_every_part_once():
    """This holds even if one part has more attempts than a page has parts."""
    rows = [row(number, etag, seconds) for number in (1, 2, 3, 4, 5) for seconds, etag in enumerate([A, B, C])]
    marker, found, truncated = '0', [], 'true'
    while truncated == 'true':
        document = answer(rows, part_number_marker=marker, max_parts='2')
        marker, truncated = dict(document)['NextPartNumberMarker'], dict(document)['IsTruncated']
        found += numbers(document)

    assert [(str(number), '"%s"' % C) for number in (1, 2, 3, 4, 5)] == found


@pytest.mark.parametrize('params, code', [
    pytest.param({'uploadId': 'x'}, 'NoSuchUpload', id='no-id'),
    pytest.param({'max-parts': '-1'}, 'InvalidArgument', id='max-parts'),
    pytest.param({'part-number-marker': 'x'}, 'InvalidArgument', id='part-number-marker'),
    pytest.param({'encoding-type': 'x'}, 'InvalidArgument', id='encoding-type'),
])
def test_requests_that_are_refused(params, code):
    """They are refused before Swift is asked for anything."""
    swift = RecordingSwift(HEAD=MARKER)
    env = handed_on('GET', '/v1/AUTH_a/bucket/a key', {'uploadId': UPLOAD.id, **params})
    with pytest.raises(S3Error) as refused:
        list_parts.run(*asked(swift, env))

    assert code == refused.value.code
    assert not swift.seen


def test_when_the_upload_is_aborted():
    """The headers tell, by the rules in the container info that is there anyway; the operator's rules count, too."""
    env = handed_on('GET', '/v1/AUTH_a/bucket/a key', {'uploadId': UPLOAD.id})
    stored = encode(Lifecycle((Rule('of the bucket', 'a ', 9),)))

    def told(**more):
        reply = list_parts.run(*asked(RecordingSwift(HEAD=MARKER, GET=(200, {}, b'[]')), env, **more))
        return {name: value for name, value in reply.headers.items() if name.startswith('x-amz-')}

    assert {} == told()
    assert {'x-amz-abort-date': 'Thu, 01 Oct 2026 00:00:00 GMT', 'x-amz-abort-rule-id': 'of the bucket'} == told(
        info={'sysmeta': {'s3multi-lifecycle': stored}})
    assert 'abort_uploads_after_days' == told(options={'abort_uploads_after_days': '3'})['x-amz-abort-rule-id']


def test_marker_and_listing_are_asked_for_at_once():
    """Neither waits for the other."""
    swift = Together(RecordingSwift(HEAD=MARKER, GET=(200, {}, b'[]')), ('HEAD', UPLOAD.marker), ('GET', '_segments'))
    env = handed_on('GET', '/v1/AUTH_a/bucket/a key', {'uploadId': UPLOAD.id})

    assert 200 == list_parts.run(*asked(swift, env)).status


@pytest.mark.parametrize('listing', [(200, {}, b'[]'), 503])
def test_an_upload_that_has_ended(listing):
    """The answer is 404, whatever is listed. The AWS CRT takes that for success if it knows that all parts were
    uploaded."""
    env = handed_on('GET', '/v1/AUTH_a/bucket/a key', {'uploadId': UPLOAD.id})
    with pytest.raises(S3Error) as refused:
        list_parts.run(*asked(RecordingSwift(HEAD=404, GET=listing), env))

    assert 'NoSuchUpload' == refused.value.code
