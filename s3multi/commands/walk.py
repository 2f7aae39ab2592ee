# SPDX-License-Identifier: Apache-2.0
"""Groups the rows of a segments container by the uploads that they belong to, in one pass and in little memory."""
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from swift.common.utils import Timestamp

from s3multi.s3.parts import Attempt
from s3multi.storage.concurrency import FAILURES
from s3multi.storage.rows import Row
from s3multi.storage.segments import attempt_of
from s3multi.upload.marker_names import split_marker_name
from s3multi.upload.names import Kind, Upload, UploadIds, parse_name
from s3multi.upload.records import MarkerType, State
from s3multi.upload.timestamps import read_timestamp

_Item = TypeVar('_Item')

# So many uploads, or attempts of them, are held before Swift is asked about some: a green thread each is slow.
_BATCH_UPLOADS, _BATCH_ATTEMPTS = 1000, 30000
# So many attempts of one upload are held at a time: enough for 10000 parts of which some were uploaded again.
_MOST_ATTEMPTS = 30000


@dataclass(frozen=True)
class Found:
    """Neighbouring rows of one upload. It may have more, if rows of others lie between them or they are many.

    state, initiator: what the row of the marker says; None and '' without one. has_intent, has_notes: whether there is
    a row of the intent, or of a note. attempts: those that the other rows prove. last: the name of the last row.
    aborted_at: when the row of the marker says that an Abort wrote it; None if it does not say so.
    """

    upload: Upload
    state: 'State | None'
    has_intent: bool
    attempts: Sequence[Attempt]
    has_notes: bool = False
    initiator: str = ''
    last: str = ''
    aborted_at: 'Timestamp | None' = None


def uploads_in(pages: 'Iterable[list[Row]]', account: str, bucket: str, ids: UploadIds) -> Iterator[Found]:
    """Yield the rows of uploads of ``bucket``, grouped, in the order of the listing.

    pages: the listing of the bucket's segments container. Skips names that are not ours, and those whose upload id was
    not made for their key.
    """
    def owner(row: Row) -> 'tuple[str, str] | None':
        parsed = parse_name(row['name'])
        return parsed[1:] if parsed else None

    rows = (row for page in pages for row in page)
    for place, group in groupby(rows, owner):
        if place is not None and ids.belongs(account, bucket, *place):
            yield from _of_one(Upload(account, bucket, *place), group)


def markers_in(pages: 'Iterable[list[Row]]', account: str, bucket: str, ids: UploadIds) -> Iterator[Found]:
    """Yield the uploads of ``bucket`` whose markers lie apart. pages: the listing of the container of the markers."""
    for row in (row for page in pages for row in page):
        place = split_marker_name(row['name'])
        if place is not None and ids.belongs(account, bucket, *place):
            told = MarkerType.decode(row.get('content_type'))
            yield Found(Upload(account, bucket, *place), told.state, False, (), initiator=told.initiator,
                        last=row['name'], aborted_at=_marked_at(told))


def _of_one(upload: Upload, rows: Iterable[Row]) -> Iterator[Found]:
    told, has_intent, has_notes = MarkerType(), False, False
    attempts: list[Attempt] = []
    last = ''
    for row in rows:
        last = row['name']
        kind = parse_name(last)
        if kind is not None and kind[0] is Kind.PART:
            attempt = attempt_of(upload, row)
            if attempt is not None:
                attempts.append(attempt)
        elif kind is not None and kind[0] is Kind.INTENT:
            has_intent = True
        elif kind is not None and kind[0] is Kind.NOTE:
            has_notes = True
        else:
            told = MarkerType.decode(row.get('content_type'))
        if len(attempts) == _MOST_ATTEMPTS:
            yield Found(upload, told.state, has_intent, tuple(attempts), has_notes, told.initiator, last,
                        _marked_at(told))
            attempts = []
    if attempts or told.state is not None or has_intent or has_notes:
        yield Found(upload, told.state, has_intent, tuple(attempts), has_notes, told.initiator, last,
                    _marked_at(told))


def _marked_at(told: MarkerType) -> 'Timestamp | None':
    return read_timestamp(told.marked_at) or None


class Remains:
    """Passes on what is found among parts. has_markers: whether there was a marker, as release 0.1 has put it there."""

    def __init__(self, found: Iterable[Found]) -> None:
        self._found = found
        self.has_markers = False

    def __iter__(self) -> Iterator[Found]:
        for each in self._found:
            self.has_markers = self.has_markers or each.state is not None
            yield each


def batches(items: 'Iterable[_Item]', found_in: 'Callable[[_Item], Found]') -> 'Iterator[list[_Item]]':
    """Yield items, some at a time; raise what ``items`` raises after what came before it.

    found_in: returns what was found, of an item.
    """
    batch: list[_Item] = []
    attempts = 0
    failure: BaseException | None = None
    try:
        for item in items:
            batch.append(item)
            attempts += len(found_in(item).attempts)
            if len(batch) >= _BATCH_UPLOADS or attempts >= _BATCH_ATTEMPTS:
                yield batch
                batch, attempts = [], 0
    except FAILURES as error:
        failure = error
    yield batch
    if failure is not None:
        raise failure


def until(stop: Callable[[], bool], found: Iterable[Found]) -> Iterator[Found]:
    """Yield from ``found`` until ``stop`` returns true."""
    for each in found:
        if stop():
            return
        yield each
