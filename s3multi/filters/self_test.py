# SPDX-License-Identifier: Apache-2.0
"""The self-test at start-up: whether the filter s3api gets from Swift's own s3api what it builds on.

Much of that is internal to Swift, and may be another in its next release. Here it shows before the first client comes.
"""
import base64
import copy
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import swift
from swift.common.middleware.s3api import s3request, s3response

from s3multi.config import ConfigError
from s3multi.filters.handoff import HANDOFF, READING, Handoff, send
from s3multi.operations.request import Reply

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# What this package takes from ``s3response`` when it answers.
NAMES = ('AccessDenied', 'BadDigest', 'EntityTooLarge', 'ErrorResponse', 'HeaderKeyDict', 'IncompleteBody',
         'InternalError', 'InvalidArgument', 'InvalidBucketName', 'InvalidPartArgument', 'InvalidPartNumber',
         'InvalidRange', 'InvalidRequest', 'NoSuchBucket', 'RequestTimeout', 'S3NotImplemented', 'ServiceUnavailable',
         'SignatureDoesNotMatch', 'SlowDown', 'XAmzContentSHA256Mismatch')
# An option of s3api on Swift's branch feature/mpu.
NATIVE = 'enable_native_multipart_uploads'
_TRAILER = 'x-amz-checksum-crc32'
_BODY = b'data'


@dataclass(frozen=True)
class _Trial:
    """A request: method, path with query, whether its body ends with a checksum, and whether auth refuses it."""

    method: str
    path: str
    in_chunks: bool = False
    denied: bool = False


HANDED_ON = {
    'Initiate': _Trial('POST', '/self-test/key?uploads'),
    'Upload Part': _Trial('PUT', '/self-test/key?partNumber=1&uploadId=self-test'),
    'Upload Part in chunks': _Trial('PUT', '/self-test/key?partNumber=1&uploadId=self-test', in_chunks=True),
    'List Parts': _Trial('GET', '/self-test/key?uploadId=self-test'),
    'Complete': _Trial('POST', '/self-test/key?uploadId=self-test'),
    'Abort': _Trial('DELETE', '/self-test/key?uploadId=self-test'),
    'List Multipart Uploads': _Trial('GET', '/self-test?uploads'),
    'GetBucketLifecycleConfiguration': _Trial('GET', '/self-test?lifecycle'),
    'GetObjectAttributes': _Trial('GET', '/self-test/key?attributes'),
}
_DENIED = _Trial('DELETE', '/self-test/key?uploadId=self-test', denied=True)
_READ = _Trial('GET', '/self-test/key?partNumber=1')


def check(front: Any, initiates: bool) -> None:
    """Raise ConfigError unless multipart requests come from ``front``, the filter s3api, as s3multi needs them.

    None of them goes further than to a stand-in for the pipeline. initiates: whether new uploads are handed on, too.
    """
    if not front.conf.allow_multipart_uploads:
        raise ConfigError('s3api answers every multipart request with 501. In [filter:s3api] remove '
                          'allow_multipart_uploads = false; and slo has to have this name in the pipeline.')
    if front.conf.get(NATIVE):
        raise ConfigError('Swift\'s native multipart uploads would take the place of s3multi, whose open uploads '
                          'would be lost. In [filter:s3api] write:\n%s = false' % NATIVE)
    lacking = [name for name in NAMES if not hasattr(s3response, name)]
    if lacking:
        _refuse('it has no ' + ', '.join(lacking))
    for name, trial in HANDED_ON.items():
        if name == 'Initiate' and not initiates:
            continue
        if trial.in_chunks and not hasattr(s3request, 'CHECKSUMS_BY_HEADER'):
            # This Swift (2.34, 2.35.0) reads no such body.
            continue
        seen, status = _try(front, trial)
        handoff = seen.get(HANDOFF)
        if status != 200 or not isinstance(handoff, Handoff):
            _refuse('%s does not reach s3multi but is answered with %d by its %s' % (name, status, seen['controller']))
        elif trial.in_chunks and (handoff.trailer is None or seen['body'] != _BODY):
            _refuse('the checksum behind a body is not found')
        elif handoff.access_key != 'self-test':
            _refuse('the access key is not found')
    seen, status = _try(front, _DENIED)
    if status != 403:
        _refuse('a request that auth refuses is answered with %d' % status)
    seen, status = _try(front, _READ)
    if READING not in seen:
        _refuse('a read of one part is answered with %d' % status)


def _refuse(what: str) -> None:
    raise ConfigError('s3multi cannot work with the s3api of Swift %s: %s. Use a release of Swift that s3multi is '
                      'tested with, or a newer s3multi. To go without it, write in [filter:s3api]:\n'
                      'use = egg:swift#s3api\nand take s3multi out of the pipeline.' % (swift.__version__, what))


def _try(front: Any, trial: _Trial) -> 'tuple[WSGIEnvironment, int]':
    """Return the environ with which a request has come behind ``front``, and the status of the answer.

    Also in the environ: the body, and the name of the class of s3api that answers such a request.
    """
    seen: WSGIEnvironment = {'controller': 'parser'}

    def pipeline(env: 'WSGIEnvironment', start_response: 'StartResponse') -> Iterable[bytes]:
        if env['REQUEST_METHOD'] == 'TEST':
            # With s3_acl s3api first asks who the client is.
            env['REMOTE_USER'] = 'self-test'
            start_response('200 OK', [('Content-Length', '0')])
            return [b'']
        seen.update(env, body=env['wsgi.input'].read())
        if HANDOFF in env and not trial.denied:
            return send(Reply(status=200), env, start_response)
        start_response('401 Unauthorized' if trial.denied else '404 Not Found', [('Content-Length', '0')])
        return [b'']

    def handle(req: Any) -> Any:
        seen['controller'] = req.controller.__name__
        return type(front).handle_request(tested, req)

    statuses: list[int] = []
    tested = copy.copy(front)
    tested.app = pipeline
    tested.handle_request = handle
    body = tested(_environ(trial, front.conf.location),
                  lambda status, headers, exc_info=None: statuses.append(int(status[:3])))
    b''.join(body)
    return seen, statuses[0]


def _environ(trial: _Trial, location: str) -> 'WSGIEnvironment':
    """Return the environ of a request whose signature no auth filter will compare."""
    path, _, query = trial.path.partition('?')
    now = time.gmtime()
    headers = {'host': 'self-test.invalid', 'x-amz-date': time.strftime('%Y%m%dT%H%M%SZ', now),
               'x-amz-content-sha256': 'UNSIGNED-PAYLOAD'}
    body = _BODY if trial.method == 'PUT' else b''
    if trial.in_chunks:
        checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, 'big')).decode()
        headers.update({'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'x-amz-trailer': _TRAILER,
                        'x-amz-decoded-content-length': str(len(body)), 'content-encoding': 'aws-chunked'})
        body = b'%x\r\n%s\r\n0\r\n%s:%s\r\n\r\n' % (len(body), body, _TRAILER.encode(), checksum.encode())
    scope = '%s/%s/s3/aws4_request' % (time.strftime('%Y%m%d', now), location)
    signature = 'AWS4-HMAC-SHA256 Credential=self-test/%s,SignedHeaders=%s,Signature=%s' % (
        scope, ';'.join(sorted(headers)), 64 * '0')
    return {
        'REQUEST_METHOD': trial.method, 'SCRIPT_NAME': '', 'PATH_INFO': path, 'QUERY_STRING': query,
        'SERVER_NAME': 'self-test.invalid', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1',
        'REMOTE_ADDR': '127.0.0.1', 'CONTENT_LENGTH': str(len(body)), 'HTTP_AUTHORIZATION': signature,
        'wsgi.version': (1, 0), 'wsgi.url_scheme': 'http', 'wsgi.input': BytesIO(body), 'wsgi.errors': BytesIO(),
        'wsgi.multithread': False, 'wsgi.multiprocess': False, 'wsgi.run_once': False,
        **{'HTTP_' + name.upper().replace('-', '_'): value for name, value in headers.items()}}
