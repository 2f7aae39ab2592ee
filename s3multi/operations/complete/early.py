# SPDX-License-Identifier: Apache-2.0
"""What a Complete begins while it proves its parts, so that its client waits for fewer round trips.

The PUT of the intent is under way, but held back: it takes effect when the parts are proven and nothing else refuses
the Complete. Its headers name the list, so it can begin only where hints name the attempt of every part.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from s3multi.operations.bucket import Bucket
from s3multi.s3.conditions import Compare
from s3multi.s3.errors import S3Error
from s3multi.s3.parts import PartRef
from s3multi.storage.concurrency import Later
from s3multi.storage.held_writes import HeldWrite
from s3multi.storage.records import IntentWrite
from s3multi.upload.decisions import UNREAD, Unread
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, State, UploadMarker, list_name
from s3multi.upload.timestamps import manifest_timestamp, swift_time

# The listing of more parts takes so long that the round trip which is saved does not count.
_MOST_PARTS = 1000


@dataclass(frozen=True)
class _Begun:
    intent: Intent
    write: 'HeldWrite[IntentWrite]'


class Early:
    """What one Complete has begun early: a look at the marker, and mostly the PUT of its intent."""

    def __init__(self, bucket: Bucket, upload: Upload, etag: str, listed: Sequence[PartRef], noted: 'Later[bool]',
                 hints: 'Later[dict[int, str]]', compare: Compare) -> None:
        """Begin. etag: that of the object to be made. compare: who compares what is at the key with a condition.

        noted: whether the cache notes the upload as open. hints: the attempts at the listed parts that it notes.
        """
        def look() -> 'UploadMarker | None | Unread':
            # Where the cache does not note the upload as open, the proof looks. Any replica will do: before the
            # manifest is written, the marker is read again, and has to be the same.
            return bucket.records.glance_at_marker(upload) if noted.result() else UNREAD

        def begin() -> '_Begun | None':
            # The repeat of a Complete that has succeeded writes nothing. With ``verify = head`` SLO first asks for
            # every part, which may take long.
            if not noted.result() or bucket.settings.verify == 'head' or len(listed) > _MOST_PARTS:
                return None
            names = [name for ref in listed if (name := hints.result().get(ref.number))]
            # Of two that begin early each would find no intent, and they would keep each other waiting. So the second
            # one writes its intent when its turn comes, and then sees the first.
            if len(names) < len(listed) or not bucket.early_completes.begin(upload):
                return None
            list_ = list_name(etag, names)
            intent = Intent(list_, manifest_timestamp(list_, bucket.now(), swift_time(upload.ticks)))
            return _Begun(intent, HeldWrite(bucket.logger, partial(bucket.records.write_intent, upload, intent)))

        self._bucket, self._upload, self._compare = bucket, upload, compare
        self._marker = Later(bucket.logger, look)
        self._begun = Later(bucket.logger, begin)
        self._taken = False

    def take(self) -> 'tuple[Intent, HeldWrite[IntentWrite]] | None':
        """Return the intent and its write, to be released; None if there is none, or it is too late for that."""
        begun = self._begun.result()
        if self._taken or begun is None or not begun.write.is_recent:
            return None
        self._taken = True
        return begun.intent, begun.write

    def is_over(self) -> bool:
        """Return whether the look has found no marker, although the cache notes the upload as open.

        Its Complete died, and a sweep has ended it. An intent would now keep this Complete itself waiting.
        """
        try:
            return self._marker.result() is None and self._bucket.records.marker(self._upload) is None
        except S3Error:
            return False

    def marker_before(self) -> 'UploadMarker | None':
        """Return the marker, whose headers are to be those of the object; None if the manifest is not begun early."""
        # Where there are versions, Swift copies what is at the key before it reads the manifest. And a condition is
        # looked at between the marker and the manifest.
        if self._begun.result() is None or self._bucket.is_versioned or self._compare is not Compare.NOBODY:
            return None
        try:
            marker = self._marker.result()
        except S3Error:
            return None
        return marker if isinstance(marker, UploadMarker) and marker.state is State.OPEN else None

    def abandon(self) -> None:
        """Let the intent take no effect, unless it was released. If nobody took it, another may be begun early."""
        begun = self._begun.result()
        if begun is None:
            return
        begun.write.abandon()
        if not self._taken:
            self._bucket.early_completes.end(self._upload)
