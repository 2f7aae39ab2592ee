# SPDX-License-Identifier: Apache-2.0
"""The parts of an upload that are known to be stored: those that the listing shows, and those noted in the cache.

The row of a part may be late, by hours if a container server was down when the part was stored. The proxy that took the
part has noted it in the cache. Every operation that asks for parts adds the noted ones that the object servers confirm.
Without a cache only the listing is left; ``doc/operations`` says under List Parts what is not seen then.
"""
from collections.abc import Container, Iterable, Iterator

from s3multi.operations.bucket import Bucket
from s3multi.s3.parts import Attempt, newest_attempts
from s3multi.upload.names import Upload, attempt_ticks


def page(bucket: Bucket, upload: Upload, after: int, most: int) -> 'tuple[list[Attempt], bool]':
    """Return the parts with the lowest numbers above ``after``, ``most`` at most, and whether there are more."""
    found: list[Attempt] = []
    numbers: set[int] = set()
    # One row more than the page tells whether it is the last, and lets the newest attempt of its last number be seen.
    for attempt in bucket.segments.attempts(upload, after, most + 1):
        numbers.add(attempt.number)
        if len(numbers) > most:
            break
        found.append(attempt)
    cut = len(numbers) > most
    noted = bucket.hints.recall_between(upload, after, found[-1].number if cut else None)
    # Numbers beyond the page are not asked for.
    lowest = sorted({*noted, *(attempt.number for attempt in found)})[:most + 1]
    late = late_attempts(bucket, upload, [noted[number] for number in lowest if number in noted],
                         {attempt.name for attempt in found})
    parts = newest_attempts([*found, *late])
    return parts[:most], cut or len(parts) > most


def late_attempts(bucket: Bucket, upload: Upload, noted: Iterable[str], listed: Container[str]) -> 'list[Attempt]':
    """Return those of the ``noted`` attempts, by their object names, that are stored and not ``listed``.

    One HEAD for each whose row is late; none where all rows are there.
    """
    return bucket.segments.stored_attempts(upload, [name for name in noted if name not in listed])


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
