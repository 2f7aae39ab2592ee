# SPDX-License-Identifier: Apache-2.0
"""What a Complete says of a part that it cannot prove, when the upload ends while it is at that."""
import pytest

from s3multi.operations.complete.proof import prove
from s3multi.s3.errors import InvalidPart, NoSuchUpload
from s3multi.s3.parts import PartRef
from s3multi.upload.names import Upload
from s3multi.upload.records import MarkerType, State
from tests.unit.fakes import IDS, RecordingSwift, asked

OPEN, ABORTED = ((200, {'Content-Type': MarkerType(state, 'user').encode(), 'X-Timestamp': '1700000000.00000'}, b'')
                 for state in (State.OPEN, State.ABORTED))
EMPTY = 200, {}, b'[]'


class Known:
    """What the cache has told."""

    def __init__(self, value):
        self._value = value

    def result(self):
        return self._value


@pytest.mark.parametrize('marker, outcome', [
    pytest.param(OPEN, InvalidPart, id='open'), pytest.param(404, None, id='completed'),
    pytest.param(ABORTED, NoSuchUpload, id='aborted')])
def test_an_upload_that_ends_meanwhile(marker, outcome, monkeypatch):
    """Its parts and the notes of them are gone, so nothing proves them. No list is refused that was right."""
    swift = RecordingSwift(HEAD=[OPEN, marker], GET=EMPTY)
    bucket, _ = asked(swift, options={'missing_part_patience': '0'})
    upload = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', 170000000000000))

    def proven():
        return prove(bucket, upload, [PartRef(1, 'a' * 32)], Known(False), Known({}))

    if outcome is None:
        assert proven() is None
    else:
        with pytest.raises(outcome):
            proven()
