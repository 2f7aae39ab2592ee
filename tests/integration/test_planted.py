# SPDX-License-Identifier: Apache-2.0
"""On a real Swift, with and without encryption: what a user has put where s3multi looks is not followed.

``tests/model/test_planted.py`` has the whole table; here is what depends on Swift's own filters and servers.
"""

from __future__ import annotations

import hashlib
import secrets
import time

import pytest

from s3multi.demo import conf

from . import users
from .raw import RawClient
from .uploads import TINY_PARTS, Upload, tiny_parts

SECRET = b'of another account'
SECRET_ETAG = hashlib.md5(SECRET).hexdigest()
MARKER_TYPE = 'application/x-s3multi-marker;state=open;initiator=x'
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
LINKS_OUT = ('link to another account', 'link to nothing')
THINGS = (*LINKS_OUT, 'link to itself', 'static link', 'large object', 'dynamic large object')


# Each with plain objects, and a few with encrypted ones.
each_thing = pytest.mark.parametrize('client, thing', [
    *(('plain', thing) for thing in THINGS), ('encrypted', 'static link'), ('encrypted', 'large object')],
    indirect=['client'])
# No user can put anything where the other markers lie.
OF_0_1 = conf.merge(TINY_PARTS, {'s3multi': {'initiate_for_release': '0.1'}})


@pytest.fixture(scope='module')
def client(request, cluster):
    """A client of the account's administrator; the parameter is ``plain``, ``encrypted`` or ``of 0.1``."""
    if request.param == 'plain':
        return RawClient(tiny_parts(cluster).url)
    if request.param == 'of 0.1':
        return RawClient((cluster.proxies.get('of-0.1') or cluster.add_proxy('of-0.1', filters=OF_0_1)).url)
    return RawClient((cluster.proxies.get('planted') or cluster.add_proxy(
        'planted', pipeline=cluster.pipeline.replace(' symlink ', ' symlink keymaster encryption '), filters={
            **TINY_PARTS, 'keymaster': {'use': 'egg:swift#keymaster', 'encryption_root_secret': 'c2VjcmV0' * 6},
            'encryption': {'use': 'egg:swift#encryption'}})).url)


@pytest.fixture(scope='module')
def swift(client):
    """A connection to the Swift API of the client's proxy."""
    proxy = type('Proxy', (), {'url': client.address.geturl(), 'auth_url': client.address.geturl() + '/auth/v1.0'})
    connection = users.auth.connection(proxy, 'test:tester', 'testing')
    yield connection
    connection.close()


@pytest.fixture(scope='module')
def hidden(cluster):
    """A container of another account, with an object ``secret``."""
    connection = users.auth.connection(cluster.proxy, 'test2:tester2', 'testing2')
    container = 'hidden-' + secrets.token_hex(8)
    connection.put_container(container)
    connection.put_object(container, 'secret', SECRET)
    connection.close()
    return container


@pytest.fixture
def bucket(client):
    """A bucket with an object ``own``."""
    name = 'planted-' + secrets.token_hex(8)
    assert 200 == client.request('PUT', name).status
    assert 200 == client.request('PUT', name, 'own', body=b'own').status
    return name


def plant(swift, hidden, bucket, thing, container, name):
    """Put a thing at a name, where nothing else is then."""
    headers, body, query = {
        'link to another account': ({'X-Symlink-Target': hidden + '/secret',
                                     'X-Symlink-Target-Account': users.auth.account('test2')}, b'', None),
        'link to nothing': ({'X-Symlink-Target': hidden + '/nothing',
                             'X-Symlink-Target-Account': users.auth.account('test2')}, b'', None),
        'link to itself': ({'X-Symlink-Target': bucket + '/back'}, b'', None),
        'static link': ({'X-Symlink-Target': bucket + '/own',
                         'X-Symlink-Target-Etag': hashlib.md5(b'own').hexdigest()}, b'', None),
        'large object': ({}, f'[{{"path": "/{bucket}/own"}}]', 'multipart-manifest=put'),
        'dynamic large object': ({'X-Object-Manifest': bucket + '/ow'}, b'', None),
    }[thing]
    if thing == 'link to itself':
        swift.put_object(bucket, 'back', b'', headers={'X-Symlink-Target': f'{container}/{name}'})
    swift.put_object(container, name, body, headers=headers, query_string=query, content_type=MARKER_TYPE)


def begun(client, bucket, key):
    """Return an upload with one part."""
    return Upload(client, bucket, key).parts(b'part')


@pytest.mark.parametrize('client', ['of 0.1'], indirect=True)
@pytest.mark.parametrize('thing', THINGS)
def test_in_place_of_a_marker(client, swift, hidden, bucket, thing):
    """There is no upload, whatever type the thing has. Only a dynamic large object is an object as any other."""
    upload = begun(client, bucket, 'key')
    plant(swift, hidden, bucket, thing, f'{bucket}_segments', f'key/{upload.id}')
    there = thing.startswith('dynamic')

    assert there == upload.is_open()
    assert (upload.id in client.list_uploads(bucket).body.decode()) == there
    assert (200 if there else NO_SUCH_UPLOAD) == upload.complete().outcome
    assert NO_SUCH_UPLOAD == upload.abort().outcome


@each_thing
def test_in_place_of_a_part(client, swift, hidden, bucket, thing):
    """There is no such part. A dynamic large object is one, but not of these bytes."""
    upload = begun(client, bucket, 'key')
    name, = (name for name in upload.stored(swift) if name and name != '/complete')
    plant(swift, hidden, bucket, thing, f'{bucket}_segments', f'key/{upload.id}{name}')

    assert (400, 'InvalidPart') == upload.complete().outcome
    assert (400, 'InvalidPart') == upload.complete([(1, SECRET_ETAG)]).outcome
    assert SECRET_ETAG not in upload.list_parts().body.decode()
    assert 204 == upload.abort().status


@each_thing
def test_at_the_key(client, swift, hidden, bucket, thing):
    """It is replaced, and a version then. A condition is compared with what the client may read. Aborts end."""
    swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    first, second = begun(client, bucket, 'key'), begun(client, bucket, 'key')
    plant(swift, hidden, bucket, thing, bucket, 'key')

    denied = (403, 'AccessDenied') if thing in LINKS_OUT else (412, 'PreconditionFailed')
    assert denied == first.complete(headers={'If-Match': SECRET_ETAG}).outcome
    assert (412, 'PreconditionFailed') == first.complete(headers={'If-None-Match': '*'}).outcome
    assert [204, 204] == [second.abort().status for _ in range(2)]
    assert 200 == first.complete().outcome
    assert b'part' == client.request('GET', bucket, 'key').body
    assert b'own' == client.request('GET', bucket, 'own').body
    assert 204 == client.request('DELETE', bucket, 'key').status


@pytest.mark.parametrize('client', ['plain', 'encrypted'], indirect=True)
def test_object_that_expires(client, swift, bucket):
    """Once it has expired, a Complete finds no object at the key."""
    upload = begun(client, bucket, 'key')
    swift.put_object(bucket, 'key', b'', headers={'X-Delete-After': '1'})
    time.sleep(2)

    assert 200 == upload.complete(headers={'If-None-Match': '*'}).outcome


@pytest.mark.parametrize('client', ['of 0.1'], indirect=True)
def test_marker_that_expires(client, swift, bucket):
    """A marker that a user has let expire is none."""
    upload = begun(client, bucket, 'key')
    swift.post_object(f'{bucket}_segments', f'key/{upload.id}', {'X-Delete-After': '1', 'Content-Type': MARKER_TYPE})
    time.sleep(2)

    assert [NO_SUCH_UPLOAD] * 2 == [upload.complete().outcome, upload.abort().outcome]
