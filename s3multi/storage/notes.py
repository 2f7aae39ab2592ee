# SPDX-License-Identifier: Apache-2.0
"""Notes about the parts of an upload that more than one manifest may list.

Whoever makes another manifest of them writes ``shared`` and then reads ``freed``; whoever is about to delete them
writes ``freed`` and then reads ``shared``: at least one of them sees the other. All are read from the newest replica.
"""
from collections.abc import Iterator
from urllib.parse import quote, unquote

from swift.common.swob import Response
from swift.common.utils import Timestamp

from s3multi.s3.errors import ServiceUnavailable
from s3multi.storage.answers import timestamp_of
from s3multi.storage.requests import Backend, Target
from s3multi.storage.segments import Segments
from s3multi.upload.names import Upload, segments_container
from s3multi.upload.records import GRACE_SECONDS, MARKER_TYPE
from s3multi.upload.timestamps import just_after

# Longer than a request takes.
_RELEASED_SECONDS = 3600
_PLACE_HEADER = 'X-Object-Sysmeta-S3multi-Place'


class Notes:
    """The notes about the uploads of one bucket."""

    def __init__(self, backend: Backend, bucket: str, segments: Segments) -> None:
        self._backend = backend
        self._container = segments_container(bucket)
        self._segments = segments

    def share(self, upload: Upload, container: str, name: str) -> None:
        """Note that the object ``name`` in ``container`` is about to list parts of an upload."""
        # Whoever asks looks at the key of the upload anyway.
        if (container, name) != (upload.bucket, upload.key):
            place = quote('%s/%s' % (container, name), errors='surrogateescape')
            self._put(upload.shared_with(container, name), {_PLACE_HEADER: place})
        # The last one, since it alone says that there are any.
        self._put(upload.shared, {})

    def shared(self, upload: Upload) -> 'Timestamp | None':
        """Return when somebody last made another manifest of parts of an upload; None for never."""
        response = self._head(upload.shared)
        return None if response.status_int == 404 else timestamp_of(response)

    def places(self, upload: Upload) -> 'Iterator[tuple[str, str] | None]':
        """Yield container and name of what was noted to list parts of an upload, apart from what is at its key.

        None stands for one that is listed and cannot be read.
        """
        for name in self._listed(upload):
            place = unquote(self._head(name).headers.get(_PLACE_HEADER, ''), errors='surrogateescape')
            container, _, key = place.partition('/')
            yield (container, key) if key else None

    def claim(self, upload: Upload) -> 'Timestamp | None':
        """Note that parts of an upload are being deleted; the note outlives them and then expires.

        Returns what ``release`` takes; None if somebody else had noted it, who relies on the note. Raises
        ServiceUnavailable if the note has no effect, because of another's clock.
        """
        now = Timestamp.now()
        headers = {'X-Timestamp': now.internal, 'X-Delete-At': str(int(float(now) + GRACE_SECONDS))}
        response = self._put(upload.freed, {**headers, 'If-None-Match': '*'}, (412,))
        is_first = response.status_int != 412
        if not is_first:
            response = self._put(upload.freed, headers)
        # 202: something newer is there, perhaps a tombstone.
        if response.status_int != 201:
            raise ServiceUnavailable()
        return now if is_first else None

    def is_claimed(self, upload: Upload) -> bool:
        """Return whether parts of an upload are being deleted."""
        return self._head(upload.freed).status_int != 404

    def release(self, upload: Upload, claimed: Timestamp) -> None:
        """Let what ``claim`` has noted then expire in an hour, unless somebody has noted it again.

        Not at once: whoever is about to write a manifest may have found the parts before they were deleted.
        """
        now = Timestamp.now()
        self._put(upload.freed, {'X-Timestamp': just_after(claimed).internal,
                                 'X-Delete-At': str(int(float(now) + _RELEASED_SECONDS))})

    def forget(self, upload: Upload, timestamp: Timestamp) -> None:
        """Delete what ``share`` has noted, unless it was noted after ``timestamp``."""
        for name in (*self._listed(upload), upload.shared):
            self._backend.delete(Target(self._container, name), timestamp)

    def _listed(self, upload: Upload) -> 'list[str]':
        return [row['name'] for rows in self._segments.rows(upload.shared + '-') for row in rows]

    def _put(self, name: str, headers: 'dict[str, str]', expect: 'tuple[int, ...]' = ()) -> Response:
        # In an account that is full, too, which may want to make room.
        return self._backend.call('PUT', Target(self._container, name), expect,
                                  {**headers, 'Content-Type': MARKER_TYPE}, past_quota=True)

    def _head(self, name: str) -> Response:
        return self._backend.head_newest(Target(self._container, name))
