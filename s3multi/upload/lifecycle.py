# SPDX-License-Identifier: Apache-2.0
"""The life of an upload: its stages, and every durable write that moves it from one to another. No I/O.

Marker, intent and object (``records``) together tell the stage. ``MOVES`` is complete: ``tests/model`` fails for a
write that it does not list, and for a listed write that nobody makes. The diagram and two tables of ``doc/design`` are
made from this module.
"""
import enum
from collections.abc import Mapping
from dataclasses import dataclass

from s3multi.upload.records import State


class Stage(enum.Enum):
    """How far an upload has come."""

    OPEN = 'open'
    COMPLETING = 'completing'
    VISIBLE = 'visible'
    CLOSING = 'closing'
    OVER = 'over'
    ABORTING = 'aborting'
    CONTESTED = 'contested'
    ABORTED = 'aborted'


@dataclass(frozen=True)
class Look:
    """What the records say in a stage, and how the stage ends.

    markers: the states that the marker may have; empty if there is no marker. intent, visible: whether there is an
    intent, and whether the object is at the key or a version of it; None if both occur. ends: a sentence for the docs.
    """

    markers: 'frozenset[State]'
    intent: 'bool | None'
    visible: 'bool | None'
    ends: str


def _look(markers: 'tuple[State, ...]', intent: 'bool | None', visible: 'bool | None', ends: str) -> Look:
    return Look(frozenset(markers), intent, visible, ends)


LOOKS: 'Mapping[Stage, Look]' = {
    Stage.OPEN: _look((State.OPEN,), False, False, 'The client completes or aborts it.'),
    Stage.COMPLETING: _look(
        (State.OPEN,), True, False,
        'The Complete goes on; the same list joins it. After the lease a Complete deletes the intent, an Abort wins.'),
    Stage.VISIBLE: _look(
        (State.OPEN, State.ABORTING), True, True,
        'The Complete goes on; the same list joins it. An Abort, or after the lease any Complete, deletes the marker.'),
    Stage.CLOSING: _look(
        (), True, None, 'The Complete that wrote the intent deletes it. An intent that is left costs nothing.'),
    Stage.OVER: _look((), False, None, 'It has ended: as the object, as one replaced since, or with its bucket.'),
    Stage.ABORTING: _look((State.ABORTING,), False, False, 'The next Abort or Complete makes it aborted.'),
    Stage.CONTESTED: _look(
        (State.ABORTING,), True, False,
        'The Complete may have passed before the flag, and goes on. After the lease an Abort wins.'),
    Stage.ABORTED: _look((State.ABORTED,), None, False, 'It has ended. A repeated Abort frees parts that came late.'),
}


def stage_of(marker: 'State | None', intent: bool, visible: bool) -> 'Stage | None':
    """Return the stage of an upload that was begun; None for a combination that must never occur.

    marker: None if there is none; COMPLETED counts as none. visible: whether its object is at the key, or a version of
    it that was the latest once, or that has the time of the intent.
    """
    if marker is State.COMPLETED:
        marker = None
    for stage, look in LOOKS.items():
        if (marker in look.markers if marker else not look.markers) and look.intent in (None, intent) \
                and look.visible in (None, visible):
            return stage
    return None


class Actor(enum.Enum):
    """Who writes: an S3 operation, the sweep, or (CLIENT) whoever writes to the key, through S3 or Swift."""

    INITIATE = 'Initiate'
    UPLOAD_PART = 'Upload Part'
    COPY_PART = 'Upload Part Copy'
    COMPLETE = 'Complete'
    ABORT = 'Abort'
    DELETE_BUCKET = 'Delete Bucket'
    REPLACE = 'Put, Copy or Delete Object'
    SWEEP = 's3multi-sweep'
    CLIENT = 'anybody'


class At(enum.Enum):
    """The timestamp of a write. t0 is the time in the upload id, T that of the manifest; ``.1`` is just after it.

    T0_N, T_N: just after what was read, and so after other flags, or intents of this T. T_END: later than any T_N, but
    before another T. T0_LATE, T0_END: later than any T0_N, one after the other, but before the next tick. SINCE: the
    present time, or a later one where the clock of the proxy is behind what has to be replaced.
    """

    T0 = 't0'
    T0_N = 't0.n'
    T0_LATE = 't0.late'
    T0_END = 't0.end'
    T = 'T'
    T_1 = 'T.1'
    T_2 = 'T.2'
    T_N = 'T.n'
    T_END = 'T.end'
    SINCE = 'now'


@dataclass(frozen=True)
class Move:
    """A durable write. steps: pairs of the stage before the write (None: there was no upload) and the one after."""

    write: str
    at: At
    by: 'tuple[Actor, ...]'
    steps: 'tuple[tuple[Stage | None, Stage], ...]'


def _stays(*stages: Stage) -> 'tuple[tuple[Stage, Stage], ...]':
    return tuple((stage, stage) for stage in stages)


_WRITERS_OF_PARTS = (Actor.UPLOAD_PART, Actor.COPY_PART)
_ENDING = (Actor.COMPLETE, Actor.ABORT, Actor.DELETE_BUCKET, Actor.SWEEP)

MOVES = (
    Move('PUT open', At.T0, (Actor.INITIATE,), ((None, Stage.OPEN),)),
    # A late Complete leaves the stage as it finds it. Of two intents the newer one stands. One that is written after
    # ``aborted``, or when the marker is gone, stays until the sweep and does no harm. From VISIBLE to another stage:
    # the older intent is that of a Complete which has stored a version, and has not shown it as the latest.
    Move('PUT intent', At.T, (Actor.COMPLETE,), (
        (Stage.OPEN, Stage.COMPLETING), (Stage.ABORTING, Stage.CONTESTED), (Stage.OVER, Stage.CLOSING),
        (Stage.VISIBLE, Stage.COMPLETING), (Stage.VISIBLE, Stage.CONTESTED),
        *_stays(Stage.COMPLETING, Stage.VISIBLE, Stage.CLOSING, Stage.CONTESTED, Stage.ABORTED))),
    # A Complete that joins writes it again: nobody knows how many replicas it has reached.
    Move('PUT intent', At.T_N, (Actor.COMPLETE,), _stays(
        Stage.COMPLETING, Stage.VISIBLE, Stage.CLOSING, Stage.CONTESTED, Stage.ABORTED)),
    # In a bucket with versions there are two such writes: the version, and the link at the key. Where a newer intent
    # covers that of a Complete, only its link makes its version the object.
    Move('PUT manifest', At.T, (Actor.COMPLETE,), (
        (Stage.COMPLETING, Stage.VISIBLE), (Stage.CONTESTED, Stage.VISIBLE),
        *_stays(Stage.COMPLETING, Stage.CONTESTED, Stage.VISIBLE, Stage.CLOSING, Stage.OVER))),
    # From COMPLETING and CONTESTED: the object was replaced meanwhile. From ABORTED: the lease is over as well, and an
    # Abort has won.
    Move('DELETE marker', At.T_1, _ENDING, (
        (Stage.VISIBLE, Stage.CLOSING), (Stage.COMPLETING, Stage.CLOSING), (Stage.CONTESTED, Stage.CLOSING),
        (Stage.ABORTED, Stage.CLOSING))),
    # As the DELETE of the marker, whose place it takes. Once OVER: that DELETE has missed a replica.
    Move('PUT completed', At.T_1, (Actor.COMPLETE,), (
        (Stage.VISIBLE, Stage.CLOSING), (Stage.COMPLETING, Stage.CLOSING), (Stage.CONTESTED, Stage.CLOSING),
        (Stage.ABORTED, Stage.CLOSING), *_stays(Stage.CLOSING, Stage.OVER))),
    # One Complete, or who ends it, meets what another has written with an earlier T.
    Move('DELETE completed', At.T_1, _ENDING, _stays(Stage.CLOSING, Stage.OVER)),
    Move('DELETE completed', At.T_2, (Actor.COMPLETE, Actor.DELETE_BUCKET, Actor.SWEEP, Actor.REPLACE), _stays(
        Stage.CLOSING, Stage.OVER)),
    Move('DELETE intent', At.T_END, _ENDING, (
        (Stage.CLOSING, Stage.OVER), (Stage.COMPLETING, Stage.OPEN), (Stage.CONTESTED, Stage.ABORTING),
        *_stays(Stage.ABORTED))),
    # A flag that was found is written again: nobody knows how many replicas it has reached.
    Move('PUT aborting', At.T0_N, _ENDING, (
        (Stage.OPEN, Stage.ABORTING), (Stage.COMPLETING, Stage.CONTESTED),
        *_stays(Stage.ABORTING, Stage.CONTESTED, Stage.VISIBLE))),
    Move('PUT aborted', At.T0_LATE, _ENDING, (
        (Stage.ABORTING, Stage.ABORTED), (Stage.CONTESTED, Stage.ABORTED))),
    Move('DELETE aborted', At.T0_END, (Actor.DELETE_BUCKET,), (
        (Stage.ABORTED, Stage.OVER), (Stage.ABORTED, Stage.CLOSING))),
    # Long after the Abort. Swift would soon forget a tombstone with the timestamp of an old Initiate.
    Move('DELETE aborted', At.SINCE, (Actor.SWEEP,), (
        (Stage.ABORTED, Stage.OVER), (Stage.ABORTED, Stage.CLOSING))),
    Move('replace object', At.SINCE, (Actor.CLIENT,), (
        (Stage.VISIBLE, Stage.COMPLETING), (Stage.VISIBLE, Stage.CONTESTED),
        *_stays(Stage.VISIBLE, Stage.CLOSING, Stage.OVER))),
    # The object becomes a version, or somebody copies its manifest.
    Move('copy object', At.SINCE, (Actor.CLIENT,), _stays(Stage.VISIBLE, Stage.CLOSING, Stage.OVER)),
    Move('PUT part', At.SINCE, _WRITERS_OF_PARTS, _stays(*Stage)),
    Move('free parts', At.SINCE, (*_WRITERS_OF_PARTS, Actor.ABORT, Actor.DELETE_BUCKET, Actor.SWEEP), _stays(
        Stage.ABORTED, Stage.CLOSING, Stage.OVER)),
    # A Complete frees the parts that it did not list, and both free the parts of the object that they replaced.
    Move('free parts', At.SINCE, (Actor.COMPLETE, Actor.REPLACE), _stays(Stage.CLOSING, Stage.OVER)),
)
