# SPDX-License-Identifier: Apache-2.0
"""Hints in memcache: a help where listings lag, and never more than that."""
import pytest

from swift.common.memcached import MemcacheConnectionError

from s3multi.storage.cache_hints import ConditionalWrites, PartHints
from s3multi.upload.names import Upload
from tests.unit.fakes import Cache

UPLOAD = Upload('AUTH_a', 'bucket', 'key', 'i' * 21)
ATTEMPT = 'x' * 11


def test_a_hint_names_the_object_of_the_attempt():
    """A Complete asks for it by name."""
    hints = PartHints(Cache())
    hints.remember(UPLOAD, 7, ATTEMPT)

    assert UPLOAD.part(7, ATTEMPT) == hints.recall(UPLOAD, 7)


def test_the_last_attempt_is_hinted():
    """The newest is the part."""
    hints = PartHints(Cache())
    hints.remember(UPLOAD, 7, 'y' * 11)
    hints.remember(UPLOAD, 7, ATTEMPT)

    assert UPLOAD.part(7, ATTEMPT) == hints.recall(UPLOAD, 7)


@pytest.mark.parametrize('upload, number', [
    pytest.param(UPLOAD, 8, id='other-part'),
    pytest.param(Upload('AUTH_a', 'bucket', 'key', 'j' * 21), 7, id='other-upload'),
    pytest.param(Upload('AUTH_b', 'bucket', 'key', 'i' * 21), 7, id='other-account'),
])
def test_a_hint_is_for_one_part_of_one_upload(upload, number):
    """All uploads of a cluster share one memcache."""
    hints = PartHints(Cache())
    hints.remember(UPLOAD, 7, ATTEMPT)

    assert hints.recall(upload, number) is None


@pytest.mark.parametrize('value', [None, 7, ['x'], {'a': 'b'}, b'x'], ids=repr)
def test_what_is_no_text_is_no_hint(value):
    """Other software may write to the same memcache."""
    cache = Cache()
    PartHints(cache).remember(UPLOAD, 7, ATTEMPT)
    for key in cache:
        cache[key] = value

    assert PartHints(cache).recall(UPLOAD, 7) is None


def test_a_hint_stays_inside_its_upload():
    """A forged hint can name nothing but a part of this upload and number."""
    cache = Cache()
    PartHints(cache).remember(UPLOAD, 7, '../../../other/secret')

    name = PartHints(cache).recall(UPLOAD, 7)
    assert name.startswith(UPLOAD.part(7, ''))
    assert UPLOAD.parse_part(name) is None


def test_without_memcache_there_are_no_hints():
    """The cache filter may be missing."""
    hints = PartHints(None)

    assert hints.remember(UPLOAD, 7, ATTEMPT) is None
    assert hints.recall(UPLOAD, 7) is None


# One conditional Complete at a time

def test_one_writes_at_a_time():
    """Of several that begin at one key the first may write; when it has ended the next may."""
    writes = ConditionalWrites(Cache())

    assert [True, False, False] == [writes.begin(UPLOAD) for _ in range(3)]
    writes.end(UPLOAD)
    assert writes.begin(UPLOAD)


@pytest.mark.parametrize('other, may', [
    (Upload('AUTH_a', 'bucket', 'key', 'j' * 21), False), (Upload('AUTH_a', 'bucket', 'key2', 'i' * 21), True),
    (Upload('AUTH_a', 'bucket2', 'key', 'i' * 21), True), (Upload('AUTH_b', 'bucket', 'key', 'i' * 21), True)])
def test_what_counts_is_the_key(other, may):
    """Uploads of one key keep each other out, those of other keys do not."""
    writes = ConditionalWrites(Cache())
    writes.begin(UPLOAD)

    assert may == writes.begin(other)


class _Broken(Cache):
    def incr(self, key, delta=1, time=0):
        raise MemcacheConnectionError('nobody there')


@pytest.mark.parametrize('cache', [None, _Broken()], ids=['none', 'broken'])
def test_without_memcache_nobody_is_kept_out(cache):
    """It is a help, and no lock."""
    writes = ConditionalWrites(cache)

    assert [True, True] == [writes.begin(UPLOAD) for _ in range(2)]
    assert writes.end(UPLOAD) is None
