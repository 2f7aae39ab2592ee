# SPDX-License-Identifier: Apache-2.0
"""The uploads of a bucket that stock s3api began, to be listed beside ours. Nothing here writes.

Swift's own controllers serve all other requests about these uploads: see ``filters.s3api``.
"""
from collections.abc import Iterable, Iterator

from swift.common import constraints

from s3multi.s3.pages import OpenUpload
from s3multi.storage.requests import Backend, Target
from s3multi.storage.rows import Row, read_rows
from s3multi.upload.marker_names import after_prefix, is_listable
from s3multi.upload.stock_names import (after_stock_parts, split_stock_marker, stock_container, stock_marker_of,
                                        stock_marker_range)

# Reading so many rows costs about as much as a request of its own.
ROWS_FOR_EACH = 500


class StockUploads:
    """The uploads of one bucket that stock s3api began, as Swift lists them."""

    def __init__(self, backend: Backend, bucket: str, user: str, rows_for_each: int = ROWS_FOR_EACH) -> None:
        """user: the one who asks. rows_for_each: how many rows to read for each upload, at most."""
        self._user = user
        self._backend = backend
        self._container = stock_container(bucket)
        self._rows_for_each = rows_for_each

    def may_exist(self) -> bool:
        """Return whether there is a container for such uploads. Swift caches the answer, also when there is none."""
        return bool(self._backend.bucket_info(self._container)['status'] != 404)

    def pages(self, prefix: str, marker: str) -> Iterator['list[Row]']:
        """Yield pages of the listing, without most parts of an upload that has many. Rows are as Swift's JSON has them.

        prefix, marker: as in a listing of Swift. The names of parts have nothing in common by which Swift could fold
        them away. So when a page ends among the parts of an upload, finished or not, the next page begins behind all
        of them; and a page may be as long as the number of uploads on the page before suggests. An upload whose key is
        the name of such a part may be skipped with the parts.
        """
        most = constraints.CONTAINER_LISTING_LIMIT
        limit = min(self._rows_for_each, most)
        asked = {'format': 'json', 'prefix': prefix}
        if not is_listable(prefix):
            asked, marker = {'format': 'json', 'end_marker': after_prefix(prefix) or ''}, max(prefix, marker)
        while True:
            page = read_rows(self._backend.call('GET', Target(self._container, query={
                **asked, 'limit': str(limit), 'marker': marker}), (404,)))
            if page:
                yield page
            if len(page) < limit:
                return
            marker_of_last = stock_marker_of(page[-1]['name'])
            marker = after_stock_parts(marker_of_last) if marker_of_last else page[-1]['name']
            uploads = {stock_marker_of(row['name']) or row['name'] for row in page}
            limit = min(self._rows_for_each * len(uploads), most)

    def pages_of(self, key: str) -> Iterator['list[Row]']:
        """Yield pages of the rows among which the markers of all uploads of ``key`` are."""
        begin, end = self.key_range(key)
        for page in self.pages(key + '/', begin):
            yield [row for row in page if row['name'] < end]
            if page[-1]['name'] >= end:
                return

    @staticmethod
    def key_range(key: str) -> 'tuple[str, str]':
        """Return two names between which all markers of ``key`` lie."""
        return stock_marker_range(key)

    def open_uploads(self, rows: 'Iterable[Row]') -> Iterator[OpenUpload]:
        """Yield the uploads whose markers are among ``rows``. An upload has a marker as long as it is open."""
        for row in rows:
            split = split_stock_marker(row['name'])
            if split:
                # Like stock s3api: the user who asks is the initiator.
                yield OpenUpload.of(*split, row.get('last_modified', ''), self._user)
