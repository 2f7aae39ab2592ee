# SPDX-License-Identifier: Apache-2.0
"""The condition of a Complete, looked at before anything is written and again just before the manifest.

Swift compares at the write itself with ``If-None-Match: *`` alone, and not in buckets with versions: there is always
something at the key, if only the link to a delete marker. Everything else is a question just before.
"""
from swift.common.utils import Timestamp

from s3multi.operations.bucket import Bucket
from s3multi.s3.conditions import Compare, Condition
from s3multi.s3.errors import ConditionalRequestConflict, PreconditionFailed
from s3multi.upload.names import Upload


class Precondition:
    """What has to hold at the key when one Complete writes its manifest; nothing without a condition."""

    def __init__(self, bucket: Bucket, upload: Upload, condition: 'Condition | None') -> None:
        self._bucket = bucket
        self._upload = upload
        self._condition = condition
        self._noted = False

    @property
    def compare(self) -> Compare:
        """Who compares when the manifest is written."""
        if self._condition is None:
            return Compare.NOBODY
        if self._condition.etag is None and not self._bucket.is_versioned:
            return Compare.SWIFT
        return Compare.WE

    def check(self) -> 'Timestamp | None':
        """Look at the key, unless this very upload made its object: then its Complete is a repeat.

        Returns when what it compared with was written, or deleted; None where it compared with nothing. Raises
        PreconditionFailed or NoSuchKey.
        """
        if self._condition is None:
            return None
        found = self._bucket.objects.shown(self._upload.key)
        if found.upload_id == self._upload.id:
            return None
        self._condition.check(self._upload.key, found.etag)
        return found.timestamp

    def begin(self) -> bool:
        """Keep other conditional Completes from the key until ``leave``; False when one is at it already."""
        if self._condition is not None:
            self._noted = self._bucket.conditional_writes.begin(self._upload)
            return self._noted
        return True

    def check_again(self) -> None:
        """Look once more, just before the manifest is written, unless Swift does.

        Raises ConditionalRequestConflict or NoSuchKey for what was written or deleted since ``check``.
        """
        if self.compare is Compare.WE:
            try:
                self.check()
            except PreconditionFailed:
                raise ConditionalRequestConflict() from None

    def leave(self) -> None:
        """Let others at the key."""
        if self._noted:
            self._bucket.conditional_writes.end(self._upload)
