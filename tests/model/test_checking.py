# SPDX-License-Identifier: Apache-2.0
"""Checks among all the operations: nothing is said to be broken that is not."""
import pytest

from s3multi.check.objects import State

from .checking import CheckedRun
from .search import Tally

RUNS_EACH = 30


@pytest.mark.parametrize('first', range(0, 2 * RUNS_EACH, RUNS_EACH))
def test_nothing_is_reported_falsely(first):
    """That holds whoever meets a check and whatever fails; and checks do meet objects, and objects that go."""
    runs = []

    def make(*arguments):
        runs.append(CheckedRun(*arguments))
        return runs[-1]

    tally = Tally(make)
    for seed in range(first, first + RUNS_EACH):
        tally.run(seed)

    assert {State.WHOLE, State.GONE} <= {state for run in runs for state in run.states}
