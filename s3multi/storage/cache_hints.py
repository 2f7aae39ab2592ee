# SPDX-License-Identifier: Apache-2.0
"""What proxies tell each other through memcache. It helps, proves nothing, and may be missing at any time.

The name of the newest attempt at each part helps a Complete find a part whose row is late. A note that a conditional
Complete is under way at a key keeps other such Completes from comparing with an object that is just being replaced. One
that a Complete has begun its writes early keeps others of the upload from it, which would not see each other. A note
that a bucket has no uploads saves the questions about uploads when its objects are replaced.
"""
from collections.abc import Iterable
from typing import Any

from swift.common.memcached import MemcacheConnectionError

from s3multi.s3.parts import MAX_PART_NUMBER
from s3multi.upload.names import Upload, split_marker
from s3multi.upload.records import LEASE_SECONDS

# Rows are rarely later than this. An upload that is completed later finds them in the listing.
_SECONDS_KEPT = 3600
# The note of a proxy that died stays so long: others wait as long for its write (``upload.records``).
_SECONDS_OF_A_WRITE = int(LEASE_SECONDS)
# How many hints are read at once, and the highest part number of S3.
_BLOCK = 1000
_LAST_NUMBER = MAX_PART_NUMBER


class PartHints:
    """Keeps hints in ``cache``, Swift's MemcacheRing as the cache filter leaves it in the environ, or None.

    Those of one upload are on one memcache server, so one round trip reads a thousand. A flag for each thousand of part
    numbers says whether there are any, so nobody has to ask for numbers that were never used.
    """

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def remember(self, upload: Upload, number: int, attempt: str) -> None:
        """Note that ``attempt`` to upload part ``number`` is stored."""
        if self._cache is not None:
            self._cache.set_multi({_part_key(upload, number): attempt, _block_key(upload, number // _BLOCK): 1},
                                  _parts_key(upload), time=_SECONDS_KEPT)

    def recall(self, upload: Upload, numbers: Iterable[int]) -> 'dict[int, str]':
        """Return the object names of the newest attempts at these part numbers, as far as they are known."""
        wanted = list(numbers)
        found: dict[int, str] = {}
        for begin in range(0, len(wanted), _BLOCK):
            asked = wanted[begin:begin + _BLOCK]
            values = self._get_multi(upload, [_part_key(upload, number) for number in asked])
            found.update(self._read(upload, asked, values))
        return found

    def recall_between(self, upload: Upload, after: int, last: 'int | None' = None) -> 'dict[int, str]':
        """Return what is known of all part numbers above ``after`` and, if given, up to ``last``.

        One round trip for the flags and the first thousand numbers, and one for each further thousand with hints.
        """
        last = _LAST_NUMBER if last is None else min(last, _LAST_NUMBER)
        first = list(range(after + 1, min(after + _BLOCK, last) + 1))
        if not first:
            return {}
        blocks = list(range(first[0] // _BLOCK, last // _BLOCK + 1))
        values = self._get_multi(upload, [*(_block_key(upload, block) for block in blocks),
                                          *(_part_key(upload, number) for number in first)])
        used = {block for block, flag in zip(blocks, values) if flag}
        found = self._read(upload, first, values[len(blocks):])
        further = [number for block in sorted(used)
                   for number in range(max(block * _BLOCK, first[-1] + 1), min((block + 1) * _BLOCK, last + 1))]
        # A flag that is taken back (``forget``) takes all of its hints with it.
        return {**{number: name for number, name in found.items() if number // _BLOCK in used},
                **self.recall(upload, further)}

    def forget(self, upload: Upload) -> None:
        """Note that there are no parts any more."""
        if self._cache is not None:
            self._cache.set_multi({
                **{_block_key(upload, block): 0 for block in range(_LAST_NUMBER // _BLOCK + 1)}},
                _parts_key(upload), time=_SECONDS_KEPT)

    def _get_multi(self, upload: Upload, keys: 'list[str]') -> 'list[Any]':
        values = self._cache.get_multi(keys, _parts_key(upload)) if self._cache is not None and keys else None
        # None: no server answers.
        return list(values) if values is not None else [None] * len(keys)

    @staticmethod
    def _read(upload: Upload, numbers: Iterable[int], values: Iterable[Any]) -> 'dict[int, str]':
        named = ((number, upload.part(number, value)) for number, value in zip(numbers, values)
                 if isinstance(value, str))
        # Other software may write to the same memcache.
        return {number: name for number, name in named if upload.parse_part(name)}


class UploadHints:
    """Remembers the uploads of a bucket that were initiated lately, and have not ended, whatever the listing shows.

    The last thousand are kept, each in a place of its own that a counter gives out, so two proxies never share one.
    """

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def remember(self, upload: Upload) -> None:
        """Note that ``upload`` was initiated."""
        bucket = _bucket_key(upload.account, upload.bucket)
        if self._cache is None:
            return
        try:
            number = int(self._cache.incr(bucket + '/count', time=_SECONDS_KEPT))
        except MemcacheConnectionError:
            return
        self._cache.set_multi({'%s/%d' % (bucket, number % _BLOCK): upload.path, _open_key(upload.id): 1}, bucket,
                              time=_SECONDS_KEPT)

    def is_open(self, upload: Upload) -> bool:
        """Return whether ``upload`` is noted, and so was open when anybody last knew."""
        if self._cache is None:
            return False
        server = _bucket_key(upload.account, upload.bucket)
        return any(self._cache.get_multi([_open_key(upload.id)], server) or ())

    def forget(self, upload: Upload) -> None:
        """Note that ``upload`` has ended, or is about to."""
        if self._cache is not None:
            self._cache.delete(_open_key(upload.id), server_key=_bucket_key(upload.account, upload.bucket))

    def recall(self, account: str, bucket: str) -> 'list[tuple[str, str]]':
        """Return key and upload id of the uploads that are noted, in no order; they may have ended, or be none."""
        if self._cache is None:
            return []
        server = _bucket_key(account, bucket)
        count = _number(self._cache.get(server + '/count'))
        places = range(_BLOCK) if count >= _BLOCK else range(1, count + 1)
        if not places:
            return []
        markers = self._cache.get_multi(['%s/%d' % (server, place) for place in places], server)
        splits = {split for marker in markers or [] if isinstance(marker, str) and (split := split_marker(marker))}
        noted = list(splits)
        flags = self._cache.get_multi([_open_key(upload_id) for _, upload_id in noted], server) if noted else []
        return [split for split, flag in zip(noted, flags or []) if flag]


class _Turns:
    """Lets one at a time do something about an upload, as long as ``cache`` works; it is forgotten after a minute."""

    _KEY: str               # for ``format``, with the upload
    _ALONE: bool            # whether it may be done where there is no cache that works

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def begin(self, upload: Upload) -> bool:
        """Return whether it may be done: nobody has begun it and not ended."""
        if self._cache is None:
            return self._ALONE
        try:
            # Swift's client has no "add". But of several proxies that count up, only one gets to 1.
            return bool(self._cache.incr(self._KEY.format(upload), time=_SECONDS_OF_A_WRITE) == 1)
        except MemcacheConnectionError:
            return self._ALONE

    def end(self, upload: Upload) -> None:
        """Let others do it."""
        if self._cache is not None:
            self._cache.delete(self._KEY.format(upload))


class ConditionalWrites(_Turns):
    """Lets one conditional Complete at a time write to a key. Without a cache that works, every one may."""

    _KEY, _ALONE = 's3multi/write/{0.account}/{0.bucket}/{0.key}', True


class EarlyCompletes(_Turns):
    """Lets one Complete at a time begin its writes early, of all of an upload. Without a cache that works, none may."""

    # The id is unique to account, bucket and key.
    _KEY, _ALONE = 's3multi/early/{0.id}', False


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
        return {0: False, 1: True}.get(known) if isinstance(known, int) else None


def _uploads_key(account: str, bucket: str) -> str:
    return 's3multi/uploads/%s/%s' % (account, bucket)


def _bucket_key(account: str, bucket: str) -> str:
    return 's3multi/initiated/%s/%s' % (account, bucket)


def _open_key(upload_id: str) -> str:
    return 's3multi/initiated/id/' + upload_id


def _parts_key(upload: Upload) -> str:
    # The id is unique to account, bucket and key.
    return 's3multi/parts/%s/%s' % (upload.account, upload.id)


def _part_key(upload: Upload, number: int) -> str:
    return '%s/%d' % (_parts_key(upload), number)


def _block_key(upload: Upload, block: int) -> str:
    return '%s/block/%d' % (_parts_key(upload), block)


def _number(value: Any) -> int:
    # Memcache keeps what it counts as text.
    text = value.decode('latin-1') if isinstance(value, bytes) else str(value)
    return int(text) if text.isascii() and text.isdigit() else 0
