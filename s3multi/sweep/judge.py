# SPDX-License-Identifier: Apache-2.0
"""One upload of a sweep: what its records say, and what is done about it.

Every read on which a decision depends is answered by the newest replica, and comes in the order of
``upload.decisions``. At any point a sweep may meet an operation or another sweep, or be killed.
"""
from collections.abc import Iterable
from dataclasses import dataclass, replace

from swift.common.utils import Timestamp

from s3multi.operations import ending
from s3multi.operations.bucket import Bucket
from s3multi.operations.references import References, Uncertain
from s3multi.operations.unreferenced import claim, life_of, unlisted
from s3multi.s3.errors import NoSuchUpload, S3Error, ServiceUnavailable
from s3multi.s3.etags import part_count
from s3multi.s3.parts import Attempt
from s3multi.sweep import rules
from s3multi.sweep.rules import Limits
from s3multi.commands.walk import Found
from s3multi.upload.decisions import Step, View, follow, sweep_step
from s3multi.upload.lateness import Horizon, Life
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, State, UploadMarker
from s3multi.upload.timestamps import just_after, swift_time

# The outcomes.
OPEN, IN_USE, BUSY, KEPT = 'open', 'in use', 'busy', 'kept'
FINISHED, ABORTED, FREED, FORGOTTEN = 'finished', 'aborted', 'freed', 'forgotten'
FAILED = 'failed'
CHANGES = (FINISHED, ABORTED, FREED, FORGOTTEN)
# Why an upload is kept that was aborted.
LATELY = 'it was aborted lately'
OUTCOMES = (OPEN, IN_USE, BUSY, KEPT, *CHANGES, FAILED)


@dataclass(frozen=True)
class Outcome:
    """What was done about an upload, or would be without a dry run.

    what: one of the outcomes above. parts, bytes: how many are deleted. reason: why nothing was done, or why it failed,
    or the rule by which an upload was aborted.
    """

    upload: Upload
    what: str
    parts: int = 0
    bytes: int = 0
    reason: str = ''


def is_at_rest(found: Found, ended_before: int, limits: Limits, now: Timestamp) -> bool:
    """Return whether an upload is in progress and to be left alone, by its rows alone."""
    # A row may be late, but leaving an upload for the next sweep does no harm.
    return (found.state is State.OPEN and not found.has_intent
            and not rules.may_abort(found.upload, ended_before, limits, now))


def was_aborted_lately(found: Found, limits: Limits, now: Timestamp) -> bool:
    """Return whether an upload was aborted lately and nothing is left of it, by its rows alone."""
    return (rules.is_resting(found.state, found.aborted_at, limits, now)
            and not (found.attempts or found.has_intent or found.has_notes))


def is_in_use(found: Found, references: References) -> bool:
    """Return whether an upload is completed and has nothing to delete, by a glance at its object."""
    if found.state is not None or found.has_intent:
        return False
    # Any replica may answer: a wrong "yes" leaves parts for the next sweep, and after a "no" the upload is judged.
    at_key = references.glance(found.upload.key)
    return at_key.upload_id == found.upload.id and len(found.attempts) <= part_count(at_key.etag or '')


def marker_elsewhere(found: Found, bucket: Bucket) -> 'UploadMarker | None':
    """Return the marker if it lies apart from what was found: the upload is judged where that is met, too."""
    return bucket.records.marker(found.upload) if found.upload.is_apart and found.state is None else None


class Judge:
    """Decides about an upload, and acts unless this is a dry run."""

    def __init__(self, bucket: Bucket, references: References, ended_before: int, limits: Limits,
                 apply: bool) -> None:
        """ended_before: when the bucket was deleted, in units of 10 microseconds; uploads that are not newer ended with
        it. apply: whether to change anything.
        """
        self._bucket = bucket
        self._references = references
        self._ended_before = ended_before
        self._limits = limits
        self._apply = apply

    def run(self, found: Found) -> Outcome:
        """Do what is next for an upload, and return the outcome. Raises S3Error, and whatever else a request raises."""
        upload = found.upload
        if found.state is State.COMPLETED:
            return self._delete_completed(upload)
        step, view = follow(View(upload.id), lambda seen: self._decide(upload, seen),
                            ending.reader(self._bucket, upload))
        intent = view.intent if isinstance(view.intent, Intent) else None
        try:
            if step is Step.JUDGE:
                return self._judge(found, intent)
            if step is Step.FINISH:
                assert intent is not None
                return self._finish(upload, intent)
            if step is Step.ABORT:
                return self._abort(upload)
            if step is Step.ABORTED:
                assert isinstance(view.marker, UploadMarker)
                return self._free_aborted(upload, view.marker, intent)
        except Uncertain as doubt:
            return Outcome(upload, KEPT, reason=str(doubt))
        return Outcome(upload, BUSY if step is Step.BUSY else OPEN)

    def _delete_completed(self, upload: Upload) -> Outcome:
        """Delete the marker of an upload that is completed. Its parts are judged where they are met."""
        if self._apply and not self._bucket.records.delete_completed(upload):
            return Outcome(upload, KEPT, reason='its marker is gone already')
        return Outcome(upload, FINISHED)

    def _decide(self, upload: Upload, view: View) -> Step:
        now = self._bucket.now()
        return sweep_step(view, rules.may_abort(upload, self._ended_before, self._limits, now), now)

    def _finish(self, upload: Upload, intent: Intent) -> Outcome:
        if self._apply:
            ending.finish(self._bucket, upload, intent)
        return Outcome(upload, FINISHED)

    def _abort(self, upload: Upload) -> Outcome:
        if self._apply:
            try:
                # All the steps of an Abort: a Complete may begin at any moment.
                if not ending.abort(self._bucket, upload, looks=0):
                    # A version may list the parts. The next sweep asks the versions.
                    return Outcome(upload, ABORTED)
            except NoSuchUpload:
                return Outcome(upload, FINISHED)
            except ServiceUnavailable:
                return Outcome(upload, BUSY)
        outcome = self._free(upload, ABORTED, self._bucket.segments.attempts(upload))
        rule = rules.rule_to_abort(upload, self._limits, self._bucket.now())
        return replace(outcome, reason='by the rule ' + rule) if rule and outcome.what == ABORTED else outcome

    def _free_aborted(self, upload: Upload, marker: UploadMarker, intent: 'Intent | None') -> Outcome:
        """Free what is left of an upload that is marked aborted, and in the end forget the upload."""
        bucket = self._bucket
        if self._apply:
            try:
                # As a repeated Abort does, which looks once more for an object of the upload.
                if ending.abort(bucket, upload, looks=0):
                    intent = None
            except NoSuchUpload:
                return Outcome(upload, KEPT, reason='it is marked aborted, but its object exists')
        attempts: Iterable[Attempt] = bucket.segments.attempts(upload)
        if intent is not None and bucket.is_versioned:
            # The Abort has met a Complete. If two had overlapped, the other one may have left a version, whose parts
            # must not go. After the grace nothing that either has written can be late.
            if not rules.is_over(intent.timestamp, self._limits, bucket.now()):
                return Outcome(upload, BUSY)
            attempts = self._unlisted_of_aborted(upload, intent)
        freed = self._free(upload, FREED, attempts)
        if freed.parts or freed.what == FAILED:
            return freed
        if not rules.may_forget(marker, self._limits, bucket.now()):
            return Outcome(upload, KEPT, reason=LATELY)
        return self._forget(upload)

    def _forget(self, upload: Upload) -> Outcome:
        """Delete the records of an upload that was aborted long ago, if no part of it is left."""
        bucket = self._bucket
        # Without its marker, an upload of which parts are left would be taken for a completed one.
        if next(iter(bucket.segments.attempts(upload)), None) is not None:
            return Outcome(upload, KEPT, reason='a version lists some of its parts')
        if self._apply:
            # With the time of now, not of the Initiate: Swift soon forgets the tombstone of an old time, and then a
            # replica that has missed the deletion would bring the marker back.
            bucket.records.delete_marker(upload, swift_time(max(bucket.ticks(), upload.ticks + 1)))
            # After the marker: without one no Complete passes, so an intent whose lease is over means nothing.
            intent = bucket.records.intent(upload)
            if intent is not None and not intent.is_fresh(bucket.now()):
                bucket.records.delete_intent(upload, intent)
        return Outcome(upload, FORGOTTEN)

    def _judge(self, found: Found, intent: 'Intent | None') -> Outcome:
        """Free the parts to which nobody refers of an upload that is over: one that has no marker any more."""
        bucket, upload, limits = self._bucket, found.upload, self._limits
        known = Horizon.of(bucket.now(), limits.grace)
        # Within the grace a Complete that passed before the marker went may still write its manifest, and a write of it
        # may be late. The same for the Complete of an intent, which may have been written after the marker went.
        life = life_of(bucket, self._references, upload, lambda: intent, known)
        free: list[Attempt] = []
        if not limits.keep_finished:
            free = unlisted(bucket, self._references, upload, found.attempts, life, known)
        claimed = claim(bucket, upload, life.shared) if free and self._apply else None
        # Only now: its timestamp tells of a version that no listing may show, should the sweep be killed before.
        if intent is not None and self._apply:
            bucket.records.delete_intent(upload, intent)
        if free:
            outcome = self._free(upload, FREED, free)
            if claimed is not None and outcome.what == FREED:
                # They are gone, and others may be listed in manifests to come. If one may be left, nobody may list it.
                bucket.notes.release(upload, claimed)
            if outcome.what == FREED and not outcome.parts:
                return Outcome(upload, KEPT, reason='its parts are gone already')
            return outcome
        if intent is not None:
            return Outcome(upload, FINISHED)
        if life.shared is not None and next(iter(bucket.segments.attempts(upload)), None) is None:
            return self._forget_notes(upload, life.shared)
        if limits.keep_finished:
            return Outcome(upload, KEPT, reason='parts of finished uploads are to be kept')
        if any(attempt.began_ticks < known.shown_before for attempt in found.attempts):
            return Outcome(upload, IN_USE)
        return Outcome(upload, KEPT, reason='its parts are younger than the grace')

    def _forget_notes(self, upload: Upload, shared: Timestamp) -> Outcome:
        """Delete the notes about manifests elsewhere, of which no part is left."""
        if self._apply:
            self._bucket.notes.forget(upload, just_after(shared))
        return Outcome(upload, FORGOTTEN)

    def _unlisted_of_aborted(self, upload: Upload, intent: Intent) -> 'list[Attempt]':
        """Return the attempts that no manifest lists of the Complete that an Abort has met. Raises Uncertain."""
        bucket = self._bucket
        life = Life(intent.timestamp, [intent.timestamp], bucket.notes.shared(upload))
        return unlisted(bucket, self._references, upload, bucket.segments.attempts(upload), life,
                        Horizon.of(bucket.now(), self._limits.grace))

    def _free(self, upload: Upload, what: str, attempts: Iterable[Attempt]) -> Outcome:
        """Delete attempts, or in a dry run count them; return the outcome ``what``, or FAILED if one may be left.

        What another sweep has just deleted is not counted.
        """
        try:
            if self._apply:
                freed = self._bucket.deletion.free(attempts, self._bucket.ticks())
                return Outcome(upload, what, freed.parts, freed.bytes)
        except S3Error as error:
            return Outcome(upload, FAILED, reason='not all of its parts could be deleted: %s' % error)
        sizes = [attempt.size for attempt in attempts]
        return Outcome(upload, what, len(sizes), sum(sizes))
