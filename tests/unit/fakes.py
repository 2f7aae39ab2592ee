# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for Swift and for the filter s3api: an app that records requests, a listing, a memcache, and requests."""
import bisect
import logging
from io import BytesIO
from unittest import mock

from eventlet.event import Event
from swift.common.exceptions import ChunkReadError
from swift.common.request_helpers import get_reserved_name
from swift.common.swob import HTTPClientDisconnect, HTTPException, wsgi_to_str
from swift.proxy.controllers.base import get_cache_key, headers_to_container_info

from s3multi import config
from s3multi.filters.handoff import HANDOFF, Handoff, read_call
from s3multi.operations.bucket import Bucket, Cluster
from s3multi.storage.deletion import Freeing
from s3multi.storage.requests import Backend
from s3multi.upload.marker_names import markers_container
from s3multi.upload.names import UploadIds, segments_container

# Makes the upload ids of all fake requests.
IDS = UploadIds(b'secret')
# As a logger of Swift, which names the request of the present thread.
LOGGER = logging.getLogger('s3multi.test')
LOGGER.thread_locals = None


class Seen:
    """One request as it reached the app: method, native path below ``/v1/``, query string, headers, environ, body."""

    def __init__(self, env):
        self.env = env
        self.method = env['REQUEST_METHOD']
        self.path = wsgi_to_str(env['PATH_INFO'])
        self.query = env.get('QUERY_STRING', '')
        self.headers = {name[len('HTTP_'):].replace('_', '-').title(): value for name, value in env.items()
                        if name.startswith('HTTP_')}
        self.body = env['wsgi.input'].read()

    def __repr__(self):
        return '%s %s?%s' % (self.method, self.path, self.query)


class RecordingSwift:
    """A WSGI app that keeps each request in ``seen``, and answers what the test says.

    answers: for each method a status; or status, headers and body; or a function of ``Seen`` that returns either; or a
    list of these, one for each request, the last one for all further requests. A header that is None is left out. A
    method without an answer gets 201 (PUT), 204 (DELETE, POST) or 404. A request whose body breaks off is answered as
    Swift does, and kept in ``broken``. ``unclosed`` counts the bodies that were not closed.
    """

    def __init__(self, **answers):
        self._answers = answers
        self.seen = []
        self.broken = []
        self.unclosed = 0

    def __call__(self, env, start_response):
        try:
            seen = Seen(env)
        except (ChunkReadError, HTTPException) as error:
            self.broken.append(env['REQUEST_METHOD'])
            refusal = HTTPClientDisconnect() if isinstance(error, ChunkReadError) else error
            return refusal(env, start_response)
        self.seen.append(seen)
        answer = self._answers.get(seen.method, {'PUT': 201, 'DELETE': 204, 'POST': 204}.get(seen.method, 404))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(seen)
        status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b'')
        length = {} if seen.method == 'HEAD' and 'Content-Length' in headers else {'Content-Length': str(len(body))}
        ranges = {'Accept-Ranges': 'bytes'} if seen.method in ('GET', 'HEAD') and 200 <= status < 300 else {}
        start_response('%d As The Test Says' % status, [
            (name, value) for name, value in {**ranges, **length, **headers}.items() if value is not None])
        return _Body(self, body)

    @property
    def last(self):
        return self.seen[-1]


class _Body:
    def __init__(self, swift, body):
        self._swift = swift
        self._chunks = [body]
        self._closed = False
        swift.unclosed += 1

    def __iter__(self):
        return self

    def __next__(self):
        if not self._chunks:
            raise StopIteration
        return self._chunks.pop()

    def close(self):
        if not self._closed:
            self._closed = True
            self._swift.unclosed -= 1


class Together:
    """A WSGI app that holds these requests until all of them have come, and passes on to ``app``.

    requests: pairs of method and end of the path.
    """

    def __init__(self, app, *requests):
        self._app = app
        self._missing = set(requests)
        self._complete = Event()

    def __call__(self, env, start_response):
        came = {request for request in self._missing
                if request[0] == env['REQUEST_METHOD'] and env['PATH_INFO'].endswith(request[1])}
        self._missing -= came
        if came and not self._missing:
            self._complete.send(True)
        assert not came or self._complete.wait(1), 'these have not come: %s' % self._missing
        return self._app(env, start_response)


class Listing:
    """A segments container with these rows, which are listed by the bytes of their names, ``page_size`` at a time."""

    def __init__(self, rows, page_size):
        self._rows = sorted(rows, key=lambda row: row['name'].encode())
        self._names = [row['name'].encode() for row in self._rows]
        self._page_size = page_size
        self.hidden = False

    def has_hidden_uploads(self):
        """Return ``hidden``, as a test has set it; stands in for ``Segments.has_hidden_uploads``."""
        return self.hidden

    def rows(self, prefix='', marker='', end_marker='', delimiter='', limit=None):
        """Yield pages as ``Segments.rows`` does: with a delimiter, all that lies deeper is one row with a ``subdir``.

        Like Swift, leave such a row out if its name equals ``marker``, since it was on the page before.
        """
        found = []
        for row in self._rows[bisect.bisect_right(self._names, marker.encode()):]:
            name = row['name']
            if name.startswith(prefix) and not (end_marker and name.encode() >= end_marker.encode()):
                head, deeper, _ = name[len(prefix):].partition(delimiter) if delimiter else ('', '', '')
                entry = {'subdir': prefix + head + deeper} if deeper else row
                if (not found or entry != found[-1]) and entry.get('subdir') != marker:
                    found.append(entry)
        size = min(limit or self._page_size, self._page_size)
        for start in range(0, len(found), size):
            yield found[start:start + size]


class Cache(dict):
    """A memcache ring of one server, as the cache filter leaves it in an environ."""

    def set(self, key, value, time=0):
        """Keep ``value``. time: for how long, in seconds."""
        assert 0 < time <= 30 * 86400, 'memcache takes a longer time for a date'
        self[key] = value

    def incr(self, key, delta=1, time=0):
        """Add ``delta`` to a number, 0 for a new key, and return it."""
        assert 0 < time <= 30 * 86400, 'memcache takes a longer time for a date'
        self[key] = self.get(key, 0) + delta
        return self[key]

    def delete(self, key, server_key=None):
        """Forget a key, if it is there."""
        self.pop(key, None)

    def set_multi(self, mapping, server_key, time=0):
        """Keep several values on the server of ``server_key``."""
        for key, value in mapping.items():
            self.set(key, value, time)

    def get_multi(self, keys, server_key):
        """Return the values of several keys, None for what is not there."""
        return [self.get(key) for key in keys]


def client_env(path='/v1/AUTH_a/bucket/key', query='', body=b'', **more):
    """Return the environ of a client's request, as it reaches s3multi after auth."""
    return {'REQUEST_METHOD': 'PUT', 'SCRIPT_NAME': '', 'PATH_INFO': path, 'QUERY_STRING': query,
            'SERVER_NAME': 'proxy', 'SERVER_PORT': '8080', 'SERVER_PROTOCOL': 'HTTP/1.1', 'HTTP_HOST': 'proxy:8080',
            'REMOTE_USER': 'test,test:tester,AUTH_test', 'wsgi.version': (1, 0), 'wsgi.url_scheme': 'http',
            'wsgi.input': BytesIO(body), 'CONTENT_LENGTH': str(len(body)), 'swift.trans_id': 'tx1',
            'swift.authorize': lambda request: None, 'swift.infocache': known_containers('AUTH_a', 'bucket'), **more}


def known_containers(account, bucket):
    """Return what Swift remembers of the containers beside a bucket that has had uploads."""
    known = headers_to_container_info({}, 204)
    return {get_cache_key(account, container): known
            for container in (segments_container(bucket), markers_container(bucket),
                              get_reserved_name('versions', bucket))}


def handed_on(method='PUT', path='/v1/AUTH_a/bucket/key', params=None, headers=None, trailer=None, verified=True,
              **more):
    """Return the environ of a request that s3api handed on. params, headers: the client's."""
    handoff = Handoff(params=params or {}, headers=headers or {}, access_key='test:tester',
                      location='http://host/bucket/key', trailer=trailer, verified=verified)
    return client_env(path, **{HANDOFF: handoff, 'REQUEST_METHOD': method, **more})


def asked(swift, env=None, cache=None, options=None, encrypted=False, info=None, has_quotas=False):
    """Return the bucket and the call of a request that s3api handed on, as operations take them.

    cache: a ``Cache``, or None for no memcache. options: those of [filter:s3multi]. info: additions to Swift's
    container info of the bucket, for which ``swift`` is not asked.
    """
    call = read_call(env or handed_on())
    if cache is not None:
        call.env['swift.cache'] = cache
    settings = config.load(options or {}, {'min_segment_size': 1, 'max_upload_part_num': 10000})
    cluster = Cluster(settings, IDS, Freeing(settings.delete_concurrency, settings.immediate_deletes, None), LOGGER,
                      encrypted, has_quotas)
    known = {'status': 204, 'sysmeta': {}, **(info or {})}
    with mock.patch.object(Backend, 'bucket_info', lambda *_: known):
        return Bucket.open(swift, call.env, call.account, call.bucket, cluster), call


def bucket_of(swift, *args, **more):
    """Return only the bucket that ``asked`` returns."""
    return asked(swift, *args, **more)[0]
