# SPDX-License-Identifier: Apache-2.0
"""What a sweep notes while it deletes parts of an upload that is over, and for how long."""
import pytest
from swift.common.utils import Timestamp

from s3multi.operations.references import References
from s3multi.s3.parts import Attempt
from s3multi.sweep.judge import Judge
from s3multi.sweep.rules import Limits
from s3multi.commands.walk import Found
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.records import State
from tests.unit.fakes import IDS, RecordingSwift, bucket_of

TICKS = 1780000000 * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
SEGMENTS = '/v1/AUTH_a/bucket_segments'
PART = Attempt(1, UPLOAD.part(1, new_attempt(TICKS)), TICKS, 'e', 1)
ENDED = 404, {'X-Backend-Timestamp': Timestamp(1780000001, offset=1).internal}, b''
SHARED = 200, {'X-Timestamp': '1780000002.00000'}, b''


def swept(apply=True, shared=404, **answers):
    """Judge an upload of which a part is left; return the outcome, and what was done about the notes.

    shared: the answer to a HEAD of the note of another manifest, or two.
    """
    shared = shared if isinstance(shared, list) else [shared]

    def head(seen):
        if seen.path.endswith('/shared'):
            return shared.pop(0) if len(shared) > 1 else shared[0]
        return ENDED if seen.path.startswith(SEGMENTS + '/') else 204 if seen.path == '/v1/AUTH_a/bucket' else 404

    swift = RecordingSwift(**{'HEAD': head, 'GET': (200, {}, b'[]'), **answers})
    bucket = bucket_of(swift)
    outcome = Judge(bucket, References(bucket.backend, 'bucket'), 0, Limits(), apply).run(
        Found(UPLOAD, None, False, [PART]))
    return outcome.what, [seen.method for seen in swift.seen if seen.path.endswith('/freed')]


def test_parts_that_are_deleted():
    """What was noted expires sooner, since another manifest may list other parts."""
    assert ('freed', ['PUT', 'PUT']) == swept()


@pytest.mark.parametrize('apply', [True, False])
def test_a_marker_that_says_completed(apply):
    """The proxy died before it deleted it."""
    swift = RecordingSwift(HEAD=(200, {'Content-Type': 'application/x-s3multi-marker;state=completed',
                                       'X-Timestamp': '1780000001.00000'}, b''))
    bucket = bucket_of(swift)
    judge = Judge(bucket, References(bucket.backend, 'bucket'), 0, Limits(), apply)

    assert 'finished' == judge.run(Found(UPLOAD, State.COMPLETED, False, ())).what
    assert ['/v1/AUTH_a/%s/%s' % (UPLOAD.marker_container, UPLOAD.marker)] * apply == [
        seen.path for seen in swift.seen if seen.method == 'DELETE']


@pytest.mark.parametrize('answers, what, notes', [
    pytest.param({'DELETE': 503}, 'failed', ['PUT'], id='a part may be left'),
    pytest.param({'PUT': [412, 201, 500]}, 'freed', ['PUT', 'PUT'], id='somebody else relies on the note'),
    pytest.param({'shared': [404, SHARED]}, 'kept', ['PUT'], id='somebody was quicker'),
    pytest.param({'apply': False}, 'freed', [], id='dry run'),
])
def test_what_is_noted_for_long(answers, what, notes):
    """Nobody may list a part that is going to be deleted yet."""
    assert (what, notes) == swept(**answers)
