# SPDX-License-Identifier: Apache-2.0
"""Upload Part Copy: which source, which bytes of it, under which conditions, with whose rights.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import secrets
import time
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import pytest
from boto3.s3.transfer import TransferConfig

from .raw import RawClient, multipart_etag
from .uploads import PART_MIN_BYTES, Upload

SOURCE = bytes(range(256)) * 40
MD5 = hashlib.md5(SOURCE).hexdigest()
PAST = 'Thu, 01 Jan 2015 00:00:00 GMT'
FUTURE = 'Mon, 01 Jan 2035 00:00:00 GMT'
ABSENT_VERSION = '1700000000.00001'


@pytest.fixture
def upload(raw, bucket):
    """An upload that has no part yet, in a bucket that has the object `source`."""
    raw.request('PUT', bucket, 'source', body=SOURCE, headers={'x-amz-meta-a': 'b', 'Content-Type': 'text/html'})
    return Upload(raw, bucket, 'some/key')


@pytest.fixture(scope='module')
def refusing(raw):
    """As `upload`, but one for all requests that must be refused, so it never has a part."""
    bucket = 'copies-' + secrets.token_hex(8)
    raw.request('PUT', bucket)
    raw.request('PUT', bucket, 'source', body=SOURCE)
    return Upload(raw, bucket, 'some/key')


@pytest.fixture(scope='module')
def large_source(raw):
    """A finished upload of two parts, as bucket, key and bytes."""
    bodies = [b'0123456789abcdef' * (PART_MIN_BYTES // 16), SOURCE]
    raw.request('PUT', 'copy-sources')
    raw.put_multipart('copy-sources', 'large', bodies)
    return 'copy-sources', 'large', bodies


def copy(upload, source='source', headers=(), number=1):
    """Copy a part from a key of the same bucket, given as it is; return the Answer."""
    return upload.client.copy_part(upload.bucket, upload.key, upload.id, number, f'/{upload.bucket}/{source}', headers)


def etag_of(answer):
    """Return the ETag in a CopyPartResult without its quotes."""
    etag = answer.xml('CopyPartResult').findtext('ETag')
    assert etag[0] == etag[-1] == '"', etag
    return etag[1:-1]


def listed_parts(upload):
    """Return what List Parts shows: number, ETag and size of each part."""
    result = upload.list_parts().xml('ListPartsResult')
    return [(int(part.findtext('PartNumber')), part.findtext('ETag').strip('"'), int(part.findtext('Size')))
            for part in result.findall('Part')]


def object_of(upload, *numbers):
    """Complete the upload with what List Parts shows, and return the bytes of the object."""
    assert 200 == upload.complete([(number, etag) for number, etag, _size in listed_parts(upload)]).status
    return upload.client.request('GET', upload.bucket, upload.key).body


def part_row(swift, upload):
    """Return the row and the headers of the only part, as Swift shows them."""
    row, = swift.get_container(upload.bucket + '_segments', prefix=f'{upload.key}/{upload.id}/')[1]
    return row, swift.head_object(upload.bucket + '_segments', row['name'])


# The answer

def test_answer_is_a_document(upload):
    """200 with the MD5 of the copied bytes and the time of the new part; List Parts shows both, too."""
    answer = copy(upload)

    result = answer.xml('CopyPartResult')
    assert ['LastModified', 'ETag'] == [child.tag for child in result]
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z', result.findtext('LastModified'))
    assert f'"{MD5}"' == result.findtext('ETag')
    assert answer.headers['x-amz-request-id']
    assert 'x-amz-copy-source-version-id' not in answer.headers
    assert 'ETag' not in answer.headers
    assert [(1, MD5, len(SOURCE))] == listed_parts(upload)
    part = upload.list_parts().xml('ListPartsResult').find('Part')
    assert result.findtext('LastModified') == part.findtext('LastModified')


def test_last_modified_is_that_of_the_part(upload, large_source):
    """Not that of the source, which may be years old; and never before it, however soon the copy was made."""
    bucket, key, _bodies = large_source
    client, seconds = upload.client, 0
    while seconds < 2:
        modified = parsedate_to_datetime(client.request('HEAD', bucket, key).headers['Last-Modified'])
        answer = client.copy_part(upload.bucket, upload.key, upload.id, 1, f'{bucket}/{key}', {
            'x-amz-copy-source-range': 'bytes=0-9'})
        stamp = answer.xml('CopyPartResult').findtext('LastModified')
        seconds = (datetime.datetime.strptime(stamp, '%Y-%m-%dT%H:%M:%S.%f%z') - modified).total_seconds()
        assert seconds >= 0
        time.sleep(0.1)


def test_only_bytes_are_copied(upload, swift):
    """Type, metadata and headers of the source stay with the source: the object has those of Initiate."""
    copy(upload)

    row, headers = part_row(swift, upload)
    assert (MD5, len(SOURCE), 'application/octet-stream') == (row['hash'], row['bytes'], row['content_type'])
    assert not [name for name in headers if name.startswith('x-object-')]
    assert SOURCE == object_of(upload)
    answer = upload.client.request('HEAD', upload.bucket, upload.key)
    assert 'binary/octet-stream' == answer.headers['Content-Type']
    assert 'x-amz-meta-a' not in answer.headers


def test_copied_and_uploaded_parts_mix(upload):
    """A copied part is a part as any other, and replaces one of the same number."""
    upload.part(1, b'replaced')
    copy(upload, number=1)
    upload.part(2, b'tail')
    copy(upload, headers={'x-amz-copy-source-range': 'bytes=0-0'}, number=2)
    upload.part(2, b'end')

    assert [(1, MD5, len(SOURCE)), (2, hashlib.md5(b'end').hexdigest(), 3)] == listed_parts(upload)


def test_source_may_be_the_key_itself(raw, bucket):
    """An object can be rebuilt from its own bytes: the source is read before it is replaced."""
    raw.request('PUT', bucket, 'k', body=SOURCE)
    upload = Upload(raw, bucket, 'k')
    copy(upload, 'k')

    assert SOURCE == object_of(upload)


def test_body_beside_a_copy_source_is_ignored(upload):
    """The source is what counts."""
    answer = upload.client.upload_part(upload.bucket, upload.key, upload.id, 1, b'body', {
        'x-amz-copy-source': f'/{upload.bucket}/source'})

    assert MD5 == etag_of(answer)


# The source's name

@pytest.mark.parametrize('key', [
    'plain', 'a b', 'a+b', 'a%20b', '100%', 'grün/€', 'what?versionId=1', 'what?', 'a&b=c', '#', '/lead', 'trail/',
    'a//b', '..', '../up', './x', '"quoted"', "it's", '<tag>', '~', 'new\nline', '\U0001f389',
], ids=repr)
def test_any_key_can_be_a_source(raw, bucket, key):
    """The key is percent-encoded, and decoded exactly once."""
    raw.request('PUT', bucket, key, body=key.encode())
    upload = Upload(raw, bucket, 'k')

    assert hashlib.md5(key.encode()).hexdigest() == etag_of(copy(upload, quote(key, safe='/~')))


@pytest.mark.parametrize('write', [
    lambda bucket: f'{bucket}/a%2Bb/+',
    lambda bucket: f'/{bucket}/a%2Bb/%20',
    lambda bucket: f'/{bucket}/a%2Bb%2F+',
    lambda bucket: f'{bucket}%2Fa%2bb/+',
    lambda bucket: quote(f'/{bucket}/a+b/ ', safe=''),
    lambda bucket: f'{bucket}/%61%2Bb/%20',
], ids=['plain', 'leading-slash', 'encoded-key', 'encoded-slash', 'all-encoded', 'encoded-letter'])
def test_ways_to_write_a_source(raw, bucket, write):
    """With or without a leading slash, more or less encoded; a bare `+` is a blank, for CopyObject, too."""
    raw.request('PUT', bucket, 'a+b/ ', body=SOURCE)
    raw.request('PUT', bucket, 'a+b/+', body=b'what stock s3api would copy')
    upload = Upload(raw, bucket, 'k')

    assert MD5 == etag_of(raw.copy_part(bucket, 'k', upload.id, 1, write(bucket)))
    copied = raw.request('PUT', bucket, 'copy', headers={'x-amz-copy-source': write(bucket)})
    assert f'"{MD5}"' == copied.xml('CopyObjectResult').findtext('ETag')
    assert SOURCE == raw.request('GET', bucket, 'copy').body


def test_plus_sign_that_is_not_encoded(raw, bucket):
    """Of a key with a plus sign Amazon S3 was seen to say NoSuchKey. Nothing else is tried: a blank may be meant."""
    raw.request('PUT', bucket, 'a+b', body=SOURCE)
    upload = Upload(raw, bucket, 'k')

    assert (404, 'NoSuchKey') == copy(upload, 'a+b').outcome
    assert (404, 'NoSuchKey') == raw.request(
        'PUT', bucket, 'copy', headers={'x-amz-copy-source': f'{bucket}/a+b'}).outcome


def test_source_that_is_not_encoded(raw, bucket):
    """Some clients send UTF-8 as it is."""
    raw.request('PUT', bucket, 'grün', body=SOURCE)
    upload = Upload(raw, bucket, 'k')

    assert MD5 == etag_of(copy(upload, 'grün'))


@pytest.mark.parametrize('source', [
    '', '/', '//', 'bucket', '/bucket', 'bucket/', '/bucket/', 'the-bucket/%ZZ', 'the-bucket/a%2', 'the-bucket/%',
    'the-bucket/%ff', 'the-bucket/source?versionId=', 'the-bucket/source?versionId', 'the-bucket/source?other=1',
    'the-bucket/source?versionId=1&other=2', 'the-bucket/source?versionId=nonsense', 'the-bucket/%00',
], ids=repr)
def test_impossible_sources(refusing, source):
    """What is not `bucket/key` with an optional version, or is badly encoded: 400 InvalidArgument."""
    answer = refusing.client.copy_part(refusing.bucket, refusing.key, refusing.id, 1,
                                       source.replace('the-bucket', refusing.bucket))

    assert (400, 'InvalidArgument') == answer.outcome
    assert 'x-amz-copy-source' == answer.error['ArgumentName'].lower()
    assert [] == listed_parts(refusing)


@pytest.mark.parametrize('query', ['multipart-manifest=get', 'format=raw', 'temp_url_sig=x'])
def test_query_cannot_be_smuggled_into_the_source(large_source, refusing, query):
    """Nothing behind the source's key reaches Swift as a query: it is part of the name, or refused."""
    bucket, key, _bodies = large_source
    for source, outcome in ((f'{bucket}/{key}?{query}', (400, 'InvalidArgument')),
                            (f'{bucket}/{key}?versionId=1&{query}', (400, 'InvalidArgument')),
                            (f'{bucket}/{key}%3F{query}', (404, 'NoSuchKey'))):
        assert outcome == refusing.client.copy_part(refusing.bucket, refusing.key, refusing.id, 1, source).outcome


def test_missing_source_bucket(refusing):
    """404 NoSuchBucket names the source's bucket."""
    answer = refusing.client.copy_part(refusing.bucket, refusing.key, refusing.id, 1, 'no-such-bucket-here/k')

    assert (404, 'NoSuchBucket') == answer.outcome
    assert 'no-such-bucket-here' == answer.error['BucketName']


def test_missing_source_key(refusing):
    """404 NoSuchKey names the source's key."""
    answer = copy(refusing, 'no/such%20key')

    assert (404, 'NoSuchKey') == answer.outcome
    assert 'no/such key' == answer.error['Key']
    assert 'x-amz-delete-marker' not in answer.headers
    assert [] == listed_parts(refusing)


def test_upload_that_does_not_exist(upload):
    """404 NoSuchUpload, whatever the source."""
    other = Upload(upload.client, upload.bucket, 'other')
    answer = upload.client.copy_part(upload.bucket, upload.key, other.id, 1, f'{upload.bucket}/source')

    assert (404, 'NoSuchUpload') == answer.outcome
    assert other.id == answer.error['UploadId']


@pytest.mark.parametrize('end', ['complete', 'abort'])
def test_upload_that_has_ended(upload, end):
    """After Complete and after Abort the id is 404 NoSuchUpload."""
    upload.part(1)
    getattr(upload, end)()

    assert (404, 'NoSuchUpload') == copy(upload).outcome


@pytest.mark.parametrize('number', ['0', '10001', 'abc', ''])
def test_impossible_part_numbers(refusing, number):
    """400 InvalidArgument as for Upload Part."""
    answer = copy(refusing, number=number)

    assert (400, 'InvalidArgument') == answer.outcome
    assert ('partNumber', number) == (answer.error['ArgumentName'], answer.error['ArgumentValue'])


# Versions

@pytest.fixture
def versions(raw, bucket, swift):
    """A bucket with versions; its object `source` has two, as pairs of version id and bytes, the older one first."""
    swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    return [(raw.request('PUT', bucket, 'source', body=body).headers['x-amz-version-id'], body)
            for body in (b'older', b'newer')]


def test_current_version(raw, bucket, versions):
    """Without a version the current one is copied, and named in x-amz-copy-source-version-id."""
    answer = copy(Upload(raw, bucket))

    version_id, body = versions[1]
    assert (hashlib.md5(body).hexdigest(), version_id) == (
        etag_of(answer), answer.headers['x-amz-copy-source-version-id'])


@pytest.mark.parametrize('place', [0, 1], ids=['older', 'newer'])
def test_named_version(raw, bucket, versions, place):
    """With a version that one is copied."""
    version_id, body = versions[place]
    answer = copy(Upload(raw, bucket), f'source?versionId={version_id}')

    assert (hashlib.md5(body).hexdigest(), version_id) == (
        etag_of(answer), answer.headers['x-amz-copy-source-version-id'])


def test_null_version(raw, bucket, swift):
    """`null` is the version that was there before the bucket had versions, as long as it is the current one."""
    swift.put_object(bucket, 'source', b'before')
    swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    upload = Upload(raw, bucket)
    for source in ('source', 'source?versionId=null'):
        answer = copy(upload, source)
        assert (hashlib.md5(b'before').hexdigest(), 'null') == (
            etag_of(answer), answer.headers['x-amz-copy-source-version-id'])
    swift.put_object(bucket, 'source', b'after')

    assert (404, 'NoSuchVersion') == copy(upload, 'source?versionId=null').outcome


def test_delete_marker_is_current(raw, bucket, versions):
    """404 NoSuchKey; the headers tell that there is a delete marker, and which."""
    marker = raw.request('DELETE', bucket, 'source').headers['x-amz-version-id']
    answer = copy(Upload(raw, bucket))

    assert (404, 'NoSuchKey') == answer.outcome
    assert 'source' == answer.error['Key']
    assert ('true', marker) == (answer.headers['x-amz-delete-marker'], answer.headers['x-amz-version-id'])


def test_key_before_that_of_a_delete_marker(raw, bucket, versions):
    """A key that never was has no delete marker, although a longer one has."""
    raw.request('DELETE', bucket, 'source')
    answer = copy(Upload(raw, bucket), 'sourc')

    assert (404, 'NoSuchKey') == answer.outcome
    assert 'x-amz-delete-marker' not in answer.headers


def test_delete_marker_is_named(raw, bucket, versions):
    """400 InvalidRequest: there is nothing in it to copy. The older versions can still be copied."""
    marker = raw.request('DELETE', bucket, 'source').headers['x-amz-version-id']
    upload = Upload(raw, bucket)

    assert (400, 'InvalidRequest') == copy(upload, f'source?versionId={marker}').outcome
    assert 200 == copy(upload, f'source?versionId={versions[0][0]}').status


@pytest.mark.parametrize('key', ['source', 'no-such-key'])
def test_version_that_is_absent(raw, bucket, versions, key):
    """404 NoSuchVersion names key and version."""
    answer = copy(Upload(raw, bucket), f'{key}?versionId={ABSENT_VERSION}')

    assert (404, 'NoSuchVersion') == answer.outcome
    assert (key, ABSENT_VERSION) == (answer.error['Key'], answer.error['VersionId'])


def test_upload_into_a_bucket_with_versions(raw, bucket, swift):
    """A delete marker at the key, or versions below it, do not matter to a part."""
    swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    for _ in range(2):
        raw.request('PUT', bucket, 'some/key', body=SOURCE)
    raw.request('PUT', bucket, 'source', body=SOURCE)
    raw.request('DELETE', bucket, 'some/key')
    upload = Upload(raw, bucket, 'some/key')
    copy(upload)

    assert SOURCE == object_of(upload)


# Ranges

@pytest.mark.parametrize('first, last', [(0, 0), (0, 2), (5, 9), (0, len(SOURCE) - 1), (len(SOURCE) - 1,) * 2])
def test_range(upload, first, last):
    """Both ends are zero-based and inclusive; a small source may be copied in ranges, too."""
    expected = SOURCE[first:last + 1]
    answer = copy(upload, headers={'x-amz-copy-source-range': f'bytes={first}-{last}'})

    assert hashlib.md5(expected).hexdigest() == etag_of(answer)
    assert [(1, etag_of(answer), len(expected))] == listed_parts(upload)
    assert expected == object_of(upload)


@pytest.mark.parametrize('text', [
    '', '0-2', 'bytes=0', 'bytes=5-', 'bytes=-5', 'bytes=-', 'bytes=', 'bytes=a-b', 'bytes=0-2,3-5', 'bytes=2-1',
    'bytes 0-2', 'bytes = 0-2', 'bytes=0 -2', 'items=0-2', 'BYTES=0-2', 'bytes=+0-2', 'bytes=0x0-0x2', 'bytes=0-2/10',
    'bytes=1.0-2.0', 'bytes=０-２', 'bytes=0-' + '9' * 40,
    f'bytes=0-{len(SOURCE)}', f'bytes={len(SOURCE)}-{len(SOURCE)}', f'bytes={len(SOURCE) + 5}-{len(SOURCE) + 9}',
], ids=repr)
def test_impossible_ranges(refusing, text):
    """Any other form, and a range past the end of the source, is 400 InvalidArgument with the range; never clamped."""
    answer = copy(refusing, headers={'x-amz-copy-source-range': text})

    assert (400, 'InvalidArgument') == answer.outcome
    assert ('x-amz-copy-source-range', text) == (answer.error['ArgumentName'], answer.error['ArgumentValue'])
    assert [] == listed_parts(refusing)


def test_range_header(upload, swift):
    """`Range` is not that of the source: refused, as Amazon S3 is said to; and CopyObject, where s3api obeys it.

    Which error Amazon S3 gives is not known.
    """
    assert (400, 'InvalidArgument') == copy(upload, headers={'Range': 'bytes=0-2'}).outcome
    assert [] == upload.stored_numbers(swift)
    for directive in ('COPY', 'REPLACE'):
        answer = upload.client.request('PUT', upload.bucket, 'copied', (), {
            'x-amz-copy-source': f'/{upload.bucket}/source', 'x-amz-metadata-directive': directive,
            'Range': 'bytes=0-2'})
        assert (400, 'InvalidArgument') == answer.outcome
    assert 404 == upload.client.request('HEAD', upload.bucket, 'copied').status


# Conditions

@pytest.mark.parametrize('conditions', [
    {'if-match': '{etag}'},
    {'if-match': '"{etag}"'},
    {'if-match': '*'},
    {'if-match': '"{etag}"', 'if-unmodified-since': PAST},
    {'if-unmodified-since': FUTURE},
    {'if-unmodified-since': '{modified}'},
    {'if-unmodified-since': 'no date'},
    {'if-none-match': '"other"'},
    {'if-none-match': '"other"', 'if-modified-since': '{modified}'},
    {'if-modified-since': PAST},
    {'if-modified-since': FUTURE},
    {'if-modified-since': 'no date'},
    {'if-match': '{etag}', 'if-none-match': 'other'},
    {'if-unmodified-since': FUTURE, 'if-modified-since': PAST},
], ids=str)
def test_conditions_that_hold(upload, conditions):
    """The copy is made; an ETag outweighs a date, a date that lies ahead or is none is no condition."""
    assert 200 == copy(upload, headers=filled(upload, conditions)).status


@pytest.mark.parametrize('conditions, name', [
    ({'if-match': '"other"'}, 'If-Match'),
    ({'if-match': '"{etag}-1"'}, 'If-Match'),
    ({'if-match': '"other"', 'if-unmodified-since': FUTURE}, 'If-Match'),
    ({'if-unmodified-since': PAST}, 'If-Unmodified-Since'),
    ({'if-none-match': '{etag}'}, 'If-None-Match'),
    ({'if-none-match': '"{etag}"'}, 'If-None-Match'),
    ({'if-none-match': '*'}, 'If-None-Match'),
    ({'if-none-match': '"{etag}"', 'if-modified-since': PAST}, 'If-None-Match'),
    ({'if-modified-since': '{modified}'}, 'If-Modified-Since'),
    ({'if-match': '{etag}', 'if-none-match': '{etag}'}, 'If-None-Match'),
    ({'if-match': 'other', 'if-modified-since': PAST}, 'If-Match'),
], ids=str)
def test_conditions_that_fail(refusing, conditions, name):
    """412 PreconditionFailed names the condition, never 304; nothing is stored."""
    answer = copy(refusing, headers=filled(refusing, conditions))

    assert (412, 'PreconditionFailed') == answer.outcome
    assert f'x-amz-copy-source-{name}' == answer.error['Condition']
    assert [] == listed_parts(refusing)


def filled(upload, conditions):
    """Return the headers x-amz-copy-source-if-*, with what a HEAD of the source says filled in."""
    head = upload.client.request('HEAD', upload.bucket, 'source')
    return {f'x-amz-copy-source-{name}': text.format(etag=head.etag, modified=head.headers['Last-Modified'])
            for name, text in conditions.items()}


# Kinds of sources

def test_empty_source(upload):
    """An empty object gives an empty part; no range of it exists."""
    upload.client.request('PUT', upload.bucket, 'empty')

    assert (400, 'InvalidArgument') == copy(upload, 'empty', {'x-amz-copy-source-range': 'bytes=0-0'}).outcome
    assert 'd41d8cd98f00b204e9800998ecf8427e' == etag_of(copy(upload, 'empty'))
    assert b'' == object_of(upload)


def test_large_source_whole(upload, swift, large_source):
    """A part copied from a multipart object is plain bytes with an MD5 of its own."""
    bucket, key, bodies = large_source
    answer = upload.client.copy_part(upload.bucket, upload.key, upload.id, 1, f'{bucket}/{key}')

    md5 = hashlib.md5(b''.join(bodies)).hexdigest()
    assert md5 == etag_of(answer)
    row, headers = part_row(swift, upload)
    assert (md5, sum(map(len, bodies))) == (row['hash'], row['bytes'])
    assert 'x-static-large-object' not in headers


@pytest.mark.parametrize('first, last', [
    (PART_MIN_BYTES - 3, PART_MIN_BYTES + 3),
    (PART_MIN_BYTES, PART_MIN_BYTES + len(SOURCE) - 1),
    (0, PART_MIN_BYTES - 1),
])
def test_large_source_by_range(upload, large_source, first, last):
    """A range of a multipart object may lie across its parts."""
    bucket, key, bodies = large_source
    answer = upload.client.copy_part(upload.bucket, upload.key, upload.id, 1, f'{bucket}/{key}', {
        'x-amz-copy-source-range': f'bytes={first}-{last}'})

    assert hashlib.md5(b''.join(bodies)[first:last + 1]).hexdigest() == etag_of(answer)


def test_large_source_ends(refusing, large_source):
    """A range past the end of a multipart object is refused as for any other."""
    bucket, key, bodies = large_source
    size = sum(map(len, bodies))
    for text in (f'bytes=0-{size}', f'bytes={size}-{size}'):
        answer = refusing.client.copy_part(refusing.bucket, refusing.key, refusing.id, 1, f'{bucket}/{key}', {
            'x-amz-copy-source-range': text})
        assert (400, 'InvalidArgument', text) == (*answer.outcome, answer.error['ArgumentValue'])


def test_conditions_compare_the_s3_etag(upload, large_source):
    """For a multipart object that is the one with the number of parts: SDKs send it with every part they copy."""
    bucket, key, bodies = large_source
    etag = multipart_etag(bodies)
    assert etag == upload.client.request('HEAD', bucket, key).etag
    slo_etag = hashlib.md5(''.join(hashlib.md5(body).hexdigest() for body in bodies).encode()).hexdigest()

    for name, value, outcome in (('if-match', f'"{etag}"', 200), ('if-none-match', etag, (412, 'PreconditionFailed')),
                                 ('if-match', slo_etag, (412, 'PreconditionFailed'))):
        answer = upload.client.copy_part(upload.bucket, upload.key, upload.id, 1, f'{bucket}/{key}', {
            f'x-amz-copy-source-{name}': value, 'x-amz-copy-source-range': 'bytes=0-9'})
        assert outcome == answer.outcome


def test_sdk_copies_a_large_object(s3, bucket, large_source):
    """An SDK copies a large object with a HEAD, ranges and conditions on each part, and gets the same bytes."""
    source_bucket, key, bodies = large_source
    s3.copy({'Bucket': source_bucket, 'Key': key}, bucket, 'copied', Config=TransferConfig(
        multipart_threshold=PART_MIN_BYTES, multipart_chunksize=PART_MIN_BYTES, use_threads=False))

    answer = s3.get_object(Bucket=bucket, Key='copied')
    assert f'"{multipart_etag(bodies)}"' == answer['ETag']
    assert b''.join(bodies) == answer['Body'].read()


@pytest.fixture
def dynamic(swift, bucket):
    """A dynamic large object `dynamic` in the bucket; returns its bytes."""
    for number in range(3):
        swift.put_object(bucket, f'pieces/{number}', b'%d' % number * 1000)
    swift.put_object(bucket, 'dynamic', b'', headers={'X-Object-Manifest': f'{bucket}/pieces/'})
    return b'0' * 1000 + b'1' * 1000 + b'2' * 1000


def test_dynamic_large_source(upload, swift, dynamic):
    """What Swift puts together while it is read makes a plain part."""
    assert hashlib.md5(dynamic).hexdigest() == etag_of(copy(upload, 'dynamic'))
    assert 'x-object-manifest' not in part_row(swift, upload)[1]
    assert dynamic == object_of(upload)


def test_range_of_a_dynamic_large_source(upload, dynamic):
    """Ranges are those of the whole."""
    assert 200 == copy(upload, 'dynamic', {'x-amz-copy-source-range': 'bytes=990-1009'}).status
    assert dynamic[990:1010] == object_of(upload)
    assert 200 == copy(Upload(upload.client, upload.bucket), 'dynamic', {
        'x-amz-copy-source-if-match': upload.client.request('HEAD', upload.bucket, 'dynamic').headers['ETag']}).status


def static_large_object(swift, bucket, key, size, times):
    """Store a static large object that repeats one segment, and return the segment."""
    segment = b'x' * size
    swift.put_object(bucket, 'segment', segment)
    manifest = json.dumps([{'path': f'/{bucket}/segment'}] * times)
    swift.put_object(bucket, key, manifest, query_string='multipart-manifest=put')
    return segment


def test_static_large_source_of_the_swift_api(upload, swift):
    """A large object that was not made through S3 is a source as well, with the ETag that a HEAD shows."""
    content = 2 * static_large_object(swift, upload.bucket, 'static', 1000, 2)
    etag = upload.client.request('HEAD', upload.bucket, 'static').headers['ETag']

    assert hashlib.md5(content).hexdigest() == etag_of(copy(upload, 'static', {'x-amz-copy-source-if-match': etag}))
    assert content == object_of(upload)


def test_source_of_more_than_a_part(upload, swift):
    """A source of more than 5 GiB needs a range, and the range may not be larger either: 400 InvalidRequest."""
    static_large_object(swift, upload.bucket, 'huge', 1 << 20, 5121)

    assert (400, 'InvalidRequest') == copy(upload, 'huge').outcome
    assert (400, 'InvalidRequest') == copy(upload, 'huge', {
        'x-amz-copy-source-range': f'bytes=0-{5 << 30}'}).outcome
    assert hashlib.md5(b'xxx').hexdigest() == etag_of(copy(upload, 'huge', {
        'x-amz-copy-source-range': f'bytes={(5121 << 20) - 3}-{(5121 << 20) - 1}'}))


def test_source_that_expires(upload, swift):
    """The part does not inherit the end of the source's life: it would vanish from the object."""
    swift.put_object(upload.bucket, 'mortal', SOURCE, headers={'X-Delete-After': '3600'})
    assert MD5 == etag_of(copy(upload, 'mortal'))

    assert 'x-delete-at' not in part_row(swift, upload)[1]


def test_symlink_as_a_source(upload, swift):
    """A symlink stands for what it points to."""
    swift.put_object(upload.bucket, 'link', b'', headers={'X-Symlink-Target': f'{upload.bucket}/source'})
    assert MD5 == etag_of(copy(upload, 'link'))

    assert 'x-symlink-target' not in part_row(swift, upload)[1]
    assert SOURCE == object_of(upload)


def test_part_of_another_upload_is_no_object(upload, swift):
    """What lies in the segments container has no S3 name: there is no such bucket."""
    upload.part(1, b'data')
    row, _headers = part_row(swift, upload)
    other = Upload(upload.client, upload.bucket)
    answer = upload.client.copy_part(upload.bucket, other.key, other.id, 1, f"{upload.bucket}_segments/{row['name']}")

    assert (404, 'NoSuchBucket') == answer.outcome


# Rights

@pytest.fixture
def writer(cluster, upload, swift, s3):
    """An upload as seen by a user who may write to its bucket and nothing else, and the name of another bucket."""
    swift.post_container(upload.bucket, {'X-Container-Write': 'test:tester3'})
    other = 'other-' + upload.bucket
    s3.create_bucket(Bucket=other)
    s3.put_object(Bucket=other, Key='source', Body=SOURCE)
    owner, upload.client = upload.client, RawClient(cluster.url, 'test:tester3', 'testing3')
    return upload, other, owner


@pytest.mark.parametrize('key', ['source', 'no-such-key'])
def test_source_that_may_not_be_read(writer, key):
    """403 AccessDenied, whether the source exists or not: the right to write here opens nothing elsewhere."""
    upload, other, owner = writer
    for bucket in (other, upload.bucket):
        answer = upload.client.copy_part(upload.bucket, upload.key, upload.id, 1, f'{bucket}/{key}')
        assert (403, 'AccessDenied') == answer.outcome
    upload.client = owner
    assert [] == listed_parts(upload)


def test_source_that_may_be_read(writer, swift):
    """The right to write here and to read there is enough."""
    upload, other, _owner = writer
    swift.post_container(other, {'X-Container-Read': 'test:tester3'})

    assert MD5 == etag_of(upload.client.copy_part(upload.bucket, upload.key, upload.id, 1, f'{other}/source'))


def test_segments_container_is_no_source_for_a_writer(writer, swift):
    """Who may only write cannot read the parts of others through a copy."""
    upload, _other, owner = writer
    owner.upload_part(upload.bucket, upload.key, upload.id, 1, b'secret')
    row, _headers = part_row(swift, upload)
    answer = upload.client.copy_part(upload.bucket, upload.key, upload.id, 2,
                                     f"{upload.bucket}_segments/{row['name']}")

    assert (404, 'NoSuchBucket') == answer.outcome


def test_reader_cannot_copy_into_the_bucket(cluster, upload, swift):
    """Reading the source does not allow to write the part."""
    swift.post_container(upload.bucket, {'X-Container-Read': 'test:tester3'})
    upload.client = RawClient(cluster.url, 'test:tester3', 'testing3')

    assert (403, 'AccessDenied') == copy(upload).outcome
