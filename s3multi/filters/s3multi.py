# SPDX-License-Identifier: Apache-2.0
"""The filter ``egg:s3multi#s3multi``: brings requests to operations, and turns their errors into answers.

Other requests pass through unchanged, except that whoever may read an object may also read its parts, that a copy does
not inherit the digests of the parts, that the parts of replaced objects and deleted buckets are freed, and that a
deleted version gives way to the one below.
"""
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import swift
from swift.common.registry import get_swift_info, register_swift_info
from swift.common.request_helpers import append_log_info
from swift.common.storage_policy import POLICIES
from swift.common.swob import HeaderKeyDict, Request, Response, wsgi_to_str
from swift.common.utils import close_if_possible, get_logger

from s3multi import __version__, config
from s3multi.filters import (client_headers, copied_digests, part_access, reports, shared_parts, shown_checksum,
                             startup_checks)
from s3multi.filters.authorisation import authorize
from s3multi.filters.cors import ClusterCors, cors_headers
from s3multi.filters.handoff import (DELETED_BUCKET, DELETING, HANDOFF, READING, Deleting, Reading, check_params,
                                     names_of, read_call, send)
from s3multi.filters.routes import name_of, route
from s3multi.operations import delete_bucket, deleted_versions, replaced_objects
from s3multi.operations.bucket import Bucket, Cluster, cluster_secret
from s3multi.operations.request import Reply
from s3multi.s3.copy_source import HEADER as COPY_SOURCE
from s3multi.s3.errors import InternalError, InvalidURI, S3Error
from s3multi.storage.deletion import ExpiryQueue, Freeing
from s3multi.storage.metrics import Metrics
from s3multi.storage.objects import object_of
from s3multi.storage.requests import Backend
from s3multi.storage.segments import Segments
from s3multi.upload.names import UploadIds

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class S3MultiMiddleware:
    """The multipart operations of S3, over the Swift pipeline to the right."""

    def __init__(self, app: 'WSGIApplication', cluster: Cluster) -> None:
        self.app = app
        self._cluster = cluster
        self._logger = cluster.logger

    def __call__(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        handler = (self._operate if HANDOFF in env else
                   self._delete_bucket if DELETED_BUCKET in env else
                   self._pass_on)
        return handler(env, start_response)

    def _operate(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Answer a request that the filter s3api has handed on."""
        report = None
        try:
            call = read_call(env)
            report = reports.Report(self._cluster, call, name_of(call))
            if COPY_SOURCE in call.headers:
                part_access.grant(env, self._cluster.ids)
            bucket = Bucket.open(self.app, env, call.account, call.bucket, self._cluster)
            env[HANDOFF].cors = cors_headers(env.get('HTTP_ORIGIN'), bucket.info.get('cors') or {},
                                             self._cluster_cors())
            check_params(call)
            denied = authorize(bucket, call)
            if denied is not None:
                # Not marked as an answer of ours, so s3api turns it into the S3 error for a denial.
                return denied(env, report.telling_denial(start_response))
            reply = route(call)(bucket, call)
            reply.headers.update(reports.policy_header(bucket, call))
        except S3Error as error:
            append_log_info(env, 's3:err:%s' % error.code)
            if isinstance(error, InternalError):
                self._logger.error('%s %s: %s', env['REQUEST_METHOD'], env['PATH_INFO'], error)
            reply = Reply.error(error, env.get('swift.trans_id', ''))
        except Exception:
            self._logger.exception('%s %s failed', env['REQUEST_METHOD'], env['PATH_INFO'])
            reply = Reply.error(InternalError(), env.get('swift.trans_id', ''))
        return send(report.tell(reply) if report else reply, env, start_response)

    def _delete_bucket(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Pass on a request that s3api makes while it deletes a bucket; if it is the DELETE itself, end the uploads."""
        request = Request(env)
        try:
            account, name, key = names_of(env)
        except (InvalidURI, ValueError):
            # Swift rejects this name too, or the request is for the account.
            return self.app(env, start_response)
        if request.method != 'DELETE' or name != wsgi_to_str(env[DELETED_BUCKET]) or key is not None:
            return self.app(env, start_response)
        bucket = Bucket.open(self.app, env, account, name, self._cluster)
        began_ticks = bucket.ticks()
        response = bucket.backend.answer(request)
        if response.status_int == 204:
            delete_bucket.end_uploads(bucket, began_ticks)
        return response(env, start_response)

    def _pass_on(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Pass on a request that was not handed on, with what it needs if it meets a multipart object."""
        refused = client_headers.refusal(env)
        if refused is not None:
            return refused(env, start_response)
        # First, so that what it asks the auth filter is not taken for something that the request reads.
        shared_parts.watch(env, self.app, self._cluster)
        if part_access.reads(env):
            part_access.grant(env, self._cluster.ids)
            copied_digests.strip(env)
        if env.get('swift.source') == 'S3' and env['PATH_INFO'].count('/') >= 4:
            if env['REQUEST_METHOD'] == 'HEAD' and DELETING in env:
                return self._notice(env, start_response)
            if self._replaces(env) or deleted_versions.applies_to(env):
                return self._replace(env, start_response)
        return self._read(env, start_response) if READING in env else self.app(env, start_response)

    def _notice(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Pass on the look of s3api at an object that it is about to delete, and remember what it has seen."""
        deleting: Deleting = env[DELETING]
        request = Request(env)
        # Filters to the right change both.
        place, is_of_itself = deleting.place_of(request), request.params.get('symlink') == 'get'

        def start(status: str, headers: 'list[tuple[str, str]]', *exc_info: Any) -> Any:
            answer = Response(status=status, headers=headers)
            if is_of_itself and (answer.is_success or answer.status_int == 404):
                deleting.found[place] = object_of(answer)
            return start_response(status, headers, *exc_info)

        return self.app(env, start)

    def _replaces(self, env: 'WSGIEnvironment') -> bool:
        """Return whether a request of s3api for an object may replace or delete a multipart object."""
        return (env['REQUEST_METHOD'] == 'PUT' and self._cluster.settings.free_replaced_parts
                or env['REQUEST_METHOD'] == 'DELETE' and DELETING in env)

    def _replace(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Pass on a request of s3api that may replace or delete a multipart object; then free the parts of that."""
        try:
            account, name, key = names_of(env)
        except InvalidURI:
            # Swift rejects this name too.
            return self.app(env, start_response)
        bucket = Bucket.open(self.app, env, account, name, self._cluster)
        request = Request(env)
        look = None
        if self._replaces(env):
            seen = env[DELETING].found.get(Deleting.place_of(request)) if request.method == 'DELETE' else None
            look = replaced_objects.begin(bucket, key or '', request, seen)
        response = (deleted_versions.delete(bucket, key or '', request, bucket.backend.answer)
                    if deleted_versions.applies_to(env) else bucket.backend.answer(request))
        replaced_objects.after(bucket, look, response.status_int)
        return response(env, start_response)

    def _read(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Pass on a read, recording Swift's status and the checksum for s3api."""
        reading: Reading = env[READING]
        # Copied, because filters to the right change path and query of a request that names a version.
        sent = {**env}

        def start(status: str, headers: 'list[tuple[str, str]]', *exc_info: Any) -> Any:
            found = HeaderKeyDict(headers)
            reading.status, reading.parts_count = int(status[:3]), found.get('X-Parts-Count')
            if reading.is_of_no_bytes:
                headers = [*((name, value) for name, value in headers if name.lower() != 'content-length'),
                           ('Content-Length', '0')]
            if reading.wants_checksum:
                reading.headers = shown_checksum.of_answer(
                    sent, reading.status, found, lambda account, bucket: Segments(
                        Backend(self.app, sent, account, bucket), bucket, self._cluster.freeing.concurrency))
            return start_response(status, headers, *exc_info)

        body = self.app(env, start)
        if reading.is_of_no_bytes:
            close_if_possible(body)
            return [b'']
        return body

    def _cluster_cors(self) -> ClusterCors:
        # The proxy-server at the end of the pipeline. Swift gives it to every filter when the pipeline is complete.
        proxy = getattr(self, '_pipeline_final_app', None)
        if proxy is None:
            return ClusterCors()
        return ClusterCors(tuple(proxy.cors_allow_origin), tuple(proxy.cors_expose_headers), proxy.strict_cors_mode)


def filter_factory(global_conf: Mapping[str, str],
                   **local_conf: str) -> 'Callable[[WSGIApplication], S3MultiMiddleware]':
    """Return the factory of the filter: the PasteDeploy entry point ``egg:s3multi#s3multi``.

    Takes the options of ``config.OPTIONS``. Raises ConfigError for a wrong option, pipeline or limit of SLO.
    """
    config.check_default_names(global_conf)

    def s3multi_filter(app: 'WSGIApplication') -> S3MultiMiddleware:
        # By the time this is called, every filter of the pipeline has registered its limits.
        if '__file__' in global_conf:
            startup_checks.check(startup_checks.read_stages(global_conf['__file__']))
        info = get_swift_info()
        inherited = {name: info['s3api'][name] for name in ('min_segment_size', 'max_upload_part_num')}
        settings = config.load(local_conf, inherited)
        if settings.storage_policy and POLICIES.get_by_name(settings.storage_policy) is None:
            raise config.ConfigError('[filter:s3multi] storage_policy = %s: swift.conf has no such policy'
                                     % settings.storage_policy)
        startup_checks.check_limits(info['slo'], settings.max_upload_part_num)
        logger = get_logger({**global_conf, **local_conf}, log_route='s3multi', statsd_tail_prefix='s3multi')
        untested = startup_checks.untested_swift(swift.__version__)
        if untested:
            logger.warning(untested)
        register_swift_info('s3multi', version=__version__, min_segment_size=settings.min_segment_size,
                            max_upload_part_num=settings.max_upload_part_num,
                            **({'warning': untested} if untested else {}))
        queue = ExpiryQueue(settings.expirer_options, logger) if info['slo'].get('allow_async_delete') else None
        freeing = Freeing(settings.delete_concurrency, settings.immediate_deletes, queue)
        return S3MultiMiddleware(app, Cluster(
            settings, UploadIds(cluster_secret()), freeing, logger,
            # Asked as s3api asks it. The encryption filter has registered itself by now, wherever it stands.
            encrypted=bool(get_swift_info(admin=True)['admin'].get('encryption', {}).get('enabled')),
            # Without that filter, a quota in the metadata of a container binds nobody.
            has_quotas='container_quotas' in info, metrics=Metrics.of(logger, {**global_conf, **local_conf})))

    return s3multi_filter
