# SPDX-License-Identifier: Apache-2.0
"""The writes of a Complete, in the order that lets every race, and every proxy that dies, end well.

1. With ``verify = head``: SLO asks for every part. 2. PUT the intent, unless there is one. 3. HEAD the marker: it must
be open. 4. PUT the manifest with the timestamp T of the intent. 5. DELETE the marker at T. 6. DELETE the intent at T:
that it was still ours proves that no other Complete has passed. ``doc/design`` has the reason for each step,
``upload.decisions`` what follows from what is read.
"""
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from swift.common.utils import Timestamp

from s3multi.operations import ending
from s3multi.operations.bucket import Bucket
from s3multi.operations.complete.precondition import Precondition
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.errors import (ConditionalRequestConflict, EntityTooLarge, NoSuchUpload, PreconditionFailed,
                               ServiceUnavailable)
from s3multi.s3.parts import Attempt
from s3multi.storage.objects import Entry, Written
from s3multi.upload import manifest
from s3multi.upload.decisions import UNREAD, Step, View, complete_step, follow, repeat_step
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, ObjectAtKey, UploadMarker
from s3multi.upload.timestamps import just_after, manifest_timestamp, swift_time

# An intent that another Complete keeps writing and deleting: somebody repeats in a loop.
_MAX_ENTRIES = 5


class Landing(enum.Enum):
    """What is at the key after the PUT of the manifest.

    WRITTEN: this manifest, as far as anybody knows. FOUND: the object was there before. BEATEN: the manifest of another
    list, which has the same time T.
    """

    WRITTEN = 'written'
    FOUND = 'found'
    BEATEN = 'beaten'


@dataclass(frozen=True)
class Landed:
    """What the manifest was written with, and what came of it."""

    entry: Entry
    landing: Landing
    version_id: 'str | None'


@dataclass(frozen=True)
class Committed:
    """The object that a Complete has made. version_id: in a versioned bucket.

    may_free: whether parts that were not listed may be deleted, since no rival can have a manifest that lists them.
    """

    version_id: 'str | None'
    may_free: bool = False


class Commit:
    """One Complete on its way to the object, or to the reason why there is none."""

    def __init__(self, bucket: Bucket, upload: Upload, digests: ObjectDigests, list_name: str,
                 precondition: Precondition, written: 'Timestamp | None' = None) -> None:
        """list_name: of the attempts that it lists. written: when what is at the key was written, or deleted, as far as
        that has been seen.
        """
        self._bucket = bucket
        self._records = bucket.records
        self._upload = upload
        self._digests = digests
        self._list_name = list_name
        self._precondition = precondition
        self._written = written

    def run(self, attempts: Sequence[Attempt]) -> Committed:
        """Make the object of these attempts.

        Raises NoSuchUpload when another Complete or an Abort won, ServiceUnavailable while that is not certain,
        ConditionalRequestConflict or NoSuchKey when the key no longer holds what the condition asks for.
        """
        try:
            landed = (self._write_through_slo(attempts) if self._bucket.settings.verify == 'head'
                      else self._write(attempts))
        finally:
            self._precondition.leave()
        if isinstance(landed, ObjectAtKey):
            return Committed(landed.version_id)
        return self._close(landed)

    def _write(self, attempts: Sequence[Attempt]) -> 'Landed | ObjectAtKey':
        # Before the intent, whose lease runs from its timestamp on.
        body = manifest.stored(self._upload, attempts)
        entry = self._enter()
        if isinstance(entry, ObjectAtKey):
            return entry
        return self._land([entry], lambda: self._bucket.objects.put_manifest(
            self._upload, attempts, self._digests, body, entry, self._precondition.compare))

    def _write_through_slo(self, attempts: Sequence[Attempt]) -> 'Landed | ObjectAtKey':
        entered: list[Entry | ObjectAtKey] = []

        def enter() -> 'Entry | None':
            entered.append(self._enter())
            return entered[0] if isinstance(entered[0], Entry) else None

        return self._land(entered, lambda: self._bucket.objects.put_manifest_through_slo(
            self._upload, attempts, self._digests, enter, self._precondition.compare))

    def _land(self, entered: 'Sequence[Entry | ObjectAtKey]',
              write: 'Callable[[], Written | None]') -> 'Landed | ObjectAtKey':
        """Write the manifest. entered: what the gate has handed out by the time that ``write`` has come to its end."""
        try:
            written = write()
        except (PreconditionFailed, EntityTooLarge) as refusal:
            if not entered or isinstance(entered[0], ObjectAtKey):
                raise
            return self._recognise(entered[0], refusal)
        entry = entered[0]
        if isinstance(entry, ObjectAtKey):
            return entry
        assert written is not None
        landing = Landing.WRITTEN if written.stored or entry.joined else self._what_is_there()
        return Landed(entry, landing, written.version_id)

    def _recognise(self, entry: Entry, refusal: 'PreconditionFailed | EntityTooLarge') -> Landed:
        """With an object at the key that was not replaced: go on if it is the one to be made, else raise."""
        if isinstance(refusal, EntityTooLarge):
            # The bucket may be full of this very object, if the Complete that was joined has written it.
            found = ending.object_of(self._bucket, self._upload, entry.intent.timestamp)
            if not entry.joined or found.upload_id != self._upload.id:
                raise refusal
            return Landed(entry, Landing.FOUND, found.version_id)
        found = self._bucket.objects.shown(self._upload.key)
        if found.upload_id != self._upload.id:
            raise ConditionalRequestConflict()
        if found.etag != self._digests.etag:
            raise self._busy('another Complete has made the object')
        return Landed(entry, Landing.FOUND, None)

    def _what_is_there(self) -> Landing:
        """With something at the key that is not older: it may be the manifest of another list, at the same time T."""
        found = self._bucket.objects.shown(self._upload.key)
        beaten = found.upload_id == self._upload.id and found.etag != self._digests.etag
        return Landing.BEATEN if beaten else Landing.FOUND

    def _close(self, landed: Landed) -> Committed:
        """Take marker and intent away behind the manifest."""
        intent = landed.entry.intent
        if landed.entry.joined and self._bucket.is_versioned:
            # Two have written the same version, so the link that shows it may be missing.
            self._bucket.objects.show_version(self._upload, intent.timestamp)
        # While the marker lives, a Complete whose proxy dies here can be finished by the next request. Once it is
        # gone no other Complete enters, so every rival there will ever be has written its intent.
        self._records.delete_marker(self._upload, just_after(intent.timestamp))
        won = self._records.delete_intent(self._upload, just_after(intent.timestamp))
        # After the lease an Abort may have won, where the object was replaced meanwhile.
        if won and landed.landing is not Landing.BEATEN and intent.is_fresh(self._bucket.now()):
            version_id = landed.version_id
        else:
            version_id = self._earlier().version_id
        return Committed(version_id, won and landed.landing is Landing.WRITTEN and not self._bucket.is_versioned)

    def _enter(self) -> 'Entry | ObjectAtKey':
        """Pass the gate between the proof and the manifest; return what to write with.

        Returns the object instead where another Complete with the same list has finished the upload.
        """
        self._take_turn()
        seen = [swift_time(self._upload.ticks), *([self._written] if self._written else [])]
        for _ in range(_MAX_ENTRIES):
            now = self._bucket.now()
            own = Intent(self._list_name, manifest_timestamp(self._list_name, now, *seen))
            put = self._records.write_intent(self._upload, own)
            if put.newer is not None:
                seen.append(put.newer)
                continue
            self._tell_difference(own.timestamp, now)
            step, view = self._look(own if put.written else None)
            if step in (Step.GO_ON, Step.JOIN):
                assert isinstance(view.intent, Intent) and isinstance(view.marker, UploadMarker)
                # If this fails the intent stays: a Complete that has joined it may be about to write.
                self._precondition.check_again()
                return Entry(view.intent, view.marker, step is Step.JOIN)
            if step not in (Step.TRY_AGAIN, Step.REMOVE_INTENT):
                return self._end(step, view)
            if step is Step.REMOVE_INTENT:
                assert isinstance(view.intent, Intent)
                self._records.delete_intent(self._upload, just_after(view.intent.timestamp))
        raise self._busy('too many Completes at once')

    def _look(self, own: 'Intent | None') -> 'tuple[Step, View]':
        """Read what there is. own: the intent that was written just now; None where there was one already."""
        view = View(self._upload.id, intent=own or UNREAD, own_intent=own is not None)
        return follow(view, lambda seen: complete_step(seen, self._list_name, self._bucket.now()),
                      ending.reader(self._bucket, self._upload))

    def _end(self, step: Step, view: View) -> ObjectAtKey:
        """Return the object where another Complete with the same list has made it; raise the error it is otherwise."""
        if step is Step.SETTLE:
            assert isinstance(view.marker, UploadMarker)
            step = ending.settle(self._bucket, self._upload, view.marker)
            if step is Step.BUSY:
                raise self._busy('an Abort is under way')
        if step is Step.COMPLETED:
            return self._earlier()
        if step is Step.FINISH:
            return self._finish(view)
        if step is Step.ABORTED:
            raise NoSuchUpload(self._upload.id)
        raise self._busy('its intent is too old to write the manifest' if step is Step.TOO_LATE
                         else 'another Complete is at work')

    def _finish(self, view: View) -> ObjectAtKey:
        """Tidy up behind a Complete whose proxy died after its manifest."""
        assert isinstance(view.intent, Intent)
        timestamp = view.intent.timestamp
        if self._bucket.is_versioned:
            self._bucket.objects.show_version(self._upload, timestamp)
        self._records.delete_marker(self._upload, just_after(timestamp))
        # Before the intent goes: it tells whether another list may still replace the object.
        found = self._earlier()
        self._records.delete_intent(self._upload, just_after(timestamp))
        return found

    def _earlier(self) -> ObjectAtKey:
        return earlier_object(self._bucket, self._upload, self._digests.etag, self._list_name)

    def _take_turn(self) -> None:
        """Be the only conditional Complete at the key, but for one with the same list, which can be joined."""
        if not self._precondition.begin():
            intent = self._records.intent(self._upload)
            if intent is None or intent.list_name != self._list_name:
                raise ConditionalRequestConflict()

    def _tell_difference(self, listed: Timestamp, now: Timestamp) -> None:
        ahead = float(listed) - float(now)
        if ahead > 0:
            self._bucket.logger.info(
                'Complete of upload %s has a time %.5f seconds ahead of this proxy, to come after what was there',
                self._upload.id, ahead)

    def _busy(self, reason: str) -> ServiceUnavailable:
        return busy(self._bucket, self._upload, reason)


def earlier_object(bucket: Bucket, upload: Upload, etag: str, list_name: 'str | None') -> ObjectAtKey:
    """With the marker gone: return the object if it is what a Complete of this ``etag`` would make.

    list_name: None when its parts are not known. Raises NoSuchUpload if it is another, ServiceUnavailable while a
    Complete with another list may still replace it.
    """
    def read(step: Step, _view: View) -> 'Intent | ObjectAtKey | None':
        # What clients see, not a version that was replaced since.
        return bucket.records.intent(upload) if step is Step.READ_INTENT else bucket.objects.shown(upload.key)

    step, view = follow(View(upload.id), lambda seen: repeat_step(seen, etag, list_name, bucket.now()), read)
    if step is Step.BUSY:
        raise busy(bucket, upload, 'another Complete is closing it')
    if step is Step.ABORTED:
        raise NoSuchUpload(upload.id)
    assert isinstance(view.object, ObjectAtKey)
    return view.object


def busy(bucket: Bucket, upload: Upload, reason: str) -> ServiceUnavailable:
    """Log why a Complete has to be repeated, and return the error that says so."""
    bucket.logger.info('Complete of upload %s has to be repeated: %s', upload.id, reason)
    return ServiceUnavailable()
