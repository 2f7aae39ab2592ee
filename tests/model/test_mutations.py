# SPDX-License-Identifier: Apache-2.0
"""Each protective step of the protocol is needed: without it, the same events break a rule that holds with it."""
from unittest import mock

import pytest

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
