# SPDX-License-Identifier: Apache-2.0
"""Whether an Abort may delete the parts of the upload itself."""
import pytest
from swift.common.utils import Timestamp

from s3multi.operations import ending
from s3multi.s3.errors import ServiceUnavailable
from s3multi.upload.names import Upload
from s3multi.upload.timestamps import just_after, swift_time
from tests.unit.fakes import IDS, RecordingSwift, bucket_of

TICKS = 1790000000 * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
ABORTED = 200, {'Content-Type': 'application/x-s3multi-marker;state=aborted', 'X-Timestamp': '1790000000.00000'}, b''
INTENT = 200, {'X-Object-Sysmeta-S3multi-Chosen': 'x', 'X-Object-Sysmeta-S3multi-Timestamp': '1790000001.00000'}, b''
VERSIONED = {'versions-container': 'x'}


@pytest.mark.parametrize('sysmeta, intent, frees', [
    ({}, 404, True), ({}, INTENT, True), (VERSIONED, 404, True), (VERSIONED, INTENT, False)],
    ids=['plain', 'plain, intent', 'versions', 'versions, intent'])
def test_an_abort_that_is_repeated(sysmeta, intent, frees):
    """In a bucket with versions, a version may list the parts if there is the intent of a Complete. The first Abort has
    left them to the sweep for that reason, and so does a repeat."""
    def head(seen):
        if seen.path.endswith('/complete'):
            return intent
        return ABORTED if seen.path.endswith(UPLOAD.marker) else 404

    bucket = bucket_of(RecordingSwift(HEAD=head), info={'sysmeta': sysmeta})

    assert frees == ending.abort(bucket, UPLOAD, looks=0)


@pytest.mark.parametrize('headers', [
    {'Content-Type': 'text/plain'}, {'X-Object-Sysmeta-S3multi-Timestamp': 'zz'},
    {'X-Object-Sysmeta-S3multi-Chosen': 'x', 'X-Object-Sysmeta-S3multi-Timestamp': '1790000001.00000'}],
    ids=['of a user', 'broken', 'copied'])
@pytest.mark.parametrize('age, aborted', [(3600, True), (5, False)], ids=['old', 'new'])
def test_an_intent_that_cannot_be_read(headers, age, aborted):
    """What lies at its name and is no intent of this upload is in the way like one, and no longer than one."""
    written = Timestamp(float(Timestamp.now()) - age)
    marker = dict(ABORTED[1])
    marker['Content-Type'] = 'application/x-s3multi-marker;state=open'

    def head(seen):
        if seen.path.endswith('/complete'):
            return 200, {**headers, 'X-Timestamp': written.normal}, b''
        return (200, marker, b'') if seen.path.endswith(UPLOAD.marker) else 404

    bucket = bucket_of(RecordingSwift(HEAD=head))

    if aborted:
        assert ending.abort(bucket, UPLOAD, looks=0)
    else:
        with pytest.raises(ServiceUnavailable):
            ending.abort(bucket, UPLOAD, looks=0)


@pytest.mark.parametrize('offset, written', [(0, (1, 2)), (3, (4, 5))], ids=['as initiated', 'moved'])
def test_a_marker_that_swift_has_moved(offset, written):
    """Swift's container-reconciler writes it again, three offsets later. The Abort writes its states after that."""
    began = swift_time(UPLOAD.ticks)
    marker = {**ABORTED[1], 'Content-Type': 'application/x-s3multi-marker;state=open',
              'X-Backend-Timestamp': just_after(began, offset).internal if offset else began.internal}
    swift = RecordingSwift(HEAD=lambda seen: (200, marker, b'') if seen.path.endswith(UPLOAD.marker) else 404)

    assert ending.abort(bucket_of(swift), UPLOAD, looks=0)
    assert [just_after(began, each).internal for each in written] == [
        seen.headers['X-Timestamp'] for seen in swift.seen if seen.method == 'PUT']
