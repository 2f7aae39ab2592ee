# SPDX-License-Identifier: Apache-2.0
"""Lets whoever may read an object read the parts that it consists of.

The parts lie in a container of their own, which no ACL opens, and SLO asks for each of them with the rights of the
reader. So the ``swift.authorize`` of a reading request is wrapped. The auth filter still judges every question. Where
it says no, the wrapper says yes to SLO for the parts of one object: the one that the auth filter allowed the client to
read in the course of the same request. ``doc/design`` gives the reasons, under "The readers of an object".
"""
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from swift.common.swob import wsgi_to_str

from s3multi.upload.names import UploadIds

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    Authorize = Callable[[Any], 'WSGIApplication | None']

# SLO and DLO ask for segments with this query. A client that sends it gets the manifest itself, and then nobody asks
# for segments.
_SEGMENT_QUERY = 'multipart-manifest=get'


def reads(env: 'WSGIEnvironment') -> bool:
    """Return whether a request to Swift may read the content of an object: a GET, or a copy by the copy filter."""
    return env['REQUEST_METHOD'] in ('GET', 'COPY') or 'HTTP_X_COPY_FROM' in env


def grant(env: 'WSGIEnvironment', ids: UploadIds) -> None:
    """Let the request ``env`` read the parts of the object that it reads, if its client may read that object.

    ids: recognises our parts. Wraps ``swift.authorize``; does nothing without an auth filter.
    """
    if 'swift.authorize' in env:
        env['swift.authorize'] = _Reading(env['swift.authorize'], ids)


class _Reading:
    """The ``swift.authorize`` of one request: asks the auth filter's, and adds the parts of the object that is read."""

    def __init__(self, authorize: 'Authorize', ids: UploadIds) -> None:
        self._authorize = authorize
        self._ids = ids
        self._object: 'tuple[str, str, str] | None' = None
        self._slo_began = False

    def __call__(self, request: Any) -> 'WSGIApplication | None':
        """Return None when the request, or sub-request, may go on, else the answer that denies it."""
        by_slo = request.environ.get('swift.source') == 'SLO'
        self._slo_began = self._slo_began or by_slo
        denied = self._authorize(request)
        if denied is None:
            # The object that was read last before SLO asks for anything is the one whose manifest SLO has: the object
            # of the URL, the source of a copy, or the target of a link. What is read later was named by a manifest,
            # which anybody may have written. The GET of a container leaves no object: DLO lists one before it hands
            # SLO a manifest that SLO has never checked.
            if request.method == 'GET' and not self._slo_began and not _is_for_segment(request):
                self._object = _object_of(request)
            return None
        if by_slo and request.method == 'GET' and _is_for_segment(request) and self._is_part(_object_of(request)):
            return None
        return denied

    def _is_part(self, segment: 'tuple[str, str, str] | None') -> bool:
        """Return whether ``segment`` (account, container, object) is a part of the object that is read."""
        if segment is None or self._object is None or segment[0] != self._object[0]:
            return False
        # The keyed hash proves that the upload id in the name was made for this very object.
        return self._ids.is_part(*self._object, *segment[1:])


def _is_for_segment(request: Any) -> bool:
    return bool(request.environ.get('QUERY_STRING') == _SEGMENT_QUERY)


def _object_of(request: Any) -> 'tuple[str, str, str] | None':
    """Return account, container and object in native text; None when the request is not for an object."""
    try:
        _, account, container, name = request.split_path(4, 4, True)
    except ValueError:
        return None
    return wsgi_to_str(account), wsgi_to_str(container), wsgi_to_str(name)
