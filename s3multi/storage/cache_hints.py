# SPDX-License-Identifier: Apache-2.0
"""What proxies tell each other through memcache. It helps, proves nothing, and may be missing at any time.

The name of the newest attempt at each part helps a Complete find a part whose row is late. A note that a conditional
Complete is under way at a key keeps other such Completes from comparing with an object that is just being replaced. A
note that a bucket has no uploads saves the questions about uploads when its objects are replaced.
"""
from typing import Any

from swift.common.memcached import MemcacheConnectionError

from s3multi.upload.names import Upload
from s3multi.upload.records import LEASE_SECONDS

# Rows are rarely later than this. An upload that is completed later finds them in the listing.
_SECONDS_KEPT = 3600
# The note of a proxy that died stays so long: others wait as long for its write (``upload.records``).
_SECONDS_OF_A_WRITE = int(LEASE_SECONDS)


class PartHints:
    """Keeps hints in ``cache``, Swift's MemcacheRing as the cache filter leaves it in the environ, or None."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def remember(self, upload: Upload, number: int, attempt: str) -> None:
        """Note that ``attempt`` (``upload.names.new_attempt``) is the newest at part ``number``."""
        if self._cache is not None:
            self._cache.set(_cache_key(upload, number), attempt, time=_SECONDS_KEPT)

    def recall(self, upload: Upload, number: int) -> 'str | None':
        """Return the object name of the newest attempt at part ``number``; None when none is noted."""
        if self._cache is None:
            return None
        attempt = self._cache.get(_cache_key(upload, number))
        return upload.part(number, attempt) if isinstance(attempt, str) else None


class ConditionalWrites:
    """Lets one conditional Complete at a time write to a key, as long as ``cache`` works."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def begin(self, upload: Upload) -> bool:
        """Return whether the Complete of ``upload`` may write: no other one has begun at its key and not ended.

        Without a cache that works, every Complete may.
        """
        if self._cache is None:
            return True
        try:
            # Swift's client has no "add". But of several proxies that count up, only one gets to 1.
            return bool(self._cache.incr(_write_key(upload), time=_SECONDS_OF_A_WRITE) == 1)
        except MemcacheConnectionError:
            return True

    def end(self, upload: Upload) -> None:
        """Let other Completes write at the key of ``upload``."""
        if self._cache is not None:
            self._cache.delete(_write_key(upload))


class BucketsWithUploads:
    """Remembers which buckets have a container for uploads, and which have none. works: whether there is a cache."""

    def __init__(self, cache: Any) -> None:
        self.works = cache is not None
        self._cache = cache

    def remember(self, account: str, bucket: str, has_uploads: bool) -> None:
        """Note whether the bucket has a container for uploads."""
        if self._cache is not None:
            # A bucket may get its first upload at any time, so that it has none is true for a short time only. A
            # container that is there stays.
            self._cache.set(_uploads_key(account, bucket), int(has_uploads), time=_SECONDS_KEPT if has_uploads else 60)

    def recall(self, account: str, bucket: str) -> 'bool | None':
        """Return whether the bucket has a container for uploads; None when nobody knows.

        False means that it had none within the last minute.
        """
        known = self._cache.get(_uploads_key(account, bucket)) if self._cache is not None else None
        return None if known is None else known != 0


def _uploads_key(account: str, bucket: str) -> str:
    return 's3multi/uploads/%s/%s' % (account, bucket)


def _write_key(upload: Upload) -> str:
    return 's3multi/write/%s/%s/%s' % (upload.account, upload.bucket, upload.key)


def _cache_key(upload: Upload, number: int) -> str:
    # An upload id is made for one account, bucket and key, so their names need not be in here.
    return 's3multi/part/%s/%s/%d' % (upload.account, upload.id, number)
