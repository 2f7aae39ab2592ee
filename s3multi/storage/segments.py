# SPDX-License-Identifier: Apache-2.0
"""The segments container of a bucket: the rows of its listing, and the attempts to upload parts that it stores."""
from collections.abc import Iterable, Iterator
from typing import Any

from swift.common.storage_policy import POLICIES
from swift.common.swob import Response
from swift.common.utils import parse_content_type

from s3multi.s3 import checksums
from s3multi.s3.errors import ServiceUnavailable
from s3multi.s3.etags import is_md5
from s3multi.s3.parts import Attempt
from s3multi.storage.concurrency import concurrently
from s3multi.storage.listing import FIRST_ROWS, Listing
from s3multi.storage.objects import is_plain
from s3multi.storage.requests import Backend, Target
from s3multi.storage.rows import Row, is_plain_row
from s3multi.upload import manifest
from s3multi.upload.names import Upload, attempt_ticks, segments_container
from s3multi.upload.timestamps import swift_time

_MADE_HEADER = 'X-Container-Sysmeta-S3multi-Made'
# What users, and other filters for them, give containers.
_FOREIGN_HEADERS = ('x-container-meta-', 'x-container-read', 'x-container-write', 'x-container-sync-',
                    'x-container-sysmeta-versions-')
_SWEEP_HEADER = 'X-Container-Sysmeta-S3multi-Sweep'
_HIDDEN_HEADER = 'X-Container-Sysmeta-S3multi-Hidden-Uploads'


class Segments:
    """The segments container of one bucket."""

    def __init__(self, backend: Backend, bucket: str, concurrency: int) -> None:
        """concurrency: how many attempts are asked for at a time."""
        self._backend = backend
        self._container = segments_container(bucket)
        self._concurrency = concurrency
        self.listing = Listing(backend, self._container)

    def create(self, policy_index: int) -> 'bool | None':
        """Create the segments container with a storage policy, unless it exists; return whether it did not.

        Returns None if a proxy whose clock is ahead has just deleted it: this PUT is older, and has no effect. One of
        another policy stays as it is.
        """
        response = self._backend.call('PUT', Target(self._container), (409,),
                                      {'X-Storage-Policy': POLICIES[policy_index].name})
        return response.status_int == 201 if response.status_int != 409 or self.exist() else None

    def mark(self) -> None:
        """Mark the segments container as made by s3multi. With the PUT, one of somebody else's would be marked too."""
        self._backend.call('POST', Target(self._container), (404,), {_MADE_HEADER: 'true'})

    def delete(self) -> None:
        """Delete the segments container if it is empty, and if it is known that s3multi has made it.

        One that somebody has given ACLs or metadata stays, whoever made it: it is used for something else as well.
        """
        request = self._backend.request('HEAD', Target(self._container), {'X-Newest': 'true'})
        # Otherwise Swift does not show ACLs.
        request.environ['swift_owner'] = True
        response = self._backend.answer(request)
        names = {name.lower() for name, value in response.headers.items() if value}
        if response.is_success and _MADE_HEADER.lower() in names and not any(
                name.startswith(_FOREIGN_HEADERS) for name in names):
            self._backend.call('DELETE', Target(self._container), (404, 409))

    def exist(self) -> bool:
        """Return whether the segments container exists."""
        return self._backend.call('HEAD', Target(self._container), (404,)).is_success

    def sweep_note(self) -> str:
        """Return what ``note_sweep`` has left; '' for nothing."""
        response = self._backend.call('HEAD', Target(self._container), (404,), {'X-Newest': 'true'})
        return str(response.headers.get(_SWEEP_HEADER) or '')

    def note_sweep(self, note: str) -> None:
        """Leave a note about a sweep with the container, '' for none."""
        self._backend.call('POST', Target(self._container), (404,), {_SWEEP_HEADER: note})

    def note_hidden_uploads(self) -> None:
        """Note, for good, that names of uploads lie among the parts of another upload (``UploadIds.hides``)."""
        self._backend.call('POST', Target(self._container), (), {_HIDDEN_HEADER: 'true'})

    def has_hidden_uploads(self) -> bool:
        """Return whether ``note_hidden_uploads`` was ever called for the container."""
        sysmeta = self._backend.bucket_info(self._container).get('sysmeta') or {}
        return _HIDDEN_HEADER.rpartition('Sysmeta-')[2].lower() in sysmeta

    def rows(self, prefix: str = '', marker: str = '', end_marker: str = '', delimiter: str = '',
             limit: 'int | None' = None) -> Iterator['list[Row]']:
        """Yield the pages of a listing of the segments container; see ``Listing.rows``."""
        return self.listing.rows(prefix, marker, end_marker, delimiter, limit)

    def attempts(self, upload: Upload, after: 'int | None' = None, limit: 'int | None' = None) -> Iterator[Attempt]:
        """Yield the attempts that the listing shows, by part number and time.

        after: yields only those of higher part numbers. limit: rows of the first request.
        """
        marker = upload.prefix if after is None else upload.before_part(after + 1)
        for page in self.rows(upload.prefix, marker, upload.parts_end, '/', limit):
            yield from _attempts_in(upload, page)

    def some_attempts(self, upload: Upload, marker: str, limit: 'int | None') -> 'tuple[list[Attempt], str | None]':
        """Return the attempts of one page of the listing, after the name ``marker``, and the name after which it goes
        on; None at its end."""
        page = self.listing.page(upload.prefix, marker, upload.parts_end, '/', limit)
        return list(_attempts_in(upload, page.rows)), page.after

    def last_attempt(self, upload: Upload, number: int) -> 'Attempt | None':
        """Return the newest attempt at a part that the listing shows, in one request however many there are.

        Raises ServiceUnavailable if it is hidden behind too many things of other kinds.
        """
        page = self.listing.page(upload.before_part(number), delimiter='/', limit=FIRST_ROWS, reverse=True)
        last = next(_attempts_in(upload, page.rows), None)
        if last is None and page.after is not None:
            raise ServiceUnavailable()
        return last

    def put_part(self, upload: Upload, number: int, attempt: str, headers: 'dict[str, str]',
                 environ: 'dict[str, Any]') -> Response:
        """Store an attempt to upload a part; return Swift's answer, whatever its status.

        attempt: its name (``names.new_attempt``), which has the timestamp. headers, environ: added to those of the
        request; ``environ`` has the stream of the body.
        """
        request = self._backend.request('PUT', Target(self._container, upload.part(number, attempt)), {
            **headers, 'X-Timestamp': swift_time(attempt_ticks(attempt)).internal,
            'Content-Type': manifest.SEGMENT_TYPE})
        request.environ.update(environ)
        # The client's request has the same bytes, and is logged: metrics must not count them twice. s3api does the same
        # with the one request that it makes of the client's.
        request.environ['swift.proxy_access_log_made'] = True
        return self._backend.answer(request)

    def stored_attempts(self, upload: Upload, names: Iterable[str]) -> 'list[Attempt]':
        """Ask the newest replicas for attempts by their object names; return those that are there."""
        def ask(name: str) -> 'Attempt | None':
            found = upload.parse_part(name)
            _, response = self._backend.head_current(Target(self._container, name))
            if found is None or not is_plain(response):
                return None
            headers = response.headers
            shown = [parameter for header in (manifest.LISTING_ETAG_HEADER, manifest.LISTING_TYPE_HEADER)
                     for parameter in _parsed(headers.get(header))[1]]
            return _attempt(name, found, headers.get('Etag', '').strip('"'), _length(response), shown)

        return [attempt for attempt in concurrently(self._concurrency, ask, names) if attempt]


def _attempts_in(upload: Upload, rows: Iterable[Row]) -> Iterator[Attempt]:
    return (attempt for row in rows if (attempt := attempt_of(upload, row)) is not None)


def attempt_of(upload: Upload, row: Row) -> 'Attempt | None':
    """Return the attempt that a row of the listing shows; None if the row is not that of a part of the upload.

    Without its ETag where hash or size cannot be read: Swift says ``<unknown>`` for a hash that it cannot decrypt.
    """
    found = upload.parse_part(row['name']) if 'name' in row else None
    if found is None or not is_plain_row(row):
        return None
    etag, in_hash = _parsed(row.get('hash'))
    _, in_type = _parsed(row.get('content_type'))
    return _attempt(row['name'], found, etag, row.get('bytes'), in_hash + in_type)


def _attempt(name: str, found: 'tuple[int, str]', etag: str, size: object,
             parameters: 'list[tuple[str, str]]') -> Attempt:
    """Return the attempt ``found`` in a name. parameters: those of its row, among which its checksum is."""
    number, attempt = found
    if not (is_md5(etag) and isinstance(size, int) and size >= 0):
        return Attempt(number, name, attempt_ticks(attempt), '', 0)
    return Attempt(number, name, attempt_ticks(attempt), etag, size, checksums.from_parameters(parameters))


def _length(response: Response) -> int:
    text = response.headers.get('Content-Length', '')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1


def _parsed(text: object) -> 'tuple[str, list[tuple[str, str]]]':
    value, parameters = parse_content_type(text) if isinstance(text, str) else ('', [])
    return value, parameters
