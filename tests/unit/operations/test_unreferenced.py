# SPDX-License-Identifier: Apache-2.0
"""Which parts of an upload that is over may be deleted: old ones, once listings show everything about it."""
import json

import pytest
from swift.common.utils import Timestamp

from s3multi.operations.references import References, Uncertain
from s3multi.operations.unreferenced import life_of, unlisted
from s3multi.s3.parts import Attempt
from s3multi.upload.lateness import Horizon, Life
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.records import Intent
from tests.unit.fakes import IDS, RecordingSwift, bucket_of

BEGAN, NOW = 1790000000, 1790000000 + 20 * 86400
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', BEGAN * 100000))
KNOWN = Horizon.of(Timestamp(NOW), 2 * 86400.0)
SEGMENTS = '/v1/AUTH_a/bucket_segments/'


def days(number):
    """Return the time so many days after the upload began."""
    return Timestamp(BEGAN + number * 86400)


def life(ended, intent=None, shared=None):
    """Return what is known of an upload. ended, intent, shared: in days after it began; None for never."""
    def head(seen):
        if seen.path == SEGMENTS + UPLOAD.shared:
            return 404 if shared is None else (200, {'X-Timestamp': days(shared).internal}, b'')
        return 404, {'X-Backend-Timestamp': days(ended).internal} if ended is not None else {}, b''

    bucket = bucket_of(RecordingSwift(HEAD=head, GET=(200, {}, b'[]')))
    written = None if intent is None else Intent('x', days(intent))
    return life_of(bucket, References(bucket.backend, 'bucket'), UPLOAD, lambda: written, KNOWN)


@pytest.mark.parametrize('known, expected', [
    ({'ended': 17}, Life(days(17), [days(17)])),
    ({'ended': 17, 'intent': 16}, Life(days(17), [days(17), days(16)])),
    ({'ended': 1, 'intent': 17}, Life(days(1), [days(1), days(17)])),
    ({'ended': None}, Life(Timestamp(0), [])),
    ({'ended': 1, 'shared': 17}, Life(days(1), [days(1)], days(17))),
])
def test_what_is_known(known, expected):
    """When manifests of it were written, longer ago than the grace."""
    assert expected == life(**{'ended': 1, **known})


@pytest.mark.parametrize('known', [{'ended': 18.1}, {'ended': 1, 'intent': 18.1}, {'ended': 1, 'shared': 18.1}])
def test_what_a_listing_need_not_show_yet(known):
    """If anything about it is younger than the grace, nothing is certain, however old its parts are."""
    with pytest.raises(Uncertain):
        life(**known)


def attempt(number, day):
    ticks = int(days(day).raw)
    return Attempt(number, UPLOAD.part(number, new_attempt(ticks)), ticks, 'e', 1)


OLD, YOUNG = attempt(1, 1), attempt(2, 18.1)
ELSEWHERE = 'X-Object-Sysmeta-S3multi-Place'


def left(attempts, shared=None, listed=()):
    """Return which attempts may be deleted, and what was asked for. listed: what a manifest at ``other/copy`` lists."""
    def head(seen):
        if seen.path in ('/v1/AUTH_a/bucket', '/v1/AUTH_a/other'):
            return 204
        if seen.path.startswith(SEGMENTS):
            return 200, {ELSEWHERE: 'other/copy'}, b''
        if seen.path == '/v1/AUTH_a/other/copy':
            return 200, {'X-Static-Large-Object': 'True', 'Etag': 'm', 'X-Timestamp': days(3).internal}, b''
        return 404

    def get(seen):
        rows = []
        if seen.path == '/v1/AUTH_a/other/copy':
            rows = [{'name': '/bucket_segments/' + each.name} for each in listed]
        elif 'shared-' in seen.query:
            rows = [{'name': UPLOAD.shared_with('other', 'copy')}]
        return 200, {}, json.dumps(rows).encode()

    swift = RecordingSwift(HEAD=head, GET=get)
    bucket = bucket_of(swift)
    known = Life(days(1), [days(1)], None if shared is None else days(shared))
    found = unlisted(bucket, References(bucket.backend, 'bucket'), UPLOAD, attempts, known, KNOWN)
    return found, {seen.path for seen in swift.seen}


def test_young_attempts():
    """Stay, and if there are no others nobody is asked."""
    assert [OLD] == left([OLD, YOUNG])[0]
    assert ([], set()) == left([YOUNG])


def test_other_manifests():
    """Are asked if it was noted that there are any."""
    assert [OLD] == left([OLD], None, [OLD])[0]
    assert [] == left([OLD], 3, [OLD])[0]
    assert [OLD] == left([OLD, YOUNG], 3, [YOUNG])[0]
