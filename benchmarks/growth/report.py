# SPDX-License-Identifier: Apache-2.0
"""The results as tables, for people and for the documentation. Plain functions: values in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..report import list_table, machine_lines, made_by, show_seconds, table
from .dimensions import Dimension
from .results import Point, Results

MIB = 1 << 20


def render(machine: Mapping[str, Any], results: Results, dimensions: Sequence[Dimension]) -> str:
    """Return the report. machine: as `machine.facts` returns it."""
    parts = [machine_lines(machine)]
    for title, rows in _tables(results, dimensions):
        parts += [title, table(rows)]
    return '\n\n'.join(parts)


def render_tables(machine: Mapping[str, Any], results: Results, dimensions: Sequence[Dimension], several: bool) -> str:
    """Return the tables for the documentation, in reStructuredText. several: whether more than one run has measured."""
    lines = [made_by(machine, several), '']
    for title, rows in _tables(results, dimensions):
        lines += list_table(rows, ' '.join(['28', *['18'] * (len(rows[0]) - 1)]), title)
    return '\n'.join(lines)


def _tables(results: Results, dimensions: Sequence[Dimension]) -> list[tuple[str, list[list[str]]]]:
    """Return a title and rows for each dimension, with its containers whole and sharded."""
    found = []
    for dimension in dimensions:
        for sharded in (False, True):
            points = [point for point in results.of(dimension.name) if point.setting.sharded == sharded]
            if points:
                title = f'{dimension.title[0].upper()}{dimension.title[1:]}{", sharded" if sharded else ""}'
                found.append((title, _rows(points)))
    return found


def _rows(points: Sequence[Point]) -> list[list[str]]:
    sizes = sorted({point.setting.size for point in points})
    cells = {(point.operation, point.setting.size): _cell(point) for point in points}
    operations = dict.fromkeys(operation for operation, _size in cells)
    return [['operation', *(f'{size:,}' for size in sizes)],
            *([operation, *(cells.get((operation, size), '') for size in sizes)] for operation in operations)]


def _cell(point: Point) -> str:
    return f'{point.requests}; {show_seconds(point.seconds)}; {point.memory_bytes / MIB:.1f} MiB'
