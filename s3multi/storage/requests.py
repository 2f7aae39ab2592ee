# SPDX-License-Identifier: Apache-2.0
"""The requests that s3multi sends to the pipeline to its right. No other module makes any.

There are two kinds: with the rights of the operator (``Backend.request``), after the client was authorised for its
bucket, and with the rights of the client (``Backend.send_as_client``), for what the client chose to read.
"""
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from swift.common.http import is_success
from swift.common.request_helpers import get_reserved_name
from swift.common.swob import HTTPForbidden, Request, Response, str_to_wsgi, wsgi_quote
from swift.common.utils import Timestamp
from swift.common.wsgi import make_env, make_pre_authed_request, make_subrequest
from swift.proxy.controllers.base import get_account_info, get_container_info

from s3multi.s3.errors import ServiceUnavailable
from s3multi.storage import shards
from s3multi.storage.answers import failure, of_a_replica
from s3multi.storage.metrics import SHARDS_ASKED, Metrics
from s3multi.storage.replicas import asked
from s3multi.storage.rows import read_rows
from s3multi.upload.marker_names import markers_container
from s3multi.upload.names import segments_container
from s3multi.upload.stock_names import stock_container

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    from s3multi.storage.held_writes import HeldBody

SOURCE = 'S3M'
_AGENT = '%(orig)s s3multi'
_RESERVED_NAMES = {'X-Backend-Allow-Reserved-Names': 'true'}
# With it a link is what it is, and so is a manifest. Users put both where we look, and say what they lead to.
_ITSELF = {'symlink': 'get', 'multipart-manifest': 'get'}


def _wants_newest(target: 'Target', headers: 'Mapping[str, str] | None') -> bool:
    return target.object is not None and 'X-Newest' in (headers or {})


def own_environ(account: str, bucket: str) -> 'WSGIEnvironment':
    """Return the environ of a request for a bucket, where there is no client's request. account, bucket: native text.
    """
    return Request.blank(wsgi_quote(str_to_wsgi('/v1/%s/%s' % (account, bucket)))).environ


@dataclass(frozen=True)
class Target:
    """What a sub-request is for. container, object: native text. query: its own, never the client's."""

    container: str
    object: 'str | None' = None
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return 'object' if self.object else 'container'


@dataclass(frozen=True)
class Job:
    """A batch for the queue of the object expirer: the account and container of the queue, and the request's body."""

    account: str
    container: str
    body: bytes


class Backend:
    """Sends sub-requests on behalf of one client's request, to the account of that request."""

    def __init__(self, app: 'WSGIApplication', env: 'WSGIEnvironment', account: str, bucket: str,
                 metrics: 'Metrics | None' = None) -> None:
        """metrics: where to count; None for nowhere."""
        self.metrics = metrics or Metrics()
        self._app = app
        self._env = env
        self._account = account
        self._markers = markers_container(bucket)
        self._containers = (bucket, segments_container(bucket), self._markers)
        self._bucket = bucket
        self._readable = (*self._containers, stock_container(bucket))
        # Sub-requests share it only if it is there. Otherwise a cached 404 of the segments container would outlive its
        # creation.
        env.setdefault('swift.infocache', {})

    def beside(self, bucket: str) -> 'Backend':
        """Return a backend for another bucket of the account. Only for the sweep, which has no client to authorise."""
        return Backend(self._app, self._env, self._account, bucket, self.metrics)

    def request(self, method: str, target: Target, headers: 'Mapping[str, str] | None' = None,
                body: bytes = b'', *, past_quota: bool = False) -> Request:
        """Return a new request that no auth filter judges.

        headers: WSGI strings. past_quota: whether account quotas are not asked. What is read of an object is the very
        thing at its name. Raises ValueError for any container but the bucket that the client was authorised for, its
        segments container and that of its markers, and, to be read, that of stock s3api.
        """
        if target.container not in (self._readable if method in ('GET', 'HEAD') else self._containers):
            raise ValueError('a pre-authorised request may not leave the bucket: %r' % (target,))
        if target.object is not None and method in ('GET', 'HEAD'):
            target = replace(target, query={**_ITSELF, **target.query})
        sent = dict(headers or {})
        if target.container == self._markers:
            # Only with this header, which no client can send past Swift's gatekeeper, is there such a name.
            sent.update(_RESERVED_NAMES)
        if method == 'PUT' and not body and 'Transfer-Encoding' not in sent:
            sent.setdefault('Content-Length', '0')
        request: Request = make_pre_authed_request(self._env, method, self._path(target), body=body, headers=sent,
                                                   agent=_AGENT, swift_source=SOURCE)
        request.environ['swift.authorize'] = self._confine
        # Account quotas do not bind a reseller's requests, so they must not bind its sub-requests either.
        if past_quota or self._env.get('reseller_request') is True:
            request.environ['reseller_request'] = True
        return request

    def answer(self, request: Request, *, handoffs: bool = True, look: int = 0) -> Response:
        """Send a request made by ``request``; return the answer, its body read, whatever its status.

        handoffs: whether to look for the newest replica also where a write may have gone that failed elsewhere.
        look: how often it was looked for before.
        """
        with (asked(self._app, handoffs=handoffs, look=look) if 'X-Newest' in request.headers
              else contextlib.nullcontext()):
            response = request.get_response(self._app)
            response.body  # noqa: B018 - reading it frees the connection to the object server
        return response

    def send_as_client(self, method: str, target: Target, headers: 'Mapping[str, str] | None' = None) -> Response:
        """Send a request with the client's own rights to any ``target``; return the answer, its body not yet read."""
        def ask(_look: int) -> Response:
            request: Request = make_subrequest(self._env, method, self._path(target), headers=dict(headers or {}),
                                               agent=_AGENT, swift_source=SOURCE)
            return request.get_response(self._app)

        return of_a_replica(ask, _wants_newest(target, headers))

    def call(self, method: str, target: Target, expect: 'tuple[int, ...]', headers: 'Mapping[str, str] | None' = None,
             body: bytes = b'', *, past_quota: bool = False, held: 'HeldBody | None' = None,
             handoffs: bool = True) -> Response:
        """Make a request as ``request`` does, send it, and return the answer as ``answer`` does.

        held: holds back a write until it is released; None to write at once. handoffs: as for ``answer``. Raises the
        S3 error (``failure``) for a status that is neither 2xx nor in ``expect``, and ServiceUnavailable if it is not
        known where the replicas are of which the newest is to answer, or what that says.
        """
        def ask(look: int) -> Response:
            request = self.request(method, target, headers, body, past_quota=past_quota)
            if held is not None:
                held.hold(request)
            return self.answer(request, handoffs=handoffs, look=look)

        newest = _wants_newest(target, headers)
        if newest and method == 'HEAD':
            self._require_policy(target)
        response = of_a_replica(ask, newest and handoffs)
        if not response.is_success and response.status_int not in expect:
            raise failure(method, target.kind, response)
        return response

    def head_newest(self, target: Target, expect: 'tuple[int, ...]' = (404,)) -> Response:
        """Return the newest replica's answer to a HEAD. Raises as ``call`` does."""
        return self.call('HEAD', target, expect, {'X-Newest': 'true'})

    def head_current(self, target: Target, expect: 'tuple[int, ...]' = (404,), *,
                     newest: bool = True) -> 'tuple[Target, Response]':
        """Ask for the very thing that is shown at a name: where there are versions, the current one.

        Returns where that is, and the answer. The current version is behind a link of Swift's own, which is not
        followed: a link of a user's may be behind it. It tells the version's id. newest: as for ``head_newest``.
        """
        headers = {'X-Newest': 'true'} if newest else {}
        response = self.call('HEAD', target, expect, headers)
        version = response.headers.get('X-Object-Version-Id')
        if not response.is_success or version in (None, 'null'):
            return target, response
        target = replace(target, query={**target.query, 'version-id': version})
        return target, self.call('HEAD', target, expect, headers)

    def delete(self, target: Target, timestamp: Timestamp) -> int:
        """Delete an object at ``timestamp``; return 204, 404 if there is none, or 409 if it is not older.

        Swift keeps what is not older: this is the only comparison that a write can make with what is there.
        """
        return int(self.call('DELETE', target, (404, 409), {'X-Timestamp': timestamp.internal}).status_int)

    def _require_policy(self, target: Target) -> None:
        container = get_reserved_name('versions', self._bucket) if 'version-id' in target.query else target.container
        # The bucket was looked up when the request was authorised.
        if container == self._bucket:
            return
        # Where no container server answers, Swift looks in storage policy 0, and answers 404 for what is in another.
        status = self.bucket_info(container)['status']
        if not is_success(status) and status != 404:
            raise ServiceUnavailable()

    def path_of(self, container: str) -> str:
        """Return a container of the account as ``account/container``."""
        return '%s/%s' % (self._account, container)

    def shard_ranges(self, container: str, query: 'Mapping[str, str]', headers: 'Mapping[str, str]') -> Response:
        """Ask the proxy-server at the end of the pipeline for the shard ranges of a container of the account.

        Filters in between, SLO among them, take every listing for one of objects. Raises the S3 error for no success.
        """
        target = Target(container, query=query)
        return self._ranges(target, self.request('GET', target, headers))

    def get_shard(self, name: str, query: 'Mapping[str, str]') -> Response:
        """List a shard of a container of this account. name: ``account/container``, as its shard range has it.

        Raises the S3 error for anything but success: Swift says that there is such a shard.
        """
        account, _, container = name.partition('/')
        if not (account.startswith('.') and account.endswith(self._account)):
            raise ValueError('no shard of this account: %r' % name)
        path = wsgi_quote(str_to_wsgi('/v1/' + name)) + '?' + urlencode(query, errors='surrogateescape')
        self.metrics.count(SHARDS_ASKED)
        response = self.answer(make_pre_authed_request(self._env, 'GET', path, agent=_AGENT, swift_source=SOURCE,
                                                       headers=_RESERVED_NAMES))
        if response.status_int == 404:
            raise ServiceUnavailable()
        if not response.is_success:
            raise failure('GET', 'container', response)
        return response

    def enqueue(self, job: Job) -> None:
        """Hand a batch of deletions to the object expirer. Raises ServiceUnavailable if the queue did not take it."""
        path = wsgi_quote(str_to_wsgi('/v1/%s/%s' % (job.account, job.container))) + '?'
        response = self.answer(make_pre_authed_request(
            self._env, 'UPDATE', path, body=job.body, agent=_AGENT, swift_source=SOURCE,
            headers={'Content-Type': 'application/json', 'X-Backend-Storage-Policy-Index': '0',
                     'X-Backend-Allow-Private-Methods': 'True'}))
        if not response.is_success:
            raise ServiceUnavailable()

    def bucket_info(self, container: 'str | None' = None) -> 'dict[str, Any]':
        """Return Swift's container info of the bucket, or of another container of the account."""
        if container is None:
            return get_container_info(self._env, self._app, swift_source=SOURCE)
        env = make_env(self._env, path=str_to_wsgi('/v1/%s/%s' % (self._account, container)))
        return get_container_info(env, self._app, swift_source=SOURCE)

    def account_is_missing(self) -> bool:
        """Return whether the account does not exist, as before its first bucket is made."""
        return get_account_info(self._env, self._app, swift_source=SOURCE)['status'] == 404

    def head_versions_container(self) -> Response:
        """Return the newest replica's answer to a HEAD of Swift's own container for the versions of the bucket."""
        return self.answer(self._of_versions('HEAD', {}, {'X-Newest': 'true'})[1])

    def has_shards(self, states: str, container: 'str | None' = None) -> bool:
        """Return whether a container has shards in one of these states; None stands for that of the versions."""
        query = {'format': 'json', 'states': states}
        headers = {**shards.RANGE_HEADERS, 'X-Newest': 'true'}
        return bool(read_rows(self.shard_ranges(container, query, headers) if container is not None
                              else self._ranges(*self._of_versions('GET', query, headers))))

    def _of_versions(self, method: str, query: 'Mapping[str, str]', headers: 'Mapping[str, str]',
                     ) -> 'tuple[Target, Request]':
        target = Target(get_reserved_name('versions', self._bucket), query=query)
        return target, make_pre_authed_request(self._env, method, self._path(target), agent=_AGENT,
                                               swift_source=SOURCE, headers={**_RESERVED_NAMES, **headers})

    def _ranges(self, target: Target, request: Request) -> Response:
        # Swift gives it to every filter once the pipeline stands.
        response = request.get_response(getattr(self._app, '_pipeline_final_app', self._app))
        response.body  # noqa: B018 - reading it frees the connection to the container server
        if not response.is_success:
            raise failure('GET', target.kind, response)
        return response

    def account_lists(self, container: str) -> bool:
        """Return whether the account's listing shows a container. Raises ServiceUnavailable if it cannot be read."""
        path = wsgi_quote(str_to_wsgi('/v1/' + self._account)) + '?' + urlencode(
            {'format': 'json', 'limit': '1', 'prefix': container}, errors='surrogateescape')
        response = self.answer(make_pre_authed_request(self._env, 'GET', path, agent=_AGENT, swift_source=SOURCE))
        if response.status_int != 200:
            raise ServiceUnavailable()
        return [row.get('name') for row in read_rows(response)] == [container]

    def _confine(self, request: Request) -> 'Response | None':
        # Filters on the right ask with the same rights for what a link leads to, which may be in any account.
        path = str_to_wsgi('/v1/%s/' % self._account)
        return None if request.path_info.startswith(path) else HTTPForbidden(request=request)

    def _path(self, target: Target) -> str:
        path = '/v1/%s/%s' % (self._account, target.container)
        if target.object is not None:
            path += '/' + target.object
        # Without the "?" the sub-request would inherit the client's query: "&multipart-manifest=put" on a part would
        # then write a manifest over anybody's objects, with the operator's rights.
        return wsgi_quote(str_to_wsgi(path)) + '?' + urlencode(target.query, errors='surrogateescape')
