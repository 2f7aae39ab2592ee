# SPDX-License-Identifier: Apache-2.0
"""s3multi over Swift in memory, and clients that speak to it as the filter s3api does."""
import contextlib
import functools
import hashlib
import re
import time
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import quote, urlencode

from greenlet import getcurrent
from swift.common.memcached import MemcacheConnectionError
from swift.common.middleware.slo import StaticLargeObject
from swift.common.middleware.symlink import SymlinkMiddleware
from swift.common.middleware.versioned_writes.object_versioning import ObjectVersioningMiddleware
from swift.common.swob import Request, str_to_wsgi
from swift.common.utils import Timestamp

from s3multi import config
from s3multi.filters.handoff import DELETED_BUCKET, DELETING, HANDOFF, Deleting, Handoff
from s3multi.filters.s3multi import S3MultiMiddleware
from s3multi.operations.bucket import Cluster
from s3multi.s3 import errors
from s3multi.storage.deletion import ExpiryQueue, Freeing
from s3multi.storage.metrics import Metrics
from s3multi.upload.lifecycle import Actor
from s3multi.upload.names import UploadIds

from . import release_0_1
from .kinds import ACCOUNT, BUCKET, MARKERS, SEGMENTS, kind_of, upload_of
from .remembered import Info
from .swift import MemorySwift

SECRET = b'secret'
IDS = UploadIds(SECRET)
# What the labels of actors end in that a proxy with release 0.1.0 serves.
OLD = '@0.1'
_NOTHING_ELSE = contextlib.nullcontext()
_CODE = re.compile(rb'<Code>(.*?)</Code>')
_STATUS = {each.code: each.status for each in vars(errors).values() if isinstance(each, type)
           and issubclass(each, errors.S3Error)}


class Logger:
    """Keeps the errors that the product logs."""

    thread_locals = ()

    def __init__(self):
        self.errors = []

    def error(self, text, *values):
        self.errors.append(text % values)

    exception = error

    def info(self, *_):
        pass

    debug = warning = info


class NoMetrics:
    """Takes all metrics, and keeps none."""

    def __getattr__(self, name):
        return lambda *_, **__: None


@dataclass
class Answer:
    """What a client was told. outcome: the status; for an error, the pair of status and code."""

    status: int
    headers: 'dict[str, str]'
    body: bytes = b''

    @property
    def outcome(self):
        code = _CODE.search(self.body) if self.status >= 400 or b'<Error>' in self.body else None
        if code is None:
            return self.status
        name = code[1].decode('ascii')
        # After the first white space the status is 200 whatever happens.
        return (self.status if self.status >= 400 else _STATUS[name], name)

    @property
    def etag(self):
        return self.headers.get('Etag', self.headers.get('ETag', '')).strip('"')

    def text(self, element):
        found = re.search(b'<%b>(.*?)</%b>' % (element.encode(), element.encode()), self.body)
        return found[1].decode('utf-8') if found else None

    def texts(self, element):
        return [text.decode('utf-8') for text in re.findall(b'<%b>(.*?)</%b>' % (element.encode(), element.encode()),
                                                            self.body)]


def _told(value):
    return (value.text if isinstance(value, Info) else repr(value)) if isinstance(value, dict) else value


class Cache:
    """A memcache that may be away: then it answers nothing, and keeps what it has as it is.

    now: returns the time, in seconds. told: called with each answer, if it is set.
    """

    told = None

    def __init__(self, now):
        self._now = now
        # By key: the value, and until when it is kept.
        self._kept = {}
        # None if something has changed since.
        self._digest = None
        self.away = False

    def digest(self):
        """Return a digest of what is kept."""
        if self._digest is None:
            self._digest = hash(frozenset((key, until, _told(value)) for key, (value, until) in self._kept.items()))
        return self._digest

    def flush(self):
        """Forget everything."""
        self._kept.clear()
        self._digest = None

    def evict(self, rng):
        """Forget about one thing in three: which, depends on its name and on chance."""
        salt = rng.getrandbits(32)
        for key in [key for key in self._kept if zlib.crc32(b'%d %s' % (salt, key.encode())) % 3 == 0]:
            del self._kept[key]
        self._digest = None

    def set(self, key, value, time=0, **_):
        if not self.away:
            self._kept[key] = value, self._now() + time if time else float('inf')
            self._digest = None

    def get(self, key, **_):
        value, until = self._kept.get(key, (None, 0))
        value = value if until > self._now() and not self.away else None
        if self.told is not None:
            self.told((key, _told(value)))
        return value

    def incr(self, key, time=0, **_):
        if self.away:
            raise MemcacheConnectionError()
        count = (self.get(key) or 0) + 1
        self.set(key, count, time)
        return count

    def delete(self, key, **_):
        if not self.away:
            self._kept.pop(key, None)
            self._digest = None

    def set_multi(self, mapping, _server_key, time=0, **_):
        for key, value in mapping.items():
            self.set(key, value, time)

    def get_multi(self, keys, _server_key):
        if self.away:
            return [None] * len(keys)
        now, kept = self._now(), self._kept
        found = [kept[key][0] if key in kept and kept[key][1] > now else None for key in keys]
        if self.told is not None:
            self.told((tuple(keys), tuple(found)))
        return found


class Filters:
    """Swift's own filters over a Swift in memory. app: the first one. swift: what they end at."""

    def __init__(self):
        self.swift = None
        app = SymlinkMiddleware(self, {}, 2)
        self.app = StaticLargeObject(ObjectVersioningMiddleware(app, {}), {'rate_limit_segments_per_sec': '0'}, 10000)

    @property
    def _pipeline_final_app(self):
        return self.swift

    def __call__(self, env, start_response):
        return self.swift(env, start_response)


@dataclass
class World:
    """A pipeline of s3multi, SLO, versions and links over Swift in memory, with one bucket.

    schedule: decides who goes on. nature: see ``swift.Nature``. versioned: whether the bucket keeps versions. between:
    the factory of a WSGI filter right of s3multi. options: those of [filter:s3multi]. cached: whether there is a
    memcache. stored: what Swift has stored already, as ``MemorySwift.copy`` returns it. metrics: where to count.
    filters: those of a world that is not used any more; None for new ones. with_0_1: whether there is a proxy with
    release 0.1.0 as well, for actors whose labels end in ``OLD``; then only the first Initiate makes containers for
    uploads.
    """

    schedule: object
    nature: object
    versioned: bool = False
    between: object = None
    options: 'dict[str, str]' = field(default_factory=dict)
    cached: bool = True
    stored: 'tuple | None' = None
    metrics: Metrics = Metrics()
    filters: object = None
    with_0_1: bool = False

    def __post_init__(self):
        self.swift = MemorySwift(self.nature)
        self.logger = Logger()
        filters = self.filters or Filters()
        filters.swift = self.swift
        app = self.below = filters.app
        if self.between is not None:
            app = self.between(app)
        app = self.asking = _Asking(app, self.schedule, self.swift if self.between is None else None)
        app._pipeline_final_app = self.swift
        # Of the proxy-server; it takes metrics.
        self.swift.logger = NoMetrics()
        settings = _settings(tuple(self.options.items()))
        queue = ExpiryQueue({}, self.logger)
        freeing = Freeing(settings.delete_concurrency, settings.immediate_deletes, queue)
        self.app = S3MultiMiddleware(app, Cluster(settings, IDS, freeing, self.logger, metrics=self.metrics))
        self._older = release_0_1.proxy(app, self.options, SECRET, self.logger) if self.with_0_1 else None
        self.cache = Cache(lambda: self.schedule.now if self.schedule else 0)
        self.cache.away = not self.cached
        if self.stored:
            self.swift.restore(self.stored)
            return
        for container in () if self.with_0_1 else (SEGMENTS, MARKERS):
            # As s3multi makes it: else it would never delete the container of the parts.
            assert self.ask('PUT', container, headers={'X-Container-Sysmeta-S3multi-Made': 'true'}).status_int == 201
        self.make_bucket()

    def make_bucket(self):
        """Make the bucket if it is not there."""
        assert self.ask('PUT', BUCKET).is_success
        if self.versioned:
            self.keep_versions()

    def keep_versions(self):
        """Have the bucket keep versions."""
        assert self.ask('POST', BUCKET, headers={'X-Versions-Enabled': 'true'}).is_success

    # The Swift API, below s3multi

    def ask(self, method, container, name=None, headers=None, body=b'', query='', slo_override=False, stream=None):
        """Send a request to the pipeline right of s3multi; return the ``Response``, its body read.

        stream: gives the body, whose length alone is that of ``body``.
        """
        path = '/v1/%s/%s' % (ACCOUNT, container) + ('/' + name if name else '')
        env = self._env(method, path, body, query)
        if slo_override:
            env.update({'swift.slo_override': True, 'swift.content_type_overridden': True})
        if stream is not None:
            env['wsgi.input'] = stream
        request = Request(env)
        request.headers.update({'X-Backend-Allow-Reserved-Names': 'true', **(headers or {})})
        if method in ('PUT', 'DELETE') and self.schedule is not None:
            request.headers.setdefault('X-Timestamp', self._moment())
        response = request.get_response(self.below)
        response.body  # noqa: B018 - reads it
        return response

    def _moment(self):
        """Return a timestamp that nobody else has, since Swift names a version by the time of its PUT."""
        self.schedule.now += 0.00001
        moment = Timestamp(time.time())
        self.schedule.now += 0.00001
        return moment.internal

    # S3

    def s3(self, method, key, params, body=b'', headers=None, length=None):
        """Send a multipart request to s3multi, as s3api hands it on; return the ``Answer``."""
        path = '/v1/%s/%s' % (ACCOUNT, BUCKET) + ('/' + key if key else '')
        env = self._env(method, path, body, '')
        if length is not None:
            env['CONTENT_LENGTH'] = str(length)
        env[HANDOFF] = Handoff(params=params, headers=headers or {}, access_key='model', location='http://model' + path)
        return self._send(env, operation_of(method, params, headers or {}))

    def _send(self, env, operation):
        """Send a request to s3multi; return the ``Answer``. operation: an ``Actor``, None if it writes nothing."""
        started = []
        thread = getcurrent()
        thread.operation = operation
        try:
            app = self._older if self._is_old() else self.app
            chunks = app(env, lambda status, head, *_: started.append((status, head)))
            try:
                text = b''.join(chunks)
            finally:
                if hasattr(chunks, 'close'):
                    chunks.close()
        finally:
            thread.operation = None
        status, head = started[0]
        return Answer(int(status[:3]), dict(head), text)

    def _is_old(self):
        actor = self.schedule.current() if self.with_0_1 else None
        return actor is not None and actor.label.endswith(OLD)

    def initiate(self, key):
        return self.s3('POST', key, {'uploads': ''})

    def upload_part(self, key, upload_id, number, body, announced=None):
        """announced: the length in the client's request; None for that of the body."""
        return self.s3('PUT', key, {'uploadId': upload_id, 'partNumber': str(number)}, body, length=announced)

    def copy_part(self, key, upload_id, number, source):
        """source: a key of the bucket."""
        return self.s3('PUT', key, {'uploadId': upload_id, 'partNumber': str(number)},
                       headers={'x-amz-copy-source': '/%s/%s' % (BUCKET, quote(source))}, length=0)

    def complete(self, key, upload_id, listed, condition=None):
        """listed: pairs of number and ETag. condition: the ETag that must be at the key; '*' if there must be none."""
        parts = ''.join('<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>' % pair for pair in listed)
        body = '<CompleteMultipartUpload>%s</CompleteMultipartUpload>' % parts
        headers = {} if condition is None else {'if-none-match': '*'} if condition == '*' else {'if-match': condition}
        return self.s3('POST', key, {'uploadId': upload_id}, body.encode(), headers)

    def abort(self, key, upload_id):
        return self.s3('DELETE', key, {'uploadId': upload_id})

    def list_parts(self, key, upload_id):
        return self.s3('GET', key, {'uploadId': upload_id})

    def list_uploads(self):
        return self.s3('GET', None, {'uploads': ''})

    # Operations that s3api itself answers, with requests that pass s3multi

    def put(self, key, body):
        """Put Object. Returns Swift's status."""
        return self._as_s3api('PUT', key, body).status

    def delete(self, key, version=''):
        """Delete Object, or a version of it. Returns Swift's status."""
        query = {'version-id': version, 'symlink': 'get'} if version else {}
        mark = {DELETING: Deleting()}
        found = self._as_s3api('HEAD', key, query={**query, 'symlink': 'get'}, mark=mark)
        if found.headers.get('X-Static-Large-Object') == 'True':
            query.update({'multipart-manifest': 'delete', 'async': 'on'})
        return self._as_s3api('DELETE', key, query=query, mark=mark).status

    def delete_bucket(self):
        """Delete Bucket. Returns Swift's status."""
        return self._as_s3api('DELETE', None, mark={DELETED_BUCKET: BUCKET}).status

    def _as_s3api(self, method, key, body=b'', query=None, mark=None):
        env = self._env(method, '/v1/%s/%s' % (ACCOUNT, BUCKET) + ('/' + key if key else ''), body,
                        urlencode(query or {}))
        env.update({'swift.source': 'S3', 'HTTP_X_TIMESTAMP': self._moment(), **(mark or {})})
        if method == 'PUT':
            env['CONTENT_TYPE'] = 'text/plain'
        writes = method != 'HEAD'
        return self._send(env, (Actor.REPLACE if key else Actor.DELETE_BUCKET) if writes else None)

    def _env(self, method, path, body, query):
        env = {'REQUEST_METHOD': method, 'SCRIPT_NAME': '', 'PATH_INFO': str_to_wsgi(path), 'QUERY_STRING': query,
               'SERVER_NAME': 'model', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1', 'HTTP_HOST': 'model',
               'wsgi.version': (1, 0), 'wsgi.url_scheme': 'http', 'wsgi.input': BytesIO(body), 'wsgi.errors': None,
               'CONTENT_LENGTH': str(len(body)), 'swift.trans_id': 'tx', 'swift.authorize': lambda request: None,
               'swift.infocache': {}, 'swift.cache': self.cache}
        return env


class _Asking:
    """Notes what s3multi asks of Swift, and since when a manifest is being written: meanwhile time is limited.

    swift: where there is a short way to it; else None. intents: by <key>/<id>, the timestamps of all intents that were
    sent.
    """

    def __init__(self, app, schedule, swift):
        self._app, self._schedule, self.swift = app, schedule, swift
        self.intents = {}

    def __call__(self, env, start_response):
        with self.noting(env):
            return self._app(env, start_response)

    def noting(self, env):
        """Note a request that is made in a ``with`` block."""
        thread = getcurrent()
        # Nobody asks for others.
        thread.asks = kind_of(env) if env['REQUEST_METHOD'] == 'PUT' else None
        if thread.asks == 'PUT intent':
            told = Timestamp(env['HTTP_X_OBJECT_SYSMETA_S3MULTI_TIMESTAMP'])
            self.intents.setdefault(upload_of(env), set()).add(told)
        return self._writing(thread.actor) if thread.asks == 'PUT manifest' else _NOTHING_ELSE

    @contextlib.contextmanager
    def _writing(self, actor):
        actor.writing_since = self._schedule.now
        try:
            yield
        finally:
            actor.writing_since = None


@functools.lru_cache(100)
def _settings(options):
    return config.load({'min_segment_size': '1', **dict(options)},
                       {'min_segment_size': 1, 'max_upload_part_num': 10000})


def operation_of(method, params, headers):
    """Return the ``Actor`` of a multipart request, None for a list."""
    if method == 'PUT':
        return Actor.COPY_PART if 'x-amz-copy-source' in headers else Actor.UPLOAD_PART
    return {'POST': Actor.INITIATE if 'uploads' in params else Actor.COMPLETE, 'DELETE': Actor.ABORT}.get(method)


def md5(body):
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
