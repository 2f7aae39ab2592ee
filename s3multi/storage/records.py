# SPDX-License-Identifier: Apache-2.0
"""Reads and writes the records of an upload in Swift: its marker, and the intent of a Complete.

Every decision depends on them, so they are always read with X-Newest: a replica that has missed a write would let an
Abort delete the parts of a finished object. They are always written with PUT, since X-Newest does not see a POST.
``upload.records`` says what they mean.
"""
from dataclasses import dataclass

from swift.common.swob import Response, wsgi_to_str
from swift.common.utils import Timestamp

from s3multi.s3.checksums import ChecksumChoice
from s3multi.s3.errors import InvalidRequest, ServiceUnavailable
from s3multi.s3.request_headers import OBJECT_HEADERS
from s3multi.storage.answers import timestamp_of
from s3multi.storage.held_writes import HeldBody
from s3multi.storage.objects import is_plain
from s3multi.storage.requests import Backend, Target
from s3multi.upload import manifest
from s3multi.upload.names import Upload
from s3multi.upload.records import MARKER_TYPE, Intent, MarkerType, State, UploadMarker
from s3multi.upload.timestamps import intent_end, just_after, read_timestamp, swift_time

_CONTENT_TYPE_HEADER = 'X-Object-Sysmeta-S3multi-Content-Type'
# The initiator in markers of release 0.1.0. Now the content type has it, so that a listing shows it.
_INITIATOR_HEADER = 'X-Object-Sysmeta-S3multi-Initiator'
_MARKED_HEADER = 'X-Object-Sysmeta-S3multi-Marked'
_LIST_HEADER = 'X-Object-Sysmeta-S3multi-Chosen'
_TIMESTAMP_HEADER = 'X-Object-Sysmeta-S3multi-Timestamp'

# The headers that a marker keeps for the object besides user metadata and the content type.
_KEPT = (*OBJECT_HEADERS, manifest.ACL_HEADER.lower())


@dataclass(frozen=True)
class IntentWrite:
    """What became of the PUT of an intent; exactly one of these.

    written: it is stored. exists: it was refused, because there is one. newer: it was thrown away, because something
    with this timestamp, an intent or the tombstone of one, is not older.
    """

    written: bool = False
    exists: bool = False
    newer: 'Timestamp | None' = None


class Records:
    """The records of uploads."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        # The upload whose marker was found gone last, and when to end that again: 0 if Swift remembers no end. Only the
        # last, since a sweep finds a great many.
        self._gone: tuple[Upload, Timestamp] | None = None

    def open_upload(self, upload: Upload, initiation: 'dict[str, str]', initiator: str,
                    checksum: 'ChecksumChoice | None') -> bool:
        """Write the marker of a new upload; return False if there is no container for it yet.

        initiation: the headers of the object to be made (WSGI strings). initiator: the user. Raises InvalidRequest
        with Swift's reason if it does not accept the headers.
        """
        headers = {name: value for name, value in initiation.items() if name != 'content-type'}
        if 'content-type' in initiation:
            headers[_CONTENT_TYPE_HEADER] = initiation['content-type']
        marker_type = MarkerType(State.OPEN, initiator, checksum)
        response = self._put_marker(upload, marker_type, swift_time(upload.ticks), headers, expect=(400, 404))
        if response.status_int == 400:
            raise InvalidRequest('Swift does not accept the headers of this upload: ' + response.body.decode(
                'utf-8', 'replace').strip())
        return response.status_int != 404

    def mark(self, upload: Upload, state: State, timestamp: Timestamp, initiator: str,
             held: 'HeldBody | None' = None) -> bool:
        """Write the marker with another state, and without the headers of the object.

        Returns False if it has no effect: a marker that is not older than ``timestamp``, or was deleted then or later,
        stays as it is, and one that went with its bucket has no container any more. True says that a majority of the
        replicas has stored it. With ``held``, which holds back the write until it is released, something newer may be
        there nevertheless: Swift may have compared before.
        """
        # A full account must still be able to abort, since that frees space.
        now = Timestamp.now().internal
        # In the content type as well, which a listing shows.
        response = self._put_marker(upload, MarkerType(state, initiator, marked_at=now), timestamp,
                                    {_MARKED_HEADER: now}, expect=(404,), past_quota=True, held=held)
        if response.status_int == 404 and self.marker(upload) is not None:
            # Swift answers so, too, when it does not learn whether there is a container.
            raise ServiceUnavailable()
        # 202: a replica has something that is not older.
        return bool(response.status_int == 201)

    def _put_marker(self, upload: Upload, marker_type: MarkerType, timestamp: Timestamp, headers: 'dict[str, str]', *,
                    expect: 'tuple[int, ...]' = (), past_quota: bool = False,
                    held: 'HeldBody | None' = None) -> Response:
        return self._backend.call('PUT', _marker(upload), expect, {
            **headers, 'X-Timestamp': timestamp.internal, 'Content-Type': marker_type.encode()}, past_quota=past_quota,
            held=held)

    def mark_completed(self, upload: Upload, timestamp: Timestamp, held: HeldBody) -> bool:
        """Write over the marker that the upload is completed, as if the marker were deleted at ``timestamp``.

        held: holds back the write until it is released. Returns False if nothing was stored, because some replica has
        what is not older, or there is no container any more.
        """
        # A full account must still be able to end an upload: its object is there.
        response = self._put_marker(upload, MarkerType(State.COMPLETED), timestamp, {}, expect=(404,), past_quota=True,
                                    held=held)
        return bool(response.status_int == 201)

    def delete_completed(self, upload: Upload) -> bool:
        """Delete a marker that says that the upload is completed; return whether there was one."""
        response = self._head(_marker(upload))
        there = bool(response.is_success) and marker_type_of(response).state is State.COMPLETED
        if there:
            self.delete_marker(upload, just_after(timestamp_of(response)))
        return there

    def marker(self, upload: Upload) -> 'UploadMarker | None':
        """Return the marker; None if there is none, it says ``completed``, or something else is at its name."""
        response = self._head(_marker(upload))
        marker = _read_marker(response)
        if marker is None:
            ended = timestamp_of(response)
            self._gone = upload, just_after(ended) if marker_type_of(response).state is State.COMPLETED else ended
        return marker

    def glance_at_marker(self, upload: Upload) -> 'UploadMarker | None':
        """Return the marker as any one replica has it; None if none has one. What depends on it needs ``marker``."""
        return _read_marker(self._backend.head_current(_marker(upload), newest=False)[1])

    def write_intent(self, upload: Upload, intent: Intent, held: 'HeldBody | None' = None) -> IntentWrite:
        """Write the intent of a Complete, unless there is one. Raises EntityTooLarge if the account is full,
        ServiceUnavailable if there is no container for it.

        held: holds back the write until it is released; None to write at once.

        The account quota is asked here, because nothing has been written yet. The manifest is written past it.
        """
        target = _intent(upload)
        # Without the condition this intent could cover that of a Complete at work, which would not notice.
        response = self._backend.call('PUT', target, (404, 412), {
            'X-Timestamp': intent.timestamp.internal, 'If-None-Match': '*', 'Content-Type': MARKER_TYPE,
            _LIST_HEADER: intent.list_name, _TIMESTAMP_HEADER: intent.timestamp.internal}, held=held)
        if response.status_int == 412:
            return IntentWrite(exists=True)
        if response.status_int == 404:
            # The bucket is being deleted, or Swift does not learn whether there is a container. A repeat is told.
            raise ServiceUnavailable()
        if response.status_int == 202:
            return IntentWrite(newer=timestamp_of(self._head(target)))
        return IntentWrite(written=True)

    def confirm_intent(self, upload: Upload, intent: Intent) -> bool:
        """Write an intent that was read once more, just after that; return whether Swift has stored it.

        True says that a majority of the replicas has it. False: a replica has something that is not older. Raises
        ServiceUnavailable if there is no container for it.
        """
        # The Complete that wrote it was let in by the account quota, which may be full by now.
        response = self._backend.call('PUT', _intent(upload), (404,), {
            'X-Timestamp': just_after(intent.written).internal, 'Content-Type': MARKER_TYPE,
            _LIST_HEADER: intent.list_name, _TIMESTAMP_HEADER: intent.timestamp.internal}, past_quota=True)
        if response.status_int == 404:
            raise ServiceUnavailable()
        return bool(response.status_int == 201)

    def intent(self, upload: Upload) -> 'Intent | None':
        """Return the intent, None if there is none.

        What else is at its name, a copy of another intent included, counts as one of no list that was written when that
        was. So it is in the way as long as a Complete may take, and can be deleted then.
        """
        response = self._head(_intent(upload))
        if response.status_int == 404:
            return None
        written, told = timestamp_of(response), read_timestamp(response.headers.get(_TIMESTAMP_HEADER))
        if _LIST_HEADER in response.headers and told and (not written or told.normal == written.normal):
            return Intent(response.headers[_LIST_HEADER], told, written or told)
        return Intent('', written, written)

    def delete_marker(self, upload: Upload, timestamp: Timestamp) -> None:
        """Delete the marker, unless it was written at ``timestamp`` or later."""
        self._backend.delete(_marker(upload), timestamp)

    def end_marker_again(self, upload: Upload) -> None:
        """End a marker once more that ``marker`` has just found gone, so that a majority of the replicas has its end.

        Does nothing if it was not found gone, but ended by this request: then Swift has acknowledged that already.
        Raises ServiceUnavailable if it is not certain that they have.
        """
        if self._gone and self._gone[0] == upload and self._gone[1]:
            self.delete_marker(*self._gone)

    def delete_intent(self, upload: Upload, intent: Intent) -> bool:
        """Delete an intent, however often it was written, unless there is one with a later T.

        Returns True only if there was one and it was older: so nobody has written a later one.
        """
        return self._backend.delete(_intent(upload), intent_end(intent.timestamp)) == 204

    def _head(self, target: Target) -> Response:
        return self._backend.head_current(target)[1]


def marker_type_of(response: Response) -> MarkerType:
    """Return what the marker in Swift's answer tells by its content type."""
    return MarkerType.decode(response.headers.get('Content-Type', ''))


def _read_marker(response: Response) -> 'UploadMarker | None':
    found = marker_type_of(response)
    # An upload is none on the word of what a user has put there, and none is aborted on it.
    if not is_plain(response) or found.state in (None, State.COMPLETED):
        return None
    assert found.state is not None
    headers = {name.lower(): value for name, value in response.headers.items()
               if name.lower().startswith('x-object-meta-') or name.lower() in _KEPT}
    if _CONTENT_TYPE_HEADER in response.headers:
        headers['content-type'] = response.headers[_CONTENT_TYPE_HEADER]
    initiator = found.initiator or wsgi_to_str(response.headers.get(_INITIATOR_HEADER, ''))
    aborted_at = read_timestamp(response.headers.get(_MARKED_HEADER))
    return UploadMarker(found.state, timestamp_of(response), headers, initiator, found.checksum, aborted_at or None)


def _marker(upload: Upload) -> Target:
    return Target(upload.marker_container, upload.marker)


def _intent(upload: Upload) -> Target:
    return Target(upload.container, upload.intent)
