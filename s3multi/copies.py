# SPDX-License-Identifier: Apache-2.0
"""A copy of a multipart object is one plain object, whose ETag is the MD5 of its bytes.

Swift's copy filter, to the right, takes the metadata of the source along that tells of its parts: the copy would have
one ETag and be listed with another. What the request names itself it takes from there, though; and with the two put
together it goes on to where ``swift.authorize`` is asked, before anything is written.
"""
from typing import TYPE_CHECKING, Any

from s3multi.manifest import DIGEST_HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Of a client of the Swift API who copies the manifest, which lists the same parts.
_MANIFEST_QUERY = 'multipart-manifest=get'


def follow(env: 'WSGIEnvironment') -> None:
    """See to it that an object which the request ``env`` copies leaves behind what tells of its parts."""
    copies = env['REQUEST_METHOD'] == 'COPY' or 'HTTP_X_COPY_FROM' in env
    if not copies or _MANIFEST_QUERY in env.get('QUERY_STRING', '') or 'swift.authorize' not in env:
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


def _key(header: str) -> str:
    return 'HTTP_' + header.upper().replace('-', '_')
