# SPDX-License-Identifier: Apache-2.0
"""The results as text for people, and as tables for the documentation. Plain functions: values in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..arena import SIDES
from ..report import list_table, machine_lines, made_by, show_ratio, table
from .results import Row, Setting

NOTE = """\
All figures are s3multi / stock. Trips: round trips to storage servers one after another before the answer; they are
counted, not measured. A write takes two: the object server tells the container server. Behind: the same behind the
answer. Times are medians in milliseconds, with each request to a storage server held for so long. CPU: of the proxy in
milliseconds, medians, with the work behind the answer."""


def render(machine: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return the report. machine: as `machine.facts` returns it."""
    parts = [machine_lines(machine)]
    for setting, own in by_setting(rows):
        parts += [setting.title, table([_heads(own), *([row.name, *_cells(row)] for row in own)])]
    return '\n\n'.join([*parts, NOTE])


def render_steps(row: Row) -> str:
    """Return what an operation asked of the storage servers, step by step, in the last round that was counted."""
    lines = []
    for side in SIDES:
        trips = row.trips[side][-1]
        for each in trips.requests:
            behind = ' behind the answer' if each.step > trips.answered else ''
            path = each.path.replace('\0', '|')
            lines.append(f'  {side} {each.step:2} {each.server} {each.method} {path}{behind}')
    return '\n'.join(lines)


def render_tables(machine: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return the tables for the documentation, in reStructuredText."""
    lines = [made_by(machine), '']
    for setting, own in by_setting(rows):
        heads = _heads(own)
        lines += list_table([heads, *([row.name, *_cells(row)] for row in own)],
                            ' '.join(['40', *['12'] * (len(heads) - 1)]), setting.title)
    return '\n'.join(lines)


def by_setting(rows: Iterable[Row]) -> list[tuple[Setting, list[Row]]]:
    """Return the rows of each setting, in their order."""
    found: dict[Setting, list[Row]] = {}
    for row in rows:
        found.setdefault(row.setting, []).append(row)
    return list(found.items())


def _heads(rows: Sequence[Row]) -> list[str]:
    heads = ['operation', 'trips', 'behind']
    for held in rows[0].seconds:
        heads += [f'{held} ms', 'ratio']
    return [*heads, 'CPU']


def _cells(row: Row) -> list[str]:
    cells = [' / '.join(map(row.answered, SIDES)), ' / '.join(map(row.behind, SIDES))]
    for held in row.seconds:
        cells += [' / '.join(f'{1000 * row.median(held, side):.0f}' for side in SIDES), show_ratio(row.ratio(held))]
    return [*cells, ' / '.join(f'{1000 * row.median_cpu(side):.1f}' for side in SIDES)]
