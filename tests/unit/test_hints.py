# SPDX-License-Identifier: Apache-2.0
"""Hints in memcache: a help where listings lag, and never more than that."""
import pytest

from s3multi.hints import PartHints
from s3multi.layout import Upload
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
