# SPDX-License-Identifier: Apache-2.0
"""List Parts: which parts an open upload has, a page at a time.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
"""

from __future__ import annotations

import hashlib
from email.utils import parsedate_to_datetime

import pytest

from s3multi.upload.names import new_attempt, segments_container

from .raw import RawClient
from .uploads import Upload, add_rows

NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
INVALID_ARGUMENT = (400, 'InvalidArgument')
MANY = 10000


@pytest.fixture(scope='module')
def gaps(tiny, s3):
    """An open upload with the parts 2, 3, 10, 100 and 10000, some of them uploaded several times."""
    s3.create_bucket(Bucket='parts-with-gaps')
    upload = Upload(tiny, 'parts-with-gaps')
    for number in (10000, 2, 100, 10, 3, 2, 2, 100, 2):
        upload.part(number, b'part %d, attempt %d' % (number, len(upload.etags)))
    return upload


@pytest.fixture(scope='module')
def many(cluster, tiny, s3):
    """An open upload with as many parts as S3 allows: in the listing, which is all that List Parts asks."""
    s3.create_bucket(Bucket='many-parts')
    upload = Upload(tiny, 'many-parts')
    upload.etags = {number: '"%s"' % hashlib.md5(b'%d' % number).hexdigest() for number in range(1, MANY + 1)}
    add_rows(cluster, upload.bucket, [
        {'name': f'{upload.key}/{upload.id}/{number:08d}-{new_attempt(upload_ticks)}', 'etag': etag.strip('"')}
        for upload_ticks, (number, etag) in enumerate(upload.etags.items(), 1)])
    return upload


def listing(upload, query=()):
    return upload.list_parts(query).xml('ListPartsResult')


def numbers(root):
    return [int(part.findtext('PartNumber')) for part in root.findall('Part')]


def names(element):
    return [child.tag for child in element]


def test_document(tiny, bucket):
    """ListPartsResult names bucket, key, upload and its people, echoes the parameters, and lists the parts."""
    upload = Upload(tiny, bucket, 'a key/ü&<').parts(b'first', b'second')

    root = listing(upload)

    assert ['Bucket', 'Key', 'UploadId', 'Initiator', 'Owner', 'StorageClass', 'PartNumberMarker',
            'NextPartNumberMarker', 'MaxParts', 'IsTruncated', 'Part', 'Part'] == names(root)
    assert [bucket, 'a key/ü&<', upload.id, 'STANDARD', '0', '2', '1000', 'false'] == [root.findtext(name) for name in (
        'Bucket', 'Key', 'UploadId', 'StorageClass', 'PartNumberMarker', 'NextPartNumberMarker', 'MaxParts',
        'IsTruncated')]
    for person in ('Initiator', 'Owner'):
        assert [('ID', 'test:tester'), ('DisplayName', 'test:tester')] == [
            (child.tag, child.text) for child in root.find(person)]


def test_part(tiny, bucket, swift):
    """Of each part number, time, ETag in quotes and size in bytes are told; the time is that of Last-Modified."""
    upload = Upload(tiny, bucket)
    upload.part(7, b'seven')

    part = listing(upload).find('Part')

    assert ['PartNumber', 'LastModified', 'ETag', 'Size'] == names(part)[:4]
    assert ('7', '"%s"' % hashlib.md5(b'seven').hexdigest(), '5') == (
        part.findtext('PartNumber'), part.findtext('ETag'), part.findtext('Size'))
    name, = [name for name in upload.stored(swift) if name]
    head = swift.head_object(segments_container(bucket), f'{upload.key}/{upload.id}{name}')
    assert parsedate_to_datetime(head['last-modified']).strftime('%Y-%m-%dT%H:%M:%S.000Z') == (
        part.findtext('LastModified'))


def test_initiator_is_who_began_the_upload(cluster, tiny, bucket, swift):
    """Initiator is the user who sent Initiate, whoever lists."""
    swift.post_container(bucket, {'X-Container-Write': 'test:tester3'})
    upload = Upload(RawClient(cluster.url, 'test:tester3', 'testing3'), bucket)

    root = upload.list_parts(client=tiny).xml('ListPartsResult')

    assert ('test:tester3', 'test:tester3') == (root.findtext('Initiator/ID'), root.findtext('Owner/ID'))


def test_upload_without_parts(tiny, bucket):
    """An upload without parts has an empty list and no next marker."""
    root = listing(Upload(tiny, bucket))

    assert ([], None, 'false') == (numbers(root), root.findtext('NextPartNumberMarker'), root.findtext('IsTruncated'))


def test_parts_are_in_numeric_order(gaps):
    """Parts are listed by number, 2 before 10, whatever order they came in."""
    assert [2, 3, 10, 100, 10000] == numbers(listing(gaps))


def test_only_the_newest_attempt_is_listed(gaps):
    """A part that was uploaded several times is listed once, as it was uploaded last."""
    assert gaps.listed == [(int(part.findtext('PartNumber')), part.findtext('ETag'))
                           for part in listing(gaps).findall('Part')]


@pytest.mark.parametrize('marker, expected', [
    ('0', [2, 3, 10, 100, 10000]), ('1', [2, 3, 10, 100, 10000]), ('2', [3, 10, 100, 10000]), ('9', [10, 100, 10000]),
    ('10', [100, 10000]), ('9999', [10000]), ('10000', []), ('10001', []), ('2147483647', []),
    ('', [2, 3, 10, 100, 10000]),
])
def test_marker(gaps, marker, expected):
    """Parts with numbers greater than the marker are listed; it need not be the number of a part.

    A page without parts has no next marker: a client that goes on as long as there is one comes to an end.
    """
    root = listing(gaps, {'part-number-marker': marker})

    assert expected == numbers(root)
    assert (marker or '0', str(expected[-1]) if expected else None, 'false') == (
        root.findtext('PartNumberMarker'), root.findtext('NextPartNumberMarker'), root.findtext('IsTruncated'))


@pytest.mark.parametrize('size', [1, 2, 3, 4, 5, 6])
def test_pages_of_any_size(gaps, size):
    """Page by page every part is listed once, its newest attempt, and only the last page is not truncated."""
    found, marker, truncated = [], '0', 'true'
    while truncated == 'true':
        root = listing(gaps, {'max-parts': size, 'part-number-marker': marker})
        page = [(int(part.findtext('PartNumber')), part.findtext('ETag')) for part in root.findall('Part')]
        assert 0 < len(page) <= size and str(size) == root.findtext('MaxParts')
        found += page
        marker, truncated = root.findtext('NextPartNumberMarker'), root.findtext('IsTruncated')
        assert str(page[-1][0]) == marker

    assert gaps.listed == found


def test_page_of_none(gaps):
    """max-parts=0 lists nothing, and is not truncated, or a client would ask for ever."""
    root = listing(gaps, {'max-parts': '0', 'part-number-marker': '3'})

    assert ([], '0', 'false', None, '3') == (
        numbers(root), root.findtext('MaxParts'), root.findtext('IsTruncated'), root.findtext('NextPartNumberMarker'),
        root.findtext('PartNumberMarker'))


@pytest.mark.parametrize('parameter', ['max-parts', 'part-number-marker'])
@pytest.mark.parametrize('value', ['-1', 'abc', '1.5', '2147483648', '-2147483649', '9' * 100, '1 1', '0x10', '１'])
def test_number_that_is_none(gaps, parameter, value):
    """What is no 32-bit integer, or is negative, is InvalidArgument with name and value."""
    answer = gaps.list_parts({parameter: value})

    assert INVALID_ARGUMENT == answer.outcome
    assert (parameter, value) == (answer.error['ArgumentName'], answer.error['ArgumentValue'])


def test_largest_page(many):
    """A page holds 1000 parts, also when more are asked for."""
    for query in ({}, {'max-parts': '1000'}, {'max-parts': '1001'}, {'max-parts': '2147483647'}):
        root = listing(many, query)

        assert list(range(1, 1001)) == numbers(root)
        assert ('1000', 'true', '1000') == (
            root.findtext('MaxParts'), root.findtext('IsTruncated'), root.findtext('NextPartNumberMarker'))


def test_page_that_ends_with_the_last_part(many):
    """A page that ends with the last part is not truncated."""
    root = listing(many, {'max-parts': '3', 'part-number-marker': str(MANY - 3)})

    assert ([MANY - 2, MANY - 1, MANY], 'false') == (numbers(root), root.findtext('IsTruncated'))


def test_paginator_of_the_sdk(gaps, many, make_client):
    """The paginator of boto3 finds every part once, in order, in pages of any size."""
    paginator = make_client().get_paginator('list_parts')

    for upload, options in ((gaps, {'PageSize': 2}), (many, {})):
        pages = paginator.paginate(Bucket=upload.bucket, Key=upload.key, UploadId=upload.id, PaginationConfig=options)
        assert upload.listed == [(part['PartNumber'], part['ETag']) for page in pages for part in page['Parts']]


@pytest.mark.parametrize('word', ['url', 'URL'])
def test_key_that_is_encoded(tiny, bucket, word):
    """With encoding-type=url the key is encoded, and the parameter is echoed."""
    upload = Upload(tiny, bucket, 'a b+c/ü~\n').parts(b'body')

    root = listing(upload, {'encoding-type': word})

    assert ('a+b%2Bc/%C3%BC%7E%0A', word) == (root.findtext('Key'), root.findtext('EncodingType'))


@pytest.mark.parametrize('word', ['base64', 'urls'])
def test_encoding_that_is_none(gaps, word):
    """Any other encoding-type is InvalidArgument."""
    answer = gaps.list_parts({'encoding-type': word})

    assert (INVALID_ARGUMENT, 'encoding-type', word) == (
        answer.outcome, answer.error['ArgumentName'], answer.error['ArgumentValue'])


def test_only_parts_are_listed(tiny, bucket, swift):
    """Nothing else in the segments container is taken for a part, however alike its name is."""
    upload = Upload(tiny, bucket).parts(b'body')
    Upload(tiny, bucket, f'key/{upload.id}').parts(b'nested')
    for name in ('00000002', '00000002-mine', 'mine', '2-12345678901', '00000002-12345678901/x',
                 '/00000002-12345678901'):
        swift.put_object(bucket + '_segments', f'key/{upload.id}/{name}', b'mine')

    assert [1] == numbers(listing(upload))


def test_id_of_no_open_upload(tiny, bucket):
    """An id that is unknown, of another key, aborted or completed is NoSuchUpload."""
    upload, aborted = Upload(tiny, bucket), Upload(tiny, bucket)
    aborted.abort()
    completed = Upload(tiny, bucket).parts(b'body')
    completed.complete()

    assert NO_SUCH_UPLOAD == tiny.list_parts(bucket, 'other', upload.id).outcome
    for wrong in ('', 'x', '0' * 21, aborted.id, completed.id):
        answer = tiny.list_parts(bucket, 'key', wrong)
        assert (NO_SUCH_UPLOAD, wrong) == (answer.outcome, answer.error['UploadId'])


def test_head_is_not_allowed(gaps):
    """HEAD is no method of an upload: 405 with the methods that are."""
    answer = gaps.client.request('HEAD', gaps.bucket, gaps.key, {'uploadId': gaps.id})

    assert (405, b'') == (answer.status, answer.body)
    assert {'GET', 'POST', 'DELETE'} == {word.strip() for word in answer.headers['Allow'].split(',')}
