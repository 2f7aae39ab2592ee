# SPDX-License-Identifier: Apache-2.0
"""The records of an upload as values: how long an intent is fresh, what a marker tells, and how lists are named."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from swift.common.utils import Timestamp

from s3multi.s3.checksums import TYPES, ChecksumChoice
from s3multi.upload.records import (LEASE_SECONDS, MARKER_TYPE, WRITE_BEFORE_SECONDS, Intent, MarkerType, ObjectAtKey,
                                    State, UploadMarker, list_name)

T = 1790000000.0
ETAG = 'b30cd09b6c3eb4479a7c721f1a044234-3'

names = st.lists(st.text(st.characters(blacklist_characters='\0', blacklist_categories=('Cs',))), max_size=5)


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
    """Its Complete may begin to write for a third of the lease. Others may decide only after the whole lease."""
    intent, now = Intent('list', Timestamp(T)), Timestamp(T + age)

    assert (fresh, may_write) == (intent.is_fresh(now), intent.may_still_write(now))


def test_the_lease_leaves_time_for_the_write_itself():
    """From the last look at the clock to the end of the lease there are 40 seconds, for one PUT and skewed clocks."""
    assert 40 == LEASE_SECONDS - WRITE_BEFORE_SECONDS


@given(names, names)
def test_a_name_is_of_one_list(one, other):
    """Equal lists have the same name. Another list, or another order, has another name."""
    assert (one == other) == (list_name(ETAG, one) == list_name(ETAG, other))


@pytest.mark.parametrize('one, other', [
    pytest.param(['ab', 'c'], ['a', 'bc'], id='moved-border'),
    pytest.param(['a'], ['a', ''], id='one-more'),
    pytest.param([], [''], id='none-and-empty'),
])
def test_lists_that_run_together_differ(one, other):
    """The names of parts are told apart; their concatenation alone would not do."""
    assert list_name(ETAG, one) != list_name(ETAG, other)


def test_a_name_begins_with_its_etag():
    """A Complete that finds no parts any more can still tell whether an intent has its ETag."""
    assert list_name(ETAG, ['a', 'b\udcff']).startswith(ETAG + ':')
    assert list_name(ETAG, ['a']) != list_name(ETAG[:-1] + '4', ['a'])


def test_states_are_words_that_stay():
    """The content types of markers that earlier releases wrote contain them."""
    assert {'OPEN': 'open', 'ABORTING': 'aborting', 'ABORTED': 'aborted',
            'COMPLETED': 'completed'} == {
        state.name: state.value for state in State}


def test_records_are_values():
    """Records are compared as a whole, and never share headers."""
    one, other = UploadMarker(State.OPEN, Timestamp(T)), UploadMarker(State.OPEN, Timestamp(T))

    assert one == other
    assert one.headers is not other.headers
    assert ObjectAtKey() == ObjectAtKey(None, None, Timestamp(0))


# The content type of a marker

@pytest.mark.parametrize('content_type, state', [
    pytest.param(MARKER_TYPE + ';state=open', State.OPEN, id='open'),
    pytest.param(MARKER_TYPE + ';state=aborting', State.ABORTING, id='aborting'),
    pytest.param(MARKER_TYPE + ';state=aborted', State.ABORTED, id='aborted'),
    pytest.param(MARKER_TYPE + '; state=open', State.OPEN, id='blank'),
    pytest.param(MARKER_TYPE + ';state=odd', None, id='state-of-a-later-release'),
    pytest.param(MARKER_TYPE, None, id='no-state'),
    pytest.param('application/octet-stream;state=open', None, id='other-object'),
    pytest.param('', None, id='none'),
])
def test_states_in_content_types(content_type, state):
    """A listing shows the state, so no marker has to be asked for."""
    assert state is MarkerType.decode(content_type).state


@pytest.mark.parametrize('algorithm, kind', [(name, kind) for name, kinds in TYPES.items() for kind in kinds])
def test_checksums_in_content_types(algorithm, kind):
    """A listing shows what Initiate chose, beside the state."""
    marker = MarkerType(State.OPEN, 'u', ChecksumChoice(algorithm, kind))

    assert marker == MarkerType.decode(marker.encode())


@pytest.mark.parametrize('content_type', [MARKER_TYPE + ';state=open', '', MARKER_TYPE + ';checksum=crc32',
                                          MARKER_TYPE + ';checksum=md4;checksum-type=COMPOSITE',
                                          MARKER_TYPE + ';checksum=sha1;checksum-type=FULL_OBJECT'])
def test_no_checksums_in_content_types(content_type):
    """They are read as those of an upload that chose none."""
    assert MarkerType.decode(content_type).checksum is None


@pytest.mark.parametrize('initiator', ['test:tester', 'a;state=aborted', 'a"; state="aborted', '%41', 'a b', '/', '\n',
                                       't\u00e9nant:\U0001f600', ';initiator=b', 'swift_bytes=1', ''])
def test_who_began_an_upload_in_content_types(initiator):
    """A listing shows the user too, in ASCII, and no user's name can add a parameter."""
    marker = MarkerType(State.OPEN, initiator, ChecksumChoice('crc32', 'COMPOSITE'))

    assert marker.encode().isascii() and marker.encode().isprintable()
    assert marker == MarkerType.decode(marker.encode())


@given(st.text(max_size=30))
def test_any_name_in_content_types(initiator):
    """Any name that an auth filter gives to a user can be written and read."""
    marker = MarkerType(State.OPEN, initiator)

    assert marker == MarkerType.decode(marker.encode())


@pytest.mark.parametrize('content_type', [MARKER_TYPE + ';state=open', 'a/b', ''])
def test_nobody_is_known_to_have_begun_an_upload(content_type):
    """Markers of older releases are like this."""
    assert '' == MarkerType.decode(content_type).initiator
