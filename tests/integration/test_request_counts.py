# SPDX-License-Identifier: Apache-2.0
"""What every operation asks of Swift, request by request: a count that rises is a failure.

The counts are of what s3multi sends. Swift's own filters add to them what they add to any request.
"""

from __future__ import annotations

from collections import Counter

import pytest

from .counting import add_listed_parts, counting
from .faults import rule
from .raw import RawClient
from .uploads import Upload
from .users import account

# Each inner list is sent at once, in any order. The last two requests come behind the answer.
COMPLETE = [['GET segments container', 'HEAD object', 'HEAD marker', 'PUT intent'], ['HEAD marker', 'PUT object'],
            ['PUT marker'], ['HEAD intent'], ['DELETE marker'], ['DELETE intent']]
# If the cache does not know the parts.
COMPLETE_UNNOTED = [['GET segments container', 'HEAD object', 'HEAD marker'], ['PUT intent'], ['HEAD marker'],
                    ['PUT object', 'PUT marker'], ['HEAD intent'], ['DELETE marker'], ['DELETE intent']]
# If SLO writes the manifest, which may take long.
COMPLETE_BY_SLO = [*COMPLETE_UNNOTED[:3], ['PUT object'], ['DELETE marker'], ['HEAD intent'], ['DELETE intent']]
# The answer comes before the HEAD of the object.
ABORT = [['HEAD marker', 'PUT marker'], ['HEAD intent'], ['HEAD marker'], ['PUT marker'], ['HEAD object'],
         ['GET segments container']]
COUNTS = [1, 10, 1000]


@pytest.fixture
def client(faulty):
    """A client of the counted proxy."""
    return RawClient(faulty.url)


@pytest.fixture
def upload(faulty, client, bucket):
    """An upload without parts; the proxy knows bucket and segments container already."""
    upload = Upload(client, bucket)
    client.list_uploads(bucket)
    return upload


def many(cluster, upload, count):
    """Give the upload parts 1 to count: real ones if they are few, else such as are in the listing alone."""
    if count > 10:
        return add_listed_parts(cluster, upload, range(1, count + 1))
    return upload.many_parts(range(1, count + 1))


def by_steps(order, steps):
    """Return requests in the form of COMPLETE: each step sorted, and what comes after the last one."""
    found = []
    for step in steps:
        found.append(sorted(order[:len(step)]))
        order = order[len(step):]
    return found, order


def expected(steps, *behind):
    """Return what `by_steps` is to return."""
    return [sorted(step) for step in steps], list(behind)


def test_initiate(faulty, client, upload):
    """Initiate writes the marker, and that is all."""
    with counting(faulty.above) as seen:
        Upload(client, upload.bucket, 'other')

    assert ['PUT marker'] == seen.order


def test_first_initiate_of_a_bucket(faulty, client, bucket):
    """The first upload of a bucket finds no container of markers, creates both containers, and writes the marker again.
    """
    with counting(faulty.above) as seen:
        Upload(client, bucket)

    # The POST comes behind the answer.
    others = {'HEAD segments container', 'HEAD markers', 'HEAD bucket', 'POST segments container'}
    assert ['PUT marker', 'PUT segments container', 'PUT markers', 'PUT marker'] == [
        each for each in seen.order if each not in others]


def test_upload_part(faulty, upload):
    """Upload Part reads the marker and writes the part, at once, at first and when it replaces a part."""
    for number in (1, 2, 2):
        with counting(faulty.above) as seen:
            upload.part(number)

        assert {'HEAD marker': 1, 'PUT part': 1} == seen.counts


def test_copy_part(faulty, client, upload):
    """Upload Part Copy reads the marker, and the source once, and writes the part."""
    client.request('PUT', upload.bucket, 'source', body=b'copied')
    with counting(faulty.above) as seen:
        assert 200 == client.copy_part(upload.bucket, 'key', upload.id, 1, f'{upload.bucket}/source').status

    assert {'HEAD marker': 1, 'GET object': 1, 'PUT part': 1} == seen.counts


def test_read_with_a_checksum(faulty, client, bucket):
    """What an object has of its own costs nothing; the checksum of a part is in its row, which is one listing."""
    upload_id = client.initiate(bucket, 'key', {'x-amz-checksum-algorithm': 'CRC32',
                                                'x-amz-checksum-type': 'FULL_OBJECT'})
    etag = client.upload_part(bucket, 'key', upload_id, 1, b'123456789').etag
    client.complete(bucket, 'key', upload_id, [(1, etag)])
    for query, counts in (({}, {}), ({'partNumber': 1}, {'GET segments container': 1})):
        with counting(faulty.above) as seen:
            answer = client.request('GET', bucket, 'key', query, {'x-amz-checksum-mode': 'ENABLED'})

        assert 'y/Q5Jg==' == answer.headers['x-amz-checksum-crc32']
        assert {'GET object': 1, **counts} == seen.counts


ATTRIBUTES = {'attributes': None}


@pytest.mark.parametrize('count', [1, 10])
@pytest.mark.parametrize('names, order', [
    ('ETag,Checksum,ObjectSize', ['HEAD object']),
    ('ObjectParts', ['HEAD object', 'GET object', 'GET segments container'])])
def test_get_attributes(faulty, client, bucket, count, names, order):
    """GetObjectAttributes reads the object, and for its parts the manifest and one listing of their rows."""
    upload = Upload(client, bucket, headers={'x-amz-checksum-algorithm': 'CRC64NVME'}).many_parts(range(1, count + 1))
    assert 200 == upload.complete().outcome
    with counting(faulty.above) as seen:
        answer = client.request('GET', bucket, 'key', ATTRIBUTES, {'x-amz-object-attributes': names})

    parts = answer.xml('GetObjectAttributesResponse').findall('ObjectParts/Part')
    assert count * (names == 'ObjectParts') == len(parts) == len([each for each in parts if len(each) == 3])
    assert order == seen.order


@pytest.mark.parametrize('checked', [False, True])
def test_get_attributes_of_no_parts(faulty, client, bucket, checked):
    """Where no part is listed no row is read, and of an object without parts nothing but itself."""
    upload = Upload(client, bucket, headers={'x-amz-checksum-algorithm': 'CRC64NVME'} if checked else ())
    assert 200 == upload.parts(b'one', b'two').complete().outcome
    client.request('PUT', bucket, 'plain', body=b'1')
    headers = {'x-amz-object-attributes': 'ObjectParts', **({'x-amz-max-parts': '0'} if checked else {})}
    for key, order in (('key', ['HEAD object', 'GET object']), ('plain', ['HEAD object'])):
        with counting(faulty.above) as seen:
            assert 200 == client.request('GET', bucket, key, ATTRIBUTES, headers).status

        assert order == seen.order


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('bodies', [(b'one', b'two'), (b'one', b'')])
def test_read_a_part(faulty, client, bucket, method, bodies):
    """A read of a part is one request, of an empty one too."""
    assert 200 == Upload(client, bucket).parts(*bodies).complete().outcome
    with counting(faulty.above) as seen:
        assert 300 > client.request(method, bucket, 'key', {'partNumber': 2}).status

    assert [method + ' object'] == seen.order


@pytest.mark.parametrize('count', COUNTS)
def test_list_parts(cluster, faulty, upload, count):
    """List Parts reads the marker and one listing, at once."""
    many(cluster, upload, count)
    with counting(faulty.above) as seen:
        assert count == len(upload.list_parts().xml('ListPartsResult').findall('Part'))

    assert {'HEAD marker': 1, 'GET segments container': 1} == seen.counts


def test_list_parts_of_many_attempts(cluster, faulty, client, upload):
    """Attempts at one part cost a look at their beginning, one at their end, and one at what follows."""
    add_listed_parts(cluster, upload, [1] * 400 + [2])
    upload.part(1)
    with counting(faulty.above) as seen:
        answer = client.request('GET', upload.bucket, upload.key, {'uploadId': upload.id, 'max-parts': 1})

    part, = answer.xml('ListPartsResult').findall('Part')
    assert ('1', upload.etags[1]) == (part.findtext('PartNumber'), part.findtext('ETag'))
    assert {'HEAD marker': 1, 'GET segments container': 3} == seen.counts


@pytest.mark.parametrize('count', COUNTS)
def test_list_uploads(cluster, faulty, client, bucket, count):
    """List Multipart Uploads reads one listing, that of the markers, however many parts there are."""
    uploads = [Upload(client, bucket, f'key{number}') for number in range(10)]
    for upload in uploads:
        add_listed_parts(cluster, upload, range(1, count + 1))
    client.list_uploads(bucket)
    with counting(faulty.above) as seen:
        found = client.list_uploads(bucket).xml('ListMultipartUploadsResult').findall('Upload')

    assert [(upload.key, upload.id) for upload in uploads] == [
        (each.findtext('Key'), each.findtext('UploadId')) for each in found]
    # 10,000 rows are a page of Swift: with 10 uploads of 1000 parts one would not do if parts were rows.
    assert ['GET markers'] == seen.order


@pytest.mark.parametrize('count', COUNTS)
def test_complete(cluster, faulty, upload, count):
    """Complete makes eight requests in four steps whatever the number of parts, and two more when it has answered."""
    many(cluster, upload, count)
    with counting(faulty.above) as seen, counting(faulty.below) as below:
        assert 200 == upload.complete().outcome

    # Of 1000 parts only the rows are made here.
    steps = COMPLETE if count <= 10 else COMPLETE_UNNOTED
    assert expected(steps) == by_steps(seen.order, steps)
    # SLO, in between, adds nothing.
    assert expected(steps) == by_steps(below.order, steps)


@pytest.mark.parametrize('headers', [{'if-none-match': '*'}, {'if-match': '"x"'}])
def test_complete_with_a_condition(faulty, client, upload, headers):
    """Only the intent is begun early: the key is looked at between the marker and the manifest."""
    upload.parts(b'one', b'two')
    if 'if-match' in headers:
        headers = {'if-match': client.request('PUT', upload.bucket, upload.key, body=b'1').headers['etag']}
    with counting(faulty.above) as seen:
        assert 200 == upload.complete(headers=headers).outcome

    order = seen.order
    objects, markers = ([place for place, each in enumerate(order) if each == name]
                        for name in ('HEAD object', 'HEAD marker'))
    assert 'if-match' not in headers or markers[-1] < objects[-1] < order.index('PUT object')
    assert ['HEAD marker', 'HEAD marker', 'PUT object', 'HEAD intent', 'DELETE marker', 'DELETE intent'] == [
        each for each in order if each not in ('HEAD object', 'GET segments container', 'PUT intent', 'PUT marker')]
    assert order.index('PUT intent') < markers[-1] < order.index('PUT marker') < order.index('HEAD intent')


@pytest.mark.parametrize('count', [1, 10])
def test_complete_that_asks_for_every_part(asking, bucket, count):
    """With `verify = head` SLO adds a HEAD of each part, before anything is written."""
    upload = Upload(RawClient(asking.url), bucket).many_parts(range(1, count + 1))
    with counting(asking.above) as seen, counting(asking.below) as below:
        assert 200 == upload.complete().outcome

    assert Counter(name for step in COMPLETE_BY_SLO for name in step) == seen.counts
    assert {**seen.counts, 'HEAD part': count} == below.counts
    steps = [COMPLETE_BY_SLO[0], ['HEAD part'] * count, *COMPLETE_BY_SLO[1:]]
    assert expected(steps) == by_steps(below.order, steps)


@pytest.mark.parametrize('count', COUNTS)
def test_complete_that_is_repeated(cluster, faulty, upload, count):
    """The repeat of a Complete lists, reads marker, intent and object, and ends the marker; it also looks at the object
    while it lists."""
    many(cluster, upload, count)
    assert 200 == upload.complete().outcome
    with counting(faulty.above) as seen:
        assert 200 == upload.complete().outcome

    steps = [['GET segments container', 'HEAD object', 'HEAD marker'], ['DELETE marker'], ['HEAD intent'],
             ['HEAD object']]
    assert expected(steps) == by_steps(seen.order, steps)


@pytest.mark.parametrize('refused', ['order', 'etag', 'none'])
def test_complete_that_is_refused(faulty, swift, upload, refused):
    """A list that cannot be right costs a look whether the upload is open; one with an ETag of no part, four reads."""
    upload.parts(b'one', b'two')
    (first, etag), second = upload.listed
    listed = {'order': [second, (first, etag)], 'etag': [(first, 'x'), second], 'none': [(first, '0' * 32)]}[refused]
    with counting(faulty.above) as seen:
        assert 400 == upload.complete(listed).status

    # Its intent is begun, and never stored.
    begun = ['GET segments container', *['HEAD marker'] * 2, 'HEAD object', 'PUT intent'] if refused == 'none' else []
    assert sorted([*begun, 'HEAD marker']) == sorted(seen.order)
    assert 'complete' not in upload.stored(swift)


@pytest.mark.parametrize('count', [1, 10, 100])
def test_abort(cluster, faulty, upload, count):
    """Abort ends the upload with four requests; behind it, it marks, looks, lists, and deletes up to 100 parts."""
    many(cluster, upload, count)
    with counting(faulty.above) as seen:
        assert 204 == upload.abort().outcome

    assert expected(ABORT, *['DELETE part'] * count) == by_steps(seen.order, ABORT)


@pytest.mark.parametrize('count', [101, 1000])
def test_abort_of_more(cluster, faulty, upload, count):
    """More parts than that are one request to the object expirer."""
    many(cluster, upload, count)
    # Not passed on: the expirer of other tests would have to work it off.
    with counting(faulty.above, rule('UPDATE', '', status='202 Accepted')) as seen:
        assert 204 == upload.abort().outcome

    assert expected(ABORT, 'UPDATE expirer queue') == by_steps(seen.order, ABORT)


def test_abort_that_is_repeated(faulty, upload):
    """The repeat of an Abort reads the marker; behind its answer it looks at the object once more, and lists."""
    upload.part(1)
    upload.abort()
    with counting(faulty.above) as seen:
        assert 204 == upload.abort().outcome

    assert ['HEAD marker', 'HEAD object', 'GET segments container'] == seen.order


@pytest.mark.parametrize('count', [1, 5, 6, 1000])
def test_complete_of_replaced_parts(cluster, faulty, upload, count):
    """Parts that were replaced cost, behind the answer, a DELETE each up to five, and one request for any more."""
    many(cluster, upload, count)
    many(cluster, upload, count)
    # Not passed on: the expirer of other tests would have to work it off.
    with counting(faulty.above, rule('UPDATE', '', status='202 Accepted')) as seen:
        assert 200 == upload.complete().outcome

    steps = COMPLETE if count <= 10 else COMPLETE_UNNOTED
    freed = ['DELETE part'] * count if count <= 5 else ['UPDATE expirer queue']
    assert expected(steps, *freed) == by_steps(seen.order, steps)


@pytest.mark.parametrize('count', [1, 10])
def test_complete_whose_rows_are_late(faulty, upload, count):
    """A part whose row is late costs one HEAD by its name."""
    upload.many_parts(range(1, count + 1))
    with counting(faulty.above, rule('GET', '_segments$', hide='/0000')) as seen:
        assert 200 == upload.complete().outcome

    # The look at the marker is on its way beside all of that.
    steps = [[*COMPLETE[0], *['HEAD part'] * count], *COMPLETE[1:]]
    assert expected(steps) == by_steps(seen.order, steps)


@pytest.mark.parametrize('who', ['the account', 'anybody'])
def test_reading_the_object(faulty, client, upload, swift, who):
    """Who reads by the ACL of the bucket costs Swift what a user of the account does: the manifest and the parts."""
    assert 200 == upload.parts(b'one', b'two').complete().outcome
    swift.post_container(upload.bucket, {'X-Container-Read': '.r:*'})
    path = f'/v1/{account()}/{upload.bucket}/{upload.key}'

    with counting(faulty.below) as seen:
        answer = client.request('GET', upload.bucket, upload.key) if who == 'the account' else client.request(
            'GET', path=path, sign=None)

    assert b'onetwo' == answer.body
    assert ['GET object', 'GET part', 'GET part'] == seen.order
