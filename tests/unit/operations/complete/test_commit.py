# SPDX-License-Identifier: Apache-2.0
"""What a Complete writes last; and one whose manifest Swift does not store: something not older is at the key."""
import json

import eventlet
import pytest
from swift.common.utils import Timestamp

from s3multi.operations.complete.commit import Commit
from s3multi.operations.complete.early import Early
from s3multi.operations.complete.outcome import Committed
from s3multi.operations.complete.precondition import Precondition
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.conditions import Compare
from s3multi.s3.errors import EntityTooLarge, InvalidPart, NoSuchUpload, ServiceUnavailable
from s3multi.s3.parts import Attempt, PartRef
from s3multi.storage import held_writes
from s3multi.storage.concurrency import Later
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.records import MARKER_TYPE, Intent, list_name
from s3multi.upload.timestamps import just_after
from tests.unit.fakes import IDS, Cache, RecordingSwift, asked

MD5 = '0' * 32
ETAG = MD5 + '-1'
TICKS = 170000000000000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
PART = Attempt(1, UPLOAD.part(1, new_attempt(TICKS)), TICKS, MD5, 1)


NAME = list_name(ETAG, [PART.name])


def done(intent, may_free):
    """Return what a Complete ends with whose marker says now that the upload is completed."""
    return Committed(None, intent, may_free, just_after(intent.timestamp))


def commit_over(upload_id, etag, put=202, joins=False, confirms=(201,)):
    """Return a Complete of one part, and a list for its intent. Arguments: those of ``swift_over``."""
    swift, intents = swift_over(upload_id, etag, put, joins, confirms)
    return commit_with(swift), intents


def swift_over(upload_id, etag, put, joins=False, confirms=(201,), closing=201):
    """Return a Swift in which the upload is open, and a list for the intent of its Complete.

    upload_id, etag: those of the object at the key, which Swift does not replace. put: what Swift says to the manifest.
    joins: whether an intent of the same list is there already. confirms: what Swift says to each PUT of that. closing:
    what it says to the PUT of the marker.
    """
    confirms = list(confirms)
    name, now = NAME, Timestamp.now()
    # An intent that is joined is there already.
    intents = [Intent(name, now)] if joins else []

    def head(seen):
        if seen.path.endswith(UPLOAD.marker):
            return 200, {'Content-Type': 'application/x-s3multi-marker;state=open', 'X-Timestamp': '1'}, b''
        if seen.path.endswith('/complete') and intents:
            written = intents[0].timestamp.internal
            return 200, {'X-Object-Sysmeta-S3multi-Chosen': name, 'X-Object-Sysmeta-S3multi-Timestamp': written,
                         'X-Backend-Timestamp': written}, b''
        if seen.path.endswith('/bucket/key'):
            return 200, {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': upload_id,
                         'X-Object-Sysmeta-S3Api-Etag': etag, 'X-Backend-Timestamp': now.normal}, b''
        return 404

    def write(seen):
        if seen.path.endswith('/bucket/key'):
            return put
        if seen.path.endswith(UPLOAD.marker):
            return closing
        if 'If-None-Match' not in seen.headers:
            return confirms.pop(0) if len(confirms) > 1 else confirms[0]
        if not joins:
            intents.append(Intent(name, Timestamp(seen.headers['X-Timestamp'])))
        return 412 if joins else 201

    return RecordingSwift(HEAD=head, PUT=write), intents


def commit_with(swift, noted=False, **options):
    """Return a Complete of one part. noted: whether the cache knows all about the upload, so that writes begin early.

    options: those of [filter:s3multi].
    """
    bucket, call = asked(swift, cache=Cache(), options=options)
    early = Early(bucket, UPLOAD, ETAG, [PartRef(1, MD5, '"%s"' % MD5)] * noted, Later(bucket.logger, lambda: noted),
                  Later(bucket.logger, lambda: {1: PART.name}), Compare.NOBODY)
    return Commit(bucket, UPLOAD, ObjectDigests(ETAG), NAME, Precondition(bucket, call, UPLOAD, None), None, early)


def test_the_manifest_of_another_list_at_the_same_time():
    """Of two lists that begin in the same 10 microseconds, the one that is not at the key has no object, and frees
    nothing."""
    commit, _ = commit_over(UPLOAD.id, 'f' * 32 + '-1')

    with pytest.raises(NoSuchUpload):
        commit.run([PART])


@pytest.mark.parametrize('marker, at_key, error', [
    pytest.param((200, {'Content-Type': MARKER_TYPE + ';state=open'}, b''), 404, InvalidPart, id='open'),
    pytest.param((200, {'Content-Type': MARKER_TYPE + ';state=aborted'}, b''), 404, NoSuchUpload, id='aborted'),
    pytest.param(404, 404, NoSuchUpload, id='completed with another list'),
    pytest.param(404, (200, {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id,
                             'X-Object-Sysmeta-S3Api-Etag': ETAG}, b''), None, id='completed with this list')])
def test_a_part_that_slo_misses(marker, at_key, error):
    """It was proven, so its upload may have ended meanwhile. No list is refused that was right."""
    missing = json.dumps({'Errors': [[f'/bucket_segments/{PART.name}', '404 Not Found']]}).encode()
    answers = {UPLOAD.marker: marker, 'bucket/key': at_key}
    swift = RecordingSwift(PUT=(400, {'Content-Type': 'application/json'}, missing), HEAD=lambda seen: next(
        (answer for end, answer in answers.items() if seen.path.endswith(end)), 404))
    commit = commit_with(swift, verify='head')

    if error is None:
        assert commit.run([PART]) == Committed(None)
    else:
        with pytest.raises(error):
            commit.run([PART])


@pytest.mark.parametrize('upload_id, etag', [(UPLOAD.id, ETAG), ('another', 'f' * 32 + '-1')],
                         ids=['its own', 'another object'])
def test_what_is_written_and_overwritten_at_once(upload_id, etag):
    """The Complete has succeeded. It is not certain which parts the object at the key needs, so none is freed."""
    commit, intents = commit_over(upload_id, etag)

    committed = commit.run([PART])

    assert done(intents[0], may_free=False) == committed


@pytest.mark.parametrize('upload_id, etag, may_free', [
    pytest.param(UPLOAD.id, ETAG, True, id='its own'), pytest.param('another', ETAG, False, id='another object')])
def test_a_manifest_that_the_joined_complete_has_written(upload_id, etag, may_free):
    """Parts that are not listed may go only if that very object is at the key."""
    commit, intents = commit_over(upload_id, etag, joins=True)

    assert done(intents[0], may_free) == commit.run([PART])


@pytest.mark.parametrize('confirms, succeeds', [((202, 201), True), ((202,), False)])
def test_joining_where_the_intent_is_not_stored_again(confirms, succeeds):
    """Some replica has something that is not older. The intent is read anew; a manifest needs one that is stored."""
    commit, intents = commit_over(UPLOAD.id, ETAG, 201, joins=True, confirms=confirms)

    if succeeds:
        assert done(intents[0], may_free=True) == commit.run([PART])
    else:
        with pytest.raises(ServiceUnavailable):
            commit.run([PART])


@pytest.mark.parametrize('put, error', [(202, NoSuchUpload), (413, EntityTooLarge)])
def test_joining_where_another_list_has_the_object(put, error):
    """It has won: neither is the Complete told of success, nor is a part freed that the object needs."""
    with pytest.raises(error):
        commit_over(UPLOAD.id, 'f' * 32 + '-1', put, joins=True)[0].run([PART])


def test_joining_where_the_object_has_filled_the_quota():
    """It is the very object that this Complete would make."""
    commit, intents = commit_over(UPLOAD.id, ETAG, 413, joins=True)

    assert done(intents[0], may_free=False) == commit.run([PART])


def test_the_end_of_a_marker_that_another_has_ended():
    """On one replica, perhaps: each of the others takes a DELETE, which is later."""
    swift, intents = swift_over(UPLOAD.id, ETAG, 201, closing=202)
    committed = commit_with(swift).run([PART])
    end, = (seen for seen in swift.seen if seen.method == 'DELETE')

    assert swift.seen.index(end) == len(swift.seen) - 2 and swift.last.path.endswith('/complete')
    assert end.path.endswith(UPLOAD.marker) and committed.marked_at is None
    assert just_after(intents[0].timestamp, 2).internal == end.headers['X-Timestamp']


@pytest.mark.parametrize('recent, ends', [
    pytest.param(True, ('PUT', 'application/x-s3multi-marker;state=completed'), id='begun beside the manifest'),
    pytest.param(False, ('DELETE', ''), id='too long ago')])
def test_the_end_of_the_marker(monkeypatch, recent, ends):
    """It comes after the manifest, and before the intent is read once more. Both leave no marker that counts."""
    monkeypatch.setattr(held_writes, '_SECONDS_OF_USE', 3.0 if recent else 0.0)
    swift, intents = swift_over(UPLOAD.id, ETAG, 201)
    committed = commit_with(swift).run([PART])
    after = [(seen.method, seen.path.rpartition('/')[2]) for seen in swift.seen]
    manifest = after.index(('PUT', 'key'))
    end = next(seen for seen in swift.seen if seen.method == ends[0] and seen.path.endswith(UPLOAD.marker))

    assert [(ends[0], UPLOAD.marker.rpartition('/')[2]), ('HEAD', 'complete')] == after[manifest + 1:]
    assert ends[1] == end.env.get('CONTENT_TYPE', '')
    assert just_after(intents[0].timestamp).internal == end.headers['X-Timestamp']
    assert committed.marked_at == (just_after(intents[0].timestamp) if recent else None)


def test_the_manifest_is_stored_before_the_marker_is_begun():
    """Swift has its headers by then. It lets the client wait longer: for the object server and then its row in the
    container. The marker is only begun meanwhile."""
    swift, _ = swift_over(UPLOAD.id, ETAG, 201)
    order = []

    def told(env, start_response):
        request = env['REQUEST_METHOD'], env['PATH_INFO'].rpartition('/')[2]
        order.append(('begun', *request))
        if request[0] == 'HEAD':
            # As while it waits for storage: what is begun beside it comes as far as it can.
            eventlet.sleep(0.01)
        answer = swift(env, start_response)
        order.append(('done', *request))
        return answer

    commit_with(told, noted=True).run([PART])
    marker = UPLOAD.marker.rpartition('/')[2]

    expected = [('begun', 'PUT', 'key'), ('done', 'HEAD', marker), ('done', 'PUT', 'key'), ('begun', 'PUT', marker)]
    assert expected == [step for step in order[order.index(expected[0]):] if step in expected]
