# SPDX-License-Identifier: Apache-2.0
"""Each protective step of the protocol is needed: without it, the same events break a rule that holds with it."""
from unittest import mock

import pytest

from s3multi.operations import replaced_objects
from s3multi.upload import records

from .mutations import MUTATIONS
from .rules import Violation
from .script import Played

each_step = pytest.mark.parametrize('mutation', MUTATIONS, ids=lambda mutation: mutation.step)


def play(mutation, between=None, lease=records.LEASE_SECONDS):
    """Play the lines of a mutation. between: its filter, or None. lease: that of intents, in seconds."""
    played = Played(mutation.lines, mutation.versioned, between, mutation.answers)
    with mock.patch.object(records, 'LEASE_SECONDS', lease):
        played.go()


@each_step
def test_with_the_step(mutation):
    """No rule breaks."""
    play(mutation)


@each_step
def test_without_the_step(mutation):
    """The rule for which the step is there breaks."""
    with pytest.raises(Violation) as raised:
        play(mutation, mutation.without, mutation.lease)
    assert mutation.rule == raised.value.rule, raised.value


# Two Completes with different lists have made two versions, and the row of the older one is late.
RIVALS = ('C1 to commit intent', 'C2 to commit intent', 'rows are late', 'C1 in PUT manifest', 'C1 to commit marker',
          'rows are in time', 'C2 in PUT manifest', 'C2 ends', 'C1 ends', 'X ends', 'X frees', 'the expirer runs',
          'A ends')


@pytest.mark.parametrize('grace', [records.GRACE_SECONDS, -3600])
def test_versions_of_rivals(grace):
    """A version that no listing shows yet keeps its parts: they are freed when no row can be late any more."""
    played = Played(RIVALS, True)
    with mock.patch.object(replaced_objects, 'GRACE_SECONDS', grace):
        if grace > 0:
            played.go()
        else:
            with pytest.raises(Violation) as raised:
                played.go()
            assert 'R2' == raised.value.rule
