# SPDX-License-Identifier: Apache-2.0
"""The operations whose latency is measured, of few and small parts, so that nothing but round trips counts."""

from __future__ import annotations

from ..cases import Case, Source
from ..side import PART, Side, Upload

COMPLETED, ABORTED, DELETED = (1, 2, 3, 10), (1, 3, 10), (1, 3, 10)
LISTED_UPLOADS, LISTED_PARTS = 10, 3
PARTS = 3                     # of an object that is read or replaced
SIZE = len(PART.data)

INITIATE, UPLOAD_PART, COPY_PART = 'Initiate', 'Upload Part', 'Upload Part Copy'
COMPLETE, OVER_PLAIN, OVER_MULTIPART = 'Complete', ', over a plain object', ', over a multipart object'
ABORT, LIST_PARTS, LIST_UPLOADS = 'Abort', 'List Parts', 'List Multipart Uploads'
GET, HEAD, GET_PART = 'GET', 'HEAD', 'GET ?partNumber'
PUT, COPY, DELETE = 'PutObject', 'CopyObject', 'DELETE'

# In a bucket with versions other operations do the same as in one without.
CHANGED_BY_VERSIONS = (COMPLETE, PUT, COPY, DELETE)


def cases(versioned: bool) -> list[Case]:
    """Return the cases; where versioned, those that differ in a bucket with versions."""
    found = [
        *_uploads(), *(_complete(count) for count in COMPLETED), *(_complete(count, 0) for count in COMPLETED),
        _complete(PARTS, PARTS), *(_abort(count) for count in ABORTED), *_lists(), *_reads(),
        _put(), _put(0), _put(PARTS), _copy(), _copy(0), _copy(PARTS), *(_delete(count) for count in (0, *DELETED))]
    return [case for case in found if not versioned or case.operation.startswith(CHANGED_BY_VERSIONS)]


def make_object(side: Side, parts: int) -> str:
    """Store an object and return its key. parts: 0 for a plain object."""
    if not parts:
        key = side.new_key()
        side.put_object(key, PART)
        return key
    upload = side.new_upload(parts)
    side.complete(upload)
    return upload.key


def _uploads() -> list[Case]:
    source = Source(lambda side: make_object(side, 0))
    return [
        Case(INITIATE, 0, '', lambda side: Upload(side.bucket, side.new_key(), ''), Side.initiate),
        Case(UPLOAD_PART, 0, '', Side.new_upload, lambda side, upload: side.upload_part(upload, 1, PART)),
        Case(COPY_PART, 0, '', lambda side: (side.new_upload(), source.key(side)),
             lambda side, made: side.copy_part(made[0], 1, f'/{side.bucket}/{made[1]}'))]


def _complete(parts: int, replaced: int | None = None) -> Case:
    return Case(COMPLETE + _over(replaced), parts, 'parts',
                lambda side: side.new_upload(parts, key=_key(side, replaced)), Side.complete)


def _abort(parts: int) -> Case:
    return Case(ABORT, parts, 'parts', lambda side: side.new_upload(parts), Side.abort)


def _lists() -> list[Case]:
    uploads: dict[str, list[Upload]] = {}

    def listed(side: Side) -> list[Upload]:
        if side.name not in uploads:
            uploads[side.name] = [side.new_upload(LISTED_PARTS, lists=True) for _number in range(LISTED_UPLOADS)]
        return uploads[side.name]

    return [Case(LIST_PARTS, LISTED_PARTS, 'parts', lambda side: listed(side)[0], Side.list_parts),
            Case(LIST_UPLOADS, LISTED_UPLOADS, 'uploads', listed, Side.list_uploads)]


def _reads() -> list[Case]:
    plain, multipart = Source(lambda side: make_object(side, 0)), Source(lambda side: make_object(side, PARTS))
    return [
        Case(GET, 0, '', plain.key, lambda side, key: side.get_object(key, SIZE)),
        Case(GET, PARTS, 'parts', multipart.key, lambda side, key: side.get_object(key, PARTS * SIZE)),
        Case(GET_PART, PARTS, 'parts', multipart.key, lambda side, key: side.get_part(key, 2, SIZE)),
        Case(HEAD, 0, '', plain.key, Side.head_object),
        Case(HEAD, PARTS, 'parts', multipart.key, Side.head_object)]


def _put(replaced: int | None = None) -> Case:
    return Case(PUT + _over(replaced), 0, '', lambda side: _key(side, replaced),
                lambda side, key: side.put_object(key, PART))


def _copy(replaced: int | None = None) -> Case:
    source = Source(lambda side: make_object(side, 0))
    return Case(COPY + _over(replaced), 0, '', lambda side: (_key(side, replaced), source.key(side)),
                lambda side, made: side.copy_object(made[0], f'/{side.bucket}/{made[1]}'))


def _delete(parts: int) -> Case:
    return Case(DELETE, parts, 'parts' if parts else '', lambda side: make_object(side, parts), Side.delete_object)


def _key(side: Side, replaced: int | None) -> str:
    """Return a key with an object of so many parts, 0 for a plain one; a new key for None."""
    return side.new_key() if replaced is None else make_object(side, replaced)


def _over(replaced: int | None) -> str:
    return '' if replaced is None else OVER_MULTIPART if replaced else OVER_PLAIN
