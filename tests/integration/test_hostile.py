# SPDX-License-Identifier: Apache-2.0
"""Hostile clients, with rights and without: never a server error, nothing of others, nothing changed, no memory lost.

A request is hostile in one place: upload id, key, part number, query, header or body. It is signed as it is sent.
Documents have a file of their own, ``test_complete_xml``; what is smuggled in has ``test_rights``.
"""

from __future__ import annotations

import base64
import concurrent.futures
import re
import secrets

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from ..cases import for_each
from ..examples import examples
from .raw import RawClient, complete_body
from .test_memory import MIB, Memory
from .uploads import TINY_PARTS, Upload, tiny_parts

METHODS = {'List Parts': 'GET', 'Upload Part': 'PUT', 'Upload Part Copy': 'PUT', 'Complete': 'POST', 'Abort': 'DELETE'}
# What a request for an upload that does not exist, or cannot, may be answered.
NOT_THERE = {'NoSuchUpload', 'InvalidArgument', 'InvalidURI', 'NoSuchBucket', 'NoSuchKey', 'KeyTooLongError'}
# Who has no rights may be told that the request is malformed, before anybody has looked at the bucket.
DENIED = {'AccessDenied', 'InvalidArgument', 'InvalidURI', 'KeyTooLongError'}


@pytest.fixture(scope='module')
def owner(cluster):
    """The one whose bucket it is."""
    return RawClient(tiny_parts(cluster).url)


@pytest.fixture(scope='module')
def stranger(cluster):
    """An administrator of another account."""
    return RawClient(tiny_parts(cluster).url, 'test2:tester2', 'testing2')


@pytest.fixture(scope='module')
def theirs(stranger):
    """An upload in the other account, with a part that nobody else may see."""
    bucket = 'theirs-' + secrets.token_hex(8)
    assert 200 == stranger.request('PUT', bucket).status
    return Upload(stranger, bucket).parts(b'of another account')


@pytest.fixture(scope='module')
def ours(owner):
    """An open upload with two parts, beside another bucket's upload of the same key."""
    buckets = ['ours-' + secrets.token_hex(8) for _ in range(2)]
    for bucket in buckets:
        assert 200 == owner.request('PUT', bucket).status
        assert 200 == owner.request('PUT', bucket, 'source', body=b'source').status
    upload, beside = (Upload(owner, bucket).parts(b'one', b'two') for bucket in buckets)
    upload.beside = beside
    return upload


@pytest.fixture(scope='module')
def user(cluster):
    """A user of the same account who has no right on the bucket."""
    return RawClient(tiny_parts(cluster).url, 'test:tester3', 'testing3')


@pytest.fixture(params=['owner', 'user'])
def client(request):
    """Who asks."""
    return request.getfixturevalue(request.param)


def ask(client, name, upload, key=None, upload_id=None, number=3, query=(), headers=(), **options):
    """Send one operation, with any of its pieces given otherwise; return the Answer."""
    pairs = [('uploadId', upload.id if upload_id is None else upload_id), *query]
    more, body = [], b''
    if METHODS[name] == 'PUT':
        pairs.insert(0, ('partNumber', number))
        body = b'' if 'Copy' in name else b'hostile'
        more = [('x-amz-copy-source', f'/{upload.bucket}/source')] if 'Copy' in name else []
    if name == 'Complete':
        body = complete_body(upload.listed)
    return client.request(METHODS[name], upload.bucket, upload.key if key is None else key, pairs, [*more, *headers],
                          body, **options)


def code_of(answer):
    """Return the code of an error; its document may quote characters that no XML parser of Python takes."""
    return re.search(rb'<Code>(\w+)</Code>', answer.body)[1].decode()


def check_unharmed(*uploads):
    """Check that uploads are open and have the parts they had."""
    for upload in uploads:
        parts = upload.list_parts().xml('ListPartsResult').findall('Part')
        assert upload.listed == [(int(part.findtext('PartNumber')), part.findtext('ETag')) for part in parts]


def ids_like(upload, theirs):
    """Return upload ids that somebody might hope for something from."""
    own = upload.id
    return {
        'empty': '', 'dot': '.', 'up': '..', 'up and down': f'../{upload.key}/{own}', 'slash': '/', 'star': '*',
        'of another key': Upload(upload.client, upload.bucket, 'other').id, 'of another bucket': upload.beside.id,
        'of another account': theirs.id, 'with its part': f'{own}/00000001-{own[:11]}', 'with a slash': own + '/',
        'its intent': own + '/complete', 'cut': own[:-1], 'longer': own + 'A', 'twice': own + own,
        'hash changed': own[:-1] + ('A' if own[-1] != 'A' else 'B'),
        'time changed': ('A' if own[0] != 'A' else 'B') + own[1:],
        'other case': own.swapcase(), 'blank before': ' ' + own, 'line after': own + '\n', 'NUL after': own + '\0',
        'no UTF-8': own + '\udcff', 'wide': own.translate({ord('A') + n: 0xff21 + n for n in range(26)}) + '\u200b',
        'of stock s3api': base64.b64encode(b'0' * 36).decode(), 'long': 'x' * 5000,
        'percent': own.replace('-', '%2D') + '%',
        'a container': upload.bucket + '_segments', 'a list': '[]', 'none': 'None',
        'SQL': "' OR 1=1 --", 'delete': '-1'}


@pytest.mark.parametrize('name', METHODS)
def test_upload_ids(client, owner, ours, theirs, name):
    """An id that was not made for this very bucket and key is no upload; who has no rights is not even told that."""
    for what, upload_id in ids_like(ours, theirs).items():
        answer = ask(client, name, ours, upload_id=upload_id.encode('utf-8', 'surrogateescape'))
        assert answer.status in (400, 403, 404), (what, answer.status, answer.body)
        assert code_of(answer) in (DENIED if client is not owner else NOT_THERE), (what, answer.body)
    check_unharmed(ours, ours.beside, theirs)


KEYS = {
    'up': '../{bucket}_segments/{key}', 'far up': '../../../AUTH_test2/{theirs}/key',
    'encoded up': '..%2f..%2f{theirs}',
    'marker': '{key}/{id}', 'part': '{key}/{id}/00000001-AAAAAAAAAAA', 'intent': '{key}/{id}/complete',
    'dots': './{key}', 'slashes': '//{key}', 'slash after': '{key}/', 'NUL': '{key}\0', 'no UTF-8': '{key}\udcff',
    'longest': 'x' * 981, 'too long': 'x' * 982, 'far too long': 'x' * 4000, 'new line': '{key}\n',
    'query': '{key}?uploads',
    'semicolon': '{key};uploads', 'reserved': '\u0000reserved', 'right to left': '\u202eyek',
    'controls': '\x01\x1f\x7f'}


@pytest.mark.parametrize('name', ['Initiate', *METHODS])
def test_keys(client, owner, ours, theirs, name):
    """Whatever the key, the upload of another key is not found under it, and Initiate makes one of its own or none."""
    for what, form in KEYS.items():
        key = form.format(bucket=ours.bucket, key=ours.key, id=ours.id, theirs=theirs.bucket)
        key = key.encode('utf-8', 'surrogateescape')
        if name == 'Initiate':
            answer = client.request('POST', ours.bucket, key, {'uploads': None})
        else:
            answer = ask(client, name, ours, key=key)
        if answer.status == 200 and name == 'Initiate' and client is owner:
            made = re.search(rb'<UploadId>(.+)</UploadId>', answer.body)[1].decode()
            assert 204 == client.request('DELETE', ours.bucket, key, {'uploadId': made}).status
            continue
        assert answer.status in (400, 403, 404, 412), (what, answer.status, answer.body)
        assert code_of(answer) in (DENIED if client is not owner else NOT_THERE), (what, answer.body)
    check_unharmed(ours, ours.beside, theirs)


@pytest.mark.parametrize('name', ['Upload Part', 'Upload Part Copy'])
def test_part_numbers(owner, ours, name):
    """A part number is a whole number from 1 to 10,000, in ASCII digits; all else stores nothing."""
    def check(number):
        answer = ask(owner, name, ours, number=number)
        assert (400, 'InvalidArgument') == (answer.status, code_of(answer))

    for_each(['', '0', '-1', '10001', '99999999999999999999', '1e3', '0x1', '1.0', '+1', ' 1', '1 ', '\uff11', '1\0',
              '1,2', '1;2', 'NaN', '[1]', '00000000000000001' * 100], check)

    check_unharmed(ours)


@pytest.mark.parametrize('name', METHODS)
@pytest.mark.parametrize('own_first', [False, True], ids=['theirs first', 'ours first'])
def test_two_upload_ids(owner, ours, theirs, name, own_first):
    """Of two ids one counts, and only its own bucket and key are touched."""
    mine = Upload(owner, ours.bucket, 'twice').parts(b'one', b'two')
    pair = [mine.id, theirs.id] if own_first else [theirs.id, mine.id]
    answer = ask(owner, name, mine, upload_id=pair[0], query=[('uploadId', pair[1])])

    assert answer.status in (200, 204, 400, 403, 404), (answer.status, answer.body)
    assert b'of another account' not in answer.body
    check_unharmed(ours, ours.beside, theirs)


QUERIES = [
    [('partNumber', '1'), ('partNumber', '2')], [('uploads', None)], [('acl', None)], [('versionId', 'null')],
    [('partNumber', '1'), ('uploads', None), ('acl', None), ('torrent', None)], [('x' * 4000, 'y')], [('', '')],
    [('max-parts', '-1')], [('max-parts', '9' * 400)], [('part-number-marker', '1e9')], [('encoding-type', 'base64')],
    [('response-content-type', 'text/html\r\nX-Forged: yes')], [(f'x{n}', str(n)) for n in range(500)]]


@pytest.mark.parametrize('name', METHODS)
def test_queries(client, ours, theirs, name):
    """A query that no operation has is answered without a server error, and carried out without harm or not at all."""
    def check(query):
        answer = ask(client, name, ours, upload_id=ours.beside.id, query=query)
        assert answer.status < 500 or answer.status == 501, (answer.status, answer.body)
        assert 'X-Forged' not in answer.headers

    for_each(QUERIES, check)

    check_unharmed(ours, ours.beside, theirs)


HEADERS = [
    ('Content-MD5', 'x'), ('Content-MD5', 'AAAA'), ('x-amz-copy-source-range', 'bytes=-1'), ('Range', 'bytes=5-1'),
    ('x-amz-copy-source', '/'), ('x-amz-copy-source', '%'), ('x-amz-copy-source', '/a/../../b/c'),
    ('x-amz-copy-source', '/b/k?versionId=' + 'x' * 3000), ('x-amz-copy-source-if-match', '"' * 100),
    ('x-amz-copy-source-if-modified-since', 'the day after'), ('x-amz-meta-' + 'x' * 1000, 'y'),
    ('x-amz-meta-x', '\x01\x7f'), ('x-amz-meta-x', '=?utf-8?q?' + '=00' * 500 + '?='), ('x-amz-mp-object-size', '-1'),
    ('x-amz-mp-object-size', '9' * 5000), ('x-amz-checksum-crc32', '\u2713'), ('x-amz-checksum-sha256', 'AAAA'),
    ('x-amz-sdk-checksum-algorithm', 'ROT13'), ('x-amz-checksum-algorithm', 'ROT13'), ('x-amz-trailer', 'x-amz-meta-x'),
    ('x-amz-decoded-content-length', '-5'), ('x-amz-date', '19700101T000000Z'), ('If-Match', '"' * 3000),
    ('If-None-Match', '*,*'), ('x-amz-acl', 'everybody'), ('x-amz-storage-class', 'x' * 3000),
    ('Expect', '200-ok'), ('Content-Encoding', 'aws-chunked'), ('Content-Encoding', 'x' * 7000), ('Content-Type', '\t'),
    ('Origin', 'null'), ('Origin', 'http://x\ty'), ('Host', 'x'), ('Cookie', 'x' * 7000)]


def test_headers(client, ours, theirs):
    """A header with a value that it cannot have is never a server error, in any operation."""
    def check(sent):
        asked = [pool.submit(ask, client, name, ours, 'key', ours.beside.id, headers=[sent]) for name in METHODS]
        asked.append(pool.submit(client.request, 'POST', ours.bucket, 'hostile header', {'uploads': None}, [sent]))
        for future in asked:
            answer = future.result()
            assert answer.status < 500 or answer.status == 501, (answer.status, answer.body)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for_each(HEADERS, check)

    check_unharmed(ours, ours.beside, theirs)


@pytest.fixture(scope='module')
def lonely(cluster):
    """A proxy that nobody else uses, its client, and its memory."""
    proxy = cluster.add_proxy('hostile', filters=TINY_PARTS)
    return RawClient(proxy.url), Memory(proxy.pid)


@pytest.mark.parametrize('kind', ['blanks', 'blanks announced', 'elements', 'text', 'attributes', 'depth'])
def test_memory_of_large_bodies(lonely, bucket, kind):
    """100 MB instead of a list of parts, by several clients at once, cost no more than the largest list allowed."""
    client, memory = lonely
    upload = Upload(client, bucket).parts(b'one')
    assert 200 == upload.complete(complete_body(upload.listed).ljust(4 * MIB)).status
    upload = Upload(client, bucket).parts(b'one')
    piece = {'elements': b'<Part></Part>', 'text': b'text', 'attributes': b' a="1"', 'depth': b'<a>'}.get(kind, b' ')
    piece *= MIB // len(piece)
    start = {'attributes': b'<CompleteMultipartUpload'}.get(kind, b'<CompleteMultipartUpload>')
    headers = {'Content-Length': str(100 * MIB + len(start))} if kind == 'blanks announced' else {}

    def send(_number):
        pieces = (start if number == 0 else piece for number in range(101))
        return client.request('POST', bucket, 'key', {'uploadId': upload.id}, headers, pieces, payload='unsigned')

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers, above_idle = memory.peak_above_idle(lambda: list(pool.map(send, range(4))))
    assert {(400, 'MaxMessageLengthExceeded')} == {answer.outcome for answer in answers}
    assert above_idle < 64 * MIB
    check_unharmed(upload)


# Whatever comes to mind

words = st.one_of(st.text(max_size=30), st.sampled_from([
    '', '0', '1', '10000', '10001', '-1', '*', '..', '/', '%', '\0', 'key', 'uploads', 'x' * 1100, '\u2713', '+', ' ']))
queries = st.lists(st.tuples(st.sampled_from([
    'uploadId', 'uploads', 'partNumber', 'part-number-marker', 'max-parts', 'max-uploads', 'key-marker',
    'upload-id-marker', 'prefix', 'delimiter', 'encoding-type', 'versionId', 'acl', 'list-type', 'x']), words),
    max_size=5)


def test_any_request(owner, ours, theirs):
    """A multipart request made of anything is never a server error, and leaves the uploads of others as they are."""
    @examples(1.5, suppress_health_check=list(HealthCheck))
    @given(method=st.sampled_from(['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']), key=st.none() | words,
           query=queries, own=st.booleans(), body=st.binary(max_size=40))
    def check(method, key, query, own, body):
        if own:
            query = [*query, ('uploadId', ours.beside.id)]
        answer = owner.request(method, ours.bucket, key and key.encode('utf-8', 'surrogatepass'),
                               [(name, word.encode('utf-8', 'surrogatepass')) for name, word in query], {}, body)

        # Swift's own list of objects is an error once one has a key that XML cannot carry.
        is_ours = key is not None or method != 'GET' or 'uploads' in dict(query)
        assert answer.status < 500 or answer.status == 501 or not is_ours, (answer.status, answer.body)
        assert b'of another account' not in answer.body

    check()

    check_unharmed(ours, ours.beside, theirs)
