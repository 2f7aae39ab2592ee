# SPDX-License-Identifier: Apache-2.0
"""The writes of a Complete, in the order that lets every race, and every proxy that dies, end well.

1. With ``verify = head``: SLO asks for every part. 2. PUT the intent, unless there is one. 3. HEAD the marker: it must
be open. 4. PUT the manifest with the timestamp T of the intent. 5. DELETE the marker at T. 6. DELETE the intent at T:
that it was still ours proves that no other Complete has passed. ``doc/design`` has the reason for each step.
"""
from collections.abc import Sequence

from swift.common.utils import Timestamp

from s3multi.operations.complete.precondition import Guard
from s3multi.operations.ending import Verdict, after, is_finished, settle_abort
from s3multi.operations.session import Session
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.errors import (ConditionalRequestConflict, EntityTooLarge, NoSuchUpload, PreconditionFailed,
                               ServiceUnavailable)
from s3multi.s3.parts import Attempt
from s3multi.storage.requests import swift_time
from s3multi.upload.names import Upload
from s3multi.upload.records import Finished, Intent, Marker, State, manifest_timestamp

# An intent that another Complete keeps writing and deleting: somebody repeats in a loop.
_MAX_ENTRIES = 5


class _Over(Exception):
    """Another Complete with the same list has finished the upload."""

    def __init__(self, finished: Finished) -> None:
        super().__init__()
        self.finished = finished


class Conclusion:
    """One Complete on its way to the object, or to the reason why there is none."""

    def __init__(self, session: Session, upload: Upload, digests: ObjectDigests, choice: 'str | None',
                 guard: Guard, written: 'Timestamp | None' = None) -> None:
        """choice: the name of the list of attempts; None when it is not known, and neither is a checksum.

        written: when what is at the key was written, or deleted, as far as that has been seen.
        """
        self._session = session
        self._store = session.store
        self._records = session.records
        self._upload = upload
        self._digests = digests
        self._choice = choice
        self._guard = guard
        self._seen = [swift_time(upload.ticks), *([written] if written else [])]
        self._intent: Intent | None = None
        self._marker: Marker | None = None
        self._joined = False
        self._won = False
        self._found = False
        self._beaten = False

    @property
    def may_free(self) -> bool:
        """Whether parts that were not listed may be deleted: no rival can have a manifest that lists them."""
        return self._won and not self._found and not self._session.is_versioned

    def reach(self, chosen: Sequence[Attempt]) -> 'str | None':
        """Make the object; return its version id in a versioned bucket.

        Raises NoSuchUpload when another Complete or an Abort won, ServiceUnavailable while that is not certain,
        ConditionalRequestConflict or NoSuchKey when the key no longer holds what the guard asks for.
        """
        try:
            write = (self._store.write_manifest_through_slo if self._session.settings.verify == 'head'
                     else self._store.write_manifest)
            written = write(self._upload, chosen, self._digests, self._enter, self._guard.compare)
            version_id = written.version_id
            if not (written.stored or self._joined):
                self._look_what_is_there()
        except _Over as over:
            return over.finished.version_id
        except PreconditionFailed:
            self._recognise()
            version_id = None
        except EntityTooLarge:
            # The bucket may be full of this very object, if the Complete that was joined has written it.
            if not (self._intent and self._joined
                    and is_finished(self._session, self._upload, self._intent.timestamp)):
                raise
            version_id = self._records.finished(self._upload.key).version_id
            self._found = True
        finally:
            self._guard.leave()
        assert self._intent is not None
        if self._joined and self._session.is_versioned:
            self._store.show_version(self._upload, self._intent.timestamp)
        just_after = after(self._intent.timestamp, 1)
        # While the marker lives, a Complete whose proxy dies here can be finished by the next request. Once it is
        # gone no other Complete enters, so every rival there will ever be has written its intent.
        self._records.delete_marker(self._upload, just_after)
        self._won = self._records.delete_intent(self._upload, just_after)
        # After the lease an Abort may have won, where the object was replaced meanwhile.
        in_time = self._intent.is_fresh(self._session.now())
        return version_id if self._won and in_time and not self._beaten else self.of_earlier_complete().version_id

    def of_earlier_complete(self) -> Finished:
        """With the marker gone: return what the object says if it is what this Complete would make.

        Raises NoSuchUpload if not, ServiceUnavailable while a Complete with another list may still replace it.
        """
        intent = self._records.intent(self._upload)
        finished = self._records.finished(self._upload.key)
        if finished.upload_id != self._upload.id or finished.etag != self._digests.etag:
            raise NoSuchUpload(self._upload.id)
        if intent is not None and not self._is_same_list(intent) and intent.is_fresh(self._session.now()):
            raise self._busy('another Complete is closing it')
        return finished

    def _is_same_list(self, intent: Intent) -> bool:
        # Without the parts at hand the ETag has to do, which the choice begins with.
        if self._choice is None:
            return intent.chosen.startswith(self._digests.etag + ':')
        return intent.chosen == self._choice

    def _enter(self) -> 'tuple[Intent, Marker]':
        """Pass the gate between the proof and the manifest; return the intent to write for, and the marker."""
        self._take_turn()
        for _ in range(_MAX_ENTRIES):
            assert self._choice is not None
            now = self._session.now()
            own = Intent(self._choice, manifest_timestamp(self._choice, now, *self._seen))
            written = self._records.write_intent(self._upload, own)
            if written.newer is not None:
                self._seen.append(written.newer)
                continue
            self._tell_difference(own.timestamp, now)
            # After the intent: of a Complete and an Abort each writes first and reads second, so one sees the other.
            intent: Intent | None = own
            if written.exists:
                intent = self._join()
            else:
                self._read_open_marker()
            if intent is None:
                continue
            assert self._marker is not None
            if not intent.may_still_write(self._session.now()):
                raise self._busy('its intent is too old to write the manifest')
            self._intent = intent
            self._joined = intent is not own
            # If this fails the intent stays: a Complete that has joined it may be about to write.
            self._guard.check_again()
            return intent, self._marker
        raise self._busy('too many Completes at once')

    def _tell_difference(self, chosen: Timestamp, now: Timestamp) -> None:
        ahead = float(chosen) - float(now)
        if ahead > 0:
            self._session.logger.info(
                'Complete of upload %s has a time %.5f seconds ahead of this proxy, to come after what was there',
                self._upload.id, ahead)

    def _recognise(self) -> None:
        """With an object at the key that was not replaced: go on if it is the one to be made."""
        finished = self._records.finished(self._upload.key)
        if finished.upload_id != self._upload.id:
            raise ConditionalRequestConflict()
        if finished.etag != self._digests.etag:
            raise self._busy('another Complete has made the object')
        self._found = True

    def _look_what_is_there(self) -> None:
        """With something at the key that is not older: it may be the manifest of another list, at the same time T."""
        finished = self._records.finished(self._upload.key)
        self._beaten = finished.upload_id == self._upload.id and finished.etag != self._digests.etag
        self._found = True

    def _take_turn(self) -> None:
        """Be the only conditional Complete at the key, but for one with the same list, which can be joined."""
        if not self._guard.begin():
            intent = self._records.intent(self._upload)
            if intent is None or not self._is_same_list(intent):
                raise ConditionalRequestConflict()

    def _join(self) -> 'Intent | None':
        """With an intent in place: return it to join its Complete, or None when the way is free again."""
        intent = self._records.intent(self._upload)
        # After the intent.
        self._read_open_marker()
        if intent is None:
            return None
        if intent.is_fresh(self._session.now()):
            if self._is_same_list(intent):
                return intent
            raise self._busy('another Complete is at work')
        if is_finished(self._session, self._upload, intent.timestamp):
            if self._session.is_versioned:
                self._store.show_version(self._upload, intent.timestamp)
            self._records.delete_marker(self._upload, after(intent.timestamp, 1))
            over = _Over(self.of_earlier_complete())
            self._records.delete_intent(self._upload, after(intent.timestamp, 1))
            raise over
        self._records.delete_intent(self._upload, after(intent.timestamp, 1))
        return None

    def _read_open_marker(self) -> None:
        marker = self._records.marker(self._upload)
        if marker is None:
            raise _Over(self.of_earlier_complete())
        if marker.state is State.ABORTED:
            raise NoSuchUpload(self._upload.id)
        if marker.state is State.ABORTING:
            verdict = settle_abort(self._session, self._upload).verdict
            if verdict is Verdict.COMPLETED:
                raise _Over(self.of_earlier_complete())
            if verdict is Verdict.ABORTED:
                raise NoSuchUpload(self._upload.id)
            raise self._busy('an Abort is under way')
        self._marker = marker

    def _busy(self, reason: str) -> ServiceUnavailable:
        self._session.logger.info('Complete of upload %s has to be repeated: %s', self._upload.id, reason)
        return ServiceUnavailable()
