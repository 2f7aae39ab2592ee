# SPDX-License-Identifier: Apache-2.0
"""The claim of one run to a bucket, noted with the bucket's parts, so that two runs at once do not do the same work.

It saves work and nothing else: whatever two runs do to one upload at once is safe.
"""
from eventlet.semaphore import Semaphore
from swift.common.utils import Timestamp

from s3multi.s3.errors import S3Error
from s3multi.storage.segments import Segments
from s3multi.sweep import rules


class Elsewhere(Exception):
    """Another run is sweeping the bucket."""


class Claim:
    """The claim of one run to one bucket. is_lost: whether another run has the bucket."""

    def __init__(self, segments: Segments, run: str) -> None:
        """segments: of the bucket. run: a name that no other run has; '' claims nothing, and loses nothing."""
        self._segments = segments
        self._run = run
        self._turn = Semaphore()
        self._noted = 0.0
        self.is_lost = False

    def holds(self) -> bool:
        """Return whether the bucket is this run's. Asked before each piece of work; notes it now and then."""
        if not self._run or self.is_lost:
            return not self.is_lost
        with self._turn:
            now = float(Timestamp.now())
            if not self.is_lost and now - self._noted > rules.CLAIM_SECONDS / 4:
                self.is_lost = not self._note(now)
            return not self.is_lost

    def _note(self, now: float) -> bool:
        try:
            if rules.is_claimed(self._segments.sweep_note(), self._run, now):
                return False
            self._segments.note_sweep(rules.claim_of(self._run, now))
        except S3Error:
            # What comes next will tell whether Swift works.
            pass
        self._noted = now
        return True

    def release(self) -> None:
        """Let other runs have the bucket. Raises S3Error."""
        if self._noted and not self.is_lost:
            self._segments.note_sweep('')
