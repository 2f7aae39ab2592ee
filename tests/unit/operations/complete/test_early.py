# SPDX-License-Identifier: Apache-2.0
"""What a Complete begins before its parts are proven: its look at the marker, which any replica may answer."""
import pytest

from s3multi.operations.complete.early import Early
from s3multi.s3.conditions import Compare
from s3multi.s3.parts import PartRef
from s3multi.storage.concurrency import Later
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.records import State
from tests.unit.fakes import IDS, Cache, RecordingSwift, asked

MD5 = '0' * 32
TICKS = 170000000000000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))


def marker(state):
    """Return Swift's answer to a HEAD of a marker; state: None for 404."""
    return 404 if state is None else (
        200, {'Content-Type': 'application/x-s3multi-marker;state=%s' % state, 'X-Timestamp': '1'}, b'')


def early(any_replica, newest, noted=True):
    """Return what a Complete has begun of an upload whose marker has these states, and the Swift that was asked.

    noted: whether the cache notes the upload as open.
    """
    def head(seen):
        return marker(newest if 'X-Newest' in seen.headers else any_replica)

    swift = RecordingSwift(HEAD=head)
    bucket, _ = asked(swift, cache=Cache())
    attempt = UPLOAD.part(1, new_attempt(TICKS))
    begun = Early(bucket, UPLOAD, MD5 + '-1', [PartRef(1, MD5, '"%s"' % MD5)], Later(bucket.logger, lambda: noted),
                  Later(bucket.logger, lambda: {1: attempt}), Compare.NOBODY)
    return begun, swift


@pytest.mark.parametrize('any_replica, newest, over', [
    (None, None, True), (None, 'completed', True), (None, 'open', False), ('open', None, False)])
def test_an_upload_is_over_when_the_newest_replica_says_so(any_replica, newest, over):
    """A replica that has missed the Initiate does not end the upload. One that has missed the end costs a look."""
    begun, _ = early(any_replica, newest)

    assert over == begun.is_over()

    begun.abandon()


@pytest.mark.parametrize('any_replica, state', [
    ('open', State.OPEN), ('aborting', None), ('aborted', None), ('completed', None), (None, None)])
def test_the_manifest_is_begun_with_an_open_marker(any_replica, state):
    """One replica is asked: whatever is begun with its answer takes effect only if the newest one says the same."""
    begun, swift = early(any_replica, newest='open')

    found = begun.marker_before()

    begun.abandon()
    assert state == (found and found.state)
    assert ['X-Newest' in seen.headers for seen in swift.seen if seen.method == 'HEAD'] == [False]


def test_an_upload_that_is_not_noted():
    """Its proof looks at the marker, and nothing is begun."""
    begun, swift = early('open', 'open', noted=False)

    assert (False, None) == (begun.is_over(), begun.marker_before())
    assert swift.seen == []
