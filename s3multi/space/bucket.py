# SPDX-License-Identifier: Apache-2.0
"""What the uploads of one bucket hold, from its two listings; and, of completed uploads, a glance at their objects."""
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from s3multi.commands.shown import shown
from s3multi.commands.walk import Found, batches, markers_in, until, uploads_in
from s3multi.config import Settings
from s3multi.operations.bucket import Bucket, Cluster
from s3multi.operations.references import References
from s3multi.space.holdings import ELSEWHERE, OBJECT, Holding
from s3multi.storage.concurrency import concurrently
from s3multi.storage.deletion import Freeing
from s3multi.storage.listing import Listing
from s3multi.storage.requests import own_environ
from s3multi.upload.names import UploadIds
from s3multi.upload.records import State

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_AT_ONCE = 8


class Reader:
    """Reads what uploads hold. app: the pipeline of an internal client. ids: of the cluster. Changes nothing."""

    def __init__(self, app: 'WSGIApplication', ids: UploadIds, settings: Settings, logger: Any) -> None:
        self._app = app
        self._cluster = Cluster(settings, ids, Freeing(1, 0, None), logger)

    def holdings(self, account: str, name: str, stop: 'Callable[[], bool]') -> 'Iterator[Holding]':
        """Yield what each upload of a bucket holds, until ``stop`` returns True. Raises S3Error.

        Memory grows with the uploads that have a marker, not with those that are completed.
        """
        bucket = Bucket.open(self._app, own_environ(account, name), account, name, self._cluster)
        references = References(bucket.backend, name)
        ids = self._cluster.ids
        marked = {found.upload: _held(found) for found in until(stop, markers_in(
            bucket.markers.listing.rows(), account, name, ids)) if found.state is not State.COMPLETED}

        def look(found: Found) -> Holding:
            # Any replica may answer: this only tells, and deletes nothing.
            at_key = references.glance(found.upload.key)
            return replace(_held(found), kind=OBJECT if at_key.upload_id == found.upload.id else ELSEWHERE)

        objects = Listing(bucket.backend, name)
        for batch in batches(until(stop, uploads_in(bucket.segments.rows(), account, name, ids)), lambda found: found):
            left: list[Found] = []
            for found in batch:
                # Rows of one upload may come in pieces, and those beside its parts before or after them.
                if found.upload in marked or found.state is not None:
                    marked[found.upload] = _sum(marked.get(found.upload), _held(found))
                elif found.attempts:
                    left.append(found)
            of_objects = list(shown(objects, left))
            yield from (replace(_held(found), kind=OBJECT) for found in of_objects)
            told = set(map(id, of_objects))
            yield from concurrently(_AT_ONCE, look, (found for found in left if id(found) not in told))
        yield from marked.values()


def _held(found: Found) -> Holding:
    attempts = found.attempts
    return Holding(found.upload, (found.state or State.OPEN).value, found.initiator,
                   len({attempt.number for attempt in attempts}), len(attempts),
                   sum(attempt.size for attempt in attempts))


def _sum(known: 'Holding | None', more: Holding) -> Holding:
    if known is None:
        return more
    return replace(known, parts=known.parts + more.parts, attempts=known.attempts + more.attempts,
                   bytes=known.bytes + more.bytes)
