# SPDX-License-Identifier: Apache-2.0
"""What there can be many of: how it is planted, which containers it fills, and what is measured with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..planting import Content, Planter
from ..side import PART, Side, Upload
from .operations import (COMMANDS, LIMITED, MANY_NUMBERS, SPARE_UPLOADS, SWEEP, Command, Operation, Place,
                         of_many_attempts, ordinary)

PARTS_OF_ROWS = 1000          # of the uploads whose rows fill a segments container
PARTS_OF_OBJECTS = 2
# At either end: more than the check asks for, and those that the sweep asks for because they are too few for a listing.
FILES = 500


@dataclass(frozen=True)
class Dimension:
    """Something of which there can be much.

    name: for the command line. title: for people. sizes: by default. plant: fills a bucket with so many. containers:
    those that it fills, from the name of the bucket; they are split where the setting is sharded.
    """

    name: str
    title: str
    sizes: Sequence[int]
    plant: Callable[[Place, int], None]
    containers: Callable[[str], Sequence[str]]
    operations: Callable[[], Sequence[Operation]]
    commands: Sequence[Command] = field(default=COMMANDS)


def dimensions() -> list[Dimension]:
    """Return all dimensions."""
    return [
        Dimension('rows', 'rows in the segments container', (1000, 10000, 100000, 1000000), _plant_rows, _segments,
                  ordinary),
        Dimension('uploads', 'open uploads', (1000, 10000, 100000), _plant_uploads, _markers, ordinary),
        Dimension('attempts', 'attempts of one upload', (100, 1000, 10000), _plant_attempts, _segments,
                  of_many_attempts, SWEEP),
        Dimension('objects', 'finished multipart objects', (1000, 10000, 100000), _plant_objects,
                  lambda bucket: [bucket, *_segments(bucket)], ordinary, LIMITED)]


def _plant_rows(place: Place, size: int) -> None:
    place.planter.open_uploads(place.side.bucket, _keys(-(-size // PARTS_OF_ROWS)), min(size, PARTS_OF_ROWS))


def _plant_uploads(place: Place, size: int) -> None:
    place.planter.open_uploads(place.side.bucket, _keys(size), 0)


def _plant_objects(place: Place, size: int) -> None:
    place.planter.finished_objects(place.side.bucket, _keys(size), Content.of(PART.data), PARTS_OF_OBJECTS, FILES)


def _plant_attempts(place: Place, size: int) -> None:
    from s3multi.upload.names import segments_container
    place.spare = [place.side.new_upload() for _number in range(SPARE_UPLOADS)]
    place.planter.rows(segments_container(place.side.bucket), (
        row for upload in place.spare for row in _attempts(place.planter, place.side, upload, size)))


def _attempts(planter: Planter, side: Side, upload: Upload, size: int) -> 'list[dict[str, object]]':
    """Return the rows of so many attempts at the parts of an upload, which then has ETags for its Complete."""
    content = Content.of(PART.data)
    upload.etags.update({number: f'"{content.etag}"' for number in range(1, MANY_NUMBERS + 1)})
    numbers = [number for number in upload.etags for _time in range(size // MANY_NUMBERS)]
    return list(planter.part_rows(planter.known(side.bucket, upload.key, upload.id), numbers, content.size,
                                  content.etag))


def _keys(count: int) -> list[str]:
    return [f'row-{number:07}' for number in range(count)]


def _segments(bucket: str) -> list[str]:
    from s3multi.upload.names import segments_container
    return [segments_container(bucket)]


def _markers(bucket: str) -> list[str]:
    from s3multi.upload.marker_names import markers_container
    return [markers_container(bucket)]
