# SPDX-License-Identifier: Apache-2.0
"""The segments of one large object, and those of large objects among them: whether they are as the manifest says."""
import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from os.path import commonprefix

from swift.common.swob import Response
from swift.common.utils import parse_content_type

from s3multi.check.asking import NEWEST, Asking, Stopped, Undecided
from s3multi.check.rules import MOST_LEVELS, Finding, Problem, Proof, Seen, judge
from s3multi.s3 import checksums
from s3multi.storage.answers import timestamp_of
from s3multi.storage.concurrency import concurrently
from s3multi.storage.objects import is_large
from s3multi.storage.requests import Target
from s3multi.storage.rows import is_plain_row, read_rows
from s3multi.upload.manifest import Segment, read_stored, slo_sums
from s3multi.upload.marker_names import is_listable

# More are not held: a manifest of manifests may name any number.
_MOST_SEGMENTS = 100000
# So many missing segments of an object are looked up in listings.
_MOST_LOOKED_UP = 10
_OPEN_EXPIRED = {**NEWEST, 'X-Backend-Open-Expired': 'true'}


class Segments:
    """Looks at the segments of one large object, or of a version of it.

    checked: how many there were. sums: where bytes are read, the checksum and the size of each segment, by path.
    """

    def __init__(self, asking: Asking, account: str, proof: Proof, concurrency: int,
                 stop: Callable[[], bool], algorithm: 'str | None' = None) -> None:
        """concurrency: how many to look at at a time. algorithm: of the checksum to compute where bytes are read."""
        self._asking = asking
        self._account = account
        self._proof = proof
        self._concurrency = concurrency
        self._stop = stop
        self._algorithm = algorithm
        self._known: set[Segment] = set()
        self._looked_up = 0
        self.checked = 0
        self.sums: dict[str, tuple[bytes, int]] = {}

    def problems(self, segments: 'Iterable[Segment]') -> Iterator[Problem]:
        """Yield what is wrong with segments. Raises Undecided, and Stopped when ``stop`` returns True."""
        for level in range(1, MOST_LEVELS + 1):
            # A range of a segment depends on the whole of it, and what is named twice is asked for once.
            wanted = {Segment(each.path, each.size, each.is_large, each.etag) for each in segments if each.path}
            wanted -= self._known
            self._known |= wanted
            self.checked += len(wanted)
            if len(self._known) > _MOST_SEGMENTS:
                raise Undecided('it has more than %d segments' % _MOST_SEGMENTS)
            if level == MOST_LEVELS:
                yield from (Problem(Finding.TOO_DEEP, each.path) for each in wanted if each.is_large)
                wanted = {each for each in wanted if not each.is_large}
            if self._proof is Proof.LISTING:
                wanted -= set(self._proven(wanted))
            below: list[Segment] = []
            for problem, inner in concurrently(self._concurrency, self._look, wanted):
                below += inner
                if problem is not None:
                    yield problem
            segments = below

    def _look(self, segment: Segment) -> 'tuple[Problem | None, list[Segment]]':
        """Return what is wrong with a segment, and the segments that it has itself."""
        if self._stop():
            raise Stopped()
        problem, inner = self._ask(segment, {})
        if problem is not None:
            # Any replica has answered, and it may be behind.
            problem, inner = self._ask(segment, NEWEST)
        if problem is not None and problem.finding is Finding.MISSING:
            problem = self._told_more(segment, problem)
        return problem, inner

    def _ask(self, segment: Segment, headers: 'dict[str, str]') -> 'tuple[Problem | None, list[Segment]]':
        read = segment.is_large or self._proof is Proof.BYTES
        # A link is followed, as SLO does.
        target = _target(segment.path, {'multipart-manifest': 'get'})
        with self._asking.get(self._account, target, headers, 'GET' if read else 'HEAD') as response:
            inner: list[Segment] = []
            if segment.is_large and response.is_success and is_large(response):
                try:
                    inner = read_stored(response.body)
                    seen = Seen(True, *slo_sums(inner), timestamp_of(response))
                except ValueError as error:
                    return _problem(Finding.MANIFEST, segment, _seen(response), str(error)), []
            else:
                seen = _seen(response)
            finding = judge(segment, seen)
            if finding is not None:
                return _problem(finding, segment, seen), []
            if segment.is_large or not read:
                return None, inner
            return self._read(segment, seen, response), []

    def _read(self, segment: Segment, seen: Seen, response: Response) -> 'Problem | None':
        """Return what is wrong with the bytes of a segment; keep their checksum."""
        md5, size = hashlib.md5(usedforsecurity=False), 0
        other = checksums.hasher(self._algorithm) if self._algorithm else None
        for chunk in response.app_iter:
            if self._stop():
                raise Stopped()
            md5.update(chunk)
            if other is not None:
                other.update(chunk)
            size += len(chunk)
            self._asking.bytes += len(chunk)
            self._asking.pause_after(len(chunk))
        if (md5.hexdigest(), size) != (segment.etag, segment.size):
            return _problem(Finding.DAMAGED, segment, Seen(True, md5.hexdigest(), size, seen.written))
        if other is not None:
            self.sums[segment.path] = other.digest(), size
        return None

    def _told_more(self, segment: Segment, problem: Problem) -> Problem:
        """Return what is missing with the reason, as far as Swift tells it."""
        target = _target(segment.path, {'multipart-manifest': 'get'})
        there = self._asking.head(self._account, target, _OPEN_EXPIRED)
        if there.is_success and 'X-Delete-At' in there.headers:
            return _problem(Finding.EXPIRED, segment, Seen(False, written=timestamp_of(there), has_expired=True))
        self._looked_up += 1
        if self._looked_up > _MOST_LOOKED_UP or not is_listable(segment.path):
            return problem
        query = {'format': 'json', 'prefix': target.object or '', 'limit': '1'}
        with self._asking.get(self._account, Target(target.container, query=query)) as response:
            listed = target.object in [row.get('name') for row in read_rows(response)]
        return Problem(Finding.MISSING, segment.path, segment.etag, segment.size, problem.seen, listed)

    def _proven(self, segments: 'Iterable[Segment]') -> Iterator[Segment]:
        """Yield those of the segments that listings show as the manifest has them."""
        plain = sorted((each for each in segments if not each.is_large), key=lambda each: each.path)
        for _, group in groupby(plain, lambda each: each.path.split('/')[1]):
            wanted = {each.path: each for each in group}
            # Each of a few is asked for as quickly as a listing.
            if len(wanted) > 1:
                yield from self._listed(wanted)

    def _listed(self, wanted: 'dict[str, Segment]') -> Iterator[Segment]:
        first, last = _target(min(wanted)), _target(max(wanted))
        prefix = commonprefix([first.object or '', last.object or ''])
        if not is_listable(prefix):
            return
        # Others between them are passed over, up to so many.
        left, marker = 2 * len(wanted) + 1000, ''
        while left > 0:
            query = {'format': 'json', 'prefix': prefix, 'marker': marker, 'limit': str(min(left, 10000))}
            with self._asking.get(self._account, Target(first.container, query=query)) as response:
                rows = read_rows(response)
            for row in rows:
                each = wanted.get('/%s/%s' % (first.container, row['name']))
                etag = parse_content_type(row['hash'])[0] if isinstance(row.get('hash'), str) else ''
                if each and is_plain_row(row) and judge(each, Seen(True, etag, row.get('bytes', -1))) is None:
                    yield each
            if len(rows) < min(left, 10000) or rows[-1]['name'] >= (last.object or ''):
                return
            left, marker = left - len(rows), rows[-1]['name']


def _target(path: str, query: 'dict[str, str] | None' = None) -> Target:
    container, _, name = path.lstrip('/').partition('/')
    return Target(container, name, query or {})


def _seen(response: Response) -> Seen:
    if not response.is_success:
        return Seen(False, written=timestamp_of(response))
    size = response.content_length
    return Seen(True, response.headers.get('Etag', '').strip('"'), -1 if size is None else size,
                timestamp_of(response))


def _problem(finding: Finding, segment: Segment, seen: Seen, detail: str = '') -> Problem:
    return Problem(finding, segment.path, segment.etag, segment.size, seen, detail=detail)
