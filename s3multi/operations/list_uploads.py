# SPDX-License-Identifier: Apache-2.0
"""List Multipart Uploads: the open uploads of a bucket, by key and then by time, those of stock s3api included.

Markers are listed in S3's order (``upload.marker_names``), so a page lies where the query says. What a common prefix
stands for is jumped over: Swift's own delimiter would match in ids, too. A page takes a number of requests that is
bounded, and is shorter if that is not enough.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""
import heapq
import itertools
from collections.abc import Iterator
from functools import partial

from swift.common import constraints

from s3multi.operations import uploads_of_0_1
from s3multi.operations.bucket import Bucket
from s3multi.operations.request import Call, Reply
from s3multi.s3.documents import Node, document, people, s3_time_of_row, url_encode
from s3multi.s3.errors import InvalidRequest
from s3multi.s3.pages import OpenUpload, UploadsPage, UploadsQuery, fill_page, shown_id_marker
from s3multi.storage.concurrency import Later
from s3multi.storage.listing import FIRST_ROWS, rows_for
from s3multi.storage.markers import MarkersPage, open_upload_of
from s3multi.storage.stock_uploads import StockUploads
from s3multi.upload.decisions import Step, View, open_step
from s3multi.upload.marker_names import after_key, before_keys_after, marker_name, names_from, split_marker_name
from s3multi.upload.names import Upload
from s3multi.upload.records import GRACE_SECONDS
from s3multi.upload.stock_names import is_stock_id

# Pages of the listing that are read for one answer.
MOST_LISTINGS = 5
# Markers that are asked for by name for one answer.
MOST_HEADS = 100


def run(bucket: Bucket, call: Call) -> Reply:
    """Answer ListMultipartUploadsResult."""
    if call.key is not None:
        raise InvalidRequest('Key is not expected for the GET method ?uploads subresource')

    def belongs(key: str, upload_id: str) -> bool:
        # An id of stock s3api does not tell for which key it was made.
        return bucket.made_id(key, upload_id) or is_stock_id(upload_id)

    query = UploadsQuery.parse(call.params, belongs)
    return Reply.xml(_result(call, query, fill_page(query, in_order(bucket, query, call.user))))


def in_order(bucket: Bucket, query: UploadsQuery, user: str) -> Iterator[OpenUpload]:
    """Yield the open uploads in S3's order. The first may precede the query's markers.

    Of those that one common prefix stands for some may be left out after the first. The last may be no upload but the
    place up to which Swift was asked. user: the user who asks, shown as the initiator of uploads of stock s3api.
    """
    begin = _begin(query)
    if begin is None:
        return
    with Later(bucket.logger, partial(_of_stock, bucket, query, user)) as stock:
        # One row more than the page tells whether it is the last.
        first = bucket.markers.page(names_from(query.prefix), begin, min(query.max_uploads + 1, FIRST_ROWS))
    among_parts: Iterator[OpenUpload] = iter(())
    if _may_lie_among_parts(bucket, first):
        among_parts = uploads_of_0_1.in_order(uploads_of_0_1.UploadsAmongParts(bucket), query)
    yield from _with_noted(bucket, query, heapq.merge(_apart(bucket, query, first), among_parts, stock.result()))


def _of_stock(bucket: Bucket, query: UploadsQuery, user: str) -> Iterator[OpenUpload]:
    """Return the open uploads of stock s3api in S3's order. Asks for the first of them at once."""
    if not bucket.settings.list_stock_uploads:
        return iter(())
    stock = StockUploads(bucket.backend, bucket.name, user)
    if not stock.may_exist():
        return iter(())
    uploads = uploads_of_0_1.in_order(stock, query)
    return itertools.chain(list(itertools.islice(uploads, 1)), uploads)


def _begin(query: UploadsQuery) -> 'str | None':
    """Return the name after which the list begins in the listing of markers; None if nothing comes after it."""
    longest = constraints.MAX_OBJECT_NAME_LENGTH
    if '\0' in query.prefix or len(query.prefix.encode('utf-8', 'surrogateescape')) >= longest:
        return None     # no key begins so
    if not query.key_marker:
        return ''
    # No key has NUL in it, but a query may.
    key, nul, _ = query.key_marker.partition('\0')
    group = query.group_of(key)
    name: str | None
    if query.id_marker and not nul:
        name = marker_name(key, query.id_marker)
    else:
        # An earlier page has shown the common prefix, and with it all that it stands for.
        name = after_key(key) if group is None else before_keys_after(group)
    # Swift refuses a longer marker. Cut, it still sorts before every name that it sorted before.
    return name and name.encode('utf-8', 'surrogateescape')[:longest].decode('utf-8', 'ignore')


def _may_lie_among_parts(bucket: Bucket, page: MarkersPage) -> bool:
    """Return whether the bucket may have uploads of s3multi 0.1."""
    # When the sweep found none, rows of some may have been late.
    since = page.all_apart_since
    return since is None or float(since) > float(bucket.now()) - GRACE_SECONDS


def _apart(bucket: Bucket, query: UploadsQuery, first: MarkersPage) -> Iterator[OpenUpload]:
    """Yield the open uploads whose markers lie apart, and the place where the listing was left. first: its first page.
    """
    page = first.page
    group: str | None = None
    shown = rows = 0
    for requests_left in reversed(range(MOST_LISTINGS)):
        rows += len(page.rows)
        for row in page.rows:
            upload = open_upload_of(row)
            if upload is None or not bucket.knows(upload.key, upload.id):
                continue
            before, group = group, query.group_of(upload.key)
            if group is None or group != before:
                shown += 1
                yield upload
        split = split_marker_name(page.after) if page.after else None
        if page.after is None or split is None:
            return
        inside = group is not None and query.group_of(split[0]) == group
        after = before_keys_after(group) if group and inside else page.after
        if after is None:
            return
        if requests_left == 0:
            yield OpenUpload.place(*split)
            return
        limit = rows_for(query.max_uploads + 1 - shown, shown, rows)
        page = bucket.markers.page(names_from(query.prefix), after, limit).page


def _with_noted(bucket: Bucket, query: UploadsQuery, listed: Iterator[OpenUpload]) -> Iterator[OpenUpload]:
    """Yield what is ``listed`` and, in their places, uploads that were initiated lately and whose rows are late.

    One HEAD for each noted upload that is not listed, as far as the list is read.
    """
    noted = (OpenUpload.of(*split, '', '') for split in bucket.upload_hints.recall(bucket.account, bucket.name)
             if bucket.knows(*split))
    waiting = sorted(upload for upload in noted
                     if upload.key.startswith(query.prefix) and query.is_after_markers(upload))
    last: OpenUpload | None = None
    shown: OpenUpload | None = None
    heads = 0
    # Of two that are equal the listed one comes first.
    for upload, is_noted in heapq.merge(((each, False) for each in listed), ((each, True) for each in waiting)):
        found: OpenUpload | None = upload
        if is_noted and shown is not None and (upload == shown or _stand_together(query, upload, shown)):
            found = None
        elif is_noted:
            if heads == MOST_HEADS and last is not None:
                yield OpenUpload.place(last.key, last.id)
                return
            heads += 1
            found = _if_open(bucket, upload)
        if found is not None:
            yield found
            shown = found
        last = upload


def _stand_together(query: UploadsQuery, one: OpenUpload, other: OpenUpload) -> bool:
    """Return whether one common prefix stands for two uploads."""
    group = query.group_of(one.key)
    return group is not None and group == query.group_of(other.key)


def _if_open(bucket: Bucket, noted: OpenUpload) -> 'OpenUpload | None':
    upload = Upload(bucket.account, bucket.name, noted.key, noted.id)
    marker = bucket.records.marker(upload)
    if marker is None or open_step(View(upload.id, marker)) is not Step.GO_ON:
        return None
    return OpenUpload.of(upload.key, upload.id, marker.timestamp.isoformat, marker.initiator, marker.checksum)


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
