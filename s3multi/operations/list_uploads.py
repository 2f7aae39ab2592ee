# SPDX-License-Identifier: Apache-2.0
"""List Multipart Uploads: the open uploads of a bucket, by key and then by time.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""
from collections.abc import Iterable, Iterator

from swift.common import constraints

from s3multi import request_headers
from s3multi.documents import Node, document, people, url_encode
from s3multi.errors import InvalidRequest
from s3multi.layout import PARTS_DELIMITER, marker_range, parts_directory, split_marker
from s3multi.pages import OpenUpload, UploadsPage, UploadsQuery, fill_page, keys_sorted_late
from s3multi.records import marker_initiator, marker_state
from s3multi.session import Session
from s3multi.state import State
from s3multi.store import Row, s3_time
from s3multi.wire import Reply


def run(session: Session) -> Reply:
    """Answer ListMultipartUploadsResult."""
    call = session.call
    if call.key is not None:
        raise InvalidRequest('Key is not expected for the GET method ?uploads subresource')
    request_headers.refuse_unsupported('list_uploads', call.headers)
    query = UploadsQuery.parse(call.params, lambda key, upload_id: session.ids.belongs(call.account, call.bucket, key,
                                                                                       upload_id))
    page = fill_page(query, _in_order(session, query))
    return Reply.xml(_result(session, query, page))


def _in_order(session: Session, query: UploadsQuery) -> Iterator[OpenUpload]:
    """Yield the open uploads in S3's order, beginning no later than the markers of ``query``.

    Swift sorts by ``<key>/<id>`` and so puts the uploads of "a-b" before those of "a" (``keys_sorted_late``). Where
    the uploads of such a shorter key may lie beyond the page that was read, they are fetched first.
    """
    # A clock that is a day ahead of ours would be noticed elsewhere first.
    tomorrow = session.ticks() + 86400 * 100000
    fetched: set[str] = set()
    last: OpenUpload | None = None
    longest = constraints.MAX_OBJECT_NAME_LENGTH
    if len(query.prefix.encode('utf-8')) > longest:
        return      # no name is as long
    # Cut to the length of a name, a marker is not after any name that it was before.
    marker = query.key_marker.encode('utf-8')[:longest].decode('utf-8', 'ignore')
    for rows in _without_parts(session, query.prefix, marker):
        found = [upload for upload in _open_uploads(session, rows) if upload.key not in fetched]
        for key in {late for upload in found for late in keys_sorted_late(upload.key)} - fetched:
            begin, end = marker_range(key, tomorrow)
            if end > rows[-1]['name'] and key >= query.key_marker and key.startswith(query.prefix):
                fetched.add(key)
                own = [upload for page in session.store.rows(key + '/', begin, end, '/')
                       for upload in _open_uploads(session, page)]
                found = [upload for upload in found if upload.key != key] + own
        for upload in sorted(found):
            # Uploads of a key that was fetched now may have come before, from an earlier page.
            if last is None or last < upload:
                last = upload
                yield upload


def _without_parts(session: Session, prefix: str, marker: str) -> 'Iterator[list[Row]]':
    """Yield the rows that may be markers, in Swift's order; Swift skips the parts of each upload for us."""
    delimiter = '' if session.store.has_hidden_uploads() else PARTS_DELIMITER
    if marker.endswith(PARTS_DELIMITER):
        # Swift takes a directory that is the marker for one that it has shown before.
        marker = marker[:-1]
    for page in session.store.rows(prefix, marker, delimiter=delimiter):
        rows: list[Row] = []
        for row in page:
            if 'name' in row:
                rows.append(row)
                continue
            upload = parts_directory(row['subdir'])
            if upload and session.ids.belongs(session.call.account, session.call.bucket, *upload):
                continue
            # A key with the delimiter in it: what was folded away there are uploads.
            if rows:
                yield rows
            rows = []
            yield from _without_parts(session, row['subdir'], marker)
        if rows:
            yield rows


def _open_uploads(session: Session, rows: 'Iterable[Row]') -> 'list[OpenUpload]':
    found = []
    for row in rows:
        if marker_state(row.get('content_type', '')) is State.OPEN:
            split = split_marker(row['name'])
            if split and session.knows(*split):
                found.append(OpenUpload.of(*split, row['last_modified'], marker_initiator(row['content_type'])))
    return found


def _result(session: Session, query: UploadsQuery, page: UploadsPage) -> bytes:
    encode = url_encode if query.encoding else str
    nodes: list[Node] = [
        ('Bucket', session.call.bucket), ('KeyMarker', encode(query.key_marker)), ('UploadIdMarker', query.id_marker),
        ('NextKeyMarker', encode(page.next_key_marker)), ('NextUploadIdMarker', page.next_id_marker)]
    optional = (('Delimiter', encode(query.delimiter)), ('Prefix', encode(query.prefix)))
    nodes += [(name, text) for name, text in optional if text]
    nodes.append(('MaxUploads', str(query.max_uploads)))
    if query.encoding:
        nodes.append(('EncodingType', query.encoding))
    nodes.append(('IsTruncated', 'true' if page.truncated else 'false'))
    nodes += [('Upload', [('Key', encode(upload.key)), ('UploadId', upload.id), *people(upload.initiator),
                          ('StorageClass', 'STANDARD'), ('Initiated', s3_time(upload.initiated))])
              for upload in page.uploads]
    nodes += [('CommonPrefixes', [('Prefix', encode(prefix))]) for prefix in page.prefixes]
    return document('ListMultipartUploadsResult', nodes)
