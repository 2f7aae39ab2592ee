# SPDX-License-Identifier: Apache-2.0
"""An S3 request that replaces or removes a multipart object frees its parts, and never one that somebody needs."""

from __future__ import annotations

import base64
import hashlib
import secrets

import pytest

from .behind import settle
from .counting import counting
from .faults import FaultyProxy, rule
from .raw import RawClient
from .uploads import TINY_PARTS, Upload, at_once, read

BODIES = (b'one', b'two', b'three')
WHOLE = b''.join(BODIES)


@pytest.fixture(scope='module')
def keeping(cluster):
    """One where the operator wants Swift's plain behaviour."""
    return cluster.add_proxy('replaced-keeping', filters={
        **TINY_PARTS, 's3multi': {**TINY_PARTS['s3multi'], 'free_replaced_parts': False}})


@pytest.fixture(scope='module')
def slow(cluster):
    """One whose clock is ten minutes behind; s3api refuses requests that come from further away."""
    return FaultyProxy(cluster, 'replaced-slow', seconds_ahead=-600)


@pytest.fixture(scope='module')
def next_s3api(cluster):
    """One whose s3api deletes as that of Swift's native multipart uploads does."""
    return FaultyProxy(cluster, 'replaced-next', next_s3api=True)


@pytest.fixture
def client(faulty):
    """A client of the first one."""
    return RawClient(faulty.url)


def delete_many(client, bucket, *keys, versions=(None,)):
    """Delete objects, or these versions of each, in one request; return the Answer."""
    named = [(key, '' if version is None else f'<VersionId>{version}</VersionId>')
             for key in keys for version in versions]
    body = ('<Delete>%s</Delete>' % ''.join('<Object><Key>%s</Key>%s</Object>' % each for each in named)).encode()
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    return client.request('POST', bucket, None, {'delete': None}, {'Content-MD5': digest}, body)


def complete_another(client, bucket):
    return Upload(client, bucket).parts(b'new').complete().status


def copy_over(client, bucket):
    client.request('PUT', bucket, 'source', body=b'new')
    return client.request('PUT', bucket, 'key', headers={'x-amz-copy-source': f'/{bucket}/source'}).status


def copy_onto_itself(client, bucket):
    return client.request('PUT', bucket, 'key', headers={
        'x-amz-copy-source': f'/{bucket}/key', 'x-amz-metadata-directive': 'REPLACE'}).status


REPLACING = [
    pytest.param(complete_another, b'new', id='complete'),
    pytest.param(lambda client, bucket: client.request('PUT', bucket, 'key', body=b'new').status, b'new', id='put'),
    pytest.param(copy_over, b'new', id='copy'),
    pytest.param(copy_onto_itself, WHOLE, id='copy-onto-itself'),
    pytest.param(lambda client, bucket: client.request('DELETE', bucket, 'key').status, None, id='delete'),
    pytest.param(lambda client, bucket: delete_many(client, bucket, 'key').status, None, id='delete-many'),
]


def freed(proxy):
    """Return whether parts have been put into the queue, once what goes on behind answers is over."""
    settle()
    return any(method == 'UPDATE' for method, *_ in proxy.above.requests())


def multipart(client, bucket, key='key'):
    """Make a multipart object and return the upload that made it."""
    upload = Upload(client, bucket, key).parts(*BODIES)
    assert 200 == upload.complete().status
    return upload


@pytest.fixture
def old(client, bucket):
    """The upload that made the object at `key`."""
    return multipart(client, bucket)


def put(client, upload, body=b'new', headers=()):
    """Put an object in the place of the one that an upload made; return the Answer."""
    return client.request('PUT', upload.bucket, upload.key, headers=headers, body=body)


def check_whole(upload, query=()):
    assert WHOLE == read(upload.client, upload.bucket, upload.key, query).body


# What is freed

@pytest.fixture(scope='module')
def aftermath(daemons, faulty, keeping, make_client):
    """Uploads whose objects were replaced in every way, by way and by proxy, after the object expirer has come."""
    uploads = {}
    for name, url in (('freeing', faulty.url), ('keeping', keeping.url)):
        for way in REPLACING:
            bucket = f'{name}-{way.id}-{secrets.token_hex(4)}'
            make_client().create_bucket(Bucket=bucket)
            client = RawClient(url)
            uploads[name, way.id] = multipart(client, bucket)
            with faulty.above.following():
                assert way.values[0](client, bucket) in (200, 204)
                if name == 'freeing':
                    assert freed(faulty)
    daemons.expire()
    return uploads


@pytest.mark.parametrize('way, body', [pytest.param(way.id, way.values[1], id=way.id) for way in REPLACING])
@pytest.mark.parametrize('name, left', [('freeing', []), ('keeping', [1, 2, 3])])
def test_parts_of_what_is_replaced(aftermath, swift, name, left, way, body):
    """The object expirer deletes them; with `free_replaced_parts = false` they stay, also with S3 deletes."""
    upload = aftermath[name, way]

    assert left == upload.stored_numbers(swift)
    answer = read(upload.client, upload.bucket, 'key')
    assert (404, 'NoSuchKey') == answer.outcome if body is None else body == answer.body


def test_client_does_not_wait(faulty, client, old):
    """The answer does not wait for what is freed, nor does it tell when that fails."""
    with faulty.above.following(rule('UPDATE', '', hold='queue', times=1)):
        assert 200 == put(client, old).status
        faulty.above.wait_held('queue')
    multipart(client, old.bucket)
    with faulty.above.following(rule('UPDATE', '', status='503 Service Unavailable')):
        assert 204 == client.request('DELETE', old.bucket, 'key').status
        assert freed(faulty)
    assert (404, 'NoSuchKey') == read(client, old.bucket, 'key').outcome


@pytest.mark.parametrize('held', ['look', 'put'])
def test_look_and_write_go_side_by_side(faulty, client, old, swift, held):
    """Neither waits for the other. A look that is overtaken by the write leaves the parts to the sweep."""
    method, other = ('HEAD', 'PUT') if held == 'look' else ('PUT', 'HEAD')
    with faulty.above.following(rule(method, '/key$', hold=held, times=1)), \
            at_once(lambda: put(client, old)) as (sent,):
        faulty.above.wait_held(held)
        faulty.above.wait_for(other, '/key$')
        if held == 'look':
            assert 200 == sent.result().status
        faulty.above.release(held)
        assert 200 == sent.result().status
        assert (held == 'put') == freed(faulty)

    assert b'new' == read(client, old.bucket, 'key').body
    assert [1, 2, 3] == old.stored_numbers(swift)


@pytest.mark.parametrize('remove', [lambda client, bucket: client.request('DELETE', bucket, 'key'),
                                    lambda client, bucket: delete_many(client, bucket, 'key')],
                         ids=['delete', 'delete-many'])
def test_s3api_that_does_not_look(cluster, next_s3api, client, old, remove):
    """Where s3api neither looks at what it deletes nor tells SLO to delete segments, the parts are freed all the same.
    """
    with counting(next_s3api.above) as seen:
        assert remove(RawClient(next_s3api.url), old.bucket).status in (200, 204)
        assert freed(next_s3api)

    assert ['HEAD object', 'DELETE object'] == [each for each in seen.order if each != 'HEAD bucket'][:2]
    assert (404, 'NoSuchKey') == read(client, old.bucket, 'key').outcome


def test_look_that_fails(faulty, client, old, swift):
    """A PUT whose look at what it replaces fails is a success all the same, and leaves the parts."""
    with faulty.above.following(rule('HEAD', '/key$', status='503 Service Unavailable', times=1)):
        assert 200 == put(client, old).status
        assert not freed(faulty)

    assert [1, 2, 3] == old.stored_numbers(swift)


def test_writer_without_rights_on_the_segments(faulty, client, old, swift):
    """Whoever may write to the bucket may replace and delete its objects, and their parts go; nobody else."""
    other = RawClient(faulty.url, 'test:tester3', 'testing3')
    with faulty.above.following():
        assert (403, 'AccessDenied') == put(other, old).outcome
        assert 403 == other.request('DELETE', old.bucket, 'key').status
        assert not freed(faulty)
    check_whole(old)
    swift.post_container(old.bucket, {'X-Container-Write': 'test:tester3', 'X-Container-Read': 'test:tester3'})

    with faulty.above.following():
        assert 204 == other.request('DELETE', old.bucket, 'key').status
        assert freed(faulty)
    assert (404, 'NoSuchKey') == read(client, old.bucket, 'key').outcome


# What is not

def test_write_that_fails(faulty, client, old):
    """A PUT that is refused, or a Complete, replaces nothing."""
    another = Upload(client, old.bucket).parts(b'new')
    with faulty.above.following():
        assert (400, 'BadDigest') == put(client, old, headers={'Content-MD5': '1B2M2Y8AsgTpgAmY7PhCfg=='}).outcome
        assert (412, 'PreconditionFailed') == another.complete(headers={'If-None-Match': '*'}).outcome
        assert (400, 'InvalidPart') == another.complete([(1, '0' * 32)]).outcome
        assert not freed(faulty)
    check_whole(old)


def test_write_that_is_older(faulty, slow, client, old):
    """What a proxy with a slow clock writes or deletes does not replace the object, which stays whole."""
    late = RawClient(slow.url)
    with slow.above.following():
        statuses = put(late, old).status, late.request('DELETE', old.bucket, 'key').status
        assert not freed(slow), statuses
    # What Swift's s3api makes of them.
    assert (200, 503) == statuses
    check_whole(old)


def test_other_uploads_of_the_key(faulty, client, old, swift):
    """An upload that is open keeps its parts when the object at its key is replaced."""
    another = Upload(client, old.bucket).parts(*BODIES)
    with faulty.above.following():
        put(client, old)
        assert freed(faulty)

    assert [1, 2, 3] == another.stored_numbers(swift)
    assert 200 == another.complete().status
    check_whole(another)


@pytest.mark.parametrize('remove', [
    lambda client, bucket: client.request('DELETE', bucket, 'copy'),
    lambda client, bucket: client.request('PUT', bucket, 'copy', body=b'new'),
    lambda client, bucket: delete_many(client, bucket, 'copy'),
], ids=['delete', 'put', 'delete-many'])
def test_copy_of_the_manifest(faulty, client, old, swift, remove):
    """What a copied manifest lists are parts of the object they were uploaded for: they stay when the copy goes."""
    swift.put_object(old.bucket, 'copy', b'', headers={'X-Copy-From': f'{old.bucket}/key'},
                     query_string='multipart-manifest=get')
    assert WHOLE == read(client, old.bucket, 'copy').body
    with faulty.below.following():
        assert remove(client, old.bucket).status in (200, 204)
    assert {f'{old.bucket}/copy'} == {
        path for method, path, *_ in faulty.below.requests() if method in ('PUT', 'DELETE', 'UPDATE')}
    check_whole(old)


def test_link_to_the_object(faulty, client, old, swift):
    """A link that is replaced, or deleted, leaves the object it points to."""
    for remove in (lambda: client.request('DELETE', old.bucket, 'link'),
                   lambda: client.request('PUT', old.bucket, 'link', body=b'new')):
        swift.put_object(old.bucket, 'link', b'', headers={'X-Symlink-Target': f'{old.bucket}/key'})
        assert WHOLE == read(client, old.bucket, 'link').body
        with faulty.above.following():
            assert remove().status in (200, 204)
            assert not freed(faulty)
    check_whole(old)


def test_bucket_that_archives_in_the_older_way(faulty, client, old, swift):
    """Where Swift keeps what is overwritten in another container, that needs the parts."""
    archive = old.bucket + '-archive'
    swift.put_container(archive)
    swift.post_container(old.bucket, {'X-History-Location': archive})
    with faulty.above.following(), faulty.below.following():
        put(client, old)
        multipart(client, old.bucket)
        client.request('DELETE', old.bucket, 'key')
        assert not freed(faulty)

    archived = [row['name'] for row in swift.get_container(archive)[1] if row['bytes'] and row['bytes'] > 3]
    assert 2 == len(archived)
    for name in archived:
        assert WHOLE == swift.get_object(archive, name)[1]


def test_object_of_stock_s3api(faulty, client, stock, bucket, swift):
    """What stock s3api made is deleted with its parts, as ever."""
    multipart(stock, bucket)
    with faulty.below.following():
        assert 204 == client.request('DELETE', bucket, 'key').status
        assert ['UPDATE', 'DELETE'] == [
            method for method, *_ in faulty.below.requests() if method in ('UPDATE', 'DELETE')]


# Races

def test_object_whose_complete_died(faulty, client, bucket, later, swift):
    """While the marker is there its Complete may come again, and needs the parts."""
    upload = Upload(client, bucket).parts(*BODIES)
    with faulty.above.following(rule('PUT', upload.id + '$', die=True)):
        assert 500 == upload.complete().status
    with faulty.above.following():
        assert 200 == put(client, upload).status
        assert not freed(faulty)

    assert [1, 2, 3] == upload.stored_numbers(swift)
    assert 200 == upload.complete(client=later).status
    check_whole(upload)


def test_same_manifest_again(faulty, other, client, bucket):
    """A Complete that was overtaken by its own repeat, and then by a PUT, brings nothing back."""
    upload = Upload(client, bucket).parts(*BODIES)
    with faulty.above.following(rule('PUT', f'/{bucket}/key$', hold='manifest', times=1)), other.above.following(), \
            at_once(upload.complete) as (slow,):
        faulty.above.wait_held('manifest')
        assert 200 == upload.complete(client=RawClient(other.url)).status
        assert 200 == put(RawClient(other.url), upload).status
        assert freed(other)
        faulty.above.release('manifest')
        assert (404, 'NoSuchUpload') == slow.result().outcome
    assert b'new' == read(client, bucket, 'key').body


def test_versions_begin_in_between(faulty, client, old, swift):
    """An object that became a version while a PUT was on its way that did not know of versions stays whole."""
    with faulty.below.following(rule('PUT', '/key$', hold='put', times=1)), \
            at_once(lambda: put(client, old)) as (slow,):
        faulty.below.wait_held('put')
        swift.post_container(old.bucket, {'X-Versions-Enabled': 'true'})
        swift.put_object(old.bucket, 'key', b'with versions')
        with faulty.above.following():
            faulty.below.release('put')
            assert 200 == slow.result().status
            assert not freed(faulty)

    kept = [row for row in swift.get_container(old.bucket, query_string='versions')[1] if row['bytes'] == len(WHOLE)]
    check_whole(old, {'versionId': kept[0]['version_id']})


@pytest.mark.parametrize('rival', ['PUT', 'DELETE'])
def test_object_that_goes_while_it_is_deleted(faulty, client, bucket, old, swift, rival):
    """Between the look of s3api, which sees a multipart object, and the DELETE: whatever is there is deleted."""
    with faulty.above.following(rule('HEAD', '/key$', hold='look', after=True, times=1)), \
            at_once(lambda: client.request('DELETE', bucket, 'key')) as (slow,):
        faulty.above.wait_held('look')
        if rival == 'PUT':
            swift.put_object(bucket, 'key', b'new')
        else:
            swift.delete_object(bucket, 'key')
        faulty.above.release('look')
        assert 204 == slow.result().status
    assert 404 == read(client, bucket, 'key').status


# What it costs

def test_requests(faulty, client, bucket, old):
    """One HEAD more beside a PUT; none more for a delete; the rest is behind the answer."""
    with counting(faulty.above) as seen:
        put(client, old)
    assert ['HEAD object', 'PUT object'] == seen.order[:2]
    assert ['HEAD marker', 'GET markers', 'HEAD intent', 'HEAD note', 'GET segments container',
            'HEAD object', 'GET bucket', 'HEAD bucket', 'PUT note', 'HEAD note',
            'UPDATE expirer queue'] == seen.order[2:]

    with counting(faulty.above) as seen:
        put(client, old)
        client.request('DELETE', bucket, 'key')
    assert ['HEAD object', 'PUT object', 'HEAD object', 'DELETE object'] == seen.order

    multipart(client, bucket)
    with counting(faulty.above) as seen:
        client.request('DELETE', bucket, 'key')
        assert freed(faulty)
    # This one is s3api's.
    assert ['HEAD object', 'DELETE object', 'HEAD marker'] == seen.order[:3]


def test_requests_in_a_bucket_without_uploads(faulty, client, bucket):
    """Where there never was an upload a PUT costs nothing more, once that is known."""
    client.request('PUT', bucket, 'small', body=b'1')
    with counting(faulty.above) as seen:
        client.request('PUT', bucket, 'small', body=b'2')
    assert ['PUT object'] == seen.order

    old = multipart(client, bucket, 'small')
    with counting(faulty.above) as seen:
        put(client, old)
        assert freed(faulty)
    assert ['HEAD object', 'PUT object'] == seen.order[:2]
