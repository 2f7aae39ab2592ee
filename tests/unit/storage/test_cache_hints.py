# SPDX-License-Identifier: Apache-2.0
"""Hints in memcache: a help where listings lag, and never a proof."""
import pytest

from swift.common.memcached import MemcacheConnectionError

from s3multi.storage.cache_hints import ConditionalWrites, EarlyCompletes, PartHints, UploadHints
from s3multi.upload.names import Upload
from tests.unit.fakes import Cache

UPLOAD = Upload('AUTH_a', 'bucket', 'key', 'i' * 21)
ATTEMPT = 'x' * 11


def test_a_hint_names_the_object_of_the_attempt():
    """So a Complete can ask for it by name."""
    hints = PartHints(Cache())
    hints.remember(UPLOAD, 7, ATTEMPT)

    assert UPLOAD.part(7, ATTEMPT) == hints.recall(UPLOAD, [7])[7]


def test_the_last_attempt_is_hinted():
    """The newest attempt is the part."""
    hints = PartHints(Cache())
    hints.remember(UPLOAD, 7, 'y' * 11)
    hints.remember(UPLOAD, 7, ATTEMPT)

    assert UPLOAD.part(7, ATTEMPT) == hints.recall(UPLOAD, [7])[7]


@pytest.mark.parametrize('upload, number', [
    pytest.param(UPLOAD, 8, id='other-part'),
    pytest.param(Upload('AUTH_a', 'bucket', 'key', 'j' * 21), 7, id='other-upload'),
    pytest.param(Upload('AUTH_b', 'bucket', 'key', 'i' * 21), 7, id='other-account'),
])
def test_a_hint_is_for_one_part_of_one_upload(upload, number):
    """All uploads of a cluster share one memcache."""
    hints = PartHints(Cache())
    hints.remember(UPLOAD, 7, ATTEMPT)

    assert {} == hints.recall(upload, [number])


@pytest.mark.parametrize('value', [None, 7, ['x'], {'a': 'b'}, b'x'], ids=repr)
def test_what_is_no_text_is_no_hint(value):
    """Other software may write to the same memcache."""
    cache = Cache()
    PartHints(cache).remember(UPLOAD, 7, ATTEMPT)
    for key in cache:
        cache[key] = value

    assert {} == PartHints(cache).recall(UPLOAD, [7])


def test_a_hint_stays_inside_its_upload():
    """A forged hint can name nothing but an attempt of this upload and number."""
    cache = Cache()
    PartHints(cache).remember(UPLOAD, 7, '../../../other/secret')

    assert {} == PartHints(cache).recall(UPLOAD, [7])


def test_without_memcache_there_are_no_hints():
    """The cache filter may be missing."""
    hints = PartHints(None)

    assert hints.remember(UPLOAD, 7, ATTEMPT) is None
    assert {} == hints.recall(UPLOAD, [7]) == hints.recall_between(UPLOAD, 0)


class _Broken(Cache):
    def incr(self, key, delta=1, time=0):
        raise MemcacheConnectionError('nobody there')


class _Counting(Cache):
    def __init__(self):
        super().__init__()
        self.trips = 0

    def get_multi(self, keys, server_key):
        assert len(keys) <= 1100
        self.trips += 1
        return super().get_multi(keys, server_key)


@pytest.mark.parametrize('numbers, after, last, found, trips', [
    pytest.param([], 0, None, [], 1, id='none'),
    pytest.param([1, 2, 4], 0, None, [1, 2, 4], 1, id='a-page'),
    pytest.param([1, 2, 4], 2, None, [4], 1, id='after'),
    pytest.param([1, 2, 4], 0, 2, [1, 2], 1, id='up-to'),
    pytest.param([1, 999, 1000, 1001, 10000], 0, None, [1, 999, 1000, 1001, 10000], 2, id='far-apart'),
    pytest.param(list(range(1, 10001)), 0, None, list(range(1, 10001)), 10, id='all'),
    pytest.param([10000], 9999, None, [10000], 1, id='the-last'),
    pytest.param([10000], 10000, None, [], 0, id='beyond-the-last'),
])
def test_what_is_known_of_a_page_of_numbers(numbers, after, last, found, trips):
    """One round trip for a thousand numbers, and none for thousands that nobody has used."""
    cache = _Counting()
    hints = PartHints(cache)
    for number in numbers:
        hints.remember(UPLOAD, number, ATTEMPT)

    assert {number: UPLOAD.part(number, ATTEMPT) for number in found} == hints.recall_between(UPLOAD, after, last)
    assert trips == cache.trips


def test_hints_that_are_forgotten():
    """After an Abort nobody looks for its parts again."""
    cache = Cache()
    for number in (1, 1500):
        PartHints(cache).remember(UPLOAD, number, ATTEMPT)
    PartHints(cache).forget(UPLOAD)

    assert {} == PartHints(cache).recall_between(UPLOAD, 0)


class _Away(Cache):
    def get_multi(self, keys, server_key):
        return None


def test_a_memcache_that_does_not_answer():
    """Swift's client returns nothing then."""
    assert {} == PartHints(_Away()).recall_between(UPLOAD, 0) == PartHints(_Away()).recall(UPLOAD, [1])
    assert [] == UploadHints(_Away()).recall('AUTH_a', 'bucket')


# Uploads that were initiated lately

IDS = ['%s%d' % ('i' * 20, number) for number in range(3)]


def test_uploads_that_were_initiated_and_have_not_ended():
    """By key and id, those of one bucket."""
    hints = UploadHints(Cache())
    for number, key in enumerate(('a', 'b/c', 'd')):
        hints.remember(Upload('AUTH_a', 'bucket', key, IDS[number]))
    hints.remember(Upload('AUTH_a', 'other', 'e', 'j' * 21))
    hints.forget(Upload('AUTH_a', 'bucket', 'a', IDS[0]))

    assert [('b/c', IDS[1]), ('d', IDS[2])] == sorted(hints.recall('AUTH_a', 'bucket'))


@pytest.mark.parametrize('count, found', [(b'2', 2), ('2', 2), (2, 2), (None, 0), (b'x', 0), (-1, 0), ([], 0)],
                         ids=repr)
def test_a_counter_as_memcache_keeps_it(count, found):
    """As text, which Swift's client hands on as bytes."""
    cache = Cache()
    for number in range(2):
        UploadHints(cache).remember(Upload('AUTH_a', 'bucket', 'key', IDS[number]))
    cache['s3multi/initiated/AUTH_a/bucket/count'] = count

    assert found == len(UploadHints(cache).recall('AUTH_a', 'bucket'))


def test_a_thousand_uploads_are_remembered():
    """The last ones."""
    hints = UploadHints(Cache())
    for number in range(1500):
        hints.remember(Upload('AUTH_a', 'bucket', 'key', '%021d' % number))

    assert ['%021d' % number for number in range(500, 1500)] == sorted(
        upload_id for _, upload_id in hints.recall('AUTH_a', 'bucket'))


@pytest.mark.parametrize('value', [None, 7, ['x'], 'x', 'no/id', b'x'], ids=repr)
def test_what_is_no_upload_is_not_remembered(value):
    """Other software may write to the same memcache."""
    cache = Cache()
    UploadHints(cache).remember(Upload('AUTH_a', 'bucket', 'key', 'i' * 21))
    for key in cache:
        cache[key] = value

    assert [] == UploadHints(cache).recall('AUTH_a', 'bucket')


def test_without_memcache_no_upload_is_remembered():
    """Nor where it fails."""
    upload = Upload('AUTH_a', 'bucket', 'key', 'i' * 21)
    for cache in (None, _Broken()):
        hints = UploadHints(cache)
        hints.remember(upload)
        hints.forget(upload)

        assert [] == hints.recall('AUTH_a', 'bucket')


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


@pytest.mark.parametrize('cache', [None, _Broken()], ids=['none', 'broken'])
def test_without_memcache_nobody_is_kept_out(cache):
    """It is a help, not a lock."""
    writes = ConditionalWrites(cache)

    assert [True, True] == [writes.begin(UPLOAD) for _ in range(2)]
    assert writes.end(UPLOAD) is None


# One Complete at a time that begins early

@pytest.mark.parametrize('other, may', [
    (UPLOAD, False), (Upload('AUTH_a', 'bucket', 'key', 'j' * 21), True)], ids=['same', 'other'])
def test_one_begins_early(other, may):
    """Others of the same upload do not, until it has ended."""
    early = EarlyCompletes(Cache())
    assert early.begin(UPLOAD)

    assert may == early.begin(other)
    early.end(UPLOAD)
    early.end(other)
    assert early.begin(UPLOAD)


@pytest.mark.parametrize('cache', [None, _Broken()], ids=['none', 'broken'])
def test_without_memcache_nobody_begins_early(cache):
    """Two that know nothing of each other would keep each other waiting."""
    assert not EarlyCompletes(cache).begin(UPLOAD)
