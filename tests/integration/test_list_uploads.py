# SPDX-License-Identifier: Apache-2.0
"""List Multipart Uploads: the open uploads of a bucket by key and then by time, a page at a time.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

import pytest

from s3multi.demo.disks import hash_suffix
from s3multi.s3.documents import s3_time_of
from s3multi.upload.marker_names import marker_name, markers_container
from s3multi.upload.names import Upload as Layout, UploadIds

from . import users
from .raw import RawClient, multipart_etag
from .uploads import TINY_PARTS, Upload, add_rows, list_entries, read, result, tiny_parts

INVALID_ARGUMENT = (400, 'InvalidArgument')
BUCKET = 'many-uploads'

# Keys whose order in S3 is not that of `<key>/<id>` in Swift, for its ids begin with letters; several of some.
KEYS = ['a', 'b', 'a/b', 'a-b', 'a', 'a/zz', 'a.b', 'a!', 'a b', 'ab', 'a', 'a-b', 'a/', 'a/b/c', 'a//b', 'a/b', 'A',
        'a/Zz', 'é', 'é-è', 'e', '\U0001f600', '\uffee', 'a-', 'a--', 'zz/top/b', 'zz/top-b', 'zz/to', 'zz/top',
        'a/000', 'a/0001', 'a/000/000', '000', 'b/00000001', 'b/00000001/a', '/000', '/']


@dataclass
class Listed:
    """A page as it was answered: keys with ids, common prefixes, and by name the text of every other element."""

    root: object
    uploads: list = field(init=False)
    prefixes: list = field(init=False)

    def __post_init__(self):
        self.uploads = [(upload.findtext('Key'), upload.findtext('UploadId')) for upload in self.root.findall('Upload')]
        self.prefixes = [prefix.findtext('Prefix') for prefix in self.root.findall('CommonPrefixes')]

    def __getitem__(self, name):
        return self.root.findtext(name)

    @property
    def markers(self):
        return [self[name] for name in ('KeyMarker', 'UploadIdMarker', 'NextKeyMarker', 'NextUploadIdMarker')]


@dataclass
class World:
    """A bucket with open uploads, and a client. begun: key and id of each, in order of time."""

    client: RawClient
    swift: object
    begun: list

    @property
    def ordered(self):
        """Keys and ids as S3 orders them: by key as UTF-8, then by time."""
        return sorted(self.begun, key=lambda entry: entry[0].encode())

    def list(self, query=()):
        return Listed(self.client.list_uploads(BUCKET, query).xml('ListMultipartUploadsResult'))

    def entries(self, prefix='', delimiter=''):
        """What S3 lists."""
        return list_entries(self.ordered, prefix, delimiter)

    def pages(self, size, **query):
        """Yield page by page, as a client does, until one is not truncated."""
        markers = {}
        for _ in range(100):
            page = self.list({'max-uploads': size, **query, **markers})
            yield page
            if page['IsTruncated'] == 'false':
                return
            markers = {'key-marker': page['NextKeyMarker'], 'upload-id-marker': page['NextUploadIdMarker']}
        raise AssertionError('the pages never end')


def connect(cluster):
    """Return a connection to the Swift API of `cluster`, as the account's administrator; closes itself."""
    return contextlib.closing(users.auth.connection(cluster.proxy, 'test:tester', 'testing'))


def build(client, s3, swift):
    """Begin uploads of KEYS, some with parts, and put the user's own objects among them."""
    s3.create_bucket(Bucket=BUCKET)
    begun = []
    for number, key in enumerate(KEYS):
        upload = Upload(client, BUCKET, key)
        begun.append((key, upload.id))
        for part in range(1, number % 4):
            upload.part(part)
    # Keys that look like an upload, a part, or the intent of a Complete.
    for suffix in ('', '/00000001', '/00000001-12345678901', '/complete', '/x'):
        upload = Upload(client, BUCKET, f'{begun[0][0]}/{begun[0][1]}{suffix}')
        begun.append((upload.key, upload.id))
        upload.part(1)
    aborted, completed = Upload(client, BUCKET, 'a').parts(b'body'), Upload(client, BUCKET, 'a').parts(b'body')
    aborted.abort()
    completed.complete()
    for name in ('mine', 'a/mine', 'a/000000000000000000000', f'b/{begun[0][1]}', f'a/{begun[0][1]}/mine'):
        swift.put_object(BUCKET + '_segments', name, b'mine')
    return World(client, swift, begun)


@pytest.fixture(scope='module')
def short_pages(tmp_path_factory):
    """A cluster whose Swift lists no more than 20 objects a page."""
    with users.make_cluster(
            tmp_path_factory.mktemp('short-pages'), filters=TINY_PARTS,
            constraints={'container_listing_limit': 20}) as running:
        yield running


@pytest.fixture(scope='module', params=['usual', 'short'])
def world(request, make_client):
    """The uploads, once where Swift lists all its objects in one page, and once in many."""
    if request.param == 'usual':
        cluster = request.getfixturevalue('cluster')
        url = tiny_parts(cluster).url
    else:
        cluster = request.getfixturevalue('short_pages')
        url = cluster.url
    with connect(cluster) as swift:
        yield build(RawClient(url), make_client(url=url), swift)


# Order and pages

def test_every_open_upload_is_listed(world):
    """Open uploads, and only they, are listed by key in UTF-8 order and within a key by time."""
    page = world.list()

    assert world.ordered == page.uploads
    assert ([], 'false', '1000') == (page.prefixes, page['IsTruncated'], page['MaxUploads'])


@pytest.mark.parametrize('size', [1, 2, 3, 7])
def test_pages_of_any_size(world, size):
    """Page by page every upload is listed once, in order, and each page but the last is full and has both markers."""
    found = []
    for page in world.pages(size):
        assert str(size) == page['MaxUploads']
        assert page['IsTruncated'] == 'false' or size == len(page.uploads)
        assert list(page.uploads[-1]) == page.markers[2:]
        found += page.uploads

    assert world.ordered == found


@pytest.mark.parametrize('size', [1, 2, 3])
def test_paginator_of_the_sdk(world, make_client, size):
    """The paginator of boto3 finds every upload once, in order."""
    pages = make_client(url=world.client.address.geturl()).get_paginator('list_multipart_uploads').paginate(
        Bucket=BUCKET, PaginationConfig={'PageSize': size})

    assert world.ordered == [(upload['Key'], upload['UploadId']) for page in pages for upload in page['Uploads']]


def test_upload_that_ends_between_two_pages(world):
    """Pages go on after a marker whose upload was aborted meanwhile."""
    first = Upload(world.client, BUCKET, 'a')
    second = Upload(world.client, BUCKET, 'a')

    first.abort()

    page = world.list({'key-marker': 'a', 'upload-id-marker': first.id, 'max-uploads': 1})
    second.abort()
    assert [('a', second.id)] == page.uploads


# Prefix and delimiter

@pytest.mark.parametrize('prefix', ['a', 'a/', 'a-', 'a/b', 'zz/top', 'é', 'A', 'nothing', 'a/b/c/d'])
def test_prefix(world, prefix):
    """Only keys that begin with the prefix are listed, and it is echoed."""
    page = world.list({'prefix': prefix})

    assert world.entries(prefix) == page.uploads
    assert prefix == page['Prefix']


@pytest.mark.parametrize('prefix', ['', 'a', 'a/', 'zz/', 'a/b'])
@pytest.mark.parametrize('delimiter', ['/', '-', 'b', '/b', 'top', '//', 'never'])
def test_delimiter(world, prefix, delimiter):
    """Keys that go on after the delimiter are grouped under what ends with it, whatever its length."""
    page = world.list({'prefix': prefix, 'delimiter': delimiter})

    entries = world.entries(prefix, delimiter)
    assert [key for key, upload_id in entries if upload_id is None] == page.prefixes
    assert [entry for entry in entries if entry[1]] == page.uploads
    assert delimiter == page['Delimiter']


@pytest.mark.parametrize('size', [1, 2, 3])
@pytest.mark.parametrize('prefix, delimiter', [('', '/'), ('a', '-'), ('a/', '/'), ('', 'b'), ('zz/', 'top')])
def test_pages_with_groups(world, size, prefix, delimiter):
    """A group counts as one entry, and is on one page only."""
    found = []
    for page in world.pages(size, prefix=prefix, delimiter=delimiter):
        entries = page.uploads + [(group, None) for group in page.prefixes]
        assert len(entries) <= size
        found += sorted(entries, key=lambda entry: entry[0].encode())

    assert world.entries(prefix, delimiter) == found


# Markers

@pytest.mark.parametrize('marker', ['a', 'a/', 'a-b', 'a/b', '0', 'aa', 'zz/top', '\U0001f600', 'a/z', 'é'])
def test_key_marker_alone(world, marker):
    """Only keys greater than the marker are listed; it need not be a key."""
    page = world.list({'key-marker': marker})

    assert [entry for entry in world.ordered if entry[0].encode() > marker.encode()] == page.uploads
    assert [marker, ''] == page.markers[:2]


def test_both_markers(world):
    """After an upload of a key come the later uploads of the key, and then the greater keys."""
    for place, (key, upload_id) in enumerate(world.ordered):
        page = world.list({'key-marker': key, 'upload-id-marker': upload_id})

        assert world.ordered[place + 1:] == page.uploads
        assert [key, upload_id] == page.markers[:2]


@pytest.mark.parametrize('query', [{}, {'key-marker': ''}])
def test_upload_id_marker_without_a_key_marker(world, query):
    """An upload id without a key is ignored, and echoed empty."""
    page = world.list({'upload-id-marker': 'whatever', **query})

    assert world.ordered == page.uploads
    assert ['', ''] == page.markers[:2]


def test_upload_id_marker_of_another_key(world):
    """An upload id that is none of the key is InvalidArgument."""
    ids = dict(world.begun)
    for wrong in ('x', ids['b'], '0' * 21):
        answer = world.client.list_uploads(BUCKET, {'key-marker': 'a', 'upload-id-marker': wrong})

        assert INVALID_ARGUMENT == answer.outcome
        assert ('upload-id-marker', wrong) == (answer.error['ArgumentName'], answer.error['ArgumentValue'])


@pytest.mark.parametrize('marker', ['a/', 'a-', 'zz/', 'a/b'])
def test_marker_that_is_a_group(world, marker):
    """After a common prefix come the keys behind the whole group."""
    page = world.list({'delimiter': marker[-1], 'key-marker': marker})

    entries = [entry for entry in world.entries('', marker[-1]) if entry[0].encode() > marker.encode()]
    assert [key for key, upload_id in entries if upload_id is None] == page.prefixes
    assert [entry for entry in entries if entry[1]] == page.uploads


# Numbers

@pytest.mark.parametrize('value, shown', [
    ('', '1000'), ('1000', '1000'), ('1001', '1000'), ('2000', '1000'), ('2147483647', '1000'), ('007', '7'),
])
def test_largest_page(world, value, shown):
    """A page holds 1000 uploads at most, and that is echoed; leading zeros do not matter."""
    page = world.list({'max-uploads': value})

    assert shown == page['MaxUploads']
    assert world.ordered[:int(shown)] == page.uploads


def test_page_of_none(world):
    """max-uploads=0 lists nothing, and is not truncated, or a client would ask for ever."""
    page = world.list({'max-uploads': '0', 'key-marker': 'a'})

    assert ([], '0', 'false') == (page.uploads, page['MaxUploads'], page['IsTruncated'])
    assert ['a', '', '', ''] == page.markers


@pytest.mark.parametrize('value', ['-1', 'abc', '1.5', '2147483648', '9' * 100, '1 1', '１'])
def test_number_that_is_none(world, value):
    """What is no 32-bit integer, or is negative, is InvalidArgument with name and value."""
    answer = world.client.list_uploads(BUCKET, {'max-uploads': value})

    assert INVALID_ARGUMENT == answer.outcome
    assert ('max-uploads', value) == (answer.error['ArgumentName'], answer.error['ArgumentValue'])


# Encoding

@pytest.mark.parametrize('word', ['url', 'URL', 'Url'])
def test_encoding(tiny, bucket, word):
    """With encoding-type=url keys, prefixes and markers are encoded, upload ids are not; the word is echoed."""
    plain, grouped = Upload(tiny, bucket, 'a b~/c+d*\n'), Upload(tiny, bucket, 'a b~/é/x')

    root = tiny.list_uploads(bucket, {
        'encoding-type': word, 'prefix': 'a b~/', 'delimiter': 'é/', 'key-marker': 'a b~'}).xml(
            'ListMultipartUploadsResult')

    assert (word, 'a+b%7E/', '%C3%A9/', 'a+b%7E') == tuple(root.findtext(name) for name in (
        'EncodingType', 'Prefix', 'Delimiter', 'KeyMarker'))
    assert ('a+b%7E/c%2Bd*%0A', plain.id) == (root.findtext('Upload/Key'), root.findtext('Upload/UploadId'))
    assert ['a+b%7E/%C3%A9/'] * 2 == [root.findtext('CommonPrefixes/Prefix'), root.findtext('NextKeyMarker')]
    assert 204 == grouped.abort().status


@pytest.mark.parametrize('word', ['', 'base64', 'urls', 'url '])
def test_encoding_that_is_none(world, word):
    """Any other encoding-type is InvalidArgument."""
    answer = world.client.list_uploads(BUCKET, {'encoding-type': word})

    assert (INVALID_ARGUMENT, 'encoding-type', word) == (
        answer.outcome, answer.error['ArgumentName'], answer.error['ArgumentValue'])


# The document, and what is refused

def test_document_without_uploads(tiny, bucket):
    """A bucket without uploads, or one that never had any, has an empty list with four empty markers."""
    root = tiny.list_uploads(bucket).xml('ListMultipartUploadsResult')

    assert ['Bucket', 'KeyMarker', 'UploadIdMarker', 'NextKeyMarker', 'NextUploadIdMarker', 'MaxUploads',
            'IsTruncated'] == [child.tag for child in root]
    assert ['', '', '', ''] == [root.findtext(name) for name in (
        'KeyMarker', 'UploadIdMarker', 'NextKeyMarker', 'NextUploadIdMarker')]
    assert (bucket, '1000', 'false') == tuple(root.findtext(name) for name in ('Bucket', 'MaxUploads', 'IsTruncated'))


def test_initiator_and_owner_are_who_began(cluster, tiny, bucket, swift):
    """Each upload names the user who sent its Initiate, whoever lists, and whatever a header says."""
    swift.post_container(bucket, {'X-Container-Write': 'test:tester3'})
    Upload(tiny, bucket, 'a')
    Upload(RawClient(cluster.url, 'test:tester3', 'testing3'), bucket, 'b', {
        'X-User-Name': 'tester', 'X-Tenant-Name': 'test', 'X-Project-Name': 'test'})

    root = tiny.list_uploads(bucket).xml('ListMultipartUploadsResult')

    assert [('a', 'test:tester', 'test:tester'), ('b', 'test:tester3', 'test:tester3')] == [
        tuple(upload.findtext(name) for name in ('Key', 'Initiator/ID', 'Owner/ID'))
        for upload in root.iter('Upload')]


def test_initiator_with_an_odd_name(cluster, bucket):
    """A name of any characters is shown as it is, and cannot make its upload anything but open."""
    name = 't\u00e9\u7528;state=aborted "%41" <&> =?'
    client = RawClient(*users.auth.add_operator(cluster, name))
    upload = Upload(client, bucket)

    assert [f'test:{name}'] == [each.text for each in client.list_uploads(bucket).xml(
        'ListMultipartUploadsResult').iterfind('Upload/Initiator/ID')]
    assert f'test:{name}' == upload.list_parts().xml('ListPartsResult').findtext('Initiator/ID')


def test_document(tiny, bucket):
    """Elements come in the order of Amazon S3; of each upload key, id, people, class and time are told."""
    upload = Upload(tiny, bucket, 'a/b')
    Upload(tiny, bucket, 'a/c-d')

    root = tiny.list_uploads(bucket, {'prefix': 'a/', 'delimiter': '-', 'encoding-type': 'url'}).xml(
        'ListMultipartUploadsResult')

    assert ['Bucket', 'KeyMarker', 'UploadIdMarker', 'NextKeyMarker', 'NextUploadIdMarker', 'Delimiter', 'Prefix',
            'MaxUploads', 'EncodingType', 'IsTruncated', 'Upload', 'CommonPrefixes'] == [child.tag for child in root]
    entry = root.find('Upload')
    assert ['Key', 'UploadId', 'Initiator', 'Owner', 'StorageClass', 'Initiated'] == [child.tag for child in entry][:6]
    assert ('a/b', upload.id, 'STANDARD', 'test:tester', 'test:tester') == tuple(entry.findtext(name) for name in (
        'Key', 'UploadId', 'StorageClass', 'Initiator/ID', 'Owner/ID'))
    began = Layout(users.account(), bucket, upload.key, upload.id).ticks
    assert s3_time_of(began) == entry.findtext('Initiated')


def test_key_in_the_path(tiny, bucket):
    """The list is of a bucket; with a key in the path it is InvalidRequest."""
    assert (400, 'InvalidRequest') == tiny.request('GET', bucket, 'key', {'uploads': None}).outcome


@pytest.mark.parametrize('key', [None, 'key'])
def test_head_is_not_allowed(tiny, bucket, key):
    """HEAD is no method of the list: 405 with the methods that are."""
    answer = tiny.request('HEAD', bucket, key, {'uploads': None})

    assert (405, b'') == (answer.status, answer.body)
    assert 'GET' in answer.headers['Allow']


def test_uploads_with_and_without_a_value(tiny, bucket):
    """?uploads and ?uploads= are the same."""
    upload = Upload(tiny, bucket)

    root = tiny.request('GET', bucket, None, {'uploads': ''}).xml('ListMultipartUploadsResult')

    assert upload.id == root.findtext('Upload/UploadId')


def test_bucket_that_does_not_exist(tiny):
    """In a bucket that does not exist the answer is NoSuchBucket."""
    answer = tiny.list_uploads('no-such-bucket-here')

    assert ((404, 'NoSuchBucket'), 'no-such-bucket-here') == (answer.outcome, answer.error['BucketName'])


def test_more_uploads_than_a_page_holds(cluster, tiny, bucket, make_client):
    """Uploads beyond the thousandth are on the next page."""
    tiny.initiate(bucket, 'z')
    ids = UploadIds(b'\0' + hash_suffix(cluster.swift_dir / 'swift.conf').encode())
    began = time.time_ns() // 10000
    made = [('key-%d' % (number % 7), ids.new(users.account(), bucket, 'key-%d' % (number % 7), began + number))
            for number in range(2200)]
    add_rows(cluster, bucket, [{'name': marker_name(*each), 'content_type': 'application/x-s3multi-marker;state=open'}
                               for each in made], markers_container(bucket))

    pages = make_client().get_paginator('list_multipart_uploads').paginate(Bucket=bucket)
    found = [[(upload['Key'], upload['UploadId']) for upload in page['Uploads']] for page in pages]

    assert [1000, 1000, 201] == [len(page) for page in found]
    assert sorted(made) == sum(found, [])[:-1]


# Swift's own pages

def test_parts_on_many_pages_of_swift(short_pages):
    """List Parts, Complete and Abort see every part, however many pages Swift needs to list them."""
    client = RawClient(short_pages.url)
    client.request('PUT', 'long-uploads')
    numbers = list(range(1, 51))
    kept, dropped = [Upload(client, 'long-uploads', key).many_parts(numbers) for key in ('kept', 'dropped')]
    for number in (1, 20, 21, 50):
        kept.part(number, b'%d' % number)

    root = kept.list_parts().xml('ListPartsResult')
    pages = [kept.list_parts({'max-parts': 7, 'part-number-marker': after}).xml('ListPartsResult')
             for after in range(0, 50, 7)]
    completed, aborted = kept.complete(), dropped.abort()

    assert numbers == [int(part.findtext('PartNumber')) for part in root.findall('Part')]
    assert numbers == [int(part.findtext('PartNumber')) for page in pages for part in page.findall('Part')]
    assert f'"{multipart_etag([b"%d" % number for number in numbers])}"' == result(completed)['ETag']
    assert b''.join(b'%d' % number for number in numbers) == read(client, 'long-uploads', 'kept').body
    assert 204 == aborted.status
    with connect(short_pages) as swift:
        assert [] == dropped.stored_numbers(swift)
        assert numbers == kept.stored_numbers(swift)
