# SPDX-License-Identifier: Apache-2.0
"""What s3api's reading of a request gets wrong, mended before it reads one and after.

It takes a request for a part, or for something else below an object or bucket, that it does not know for one for the
object or bucket itself, and deletes or replaces that.
"""
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from swift.common.middleware.s3api import exception, s3response
from swift.common.utils import InputProxy, list_from_csv

from s3multi.filters import presigned
from s3multi.s3.copy_source import blanks_encoded

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# The environ's keys for the body as the client sends it, and for checksums as it sent them, by header.
_BODY, _CHECKSUMS = 's3multi.body', 's3multi.checksums'
_SUFFIXED = re.compile(r'([A-Za-z0-9+/]+=*)-[0-9]{1,5}')
_ALGORITHMS = ('CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256')

# What is below an object or bucket: what is ours, with a key or without, what else s3api knows, and what it knows not.
_MULTIPART = frozenset(('uploads', 'uploadId', 'partNumber', 'attributes'))
_OF_BUCKETS = _MULTIPART | {'lifecycle'}
_KNOWN = frozenset(('acl', 'delete', 'location', 'logging', 'versioning', 'tagging', 'object-lock', 'notification',
                    'policy', 'publicAccessBlock', 'requestPayment', 'torrent', 'website', 'cors', 'restore'))
_UNKNOWN = frozenset(('abac', 'accelerate', 'analytics', 'annotation', 'encryption', 'intelligent-tiering', 'inventory',
                      'legal-hold', 'lifecycle', 'metadataAnnotationTable', 'metadataConfiguration',
                      'metadataInventoryTable', 'metadataJournalTable', 'metadataTable', 'metrics', 'ownershipControls',
                      'policyStatus', 'renameObject', 'replication', 'retention'))


class _Chunks(InputProxy):
    """An aws-chunked body. Raises where s3api would ask for more of one that has ended, for ever (CVE-2026-49017).

    Swift 2.35.3, 2.36.2, 2.37.2 and 2.38.0 raise it themselves; 2.34 reads no such body.
    """

    _ended = False

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        return self._checked(super().read(*args, **kwargs), args)

    def readline(self, *args: Any, **kwargs: Any) -> bytes:
        return self._checked(super().readline(*args, **kwargs), args)

    def _checked(self, data: bytes, size: 'tuple[Any, ...]') -> bytes:
        if not data and size != (0,):
            # Once there may be nothing to read: after the last chunk s3api looks whether there is more.
            if self._ended:
                raise exception.S3InputIncomplete()
            self._ended = True
        return data


def before_parsing(env: 'WSGIEnvironment') -> None:
    """Prepare the environ of a request that s3api may take for one of its own."""
    query = env.get('QUERY_STRING', '')
    if not (env.get('HTTP_AUTHORIZATION', '').startswith('AWS')
            or 'AWSAccessKeyId' in query or 'X-Amz-Credential' in query):
        return
    presigned.before_parsing(env)
    # Below s3api's own wrappers, whose complaint about a body that ends too early is that it is another one.
    in_chunks = env.get('HTTP_X_AMZ_CONTENT_SHA256', '').startswith('STREAMING-')
    env['wsgi.input'] = env[_BODY] = (_Chunks if in_chunks else InputProxy)(env['wsgi.input'])
    if env['REQUEST_METHOD'] == 'POST' and 'uploadId' in parse_qs(query, keep_blank_values=True):
        _strip_counts(env)


def _strip_counts(env: 'WSGIEnvironment') -> None:
    """Hide the number of parts behind the checksum that a Complete announces: s3api takes that of a body only.

    Signatures are not made of these values (``headers_raw`` of eventlet), nor is one compared with the body here.
    """
    env[_CHECKSUMS] = sent = {}
    for algorithm in _ALGORITHMS:
        value = env.get('HTTP_X_AMZ_CHECKSUM_' + algorithm, '')
        match = _SUFFIXED.fullmatch(value)
        if match:
            sent['X-Amz-Checksum-' + algorithm] = value
            env['HTTP_X_AMZ_CHECKSUM_' + algorithm] = match[1]


def headers_of(req: Any) -> 'Mapping[str, str]':
    """Return the headers as the client sent them."""
    return {**req.headers, **req.environ.get(_CHECKSUMS, {})}


def incomplete_body(env: 'WSGIEnvironment') -> 'Exception | None':
    """Return the S3 error for a body that has ended before its announced length; None for one that has not."""
    body, announced = env.get(_BODY), int(env.get('CONTENT_LENGTH') or 0)
    if body is None or body.bytes_received >= announced:
        return None
    error: Exception = s3response.IncompleteBody(number_bytes_expected=announced,
                                                 number_bytes_provided=body.bytes_received)
    return error


def after_parsing(req: Any) -> None:
    """Mend ``req``, an ``S3Request``; raise the S3 error for one that s3api would take for another."""
    presigned.after_parsing(req)
    _check_selectors(req.method, bool(req.object_name), req.params)
    if 'X-Amz-Copy-Source' in req.headers:
        # s3api takes a plus sign in it for one.
        req.headers['X-Amz-Copy-Source'] = blanks_encoded(req.headers['X-Amz-Copy-Source'])
    if req.method == 'PUT' and 'X-Amz-Copy-Source' in req.headers and 'Range' in req.headers:
        # Swift's copy filter would take that range of the source for all of it.
        raise s3response.InvalidArgument('Range', req.headers['Range'], 'Illegal copy header')
    _strip_aws_chunked(req)


def _check_selectors(method: str, has_key: bool, params: 'Mapping[str, str]') -> None:
    served = _MULTIPART if has_key else _OF_BUCKETS
    unknown = sorted((_UNKNOWN - served) & set(params))
    if unknown and method in ('PUT', 'POST', 'DELETE'):
        # A GET does no harm, and gets from s3api what it always got.
        raise s3response.S3NotImplemented('The requested resource is not implemented')
    ours, known = served & set(params), sorted((served | _KNOWN) & set(params))
    if not ours or known == ['partNumber', 'uploadId'] and method == 'PUT':
        return
    if len(known) > 1:
        raise s3response.InvalidArgument('ResourceType', known[0],
                                         'Conflicting query string parameters: ' + ', '.join(known))
    if known == ['partNumber'] and not (method == 'PUT' or has_key and method in ('GET', 'HEAD')) \
            or known == ['attributes'] and not has_key:
        raise s3response.InvalidArgument('ResourceType', known[0], 'Unexpected query string parameter')


def _strip_aws_chunked(req: Any) -> None:
    """Forget the encoding that is none of the object: of its body at most, which s3api decodes where it is."""
    encodings = list_from_csv(req.headers.get('Content-Encoding'))
    kept = [encoding for encoding in encodings if encoding.lower() != 'aws-chunked']
    if kept != encodings:
        # Of no encoding that is left, none.
        req.headers['Content-Encoding'] = ', '.join(kept) or None
