# SPDX-License-Identifier: Apache-2.0
"""The headers that let a script in a browser read an answer, as Swift and s3api set them on answers about objects.

https://fetch.spec.whatwg.org/#http-cors-protocol, and ``cors_validation`` in ``swift/proxy/controllers/base.py``.
"""
from collections.abc import Mapping
from dataclasses import dataclass

# Swift exposes these headers of every answer; s3api adds its own two.
_ALWAYS_EXPOSED = ('cache-control', 'content-language', 'content-type', 'expires', 'last-modified', 'pragma', 'etag',
                   'x-timestamp', 'x-trans-id', 'x-openstack-request-id', 'x-amz-request-id', 'x-amz-id-2')


@dataclass(frozen=True)
class ClusterCors:
    """The CORS options of the proxy-server, which hold for all containers. The defaults are Swift's.

    allow_origin: origins (``cors_allow_origin``). expose_headers: names of headers (``cors_expose_headers``). strict:
    whether only allowed origins get CORS headers at all (``strict_cors_mode``).
    """

    allow_origin: 'tuple[str, ...]' = ()
    expose_headers: 'tuple[str, ...]' = ()
    strict: bool = True


def cors_headers(origin: 'str | None', bucket: 'Mapping[str, str | None]', cluster: ClusterCors) -> 'dict[str, str]':
    """Return the CORS headers of an answer, by name; none for an origin that is not allowed.

    origin: that of the script which sent the request; None when no script did. bucket: ``allow_origin`` and
    ``expose_headers`` as the owner of the bucket set them, words between blanks; Swift's container info has them as
    ``cors``.
    """
    if not origin:
        return {}
    of_bucket = (bucket.get('allow_origin') or '').split()
    allowed = {*of_bucket, *cluster.allow_origin}
    if cluster.strict and not allowed & {origin, '*'}:
        return {}
    exposed = {*_ALWAYS_EXPOSED, *cluster.expose_headers,
               *(name.lower() for name in (bucket.get('expose_headers') or '').split())}
    headers = {'Access-Control-Expose-Headers': ', '.join(sorted(exposed))}
    # As in Swift, a "*" that stands among others, or that the cluster allows, is answered with the origin itself.
    if of_bucket == ['*']:
        return {'Access-Control-Allow-Origin': '*', **headers}
    # The answer names this origin, so a cache must not give it to another one.
    return {'Access-Control-Allow-Origin': origin, 'Vary': 'Origin', **headers}
