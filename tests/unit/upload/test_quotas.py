# SPDX-License-Identifier: Apache-2.0
"""What a bucket with a quota has room for, given what it and its segments container hold already."""
import pytest

from s3multi.s3.errors import EntityTooLarge
from s3multi.upload.quotas import NO_QUOTA, Quota, check_object, check_part, quota_of


def fits(check, *args):
    """Return whether ``check`` accepts these arguments."""
    try:
        check(*args)
    except EntityTooLarge as refusal:
        assert 'Upload exceeds quota.' == refusal.message
        return False
    return True


@pytest.mark.parametrize('info, quota', [
    pytest.param({}, NO_QUOTA, id='nothing-known'),
    pytest.param({'meta': None}, NO_QUOTA, id='no-metadata'),
    pytest.param({'meta': {}}, NO_QUOTA, id='no-quota'),
    pytest.param({'meta': {'quota-bytes': '10'}}, Quota(10, None), id='bytes'),
    pytest.param({'meta': {'quota-count': '0'}}, Quota(None, 0), id='count-of-zero'),
    pytest.param({'meta': {'quota-bytes': '0', 'quota-count': '7'}}, Quota(0, 7), id='both'),
    pytest.param({'meta': {'quota-bytes': '', 'quota-count': '-1'}}, NO_QUOTA, id='no-numbers'),
    pytest.param({'meta': {'quota-bytes': '1e9'}}, NO_QUOTA, id='no-integer'),
])
def test_the_quota_of_a_bucket(info, quota):
    """A quota that is not a number is ignored, as in Swift."""
    assert quota == quota_of(info)


@pytest.mark.parametrize('bucket, segments, size, expected', [
    (0, 0, 100, True), (0, 0, 101, False), (40, 50, 10, True), (40, 50, 11, False), (101, 0, 0, False),
    (100, 0, 0, True)])
def test_parts(bucket, segments, size, expected):
    """A part comes on top of everything that is stored, and both together may reach the quota but not exceed it."""
    assert expected is fits(check_part, Quota(100, None), bucket, segments, size)


@pytest.mark.parametrize('bucket, segments, size, expected', [
    pytest.param(0, 100, 100, True, id='just'),
    pytest.param(0, 0, 100, True, id='just-not-counted-yet'),
    pytest.param(0, 0, 101, False, id='more-not-counted-yet'),
    pytest.param(0, 101, 60, False, id='others-are-there'),
    pytest.param(41, 60, 60, False, id='plain-objects-are-there'),
    pytest.param(40, 60, 60, True, id='plain-objects-and-this-one'),
])
def test_objects(bucket, segments, size, expected):
    """The parts of an object are not counted twice, and count in full even if Swift has not counted them yet."""
    assert expected is fits(check_object, Quota(100, None), bucket, 0, segments, size)


@pytest.mark.parametrize('objects, expected', [(6, True), (7, False), (8, False)])
def test_number_of_objects(objects, expected):
    """It counts as one more object. Swift does not ask either whether it replaces one."""
    assert expected is fits(check_object, Quota(None, 7), 10 ** 15, objects, 10 ** 15, 10 ** 15)


def test_a_number_of_objects_does_not_bind_parts():
    """Parts are not objects of the bucket."""
    assert fits(check_part, Quota(None, 0), 10 ** 15, 10 ** 15, 10 ** 15)
