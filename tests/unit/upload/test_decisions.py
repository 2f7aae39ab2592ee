# SPDX-License-Identifier: Apache-2.0
"""What is done next in each state of an upload: the table of ``doc/design``, row by row."""
from functools import partial

import pytest
from swift.common.utils import Timestamp

from s3multi.upload.decisions import (UNREAD, Step, View, abort_step, complete_step, flagged_abort_step, follow,
                                      has_won, intent_serves, open_step, refused_abort_step, repeat_step, sweep_step)
from s3multi.upload.records import LEASE_SECONDS, WRITE_BEFORE_SECONDS, Intent, ObjectAtKey, State, UploadMarker

NOW = Timestamp(1790000000.0)
OURS, ETAG = 'our-upload', '0' * 32 + '-2'
SAME, OTHER = ETAG + ':same', ETAG + ':other'
FRESH, OVER = 1.0, LEASE_SECONDS + 1.0

READS = {Step.READ_MARKER, Step.READ_INTENT, Step.READ_OBJECT}


def marker_of(state):
    """Return a marker of this state; None if ``state`` is None, for one that is gone."""
    return UploadMarker(State(state), Timestamp(1.0)) if state else None


def intent_of(age, name=SAME):
    """Return the intent of a Complete that began ``age`` seconds ago; None if ``age`` is None."""
    return Intent(name, Timestamp(float(NOW) - age)) if age is not None else None


def object_of(there, etag=ETAG):
    """Return what is at the key: the object of the upload, made under an intent of the age FRESH, or nothing."""
    return ObjectAtKey(OURS, etag, Timestamp(float(NOW) - FRESH)) if there else ObjectAtKey()


def outcome(decide, state, age, there, name=SAME, view=None):
    """Return the step to which ``decide`` comes if the records say this, and the steps that read for it, in order."""
    reads = []
    answers = {Step.READ_MARKER: marker_of(state), Step.READ_INTENT: intent_of(age, name),
               Step.READ_OBJECT: object_of(there)}

    def read(step, _view):
        reads.append(step)
        return answers[step]

    step, _ = follow(view or View(OURS), decide, read)
    return step, reads


def complete(state, age, there, name):
    """Return the step for a Complete of the list SAME, which has written its intent if there is no other, and has
    confirmed another one of its list.
    """
    own = View(OURS, intent=intent_of(0.0), own_intent=True) if age is None else None
    decide = partial(complete_step, list_name=SAME, now=NOW)
    step = outcome(decide, state, age, there, name, own)[0]
    if step is Step.CONFIRM:
        step = outcome(decide, state, age, there, name, View(OURS, intent=intent_of(age, name), confirmed=True))[0]
    return step


# Marker, age of the intent, and whether the object is there; then the steps of a Complete of the same and of another
# list, of Abort, Upload Part, and the sweep.
@pytest.mark.parametrize('state, age, there, same, other, abort, part, sweep', [
    ('open', None, False, Step.GO_ON, Step.GO_ON, Step.FLAG, Step.GO_ON, Step.LEAVE),
    ('open', FRESH, False, Step.JOIN, Step.BUSY, Step.FLAG, Step.GO_ON, Step.BUSY),
    ('open', FRESH, True, Step.JOIN, Step.BUSY, Step.FLAG, Step.GO_ON, Step.BUSY),
    ('open', OVER, True, Step.FINISH, Step.FINISH, Step.FLAG, Step.GO_ON, Step.FINISH),
    ('open', OVER, False, Step.REMOVE_INTENT, Step.REMOVE_INTENT, Step.FLAG, Step.GO_ON, Step.LEAVE),
    ('aborting', None, False, Step.SETTLE, Step.SETTLE, Step.FLAG, Step.SETTLE, Step.ABORT),
    ('aborting', FRESH, False, Step.SETTLE, Step.SETTLE, Step.FLAG, Step.SETTLE, Step.BUSY),
    ('aborting', FRESH, True, Step.SETTLE, Step.SETTLE, Step.FLAG, Step.SETTLE, Step.BUSY),
    ('aborting', OVER, True, Step.SETTLE, Step.SETTLE, Step.FLAG, Step.SETTLE, Step.FINISH),
    ('aborting', OVER, False, Step.SETTLE, Step.SETTLE, Step.FLAG, Step.SETTLE, Step.ABORT),
    ('aborted', None, False, Step.ABORTED, Step.ABORTED, Step.ABORTED, Step.ABORTED, Step.ABORTED),
    ('aborted', FRESH, False, Step.ABORTED, Step.ABORTED, Step.ABORTED, Step.ABORTED, Step.BUSY),
    ('aborted', OVER, False, Step.ABORTED, Step.ABORTED, Step.ABORTED, Step.ABORTED, Step.ABORTED),
    (None, None, True, Step.COMPLETED, Step.COMPLETED, Step.COMPLETED, Step.COMPLETED, Step.JUDGE),
    (None, FRESH, True, Step.COMPLETED, Step.COMPLETED, Step.COMPLETED, Step.COMPLETED, Step.BUSY),
    (None, OVER, True, Step.COMPLETED, Step.COMPLETED, Step.COMPLETED, Step.COMPLETED, Step.JUDGE),
])
def test_what_is_next(state, age, there, same, other, abort, part, sweep):
    """Each operation decides by what the records say."""
    assert (same, other, abort, part, sweep) == (
        complete(state, age, there, SAME), complete(state, age, there, OTHER),
        outcome(partial(abort_step, now=NOW), state, age, there)[0], outcome(open_step, state, age, there)[0],
        outcome(partial(sweep_step, may_abort=False, now=NOW), state, age, there)[0])


@pytest.mark.parametrize('age, there, step', [
    (None, False, Step.END_ABORT), (FRESH, False, Step.BUSY), (FRESH, True, Step.FINISH), (OVER, True, Step.FINISH),
    (OVER, False, Step.END_ABORT)])
def test_an_abort_whose_flag_is_stored(age, there, step):
    """It decides by the intent and the object; a flag that it has only found would prove nothing."""
    view = View(OURS, marker_of('aborting'), flagged=True)

    assert step is outcome(partial(abort_step, now=NOW), 'aborting', age, there, view=view)[0]


@pytest.mark.parametrize('age, there, name, step', [
    pytest.param(None, True, SAME, Step.COMPLETED, id='no-intent'),
    pytest.param(FRESH, True, SAME, Step.COMPLETED, id='of-the-same-list'),
    pytest.param(FRESH, True, OTHER, Step.BUSY, id='another-list-may-replace-it'),
    pytest.param(FRESH - 0.5, True, SAME, Step.BUSY, id='a-later-one-may-hide-another-list'),
    pytest.param(FRESH + 0.5, True, SAME, Step.COMPLETED, id='an-earlier-one-hides-nothing-that-matters'),
    pytest.param(OVER, True, OTHER, Step.COMPLETED, id='another-list-that-died'),
    pytest.param(None, False, SAME, Step.ABORTED, id='no-object'),
    pytest.param(FRESH, False, OTHER, Step.ABORTED, id='no-object-and-another-list'),
])
def test_a_complete_without_a_marker(age, there, name, step):
    """It answers 200 while the object at the key is the upload's, else 404."""
    assert step is outcome(partial(repeat_step, etag=ETAG, list_name=SAME, now=NOW), None, age, there, name)[0]


@pytest.mark.parametrize('name, step', [(SAME, Step.COMPLETED), (OTHER, Step.COMPLETED), ('f' + SAME[1:], Step.BUSY)])
def test_a_complete_whose_parts_are_not_known(name, step):
    """It goes by the ETag alone, with which the name of a list begins."""
    assert step is outcome(partial(repeat_step, etag=ETAG, list_name=None, now=NOW), None, FRESH, True, name)[0]


@pytest.mark.parametrize('found, age, won', [
    pytest.param(SAME, FRESH, True, id='still-its-own'),
    pytest.param(OTHER, FRESH, False, id='that-of-another-list'),
    pytest.param(SAME, FRESH - 0.5, False, id='a-later-one-of-its-list'),
    pytest.param(SAME, None, False, id='gone'),
    pytest.param(SAME, OVER, False, id='its-own-and-the-lease-is-over'),
])
def test_the_intent_at_the_end_of_a_complete(found, age, won):
    """Only if it is its own, to the very timestamp, does it prove that no other Complete has passed later."""
    own = intent_of(OVER if age == OVER else FRESH)

    assert won is has_won(own, intent_of(age, found), NOW)


@pytest.mark.parametrize('name, older, serves', [
    (SAME, [], True), (SAME, [FRESH + 0.5, OVER], True), (SAME, [FRESH], False), (SAME, [OVER, FRESH - 0.5], False),
    (OTHER, [], False)])
def test_an_intent_that_was_begun_early(name, older, serves):
    """It serves a Complete if the list is proven as foreseen, and its T is later than all that has to be replaced."""
    times = [Timestamp(float(NOW) - age) for age in older]

    assert serves is intent_serves(intent_of(FRESH, name), SAME, times)


def test_an_object_with_another_etag():
    """It is the object of another list."""
    view = View(OURS, intent=None, object=object_of(True, 'f' * 32 + '-2'))

    assert Step.ABORTED is repeat_step(view, ETAG, SAME, NOW)


@pytest.mark.parametrize('age, own, step', [
    (0.0, True, Step.GO_ON), (WRITE_BEFORE_SECONDS - 1, True, Step.GO_ON), (WRITE_BEFORE_SECONDS, True, Step.TOO_LATE),
    (OVER, True, Step.TOO_LATE), (WRITE_BEFORE_SECONDS - 1, False, Step.JOIN),
    (WRITE_BEFORE_SECONDS, False, Step.TOO_LATE), (LEASE_SECONDS - 1, False, Step.TOO_LATE)])
def test_a_complete_that_is_late(age, own, step):
    """It does not write its manifest, which could come after the end of the lease and so after an Abort."""
    view = View(OURS, marker_of('open'), intent_of(age), own_intent=own, confirmed=not own)

    assert step is complete_step(view, SAME, NOW)


@pytest.mark.parametrize('age, name, reads, step', [
    (FRESH, SAME, [Step.READ_INTENT], Step.CONFIRM),
    (FRESH, OTHER, [Step.READ_INTENT, Step.READ_MARKER], Step.BUSY),
    (WRITE_BEFORE_SECONDS, SAME, [Step.READ_INTENT, Step.READ_MARKER], Step.TOO_LATE)])
def test_an_intent_that_was_found(age, name, reads, step):
    """A Complete that can join writes it again before it reads the marker: one replica may be all that has it."""
    assert (step, reads) == outcome(partial(complete_step, list_name=SAME, now=NOW), 'open', age, False, name)


def test_an_intent_that_went_away():
    """The Complete tries again to write its own."""
    assert Step.TRY_AGAIN is complete_step(View(OURS, marker_of('open'), None), SAME, NOW)


@pytest.mark.parametrize('state, step', [
    (None, Step.COMPLETED), ('aborted', Step.ABORTED), ('aborting', Step.BUSY), ('open', Step.BUSY)])
def test_an_abort_that_was_outrun(state, step):
    """A Complete has taken intent and marker away after the flag, or another Abort has come to its end."""
    assert step is refused_abort_step(marker_of(state))


@pytest.mark.parametrize('state, step', [
    ('aborting', Step.ABORTED), ('aborted', Step.ABORTED), (None, Step.COMPLETED), ('open', Step.BUSY)])
def test_an_abort_that_found_no_intent(state, step):
    """While its flag is there, nothing has ended the upload, and no Complete passes."""
    assert step is flagged_abort_step(marker_of(state))


@pytest.mark.parametrize('state, age, step', [
    ('open', None, Step.ABORT), ('open', FRESH, Step.BUSY), ('open', OVER, Step.ABORT), (None, None, Step.JUDGE),
    ('aborted', None, Step.ABORTED)])
def test_uploads_that_a_sweep_may_abort(state, age, step):
    """It aborts forgotten uploads, unless a Complete is at work."""
    assert step is outcome(partial(sweep_step, may_abort=True, now=NOW), state, age, False)[0]


# The order of the reads

@pytest.mark.parametrize('decide, state, age, reads', [
    pytest.param(partial(complete_step, list_name=SAME, now=NOW), 'open', OVER,
                 [Step.READ_INTENT, Step.READ_MARKER, Step.READ_OBJECT], id='complete'),
    pytest.param(partial(abort_step, now=NOW), 'aborting', OVER, [Step.READ_MARKER], id='abort'),
    pytest.param(partial(sweep_step, may_abort=False, now=NOW), 'open', OVER,
                 [Step.READ_MARKER, Step.READ_INTENT, Step.READ_OBJECT], id='sweep'),
    pytest.param(partial(repeat_step, etag=ETAG, list_name=SAME, now=NOW), None, None,
                 [Step.READ_INTENT, Step.READ_OBJECT], id='repeat'),
    pytest.param(open_step, 'open', None, [Step.READ_MARKER], id='upload-part'),
])
def test_the_order_of_the_reads(decide, state, age, reads):
    """The reads come in the order on which the protocol relies: marker and intent, and then the object."""
    assert reads == outcome(decide, state, age, False)[1]


@pytest.mark.parametrize('age, reads', [(OVER, [Step.READ_INTENT, Step.READ_OBJECT]), (None, [Step.READ_INTENT])])
def test_what_an_abort_reads_after_its_flag(age, reads):
    """It reads the intent, and the object if there is one."""
    view = View(OURS, marker_of('aborting'), flagged=True)

    assert reads == outcome(partial(abort_step, now=NOW), 'aborting', age, False, view=view)[1]


def test_what_was_read_is_not_read_again():
    """Each step that reads fills its own field of the view."""
    view = View(OURS, marker_of('aborting'), None, object_of(False), flagged=True)
    steps = {abort_step(view, NOW), complete_step(view, SAME, NOW), sweep_step(view, False, NOW),
             repeat_step(view, ETAG, SAME, NOW), open_step(view)}

    assert not steps & READS
    assert UNREAD not in (view.marker, view.intent, view.object)
