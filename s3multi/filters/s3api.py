# SPDX-License-Identifier: Apache-2.0
"""The filter ``egg:s3multi#s3api``: Swift's own s3api, which hands multipart requests on to the filter s3multi.

Swift's code still does all the rest: signatures, presigned URLs, aws-chunked bodies, checksums of the payload, every
other request, and also the requests for uploads that stock s3api began. Options and place in the pipeline are those of
``egg:swift#s3api``. Only modules of this package import Swift's s3api.
"""
import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from swift.common.middleware.s3api import s3api, s3request, s3response
from swift.common.middleware.s3api.controllers import (BucketController, MultiObjectDeleteController, ObjectController,
                                                       PartController, UploadController, UploadsController)
from swift.common.request_helpers import update_etag_is_at_header
from swift.common.swob import Request, Response, wsgi_to_str
from swift.common.utils import split_path

from s3multi.config import check_front_names, load_front
from s3multi.filters import client_headers, if_range, mended_requests, self_test, startup_checks, unencoded_lists
from s3multi.filters.handoff import DELETING, HANDOFF, READING, Deleting, Handoff, Reading
from s3multi.filters.hidden_containers import BucketView, check_bucket
from s3multi.filters.location import object_url
from s3multi.filters.s3_acl import S3Acl, check_ignored
from s3multi.filters.versions import check_versions
from s3multi.s3.checksums import algorithm_of
from s3multi.s3.parts import MAX_PART_NUMBER
from s3multi.storage.part_body import TrailingChecksum
from s3multi.upload import manifest
from s3multi.upload.stock_names import is_stock_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MULTIPART = (PartController, UploadController, UploadsController)
# Keystone's filters leave the name of a user here. s3api reads it, whichever auth filter there is.
_NAMES = ('HTTP_X_USER_NAME', 'HTTP_X_TENANT_NAME', 'HTTP_X_PROJECT_NAME')


class _Unnamed(s3api.ListingEtagMiddleware):
    """The filter to which s3api sends requests. Removes the user's name that a client may have sent in a header.

    Only the auth filters may say who has signed a request: s3api would believe the header.
    """

    def __call__(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        if 's3api.auth_details' in env:
            for name in _NAMES:
                env.pop(name, None)
        answer: Iterable[bytes] = super().__call__(env, start_response)
        return answer


class S3MultiFront(BucketView):
    """Swift's s3api, with multipart requests handed on through the pipeline to the filter s3multi."""

    def __init__(self, app: 'WSGIApplication', conf: Mapping[str, str]) -> None:
        super().__init__(app, conf)
        self._settings = load_front(conf)
        self.initiates = self._settings.multipart_initiate == 's3multi'

    def __call__(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        mended_requests.before_parsing(env)
        answer: Iterable[bytes] = super().__call__(env, start_response)
        return answer

    def handle_request(self, req: Any) -> Response:
        """Answer an S3 request that s3api has parsed. req: an ``S3Request``. Raises ``ErrorResponse``."""
        try:
            return self._answer(req)
        except (s3response.XAmzContentSHA256Mismatch, s3response.BadDigest) as error:
            raise mended_requests.incomplete_body(req.environ) or error from None
        except socket.timeout:
            # s3api's own reads of a document, where the client has stopped sending.
            raise s3response.RequestTimeout(headers={'Connection': 'close'}) from None

    def _answer(self, req: Any) -> Response:
        unsigned = client_headers.unsigned(req)
        if unsigned is not None:
            raise s3response.AccessDenied('There were headers present in the request which were not signed',
                                          headers_not_signed=unsigned)
        client_headers.drop(req)
        mended_requests.after_parsing(req)
        check_bucket(req)
        check_versions(req)
        if not _is_handed_on(req) or self._is_for_stock(req):
            return if_range.answer(req, self._pass)
        # Has the server send the white space of a slow answer at once. Set here, because the server looks only at the
        # environ that it has made itself.
        req.environ['eventlet.minimum_write_chunk_size'] = 0
        # The request that is handed on has a copy of the environ, which shares this list: so what it logs is seen.
        req.environ.setdefault('swift.log_info', [])
        handoff = Handoff(
            params={wsgi_to_str(name): wsgi_to_str(value) for name, value in req.params.items()},
            headers={wsgi_to_str(name).lower(): wsgi_to_str(value)
                     for name, value in mended_requests.headers_of(req).items()},
            access_key=req.access_key, location=object_url(req.environ, self._settings.location_scheme),
            trailer=_trailer_of(req),
            verified=hasattr(s3request, 'CHECKSUMS_BY_HEADER'), s3_acl=_s3_acl_of(req))
        try:
            response = self._hand_on(req, handoff)
        except s3response.ErrorResponse as error:
            error.headers.update(handoff.cors)
            raise
        response.headers.update(handoff.cors)
        return response

    def _hand_on(self, req: Any, handoff: Handoff) -> Response:
        """Return the answer of the filter s3multi; raise ``ErrorResponse`` for a denial, and for any other answer."""
        request = req.to_swift_req(req.method, req.container_name, req.object_name, headers={})
        # s3multi alone reads the source of a copy. A copy filter on the way would take the request for its own.
        request.environ.pop('HTTP_X_COPY_FROM', None)
        # s3api has put the version of the source there.
        request.environ['QUERY_STRING'] = ''
        request.environ[HANDOFF] = handoff
        try:
            with _read_errors(req):
                response = request.get_response(self.app)
        finally:
            # The account that auth has put in place of the access key; s3api's own controllers leave it for the logs,
            # too.
            _, req.account, _ = split_path(request.environ['PATH_INFO'], 2, 3, True)
            req.environ['s3api.backend_path'] = request.environ['PATH_INFO']
        if not handoff.answered:
            response.body  # noqa: B018 - reading it frees the connection
            raise _denial(req, request, response)
        # s3api hands it on to proxy-logging.
        req.policy_index = response.headers.get('X-Backend-Storage-Policy-Index')
        # Gives the headers S3's spelling: some clients know "ETag" only.
        response.headers = s3response.HeaderKeyDict(response.headers)
        if response.content_length == 0:
            # swob has added it. An answer without a body has no type.
            response.headers.pop('Content-Type', None)
        for name in ('x-amz-id-2', 'x-amz-request-id'):
            response.headers[name] = req.environ.get('swift.trans_id', '')
        return response

    def _is_for_stock(self, req: Any) -> bool:
        """Return whether Swift's own controllers have to answer: by the upload id, or by the option for new uploads."""
        if req.controller is UploadsController:
            return req.method == 'POST' and not self.initiates
        return is_stock_id(wsgi_to_str(req.params.get('uploadId', '')))

    def _pass(self, req: Any) -> Response:
        """Let s3api answer, and add the checksum if the client asks for it and the object has one."""
        if req.method == 'PUT' and 'X-Amz-Copy-Source' in req.headers:
            # Has conditions on the source compared with the ETag that S3 clients see. Swift does so after 2.34.
            for name in manifest.ETAG_HEADERS:
                update_etag_is_at_header(req, name)
        if req.controller is MultiObjectDeleteController or (
                req.controller is ObjectController and req.method == 'DELETE'):
            # Shared by all requests that s3api makes for this one, each with a copy of the environ.
            req.environ[DELETING] = Deleting()
        if req.controller is BucketController and req.method == 'GET':
            return unencoded_lists.answer(req, super().handle_request)
        if req.controller is not ObjectController or req.method not in ('GET', 'HEAD'):
            return super().handle_request(req)
        mode, number = req.headers.get('x-amz-checksum-mode'), _part_number(req)
        if mode is None and number is None:
            return super().handle_request(req)
        if mode is not None and mode.upper() != 'ENABLED':
            raise s3response.InvalidRequest('Value for x-amz-checksum-mode header is invalid.')
        # It reaches the filter s3multi in a copy of the environ, as the handoff does.
        reading = req.environ[READING] = Reading(wants_checksum=mode is not None)
        try:
            response = super().handle_request(req)
        except s3response.InvalidPartNumber:
            raise s3response.InvalidPartNumber(part_number_requested=number,
                                               actual_part_count=reading.parts_count or '1') from None
        response.headers.update(reading.headers)
        if number is not None:
            _correct_part(response, reading)
        return response


def _is_handed_on(req: Any) -> bool:
    # s3api would answer GetObjectAttributes with the object itself, and the lifecycle of a bucket with the bucket.
    return (req.controller in _MULTIPART or req.controller is ObjectController and 'attributes' in req.params
            or req.controller is BucketController and 'lifecycle' in req.params)


@contextlib.contextmanager
def _read_errors(req: Any) -> Iterator[None]:
    """Turn the exceptions that s3api's wrappers of the body raise while Swift reads it into S3 errors."""
    if hasattr(req, 'translate_read_errors'):
        with req.translate_read_errors():
            yield
        return
    # Swift 2.34 has only the wrapper that raises this.
    try:
        yield
    except s3request.S3InputSHA256Mismatch as mismatch:
        raise s3response.XAmzContentSHA256Mismatch(
            client_computed_content_s_h_a256=mismatch.expected,
            s3_computed_content_s_h_a256=mismatch.computed) from None


def _part_number(req: Any) -> 'int | None':
    """Return the part number of a read, None without one. Raises the S3 error if it is malformed, or beside a range."""
    number: int | None = req.validate_part_number(check_max=False)
    # s3api would also take "+1", " 1" and "1_0".
    if number is not None and not req.params['partNumber'].isdigit():
        raise s3response.InvalidPartArgument(req.conf.max_upload_part_num, req.params['partNumber'])
    return number


def _correct_part(response: Response, reading: Reading) -> None:
    """Correct s3api's answer to a read of a part if the answer has no bytes."""
    if reading.status == 304:
        # For an object without parts s3api makes it a 206.
        response.status = 304
        response.headers.pop('Content-Range', None)
    elif response.headers.get('Content-Length') == '0':
        # A range cannot be empty, so there is nothing of which this could be partial content.
        response.status = 200
        response.headers.pop('Content-Range', None)


def _trailer_of(req: Any) -> 'TrailingChecksum | None':
    """Return the checksum that follows the body, and that s3api verifies as the body is read; None without one."""
    trailer = req.headers.get('x-amz-trailer', '').strip().rstrip(',').lower()
    stream = req.environ['wsgi.input']
    while not hasattr(stream, 'trailers') and hasattr(stream, 'wsgi_input'):
        stream = stream.wsgi_input
    if algorithm_of(trailer) is None or not hasattr(stream, 'trailers'):
        return None
    return TrailingChecksum(trailer, stream.trailers)


def _s3_acl_of(req: Any) -> 'S3Acl | None':
    """Return the rights of the client by the ACLs of S3; None if those of Swift count.

    Raises the S3 error for an Initiate that asks for an ACL which cannot be made.
    """
    initiates = req.controller is UploadsController and req.method == 'POST'
    if not req.conf.s3_acl:
        if initiates:
            check_ignored(req.environ)
        return None
    s3_acl = S3Acl(req.user_id, req.headers, req.conf.allow_no_owner)
    if initiates:
        s3_acl.check_headers()
    return s3_acl


def _denial(req: Any, request: Request, response: Response) -> Exception:
    """Return the S3 error for an answer that s3multi has not given: that of an auth filter, or of one in between."""
    status = response.status_int
    if status == 401:
        return s3response.SignatureDoesNotMatch(**req.signature_does_not_match_kwargs())
    if status in (403, 497):
        # 497: the account is on the black list of the filter ratelimit.
        return s3response.AccessDenied(reason='forbidden')
    if status == 404:
        return s3response.NoSuchBucket(req.container_name)
    if status == 413:
        # A quota to the left of s3multi.
        return s3response.EntityTooLarge(response.body.decode('utf-8', 'replace').strip())
    if status in (429, 498):
        return s3response.SlowDown(status='429 Slow Down') if req.conf.ratelimit_as_client_error else \
            s3response.SlowDown()
    if status == 503:
        return s3response.ServiceUnavailable()
    return s3response.InternalError('unexpected status code %d on the way to s3multi' % status)


def filter_factory(global_conf: Mapping[str, str], **local_conf: str) -> 'Callable[[WSGIApplication], S3MultiFront]':
    """Return the factory of the filter: the PasteDeploy entry point ``egg:s3multi#s3api``.

    Takes the options of ``egg:swift#s3api`` and those of ``config.FRONT_OPTIONS``. Raises ConfigError.
    """
    local_conf.setdefault('max_upload_part_num', str(MAX_PART_NUMBER))
    if self_test.NATIVE not in global_conf:
        # Where s3api has this option, it is on unless the operator has switched it off.
        local_conf.setdefault(self_test.NATIVE, 'false')
    # Registers s3api in /info, and the headers that must not be logged. The filter that it would make is not used.
    s3api.filter_factory(global_conf, **local_conf)
    conf = {**global_conf, **local_conf}

    def s3api_filter(app: 'WSGIApplication') -> S3MultiFront:
        if '__file__' in global_conf:
            startup_checks.check(startup_checks.read_stages(global_conf['__file__']))
        front = S3MultiFront(_Unnamed(app), conf)
        check_front_names(local_conf, front.conf)
        self_test.check(front, front.initiates)
        return front

    return s3api_filter
