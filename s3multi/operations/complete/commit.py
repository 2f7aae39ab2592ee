# SPDX-License-Identifier: Apache-2.0
"""The writes of a Complete. Their order is such that every race, and the death of a proxy at any point, ends well.

1. With ``verify = head`` only, SLO asks for every part. 2. PUT the intent, unless there is one. 3. HEAD the marker,
which must be open. 4. PUT the manifest with the timestamp T of the intent. 5. End the marker just after T: PUT it as
``completed``, or DELETE it. 6. HEAD the intent: if it is still ours, no other Complete has passed. Both are deleted
behind the answer. The reason for each step stands beside its line, that for each read in ``upload.decisions``, and all
of them in ``doc/design``.

The PUTs of 2, 4 and 5 may be begun one step earlier (``storage.held_writes``). They take effect in this order.
"""
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from swift.common.utils import Timestamp

from s3multi.operations import ending
from s3multi.operations.bucket import Bucket
from s3multi.operations.complete.earlier import busy, earlier_object, repeated_object
from s3multi.operations.complete.early import Early
from s3multi.operations.complete.look import look
from s3multi.operations.complete.outcome import Committed, Landed, Landing
from s3multi.operations.complete.precondition import Precondition
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.errors import (ConditionalRequestConflict, EntityTooLarge, InvalidPart, NoSuchUpload,
                               PreconditionFailed, ServiceUnavailable)
from s3multi.s3.parts import Attempt
from s3multi.storage.held_writes import HeldBody, HeldWrite
from s3multi.storage.metrics import COMPLETES
from s3multi.storage.objects import Entry, Written
from s3multi.storage.records import IntentWrite
from s3multi.upload import manifest
from s3multi.upload.decisions import UNREAD, Step, Unread, View, has_won, intent_serves
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, ObjectAtKey, UploadMarker
from s3multi.upload.timestamps import just_after, manifest_timestamp, swift_time

# How often a Complete tries to write its intent. It fails as often only if others keep writing and deleting theirs.
_MAX_ENTRIES = 5


class Commit:
    """One Complete, from its proof to its object, or to the error that tells why there is none."""

    def __init__(self, bucket: Bucket, upload: Upload, digests: ObjectDigests, list_name: str,
                 precondition: Precondition, key_changed_at: 'Timestamp | None',
                 early: Early) -> None:
        """digests: those of the object to be made. list_name: the name of the list of its attempts.
        key_changed_at: when what is at the key was written or deleted; None if nobody has looked. early: what was begun
        already; the caller abandons it in the end.
        """
        self._bucket = bucket
        self._records = bucket.records
        self._upload = upload
        self._digests = digests
        self._list_name = list_name
        self._precondition = precondition
        self._key_changed_at = key_changed_at
        self._early = early

    def run(self, attempts: Sequence[Attempt]) -> Committed:
        """Make the object of these attempts, and return it; also if another Complete with this list has made it.

        Raises NoSuchUpload if another list or an Abort has won, ServiceUnavailable while that is not certain,
        ConditionalRequestConflict or NoSuchKey if the key no longer holds what the condition asks for, EntityTooLarge
        if a quota has no room, and with ``verify = head`` InvalidPart.
        """
        with ExitStack() as held:
            try:
                landed = (self._write_through_slo(attempts) if self._bucket.settings.verify == 'head'
                          else self._write(attempts, held))
            finally:
                self._precondition.leave()
            if isinstance(landed, ObjectAtKey):
                self._bucket.metrics.count(COMPLETES, 'repeated')
                return Committed(landed.version_id)
            committed = self._close(landed)
        self._bucket.metrics.count(COMPLETES, 'joined', int(landed.entry.joined))
        return committed

    def _write(self, attempts: Sequence[Attempt], held: ExitStack) -> 'Landed | ObjectAtKey':
        """Write the manifest; writes that are held back end with ``held``."""
        # Made before the intent: the lease runs from the intent's timestamp, and a long manifest takes time.
        body = manifest.stored(self._upload, attempts)

        def put(entry: Entry, held: 'HeldBody | None' = None) -> Written:
            return self._bucket.objects.put_manifest(self._upload, attempts, self._digests, body, entry,
                                                     self._precondition.compare, held)

        begun: list[tuple[Entry, HeldWrite[Written]]] = []

        def begin(entry: Entry) -> None:
            begun.append((entry, held.enter_context(HeldWrite(self._bucket.logger, partial(put, entry)))))

        entry = self._enter(begin)
        if isinstance(entry, ObjectAtKey):
            return entry
        ready = next((write for foreseen, write in begun if foreseen == entry and write.is_recent), None)
        if ready is not None:
            # Before the marker is begun: the client waits for the manifest longer.
            ready.let_go()
        close = partial(self._records.mark_completed, self._upload, just_after(entry.intent.timestamp))
        # Release 0.1 put the marker among the parts, where it reads every name.
        closing = held.enter_context(HeldWrite(self._bucket.logger, close)) if self._upload.is_apart else None
        return self._land([entry], ready.release if ready else partial(put, entry), closing)

    def _write_through_slo(self, attempts: Sequence[Attempt]) -> 'Landed | ObjectAtKey':
        entered: list[Entry | ObjectAtKey] = []

        def enter() -> 'Entry | None':
            entered.append(self._enter())
            return entered[0] if isinstance(entered[0], Entry) else None

        try:
            return self._land(entered, lambda: self._bucket.objects.put_manifest_through_slo(
                self._upload, attempts, self._digests, enter, self._precondition.compare))
        except InvalidPart:
            # SLO has missed a part that was proven, so nothing was written. The upload may have ended meanwhile.
            if ending.open_marker(self._bucket, self._upload) is None:
                return self._end(Step.COMPLETED, View(self._upload.id))
            raise

    def _land(self, entered: 'Sequence[Entry | ObjectAtKey]', write: 'Callable[[], Written | None]',
              closing: 'HeldWrite[bool] | None' = None) -> 'Landed | ObjectAtKey':
        """Write the manifest by calling ``write``; return what came of it, or the object that was there already.

        closing: passed on. entered: has what ``_enter`` returned, if it was called, by the time ``write`` has ended.
        """
        try:
            # At the T of the intent: a repeat, however late, is the same write. It adds no version and covers nothing.
            written = write()
        except (PreconditionFailed, EntityTooLarge) as refusal:
            if not entered or isinstance(entered[0], ObjectAtKey):
                raise
            return replace(self._recognise(entered[0], refusal), closing=closing)
        entry = entered[0]
        if isinstance(entry, ObjectAtKey):
            return entry
        assert written is not None
        # Not stored: something not older is at the key. A Complete that joined expects that: another writes the same.
        landing = Landing.WRITTEN if written.stored else self._what_is_there(entry)
        return Landed(entry, landing, written.version_id, closing)

    def _recognise(self, entry: Entry, refusal: 'PreconditionFailed | EntityTooLarge') -> Landed:
        """Return that the object was there, if the manifest was refused because of that very object; else raise."""
        if isinstance(refusal, EntityTooLarge):
            # The Complete that was joined may have written the object, and so filled the bucket's quota.
            found = ending.object_of(self._bucket, self._upload, entry.intent.timestamp)
            if not entry.joined or (found.upload_id, found.etag) != (self._upload.id, self._digests.etag):
                raise refusal
            return Landed(entry, Landing.FOUND, found.version_id)
        # The condition also fails if this upload has its object already, by the Complete that was joined: then it held.
        found = self._bucket.objects.shown(self._upload.key)
        if found.upload_id != self._upload.id:
            raise ConditionalRequestConflict()
        if found.etag != self._digests.etag:
            raise self._busy('rival', 'another Complete has made the object')
        return Landed(entry, Landing.FOUND, None)

    def _what_is_there(self, entry: Entry) -> Landing:
        """Return whose object is at the key, where something not older has kept the manifest from being stored."""
        # It may be the manifest of another list, with the same time T: then that list has won, and needs its parts.
        found = self._bucket.objects.shown(self._upload.key)
        if found.upload_id != self._upload.id:
            return Landing.FOUND
        # The one that was joined has written this very manifest.
        own = Landing.WRITTEN if entry.joined else Landing.FOUND
        return own if found.etag == self._digests.etag else Landing.BEATEN

    def _close(self, landed: Landed) -> Committed:
        """End the marker after the manifest was written; return the object, or raise if another list has won."""
        intent = landed.entry.intent
        if landed.entry.joined and self._bucket.is_versioned:
            # Where two write the same version, the link that shows it may be missing: the object would not be seen.
            self._bucket.objects.show_version(self._upload, intent.timestamp)
        # After the manifest: while there is a marker, the next request can finish the work of a proxy that dies here.
        # Before the intent goes: an Abort that saw a marker and no intent would delete the parts of the object. And
        # without a marker no other Complete passes, so each rival has written its intent by the time of the next line.
        marked_at = self._end_marker(landed)
        # Two Completes whose intents were written together may both have passed. If the intent is still ours, nobody
        # wrote a later one; answered without this proof, the object could be replaced by that of another list.
        found = self._records.intent(self._upload)
        if has_won(intent, found, self._bucket.now()) and landed.landing is not Landing.BEATEN:
            version_id = landed.version_id
        else:
            version_id = self._earlier(found).version_id
        # Without the proof a rival may have an object of the parts that were not listed; with versions even after it.
        won = found == intent
        return Committed(version_id, found if won else None,
                         won and landed.landing is Landing.WRITTEN and not self._bucket.is_versioned, marked_at)

    def _end_marker(self, landed: Landed) -> 'Timestamp | None':
        """End the marker just after T; return the timestamp if it is there still, and says ``completed``."""
        closed_at = just_after(landed.entry.intent.timestamp)
        if landed.closing is not None and landed.closing.is_recent:
            # It has gone to the object servers beside the manifest, and takes one round trip less than a DELETE.
            if landed.closing.release():
                return closed_at
            # Another Complete has written the same at this time, and perhaps on one replica only. Swift then stores
            # nothing on the others either; each of them takes a DELETE.
            closed_at = just_after(closed_at)
        self._records.delete_marker(self._upload, closed_at)
        return None

    def _enter(self, begin: 'Callable[[Entry], None]' = lambda entry: None) -> 'Entry | ObjectAtKey':
        """Write the intent, or join that of the same list; return the records under which the manifest may be written.

        Returns the object instead if another Complete with the same list has finished the upload. begin: called with
        what will be returned, if the upload is still as it was before the intent.
        """
        if self._early.is_over():
            return self._end(Step.COMPLETED, View(self._upload.id))
        self._precondition.take_turn(self._list_name)
        # T is later than marker, intent and key: an older manifest would not be seen, older deletes would do nothing.
        older = [swift_time(self._upload.ticks), *([self._key_changed_at] if self._key_changed_at else [])]
        for _ in range(_MAX_ENTRIES):
            # Without an intent an Abort could not know of the manifest, and would delete the parts under it.
            now = self._bucket.now()
            own, put = self._write_intent(older, now)
            if put.newer is not None:
                older.append(put.newer)
                continue
            self._tell_difference(own.timestamp, now)
            marker = self._early.marker_before() if put.written else None
            if marker is not None:
                begin(Entry(own, marker))
            step, view = look(self._bucket, self._upload, self._list_name, own if put.written else None)
            if step in (Step.GO_ON, Step.JOIN):
                assert isinstance(view.intent, Intent) and isinstance(view.marker, UploadMarker)
                # If this raises, the intent stays: a Complete that has joined it may be about to write the manifest.
                self._precondition.check_again()
                return Entry(view.intent, view.marker, step is Step.JOIN)
            if step not in (Step.TRY_AGAIN, Step.REMOVE_INTENT):
                return self._end(step, view)
            if step is Step.REMOVE_INTENT:
                assert isinstance(view.intent, Intent)
                # An intent that somebody else has written since has a later T, and stays.
                self._records.delete_intent(self._upload, view.intent)
        raise self._busy('rival', 'too many Completes at once')

    def _write_intent(self, older: 'Sequence[Timestamp]', now: Timestamp) -> 'tuple[Intent, IntentWrite]':
        """Write an intent that is later than ``older``; return it, and what became of it."""
        begun = self._early.take()
        if begun is not None and intent_serves(begun[0], self._list_name, older):
            return begun[0], begun[1].release()
        own = Intent(self._list_name, manifest_timestamp(self._list_name, now, *older))
        return own, self._records.write_intent(self._upload, own)

    def _end(self, step: Step, view: View) -> ObjectAtKey:
        """Return the object if another Complete with the same list has made it, else raise what ``step`` amounts to.

        An own intent stays, whatever the end: it may hide one that was written at the same time by a Complete that has
        passed, which an Abort or a rival has to see.
        """
        if step is Step.SETTLE:
            assert isinstance(view.marker, UploadMarker)
            step = ending.settle(self._bucket, self._upload, view.marker)
            if step is Step.BUSY:
                raise self._busy('abort', 'an Abort is under way')
        if step is Step.COMPLETED:
            return repeated_object(self._bucket, self._upload, self._digests.etag, self._list_name)
        if step is Step.FINISH:
            return self._finish(view)
        if step is Step.ABORTED:
            raise NoSuchUpload(self._upload.id)
        if step is Step.TOO_LATE:
            raise self._busy('slow', 'its intent is too old to write the manifest')
        raise self._busy('rival', 'another Complete is at work')

    def _finish(self, view: View) -> ObjectAtKey:
        """Do what a Complete left undone that died after its manifest; return the object, or raise if it is another."""
        assert isinstance(view.intent, Intent)
        timestamp = view.intent.timestamp
        if self._bucket.is_versioned:
            # It may have died between the version and the link that shows it.
            self._bucket.objects.show_version(self._upload, timestamp)
        # As in ``_close``: the marker first, so that no other Complete passes any more.
        self._records.delete_marker(self._upload, just_after(timestamp))
        # Before the intent is deleted: this reads which one is there, and so whether a rival may still write.
        found = self._earlier()
        self._records.delete_intent(self._upload, view.intent)
        return found

    def _earlier(self, intent: 'Intent | None | Unread' = UNREAD) -> ObjectAtKey:
        return earlier_object(self._bucket, self._upload, self._digests.etag, self._list_name, intent)

    def _tell_difference(self, listed: Timestamp, now: Timestamp) -> None:
        ahead = float(listed) - float(now)
        if ahead > 0:
            self._bucket.logger.info(
                'Complete of upload %s has a time %.5f seconds ahead of this proxy, to come after what was there',
                self._upload.id, ahead)

    def _busy(self, reason: str, text: str) -> ServiceUnavailable:
        return busy(self._bucket, self._upload, reason, text)
