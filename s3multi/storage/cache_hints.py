# SPDX-License-Identifier: Apache-2.0
"""What proxies tell each other in memcache. It helps, proves nothing, and may be missing at any time.

The object name of the newest attempt of each part helps a Complete find a part whose row is late. A note at a key that
a conditional Complete is under way keeps others from comparing with an object that is just being replaced. That a
bucket has no uploads spares its other objects the questions about them.
"""
from typing import Any

from swift.common.memcached import MemcacheConnectionError

from s3multi.upload.names import Upload
from s3multi.upload.records import LEASE_SECONDS

# Rows are rarely later than this; an upload that is completed later finds them in the listing.
_SECONDS_KEPT = 3600
# If a proxy dies. As long as others wait for it to write (``state``).
_SECONDS_OF_A_WRITE = int(LEASE_SECONDS)


class PartHints:
    """Keeps hints in ``cache``, Swift's MemcacheRing as the cache filter leaves it in the environ, or None."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def remember(self, upload: Upload, number: int, attempt: str) -> None:
        if self._cache is not None:
            self._cache.set(_cache_key(upload, number), attempt, time=_SECONDS_KEPT)

    def recall(self, upload: Upload, number: int) -> 'str | None':
        """Return the object name of an attempt to upload part ``number``, None when nobody knows one."""
        if self._cache is None:
            return None
        attempt = self._cache.get(_cache_key(upload, number))
        return upload.part(number, attempt) if isinstance(attempt, str) else None


class ConditionalWrites:
    """Lets one conditional Complete at a time write to a key, as long as ``cache`` works."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def begin(self, upload: Upload) -> bool:
        """Say whether this one may write: no other has begun at the key of ``upload`` and not ended."""
        if self._cache is None:
            return True
        try:
            # Swift's client has no "add"; of several who count only one counts to one.
            return bool(self._cache.incr(_write_key(upload), time=_SECONDS_OF_A_WRITE) == 1)
        except MemcacheConnectionError:
            return True

    def end(self, upload: Upload) -> None:
        if self._cache is not None:
            self._cache.delete(_write_key(upload))


class BucketsWithUploads:
    """Remembers which buckets have, and which have not, a container for uploads."""

    def __init__(self, cache: Any) -> None:
        self.works = cache is not None
        self._cache = cache

    def remember(self, account: str, bucket: str, has_uploads: bool) -> None:
        if self._cache is not None:
            # A bucket may have its first upload at any time; the container then stays.
            self._cache.set(_uploads_key(account, bucket), int(has_uploads), time=_SECONDS_KEPT if has_uploads else 60)

    def recall(self, account: str, bucket: str) -> 'bool | None':
        """Say whether the bucket has a container for uploads, or lately had none; None when nobody knows."""
        known = self._cache.get(_uploads_key(account, bucket)) if self._cache is not None else None
        return None if known is None else known != 0


def _uploads_key(account: str, bucket: str) -> str:
    return 's3multi/uploads/%s/%s' % (account, bucket)


def _write_key(upload: Upload) -> str:
    return 's3multi/write/%s/%s/%s' % (upload.account, upload.bucket, upload.key)


def _cache_key(upload: Upload, number: int) -> str:
    # The id is unique to account, bucket and key.
    return 's3multi/part/%s/%s/%d' % (upload.account, upload.id, number)
