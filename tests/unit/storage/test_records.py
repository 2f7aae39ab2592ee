# SPDX-License-Identifier: Apache-2.0
"""The records of an upload: how each is written and read, and what Swift's answers prove."""
import pytest
from swift.common.utils import Timestamp

from s3multi.s3.checksums import ChecksumChoice
from s3multi.s3.errors import S3Error
from s3multi.storage.records import IntentWrite, Records
from s3multi.storage.requests import Backend
from s3multi.upload.names import Upload, UploadIds
from s3multi.upload.records import Intent, State, UploadMarker
from s3multi.upload.timestamps import intent_end, just_after, swift_time
from tests.unit.fakes import RecordingSwift, client_env

T = Timestamp('1790000000.00000')
MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
UPLOAD = Upload('AUTH_a', 'bucket', 'k\u00e9y',
                UploadIds(b'secret').new('AUTH_a', 'bucket', 'k\u00e9y', 1790000000 * 100000))
CHOICE = ChecksumChoice('crc32', 'COMPOSITE')
MARKER_TYPE = 'application/x-s3multi-marker'


def records_of(swift):
    """Return the records of a client's request to the bucket."""
    return Records(Backend(swift, client_env(), 'AUTH_a', 'bucket'))


def code_of(call, *args):
    """Return the code of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code


# Markers and intents

def test_a_marker_is_read_as_it_was_written():
    """It has headers, ACL and type of the object, the initiator and the checksum; the newest replica tells them."""
    initiation = {'content-type': 'text/\xc3\xa9', 'cache-control': 'no-cache', 'X-Object-Meta-A': 'b',
                  'X-Object-Sysmeta-S3Api-Acl': '{"Owner":"u"}'}
    swift = RecordingSwift(HEAD=lambda _: (200, {
        **{name: value for name, value in swift.seen[0].headers.items() if name.startswith(('X-Object', 'Cache'))},
        'Content-Type': swift.seen[0].env['CONTENT_TYPE'], 'X-Timestamp': T.normal}, b''))
    records = records_of(swift)

    assert records.open_upload(UPLOAD, initiation, 'test:\u00e9', CHOICE)
    assert swift_time(UPLOAD.ticks).internal == swift.seen[0].headers['X-Timestamp']
    assert UploadMarker(State.OPEN, T, {name.lower(): value for name, value in initiation.items()},
                        'test:\u00e9', CHOICE) == records.marker(UPLOAD)
    assert 'true' == swift.last.headers['X-Newest']
    assert 1 == len({seen.path for seen in swift.seen})


def test_records_of_an_older_release_stay_readable():
    """Their sysmeta has the names of release 0.1.0. An upgraded proxy must read what one that is not yet writes."""
    swift = RecordingSwift(HEAD=[
        (200, {'Content-Type': 'application/x-s3multi-marker;state=open', 'X-Timestamp': T.normal,
               'X-Object-Meta-A': 'b', 'X-Object-Sysmeta-S3multi-Content-Type': 'text/plain',
               'X-Object-Sysmeta-S3multi-Initiator': 'test:tester'}, b''),
        (200, {'X-Object-Sysmeta-S3multi-Chosen': 'chosen', 'X-Object-Sysmeta-S3multi-Timestamp': T.internal}, b'')])
    records = records_of(swift)

    assert UploadMarker(State.OPEN, T, {'content-type': 'text/plain', 'x-object-meta-a': 'b'}, 'test:tester') == (
        records.marker(UPLOAD))
    assert Intent('chosen', T) == records.intent(UPLOAD)


def test_a_marker_tells_that_no_content_type_was_given():
    """The object then gets S3's default type, not that of the marker."""
    swift = RecordingSwift(HEAD=(200, {'Content-Type': MARKER_TYPE + ';state=open', 'X-Timestamp': T.normal}, b''))

    assert UploadMarker(State.OPEN, T, {}, '') == records_of(swift).marker(UPLOAD)


@pytest.mark.parametrize('status, opened', [(201, True), (202, True), (404, False)])
def test_opening_an_upload(status, opened):
    """404 says that there is no segments container yet."""
    assert opened is records_of(RecordingSwift(PUT=status)).open_upload(UPLOAD, {}, 'u', None)


@pytest.mark.parametrize('status, code', [(400, 'InvalidRequest'), (413, 'EntityTooLarge'), (503, 'ServiceUnavailable'),
                                          (507, 'ServiceUnavailable'), (500, 'InternalError')])
def test_an_upload_that_could_not_be_opened(status, code):
    """The client gets no id. 400 is for a header that Swift does not accept, 413 for a full account."""
    assert code == code_of(records_of(RecordingSwift(PUT=status)).open_upload, UPLOAD, {}, 'u', None)


def test_a_marker_that_goes_with_its_bucket():
    """An Abort meets the deletion of the bucket, which has ended the upload: what it writes has no effect."""
    assert records_of(RecordingSwift(PUT=404, HEAD=404)).mark(UPLOAD, State.ABORTING, T, 'u') is False


def test_a_container_of_markers_that_does_not_answer():
    """Swift then answers 404 to a PUT. The marker is there, so it is not known what the upload comes to."""
    marker = (200, {'Content-Type': MARKER_TYPE + ';state=open', 'X-Timestamp': T.normal}, b'')

    assert 'ServiceUnavailable' == code_of(records_of(RecordingSwift(PUT=404, HEAD=marker)).mark, UPLOAD,
                                           State.ABORTING, T, 'u')


def test_an_intent_without_a_container():
    """A Complete meets the deletion of its bucket, or Swift could not look: its repeat is told which."""
    assert 'ServiceUnavailable' == code_of(records_of(RecordingSwift(PUT=404)).write_intent, UPLOAD, Intent('list', T))


def test_a_marker_that_is_gone():
    """The upload was completed, or aborted and forgotten."""
    assert records_of(RecordingSwift(HEAD=404)).marker(UPLOAD) is None


COMPLETED = 200, {'Content-Type': MARKER_TYPE + ';state=completed', 'X-Backend-Timestamp': T.internal}, b''


def test_a_marker_that_says_completed_counts_as_none():
    """It only stands in the place of one that is deleted."""
    assert records_of(RecordingSwift(HEAD=COMPLETED)).marker(UPLOAD) is None


@pytest.mark.parametrize('head, there', [
    (COMPLETED, True), (404, False),
    ((200, {'Content-Type': MARKER_TYPE + ';state=open', 'X-Timestamp': T.normal}, b''), False)],
    ids=['completed', 'none', 'open'])
def test_deleting_a_marker_that_says_completed(head, there):
    """No other marker is deleted."""
    swift = RecordingSwift(HEAD=head)

    assert there is records_of(swift).delete_completed(UPLOAD)
    assert [just_after(T).internal] * there == [
        seen.headers['X-Timestamp'] for seen in swift.seen if seen.method == 'DELETE']


def test_ending_a_marker_again_that_was_there():
    """Whoever found it has ended it, as a Complete does that meets an Abort and an object that is there."""
    swift = RecordingSwift(HEAD=(200, {'Content-Type': MARKER_TYPE + ';state=aborting', 'X-Timestamp': T.normal}, b''))
    records = records_of(swift)
    records.marker(UPLOAD)

    records.end_marker_again(UPLOAD)

    assert 'DELETE' not in [seen.method for seen in swift.seen]


@pytest.mark.parametrize('ask', ['marker', 'intent'])
@pytest.mark.parametrize('status', [401, 403, 429, 500, 503])
def test_a_record_that_could_not_be_read_is_not_gone(ask, status):
    """If an Abort took it for gone, the parts of a finished object would be freed."""
    question = getattr(records_of(RecordingSwift(HEAD=status)), ask)

    assert code_of(question, UPLOAD) in ('InternalError', 'SlowDown', 'ServiceUnavailable')


OPEN = 'application/x-s3multi-marker;state=open'


@pytest.mark.parametrize('headers', [
    pytest.param({'Content-Type': 'text/plain'}, id='another-type'),
    pytest.param({'Content-Type': 'application/x-s3multi-marker;state=of-a-later-release'}, id='another-state'),
    pytest.param({}, id='no-type'),
    pytest.param({'Content-Type': OPEN, 'X-Symlink-Target': 'container/object'}, id='a-link'),
    pytest.param({'Content-Type': OPEN, 'X-Static-Large-Object': 'True'}, id='a-large-object')])
def test_another_object_at_the_name_of_a_marker_is_none(headers):
    """Someone wrote to the segments container by hand: no upload is open, or aborted, on the word of that."""
    swift = RecordingSwift(HEAD=(200, {'X-Timestamp': T.normal, **headers}, b''))

    assert records_of(swift).marker(UPLOAD) is None


@pytest.mark.parametrize('headers', [
    pytest.param({}, id='of-a-user'), pytest.param({'X-Symlink-Target': 'container/object'}, id='a-link'),
    pytest.param({'X-Object-Sysmeta-S3multi-Chosen': 'list', 'X-Object-Sysmeta-S3multi-Timestamp': '1.00000'},
                 id='a-copy'),
    pytest.param({'X-Object-Sysmeta-S3multi-Chosen': 'list', 'X-Object-Sysmeta-S3multi-Timestamp': 'zz'}, id='broken')])
def test_another_object_at_the_name_of_an_intent(headers):
    """It is one of no list, and in the way as long as an intent of its age would be."""
    swift = RecordingSwift(HEAD=(200, {'X-Timestamp': T.normal, **headers}, b''))

    assert Intent('', T) == records_of(swift).intent(UPLOAD)


@pytest.mark.parametrize('put, head, expected', [
    pytest.param(201, None, IntentWrite(True, False, None), id='written'),
    pytest.param(412, None, IntentWrite(False, True, None), id='another-is-there'),
    pytest.param(202, (404, {'X-Backend-Timestamp': T.internal}, b''), IntentWrite(False, False, T),
                 id='newer-tombstone'),
    pytest.param(202, (200, {'X-Timestamp': T.normal, 'Content-Type': 'a/b'}, b''), IntentWrite(False, False, T),
                 id='newer-intent'),
])
def test_what_becomes_of_an_intent(put, head, expected):
    """It is written, refused because of another, or thrown away because of something newer, whose time is returned."""
    swift = RecordingSwift(PUT=put, HEAD=head or 404)

    assert expected == records_of(swift).write_intent(UPLOAD, Intent('chosen', T))
    assert ('*', T.internal, '/v1/AUTH_a/bucket_segments/' + UPLOAD.intent) == (
        swift.seen[0].headers['If-None-Match'], swift.seen[0].headers['X-Timestamp'], swift.seen[0].path)


def test_an_intent_is_read_as_it_was_written():
    """It tells list and timestamp, and is read from the newest replica."""
    intent = Intent(MD5 + '-1:x', T)
    swift = RecordingSwift(HEAD=lambda _: (200, {
        name: value for name, value in swift.seen[0].headers.items() if name.startswith('X-Object')}, b''))
    records = records_of(swift)
    records.write_intent(UPLOAD, intent)

    assert intent == records.intent(UPLOAD)
    assert 'true' == swift.last.headers['X-Newest']


def test_an_intent_that_is_not_there():
    """No Complete is under way."""
    assert records_of(RecordingSwift(HEAD=404)).intent(UPLOAD) is None


@pytest.mark.parametrize('status, proof', [(204, True), (404, False), (409, False)])
def test_only_204_proves_that_an_intent_was_still_there(status, proof):
    """404 says that another Complete has deleted it, 409 that another one was written later."""
    swift = RecordingSwift(DELETE=status)

    assert proof is records_of(swift).delete_intent(UPLOAD, Intent('x', T))
    assert intent_end(T).internal == swift.last.headers['X-Timestamp']


@pytest.mark.parametrize('status, stored', [(201, True), (202, False)])
def test_confirming_an_intent(status, stored):
    """It is the same one, T included, just after it was last written; 202 says that not even one replica has it."""
    written = just_after(T, 3)
    swift = RecordingSwift(PUT=status)

    assert stored is records_of(swift).confirm_intent(UPLOAD, Intent('x', T, written))
    assert just_after(T, 4).internal == swift.last.headers['X-Timestamp'] and 'If-None-Match' not in swift.last.headers
    headers = {name: value for name, value in swift.last.headers.items() if name.startswith('X-')}
    found = records_of(RecordingSwift(HEAD=(200, headers, b''))).intent(UPLOAD)
    assert (Intent('x', T), just_after(T, 4)) == (found, found.written)


def test_confirming_an_intent_whose_container_is_gone():
    """The bucket is being deleted: a repeat is told."""
    records = records_of(RecordingSwift(PUT=404))

    assert 'ServiceUnavailable' == code_of(records.confirm_intent, UPLOAD, Intent('x', T, T))


@pytest.mark.parametrize('status', [500, 503])
def test_a_deletion_that_fails(status):
    """It may have happened or not, so the error is one that the client repeats."""
    records = records_of(RecordingSwift(DELETE=status))

    assert code_of(records.delete_intent, UPLOAD, Intent('x', T)) in ('InternalError', 'ServiceUnavailable')
    assert code_of(records.delete_marker, UPLOAD, T) in ('InternalError', 'ServiceUnavailable')


def test_a_marker_tells_when_it_was_marked():
    """Its timestamp cannot tell it, since that is the time of the Initiate."""
    swift = RecordingSwift()
    before = Timestamp.now()
    records_of(swift).mark(UPLOAD, State.ABORTED, Timestamp(T.internal, offset=2), 'a:b')
    headers = {name: value for name, value in swift.last.headers.items() if name.startswith('X-')}
    headers['Content-Type'] = swift.last.env['CONTENT_TYPE']
    found = records_of(RecordingSwift(HEAD=(200, headers, b''))).marker(UPLOAD)

    assert before <= found.aborted_at <= Timestamp.now()
    assert {} == found.headers


@pytest.mark.parametrize('status', [201, 202])
def test_marking_keeps_what_is_newer(status):
    """202 says that a Complete has deleted the marker since. It stays deleted."""
    swift = RecordingSwift(PUT=status)
    records_of(swift).mark(UPLOAD, State.ABORTED, Timestamp(T.internal, offset=2), 'a:b')

    marked = swift.last.headers['X-Object-Sysmeta-S3Multi-Marked']
    assert (T.internal + '_0000000000000002', MARKER_TYPE + ';state=aborted;initiator=a%3Ab;marked=' + marked) == (
        swift.last.headers['X-Timestamp'], swift.last.env['CONTENT_TYPE'])
