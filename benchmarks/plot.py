# SPDX-License-Identifier: Apache-2.0
"""The plot: seconds of Complete and of Abort against the number of parts, for both sides, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .arena import S3MULTI, STOCK
from .cases import ABORT, COMPLETE
from .report import show_seconds
from .results import Results

WIDTH, HEIGHT = 880, 380
PANEL_WIDTH, PANEL_HEIGHT, TOP = 310, 260, 60
LEFTS = (60, 500)           # each panel has its ticks on the left, and the last times of its curves on the right


@dataclass(frozen=True)
class Style:
    """How a curve looks, and what it is called. The shapes of the marks differ, for those who do not see colours."""

    label: str
    colour: str
    square: bool = False


BLUE, ORANGE = '#1f5fa8', '#c05a11'
STYLES = {S3MULTI: Style('s3multi', BLUE), STOCK: Style("Swift's s3api", ORANGE, True)}

Curve = Sequence['tuple[int, float]']


def render(results: Results) -> str:
    """Return the SVG document. A panel stays empty if nothing was measured for it."""
    curves = {operation: {side: results.curve(operation, side) for side in STYLES} for operation in (COMPLETE, ABORT)}
    points = [point for sides in curves.values() for curve in sides.values() for point in curve] or [(1, 1.0)]
    scale = Scale([size for size, _seconds in points], [seconds for _size, seconds in points])
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        '<title>Seconds of Complete and of Abort against the number of parts</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for left, (operation, sides) in zip(LEFTS, curves.items()):
        lines += _panel(left, operation, sides, scale)
    return '\n'.join([*lines, '</svg>', ''])


class Scale:
    """Both axes: logarithmic, from one power of ten to another, and the same in each panel. width, height: of a panel.
    """

    def __init__(self, sizes: Sequence[int], seconds: Sequence[float], width: int = PANEL_WIDTH,
                 height: int = PANEL_HEIGHT) -> None:
        self.width, self.height = width, height
        self.sizes = _powers(min(sizes), max(sizes))
        self.seconds = _powers(min(seconds), max(seconds))

    def x(self, size: float) -> float:
        """Return the place of a number of parts, from 0 on the left to the width on the right."""
        return self.width * (math.log10(size) - self.sizes[0]) / (self.sizes[-1] - self.sizes[0])

    def y(self, seconds: float) -> float:
        """Return the place of a time, from 0 at the top to the height at the bottom."""
        return self.height * (self.seconds[-1] - math.log10(seconds)) / (self.seconds[-1] - self.seconds[0])


def _powers(least: float, most: float) -> range:
    """Return the exponents of the powers of ten from the last one below to the first one above; at least two."""
    low = math.floor(math.log10(least))
    return range(low, max(math.ceil(math.log10(most)), low + 1) + 1)


def _panel(left: float, operation: str, sides: Mapping[str, Curve], scale: Scale) -> list[str]:
    lines = [f'<g transform="translate({left} {TOP})">',
             f'<text x="{PANEL_WIDTH / 2:.0f}" y="-32" text-anchor="middle" font-size="15" font-weight="bold">'
             f'{operation.capitalize()}</text>', *grid(scale, 'parts')]
    for place, (side, points) in enumerate(sides.items()):
        lines += key(20 + 110 * place, -13, STYLES[side])
        lines += curve(STYLES[side], points, scale)
    return [*lines, '</g>']


def grid(scale: Scale, sizes: str, tick: Callable[[int], str] | None = None) -> list[str]:
    """Return the lines of a panel's grid, with the figures on both axes.

    sizes: what those on the x axis count. tick: returns a power of ten on the y axis as text, by default seconds.
    """
    lines = ['<g stroke="#ddd">']
    for power in scale.sizes:
        x = scale.x(10 ** power)
        lines.append(f'<path d="M{x:.1f} 0V{scale.height}"/>')
    for power in scale.seconds:
        y = scale.y(10.0 ** power)
        lines.append(f'<path d="M0 {y:.1f}H{scale.width}"/>')
    lines += ['</g>', '<g fill="#444">']
    for power in scale.sizes:
        lines.append(f'<text x="{scale.x(10 ** power):.1f}" y="{scale.height + 18}" text-anchor="middle">'
                     f'{10 ** power:,}</text>')
    for power in scale.seconds:
        lines.append(f'<text x="-8" y="{scale.y(10.0 ** power) + 4:.1f}" text-anchor="end">'
                     f'{(tick or _tick)(power)}</text>')
    lines.append(f'<text x="{scale.width / 2:.0f}" y="{scale.height + 40}" text-anchor="middle">'
                 f'{sizes} (both axes logarithmic)</text>')
    return [*lines, '</g>']


def _tick(power: int) -> str:
    """Return 10 ** power seconds as text: '10 ms', '1 s', '100 s'."""
    return f'{10 ** power} s' if power >= 0 else f'{10.0 ** (power + 3):g} ms'


def key(x: float, y: float, style: Style) -> list[str]:
    """Return the lines that say at a place what a curve is."""
    return [mark(style, x, y), f'<text x="{x + 10}" y="{y + 4}">{style.label}</text>']


def curve(style: Style, points: Curve, scale: Scale, show: Callable[[float], str] = show_seconds) -> list[str]:
    """Return the lines of a curve, with the last value beside it, which `show` returns as text."""
    if not points:
        return []
    places = [(scale.x(size), scale.y(seconds)) for size, seconds in points]
    path = 'L'.join(f'{x:.1f} {y:.1f}' for x, y in places)
    lines = [f'<path d="M{path}" fill="none" stroke="{style.colour}" stroke-width="2"/>']
    lines += [mark(style, x, y) for x, y in places]
    (x, y), seconds = places[-1], points[-1][1]
    lines.append(f'<text x="{x + 9:.1f}" y="{y + 4:.1f}" font-weight="bold" fill="{style.colour}">'
                 f'{show(seconds)}</text>')
    return lines


def mark(style: Style, x: float, y: float) -> str:
    """Return the mark of a curve at a place."""
    if style.square:
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{style.colour}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{style.colour}"/>'
