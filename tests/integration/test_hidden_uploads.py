# SPDX-License-Identifier: Apache-2.0
"""Uploads whose keys lie among the parts of another upload: hidden from Swift's folded listing, and yet all listed."""

from __future__ import annotations

import pytest

from .counting import counting
from .raw import RawClient
from .uploads import Upload, read


@pytest.fixture
def client(faulty):
    """A client of the proxy."""
    return RawClient(faulty.url)


@pytest.fixture
def outer(client, bucket):
    """An upload of the key "outer" with part 1."""
    outer = Upload(client, bucket, 'outer')
    outer.part(1, b'outer')
    return outer


def hidden_uploads(outer):
    """Begin uploads with part 2 whose keys lie among the parts of another, in S3's order, and return them."""
    uploads = []
    for end in ('/000', '/00000001', '/00000001-', '/000x', '/000\u00e9'):
        uploads.append(Upload(outer.client, outer.bucket, f'{outer.key}/{outer.id}{end}'))
        uploads[-1].part(2, end.encode())
    return uploads


def listed(client, bucket, **query):
    """Return keys and ids of the uploads that the bucket lists, in order."""
    found = client.list_uploads(bucket, query).xml('ListMultipartUploadsResult').findall('Upload')
    return [(each.findtext('Key'), each.findtext('UploadId')) for each in found]


def pairs(*uploads):
    return [(upload.key, upload.id) for upload in uploads]


def test_they_are_listed(client, forgetful, outer):
    """In order, by pages of every size, and by a proxy that has not heard of them."""
    inner = hidden_uploads(outer)
    last = Upload(client, outer.bucket, 'p')

    expected = pairs(outer, *inner, last)
    assert expected == listed(client, outer.bucket)
    assert expected == listed(RawClient(forgetful.url), outer.bucket)
    assert pairs(*inner) == listed(client, outer.bucket, prefix=f'outer/{outer.id}/')
    for most in (1, 2, 3):
        found, markers = [], {}
        while True:
            page = listed(client, outer.bucket, **markers, **{'max-uploads': most})
            found += page
            if len(page) < most:
                break
            markers = dict(zip(('key-marker', 'upload-id-marker'), page[-1]))
        assert expected == found


def test_no_upload_is_like_another(outer):
    """Each has its own parts, and ends by itself."""
    inner = hidden_uploads(outer)
    for upload, numbers in [(outer, ['1']), *((upload, ['2']) for upload in inner)]:
        shown = upload.list_parts().xml('ListPartsResult').iter('PartNumber')
        assert numbers == [number.text for number in shown]

    assert 204 == inner[0].abort().outcome
    assert 200 == inner[1].complete().outcome
    assert pairs(outer, *inner[2:]) == listed(outer.client, outer.bucket)
    assert 200 == outer.complete().outcome
    assert pairs(*inner[2:]) == listed(outer.client, outer.bucket)
    assert [200] * 3 == [upload.complete().outcome for upload in inner[2:]]
    assert [] == listed(outer.client, outer.bucket)
    assert b'outer' == read(outer.client, outer.bucket, 'outer').body
    assert b'/00000001' == read(outer.client, outer.bucket, inner[1].key).body
    assert [200] * 3 == [read(outer.client, outer.bucket, upload.key).status for upload in inner[2:]]


def test_they_cost_no_more_than_others(faulty, client, outer):
    """Neither to begin nor to list, then or later."""
    with counting(faulty.above) as seen:
        Upload(client, outer.bucket, f'outer/{outer.id}/000')
    assert ['PUT marker'] == seen.order

    for key in ('a' + '-' * 900, 'd240' + '/000' * 200):
        Upload(client, outer.bucket, key)
    with counting(faulty.above) as seen:
        assert 4 == len(listed(client, outer.bucket))
        assert 1 == len(listed(client, outer.bucket, **{'max-uploads': 1}))
    assert ['GET markers'] * 2 == seen.order
