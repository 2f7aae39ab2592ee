# SPDX-License-Identifier: Apache-2.0
"""The notes about parts that several manifests list: what each is, and in which order it is written and read."""
import json

import pytest
from swift.common.utils import Timestamp, timestamp

from s3multi.s3.errors import S3Error
from s3multi.storage.notes import Notes
from s3multi.storage.requests import Backend
from s3multi.storage.segments import Segments
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS, RecordingSwift, client_env

SEGMENTS = '/v1/AUTH_a/bucket_segments/'
UPLOAD = Upload('AUTH_a', 'bucket', 'k\u00e9y', IDS.new('AUTH_a', 'bucket', 'k\u00e9y', 1790000000 * 100000))
PLACE = 'X-Object-Sysmeta-S3multi-Place'


def notes_of(swift):
    backend = Backend(swift, client_env(), 'AUTH_a', 'bucket')
    return Notes(backend, 'bucket', Segments(backend, 'bucket', 2))


@pytest.mark.parametrize('container, name', [
    ('bucket', 'copy'), ('\u00f6ther', 'k\u00e9y/a b%2F?\n'), ('bucket', 'k\u00e9y/x')])
def test_places(container, name):
    """Where another manifest is noted is read as it was written; the note that there are any comes last."""
    written = RecordingSwift()
    notes_of(written).share(UPLOAD, container, name)
    place, shared = written.seen
    rows = [{'name': place.path.removeprefix(SEGMENTS)}]
    swift = RecordingSwift(GET=(200, {}, json.dumps(rows).encode()),
                           HEAD=(200, {PLACE: place.headers['X-Object-Sysmeta-S3Multi-Place']}, b''))

    assert SEGMENTS + UPLOAD.shared == shared.path
    assert place.path == SEGMENTS + UPLOAD.shared_with(container, name)
    assert [(container, name)] == list(notes_of(swift).places(UPLOAD))
    assert 'true' == swift.last.headers['X-Newest']


def test_the_key_of_the_upload():
    """Is no place to be noted."""
    swift = RecordingSwift()
    notes_of(swift).share(UPLOAD, 'bucket', 'k\u00e9y')

    assert [SEGMENTS + UPLOAD.shared] == [seen.path for seen in swift.seen]


@pytest.mark.parametrize('head', [404, 200, (200, {PLACE: 'container'}, b'')])
def test_a_place_that_cannot_be_read(head):
    """Is not left out: it may have been forgotten, and its row be late, but nobody knows."""
    swift = RecordingSwift(GET=(200, {}, json.dumps([{'name': UPLOAD.shared_with('a', 'b')}]).encode()), HEAD=head)

    assert [None] == list(notes_of(swift).places(UPLOAD))


def test_shared():
    """When, or never; from the newest replica."""
    swift = RecordingSwift(HEAD=[(200, {'X-Timestamp': '1790000001.00000'}, b''), 404, 503])
    notes = notes_of(swift)

    assert Timestamp('1790000001.00000') == notes.shared(UPLOAD)
    assert notes.shared(UPLOAD) is None
    with pytest.raises(S3Error):
        notes.shared(UPLOAD)
    assert {'true'} == {seen.headers['X-Newest'] for seen in swift.seen}


def test_claim(monkeypatch):
    """It expires; when it is released, at its own time, much sooner."""
    monkeypatch.setattr(timestamp.time, 'time', lambda: 1790000000)
    swift = RecordingSwift(HEAD=[200, 404])
    notes = notes_of(swift)
    claimed = notes.claim(UPLOAD)
    notes.release(UPLOAD, claimed)
    first, second = swift.seen

    assert [(SEGMENTS + UPLOAD.freed, '1790172800'), (SEGMENTS + UPLOAD.freed, '1790003600')] == [
        (seen.path, seen.headers['X-Delete-At']) for seen in (first, second)]
    assert '*' == first.headers['If-None-Match']
    assert Timestamp(claimed, offset=1) == Timestamp(second.headers['X-Timestamp'])
    assert [True, False] == [notes.is_claimed(UPLOAD) for _ in range(2)]


def test_claim_of_somebody_else():
    """It is renewed, and not for us to release."""
    swift = RecordingSwift(PUT=[412, 201])

    assert notes_of(swift).claim(UPLOAD) is None
    assert [True, False] == ['If-None-Match' in seen.headers for seen in swift.seen]
    assert 'X-Delete-At' in swift.last.headers


@pytest.mark.parametrize('answers', [[202], [412, 202], [503], [412, 412]])
def test_claim_without_effect(answers):
    """Something newer is there, from a proxy whose clock is ahead."""
    with pytest.raises(S3Error):
        notes_of(RecordingSwift(PUT=answers)).claim(UPLOAD)


def test_forget():
    """All of them, unless they are newer; that there are any last of all."""
    place = UPLOAD.shared_with('a', 'b')
    swift = RecordingSwift(GET=(200, {}, json.dumps([{'name': place}]).encode()), DELETE=[409, 204])
    notes_of(swift).forget(UPLOAD, Timestamp(5))

    assert [SEGMENTS + place, SEGMENTS + UPLOAD.shared] == [
        seen.path for seen in swift.seen if seen.method == 'DELETE']
    assert Timestamp(5).internal == swift.last.headers['X-Timestamp']
