# SPDX-License-Identifier: Apache-2.0
"""How runs of a sweep keep out of each other's way."""
import pytest

from s3multi.s3.errors import ServiceUnavailable
from s3multi.sweep.claim import Claim
from s3multi.sweep.rules import CLAIM_SECONDS


class Container:
    """Holds the note of a bucket. calls: how often it was asked or told."""

    def __init__(self):
        self.note, self.calls, self.broken = '', 0, False

    def sweep_note(self):
        self.calls += 1
        if self.broken:
            raise ServiceUnavailable()
        return self.note

    def note_sweep(self, note):
        self.calls += 1
        self.note = note


@pytest.fixture
def now(monkeypatch):
    """The clock: a list with the seconds."""
    seconds = [1790000000.0]
    monkeypatch.setattr('s3multi.sweep.claim.Timestamp.now', lambda: seconds[0])
    return seconds


def test_the_first_run_has_the_bucket(now):
    """Until it lets go of it."""
    container = Container()
    first, second = Claim(container, 'first'), Claim(container, 'second')

    assert (True, False, True) == (first.holds(), second.holds(), second.is_lost)
    second.release()
    first.release()
    assert Claim(container, 'third').holds()


def test_a_run_that_died(now):
    """Its claim ends by itself; one that goes on renews it, without asking Swift each time."""
    container = Container()
    died, lives = Claim(container, 'died'), Claim(Container(), 'lives')
    assert died.holds()
    for _ in range(100):
        now[0] += CLAIM_SECONDS / 50
        assert lives.holds()

    assert Claim(container, 'next').holds()
    assert not died.holds()
    assert lives._segments.calls < 20


def test_a_claim_helps_and_proves_nothing(now):
    """If it cannot be noted, the sweep goes on."""
    container = Container()
    container.broken = True

    assert Claim(container, 'run').holds()


def test_without_a_name(now):
    """A dry run claims nothing, and meets no claim."""
    container = Container()
    assert Claim(container, 'run').holds()
    dry = Claim(container, '')
    assert dry.holds()
    dry.release()
    assert 2 == container.calls
