# SPDX-License-Identifier: Apache-2.0
"""What the owner of a bucket puts among the parts through the Swift API, and s3multi cannot read.

Each field by itself, with anything in it, has ``tests/unit/test_unreadable``.
"""

from __future__ import annotations

import hashlib
import time

import pytest

from s3multi.upload.names import Upload as Names, new_attempt, segments_container

from .raw import RawClient
from .sweeping import Sweeper
from .uploads import Upload, read, tiny_parts
from .users import account


@pytest.fixture(scope='module')
def client(cluster):
    """A client of a proxy that takes parts of any size."""
    return RawClient(tiny_parts(cluster).url)


def plant(upload, swift, number, content_type):
    """Store a part of an upload that s3multi has not stored; return its ETag, in quotes."""
    body = b'planted %d' % number
    name = Names(account(), upload.bucket, upload.key, upload.id).part(number, new_attempt(int(time.time() * 1e5)))
    swift.put_object(segments_container(upload.bucket), name, body, content_type=content_type)
    return '"%s"' % hashlib.md5(body).hexdigest()


TYPES = ['application/octet-stream; crc32=zz', 'application/octet-stream;crc32', ';;;=;',
         'application/x-s3multi-marker;state=open', 'application/octet-stream; sha256="']


def test_checksum_of_a_part_that_cannot_be_read(client, bucket, swift):
    """The part is there, without a checksum: it can be listed, completed and read."""
    upload = Upload(client, bucket)
    for number, content_type in enumerate(TYPES, 1):
        upload.etags[number] = plant(upload, swift, number, content_type)

    listed = upload.list_parts().xml('ListPartsResult').findall('Part')
    assert upload.listed == [(int(part.findtext('PartNumber')), part.findtext('ETag')) for part in listed]
    assert not [child.tag for part in listed for child in part if child.tag.startswith('Checksum')]
    assert 200 == upload.complete().outcome
    assert b''.join(b'planted %d' % number for number in upload.etags) == read(client, bucket, 'key').body


def test_abort_of_an_upload_that_cannot_be_read(client, bucket, swift):
    """Everything goes."""
    upload = Upload(client, bucket)
    for number, content_type in enumerate(TYPES, 1):
        plant(upload, swift, number, content_type)

    assert 204 == upload.abort().outcome
    assert [''] == upload.stored(swift)


def test_sweep_of_what_cannot_be_read(cluster, client, s3, bucket, swift):
    """The sweep goes on behind it, with the same upload, the next one and the next bucket."""
    upload, other = (Upload(client, bucket, key).parts(b'part') for key in ('key', 'key2'))
    plant(upload, swift, 2, TYPES[0])
    # What lies at the names of records is no record.
    for name in (f'key/{upload.id}/complete', 'complete', '/complete', f'/{upload.id}'):
        swift.put_object(segments_container(bucket), name, b'', content_type='\x1b[31m')

    with Sweeper(cluster, 'unreadable') as sweeper:
        swept = sweeper.bucket(bucket, '--abort-older-than', '1d')

    assert (0, {upload.id: 'aborted', other.id: 'aborted'}) == (swept.code, swept.outcomes())
    assert ['', ''] == [name for each in (upload, other) for name in each.stored(swift) if name != '/complete']
