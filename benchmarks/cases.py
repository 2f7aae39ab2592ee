# SPDX-License-Identifier: Apache-2.0
"""The cases: every operation that is measured, how it is set up for one side, and which ones form a group."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .client import Body
from .side import PART, Side, Upload

KIB, MIB = 1 << 10, 1 << 20
COPIED_BYTES = 8 * MIB
DOWNLOAD_PARTS, DOWNLOAD_PART_BYTES = 8, 8 * MIB
LISTED_UPLOADS = 10
LISTED_PARTS = 1000           # of each of these uploads; also the longest page that List Parts can return
SENT_TWICE = (100, 1000)      # for these numbers of parts, Complete is also measured with every part sent twice

PART_UPLOAD, PUT_OBJECT, SWIFT_PUT = 'part upload', 'PutObject', 'Swift PUT'
WITH_CRC32 = ', crc32'
LIST_PARTS, LIST_UPLOADS, COMPLETE, ABORT = 'list parts', 'list uploads', 'complete', 'abort'


def no_cleaning(_side: Side, _prepared: Any) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Case:
    """One operation of one size.

    unit: 'bytes', 'parts' or 'uploads', of which there are `size`; '' and 0 if the operation has no size. prepare: sets
    up one measurement and returns the second argument of `measure` and `clean`. measure: returns seconds.
    """

    operation: str
    size: int
    unit: str
    prepare: Callable[[Side], Any]
    measure: Callable[[Side, Any], float]
    clean: Callable[[Side, Any], object] = no_cleaning


@dataclass(frozen=True)
class Group:
    """Cases that are measured in the same rounds.

    warm_up: whether there is a first round that does not count. fresh_proxies: whether both sides get new proxies
    before each measurement, and their memory is measured. many_parts: whether so many parts are set up that some of
    their rows may be late and have to be waited for.
    """

    name: str
    cases: Sequence[Case]
    rounds: int
    warm_up: bool = False
    fresh_proxies: bool = False
    many_parts: bool = False


def groups(parts: Sequence[int], rounds: int, body_bytes: Sequence[int]) -> list[Group]:
    """Return all groups to measure.

    parts: numbers of parts to complete and to abort. rounds: for an operation of middling length; short ones get more,
    very long ones fewer. body_bytes: sizes of the bodies to upload.
    """
    found = [Group('initiate', [_initiate()], 6 * rounds, warm_up=True)]
    for size in body_bytes:
        times = 6 if size < MIB else 3
        found.append(Group(f'bodies of {show_size(size, "bytes")}', _transfers(size), times * rounds, warm_up=True))
    found.append(Group('copy and download', [_copy(), _download()], 2 * rounds, warm_up=True))
    listed = max((count for count in parts if count <= LISTED_PARTS), default=LISTED_PARTS)
    found.append(Group('lists', _lists(listed), 2 * rounds, warm_up=True, many_parts=listed >= 1000))
    largest = max(parts)
    for count in sorted(parts):
        if count <= LISTED_PARTS:
            found += _endings(count, rounds)
        elif count != largest:
            found.append(Group(f'{count} parts', [_complete(count), _abort(count)], 1, many_parts=True))
    found.append(Group(f'memory with {largest} parts', [_list_parts(largest), _complete(largest), _abort(largest)], 1,
                       fresh_proxies=True, many_parts=largest >= 1000))
    return found


def show_size(size: int, unit: str) -> str:
    """Return a size for people: '8 MiB', '10,000 parts', '1 part', ''."""
    if unit != 'bytes':
        return f'{size:,} {unit[:-1] if size == 1 else unit}' if unit else ''
    return f'{size // MIB} MiB' if size >= MIB else f'{size // KIB} KiB'


def _endings(count: int, rounds: int) -> list[Group]:
    """Return the groups of the operations that end an upload of up to 1000 parts."""
    if count >= 1000:
        found = [Group(f'{count} parts', [_complete(count), _abort(count)], min(rounds, 5), many_parts=True)]
        if count in SENT_TWICE:
            found.append(Group(f'{count} parts sent twice', [_complete_sent_twice(count)], min(rounds, 3),
                               many_parts=True))
        return found
    cases = [_complete(count), _abort(count)]
    if count in SENT_TWICE:
        cases.append(_complete_sent_twice(count))
    return [Group(f'{count} parts', cases, rounds if count >= 100 else 3 * rounds, warm_up=True)]


def _initiate() -> Case:
    return Case('initiate', 0, '', lambda side: Upload(side.bucket, side.new_key(), ''),
                Side.initiate, Side.abort)


def _transfers(size: int) -> list[Case]:
    """Return the cases that send one body: as a part, as an S3 object, as a Swift object."""
    body = _body_of(size)
    cases = []
    for with_crc32 in (False, True):
        name = WITH_CRC32 if with_crc32 else ''
        cases.append(Case(
            PART_UPLOAD + name, size, 'bytes', Side.new_upload,
            lambda side, upload, crc32=with_crc32: side.upload_part(upload, 1, body, crc32),    # type: ignore[misc]
            Side.abort))
        cases.append(Case(
            PUT_OBJECT + name, size, 'bytes', Side.new_key,
            lambda side, key, crc32=with_crc32: side.put_object(key, body, crc32),              # type: ignore[misc]
            Side.delete_object))
    cases.append(Case(SWIFT_PUT, size, 'bytes', Side.new_key, lambda side, key: side.swift_put(key, body),
                      Side.delete_object))
    return cases


@dataclass
class Source:
    """An object that is made once for each side and read in every round. keys: by the names of the sides."""

    make: Callable[[Side], str]
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, side: Side) -> str:
        """Return the key of the object on this side, which is made now unless it exists."""
        if side.name not in self.keys:
            self.keys[side.name] = self.make(side)
        return self.keys[side.name]


def _copy() -> Case:
    def make(side: Side) -> str:
        key = side.new_key()
        side.put_object(key, _body_of(COPIED_BYTES))
        return key

    source = Source(make)
    return Case('part copy', COPIED_BYTES, 'bytes', lambda side: (side.new_upload(), source.key(side)),
                lambda side, made: side.copy_part(made[0], 1, f'/{side.bucket}/{made[1]}'),
                lambda side, made: side.abort(made[0]))


def _download() -> Case:
    size = DOWNLOAD_PARTS * DOWNLOAD_PART_BYTES

    def make(side: Side) -> str:
        upload = side.new_upload(DOWNLOAD_PARTS, _body_of(DOWNLOAD_PART_BYTES))
        side.complete(upload)
        return upload.key

    source = Source(make)
    return Case(f'download of {DOWNLOAD_PARTS} parts', size, 'bytes', source.key,
                lambda side, key: side.get_object(key, size))


def _lists(parts: int) -> list[Case]:
    """Return both lists of a bucket that has LISTED_UPLOADS open uploads of `parts` parts each."""
    made: dict[str, list[Upload]] = {}

    def uploads(side: Side) -> list[Upload]:
        if side.name not in made:
            made[side.name] = [side.new_upload(parts, lists=True) for _number in range(LISTED_UPLOADS)]
            for upload in made[side.name]:
                # Later measurements may take them.
                side.keep(upload)
        return made[side.name]

    return [Case(LIST_PARTS, parts, 'parts', lambda side: uploads(side)[0], Side.list_parts),
            Case(LIST_UPLOADS, LISTED_UPLOADS * parts, 'parts', uploads, Side.list_uploads)]


def _list_parts(count: int) -> Case:
    return Case(LIST_PARTS, count, 'parts', lambda side: side.take(count), Side.list_parts, Side.keep)


def _complete(count: int) -> Case:
    return Case(COMPLETE, count, 'parts', lambda side: side.take(count), Side.complete)


def _complete_sent_twice(count: int) -> Case:
    return Case(COMPLETE + ', parts sent twice', count, 'parts', lambda side: side.new_upload(count, PART, 2),
                Side.complete)


def _abort(count: int) -> Case:
    return Case(ABORT, count, 'parts', lambda side: side.take(count), Side.abort)


def _body_of(size: int) -> Body:
    # Random, so that no disk can compress them, but the same in every run.
    return Body.of(random.Random(size).randbytes(size))
