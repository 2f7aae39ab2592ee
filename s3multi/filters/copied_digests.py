# SPDX-License-Identifier: Apache-2.0
"""A copy of a multipart object is one plain object, whose ETag is the MD5 of its bytes.

Swift's copy filter, to the right, takes the metadata of the source along that tells of its parts: the copy would have
one ETag and be listed with another. What the request names itself it takes from there, though; and with the two put
together it goes on to where ``swift.authorize`` is asked, before anything is written.
"""
from typing import TYPE_CHECKING, Any

from swift.common.swob import wsgi_unquote

from s3multi.upload.manifest import DIGEST_HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def strip(env: 'WSGIEnvironment') -> None:
    """See to it that an object which the request ``env`` copies leaves behind what tells of its parts."""
    copies = env['REQUEST_METHOD'] == 'COPY' or 'HTTP_X_COPY_FROM' in env
    if not copies or 'swift.authorize' not in env or _copies_manifest(env) or _changes_acl(env):
        return
    authorize = env['swift.authorize']
    for name in DIGEST_HEADERS:
        env[_key(name)] = ''

    def without_digests(request: Any) -> Any:
        for name in DIGEST_HEADERS:
            # Left there it would be stored, and an ETag that is empty holds under every condition.
            if request.environ.get(_key(name)) == '':
                del request.environ[_key(name)]
        return authorize(request)

    env['swift.authorize'] = without_digests


def _copies_manifest(env: 'WSGIEnvironment') -> bool:
    """Say whether a client of the Swift API copies the manifest, which then lists the same parts."""
    return 'multipart-manifest=get' in env.get('QUERY_STRING', '')


def _changes_acl(env: 'WSGIEnvironment') -> bool:
    """Say whether s3api copies an object onto itself for a new ACL: to S3 clients that leaves the ETag as it is."""
    # For a client it does so with fresh metadata, or from another version.
    return (env.get('swift.source') == 'S3' and 'HTTP_X_FRESH_METADATA' not in env and not env.get('QUERY_STRING')
            and env['PATH_INFO'].split('/', 3)[-1] == wsgi_unquote(env.get('HTTP_X_COPY_FROM', '')).lstrip('/'))


def _key(header: str) -> str:
    return 'HTTP_' + header.upper().replace('-', '_')
