# SPDX-License-Identifier: Apache-2.0
"""Additional checksums from Initiate to GET: chosen, verified, combined, stored with the object and given back.

The values are worked ones of three parts: `Hello, `, `multipart ` and a last one.
"""

from __future__ import annotations

import base64

import boto3.s3.transfer
import pytest
from botocore.exceptions import ClientError

from s3multi.upload.names import segments_container

from .faults import FACTORY, Faults, FaultyProxy, rule
from .raw import NAMESPACE, RawClient, multipart_etag
from .s3api_features import needs_checksums
from .uploads import PART_MIN_BYTES, TINY_PARTS, read, result

BODIES = [b'Hello, ', b'multipart ', b'world!\n']
ETAGS = ['c84cabbaebee9a9631c8be234ac64c26', 'a020557699724b0bb4fc5a1949e8ee1c', 'cf614f7aada88444686710f7f5cc8ba2']
PARTS = {
    'crc32': ['3ldvBQ==', 'kD8u3w==', 'nHfoQQ=='],
    'crc32c': ['R4ccNA==', 'zrN+dg==', 'jfv5wA=='],
    'crc64nvme': ['W5KyEjvHapE=', 'zKJoBEwjqEY=', 'NZlPa5vr0nY='],
    'sha1': ['9Sq1f6Ud+nFFBSlEREY65aAJrjQ=', 'pPODM6M/C0+iScf3mB1jWxW4vHk=', 'IS8RE+vMUo5QGTPYXijQQt9FdG0='],
    'sha256': ['I0Kb2bqY3VFAMJu5sAlLOq1kJDD/9vs8ph8AjOZE80o=', 'HN+Hs+Sd2Ah5qu6pTbrIurRFmc8sETNdwIupiK6h0rM=',
               'FSlsvXVl1rNYP8/h2SJGy+J72bfFhieEx48RdsO2IrA='],
}
WHOLE = {
    ('crc32', 'COMPOSITE'): 'g1o3Jw==-3',
    ('crc32', 'FULL_OBJECT'): 'WxWtvg==',
    ('crc32c', 'COMPOSITE'): 'O41+xA==-3',
    ('crc32c', 'FULL_OBJECT'): '96G84A==',
    ('crc64nvme', 'FULL_OBJECT'): 'HM7dXHbE2EE=',
    ('sha1', 'COMPOSITE'): 'qMm28oWMlTL5K8wfp0anBG5Pdbo=-3',
    ('sha256', 'COMPOSITE'): 'zhiInOF8UNkIktrpRP/y1PlTqWdOwyXq9AAcCMue01c=-3',
}
DEFAULTS = {'crc32': 'COMPOSITE', 'crc32c': 'COMPOSITE', 'crc64nvme': 'FULL_OBJECT', 'sha1': 'COMPOSITE',
            'sha256': 'COMPOSITE'}
every_pair = pytest.mark.parametrize('algorithm, kind', WHOLE, ids=lambda word: word.lower())
ENABLED = {'x-amz-checksum-mode': 'ENABLED'}


def element(algorithm):
    return 'Checksum' + algorithm.upper()


def header(algorithm):
    return 'x-amz-checksum-' + algorithm


def sums(headers):
    """Return what headers tell of checksums."""
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith('x-amz-checksum-')}


def body_of(algorithm, numbers=(1, 2, 3), **wrong):
    """Return the body of a Complete that lists parts with their checksums (None: without). wrong: by `p<number>`."""
    listed = ''
    for number in numbers:
        value = wrong.get(f'p{number}', algorithm and (element(algorithm), PARTS[algorithm][number - 1]))
        child = f'<{value[0]}>{value[1]}</{value[0]}>' if value else ''
        listed += f'<Part><PartNumber>{number}</PartNumber><ETag>{ETAGS[number - 1]}</ETag>{child}</Part>'
    return f'<CompleteMultipartUpload xmlns="{NAMESPACE[1:-1]}">{listed}</CompleteMultipartUpload>'.encode()


class Checked:
    """An upload of the three parts: with these headers at Initiate, each part with the checksum of `sent`, if any."""

    def __init__(self, client, bucket, headers=(), sent=None, numbers=(1, 2, 3)):
        self.client, self.bucket = client, bucket
        self.id = client.initiate(bucket, 'key', headers)
        for number in numbers:
            answer = self.part(number, {header(sent): PARTS[sent][number - 1]} if sent else {})
            assert 200 == answer.status, answer.body

    def part(self, number, headers=(), **options):
        return self.client.upload_part(self.bucket, 'key', self.id, number, BODIES[number - 1], headers, **options)

    def complete(self, body, headers=()):
        return self.client.complete(self.bucket, 'key', self.id, body, headers)

    def shown(self):
        """Return what List Parts shows of checksums: of the upload, and of each part."""
        root = self.client.list_parts(self.bucket, 'key', self.id).xml('ListPartsResult')
        parts = [{child.tag: child.text for child in part if child.tag.startswith('Checksum')}
                 for part in root.findall('Part')]
        return {child.tag: child.text for child in root if child.tag.startswith('Checksum')}, parts


def upload_of(client, bucket, algorithm, kind, **options):
    """Begin an upload of this kind and upload its parts."""
    return Checked(client, bucket, {'x-amz-checksum-algorithm': algorithm.upper(), 'x-amz-checksum-type': kind},
                   algorithm, **options)


# Initiate and the lists

@pytest.mark.parametrize('algorithm', DEFAULTS)
def test_initiate_tells_the_type_it_has_chosen(tiny, bucket, algorithm):
    """An algorithm alone, in any letter case, has S3's default type; both are echoed."""
    answer = tiny.request('POST', bucket, 'key', {'uploads': None}, {'x-amz-checksum-algorithm': algorithm.title()})

    assert 200 == answer.status
    assert {'x-amz-checksum-algorithm': algorithm.upper(), 'x-amz-checksum-type': DEFAULTS[algorithm]} == (
        sums(answer.headers))


def test_initiate_without_an_algorithm_tells_none(tiny, bucket):
    """Nor does it when the client sends a value, which belongs to no body here."""
    assert {} == sums(tiny.request('POST', bucket, 'key', {'uploads': None}).headers)


@every_pair
def test_both_lists_show_what_was_chosen(tiny, bucket, algorithm, kind):
    """List Parts shows algorithm, type and the parts' checksums; List Multipart Uploads the algorithm and type."""
    upload = upload_of(tiny, bucket, algorithm, kind)
    chosen = {'ChecksumAlgorithm': algorithm.upper(), 'ChecksumType': kind}
    entry = tiny.list_uploads(bucket).xml('ListMultipartUploadsResult').find('Upload')

    assert (chosen, [{element(algorithm): value} for value in PARTS[algorithm]]) == upload.shown()
    assert chosen == {child.tag: child.text for child in entry if child.tag.startswith('Checksum')}


def test_lists_show_nothing_of_an_upload_without_algorithm(tiny, bucket):
    """Its parts may have checksums all the same."""
    upload = Checked(tiny, bucket, sent='sha1')
    entry = tiny.list_uploads(bucket).xml('ListMultipartUploadsResult').find('Upload')

    assert ({}, [{'ChecksumSHA1': value} for value in PARTS['sha1']]) == upload.shown()
    assert [] == [child.tag for child in entry if child.tag.startswith('Checksum')]


# Parts

@pytest.mark.parametrize('sent', [{}, {'x-amz-checksum-sha1': PARTS['sha1'][0]}], ids=['none', 'another'])
def test_a_part_that_is_not_as_chosen(tiny, bucket, sent):
    """400 InvalidRequest, and nothing is stored: a composite checksum needs each part's own."""
    upload = Checked(tiny, bucket, {'x-amz-checksum-algorithm': 'CRC32'}, numbers=())

    assert (400, 'InvalidRequest') == upload.part(1, sent).outcome
    assert [] == upload.shown()[1]


@needs_checksums
def test_a_trailer_of_another_algorithm(tiny, bucket):
    """Known before the body is read: 400 InvalidRequest."""
    upload = Checked(tiny, bucket, {'x-amz-checksum-algorithm': 'CRC32'}, numbers=())
    answer = upload.part(1, payload='unsigned-chunks-trailer', trailers={header('sha1'): PARTS['sha1'][0]})

    assert (400, 'InvalidRequest') == answer.outcome


def test_a_part_that_is_not_as_chosen_leaves_the_connection_usable(make_client, bucket):
    """An SDK that gets an error goes on with its next request."""
    s3 = make_client(request_checksum_calculation='when_required')
    upload = s3.create_multipart_upload(Bucket=bucket, Key='key', ChecksumAlgorithm='CRC32')
    target = {'Bucket': bucket, 'Key': 'key', 'UploadId': upload['UploadId'], 'PartNumber': 1}
    for _ in range(2):
        with pytest.raises(ClientError, match='InvalidRequest'):
            s3.upload_part(Body=b'x' * 1048576, **target)

    assert 'CFPRxQ==' != s3.upload_part(Body=b'x', ChecksumAlgorithm='CRC32', **target)['ChecksumCRC32']


@pytest.mark.parametrize('algorithm', ['crc32', 'crc32c', 'crc64nvme'])
def test_a_part_without_a_checksum_gets_one_where_the_whole_is_checked(tiny, bucket, algorithm):
    """Of an upload with FULL_OBJECT: the server computes it, and answers only what was sent."""
    upload = Checked(tiny, bucket, {'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': 'FULL_OBJECT'},
                     numbers=(1, 2))

    assert {} == sums(upload.part(3).headers)
    assert [{element(algorithm): value} for value in PARTS[algorithm]] == upload.shown()[1]
    assert WHOLE[algorithm, 'FULL_OBJECT'] == result(upload.complete(body_of(None)))[element(algorithm)]


@every_pair
def test_a_copied_part_gets_a_checksum(tiny, bucket, algorithm, kind):
    """Computed with the upload's algorithm while the bytes pass; in the answer after the ETag, and in the list."""
    assert 200 == tiny.request('PUT', bucket, 'source', body=b''.join(BODIES)).status
    upload = Checked(tiny, bucket, {'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': kind}, numbers=())
    place = 0
    for number, body in enumerate(BODIES, 1):
        copied = tiny.copy_part(bucket, 'key', upload.id, number, f'{bucket}/source',
                                {'x-amz-copy-source-range': f'bytes={place}-{place + len(body) - 1}'})
        place += len(body)
        assert ['LastModified', 'ETag', element(algorithm)] == [child.tag for child in copied.xml('CopyPartResult')]
        assert PARTS[algorithm][number - 1] == copied.xml('CopyPartResult').findtext(element(algorithm))

    assert WHOLE[algorithm, kind] == result(upload.complete(body_of(algorithm)))[element(algorithm)]


def test_a_copied_part_of_an_upload_without_algorithm_has_none(tiny, bucket):
    """Whatever checksum its source has."""
    tiny.put_multipart(bucket, 'source', [b'1'])
    upload_id = tiny.initiate(bucket, 'key')
    copied = tiny.copy_part(bucket, 'key', upload_id, 1, f'{bucket}/source')

    assert ['LastModified', 'ETag'] == [child.tag for child in copied.xml('CopyPartResult')]


# Complete

@every_pair
@pytest.mark.parametrize('in_trailers', [
    pytest.param(False, id='headers'), pytest.param(True, id='trailers', marks=needs_checksums)])
def test_an_object_has_the_checksum_that_was_chosen(tiny, bucket, algorithm, kind, in_trailers):
    """Complete answers it with its type, and so does a read that asks for it, and no other read."""
    upload = upload_of(tiny, bucket, algorithm, kind, numbers=() if in_trailers else (1, 2, 3))
    for number in (1, 2, 3) if in_trailers else ():
        upload.part(number, payload='unsigned-chunks-trailer',
                    trailers={header(algorithm): PARTS[algorithm][number - 1]})
    completed = upload.complete(body_of(algorithm))
    expected = {header(algorithm): WHOLE[algorithm, kind], 'x-amz-checksum-type': kind}

    assert ['Location', 'Bucket', 'Key', 'ETag', element(algorithm), 'ChecksumType'] == list(result(completed))
    assert (WHOLE[algorithm, kind], kind) == (result(completed)[element(algorithm)], result(completed)['ChecksumType'])
    for method in ('GET', 'HEAD'):
        assert expected == sums(tiny.request(method, bucket, 'key', headers=ENABLED).headers)
        assert {} == sums(tiny.request(method, bucket, 'key').headers)


@every_pair
def test_a_complete_that_is_repeated(tiny, bucket, algorithm, kind):
    """The same answer, checksum included, when the upload is gone."""
    upload = upload_of(tiny, bucket, algorithm, kind)
    first = upload.complete(body_of(algorithm))

    assert result(first) == result(upload.complete(body_of(algorithm)))


def test_slo_writes_the_checksum_too(cluster, bucket):
    """With `verify = head` it is SLO that stores the object."""
    name = 'checksums-asking'
    proxy = cluster.proxies.get(name) or cluster.add_proxy(
        name, filters={'s3multi': {'min_segment_size': 1, 'verify': 'head'}, 'slo': {'rate_limit_segments_per_sec': 0}})
    client = RawClient(proxy.url)
    upload_of(client, bucket, 'crc32', 'COMPOSITE').complete(body_of('crc32'))

    assert 'g1o3Jw==-3' == client.request('HEAD', bucket, 'key', headers=ENABLED).headers['x-amz-checksum-crc32']


@pytest.mark.parametrize('algorithm, value', [('crc32', 'e1WnGA=='), ('crc32c', '75ZmaQ=='),
                                              ('crc64nvme', 'zcfBCY8Qd54=')])
def test_the_checksum_of_the_whole_covers_what_is_listed(tiny, bucket, algorithm, value):
    """Parts 1 and 3 only: gaps are fine where the whole is checked."""
    upload = upload_of(tiny, bucket, algorithm, 'FULL_OBJECT')

    assert value == result(upload.complete(body_of(algorithm, (1, 3))))[element(algorithm)]


def refusal_of(client, bucket, algorithm, kind, body, headers=()):
    """Complete an upload of this kind and return the outcome; it has to stay open after an error."""
    upload = upload_of(client, bucket, algorithm, kind)
    answer = upload.complete(body, headers)
    if answer.status != 200:
        assert 200 == client.list_parts(bucket, 'key', upload.id).status
        assert 404 == client.request('HEAD', bucket, 'key').status
    return answer


@pytest.mark.parametrize('algorithm, kind, body, outcome', [
    pytest.param('crc32', 'COMPOSITE', body_of(None), (400, 'InvalidRequest'), id='composite-without'),
    pytest.param('crc32', 'COMPOSITE', body_of('crc32', p2=None), (400, 'InvalidRequest'), id='composite-without-one'),
    pytest.param('crc32', 'FULL_OBJECT', body_of('crc32', p2=None), 200, id='whole-without-one'),
    pytest.param('crc32', 'COMPOSITE', body_of('crc32', p2=('ChecksumCRC32', 'AAAAAA==')), (400, 'InvalidPart'),
                 id='composite-wrong'),
    pytest.param('crc32', 'FULL_OBJECT', body_of('crc32', p2=('ChecksumCRC32', 'AAAAAA==')), (400, 'InvalidPart'),
                 id='whole-wrong'),
    pytest.param('crc32', 'COMPOSITE', body_of('crc32', p2=('ChecksumSHA1', PARTS['sha1'][1])), (400, 'BadDigest'),
                 id='composite-another-algorithm'),
    pytest.param('crc32', 'FULL_OBJECT', body_of('crc32', p2=('ChecksumCRC32C', PARTS['crc32c'][1])),
                 (400, 'BadDigest'), id='whole-another-algorithm'),
    pytest.param('crc32', 'COMPOSITE', body_of('crc32', p2=('ChecksumCRC32', 'kD8u3')), (400, 'InvalidArgument'),
                 id='no-base64'),
    pytest.param('crc32', 'COMPOSITE', body_of('crc32', p2=('ChecksumCRC32', 'kD8u3x==')), (400, 'InvalidArgument'),
                 id='spare-bits'),
    pytest.param('crc32', 'COMPOSITE', body_of('crc32', (1, 3)), (400, 'InvalidPartOrder'), id='composite-with-a-gap'),
    pytest.param('crc32', 'COMPOSITE', body_of('crc32', (1, 2)), 200, id='composite-of-the-first'),
])
def test_what_the_list_tells_of_the_parts(tiny, bucket, algorithm, kind, body, outcome):
    """Each element is compared with the part; a composite upload has one for every part, of parts 1, 2, 3 and so on."""
    answer = refusal_of(tiny, bucket, algorithm, kind, body)

    assert outcome == answer.outcome
    if 'InvalidPart' in str(outcome) and 'Order' not in str(outcome):
        assert ('2', ETAGS[1]) == (answer.error['PartNumber'], answer.error['ETag'])
    if outcome == (400, 'InvalidRequest'):
        assert 'part %d ' % (2 if ETAGS[0].encode() + b'</ETag><C' in body else 1) in answer.error.message


@pytest.mark.parametrize('value', [PARTS['crc32'][0], 'AAAAAA=='], ids=['right', 'wrong'])
def test_a_list_with_checksums_that_the_upload_does_not_have(tiny, bucket, value):
    """Of an upload without algorithm S3 compares none: InvalidPart, even if it is right."""
    upload = Checked(tiny, bucket, sent='crc32')

    assert (400, 'InvalidPart') == upload.complete(body_of(None, p1=('ChecksumCRC32', value))).outcome


SHA1 = WHOLE['sha1', 'COMPOSITE']


@pytest.mark.parametrize('kind, headers, outcome', [
    pytest.param('FULL_OBJECT', {'x-amz-checksum-crc32': 'WxWtvg=='}, 200, id='right'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-crc32': 'WxWtvg==', 'x-amz-checksum-type': 'full_object'}, 200,
                 id='right-with-its-type'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-crc32': 'AAAAAA=='}, (400, 'BadDigest'), id='wrong'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-crc32c': '96G84A=='}, (400, 'BadDigest'), id='another-algorithm'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-crc32': 'WxWtvh=='}, (400, 'InvalidRequest'), id='spare-bits'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-crc32': 'WxWtvg==-3'}, (400, 'InvalidRequest'), id='suffix'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-crc32': 'WxWtvg==', 'x-amz-checksum-sha1': PARTS['sha1'][0]},
                 (400, 'InvalidRequest'), id='two'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-sha512': 'AA=='}, (400, 'InvalidRequest'), id='not-served'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-type': 'COMPOSITE'}, (400, 'InvalidRequest'), id='another-type'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-type': 'WHOLE'}, (400, 'InvalidRequest'), id='no-type'),
    pytest.param('COMPOSITE', {'x-amz-checksum-crc32': 'g1o3Jw=='}, 200, id='composite-right'),
    pytest.param('COMPOSITE', {'x-amz-checksum-crc32': 'WxWtvg=='}, (400, 'BadDigest'), id='composite-wrong'),
    pytest.param('COMPOSITE', {'x-amz-checksum-crc32': 'g1o3Jw==-a'}, (400, 'InvalidRequest'), id='no-suffix'),
])
def test_what_a_complete_tells_of_the_object(tiny, bucket, kind, headers, outcome):
    """The checksum in a header is that of the object, not of the XML; the type has to be the upload's."""
    assert outcome == refusal_of(tiny, bucket, 'crc32', kind, body_of('crc32'), headers).outcome


@every_pair
def test_every_algorithm_of_the_object(tiny, bucket, algorithm, kind):
    """With the number of parts behind a composite checksum, and without; with a wrong number it is wrong."""
    value = WHOLE[algorithm, kind]
    bare, _, count = value.partition('-')
    upload = upload_of(tiny, bucket, algorithm, kind)
    for wrong in (bare + '-4', bare + '-03', bare + '-0'):
        assert (400, 'BadDigest' if count else 'InvalidRequest') == upload.complete(
            body_of(algorithm), {header(algorithm): wrong}).outcome
    for right in {bare, value}:
        assert 200 == upload.complete(body_of(algorithm), {header(algorithm): right}).outcome


@pytest.mark.parametrize('kind, code', [('COMPOSITE', 'BadDigest'), ('FULL_OBJECT', 'InvalidPart')])
def test_a_wrong_part_beside_the_right_object(tiny, bucket, kind, code):
    """A composite is compared with what the list makes first, and then the parts; the whole the other way round."""
    answer = refusal_of(tiny, bucket, 'crc32', kind, body_of('crc32', p2=('ChecksumCRC32', 'AAAAAA==')),
                        {'x-amz-checksum-crc32': WHOLE['crc32', kind].partition('-')[0]})

    assert (400, code) == answer.outcome


@pytest.mark.parametrize('headers, outcome', [
    ({'x-amz-checksum-crc32': 'AAAAAA=='}, 200), ({'x-amz-checksum-sha256': PARTS['sha256'][0]}, 200),
    ({'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA='}, 200), ({'x-amz-checksum-type': 'FULL_OBJECT'}, 200),
    ({'x-amz-checksum-type': 'COMPOSITE'}, (400, 'InvalidRequest')),
    ({'x-amz-checksum-sha512': 'AA=='}, (400, 'InvalidRequest')),
], ids=str)
def test_an_object_checksum_for_an_upload_without_algorithm(tiny, bucket, headers, outcome):
    """Amazon S3 compares none either; it knows the type of its default checksum."""
    assert outcome == Checked(tiny, bucket).complete(body_of(None), headers).outcome


@pytest.mark.parametrize('sent, found', [(None, {}), ('crc32', {}), ('crc64nvme', {
    'x-amz-checksum-crc64nvme': 'HM7dXHbE2EE=', 'x-amz-checksum-type': 'FULL_OBJECT'})])
def test_the_default_checksum_of_an_object(tiny, bucket, sent, found):
    """CRC64NVME where every part came with its own: s3multi reads no part to compute what S3 has by default."""
    upload = Checked(tiny, bucket, sent=sent)
    completed = result(upload.complete(body_of(None)))

    assert found.get('x-amz-checksum-crc64nvme') == completed.get('ChecksumCRC64NVME')
    assert found == sums(read(tiny, bucket, 'key', headers=ENABLED).headers)


# Reads

@pytest.fixture(scope='module', params=['COMPOSITE', 'FULL_OBJECT'])
def stored(request, tiny, s3):
    """Bucket and type of an object of which the parts have 7, 7 and 3 bytes."""
    bucket = 'reads-' + request.param.lower().replace('_', '-')
    s3.create_bucket(Bucket=bucket)
    upload_id = tiny.initiate(bucket, 'key', {
        'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': request.param})
    listed = ''
    for number, (body, value) in enumerate(EVEN, 1):
        etag = tiny.upload_part(bucket, 'key', upload_id, number, body, {'x-amz-checksum-crc32': value}).etag
        listed += (f'<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><ChecksumCRC32>{value}</ChecksumCRC32>'
                   '</Part>')
    assert 200 == tiny.complete(
        bucket, 'key', upload_id, f'<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>'.encode()).status
    return bucket, request.param


EVEN = [(b'Hello, ', '3ldvBQ=='), (b'world!\n', 'nHfoQQ=='), (b'123', 'iEhj0g==')]
EVEN_WHOLE = {'COMPOSITE': 'S6uctQ==-3', 'FULL_OBJECT': 'YDoeNA=='}


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('query, span, status, which', [
    pytest.param({}, None, 200, 'whole', id='all'),
    pytest.param({}, 'bytes=0-', 206, 'whole', id='all-as-a-range'),
    pytest.param({}, 'bytes=0-16', 206, 'whole', id='all-in-numbers'),
    pytest.param({'partNumber': 1}, None, 206, 0, id='part-1'),
    pytest.param({'partNumber': 3}, None, 206, 2, id='part-3'),
    pytest.param({}, 'bytes=0-6', 206, 0, id='range-of-part-1'),
    pytest.param({}, 'bytes=7-13', 206, 1, id='range-of-part-2'),
    pytest.param({}, 'bytes=14-', 206, 2, id='range-of-the-last'),
    pytest.param({}, 'bytes=-3', 206, 2, id='suffix-of-the-last'),
    pytest.param({}, 'bytes=14-99', 206, 2, id='range-beyond-the-end'),
    pytest.param({}, 'bytes=0-5', 206, None, id='less'),
    pytest.param({}, 'bytes=0-13', 206, None, id='two-parts'),
    pytest.param({}, 'bytes=1-7', 206, None, id='between'),
    pytest.param({}, 'bytes=7-16', 206, None, id='the-last-two'),
])
def test_which_checksum_a_read_shows(tiny, stored, method, query, span, status, which):
    """The object's for all of it, a part's for exactly that part, and none for any other range."""
    bucket, kind = stored
    answer = tiny.request(method, bucket, 'key', query, {**ENABLED, **({'Range': span} if span else {})})
    value = EVEN_WHOLE[kind] if which == 'whole' else None if which is None else EVEN[which][1]

    assert status == answer.status
    assert ({'x-amz-checksum-crc32': value, 'x-amz-checksum-type': kind} if value else {}) == sums(answer.headers)


def test_reads_that_show_none(tiny, stored):
    """304, an object that is not there, and one that is no multipart object."""
    bucket, _ = stored
    etag = tiny.request('HEAD', bucket, 'key').headers['ETag']
    tiny.request('PUT', bucket, 'plain', body=b'1')

    assert 304 == tiny.request('GET', bucket, 'key', headers={**ENABLED, 'If-None-Match': etag}).status
    for key, headers in (('key', {'If-None-Match': etag}), ('none', {}), ('plain', {})):
        assert {} == sums(tiny.request('GET', bucket, key, headers={**ENABLED, **headers}).headers)


def test_a_copy_of_the_object_does_not_show_its_checksum(tiny, stored):
    """Swift takes the metadata along, but the copy is one plain object."""
    bucket, _ = stored
    copied = tiny.request('PUT', bucket, 'copy', headers={'x-amz-copy-source': f'{bucket}/key'})

    assert 200 == copied.status
    assert {} == sums(tiny.request('GET', bucket, 'copy', headers=ENABLED).headers)


def test_a_mode_that_is_none(tiny, stored):
    """400 InvalidRequest; an SDK sends ENABLED or nothing."""
    assert (400, 'InvalidRequest') == tiny.request('GET', stored[0], 'key',
                                                   headers={'x-amz-checksum-mode': 'DISABLED'}).outcome


def test_parts_of_different_sizes(tiny, bucket):
    """A range tells no part there, the number of a part does."""
    upload_of(tiny, bucket, 'sha256', 'COMPOSITE').complete(body_of('sha256'))

    assert {} == sums(read(tiny, bucket, 'key', headers={**ENABLED, 'Range': 'bytes=0-6'}).headers)
    assert {'x-amz-checksum-sha256': PARTS['sha256'][1], 'x-amz-checksum-type': 'COMPOSITE'} == sums(
        read(tiny, bucket, 'key', {'partNumber': 2}, ENABLED).headers)


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_versions(tiny, bucket, s3, method):
    """A version shows its own checksum, whole and in parts, wherever it stands."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
    for algorithm in ('crc32', 'sha256'):
        version = upload_of(tiny, bucket, algorithm, 'COMPOSITE').complete(body_of(algorithm)).headers[
            'x-amz-version-id']
        tiny.request('DELETE', bucket, 'key')
        answers = [tiny.request(method, bucket, 'key', {'versionId': version, **part}, ENABLED)
                   for part in ({}, {'partNumber': 2})]

        assert [200, 206] == [answer.status for answer in answers]
        assert [WHOLE[algorithm, 'COMPOSITE'], PARTS[algorithm][1]] == [
            answer.headers[header(algorithm)] for answer in answers]


def test_metadata_of_the_swift_api(tiny, bucket, swift):
    """A POST that replaces the metadata leaves checksum and ETag."""
    upload_of(tiny, bucket, 'crc32', 'COMPOSITE').complete(body_of('crc32'))
    swift.post_object(bucket, 'key', {'X-Object-Meta-Colour': 'red', 'Content-Type': 'text/x'})
    head = tiny.request('HEAD', bucket, 'key', headers=ENABLED)

    assert ('red', 'text/x') == (head.headers['x-amz-meta-colour'], head.headers['Content-Type'])
    assert (f'"{multipart_etag(BODIES)}"', 'g1o3Jw==-3') == (head.headers['ETag'], head.headers['x-amz-checksum-crc32'])


def test_a_reader_by_acl(cluster, swift, tiny, bucket):
    """Who may read the bucket alone reads the object with its checksum, and the checksum of a part."""
    upload_of(tiny, bucket, 'crc32', 'COMPOSITE').complete(body_of('crc32'))
    reader = RawClient(tiny.address.geturl(), 'test:tester3', 'testing3')
    denied = read(reader, bucket, 'key', headers=ENABLED)
    swift.post_container(bucket, {'X-Container-Read': 'test:tester3'})
    whole, part = read(reader, bucket, 'key', headers=ENABLED), read(reader, bucket, 'key', {'partNumber': 2}, ENABLED)

    assert ((403, 'AccessDenied'), {}) == (denied.outcome, sums(denied.headers))
    assert (200, b''.join(BODIES), 'g1o3Jw==-3') == (whole.status, whole.body, whole.headers['x-amz-checksum-crc32'])
    assert (206, BODIES[1], PARTS['crc32'][1]) == (part.status, part.body, part.headers['x-amz-checksum-crc32'])


# Encrypted clusters

SECRET = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='


@pytest.fixture(scope='module')
def faulty(cluster):
    """A proxy that does not, and the remote control of the same."""
    proxy = FaultyProxy(cluster, 'checksums-late')
    return RawClient(proxy.url), proxy.above


@pytest.fixture(scope='module')
def encrypting(cluster):
    """A proxy that encrypts objects, and the remote control of what it asks of its listings."""
    name = 'checksums-encrypting'
    faults = Faults(cluster.directory / 'faults' / name)
    proxy = cluster.add_proxy(
        name, pipeline=cluster.pipeline.replace(' symlink ', ' symlink keymaster encryption ').replace(
            ' s3multi ', ' s3multi above '),
        filters={**TINY_PARTS, 'keymaster': {'use': 'egg:swift#keymaster', 'encryption_root_secret': SECRET},
                 'encryption': {'use': 'egg:swift#encryption'},
                 'above': {'paste.filter_factory': FACTORY, 'directory': faults.directory}})
    return RawClient(proxy.url), faults


@needs_checksums
@every_pair
def test_checksums_where_objects_are_encrypted(encrypting, swift, bucket, algorithm, kind):
    """All the same to clients, and no row tells a checksum to who can read the listing but not the key."""
    client, _ = encrypting
    assert 200 == client.request('PUT', bucket, 'source', body=BODIES[2]).status
    upload = upload_of(client, bucket, algorithm, kind, numbers=(1,))
    in_trailer = upload.part(2, payload='unsigned-chunks-trailer', trailers={header(algorithm): PARTS[algorithm][1]})
    copied = client.copy_part(bucket, 'key', upload.id, 3, f'{bucket}/source')
    rows = [row for row in swift.get_container(segments_container(bucket))[1] if row['bytes']]

    assert (200, 200) == (in_trailer.status, copied.status)
    assert [{element(algorithm): value} for value in PARTS[algorithm]] == upload.shown()[1]
    assert 3 == len(rows)
    for row, value in zip(rows, PARTS[algorithm]):
        assert base64.b64decode(value).hex() not in str(row)
    assert WHOLE[algorithm, kind] == result(upload.complete(body_of(algorithm)))[element(algorithm)]
    assert {header(algorithm): PARTS[algorithm][1], 'x-amz-checksum-type': kind} == sums(
        read(client, bucket, 'key', {'partNumber': 2}, ENABLED).headers)
    attributes = client.request('GET', bucket, 'key', {'attributes': None}, {'x-amz-object-attributes': 'ObjectParts'})
    assert PARTS[algorithm] == [each.findtext(element(algorithm)) for each in attributes.xml(
        'GetObjectAttributesResponse').findall('ObjectParts/Part')]


@pytest.mark.parametrize('in_trailers', [
    pytest.param(False, id='headers'), pytest.param(True, id='trailers', marks=needs_checksums)])
@pytest.mark.parametrize('encrypted', [False, True], ids=['plain', 'encrypted'])
def test_checksums_of_parts_that_no_row_shows(request, bucket, encrypted, in_trailers):
    """Where rows are late the parts themselves are asked, and tell their checksums too."""
    client, faults = request.getfixturevalue('encrypting' if encrypted else 'faulty')
    upload = upload_of(client, bucket, 'crc32', 'FULL_OBJECT', numbers=() if in_trailers else (1, 2, 3))
    for number in (1, 2, 3) if in_trailers else ():
        upload.part(number, payload='unsigned-chunks-trailer', trailers={header('crc32'): PARTS['crc32'][number - 1]})
    with faults.following(rule('GET', '_segments$', hide='/0000')):
        assert (400, 'InvalidPart') == upload.complete(
            body_of('crc32', p2=('ChecksumCRC32', 'AAAAAA=='))).outcome
        assert 'WxWtvg==' == result(upload.complete(body_of('crc32')))['ChecksumCRC32']


# SDKs

@pytest.mark.parametrize('algorithm', ['CRC32', 'SHA1', 'SHA256'])
def test_boto3_uploads_and_downloads_with_an_algorithm(s3, bucket, tmp_path, algorithm):
    """`upload_file` in parts, and `download_file`, which checks what it gets where the server tells a checksum."""
    path = tmp_path / 'file'
    path.write_bytes(b'x' * (PART_MIN_BYTES * 2 + 1))
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=1, multipart_chunksize=PART_MIN_BYTES)
    s3.upload_file(str(path), bucket, 'key', ExtraArgs={'ChecksumAlgorithm': algorithm}, Config=config)
    s3.download_file(bucket, 'key', str(tmp_path / 'back'), Config=config)
    head = s3.head_object(Bucket=bucket, Key='key', ChecksumMode='ENABLED')

    assert path.read_bytes() == (tmp_path / 'back').read_bytes()
    assert ('COMPOSITE', '-3') == (head['ChecksumType'], head['Checksum' + algorithm][-2:])


def test_boto3_with_a_checksum_of_the_whole(s3, bucket):
    """Announced with the Complete, returned by it, and verified by botocore on the way back."""
    body = b'A' * PART_MIN_BYTES, b'B' * PART_MIN_BYTES, b'C' * PART_MIN_BYTES
    upload = s3.create_multipart_upload(Bucket=bucket, Key='key', ChecksumAlgorithm='CRC32', ChecksumType='FULL_OBJECT')
    target = {'Bucket': bucket, 'Key': 'key', 'UploadId': upload['UploadId']}
    parts = [{'PartNumber': number, 'ETag': s3.upload_part(PartNumber=number, Body=chunk, **target)['ETag']}
             for number, chunk in enumerate(body, 1)]
    with pytest.raises(ClientError, match='BadDigest'):
        s3.complete_multipart_upload(MultipartUpload={'Parts': parts}, ChecksumCRC32='AAAAAA==', **target)
    done = s3.complete_multipart_upload(MultipartUpload={'Parts': parts}, ChecksumCRC32='WgDhBQ==',
                                        ChecksumType='FULL_OBJECT', MpuObjectSize=len(body) * PART_MIN_BYTES, **target)
    got = s3.get_object(Bucket=bucket, Key='key')

    assert ('WgDhBQ==', 'FULL_OBJECT') == (done['ChecksumCRC32'], done['ChecksumType'])
    assert ('FULL_OBJECT', 'WgDhBQ==') == (got['ChecksumType'], got['ChecksumCRC32'])
    assert b''.join(body) == got['Body'].read()
    assert f'"{multipart_etag(body)}"' == done['ETag']


# Expected owners

@pytest.mark.parametrize('ask', [
    lambda client, bucket, upload, headers: client.request('POST', bucket, 'key', {'uploads': None}, headers),
    lambda client, bucket, upload, headers: upload.part(1, headers),
    lambda client, bucket, upload, headers: client.copy_part(bucket, 'key', upload.id, 1, f'{bucket}/source', headers),
    lambda client, bucket, upload, headers: client.list_parts(bucket, 'key', upload.id, headers=headers),
    lambda client, bucket, upload, headers: client.list_uploads(bucket, headers=headers),
    lambda client, bucket, upload, headers: client.request('GET', bucket, 'source', {'attributes': None}, {
        'x-amz-object-attributes': 'ETag', **headers}),
    lambda client, bucket, upload, headers: upload.complete(body_of(None), headers),
    lambda client, bucket, upload, headers: client.request('DELETE', bucket, 'key', {'uploadId': upload.id}, headers),
], ids=['initiate', 'upload-part', 'copy-part', 'list-parts', 'list-uploads', 'attributes', 'complete', 'abort'])
def test_expected_owner_of_the_bucket(tiny, bucket, ask):
    """The user, as s3api shows the owner of buckets to that user; anybody else: 403 AccessDenied, and nothing done."""
    tiny.request('PUT', bucket, 'source', body=b'1')
    upload = Checked(tiny, bucket)
    denied = [ask(tiny, bucket, upload, {'x-amz-expected-bucket-owner': owner}).outcome
              for owner in ('123456789012', '')]

    assert [(403, 'AccessDenied')] * 2 == denied
    assert 3 == len(upload.shown()[1])
    assert ask(tiny, bucket, upload, {'x-amz-expected-bucket-owner': 'test:tester'}).status in (200, 204)


@pytest.mark.parametrize('owner, outcome', [
    ('test:tester', 200), ('123456789012', (403, 'AccessDenied')), ('', (403, 'AccessDenied'))],
    ids=['own', 'another', 'empty'])
def test_expected_owner_of_the_source(tiny, bucket, owner, outcome):
    """The same for the bucket that a part is copied from."""
    tiny.request('PUT', bucket, 'source', body=b'1')
    upload = Checked(tiny, bucket, numbers=())
    answer = tiny.copy_part(bucket, 'key', upload.id, 1, f'{bucket}/source',
                            {'x-amz-source-expected-bucket-owner': owner})

    assert outcome == answer.outcome
