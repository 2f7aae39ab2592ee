# SPDX-License-Identifier: Apache-2.0
"""The records of an upload: when an intent is believed, and which timestamp a manifest gets."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from swift.common.utils import Timestamp

from s3multi.upload.records import (LEASE_SECONDS, WRITE_BEFORE_SECONDS, Finished, Intent, Marker, State,
                                    manifest_timestamp, name_choice, plain_time)

T = 1790000000.0
ETAG = 'b30cd09b6c3eb4479a7c721f1a044234-3'

timestamps = st.builds(lambda ticks, offset: Timestamp('%010d.%05d' % divmod(ticks, 100000), offset=offset),
                       st.integers(1767225600 * 100000, 1800000000 * 100000), st.integers(0, 3))
names = st.lists(st.text(st.characters(blacklist_characters='\0', blacklist_categories=('Cs',))), max_size=5)
CHOICE = name_choice(ETAG, ['part'])


@pytest.mark.parametrize('age, fresh, may_write', [
    pytest.param(-30.0, True, True, id='of-a-faster-clock'),
    pytest.param(0.0, True, True, id='just-written'),
    pytest.param(WRITE_BEFORE_SECONDS - 0.01, True, True, id='just-in-time'),
    pytest.param(WRITE_BEFORE_SECONDS, True, False, id='too-late-to-write'),
    pytest.param(LEASE_SECONDS - 0.01, True, False, id='end-of-the-lease'),
    pytest.param(LEASE_SECONDS, False, False, id='lease-is-over'),
    pytest.param(LEASE_SECONDS * 100, False, False, id='long-dead'),
])
def test_an_intent_ages(age, fresh, may_write):
    """Its Complete may write for a third of the lease; only after all of it may somebody else decide."""
    intent, now = Intent('chosen', Timestamp(T)), Timestamp(T + age)

    assert (fresh, may_write) == (intent.is_fresh(now), intent.may_still_write(now))


def test_the_lease_leaves_time_for_the_write_itself():
    """From the last look at the clock to the end of the lease there are 40 seconds for one PUT and skewed clocks."""
    assert 40 == LEASE_SECONDS - WRITE_BEFORE_SECONDS


@given(timestamps, st.lists(timestamps, max_size=4))
def test_a_manifest_is_later_than_all_that_its_complete_has_seen(now, seen):
    """Else Swift would answer its writes with 202 and keep what is there, tombstones included."""
    chosen = manifest_timestamp(CHOICE, now, *seen)

    assert float(chosen) >= float(now)
    assert all(chosen > earlier for earlier in seen)


@given(timestamps, timestamps)
def test_a_manifest_has_the_present_time_when_nothing_later_was_seen(now, earlier):
    """The time of the object is that of its Complete."""
    if float(earlier) < float(now):
        assert now.normal == manifest_timestamp(CHOICE, now, earlier).normal


@given(timestamps, st.integers(1, 3))
def test_a_manifest_lies_beyond_every_offset_of_what_was_seen(seen, offset):
    """Records are deleted at T offset 1: such a tombstone is still older than the next T."""
    tombstone = Timestamp(Timestamp(float(seen)).internal, offset=offset)

    assert manifest_timestamp(CHOICE, Timestamp(float(seen) - 5), tombstone) > tombstone


@given(timestamps, timestamps, names, names)
def test_two_lists_never_have_one_timestamp(now, seen, one, other):
    """Each would take the other's intent for its own. One list has one: that is the same write."""
    first, second = (manifest_timestamp(name_choice(ETAG, parts), now, seen) for parts in (one, other))

    assert (one == other) == (first == second)


@given(timestamps)
def test_a_manifest_has_no_offset(now):
    """Nobody would copy it. On slow clocks two lists differ all the same."""
    seen = Timestamp(float(now) + 5)
    alone, first, second = (plain_time(manifest_timestamp(name_choice(ETAG, [part]), now, *earlier))
                            for part, earlier in (('a', ()), ('a', (seen,)), ('b', (seen,))))

    assert now.normal == alone
    assert float(seen) < float(first) != float(second) > float(seen)
    assert 1.1 > max(float(first), float(second)) - float(seen)


@given(timestamps)
def test_what_comes_just_after_a_manifest(now):
    """There is always room for the offsets that Swift and s3multi add to T."""
    latest = manifest_timestamp(ETAG + ':' + 64 * 'f', now)

    assert latest < Timestamp(latest.internal, offset=2) < Timestamp(latest.normal, delta=1)


@given(timestamps)
def test_id_of_a_version(now):
    """As Swift makes it of the timestamp: without the offset."""
    assert now.normal == plain_time(Timestamp(now.normal, offset=7))


@given(names, names)
def test_a_choice_names_one_list(one, other):
    """The same list has the same name; another list, or another order, has another."""
    assert (one == other) == (name_choice(ETAG, one) == name_choice(ETAG, other))


@pytest.mark.parametrize('one, other', [
    pytest.param(['ab', 'c'], ['a', 'bc'], id='moved-border'),
    pytest.param(['a'], ['a', ''], id='one-more'),
    pytest.param([], [''], id='none-and-empty'),
])
def test_choices_that_run_together_differ(one, other):
    """Names are told apart, not only their concatenation."""
    assert name_choice(ETAG, one) != name_choice(ETAG, other)


def test_a_choice_begins_with_its_etag():
    """A Complete that has no parts to look at any more can still tell whether the intent has its ETag."""
    assert name_choice(ETAG, ['a', 'b\udcff']).startswith(ETAG + ':')
    assert name_choice(ETAG, ['a']) != name_choice(ETAG[:-1] + '4', ['a'])


def test_states_are_words_that_stay():
    """They stand in the content type of markers that earlier releases wrote."""
    assert {'OPEN': 'open', 'ABORTING': 'aborting', 'ABORTED': 'aborted'} == {
        state.name: state.value for state in State}


def test_records_are_values():
    """What was read is compared as a whole and never shared by accident."""
    one, other = Marker(State.OPEN, Timestamp(T)), Marker(State.OPEN, Timestamp(T))

    assert one == other
    assert one.headers is not other.headers
    assert Finished() == Finished(None, None, None)
