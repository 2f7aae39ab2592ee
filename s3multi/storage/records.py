# SPDX-License-Identifier: Apache-2.0
"""The records that say what an upload is, its marker and the intent of a Complete: read from Swift, and written.

Every decision hangs on them, so they are always read with X-Newest, and always written as a whole: X-Newest does not
see a POST. What they mean is in ``upload.records``.
"""
from dataclasses import dataclass

from swift.common.swob import Response, wsgi_to_str
from swift.common.utils import Timestamp

from s3multi.s3.checksums import ChecksumChoice
from s3multi.s3.errors import InvalidRequest
from s3multi.s3.request_headers import OBJECT_HEADERS
from s3multi.storage.requests import Backend, Target, timestamp_of
from s3multi.upload import manifest
from s3multi.upload.names import Upload, segments_container
from s3multi.upload.records import MARKER_TYPE, Intent, MarkerType, State, UploadMarker
from s3multi.upload.timestamps import swift_time

_CONTENT_TYPE_HEADER = 'X-Object-Sysmeta-S3multi-Content-Type'
# Where markers once named it; now their type does, so that a listing shows it.
_INITIATOR_HEADER = 'X-Object-Sysmeta-S3multi-Initiator'
_MARKED_HEADER = 'X-Object-Sysmeta-S3multi-Marked'
_LIST_HEADER = 'X-Object-Sysmeta-S3multi-Chosen'
_TIMESTAMP_HEADER = 'X-Object-Sysmeta-S3multi-Timestamp'

# What a marker keeps for the object beside user metadata and the content type.
_KEPT = (*OBJECT_HEADERS, manifest.ACL_HEADER.lower())


@dataclass(frozen=True)
class IntentWrite:
    """What became of an intent's PUT: ``written``, or refused because one ``exists``; else something ``newer`` is
    there, deleted or not, and this is its timestamp."""

    written: bool = False
    exists: bool = False
    newer: 'Timestamp | None' = None


class Records:
    """The records of one bucket's uploads."""

    def __init__(self, backend: Backend, bucket: str) -> None:
        self._backend = backend
        self._container = segments_container(bucket)

    def open_upload(self, upload: Upload, initiation: 'dict[str, str]', initiator: str,
                    checksum: 'ChecksumChoice | None') -> bool:
        """Write the marker of a new upload; False when there is no segments container yet.

        initiation: the headers that the object shall have (WSGI strings). Raises InvalidRequest when Swift does not
        accept them.
        """
        headers = {name: value for name, value in initiation.items() if name != 'content-type'}
        if 'content-type' in initiation:
            headers[_CONTENT_TYPE_HEADER] = initiation['content-type']
        marker_type = MarkerType(State.OPEN, initiator, checksum)
        response = self._put_marker(upload, marker_type, swift_time(upload.ticks), headers, expect=(400, 404))
        if response.status_int == 400:
            raise InvalidRequest('Swift does not accept the headers of this upload.')
        return response.status_int != 404

    def mark(self, upload: Upload, state: State, timestamp: Timestamp, initiator: str) -> None:
        """Write the marker again with another state; a newer one, or its deletion, stays as it is."""
        # An account that is full must still be able to abort, which is how it gets room.
        headers = {_MARKED_HEADER: Timestamp.now().internal}
        self._put_marker(upload, MarkerType(state, initiator), timestamp, headers, past_quota=True)

    def _put_marker(self, upload: Upload, marker_type: MarkerType, timestamp: Timestamp, headers: 'dict[str, str]', *,
                    expect: 'tuple[int, ...]' = (), past_quota: bool = False) -> Response:
        return self._backend.call('PUT', Target(self._container, upload.marker), expect, {
            **headers, 'X-Timestamp': timestamp.internal, 'Content-Type': marker_type.encode()}, past_quota=past_quota)

    def marker(self, upload: Upload) -> 'UploadMarker | None':
        """Read the marker; None when it is gone."""
        response = self._head(upload.marker)
        if response.status_int == 404:
            return None
        headers = {name.lower(): value for name, value in response.headers.items()
                   if name.lower().startswith('x-object-meta-') or name.lower() in _KEPT}
        if _CONTENT_TYPE_HEADER in response.headers:
            headers['content-type'] = response.headers[_CONTENT_TYPE_HEADER]
        found = MarkerType.decode(response.headers['Content-Type'])
        initiator = found.initiator or wsgi_to_str(response.headers.get(_INITIATOR_HEADER, ''))
        marked = response.headers.get(_MARKED_HEADER)
        # What somebody else wrote at the name of a marker is no open upload.
        return UploadMarker(found.state or State.ABORTED, timestamp_of(response), headers, initiator, found.checksum,
                            Timestamp(marked) if marked else None)

    def write_intent(self, upload: Upload, intent: Intent) -> IntentWrite:
        """Write the intent of a Complete, unless there is one. Raises EntityTooLarge when the account is full.

        As nothing is written then, this is where an account quota is asked. The manifest goes past it.
        """
        target = Target(self._container, upload.intent)
        response = self._backend.call('PUT', target, (412,), {
            'X-Timestamp': intent.timestamp.internal, 'If-None-Match': '*', 'Content-Type': MARKER_TYPE,
            _LIST_HEADER: intent.list_name, _TIMESTAMP_HEADER: intent.timestamp.internal})
        if response.status_int == 412:
            return IntentWrite(exists=True)
        if response.status_int == 202:
            return IntentWrite(newer=timestamp_of(self._head(upload.intent)))
        return IntentWrite(written=True)

    def intent(self, upload: Upload) -> 'Intent | None':
        """Read the intent; None when there is none."""
        response = self._head(upload.intent)
        if response.status_int == 404:
            return None
        return Intent(response.headers[_LIST_HEADER], Timestamp(response.headers[_TIMESTAMP_HEADER]))

    def delete_marker(self, upload: Upload, timestamp: Timestamp) -> None:
        """Delete the marker unless it was written after ``timestamp``."""
        self._delete(upload.marker, timestamp)

    def delete_intent(self, upload: Upload, timestamp: Timestamp) -> bool:
        """Delete the intent unless it was written after ``timestamp``; True only if it was there and is deleted."""
        return self._delete(upload.intent, timestamp) == 204

    def _delete(self, name: str, timestamp: Timestamp) -> int:
        return self._backend.delete(Target(self._container, name), timestamp)

    def _head(self, name: str) -> Response:
        return self._backend.head_newest(Target(self._container, name))
