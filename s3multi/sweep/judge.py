# SPDX-License-Identifier: Apache-2.0
"""One upload of a sweep: what its records say, and what is done about it.

Every read that a decision hangs on is answered by the newest replica, and in the order in which the operations read
(``operations.settle``). A sweep may meet any operation, another sweep, and its own end, at any point.
"""
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from swift.common.utils import Timestamp

from s3multi.operations import ending
from s3multi.operations.bucket import Bucket
from s3multi.s3.errors import NoSuchUpload, S3Error, ServiceUnavailable
from s3multi.s3.etags import part_count
from s3multi.s3.parts import Attempt
from s3multi.sweep import rules
from s3multi.sweep.references import References, Uncertain
from s3multi.sweep.rules import Limits
from s3multi.sweep.walk import Found
from s3multi.upload.decisions import Step, View, follow, sweep_step
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, State, UploadMarker
from s3multi.upload.timestamps import just_after, swift_time

# What may be said of an upload.
OPEN, IN_USE, BUSY, KEPT = 'open', 'in use', 'busy', 'kept'
FINISHED, ABORTED, FREED, FORGOTTEN = 'finished', 'aborted', 'freed', 'forgotten'
FAILED = 'failed'
CHANGES = (FINISHED, ABORTED, FREED, FORGOTTEN)


@dataclass(frozen=True)
class Outcome:
    """What was done about an upload, or would be. parts, bytes: what is deleted. reason: why not."""

    upload: Upload
    what: str
    parts: int = 0
    bytes: int = 0
    reason: str = ''


def is_at_rest(found: Found, ended_before: int, limits: Limits, now: Timestamp) -> bool:
    """Return, from its rows alone, whether an upload is just in progress."""
    return (found.state is State.OPEN and not found.has_intent
            and not rules.may_abort(found.upload, ended_before, limits, now))


def is_in_use(found: Found, references: References) -> bool:
    """Return, from a glance at its object, whether an upload is completed and has nothing to delete."""
    if found.state is not None or found.has_intent:
        return False
    at_key = references.glance(found.upload.key)
    return at_key.upload_id == found.upload.id and len(found.attempts) <= part_count(at_key.etag or '')


class Judge:
    """Looks at one upload, and acts if told to."""

    def __init__(self, bucket: Bucket, references: References, ended_before: int, limits: Limits,
                 apply: bool) -> None:
        """ended_before: uploads that began no later are of a bucket that was deleted; in units of 10 microseconds."""
        self._bucket = bucket
        self._references = references
        self._ended_before = ended_before
        self._limits = limits
        self._apply = apply

    def run(self, found: Found) -> Outcome:
        """Do what is next for an upload. Raises S3Error, and whatever reading Swift raises."""
        upload = found.upload
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
                if not ending.abort(self._bucket, upload, looks=0):
                    # The next sweep asks who refers to them.
                    return Outcome(upload, ABORTED)
            except NoSuchUpload:
                return Outcome(upload, FINISHED)
            except ServiceUnavailable:
                return Outcome(upload, BUSY)
        return self._free(upload, ABORTED, self._bucket.segments.attempts(upload))

    def _free_aborted(self, upload: Upload, marker: UploadMarker, intent: 'Intent | None') -> Outcome:
        bucket = self._bucket
        if self._apply:
            try:
                if ending.abort(bucket, upload, looks=0):
                    intent = None
            except NoSuchUpload:
                return Outcome(upload, KEPT, reason='it is marked aborted, but its object exists')
        attempts: Iterable[Attempt] = bucket.segments.attempts(upload)
        if intent is not None and bucket.is_versioned:
            # Two Completes had overlapped; the other one may have left a version.
            if not rules.is_over(intent.timestamp, self._limits, bucket.now()):
                return Outcome(upload, BUSY)
            attempts = self._unlisted(upload, attempts, [intent.timestamp])
        freed = self._free(upload, FREED, attempts)
        if freed.parts or not rules.may_forget(marker, self._limits, bucket.now()):
            return freed if freed.parts else Outcome(upload, KEPT, reason='it was aborted lately')
        return self._forget(upload)

    def _forget(self, upload: Upload) -> Outcome:
        """Delete the records of an upload that was aborted long ago, and of which no part is left."""
        bucket = self._bucket
        if next(iter(bucket.segments.attempts(upload)), None) is not None:
            return Outcome(upload, KEPT, reason='a version lists some of its parts')
        if self._apply:
            # Now, not just after the Initiate: Swift keeps the tombstone of what was deleted lately.
            bucket.records.delete_marker(upload, swift_time(max(bucket.ticks(), upload.ticks + 1)))
            intent = bucket.records.intent(upload)
            if intent is not None and not intent.is_fresh(bucket.now()):
                bucket.records.delete_intent(upload, just_after(intent.timestamp))
        return Outcome(upload, FORGOTTEN)

    def _judge(self, found: Found, intent: 'Intent | None') -> Outcome:
        """Free what nobody refers to of an upload that is over."""
        bucket, upload, limits = self._bucket, found.upload, self._limits
        ended = self._references.marker_deleted(upload)
        if not rules.is_over(ended, limits, bucket.now()):
            return Outcome(upload, KEPT, reason='it ended lately')
        if intent is not None and not rules.is_over(intent.timestamp, limits, bucket.now()):
            return Outcome(upload, KEPT, reason='a Complete died lately')
        free: list[Attempt] = []
        if not limits.keep_finished:
            written = [timestamp for timestamp in (ended, intent and intent.timestamp) if timestamp]
            free = self._unlisted(upload, found.attempts, written)
        if intent is not None and self._apply:
            bucket.records.delete_intent(upload, just_after(intent.timestamp))
        if free:
            return self._free(upload, FREED, free)
        if intent is not None:
            return Outcome(upload, FINISHED)
        if limits.keep_finished:
            return Outcome(upload, KEPT, reason='parts of finished uploads are to be kept')
        if rules.candidates(upload, found.attempts, limits, bucket.now()):
            return Outcome(upload, IN_USE)
        return Outcome(upload, KEPT, reason='its parts are younger than the grace')

    def _unlisted(self, upload: Upload, attempts: Iterable[Attempt],
                  written: Sequence[Timestamp]) -> 'list[Attempt]':
        """Return the attempts that no manifest lists. written: as ``References.listed`` has it. Raises Uncertain."""
        old = rules.candidates(upload, attempts, self._limits, self._bucket.now())
        listed = self._references.listed(upload, written, old.keys()) if old else set()
        return [attempt for name, attempt in old.items() if name not in listed]

    def _free(self, upload: Upload, what: str, attempts: Iterable[Attempt]) -> Outcome:
        parts = size = 0

        def counting() -> Iterator[Attempt]:
            nonlocal parts, size
            for attempt in attempts:
                parts += 1
                size += attempt.size
                yield attempt

        try:
            if self._apply:
                self._bucket.deletion.free(counting(), self._bucket.ticks())
            else:
                for _ in counting():
                    pass
        except S3Error as error:
            return Outcome(upload, FAILED, reason='not all of its parts could be deleted: %s' % error)
        return Outcome(upload, what, parts, size)
