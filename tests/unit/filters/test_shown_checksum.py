# SPDX-License-Identifier: Apache-2.0
"""Which checksum Swift's answer to a GET or HEAD gets, and when it gets none."""
import json

import pytest

from s3multi.filters.shown_checksum import of_answer
from s3multi.storage.requests import Backend
from s3multi.storage.segments import Segments
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS, RecordingSwift, client_env

UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', 1790000000 * 100000))
HEADERS = {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id, 'Content-Length': '17',
           'X-Object-Sysmeta-S3multi-Checksum': 'COMPOSITE crc32 S6uctQ==-3 7'}
WHOLE = {'x-amz-checksum-crc32': 'S6uctQ==-3', 'x-amz-checksum-type': 'COMPOSITE'}
PART = {'x-amz-checksum-crc32': 'nHfoQQ==', 'x-amz-checksum-type': 'COMPOSITE'}
OF_PART_2 = 206, {'Content-Range': 'bytes 7-13/17'}


def row(number=2, attempt='coaT0WymrqI', size=7):
    """Return the row of a part in the listing."""
    return {'name': UPLOAD.part(number, attempt), 'hash': 'a' * 32, 'bytes': size,
            'content_type': 'application/octet-stream; crc32=9c77e841'}


def headers_for(status, more, rows=(row(),), query='', method='GET', swift=None, **env):
    """Return the checksum headers for an answer with this status and ``more`` headers. rows: those that Swift lists."""
    swift = swift or RecordingSwift(GET=(200, {}, json.dumps(list(rows)).encode()))
    env = client_env(query=query, REQUEST_METHOD=method, **env)
    return of_answer(env, status, {**HEADERS, **more}, lambda account, bucket: Segments(
        Backend(swift, env, account, bucket), bucket, 1))


@pytest.mark.parametrize('status, headers, found', [
    pytest.param(200, {}, WHOLE, id='all'),
    pytest.param(206, {'Content-Range': 'bytes 0-16/17'}, WHOLE, id='all-as-a-range'),
    pytest.param(*OF_PART_2, PART, id='a-part'),
    pytest.param(206, {'Content-Range': 'bytes 7-12/17'}, {}, id='less'),
    pytest.param(206, {'Content-Range': 'bytes 6-13/17'}, {}, id='more'),
    pytest.param(206, {'Content-Type': 'multipart/byteranges'}, {}, id='several-ranges'),
    pytest.param(404, {}, {}, id='an-error'),
    pytest.param(200, {'X-Static-Large-Object': ''}, {}, id='a-copy'),
    pytest.param(200, {'X-Object-Sysmeta-S3multi-Checksum': ''}, {}, id='none'),
    pytest.param(206, {'Content-Range': 'bytes 7-13/17', 'X-Object-Sysmeta-S3multi-Checksum':
                       'FULL_OBJECT crc32 WxWtvg== -'}, {}, id='numbers-with-gaps'),
])
def test_what_an_answer_tells(status, headers, found):
    """The whole gets the checksum of the object, a part that of the part, and everything else none."""
    assert found == headers_for(status, headers)


@pytest.mark.parametrize('rows, found', [
    ([row()], PART), ([], {}), ([row(), row(attempt='coaT0tqfSS3')], {}), ([row(), row(3)], PART), ([row(3)], {}),
    ([row(size=6)], {}), ([{**row(), 'content_type': 'application/octet-stream'}], {})],
    ids=['one', 'late', 'two-attempts', 'next', 'next-alone', 'other-size', 'without'])
def test_the_row_of_a_part(rows, found):
    """There must be one attempt at the part, of the size that is read: otherwise it may not be the one in the manifest.
    """
    assert found == headers_for(*OF_PART_2, rows)


def test_a_listing_that_cannot_be_had():
    """The client gets its bytes without a checksum."""
    assert {} == headers_for(*OF_PART_2, swift=RecordingSwift(GET=503))


@pytest.mark.parametrize('span, found', [
    ('bytes=7-13', PART), ('bytes=0-', WHOLE), ('bytes=0-1', {}), ('bytes=0-1,3-4', WHOLE), ('words', WHOLE)])
def test_a_head_with_a_range(span, found):
    """Swift answers with the whole, and s3api makes a single range of it."""
    assert found == headers_for(200, {}, method='HEAD', HTTP_RANGE=span)


def test_a_part_by_its_number():
    """Only rows of this upload are listed, and no more than two."""
    swift = RecordingSwift(GET=(200, {}, json.dumps([row()]).encode()))

    assert PART == headers_for(*OF_PART_2, query='part-number=2', swift=swift)
    assert ['/v1/AUTH_a/bucket_segments'] == [seen.path for seen in swift.seen]
    assert 'limit=2' in swift.last.query
