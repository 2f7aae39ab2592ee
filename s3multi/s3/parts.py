# SPDX-License-Identifier: Apache-2.0
"""Parts: what a client lists, what Swift holds, and the proof that the two agree. No I/O.

Every attempt to upload a part is written once, under a name of its own. So a row of the listing is true for ever,
however late it appears: name, size and ETag belong together. A row that is missing proves nothing. ``judge`` separates
the parts that rows prove from those whose row is missing.
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
    """A part as the client lists it in a Complete.

    etag: bare and in lower case, for comparing. sent: the ETag as the client wrote it, without quotes, for error
    documents. checksums: pairs of element name (``ChecksumCRC32``) and base64.
    """

    number: int
    etag: str
    sent: str = ''
    checksums: 'tuple[tuple[str, str], ...]' = ()


@dataclass(frozen=True)
class Attempt:
    """A stored attempt to upload a part.

    number: of the part. name: of the object. began_ticks: when the attempt began, in units of 10 microseconds since the
    epoch, which is the object's timestamp in Swift; of several attempts at one number, the one that began last is the
    part. etag: an MD5, 32 hex digits; '' if what Swift says of it cannot be read: then it proves nothing, and neither
    do older attempts. size: bytes. checksums: element name to base64.
    """

    number: int
    name: str
    began_ticks: int
    etag: str
    size: int
    checksums: 'dict[str, str]' = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """What the rows prove.

    chosen: the attempt for each listed part, in the order of the list; None for a part that is not proven. missing:
    the listed parts that are not proven.
    """

    chosen: 'tuple[Attempt | None, ...]'
    missing: 'tuple[PartRef, ...]'

    @property
    def proven(self) -> 'list[Attempt]':
        """The attempts for the listed parts that are proven, in the order of the list."""
        return [attempt for attempt in self.chosen if attempt is not None]


def parse_part_number(text: 'str | None', highest: int) -> int:
    """Return the part number that a query string names as ``text``, None for a missing one.

    Raises InvalidArgument unless it is an integer from 1 to ``highest``.
    """
    # int() would also accept "+1", " 1" and the digits of other scripts.
    if text is not None and text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= highest:
        return int(text)
    raise InvalidArgument('partNumber', text or '',
                          'Part number must be an integer between 1 and %d, inclusive' % highest)


def check_order(listed: Sequence[PartRef], upload_id: str, highest: int) -> None:
    """Check that the numbers of a list are strictly ascending and from 1 to ``highest``.

    Raises InvalidArgument for a number below 1, InvalidPartOrder for the wrong order, and InvalidPart for a number
    above ``highest``, which no stored part can have.
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
    """Return the newest attempt at each part number, by ascending number: the parts that List Parts shows."""
    newest: dict[int, Attempt] = {}
    for attempt in attempts:
        known = newest.get(attempt.number)
        # Of two attempts that began at once the name decides, so that all proxies choose the same.
        if known is None or (attempt.began_ticks, attempt.name) > (known.began_ticks, known.name):
            newest[attempt.number] = attempt
    return [newest[number] for number in sorted(newest)]


def judge(listed: Sequence[PartRef], attempts: Iterable[Attempt], upload_id: str) -> Judgement:
    """Match a client's list with the attempts that rows, or HEADs, prove.

    The newest attempt at a number is the part. A listed part whose ETag no attempt has is missing: its row may be late,
    so the caller has to ask further. Raises InvalidPart for the first listed part whose ETag only an older attempt has:
    the client's list is stale.
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
    """Return the newest attempts at listed parts that may count as newest only because a clock is ahead.

    now: in units of 10 microseconds since the epoch. An attempt whose time lies in the future was timed by such a
    clock. An attempt with the client's ETag, timed in the past, may really be the later of the two.
    """
    attempts = list(attempts)
    etags = {ref.number: ref.etag for ref in listed}
    doubted = {attempt.number for attempt in attempts
               if attempt.began_ticks <= now and attempt.etag == etags.get(attempt.number)}
    return [attempt for attempt in newest_attempts(attempts)
            if attempt.number in doubted and attempt.began_ticks > now and attempt.etag != etags[attempt.number]]


def check_sizes(chosen: Sequence[Attempt], min_bytes: int, announced: 'str | None' = None) -> int:
    """Check the sizes of the chosen parts, given in order; return the size of the object in bytes.

    min_bytes: the least size of every part but the last. announced: the header x-amz-mp-object-size, if any. Raises
    EntityTooSmall for the first part that is too small, EntityTooLarge when the object is larger than 10,000 parts of
    5 GiB, and InvalidRequest when its size is not the announced one.
    """
    for attempt in chosen[:-1]:
        if attempt.size < min_bytes:
            raise EntityTooSmall(attempt.size, min_bytes, attempt.number, attempt.etag)
    total = sum(attempt.size for attempt in chosen)
    if total > MAX_PART_NUMBER * MAX_PART_BYTES:
        raise EntityTooLarge(total, MAX_PART_NUMBER * MAX_PART_BYTES)
    digits = announced or ''
    # Only digits, and few enough for int(), which would also accept blanks, signs and underscores.
    if announced is not None and not (digits.isascii() and digits.isdigit() and len(digits) < 20
                                      and int(digits) == total):
        raise InvalidRequest('The provided \'x-amz-mp-object-size\' header does not match what was computed.')
    return total
