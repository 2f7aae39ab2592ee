# SPDX-License-Identifier: Apache-2.0
"""From stock s3api to s3multi and back, without downtime: proxies of both kinds over one store.

Three kinds of proxy: `stock`, with Swift's own s3api; `leaving`, where s3multi is installed but leaves Initiate to
stock s3api; and `ours`, where s3multi does all.
"""

from __future__ import annotations

import base64
import itertools
import re
import xml.etree.ElementTree as ElementTree

import pytest
import swiftclient

from s3multi.demo.conf import merge

from .behind import settle
from .faults import FaultyProxy
from .raw import RawClient, multipart_etag
from .test_list_uploads import Listed
from .uploads import TINY_PARTS, Upload, add_rows, list_entries, read, result
from .users import account

NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
DENIED = (403, 'AccessDenied')
TINY = {**TINY_PARTS, 's3api': {'min_segment_size': 1}}
STOCK_ID_LENGTH = 48
# The last 8 characters of an id stand for the last six digits of a UUID.
ID_TAILS = [base64.b64encode(b'%06x' % number).decode() for number in range(1000)]
BODIES = [b'one', b'two', b'copied']

# Keys whose order in S3 is not that of `<key>/<id>` in Swift, and one that nests in another's name.
KEYS = ['a', 'a-b', 'a/b', 'a/zz', 'a.b', 'a!', 'ab', 'a', 'a-b', 'b', 'é', 'é-è', 'zz/top/b', 'zz/top-b', 'zz/top']


@pytest.fixture(scope='module')
def leaving(cluster):
    """A client of a proxy with s3multi that leaves Initiate to stock s3api."""
    return RawClient(cluster.add_proxy('switch-leaving', filters=merge(
        TINY, {'s3api': {'multipart_initiate': 'stock'}})).url)


@pytest.fixture(scope='module')
def ours(cluster):
    """A client of a proxy with s3multi."""
    return RawClient(cluster.add_proxy('switch-ours', filters=TINY).url)


@pytest.fixture
def proxies(stock, leaving, ours):
    """The clients by the kind of their proxy."""
    return {'stock': stock, 'leaving': leaving, 'ours': ours}


class Balanced:
    """A client of several proxies, as behind a load balancer: each request meets the next one."""

    def __init__(self, *clients):
        self._turn = itertools.cycle(clients)

    def __getattr__(self, name):
        return getattr(next(self._turn), name)


def stored(swift, bucket, layout):
    """Return the names of what a layout, '+segments' or '_segments', has of a bucket."""
    settle()
    try:
        return [row['name'] for row in swift.get_container(bucket + layout, full_listing=True)[1]]
    except swiftclient.ClientException as missing:
        assert 404 == missing.http_status
        return []


def finish(upload, client, source):
    """Do with an upload all that a client may do, each request through `client`; return the object's ETag."""
    for number, body in enumerate(BODIES[:2], 1):
        upload.part(number, body, client)
    copied = client.copy_part(upload.bucket, upload.key, upload.id, 3, source)
    upload.etags[3] = copied.xml('CopyPartResult').findtext('ETag')
    listed = upload.list_parts(client=client).xml('ListPartsResult')
    shown = {int(part.findtext('PartNumber')): part.findtext('ETag') for part in listed.findall('Part')}
    # Stock s3api has an empty ETag for a part that was copied.
    assert upload.etags == {**shown, 3: shown[3].replace('""', upload.etags[3])}
    first, second = [result(upload.complete(client=client)) for _ in 'ab']
    assert first == {**second, 'Location': first['Location']}
    return first['ETag']


def code_of(answer):
    """Return the code of an error; stock's own documents may have no request id."""
    return ElementTree.fromstring(answer.body).findtext('Code') if answer.body else None


# An upload that stock s3api began

@pytest.mark.parametrize('kind', ['leaving', 'ours'])
def test_upload_goes_on(proxies, bucket, swift, kind):
    """Parts, copies of parts, List Parts and Complete, repeated too, of an upload that a stock proxy began."""
    stock, client = proxies['stock'], proxies[kind]
    client.request('PUT', bucket, 'source', body=BODIES[2])
    upload = Upload(stock, bucket, 'a/key', {'x-amz-meta-colour': 'blue', 'Content-Type': 'text/odd'})
    upload.part(1, b'replaced')

    etag = finish(upload, client, f'{bucket}/source')

    assert f'"{multipart_etag(BODIES)}"' == etag
    for reader in proxies.values():
        answer = read(reader, bucket, 'a/key')
        assert (b''.join(BODIES), etag, 'blue', 'text/odd') == (answer.body, *(answer.headers[name] for name in (
            'ETag', 'x-amz-meta-colour', 'Content-Type')))
    assert [] == stored(swift, bucket, '_segments')


@pytest.mark.parametrize('kind', ['leaving', 'ours'])
def test_upload_is_aborted(proxies, bucket, swift, kind):
    """Abort deletes what the stock proxy has stored; the upload is gone for both."""
    upload = Upload(proxies['stock'], bucket).parts(*BODIES)

    assert 204 == upload.abort(proxies[kind]).outcome

    assert [] == stored(swift, bucket, '+segments')
    assert [NO_SUCH_UPLOAD] * 3 == [upload.list_parts(client=client).outcome for client in proxies.values()]


def test_bucket_with_uploads_of_both(proxies, bucket, swift):
    """One key, an upload of each kind: each is its own, and the last to be completed is the object."""
    proxies['ours'].request('PUT', bucket, 'source', body=BODIES[2])
    theirs = Upload(proxies['stock'], bucket).parts(b'theirs')
    own = Upload(proxies['ours'], bucket).parts(b'ours')

    for upload, body in ((theirs, b'theirs'), (own, b'ours')):
        assert f'"{multipart_etag([body])}"' == result(upload.complete(client=proxies['ours']))['ETag']
        assert [body] * 3 == [read(client, bucket, 'key').body for client in proxies.values()]
    assert 1 == len(stored(swift, bucket, '+segments')) == len(stored(swift, bucket, '_segments'))


def test_errors_are_those_of_stock(proxies, bucket):
    """What a stock proxy refuses, s3multi refuses alike, and the upload stays as it is."""
    upload = Upload(proxies['stock'], bucket).parts(b'one', b'two')
    listed = upload.listed
    wrong = [
        lambda client: upload.complete([(1, '0' * 32)], client=client),
        lambda client: upload.complete(listed[::-1], client=client),
        lambda client: upload.complete(b'no xml', client=client),
        lambda client: client.upload_part(bucket, 'key', upload.id, 0, b'x'),
        lambda client: client.copy_part(bucket, 'key', upload.id, 1, f'{bucket}/missing'),
        lambda client: client.abort(bucket, 'another key', upload.id),
        lambda client: client.list_parts(bucket, 'key', 'M' * STOCK_ID_LENGTH),
        lambda client: client.list_parts(bucket, 'key', 'ZGVhZGJlZWYtZGVhZC1iZWVmLWRlYWQtYmVlZmRlYWRiZWVm'),
        lambda client: client.request('HEAD', bucket, 'key', {'uploadId': upload.id}),
    ]

    for send in wrong:
        theirs, *others = [send(client) for client in proxies.values()]
        assert theirs.status >= 400
        assert [theirs.status] * 2 == [answer.status for answer in others]
        assert [code_of(theirs)] * 2 == [code_of(answer) for answer in others]
    assert 200 == upload.complete(listed, client=proxies['ours']).outcome


@pytest.mark.parametrize('acl', [{'X-Container-Write': 'test:tester3'},
                                 {'X-Container-Write': 'test:tester3', 'X-Container-Read': 'test:tester3'}, {}],
                         ids=['write', 'write-and-read', 'none'])
def test_rights_are_those_of_stock(proxies, bucket, swift, acl):
    """Users of the bucket's ACL may do with such an upload what a stock proxy lets them do, no more and no less."""
    if acl:
        swift.post_container(bucket, acl)
    # Made now, the container of the parts gets the bucket's ACL, as stock s3api does it.
    uploads = {kind: Upload(proxies['stock'], bucket, f'key-{kind}').parts(b'one') for kind in proxies}
    users = {kind: RawClient(client.address.geturl(), 'test:tester3', 'testing3') for kind, client in proxies.items()}

    outcomes = {}
    for kind, user in users.items():
        upload = uploads[kind]
        outcomes[kind] = [
            user.upload_part(bucket, upload.key, upload.id, 2, b'two').outcome,
            upload.list_parts(client=user).outcome,
            upload.complete(client=user).outcome,
            upload.abort(client=user).outcome,
        ]

    assert outcomes['stock'] == outcomes['leaving'] == outcomes['ours']
    assert (set(outcomes['ours']) == {DENIED}) == ('X-Container-Read' not in acl)


# Initiate that is left to stock s3api

def test_initiate_is_left_to_stock(proxies, bucket, swift):
    """Such a proxy begins uploads as a stock proxy does; the others go on with them."""
    upload = Upload(proxies['leaving'], bucket, 'key', {'x-amz-meta-colour': 'blue'})

    assert STOCK_ID_LENGTH == len(upload.id)
    assert ([f'key/{upload.id}'], []) == (stored(swift, bucket, '+segments'), stored(swift, bucket, '_segments'))
    for number, client in enumerate(proxies.values(), 1):
        upload.part(number, b'%d' % number, client)
    assert 200 == upload.complete(client=proxies['stock']).outcome
    answer = read(proxies['ours'], bucket, 'key')
    assert (b'123', 'blue') == (answer.body, answer.headers['x-amz-meta-colour'])


def test_own_uploads_go_on_where_initiate_is_left_to_stock(proxies, bucket, swift):
    """Where the option was set back, uploads that s3multi began are continued all the same."""
    proxies['ours'].request('PUT', bucket, 'source', body=BODIES[2])
    upload = Upload(proxies['ours'], bucket)

    assert f'"{multipart_etag(BODIES)}"' == finish(upload, proxies['leaving'], f'{bucket}/source')
    assert [] == stored(swift, bucket, '+segments')


# A rolling restart

@pytest.mark.parametrize('kinds', [('stock', 'leaving'), ('leaving', 'stock'), ('leaving', 'ours'),
                                   ('ours', 'leaving')], ids='-and-'.join)
def test_no_upload_is_lost_in_either_step(proxies, bucket, kinds):
    """While proxies of two neighbouring kinds share an address, each request meeting another, every upload succeeds."""
    clients = [proxies[kind] for kind in kinds]
    balanced = Balanced(*clients)
    balanced.request('PUT', bucket, 'source', body=BODIES[2])
    for number in range(4):
        # The one after which Initiate comes differs.
        next(balanced._turn)
        upload = Upload(balanced, bucket, f'key-{number}')
        assert f'"{multipart_etag(BODIES)}"' == finish(upload, balanced, f'{bucket}/source')
        assert [b''.join(BODIES)] * 2 == [read(client, bucket, upload.key).body for client in clients]
        dropped = Upload(balanced, bucket, f'key-{number}')
        dropped.part(1)
        assert 204 == dropped.abort().outcome
        assert [NO_SUCH_UPLOAD] * 2 == [dropped.list_parts(client=client).outcome for client in clients]
    assert [] == uploads_of(balanced, bucket).uploads


def test_what_a_client_sees_without_the_first_step(proxies, bucket):
    """An id of ours met by a stock proxy is NoSuchUpload, for every operation; the upload is not harmed by it."""
    stock, ours = proxies['stock'], proxies['ours']
    ours.request('PUT', bucket, 'source', body=BODIES[2])
    # With and without a container of stock uploads beside it.
    for key in ('first', 'second'):
        upload = Upload(ours, bucket, key).parts(b'one')
        copied = stock.copy_part(bucket, key, upload.id, 1, f'{bucket}/source')
        assert [NO_SUCH_UPLOAD] * 5 == [
            stock.upload_part(bucket, key, upload.id, 1, b'x').outcome, copied.outcome,
            upload.list_parts(client=stock).outcome, upload.complete(client=stock).outcome,
            upload.abort(client=stock).outcome]
        assert [] == uploads_of(stock, bucket).uploads
        assert 200 == upload.complete(client=ours).outcome
        assert b'one' == read(stock, bucket, key).body
        Upload(stock, bucket, key).abort()


# List Multipart Uploads

def uploads_of(client, bucket, query=()):
    """Return a page of List Multipart Uploads."""
    return Listed(client.list_uploads(bucket, query).xml('ListMultipartUploadsResult'))


class Mixed:
    """A bucket with open uploads of both kinds, with parts, and finished objects of both."""

    def __init__(self, client, stock, leaving):
        self.client, self.bucket = client, 'mixed-uploads'
        client.request('PUT', self.bucket)
        begun = []
        for number, (key, maker) in enumerate(zip(KEYS + KEYS, itertools.cycle([stock, client, leaving, client]))):
            upload = Upload(maker, self.bucket, key)
            begun.append((key, upload.id))
            for part in range(1, 12 if number % 5 == 0 else number % 3):
                upload.part(part)
        # A key that looks like another's upload: in Swift it lies among that one's parts.
        begun.append((f'a/{begun[0][1]}', stock.initiate(self.bucket, f'a/{begun[0][1]}')))
        for maker in (stock, client):
            for key in ('a', 'a/finished', 'zz'):
                assert 200 == Upload(maker, self.bucket, key).parts(*[b'x'] * 12).complete().outcome
        self.ordered = sorted(begun, key=lambda entry: (entry[0].encode(), entry[1]))

    def entries(self, prefix='', delimiter=''):
        """What S3 lists."""
        return list_entries(self.ordered, prefix, delimiter)


@pytest.fixture(scope='module')
def mixed(ours, stock, leaving):
    """The bucket with uploads of both kinds."""
    return Mixed(ours, stock, leaving)


def test_uploads_of_both_are_listed(mixed, stock, leaving):
    """By key, and for one key by id; whichever proxy with s3multi is asked. A stock proxy shows its own."""
    assert [mixed.ordered] * 2 == [uploads_of(client, mixed.bucket).uploads for client in (mixed.client, leaving)]
    assert [entry for entry in mixed.ordered if len(entry[1]) == STOCK_ID_LENGTH] == sorted(
        uploads_of(stock, mixed.bucket).uploads, key=lambda entry: (entry[0].encode(), entry[1]))


@pytest.mark.parametrize('prefix, delimiter', [('', ''), ('a', ''), ('a/', ''), ('', '/'), ('a', '-'), ('zz/', 'top'),
                                               ('none', '')])
@pytest.mark.parametrize('size', [1, 2, 7, 1000])
def test_pages_of_both(mixed, size, prefix, delimiter):
    """Page by page every upload is listed once, in order, and a common prefix once."""
    found, markers = [], {}
    for _ in range(100):
        page = uploads_of(mixed.client, mixed.bucket, {
            'max-uploads': size, 'prefix': prefix, 'delimiter': delimiter, **markers})
        entries = page.uploads + [(group, None) for group in page.prefixes]
        assert len(entries) == size or page['IsTruncated'] == 'false'
        found += sorted(entries, key=lambda entry: entry[0].encode())
        if page['IsTruncated'] == 'false':
            break
        markers = {'key-marker': page['NextKeyMarker'], 'upload-id-marker': page['NextUploadIdMarker']}

    assert mixed.entries(prefix, delimiter) == found


def test_markers_of_both(mixed):
    """After any upload, of either kind, come those behind it; after a key alone, those of greater keys."""
    for place, (key, upload_id) in enumerate(mixed.ordered):
        after = uploads_of(mixed.client, mixed.bucket, {'key-marker': key, 'upload-id-marker': upload_id})
        assert mixed.ordered[place + 1:] == after.uploads
        after = uploads_of(mixed.client, mixed.bucket, {'key-marker': key})
        assert [entry for entry in mixed.ordered if entry[0].encode() > key.encode()] == after.uploads


def test_paginator_of_the_sdk(mixed, make_client):
    """The paginator of boto3, with its encoded keys, finds every upload once."""
    pages = make_client(url=mixed.client.address.geturl()).get_paginator('list_multipart_uploads').paginate(
        Bucket=mixed.bucket, PaginationConfig={'PageSize': 3})

    assert mixed.ordered == [(upload['Key'], upload['UploadId']) for page in pages for upload in page['Uploads']]


def test_an_upload_is_shown_as_stock_shows_it(proxies, bucket):
    """Every element of an upload, people, class and time, is as a stock proxy lists it."""
    Upload(proxies['stock'], bucket, 'a key')

    def shown(client):
        return [ElementTree.tostring(upload) for upload in client.list_uploads(
            bucket, {'encoding-type': 'url'}).xml('ListMultipartUploadsResult').findall('Upload')]

    ours = shown(proxies['ours'])
    assert 1 == len(ours)
    assert shown(proxies['stock']) == [each.replace(b'a+key', b'a%20key') for each in ours]


def test_who_may_read_the_bucket_may_list(proxies, bucket, swift):
    """The right to list is that to read the bucket, for the uploads of both kinds; nobody else sees any."""
    begun = [('key', Upload(proxies[kind], bucket).id) for kind in ('stock', 'ours')]
    user = RawClient(proxies['ours'].address.geturl(), 'test:tester3', 'testing3')
    assert DENIED == user.list_uploads(bucket).outcome

    swift.post_container(bucket, {'X-Container-Read': 'test:tester3'})

    assert begun == uploads_of(user, bucket).uploads


def test_what_is_no_upload_is_not_listed(proxies, bucket, swift):
    """Other objects in the container of the stock uploads, of whatever name, are no uploads."""
    upload = Upload(proxies['stock'], bucket)
    for name in ('object', 'a/b', 'a/' + 'M' * STOCK_ID_LENGTH, upload.id, 'key/1', 'a/b/1/'):
        swift.put_object(bucket + '+segments', name, b'')

    assert [('key', upload.id)] == uploads_of(proxies['ours'], bucket).uploads


# What the list costs

@pytest.fixture(scope='module')
def counted(cluster):
    """A proxy whose requests are counted."""
    return FaultyProxy(cluster, 'switch-counted')


def add_stock_parts(cluster, bucket, uploads, count):
    """Give uploads, pairs of key and id, parts 1 to count that are in the listing alone."""
    rows = ['%s/%s/%d' % (*upload, number) for upload in uploads for number in range(1, count + 1)]
    for start in range(0, len(rows), 5000):
        add_rows(cluster, bucket, rows[start:start + 5000], container=bucket + '+segments')


def stock_requests(proxy, bucket):
    """Return method and number of rows that was asked for, of the requests to the container of the stock uploads."""
    asked = [(method, query) for method, path, query, _ in proxy.above.requests() if path == bucket + '+segments']
    return [(method, int(query.partition('limit=')[2].partition('&')[0] or 0)) for method, query in asked]


@pytest.mark.parametrize('open_uploads, finished, count', [(10, 0, 1000), (0, 10, 1000), (0, 3, 10000), (100, 900, 2)])
def test_parts_of_stock_uploads_are_passed_over(cluster, counted, proxies, bucket, open_uploads, finished, count):
    """What is read is in proportion to the uploads and the finished objects, not to their parts."""
    begun = [(f'key{number:04}', proxies['stock'].initiate(bucket, f'key{number:04}')) for number in range(
        open_uploads or 1)]
    ended = [(f'ended{number:04}', f'{begun[0][1][:-8]}{ID_TAILS[number]}') for number in range(finished)]
    add_stock_parts(cluster, bucket, begun + ended, count)

    with counted.above.following():
        assert begun == uploads_of(RawClient(counted.url), bucket).uploads
        asked = stock_requests(counted, bucket)

    pages = [rows for method, rows in asked if method == 'GET']
    assert sum(pages) <= 500 * (len(begun + ended) + 1)
    assert len(pages) <= min(len(begun + ended) + 1, 15)


def test_a_bucket_without_stock_uploads_costs_nothing(counted, proxies, bucket):
    """That there is no container of stock uploads is known from the cache; until then it is one HEAD."""
    client = RawClient(counted.url)
    Upload(client, bucket)
    with counted.above.following():
        for _ in range(3):
            uploads_of(client, bucket)

        assert [] == stock_requests(counted, bucket)
        # Swift asks for the HEAD past all filters but the one that logs.
        log = counted.proxy.log_path.read_text(encoding='utf-8')
        assert ['HEAD'] == re.findall(f' ([A-Z]+) /v1/{account()}/{bucket}%252Bsegments ', log)
        upload = Upload(proxies['stock'], bucket)
        assert upload.id in dict(map(reversed, uploads_of(client, bucket).uploads))


def test_stock_uploads_that_are_not_to_be_listed(cluster, proxies, bucket):
    """With `list_stock_uploads = false` nothing is looked for any more; what is known by its id goes on."""
    proxy = FaultyProxy(cluster, 'switch-done', list_stock_uploads='false')
    theirs = Upload(proxies['stock'], bucket).parts(b'one')
    own = Upload(proxies['ours'], bucket)
    with proxy.above.following():
        assert [('key', own.id)] == uploads_of(RawClient(proxy.url), bucket).uploads
        assert [] == stock_requests(proxy, bucket)
    assert 200 == theirs.complete(client=RawClient(proxy.url)).outcome


# Without s3multi again

def test_finished_objects_outlive_s3multi(daemons, proxies, bucket, swift):
    """A stock proxy reads what s3multi has finished, whole, by range and by part, and deletes it with its parts."""
    bodies = [b'first', b'second', b'third']
    ours, stock = proxies['ours'], proxies['stock']
    ours.put_multipart(bucket, 'own', bodies, {'x-amz-meta-colour': 'blue'})
    begun = Upload(stock, bucket, 'begun').parts(*bodies)
    assert 200 == begun.complete(client=ours).outcome

    for key in ('own', 'begun'):
        whole = read(stock, bucket, key)
        assert (b''.join(bodies), f'"{multipart_etag(bodies)}"') == (whole.body, whole.headers['ETag'])
        assert b'second' == read(stock, bucket, key, {'partNumber': 2}).body
        assert b'tsec' == read(stock, bucket, key, headers={'Range': 'bytes=4-7'}).body
        head = stock.request('HEAD', bucket, key, {'partNumber': 3})
        assert (206, '5', '3') == (head.status, head.headers['Content-Length'], head.headers['x-amz-mp-parts-count'])
    assert 'blue' == read(stock, bucket, 'own').headers['x-amz-meta-colour']

    assert [204, 204] == [stock.request('DELETE', bucket, key).status for key in ('own', 'begun')]
    daemons.expire()
    for names in (stored(swift, bucket, '_segments'), stored(swift, bucket, '+segments')):
        assert [] == names


def test_own_uploads_are_there_again_when_s3multi_is(proxies, bucket, swift):
    """An upload that is open when s3multi is removed waits for it: nothing of it is touched meanwhile."""
    upload = Upload(proxies['ours'], bucket).parts(b'one')
    before = stored(swift, bucket, '_segments')
    theirs = Upload(proxies['stock'], bucket).parts(b'two')
    assert [200, 200] == [theirs.complete(client=proxies['stock']).outcome,
                          proxies['stock'].request('GET', bucket, 'key').status]

    assert before == stored(swift, bucket, '_segments')
    assert 200 == upload.complete(client=proxies['ours']).outcome
    assert b'one' == read(proxies['stock'], bucket, 'key').body
