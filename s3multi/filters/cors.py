# SPDX-License-Identifier: Apache-2.0
"""Which headers let a script in a browser read an answer: those that Swift and s3api give an answer about an object.

https://fetch.spec.whatwg.org/#http-cors-protocol, and ``cors_validation`` in ``swift/proxy/controllers/base.py``.
"""
from collections.abc import Mapping
from dataclasses import dataclass

# What Swift exposes of every answer, and s3api besides.
_ALWAYS_EXPOSED = ('cache-control', 'content-language', 'content-type', 'expires', 'last-modified', 'pragma', 'etag',
                   'x-timestamp', 'x-trans-id', 'x-openstack-request-id', 'x-amz-request-id', 'x-amz-id-2')


@dataclass(frozen=True)
class ClusterCors:
    """The options of the proxy-server that hold for all containers; without any given, Swift's defaults.

    allow_origin: origins (``cors_allow_origin``). expose_headers: names (``cors_expose_headers``). strict: whether
    only allowed origins get headers at all (``strict_cors_mode``).
    """

    allow_origin: 'tuple[str, ...]' = ()
    expose_headers: 'tuple[str, ...]' = ()
    strict: bool = True


def cors_headers(origin: 'str | None', bucket: 'Mapping[str, str | None]', cluster: ClusterCors) -> 'dict[str, str]':
    """Return the headers of an answer to a script from ``origin`` (None: no script has asked).

    bucket: ``allow_origin`` and ``expose_headers`` as the owner of the bucket has set them, words between blanks.
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
    if of_bucket == ['*']:
        return {'Access-Control-Allow-Origin': '*', **headers}
    # A cache must not give to one origin what names another.
    return {'Access-Control-Allow-Origin': origin, 'Vary': 'Origin', **headers}
