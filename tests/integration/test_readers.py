# SPDX-License-Identifier: Apache-2.0
"""Who may read the bucket reads its multipart objects, with no right on the segments container; and nothing else.

https://docs.openstack.org/swift/latest/overview_acl.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from types import SimpleNamespace
from urllib.parse import quote

import pytest
import swiftclient

from s3multi.demo.cluster import PIPELINE

from .raw import RawClient
from .uploads import ACCOUNT, TINY_PARTS, Upload, segment_names, tiny_parts

BODIES = [b'the first part, ', b'the second, ', b'the last']
WHOLE = b''.join(BODIES)
# Not fit for a URL, a path of its own, and like a part itself.
KEYS = ['key', 'a/b', 'gr\u00fcn \u2713/50%?&=+', 'k/00000001-01234567890', 'trailing/']
TEMPURL_KEY = 'key of the temporary URL'


class Person:
    """Somebody who talks to the Swift API: a user with a token, or anybody. headers: sent with every request."""

    def __init__(self, proxy, user=None, key=None, headers=()):
        self.raw = RawClient(proxy.url)
        self.headers = dict(headers)
        if user is not None:
            self.headers['X-Auth-Token'] = swiftclient.get_auth(proxy.auth_url, user, key)[1]

    def ask(self, method, container, name=None, query=(), headers=(), body=b'', account=ACCOUNT):
        """Send a request and return the Answer."""
        return self.raw.request(method, query=query, headers={**self.headers, **dict(headers)}, body=body, sign=None,
                                path=path_of(container, name, account))


class S3Person:
    """Somebody who talks to the S3 API; asks as Person does."""

    def __init__(self, proxy, access, secret, sign='v4'):
        self.raw, self.sign = RawClient(proxy.url, access, secret), sign

    def ask(self, method, container, name=None, query=(), headers=(), body=b''):
        query = {{'part-number': 'partNumber', 'version-id': 'versionId'}.get(word, word): value
                 for word, value in dict(query).items()}
        return self.raw.request(method, container, name, query, headers, body, sign=self.sign)


class Link:
    """Somebody who was given temporary URLs, signed with the key of the account or the container."""

    def __init__(self, proxy):
        self.raw = RawClient(proxy.url)

    def ask(self, method, container, name, query=(), headers=()):
        path, expires = path_of(container, name), int(time.time()) + 300
        # The path is signed as it is before it is encoded.
        text = f'{method}\n{expires}\n/v1/{ACCOUNT}/{container}/{name}'
        signature = hmac.new(TEMPURL_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
        return self.raw.request(method, query={'temp_url_sig': signature, 'temp_url_expires': expires},
                                headers=headers, path=path, sign=None)


def path_of(container, name=None, account=ACCOUNT):
    """Return the encoded path of a container or an object."""
    return '/v1/' + '/'.join(quote(part) for part in (account, container, name) if part is not None)


@pytest.fixture(scope='module')
def proxy(cluster):
    """A proxy that takes parts of any size."""
    return tiny_parts(cluster)


@pytest.fixture(scope='module')
def owner(proxy):
    """The administrator of the account."""
    return Person(proxy, 'test:tester', 'testing')


@pytest.fixture(scope='module')
def user(proxy):
    """A user of the account who has no rights but those that a bucket grants."""
    return Person(proxy, 'test:tester3', 'testing3')


@pytest.fixture(scope='module')
def s3_user(proxy):
    """The same user, through the S3 API."""
    return S3Person(proxy, 'test:tester3', 'testing3')


@pytest.fixture(scope='module')
def stranger(proxy):
    """The administrator of another account."""
    return Person(proxy, 'test2:tester2', 'testing2')


@pytest.fixture(scope='module')
def make_bucket(owner):
    """A factory of buckets with these headers."""
    def make(**headers):
        name = 'readers-' + secrets.token_hex(6)
        answer = owner.ask('PUT', name, headers=named(headers))
        assert 201 == answer.status, answer.body
        return name
    return make


@pytest.fixture(scope='module')
def make_object(proxy):
    """A factory of finished uploads in a bucket."""
    def make(bucket, key='key', bodies=BODIES, url=None):
        upload = Upload(RawClient(url or proxy.url), bucket, key).parts(*bodies)
        assert 200 == upload.complete().outcome
        return upload
    return make


def named(headers):
    """Return keyword arguments as headers."""
    return {name.replace('_', '-'): value for name, value in headers.items()}


def grant(owner, bucket, read='', write=''):
    """Set the ACLs of a bucket."""
    assert 204 == owner.ask('POST', bucket, headers={'X-Container-Read': read, 'X-Container-Write': write}).status


# Who reads

READERS = {
    'a user of the account': ('test:tester3', lambda proxy: Person(proxy, 'test:tester3', 'testing3')),
    'a user of another account': ('test2:tester2', lambda proxy: Person(proxy, 'test2:tester2', 'testing2')),
    'another account': ('test2', lambda proxy: Person(proxy, 'test2:tester2', 'testing2')),
    'anybody': ('.r:*', Person),
    'a referrer': ('.r:.example.com', lambda proxy: Person(proxy, headers={'Referer': 'http://www.example.com/x'})),
    'a user through S3': ('test:tester3', lambda proxy: S3Person(proxy, 'test:tester3', 'testing3')),
    'a presigned URL': ('test:tester3', lambda proxy: S3Person(proxy, 'test:tester3', 'testing3', 'presigned-v4')),
    'a tempurl of the account': ('', Link),
    'a tempurl of the container': ('', Link),
}


@pytest.fixture(scope='module', params=READERS)
def reader(request, proxy, owner, make_bucket, make_object):
    """Somebody who may read the bucket of `upload`: `ask` with method, query and headers."""
    acl, make = READERS[request.param]
    bucket = make_bucket(X_Container_Read=acl)
    keyed = {'a tempurl of the account': None, 'a tempurl of the container': bucket}.get(request.param, '')
    if keyed != '':
        header = f'X-{"Container" if keyed else "Account"}-Meta-Temp-Url-Key'
        assert 204 == ask_for_keys(owner, keyed, {header: TEMPURL_KEY}).status
    person, upload = make(proxy), make_object(bucket)
    yield SimpleNamespace(upload=upload, person=person, kind=request.param, ask=lambda method, query=(), headers=():
                          person.ask(method, bucket, upload.key, query, headers))
    if keyed is None:
        ask_for_keys(owner, None, {'X-Account-Meta-Temp-Url-Key': ''})


def ask_for_keys(owner, container, headers):
    """POST metadata to a container, or to the account."""
    return owner.raw.request('POST', path=f'/v1/{ACCOUNT}' + (f'/{container}' if container else ''), sign=None,
                             headers={**owner.headers, **headers})


WAYS = {
    'whole': ('GET', {}, {}, 200, WHOLE),
    'range in one part': ('GET', {}, {'Range': 'bytes=4-8'}, 206, WHOLE[4:9]),
    'range across parts': ('GET', {}, {'Range': 'bytes=10-30'}, 206, WHOLE[10:31]),
    'open range': ('GET', {}, {'Range': 'bytes=20-'}, 206, WHOLE[20:]),
    'last bytes': ('GET', {}, {'Range': 'bytes=-10'}, 206, WHOLE[-10:]),
    'if there': ('GET', {}, {'If-Match': '*'}, 200, WHOLE),
    'if not there': ('GET', {}, {'If-None-Match': '*'}, 304, b''),
    'first part': ('GET', {'part-number': 1}, {}, 206, BODIES[0]),
    'last part': ('GET', {'part-number': 3}, {}, 206, BODIES[2]),
    'HEAD': ('HEAD', {}, {}, 200, len(WHOLE)),
    'HEAD of a part': ('HEAD', {'part-number': 2}, {}, 206, len(BODIES[1])),
}


@pytest.mark.parametrize('way', WAYS)
def test_reader_of_the_bucket_reads_its_multipart_object(reader, way):
    """Whole, by range, by part number and under conditions, as the owner does."""
    method, query, headers, status, expected = WAYS[way]
    if query and isinstance(reader.person, Link):
        pytest.skip('tempurl takes the query away')

    answer = reader.ask(method, query, headers)

    assert status == answer.status
    assert expected == (int(answer.headers['Content-Length']) if method == 'HEAD' else answer.body)


def test_two_ranges(reader):
    """Several ranges in one request, each in another part."""
    answer = reader.ask('GET', headers={'Range': 'bytes=0-2,30-34'})

    assert 206 == answer.status
    assert WHOLE[:3] in answer.body and WHOLE[30:35] in answer.body


@pytest.mark.parametrize('key', KEYS)
def test_any_key(owner, user, s3_user, make_bucket, make_object, key):
    """Whatever the key, also one that looks like a part."""
    bucket = make_bucket(X_Container_Read='test:tester3')
    make_object(bucket, key)

    assert WHOLE == user.ask('GET', bucket, key).body == s3_user.ask('GET', bucket, key).body
