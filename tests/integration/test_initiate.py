# SPDX-License-Identifier: Apache-2.0
"""Initiate: what it keeps for the object, what it answers, what it refuses.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
"""

from __future__ import annotations

import re
import secrets

import pytest
import swiftclient

from s3multi.s3.request_headers import MAX_METADATA_BYTES
from s3multi.upload.names import segments_container

from ..cases import for_each
from .raw import RawClient
from .s3api_features import needs_checksums

OBJECT_HEADERS = {
    'Cache-Control': 'max-age=60, must-revalidate',
    'Content-Disposition': 'attachment; filename="a b.txt"',
    'Content-Encoding': 'gzip',
    'Content-Language': 'de, en',
    'Content-Type': 'text/plain; charset=utf-16',
    'Expires': 'Thu, 01 Dec 2033 16:00:00 GMT',
}


@pytest.fixture(scope='module')
def refusing(raw):
    """As `bucket`, but one for all requests that must be refused, so nothing is ever in it."""
    name = 'initiates-' + secrets.token_hex(8)
    raw.request('PUT', name)
    return name


def metadata_of(answer):
    """Return the user metadata in the headers of an answer."""
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith('x-amz-meta-')}


def shown(raw, bucket, key, names):
    """Return those headers of the object."""
    answer = raw.request('HEAD', bucket, key)
    assert 200 == answer.status
    return {name: answer.headers[name] for name in names}


@pytest.mark.parametrize('headers, metadata', [
    ([('x-amz-meta-colour', 'blue')], {'x-amz-meta-colour': 'blue'}),
    ([('X-AMZ-Meta-MixedCase', 'Kept As Is')], {'x-amz-meta-mixedcase': 'Kept As Is'}),
    ([('x-amz-meta-twice', 'a'), ('x-amz-meta-twice', 'b')], {'x-amz-meta-twice': 'a,b'}),
    ([('x-amz-meta-under_score', '1'), ('x-amz-meta-under-score', '2')],
     {'x-amz-meta-under_score': '1', 'x-amz-meta-under-score': '2'}),
    ([('x-amz-meta-odd!#$%&\'*+.^`|~name', 'x')], {'x-amz-meta-odd!#$%&\'*+.^`|~name': 'x'}),
    ([('x-amz-meta-text', 'grün €')], {'x-amz-meta-text': '=?UTF-8?B?Z3LDg8K8biDDosKCwqw=?='}),
    ([('x-amz-meta-quotes', '"a"; b=\'c\', <d>')], {'x-amz-meta-quotes': '"a"; b=\'c\', <d>'}),
    ([('x-amz-meta-word', '=?UTF-8?Q?gr=C3=BCn?=')], {'x-amz-meta-word': '=?UTF-8?Q?gr=C3=BCn?='}),
    ([(f'x-amz-meta-n{n}', str(n)) for n in range(50)], {f'x-amz-meta-n{n}': str(n) for n in range(50)}),
], ids=['plain', 'case', 'repeated', 'underscore', 'odd-name', 'non-ascii', 'quotes', 'encoded', 'many'])
def test_metadata_reaches_the_object(raw, bucket, headers, metadata):
    """User metadata given to Initiate is the object's, in the form in which a PutObject would have kept it."""
    assert 200 == raw.request('PUT', bucket, 'plain', headers=headers).status
    raw.put_multipart(bucket, 'k', [b'data'], headers)

    assert metadata == metadata_of(raw.request('HEAD', bucket, 'k'))
    assert metadata == metadata_of(raw.request('HEAD', bucket, 'plain'))


def test_metadata_that_amazon_ignores_is_ignored(raw, bucket):
    """A name with a character that HTTP does not allow in names is left out, as by a PutObject."""
    raw.put_multipart(bucket, 'k', [b''], {'x-amz-meta-a(b': 'kept', 'x-amz-meta-a/b': 'dropped'}, sign='presigned-v4')

    assert {'x-amz-meta-a(b': 'kept'} == metadata_of(raw.request('HEAD', bucket, 'k'))


def test_headers_of_initiate_reach_the_object(raw, bucket):
    """Cache-Control, Content-* and Expires of Initiate come back with the object."""
    raw.put_multipart(bucket, 'k.html', [b'data'], OBJECT_HEADERS)

    assert OBJECT_HEADERS == shown(raw, bucket, 'k.html', OBJECT_HEADERS)


@needs_checksums    # Older ones refuse the word.
@pytest.mark.parametrize('sent, kept', [
    ('aws-chunked', None), ('gzip, aws-chunked', 'gzip'), ('aws-chunked,gzip', 'gzip'), ('gzip,br', 'gzip,br')])
def test_encoding_of_a_body_is_none_of_the_object(raw, bucket, sent, kept):
    """`aws-chunked` is never stored: old SDKs send it to Initiate, and copies take it along. Nor by s3api's own PUT."""
    headers = {'Content-Encoding': sent}
    raw.put_multipart(bucket, 'k', [b'data'], headers)
    assert 200 == raw.request('PUT', bucket, 'plain', (), headers, b'data').status
    assert 200 == raw.request('PUT', bucket, 'copy', (), {
        **headers, 'x-amz-copy-source': f'/{bucket}/plain', 'x-amz-metadata-directive': 'REPLACE'}).status

    for key in ('k', 'plain', 'copy'):
        assert kept == raw.request('HEAD', bucket, key).headers['Content-Encoding'], key


@pytest.mark.parametrize('headers', [{}, {'Content-Type': ''}], ids=['absent', 'empty'])
def test_object_without_a_type_is_binary(raw, bucket, headers):
    """An object that was given no Content-Type has binary/octet-stream, whatever its key ends in."""
    raw.put_multipart(bucket, 'page.html', [b'data'], headers)

    assert {'Content-Type': 'binary/octet-stream'} == shown(raw, bucket, 'page.html', ['Content-Type'])


@pytest.mark.parametrize('kind, kept', [
    ('nonsense', 'nonsense'),
    ('text/plain; charset="utf-8";  x=y', 'text/plain; charset="utf-8";  x=y'),
    ('text/plain;swift_bytes=7', 'text/plain'),
    ('text/plain; swift_bytes=7; charset=utf-8', 'text/plain;charset=utf-8'),
])
def test_any_content_type_is_accepted(raw, bucket, kind, kept):
    """Content-Type is the client's own text; Swift's private parameter in it cannot change the object's size."""
    raw.put_multipart(bucket, 'k', [b'data'], {'Content-Type': kind})

    answer = raw.request('GET', bucket, 'k')
    assert b'data' == answer.body
    assert kept == answer.headers['Content-Type']
    listing = raw.request('GET', bucket).xml('ListBucketResult')
    assert '4' == listing.find('Contents').findtext('Size')


def test_same_headers_on_later_requests_change_nothing(raw, bucket):
    """Metadata and headers are taken from Initiate only, not from Upload Part and not from Complete."""
    upload_id = raw.initiate(bucket, 'k', {'Content-Type': 'text/initiate', 'x-amz-meta-from': 'initiate'})
    late = {**OBJECT_HEADERS, 'Content-Type': 'text/late', 'x-amz-meta-from': 'late', 'x-amz-meta-late': 'yes'}
    late.pop('Content-Encoding')
    # Metadata with a part is refused: test_upload_part.
    part = raw.upload_part(bucket, 'k', upload_id, 1, b'data', {
        name: value for name, value in late.items() if not name.startswith('x-amz-meta-')})
    assert 200 == raw.complete(bucket, 'k', upload_id, [(1, part.etag)], late).status

    answer = raw.request('HEAD', bucket, 'k')
    assert {'x-amz-meta-from': 'initiate'} == metadata_of(answer)
    assert {'text/initiate'} == {answer.headers[name] for name in OBJECT_HEADERS} - {None}


def test_response_document(raw, bucket):
    """Initiate answers bucket, key and upload id; the two ids of the request are in the headers."""
    answer = raw.request('POST', bucket, 'a & b/<é>', {'uploads': None})

    result = answer.xml('InitiateMultipartUploadResult')
    assert ['Bucket', 'Key', 'UploadId'] == [child.tag for child in result]
    assert (bucket, 'a & b/<é>') == (result.findtext('Bucket'), result.findtext('Key'))
    assert answer.headers['x-amz-request-id']
    assert answer.headers['x-amz-id-2']


@pytest.mark.parametrize('query', [{'uploads': None}, {'uploads': ''}, {'uploads': 'x'}], ids=str)
def test_value_of_uploads_does_not_matter(raw, bucket, query):
    """`?uploads` and `?uploads=` are the same request."""
    assert 200 == raw.request('POST', bucket, 'k', query).status


def test_existing_object_stays_until_complete(raw, bucket):
    """An object at the key can be read, unchanged, until Complete has replaced it."""
    raw.request('PUT', bucket, 'k', body=b'old', headers={'x-amz-meta-age': 'old'})
    upload_id = raw.initiate(bucket, 'k', {'x-amz-meta-age': 'new'})
    part = raw.upload_part(bucket, 'k', upload_id, 1, b'new')

    before = raw.request('GET', bucket, 'k')
    assert (b'old', {'x-amz-meta-age': 'old'}) == (before.body, metadata_of(before))
    raw.complete(bucket, 'k', upload_id, [(1, part.etag)])
    after = raw.request('GET', bucket, 'k')
    assert (b'new', {'x-amz-meta-age': 'new'}) == (after.body, metadata_of(after))


def test_uploads_of_one_key_are_independent(raw, bucket):
    """Two uploads of one key have their own ids, parts and metadata, and may be completed in any order."""
    first = raw.initiate(bucket, 'k', {'x-amz-meta-n': 'first'})
    second = raw.initiate(bucket, 'k', {'x-amz-meta-n': 'second'})
    parts = {upload_id: raw.upload_part(bucket, 'k', upload_id, 1, upload_id.encode()).etag
             for upload_id in (first, second)}

    for upload_id, name in ((second, 'second'), (first, 'first')):
        assert 200 == raw.complete(bucket, 'k', upload_id, [(1, parts[upload_id])]).status
        answer = raw.request('GET', bucket, 'k')
        assert (upload_id.encode(), {'x-amz-meta-n': name}) == (answer.body, metadata_of(answer))


def test_upload_ids_need_no_encoding_and_sort_by_time(raw, bucket):
    """Some clients put the id into a URL as it is; the markers of List Multipart Uploads compare ids of one key."""
    ids = [raw.initiate(bucket, 'k') for _ in range(12)]

    assert all(re.fullmatch(r'[A-Za-z0-9._~-]{1,1024}', upload_id) for upload_id in ids)
    assert ids == sorted(set(ids))


def test_body_of_initiate_is_ignored(raw, bucket):
    """Initiate takes no body; one that is there is no part of the upload."""
    answer = raw.request('POST', bucket, 'k', {'uploads': None}, body=b'what is this?')

    assert 200 == answer.status


def test_missing_bucket(raw):
    """404 NoSuchBucket names the bucket."""
    answer = raw.request('POST', 'no-such-bucket-here', 'k', {'uploads': None})

    assert (404, 'NoSuchBucket') == answer.outcome
    assert 'no-such-bucket-here' == answer.error['BucketName']


def test_initiate_needs_a_key(raw, refusing):
    """A refusing alone cannot be uploaded to."""
    assert (400, 'InvalidRequest') == raw.request('POST', refusing, None, {'uploads': None}).outcome


@pytest.mark.parametrize('method, query, allowed', [
    ('PUT', {'uploads': None}, 'GET, POST'),
    ('DELETE', {'uploads': None}, 'GET, POST'),
    ('PUT', {'uploadId': 'x'}, 'GET, POST, DELETE'),
])
def test_other_methods_are_not_allowed(raw, refusing, method, query, allowed):
    """405 MethodNotAllowed names the method and, in the header Allow, those that are."""
    answer = raw.request(method, refusing, 'k', query)

    assert (405, 'MethodNotAllowed') == answer.outcome
    assert (method, allowed) == (answer.error['Method'], answer.headers['Allow'])


def test_most_metadata_that_is_allowed(raw, bucket):
    """Names and values of user metadata may be 2 KB together."""
    names = [f'x-amz-meta-m{n:02d}' for n in range(16)]
    each = MAX_METADATA_BYTES // len(names) - len('m00')
    headers = {name: 'v' * each for name in names}
    raw.put_multipart(bucket, 'k', [b''], headers)

    assert headers == metadata_of(raw.request('HEAD', bucket, 'k'))


@pytest.mark.parametrize('headers, size', [
    ({f'x-amz-meta-m{n:02d}': 'v' * (125 + (n == 0)) for n in range(16)}, MAX_METADATA_BYTES + 1),
    ({'x-amz-meta-a': 'v' * 5000}, 5001),
    ({'x-amz-meta-a': 'é' * 1024}, MAX_METADATA_BYTES + 1),
    ({'Content-Encoding': 'x' * 2040}, MAX_METADATA_BYTES + len('Content-Encoding') - 8),
    ({'Content-Language': 'x' * 1000, 'Cache-Control': 'y' * 1020}, 2020 + len('Content-LanguageCache-Control')),
], ids=['by-one', 'one-value', 'counted-in-bytes', 'encoding', 'together'])
def test_too_much_metadata(raw, refusing, headers, size):
    """400 MetadataTooLarge names what was sent and what is allowed, in bytes of UTF-8."""
    answer = raw.request('POST', refusing, 'k', {'uploads': None}, headers)

    assert (400, 'MetadataTooLarge') == answer.outcome
    assert (str(size), str(MAX_METADATA_BYTES)) == (answer.error['Size'], answer.error['MaxSizeAllowed'])


@pytest.mark.parametrize('headers, reason', [
    ({'x-amz-meta-long': 'v' * 257}, 'Metadata value longer than 256: X-Object-Meta-Long'),
    ({f'x-amz-meta-{n}': '' for n in range(100)}, 'Too many metadata items; max 90'),
    ({'x-amz-meta-' + 'n' * 130: 'v'}, 'Metadata name too long: X-Object-Meta-N' + 'n' * 129),
], ids=['long-value', 'many', 'long-name'])
def test_metadata_that_swift_cannot_store_is_refused_at_initiate(raw, refusing, headers, reason):
    """What Swift's own limits refuse is refused now, with its reason, and not after the parts were uploaded."""
    answer = raw.request('POST', refusing, 'k', {'uploads': None}, headers)

    assert (400, 'InvalidRequest') == answer.outcome
    assert reason.lower() in answer.error['Message'].lower()
    assert raw.list_uploads(refusing).xml('ListMultipartUploadsResult').find('Upload') is None


@pytest.mark.parametrize('key, size', [('k' * 1025, 1025), ('é' * 600, 1200), ('k' * 982, 982)],
                         ids=['amazons-limit', 'in-bytes', 'ours'])
def test_key_too_long(raw, refusing, key, size):
    """400 KeyTooLongError names the size of the key and the largest one, which leaves room for the names of parts."""
    answer = raw.request('POST', refusing, key, {'uploads': None})

    assert (400, 'KeyTooLongError') == answer.outcome
    assert (str(size), '981') == (answer.error['Size'], answer.error['MaxSizeAllowed'])


@pytest.mark.parametrize('headers', [
    {'x-amz-checksum-algorithm': 'CRC32'},
    {'x-amz-checksum-algorithm': 'crc32c', 'x-amz-checksum-type': 'composite'},
    {'x-amz-checksum-algorithm': 'CRC64NVME'},
    {'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'FULL_OBJECT'},
    {'x-amz-checksum-algorithm': 'SHA1', 'x-amz-checksum-type': 'COMPOSITE'},
    {'x-amz-checksum-algorithm': 'Sha256'},
    {'x-amz-checksum-crc32': 'AAAAAA=='},
    {'x-amz-sdk-checksum-algorithm': 'CRC32', 'x-amz-checksum-crc32': 'AAAAAA=='},
    {'x-amz-request-payer': 'requester'},
    {'x-amz-storage-class': 'STANDARD'},
], ids=str)
def test_headers_that_are_accepted(raw, bucket, headers):
    """What SDKs send unasked, or what asks for no more than there is, must not fail an upload."""
    assert raw.initiate(bucket, 'k', headers)


@pytest.mark.parametrize('headers', [
    {'x-amz-checksum-algorithm': 'MD4'},
    {'x-amz-checksum-algorithm': ''},
    {'x-amz-checksum-algorithm': 'CRC32,SHA1'},
    {'x-amz-checksum-type': 'COMPOSITE'},
    {'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'PARTIAL'},
    {'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'COMPOSITE'},
    {'x-amz-checksum-algorithm': 'SHA1', 'x-amz-checksum-type': 'FULL_OBJECT'},
    {'x-amz-checksum-algorithm': 'SHA256', 'x-amz-checksum-type': 'FULL_OBJECT'},
], ids=str)
def test_checksum_algorithms_that_make_no_sense(raw, refusing, headers):
    """An unknown algorithm or type, several, a type alone, or a pair that S3 does not know: 400 InvalidRequest."""
    assert (400, 'InvalidRequest') == raw.request('POST', refusing, 'k', {'uploads': None}, headers).outcome


@pytest.mark.parametrize('name, value, code', [
    ('x-amz-storage-class', 'TEPID', 'InvalidStorageClass'),
    ('x-amz-storage-class', 'GLACIER', 'InvalidStorageClass'),
    ('x-amz-server-side-encryption', 'ROT13', 'InvalidArgument'),
])
def test_words_that_do_not_exist(raw, refusing, name, value, code):
    """A storage class or kind of encryption that there is not: 400."""
    assert (400, code) == raw.request('POST', refusing, 'k', {'uploads': None}, {name: value}).outcome


# With s3_acl = false, as s3api answers PutObject. Amazon S3 knows aws-exec-read, and honours all that it knows.
ACLS = [
    *(({'x-amz-acl': name}, 200) for name in (
        'private', 'public-read', 'public-read-write', 'bucket-owner-read', 'bucket-owner-full-control')),
    *(({'x-amz-acl': name}, (501, 'NotImplemented')) for name in ('authenticated-read', 'log-delivery-write')),
    *(({'x-amz-acl': name}, (400, 'InvalidArgument')) for name in (
        'aws-exec-read', 'public-please', 'Private', 'private,public-read', '')),
    *(({f'x-amz-grant-{name}': value}, 200) for name in ('read', 'write', 'read-acp', 'write-acp', 'full-control')
      for value in ('id=1', 'uri=http://acs.amazonaws.com/groups/global/AllUsers', 'nonsense', '')),
    ({'x-amz-acl': 'public-read', 'x-amz-grant-read': 'id=1'}, 200),
]


def test_acls_that_do_not_count(raw, bucket, swift):
    """Without the ACLs of S3 a large file is taken with the same ones as a small file, and both are as private."""
    def check(case):
        headers, expected = case
        assert expected == raw.request('PUT', bucket, 'small', headers=headers, body=b'small').outcome
        assert expected == raw.request('POST', bucket, 'large', {'uploads': None}, headers).outcome

    for_each(ACLS, check)

    for container in (bucket, segments_container(bucket)):
        assert not {'x-container-read', 'x-container-write'} & set(swift.head_container(container))


def test_refused_initiate_leaves_nothing(raw, bucket, swift):
    """A refusal comes before anything is written: not even the segments container is there."""
    raw.request('POST', bucket, 'k', {'uploads': None}, {'X-Delete-After': '60'})

    with pytest.raises(swiftclient.ClientException, match='404'):
        swift.head_container(bucket + '_segments')


@pytest.mark.parametrize('key', ['bell\a', 'a\x01b', '\x1f', 'new\nline', 'return\r', 'tab\t', 'del\x7f'], ids=repr)
def test_control_characters_in_keys(raw, bucket, key):
    """A key may hold any character; one that XML cannot carry is written as a reference, and lists still work."""
    answer = raw.request('POST', bucket, key, {'uploads': None})

    assert 200 == answer.status
    upload_id = re.search(b'<UploadId>(.*)</UploadId>', answer.body)[1].decode()
    part = raw.upload_part(bucket, key, upload_id, 1, b'data')
    assert 200 == raw.list_uploads(bucket).status
    listed = raw.list_uploads(bucket, {'encoding-type': 'url'}).xml('ListMultipartUploadsResult')
    assert upload_id == listed.find('Upload').findtext('UploadId')
    assert 200 == raw.complete(bucket, key, upload_id, [(1, part.etag)]).status
    assert b'data' == raw.request('GET', bucket, key).body


@pytest.mark.parametrize('policy', ['gold', 'silver'])
def test_parts_lie_in_the_storage_policy_of_the_bucket(raw, swift, bucket, policy):
    """The segments container is made with the policy of the bucket, not with the cluster's default."""
    name = f'{policy}-{bucket}'
    swift.put_container(name, {'X-Storage-Policy': policy})
    raw.put_multipart(name, 'k', [b'data'])

    assert policy == swift.head_container(name + '_segments')['x-storage-policy']
    assert b'data' == raw.request('GET', name, 'k').body


def test_segments_container_that_is_there_already_is_used(raw, swift, bucket):
    """A segments container of another policy, made by an operator or by another client, stays as it is."""
    swift.put_container(bucket + '_segments', {'X-Storage-Policy': 'silver'})
    swift.put_object(bucket + '_segments', 'k/not-ours', b'mine')
    raw.put_multipart(bucket, 'k', [b'data'])

    assert 'silver' == swift.head_container(bucket + '_segments')['x-storage-policy']
    assert b'data' == raw.request('GET', bucket, 'k').body
    assert b'mine' == swift.get_object(bucket + '_segments', 'k/not-ours')[1]


@pytest.mark.parametrize('access, rights, outcome', [
    ('test:tester3', {}, (403, 'AccessDenied')),
    ('test:tester3', {'X-Container-Read': 'test:tester3'}, (403, 'AccessDenied')),
    ('test:tester3', {'X-Container-Write': 'test:tester3'}, 200),
    ('test:tester3', {'X-Container-Write': 'test:tester3', 'X-Container-Read': '.r:*'}, 200),
], ids=['stranger', 'reader', 'writer', 'writer-of-public'])
def test_initiate_needs_the_right_to_write(cluster, bucket, swift, access, rights, outcome):
    """Who may write to the bucket may upload to it, also as the first one; nobody else may."""
    swift.post_container(bucket, rights)
    answer = RawClient(cluster.url, access, 'testing3').request('POST', bucket, 'k', {'uploads': None})

    assert outcome == answer.outcome


def test_other_account_cannot_initiate(cluster, bucket):
    """A bucket is looked for in the account of who signs: another account does not see it."""
    stranger = RawClient(cluster.url, 'test2:tester2', 'testing2')

    assert (404, 'NoSuchBucket') == stranger.request('POST', bucket, 'k', {'uploads': None}).outcome


def test_nobody_cannot_initiate(raw, bucket, swift):
    """A request without a signature is no S3 request, even where everybody may write."""
    swift.post_container(bucket, {'X-Container-Write': '*:*'})
    answer = raw.request('POST', bucket, 'k', {'uploads': None}, sign=None)

    assert 400 <= answer.status < 500
