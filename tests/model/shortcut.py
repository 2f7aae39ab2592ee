# SPDX-License-Identifier: Apache-2.0
"""The short way from s3multi to Swift in memory: past WSGI, and past filters that would not change anything.

Most of the time of a run would otherwise go into taking apart and putting together requests that nobody looks at. Only
requests go this way that no filter right of s3multi touches; all others are made as ever. ``test_shortcut`` compares
runs that go either way.
"""
import contextlib
import functools
from io import BytesIO

from swift.common.swob import HeaderEnvironProxy, HTTPException, str_to_wsgi
from swift.proxy.controllers.base import get_cache_key, set_info_cache

from s3multi.operations import bucket as operations
from s3multi.storage import cache_hints
from s3multi.storage.requests import Backend

from .kinds import ACCOUNT, BUCKET, MARKERS, SEGMENTS
from .remembered import PLACES
from .schedule import replaced
from .swift import Lost

_KEYS: 'dict[str, str]' = {}


@contextlib.contextmanager
def shortcuts():
    """Have operations take the short way, ask the cache for a few part numbers instead of a thousand, and remember what
    pure functions return."""
    with replaced((operations, 'Backend', Shortcut), (cache_hints, '_BLOCK', 8), (cache_hints, '_LAST_NUMBER', 31),
                  *PLACES):
        yield


@functools.lru_cache(None)
def _title(name):
    return name.title()


@functools.lru_cache(10000)
def _titles(names):
    return tuple(map(_title, names))


class _Headers(dict):
    """Headers of an answer; their names count as the same in upper and lower case."""

    def __init__(self, headers):
        super().__init__(zip(_titles(tuple(headers)), headers.values()))

    def __getitem__(self, name):
        return super().__getitem__(_title(name))

    def __contains__(self, name):
        return super().__contains__(_title(name))

    def get(self, name, default=None):
        return super().get(_title(name), default)

    def pop(self, name, *default):
        return super().pop(_title(name), *default)


class _Answer:
    """What the product reads of a ``swob.Response`` whose body was read."""

    app_iter = None

    def __init__(self, status, headers, body=b''):
        self.status_int, self.headers, self.body = status, _Headers(headers), body
        self.is_success = 200 <= status < 300


class _Asked:
    """What the product uses of a ``swob.Request``."""

    def __init__(self, target, environ):
        self.target, self.environ = target, environ

    @property
    def headers(self):
        return HeaderEnvironProxy(self.environ)


class Shortcut(Backend):
    """A backend that takes the short way where its app knows one, and where that makes no difference."""

    def __init__(self, app, *arguments):
        super().__init__(app, *arguments)
        self._swift = getattr(app, 'swift', None)

    def request(self, method, target, headers=None, body=b'', *, past_quota=False):
        if self._swift is None or not self._is_plain(method, target, headers or {}):
            return super().request(method, target, headers, body, past_quota=past_quota)
        path = '/v1/%s/%s' % (ACCOUNT, target.container) + ('/' + target.object if target.object is not None else '')
        environ = {'REQUEST_METHOD': method, 'PATH_INFO': str_to_wsgi(path), 'QUERY_STRING': '',
                   'wsgi.input': BytesIO(body), 'CONTENT_LENGTH': str(len(body)),
                   'HTTP_X_BACKEND_ALLOW_RESERVED_NAMES': 'true'}
        for name, value in (headers or {}).items():
            key = _KEYS.get(name)
            if key is None:
                key = name.upper().replace('-', '_')
                key = _KEYS[name] = key if key in ('CONTENT_LENGTH', 'CONTENT_TYPE') else 'HTTP_' + key
            environ[key] = value
        if 'HTTP_TRANSFER_ENCODING' in environ:
            del environ['CONTENT_LENGTH']
        return _Asked(target, environ)

    def answer(self, request, *, handoffs=True, look=0):
        if not isinstance(request, _Asked):
            return super().answer(request, handoffs=handoffs, look=look)
        environ, target = request.environ, request.target
        with self._app.noting(environ):
            try:
                if target.object is None:
                    return _Answer(*self._swift.answer(environ, ACCOUNT, [target.container], target.query))
                return _Answer(*self._swift.answer(environ, ACCOUNT, [target.container, target.object], {}))
            except Lost as lost:
                return _Answer(lost.status, {})
            except HTTPException as refused:
                return _Answer(refused.status_int, refused.headers)

    def bucket_info(self, container=None):
        if self._swift is None:
            return super().bucket_info(container)
        env, name = self._env, container or self._bucket
        key = get_cache_key(self._account, name)
        found = env['swift.infocache'].get(key) or ('swift.cache' in env and env['swift.cache'].get(key))
        if not found:
            found = set_info_cache(env, self._account, name, _Answer(
                *self._swift.answer({'REQUEST_METHOD': 'HEAD'}, self._account, [name], {})))
        if 'versions-container' in found['sysmeta']:
            return super().bucket_info(container)
        env['swift.infocache'][key] = found
        if found.ready is None:
            found.ready = super().bucket_info(container)
        return found.ready

    def _is_plain(self, method, target, headers):
        """Return whether no filter would change request or answer."""
        if self._account != ACCOUNT or method == 'HEAD' and any(name.startswith('If-') for name in headers):
            return False
        if target.object is None:
            # What is asked of shards goes past the filters anyway.
            return (method == 'GET' and target.container in (SEGMENTS, MARKERS)
                    and 'X-Backend-Record-Type' not in headers)
        if method not in ('HEAD', 'PUT', 'DELETE'):
            return False
        if target.container in (SEGMENTS, MARKERS):
            return not target.query
        # Versions and conditions are for filters.
        return (target.container == BUCKET and not target.query
                and not self._swift.keeps_versions('%s/%s' % (ACCOUNT, BUCKET)))
