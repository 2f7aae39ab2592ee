# SPDX-License-Identifier: Apache-2.0
"""Upload Part Copy: what is asked at once, and which error is told if there are several."""
import pytest

from s3multi.operations import copy_part
from s3multi.s3.errors import S3Error
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS, RecordingSwift, Together, asked, handed_on

UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', 1790000000 * 100000))
OPEN = 200, {'Content-Type': 'application/x-s3multi-marker;state=open', 'X-Timestamp': '1790000000.00000'}, b''
SOURCE = 200, {'Etag': 'a' * 32, 'Last-Modified': 'Mon, 21 Sep 2026 14:13:20 GMT'}, b'Hello, '
STORED = 201, {'Etag': 'c84cabbaebee9a9631c8be234ac64c26'}, b''


def copy(swift):
    """Copy ``source`` of the same bucket into part 1; return the ``Reply``."""
    return copy_part.run(*asked(swift, handed_on(
        params={'partNumber': '1', 'uploadId': UPLOAD.id}, headers={'x-amz-copy-source': '/bucket/source'})))


def test_marker_and_source_are_asked_for_at_once():
    """Neither waits for the other; the part gets the bytes of the source."""
    swift = RecordingSwift(HEAD=OPEN, GET=SOURCE, PUT=STORED)

    assert 200 == copy(Together(swift, ('HEAD', UPLOAD.marker), ('GET', '/source'))).status
    assert ({'HEAD', 'GET'}, 'PUT') == ({seen.method for seen in swift.seen[:2]}, swift.last.method)
    assert (b'Hello, ', 0) == (swift.last.body, swift.unclosed)


@pytest.mark.parametrize('source', [SOURCE, 403, 404, 416, 503])
def test_an_upload_that_is_over(source):
    """The answer is NoSuchUpload, whatever is wrong with the source. Swift gets no byte, and the source is closed."""
    swift = RecordingSwift(HEAD=404, GET=source, PUT=STORED)
    with pytest.raises(S3Error) as refused:
        copy(swift)

    assert 'NoSuchUpload' == refused.value.code
    assert (['PUT'] if source is SOURCE else []) == swift.broken
    assert 'PUT' not in [seen.method for seen in swift.seen]
    assert 0 == swift.unclosed
