# SPDX-License-Identifier: Apache-2.0
"""Makes the copy of a multipart object one plain object, whose ETag is the MD5 of its bytes.

Swift's copy filter, to the right of s3multi, copies the system metadata of the source, and with it the digests of the
source's parts (``DIGEST_HEADERS``): S3 clients would read the copy with one ETag and list it with another. But a header
of the request outweighs that of the source. So the request is given empty ones, which the copy filter puts in place of
the source's. It then sends on the result, for which ``swift.authorize`` is called before anything is written; there
the empty headers are taken out.
"""
from typing import TYPE_CHECKING, Any

from swift.common.swob import Request, wsgi_unquote

from s3multi.upload.manifest import DIGEST_HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def strip(env: 'WSGIEnvironment') -> None:
    """Make the request ``env``, if it is a copy, leave the digests of the source's parts behind.

    Puts empty headers into ``env`` and wraps ``swift.authorize``. Copies that list the same parts keep their digests,
    and so do copies that S3 clients take for a change of the ACL.
    """
    copies = env['REQUEST_METHOD'] == 'COPY' or 'HTTP_X_COPY_FROM' in env
    if not copies or 'swift.authorize' not in env or _copies_manifest(env) or _changes_acl(env):
        return
    authorize = env['swift.authorize']
    for name in DIGEST_HEADERS:
        env[_key(name)] = ''

    def without_digests(request: Any) -> Any:
        for name in DIGEST_HEADERS:
            # Left in place it would be stored, and an empty ETag satisfies every condition.
            if request.environ.get(_key(name)) == '':
                del request.environ[_key(name)]
        return authorize(request)

    env['swift.authorize'] = without_digests


def _copies_manifest(env: 'WSGIEnvironment') -> bool:
    """Return whether a client of the Swift API copies the manifest itself: the copy then lists the same parts."""
    # However the name is written, percent-encoded for example: as Swift reads it.
    return bool(Request(env).params.get('multipart-manifest') == 'get')


def _changes_acl(env: 'WSGIEnvironment') -> bool:
    """Return whether s3api copies an object onto itself for a new ACL, which to S3 clients leaves the ETag as it is."""
    # When a client asks for a copy onto the same key, s3api sends fresh metadata, or a query that names a version.
    return (env.get('swift.source') == 'S3' and 'HTTP_X_FRESH_METADATA' not in env and not env.get('QUERY_STRING')
            and env['PATH_INFO'].split('/', 3)[-1] == wsgi_unquote(env.get('HTTP_X_COPY_FROM', '')).lstrip('/'))


def _key(header: str) -> str:
    return 'HTTP_' + header.upper().replace('-', '_')
