# SPDX-License-Identifier: Apache-2.0
"""What the operations ask of Swift, in their own terms: the segments container, its listing, parts, manifests.

The records that decide what an upload is are in ``records``. Every request goes through ``subrequest.Backend``.
"""
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain, islice
from typing import Any, TypeVar
from urllib.parse import quote

import simplejson as json
from eventlet import Timeout
from swift.common import constraints
from swift.common.storage_policy import POLICIES
from swift.common.swob import Request, Response
from swift.common.utils import StreamingPile, Timestamp, parse_content_type

from s3multi.s3 import checksums
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.conditions import Compare
from s3multi.s3.errors import NoSuchBucket, PreconditionFailed, ServiceUnavailable
from s3multi.s3.parts import Attempt
from s3multi.storage.deletion import Freeing, batches
from s3multi.storage.requests import Backend, Target, failure, swift_time
from s3multi.upload import manifest
from s3multi.upload.names import Upload, attempt_ticks, segments_container
from s3multi.upload.records import Intent, Marker, plain_time

_HIDDEN_HEADER = 'X-Container-Sysmeta-S3multi-Hidden-Uploads'

# Swift's servers take request lines of 8192 bytes (eventlet). Two names of 1024 bytes, three times as long when they
# are quoted, fit in; a third may not.
_MAX_NAMES_IN_QUERY = 6300

Row = dict[str, Any]
_Item = TypeVar('_Item')
_Result = TypeVar('_Result')


def s3_time(isoformat: str) -> str:
    """Return a time of Swift's listings (ISO 8601, UTC, with or without a fraction) as S3's documents have it."""
    return isoformat[:19] + '.000Z'


@dataclass(frozen=True)
class Written:
    """What became of a manifest. stored: False where something that is not older was there."""

    stored: bool
    version_id: 'str | None'


@functools.lru_cache(maxsize=100)   # many parts share a second
def s3_time_of(seconds: int) -> str:
    """Return a time in seconds since the epoch as S3's documents have it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000Z')


class Store:
    """The uploads of one bucket."""

    def __init__(self, backend: Backend, account: str, bucket: str, freeing: Freeing) -> None:
        self._backend = backend
        self._account = account
        self._bucket = bucket
        self._container = segments_container(bucket)
        self._freeing = freeing

    # The segments container

    def create_container(self, policy_index: int) -> bool:
        """Create the segments container with this policy; False when it was deleted at a later time than now."""
        response = self._backend.call('PUT', Target(self._container), (409,),
                                      {'X-Storage-Policy': POLICIES[policy_index].name})
        return response.status_int != 409

    def delete_container(self) -> None:
        """Delete the segments container, unless something is in it."""
        self._backend.call('DELETE', Target(self._container), (404, 409))

    def has_container(self) -> bool:
        """Say whether the segments container exists."""
        return self._backend.call('HEAD', Target(self._container), (404,)).is_success

    def note_hidden_uploads(self) -> None:
        """Note, for good, that the container has uploads whose names lie among the parts of another upload."""
        self._backend.call('POST', Target(self._container), (), {_HIDDEN_HEADER: 'true'})

    def has_hidden_uploads(self) -> bool:
        """Say whether ``note_hidden_uploads`` was ever called for the container."""
        sysmeta = self._backend.bucket_info(self._container).get('sysmeta') or {}
        return _HIDDEN_HEADER.rpartition('Sysmeta-')[2].lower() in sysmeta

    def rows(self, prefix: str = '', marker: str = '', end_marker: str = '', delimiter: str = '',
             limit: 'int | None' = None) -> Iterator['list[Row]']:
        """Yield pages of the listing of the segments container, rows as Swift's JSON has them; nothing without one.

        limit: rows per page, at most (and by default) Swift's own limit.
        """
        limit = min(limit or constraints.CONTAINER_LISTING_LIMIT, constraints.CONTAINER_LISTING_LIMIT)
        query = {'format': 'json', 'limit': str(limit), 'prefix': prefix, 'delimiter': delimiter}
        while True:
            names = prefix + marker + end_marker
            fits = not end_marker or len(quote(names, '', errors='surrogateescape')) <= _MAX_NAMES_IN_QUERY
            query['end_marker'] = end_marker if fits else ''
            target = Target(self._container, query={**{k: v for k, v in query.items() if v}, 'marker': marker})
            response = self._backend.call('GET', target, (404,))
            page = json.loads(response.body) if response.is_success else []
            found = [row.get('name') or row['subdir'] for row in page]
            kept = page if fits else [row for row, name in zip(page, found) if name < end_marker]
            if kept:
                yield kept
            if len(kept) < limit:
                return
            marker = found[-1]

    def attempts(self, upload: Upload, after: 'int | None' = None, limit: 'int | None' = None) -> Iterator[Attempt]:
        """Yield the stored attempts of all parts, or of those with numbers above ``after``, by number."""
        marker = upload.prefix if after is None else upload.after_part(after)
        for page in self.rows(upload.prefix, marker, upload.parts_end, '/', limit):
            for row in page:
                attempt = attempt_of(upload, row)
                if attempt is not None:
                    yield attempt

    # Parts

    def put_part(self, upload: Upload, number: int, attempt: str, headers: 'dict[str, str]',
                 environ: 'dict[str, Any]') -> Response:
        """Store an attempt to upload a part; the answer may have any status. ``environ`` holds the body's stream."""
        request = self._backend.request('PUT', Target(self._container, upload.part(number, attempt)), {
            **headers, 'X-Timestamp': swift_time(attempt_ticks(attempt)).internal,
            'Content-Type': manifest.SEGMENT_TYPE})
        request.environ.update(environ)
        return self._backend.answer(request)

    def stored_attempts(self, upload: Upload, names: Iterable[str]) -> 'list[Attempt]':
        """Ask for attempts by their object names; return those that are there."""
        def ask(name: str) -> 'Attempt | None':
            found = upload.parse_part(name)
            response = self._backend.head_newest(Target(self._container, name))
            if found is None or response.status_int == 404:
                return None
            shown = [response.headers.get(header, '') for header in (manifest.LISTING_ETAG_HEADER,
                                                                     manifest.LISTING_TYPE_HEADER)]
            return Attempt(found[0], name, attempt_ticks(found[1]), response.headers['Etag'].strip('"'),
                           response.content_length, _checksums(*shown))

        return [attempt for attempt in concurrently(self._freeing.concurrency, ask, names) if attempt]

    def free(self, attempts: Iterable[Attempt], ticks: int, most: 'int | None' = None) -> None:
        """Delete parts: a few before this returns, many by the object expirer. ticks: now, in units of 10 microseconds.

        most: how many are a few, if fewer than the operator allows. Raises ServiceUnavailable when one may be left.
        """
        few = self._freeing.immediate if most is None else min(most, self._freeing.immediate)
        rest = iter(attempts)
        first = list(islice(rest, few + 1))
        if len(first) > few and self._freeing.queue:
            self._queue(chain(first, rest), ticks)
        else:
            self._delete_now(chain(first, rest), ticks)

    def _delete_now(self, attempts: Iterable[Attempt], ticks: int) -> None:
        def delete(attempt: Attempt) -> int:
            # Later than the part, should the proxy that stored it have a faster clock.
            return self._backend.delete(Target(self._container, attempt.name),
                                        swift_time(max(ticks, attempt.began + 1)))

        if 409 in list(concurrently(self._freeing.concurrency, delete, attempts)):
            raise ServiceUnavailable()

    def _queue(self, attempts: Iterable[Attempt], ticks: int) -> None:
        assert self._freeing.queue is not None
        newest = ticks

        def names() -> Iterator[str]:
            nonlocal newest
            for attempt in attempts:
                newest = max(newest, attempt.began + 1)
                yield attempt.name

        for batch in batches(names()):
            self._backend.enqueue(self._freeing.queue.job(self._account, self._container, batch, swift_time(newest)))

    # The object

    def write_manifest(self, upload: Upload, chosen: Sequence[Attempt], digests: ObjectDigests,
                       gate: 'Callable[[], tuple[Intent, Marker]]', compare: Compare = Compare.NOBODY) -> Written:
        """Write the manifest of parts that are proven; return the version id in a versioned bucket.

        gate: called just before the write; returns the intent to write for and the marker, or raises. That something
        newer is at the key already is no failure: the object was written, and overwritten at once. compare: who sees
        to it that nothing unknown is replaced; unless it is nobody, raises PreconditionFailed when something is there.
        """
        body = manifest.stored(upload, chosen)
        intent, marker = gate()
        target = Target(self._bucket, upload.key)
        request = self._backend.request('PUT', target, {
            **manifest.stored_headers(upload, chosen, marker.headers, digests, body),
            'X-Timestamp': plain_time(intent.timestamp), **_condition(compare)}, body, past_quota=True)
        # SLO lets a manifest pass that a filter to its left has finished, as container-sync does.
        request.environ.update({'swift.slo_override': True, 'swift.content_type_overridden': True})
        _look_again(request)
        return self._written(target, self._backend.answer(request), compare)

    def write_manifest_through_slo(self, upload: Upload, chosen: Sequence[Attempt], digests: ObjectDigests,
                                   gate: 'Callable[[], tuple[Intent, Marker]]',
                                   compare: Compare = Compare.NOBODY) -> Written:
        """Like ``write_manifest``, but have SLO ask for every part before ``gate`` is called.

        Raises InvalidPart for the first part that is not there or not as the manifest says.
        """
        target = Target(self._bucket, upload.key, {'multipart-manifest': 'put'})
        request = self._backend.request('PUT', target, {'Accept': 'application/json', **_condition(compare)},
                                        manifest.request_body(upload, chosen), past_quota=True)

        def hook(segments: 'list[Row | None]') -> 'list[object]':
            # SLO asks even when it has found a part missing or changed, and refuses the manifest afterwards.
            if not manifest.agrees(segments, chosen):
                return []
            intent, marker = gate()
            # SLO writes with this very environ, so what only now is known can still be set.
            request.headers.update(manifest.object_headers(upload, marker.headers, digests))
            request.headers['X-Timestamp'] = plain_time(intent.timestamp)
            _look_again(request)
            return []

        request.environ['swift.callback.slo_manifest_hook'] = hook
        response = self._backend.answer(request)
        if response.status_int == 400:
            raise manifest.refusal(upload, chosen, response.body)
        return self._written(target, response, compare)

    def show_version(self, upload: Upload, timestamp: Timestamp) -> None:
        """Make the version that was written at ``timestamp`` the current one, unless a newer one is.

        Swift writes a version and then the link that shows it. Where two wrote the same version, or one died in
        between, the link is missing or does not say what it leads to.
        """
        target = Target(self._bucket, upload.key, {'version-id': plain_time(timestamp)})
        # After the link that either of them may have written.
        self._backend.call('PUT', target, (404,), {'X-Timestamp': Timestamp(plain_time(timestamp), offset=1).internal})

    def _written(self, target: Target, response: Response, compare: Compare) -> Written:
        # 202: something newer is there, which nobody has compared with.
        if compare is not Compare.NOBODY and response.status_int in (202, 412):
            raise PreconditionFailed()
        if response.status_int == 404:
            raise NoSuchBucket(self._bucket)
        if response.status_int == 412:  # the bucket is being deleted: its versions have no place any more
            raise ServiceUnavailable()
        if not response.is_success:
            raise failure('PUT', target, response)
        return Written(response.status_int == 201, response.headers.get('X-Object-Version-Id'))


def _look_again(request: Request) -> None:
    # Swift writes into a bucket that was deleted since it was last looked at, and so brings it back. What the environ
    # knows is as old as the client's request; memcache is newer: the proxy that deletes a bucket takes it out there.
    request.environ['swift.infocache'] = {}


def concurrently(concurrency: int, ask: 'Callable[[_Item], _Result]', items: 'Iterable[_Item]') -> Iterator[_Result]:
    """Yield what ``ask`` returns for each item, in any order; when all are done raise the first error, if any."""
    errors: list[BaseException] = []

    def guarded(item: _Item) -> 'tuple[_Result, ...]':
        # The pile would drop what raises.
        try:
            return (ask(item),)
        except (Exception, Timeout) as error:
            errors.append(error)
            return ()

    with StreamingPile(concurrency) as pile:
        for results in pile.asyncstarmap(guarded, ((item,) for item in items)):
            yield from results
    if errors:
        raise errors[0]


def _condition(compare: Compare) -> 'dict[str, str]':
    return {'If-None-Match': '*'} if compare is Compare.SWIFT else {}


def attempt_of(upload: Upload, row: Row) -> 'Attempt | None':
    """Return the attempt that a row of the listing proves; None when the row is no part of the upload."""
    found = upload.parse_part(row.get('name', ''))
    if found is None:
        return None
    etag, _ = parse_content_type(row['hash'])
    return Attempt(found[0], row['name'], attempt_ticks(found[1]), etag, row['bytes'],
                   _checksums(row['hash'], row['content_type']))


def _checksums(listed_hash: str, listed_type: str) -> 'dict[str, str]':
    return checksums.from_parameters(parse_content_type(listed_hash)[1] + parse_content_type(listed_type)[1])
