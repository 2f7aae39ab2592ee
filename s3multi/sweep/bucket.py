# SPDX-License-Identifier: Apache-2.0
"""The sweep of one bucket: its segments container from beginning to end, several uploads at a time."""
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from swift.common.http import is_success

from s3multi.commands.position import Position, Trail
from s3multi.commands.shown import shown
from s3multi.commands.walk import Found, Remains, batches, markers_in, uploads_in
from s3multi.config import Settings
from s3multi.operations import bucket_lifecycle
from s3multi.operations.bucket import Bucket, Cluster
from s3multi.operations.references import References, Uncertain
from s3multi.storage.concurrency import FAILURES, concurrently
from s3multi.storage.deletion import Freeing
from s3multi.storage.listing import Listing
from s3multi.storage.requests import own_environ
from s3multi.sweep.claim import Claim, Elsewhere
from s3multi.sweep.judge import (BUSY, FAILED, IN_USE, KEPT, LATELY, OPEN, Judge, Outcome, is_at_rest, is_in_use,
                                 marker_elsewhere, was_aborted_lately)
from s3multi.sweep.rules import Limits
from s3multi.upload.bucket_lifetime import deleted_at
from s3multi.upload.names import UploadIds
from s3multi.upload.records import State

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Uploads in progress that are remembered from their markers to their parts: about 10 MiB.
_MOST_TOLD = 100000
# The listings, as positions name them.
_MARKERS, _PARTS = 'markers', 'parts'


@dataclass(frozen=True)
class Sweep:
    """How to sweep.

    app: the pipeline of an internal client. limits: what the operator allows. apply: whether to change anything.
    concurrency: how many uploads at a time. pause: called before each upload of which Swift is asked. run: a name that
    no other run has, with which to claim buckets; '' claims none.
    """

    app: 'WSGIApplication'
    ids: UploadIds
    settings: Settings
    logger: Any
    limits: Limits = Limits()
    apply: bool = False
    concurrency: int = 8
    pause: Callable[[], None] = lambda: None
    run: str = ''

    def bucket(self, account: str, name: str, stop: Callable[[], bool] = lambda: False,
               trail: 'Trail | None' = None) -> Iterator[Outcome]:
        """Sweep a bucket, and yield the outcome for each upload, until ``stop`` returns True.

        trail: follows what is done; its position in this bucket is where to begin. Raises S3Error if the listing cannot
        be read, Uncertain if it is not certain whether there is a bucket, Elsewhere if another run is sweeping it.
        """
        trail = trail or Trail(Position(account, name))
        start = trail.position
        if (start.account, start.bucket) != (account, name):
            start = Position(account, name)
        bucket, references = self._open(account, name)
        gone = references.bucket_is_gone()
        if not gone and not is_success(bucket.info['status']):
            raise Uncertain('the bucket is not always found')
        # Without a bucket, all uploads have ended with it.
        ended = bucket.ticks() if gone else deleted_at(bucket.info)
        limits = self._limits_of(bucket)
        claim = Claim(bucket.segments, self.run if self.apply else '')
        rest = Remains(uploads_in(bucket.segments.rows(marker=start.name if start.within == _PARTS else ''),
                                  account, name, self.ids))
        markers = markers_in(bucket.markers.listing.rows(marker=start.name), account, name, self.ids)
        listings: list[tuple[str, Iterable[Found]]] = [(_MARKERS, markers), (_PARTS, rest)]
        if start.within == _PARTS:
            del listings[0]
        yield from self._outcomes(
            _places(account, name, listings, lambda: stop() or claim.is_lost, trail),
            partial(self._look, bucket, references, ended), Listing(bucket.backend, name), ended, limits,
            lambda: not stop() and claim.holds(), trail)
        if claim.is_lost:
            raise Elsewhere()
        claim.release()
        if self.apply and not stop():
            if not start.name:
                bucket.markers.note_all_apart(not rest.has_markers, bucket.now())
            # Initiate relies on the container of the parts as long as there is that of the markers.
            if gone and bucket.markers.delete():
                bucket.segments.delete()

    def _outcomes(self, places: 'Iterator[tuple[Position, Found]]', ask: 'Callable[[Limits, Found], Outcome | None]',
                  objects: Listing, ended: int, limits: Limits, may_ask: 'Callable[[], bool]',
                  trail: Trail) -> Iterator[Outcome]:
        """Yield the outcomes for what is found.

        ask: asks Swift about an upload. objects: the listing of the bucket. may_ask: whether Swift may be asked.
        """
        # Uploads in progress, by their markers: nothing is asked when their parts come.
        told: set[str] = set()

        def look(item: 'tuple[Position, Found]') -> 'Outcome | None':
            # What is not looked at is no place behind which to go on.
            if not may_ask():
                return None
            self.pause()
            outcome = ask(limits, item[1])
            trail.end(item[0])
            return outcome

        for batch in batches(places, lambda item: item[1]):
            asked: list[tuple[Position, Found]] = []
            for place, found in batch:
                outcome = self._without_asking(found, ended, limits)
                if outcome is None and (found.has_intent or found.upload.id not in told):
                    asked.append((place, found))
                    continue
                trail.end(place)
                if outcome is not None:
                    yield outcome
                    if outcome.what == OPEN and len(told) < _MOST_TOLD:
                        told.add(found.upload.id)
            in_use: set[int] = set()
            if asked and may_ask():
                in_use.update(map(id, shown(objects, [found for _place, found in asked])))
            for place, found in asked:
                if id(found) in in_use:
                    trail.end(place)
                    yield Outcome(found.upload, IN_USE)
            yield from filter(None, concurrently(self.concurrency, look, (
                item for item in asked if id(item[1]) not in in_use)))

    @staticmethod
    def _without_asking(found: Found, ended: int, limits: Limits) -> 'Outcome | None':
        """Return the outcome for an upload of which the rows tell enough; else None."""
        if is_at_rest(found, ended, limits, Bucket.now()):
            return Outcome(found.upload, OPEN)
        if was_aborted_lately(found, limits, Bucket.now()):
            return Outcome(found.upload, KEPT, reason=LATELY)
        return None

    def _look(self, bucket: Bucket, references: References, ended: int, limits: Limits,
              found: Found) -> 'Outcome | None':
        """Look at an upload; return the outcome, None if it is that of another place."""
        try:
            # What the environ has learned may be hours old here, and then leaves parts for the next sweep.
            if is_in_use(found, references):
                return Outcome(found.upload, IN_USE)
            # Opened anew to decide.
            bucket, references = self._open(bucket.account, bucket.name)
            marker = marker_elsewhere(found, bucket)
            if marker:
                # Where its marker was met, an upload at rest was not judged, and so no Complete found that has died.
                # Neither was one that was aborted lately, and so no part found whose row was late.
                met = Found(found.upload, marker.state, False, (), aborted_at=marker.aborted_at)
                resting = self._without_asking(met, ended, limits)
                if resting is None or resting.what == OPEN and not found.has_intent:
                    return None
            # An Abort cannot be taken back, and the owner may have changed the rules since.
            current = self._limits_of(bucket) if found.state is State.OPEN else limits
            outcome = Judge(bucket, references, ended, current, self.apply).run(found)
            return None if marker and outcome.what in (OPEN, BUSY, KEPT) else outcome
        except FAILURES as error:
            return Outcome(found.upload, FAILED, reason='%s: %s' % (type(error).__name__, error))

    def _limits_of(self, bucket: Bucket) -> Limits:
        """Return what is allowed for the uploads of a bucket. Asks for its lifecycle configuration."""
        return replace(self.limits, abort_rules=bucket.with_operators_rules(bucket_lifecycle.newest(bucket)))

    def _open(self, account: str, name: str) -> 'tuple[Bucket, References]':
        # Without the queue of the object expirer: nobody waits, and what is reported as deleted must be deleted.
        cluster = Cluster(self.settings, self.ids, Freeing(self.settings.delete_concurrency, 0, None), self.logger)
        bucket = Bucket.open(self.app, own_environ(account, name), account, name, cluster)
        return bucket, References(bucket.backend, name)


def _places(account: str, name: str, listings: 'Iterable[tuple[str, Iterable[Found]]]', stop: Callable[[], bool],
            trail: Trail) -> 'Iterator[tuple[Position, Found]]':
    """Yield what is found in ``listings``, each with its place, and note that its turn has come; until ``stop``."""
    for within, found in listings:
        for each in found:
            if stop():
                return
            place = Position(account, name, each.last, within)
            trail.begin(place)
            yield place, each
