# SPDX-License-Identifier: Apache-2.0
"""The results as text: tables of times, of throughput and of memory. Plain functions: values in, text out."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from .arena import S3MULTI, STOCK
from .cases import MIB, show_size
from .results import Results

NOTE = """\
Ratio: s3multi to stock, of the medians; below 1, s3multi is the faster one. Best: of the rounds.
list uploads: the parts of all uploads together. An Abort of more parts than immediate_deletes (100) leaves their
deletion to the object expirer, and so does a Complete after more than five repeated parts; the expirer does not run."""


def render(machine: Mapping[str, Any], results: Results) -> str:
    """Return the report. machine: as `machine.facts` returns it."""
    parts = [machine_lines(machine), table(_times(results)), NOTE]
    throughput = _throughput(results)
    if len(throughput) > 1:
        parts += ['Bodies in MiB/s, medians. Share: a part\'s throughput as a share of PutObject\'s of the same round '
                  'through the same proxy', table(throughput)]
    memory = _memory(results)
    if len(memory) > 1:
        parts += ['Memory of a proxy that was just started, MiB resident', table(memory)]
    if results.failures:
        parts.append('\n'.join(['FAILED:', *results.failures]))
    return '\n\n'.join(parts)


def render_table(machine: Mapping[str, Any], results: Results) -> str:
    """Return the table of times for the documentation, in reStructuredText."""
    rows = [['Operation', S3MULTI, STOCK, 'ratio']]
    for subject, samples in results.whole():
        ours, stock = (statistics.median(samples[name]) for name in (S3MULTI, STOCK))
        rows.append([', '.join(filter(None, [subject.operation, show_size(subject.size, subject.unit)])),
                     show_seconds(ours), show_seconds(stock), show_ratio(ours / stock)])
    return '\n'.join([made_by(machine), '', *list_table(rows, '46 18 18 18')])


def made_by(machine: Mapping[str, Any], several: bool = False) -> str:
    """Return a line of the documentation that says what was measured, with which command.

    several: whether earlier runs, whose options are not known, have measured a part of it.
    """
    made = (f'Put together from several runs of ``{" ".join(machine["command"].split()[:3])}``, the last of them'
            if several else f'Made by ``{machine["command"]}``')
    return (f'{made} on {machine["date"][:10]}, with Swift {machine["swift"]}, on '
            f'{machine["cores"]} cores.')


def list_table(rows: Sequence[Sequence[str]], widths: str, caption: str = '') -> list[str]:
    """Return the lines of a table in reStructuredText. rows: the first one is the head."""
    lines = [f'.. list-table:: {caption}'.rstrip(), '   :header-rows: 1', f'   :widths: {widths}', '']
    for row in rows:
        lines += [f'   {"*" if place == 0 else " "} - {cell}' for place, cell in enumerate(row)]
    return [*lines, '']


def show_seconds(seconds: float) -> str:
    """Return a time for people, to three digits: '12.3 ms', '4.56 s', '153 s'."""
    number, unit = (seconds, 's') if seconds >= 1 else (seconds * 1000, 'ms')
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f'{number:.{digits}f} {unit}'


def show_ratio(ratio: float) -> str:
    """Return a ratio for people: '1.02', '0.61', '1/15.3'."""
    return f'1/{1 / ratio:.1f}' if 0 < ratio < 0.5 else f'{ratio:.2f}'


def machine_lines(machine: Mapping[str, Any]) -> str:
    """Return lines that say what was measured, with which command, and where."""
    return (f'{machine["date"]}  {machine["command"]}\n'
            f'{machine["cores"]} cores ({machine["processor"]}), {machine["memory_bytes"] / (1 << 30):.0f} GiB, '
            f'{machine["file_system"]}, load before {machine["load_before"]:.1f}\n'
            f's3multi {machine["s3multi"]}, Swift {machine["swift"]}, Python {machine["python"]}, '
            f'eventlet {machine["eventlet"]}, cache: {machine["cache"]}')


def _times(results: Results) -> list[list[str]]:
    rows = [['operation', 'size', 's3multi', 'best', 'stock', 'best', 'ratio', 'rounds']]
    for subject, samples in results.whole():
        ours, stock = samples[S3MULTI], samples[STOCK]
        ratio = statistics.median(ours) / statistics.median(stock)
        rows.append([subject.operation, show_size(subject.size, subject.unit),
                     show_seconds(statistics.median(ours)), show_seconds(min(ours)),
                     show_seconds(statistics.median(stock)), show_seconds(min(stock)), show_ratio(ratio),
                     str(len(ours))])
    return rows


def _throughput(results: Results) -> list[list[str]]:
    rows = [['body', 'header', 's3multi: part', 'PutObject', 'share', 'stock: part', 'PutObject', 'share',
             'Swift PUT']]
    for each in results.throughputs():
        # A small body takes hardly any time beside its request: see the table above.
        if each.size_bytes < MIB:
            continue
        row = [show_size(each.size_bytes, 'bytes'), 'crc32' if each.with_crc32 else '-']
        for name in (S3MULTI, STOCK):
            row += [f'{each.part[name]:.1f}', f'{each.put_object[name]:.1f}', f'{each.share[name]:.1%}']
        rows.append([*row, f'{each.swift_put:.1f}'])
    return rows


def _memory(results: Results) -> list[list[str]]:
    rows = [['operation', 'size', 's3multi before', 'peak', 'more', 'stock before', 'peak', 'more']]
    for subject, held in results.memory.items():
        row = [subject.operation, show_size(subject.size, subject.unit)]
        for name in (S3MULTI, STOCK):
            before, peak = held.get(name, (0, 0))
            row += [f'{before / MIB:.1f}', f'{peak / MIB:.1f}', f'{(peak - before) / MIB:.1f}']
        rows.append(row)
    return rows


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as a table: the first two columns are aligned to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ['  '.join(cell.ljust(width) if column < 2 else cell.rjust(width)
                       for column, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return '\n'.join([lines[0], '-' * sum(widths, 2 * len(widths) - 2), *lines[1:]])
