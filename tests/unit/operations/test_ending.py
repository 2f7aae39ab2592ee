# SPDX-License-Identifier: Apache-2.0
"""Whether an Abort may delete the parts of the upload itself."""
import contextlib

import pytest
from swift.common.utils import Timestamp

from s3multi.operations import ending
from s3multi.s3.errors import NoSuchUpload, ServiceUnavailable
from s3multi.upload.names import Upload
from s3multi.upload.records import State
from s3multi.upload.timestamps import just_after, marker_time, swift_time
from tests.unit.fakes import IDS, RecordingSwift, bucket_of

TICKS = 1790000000 * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
BEGAN = swift_time(UPLOAD.ticks)
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


def swift_with(state, offset, put=201, intent=404):
    """Return a Swift with a marker of this state, so much later than the Initiate, and with nothing else.

    put: what it answers to each PUT. A flag that it stores is there from then on. intent: what it answers to a HEAD
    of the intent. Lists are answers to one after another; the last one goes on.
    """
    marker = {'Content-Type': 'application/x-s3multi-marker;state=' + state,
              'X-Backend-Timestamp': just_after(BEGAN, offset).internal if offset else BEGAN.internal}
    answers, intents = ([*each] if isinstance(each, list) else [each] for each in (put, intent))

    def head(seen):
        if seen.path.endswith('/complete'):
            return intents.pop(0) if len(intents) > 1 else intents[0]
        return (200, dict(marker), b'') if seen.path.endswith(UPLOAD.marker) else 404

    def write(seen):
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == 201:
            marker.update({'Content-Type': seen.env['CONTENT_TYPE'],
                           'X-Backend-Timestamp': seen.headers['X-Timestamp']})
        return answer

    return RecordingSwift(HEAD=head, PUT=write)


def written(swift):
    """Return state and timestamp of each marker that was sent."""
    return [(seen.env['CONTENT_TYPE'].partition('state=')[2].partition(';')[0], seen.headers['X-Timestamp'])
            for seen in swift.seen if seen.method == 'PUT']


def flag(offset):
    return 'aborting', just_after(BEGAN, offset).internal


ABORTED_LAST = 'aborted', marker_time(BEGAN, State.ABORTED).internal


@pytest.mark.parametrize('offset', [0, 3], ids=['as initiated', 'moved'])
def test_a_marker_that_swift_has_moved(offset):
    """Swift's container-reconciler writes it again, three offsets later. The Abort writes its states after that."""
    swift = swift_with('open', offset)

    assert ending.abort(bucket_of(swift), UPLOAD, looks=0)
    assert [flag(offset + 1), ABORTED_LAST] == written(swift)


@pytest.mark.parametrize('offset', [1, 7])
def test_a_flag_that_was_found(offset):
    """An Abort, and a Complete that settles it, write it again: nobody knows how many replicas it has reached."""
    for end in (lambda bucket: ending.abort(bucket, UPLOAD, looks=0),
                lambda bucket: ending.open_marker(bucket, UPLOAD)):
        swift = swift_with('aborting', offset)
        with contextlib.suppress(NoSuchUpload):
            assert end(bucket_of(swift))
        assert [flag(offset + 1), ABORTED_LAST] == written(swift)


def test_a_flag_that_is_not_stored():
    """Some replica has something that is not older. The marker is read again, and the flag written after it."""
    swift = swift_with('open', 0, [202, 201])

    assert ending.abort(bucket_of(swift), UPLOAD, looks=0)
    assert [flag(1), flag(1), ABORTED_LAST] == written(swift)


def test_what_an_abort_leaves_until_it_was_answered():
    """No Complete wins once the flag is stored, and neither intent nor end of the upload is found after that."""
    swift = swift_with('open', 0)

    rest = ending.win_by_abort(bucket_of(swift), UPLOAD, looks=0)
    assert [flag(1)] == written(swift)
    assert rest()
    assert [flag(1), ABORTED_LAST] == written(swift)


def test_an_abort_that_met_an_intent_leaves_nothing():
    """``aborted`` is written before its answer: the look at the marker proves something only where there is none."""
    old = Timestamp(float(Timestamp.now()) - 3600)
    swift = swift_with('open', 0, intent=(200, {**INTENT[1], 'X-Timestamp': old.normal}, b''))

    ending.win_by_abort(bucket_of(swift), UPLOAD, looks=0)
    assert [flag(1), ABORTED_LAST] == written(swift)


@pytest.mark.parametrize('looks, aborted', [(0, False), (1, False), (2, True)])
def test_an_abort_that_waits_for_a_complete(monkeypatch, looks, aborted):
    """It looks again as often as it was told, and wins once the Complete has given up. Its flag is written once."""
    monkeypatch.setattr(ending, '_SECONDS_BETWEEN_LOOKS', 0)
    fresh = 200, {**INTENT[1], 'X-Timestamp': Timestamp.now().normal}, b''
    swift = swift_with('open', 0, intent=[fresh, fresh, 404])

    with contextlib.nullcontext() if aborted else pytest.raises(ServiceUnavailable):
        ending.abort(bucket_of(swift), UPLOAD, looks)
    assert [flag(1), *[ABORTED_LAST] * aborted] == written(swift)


@pytest.mark.parametrize('end', [ending.abort, ending.win_by_abort, ending.open_marker])
def test_a_flag_that_is_never_stored(end):
    """Nothing is decided: the request has to be repeated."""
    swift = swift_with('aborting', 1, 202)

    with pytest.raises(ServiceUnavailable):
        end(bucket_of(swift), UPLOAD, *[0] * (end is not ending.open_marker))
    assert {flag(2)} == set(written(swift)) and len(written(swift)) < 10


@pytest.mark.parametrize('offset', [2, 1 << 32], ids=['of release 0.1', 'of this release'])
def test_an_upload_that_is_aborted(offset):
    """It is final, and nothing is written."""
    swift = swift_with('aborted', offset)

    assert ending.abort(bucket_of(swift), UPLOAD, looks=0)
    assert [] == written(swift)
