# SPDX-License-Identifier: Apache-2.0
"""Timestamps of markers and manifests. A manifest is later than everything that its Complete has seen."""
from hypothesis import given
from hypothesis import strategies as st
from swift.common.utils import Timestamp

from s3multi.upload.records import State, list_name
from s3multi.upload.timestamps import intent_end, just_after, manifest_timestamp, marker_time, plain_time, swift_time

ETAG = 'b30cd09b6c3eb4479a7c721f1a044234-3'
MARKERS = (State.OPEN, State.ABORTING, State.ABORTED, None)

timestamps = st.builds(lambda ticks, offset: Timestamp('%010d.%05d' % divmod(ticks, 100000), offset=offset),
                       st.integers(1767225600 * 100000, 1800000000 * 100000), st.integers(0, 3))
names = st.lists(st.text(st.characters(blacklist_characters='\0', blacklist_categories=('Cs',))), max_size=5)
LIST = list_name(ETAG, ['part'])


@given(st.integers(1767225600 * 100000, 1800000000 * 100000))
def test_ticks_are_the_unit_of_swift(ticks):
    """A tick is 10 microseconds."""
    assert ticks == swift_time(ticks).raw


@given(timestamps)
def test_just_after(timestamp):
    """It is after the timestamp and before the next tick of any clock."""
    assert timestamp < just_after(timestamp) < just_after(timestamp, 2) < Timestamp(float(timestamp), delta=1)


def test_the_end_of_an_intent():
    """It is later than the intent was ever written, however many have joined it, and before that of another list."""
    now = Timestamp('1790000000.00000')
    first, second = sorted(manifest_timestamp('%s:%064x' % (ETAG, digest), now) for digest in (8, 9))

    assert first < just_after(first, 20000) < intent_end(first) < second


def test_times_of_a_marker():
    """Each state replaces the one before it, and all are older than any T, which is at the next tick or later."""
    initiated = Timestamp('1790000000.00000')
    times = [marker_time(initiated, marker) for marker in MARKERS]

    assert times == sorted(set(times))
    assert initiated == times[0] and times[-1] < Timestamp(float(initiated), delta=1)


@given(timestamps, st.lists(timestamps, max_size=4))
def test_a_manifest_is_later_than_all_that_its_complete_has_seen(now, seen):
    """Otherwise Swift would answer its writes with 202 and keep what is there, tombstones included."""
    found = manifest_timestamp(LIST, now, *seen)

    assert float(found) >= float(now)
    assert all(found > earlier for earlier in seen)


@given(timestamps, timestamps)
def test_a_manifest_has_the_present_time_when_nothing_later_was_seen(now, earlier):
    """So the time of the object is that of its Complete."""
    if float(earlier) < float(now):
        assert now.normal == manifest_timestamp(LIST, now, earlier).normal


@given(timestamps, st.integers(1, 3))
def test_a_manifest_lies_beyond_every_offset_of_what_was_seen(seen, offset):
    """Records are deleted just after T. Their tombstones are still older than the next T."""
    tombstone = Timestamp(Timestamp(float(seen)).internal, offset=offset)

    assert manifest_timestamp(LIST, Timestamp(float(seen) - 5), tombstone) > tombstone


@given(timestamps, timestamps, names, names)
def test_two_lists_never_have_one_timestamp(now, seen, one, other):
    """Each would take the other's intent for its own. The same list may have the same one, for the same write."""
    first, second = (manifest_timestamp(list_name(ETAG, parts), now, seen) for parts in (one, other))

    assert (one == other) == (first == second)


@given(timestamps)
def test_a_manifest_has_no_offset(now):
    """container-sync would not copy it. Where clocks are behind, two lists differ nevertheless."""
    seen = Timestamp(float(now) + 5)
    alone, first, second = (plain_time(manifest_timestamp(list_name(ETAG, [part]), now, *earlier))
                            for part, earlier in (('a', ()), ('a', (seen,)), ('b', (seen,))))

    assert now.normal == alone
    assert float(seen) < float(first) != float(second) > float(seen)
    assert 1.1 > max(float(first), float(second)) - float(seen)


@given(timestamps)
def test_what_comes_just_after_a_manifest(now):
    """There is room for the offsets that Swift and s3multi add to T."""
    latest = manifest_timestamp(ETAG + ':' + 64 * 'f', now)

    assert latest < Timestamp(latest.internal, offset=2) < Timestamp(latest.normal, delta=1)


@given(timestamps)
def test_id_of_a_version(now):
    """Swift makes it of the timestamp, without the offset."""
    assert now.normal == plain_time(Timestamp(now.normal, offset=7))
