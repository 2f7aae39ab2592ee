# SPDX-License-Identifier: Apache-2.0
"""The plot: the time of each operation for both sides, one line of marks for each operation, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..arena import S3MULTI, SIDES, STOCK
from ..plot import STYLES, key, mark
from ..report import show_ratio
from .results import Row

WIDTH, LEFT, RIGHT, TOP, LINE = 880, 300, 60, 56, 20
TICKS = 6


def render(rows: Sequence[Row]) -> str:
    """Return the SVG document of the first setting, with the longest time for which requests were held."""
    rows = [row for row in rows if row.setting == rows[0].setting and row.seconds]
    held = max((held for row in rows for held in row.seconds), default=0)
    longest = max((row.median(held, side) for row in rows for side in SIDES), default=1.0)
    tick = _round_up(longest / TICKS)
    width, height = WIDTH - LEFT - RIGHT, LINE * len(rows)

    def x(seconds: float) -> float:
        return LEFT + width * seconds / (tick * TICKS)

    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{TOP + height + 50}" '
        f'viewBox="0 0 {WIDTH} {TOP + height + 50}" font-family="sans-serif" font-size="12">',
        f'<title>Milliseconds of each operation with each storage request held for {held} ms</title>',
        f'<rect width="{WIDTH}" height="{TOP + height + 50}" fill="#fff"/>']
    for place, side in enumerate(SIDES):
        lines += key(LEFT + 110 * place, 20, STYLES[side])
    lines.append(f'<text x="{WIDTH - 4}" y="24" text-anchor="end">ratio</text>')
    for number in range(TICKS + 1):
        at = x(number * tick)
        lines += [f'<path d="M{at:.1f} {TOP - 12}V{TOP + height}" stroke="#ddd"/>',
                  f'<text x="{at:.1f}" y="{TOP + height + 18}" text-anchor="middle" fill="#444">'
                  f'{1000 * number * tick:.0f}</text>']
    lines.append(f'<text x="{LEFT + width / 2:.0f}" y="{TOP + height + 40}" text-anchor="middle" fill="#444">'
                 f'milliseconds, with each request to a storage server held for {held} ms</text>')
    for number, row in enumerate(rows):
        y = TOP + LINE * number
        ours, stock = (x(row.median(held, side)) for side in (S3MULTI, STOCK))
        lines += [f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{row.name}</text>',
                  f'<path d="M{ours:.1f} {y}H{stock:.1f}" stroke="{STYLES[S3MULTI if ours < stock else STOCK].colour}" '
                  'stroke-width="2"/>',
                  mark(STYLES[STOCK], stock, y), mark(STYLES[S3MULTI], ours, y),
                  f'<text x="{WIDTH - 4}" y="{y + 4}" text-anchor="end">{show_ratio(row.ratio(held))}</text>']
    return '\n'.join([*lines, '</svg>', ''])


def _round_up(seconds: float) -> float:
    """Return the next round number from here on: 1, 2 or 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(seconds))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= seconds)
