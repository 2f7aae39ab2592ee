# SPDX-License-Identifier: Apache-2.0
"""The sweep of one bucket: its segments container from beginning to end, several uploads at a time."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from swift.common.http import is_success

from s3multi.config import Settings
from s3multi.operations import bucket_lifecycle
from s3multi.operations.bucket import Bucket, Cluster
from s3multi.operations.references import References, Uncertain
from s3multi.storage.concurrency import FAILURES, concurrently
from s3multi.storage.deletion import Freeing
from s3multi.storage.requests import own_environ
from s3multi.sweep.judge import BUSY, FAILED, IN_USE, OPEN, Judge, Outcome, is_at_rest, is_in_use, marker_elsewhere
from s3multi.sweep.rules import Limits
from s3multi.commands.walk import Found, Remains, markers_in, until, uploads_in
from s3multi.upload.bucket_lifetime import deleted_at
from s3multi.upload.names import UploadIds
from s3multi.upload.records import State

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True)
class Sweep:
    """How to sweep.

    app: the pipeline of an internal client. limits: what the operator allows. apply: whether to change anything.
    concurrency: how many uploads at a time. pause: called before each upload of which Swift is asked.
    """

    app: 'WSGIApplication'
    ids: UploadIds
    settings: Settings
    logger: Any
    limits: Limits = Limits()
    apply: bool = False
    concurrency: int = 8
    pause: Callable[[], None] = lambda: None

    def bucket(self, account: str, name: str, stop: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
        """Sweep a bucket, and yield the outcome for each upload, until ``stop`` returns True.

        Raises S3Error if the listing cannot be read, Uncertain if it is not certain whether there is a bucket.
        """
        bucket, references = self._open(account, name)
        gone = references.bucket_is_gone()
        if not gone and not is_success(bucket.info['status']):
            raise Uncertain('the bucket is not always found')
        # Without a bucket, all uploads have ended with it.
        ended = bucket.ticks() if gone else deleted_at(bucket.info)
        limits = self._limits_of(bucket)

        def look(found: Found) -> 'Outcome | None':
            if is_at_rest(found, ended, limits, bucket.now()):
                return Outcome(found.upload, OPEN)
            try:
                self.pause()
                # Opened anew, since the environ keeps what was learned, and a sweep of a large bucket takes hours.
                now, references = self._open(account, name)
                if is_in_use(found, references):
                    return Outcome(found.upload, IN_USE)
                marker = marker_elsewhere(found, now)
                # Where its marker was met, an upload at rest was not judged, and so no Complete found that has died.
                if marker and not (found.has_intent and is_at_rest(
                        Found(found.upload, marker.state, False, ()), ended, limits, bucket.now())):
                    return None
                # An Abort cannot be taken back, and the owner may have changed the rules since.
                current = self._limits_of(now) if found.state is State.OPEN else limits
                outcome = Judge(now, references, ended, current, self.apply).run(found)
                return None if marker and outcome.what in (OPEN, BUSY) else outcome
            except FAILURES as error:
                return Outcome(found.upload, FAILED, reason='%s: %s' % (type(error).__name__, error))

        rest = Remains(uploads_in(bucket.segments.rows(), account, name, self.ids))
        found = chain(markers_in(bucket.markers.listing.rows(), account, name, self.ids), rest)
        yield from filter(None, concurrently(self.concurrency, look, until(stop, found)))
        if self.apply and not stop():
            bucket.markers.note_all_apart(not rest.has_markers, bucket.now())
            # Initiate relies on the container of the parts as long as there is that of the markers.
            if gone and bucket.markers.delete():
                bucket.segments.delete()

    def _limits_of(self, bucket: Bucket) -> Limits:
        """Return what is allowed for the uploads of a bucket. Asks for its lifecycle configuration."""
        return replace(self.limits, abort_rules=bucket.with_operators_rules(bucket_lifecycle.newest(bucket)))

    def _open(self, account: str, name: str) -> 'tuple[Bucket, References]':
        # Without the queue of the object expirer: nobody waits, and what is reported as deleted must be deleted.
        cluster = Cluster(self.settings, self.ids, Freeing(self.settings.delete_concurrency, 0, None), self.logger)
        bucket = Bucket.open(self.app, own_environ(account, name), account, name, cluster)
        return bucket, References(bucket.backend, name)
