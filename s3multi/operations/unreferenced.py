# SPDX-License-Identifier: Apache-2.0
"""Which parts of an upload that is over nobody can need, so that they may be deleted. Requests and the sweep ask.

What is not certain raises ``Uncertain``. Nothing is deleted then, and the next sweep asks again.
"""
from collections.abc import Callable, Iterable

from swift.common.utils import Timestamp

from s3multi.operations.bucket import Bucket
from s3multi.operations.known_parts import all_attempts
from s3multi.operations.references import References, Uncertain
from s3multi.s3.parts import Attempt
from s3multi.upload import manifest
from s3multi.upload.lateness import Horizon, Life
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent
from s3multi.upload.timestamps import just_after


def life_of(bucket: Bucket, references: References, upload: Upload, read_intent: 'Callable[[], Intent | None]',
            known: Horizon) -> Life:
    """Return when manifests of an upload were written. Raises Uncertain unless listings show everything about it.

    That is so if its marker is gone, and whatever is known of it is older than ``known.shown_before``.
    """
    ended = references.marker_deleted(upload)
    if ended.raw >= known.shown_before:
        raise Uncertain('it ended lately')
    # After the marker: whoever passed while there was one had written an intent before.
    intent = read_intent()
    if intent is not None and intent.timestamp.raw >= known.shown_before:
        raise Uncertain('a Complete died lately')
    shared = bucket.notes.shared(upload)
    if shared is not None and shared.raw >= known.shown_before:
        raise Uncertain('another manifest of its parts was made lately')
    return Life(ended, [timestamp for timestamp in (ended, intent and intent.timestamp) if timestamp], shared)


def unlisted(bucket: Bucket, references: References, upload: Upload, attempts: Iterable[Attempt], life: Life,
             known: Horizon) -> 'list[Attempt]':
    """Return those of the ``attempts`` that no manifest lists. Raises Uncertain."""
    old = manifest.by_path(upload, (attempt for attempt in attempts if attempt.began_ticks < known.shown_before))
    if not old:
        return []
    listed = references.listed(upload, old.keys(), life, known)
    if life.shared is not None:
        listed |= references.listed_elsewhere(upload, bucket.notes.places(upload), old.keys() - listed, life, known)
    return [attempt for name, attempt in old.items() if name not in listed]


def left_behind(bucket: Bucket, references: References, upload: Upload, replaced: Timestamp) -> 'list[Attempt]':
    """Return the parts of the object that was written at ``replaced``, if another is in its place now.

    For buckets without versions, where it could be nowhere but at its key. Raises Uncertain.
    """
    ended = references.marker_deleted(upload)
    # After the marker, as above.
    intent = bucket.records.intent(upload)
    if intent is not None and intent.is_fresh(bucket.now()):
        raise Uncertain('a Complete may be at work')
    if intent is not None and ended:
        # Its Complete died, and what ended the marker may have reached one replica. Who does not reach that one finds
        # the upload open, and makes the object again. So the end is written for a majority, and the intent read after
        # that: who has found the upload open before has written one of his own.
        bucket.records.delete_marker(upload, just_after(ended))
        if bucket.records.intent(upload) != intent:
            raise Uncertain('a Complete may be at work')
    if bucket.notes.shared(upload) is not None:
        raise Uncertain('another manifest of its parts was made')
    parts = manifest.by_path(upload, all_attempts(bucket, upload))
    if parts.keys() & references.listed_instead(upload, parts.keys(), replaced):
        raise Uncertain('its parts are listed again')
    return list(parts.values())


def claim(bucket: Bucket, upload: Upload, shared: 'Timestamp | None') -> 'Timestamp | None':
    """Note that parts of an upload are about to be deleted, so that nobody makes a manifest of them.

    shared: when somebody last made one, as far as the caller knows. Returns what ``Notes.claim`` does. Raises Uncertain
    if somebody was quicker.
    """
    claimed = bucket.notes.claim(upload)
    if bucket.notes.shared(upload) != shared:
        # The note stays: another may have been written over it, who relies on it.
        raise Uncertain('another manifest of its parts is being made')
    return claimed
