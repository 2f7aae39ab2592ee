# SPDX-License-Identifier: Apache-2.0
"""Draws ``states.svg`` from ``s3multi.upload.lifecycle``; ``generated_tables.py`` writes it.

An arrow shows the numbers of the writes that make its move; the table below the
diagram has the same numbers.
"""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from s3multi.upload.lifecycle import LOOKS, MOVES, Stage  # noqa: E402

FILE = HERE / 'states.svg'
_WIDTH, _HEIGHT = 1000, 380
_BOX = 130, 50
# The centres of the boxes, and of the dot where uploads begin (None).
_PLACES = {
    None: (30, 130), Stage.OPEN: (140, 130), Stage.COMPLETING: (360, 130), Stage.VISIBLE: (560, 130),
    Stage.CLOSING: (755, 130), Stage.OVER: (925, 130), Stage.ABORTING: (140, 300), Stage.CONTESTED: (360, 300),
    Stage.ABORTED: (700, 300),
}
# How far an arrow that would cross a box bends aside, in pixels; upwards for those of the upper row.
_BENDS = {(Stage.COMPLETING, Stage.CLOSING): -100, (Stage.ABORTING, Stage.ABORTED): 90}
_ENDS = {Stage.OVER: '#e2f3df', Stage.ABORTED: '#f7e0dc'}
# How far each of two opposite arrows lies beside the line between the boxes, in pixels.
_GAP = 9


def arrows():
    """Return the numbers of the writes that make each move, by the stages before and after it.

    Writes that leave an upload in its stage are not among them.
    """
    found = {}
    for number, move in enumerate(MOVES, 1):
        for before, after in move.steps:
            if before is not after:
                found.setdefault((before, after), []).append(number)
    return found


def draw():
    """Return the SVG."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif"'
        ' font-size="14">' % (_WIDTH, _HEIGHT, _WIDTH, _HEIGHT),
        '<title>The stages of an upload</title>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#333"/></marker></defs>',
        '<rect width="%d" height="%d" fill="#fff"/>' % (_WIDTH, _HEIGHT),
        '<circle cx="%d" cy="%d" r="7" fill="#333"/>' % (_PLACES[None][0], _PLACES[None][1] - _GAP),
    ]
    for step, numbers in arrows().items():
        lines += _arrow(*step, ', '.join(map(str, numbers)))
    for stage, look in LOOKS.items():
        lines += _box(stage, look)
    return '\n'.join([*lines, '</svg>', ''])


def _box(stage, look):
    x, y = _PLACES[stage]
    width, height = _BOX
    # If there may be two markers, the table tells which.
    says = [state.value for state in look.markers if len(look.markers) == 1] + ['no marker'] * (not look.markers) + [
        'intent'] * bool(look.intent) + ['object'] * bool(look.visible)
    return ['<rect x="%g" y="%g" width="%d" height="%d" rx="16" fill="%s" stroke="#333" stroke-width="1.5"/>' % (
                x - width / 2, y - height / 2, width, height, _ENDS.get(stage, '#fff')),
            '<text x="%g" y="%g" text-anchor="middle" font-weight="bold">%s</text>' % (x, y - 3, stage.value),
            '<text x="%g" y="%g" text-anchor="middle" font-size="11">%s</text>' % (
                x, y + 14, ', '.join(says))]


def _arrow(before, after, label):
    start, end = _PLACES[before], _PLACES[after]
    length = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    # The arrow lies to the left of its way, so that the opposite one runs beside it.
    aside = (end[1] - start[1]) / length * _GAP, -(end[0] - start[0]) / length * _GAP
    bend = _BENDS.get((before, after), 0)
    middle = (start[0] + end[0]) / 2 + aside[0], (start[1] + end[1]) / 2 + aside[1] + bend
    first = _edge(before, start, middle, aside)
    last = _edge(after, end, middle, aside)
    if not bend:
        middle = (first[0] + last[0]) / 2, (first[1] + last[1]) / 2
    halfway = [(one + 2 * between + other) / 4 for one, between, other in zip(first, middle, last)]
    return ['<path d="M%.1f %.1fQ%.1f %.1f %.1f %.1f" fill="none" stroke="#333" stroke-width="1.3"'
            ' marker-end="url(#tip)"/>' % (*first, *middle, *last),
            '<text x="%.1f" y="%.1f" text-anchor="middle" font-size="12" fill="#146" stroke="#fff" stroke-width="4"'
            ' paint-order="stroke">%s</text>' % (halfway[0] + aside[0] * 0.6, halfway[1] + aside[1] * 0.6 + 4, label)]


def _edge(stage, centre, towards, aside):
    """Return the point where an arrow meets the edge of a box.

    The arrow goes from the centre of the box, moved by ``aside``, to the point ``towards``.
    """
    start = centre[0] + aside[0], centre[1] + aside[1]
    if stage is None:
        return start[0] + 10, start[1]
    ways = towards[0] - start[0], towards[1] - start[1]
    # The arrow leaves by the side of the box that it reaches first.
    part = min((size / 2 - off * (1 if way > 0 else -1)) / abs(way)
               for size, off, way in zip(_BOX, aside, ways) if way)
    return start[0] + ways[0] * part, start[1] + ways[1] * part
