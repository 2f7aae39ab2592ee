# SPDX-License-Identifier: Apache-2.0
"""The plot of a dimension, as SVG text: a panel for each operation, with its requests against the size.

Requests are exact on a busy machine, too. Above the curves stand the memory and the time, from the smallest size to the
largest.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..plot import BLUE, ORANGE, Scale, Style, curve, grid, key
from ..report import show_seconds
from .dimensions import Dimension
from .results import Point

COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, RIGHT, BETWEEN = 190, 100, 64, 92, 70, 96
MIB = 1 << 20
STYLES = {False: Style('whole', BLUE), True: Style('sharded', ORANGE, True)}


def render(dimension: Dimension, points: Sequence[Point]) -> str:
    """Return the SVG document of the points of a dimension, of which there is at least one."""
    operations = list(dict.fromkeys(point.operation for point in points))
    scale = Scale([point.setting.size for point in points], [point.requests for point in points], PANEL_WIDTH,
                  PANEL_HEIGHT)
    width = COLUMNS * (LEFT + PANEL_WIDTH + RIGHT)
    height = TOP + -(-len(operations) // COLUMNS) * (PANEL_HEIGHT + BETWEEN)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<title>Requests of each operation against the number of {dimension.title}</title>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *key(LEFT, 18, STYLES[False]), *key(LEFT + 90, 18, STYLES[True])]
    for place, operation in enumerate(operations):
        row, column = divmod(place, COLUMNS)
        lines += [f'<g transform="translate({LEFT + column * (LEFT + PANEL_WIDTH + RIGHT)} '
                  f'{TOP + row * (PANEL_HEIGHT + BETWEEN)})">',
                  f'<text x="{PANEL_WIDTH / 2:.0f}" y="-36" text-anchor="middle" font-size="12" font-weight="bold">'
                  f'{operation}</text>', *grid(scale, dimension.title, lambda power: f'{10 ** power:,}')]
        for sharded, style in STYLES.items():
            own = [point for point in points if point.operation == operation and point.setting.sharded == sharded]
            if own:
                lines.append(f'<text x="{PANEL_WIDTH / 2:.0f}" y="{-7 if sharded else -21}" text-anchor="middle" '
                             f'fill="{style.colour}">{_figures(own)}</text>')
            lines += curve(style, [(point.setting.size, point.requests) for point in own], scale,
                           lambda value: f'{value:,.0f}')
        lines.append('</g>')
    return '\n'.join([*lines, '</svg>', ''])


def _figures(points: Sequence[Point]) -> str:
    """Return memory and time of points, which are in order of size: '0.0 to 0.3 MiB, 20.1 ms to 22.3 ms'."""
    first, last = points[0], points[-1]
    return (f'{_range(f"{first.memory_bytes / MIB:.1f}", f"{last.memory_bytes / MIB:.1f}")} MiB, '
            f'{_range(show_seconds(first.seconds), show_seconds(last.seconds))}')


def _range(first: str, last: str) -> str:
    return first if first == last else f'{first} to {last}'
