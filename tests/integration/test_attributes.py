# SPDX-License-Identifier: Apache-2.0
"""GetObjectAttributes: what there is to know of an object, and of its parts, without reading it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
"""

from __future__ import annotations

import json

import pytest


from .faults import FaultyProxy, rule
from .raw import RawClient, multipart_etag
from .test_checksums import BODIES, PARTS, WHOLE, Checked, body_of, element, upload_of
from .test_readers import Person
from .uploads import Upload, tiny_parts

ALL = 'ETag,Checksum,ObjectParts,StorageClass,ObjectSize'
NAMES = 'x-amz-object-attributes'
PLAIN_ETAG = '781e5e245d69b566979b86e28d23f2c7'     # of 0123456789


@pytest.fixture
def plain(tiny, bucket):
    """A bucket with an object that is no multipart one, `plain`."""
    tiny.request('PUT', bucket, 'plain', body=b'0123456789')
    return bucket


def ask(client, bucket, key='key', names=ALL, headers=(), query=()):
    """Ask for the attributes of an object; return the Answer."""
    return client.request('GET', bucket, key, {'attributes': None, **dict(query)}, {NAMES: names, **dict(headers)})


def attributes(answer):
    """Return the attributes, in order: name to text, or to pairs of the children's names and texts."""
    return {child.tag: [(each.tag, each.text or {part.tag: part.text for part in each}) for each in child] or child.text
            for child in answer.xml('GetObjectAttributesResponse')}


def parts_of(answer):
    """Return ObjectParts: its own elements, and the parts."""
    children = attributes(answer)['ObjectParts']
    return {name: text for name, text in children if name != 'Part'}, [
        part for name, part in children if name == 'Part']


def part(number, body, algorithm, value):
    """Return a part as it is shown."""
    return {'PartNumber': str(number), 'Size': str(len(body)), **({element(algorithm): value} if value else {})}


# What is told

def test_a_plain_object(tiny, plain):
    """Its ETag without quotes, its class and size; it has no parts, and Swift keeps no checksum of it."""
    answer = ask(tiny, plain, 'plain')

    assert [('ETag', PLAIN_ETAG), ('StorageClass', 'STANDARD'), ('ObjectSize', '10')] == list(
        attributes(answer).items())
    assert tiny.request('HEAD', plain, 'plain').headers['Last-Modified'] == answer.headers['Last-Modified']
    assert 'x-amz-version-id' not in answer.headers
    # Nothing of the bytes.
    assert b'0123456789' not in answer.body


@pytest.mark.parametrize('names, expected', [
    ('ETag', ['ETag']), ('ObjectSize,ETag', ['ETag', 'ObjectSize']), (' StorageClass , ,', ['StorageClass']),
    ('ObjectParts', []), ('Checksum', []), ('ETag,ETag', ['ETag'])])
def test_only_what_is_asked_for(tiny, plain, names, expected):
    """In S3's order, whatever the order in the header; blanks do not matter."""
    assert expected == list(attributes(ask(tiny, plain, 'plain', names)))


def test_a_header_for_each_attribute(tiny, plain):
    """As some SDKs send them."""
    answer = tiny.request('GET', plain, 'plain', {'attributes': None}, [(NAMES, 'ETag'), (NAMES, 'ObjectSize')])

    assert ['ETag', 'ObjectSize'] == list(attributes(answer))


def test_a_multipart_object_without_checksums(tiny, bucket):
    """S3 tells the number of its parts, and lists none."""
    Upload(tiny, bucket).parts(*BODIES).complete()

    assert [('ETag', multipart_etag(BODIES)), ('ObjectParts', [('PartsCount', '3')]), ('StorageClass', 'STANDARD'),
            ('ObjectSize', '24')] == list(attributes(ask(tiny, bucket)).items())


@pytest.mark.parametrize('algorithm, kind', WHOLE, ids=lambda word: word.lower())
def test_a_multipart_object_with_checksums(tiny, bucket, algorithm, kind):
    """The checksum of the whole, a composite one without the number of parts; each part with size and checksum."""
    upload_of(tiny, bucket, algorithm, kind).complete(body_of(algorithm))
    answer = ask(tiny, bucket)

    assert ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] == list(attributes(answer))
    assert [(element(algorithm), WHOLE[algorithm, kind].removesuffix('-3')), ('ChecksumType', kind)] == (
        attributes(answer)['Checksum'])
    assert [('PartsCount', '3'), ('PartNumberMarker', '0'), ('NextPartNumberMarker', '3'), ('MaxParts', '1000'),
            ('IsTruncated', 'false')] == list(parts_of(answer)[0].items())
    assert [part(number, body, algorithm, value) for number, (body, value) in enumerate(
        zip(BODIES, PARTS[algorithm]), 1)] == parts_of(answer)[1]


@pytest.mark.parametrize('headers, numbers, following, truncated, shown', [
    ({'x-amz-max-parts': '2'}, [1, 2], '2', 'true', '2'),
    ({'x-amz-max-parts': '2', 'x-amz-part-number-marker': '2'}, [3], '3', 'false', '2'),
    ({'x-amz-part-number-marker': '1'}, [2, 3], '3', 'false', '1000'),
    ({'x-amz-part-number-marker': '3'}, [], '0', 'false', '1000'),
    ({'x-amz-part-number-marker': '2147483647'}, [], '0', 'false', '1000'),
    ({'x-amz-max-parts': '0'}, [], '0', 'false', '0'),
    ({'x-amz-max-parts': '3'}, [1, 2, 3], '3', 'false', '3'),
    ({'x-amz-max-parts': '2000'}, [1, 2, 3], '3', 'false', '2000'),
    # S3 ignores what is no number of parts.
    ({'x-amz-max-parts': '-1'}, [1, 2, 3], '3', 'false', '1000'),
    ({'x-amz-max-parts': 'many'}, [1, 2, 3], '3', 'false', '1000'),
], ids=str)
def test_pages(tiny, bucket, headers, numbers, following, truncated, shown):
    """As List Parts has them, by headers; the number of all parts is on each."""
    upload_of(tiny, bucket, 'crc32', 'COMPOSITE').complete(body_of('crc32'))
    told, parts = parts_of(ask(tiny, bucket, headers=headers))

    assert numbers == [int(each['PartNumber']) for each in parts]
    assert ('3', headers.get('x-amz-part-number-marker', '0'), following, shown, truncated) == (
        told['PartsCount'], told['PartNumberMarker'], told['NextPartNumberMarker'], told['MaxParts'],
        told['IsTruncated'])


def test_parts_are_counted_as_the_object_has_them(tiny, bucket):
    """Whatever their numbers were and however often they were uploaded: as `?partNumber=` counts them."""
    upload = upload_of(tiny, bucket, 'crc32', 'FULL_OBJECT')
    upload.part(3)
    upload.complete(body_of('crc32', (1, 3)))

    assert [part(1, BODIES[0], 'crc32', PARTS['crc32'][0]), part(2, BODIES[2], 'crc32', PARTS['crc32'][2])] == (
        parts_of(ask(tiny, bucket))[1])


def test_parts_whose_rows_are_late(cluster, bucket):
    """A listing that lags hides no checksum: what it does not show is asked for."""
    proxy = FaultyProxy(cluster, 'attributes')
    client = RawClient(proxy.url)
    upload_of(client, bucket, 'crc32', 'COMPOSITE').complete(body_of('crc32'))
    expected = parts_of(ask(client, bucket))

    with proxy.above.following(rule('GET', '_segments$', hide='/0000000[23]')):
        assert expected == parts_of(ask(client, bucket))
        assert 2 == len([seen for seen in proxy.above.requests() if seen[0] == 'HEAD' and '_segments/' in seen[1]])


def test_an_empty_part(tiny, bucket):
    """A part without bytes is a part."""
    upload = Checked(tiny, bucket, {'x-amz-checksum-algorithm': 'CRC64NVME'}, numbers=())
    etag = tiny.upload_part(bucket, 'key', upload.id, 1).etag
    tiny.complete(bucket, 'key', upload.id, [(1, etag)])

    assert [part(1, b'', 'crc64nvme', 'AAAAAAAAAAA=')] == parts_of(ask(tiny, bucket))[1]


# Objects that were not made by s3multi

def test_an_upload_of_stock_s3api(tiny, stock, bucket):
    """Its parts are counted."""
    Upload(stock, bucket).parts(*BODIES).complete()

    assert {'ETag': multipart_etag(BODIES), 'ObjectParts': [('PartsCount', '3')], 'StorageClass': 'STANDARD',
            'ObjectSize': '24'} == attributes(ask(tiny, bucket))


def test_large_objects_of_swift(tiny, bucket, swift):
    """A static one has the ETag that s3api shows and its segments as parts; a dynamic one is like a plain object."""
    for name in 'ab':
        swift.put_object(bucket, f'segment/{name}', name.encode() * 5)
    swift.put_object(bucket, 'static', json.dumps([{'path': f'/{bucket}/segment/{name}'} for name in 'ab']),
                     query_string='multipart-manifest=put')
    swift.put_object(bucket, 'dynamic', b'', headers={'X-Object-Manifest': f'{bucket}/segment/'})

    for key, parts in (('static', {'ObjectParts': [('PartsCount', '2')]}), ('dynamic', {})):
        etag = tiny.request('HEAD', bucket, key).etag
        assert {'ETag': etag, **parts, 'StorageClass': 'STANDARD', 'ObjectSize': '10'} == attributes(
            ask(tiny, bucket, key))
        assert 304 == ask(tiny, bucket, key, headers={'If-None-Match': f'"{etag}"'}).status


def test_copies_and_links(cluster, tiny, bucket, swift):
    """A copy through S3 has no parts; what has the manifest of another key counts them and lists none."""
    upload_of(tiny, bucket, 'crc32', 'COMPOSITE').complete(body_of('crc32'))
    tiny.request('PUT', bucket, 'copy', headers={'x-amz-copy-source': f'/{bucket}/key'})
    swift.put_object(bucket, 'link', b'', headers={'X-Symlink-Target': f'{bucket}/key'})
    owner = Person(tiny_parts(cluster), 'test:tester', 'testing')
    assert 201 == owner.ask('COPY', bucket, 'key', {'multipart-manifest': 'get'}, {
        'Destination': f'{bucket}/manifest'}).status

    assert ['ETag', 'StorageClass', 'ObjectSize'] == list(attributes(ask(tiny, bucket, 'copy')))
    for key in ('link', 'manifest'):
        assert ({'PartsCount': '3'}, []) == parts_of(ask(tiny, bucket, key))


# What is refused

@pytest.mark.parametrize('headers', [{}, {NAMES: ''}, {NAMES: ' , '}], ids=str)
def test_no_attribute_is_named(tiny, plain, headers):
    """400 InvalidRequest."""
    assert (400, 'InvalidRequest') == tiny.request('GET', plain, 'plain', {'attributes': None}, headers).outcome


@pytest.mark.parametrize('name, value', [('etag', 'etag'), ('ETag,Owner,x', 'Owner'), ('*', '*')])
def test_an_attribute_that_there_is_not(tiny, plain, name, value):
    """400 InvalidArgument, with the first one that is none."""
    answer = ask(tiny, plain, 'plain', name)

    assert ((400, 'InvalidArgument'), NAMES, value) == (
        answer.outcome, answer.error['ArgumentName'], answer.error['ArgumentValue'])


@pytest.mark.parametrize('marker', ['-1', 'x', '1.5', '2147483648'])
def test_a_marker_that_is_none(tiny, bucket, marker):
    """400 InvalidArgument: ignored, it would have the client begin anew and anew."""
    Upload(tiny, bucket).parts(b'1').complete()
    answer = ask(tiny, bucket, headers={'x-amz-part-number-marker': marker})

    assert ((400, 'InvalidArgument'), 'x-amz-part-number-marker', marker) == (
        answer.outcome, answer.error['ArgumentName'], answer.error['ArgumentValue'])


def test_what_is_not_there(tiny, bucket):
    """404, as for the object itself; and the container of the parts is no bucket."""
    upload = Upload(tiny, bucket).parts(b'1')
    answers = [ask(tiny, bucket), ask(tiny, bucket + '-none'), ask(tiny, bucket, 'k' * 1025),
               ask(tiny, bucket + '_segments', f'key/{upload.id}')]

    assert [(404, 'NoSuchKey'), (404, 'NoSuchBucket'), (404, 'NoSuchBucket')] == [
        answer.outcome for answer in answers[:2] + answers[3:]]
    assert 'key' == answers[0].error['Key']
    assert answers[2].status in (400, 404)


@pytest.mark.parametrize('method', ['HEAD', 'PUT', 'POST', 'DELETE'])
def test_other_methods(tiny, plain, method):
    """405: there is one question about attributes, and nothing to write. The object stays as it was."""
    answer = tiny.request(method, plain, 'plain', {'attributes': None}, {NAMES: 'ETag'})

    assert (405, 'GET') == (answer.status, answer.headers['Allow'])
    if method != 'HEAD':
        assert 'MethodNotAllowed' == answer.error.code
    assert b'0123456789' == tiny.request('GET', plain, 'plain').body


CONDITIONS = [
    ({'If-Match': '"{etag}"'}, 200), ({'If-Match': '{etag}'}, 200), ({'If-Match': '*'}, 200),
    ({'If-Match': '"x"'}, 412), ({'If-None-Match': '"x"'}, 200), ({'If-None-Match': '"{etag}"'}, 304),
    ({'If-None-Match': '*'}, 304), ({'If-Modified-Since': 'Wed, 01 Jan 2020 00:00:00 GMT'}, 200),
    ({'If-Modified-Since': '{modified}'}, 304), ({'If-Unmodified-Since': 'Wed, 01 Jan 2020 00:00:00 GMT'}, 412),
    ({'If-Unmodified-Since': '{modified}'}, 200)]


@pytest.mark.parametrize('headers, status', CONDITIONS, ids=str)
def test_conditions(tiny, plain, headers, status):
    """Those of a GET, of the ETag that S3 shows; 304 has it, and no document."""
    Upload(tiny, plain).parts(*BODIES).complete()
    for key in ('plain', 'key'):
        head = tiny.request('HEAD', plain, key)
        sent = {name: value.format(etag=head.etag, modified=head.headers['Last-Modified'])
                for name, value in headers.items()}
        answer = ask(tiny, plain, key, headers=sent)

        assert tiny.request('GET', plain, key, headers=sent).status == status == answer.status
        if status == 304:
            assert (b'', head.etag, head.headers['Last-Modified']) == (
                answer.body, answer.etag, answer.headers['Last-Modified'])
        if status == 412:
            assert ('PreconditionFailed', next(iter(headers))) == (answer.error.code, answer.error['Condition'])


# Versions

def test_each_version_has_its_attributes(tiny, versioned):
    """By its id, and the current one without; the answer tells which it is."""
    first = upload_of(tiny, versioned, 'crc32', 'COMPOSITE').complete(body_of('crc32')).headers['x-amz-version-id']
    second = tiny.request('PUT', versioned, 'key', body=b'0123456789').headers['x-amz-version-id']

    for query, version, etag, size in (({'versionId': first}, first, multipart_etag(BODIES), '24'),
                                       ({'versionId': second}, second, PLAIN_ETAG, '10'),
                                       ({}, second, PLAIN_ETAG, '10')):
        answer = ask(tiny, versioned, query=query)
        assert (version, etag, size) == (answer.headers['x-amz-version-id'], attributes(answer)['ETag'],
                                         attributes(answer)['ObjectSize'])
    assert [part(number, body, 'crc32', value) for number, (body, value) in enumerate(
        zip(BODIES, PARTS['crc32']), 1)] == parts_of(ask(tiny, versioned, query={'versionId': first}))[1]


def test_delete_markers(tiny, versioned):
    """The object behind one is not there, 404; the marker itself is none, 405. Both answers say what it is."""
    tiny.request('PUT', versioned, 'key', body=b'1')
    marker = tiny.request('DELETE', versioned, 'key').headers['x-amz-version-id']
    hidden, itself = ask(tiny, versioned), ask(tiny, versioned, query={'versionId': marker})

    assert ((404, 'NoSuchKey'), 'true', marker) == (
        hidden.outcome, hidden.headers['x-amz-delete-marker'], hidden.headers['x-amz-version-id'])
    assert ((405, 'MethodNotAllowed'), 'true', marker, 'DELETE') == (
        itself.outcome, itself.headers['x-amz-delete-marker'], itself.headers['x-amz-version-id'],
        itself.headers['Allow'])


@pytest.mark.parametrize('version, outcome', [
    ('1234567890.12345', (404, 'NoSuchVersion')), ('nonsense', (400, 'InvalidArgument')),
    ('', (400, 'InvalidArgument')), ('null', (404, 'NoSuchVersion'))])
def test_a_version_that_there_is_not(tiny, versioned, version, outcome):
    """404, or 400 for what cannot be one."""
    tiny.request('PUT', versioned, 'key', body=b'1')

    assert outcome == ask(tiny, versioned, query={'versionId': version}).outcome


@pytest.mark.parametrize('version, outcome', [
    ('null', 200), ('1234567890.12345', (404, 'NoSuchVersion')), ('nonsense', (400, 'InvalidArgument'))])
def test_a_bucket_without_versions(tiny, plain, version, outcome):
    """Its objects are the null version, as s3api has it."""
    assert outcome == ask(tiny, plain, 'plain', query={'versionId': version}).outcome


# Readers

def test_a_reader_by_acl(tiny, swift, plain):
    """Who may read the bucket asks as who owns it; nobody else, whether the object is there or not."""
    upload_of(tiny, plain, 'crc32', 'COMPOSITE').complete(body_of('crc32'))
    reader = RawClient(tiny.address.geturl(), 'test:tester3', 'testing3')
    denied = [ask(reader, plain, key).outcome for key in ('key', 'plain', 'none')]
    nobody = tiny.request('GET', plain, 'key', {'attributes': None}, {NAMES: ALL}, sign=None)
    swift.post_container(plain, {'X-Container-Read': 'test:tester3'})

    assert [(403, 'AccessDenied')] * 3 == denied
    assert 400 <= nobody.status < 500 and multipart_etag(BODIES).encode() not in nobody.body
    for key in ('key', 'plain'):
        assert attributes(ask(tiny, plain, key)) == attributes(ask(reader, plain, key))
    swift.post_container(plain, {'X-Container-Read': '', 'X-Container-Write': 'test:tester3'})
    assert (403, 'AccessDenied') == ask(reader, plain).outcome


def test_signed_urls(tiny, plain):
    """The headers are signed with the URL."""
    answer = tiny.request('GET', plain, 'plain', {'attributes': None}, {NAMES: 'ETag'}, sign='presigned-v4')

    assert {'ETag': PLAIN_ETAG} == attributes(answer)


# SDKs

def test_boto3(make_client, cluster, bucket):
    """boto3 understands all of it, and pages through the parts."""
    s3 = make_client(url=tiny_parts(cluster).url)
    upload = s3.create_multipart_upload(Bucket=bucket, Key='key', ChecksumAlgorithm='SHA256')
    target = {'Bucket': bucket, 'Key': 'key', 'UploadId': upload['UploadId']}
    parts = [{'PartNumber': number, 'ETag': answer['ETag'], 'ChecksumSHA256': answer['ChecksumSHA256']}
             for number, answer in ((number, s3.upload_part(
                 Body=body, PartNumber=number, ChecksumAlgorithm='SHA256', **target))
                 for number, body in enumerate(BODIES, 1))]
    s3.complete_multipart_upload(MultipartUpload={'Parts': parts}, **target)
    seen, marker = [], 0
    for _ in range(3):
        answer = s3.get_object_attributes(Bucket=bucket, Key='key', ObjectAttributes=ALL.split(','), MaxParts=1,
                                          PartNumberMarker=marker)
        seen += answer['ObjectParts']['Parts']
        marker = answer['ObjectParts']['NextPartNumberMarker']

    assert (multipart_etag(BODIES), 24, 'STANDARD', 3, False) == (
        answer['ETag'], answer['ObjectSize'], answer['StorageClass'], answer['ObjectParts']['TotalPartsCount'],
        answer['ObjectParts']['IsTruncated'])
    assert WHOLE['sha256', 'COMPOSITE'] == answer['Checksum']['ChecksumSHA256'] + '-3'
    assert [{'PartNumber': number, 'Size': len(body), 'ChecksumSHA256': value} for number, (body, value) in enumerate(
        zip(BODIES, PARTS['sha256']), 1)] == seen
    assert answer['LastModified'] == s3.head_object(Bucket=bucket, Key='key')['LastModified']
