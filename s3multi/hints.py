# SPDX-License-Identifier: Apache-2.0
"""Hints in memcache: the object name of the newest attempt of each part.

A hint helps a Complete find a part whose row is late. It proves nothing and may be missing at any time.
"""
from typing import Any

from s3multi.layout import Upload

# Rows are rarely later than this; an upload that is completed later finds them in the listing.
_SECONDS_KEPT = 3600


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


def _cache_key(upload: Upload, number: int) -> str:
    # The id is unique to account, bucket and key.
    return 's3multi/part/%s/%s/%d' % (upload.account, upload.id, number)
