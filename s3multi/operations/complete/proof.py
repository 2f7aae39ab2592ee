# SPDX-License-Identifier: Apache-2.0
"""The proof of a Complete: that Swift holds every part the client lists. Reads only, so a refusal changes nothing.

Rows of the listing prove what they show (``parts``). A row that is missing proves nothing: the attempt that Upload
Part left a hint of is asked for by name, the listing is read again, and only then is the part taken to be missing.
"""
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import eventlet

from s3multi.operations.bucket import Bucket
from s3multi.operations.ending import open_marker
from s3multi.operations.known_parts import late_attempts
from s3multi.s3.checksums import ChecksumChoice
from s3multi.s3.errors import InvalidPart, ServiceUnavailable
from s3multi.s3.parts import Attempt, Judgement, PartRef, judge, outrun
from s3multi.storage.concurrency import Later
from s3multi.storage.segments import attempt_of
from s3multi.upload.names import Upload
from s3multi.upload.records import MarkerType, State

_SECONDS_BETWEEN_LISTINGS = 0.5


@dataclass(frozen=True)
class Proof:
    """attempts: one for each listed part, in order. others: every other stored attempt that was seen.

    checksum: what Initiate chose.
    """

    attempts: 'list[Attempt]'
    others: 'list[Attempt]'
    checksum: 'ChecksumChoice | None'


def prove(bucket: Bucket, upload: Upload, listed: Sequence[PartRef]) -> 'Proof | None':
    """Return the proof; None when the upload has ended already, so that its object has to tell what it is.

    Raises NoSuchUpload when it was aborted, else InvalidPart for the first listed part that cannot be proven.
    """
    seen: dict[str, Attempt] = {}
    try:
        return _prove(bucket, upload, listed, seen)
    except InvalidPart as refusal:
        # Who took a part last says so in the cache, whatever the clocks.
        ahead = outrun(listed, seen.values(), bucket.ticks())
        hints = bucket.hints.recall(upload, [newest.number for newest in ahead])
        doubts = [newest for newest in ahead if hints.get(newest.number) != newest.name]
        if not doubts:
            raise
        bucket.logger.warning(
            'Complete of upload %s has to be repeated: part %d was sent again, and one time is ahead of this proxy, so '
            'which came last is not certain', upload.id, doubts[0].number)
        raise ServiceUnavailable() from refusal


def _prove(bucket: Bucket, upload: Upload, listed: Sequence[PartRef], seen: 'dict[str, Attempt]') -> 'Proof | None':
    # Begun before the listing: what a client sends again while its Complete is under way does not count any more.
    hints = Later(bucket.logger, partial(bucket.hints.recall, upload, [ref.number for ref in listed]))
    listed_marker = _read_listing(bucket, upload, seen)
    # Of a part that was sent again the row may be late, and the one before it must not be taken for the part.
    _add_late(bucket, upload, hints.result(), seen)
    refusal: InvalidPart | None = None
    judgement = Judgement((), ())
    try:
        judgement = judge(listed, seen.values(), upload.id)
    except InvalidPart as error:
        refusal = error
    checksum = listed_marker.checksum
    if refusal or judgement.missing or listed_marker.state is None:
        marker = open_marker(bucket, upload)
        if marker is None:
            return None
        checksum = marker.checksum
    if refusal:
        raise refusal
    if judgement.missing:
        judgement = _ask_further(bucket, upload, listed, seen, judgement)
    proven = judgement.proven
    names = {attempt.name for attempt in proven}
    return Proof(proven, [attempt for attempt in seen.values() if attempt.name not in names], checksum)


def _read_listing(bucket: Bucket, upload: Upload, seen: 'dict[str, Attempt]') -> MarkerType:
    """Add the attempts that the listing shows to ``seen``; return what it shows of the marker if that is open.

    Rows are only ever added: what another replica of the listing has shown before stays true.
    """
    found = MarkerType()
    for page in bucket.segments.rows(prefix=upload.marker, end_marker=upload.parts_end):
        for row in page:
            attempt = attempt_of(upload, row)
            if attempt is not None:
                seen[attempt.name] = attempt
            elif row['name'] == upload.marker:
                listed = MarkerType.decode(row['content_type'])
                found = listed if listed.state is State.OPEN else found
    return found


def _ask_further(bucket: Bucket, upload: Upload, listed: Sequence[PartRef], seen: 'dict[str, Attempt]',
                 judgement: Judgement) -> Judgement:
    """Look for missing parts until all are found, or a hint shows that they are not there, or patience ends."""
    deadline = time.monotonic() + bucket.settings.missing_part_patience
    while True:
        unhinted = _follow_hints(bucket, upload, judgement.missing, seen)
        judgement = judge(listed, seen.values(), upload.id)
        if not judgement.missing:
            return judgement
        # Where the newest attempt is known and is not what the client lists, waiting cannot help.
        if not unhinted or time.monotonic() >= deadline:
            raise InvalidPart(upload.id, judgement.missing[0].number, judgement.missing[0].sent)
        eventlet.sleep(min(_SECONDS_BETWEEN_LISTINGS, max(0.0, deadline - time.monotonic())))
        _read_listing(bucket, upload, seen)
        judgement = judge(listed, seen.values(), upload.id)
        if not judgement.missing:
            return judgement


def _follow_hints(bucket: Bucket, upload: Upload, refs: Sequence[PartRef],
                  seen: 'dict[str, Attempt]') -> 'list[PartRef]':
    """Ask for the attempts that hints name; add what is there to ``seen``. Return the parts without a hint."""
    hints = bucket.hints.recall(upload, [ref.number for ref in refs])
    _add_late(bucket, upload, hints, seen)
    return [ref for ref in refs if hints.get(ref.number) not in seen]


def _add_late(bucket: Bucket, upload: Upload, hints: 'Mapping[int, str]', seen: 'dict[str, Attempt]') -> None:
    for attempt in late_attempts(bucket, upload, hints.values(), seen):
        seen[attempt.name] = attempt
