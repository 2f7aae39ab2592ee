# SPDX-License-Identifier: Apache-2.0
"""What was measured, whether it is within its bounds, tables of it, and the file that keeps it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..report import list_table, machine_lines, made_by, show_seconds, table

MIB = 1 << 20


@dataclass(frozen=True)
class Row:
    """A long input. seconds: until its answer. grown_bytes: by how much the proxy, or the fuller of two, grew at its
    peak. bound_bytes: how much it may grow. silence: the longest time that the client waited for a byte; None where it
    does not count. seen: what was checked, besides that it succeeds.
    """

    name: str
    seconds: float
    grown_bytes: int
    bound_bytes: int
    silence: float | None = None
    seen: str = ''

    @property
    def within(self) -> bool:
        """Whether the memory is within its bound."""
        return self.grown_bytes <= self.bound_bytes


def read(path: Path) -> list[Row]:
    """Return what `write` has kept in a file; nothing if there is no such file."""
    return [Row(**row) for row in json.loads(path.read_text(encoding='utf-8'))] if path.exists() else []


def write(path: Path, rows: Sequence[Row]) -> None:
    """Keep the rows in a file."""
    path.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1) + '\n', encoding='utf-8')


def render(machine: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return the report. machine: as `machine.facts` returns it."""
    over = [f'OVER ITS BOUND: {row.name}' for row in rows if not row.within]
    return '\n\n'.join([machine_lines(machine), table(_cells(rows)), *over])


def render_table(machine: Mapping[str, Any], rows: Sequence[Row], several: bool) -> str:
    """Return the table for the documentation, in reStructuredText. several: whether more than one run has measured."""
    return '\n'.join([made_by(machine, several), '', *list_table(_cells(rows), '36 10 12 12 30')])


def _cells(rows: Sequence[Row]) -> list[list[str]]:
    cells = [['input', 'time', 'memory', 'bound', 'seen']]
    for row in rows:
        silence = '' if row.silence is None else f'longest silence {row.silence:.1f} s'
        cells.append([row.name, show_seconds(row.seconds), f'{row.grown_bytes / MIB:.1f} MiB',
                      f'{row.bound_bytes / MIB:.0f} MiB', '; '.join(filter(None, [silence, row.seen]))])
    return cells
