# SPDX-License-Identifier: Apache-2.0
"""The operations and the commands that are measured in each setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..client import Answer
from ..errors import BenchmarkError
from ..latency.cases import make_object
from ..planting import Planter
from ..side import PART, Side, Upload

PARTS = 3
SIZE = len(PART.data)
MANY_NUMBERS = 10             # of the parts that many attempts are at
COUNTED, TIMED = 1, 3         # how often each operation is counted, and timed; after once for what is loaded then
ATTEMPTED = 2                 # operations that end an upload of many attempts
SPARE_UPLOADS = 1 + ATTEMPTED * (1 + COUNTED + TIMED)
LIMIT = 200


@dataclass
class Place:
    """A bucket that is filled. spare: uploads that operations may end, if those are hard to make."""

    side: Side
    planter: Planter
    spare: list[Upload] = field(default_factory=list)


@dataclass(frozen=True)
class Operation:
    """An operation. prepare: sets up one measurement, and returns what `act` needs. act: returns seconds."""

    name: str
    prepare: Callable[[Place], Any]
    act: Callable[[Side, Any], float]


@dataclass(frozen=True)
class Command:
    """A command. module, arguments: before the bucket."""

    name: str
    module: str
    arguments: Sequence[str] = ()


SWEEP = (Command('s3multi-sweep', 's3multi.sweep', ('--skip-queue',)),)
_SPACE = Command('s3multi-space', 's3multi.space')
COMMANDS = (*SWEEP, Command('s3multi-check', 's3multi.check'), _SPACE)
# The check asks for each object, and each of its parts.
LIMITED = (*SWEEP, Command(f's3multi-check, {LIMIT} objects', 's3multi.check', ('--limit', str(LIMIT))), _SPACE)


def ordinary() -> list[Operation]:
    """Return the operations on uploads and objects of three parts."""
    def upload(place: Place) -> Upload:
        return place.side.new_upload(PARTS)

    def multipart(place: Place) -> str:
        return make_object(place.side, PARTS)

    return [
        Operation('Initiate', lambda place: Upload(place.side.bucket, place.side.new_key(), ''), Side.initiate),
        Operation('Upload Part', lambda place: place.side.new_upload(),
                  lambda side, made: side.upload_part(made, 1, PART)),
        Operation('Upload Part Copy', lambda place: (place.side.new_upload(), make_object(place.side, 0)),
                  lambda side, made: side.copy_part(made[0], 1, f'/{side.bucket}/{made[1]}')),
        Operation('List Parts', _once(upload), Side.list_parts),
        *_lists(),
        Operation('Complete', upload, Side.complete),
        Operation('Abort', upload, Side.abort),
        Operation('GET', _once(multipart), lambda side, key: side.get_object(key, PARTS * SIZE)),
        Operation('GetObjectAttributes', _once(multipart), _get_attributes),
        Operation('PutObject, over a multipart object', multipart, lambda side, key: side.put_object(key, PART)),
        Operation('DELETE', multipart, Side.delete_object)]


def of_many_attempts() -> list[Operation]:
    """Return the operations on an upload of many attempts."""
    def first(place: Place) -> Upload:
        return place.spare[0]

    def another(place: Place) -> Upload:
        return place.spare.pop()

    return [
        Operation('Upload Part', first, lambda side, upload: side.upload_part(
            Upload(upload.bucket, upload.key, upload.id), MANY_NUMBERS + 1, PART)),
        Operation('List Parts', first, _list_parts),
        Operation('Complete', another, Side.complete),
        Operation('Abort', another, Side.abort)]


def _lists() -> list[Operation]:
    """Return the lists of uploads: the first page, one from the middle, and one of common prefixes."""
    return [Operation(name, lambda place: place, _list_uploads(query)) for name, query in (
        ('List Multipart Uploads', {}), ('the same, from the middle', {'key-marker': 'row-0000500'}),
        ('the same, with a delimiter', {'delimiter': '-'}))]


def _list_uploads(query: dict[str, str]) -> Callable[[Side, Place], float]:
    def act(side: Side, _place: Place) -> float:
        return side.client.s3('GET', '/' + side.bucket, {'uploads': None, **query}).seconds

    return act


def _list_parts(side: Side, upload: Upload) -> float:
    answer: Answer = side.client.s3('GET', upload.path, {'uploadId': upload.id})
    if answer.body.count(b'<Part>') < MANY_NUMBERS:
        raise BenchmarkError(f'{answer.body.count(b"<Part>")} parts are listed')
    return answer.seconds


def _get_attributes(side: Side, key: str) -> float:
    return side.client.s3('GET', f'/{side.bucket}/{key}', {'attributes': None},
                          {'x-amz-object-attributes': 'ETag,ObjectParts,ObjectSize'}).seconds


def _once(prepare: Callable[[Place], Any]) -> Callable[[Place], Any]:
    """Return a `prepare` that makes a thing once, for all measurements of a bucket."""
    made: dict[str, Any] = {}

    def prepared(place: Place) -> Any:
        if place.side.bucket not in made:
            made[place.side.bucket] = prepare(place)
        return made[place.side.bucket]

    return prepared
