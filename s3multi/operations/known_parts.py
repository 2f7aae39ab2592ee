# SPDX-License-Identifier: Apache-2.0
"""The parts of an upload that are known to be stored: those that the listing shows, and those noted in the cache.

The row of a part may be late, by hours if a container server was down when the part was stored. The proxy that took the
part has noted it in the cache. Every operation that asks for parts adds the noted ones that the object servers confirm.
Without a cache only the listing is left; ``doc/operations`` says under List Parts what is not seen then.

A page of parts costs a number of requests that is bounded, however many attempts there are: what is not found with them
is left for the next page, which is what clients ask for after a page that is not the last one.
"""
from collections.abc import Collection, Container, Iterable, Iterator
from dataclasses import dataclass

from s3multi.operations.bucket import Bucket
from s3multi.s3.parts import MAX_PART_NUMBER, Attempt, newest_attempts
from s3multi.storage.listing import FIRST_ROWS, rows_for
from s3multi.storage.metrics import LATE_ROWS
from s3multi.upload.names import Upload, attempt_ticks

# Pages of the listing that are read for one answer. After each, one more request may find the newest attempt at a part.
MOST_LISTINGS = 5
# Attempts that are asked for by name for one answer.
MOST_HEADS = 100


@dataclass(frozen=True)
class PartsPage:
    """A page of parts. truncated: whether there may be more. last: the part number after which the next page begins."""

    parts: 'list[Attempt]'
    truncated: bool
    last: int


def page(bucket: Bucket, upload: Upload, after: int, most: int) -> PartsPage:
    """Return parts with the lowest numbers above ``after``, ``most`` at most; fewer if they take too many requests."""
    listed, last = _listed(bucket, upload, after, most)
    noted = bucket.hints.recall_between(upload, after, last)
    # Numbers beyond the page are not asked for.
    lowest = sorted({*noted, *listed})[:most + 1]
    # The names of attempts at one part sort by time. One that is older than what is listed is not the part.
    late = [number for number in lowest
            if number in noted and (number not in listed or noted[number] > listed[number].name)]
    if len(late) > MOST_HEADS:
        last = late[MOST_HEADS] - 1
    found = late_attempts(bucket, upload, [noted[number] for number in late[:MOST_HEADS]], ())
    parts = [part for part in newest_attempts([*listed.values(), *found]) if last is None or part.number <= last]
    shown = parts[:most]
    return PartsPage(shown, last is not None or len(parts) > most, shown[-1].number if shown else last or after)


def _listed(bucket: Bucket, upload: Upload, after: int, most: int) -> 'tuple[dict[int, Attempt], int | None]':
    """Return the newest attempts that are listed at parts above ``after``, by number, and the number up to which they
    are all of them; None for all numbers. Reads on until there are ``most`` of them, or ``MOST_LISTINGS`` pages.
    """
    found: dict[int, Attempt] = {}
    known, marker = after, upload.before_part(after + 1)
    limit = min(most + 1, FIRST_ROWS)
    read = 0
    for _ in range(MOST_LISTINGS):
        attempts, read_to = bucket.segments.some_attempts(upload, marker, limit)
        read += len(attempts)
        found.update({attempt.number: attempt for attempt in attempts})
        number = MAX_PART_NUMBER + 1 if read_to is None else upload.number_at(read_to)
        if read_to is None or number > MAX_PART_NUMBER:
            return found, None
        # Of the number at which the page ends there may be more.
        known = number - 1
        if len(found) > most and sum(each <= known for each in found) >= most:
            break
        marker, limit = read_to, rows_for(most + 1 - len(found), len(found), read)
        if not any(attempt.number < number for attempt in attempts):
            # Attempts at one part fill the page. Only the newest of them is wanted, however many there are.
            newest = bucket.segments.last_attempt(upload, number)
            found.update({number: newest} if newest else {})
            known, marker = number, upload.before_part(number + 1)
    return {number: attempt for number, attempt in found.items() if number <= known}, known


def late_attempts(bucket: Bucket, upload: Upload, noted: Iterable[str], listed: Container[str]) -> 'list[Attempt]':
    """Return those of the ``noted`` attempts, by their object names, that are stored and not ``listed``.

    One HEAD for each whose row is late; none where all rows are there.
    """
    found = bucket.segments.stored_attempts(upload, [name for name in noted if name not in listed])
    bucket.metrics.count(LATE_ROWS, amount=len(found))
    return found


def attempts_named(bucket: Bucket, upload: Upload, names: Collection[str]) -> 'tuple[dict[str, Attempt], set[str]]':
    """Return those of ``upload``'s attempts that have these object names, by name, and the names that are left.

    Costs one listing, and a HEAD for each attempt that it does not show. Names are left if that takes too many
    requests. Names of other things are ignored.
    """
    left = sorted(name for name in names if upload.parse_part(name))
    if not left:
        return {}, set()
    end, marker = left[-1], ''
    limit = min(len(left) + 1, FIRST_ROWS)
    known: dict[str, Attempt] = {}
    passed: list[str] = []
    read = 0
    for _ in range(MOST_LISTINGS):
        # Just before the next one: others at the same part, or at parts in between, may fill many pages.
        marker = max(marker, left[0][:-1])
        attempts, after = bucket.segments.some_attempts(upload, marker, limit)
        read += len(attempts)
        known.update({attempt.name: attempt for attempt in attempts if attempt.name in names})
        reached = end if after is None else after
        passed += [name for name in left if name <= reached and name not in known]
        left = [name for name in left if name > reached]
        if not left:
            break
        marker, limit = reached, rows_for(len(left), len(known), read)
    late = bucket.segments.stored_attempts(upload, passed[:MOST_HEADS])
    return {**known, **{attempt.name: attempt for attempt in late}}, {*left, *passed[MOST_HEADS:]}


def all_attempts(bucket: Bucket, upload: Upload) -> Iterator[Attempt]:
    """Yield every attempt that is listed, and then those that were noted and are not: to be deleted, if they exist.

    Of the latter only name and time are known.
    """
    noted = dict.fromkeys(bucket.hints.recall_between(upload, 0).values())
    for attempt in bucket.segments.attempts(upload):
        noted.pop(attempt.name, None)
        yield attempt
    for name in noted:
        number, attempt_name = upload.parse_part(name) or (0, '')
        yield Attempt(number, name, attempt_ticks(attempt_name), '', 0)
