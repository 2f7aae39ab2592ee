# SPDX-License-Identifier: Apache-2.0
"""The filter ``egg:s3multi#s3multi``: wires requests to operations, and turns their errors into answers.

A request that the front did not hand on passes untouched, but that the reader of an object may read its parts.
"""
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from swift.common.http import is_success
from swift.common.registry import get_swift_info, register_swift_info
from swift.common.request_helpers import append_log_info
from swift.common.storage_policy import POLICIES
from swift.common.swob import HeaderKeyDict, Request
from swift.common.utils import cache_from_env, close_if_possible, get_logger, split_path

from s3multi import __version__, config
from s3multi.filters import copied_digests, part_access, startup_checks
from s3multi.filters import shown_checksum
from s3multi.filters.cors import ClusterCors, cors_headers
from s3multi.operations import (abort, copy_part, delete_bucket, get_attributes, initiate, list_parts, list_uploads,
                                replaced_objects, upload_part)
from s3multi.operations.complete import handler as complete
from s3multi.operations.request import (DELETED_BUCKET, HANDOFF, READING, Call, Handoff, Reading, Reply, check_params,
                                        read_call, send)
from s3multi.operations.session import Session, cluster_secret, is_versioned
from s3multi.s3.copy_source import HEADER as COPY_SOURCE
from s3multi.s3.errors import AccessDenied, InternalError, MethodNotAllowed, NoSuchBucket, S3Error, ServiceUnavailable
from s3multi.storage.cache_hints import ConditionalWrites, PartHints
from s3multi.storage.deletion import ExpiryQueue, Freeing
from s3multi.storage.records import Records
from s3multi.storage.requests import Backend
from s3multi.storage.segments import Store
from s3multi.upload.names import UploadIds

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Operation = Callable[[Session], Reply]

# Query parameter, name of the resource in errors, and the operation of each method.
ROUTES: 'tuple[tuple[str, str, Mapping[str, Operation]], ...]' = (
    ('uploadId', 'UPLOAD', {'GET': list_parts.run, 'POST': complete.run, 'DELETE': abort.run}),
    ('uploads', 'UPLOADS', {'GET': list_uploads.run, 'POST': initiate.run}),
    ('attributes', 'ATTRIBUTES', {'GET': get_attributes.run}),
)


def route(call: Call) -> Operation:
    """Return the operation that ``call`` asks for. Raises MethodNotAllowed when there is none."""
    if call.method == 'PUT' and 'partNumber' in call.params:
        return copy_part.run if COPY_SOURCE in call.headers else upload_part.run
    for parameter, resource, methods in ROUTES:
        if parameter in call.params:
            if call.method in methods:
                return methods[call.method]
            raise MethodNotAllowed(call.method, resource, ', '.join(methods))
    raise MethodNotAllowed(call.method, 'PART', 'PUT')


class S3MultiMiddleware:
    """The multipart operations of S3, over the Swift pipeline to the right."""

    def __init__(self, app: 'WSGIApplication', settings: config.Settings, ids: UploadIds, freeing: Freeing,
                 logger: Any) -> None:
        self.app = app
        self._settings = settings
        self._freeing = freeing
        self._ids = ids
        self._logger = logger
        # As s3api asks: by now the encryption filter has registered itself, wherever it stands.
        self._encrypted = bool(get_swift_info(admin=True)['admin'].get('encryption', {}).get('enabled'))
        # Without that filter a quota in the metadata of a container is just a word of its owner's.
        self._has_quotas = 'container_quotas' in get_swift_info()

    def __call__(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        if HANDOFF not in env:
            if DELETED_BUCKET in env:
                return self._delete_bucket(env, start_response)
            if part_access.reads(env):
                part_access.follow(env, self._ids)
                copied_digests.follow(env)
            if replaced_objects.concerns(env, self._settings.free_replaced_parts):
                return self._replace(env, start_response)
            return self._read(env, start_response) if READING in env else self.app(env, start_response)
        try:
            call = read_call(env)
            if COPY_SOURCE in call.headers:
                part_access.follow(env, self._ids)
            session = self._session(call)
            env[HANDOFF].cors = cors_headers(env.get('HTTP_ORIGIN'), session.bucket_info.get('cors') or {},
                                             self._cluster_cors())
            check_params(call)
            denied = self._authorize(session)
            if denied is not None:
                # Without our mark on it: the front knows what a denial means to an S3 client.
                return denied(env, start_response)
            reply = route(call)(session)
        except S3Error as error:
            append_log_info(env, 's3:err:%s' % error.code)
            if isinstance(error, InternalError):
                self._logger.error('%s %s: %s', env['REQUEST_METHOD'], env['PATH_INFO'], error)
            reply = Reply.error(error, env.get('swift.trans_id', ''))
        except Exception:
            self._logger.exception('%s %s failed', env['REQUEST_METHOD'], env['PATH_INFO'])
            reply = Reply.error(InternalError(), env.get('swift.trans_id', ''))
        return send(reply, env, start_response)

    def _delete_bucket(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Pass on a request that s3api makes to delete a bucket; if it is the deletion itself, end its uploads."""
        request = Request(env)
        _, _, container, key = split_path(request.path_info, 1, 4, True)
        if request.method != 'DELETE' or container != env[DELETED_BUCKET] or key is not None:
            return self.app(env, start_response)
        try:
            session = self._session(read_call({**env, HANDOFF: Handoff({}, {}, '', '')}))
        except S3Error:
            # A name that Swift takes for none either.
            return self.app(env, start_response)
        began = session.ticks()
        response = session.backend.answer(request)
        if response.status_int == 204:
            delete_bucket.end_uploads(session, began)
        return response(env, start_response)

    def _replace(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Pass on a request of s3api that may replace or remove a multipart object."""
        try:
            session = self._session(read_call({**env, HANDOFF: Handoff({}, {}, '', '')}))
        except S3Error:
            # A name that Swift takes for none either.
            return self.app(env, start_response)
        request = Request(env)
        replaced = replaced_objects.before(session, request)
        response = session.backend.answer(request)
        replaced_objects.after(session, replaced, response.status_int)
        return response(env, start_response)

    def _read(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        """Pass on a read of which the front wants to know what Swift answered, and the checksum."""
        reading: Reading = env[READING]
        # Filters on the right change path and query of a request that names a version.
        sent = {**env}

        def start(status: str, headers: 'list[tuple[str, str]]', *exc_info: Any) -> Any:
            found = HeaderKeyDict(headers)
            reading.status, reading.parts_count = int(status[:3]), found.get('X-Parts-Count')
            if reading.is_of_no_bytes:
                headers = [*((name, value) for name, value in headers if name.lower() != 'content-length'),
                           ('Content-Length', '0')]
            if reading.wants_checksum:
                reading.headers = shown_checksum.of_answer(
                    sent, reading.status, found, lambda account, bucket: Store(
                        Backend(self.app, sent, account, bucket), account, bucket, self._freeing))
            return start_response(status, headers, *exc_info)

        body = self.app(env, start)
        if reading.is_of_no_bytes:
            close_if_possible(body)
            return [b'']
        return body

    def _session(self, call: Call) -> Session:
        backend = Backend(self.app, call.env, call.account, call.bucket)
        info = backend.bucket_info()
        store = Store(backend, call.account, call.bucket, self._freeing)
        records = Records(backend, call.bucket, is_versioned(info))
        cache = cache_from_env(call.env)
        return Session(call, store, records, backend, self._settings, self._ids, PartHints(cache),
                       ConditionalWrites(cache), info, self._encrypted, self._has_quotas, self._logger)

    def _cluster_cors(self) -> ClusterCors:
        # The proxy-server at the end of the pipeline; Swift gives it to every filter once the pipeline stands.
        proxy = getattr(self, '_pipeline_final_app', None)
        if proxy is None:
            return ClusterCors()
        return ClusterCors(tuple(proxy.cors_allow_origin), tuple(proxy.cors_expose_headers), proxy.strict_cors_mode)

    def _authorize(self, session: Session) -> 'WSGIApplication | None':
        """Judge the client's own right on the bucket: to read it for lists, else to write it.

        Returns the answer of the auth filter that denies it. Raises AccessDenied without an auth filter, when the ACL
        of S3 denies it or the client expects another owner, and, only for who may know it, NoSuchBucket.
        """
        env, info = session.call.env, session.bucket_info
        authorize = env.get('swift.authorize')
        if authorize is None:
            raise AccessDenied()
        request = Request(env)
        reads = session.call.method in ('GET', 'HEAD')
        request.acl = info['read_acl' if reads else 'write_acl']
        denied = authorize(request)
        if denied is not None:
            return denied
        if info['status'] == 404 or info['status'] == 0 and session.backend.account_is_missing():
            raise NoSuchBucket(session.call.bucket)
        if not is_success(info['status']):
            raise ServiceUnavailable()
        s3_acl = session.call.s3_acl
        if (s3_acl is not None and not _reads_an_object(session.call)
                and not s3_acl.may('READ' if reads else 'WRITE', info['sysmeta'])):
            raise AccessDenied()
        session.check_owner('x-amz-expected-bucket-owner', session.call.bucket)
        return None


def _reads_an_object(call: Call) -> bool:
    """Say whether the operation asks for the ACL of S3 itself, that of an object."""
    try:
        return route(call) is get_attributes.run
    except MethodNotAllowed:
        return False


def filter_factory(global_conf: Mapping[str, str],
                   **local_conf: str) -> 'Callable[[WSGIApplication], S3MultiMiddleware]':
    """The PasteDeploy entry point ``egg:s3multi#s3multi``."""
    def s3multi_filter(app: 'WSGIApplication') -> S3MultiMiddleware:
        # In here every filter of the pipeline has registered its limits.
        if '__file__' in global_conf:
            startup_checks.check(startup_checks.read_stages(global_conf['__file__']))
        info = get_swift_info()
        inherited = {name: info['s3api'][name] for name in ('min_segment_size', 'max_upload_part_num')}
        settings = config.load(local_conf, inherited)
        if settings.storage_policy and POLICIES.get_by_name(settings.storage_policy) is None:
            raise config.ConfigError('[filter:s3multi] storage_policy = %s: swift.conf has no such policy'
                                     % settings.storage_policy)
        startup_checks.check_limits(info['slo'], settings.max_upload_part_num)
        register_swift_info('s3multi', version=__version__, min_segment_size=settings.min_segment_size,
                            max_upload_part_num=settings.max_upload_part_num)
        logger = get_logger({**global_conf, **local_conf}, log_route='s3multi')
        queue = ExpiryQueue(settings.expirer_options, logger) if info['slo'].get('allow_async_delete') else None
        freeing = Freeing(settings.delete_concurrency, settings.immediate_deletes, queue)
        return S3MultiMiddleware(app, settings, UploadIds(cluster_secret()), freeing, logger)

    return s3multi_filter
