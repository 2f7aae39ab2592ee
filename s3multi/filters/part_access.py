# SPDX-License-Identifier: Apache-2.0
"""Who may read an object may read the parts that it is made of.

The parts lie in a container of their own, which no ACL opens, and SLO asks for each of them with the rights of the
reader. So ``swift.authorize`` of a request that reads is made to say yes to SLO for the parts of the object that the
client was allowed to read, as the auth filter itself has judged in the course of that request; and for nothing else.
"""
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from swift.common.swob import wsgi_to_str

from s3multi.upload.names import UploadIds

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    Authorize = Callable[[Any], 'WSGIApplication | None']

# With it SLO and DLO ask for a segment. A client who sends it gets a manifest, and no segment is asked for.
_SEGMENT_QUERY = 'multipart-manifest=get'


def reads(env: 'WSGIEnvironment') -> bool:
    """Say whether a request for Swift may read the content of an object: a GET, or a copy by the copy filter."""
    return env['REQUEST_METHOD'] in ('GET', 'COPY') or 'HTTP_X_COPY_FROM' in env


def grant(env: 'WSGIEnvironment', ids: UploadIds) -> None:
    """Give the parts of the object that the request ``env`` reads to whoever may read that object."""
    if 'swift.authorize' in env:
        env['swift.authorize'] = _Reading(env['swift.authorize'], ids)


class _Reading:
    """``swift.authorize`` of one request: that of the auth filter, and the parts of the object that it reads."""

    def __init__(self, authorize: 'Authorize', ids: UploadIds) -> None:
        self._authorize = authorize
        self._ids = ids
        self._object: 'tuple[str, str, str] | None' = None
        self._slo_began = False

    def __call__(self, request: Any) -> 'WSGIApplication | None':
        """Return None for a request, or sub-request, that may go on, else the answer that denies it."""
        by_slo = request.environ.get('swift.source') == 'SLO'
        self._slo_began = self._slo_began or by_slo
        denied = self._authorize(request)
        if denied is None:
            # What was read last before SLO asks for anything is what gave it the manifest: the object, the source of
            # a copy, or where a link led to. What is read later may be named by a manifest of anybody's. After a
            # container was listed it is none: a DLO may hand SLO a manifest that SLO has never checked.
            if request.method == 'GET' and not self._slo_began and not _is_for_segment(request):
                self._object = _object_of(request)
            return None
        if by_slo and request.method == 'GET' and _is_for_segment(request) and self._is_part(_object_of(request)):
            return None
        return denied

    def _is_part(self, segment: 'tuple[str, str, str] | None') -> bool:
        if segment is None or self._object is None or segment[0] != self._object[0]:
            return False
        # By its keyed hash, the id in the name is one that we made for this very object.
        return self._ids.is_part(*self._object, *segment[1:])


def _is_for_segment(request: Any) -> bool:
    return bool(request.environ.get('QUERY_STRING') == _SEGMENT_QUERY)


def _object_of(request: Any) -> 'tuple[str, str, str] | None':
    """Return account, container and object in native text, None for a request that is for no object."""
    try:
        _, account, container, name = request.split_path(4, 4, True)
    except ValueError:
        return None
    return wsgi_to_str(account), wsgi_to_str(container), wsgi_to_str(name)
