# SPDX-License-Identifier: Apache-2.0
"""Every move that ``s3multi.upload.lifecycle`` lists is made by somebody. All runs check that no other is made."""
import pytest

from s3multi.upload.lifecycle import MOVES

from .kinds import MARKERS, marker_of
from .moves import Moves
from .sweeping import PlayedSweep
from .swift import MemorySwift, Stored
from .versions import Shown
from .world import IDS

# Lines (``script``), and whether the bucket has versions.
EVENTS = {
    'a Complete': (['C2 ends'], False),
    'an Abort': (['A ends'], False),
    'begins': (['I ends'], False),
    'a Complete that ends an Abort': (['A to HEAD intent', 'C1 ends', 'A ends'], False),
    'dead before its manifest': (['C1 to commit key', 'C1 dies', '61 s pass', 'A ends'], False),
    'dead before its manifest, then another list': (['C1 to commit key', 'C1 dies', '61 s pass', 'C2 ends'], False),
    'dead before its manifest, then two': (
        ['C1 to commit key', 'C1 dies', '61 s pass', 'C2 to DELETE intent', 'A ends', 'C2 ends'], False),
    'dead before its manifest, then two at once': (
        ['C1 to commit key', 'C1 dies', '61 s pass', 'C2 to DELETE intent', 'A to HEAD intent', 'C2 ends', 'A ends'],
        False),
    'dead after its manifest': (['C1 to commit marker', 'C1 dies', '61 s pass', 'A ends'], False),
    'dead before its end': (['C1 to DELETE intent', 'C1 dies', '61 s pass', 'R frees'], False),
    'dead before its proof, and replaced': (['C1 to HEAD intent', 'C1 dies', '61 s pass', 'R frees'], False),
    'replaced': (['C1 ends', 'R frees'], False),
    'replaced by a Complete': (['I ends', 'C1 ends', 'W ends'], False),
    'replaced in between': (['C1 to commit marker', 'W ends', 'C1 ends'], False),
    'replaced in between, after a slow manifest': (
        ['C1 to commit key', '5 s pass', 'C1 to DELETE marker', 'W ends', 'C1 ends'], False),
    'replaced after a slow manifest, under a flag': (
        ['C1 to commit key', '5 s pass', 'C1 to DELETE marker', 'A to HEAD intent', 'W ends', 'C1 ends'], False),
    'replaced after a slow manifest, and aborted': (
        ['C1 to commit key', '5 s pass', 'C1 to DELETE marker', 'W ends', '61 s pass', 'A ends', 'C1 ends'], False),
    'replaced in between, and aborted': (
        ['C1 to commit marker', 'W ends', '61 s pass', 'A ends', 'C1 ends'], False),
    'replaced in between, under a flag': (['C1 to commit marker', 'A to HEAD intent', 'W ends', 'C1 ends'], False),
    'becomes a version': (['C1 to commit marker', 'V ends', 'W ends', 'C1 ends'], False),
    'becomes a version when it is over': (['C1 frees', 'V ends', 'W ends'], False),
    'becomes a version while it closes': (['C1 to DELETE intent', 'V ends', 'W ends', 'C1 frees'], False),
    'completed again, where a DELETE has missed a replica': (
        ['C1 to commit key', '5 s pass', 'C1b to commit marker', 'C1 misses 0', 'C1 frees', 'C1b ends'], False),
    'two intents': (['C1 to commit intent', 'C2 to commit intent', 'C1 ends', 'C2 ends'], False),
    'two intents, late': (['C1 to commit intent', 'C2 to commit intent', 'C1 to commit marker', 'C2 ends'], False),
    'two intents, one after the end': (
        ['C1 to commit intent', 'C2 to commit intent', 'C1 to DELETE intent', 'C2 ends', 'C1 ends'], False),
    'two manifests': (['C1 to commit intent', 'C2 to commit intent', 'C1 to commit key', 'C2 to commit key',
                       'C1 to commit marker', 'C2 to commit marker', 'C1 ends', 'C2 ends'], False),
    'two manifests, and an Abort that ends both': (
        ['C1 to commit intent', 'C2 to commit intent', 'C1 to commit key', 'C2 to commit key', 'C1 to commit marker',
         'A to DELETE marker', 'C1 ends', 'A ends', 'C2 ends'], False),
    'two manifests, one late': (['C1 to commit intent', 'C2 to commit intent', 'C1 to commit key',
                                 'C2 to commit key', 'C1 to DELETE intent', 'C2 ends', 'C1 ends'], False),
    'two versions': (['C1 to commit intent', 'C2 to commit intent', 'C1 in PUT manifest', 'C2 frees', 'C1 ends'], True),
    'a newer intent before the version of another list': (
        ['C1 leads 5 s', 'C1 to commit intent', 'C2 to PUT version', 'C1 to HEAD marker', 'C2 ends', 'C1 ends'], True),
    'a newer intent before that, under a flag': (
        ['C1 leads 5 s', 'C1 to commit intent', 'C2 to PUT version', 'A to HEAD intent', 'C1 to HEAD marker',
         'C2 ends'], True),
    'a newer intent after that': (
        ['C1 leads 5 s', 'C1 to commit intent', 'C2 to PUT key', 'C1 to HEAD marker', 'C1 dies', 'C2 dies'], True),
    'a newer intent after that, under a flag': (
        ['C1 leads 5 s', 'C1 to commit intent', 'C2 to PUT key', 'A to HEAD intent', 'C1 to HEAD marker', 'C1 dies',
         'C2 dies'], True),
    'two intents and a flag': (['C1 to commit intent', 'C2 to commit intent', 'C1 makes 5 requests', 'A to HEAD intent',
                                'C2 ends', 'C1 ends'], False),
    'an intent after the flag': (['C1 to commit intent', 'A to HEAD intent', 'A to HEAD marker', 'C1 to HEAD marker'],
                                 False),
    'an intent after an Abort': (['C1 to commit intent', 'A ends', 'C1 ends', 'D ends'], False),
    'an intent after the end': (['C1 leads 5 s', 'C1 to commit intent', 'C1b frees', 'C1 ends'], False),
    'parts freed after that': (
        ['C1 leads 5 s', 'C1 to commit intent', 'C2 to DELETE part', 'C1 ends', 'C2 frees'], False),
    'a manifest after the flag': (['C1 to commit key', 'A to HEAD intent', 'C1 ends', 'A ends'], False),
    'the bucket goes': (['D ends'], False),
    'the bucket goes and comes back': (
        ['C1 to commit key', 'D to GET rows', 'C1 to commit marker', 'D ends', 'C1 ends'], False),
    'a part of an open upload': (['P ends'], False),
    'a part during a Complete': (['C1 to commit key', 'P ends', 'C1 ends'], False),
    'a part while the object is there': (['C1 to commit marker', 'P ends', 'C1 ends'], False),
    'a part while it closes': (['P to commit part', 'C1 to DELETE intent', 'P ends', 'C1 ends'], False),
    'a part when it is over': (['P to commit part', 'C1 frees', 'P ends'], False),
    'a part during an Abort': (['P to commit part', 'A to HEAD intent', 'P ends', 'A ends'], False),
    'a part during both': (['P to commit part', 'C1 to commit key', 'A to HEAD intent', 'P ends', 'C1 ends'], False),
    'a part after an Abort': (['P to commit part', 'A frees', '6 s pass', 'P ends'], False),
    'swept after its manifest': (['C1 to commit marker', 'C1 dies', '250 s pass', 'S ends'], False),
    'swept before its proof': (['C1 to HEAD intent', 'C1 dies', '250 s pass', 'S ends'], False),
    'swept before its proof, the row late': (
        ['rows are late', 'C1 to HEAD intent', 'C1 dies', '250 s pass', 'S ends', 'rows are in time', '250 s pass',
         'S2 ends'], False),
    'dead before its proof, and the bucket goes': (
        ['C1 to HEAD intent', 'C1 dies', 'X frees', '61 s pass', 'D ends'], False),
    'swept when it is old': (['250 s pass', '250 s pass', 'S ends', '250 s pass', 'S ends'], False),
    'swept after an Abort': (['A frees', '250 s pass', 'S ends'], False),
    'a copied part after an Abort': (['W ends', 'K to commit part', 'A frees', '6 s pass', 'K ends'], False),
}


def test_every_move_is_made():
    """Each is made in every stage that the table lists for it, and by everybody that it names."""
    steps, actors = set(), set()
    for lines, versioned in EVENTS.values():
        played = PlayedSweep(lines, versioned)
        played.go()
        for write, actor, before, after in played.rules.moves.seen:
            steps.add((write, before, after))
            actors.add((write, actor))

    assert set() == {(move.write, *step) for move in MOVES for step in move.steps} - steps
    assert set() == {(move.write, actor) for move in MOVES for actor in move.by} - actors


@pytest.fixture
def broken():
    return []


@pytest.fixture
def swift(broken):
    """Return a Swift whose moves are watched."""
    swift = MemorySwift()
    Moves(swift, Shown(swift), {}, lambda rule, text: broken.append(text))
    return swift


def test_a_write_that_is_not_listed_is_seen(swift, broken):
    """A write is reported if its actor, time or stage is not one that the table lists for it."""
    upload_id = IDS.new('AUTH_model', 'bucket', 'key', 1790000000 * 100000)
    container = 'AUTH_model/' + MARKERS
    marker = '%s/%s' % (container, marker_of('key/' + upload_id))
    swift._write(container, marker, range(3), Stored(
        '1790000000.00000', b'', {'Content-Type': 'application/x-s3multi-marker;state=open'}))
    swift._write(container, marker, range(3), Stored(
        '1790000005.00000', b'', {'Content-Type': 'application/x-s3multi-marker;state=aborting'}))
    swift._write(container, marker, range(3), Stored('1790000006.00000'))

    assert ['PUT open', 'PUT aborting', 'DELETE marker'] == [text.partition(' of ')[0] for text in broken]
