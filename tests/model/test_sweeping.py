# SPDX-License-Identifier: Apache-2.0
"""Sweeps among all the operations: no rule breaks, and in the end only needed parts are left."""
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import rule

from s3multi.sweep.judge import FORGOTTEN
from s3multi.sweep.rules import Limits

from ..examples import examples
from .reference import NO_SUCH_UPLOAD
from .rules import Violation
from .search import Tally
from .sweeping import GRACE_SECONDS, SWEEP_MUTATIONS, SweptRun, play, sweep
from .test_machine import Machine

RUNS_EACH = 30

each_step = pytest.mark.parametrize('limits, mutation', SWEEP_MUTATIONS, ids=lambda value: getattr(value, 'step', None))


@pytest.mark.parametrize('first', range(0, 5 * RUNS_EACH, RUNS_EACH))
def test_no_rule_breaks(first):
    """That holds whoever meets a sweep and whatever fails."""
    tally = Tally(SweptRun)
    for seed in range(first, first + RUNS_EACH):
        tally.run(seed)

    assert tally.counts['proxy died'] and tally.counts['time passed']


@each_step
def test_with_the_step(limits, mutation):
    """No rule breaks."""
    play(mutation)


@each_step
def test_without_the_step(limits, mutation):
    """The rule for which the step is there breaks."""
    with pytest.raises(Violation) as raised:
        play(mutation, mutation.without, limits)
    assert mutation.rule == raised.value.rule, raised.value


class SweptMachine(Machine):
    """Clients of one bucket, and a model of S3 without sweeps: a sweep must change nothing that a client can see."""

    forgotten = frozenset()

    @rule(graces=st.sampled_from((0, 0.5, 1.1, 2.2)))
    def sweep(self, graces):
        self.schedule.now += graces * GRACE_SECONDS
        if graces >= 1:
            self.world.swift.settle()
        outcomes, = self._calmly(lambda: sweep(self.world, Limits(GRACE_SECONDS)))
        self.rules.check()
        self.forgotten |= {outcome.upload.id for outcome in outcomes if outcome.what == FORGOTTEN}

    def _ask(self, name, arguments):
        outcome = super()._ask(name, arguments)
        # This is the exception: an Abort is not remembered for ever.
        return 204 if name == 'abort' and outcome == NO_SUCH_UPLOAD and arguments[0] in self.forgotten else outcome


class VersionedSweptMachine(SweptMachine):
    """The same, in a bucket with versions."""

    versioned = True


_RUNS = examples(0.5, stateful_step_count=25, suppress_health_check=list(HealthCheck))
TestSwept, TestVersionedSwept = SweptMachine.TestCase, VersionedSweptMachine.TestCase
TestSwept.settings = TestVersionedSwept.settings = _RUNS
