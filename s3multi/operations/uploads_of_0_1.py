# SPDX-License-Identifier: Apache-2.0
"""Uploads whose markers lie among the parts: those of s3multi 0.1, and how they are listed. Those of stock s3api, too.

They sort by ``<key>/<id>``, and so not as S3 sorts them; Swift has to be asked for what it lists late, which takes more
requests the more keys there are that look alike. Once no such upload is left, this module can go.
"""
from collections.abc import Iterable, Iterator
from typing import Protocol

from swift.common import constraints

from s3multi.operations import containers
from s3multi.operations.bucket import Bucket
from s3multi.s3.pages import OpenUpload, UploadsQuery, keys_sorted_late
from s3multi.storage.rows import Row, is_plain_row
from s3multi.upload.names import PARTS_DELIMITER, Upload, marker_range, parts_directory, split_marker
from s3multi.upload.records import MarkerType, State


def new_id(bucket: Bucket, key: str, ticks: int) -> str:
    """Return the id of a new upload that proxies with s3multi 0.1 can continue, after noting what they have to know."""
    if bucket.ids.hides(bucket.account, bucket.name, key):
        # Before the marker is written: without the note, List Multipart Uploads skips the parts, and the marker with
        # them.
        containers.create(bucket, with_markers=False)
        if not bucket.segments.has_hidden_uploads():
            bucket.segments.note_hidden_uploads()
    # Another proxy, which begins uploads of this release, may have noted that there can be none of 0.1.
    bucket.markers.note_all_apart(False, bucket.now())
    return bucket.ids.new_among_parts(bucket.account, bucket.name, key, ticks)


def of_rows(bucket: Bucket, rows: 'Iterable[Row]') -> 'Iterator[tuple[Row, Upload]]':
    """Yield the rows of markers that lie among parts, of any state, each with its upload; also of an earlier bucket."""
    for row in rows:
        split = split_marker(row['name']) if MarkerType.decode(row.get('content_type')).state else None
        if split and bucket.made_id(*split):
            upload = Upload(bucket.account, bucket.name, *split)
            if not upload.is_apart:
                yield row, upload


class Listed(Protocol):
    """A container that holds the markers of uploads as ``<key>/<id>``."""

    def pages(self, prefix: str, listing_marker: str) -> 'Iterator[list[Row]]':
        """Yield the rows that may be markers, page by page, in Swift's order, after ``listing_marker``."""

    def pages_of(self, key: str) -> 'Iterator[list[Row]]':
        """Yield rows, page by page, among which are all markers of ``key``."""

    def key_range(self, key: str) -> 'tuple[str, str]':
        """Return two names between which all markers of ``key`` sort."""

    def open_uploads(self, rows: 'Iterable[Row]') -> 'Iterable[OpenUpload]':
        """Return the open uploads whose markers are among ``rows``."""


class UploadsAmongParts:
    """The uploads of a bucket that s3multi 0.1 began."""

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
                if upload and self._bucket.made_id(*upload):
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
        for row, upload in of_rows(self._bucket, (row for row in rows if 'name' in row)):
            marker_type = MarkerType.decode(row.get('content_type'))
            if (marker_type.state is State.OPEN and is_plain_row(row)
                    and self._bucket.knows(upload.key, upload.id)):
                yield OpenUpload.of(upload.key, upload.id, row.get('last_modified', ''), marker_type.initiator,
                                    marker_type.checksum)


def in_order(listing: Listed, query: UploadsQuery) -> Iterator[OpenUpload]:
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
