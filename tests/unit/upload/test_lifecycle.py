# SPDX-License-Identifier: Apache-2.0
"""The stages of an upload, and its moves. ``tests/model`` checks that the product makes these moves and no others."""
import importlib.util
import itertools
import re
from pathlib import Path

import pytest

from s3multi.upload.lifecycle import LOOKS, MOVES, Actor, Stage, stage_of
from s3multi.upload.records import State

DOC = Path(__file__).resolve().parents[3] / 'doc'
MARKERS = (State.OPEN, State.ABORTING, State.ABORTED, None)


def diagram():
    """Return the module that draws the diagram."""
    spec = importlib.util.spec_from_file_location('state_diagram', DOC / 'state_diagram.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('marker, intent, visible, stage', [
    (State.OPEN, False, False, Stage.OPEN), (State.OPEN, True, False, Stage.COMPLETING),
    (State.OPEN, True, True, Stage.VISIBLE), (State.OPEN, False, True, None),
    (State.ABORTING, False, False, Stage.ABORTING), (State.ABORTING, True, False, Stage.CONTESTED),
    (State.ABORTING, True, True, Stage.VISIBLE), (State.ABORTING, False, True, None),
    (State.ABORTED, False, False, Stage.ABORTED), (State.ABORTED, True, False, Stage.ABORTED),
    (State.ABORTED, False, True, None), (State.ABORTED, True, True, None),
    (None, False, False, Stage.OVER), (None, False, True, Stage.OVER),
    (None, True, False, Stage.CLOSING), (None, True, True, Stage.CLOSING),
])
def test_stage(marker, intent, visible, stage):
    """There must never be an object without an intent while there is a marker, nor one of an aborted upload."""
    assert stage is stage_of(marker, intent, visible)


def test_records_show_one_stage():
    """Whatever the records say, at most one stage is it."""
    for marker, intent, visible in itertools.product(MARKERS, (False, True), (False, True)):
        claimed = [stage for stage, look in LOOKS.items() if (marker in look.markers if marker else not look.markers)
                   and look.intent in (None, intent) and look.visible in (None, visible)]
        assert 1 >= len(claimed)


def test_every_stage_can_be_reached_and_ended():
    """Each stage can be reached from Initiate, and leads to an end."""
    steps = {step for move in MOVES for step in move.steps}
    for begin, forward in ((None, True), (Stage.OVER, False)):
        found, new = set(), {begin}
        while new:
            found |= new
            new = {pair[forward] for pair in steps if pair[not forward] in new} - found
        assert set(Stage) <= found | {None}


def test_an_end_is_final():
    """An upload that was aborted or is over is never open or visible again."""
    final = {Stage.ABORTED, Stage.CLOSING, Stage.OVER}
    assert [] == [step for move in MOVES for step in move.steps if step[0] in final and step[1] not in final]
    assert [] == [step for move in MOVES for step in move.steps
                  if step[0] in {Stage.CLOSING, Stage.OVER} and step[1] is Stage.ABORTED]


def test_parts_are_freed_only_when_that_is_final():
    """Nobody deletes a part while a Complete may still win."""
    assert {Stage.ABORTED, Stage.CLOSING, Stage.OVER} == {
        before for move in MOVES if move.write == 'free parts' for before, _ in move.steps}
    assert Stage.ABORTED not in {before for move in MOVES if move.write == 'free parts' and Actor.COMPLETE in move.by
                                 for before, _ in move.steps}


def test_diagram_shows_every_move():
    """There is an arrow for each move from one stage to another, with the numbers of its writes."""
    drawn = diagram()
    shown = re.findall('paint-order="stroke">([0-9, ]+)</text>', drawn.draw())

    assert sorted(', '.join(map(str, numbers)) for numbers in drawn.arrows().values()) == sorted(shown)
    moving = {(step, number) for number, move in enumerate(MOVES, 1) for step in move.steps if step[0] is not step[1]}
    assert moving == {(step, number) for step, numbers in drawn.arrows().items() for number in numbers}
