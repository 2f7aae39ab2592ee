# SPDX-License-Identifier: Apache-2.0
"""The proof of a Complete: Swift holds every part that the client lists. Only reads, so a refusal changes nothing.

A row of the listing proves what it shows (``s3.parts``). A row that is missing proves nothing, since it may be late: so
the attempt of which Upload Part has left a hint in memcache is asked for by name, and the listing is read again. Only
then does the part count as missing.
"""
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import eventlet

from s3multi.operations.bucket import Bucket
from s3multi.operations.ending import open_marker
from s3multi.operations.known_parts import late_attempts
from s3multi.s3.checksums import ChecksumChoice
from s3multi.s3.errors import InvalidPart, ServiceUnavailable
from s3multi.s3.parts import Attempt, Judgement, PartRef, judge, outrun
from s3multi.storage.concurrency import Later
from s3multi.storage.metrics import COMPLETES_REFUSED, PARTS_NOTED, UPLOADS_NOTED, Counter
from s3multi.storage.segments import attempt_of
from s3multi.upload.layouts import choice_of
from s3multi.upload.names import Upload
from s3multi.upload.records import MarkerType, State

_SECONDS_BETWEEN_LISTINGS = 0.5


@dataclass(frozen=True)
class Proof:
    """What was proven. attempts: one for each listed part, in order. others: all other stored attempts that were seen.

    checksum: the algorithm and type that Initiate chose; None if it chose none.
    """

    attempts: 'list[Attempt]'
    others: 'list[Attempt]'
    checksum: 'ChecksumChoice | None'


def prove(bucket: Bucket, upload: Upload, listed: Sequence[PartRef], noted: 'Later[bool]',
          hints: 'Later[dict[int, str]]') -> 'Proof | None':
    """Return the proof; None if the upload was completed already, so that its object tells what to answer.

    noted: whether the cache notes the upload as open. hints: the attempts at the listed parts that it notes.

    Raises NoSuchUpload if the upload was aborted, InvalidPart for the first listed part that cannot be proven, and
    ServiceUnavailable if the clocks leave open which attempt is the newest, or an Abort is undecided.
    """
    seen: dict[str, Attempt] = {}
    try:
        return _prove(bucket, upload, listed, seen, noted, hints)
    except InvalidPart as refusal:
        # The refusal depends on which attempt is the newest, and the time of one is ahead of this clock. The hint is of
        # the attempt that was stored last, whatever the clocks say; without it the order is not known, and InvalidPart
        # would send a client away for good whose list is right.
        ahead = outrun(listed, seen.values(), bucket.ticks())
        latest = bucket.hints.recall(upload, [newest.number for newest in ahead])
        doubts = [newest for newest in ahead if latest.get(newest.number) != newest.name]
        if not doubts:
            raise
        bucket.logger.warning(
            'Complete of upload %s has to be repeated: part %d was sent again, and one time is ahead of this proxy, so '
            'which came last is not certain', upload.id, doubts[0].number)
        bucket.metrics.count(COMPLETES_REFUSED, 'clock')
        raise ServiceUnavailable() from refusal


def _prove(bucket: Bucket, upload: Upload, listed: Sequence[PartRef], seen: 'dict[str, Attempt]',
           noted: 'Later[bool]', hints: 'Later[dict[int, str]]') -> 'Proof | None':
    listed_marker = _read_listing(bucket, upload, seen)
    # Of an upload that lately was open, note and id tell as much as a row of the marker would. So its Complete costs no
    # HEAD here; neither does that of an upload whose marker is listed with the attempts.
    if upload.is_apart and noted.result():
        listed_marker = MarkerType(State.OPEN, checksum=choice_of(upload.id))
    # Of a part that was sent again the row may be late, and the one before it must not be taken for the part.
    _add_late(bucket, upload, hints.result(), seen)
    _count_notes(bucket, UPLOADS_NOTED, int(noted.result()), 1)
    _count_notes(bucket, PARTS_NOTED, len(hints.result()), len(listed))
    refusal: InvalidPart | None = None
    judgement = Judgement((), ())
    try:
        judgement = judge(listed, seen.values(), upload.id)
    except InvalidPart as error:
        refusal = error
    checksum = listed_marker.checksum
    # Before any refusal the marker itself is read: the parts of an upload that has ended may be gone, and then the
    # answer is NoSuchUpload, or 200 to a repeat, and not InvalidPart. Also if nothing tells of it, and before an
    # intent: a repeat would leave one behind, and where an Abort is undecided it would keep others waiting.
    if refusal or judgement.missing or listed_marker.state is None:
        marker = open_marker(bucket, upload)
        if marker is None:
            return None
        checksum = marker.checksum
    if refusal:
        raise refusal
    if judgement.missing:
        try:
            judgement = _ask_further(bucket, upload, listed, seen, judgement)
        except InvalidPart:
            # It may have ended since the marker was read. Then notes and parts are gone that would have been the proof.
            if open_marker(bucket, upload) is None:
                return None
            raise
    proven = judgement.proven
    names = {attempt.name for attempt in proven}
    return Proof(proven, [attempt for attempt in seen.values() if attempt.name not in names], checksum)


def _count_notes(bucket: Bucket, counter: Counter, found: int, wanted: int) -> None:
    bucket.metrics.count(counter, 'used', found)
    bucket.metrics.count(counter, 'missing', wanted - found)


def _read_listing(bucket: Bucket, upload: Upload, seen: 'dict[str, Attempt]') -> MarkerType:
    """Add the attempts that the listing shows to ``seen``; return the type of the marker if that is shown as open.

    Returns an empty type if not. Nothing is removed from ``seen``: what another replica of the listing has shown before
    stays true, because no attempt is written twice, and parts are deleted only when the upload has ended.
    """
    found = MarkerType()
    for page in bucket.segments.rows(prefix=upload.path, end_marker=upload.parts_end):
        for row in page:
            attempt = attempt_of(upload, row)
            if attempt is not None:
                seen[attempt.name] = attempt
            elif row['name'] == upload.marker:
                listed = MarkerType.decode(row.get('content_type'))
                found = listed if listed.state is State.OPEN else found
    return found


def _ask_further(bucket: Bucket, upload: Upload, listed: Sequence[PartRef], seen: 'dict[str, Attempt]',
                 judgement: Judgement) -> Judgement:
    """Return a judgement with nothing missing, or raise InvalidPart for the first part that is.

    Asks for the attempts that hints name, and lists again for up to ``missing_part_patience`` seconds.
    """
    deadline = time.monotonic() + bucket.settings.missing_part_patience
    while True:
        unhinted = _follow_hints(bucket, upload, judgement.missing, seen)
        judgement = judge(listed, seen.values(), upload.id)
        if not judgement.missing:
            return judgement
        # If each part has a hint, its newest attempt is known and is not the one that the client lists: no use to wait.
        if not unhinted or time.monotonic() >= deadline:
            raise InvalidPart(upload.id, judgement.missing[0].number, judgement.missing[0].sent)
        eventlet.sleep(min(_SECONDS_BETWEEN_LISTINGS, max(0.0, deadline - time.monotonic())))
        _read_listing(bucket, upload, seen)
        judgement = judge(listed, seen.values(), upload.id)
        if not judgement.missing:
            return judgement


def _follow_hints(bucket: Bucket, upload: Upload, refs: Sequence[PartRef],
                  seen: 'dict[str, Attempt]') -> 'list[PartRef]':
    """Ask for the attempts that hints name, and add those that are there to ``seen``.

    Returns the parts of which the attempt that the hint names is not known even now.
    """
    hints = bucket.hints.recall(upload, [ref.number for ref in refs])
    _add_late(bucket, upload, hints, seen)
    return [ref for ref in refs if hints.get(ref.number) not in seen]


def _add_late(bucket: Bucket, upload: Upload, hints: 'Mapping[int, str]', seen: 'dict[str, Attempt]') -> None:
    # A HEAD of the newest replica, and not the hint, proves an attempt: memcache may hold anything.
    for attempt in late_attempts(bucket, upload, hints.values(), seen):
        seen[attempt.name] = attempt
