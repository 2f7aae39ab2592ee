# SPDX-License-Identifier: Apache-2.0
"""The security fixes of Swift hold for S3 requests, and for temporary URLs, with every Swift that is supported.

https://docs.openstack.org/releasenotes/swift/
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

import pytest
import requests

from . import users
from .raw import RawClient
from .uploads import TINY_PARTS, Upload, read, tiny_parts

NATIVE = {
    'copy': {'X-Copy-From': '/{bucket}/hidden', 'X-Copy-From-Account': '{account}'},
    'link': {'X-Symlink-Target': '{bucket}/hidden', 'X-Symlink-Target-Account': '{account}'},
    'dynamic': {'X-Object-Manifest': '{bucket}/hid'},
    'static': {'X-Static-Large-Object': 'True'},
    'update': {'X-Container-Host': '127.0.0.1:1', 'X-Container-Partition': '1', 'X-Container-Device': 'd1',
               'X-Delete-At-Host': '127.0.0.1:1'},
}
SENSITIVE = [('x-amz-meta-colour', 'red'), ('x-amz-acl', 'private'), ('x-amz-grant-read', 'id=test:tester3')]
UNSIGNED = (403, 'AccessDenied')


@pytest.fixture(scope='module')
def hidden(cluster):
    """An object of another account: the values for the headers of NATIVE."""
    connection = users.auth.connection(cluster.proxy, 'test2:tester2', 'testing2')
    bucket = 'hidden-' + secrets.token_hex(8)
    connection.put_container(bucket)
    connection.put_object(bucket, 'hidden', b'of another account')
    connection.close()
    return {'bucket': bucket, 'account': users.auth.account('test2')}


@pytest.fixture(scope='module', params=['acl of swift', 'acl of s3'])
def client(request, cluster):
    """A client of the account's administrator; s3_acl is off and on."""
    if request.param == 'acl of swift':
        return RawClient(tiny_parts(cluster).url)
    return RawClient(cluster.add_proxy('s3-acl', filters={**TINY_PARTS, 's3api': {'s3_acl': True}}).url)


@pytest.fixture(scope='module')
def place(client):
    """A bucket of the client with an object."""
    bucket = 'place-' + secrets.token_hex(8)
    assert 200 == client.request('PUT', bucket).status
    assert 200 == client.request('PUT', bucket, 'source', body=b'source').status
    return bucket


def add(*headers):
    """Return what adds headers to a request that is already signed."""
    def tamper(request):
        for name, value in headers:
            request.headers[name] = value

    return tamper


@pytest.mark.parametrize('headers', NATIVE.values(), ids=NATIVE)
def test_controls_of_swift(client, place, hidden, headers):
    """In an S3 request they mean nothing: what is stored, and read, are the bytes and the object of the request."""
    headers = {name: value.format(**hidden) for name, value in headers.items()}
    key = secrets.token_hex(4)
    upload = Upload(client, place, key, headers)
    upload.etags[1] = client.upload_part(place, key, upload.id, 1, b'part', headers).headers['ETag']

    assert 200 == client.request('PUT', place, 'put', headers=headers, body=b'bytes').status
    assert b'bytes' == read(client, place, 'put', headers=headers).body
    assert 200 == client.request('PUT', place, 'copied', headers={
        **headers, 'x-amz-copy-source': f'/{place}/source'}).status
    assert b'source' == read(client, place, 'copied').body
    assert 200 == upload.complete(headers=headers).status
    assert b'part' == read(client, place, key).body
    assert 204 == client.request('DELETE', place, 'put', headers=headers).status


@pytest.mark.parametrize('sign', ['v4', 'presigned-v4'])
@pytest.mark.parametrize('query', [{}, {'partNumber': '1'}], ids=['object', 'part'])
def test_source_of_a_copy_that_was_not_signed(client, place, sign, query):
    """Who holds a signed PUT copies nothing with it."""
    upload = Upload(client, place, 'to')
    answer = client.request('PUT', place, 'to', query and {**query, 'uploadId': upload.id}, sign=sign,
                            payload='unsigned' if sign == 'v4' else 'signed',
                            tamper=add(('x-amz-copy-source', f'/{place}/source')))

    assert UNSIGNED == answer.outcome
    assert 'x-amz-copy-source' == answer.error['HeadersNotSigned']
    assert 404 == read(client, place, 'to').status
    assert not upload.list_parts().xml('ListPartsResult').findall('Part')


@pytest.mark.parametrize('header', SENSITIVE, ids=lambda header: header[0])
@pytest.mark.parametrize('query', [{}, {'uploads': None}], ids=['put', 'initiate'])
def test_what_else_has_to_be_signed(client, place, header, query):
    """ACL and metadata are the signer's to choose; what is signed is accepted."""
    method = 'POST' if query else 'PUT'

    assert UNSIGNED == client.request(method, place, 'to', query, sign='presigned-v4', tamper=add(header)).outcome
    if 'grant' not in header[0]:
        assert 200 == client.request(method, place, 'signed', query, [header]).status


@pytest.mark.parametrize('query', [{}, {'uploads': None}], ids=['put', 'initiate'])
def test_headers_beside_a_presigned_url(client, place, query):
    """What is Amazon's has to be signed, such as the algorithm of an upload; how to cache it, the sender may say."""
    method = 'POST' if query else 'PUT'
    outcomes = {name: client.request(method, place, 'to', query, sign='presigned-v4', tamper=add((name, value))).outcome
                for name, value in (('x-amz-checksum-algorithm', 'CRC32'), ('x-amz-storage-class', 'STANDARD'),
                                    ('Cache-Control', 'no-store'), ('Content-Language', 'de'))}

    assert {'x-amz-checksum-algorithm': UNSIGNED, 'x-amz-storage-class': UNSIGNED, 'Cache-Control': 200,
            'Content-Language': 200} == outcomes


def test_signature_of_version_2(client, place):
    """It covers every such header, so one that was added makes it wrong."""
    for sign in ('v2', 'presigned-v2'):
        assert (403, 'SignatureDoesNotMatch') == client.request('PUT', place, 'to', sign=sign, tamper=add(
            ('x-amz-copy-source', f'/{place}/source'))).outcome


def test_accept_that_is_slow_to_read(client, place):
    """S3 knows no such header, and nobody spends time on it."""
    headers = {'Accept': 'a/b;c="' + '\\\\' * 60}
    began = time.monotonic()
    for method, key, query in (('GET', None, {'versions': None}), ('GET', None, {}), ('GET', None, {'uploads': None}),
                               ('GET', 'source', {}), ('PUT', 'accept', {}), ('DELETE', 'accept', {})):
        assert client.request(method, place, key, query, headers).status in (200, 204)

    assert time.monotonic() - began < 60


def test_who_may_write_the_acl_of_a_bucket(client, place, swift):
    """And with ``s3_acl`` nothing else, sets neither a key for temporary URLs, nor Swift's ACL, nor versions."""
    user = RawClient(client.address.geturl(), 'test:tester3', 'testing3')
    grants = {'x-amz-grant-full-control': 'id=test:tester', 'x-amz-grant-write-acp': 'id=test:tester3'}
    granted = client.request('PUT', place, query={'acl': None}, headers=grants).status
    answer = user.request('PUT', place, query={'acl': None}, headers={
        **grants, 'X-Container-Meta-Temp-Url-Key': 'key', 'X-Container-Read': '.r:*', 'X-Versions-Enabled': 'true'})

    assert (200 == granted) == (200 == answer.status)
    assert not {'x-container-read', 'x-container-meta-temp-url-key', 'x-versions-enabled'} & set(
        swift.head_container(place))


def test_temporary_url(cluster, swift, bucket):
    """One for a PUT copies no other object of the container; it stores what is sent."""
    swift.post_container(bucket, {'X-Container-Meta-Temp-Url-Key': 'key'})
    swift.put_object(bucket, 'hidden', b'hidden')
    path = f'/v1/{users.account()}/{bucket}/put'
    expires = int(time.time()) + 300
    signature = hmac.new(b'key', f'PUT\n{expires}\n{path}'.encode(), hashlib.sha256).hexdigest()
    url = f'{cluster.url}{path}?temp_url_sig={signature}&temp_url_expires={expires}'

    assert 400 == requests.put(url, headers={'X-Copy-From': f'/{bucket}/hidden'}, timeout=30).status_code
    assert 201 == requests.put(url, data=b'bytes', timeout=30).status_code
    assert b'bytes' == swift.get_object(bucket, 'put')[1]
