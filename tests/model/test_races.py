# SPDX-License-Identifier: Apache-2.0
"""Two operations on one upload, of which the first dies at each of its requests; and some that meet otherwise.

``test_explore`` has those that overtake each other.
"""
import pytest

from .script import Played

# ``script`` explains the labels.
PAIRS = [(first, second) for first in ('C1', 'C2', 'A', 'P') for second in ('C1b', 'C2b', 'A2', 'W') if first != 'P'
         or second != 'W']
each_pair = pytest.mark.parametrize('first, second', PAIRS, ids='-'.join)
each_bucket = pytest.mark.parametrize('versioned', [False, True], ids=['plain', 'versioned'])


def play(lines, versioned):
    """Play the lines; return two dicts by label: what was answered, and how many requests were made."""
    played = Played(lines, versioned)
    played.go()
    return played.outcomes, played.requests


def requests_of(who, versioned):
    """Return how many requests an operation makes if nobody disturbs it."""
    return play(['%s ends' % who], versioned)[1][who]


@each_pair
@each_bucket
@pytest.mark.parametrize('death, seconds', [('dies', 0), ('dies', 61), ('dies, stored', 61)])
def test_death(first, second, versioned, death, seconds):
    """Wherever a proxy dies, it leaves a state from which the next operation can go on, at the latest after the lease.
    """
    for made in range(1, requests_of(first, versioned) + 1):
        outcomes, _ = play(['%s makes %d requests' % (first, made), '%s %s' % (first, death), '%d s pass' % seconds,
                            '%s ends' % second], versioned)

        if seconds:
            assert outcomes[second] not in ((503, 'ServiceUnavailable'), None), made


@each_bucket
@pytest.mark.parametrize('first, second', [('C1', 'C2'), ('C2', 'C1'), ('C3', 'C2')], ids='-'.join)
@pytest.mark.parametrize('seconds', [0, 5])
def test_lists_that_meet_on_slow_clocks(first, second, versioned, seconds):
    """If two proxies have clocks behind that of the Initiate, both would choose the next tick after the Initiate."""
    lines = ['%s lags %d s' % (who, seconds) for who in (first, second)] + [
        '%s to commit intent' % first, '%s to commit intent' % second, '%s in PUT manifest' % first,
        '%s in PUT manifest' % second]
    outcomes, _ = play([*lines, '%s to commit marker' % first, '%s ends' % second, '%s ends' % first], versioned)

    assert 1 >= list(outcomes.values()).count(200)


def test_complete_that_ends_after_its_lease():
    """If its object was replaced, an Abort may have ended the upload by then. They must not both succeed."""
    outcomes, _ = play(['C1 to commit marker', 'W ends', '61 s pass', 'A ends', 'C1 ends'], False)

    assert (204, (404, 'NoSuchUpload')) == (outcomes['A'], outcomes['C1'])


@pytest.mark.parametrize('who, versioned, answers', [
    ('A', False, {204, (404, 'NoSuchUpload')}), ('A', True, {204, (404, 'NoSuchUpload')}),
    ('C1', False, {200, (404, 'NoSuchUpload'), (404, 'NoSuchBucket'), (503, 'ServiceUnavailable')})],
    ids=['Abort', 'Abort-versioned', 'Complete'])
def test_the_deletion_of_the_bucket(who, versioned, answers):
    """The upload ends with its bucket, whose containers go: the client is not told of an error of ours."""
    for made in range(1, requests_of(who, versioned) + 1):
        outcomes, _ = play(['%s makes %d requests' % (who, made), 'D ends', '%s ends' % who], versioned)

        assert outcomes[who] in answers, made
