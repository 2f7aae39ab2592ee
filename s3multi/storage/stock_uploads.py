# SPDX-License-Identifier: Apache-2.0
"""The uploads of a bucket that stock s3api began, to be listed beside ours. Nothing here writes.

All else that clients do with them is left to Swift's own controllers: see ``front``.
"""
from collections.abc import Iterable, Iterator

import simplejson as json
from swift.common import constraints
from swift.common.utils import Timestamp

from s3multi.s3.pages import OpenUpload
from s3multi.storage.requests import Backend, Target
from s3multi.storage.segments import Row
from s3multi.upload.stock_names import (after_stock_parts, split_stock_marker, stock_container, stock_marker_of,
                                        stock_marker_range)

# Rows that are about as dear as a request of their own.
ROWS_FOR_EACH = 500


class StockUploads:
    """What stock s3api keeps of one bucket, as Swift lists it."""

    def __init__(self, backend: Backend, bucket: str, user: str, rows_for_each: int = ROWS_FOR_EACH) -> None:
        """user: who asks. rows_for_each: how many rows to read for each upload, at most."""
        self._user = user
        self._backend = backend
        self._container = stock_container(bucket)
        self._rows_for_each = rows_for_each

    def may_exist(self) -> bool:
        """Say whether there is a container of such uploads. Swift caches the answer, also that there is none."""
        return bool(self._backend.bucket_info(self._container)['status'] != 404)

    def pages(self, prefix: str, marker: str) -> Iterator['list[Row]']:
        """Yield pages of the listing, rows as Swift's JSON has them, without most parts of an upload that has many.

        Names of parts have nothing in common that Swift could fold away. So where a page ends among the parts of an
        upload, finished or not, the next one begins behind them; and a page may be as long as the number of uploads
        on the one before suggests. (An upload whose key is the name of such a part may be passed over with it.)
        """
        most = constraints.CONTAINER_LISTING_LIMIT
        limit = min(self._rows_for_each, most)
        while True:
            response = self._backend.call('GET', Target(self._container, query={
                'format': 'json', 'limit': str(limit), 'prefix': prefix, 'marker': marker}), (404,))
            page = json.loads(response.body) if response.is_success else []
            if page:
                yield page
            if len(page) < limit:
                return
            marker_of_last = stock_marker_of(page[-1]['name'])
            marker = after_stock_parts(marker_of_last) if marker_of_last else page[-1]['name']
            uploads = {stock_marker_of(row['name']) or row['name'] for row in page}
            limit = min(self._rows_for_each * len(uploads), most)

    def pages_of(self, key: str) -> Iterator['list[Row]']:
        """Yield the rows among which the markers of all uploads of ``key`` are."""
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
        """Yield the uploads whose markers are among ``rows``: the marker is there as long as the upload is open."""
        for row in rows:
            split = split_stock_marker(row['name'])
            if split:
                # As stock s3api shows it: to whole seconds, and as begun by whoever asks.
                began = Timestamp.from_isoformat(row['last_modified']).ceil()
                yield OpenUpload.of(*split, Timestamp(began).isoformat, self._user)
