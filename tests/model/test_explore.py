# SPDX-License-Identifier: Apache-2.0
"""Every order with a switch, every crash and every fault, for operations that meet on one upload. ``--explore`` of
``python3 -m tests.model`` goes further."""
import pytest

from . import release_0_1
from .explore import Bounds, Explorer, replay
from .mixes import read_moves, shrink, write_moves
from .mutations import MUTATIONS
from .orders import Mix, Move

MIXES = ('C1+C2', 'C1+A', 'C1+P', 'A+P', 'C1+R', 'C1+D', 'C1+A/versions', 'P+A/late', 'C1+C2/torn', 'A+C1/torn')
UPGRADED = ('C1@0.1+A/begun-for-0.1', 'A@0.1+C1/begun-by-0.1', 'C1@0.1+C2/begun-by-0.1', 'P@0.1+C1/begun-by-0.1')


@pytest.mark.parametrize('mix', MIXES)
def test_no_rule_breaks(mix):
    """One operation overtakes the other at any request; or the proxy of one dies there, and time may pass or not; or
    that request fails, before it took effect or after.
    """
    found = Explorer(Mix.parse(mix), Bounds(1, 1, 0)).explore()

    assert found.failed is None, '%s: %s' % (found.failed[0], write_moves(found.failed[1]))
    assert found.is_whole
    assert found.orders > 20 and found.crashes > 20 and found.faults > 15


def test_version_of_a_list_that_has_lost():
    """It is shown when a client deletes the version of the list that won; a repeat of its Complete then succeeds."""
    run, violation = replay(Mix.parse('C1+C2+X/versions'), read_moves('5=go:C2:0,12=go:C1:0'))

    assert violation is None
    assert ['complete: (503, \'ServiceUnavailable\')', 'complete: 200', 'remove: 204'] == [
        line.strip() for line in run.schedule.trace if line.startswith('        ')][:3]
    assert 2 == len(run.rules.fates[run.id].completed)


def test_time_that_is_over():
    """What was not explored to the end is not said to be whole."""
    found = Explorer(Mix.parse('C1+A'), Bounds(1, 1, 0), until=0).explore()

    assert (found.runs, found.orders, found.is_whole) == (0, 0, False)


def steps(*texts):
    return [mutation for mutation in MUTATIONS if mutation.step in texts]


@pytest.mark.parametrize('mutation, mix', [
    *((mutation, 'C1+A') for mutation in steps(
        'a Complete writes an intent', '... before it reads the marker', 'the marker is ended before the intent')),
    *((mutation, 'A2+A+C1/apart') for mutation in steps(
        'an Abort writes its flag again where it finds one: that may have reached one replica')),
    *((mutation, 'C1+C2/torn') for mutation in steps('... and no answer is believed that hides a tombstone')),
], ids=lambda value: getattr(value, 'step', None))
def test_a_missing_step_is_found(mutation, mix):
    """The moves that lead there are few, and lead there again."""
    mix = Mix.parse(mix)
    violation, moves = Explorer(mix, Bounds(1, int(mix.apart), 1), mutation.without).explore().failed
    fewest = shrink(mix, {**moves, 0: Move('wait')}, violation.rule, mutation.without)
    _, again = replay(mix, read_moves(write_moves(fewest)), mutation.without)

    assert moves == fewest and 1 + mix.apart == len(moves)
    assert (violation.rule, violation.text) == (again.rule, again.text)
    assert replay(mix, fewest)[1] is None


@pytest.mark.skipif(not release_0_1.is_there(), reason='this is no clone of the repository with its history')
@pytest.mark.parametrize('mix', UPGRADED)
def test_proxies_of_two_releases(mix):
    """No rule breaks either where 0.1.0 serves one of two, on an upload that it has begun or that was begun for it."""
    found = Explorer(Mix.parse(mix), Bounds(1, 1, 0), most=60).explore()

    assert found.failed is None, '%s: %s' % (found.failed[0], write_moves(found.failed[1]))
    assert found.runs == 60
