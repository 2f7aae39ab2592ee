# SPDX-License-Identifier: Apache-2.0
"""The listing of a container that holds uploads, a page at a time, with what shards have that Swift does not list yet.
"""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from swift.common import constraints

from s3multi.storage import shards
from s3multi.storage.requests import Backend, Target
from s3multi.storage.rows import Row, read_rows
from s3multi.upload.marker_names import after_prefix, is_listable

# Swift's servers accept request lines of 8192 bytes (eventlet). Two names of 1024 bytes, three times as long when
# quoted, fit in; a third may not.
_MAX_NAMES_IN_QUERY = 6300
# The rows of a first request: enough for the largest page of S3 and one more. Those of further ones: see ``rows``.
FIRST_ROWS = 1001


@dataclass(frozen=True)
class Page:
    """A page of a listing.

    rows: as in Swift's JSON. after: the name after which it goes on; None at its end. headers: those of Swift's answer.
    exists: whether there is such a container.
    """

    rows: 'list[Row]'
    after: 'str | None'
    headers: 'Mapping[str, str]'
    exists: bool = True


class Listing:
    """The listing of one container."""

    def __init__(self, backend: Backend, container: str) -> None:
        self._backend = backend
        self._container = container

    def rows(self, prefix: str = '', marker: str = '', end_marker: str = '', delimiter: str = '',
             limit: 'int | None' = None) -> Iterator['list[Row]']:
        """Yield the rows of each page that has any. limit: as for ``pages``."""
        return (page.rows for page in self.pages(prefix, marker, end_marker, delimiter, limit) if page.rows)

    def pages(self, prefix: str = '', marker: str = '', end_marker: str = '', delimiter: str = '',
              limit: 'int | None' = None) -> Iterator[Page]:
        """Yield all pages, of which the first may be empty.

        limit: that of the first page; all others have as many rows as Swift allows. Who wants few rows may meet many
        others before them: with small pages that would take many requests.
        """
        page = self.page(prefix, marker, end_marker, delimiter, limit)
        yield page
        while page.after is not None:
            page = self.page(prefix, page.after, end_marker, delimiter)
            yield page

    def page(self, prefix: str = '', marker: str = '', end_marker: str = '', delimiter: str = '',
             limit: 'int | None' = None, *, reverse: bool = False) -> Page:
        """Return a page. There are no rows without a container.

        prefix, marker, end_marker, delimiter: as in Swift's API; ``marker`` is the name after which the page begins.
        limit: rows, at most (and by default) Swift's own limit; more where the container has shards. reverse: whether
        the page has the last rows, beginning with the very last one; without markers.
        """
        if not is_listable(prefix):
            # No name that anybody looks for is the prefix itself. A delimiter could match in it, so there is none.
            marker, end_marker = max(prefix, marker), _first(end_marker, after_prefix(prefix))
            prefix = delimiter = ''
        limit = min(limit or constraints.CONTAINER_LISTING_LIMIT, constraints.CONTAINER_LISTING_LIMIT)
        fits = not end_marker or len(quote(prefix + marker + end_marker, '', 'utf-8', 'surrogateescape')
                                     ) <= _MAX_NAMES_IN_QUERY
        query = {'format': 'json', 'limit': str(limit), 'prefix': prefix, 'delimiter': delimiter,
                 'end_marker': end_marker if fits else '', 'reverse': 'true' if reverse else ''}
        asked = {**{name: value for name, value in query.items() if value}, 'marker': marker}
        response = self._backend.call('GET', Target(self._container, query=asked), (404,))
        rows = read_rows(response)
        more = len(rows) >= limit
        if response.is_success and shards.is_split(response):
            rows, more = self._with_unlisted(rows, asked, limit, shards.state_of(response))
        names = [row.get('name') or row['subdir'] for row in rows]
        kept = rows if fits else [row for row, name in zip(rows, names) if name < end_marker]
        after = names[-1] if more and len(kept) == len(rows) else None
        return Page(kept, after, response.headers, bool(response.is_success))

    def _with_unlisted(self, page: 'list[Row]', query: 'dict[str, str]', limit: int, state: str,
                       ) -> 'tuple[list[Row], bool]':
        """Add to a page what shards have that Swift does not list yet; return it, and whether there are more rows.

        state: the container's. Raises ServiceUnavailable when they cannot be asked: nothing follows from a listing
        that is not whole.
        """
        path = self._backend.path_of(self._container)
        interval = _interval(query, page, limit)
        ranges = self._ranges(interval)
        begin = shards.begin(ranges, path)
        if state == 'sharded' and begin is not None and begin < interval.get('marker', ''):
            # A shard that shrinks into this one need not reach as far as the page, and may hide it all the same.
            ranges = self._ranges({**interval, 'marker': begin})
        names = shards.unlisted(ranges, path, state)
        further = [read_rows(self._backend.call('GET', Target(self._container, query=query), (), shards.ROW_HEADERS)
                             if name == path else self._backend.get_shard(name, query)) for name in names]
        return shards.union([page, *further], limit, 'reverse' in query)

    def _ranges(self, interval: 'dict[str, str]') -> 'list[Row]':
        """Return the shard ranges that have names of an interval."""
        return read_rows(self._backend.shard_ranges(
            self._container, {'format': 'json', 'states': shards.RANGE_STATES, **interval}, shards.RANGE_HEADERS))


def rows_for(missing: int, found: int, read: int) -> int:
    """Return how many rows to ask for by one who has ``found`` some of what he wants among the rows that were ``read``,
    and wants so many more.

    Mostly few are missing. Ten thousand rows for these take as long as ten requests, and ten MiB.
    """
    return max(FIRST_ROWS, 2 * missing * read // max(found, 1))


def _first(*names: 'str | None') -> str:
    """Return the first of some end markers, of which '' and None are none."""
    return min(filter(None, names), default='')


def _interval(query: 'dict[str, str]', page: 'list[Row]', limit: int) -> 'dict[str, str]':
    """Return marker and end marker, for a query of shard ranges, between which the names of a page of rows lie."""
    prefix = query.get('prefix', '')
    begin = max(query['marker'], prefix)
    ends = [query['end_marker']] if query.get('end_marker') else []
    if prefix and prefix[-1] < '\ud7ff':
        ends.append(prefix[:-1] + chr(ord(prefix[-1]) + 1))
    if len(page) >= limit and 'reverse' not in query:
        last = page[-1].get('name') or page[-1]['subdir']
        # Ranges end with a name that is in them.
        ends.append(last + '\x01')
    return {name: value for name, value in (('marker', begin), ('end_marker', min(ends, default=''))) if value}
