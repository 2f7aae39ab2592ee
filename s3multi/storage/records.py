# SPDX-License-Identifier: Apache-2.0
"""The records that say what an upload is: its marker, the intent of a Complete, and the finished object.

Every decision hangs on them, so they are always read with X-Newest, and always written as a whole: X-Newest does not
see a POST. What they mean is in ``state``.
"""
from dataclasses import dataclass
from urllib.parse import quote, unquote

import simplejson as json
from swift.common.middleware.symlink import TGT_OBJ_SYMLINK_HDR
from swift.common.swob import Response, wsgi_to_str
from swift.common.utils import Timestamp, config_true_value, parse_content_type

from s3multi.s3 import checksums
from s3multi.s3.checksums import Choice
from s3multi.s3.errors import InvalidRequest, ServiceUnavailable
from s3multi.s3.request_headers import OBJECT_HEADERS
from s3multi.storage.requests import Backend, Target, swift_time
from s3multi.upload import manifest
from s3multi.upload.names import Upload, segments_container
from s3multi.upload.records import Current, Finished, Intent, Marker, Standing, State, plain_time

_MARKER_TYPE = 'application/x-s3multi-marker'
_CONTENT_TYPE_HEADER = 'X-Object-Sysmeta-S3multi-Content-Type'
# Where markers once named it; now their type does, so that a listing shows it.
_INITIATOR_HEADER = 'X-Object-Sysmeta-S3multi-Initiator'
_MARKED_HEADER = 'X-Object-Sysmeta-S3multi-Marked'
_CHOSEN_HEADER = 'X-Object-Sysmeta-S3multi-Chosen'
_TIMESTAMP_HEADER = 'X-Object-Sysmeta-S3multi-Timestamp'

# What a marker keeps for the object beside user metadata and the content type.
_KEPT = (*OBJECT_HEADERS, manifest.ACL_HEADER.lower())
# Each may have to be asked for.
_MOST_VERSIONS = 100


@dataclass(frozen=True)
class IntentWrite:
    """What became of an intent's PUT: ``written``, or refused because one ``exists``; else something ``newer`` is
    there, deleted or not, and this is its timestamp."""

    written: bool = False
    exists: bool = False
    newer: 'Timestamp | None' = None


class Records:
    """The records of one bucket's uploads."""

    def __init__(self, backend: Backend, bucket: str, versioned: bool) -> None:
        """versioned: whether the bucket has, or had, versions."""
        self._backend = backend
        self._bucket = bucket
        self._container = segments_container(bucket)
        self._versioned = versioned

    def open_upload(self, upload: Upload, initiation: 'dict[str, str]', initiator: str,
                    checksum: 'Choice | None') -> bool:
        """Write the marker of a new upload; False when there is no segments container yet.

        initiation: the headers that the object shall have (WSGI strings). Raises InvalidRequest when Swift does not
        accept them.
        """
        headers = {name: value for name, value in initiation.items() if name != 'content-type'}
        if 'content-type' in initiation:
            headers[_CONTENT_TYPE_HEADER] = initiation['content-type']
        response = self._put_marker(upload, Marker(State.OPEN, swift_time(upload.ticks), headers, initiator, checksum),
                                    expect=(400, 404))
        if response.status_int == 400:
            raise InvalidRequest('Swift does not accept the headers of this upload.')
        return response.status_int != 404

    def mark(self, upload: Upload, state: State, timestamp: Timestamp, initiator: str) -> None:
        """Write the marker again with another state; a newer one, or its deletion, stays as it is."""
        # An account that is full must still be able to abort, which is how it gets room.
        headers = {_MARKED_HEADER: Timestamp.now().internal}
        self._put_marker(upload, Marker(state, timestamp, headers, initiator), expect=(), past_quota=True)

    def _put_marker(self, upload: Upload, marker: Marker, expect: 'tuple[int, ...]', *,
                    past_quota: bool = False) -> Response:
        content_type = '%s;state=%s' % (_MARKER_TYPE, marker.state.value)
        if marker.initiator:
            content_type += ';initiator=' + quote(marker.initiator, safe='', errors='surrogateescape')
        if marker.checksum:
            content_type += ';checksum=%s;checksum-type=%s' % (marker.checksum.algorithm, marker.checksum.type)
        return self._backend.call('PUT', Target(self._container, upload.marker), expect, {
            **marker.headers, 'X-Timestamp': marker.timestamp.internal, 'Content-Type': content_type},
            past_quota=past_quota)

    def marker(self, upload: Upload) -> 'Marker | None':
        """Read the marker; None when it is gone."""
        response = self._head(self._container, upload.marker)
        if response.status_int == 404:
            return None
        headers = {name.lower(): value for name, value in response.headers.items()
                   if name.lower().startswith('x-object-meta-') or name.lower() in _KEPT}
        if _CONTENT_TYPE_HEADER in response.headers:
            headers['content-type'] = response.headers[_CONTENT_TYPE_HEADER]
        content_type = response.headers['Content-Type']
        initiator = marker_initiator(content_type) or wsgi_to_str(response.headers.get(_INITIATOR_HEADER, ''))
        marked = response.headers.get(_MARKED_HEADER)
        return Marker(marker_state(content_type) or State.ABORTED, _timestamp(response), headers, initiator,
                      marker_checksum(content_type), Timestamp(marked) if marked else None)

    def write_intent(self, upload: Upload, intent: Intent) -> IntentWrite:
        """Write the intent of a Complete, unless there is one. Raises EntityTooLarge when the account is full.

        As nothing is written then, this is where an account quota is asked. The manifest goes past it.
        """
        target = Target(self._container, upload.intent)
        response = self._backend.call('PUT', target, (412,), {
            'X-Timestamp': intent.timestamp.internal, 'If-None-Match': '*', 'Content-Type': _MARKER_TYPE,
            _CHOSEN_HEADER: intent.chosen, _TIMESTAMP_HEADER: intent.timestamp.internal})
        if response.status_int == 412:
            return IntentWrite(exists=True)
        if response.status_int == 202:
            return IntentWrite(newer=_timestamp(self._head(self._container, upload.intent)))
        return IntentWrite(written=True)

    def intent(self, upload: Upload) -> 'Intent | None':
        """Read the intent; None when there is none."""
        response = self._head(self._container, upload.intent)
        if response.status_int == 404:
            return None
        return Intent(response.headers[_CHOSEN_HEADER], Timestamp(response.headers[_TIMESTAMP_HEADER]))

    def delete_marker(self, upload: Upload, timestamp: Timestamp) -> None:
        """Delete the marker unless it was written after ``timestamp``."""
        self._delete(upload.marker, timestamp)

    def delete_intent(self, upload: Upload, timestamp: Timestamp) -> bool:
        """Delete the intent unless it was written after ``timestamp``; True only if it was there and is deleted."""
        return self._delete(upload.intent, timestamp) == 204

    def finished(self, key: str, version: 'Timestamp | None' = None) -> Finished:
        """Say which upload made the object at ``key``, or its version that was written at ``version``."""
        # A user's link is not the object it points to. But where there are versions the current one is behind a link
        # of Swift's own.
        query = {} if self._versioned and version is None else {'symlink': 'get'}
        if version is not None:
            query['version-id'] = plain_time(version)
        response = self._head(self._bucket, key, query)
        if response.status_int == 404 or not is_large(response):
            return Finished()
        return Finished(response.headers.get(manifest.UPLOAD_ID_HEADER), response.headers.get(manifest.ETAG_HEADER),
                        response.headers.get('X-Object-Version-Id'),
                        checksums.stored_checksum(response.headers.get(manifest.CHECKSUM_HEADER)))

    def current(self, key: str) -> Current:
        """Say what an S3 client sees at ``key``."""
        response = self._head(self._bucket, key, {} if self._versioned else {'symlink': 'get'})
        if response.status_int == 404:
            return Current(None, None, _timestamp(response))
        return Current(response.headers.get(manifest.UPLOAD_ID_HEADER), shown_etag(response), _timestamp(response))

    def standing(self, key: str, version: 'str | None' = None, newest: bool = True) -> Standing:
        """Say what stands at ``key``, or is its version; a link is what it is, not what it leads to.

        newest: whether the newest replica shall be asked for; a look at any one costs less.
        """
        target = Target(self._bucket, key, {'symlink': 'get', **({'version-id': version} if version else {})})
        response = self._backend.call('HEAD', target, (404,), {'X-Newest': 'true'} if newest else {})
        large = response.is_success and is_large(response)
        return Standing(response.headers.get(manifest.UPLOAD_ID_HEADER) if large else None, _timestamp(response),
                        large or TGT_OBJ_SYMLINK_HDR in response.headers)

    def versions(self, key: str, written: Timestamp, seconds: float) -> 'list[str] | None':
        """Return the ids of the versions of ``key`` that were written up to so many ``seconds`` before or after.

        None when they are too many to be known from one request.
        """
        newest = swift_time(int((float(written) + seconds) * 100000))
        target = Target(self._bucket, query={
            'versions': 'true', 'format': 'json', 'prefix': key, 'marker': key, 'version_marker': newest.internal,
            'limit': str(_MOST_VERSIONS)})
        rows = json.loads(self._backend.call('GET', target, ()).body)
        ids = [row.get('version_id', 'null') for row in rows if row.get('name') == key]
        near = [each for each in ids if each != 'null' and float(Timestamp(each)) >= float(written) - seconds]
        return None if len(near) == _MOST_VERSIONS else near

    def bucket_sysmeta(self) -> 'dict[str, str]':
        """Ask for the system metadata of the bucket, past all caches; names in lower case, without their prefix."""
        headers = self._backend.head_newest(Target(self._bucket)).headers
        prefix = 'x-container-sysmeta-'
        return {name.lower()[len(prefix):]: value for name, value in headers.items()
                if name.lower().startswith(prefix)}

    def _delete(self, name: str, timestamp: Timestamp) -> int:
        return self._backend.delete(Target(self._container, name), timestamp)

    def _head(self, container: str, name: str, query: 'dict[str, str] | None' = None) -> Response:
        response = self._backend.head_newest(Target(container, name, query or {}), (400, 404))
        if response.status_int == 400:
            # The bucket had versions a moment ago, and is being deleted.
            raise ServiceUnavailable()
        return response


def marker_state(content_type: str) -> 'State | None':
    """Return the state that the content type of a marker tells; None when it is no marker."""
    kind, params = parse_content_type(content_type)
    try:
        return State(dict(params).get('state')) if kind == _MARKER_TYPE else None
    except ValueError:
        return None


def marker_initiator(content_type: str) -> str:
    """Return who began the upload, as the content type of its marker tells; '' when it does not."""
    _, params = parse_content_type(content_type)
    return unquote(dict(params).get('initiator', ''), errors='replace')


def marker_checksum(content_type: str) -> 'Choice | None':
    """Return what Initiate chose of checksums, as the content type of a marker tells; None for nothing."""
    params = dict(parse_content_type(content_type)[1])
    choice = Choice(params.get('checksum', ''), params.get('checksum-type', ''))
    return choice if choice.type in checksums.TYPES.get(choice.algorithm, ()) else None


def shown_etag(response: Response) -> str:
    """Return the ETag, bare, that s3api tells clients of the object that Swift answered with."""
    headers = response.headers
    etag = headers.get(manifest.ETAG_HEADER) or headers.get('Etag', '').strip('"')
    # A large object that was not made through S3.
    return etag + '-N' if manifest.ETAG_HEADER not in headers and is_large(response) else etag


def is_large(response: Response) -> bool:
    """Say whether Swift answered with a Static Large Object."""
    return bool(config_true_value(response.headers.get('X-Static-Large-Object')))


def _timestamp(response: Response) -> Timestamp:
    return Timestamp(response.headers.get('X-Backend-Timestamp') or response.headers.get('X-Timestamp') or 0)
