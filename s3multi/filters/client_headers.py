# SPDX-License-Identifier: Apache-2.0
"""What the headers of an S3 request may not tell Swift: none of its own controls, and nothing that was not signed.

One table for all S3 requests, so that a proxy answers alike with every release of Swift. Newer ones see to most of it
themselves: ``swift`` says since when, with the name of the hole that they close.
"""
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from swift.common.swob import HTTPBadRequest, Response, wsgi_to_str

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_SINCE_50221 = '2.35.3, 2.36.2, 2.37.2, 2.38.0: CVE-2026-50221'
_SINCE_71190 = 'no release; from 2.35.4, 2.36.3, 2.37.3, 2.38.1 on it is read quickly: CVE-2026-71190'
_SINCE_71191 = '2.35.4, 2.36.3, 2.37.3, 2.38.1: CVE-2026-71191'
_SINCE_71192 = '2.35.4, 2.36.3, 2.37.3, 2.38.1: CVE-2026-71192'
_SINCE_97149 = '2.35.5, 2.36.4, 2.37.4, 2.38.2: CVE-2026-97149'


@dataclass(frozen=True)
class Rule:
    """A rule for some headers.

    headers: their names in lower case; a ``*`` at the end stands for any rest. danger: what they could do. swift: the
    releases with the same rule.
    """

    headers: 'tuple[str, ...]'
    danger: str
    swift: str

    @property
    def pattern(self) -> 're.Pattern[str]':
        """Matches the names of the headers."""
        return re.compile('|'.join(re.escape(name).replace(r'\*', '.*') for name in self.headers))


# These do not reach Swift.
DROPPED = (
    Rule(('x-copy-from', 'x-copy-from-account'),
         'copy any object whose name is known, with ``s3_acl`` of any account', _SINCE_71192),
    Rule(('x-symlink-target*',), 'read through a link what lies in any account, with ``s3_acl``', _SINCE_71192),
    Rule(('x-object-manifest', 'x-static-large-object'),
         'read other containers through a large object, with ``s3_acl``', _SINCE_71192),
    Rule(('x-account-host', 'x-account-device', 'x-account-partition', 'x-container-host', 'x-container-device',
          'x-container-partition', 'x-container-root-db-state', 'x-delete-at-host', 'x-delete-at-device',
          'x-delete-at-partition', 'x-delete-at-container'),
         'have the storage nodes send requests to any address', _SINCE_50221),
    Rule(('x-container-*', 'x-remove-*', 'x-versions-*', 'x-history-location'),
         'open a bucket to everybody, and all objects in it, with ``s3_acl`` and the right to write its ACL',
         'no release'),
    Rule(('accept',), 'keep a proxy busy for minutes', _SINCE_71190),
)

# A signature of version 4 has to cover them: else whoever holds a presigned URL adds them. Version 2 covers them all.
SIGNED = Rule(('x-amz-copy*', 'x-amz-acl*', 'x-amz-grant*', 'x-amz-meta*'),
              'copy what the signer may read, or set ACL and metadata, with a presigned URL for a PUT', _SINCE_71191)

# With a presigned URL a stranger sends the request. Amazon S3 refuses any such header that the signer has not covered:
# https://github.com/soto-project/soto/issues/374, https://github.com/aws/aws-sdk-js-v3/issues/3906
SIGNED_IN_URL = Rule(('x-amz-*',), 'choose class, checksum or encryption with a presigned URL',
                     'no release; Amazon S3 does it')
# Swift's own names for what the signer has to choose. Amazon S3 knows none of them. Version 2 covers none.
SWIFTS_IN_URL = Rule(('x-object-meta-*', 'x-delete-at', 'x-delete-after'),
                     'set metadata, or when the object goes, with a presigned URL', 'no release')
# A signature is made of the first one wherever it is sent; the other a network of proxies adds.
_BESIDE_URL = ('x-amz-content-sha256', 'x-amz-cf-id')

# A temporary URL, which is for the object in its path, does not copy another one there.
NOT_BY_TEMPURL = Rule(('x-copy-from*',), 'copy an object with a temporary URL for a PUT', _SINCE_97149)

# For the documentation: what is done about headers, and by which rules.
RULES = {'dropped': DROPPED, 'to be signed (version 4)': (SIGNED,),
         'to be signed in a URL (version 4)': (SIGNED_IN_URL,), 'to be signed in a URL': (SWIFTS_IN_URL,),
         'refused with a temporary URL': (NOT_BY_TEMPURL,)}

_DROPPED_NAMES = re.compile('|'.join(rule.pattern.pattern for rule in DROPPED))


def unsigned(req: Any) -> 'str | None':
    """Return the name of a header that the signature of ``req``, an ``S3Request``, has to cover and does not; or None.
    """
    covered, in_url = getattr(req, '_signed_headers', None), getattr(req, '_is_query_auth', False)
    rules = (SWIFTS_IN_URL,) if in_url else ()
    if covered is not None:
        rules = (*rules, SIGNED_IN_URL if in_url else SIGNED)
    sensitive = [rule.pattern for rule in rules]
    names = dict(req.environ['headers_raw']) if 'headers_raw' in req.environ else req.headers
    for name in sorted(wsgi_to_str(name.lower().strip()) for name in names):
        # Some servers take "_" for "-".
        if name not in (covered or ()) and name not in _BESIDE_URL and any(
                pattern.fullmatch(name.replace('_', '-')) for pattern in sensitive):
            return name
    return None


def drop(req: Any) -> None:
    """Take Swift's own headers out of ``req``, an ``S3Request`` whose signature was read."""
    for name in list(req.headers):
        if _DROPPED_NAMES.fullmatch(name.lower()):
            del req.headers[name]


def refusal(env: 'WSGIEnvironment') -> 'Response | None':
    """Return the answer to a request of the Swift API that a temporary URL allows, and must not; None for all others.
    """
    if env.get('REMOTE_USER') != '.wsgi.tempurl':
        return None
    for key in env:
        name = key.removeprefix('HTTP_').replace('_', '-')
        if key.startswith('HTTP_') and NOT_BY_TEMPURL.pattern.fullmatch(name.lower()):
            return HTTPBadRequest(body='The header %r is not allowed in this tempurl' % name.title())
    return None
