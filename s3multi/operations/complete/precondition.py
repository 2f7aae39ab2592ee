# SPDX-License-Identifier: Apache-2.0
"""The condition of a Complete, looked at before anything is written and again just before the manifest.

Swift compares at the write itself with ``If-None-Match: *`` alone, and not in buckets with versions: there is always
something at the key, if only the link to a delete marker. Everything else is a question just before.
"""
from swift.common.utils import Timestamp

from s3multi.operations.session import Session
from s3multi.s3.conditions import Compare, Condition
from s3multi.s3.errors import ConditionalRequestConflict, PreconditionFailed
from s3multi.upload.names import Upload


class Guard:
    """What has to hold at the key when one Complete writes its manifest; nothing without a condition."""

    def __init__(self, session: Session, upload: Upload, condition: 'Condition | None') -> None:
        self._session = session
        self._upload = upload
        self._condition = condition
        self._noted = False
        # When what ``check`` compared with was written, or deleted.
        self.seen: Timestamp | None = None

    @property
    def compare(self) -> Compare:
        """Who compares when the manifest is written."""
        if self._condition is None:
            return Compare.NOBODY
        if self._condition.etag is None and not self._session.is_versioned:
            return Compare.SWIFT
        return Compare.WE

    def check(self) -> None:
        """Look at the key, unless this very upload made its object: then its Complete is a repeat.

        Raises PreconditionFailed or NoSuchKey.
        """
        if self._condition is None:
            return
        current = self._session.records.current(self._upload.key)
        if current.upload_id != self._upload.id:
            self.seen = current.timestamp
            self._condition.check(self._upload.key, current.etag)

    def begin(self) -> bool:
        """Keep other conditional Completes from the key until ``leave``; False when one is at it already."""
        if self._condition is not None:
            self._noted = self._session.conditional_writes.begin(self._upload)
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
            self._session.conditional_writes.end(self._upload)
