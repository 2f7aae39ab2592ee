# SPDX-License-Identifier: Apache-2.0
"""The plot of a dimension: a panel for each operation, with its seconds against the size, as SVG text."""

from __future__ import annotations

from collections.abc import Sequence

from ..plot import BLUE, ORANGE, Scale, Style, curve, grid, key
from .dimensions import Dimension
from .results import Point

COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT, LEFT, TOP, RIGHT, BETWEEN = 190, 100, 64, 70, 70, 66
STYLES = {False: Style('whole', BLUE), True: Style('sharded', ORANGE, True)}


def render(dimension: Dimension, points: Sequence[Point]) -> str:
    """Return the SVG document of the points of a dimension, of which there is at least one."""
    operations = list(dict.fromkeys(point.operation for point in points))
    scale = Scale([point.setting.size for point in points], [point.seconds for point in points], PANEL_WIDTH,
                  PANEL_HEIGHT)
    width = COLUMNS * (LEFT + PANEL_WIDTH + RIGHT)
    height = TOP + -(-len(operations) // COLUMNS) * (PANEL_HEIGHT + BETWEEN)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<title>Seconds of each operation against the number of {dimension.title}</title>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *key(LEFT, 18, STYLES[False]), *key(LEFT + 90, 18, STYLES[True])]
    for place, operation in enumerate(operations):
        row, column = divmod(place, COLUMNS)
        lines += [f'<g transform="translate({LEFT + column * (LEFT + PANEL_WIDTH + RIGHT)} '
                  f'{TOP + row * (PANEL_HEIGHT + BETWEEN)})">',
                  f'<text x="{PANEL_WIDTH / 2:.0f}" y="-10" text-anchor="middle" font-size="12" font-weight="bold">'
                  f'{operation}</text>', *grid(scale, dimension.title)]
        for sharded, style in STYLES.items():
            lines += curve(style, [(point.setting.size, point.seconds) for point in points
                                   if point.operation == operation and point.setting.sharded == sharded], scale)
        lines.append('</g>')
    return '\n'.join([*lines, '</svg>', ''])
