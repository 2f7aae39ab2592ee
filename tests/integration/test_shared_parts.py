# SPDX-License-Identifier: Apache-2.0
"""What the Swift API makes of the parts of S3 uploads keeps them, wherever it is, until it is gone itself."""

from __future__ import annotations

import secrets
from urllib.parse import quote

import pytest
import requests
from swiftclient import ClientException

from . import users
from .raw import RawClient
from .test_replaced import freed
from .uploads import Upload, segment_names

BODIES = (b'one', b'two')


@pytest.fixture
def client(faulty):
    """A client of a proxy whose requests are watched."""
    return RawClient(faulty.url)


@pytest.fixture
def elsewhere(swift):
    """The name of another container of the account."""
    name = 'elsewhere-' + secrets.token_hex(8)
    swift.put_container(name)
    return name


def manifest_of(swift, upload):
    return swift.get_object(upload.bucket, upload.key, query_string='multipart-manifest=get&format=raw')[1]


def copy(swift, source, destination):
    """Send the COPY of a manifest, which the client of the Swift API cannot."""
    url, token = swift.get_auth()
    answer = requests.request('COPY', f'{url}/{source}?multipart-manifest=get', timeout=60, headers={
        'X-Auth-Token': token, 'Destination': destination})
    assert 201 == answer.status_code, answer.text


def copied(swift, upload, container):
    copy(swift, f'{upload.bucket}/{upload.key}', f'{container}/{upload.key}')


def copied_from(swift, upload, container):
    swift.put_object(container, upload.key, b'', query_string='multipart%2Dmanifest=get',
                     headers={'X-Copy-From': f'{upload.bucket}/{upload.key}'})


def written(swift, upload, container):
    swift.put_object(container, upload.key, manifest_of(swift, upload), query_string='multipart-manifest=put')


def dynamic(swift, upload, container):
    prefix = f'{upload.bucket}_segments/{upload.key}/{upload.id}/'
    swift.put_object(container, upload.key, b'', headers={'X-Object-Manifest': prefix.replace('_', '%5F', 1)})


def posted(swift, upload, container):
    swift.put_object(container, upload.key, b'')
    swift.post_object(container, upload.key, {'X-Object-Manifest': f'{upload.bucket}_segments/{upload.key}/'})


def copied_twice(swift, upload, container):
    """By a copy of what is at another place."""
    dynamic(swift, upload, upload.bucket + '_segments')
    copy(swift, f'{upload.bucket}_segments/{upload.key}', f'/{container}/{upload.key}')
    swift.delete_object(f'{upload.bucket}_segments', upload.key)


def linked(swift, upload, container):
    part = upload.key + '/' + upload.id + upload.stored(swift)[0]
    swift.put_object(container, upload.key, b'', headers={
        'X-Symlink-Target': quote(f'{upload.bucket}_segments/{part}')})


WAYS = (copied, copied_from, written, dynamic, posted, copied_twice, linked)


def test_every_way(daemons, faulty, client, bucket, elsewhere, sweeper, swift):
    """The S3 delete of the object takes nothing, nor does a sweep; what is left when it is gone, a sweep takes."""
    uploads = {way: Upload(client, bucket, way.__name__).parts(*BODIES) for way in WAYS}
    for way, upload in uploads.items():
        assert 200 == upload.complete().status
        way(swift, upload, elsewhere)
    with faulty.above.following():
        for upload in uploads.values():
            assert 204 == client.request('DELETE', bucket, upload.key).status
        assert not freed(faulty)
    daemons.expire()
    sweeper.bucket(bucket)

    whole = b''.join(BODIES)
    assert {way.__name__: BODIES[0] if way is linked else whole for way in WAYS} == {
        upload.key: swift.get_object(elsewhere, upload.key)[1] for upload in uploads.values()}

    for upload in uploads.values():
        swift.delete_object(elsewhere, upload.key)
    sweeper.bucket(bucket, days=6)
    sweeper.bucket(bucket, days=9)
    assert [] == [name for name in segment_names(swift, bucket) if not name.endswith('/freed')]


@pytest.mark.parametrize('knows', [False, True], ids=['guess', 'upload id'])
def test_writer_who_may_not_list_parts(cluster, faulty, client, bucket, elsewhere, swift, knows):
    """Keeps parts of an upload of which he was told, and nothing by a guess."""
    upload = Upload(client, bucket).parts(*BODIES)
    upload.complete()
    swift.post_container(elsewhere, {'X-Container-Write': 'test:tester3'})
    url, _ = swift.get_auth()
    writer = users.auth.connection(cluster.proxy, 'test:tester3', 'testing3')
    _, token = writer.get_auth()
    writer.close()
    answer = requests.put(f'{url}/{elsewhere}/guess', timeout=60, headers={'X-Auth-Token': token, 'X-Object-Manifest': (
        f'{bucket}_segments/key' + f'/{upload.id}' * knows)})
    assert 201 == answer.status_code

    with faulty.above.following():
        assert 204 == client.request('DELETE', bucket, 'key').status
        assert not knows == freed(faulty)


@pytest.mark.parametrize('way, status', [(written, 400), (linked, 409), (dynamic, 409)])
def test_what_is_being_deleted(faulty, client, bucket, elsewhere, swift, way, status):
    """Is good for nothing any more, though the expirer has not come."""
    upload = Upload(client, bucket).parts(*BODIES)
    upload.complete()
    manifest = manifest_of(swift, upload)
    with faulty.above.following():
        assert 204 == client.request('DELETE', bucket, 'key').status
        assert freed(faulty)

    assert [1, 2] == upload.stored_numbers(swift)
    with pytest.raises(ClientException) as raised:
        if way is written:
            swift.put_object(elsewhere, 'key', manifest, query_string='multipart-manifest=put')
        else:
            way(swift, upload, elsewhere)
    assert status == raised.value.http_status


def test_containers_of_other_programs(sweeper, s3, swift):
    """An empty one whose name ends as if it were for parts stays, whether its bucket is there, goes or never was."""
    names = ['foreign-' + secrets.token_hex(8) for _ in range(3)]
    for name in names:
        swift.put_container(f'{name}_segments', {'X-Container-Read': '.r:*', 'X-Container-Meta-Colour': 'red'})
    s3.create_bucket(Bucket=names[0])
    s3.create_bucket(Bucket=names[1])
    s3.delete_bucket(Bucket=names[1])
    for name in names:
        sweeper.run(f'{users.account()}/{name}', '--apply')

    for name in names:
        assert 'red' == swift.head_container(f'{name}_segments')['x-container-meta-colour']


def test_container_that_got_an_acl(sweeper, client, bucket, s3, swift):
    """It stays as well, although s3multi has made it; without one, it goes with its bucket."""
    others = [bucket, 'other-' + bucket]
    s3.create_bucket(Bucket=others[1])
    for name in others:
        assert 204 == Upload(client, name).abort().status
    swift.post_container(f'{bucket}_segments', {'X-Container-Read': '.r:*'})
    for name in others:
        s3.delete_bucket(Bucket=name)
        sweeper.run(f'{users.account()}/{name}', '--apply')

    assert [f'{bucket}_segments'] == [row['name'] for row in swift.get_account(full_listing=True)[1]
                                      if row['name'] in [f'{name}_segments' for name in others]]
