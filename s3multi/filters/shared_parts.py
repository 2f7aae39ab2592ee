# SPDX-License-Identifier: Apache-2.0
"""Notes other manifests of the parts of an object, beside the parts, before they are written.

A client of the Swift API may copy a manifest or write one, make a dynamic large object of the parts, or a link to one.
SLO tells what a manifest lists just before it writes one, having checked it with the rights of the client. The others
name what they refer to in a header, which may come from what is copied: it is read where ``swift.authorize`` is asked.
"""
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from swift.common.swob import HTTPConflict, HTTPServiceUnavailable, Request, str_to_wsgi, wsgi_to_str, wsgi_unquote

from s3multi.operations.bucket import Cluster
from s3multi.s3.errors import S3Error
from s3multi.storage.notes import Notes
from s3multi.storage.requests import Backend
from s3multi.storage.segments import Segments
from s3multi.upload.names import (PARTS_DELIMITER, SEGMENTS_SUFFIX, Upload, is_segments_container, parts_directory,
                                  segments_container, split_marker)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_HOOK = 'swift.callback.slo_manifest_hook'
_LINK = ('X-Symlink-Target', 'X-Object-Sysmeta-Symlink-Target')
_LINK_ACCOUNT = ('X-Symlink-Target-Account', 'X-Object-Sysmeta-Symlink-Target-Account')
# Of so many uploads at most the parts of one dynamic large object are noted.
_MOST_UPLOADS = 100


def watch(env: 'WSGIEnvironment', app: 'WSGIApplication', cluster: Cluster) -> None:
    """Have it noted if the request ``env`` makes another manifest of parts that s3multi has stored."""
    method = env['REQUEST_METHOD']
    if method not in ('PUT', 'COPY', 'POST'):
        return
    params = Request(env).params if env.get('QUERY_STRING') else {}
    manifest = params.get('multipart-manifest')
    lists = method != 'POST' and manifest in ('put', 'get')
    refers = 'swift.authorize' in env and ('HTTP_X_OBJECT_MANIFEST' in env or 'HTTP_X_SYMLINK_TARGET' in env
                                           or manifest == 'get' or params.get('symlink') == 'get')
    if not (lists or refers):
        return
    sharing = _Sharing(env, app, cluster)
    if lists:
        env[_HOOK] = sharing.hook(env.get(_HOOK))
    if refers:
        env['swift.authorize'] = sharing.authorize(env['swift.authorize'])


class _Sharing:
    """Notes to which parts the object that one request writes refers."""

    def __init__(self, env: 'WSGIEnvironment', app: 'WSGIApplication', cluster: Cluster) -> None:
        self._env, self._app, self._cluster = env, app, cluster
        self._target = _target_of(Request(env))
        self._noted: set[tuple[str, str, Upload]] = set()

    def hook(self, earlier: Any) -> Any:
        """Return a hook for SLO, which notes the segments of a manifest before SLO writes it, and may refuse it.

        earlier: the hook of another filter, or None.
        """
        def note(segments: 'list[dict[str, Any] | None]') -> 'list[tuple[str, str]]':
            problems = list(earlier(segments) or ()) if earlier else []
            if self._target is None or None in segments:
                return problems
            account, container, name = self._target
            paths = [segment['name'] for segment in segments if segment and 'name' in segment]
            for upload, path in self._owners(account, paths).items():
                try:
                    self._note(upload, container, name)
                    if self._notes(upload).is_claimed(upload):
                        # As good as gone.
                        problems.append((quote(path), '404 Not Found'))
                except S3Error:
                    problems.append((quote(path), '503 Service Unavailable'))
            return problems

        return note

    def authorize(self, authorize: Any) -> Any:
        """Return a ``swift.authorize`` that asks ``authorize``, and notes the references of a write that it allows."""
        def judge(request: Any) -> Any:
            denied = authorize(request)
            if denied is not None or request.method not in ('PUT', 'POST'):
                return denied
            # By now it is the one that is written, whatever was asked for.
            target = _target_of(request)
            if target is None:
                return None
            try:
                for upload, is_all in self._referred(target[0], request, authorize):
                    self._note(upload, *target[1:])
                    if is_all and self._notes(upload).is_claimed(upload):
                        return HTTPConflict(request=request, body='What it refers to is being deleted.')
            except S3Error:
                return HTTPServiceUnavailable(request=request)
            return None

        return judge

    def _owners(self, account: str, paths: Iterable[str]) -> 'dict[Upload, str]':
        """Return the uploads that objects are parts of, each with one of them. paths: ``/container/object``."""
        found: dict[Upload, str] = {}
        for path in paths:
            container, _, name = path.lstrip('/').partition('/')
            upload = self._cluster.ids.upload_of(account, container, name)
            if upload is not None:
                found.setdefault(upload, path)
        return found

    def _referred(self, account: str, request: Any, authorize: Any) -> 'Iterator[tuple[Upload, bool]]':
        """Yield the uploads to whose parts the headers of an object refer, and whether they refer to no other."""
        headers = request.headers
        if _first(headers, _LINK_ACCOUNT) in ('', account):
            for upload in self._owners(account, [_first(headers, _LINK)]):
                yield upload, True
        container, _, prefix = _first(headers, ('X-Object-Manifest',)).partition('/')
        if is_segments_container(container):
            bucket = container[:-len(SEGMENTS_SUFFIX)]
            one = self._above(account, bucket, prefix)
            if one is not None:
                yield one, True
            # Any other prefix may be a guess, by which nobody is to learn which uploads there are, or keep their parts.
            elif self._may_list(request, authorize, account, bucket):
                for upload in self._under(account, bucket, prefix):
                    yield upload, False

    def _above(self, account: str, bucket: str, prefix: str) -> 'Upload | None':
        """Return the upload of a bucket that a ``prefix`` of names of its parts tells; None if it tells of none."""
        above = prefix
        while above:
            upload = self._made(account, bucket, split_marker(above))
            if upload is not None:
                return upload
            above = above.rpartition('/')[0]
        return None

    def _may_list(self, request: Any, authorize: Any, account: str, bucket: str) -> bool:
        """Return whether the client of a ``request`` may list the segments container of a bucket."""
        container = segments_container(bucket)
        asked = Request({**request.environ, 'REQUEST_METHOD': 'GET', 'QUERY_STRING': '',
                         'PATH_INFO': str_to_wsgi('/v1/%s/%s' % (account, container))})
        asked.acl = self._backend(account, bucket).bucket_info(container)['read_acl']
        return authorize(asked) is None

    def _under(self, account: str, bucket: str, prefix: str) -> 'Iterator[Upload]':
        """Yield the uploads of a bucket that have parts whose names begin so."""
        segments = self._segments(account, bucket)
        for row in next(segments.rows(prefix, delimiter=PARTS_DELIMITER, limit=_MOST_UPLOADS), []):
            upload = self._made(account, bucket, parts_directory(row.get('subdir', '')))
            if upload is not None:
                yield upload

    def _made(self, account: str, bucket: str, split: 'tuple[str, str] | None') -> 'Upload | None':
        """Return the upload of this key and id, if the id was made for it."""
        return Upload(account, bucket, *split) if split and self._cluster.ids.belongs(account, bucket, *split) else None

    def _note(self, upload: Upload, container: str, name: str) -> None:
        # Filters ask more than once.
        if (container, name, upload) not in self._noted:
            self._notes(upload).share(upload, container, name)
            self._noted.add((container, name, upload))

    def _notes(self, upload: Upload) -> Notes:
        return Notes(self._backend(upload.account, upload.bucket), upload.bucket,
                     self._segments(upload.account, upload.bucket))

    def _segments(self, account: str, bucket: str) -> Segments:
        return Segments(self._backend(account, bucket), bucket, self._cluster.freeing.concurrency)

    def _backend(self, account: str, bucket: str) -> Backend:
        return Backend(self._app, self._env, account, bucket)


def _target_of(request: Any) -> 'tuple[str, str, str] | None':
    """Return account, container and name, in native text, of the object that a request writes."""
    try:
        _, account, container, name = request.split_path(4, 4, True)
    except ValueError:
        return None
    if request.method == 'COPY':
        account = wsgi_unquote(request.headers.get('Destination-Account', '')) or account
        container, _, name = wsgi_unquote(request.headers.get('Destination', '')).lstrip('/').partition('/')
    return wsgi_to_str(account), wsgi_to_str(container), wsgi_to_str(name)


def _first(headers: Any, names: Iterable[str]) -> str:
    """Return what the first of these headers says that there is, decoded as Swift does it."""
    return wsgi_to_str(wsgi_unquote(next((headers[name] for name in names if name in headers), '')))
