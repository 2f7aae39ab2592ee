# SPDX-License-Identifier: Apache-2.0
"""The headers that a presigned URL carries in its query. Amazon S3 takes them for headers; Swift's s3api ignores them.

SDKs put ``x-amz-*`` headers there when they sign a URL: that for JavaScript v3 every one, those for Go and PHP most,
and with version 2 of the signature boto3 and others. A signature of version 4 covers the query. One of version 2
covers them as the headers that they are, which s3api has to be shown to find the signature right:
https://github.com/ceph/ceph/pull/24683
"""
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from swift.common.middleware.s3api import s3response
from swift.common.swob import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# The environ's keys for the user's metadata, as pairs of name and value, and for what cannot be a header.
_METADATA, _REFUSED = 's3multi.presigned_metadata', 's3multi.presigned_refused'

# What the signature says of itself.
_OF_SIGNATURE = frozenset('x-amz-' + name for name in (
    'algorithm', 'credential', 'date', 'expires', 'signedheaders', 'signature', 'security-token', 'region-set'))
# What was said of the body before there was one. SDKs sign the checksum of an empty body, and Amazon S3 ignores it:
# https://github.com/aws/aws-sdk-go-v2/issues/2610, https://github.com/localstack/localstack/issues/12169
_OF_BODY = frozenset('x-amz-' + name for name in (
    'content-sha256', 'decoded-content-length', 'trailer', 'sdk-checksum-algorithm'))
_CHECKSUM, _NO_CHECKSUMS = 'x-amz-checksum-', ('x-amz-checksum-algorithm', 'x-amz-checksum-type',
                                               'x-amz-checksum-mode')
# With version 2 SDKs put these there, too. Whether Amazon S3 takes them from there is not known.
_WITH_V2 = frozenset(('content-type', 'content-md5'))

# RFC 9110, sections 5.6.2 and 5.5.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r'[\x00-\x08\x0a-\x1f\x7f]')


def before_parsing(env: 'WSGIEnvironment') -> None:
    """Put the headers in the query of a presigned URL among those of the request ``env``."""
    # Of several values for one name swob has the last one, and s3api looks for the signature of that one.
    params = Request(env).params
    is_v4 = 'X-Amz-Credential' in params
    is_v2 = not is_v4 and 'AWSAccessKeyId' in params and not env.get('HTTP_AUTHORIZATION', '').startswith('AWS4-')
    if not is_v4 and not is_v2:
        return
    raw = tuple(env.get('headers_raw', ()))
    sent = _joined(raw)
    added: dict[str, str] = {}
    for name, value in params.items():
        name, value = name.lower(), value.strip(' \t')
        if name in _WITH_V2:
            if is_v4 or name in sent:
                continue
        elif not name.startswith('x-amz-') or is_v4 and not _is_header(name):
            continue
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            env[_REFUSED] = name, value, 'This cannot be a header.'
        elif {**sent, **added}.get(name, value) != value:
            env[_REFUSED] = name, value, 'The presigned URL has another value for this header.'
        elif name not in sent:
            added[name] = value
    for name, value in added.items():
        # The server gives the environ no header with an underscore either.
        if _is_header(name) and '_' not in name:
            env['CONTENT_TYPE' if name == 'content-type' else 'HTTP_' + name.upper().replace('-', '_')] = value
    if is_v2:
        env['headers_raw'] = (*raw, *added.items())
    else:
        env[_METADATA] = [(name, value) for name, value in added.items() if name.startswith('x-amz-meta-')]


def _joined(headers: 'Iterable[tuple[str, str]]') -> 'dict[str, str]':
    """Return the headers by their names in lower case, the values of several of one name as one list."""
    joined: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        joined[name] = '%s,%s' % (joined[name], value) if name in joined else value
    return joined


def _is_header(name: str) -> bool:
    return name not in _OF_SIGNATURE | _OF_BODY and (not name.startswith(_CHECKSUM) or name in _NO_CHECKSUMS)


def after_parsing(req: Any) -> None:
    """Give ``req``, an ``S3Request``, the metadata of the URL; raise the S3 error for what cannot be a header there."""
    if _REFUSED in req.environ:
        raise s3response.InvalidArgument(*req.environ[_REFUSED])
    metadata = req.environ.get(_METADATA)
    if metadata:
        # s3api reads metadata from the headers of which it has made the signature, and tells both if that is wrong.
        told = req.signature_does_not_match_kwargs()
        req.signature_does_not_match_kwargs = lambda: told
        req.environ['headers_raw'] = (*req.environ.get('headers_raw', ()), *metadata)
