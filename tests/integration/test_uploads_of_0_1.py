# SPDX-License-Identifier: Apache-2.0
"""Uploads that s3multi 0.1 has begun, whose markers lie among the parts: they go on as they were."""

from __future__ import annotations

import time

import pytest

from s3multi.demo.disks import hash_suffix
from s3multi.upload.names import UploadIds, segments_container

from .counting import counting
from .raw import RawClient
from .uploads import Upload, read, segment_names
from .users import account

AHEAD_TICKS = 30000


@pytest.fixture
def client(faulty):
    """A client of the shared proxy that counts."""
    return RawClient(faulty.url)


@pytest.fixture
def old(cluster, client, bucket, swift):
    """An open upload of the key "old" as release 0.1 has begun it, in a bucket that has none of this release."""
    swift.put_container(segments_container(bucket))
    ids = UploadIds(b'\0' + hash_suffix(cluster.swift_dir / 'swift.conf').encode())
    # Release 0.1 gives the marker the time that is in the id; through the Swift API it is a little older.
    upload_id = ids.new_among_parts(account(), bucket, 'old', time.time_ns() // 10000 + AHEAD_TICKS)
    swift.put_object(segments_container(bucket), f'old/{upload_id}', b'',
                     content_type='application/x-s3multi-marker;state=open;initiator=test%3Atester')
    upload = Upload.__new__(Upload)
    upload.client, upload.bucket, upload.key, upload.id, upload.etags = client, bucket, 'old', upload_id, {}
    time.sleep(AHEAD_TICKS / 100000)
    return upload


def listed(client, bucket, **query):
    """Return keys and ids of the uploads that the bucket lists, in order."""
    found = client.list_uploads(bucket, query).xml('ListMultipartUploadsResult').findall('Upload')
    return [(each.findtext('Key'), each.findtext('UploadId')) for each in found]


def test_it_is_completed(client, old):
    """By its id, with the parts that it gets."""
    old.parts(b'one', b'two')
    assert ['1', '2'] == [each.text for each in old.list_parts().xml('ListPartsResult').iter('PartNumber')]
    assert 200 == old.complete().outcome
    assert b'onetwo' == read(client, old.bucket, 'old').body
    assert 200 == old.complete().outcome
    assert (404, 'NoSuchUpload') == old.abort().outcome


def test_it_is_aborted(old, swift):
    """Nothing is left of it but the marker."""
    old.parts(b'one')
    assert 204 == old.abort().outcome
    assert 204 == old.abort().outcome
    assert (404, 'NoSuchUpload') == old.complete([(1, 'a' * 32)]).outcome
    assert [f'old/{old.id}'] == segment_names(swift, old.bucket)


def test_it_is_listed_among_others(faulty, client, old):
    """In order of keys, over pages of any size, for one listing more."""
    new = [Upload(client, old.bucket, key) for key in ('a', 'old', 'z')]
    first, second, last = new
    expected = [('a', first.id), *sorted([('old', old.id), ('old', second.id)]), ('z', last.id)]
    with counting(faulty.above) as seen:
        assert expected == listed(client, old.bucket)
    assert ['GET markers', 'GET segments container'] == [each for each in seen.order if not each.startswith('HEAD')]
    found, place = [], {}
    for _ in expected:
        page = listed(client, old.bucket, **place, **{'max-uploads': 1})
        found += page
        place = dict(zip(('key-marker', 'upload-id-marker'), page[-1]))
    assert expected == found


def test_it_ends_with_its_bucket(client, old, swift):
    """As all open uploads do."""
    old.parts(b'one')
    Upload(client, old.bucket, 'new').parts(b'two')

    assert 204 == client.request('DELETE', old.bucket).status
    assert [] == old.stored_numbers(swift)
