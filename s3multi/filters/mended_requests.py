# SPDX-License-Identifier: Apache-2.0
"""What s3api's reading of a request gets wrong, mended before it reads one and after."""
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from swift.common.middleware.s3api import s3response
from swift.common.utils import InputProxy

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# The environ's keys for the body as the client sends it, and for checksums as it sent them, by header.
_BODY, _CHECKSUMS = 's3multi.body', 's3multi.checksums'
_SUFFIXED = re.compile(r'([A-Za-z0-9+/]+=*)-[0-9]{1,5}')
_ALGORITHMS = ('CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256')


def before_parsing(env: 'WSGIEnvironment') -> None:
    """Prepare the environ of a request that s3api may take for one of its own."""
    query = env.get('QUERY_STRING', '')
    if not (env.get('HTTP_AUTHORIZATION', '').startswith('AWS')
            or 'AWSAccessKeyId' in query or 'X-Amz-Credential' in query):
        return
    # Below s3api's own wrappers, whose complaint about a body that ends too early is that it is another one.
    env['wsgi.input'] = env[_BODY] = InputProxy(env['wsgi.input'])
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
