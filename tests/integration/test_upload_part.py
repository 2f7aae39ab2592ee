# SPDX-License-Identifier: Apache-2.0
"""Upload Part: numbers, ids, digests, bodies, and what lies in Swift afterwards.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import itertools
import re
import secrets
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from s3multi.s3.parts import MAX_PART_BYTES
from s3multi.upload.names import ATTEMPT_LENGTH, ID_LENGTH

from .behind import settle
from .raw import RawClient
from .s3api_features import needs_checksums
from .uploads import Upload, marker_paths

MEBIBYTE = 1 << 20
BODY = b'The quick brown fox jumps over the lazy dog. ' * 400
MD5 = hashlib.md5(BODY).hexdigest()


@pytest.fixture
def upload(raw, bucket):
    """An upload that has no part yet."""
    return Upload(raw, bucket, 'some/key')


@pytest.fixture(scope='module')
def refusing(raw):
    """As `upload`, but one for all requests that must be refused, so it never has a part."""
    bucket = 'parts-' + secrets.token_hex(8)
    raw.request('PUT', bucket)
    return Upload(raw, bucket, 'some/key')


@pytest.fixture(scope='module')
def rechecking(cluster):
    """A client of a proxy where every Upload Part asks at its end whether the upload is still open."""
    return RawClient(cluster.add_proxy('recheck', filters={'s3multi': {'marker_recheck_after': 0}}).url)


def put(upload, number=1, body=BODY, headers=(), **options):
    """Upload a part and return the Answer."""
    return upload.client.upload_part(upload.bucket, upload.key, upload.id, number, body, headers, **options)


def part_rows(swift, upload):
    """Return the rows of the parts of the upload, as Swift lists them once what goes on behind answers is over."""
    settle()
    _headers, rows = swift.get_container(upload.bucket + '_segments', prefix=f'{upload.key}/{upload.id}/')
    return rows


def listed_parts(upload):
    """Return what List Parts shows: number, ETag and size of each part."""
    result = upload.list_parts().xml('ListPartsResult')
    return [(int(part.findtext('PartNumber')), part.findtext('ETag').strip('"'), int(part.findtext('Size')))
            for part in result.findall('Part')]


def b64md5(body):
    """Return what Content-MD5 says of the body."""
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def b64crc32(body):
    """Return what x-amz-checksum-crc32 says of the body."""
    return base64.b64encode(zlib.crc32(body).to_bytes(4, 'big')).decode()


def memory_kibibytes(pid, name):
    """Return a line of /proc/<pid>/status: VmRSS for the memory in use, VmHWM for the most that was."""
    return int(re.search(rf'{name}:\s+(\d+) kB', Path(f'/proc/{pid}/status').read_text())[1])


# The answer and the part

def test_answer_is_the_md5_in_quotes(upload):
    """200 with an empty body; the ETag is the MD5 of the part's bytes."""
    answer = put(upload)

    assert (200, MD5, b'') == (answer.status, answer.etag, answer.body)
    assert answer.headers['x-amz-request-id']
    assert answer.headers['x-amz-id-2']
    assert 'Content-Type' not in answer.headers


def test_part_is_one_plain_object_beside_the_bucket(upload, swift):
    """A part lies in `<bucket>_segments` as `<key>/<id>/<8 digits>-<attempt>`, its row telling size and MD5."""
    put(upload, 7, headers={'Content-Type': 'text/html', 'X-Object-Meta-C': 'd', 'Content-Disposition': 'inline',
                            'Cache-Control': 'no-store'})

    row, = part_rows(swift, upload)
    assert re.fullmatch(r'some/key/[-.\w]{%d}/00000007-[-\w]{%d}' % (ID_LENGTH, ATTEMPT_LENGTH), row['name'])
    assert row['name'].startswith(f'some/key/{upload.id}/')
    assert (MD5, len(BODY), 'application/octet-stream') == (row['hash'], row['bytes'], row['content_type'])
    headers, body = swift.get_object(upload.bucket + '_segments', row['name'])
    assert BODY == body
    assert not {name for name in headers if name.startswith(('x-object-', 'x-delete', 'content-disp', 'cache-c'))}


def test_metadata_of_a_part(refusing):
    """It belongs to Initiate: with a part it would be lost, and Amazon S3 refuses it.

    What it does with that of an Upload Part Copy is not known; there it is ignored.
    """
    answer = put(refusing, 1, headers={'x-amz-meta-a': 'b'})

    assert (400, 'InvalidArgument') == answer.outcome
    assert ('x-amz-meta-a', 'b') == (answer.error['ArgumentName'], answer.error['ArgumentValue'])
    assert [] == listed_parts(refusing)
    copied = {'x-amz-meta-a': 'b', 'x-amz-copy-source': f'/{refusing.bucket}/absent'}
    assert (404, 'NoSuchKey') == put(refusing, 1, b'', copied).outcome


def test_nothing_lies_beside_the_parts(upload, swift):
    """The segments container of an upload in progress holds the parts; the marker is where nobody can touch it."""
    put(upload, 1)
    put(upload, 2, b'')

    rows = swift.get_container(upload.bucket + '_segments')[1]
    assert ['00000001', '00000002'] == [row['name'].rpartition('/')[2][:8] for row in rows]
    assert [f'some/key/{upload.id}'] == marker_paths(swift, upload.bucket)


def test_bucket_shows_nothing_of_an_upload_in_progress(upload, swift):
    """Neither the upload nor its parts are objects of the bucket."""
    put(upload)

    assert [] == swift.get_container(upload.bucket)[1]
    assert 404 == upload.client.request('HEAD', upload.bucket, upload.key).status


def test_large_part_is_streamed(cluster, upload):
    """A part passes through the proxy without being held in its memory."""
    put(upload, 1, b'x' * MEBIBYTE)
    piece = bytes(range(256)) * 1024
    pid = cluster.proxy.pid
    Path(f'/proc/{pid}/clear_refs').write_text('5')         # VmHWM becomes VmRSS
    before = memory_kibibytes(pid, 'VmRSS')
    answer = put(upload, 2, itertools.repeat(piece, 256), {'Content-Length': str(64 * MEBIBYTE)}, payload='unsigned')

    assert hashlib.md5(piece * 256).hexdigest() == answer.etag
    assert memory_kibibytes(pid, 'VmHWM') - before < 8 * 1024


def test_parts_arrive_in_any_order(upload):
    """Numbers need not be contiguous nor ascending in time; List Parts sorts them."""
    numbers = [10000, 3, 77, 1]
    for number in numbers:
        put(upload, number, b'%d' % number)

    assert [(number, hashlib.md5(b'%d' % number).hexdigest(), len(str(number))) for number in sorted(numbers)] == \
        listed_parts(upload)


def test_number_uploaded_again_replaces_the_part(upload):
    """The last one is the part: List Parts shows it alone, and Complete knows no other."""
    old = put(upload, 1, b'old').etag
    new = put(upload, 1, b'newer').etag

    assert [(1, new, 5)] == listed_parts(upload)
    refused = upload.complete([(1, old)])
    assert (400, 'InvalidPart') == refused.outcome
    assert (upload.id, '1', old) == tuple(refused.error[name] for name in ('UploadId', 'PartNumber', 'ETag'))
    assert 200 == upload.complete([(1, new)]).status
    assert b'newer' == upload.client.request('GET', upload.bucket, upload.key).body


def test_same_bytes_again(upload, swift):
    """A client that repeats a part it got no answer for changes nothing; the spare copy goes with Complete."""
    assert {MD5} == {put(upload).etag for _ in range(3)}

    assert [(1, MD5, len(BODY))] == listed_parts(upload)
    assert 200 == upload.complete([(1, MD5)]).status
    assert 1 == len(part_rows(swift, upload))


def test_empty_part(upload):
    """A part may be empty; alone, it makes an empty object."""
    assert 'd41d8cd98f00b204e9800998ecf8427e' == put(upload, 1, b'').etag

    result = upload.complete([(1, 'd41d8cd98f00b204e9800998ecf8427e')]).xml('CompleteMultipartUploadResult')
    assert '"59adb24ef3cdbe0297f05b395827453f-1"' == result.findtext('ETag')
    answer = upload.client.request('GET', upload.bucket, upload.key)
    assert (200, b'', '0') == (answer.status, answer.body, answer.headers['Content-Length'])


def test_upload_does_not_look_at_the_object(upload, swift):
    """Whether there is an object at the key, a large one or none, makes no difference to a part."""
    swift.put_object(upload.bucket, upload.key, b'x', headers={'X-Object-Manifest': 'a/b'})

    assert 200 == put(upload).status


# Numbers and ids

@pytest.mark.parametrize('number', ['1', '10000', '0001'])
def test_part_numbers(upload, number):
    """Part numbers are integers from 1 to 10,000."""
    assert 200 == put(upload, number).status

    assert [int(number)] == [part[0] for part in listed_parts(upload)]


@pytest.mark.parametrize('number', [
    '0', '10001', '-1', '+1', '1.0', '1e3', 'abc', '', ' 1', '1 ', '0x1', '١', '1' * 500])
def test_impossible_part_numbers(refusing, number):
    """Anything else is 400 InvalidArgument, naming the argument and its value."""
    answer = put(refusing, number)

    assert (400, 'InvalidArgument') == answer.outcome
    assert ('partNumber', number.strip()) == (answer.error['ArgumentName'], answer.error['ArgumentValue'].strip())
    assert [] == listed_parts(refusing)


def test_part_number_without_an_upload_id(raw, bucket, swift):
    """400 InvalidArgument, and no object is written."""
    answer = raw.request('PUT', bucket, 'k', {'partNumber': 1}, body=b'data')

    assert (400, 'InvalidArgument') == answer.outcome
    assert 'uploadId' == answer.error['ArgumentName']
    assert [] == swift.get_container(bucket)[1]


@pytest.mark.parametrize('version', ['null', '1767225600.00000', 'nonsense', ''])
def test_version_id_is_refused(refusing, version):
    """A part has no version: 400 InvalidArgument, whether the version id is valid or not."""
    answer = refusing.client.request('PUT', refusing.bucket, refusing.key, {
        'partNumber': 1, 'uploadId': refusing.id, 'versionId': version}, body=BODY)

    assert (400, 'InvalidArgument') == answer.outcome
    assert ('versionId', version) == (answer.error['ArgumentName'], answer.error['ArgumentValue'])
    assert [] == listed_parts(refusing)


@pytest.mark.parametrize('make', [
    lambda upload: 'unknown',
    lambda upload: '',
    lambda upload: upload.id[:-1],
    lambda upload: upload.id + 'A',
    lambda upload: upload.id[:-1] + ('A' if upload.id[-1] != 'A' else 'B'),
    lambda upload: upload.id.swapcase(),
    lambda upload: ' ' + upload.id,
    lambda upload: upload.id + '/',
    lambda upload: '../' + upload.id,
    lambda upload: './' + upload.id,
    lambda upload: upload.id + '/00000001-x',
    lambda upload: '%2e%2e%2f' + upload.id,
    lambda upload: upload.id + '?multipart-manifest=put',
    lambda upload: upload.id + '&partNumber=2',
    lambda upload: 'é' * ID_LENGTH,
    lambda upload: '١' * ID_LENGTH,
    lambda upload: 'A' * 1024,
    lambda upload: 'A' * 5000,
    lambda upload: base64.urlsafe_b64encode(b'01234567-89ab-cdef-0123-456789abcdef').decode(),
], ids=['unknown', 'empty', 'short', 'long', 'forged', 'case', 'blank', 'slash', 'parent', 'here', 'part', 'encoded',
        'query', 'ampersand', 'non-ascii', 'digits', 'at-limit', 'overlong', 'stock'])
def test_upload_ids_that_do_not_exist(refusing, swift, make):
    """404 NoSuchUpload tells the id; nothing is written anywhere."""
    upload_id = make(refusing)
    answer = refusing.client.upload_part(refusing.bucket, refusing.key, upload_id, 1, BODY)

    assert (404, 'NoSuchUpload') == answer.outcome
    assert upload_id == answer.error['UploadId']
    assert [] == part_rows(swift, refusing)
    assert [] == swift.get_container(refusing.bucket)[1]


@pytest.mark.parametrize('character', ['\x01', '\x1b', '\x7f', '\n'], ids=repr)
def test_control_characters_in_an_upload_id(refusing, character):
    """Such an id does not exist either; the answer is an error document, not a crash."""
    answer = refusing.client.upload_part(refusing.bucket, refusing.key, refusing.id + character, 1, BODY)

    # The document holds a reference that no XML 1.0 parser reads, as those of Amazon S3 do.
    assert (404, True) == (answer.status, b'<Code>NoSuchUpload</Code>' in answer.body)


def test_zero_character_in_an_upload_id(refusing):
    """A NUL byte is an error of the client, not of the server."""
    assert 400 <= refusing.client.upload_part(refusing.bucket, refusing.key, '\0', 1, BODY).status < 500


def test_upload_id_belongs_to_its_key(refusing):
    """The id of another key's refusing is 404 NoSuchUpload."""
    for key in ('other', 'some/key/', 'some', refusing.key + '/' + refusing.id):
        answer = refusing.client.upload_part(refusing.bucket, key, refusing.id, 1, BODY)

        assert (404, 'NoSuchUpload') == answer.outcome
        assert refusing.id == answer.error['UploadId']


def test_upload_id_belongs_to_its_bucket(upload, s3):
    """The id of another bucket's upload, the key being the same, is 404 NoSuchUpload."""
    other = 'other-' + upload.bucket
    s3.create_bucket(Bucket=other)
    Upload(upload.client, other, upload.key)

    assert (404, 'NoSuchUpload') == upload.client.upload_part(other, upload.key, upload.id, 1, BODY).outcome


def test_upload_id_belongs_to_its_account(cluster, upload):
    """The same bucket and key in another account is another upload."""
    stranger = RawClient(cluster.url, 'test2:tester2', 'testing2')
    stranger.request('PUT', upload.bucket)

    assert (404, 'NoSuchUpload') == stranger.upload_part(upload.bucket, upload.key, upload.id, 1, BODY).outcome


@pytest.mark.parametrize('end', ['complete', 'abort'])
def test_upload_that_has_ended(upload, swift, end):
    """After Complete and after Abort the id is 404 NoSuchUpload, no byte is asked for, and the finished object is safe.
    """
    upload.part(1, b'data')
    assert getattr(upload, end)().status in (200, 204)
    assert int(end == 'complete') == len(part_rows(swift, upload))
    before = part_rows(swift, upload)

    for number, body in ((1, BODY), (2, BODY), (2, b'')):
        answer = put(upload, number, body, {'Expect': '100-continue'})
        assert (404, 'NoSuchUpload', False) == (*answer.outcome, answer.continued)
        assert upload.id == answer.error['UploadId']
    assert before == part_rows(swift, upload)
    if end == 'complete':
        assert b'data' == upload.client.request('GET', upload.bucket, upload.key).body


def test_missing_bucket(raw, refusing):
    """404 NoSuchBucket comes before NoSuchUpload."""
    answer = raw.upload_part('no-such-bucket-here', refusing.key, refusing.id, 1, BODY)

    assert (404, 'NoSuchBucket') == answer.outcome
    assert 'no-such-bucket-here' == answer.error['BucketName']


def test_part_needs_a_key(raw, bucket):
    """Without a key there is nothing to be a part of."""
    assert (400, 'InvalidRequest') == raw.request('PUT', bucket, None, {'partNumber': 1, 'uploadId': 'x'}).outcome


def test_segments_container_was_deleted(raw, upload, swift):
    """Who removes the container behind our back is told to repeat, and then the part is stored."""
    swift.delete_container(upload.bucket + '_segments')

    assert (503, 'ServiceUnavailable') == put(upload).outcome
    assert 200 == put(upload).outcome


def test_upload_that_is_aborted_while_a_part_streams(rechecking, upload, swift):
    """Such a part is answered with 404 NoSuchUpload and does not stay behind."""
    def body():
        yield BODY
        assert 204 == upload.abort().status
        yield BODY

    upload.client = rechecking
    answer = put(upload, 1, body(), {'Content-Length': str(2 * len(BODY))}, payload='unsigned')

    assert (404, 'NoSuchUpload') == answer.outcome
    assert [] == part_rows(swift, upload)


def test_upload_that_is_completed_while_a_part_streams(rechecking, upload):
    """The same for Complete; the object is not touched."""
    def body():
        yield BODY
        assert 200 == upload.complete().status
        yield BODY

    upload.client = rechecking
    upload.part(1, b'data')
    answer = put(upload, 1, body(), {'Content-Length': str(2 * len(BODY))}, payload='unsigned')

    assert (404, 'NoSuchUpload') == answer.outcome
    assert b'data' == upload.client.request('GET', upload.bucket, upload.key).body


def test_overlapping_uploads_of_one_number(upload):
    """Whichever of two overlapping uploads of one part counts, List Parts and Complete agree on it."""
    inner = []

    def body():
        yield BODY
        inner.append(put(upload, 1, b'inner').etag)
        yield BODY

    outer = put(upload, 1, body(), {'Content-Length': str(2 * len(BODY))}, payload='unsigned').etag
    (_number, etag, size), = listed_parts(upload)

    assert (etag, size) in [(inner[0], 5), (outer, 2 * len(BODY))]
    assert 200 == upload.complete([(1, etag)]).status
    assert size == len(upload.client.request('GET', upload.bucket, upload.key).body)


# Digests

def test_right_content_md5(upload):
    """Content-MD5 that is right changes nothing."""
    assert MD5 == put(upload, headers={'Content-MD5': b64md5(BODY)}).etag


@pytest.mark.parametrize('payload', ['signed', 'unsigned', pytest.param('chunks', marks=needs_checksums)])
def test_wrong_content_md5(refusing, payload):
    """400 BadDigest tells the MD5 that was expected; the part is not stored."""
    answer = put(refusing, headers={'Content-MD5': b64md5(b'something else')}, payload=payload)

    assert (400, 'BadDigest') == answer.outcome
    assert hashlib.md5(b'something else').hexdigest() == answer.error['ExpectedDigest']
    assert [] == listed_parts(refusing)


def test_wrong_content_md5_keeps_the_earlier_part(upload):
    """A part that fails leaves the one it would have replaced."""
    upload.part(1, BODY)
    put(upload, 1, b'other', {'Content-MD5': b64md5(BODY)})

    assert [(1, MD5, len(BODY))] == listed_parts(upload)


@pytest.mark.parametrize('digest', [MD5, 'not base64!', b64md5(BODY)[:-2], 'AAAA', b64md5(BODY) + 'AAAA'],
                         ids=['hex', 'words', 'no-padding', 'short', 'long'])
def test_malformed_content_md5(refusing, digest):
    """Content-MD5 that is no base64 of 16 bytes is 400 InvalidDigest, not BadDigest."""
    assert (400, 'InvalidDigest') == put(refusing, headers={'Content-MD5': digest}).outcome
    assert [] == listed_parts(refusing)


def test_wrong_payload_hash(refusing):
    """400 XAmzContentSHA256Mismatch tells both hashes; the part is not stored."""
    claimed = hashlib.sha256(b'something else').hexdigest()
    answer = put(refusing, payload=claimed)

    assert (400, 'XAmzContentSHA256Mismatch') == answer.outcome
    assert (claimed, hashlib.sha256(BODY).hexdigest()) == (
        answer.error['ClientComputedContentSHA256'], answer.error['S3ComputedContentSHA256'])
    assert [] == listed_parts(refusing)


def test_wrong_payload_hash_is_told_before_a_wrong_md5(refusing):
    """Of several wrong digests the one that was signed is reported."""
    answer = put(refusing, payload=hashlib.sha256(b'x').hexdigest(), headers={'Content-MD5': b64md5(b'x')})

    assert (400, 'XAmzContentSHA256Mismatch') == answer.outcome


@pytest.mark.parametrize('headers', [
    {'x-amz-checksum-crc32': b64crc32(BODY)},
    {'x-amz-checksum-sha1': base64.b64encode(hashlib.sha1(BODY).digest()).decode()},
    {'x-amz-checksum-sha256': base64.b64encode(hashlib.sha256(BODY).digest()).decode()},
    {'x-amz-checksum-crc32': b64crc32(BODY), 'x-amz-sdk-checksum-algorithm': 'CRC32'},
], ids=['crc32', 'sha1', 'sha256', 'sdk'])
@pytest.mark.parametrize('payload', ['signed', 'unsigned', pytest.param('chunks', marks=needs_checksums)])
def test_right_checksum(upload, headers, payload):
    """A checksum is accepted for a part also where Initiate announced no algorithm, as SDKs send it."""
    assert MD5 == put(upload, headers=headers, payload=payload).etag


@pytest.mark.parametrize('headers, code', [
    ({'x-amz-checksum-crc32': b64crc32(b'other')}, 'BadDigest'),
    ({'x-amz-checksum-sha256': base64.b64encode(hashlib.sha256(b'').digest()).decode()}, 'BadDigest'),
    ({'x-amz-checksum-crc32': 'AAAA'}, 'InvalidRequest'),
    ({'x-amz-checksum-crc32': '!'}, 'InvalidRequest'),
    ({'x-amz-checksum-crc16': 'AAA='}, 'InvalidRequest'),
    ({'x-amz-checksum-crc32': b64crc32(BODY), 'x-amz-checksum-crc32c': 'AAAAAA=='}, 'InvalidRequest'),
    ({'x-amz-checksum-crc32': b64crc32(BODY), 'x-amz-sdk-checksum-algorithm': 'SHA1'}, 'InvalidRequest'),
], ids=['crc32', 'sha256', 'short', 'no-base64', 'unknown', 'two', 'other-algorithm'])
def test_wrong_checksum(refusing, headers, code):
    """A checksum that is wrong is 400 BadDigest, one that is malformed InvalidRequest; the part is not stored."""
    assert (400, code) == put(refusing, headers=headers).outcome
    assert [] == listed_parts(refusing)


# Bodies

@needs_checksums
@pytest.mark.parametrize('payload', ['chunks', 'chunks-trailer', 'unsigned-chunks-trailer'])
@pytest.mark.parametrize('size', [0, 1, 8192, 8193, len(BODY)])
def test_aws_chunked(upload, payload, size):
    """Signed and unsigned chunks, with a checksum behind them or not, give the part that they carry."""
    body = BODY[:size]
    trailers = {'x-amz-checksum-crc32': b64crc32(body)} if 'trailer' in payload else None
    answer = put(upload, 1, body, payload=payload, trailers=trailers)

    assert (200, hashlib.md5(body).hexdigest()) == (answer.status, answer.etag)
    assert [(1, hashlib.md5(body).hexdigest(), size)] == listed_parts(upload)
    upload.complete([(1, answer.etag)])
    assert body == upload.client.request('GET', upload.bucket, upload.key).body


@needs_checksums
@pytest.mark.parametrize('payload', ['chunks', 'unsigned-chunks-trailer'])
def test_aws_chunked_without_a_length(upload, payload):
    """SDKs send a stream in chunks of HTTP as well: the length of the part alone is announced."""
    trailers = {'x-amz-checksum-crc32': b64crc32(BODY)} if 'trailer' in payload else None
    answer = put(upload, headers={'Transfer-Encoding': 'chunked'}, payload=payload, trailers=trailers)

    assert (200, MD5) == (answer.status, answer.etag)


@needs_checksums
def test_encoding_of_a_chunked_part_is_not_the_objects(raw, bucket):
    """`aws-chunked` in Content-Encoding is a matter of one request; the object has what Initiate said."""
    upload = Upload(raw, bucket, 'k', {'Content-Encoding': 'gzip'})
    body = gzip.compress(BODY)
    etag = put(upload, 1, body, payload='chunks').etag
    upload.complete([(1, etag)])

    answer = raw.request('GET', bucket, 'k')
    assert ('gzip', body) == (answer.headers['Content-Encoding'], answer.body)


@needs_checksums
def test_initiate_in_an_aws_chunked_request(raw, bucket):
    """`aws-chunked` is no encoding of the object either when Initiate itself is sent so."""
    upload_id = raw.initiate(bucket, 'k', {'Content-Encoding': 'aws-chunked,gzip'}, payload='chunks')
    part = raw.upload_part(bucket, 'k', upload_id, 1, gzip.compress(BODY))
    raw.complete(bucket, 'k', upload_id, [(1, part.etag)])

    assert 'gzip' == raw.request('HEAD', bucket, 'k').headers['Content-Encoding']


@needs_checksums
@pytest.mark.parametrize('payload, trailers, headers, status, code', [
    ('chunks-trailer', {'x-amz-checksum-crc32': b64crc32(b'other')}, {}, 400, 'BadDigest'),
    ('unsigned-chunks-trailer', {'x-amz-checksum-crc32': b64crc32(b'other')}, {}, 400, 'BadDigest'),
    ('unsigned-chunks-trailer', {'x-amz-checksum-crc32': '!'}, {}, 400, 'InvalidRequest'),
    ('unsigned-chunks-trailer', {'x-amz-checksum-md4': 'AAAA'}, {}, 400, 'InvalidRequest'),
    ('unsigned-chunks-trailer', None, {'X-Amz-Trailer': 'x-amz-checksum-crc32'}, 400, 'MalformedTrailerError'),
    ('chunks', None, {'X-Amz-Decoded-Content-Length': '7'}, 400, 'IncompleteBody'),
    ('chunks', None, {'X-Amz-Decoded-Content-Length': '99999'}, 400, 'IncompleteBody'),
    ('chunks', None, {'X-Amz-Decoded-Content-Length': 'many'}, 411, 'MissingContentLength'),
], ids=['signed', 'unsigned', 'malformed', 'unknown', 'absent', 'longer', 'shorter', 'no-number'])
def test_wrong_aws_chunked_bodies(refusing, payload, trailers, headers, status, code):
    """A checksum behind the body, or a length in front of it, that does not fit: an error, and no part."""
    answer = put(refusing, 1, BODY, headers, payload=payload, trailers=trailers)

    assert (status, code) == answer.outcome
    assert [] == listed_parts(refusing)


def test_missing_length(refusing):
    """411 MissingContentLength for a body whose length is not announced."""
    answer = put(refusing, 1, [BODY], payload='unsigned')

    assert (411, 'MissingContentLength') == answer.outcome
    assert [] == listed_parts(refusing)


@pytest.mark.parametrize('length', ['-1', 'abc', ''])
def test_impossible_length(refusing, length):
    """A Content-Length that is no number is the client's error, and nothing is stored."""
    assert 400 <= put(refusing, 1, None, {'Content-Length': length}, payload='unsigned').status < 500
    assert [] == listed_parts(refusing)


@pytest.mark.parametrize('length', [MAX_PART_BYTES + 1, 10 ** 15])
def test_part_that_is_too_large(refusing, length):
    """400 EntityTooLarge tells what was proposed and what is allowed, before any byte of the body has come."""
    answer = put(refusing, 1, None, {'Content-Length': str(length)}, payload='unsigned')

    assert (400, 'EntityTooLarge') == answer.outcome
    assert (str(length), '5368709120') == (answer.error['ProposedSize'], answer.error['MaxSizeAllowed'])


@needs_checksums
def test_chunked_part_that_is_too_large(refusing):
    """The same for an aws-chunked body, whose own length counts and not that of its frames."""
    answer = put(refusing, 1, b'', {
        'X-Amz-Decoded-Content-Length': str(MAX_PART_BYTES + 1), 'Content-Length': str(MAX_PART_BYTES + 999),
    }, payload='chunks')

    assert (400, 'EntityTooLarge') == answer.outcome
    assert str(MAX_PART_BYTES + 1) == answer.error['ProposedSize']


def test_largest_part_is_asked_for(refusing):
    """5 GiB are allowed: the server asks for the body."""
    answer = put(refusing, 1, [BODY], {'Content-Length': str(MAX_PART_BYTES), 'Expect': '100-continue'},
                 payload='unsigned', hang_up=True)

    assert answer.continued
    assert [] == listed_parts(refusing)


@pytest.mark.parametrize('number, change', [(0, ''), (1, 'x')], ids=['number', 'id'])
def test_connection_lives_on_after_a_refusal(refusing, s3, number, change):
    """A body that was not wanted does not stand in the way of the next request on the same connection."""
    url = urlsplit(s3.generate_presigned_url('upload_part', {
        'Bucket': refusing.bucket, 'Key': refusing.key, 'UploadId': refusing.id + change, 'PartNumber': number}))
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    statuses = []
    for _ in range(3):
        connection.request('PUT', f'{url.path}?{url.query}', bytes(MEBIBYTE))
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()

    assert [400 if number == 0 else 404] * 3 == statuses


@pytest.mark.parametrize('number, change', [(0, ''), (1, 'x')], ids=['number', 'id'])
def test_refusals_come_before_the_body(refusing, number, change):
    """What can be refused without the body is refused before it is asked for."""
    answer = refusing.client.upload_part(refusing.bucket, refusing.key, refusing.id + change, number, BODY,
                                         {'Expect': '100-continue'})

    assert (False, 0) == (answer.continued, answer.body_bytes_sent)
    assert answer.status in (400, 404)


@pytest.mark.parametrize('payload', ['unsigned', hashlib.sha256(BODY).hexdigest(),
                                     hashlib.sha256(BODY[:-1]).hexdigest()], ids=['unsigned', 'signed', 'signed so'])
@pytest.mark.parametrize('headers', [{}, {'x-amz-checksum-crc32': 'AAAAAA=='}, {'Content-MD5': 'A' * 22 + '=='}],
                         ids=['', 'checksum', 'MD5'])
def test_body_that_ends_early(refusing, payload, headers):
    """400 IncompleteBody, and nothing is stored: a part is never shorter than its announced length."""
    answer = put(refusing, 1, BODY[:-1], {'Content-Length': str(len(BODY)), **headers}, payload=payload, hang_up=True)

    assert (400, 'IncompleteBody') == answer.outcome
    assert [str(len(BODY)), str(len(BODY) - 1)] == [answer.error['NumberBytes' + word] for word in (
        'Expected', 'Provided')]
    assert [] == listed_parts(refusing)


def test_object_that_ends_early(refusing):
    """The same for s3api's own PutObject, where the signature tells. (Else s3api answers RequestTimeout.)"""
    client = refusing.client
    answer = client.request('PUT', refusing.bucket, 'plain', (), {'Content-Length': str(len(BODY))}, [BODY[:-1]],
                            payload=hashlib.sha256(BODY).hexdigest(), hang_up=True)

    assert (400, 'IncompleteBody') == answer.outcome
    assert 404 == client.request('HEAD', refusing.bucket, 'plain').status


@pytest.mark.parametrize('payload', [hashlib.sha256(b'other').hexdigest(), hashlib.sha256(BODY[:-1]).hexdigest()])
def test_body_that_is_another_one(refusing, payload):
    """All of it has come: then it is not what was signed."""
    assert (400, 'XAmzContentSHA256Mismatch') == put(refusing, 1, BODY, payload=payload).outcome


def test_body_that_ends_early_keeps_the_earlier_part(upload):
    """A client that loses its connection in the middle of a repeat has lost nothing."""
    upload.part(1, BODY)
    put(upload, 1, b'oth', {'Content-Length': '5'}, payload='unsigned', hang_up=True)

    assert [(1, MD5, len(BODY))] == listed_parts(upload)


# What a part cannot have

@pytest.mark.parametrize('name, value', [
    ('X-Object-Manifest', 'a/b'),
    ('X-Static-Large-Object', 'True'),
    ('X-Symlink-Target', 'a/b'),
    ('X-Copy-From', '/a/b'),
    ('X-Timestamp', '1.00000'),
    ('X-Backend-Timestamp', '1.00000'),
    ('X-Object-Sysmeta-Slo-Etag', 'x'),
    ('X-Newest', 'true'),
    ('Range', 'bytes=0-1'),
])
def test_headers_of_swift_do_nothing(upload, swift, name, value):
    """A part is plain bytes, whatever Swift would make of a header."""
    answer = put(upload, headers={name: value})

    assert 200 == answer.status
    row, = part_rows(swift, upload)
    assert (MD5, len(BODY)) == (row['hash'], row['bytes'])
    headers, body = swift.get_object(upload.bucket + '_segments', row['name'])
    assert BODY == body
    assert not {'x-object-manifest', 'x-static-large-object', 'x-symlink-target'} & set(headers)


def test_quota_of_the_segments_container(upload, swift):
    """Where an operator limits the segments container, a part that does not fit is 400 EntityTooLarge."""
    swift.post_container(upload.bucket + '_segments', {'X-Container-Meta-Quota-Bytes': '10'})

    assert (400, 'EntityTooLarge') == put(upload).outcome
    assert [] == listed_parts(upload)


@pytest.mark.parametrize('rights, outcome', [
    ({}, (403, 'AccessDenied')),
    ({'X-Container-Read': 'test:tester3'}, (403, 'AccessDenied')),
    ({'X-Container-Write': 'test:tester3'}, 200),
], ids=['stranger', 'reader', 'writer'])
def test_part_needs_the_right_to_write(cluster, upload, swift, rights, outcome):
    """Who may write to the bucket may add parts to any upload in it; nobody else may, not even with its id."""
    swift.post_container(upload.bucket, rights)
    upload.client, owner = RawClient(cluster.url, 'test:tester3', 'testing3'), upload.client

    assert outcome == put(upload).outcome
    upload.client = owner
    assert (outcome == 200) == bool(listed_parts(upload))
