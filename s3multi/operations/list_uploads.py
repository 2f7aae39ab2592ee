# SPDX-License-Identifier: Apache-2.0
"""List Multipart Uploads: the open uploads of a bucket, by key and then by time, those of stock s3api included.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""
import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from swift.common import constraints

from s3multi.operations.bucket import Bucket
from s3multi.operations.request import Call, Reply
from s3multi.s3.documents import Node, document, people, s3_time_of_row, url_encode
from s3multi.s3.errors import InvalidRequest
from s3multi.s3.pages import OpenUpload, UploadsPage, UploadsQuery, fill_page, keys_sorted_late, shown_id_marker
from s3multi.storage.rows import Row, is_plain_row
from s3multi.storage.stock_uploads import StockUploads
from s3multi.upload.decisions import Step, View, open_step
from s3multi.upload.names import PARTS_DELIMITER, Upload, marker_range, parts_directory, split_marker
from s3multi.upload.records import MarkerType, State
from s3multi.upload.stock_names import is_stock_id


def run(bucket: Bucket, call: Call) -> Reply:
    """Answer ListMultipartUploadsResult."""
    if call.key is not None:
        raise InvalidRequest('Key is not expected for the GET method ?uploads subresource')

    def belongs(key: str, upload_id: str) -> bool:
        # An id of stock s3api does not tell for which key it was made.
        return bucket.made_id(key, upload_id) or is_stock_id(upload_id)

    query = UploadsQuery.parse(call.params, belongs)
    return Reply.xml(_result(call, query, fill_page(query, _in_order(bucket, query, call.user))))


class _Listing(Protocol):
    """A container that holds the markers of uploads as ``<key>/<id>``."""

    def pages(self, prefix: str, listing_marker: str) -> 'Iterator[list[Row]]':
        """Yield the rows that may be markers, page by page, in Swift's order, after ``listing_marker``."""

    def pages_of(self, key: str) -> 'Iterator[list[Row]]':
        """Yield rows, page by page, among which are all markers of ``key``."""

    def key_range(self, key: str) -> 'tuple[str, str]':
        """Return two names between which all markers of ``key`` sort."""

    def open_uploads(self, rows: 'Iterable[Row]') -> 'Iterable[OpenUpload]':
        """Return the open uploads whose markers are among ``rows``."""


class _OwnUploads:
    """The uploads that s3multi began."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def pages(self, prefix: str, listing_marker: str) -> 'Iterator[list[Row]]':
        """Yield the rows that may be markers. With the delimiter, Swift skips the parts of each upload."""
        delimiter = '' if self._bucket.segments.has_hidden_uploads() else PARTS_DELIMITER
        if listing_marker.endswith(PARTS_DELIMITER):
            # Swift takes a common prefix that equals the listing marker for one already shown, and leaves it out.
            listing_marker = listing_marker[:-1]
        for page in self._bucket.segments.rows(prefix, listing_marker, delimiter=delimiter):
            rows: list[Row] = []
            for row in page:
                if 'name' in row:
                    rows.append(row)
                    continue
                upload = parts_directory(row['subdir'])
                if upload and self._is_ours(*upload):
                    continue
                # A key has the delimiter in it, so uploads were folded away here.
                if rows:
                    yield rows
                rows = []
                yield from self.pages(row['subdir'], listing_marker)
            if rows:
                yield rows

    def pages_of(self, key: str) -> 'Iterator[list[Row]]':
        return self._bucket.segments.rows(key + '/', *self.key_range(key), '/')

    def key_range(self, key: str) -> 'tuple[str, str]':
        # Up to a day in the future, for uploads that a proxy began whose clock is ahead.
        return marker_range(key, self._bucket.ticks() + 86400 * 100000)

    def open_uploads(self, rows: 'Iterable[Row]') -> 'Iterator[OpenUpload]':
        for row in rows:
            marker_type = MarkerType.decode(row.get('content_type'))
            if marker_type.state is State.OPEN and is_plain_row(row):
                split = split_marker(row['name'])
                if split and self._bucket.knows(*split):
                    yield OpenUpload.of(*split, row.get('last_modified', ''), marker_type.initiator,
                                        marker_type.checksum)

    def _is_ours(self, key: str, upload_id: str) -> bool:
        return self._bucket.made_id(key, upload_id)


def _in_order(bucket: Bucket, query: UploadsQuery, user: str) -> Iterator[OpenUpload]:
    """Yield the open uploads in S3's order, those of stock s3api included. The first may precede the query's markers.

    user: the user who asks, shown as the initiator of uploads of stock s3api.
    """
    listings: list[_Listing] = [_OwnUploads(bucket)]
    if bucket.settings.list_stock_uploads:
        stock = StockUploads(bucket.backend, bucket.name, user)
        if stock.may_exist():
            listings.append(stock)
    yield from _with_noted(bucket, query, heapq.merge(*(_one_in_order(listing, query) for listing in listings)))


def _with_noted(bucket: Bucket, query: UploadsQuery, listed: Iterator[OpenUpload]) -> Iterator[OpenUpload]:
    """Yield what is ``listed`` and, in their places, uploads that were initiated lately and whose rows are late.

    One HEAD for each noted upload that is not listed, as far as the list is read.
    """
    noted = (OpenUpload.of(*split, '', '') for split in bucket.upload_hints.recall(bucket.account, bucket.name)
             if bucket.knows(*split))
    waiting = deque(sorted(upload for upload in noted
                           if upload.key.startswith(query.prefix) and query.is_after_markers(upload)))
    for upload in listed:
        while waiting and waiting[0] < upload:
            yield from _if_open(bucket, waiting.popleft())
        if waiting and waiting[0] == upload:
            waiting.popleft()
        yield upload
    for late in waiting:
        yield from _if_open(bucket, late)


def _if_open(bucket: Bucket, noted: OpenUpload) -> Iterator[OpenUpload]:
    upload = Upload(bucket.account, bucket.name, noted.key, noted.id)
    marker = bucket.records.marker(upload)
    if open_step(View(upload.id, marker)) is Step.GO_ON and marker is not None:
        yield OpenUpload.of(upload.key, upload.id, marker.timestamp.isoformat, marker.initiator, marker.checksum)


def _one_in_order(listing: _Listing, query: UploadsQuery) -> Iterator[OpenUpload]:
    """Yield the open uploads of one container in S3's order. The first may precede the query's markers.

    Swift sorts by ``<key>/<id>``, and so the uploads of "a-b" before those of "a" (``keys_sorted_late``). If uploads of
    such a shorter key may lie beyond the page that was read, they are fetched before the page is yielded.
    """
    fetched: set[str] = set()
    last: OpenUpload | None = None
    longest = constraints.MAX_OBJECT_NAME_LENGTH
    if len(query.prefix.encode('utf-8')) > longest:
        return      # no name is as long
    # Swift refuses a longer marker. Cut, it still sorts before every name that it sorted before.
    listing_marker = query.key_marker.encode('utf-8')[:longest].decode('utf-8', 'ignore')
    for rows in listing.pages(query.prefix, listing_marker):
        found = [upload for upload in listing.open_uploads(rows) if upload.key not in fetched]
        for key in {late for upload in found for late in keys_sorted_late(upload.key)} - fetched:
            _, end = listing.key_range(key)
            if end > rows[-1]['name'] and key >= query.key_marker and key.startswith(query.prefix):
                fetched.add(key)
                own = [upload for page in listing.pages_of(key) for upload in listing.open_uploads(page)
                       if upload.key == key]
                found = [upload for upload in found if upload.key != key] + own
        for upload in sorted(found):
            # Some uploads of a key that was fetched only now may have been yielded already, from an earlier page.
            if last is None or last < upload:
                last = upload
                yield upload


def _result(call: Call, query: UploadsQuery, page: UploadsPage) -> bytes:
    encode = url_encode if query.encoding else str
    id_marker, next_id_marker = query.id_marker, page.next_id_marker
    if not query.encoding:
        id_marker = shown_id_marker(query.key_marker, id_marker)
        next_id_marker = shown_id_marker(page.next_key_marker, next_id_marker)
    nodes: list[Node] = [
        ('Bucket', call.bucket), ('KeyMarker', encode(query.key_marker)), ('UploadIdMarker', id_marker),
        ('NextKeyMarker', encode(page.next_key_marker)), ('NextUploadIdMarker', next_id_marker)]
    optional = (('Delimiter', encode(query.delimiter)), ('Prefix', encode(query.prefix)))
    nodes += [(name, text) for name, text in optional if text]
    nodes.append(('MaxUploads', str(query.max_uploads)))
    if query.encoding:
        nodes.append(('EncodingType', query.encoding))
    nodes.append(('IsTruncated', 'true' if page.truncated else 'false'))
    nodes += [('Upload', [('Key', encode(upload.key)), ('UploadId', upload.id), *people(upload.initiator),
                          ('StorageClass', 'STANDARD'), ('Initiated', s3_time_of_row(upload.initiated)),
                          *(upload.checksum.elements if upload.checksum else [])])
              for upload in page.uploads]
    nodes += [('CommonPrefixes', [('Prefix', encode(prefix))]) for prefix in page.prefixes]
    return document('ListMultipartUploadsResult', nodes)
