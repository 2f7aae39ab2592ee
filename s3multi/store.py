# SPDX-License-Identifier: Apache-2.0
"""What the operations ask of Swift, in their own terms: markers, intents, parts, listings, manifests.

Every request goes through ``subrequest.Backend``. A decision that hangs on a record reads it with X-Newest.
"""
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import simplejson as json
from swift.common import constraints
from swift.common.storage_policy import POLICIES
from swift.common.swob import Response, str_to_wsgi, wsgi_to_str
from swift.common.utils import StreamingPile, Timestamp, config_true_value, parse_content_type

from s3multi import checksums, manifest
from s3multi.errors import EntityTooLarge, InvalidRequest, NoSuchBucket, ServiceUnavailable
from s3multi.layout import Upload, attempt_ticks, segments_container
from s3multi.parts import Attempt
from s3multi.request_headers import OBJECT_HEADERS
from s3multi.state import Finished, Intent, Marker, State
from s3multi.subrequest import Backend, Target, failure

_MARKER_TYPE = 'application/x-s3multi-marker'
_CONTENT_TYPE_HEADER = 'X-Object-Sysmeta-S3multi-Content-Type'
_INITIATOR_HEADER = 'X-Object-Sysmeta-S3multi-Initiator'
_CHOSEN_HEADER = 'X-Object-Sysmeta-S3multi-Chosen'
_TIMESTAMP_HEADER = 'X-Object-Sysmeta-S3multi-Timestamp'
_NEWEST = {'X-Newest': 'true'}

Row = dict[str, Any]


def swift_time(ticks: int) -> Timestamp:
    """Return the Swift timestamp for a time in units of 10 microseconds."""
    return Timestamp('%010d.%05d' % divmod(ticks, 100000))


def s3_time(isoformat: str) -> str:
    """Return a time of Swift's listings (ISO 8601, UTC, with or without a fraction) as S3's documents have it."""
    return isoformat[:19] + '.000Z'


@dataclass(frozen=True)
class IntentWrite:
    """What became of an intent's PUT: ``written``, or refused because one ``exists``; else something ``newer`` is
    there, deleted or not, and this is its timestamp."""

    written: bool = False
    exists: bool = False
    newer: 'Timestamp | None' = None


class Store:
    """The uploads of one bucket."""

    def __init__(self, backend: Backend, bucket: str, versioned: bool, concurrency: int) -> None:
        """versioned: whether the bucket has, or had, versions. concurrency: how many parts are deleted at once."""
        self._backend = backend
        self._bucket = bucket
        self._container = segments_container(bucket)
        self._versioned = versioned
        self._concurrency = concurrency

    # The segments container

    def create_container(self, policy_index: int) -> None:
        """Create the segments container; ``policy_index`` is the storage policy of the bucket."""
        self._backend.call('PUT', Target(self._container), (), {'X-Storage-Policy': POLICIES[policy_index].name})

    def rows(self, prefix: str = '', marker: str = '', end_marker: str = '', delimiter: str = '',
             limit: 'int | None' = None) -> Iterator['list[Row]']:
        """Yield pages of the listing of the segments container, rows as Swift's JSON has them; nothing without one.

        limit: rows per page, at most (and by default) Swift's own limit.
        """
        limit = min(limit or constraints.CONTAINER_LISTING_LIMIT, constraints.CONTAINER_LISTING_LIMIT)
        query = {'format': 'json', 'limit': str(limit), 'prefix': prefix, 'end_marker': end_marker,
                 'delimiter': delimiter}
        while True:
            target = Target(self._container, query={**{k: v for k, v in query.items() if v}, 'marker': marker})
            response = self._backend.call('GET', target, (404,))
            page = json.loads(response.body) if response.is_success else []
            if page:
                yield page
            if len(page) < limit:
                return
            marker = page[-1].get('name') or page[-1]['subdir']

    def attempts(self, upload: Upload, after: 'int | None' = None, limit: 'int | None' = None) -> Iterator[Attempt]:
        """Yield the stored attempts of all parts, or of those with numbers above ``after``, by number."""
        marker = upload.prefix if after is None else upload.after_part(after)
        for page in self.rows(upload.prefix, marker, upload.parts_end, '/', limit):
            for row in page:
                attempt = attempt_of(upload, row)
                if attempt is not None:
                    yield attempt

    # Marker and intent

    def open_upload(self, upload: Upload, initiation: 'dict[str, str]', initiator: str) -> bool:
        """Write the marker of a new upload; False when there is no segments container yet.

        initiation: the headers that the object shall have (WSGI strings). Raises InvalidRequest when Swift does not
        accept them.
        """
        headers = {name: value for name, value in initiation.items() if name != 'content-type'}
        if 'content-type' in initiation:
            headers[_CONTENT_TYPE_HEADER] = initiation['content-type']
        headers[_INITIATOR_HEADER] = str_to_wsgi(initiator)
        response = self._put_marker(upload, State.OPEN, swift_time(upload.ticks), headers, expect=(400, 404))
        if response.status_int == 400:
            raise InvalidRequest('Swift does not accept the headers of this upload.')
        return response.status_int != 404

    def mark(self, upload: Upload, state: State, timestamp: Timestamp) -> None:
        """Write the marker again with another state; a newer one, or its deletion, stays as it is."""
        self._put_marker(upload, state, timestamp, {}, expect=())

    def _put_marker(self, upload: Upload, state: State, timestamp: Timestamp, headers: 'dict[str, str]',
                    expect: 'tuple[int, ...]') -> Response:
        return self._backend.call('PUT', Target(self._container, upload.marker), expect, {
            **headers, 'X-Timestamp': timestamp.internal,
            'Content-Type': '%s;state=%s' % (_MARKER_TYPE, state.value)})

    def marker(self, upload: Upload) -> 'Marker | None':
        """Read the marker; None when it is gone."""
        response = self._head(self._container, upload.marker)
        if response.status_int == 404:
            return None
        headers = {name.lower(): value for name, value in response.headers.items()
                   if name.lower().startswith('x-object-meta-') or name.lower() in OBJECT_HEADERS}
        if _CONTENT_TYPE_HEADER in response.headers:
            headers['content-type'] = response.headers[_CONTENT_TYPE_HEADER]
        return Marker(marker_state(response.headers['Content-Type']) or State.ABORTED, _timestamp(response), headers,
                      wsgi_to_str(response.headers.get(_INITIATOR_HEADER, '')))

    def write_intent(self, upload: Upload, intent: Intent) -> IntentWrite:
        """Write the intent of a Complete, unless there is one."""
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

    def _delete(self, name: str, timestamp: Timestamp) -> int:
        return self._backend.call('DELETE', Target(self._container, name), (404, 409),
                                  {'X-Timestamp': timestamp.internal}).status_int

    def _head(self, container: str, name: str, query: 'dict[str, str] | None' = None) -> Response:
        return self._backend.call('HEAD', Target(container, name, query or {}), (404,), _NEWEST)

    # Parts

    def put_part(self, upload: Upload, number: int, attempt: str, headers: 'dict[str, str]',
                 environ: 'dict[str, Any]') -> Response:
        """Store an attempt to upload a part; the answer may have any status. ``environ`` holds the body's stream."""
        request = self._backend.request('PUT', Target(self._container, upload.part(number, attempt)), {
            **headers, 'X-Timestamp': swift_time(attempt_ticks(attempt)).internal,
            'Content-Type': 'application/octet-stream'})
        request.environ.update(environ)
        return self._backend.answer(request)

    def stored_attempts(self, upload: Upload, names: Iterable[str]) -> 'list[Attempt]':
        """Ask for attempts by their object names; return those that are there."""
        def ask(name: str) -> 'Attempt | None':
            found = upload.parse_part(name)
            response = self._head(self._container, name)
            if found is None or response.status_int == 404:
                return None
            _, params = parse_content_type(response.headers.get(manifest.LISTING_ETAG_HEADER, ''))
            return Attempt(found[0], name, attempt_ticks(found[1]), response.headers['Etag'].strip('"'),
                           response.content_length, checksums=checksums.from_row(dict(params)))

        with StreamingPile(self._concurrency) as pile:
            return [attempt for attempt in pile.asyncstarmap(ask, ((name,) for name in names)) if attempt]

    def free(self, attempts: Iterable[Attempt], ticks: int) -> None:
        """Delete parts. ticks: now, in units of 10 microseconds. Raises ServiceUnavailable when one may be left."""
        def delete(attempt: Attempt) -> int:
            # Later than the part, should the proxy that stored it have a faster clock.
            return self._delete(attempt.name, swift_time(max(ticks, attempt.began + 1)))

        with StreamingPile(self._concurrency) as pile:
            if 409 in list(pile.asyncstarmap(delete, ((attempt,) for attempt in attempts))):
                raise ServiceUnavailable()

    # The finished object

    def finished(self, key: str, version: 'Timestamp | None' = None) -> Finished:
        """Say which upload made the object at ``key``, or its version that was written at ``version``."""
        # A user's link is not the object it points to. But where there are versions the current one is behind a link
        # of Swift's own.
        query = {} if self._versioned and version is None else {'symlink': 'get'}
        if version is not None:
            query['version-id'] = version.internal
        response = self._head(self._bucket, key, query)
        if response.status_int == 404 or not config_true_value(response.headers.get('X-Static-Large-Object')):
            return Finished()
        return Finished(response.headers.get(manifest.UPLOAD_ID_HEADER), response.headers.get(manifest.ETAG_HEADER),
                        response.headers.get('X-Object-Version-Id'))

    def write_manifest(self, upload: Upload, chosen: 'Sequence[Attempt]', etag: str,
                       before_write: 'Callable[[], tuple[Intent, Marker]]') -> 'str | None':
        """Have SLO verify the chosen parts and write the manifest; return the version id in a versioned bucket.

        before_write: called once SLO has found every part as the manifest says, just before it writes; returns the
        intent to write for and the marker, or raises. Raises InvalidPart when a part is not there or not the same.
        That something newer is at the key already is no failure: the object was written, and overwritten at once.
        """
        target = Target(self._bucket, upload.key, {'multipart-manifest': 'put'})
        request = self._backend.request('PUT', target, {'Accept': 'application/json'}, manifest.body(upload, chosen))

        def hook(_segments: object) -> 'list[object]':
            intent, marker = before_write()
            # SLO writes with this very environ, so what only now is known can still be set.
            request.headers.update(manifest.headers(upload, marker.headers, etag))
            request.headers['X-Timestamp'] = intent.timestamp.internal
            return []

        request.environ['swift.callback.slo_manifest_hook'] = hook
        response = self._backend.answer(request)
        if response.status_int == 400:
            raise manifest.refusal(upload, chosen, response.body)
        if response.status_int == 413:
            raise EntityTooLarge(None, None, wsgi_to_str(response.body.decode('latin-1')).strip())
        if response.status_int == 404:
            raise NoSuchBucket(self._bucket)
        if not response.is_success:
            raise failure('PUT', target, response)
        return response.headers.get('X-Object-Version-Id')


def attempt_of(upload: Upload, row: Row) -> 'Attempt | None':
    """Return the attempt that a row of the listing proves; None when the row is no part of the upload."""
    found = upload.parse_part(row.get('name', ''))
    if found is None:
        return None
    etag, params = parse_content_type(row['hash'])
    return Attempt(found[0], row['name'], attempt_ticks(found[1]), etag, row['bytes'], row['last_modified'],
                   checksums.from_row(dict(params)))


def marker_state(content_type: str) -> 'State | None':
    """Return the state that the content type of a marker tells; None when it is no marker."""
    kind, params = parse_content_type(content_type)
    try:
        return State(dict(params).get('state')) if kind == _MARKER_TYPE else None
    except ValueError:
        return None


def _timestamp(response: Response) -> Timestamp:
    return Timestamp(response.headers.get('X-Backend-Timestamp') or response.headers.get('X-Timestamp') or 0)
