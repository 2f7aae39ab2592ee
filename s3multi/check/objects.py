# SPDX-License-Identifier: Apache-2.0
"""One large object, or one version of it: whether its manifest can be read, and all that it lists."""
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from swift.common.swob import Response
from swift.common.utils import Timestamp

from s3multi.check.asking import ITSELF, NEWEST, Asking, Stopped, Undecided
from s3multi.check.rules import Finding, Problem, Proof, Seen, contradiction
from s3multi.check.segments import Segments
from s3multi.s3 import checksums
from s3multi.s3.checksums import ObjectChecksum, stored_checksum
from s3multi.storage.answers import timestamp_of
from s3multi.storage.concurrency import FAILURES
from s3multi.storage.objects import is_large, shown_etag
from s3multi.storage.requests import Target
from s3multi.storage.rows import read_rows
from s3multi.upload import manifest
from s3multi.upload.manifest import Segment, read_stored, slo_sums
from s3multi.upload.marker_names import is_listable
from s3multi.upload.names import UploadIds
from s3multi.upload.stock_names import is_stock_id

# An object that changes while it is looked at is looked at again, so often.
_LOOKS = 4
_NULL = 'null'
_MOST_VERSIONS = 1000
_OPEN_EXPIRED = {**NEWEST, 'X-Backend-Open-Expired': 'true'}


class State(Enum):
    """What became of the look at an object. GONE: it was deleted, or replaced by one without segments."""

    WHOLE = 'whole'
    BROKEN = 'broken'
    UNDECIDED = 'undecided'
    GONE = 'gone'
    EXPIRED = 'expired'
    PLAIN = 'plain'


@dataclass(frozen=True)
class Candidate:
    """An object that a listing shows, and that may be large.

    version: its id; ``null`` for what is at the key itself. modified: when it was last written, by the listing.
    is_certain: whether the listing says that it is large.
    """

    account: str
    bucket: str
    key: str
    version: str
    modified: Timestamp
    is_certain: bool


@dataclass(frozen=True)
class Outcome:
    """What is known of an object.

    problems: what is wrong with it. segments, size: how many it has, and their bytes. maker: ``s3multi``, ``s3api`` or
    ``swift``. upload: the id of its upload; '' without one. reason: why not all is known.
    """

    candidate: Candidate
    state: State
    problems: Sequence[Problem] = ()
    segments: int = 0
    size: int = 0
    maker: str = ''
    upload: str = ''
    reason: str = ''


@dataclass(frozen=True)
class Objects:
    """Looks at objects.

    ids: recognises uploads of s3multi. proof: what has to be shown of each segment. concurrency: how many segments of
    an object to look at at a time. stop: whether to end now.
    """

    asking: Asking
    ids: UploadIds
    proof: Proof = Proof.HEAD
    concurrency: int = 8
    stop: Callable[[], bool] = lambda: False

    def look(self, candidate: Candidate) -> Outcome:
        """Return what is known of an object. Raises Undecided, and Stopped when ``stop`` returns True."""
        for attempt in range(_LOOKS):
            # Any replica is asked first. What it shows may be replaced, and its segments freed.
            outcome = self._look(candidate, NEWEST if attempt else {})
            if outcome is not None:
                return outcome
        raise Undecided('it was replaced again and again')

    def _look(self, candidate: Candidate, headers: 'dict[str, str]') -> 'Outcome | None':
        """Return the outcome; None if the object has changed meanwhile."""
        target = _target(candidate)
        if not candidate.is_certain:
            head = self.asking.head(candidate.account, target, headers)
            if head.is_success and not is_large(head):
                return Outcome(candidate, State.PLAIN)
        with self.asking.get(candidate.account, target, headers) as response:
            found, large = response.is_success, is_large(response)
            body = response.body if found and large else b''
        if not found:
            return self._absent(candidate)
        if not large:
            # Any replica may show what was there before.
            return Outcome(candidate, State.GONE) if headers else None
        outcome = self._judge(candidate, response, body)
        return outcome if outcome.state is State.WHOLE or self._is_there(target, candidate, response) else None

    def _judge(self, candidate: Candidate, response: Response, body: bytes) -> Outcome:
        """Return what is known of an object by its manifest."""
        headers = response.headers
        upload = headers.get(manifest.UPLOAD_ID_HEADER, '')
        maker = ('s3multi' if self.ids.belongs(candidate.account, candidate.bucket, candidate.key, upload)
                 else 's3api' if is_stock_id(upload) else 'swift')
        try:
            if hashlib.md5(body, usedforsecurity=False).hexdigest() != headers.get('Etag', '').strip('"'):
                raise ValueError('its bytes are not those of its ETag')
            segments = read_stored(body)
            size = slo_sums(segments)[1]
            wrong = contradiction(segments, headers.get(manifest.SLO_ETAG_HEADER, ''),
                                  headers.get(manifest.SLO_SIZE_HEADER, ''), shown_etag(response))
        except ValueError as error:
            problem = Problem(Finding.MANIFEST, detail=str(error))
            return Outcome(candidate, State.BROKEN, (problem,), maker=maker, upload=upload)
        checksum = stored_checksum(headers.get(manifest.CHECKSUM_HEADER))
        looked = Segments(self.asking, candidate.account, self.proof, self.concurrency, self.stop,
                          checksum.checksum.algorithm if checksum else None)
        problems: list[Problem] = []
        reason = ''
        try:
            problems.extend(looked.problems(segments))
        except Stopped:
            raise
        except FAILURES as error:
            # What was found is told, even if there may be more.
            if not problems:
                raise
            reason = str(error)
        if checksum and self.proof is Proof.BYTES and not problems and not wrong:
            wrong = _wrong_checksum(checksum, segments, looked)
        if wrong:
            problems.append(Problem(Finding.SUMS, detail=wrong))
        return Outcome(candidate, State.BROKEN if problems else State.WHOLE, problems, looked.checked, size, maker,
                       upload, reason)

    def _is_there(self, target: Target, candidate: Candidate, seen: Response) -> bool:
        """Return whether the newest replica still has what was seen."""
        head = self.asking.head(candidate.account, target, NEWEST)
        return bool(head.is_success) and (timestamp_of(head), head.headers.get('Etag')) == (
            timestamp_of(seen), seen.headers.get('Etag'))

    def _absent(self, candidate: Candidate) -> 'Outcome | None':
        """Return the outcome for an object that no replica has shown; None if there is something."""
        head = self.asking.head(candidate.account, _target(candidate), _OPEN_EXPIRED)
        if head.is_success:
            return Outcome(candidate, State.EXPIRED) if 'X-Delete-At' in head.headers else None
        if timestamp_of(head) > candidate.modified or not self._is_listed(candidate):
            return Outcome(candidate, State.GONE)
        return Outcome(candidate, State.BROKEN, (Problem(Finding.LOST, seen=Seen(False, written=timestamp_of(head))),))

    def _is_listed(self, candidate: Candidate) -> bool:
        """Return whether the listing still shows the object."""
        if not is_listable(candidate.key):
            raise Undecided('Swift cannot list a key that ends so')
        query = {'format': 'json', 'versions': 'true', 'prefix': candidate.key, 'limit': str(_MOST_VERSIONS)}
        with self.asking.get(candidate.account, Target(candidate.bucket, query=query)) as response:
            shown = [(row.get('name'), row.get('version_id', _NULL)) for row in read_rows(response)]
        if (candidate.key, candidate.version) not in shown and len(shown) == _MOST_VERSIONS:
            raise Undecided('the key has too many versions')
        return (candidate.key, candidate.version) in shown


def _target(candidate: Candidate) -> Target:
    # Where there are versions now, there is a link at the key.
    version = {} if candidate.version == _NULL else {'version-id': candidate.version}
    return Target(candidate.bucket, candidate.key, {**ITSELF, **version})


def _wrong_checksum(checksum: ObjectChecksum, segments: 'Sequence[Segment]', looked: Segments) -> str:
    """Return in which way the checksum of an object is wrong, by the bytes of its segments; '' if it is not."""
    if any(segment.path not in looked.sums or segment.range for segment in segments):
        return ''
    algorithm, sums = checksum.checksum.algorithm, [looked.sums[segment.path] for segment in segments]
    found = (checksums.composite(algorithm, (raw for raw, _ in sums)) if checksum.type == checksums.COMPOSITE
             else checksums.combine(algorithm, sums))
    return '' if found == checksum.checksum else 'its %s is said to be %s, and is %s' % (
        algorithm, checksum.checksum.value, found.value)
