# SPDX-License-Identifier: Apache-2.0
"""The condition of a Complete (If-Match, If-None-Match): checked before anything is written, and before the manifest.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html

At the write itself Swift compares only ``If-None-Match: *``, and it cannot do so in a bucket with versions, where
something is always at the key, if only the link to a delete marker. Every other condition is checked with a HEAD just
before the write.

Whoever may write may know that something is there; only a client that may read it may know its ETag, as on Amazon S3.
"""
from swift.common.swob import Response
from swift.common.utils import Timestamp

from s3multi.operations import client_read
from s3multi.operations.bucket import Bucket
from s3multi.operations.request import Call
from s3multi.s3.conditions import Compare, Condition
from s3multi.s3.errors import ConditionalRequestConflict, PreconditionFailed
from s3multi.storage.metrics import COMPLETES_REFUSED
from s3multi.storage.objects import object_of
from s3multi.storage.requests import Target
from s3multi.upload.names import Upload
from s3multi.upload.records import ObjectAtKey


class Precondition:
    """The condition that has to hold at the key when one Complete writes its manifest, if the client has sent any."""

    def __init__(self, bucket: Bucket, call: Call, upload: Upload, condition: 'Condition | None') -> None:
        self._bucket = bucket
        self._call = call
        self._upload = upload
        self._condition = condition
        self._noted = False

    @property
    def compare(self) -> Compare:
        """Who compares just before, or at, the PUT of the manifest."""
        if self._condition is None:
            return Compare.NOBODY
        if self._condition.etag is None and not self._bucket.is_versioned:
            return Compare.SWIFT
        return Compare.WE

    def check(self) -> 'Timestamp | None':
        """Compare the object at the key. Raises PreconditionFailed or NoSuchKey (``Condition.check``).

        Returns when that object was written or, if there is none, deleted; None if nothing was compared. Raises
        AccessDenied where the client may not know.
        """
        if self._condition is None:
            return None
        found = self._bucket.objects.shown(self._upload.key) if self._condition.etag is None else self._read()
        # The object is this upload's own, so the Complete is a repeat: the condition held, and the object is why it no
        # longer does. A comparison would answer 412 to a client whose first answer was lost.
        if found.upload_id == self._upload.id:
            return None
        self._condition.check(self._upload.key, found.etag)
        return found.timestamp

    def _read(self) -> ObjectAtKey:
        """Return what the client sees at the key, by its own rights, also where a link leads to it."""
        response = client_read.read(self._bucket, self._call, 'HEAD', Target(self._bucket.name, self._upload.key),
                                    {'X-Newest': 'true'}, client_read.Meaning('versionId', _refusal, lambda _: None))
        return object_of(response)

    def take_turn(self, list_name: str) -> None:
        """Keep other conditional Completes from the key until ``leave``. list_name: that of the list of this one.

        Raises ConditionalRequestConflict if one with another list is at work there already. What says so is a note in
        memcache, and no proof.
        """
        if self._condition is None:
            return
        # Without it two Completes could both find the condition kept, and one would replace the other's new object.
        self._noted = self._bucket.conditional_writes.begin(self._upload)
        if not self._noted:
            # One with this list can be joined: that ends in one object, as if it had been asked for once.
            intent = self._bucket.records.intent(self._upload)
            if intent is None or intent.list_name != list_name:
                self._bucket.metrics.count(COMPLETES_REFUSED, 'condition')
                raise ConditionalRequestConflict()

    def check_again(self) -> None:
        """Compare once more, just before the manifest is written, unless Swift compares.

        Raises ConditionalRequestConflict or NoSuchKey if the condition does not hold any more, AccessDenied for a right
        that was withdrawn since.
        """
        if self.compare is Compare.WE:
            try:
                # Without this look, whatever was written since the first one would be replaced unseen: proving the
                # parts with ``verify = head`` and the intent takes time.
                self.check()
            except PreconditionFailed:
                raise ConditionalRequestConflict() from None

    def leave(self) -> None:
        """Let other conditional Completes to the key again."""
        if self._noted:
            self._bucket.conditional_writes.end(self._upload)


def _refusal(response: Response) -> 'Exception | None':
    # A link to itself, or one to what has changed since, has no ETag.
    return PreconditionFailed('If-Match') if response.status_int == 409 else None
