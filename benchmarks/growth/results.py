# SPDX-License-Identifier: Apache-2.0
"""What was measured: plain values, and the file that keeps them. No cluster is touched."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Setting:
    """What there is while operations are measured: `size` things of a dimension, whose containers may have shards."""

    dimension: str
    size: int
    sharded: bool


@dataclass(frozen=True)
class Point:
    """What an operation took in a setting.

    requests: to storage servers, with those behind the answer. seconds: the median. memory_bytes: by how much the proxy
    grew meanwhile, at its peak; of a command, all that it held.
    """

    setting: Setting
    operation: str
    requests: int
    seconds: float
    memory_bytes: int


class Results:
    """The points, in the order in which they were measured; a later one takes the place of an earlier one."""

    def __init__(self, points: Iterable[Point] = ()) -> None:
        self._points = {(point.setting, point.operation): point for point in points}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured."""
        return not self._points

    def add(self, point: Point) -> None:
        """Note a point."""
        self._points[point.setting, point.operation] = point

    def of(self, dimension: str) -> list[Point]:
        """Return the points of a dimension, by size."""
        found = [point for point in self._points.values() if point.setting.dimension == dimension]
        return sorted(found, key=lambda point: (point.setting.size, point.setting.sharded))

    def write(self, path: Path, machine: dict[str, Any]) -> None:
        """Keep the points in a file. machine: where they were measured."""
        rows = [{**dataclasses.asdict(point.setting), 'operation': point.operation, 'requests': point.requests,
                 'seconds': point.seconds, 'memory_bytes': point.memory_bytes} for point in self._points.values()]
        path.write_text(json.dumps({'machine': machine, 'results': rows}, indent=1) + '\n', encoding='utf-8')


def read(path: Path) -> Results:
    """Return what `Results.write` has kept in a file; nothing if there is no such file."""
    if not path.exists():
        return Results()
    rows = json.loads(path.read_text(encoding='utf-8'))['results']
    return Results(Point(Setting(row['dimension'], row['size'], row['sharded']), row['operation'], row['requests'],
                         row['seconds'], row['memory_bytes']) for row in rows)
