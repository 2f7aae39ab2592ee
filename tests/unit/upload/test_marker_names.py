# SPDX-License-Identifier: Apache-2.0
"""Names of markers: Swift lists them in the order in which S3 lists uploads."""
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from s3multi.upload import marker_names
from s3multi.upload.marker_names import (
    after_key, before_keys_after, before_name, marker_name, names_from, split_marker_name)
from tests.unit.fakes import IDS

IDS_OF_KEYS = ['aaaaaaaa.0' + 'a' * 11, 'aaaaaaaa.0' + 'b' * 11, 'bbbbbbbb.7' + '-' * 11]
keys = st.text(st.one_of(st.sampled_from('a-/.\x01\ud7ff\ue000\U0010ffff'), st.characters(
    blacklist_characters='\0', blacklist_categories=('Cs',))), min_size=1, max_size=5)
ids = st.sampled_from(IDS_OF_KEYS)


def listed(*names):
    """Return whether Swift lists names in this order."""
    encoded = [name.encode() for name in names]
    return encoded == sorted(encoded) and len(set(encoded)) == len(encoded)


@given(keys, ids, keys, ids)
def test_markers_sort_by_key_and_then_by_id(key, upload_id, other_key, other_id):
    """As S3 lists uploads, whatever characters the keys have."""
    pairs = [(key.encode(), upload_id), (other_key.encode(), other_id)]
    assume(pairs[0] != pairs[1])

    assert (pairs[0] < pairs[1]) is listed(marker_name(key, upload_id), marker_name(other_key, other_id))


@given(keys, ids)
def test_a_name_is_split_again(key, upload_id):
    """Into key and id."""
    assert (key, upload_id) == split_marker_name(marker_name(key, upload_id))


@pytest.mark.parametrize('name', ['', 'a', '\0', '\0a', '\0a\0', '\0a\0b', '\0a\0%s\0' % IDS_OF_KEYS[0],
                                  'a\0' + IDS_OF_KEYS[0], '\0a\0' + 'a' * 21])
def test_other_names(name):
    """They are names of no marker; nor is one with an id whose marker lies among the parts."""
    assert split_marker_name(name) is None


@given(keys, ids, keys, ids)
def test_the_place_after_a_key(key, upload_id, other_key, other_id):
    """It follows all markers of the key, and precedes those of all keys after it."""
    assert listed(marker_name(key, upload_id), after_key(key))
    assert key.encode() >= other_key.encode() or listed(after_key(key), marker_name(other_key, other_id))


@given(keys, keys, ids)
def test_the_place_after_all_keys_with_a_prefix(prefix, key, upload_id):
    """It follows the markers of keys that begin so, and precedes those of all keys after them, if there can be any."""
    place = before_keys_after(prefix)
    name = marker_name(key, upload_id)
    begins = key.startswith(prefix)

    assert names_from(prefix) == name[:len(prefix) + 1] or not begins
    if place is None:
        assert begins or key.encode() < prefix.encode()
    else:
        assert listed(name, place) is (begins or key.encode() < prefix.encode())


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_name_just_before(name, other):
    """It can be the marker of a listing that begins with the name, with few names in between."""
    assume('\0' not in name)
    before = before_name(name)

    assert before.encode() < name.encode() and '\0' not in before
    if other[:-1] == name[:-1] and other < name and name[-1] != '\x01':
        assert other.encode() <= before.encode()


def test_containers():
    """Each bucket has its own, whose name tells the bucket."""
    assert 'a bucket' == marker_names.bucket_of_markers(marker_names.markers_container('a bucket'))
    for name in ('bucket', 'bucket_segments', '\0versions\0bucket', '\0s3multi', '\0s3multi\0a\0b', '', '\0'):
        assert marker_names.bucket_of_markers(name) is None


def test_ids_that_are_made_fit():
    """What ``UploadIds`` makes is in the name of a marker."""
    upload_id = IDS.new('AUTH_a', 'b', 'k', 1790000000 * 100000)

    assert ('k', upload_id) == split_marker_name(marker_name('k', upload_id))
