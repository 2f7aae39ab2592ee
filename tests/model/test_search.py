# SPDX-License-Identifier: Apache-2.0
"""A fixed number of races and faults by chance. ``python3 -m tests.model`` tries as many as you like."""
from unittest import mock

import pytest

from .search import Run, Tally

RUNS_EACH = 40


@pytest.mark.parametrize('first', range(0, 6 * RUNS_EACH, RUNS_EACH))
def test_no_rule_breaks(first):
    """R1 to R6 (``rules``) hold whoever meets and whatever fails, and every operation ends."""
    tally = Tally()
    for seed in range(first, first + RUNS_EACH):
        tally.run(seed)

    # Faults did happen, and hardly any run was like another.
    assert tally.counts['proxy died'] and tally.counts['request lost before it took effect']
    assert tally.orders > 0.9 * RUNS_EACH


def test_a_seed_decides_everything():
    """Two runs of one seed are the same run, in any process: no name is chosen by chance."""
    told = []
    for _ in range(2):
        run = Run(7)
        with mock.patch('secrets.randbits', side_effect=AssertionError):
            run.go()
        told.append(run.describe())

    assert told[0] == told[1]


def test_processes_add_up_what_they_tried():
    """Which process makes a run makes no difference, so two tallies tell together what one tells of all runs."""
    tallies = Tally(), Tally()
    together = Tally()
    for seed in range(6):
        tallies[seed % 2].run(seed)
        together.run(seed)
    # One order that both have met counts once.
    tallies[1].run(0)
    together.run(0)
    tallies[0].add(tallies[1])

    assert str(tallies[0]) == str(together)
    assert together.orders == 6
