# SPDX-License-Identifier: Apache-2.0
"""The segments container of a bucket: the rows of its listing, and the attempts to upload parts that it stores."""
from collections.abc import Collection, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from swift.common import constraints
from swift.common.storage_policy import POLICIES
from swift.common.swob import Response
from swift.common.utils import parse_content_type

from s3multi.s3 import checksums
from s3multi.s3.etags import is_md5
from s3multi.s3.parts import Attempt
from s3multi.storage import shards
from s3multi.storage.concurrency import concurrently
from s3multi.storage.objects import is_plain
from s3multi.storage.requests import Backend, Target
from s3multi.storage.rows import Row, read_rows
from s3multi.upload import manifest
from s3multi.upload.names import Upload, attempt_ticks, segments_container
from s3multi.upload.timestamps import swift_time

_HIDDEN_HEADER = 'X-Container-Sysmeta-S3multi-Hidden-Uploads'

# Swift's servers accept request lines of 8192 bytes (eventlet). Two names of 1024 bytes, three times as long when
# quoted, fit in; a third may not.
_MAX_NAMES_IN_QUERY = 6300


class Segments:
    """The segments container of one bucket."""

    def __init__(self, backend: Backend, bucket: str, concurrency: int) -> None:
        """concurrency: how many attempts are asked for at a time."""
        self._backend = backend
        self._container = segments_container(bucket)
        self._concurrency = concurrency

    def create(self, policy_index: int) -> bool:
        """Create the segments container with a storage policy, unless it exists.

        Returns False if a proxy whose clock is ahead has just deleted it: this PUT is older, and has no effect.
        """
        response = self._backend.call('PUT', Target(self._container), (409,),
                                      {'X-Storage-Policy': POLICIES[policy_index].name})
        return response.status_int != 409

    def delete(self) -> None:
        """Delete the segments container if it is empty."""
        self._backend.call('DELETE', Target(self._container), (404, 409))

    def exist(self) -> bool:
        """Return whether the segments container exists."""
        return self._backend.call('HEAD', Target(self._container), (404,)).is_success

    def note_hidden_uploads(self) -> None:
        """Note, for good, that names of uploads lie among the parts of another upload (``UploadIds.hides``)."""
        self._backend.call('POST', Target(self._container), (), {_HIDDEN_HEADER: 'true'})

    def has_hidden_uploads(self) -> bool:
        """Return whether ``note_hidden_uploads`` was ever called for the container."""
        sysmeta = self._backend.bucket_info(self._container).get('sysmeta') or {}
        return _HIDDEN_HEADER.rpartition('Sysmeta-')[2].lower() in sysmeta

    def rows(self, prefix: str = '', marker: str = '', end_marker: str = '', delimiter: str = '',
             limit: 'int | None' = None) -> Iterator['list[Row]']:
        """Yield the pages of a listing of the segments container: rows as in Swift's JSON. None without a container.

        prefix, marker, end_marker, delimiter: as in Swift's API; ``marker`` is the name after which the listing begins.
        limit: rows per page, at most (and by default) Swift's own limit; more where the container has shards.
        """
        limit = min(limit or constraints.CONTAINER_LISTING_LIMIT, constraints.CONTAINER_LISTING_LIMIT)
        query = {'format': 'json', 'limit': str(limit), 'prefix': prefix, 'delimiter': delimiter}
        while True:
            names = prefix + marker + end_marker
            fits = not end_marker or len(quote(names, '', errors='surrogateescape')) <= _MAX_NAMES_IN_QUERY
            query['end_marker'] = end_marker if fits else ''
            asked = {**{name: value for name, value in query.items() if value}, 'marker': marker}
            response = self._backend.call('GET', Target(self._container, query=asked), (404,))
            page = read_rows(response)
            more = len(page) >= limit
            if response.is_success and shards.is_split(response):
                page, more = self._with_unlisted(page, asked, limit)
            found = [row.get('name') or row['subdir'] for row in page]
            kept = page if fits else [row for row, name in zip(page, found) if name < end_marker]
            if kept:
                yield kept
            if not more or len(kept) < len(page):
                return
            marker = found[-1]

    def _with_unlisted(self, page: 'list[Row]', query: 'dict[str, str]', limit: int) -> 'tuple[list[Row], bool]':
        """Add to a page what shards have that Swift does not list yet; return it, and whether there are more rows.

        Raises ServiceUnavailable when they cannot be asked: nothing follows from a listing that is not whole.
        """
        response = self._backend.shard_ranges(self._container, {
            'format': 'json', 'states': shards.RANGE_STATES, **_interval(query, page, limit)}, shards.RANGE_HEADERS)
        names = shards.unlisted(read_rows(response), self._backend.path_of(self._container))
        further = [read_rows(self._backend.get_shard(name, query)) for name in names]
        return shards.union([page, *further], limit)

    def attempts(self, upload: Upload, after: 'int | None' = None, limit: 'int | None' = None) -> Iterator[Attempt]:
        """Yield the attempts that the listing shows, by part number and time.

        after: yields only those of higher part numbers. limit: rows per request.
        """
        marker = upload.prefix if after is None else upload.after_part(after)
        for page in self.rows(upload.prefix, marker, upload.parts_end, '/', limit):
            for row in page:
                attempt = attempt_of(upload, row)
                if attempt is not None:
                    yield attempt

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

    def attempts_named(self, upload: Upload, names: Collection[str]) -> 'dict[str, Attempt]':
        """Return those of ``upload``'s attempts that have these object names, by name.

        Costs one listing, and a HEAD for each attempt that it does not show. Names of other things are ignored.
        """
        numbers = {name: found[0] for name in names if (found := upload.parse_part(name))}
        if not numbers:
            return {}
        known = {}
        for attempt in self.attempts(upload, min(numbers.values()) - 1, len(numbers) + 1):
            if attempt.number > max(numbers.values()):
                break
            if attempt.name in numbers:
                known[attempt.name] = attempt
        late = self.stored_attempts(upload, [name for name in numbers if name not in known])
        return {**known, **{attempt.name: attempt for attempt in late}}


def attempt_of(upload: Upload, row: Row) -> 'Attempt | None':
    """Return the attempt that a row of the listing shows; None if the row is not that of a part of the upload.

    Without its ETag where hash or size cannot be read: Swift says ``<unknown>`` for a hash that it cannot decrypt.
    """
    found = upload.parse_part(row['name']) if 'name' in row else None
    if found is None or _is_no_part(row):
        return None
    etag, in_hash = _parsed(row.get('hash'))
    _, in_type = _parsed(row.get('content_type'))
    return _attempt(row['name'], found, etag, row.get('bytes'), in_hash + in_type)


def _is_no_part(row: Row) -> bool:
    """Return whether a row is of a link, or of a large object, that a user has put there."""
    # Where versions are kept each row is that of a link of Swift's own.
    return 'slo_etag' in row or 'symlink_path' in row and not row.get('version_symlink')


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


def _interval(query: 'dict[str, str]', page: 'list[Row]', limit: int) -> 'dict[str, str]':
    """Return marker and end marker, for a query of shard ranges, between which the names of a page of rows lie."""
    prefix = query.get('prefix', '')
    begin = max(query['marker'], prefix)
    ends = [query['end_marker']] if query.get('end_marker') else []
    if prefix and prefix[-1] < '\ud7ff':
        ends.append(prefix[:-1] + chr(ord(prefix[-1]) + 1))
    if len(page) >= limit:
        last = page[-1].get('name') or page[-1]['subdir']
        # Ranges end with a name that is in them.
        ends.append(last + '\x01')
    return {name: value for name, value in (('marker', begin), ('end_marker', min(ends, default=''))) if value}
