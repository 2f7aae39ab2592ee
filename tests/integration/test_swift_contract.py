# SPDX-License-Identifier: Apache-2.0
"""What s3multi relies on in Swift, asked of real servers and of the Swift in memory that the model test runs over."""

from __future__ import annotations

import base64
import functools
import http.client
import json
import secrets
import time
from urllib.parse import quote, urlencode, urlsplit

import pytest
from swift.common.exceptions import ChunkReadError
from swift.common.swob import HTTPConflict, Request
from swift.common.utils import Timestamp, md5

from tests.model.swift import Nature
from tests.model.world import World

from .users import account

FACTORY = f'{__name__}:filter_factory'
KINDS = ('memory', 'real')
# Not long ago: Swift forgets tombstones after a week.
T = int(time.time()) - 3600


def at(seconds=0, offset=0):
    """Return Swift's text for a time, so many seconds after T."""
    return Timestamp(T + seconds, offset=offset).internal


class Breaking:
    """A body that breaks off at its beginning. how: refused, or gone."""

    def __init__(self, how):
        self._error = {'refused': HTTPConflict, 'gone': ChunkReadError}[how]

    def read(self, *_):
        raise self._error()


# In the proxy: what gatekeeper would take off requests and answers travels in one header that it does not know.

def filter_factory(_global_conf, **_local_conf):
    """Makes of a request with the header Contract one from inside Swift."""
    return lambda app: functools.partial(_from_inside, app)


def _from_inside(app, env, start_response):
    request = Request(env)
    if 'Contract' not in request.headers:
        return app(env, start_response)
    request.headers.update(json.loads(base64.b64decode(request.headers.pop('Contract'))))
    env['swift.authorize_override'] = True
    env['swift.authorize'] = lambda _request: None
    override = request.headers.pop('Slo-Override', None)
    if override:
        env.update({'swift.slo_override': True, 'swift.content_type_overridden': True})
    if 'Break-Off' in request.headers:
        env['wsgi.input'] = Breaking(request.headers.pop('Break-Off'))
    response = request.get_response(app)
    response.body  # noqa: B018 - reads it
    response.headers['Contract'] = base64.b64encode(json.dumps(dict(response.headers)).encode()).decode()
    return response(env, start_response)


# In the tests

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.title(): value for name, value in headers.items()}

    @property
    def rows(self):
        return [row.get('name') or row['subdir'] for row in json.loads(self.body)]


class RealSwift:
    """A proxy over the cluster's servers, without s3multi."""

    def __init__(self, proxy):
        self._address = urlsplit(proxy.url)

    def ask(self, method, container, name=None, headers=None, body=b'', query=''):
        inside = base64.b64encode(json.dumps(headers or {}).encode()).decode()
        path = quote('/v1/%s/%s' % (account(), container) + ('/' + name if name else '')) + '?' + query
        connection = http.client.HTTPConnection(self._address.hostname, self._address.port, timeout=30)
        try:
            connection.request(method, path, body, {'Contract': inside, 'Content-Length': str(len(body))})
            response = connection.getresponse()
            return Answer(response.status, json.loads(base64.b64decode(response.headers['Contract'])), response.read())
        finally:
            connection.close()


def contract_proxy(cluster):
    """Return that proxy, starting it once."""
    return cluster.proxies.get('contract') or cluster.add_proxy(
        'contract', pipeline='catch_errors gatekeeper healthcheck contract slo versioned_writes symlink proxy-server',
        filters={'contract': {'paste.filter_factory': FACTORY}})


class ModelSwift:
    """The same filters over Swift in memory."""

    def __init__(self):
        self._world = World(None, Nature())

    def ask(self, method, container, name=None, headers=None, body=b'', query=''):
        headers = dict(headers or {})
        override, how = headers.pop('Slo-Override', None), headers.pop('Break-Off', None)
        response = self._world.ask(method, container, name, headers, body, query, bool(override),
                                   Breaking(how) if how else None)
        return Answer(response.status_int, dict(response.headers), response.body)


@pytest.fixture(scope='module', params=KINDS)
def asked(request):
    """Swift, of either kind."""
    if request.param == 'memory':
        return ModelSwift()
    return RealSwift(contract_proxy(request.getfixturevalue('cluster')))


@pytest.fixture
def container(asked):
    """A container of its own."""
    name = 'contract-' + secrets.token_hex(6)
    assert 201 == asked.ask('PUT', name).status
    return name


@pytest.fixture
def versioned(asked, container):
    """One with versions."""
    assert asked.ask('POST', container, headers={'X-Versions-Enabled': 'true'}).status in (202, 204)
    return container


def put(asked, container, name, time, body=b'', **headers):
    """Write an object at a time; return the status."""
    return asked.ask('PUT', container, name, {'X-Timestamp': time, 'Content-Type': 'text/plain', **headers},
                     body).status


def delete(asked, container, name, time):
    return asked.ask('DELETE', container, name, {'X-Timestamp': time}).status


def head(asked, container, name, query=''):
    return asked.ask('HEAD', container, name, {'X-Newest': 'true'}, query=query)


def listing(asked, container, **query):
    return asked.ask('GET', container, query=urlencode({'format': 'json', **query})).rows


# Timestamps

@pytest.mark.parametrize('second, status, stays', [
    (at(1), 201, b'second'), (at(0, 1), 201, b'second'), (at(0), 202, b'first'), (at(-1), 202, b'first'),
], ids=['later', 'later by an offset', 'equal', 'earlier'])
def test_put_over_an_object(asked, container, second, status, stays):
    """The newest timestamp wins; who comes with an older or equal one is told 202."""
    assert 201 == put(asked, container, 'o', at(0), b'first')

    assert status == put(asked, container, 'o', second, b'second')
    assert stays == asked.ask('GET', container, 'o').body


@pytest.mark.parametrize('time, status', [
    (at(1), 204), (at(0, 1), 204), (at(0), 409), (at(-1), 409),
], ids=['later', 'later by an offset', 'equal', 'earlier'])
def test_delete_at_a_time(asked, container, time, status):
    """A DELETE removes what is older, answers 409 for what is not, and 404 where nothing is."""
    put(asked, container, 'o', at(0))

    assert status == delete(asked, container, 'o', time)
    assert (404 if status == 204 else 200) == head(asked, container, 'o').status


def test_delete_of_nothing(asked, container):
    """404, and a tombstone that refuses older writes."""
    assert 404 == delete(asked, container, 'o', at(5))
    assert 404 == delete(asked, container, 'o', at(3))
    assert 202 == put(asked, container, 'o', at(4))
    assert 201 == put(asked, container, 'o', at(6))


def test_timestamp_of_a_tombstone(asked, container):
    """A HEAD of what was deleted tells when."""
    put(asked, container, 'o', at(0))
    delete(asked, container, 'o', at(0, 1))

    gone = head(asked, container, 'o')
    assert (404, at(0, 1)) == (gone.status, gone.headers['X-Backend-Timestamp'])


def test_put_unless_there_is_one(asked, container):
    """If-None-Match: * is 412 while there is an object, whatever the timestamp; a tombstone is none."""
    condition = {'If-None-Match': '*'}
    assert 201 == put(asked, container, 'o', at(0), **condition)
    assert 412 == put(asked, container, 'o', at(1), **condition)
    assert 412 == put(asked, container, 'o', at(-1), **condition)
    delete(asked, container, 'o', at(2))
    assert 202 == put(asked, container, 'o', at(1), **condition)
    assert 201 == put(asked, container, 'o', at(3), **condition)


@pytest.mark.parametrize('body', [b'body', b''], ids=['bytes', 'empty'])
@pytest.mark.parametrize('how, status', [('refused', 409), ('gone', 499)])
def test_put_of_a_body_that_breaks_off(asked, container, body, how, status):
    """Swift reads before it stores anything, an empty body too. A filter may refuse the body while it is read."""
    assert status == put(asked, container, 'o', at(0), body, **{'Break-Off': how})
    assert 404 == head(asked, container, 'o').status
    assert [] == listing(asked, container)


def test_metadata_of_an_object(asked, container):
    """What was written is shown: metadata, system metadata, type, ETag, timestamp."""
    put(asked, container, 'o', at(0, 2), b'body', **{
        'X-Object-Meta-Colour': 'blue', 'X-Object-Sysmeta-S3multi-Chosen': 'x', 'Content-Disposition': 'inline'})

    shown = head(asked, container, 'o').headers
    assert ('blue', 'x', 'inline', 'text/plain', at(0, 2), '4') == tuple(shown[name] for name in (
        'X-Object-Meta-Colour', 'X-Object-Sysmeta-S3Multi-Chosen', 'Content-Disposition', 'Content-Type',
        'X-Backend-Timestamp', 'Content-Length'))
    assert _md5(b'body') == shown['Etag'].strip('"')


def test_digest_that_is_wrong(asked, container):
    """422, and nothing is stored."""
    assert 422 == put(asked, container, 'o', at(0), b'body', Etag='0' * 32)
    assert 404 == head(asked, container, 'o').status


@pytest.mark.parametrize('method', ['PUT', 'GET', 'HEAD', 'DELETE'])
def test_container_that_is_not_there(asked, method):
    """404, for an object of it too."""
    assert 404 == asked.ask(method, 'contract-none', 'o').status


# The life of a container

def times(asked, container):
    """Return when a container was last made and last deleted, as whoever asks for it is told."""
    headers = asked.ask('HEAD', container).headers
    return [headers.get('X-Backend-%s' % name) for name in ('Put-Timestamp', 'Delete-Timestamp')]


def make(asked, container, time, **headers):
    return asked.ask('PUT', container, headers={'X-Timestamp': time, **headers}).status


def drop(asked, container, time):
    return asked.ask('DELETE', container, headers={'X-Timestamp': time}).status


@pytest.fixture
def dated(asked):
    """A container that was made at T."""
    name = 'contract-' + secrets.token_hex(6)
    assert 201 == make(asked, name, at(0))
    return name


def test_container_that_is_deleted_and_made_again(asked, dated):
    """It tells when it was deleted, for good; nothing that a client does later changes that."""
    assert 204 == drop(asked, dated, at(1))
    assert [404, 404] == [asked.ask(method, dated).status for method in ('HEAD', 'GET')]
    assert 404 == drop(asked, dated, at(2))

    assert 201 == make(asked, dated, at(3))
    assert 202 == make(asked, dated, at(4))
    assert 204 == asked.ask('POST', dated, headers={'X-Timestamp': at(5), 'X-Container-Meta-A': 'b'}).status
    deleted = times(asked, dated)[1]
    assert float(at(1)) <= float(deleted) < float(at(3))


def test_container_that_was_never_deleted(asked, dated):
    """Tells a time before all others."""
    put_at, deleted = times(asked, dated)

    assert (0, at(0)) == (float(deleted), put_at)


def test_container_with_objects(asked, dated):
    """Is not deleted, and forgets nothing."""
    put(asked, dated, 'o', at(1))

    assert 409 == drop(asked, dated, at(2))
    assert 200 == head(asked, dated, 'o').status
    assert 0 == float(times(asked, dated)[1])


def test_metadata_of_a_container_that_is_made_again(asked, dated):
    """Has gone with the container."""
    asked.ask('POST', dated, headers={'X-Timestamp': at(1), 'X-Container-Sysmeta-A': 'b'})
    assert 'b' == asked.ask('HEAD', dated).headers['X-Container-Sysmeta-A']
    drop(asked, dated, at(2))
    make(asked, dated, at(3))

    assert 'X-Container-Sysmeta-A' not in asked.ask('HEAD', dated).headers


def test_object_in_a_container_that_was_deleted(asked, dated):
    """404 for a PUT: nobody brings a container back by writing into it."""
    drop(asked, dated, at(1))

    assert 404 == put(asked, dated, 'o', at(2))
    assert 404 == asked.ask('HEAD', dated).status


def test_container_with_versions_that_is_deleted(asked, versioned):
    """Not while there is a version; afterwards it keeps none."""
    put(asked, versioned, 'o', at(10))
    assert 409 == asked.ask('DELETE', versioned).status
    asked.ask('DELETE', versioned, 'o', query='version-id=' + at(10))

    assert 204 == asked.ask('DELETE', versioned).status
    assert 201 == asked.ask('PUT', versioned).status
    assert 'X-Container-Sysmeta-Versions-Container' not in asked.ask('HEAD', versioned).headers


# Listings

def test_rows(asked, container):
    """A row shows name, size, hash and type, and the last two may be others than the object's."""
    put(asked, container, 'plain', at(0), b'body')
    put(asked, container, 'shown', at(0.5), b'body', **{
        'X-Object-Sysmeta-Container-Update-Override-Etag': 'abc; s3_etag=def',
        'X-Object-Sysmeta-Container-Update-Override-Content-Type': 'text/html;crc32=x'})

    plain, shown = json.loads(asked.ask('GET', container, query='format=json').body)
    assert {'name': 'plain', 'hash': _md5(b'body'), 'bytes': 4, 'content_type': 'text/plain',
            'last_modified': Timestamp(at(0)).isoformat} == plain
    assert ('abc; s3_etag=def', 'text/html;crc32=x', Timestamp(at(0.5)).isoformat) == (
        shown['hash'], shown['content_type'], shown['last_modified'])


NAMES = ['a', 'a/1', 'a/2', 'a/2/x', 'a/3', 'a/\u00e9', 'b', 'b-c', 'b/000', 'b/0001', 'b/0002/x', 'c/000/d']


@pytest.mark.parametrize('query', [
    {}, {'prefix': 'a/'}, {'marker': 'a/2'}, {'end_marker': 'a/3'}, {'prefix': 'a/', 'marker': 'a/1',
                                                                     'end_marker': 'a/3'},
    {'delimiter': '/'}, {'prefix': 'a/', 'delimiter': '/'}, {'delimiter': '/', 'marker': 'a/'},
    {'delimiter': '/', 'marker': 'a/2'}, {'delimiter': '/000'}, {'delimiter': '/000', 'marker': 'b/000'},
    {'delimiter': '/000', 'marker': 'b/00'}, {'limit': '3'}, {'limit': '2', 'delimiter': '/'},
    {'limit': '2', 'delimiter': '/', 'marker': 'a/'}, {'prefix': 'none'}, {'marker': 'z'},
], ids=lambda query: urlencode(query) or 'all')
def test_pages(asked, container, query):
    """Which names a page has: judged by one that is written down here."""
    for name in NAMES:
        put(asked, container, name, at(0))

    assert PAGES[urlencode(query)] == listing(asked, container, **query)


PAGES = {
    '': NAMES[:5] + ['a/\u00e9'] + NAMES[6:],
    'prefix=a%2F': ['a/1', 'a/2', 'a/2/x', 'a/3', 'a/\u00e9'],
    'marker=a%2F2': NAMES[3:],
    'end_marker=a%2F3': NAMES[:4],
    'prefix=a%2F&marker=a%2F1&end_marker=a%2F3': ['a/2', 'a/2/x'],
    'delimiter=%2F': ['a', 'a/', 'b', 'b-c', 'b/', 'c/'],
    'prefix=a%2F&delimiter=%2F': ['a/1', 'a/2', 'a/2/', 'a/3', 'a/\u00e9'],
    'delimiter=%2F&marker=a%2F': ['b', 'b-c', 'b/', 'c/'],
    'delimiter=%2F&marker=a%2F2': ['a/', 'b', 'b-c', 'b/', 'c/'],
    'delimiter=%2F000': NAMES[:8] + ['b/000', 'c/000'],
    'delimiter=%2F000&marker=b%2F000': ['c/000'],
    'delimiter=%2F000&marker=b%2F00': ['b/000', 'c/000'],
    'limit=3': NAMES[:3],
    'limit=2&delimiter=%2F': ['a', 'a/'],
    'limit=2&delimiter=%2F&marker=a%2F': ['b', 'b-c'],
    'prefix=none': [],
    'marker=z': [],
}


def test_listing_after_a_delete(asked, container):
    """A deleted object has no row."""
    put(asked, container, 'o', at(0))
    delete(asked, container, 'o', at(1))

    assert [] == listing(asked, container)


# Manifests

def manifest(asked, container, bodies, name='big', time=at(10), **headers):
    """Write a manifest of parts with these bodies, past SLO; return the status."""
    segments = []
    for number, body in enumerate(bodies):
        put(asked, container, 'part%d' % number, at(number), body)
        segments.append({'name': '/%s/part%d' % (container, number), 'bytes': len(body), 'hash': _md5(body),
                         'content_type': 'text/plain', 'last_modified': '2026-09-21T14:13:20.000000'})
    text = json.dumps(segments).encode()
    size = sum(map(len, bodies))
    slo_etag = _md5(''.join(segment['hash'] for segment in segments).encode())
    return put(asked, container, name, time, text, **{
        'Slo-Override': 'yes', 'Content-Type': 'text/plain;swift_bytes=%d' % size, 'X-Static-Large-Object': 'True',
        'X-Object-Sysmeta-Slo-Etag': slo_etag, 'X-Object-Sysmeta-Slo-Size': str(size), 'Etag': _md5(text),
        'X-Object-Sysmeta-S3Api-Upload-Id': 'upload', **headers})


def test_large_object(asked, container):
    """It reads as its parts, tells its system metadata, and its row has their size."""
    assert 201 == manifest(asked, container, [b'Hello, ', b'world!'])

    whole = asked.ask('GET', container, 'big')
    assert (200, b'Hello, world!') == (whole.status, whole.body)
    shown = head(asked, container, 'big', 'symlink=get').headers
    assert ('True', 'upload') == (shown['X-Static-Large-Object'], shown['X-Object-Sysmeta-S3Api-Upload-Id'])
    row, = [row for row in json.loads(asked.ask('GET', container, query='format=json').body) if row['name'] == 'big']
    assert (13, 'text/plain') == (row['bytes'], row['content_type'])


@pytest.mark.parametrize('query', ['', 'multipart-manifest=delete'])
def test_large_object_is_deleted(asked, container, query):
    """The manifest alone, or its parts as well when that is asked for."""
    manifest(asked, container, [b'Hello, ', b'world!'])
    asked.ask('DELETE', container, 'big', {'X-Timestamp': at(20)}, query=query)

    assert 404 == head(asked, container, 'big').status
    assert (404 if query else 200) == head(asked, container, 'part0').status


@pytest.mark.parametrize('byte_range, body', [('bytes=0-4', b'Hello'), ('bytes=7-', b'world!')])
def test_range_of_a_large_object(asked, container, byte_range, body):
    """What a copy of a part reads."""
    manifest(asked, container, [b'Hello, ', b'world!'])
    some = asked.ask('GET', container, 'big', {'Range': byte_range})

    assert (206, body) == (some.status, some.body)


@pytest.mark.parametrize('change', ['gone', 'replaced'])
def test_large_object_that_is_broken(asked, container, change):
    """A part that is not there, or another, shows as a failure and never as other bytes."""
    manifest(asked, container, [b'Hello, ', b'world!'])
    if change == 'gone':
        delete(asked, container, 'part0', at(20))
    else:
        put(asked, container, 'part0', at(20), b'Hallo, ')

    assert 409 == asked.ask('GET', container, 'big').status


# Versions

def versions(asked, container):
    rows = json.loads(asked.ask('GET', container, query='format=json&versions=true').body)
    return [(row['name'], row['version_id'], row['is_latest']) for row in rows]


def test_version_is_named_by_its_timestamp(asked, versioned):
    """The same PUT twice is one version, and the version id is its timestamp."""
    assert 201 == put(asked, versioned, 'o', at(0), b'first')
    again = put(asked, versioned, 'o', at(0), b'first')

    assert again in (201, 202)
    assert [('o', at(0), True)] == versions(asked, versioned)
    shown = head(asked, versioned, 'o')
    assert (200, at(0)) == (shown.status, shown.headers['X-Object-Version-Id'])


def test_versions_stay(asked, versioned):
    """What was overwritten or deleted can be read by its version id."""
    put(asked, versioned, 'o', at(0), b'first')
    put(asked, versioned, 'o', at(1), b'second')
    assert 204 == delete(asked, versioned, 'o', at(2))

    assert 404 == head(asked, versioned, 'o').status
    assert b'first' == asked.ask('GET', versioned, 'o', query='version-id=' + at(0)).body
    assert 404 == head(asked, versioned, 'o', 'version-id=' + at(3)).status


def test_older_version_is_not_shown(asked, versioned):
    """A PUT with an older timestamp is a version, but not the current one."""
    put(asked, versioned, 'o', at(5), b'newer')
    put(asked, versioned, 'o', at(1), b'older')

    assert b'newer' == asked.ask('GET', versioned, 'o').body
    assert b'older' == asked.ask('GET', versioned, 'o', query='version-id=' + at(1)).body


def test_object_from_before_the_versions(asked, container):
    """Becomes a version, whole, when it is overwritten."""
    put(asked, container, 'o', at(0), b'first')
    asked.ask('POST', container, headers={'X-Versions-Enabled': 'true'})
    put(asked, container, 'o', at(5), b'second')

    assert b'first' == asked.ask('GET', container, 'o', query='version-id=' + at(0)).body


def test_version_is_deleted(asked, versioned):
    """That one alone; what it hid is not shown again by itself."""
    for second, body in enumerate((b'first', b'second')):
        put(asked, versioned, 'o', at(second), body)

    assert 204 == asked.ask('DELETE', versioned, 'o', query='version-id=' + at(0)).status
    assert b'second' == asked.ask('GET', versioned, 'o').body
    assert 404 == head(asked, versioned, 'o', 'version-id=' + at(0)).status


def test_version_is_made_current(asked, versioned):
    """PUT ?version-id= writes the link again, unless the current one is newer."""
    put(asked, versioned, 'o', at(0), b'first')
    put(asked, versioned, 'o', at(1), b'second')

    assert 201 == asked.ask('PUT', versioned, 'o', {'X-Timestamp': at(2)}, query='version-id=' + at(0)).status
    assert b'first' == asked.ask('GET', versioned, 'o').body
    assert 404 == asked.ask('PUT', versioned, 'o', {'X-Timestamp': at(3)}, query='version-id=' + at(9)).status


def test_large_object_with_versions(asked, versioned):
    """A version of a large object is one as well, and tells its upload."""
    asked.ask('PUT', versioned + '_s')
    assert 201 == manifest(asked, versioned, [b'Hello, ', b'world!'])

    assert b'Hello, world!' == asked.ask('GET', versioned, 'big').body
    for query in ('', 'version-id=' + at(10)):
        assert 'upload' == head(asked, versioned, 'big', query).headers['X-Object-Sysmeta-S3Api-Upload-Id']


def _md5(body):
    return md5(body, usedforsecurity=False).hexdigest()
