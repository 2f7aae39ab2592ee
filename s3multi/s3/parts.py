# SPDX-License-Identifier: Apache-2.0
"""Parts: what a client lists, what Swift holds, and the proof that one is the other. No I/O.

No attempt to upload a part is ever written twice, so a row of the listing, however late it appears, is true for ever:
name, size and ETag belong together. A row that is missing proves nothing. ``judge`` tells the two apart.
"""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from s3multi.s3.errors import (EntityTooLarge, EntityTooSmall, InvalidArgument, InvalidPart, InvalidPartOrder,
                               InvalidRequest)

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PART_NUMBER = 10000
MAX_PART_BYTES = 5 * 1024 ** 3


@dataclass(frozen=True)
class PartRef:
    """A part as the client lists it in Complete.

    etag: bare and in lower case, to compare. sent: as the client wrote it but for the quotes, to quote in errors.
    checksums: pairs of element name (``ChecksumCRC32``) and base64.
    """

    number: int
    etag: str
    sent: str = ''
    checksums: 'tuple[tuple[str, str], ...]' = ()


@dataclass(frozen=True)
class Attempt:
    """One stored attempt to upload a part.

    name: its object name. began: when, in units of 10 microseconds, which is its timestamp in Swift; the later of two
    is the part. etag: 32 hex digits. size: bytes. checksums: by element name, base64.
    """

    number: int
    name: str
    began: int
    etag: str
    size: int
    checksums: 'dict[str, str]' = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """What the rows prove: the attempt of each listed part in list order (None: not proven), and what is missing."""

    chosen: 'tuple[Attempt | None, ...]'
    missing: 'tuple[PartRef, ...]'

    @property
    def proven(self) -> 'list[Attempt]':
        return [attempt for attempt in self.chosen if attempt is not None]


def parse_part_number(text: 'str | None', highest: int) -> int:
    """Return the part number in a query string. Raises InvalidArgument unless it is an integer in 1..highest."""
    # int() would also take "+1", " 1" and digits of other scripts.
    if text is not None and text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= highest:
        return int(text)
    raise InvalidArgument('partNumber', text or '',
                          'Part number must be an integer between 1 and %d, inclusive' % highest)


def check_order(listed: Sequence[PartRef], upload_id: str, highest: int) -> None:
    """Check the numbers of a list: strictly ascending, none below 1 or above ``highest``.

    Raises InvalidArgument, InvalidPartOrder, or InvalidPart for a number that no part can have.
    """
    previous = 0
    for ref in listed:
        if ref.number < 1:
            raise InvalidArgument('PartNumber', ref.number, 'PartNumber must be >= 1')
        if ref.number <= previous:
            raise InvalidPartOrder(upload_id)
        previous = ref.number
    for ref in listed:
        if ref.number > highest:
            raise InvalidPart(upload_id, ref.number, ref.sent)


def newest_attempts(attempts: Iterable[Attempt]) -> 'list[Attempt]':
    """Return the newest attempt of each part number, ascending: the parts that List Parts shows."""
    newest: dict[int, Attempt] = {}
    for attempt in attempts:
        known = newest.get(attempt.number)
        if known is None or (attempt.began, attempt.name) > (known.began, known.name):
            newest[attempt.number] = attempt
    return [newest[number] for number in sorted(newest)]


def judge(listed: Sequence[PartRef], attempts: Iterable[Attempt], upload_id: str) -> Judgement:
    """Match a client's list with the attempts that rows (or a HEAD) prove.

    For each listed part the newest attempt of its number counts. Raises InvalidPart where that has another ETag than
    the client's although an attempt with the client's ETag is there too: the client's is stale.
    A part whose ETag no attempt has is missing: its row may be late, so the caller must ask further.
    """
    attempts = list(attempts)
    newest = {attempt.number: attempt for attempt in newest_attempts(attempts)}
    stored = {(attempt.number, attempt.etag) for attempt in attempts}
    chosen: list[Attempt | None] = []
    missing = []
    for ref in listed:
        part = newest.get(ref.number)
        if part is not None and part.etag == ref.etag:
            chosen.append(part)
        elif (ref.number, ref.etag) in stored:
            raise InvalidPart(upload_id, ref.number, ref.sent)
        else:
            chosen.append(None)
            missing.append(ref)
    return Judgement(tuple(chosen), tuple(missing))


def outrun(listed: Sequence[PartRef], attempts: Iterable[Attempt], now: int) -> 'list[Attempt]':
    """Return the newest attempts of listed parts that may be the newest only by a clock that is ahead.

    now: in units of 10 microseconds. An attempt of the future was taken by such a clock; another one with the client's
    ETag, which is not of the future, may have come after it.
    """
    attempts = list(attempts)
    etags = {ref.number: ref.etag for ref in listed}
    doubted = {attempt.number for attempt in attempts
               if attempt.began <= now and attempt.etag == etags.get(attempt.number)}
    return [attempt for attempt in newest_attempts(attempts)
            if attempt.number in doubted and attempt.began > now and attempt.etag != etags[attempt.number]]


def check_sizes(chosen: Sequence[Attempt], min_bytes: int, announced: 'str | None' = None) -> int:
    """Check the sizes of the chosen parts and return the size of the object, in bytes.

    Every part but the last has at least ``min_bytes``; ``announced`` is the header x-amz-mp-object-size, if any.
    Raises EntityTooSmall for the first part that is too small, EntityTooLarge, or InvalidRequest.
    """
    for attempt in chosen[:-1]:
        if attempt.size < min_bytes:
            raise EntityTooSmall(attempt.size, min_bytes, attempt.number, attempt.etag)
    total = sum(attempt.size for attempt in chosen)
    if total > MAX_PART_NUMBER * MAX_PART_BYTES:
        raise EntityTooLarge(total, MAX_PART_NUMBER * MAX_PART_BYTES)
    digits = announced or ''
    if announced is not None and not (digits.isascii() and digits.isdigit() and len(digits) < 20
                                      and int(digits) == total):
        raise InvalidRequest('The provided \'x-amz-mp-object-size\' header does not match what was computed.')
    return total
