# SPDX-License-Identifier: Apache-2.0
"""The results as text for people, and as tables for the documentation. Plain functions: values in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..arena import S3MULTI, SIDES, STOCK
from ..report import machine_lines, show_ratio, table
from .results import Row, Setting

NOTE = """\
Trips: round trips to storage servers one after another before the answer, s3multi / stock, and +N of s3multi's behind
the answer. They are counted, not measured. A write takes two: the object server tells the container server. Times are
medians in milliseconds, with each request to a storage server held for so long. CPU: of the proxy in milliseconds,
medians, with the work behind the answer."""


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
    lines = [f'Made by ``{machine["command"]}`` on {machine["date"][:10]}, with Swift {machine["swift"]}, on '
             f'{machine["cores"]} cores.', '']
    for setting, own in by_setting(rows):
        heads = ['Operation', *(head[0].upper() + head[1:] for head in _heads(own)[1:])]
        lines += [f'.. list-table:: {setting.title[0].upper()}{setting.title[1:]}', '   :header-rows: 1',
                  f'   :widths: {" ".join(["34", *["11"] * (len(heads) - 1)])}', '']
        for cells in (heads, *([row.name, *_cells(row)] for row in own)):
            lines += [f'   {"*" if place == 0 else " "} - {cell}' for place, cell in enumerate(cells)]
        lines.append('')
    return '\n'.join(lines)


def by_setting(rows: Iterable[Row]) -> list[tuple[Setting, list[Row]]]:
    """Return the rows of each setting, in their order."""
    found: dict[Setting, list[Row]] = {}
    for row in rows:
        found.setdefault(row.setting, []).append(row)
    return list(found.items())


def _heads(rows: Sequence[Row]) -> list[str]:
    heads = ['operation', 'trips']
    for held in rows[0].seconds:
        heads += [f'{held} ms: {S3MULTI}', STOCK, 'ratio']
    return [*heads, f'CPU: {S3MULTI}', STOCK]


def _cells(row: Row) -> list[str]:
    behind = row.behind(S3MULTI)
    cells = [f'{row.answered(S3MULTI)} / {row.answered(STOCK)}' + (f' +{behind}' if behind != '0' else '')]
    for held in row.seconds:
        cells += [*(f'{1000 * row.median(held, side):.0f}' for side in SIDES), show_ratio(row.ratio(held))]
    return [*cells, *(f'{1000 * row.median_cpu(side):.1f}' for side in SIDES)]
