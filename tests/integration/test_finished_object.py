# SPDX-License-Identifier: Apache-2.0
"""The object that a Complete made: to S3 clients, to clients of the Swift API, and to a proxy without s3multi.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import secrets

import pytest
import swiftclient


from .raw import multipart_etag
from .uploads import Upload, read, segment_names

BODIES = [b'Hello, ', b'multipart ', b'world!\n']
WHOLE = b''.join(BODIES)
ETAG = f'"{multipart_etag(BODIES)}"'
MD5 = f'"{hashlib.md5(WHOLE).hexdigest()}"'


@pytest.fixture(params=['with s3multi', 'stock'])
def client(request, tiny):
    """A client that reads, once through a proxy with s3multi and once through a stock one."""
    return tiny if request.param == 'with s3multi' else request.getfixturevalue('stock')


@pytest.fixture(scope='module')
def finished(tiny):
    """A finished upload that nobody changes."""
    bucket = 'finished-' + secrets.token_hex(4)
    tiny.request('PUT', bucket)
    upload = Upload(tiny, bucket, 'a key', {'Content-Type': 'text/plain', 'x-amz-meta-colour': 'red'}).parts(*BODIES)
    assert 200 == upload.complete().status
    return upload


@pytest.fixture
def doomed(tiny, bucket):
    """A finished upload of one's own."""
    upload = Upload(tiny, bucket).parts(*BODIES)
    assert 200 == upload.complete().status
    return upload


def get(client, upload, query=(), headers=(), method='GET'):
    return client.request(method, upload.bucket, upload.key, query, headers)


# Through the S3 API

@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_etag_length_and_headers(client, finished, method):
    """GET and HEAD give the multipart ETag, the length of the whole, and what Initiate was told."""
    answer = get(client, finished, method=method)

    assert (200, WHOLE if method == 'GET' else b'') == (answer.status, answer.body)
    assert (ETAG, '24', 'text/plain', 'red') == tuple(answer.headers[name] for name in (
        'ETag', 'Content-Length', 'Content-Type', 'x-amz-meta-colour'))


@pytest.mark.parametrize('query', [{}, {'list-type': '2'}, {'versions': None}], ids=['v1', 'v2', 'versions'])
def test_listings(client, finished, query):
    """Listings of the bucket show the multipart ETag and the length of the whole, and nothing of the parts."""
    answer = client.request('GET', finished.bucket, None, query)

    root = answer.xml('ListVersionsResult' if 'versions' in query else 'ListBucketResult')
    entries = root.findall('Version' if 'versions' in query else 'Contents')
    assert [('a key', ETAG, '24')] == [tuple(entry.findtext(name) for name in ('Key', 'ETag', 'Size'))
                                       for entry in entries]


def test_segments_container_is_no_bucket(client, finished):
    """The container of the parts is neither listed as a bucket nor readable as one."""
    names = [name.text for name in client.request('GET').xml('ListAllMyBucketsResult').iter('Name')]

    assert finished.bucket in names and finished.bucket + '_segments' not in names
    assert client.request('GET', finished.bucket + '_segments').status in (400, 403, 404)


@pytest.mark.parametrize('header, value, status', [
    ('If-Match', ETAG, 200), ('If-Match', ETAG.strip('"'), 200), ('If-Match', f'"other", {ETAG}', 200),
    ('If-Match', '*', 200), ('If-Match', '"other"', 412), ('If-Match', MD5, 412),
    ('If-None-Match', ETAG, 304), ('If-None-Match', ETAG.strip('"'), 304), ('If-None-Match', '*', 304),
    ('If-None-Match', '"other"', 200),
])
@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_conditional_read(client, finished, header, value, status, method):
    """If-Match and If-None-Match compare with the multipart ETag."""
    answer = get(client, finished, headers={header: value}, method=method)

    assert status == answer.status
    assert status != 200 or ETAG == answer.headers['ETag']


@pytest.mark.parametrize('byte_range, expected', [
    ('bytes=0-0', slice(0, 1)), ('bytes=0-6', slice(0, 7)), ('bytes=5-8', slice(5, 9)), ('bytes=3-20', slice(3, 21)),
    ('bytes=7-16', slice(7, 17)), ('bytes=-3', slice(-3, None)), ('bytes=20-', slice(20, None)),
    ('bytes=20-1000', slice(20, None)), ('bytes=0-', slice(0, None)),
])
def test_range(client, finished, byte_range, expected):
    """A range is of the whole object, wherever its parts begin and end."""
    answer = get(client, finished, headers={'Range': byte_range})

    begin, end, _step = expected.indices(len(WHOLE))
    assert (206, WHOLE[expected]) == (answer.status, answer.body)
    assert (f'bytes {begin}-{end - 1}/24', ETAG) == (answer.headers['Content-Range'], answer.headers['ETag'])


def test_range_behind_the_end(client, finished):
    """A range behind the end of the whole is 416."""
    assert (416, 'InvalidRange') == get(client, finished, headers={'Range': 'bytes=24-'}).outcome


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('number, content_range', [(1, 'bytes 0-6/24'), (2, 'bytes 7-16/24'), (3, 'bytes 17-23/24')])
def test_part_number(client, finished, number, content_range, method):
    """?partNumber= gives that part of the object, with the object's ETag and the number of parts."""
    answer = get(client, finished, {'partNumber': number}, method=method)

    body = BODIES[number - 1]
    assert (206, body if method == 'GET' else b'') == (answer.status, answer.body)
    assert (content_range, str(len(body)), ETAG, '3') == tuple(answer.headers[name] for name in (
        'Content-Range', 'Content-Length', 'ETag', 'x-amz-mp-parts-count'))


def test_part_number_counts_what_was_listed(tiny, client, bucket):
    """Parts are counted as the finished object has them, whatever their numbers were and how many were uploaded."""
    upload = Upload(tiny, bucket).parts(*BODIES)
    upload.complete([upload.listed[0], upload.listed[2]])

    second, third = [get(client, upload, {'partNumber': number}) for number in (2, 3)]

    assert (206, BODIES[2], 'bytes 7-13/14', '2') == (
        second.status, second.body, second.headers['Content-Range'], second.headers['x-amz-mp-parts-count'])
    assert (416, 'InvalidPartNumber') == third.outcome


@pytest.mark.parametrize('number, outcome', [
    ('4', (416, 'InvalidPartNumber')), ('0', (400, 'InvalidArgument')), ('-1', (400, 'InvalidArgument')),
    ('one', (400, 'InvalidArgument')),
])
def test_part_number_that_is_none(client, finished, number, outcome):
    """A number beyond the last part is 416, and one that no part can have 400."""
    assert outcome == get(client, finished, {'partNumber': number}).outcome


def test_copy_needs_none_of_the_parts(client, doomed, swift):
    """A copy of the object is an object of its own."""
    copied = client.request('PUT', doomed.bucket, 'copy', headers={'x-amz-copy-source': f'/{doomed.bucket}/key'})
    for place in (0, 0, 0):
        lose(doomed, swift, place)

    assert 200 == copied.status
    assert WHOLE == read(client, doomed.bucket, 'copy').body


@pytest.mark.parametrize('header, value, status', [
    ('if-match', ETAG, 200), ('if-match', ETAG.strip('"'), 200), ('if-match', MD5, 412),
    ('if-none-match', ETAG, 412), ('if-none-match', '"other"', 200)])
def test_copy_under_a_condition(tiny, finished, header, value, status):
    """A condition on the source compares with its multipart ETag."""
    copied = tiny.request('PUT', finished.bucket, 'copy', headers={
        'x-amz-copy-source': f'/{finished.bucket}/a%20key', f'x-amz-copy-source-{header}': value})

    assert status == copied.status
    tiny.request('DELETE', finished.bucket, 'copy')


def copy_with_swift(upload, swift):
    swift.put_object(upload.bucket, 'copy', b'', headers={'X-Copy-From': f'/{upload.bucket}/{upload.key}'})


def copy_with_s3(upload, swift, **headers):
    answer = upload.client.request('PUT', upload.bucket, 'copy', headers={
        'x-amz-copy-source': f'/{upload.bucket}/{upload.key}', **headers})
    assert MD5 == answer.xml('CopyObjectResult').findtext('ETag')


@pytest.mark.parametrize('copy', [
    copy_with_s3, lambda *known: copy_with_s3(*known, **{'x-amz-metadata-directive': 'REPLACE'}), copy_with_swift,
], ids=['s3', 's3-replacing-metadata', 'swift'])
@pytest.mark.parametrize('versioning', [False, True], ids=['plain', 'versioned'])
def test_copy_is_a_plain_object(tiny, client, bucket, s3, swift, copy, versioning):
    """Its ETag is the MD5 of its bytes, in every answer and under every condition, for every proxy."""
    if versioning:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
    upload = Upload(tiny, bucket).parts(*BODIES)
    upload.complete()
    copy(upload, swift)

    assert (WHOLE, MD5) == (read(client, bucket, 'copy').body, read(client, bucket, 'copy').headers['ETag'])
    assert [MD5] == [entry.findtext('ETag') for entry in client.request('GET', bucket, query={'prefix': 'copy'}).xml(
        'ListBucketResult').findall('Contents')]
    assert [200, 412, 304, 200] == [
        read(client, bucket, 'copy', headers={header: value}).status
        for header in ('If-Match', 'If-None-Match') for value in (MD5, ETAG)]
    assert ETAG == read(client, bucket, 'key').headers['ETag']


def test_both_proxies_answer_alike(tiny, stock, finished):
    """A proxy as Swift ships it serves the object with the very same headers."""
    passing = ('x-amz-id-2', 'x-amz-request-id', 'x-trans-id', 'x-openstack-request-id', 'date', 'connection')

    def told(answer):
        return answer.status, answer.body, sorted(
            (name.lower(), value) for name, value in answer.headers.items() if name.lower() not in passing)

    for query, headers in (({}, {}), ({'partNumber': 2}, {}), ({}, {'Range': 'bytes=3-20'}),
                           ({'response-content-type': 'x/y'}, {})):
        for method in ('GET', 'HEAD'):
            assert told(get(tiny, finished, query, headers, method)) == told(
                get(stock, finished, query, headers, method)), (method, query, headers)


def test_deleting_it_frees_its_parts(daemons, tiny, stock, bucket, swift):
    """Deleting the object through S3, alone or with others, frees the space of its parts."""
    for number, client in enumerate((tiny, stock)):
        single, multiple = [Upload(tiny, bucket, f'{number}-{name}').parts(*BODIES) for name in ('one', 'many')]
        assert [200, 200] == [single.complete().status, multiple.complete().status]
        body = f'<Delete><Object><Key>{multiple.key}</Key></Object></Delete>'.encode()
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        assert 204 == get(client, single, method='DELETE').status
        assert 200 == client.request('POST', bucket, None, {'delete': None}, {'Content-MD5': digest}, body).status

    # SLO leaves the segments to the expirer.
    daemons.expire()

    assert [] == swift.get_container(bucket)[1]
    # The notes that they are being deleted expire later.
    assert [] == [name for name in segment_names(swift, bucket) if not name.endswith('/freed')]


# Through the Swift API

def test_swift_sees_a_large_object(finished, swift):
    """To the Swift API it is a static large object of the whole length, with its own metadata."""
    headers = swift.head_object(finished.bucket, finished.key)

    assert WHOLE == swift.get_object(finished.bucket, finished.key)[1]
    assert ('True', '24', 'text/plain') == (
        headers['x-static-large-object'], headers['content-length'], headers['content-type'])
    assert 'red' == headers['x-object-meta-colour']
    listed, = swift.get_container(finished.bucket)[1]
    assert ('a key', 24, 'text/plain') == (listed['name'], listed['bytes'], listed['content_type'])


def test_manifest_names_every_part(finished, swift):
    """The manifest has path, length and MD5 of every part, in order."""
    manifest = json.loads(swift.get_object(finished.bucket, finished.key, query_string='multipart-manifest=get')[1])

    stored = {row['name']: row for row in swift.get_container(finished.bucket + '_segments')[1]}
    assert [(len(body), hashlib.md5(body).hexdigest()) for body in BODIES] == [
        (segment['bytes'], segment['hash']) for segment in manifest]
    for number, segment in enumerate(manifest, 1):
        container, _, name = segment['name'].lstrip('/').partition('/')
        assert finished.bucket + '_segments' == container
        assert name.startswith(f'a key/{finished.id}/{number:08d}-')
        assert (segment['bytes'], segment['hash']) == (stored[name]['bytes'], stored[name]['hash'])
        assert not segment.get('sub_slo')


def test_swift_deletes_it_with_its_parts(doomed, swift):
    """A Swift client that deletes the large object with its segments leaves nothing."""
    swift.delete_object(doomed.bucket, doomed.key, query_string='multipart-manifest=delete')

    assert [] == segment_names(swift, doomed.bucket)
    assert [] == swift.get_container(doomed.bucket)[1]


def test_swift_deletes_the_manifest_alone(doomed, swift):
    """A Swift client that deletes the manifest alone leaves the segments, as with any large object."""
    swift.delete_object(doomed.bucket, doomed.key)

    assert [1, 2, 3] == doomed.stored_numbers(swift)
    assert 404 == get(doomed.client, doomed).status


def test_swift_copies_the_manifest(doomed, swift):
    """A copy of the manifest alone reads the same parts, and has the same ETag."""
    swift.put_object(doomed.bucket, 'copy', b'', query_string='multipart-manifest=get', headers={
        'X-Copy-From': f'/{doomed.bucket}/{doomed.key}'})

    assert WHOLE == swift.get_object(doomed.bucket, 'copy')[1]
    assert ETAG == read(doomed.client, doomed.bucket, 'copy').headers['ETag']


def test_lost_first_part_is_noticed(doomed, client, swift):
    """An object whose first part is gone is not read with a success."""
    lose(doomed, swift, 0)

    assert get(client, doomed).status >= 400
    with pytest.raises(swiftclient.ClientException):
        swift.get_object(doomed.bucket, doomed.key)


def test_lost_last_part_is_noticed(doomed, client, swift):
    """An object whose last part is gone ends before its announced length."""
    lose(doomed, swift, 2)

    try:
        status = get(client, doomed).status
    except http.client.IncompleteRead:
        status = None
    assert status is None or status >= 400
    assert BODIES[0] == get(client, doomed, {'partNumber': 1}).body


def lose(upload, swift, place):
    name = upload.stored(swift)[place]
    swift.delete_object(upload.bucket + '_segments', f'{upload.key}/{upload.id}{name}')
