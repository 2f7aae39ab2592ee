# SPDX-License-Identifier: Apache-2.0
"""A whole pipeline over Swift in memory: s3api, both filters of s3multi, and those that make and read manifests.

A user speaks S3 and the Swift API to it. The object expirer comes, and the sweep.
"""
import contextlib
import json
import time
from io import BytesIO
from unittest import mock
from urllib.parse import quote, unquote, urlencode

import eventlet
from greenlet import getcurrent
from swift.common import registry
from swift.common.middleware.copy import ServerSideCopyMiddleware
from swift.common.middleware.dlo import DynamicLargeObject
from swift.common.middleware.slo import StaticLargeObject
from swift.common.middleware.symlink import SymlinkMiddleware
from swift.common.middleware.versioned_writes.object_versioning import ObjectVersioningMiddleware
from swift.common.swob import Request, str_to_wsgi
from swift.common.utils import Timestamp

from s3multi import config
from s3multi.filters.s3api import S3MultiFront, _Unnamed
from s3multi.filters.s3multi import S3MultiMiddleware
from s3multi.operations.bucket import Cluster
from s3multi.operations.references import Uncertain
from s3multi.s3.errors import S3Error
from s3multi.storage.deletion import ExpiryQueue, Freeing
from s3multi.sweep.bucket import Sweep
from s3multi.sweep.rules import Limits
from s3multi.upload.records import GRACE_SECONDS, RECLAIM_SECONDS

from .kinds import ACCOUNT
from .schedule import InTurn, Schedule
from .swift import REPLICAS, MemorySwift, Nature
from .versions import LINK
from .world import IDS, Answer, Cache, Logger, NoMetrics

DAY_SECONDS = 86400
_TICK = 0.00003


class Late(Nature):
    """A Swift whose listings are late, and whose POSTs miss a replica, as often as it is told: but never by more than
    the grace."""

    def __init__(self, schedule, rng):
        self._schedule, self._rng = schedule, rng
        self.chance = 0.0

    def reach(self, env, what):
        # No two requests are made at the same time.
        self._schedule.now += _TICK

    def row_is_late(self):
        return self._rng.random() < self.chance

    def listing_of(self):
        return self._rng.randrange(3) if self.chance < 1 else 0

    def posts_to(self):
        # The first is the one that answers.
        return range(1 if self._rng.random() < self.chance else 0, REPLICAS)


class _Auth:
    """Lets everybody do everything, as the owner of the account; who signs an S3 request has a name without meaning."""

    def __init__(self, app):
        self._app = app

    def __call__(self, env, start_response):
        if 's3api.auth_details' in env:
            env['PATH_INFO'] = env['PATH_INFO'].replace('/test:tester', '/' + ACCOUNT, 1)
        env.update({'swift.authorize': lambda request: None, 'swift_owner': True, 'REMOTE_USER': 'test:tester'})
        return self._app(env, start_response)


class Account:
    """The account, its only user, and the cluster. versions: whether that can keep versions. options: of s3multi."""

    def __init__(self, rng, versions=True, options=None):
        self.schedule = Schedule(InTurn(), rng.random())
        self._rng = rng
        # By how much the clock of any proxy may be wrong, in either direction.
        self.skew = 0.0
        self.nature = Late(self.schedule, rng)
        self.swift = MemorySwift(self.nature)
        self.logger = Logger()
        self._info = {**registry._swift_info, **({'object_versioning': {}} if versions else {})}
        if not versions:
            self._info.pop('object_versioning', None)
        self.cache = Cache(lambda: self.schedule.now)
        links = SymlinkMiddleware(self.swift, {}, 2)
        self._swept = ObjectVersioningMiddleware(links, {}) if versions else links
        slow = {'rate_limit_segments_per_sec': '0'}
        large = StaticLargeObject(DynamicLargeObject(self._swept, slow), slow, 10000)
        self._settings = config.load({'min_segment_size': '1', **(options or {})},
                                     {'min_segment_size': 1, 'max_upload_part_num': 10000})
        freeing = Freeing(20, 100, ExpiryQueue({}, self.logger))
        copies = ServerSideCopyMiddleware(large, {})
        # As Swift tells its filters once the pipeline stands.
        copies._pipeline_final_app = links._pipeline_final_app = self.swift
        self.swift.logger = NoMetrics()
        ours = S3MultiMiddleware(copies, Cluster(self._settings, IDS, freeing, self.logger))
        self._auth = _Auth(ours)
        self._front = S3MultiFront(_Unnamed(self._auth), {'dns_compliant_bucket_names': 'no', 'min_segment_size': '1'})

    @contextlib.contextmanager
    def in_charge(self):
        """Have the clock and Swift's registry follow the account."""
        with self.schedule.in_charge(), mock.patch.object(registry, '_swift_info', self._info):
            yield self

    # What the user does

    def s3(self, method, bucket, key=None, query=None, headers=None, body=b''):
        """Send an S3 request; return the Answer once all that goes on behind it has ended."""
        path = '/' + bucket + ('/' + key if key else '')
        env = self._env(method, path, urlencode(query or {}), {
            'Authorization': 'AWS test:tester:x', 'Date': time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(
                self.schedule.now)), **(headers or {})}, body)
        return self._answer(self._front, env)

    def api(self, method, container, name=None, query='', headers=None, body=b''):
        """Send a request of the Swift API, its query as it is; return the Answer."""
        path = '/v1/%s/%s' % (ACCOUNT, container) + ('/' + name if name else '')
        kind = {'Content-Type': 'text/plain'} if method == 'PUT' and 'X-Copy-From' not in (headers or {}) else {}
        return self._answer(self._auth, self._env(method, path, query, {**kind, **(headers or {})}, body))

    def upload(self, bucket, key, *bodies):
        """Upload an object in parts, and return its Answer to the Complete."""
        upload_id = self.s3('POST', bucket, key, {'uploads': ''}).text('UploadId')
        listed = ''
        for number, body in enumerate(bodies, 1):
            answer = self.s3('PUT', bucket, key, {'uploadId': upload_id, 'partNumber': number}, body=body)
            listed += '<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>' % (number, answer.etag)
        return self.s3('POST', bucket, key, {'uploadId': upload_id}, body=(
            '<CompleteMultipartUpload>%s</CompleteMultipartUpload>' % listed).encode())

    def versions(self, bucket, key):
        """Return the ids of all versions of a key that are not delete markers, the newest first."""
        rows = json.loads(self.api('GET', bucket, query='format=json&versions=true&prefix=' + quote(key)).body or b'[]')
        return [row['version_id'] for row in rows if row.get('name') == key and 'version_id' in row
                and 'swift_versions_deleted' not in row['content_type']]

    # What goes on by itself

    def sweep(self, grace=GRACE_SECONDS):
        """Sweep every segments container of the account, for real. Return what was done, by upload id."""
        prefix, suffix = ACCOUNT + '/', '_segments'
        done = {}
        for path in sorted(self.swift.containers):
            if not path.endswith(suffix) or not self.swift.has(path):
                continue
            sweep = Sweep(self._swept, IDS, self._settings, self.logger, Limits(grace), True, 1)
            try:
                outcomes = self._run(lambda path=path: list(sweep.bucket(ACCOUNT, path[len(prefix):-len(suffix)])))
            except (S3Error, Uncertain):
                continue
            done.update((outcome.upload.id, outcome) for outcome in outcomes)
        return done

    def expire(self):
        """Have the object expirer come."""
        self.swift.expire()

    def wait(self, seconds):
        """Let time pass: rows that are late come in, and Swift forgets what was deleted long ago."""
        if seconds > DAY_SECONDS:
            # Which may be late, but not for as long as that.
            self.expire()
        self.schedule.now += seconds
        shown = Timestamp(self.schedule.now - GRACE_SECONDS).internal
        for container in self.swift.containers.values():
            self.swift.show_rows(container, lambda row: row[2] < shown)
        self.swift.replicate_posts(shown)
        self.swift.forget(Timestamp(self.schedule.now - RECLAIM_SECONDS).internal)

    # How it is asked

    def _answer(self, app, env):
        started = []

        def ask():
            body = b''.join(app(env, lambda status, headers, *_: started.append((status, headers))))
            # What goes on behind the answer.
            eventlet.sleep(1)
            return body

        body = self._run(ask)
        return Answer(int(started[-1][0][:3]), dict(started[-1][1]), body)

    def _run(self, call):
        getcurrent().operation = None
        try:
            skew = self._rng.uniform(-self.skew, self.skew) if self.skew else 0.0
            return self.schedule.run(self.schedule.start('-', call, skew))[0]
        finally:
            self.schedule.actors.clear()

    def _env(self, method, path, query, headers, body):
        env = {'REQUEST_METHOD': method, 'SCRIPT_NAME': '', 'PATH_INFO': str_to_wsgi(path), 'QUERY_STRING': query,
               'SERVER_NAME': 'model', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1', 'HTTP_HOST': 'model',
               'wsgi.version': (1, 0), 'wsgi.url_scheme': 'http', 'wsgi.input': BytesIO(body), 'wsgi.errors': None,
               'CONTENT_LENGTH': str(len(body)), 'swift.trans_id': 'tx', 'swift.cache': self.cache}
        request = Request(env)
        for name, value in headers.items():
            request.headers[name] = str_to_wsgi(value)
        return env


def listed_by(stored):
    """Return the names, below the account, of what an object as Swift stores it lists or leads to."""
    names = set()
    if stored.headers.get('X-Static-Large-Object') == 'True':
        names |= {row['name'].lstrip('/') for row in json.loads(stored.body) if 'name' in row}
    target = stored.headers.get(LINK)
    return names | {unquote(target)} if target else names
