# SPDX-License-Identifier: Apache-2.0
"""The records of an upload: how each is written and read, and what Swift's answers to that prove."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from swift.common.utils import Timestamp

from s3multi.s3.checksums import TYPES, Checksum, Choice, ObjectChecksum
from s3multi.s3.errors import S3Error
from s3multi.storage.records import IntentWrite, Records, marker_checksum, marker_initiator, marker_state
from s3multi.storage.requests import Backend, swift_time
from s3multi.upload.names import Upload, UploadIds
from s3multi.upload.records import Finished, Intent, Marker, State
from tests.unit.fakes import RecordingSwift, client_env

T = Timestamp('1790000000.00000')
MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
UPLOAD = Upload('AUTH_a', 'bucket', 'k\u00e9y',
                UploadIds(b'secret').new('AUTH_a', 'bucket', 'k\u00e9y', 1790000000 * 100000))
CHOICE = Choice('crc32', 'COMPOSITE')
MARKER_TYPE = 'application/x-s3multi-marker'


def records_of(swift, versioned=False):
    """Return the records of a client's request to the bucket."""
    return Records(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'bucket', versioned)


def code_of(call, *args):
    """Return the code of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code


# Markers and intents

@pytest.mark.parametrize('content_type, state', [
    pytest.param(MARKER_TYPE + ';state=open', State.OPEN, id='open'),
    pytest.param(MARKER_TYPE + ';state=aborting', State.ABORTING, id='aborting'),
    pytest.param(MARKER_TYPE + ';state=aborted', State.ABORTED, id='aborted'),
    pytest.param(MARKER_TYPE + '; state=open', State.OPEN, id='blank'),
    pytest.param(MARKER_TYPE + ';state=odd', None, id='state-of-a-later-release'),
    pytest.param(MARKER_TYPE, None, id='no-state'),
    pytest.param('application/octet-stream;state=open', None, id='other-object'),
    pytest.param('', None, id='none'),
])
def test_states_in_content_types(content_type, state):
    """A listing shows the state without asking for each marker."""
    assert state is marker_state(content_type)


@pytest.mark.parametrize('algorithm, kind', [(name, kind) for name, kinds in TYPES.items() for kind in kinds])
def test_checksums_in_content_types(algorithm, kind):
    """A listing shows what Initiate chose; the state beside it stays readable."""
    swift = RecordingSwift()
    records_of(swift).open_upload(UPLOAD, {}, 'u', Choice(algorithm, kind))
    content_type = swift.last.env['CONTENT_TYPE']

    assert (Choice(algorithm, kind), State.OPEN) == (marker_checksum(content_type), marker_state(content_type))


@pytest.mark.parametrize('content_type', [MARKER_TYPE + ';state=open', '', MARKER_TYPE + ';checksum=crc32',
                                          MARKER_TYPE + ';checksum=md4;checksum-type=COMPOSITE',
                                          MARKER_TYPE + ';checksum=sha1;checksum-type=FULL_OBJECT'])
def test_no_checksums_in_content_types(content_type):
    """As of an upload that chose none."""
    assert marker_checksum(content_type) is None


@pytest.mark.parametrize('initiator', ['test:tester', 'a;state=aborted', 'a"; state="aborted', '%41', 'a b', '/', '\n',
                                       't\u00e9nant:\U0001f600', ';initiator=b', 'swift_bytes=1', ''])
def test_who_began_an_upload_in_content_types(initiator):
    """A listing shows that too: ASCII, and no name can say anything but itself."""
    content_type = type_written_for(initiator)

    assert content_type.isascii() and content_type.isprintable()
    assert (initiator, State.OPEN) == (marker_initiator(content_type), marker_state(content_type))


@given(st.text(max_size=30))
def test_any_name_in_content_types(initiator):
    """Whatever an auth filter calls its users."""
    content_type = type_written_for(initiator)

    assert (initiator, State.OPEN) == (marker_initiator(content_type), marker_state(content_type))


def type_written_for(initiator):
    """Return the content type of the marker of an upload that a user has begun."""
    swift = RecordingSwift()
    records_of(swift).open_upload(UPLOAD, {}, initiator, CHOICE)
    return swift.last.env['CONTENT_TYPE']


@pytest.mark.parametrize('content_type', [MARKER_TYPE + ';state=open', 'a/b', ''])
def test_nobody_is_known_to_have_begun_an_upload(content_type):
    """As with markers of older releases."""
    assert '' == marker_initiator(content_type)


def test_a_marker_is_read_as_it_was_written():
    """Headers of the object with its ACL, its type, who initiated, the checksums chosen; from the newest replica."""
    initiation = {'content-type': 'text/\xc3\xa9', 'cache-control': 'no-cache', 'X-Object-Meta-A': 'b',
                  'X-Object-Sysmeta-S3Api-Acl': '{"Owner":"u"}'}
    swift = RecordingSwift(HEAD=lambda _: (200, {
        **{name: value for name, value in swift.seen[0].headers.items() if name.startswith(('X-Object', 'Cache'))},
        'Content-Type': swift.seen[0].env['CONTENT_TYPE'], 'X-Timestamp': T.normal}, b''))
    records = records_of(swift)

    assert records.open_upload(UPLOAD, initiation, 'test:\u00e9', CHOICE)
    assert swift_time(UPLOAD.ticks).internal == swift.seen[0].headers['X-Timestamp']
    assert Marker(State.OPEN, T, {name.lower(): value for name, value in initiation.items()},
                  'test:\u00e9', CHOICE) == records.marker(UPLOAD)
    assert 'true' == swift.last.headers['X-Newest']
    assert 1 == len({seen.path for seen in swift.seen})


def test_records_of_an_older_release_stay_readable():
    """Names of sysmeta as release 0.1.0 wrote them; a proxy that is upgraded reads what another one writes."""
    swift = RecordingSwift(HEAD=[
        (200, {'Content-Type': 'application/x-s3multi-marker;state=open', 'X-Timestamp': T.normal,
               'X-Object-Meta-A': 'b', 'X-Object-Sysmeta-S3multi-Content-Type': 'text/plain',
               'X-Object-Sysmeta-S3multi-Initiator': 'test:tester'}, b''),
        (200, {'X-Object-Sysmeta-S3multi-Chosen': 'chosen', 'X-Object-Sysmeta-S3multi-Timestamp': T.internal}, b'')])
    records = records_of(swift)

    assert Marker(State.OPEN, T, {'content-type': 'text/plain', 'x-object-meta-a': 'b'}, 'test:tester') == (
        records.marker(UPLOAD))
    assert Intent('chosen', T) == records.intent(UPLOAD)


def test_a_marker_tells_that_no_content_type_was_given():
    """The object then gets S3's default, and not the type of the marker."""
    swift = RecordingSwift(HEAD=(200, {'Content-Type': MARKER_TYPE + ';state=open', 'X-Timestamp': T.normal}, b''))

    assert Marker(State.OPEN, T, {}, '') == records_of(swift).marker(UPLOAD)


@pytest.mark.parametrize('status, opened', [(201, True), (202, True), (404, False)])
def test_opening_an_upload(status, opened):
    """404: there is no segments container yet."""
    assert opened is records_of(RecordingSwift(PUT=status)).open_upload(UPLOAD, {}, 'u', None)


@pytest.mark.parametrize('status, code', [(400, 'InvalidRequest'), (413, 'EntityTooLarge'), (503, 'ServiceUnavailable'),
                                          (507, 'ServiceUnavailable'), (500, 'InternalError')])
def test_an_upload_that_could_not_be_opened(status, code):
    """No id goes out for it. 400 is a header that Swift does not take, 413 an account that is full."""
    assert code == code_of(records_of(RecordingSwift(PUT=status)).open_upload, UPLOAD, {}, 'u', None)


def test_a_marker_that_is_gone():
    """Completed, or aborted and forgotten."""
    assert records_of(RecordingSwift(HEAD=404)).marker(UPLOAD) is None


@pytest.mark.parametrize('ask', ['marker', 'intent', 'finished'])
@pytest.mark.parametrize('status', [401, 403, 429, 500, 503])
def test_a_record_that_could_not_be_read_is_not_gone(ask, status):
    """An Abort that took it for gone would free the parts of a finished object."""
    question = getattr(records_of(RecordingSwift(HEAD=status)), ask)

    assert code_of(question, UPLOAD if ask != 'finished' else 'key') in (
        'InternalError', 'SlowDown', 'ServiceUnavailable')


def test_another_object_at_the_name_of_a_marker_is_no_open_upload():
    """Someone wrote to the segments container by hand."""
    swift = RecordingSwift(HEAD=(200, {'Content-Type': 'text/plain', 'X-Timestamp': T.normal}, b''))

    assert State.ABORTED is records_of(swift).marker(UPLOAD).state


@pytest.mark.parametrize('put, head, expected', [
    pytest.param(201, None, IntentWrite(True, False, None), id='written'),
    pytest.param(412, None, IntentWrite(False, True, None), id='another-is-there'),
    pytest.param(202, (404, {'X-Backend-Timestamp': T.internal}, b''), IntentWrite(False, False, T),
                 id='newer-tombstone'),
    pytest.param(202, (200, {'X-Timestamp': T.normal, 'Content-Type': 'a/b'}, b''), IntentWrite(False, False, T),
                 id='newer-intent'),
])
def test_what_becomes_of_an_intent(put, head, expected):
    """Written, refused for another, or thrown away for something newer, whose time the next try must pass."""
    swift = RecordingSwift(PUT=put, HEAD=head or 404)

    assert expected == records_of(swift).write_intent(UPLOAD, Intent('chosen', T))
    assert ('*', T.internal, '/v1/AUTH_a/bucket_segments/' + UPLOAD.intent) == (
        swift.seen[0].headers['If-None-Match'], swift.seen[0].headers['X-Timestamp'], swift.seen[0].path)


def test_an_intent_is_read_as_it_was_written():
    """The list it chose and the timestamp of its manifest; from the newest replica."""
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
    """Nothing there: another Complete took it away. 409: another Complete wrote after it."""
    swift = RecordingSwift(DELETE=status)

    assert proof is records_of(swift).delete_intent(UPLOAD, T)
    assert T.internal == swift.last.headers['X-Timestamp']


@pytest.mark.parametrize('status', [500, 503])
def test_a_deletion_that_fails(status):
    """It may or may not have happened."""
    records = records_of(RecordingSwift(DELETE=status))

    assert code_of(records.delete_intent, UPLOAD, T) in ('InternalError', 'ServiceUnavailable')
    assert code_of(records.delete_marker, UPLOAD, T) in ('InternalError', 'ServiceUnavailable')


def test_a_marker_tells_when_it_was_marked():
    """Its timestamp cannot: that is of the Initiate."""
    swift = RecordingSwift()
    before = Timestamp.now()
    records_of(swift).mark(UPLOAD, State.ABORTED, Timestamp(T.internal, offset=2), 'a:b')
    headers = {name: value for name, value in swift.last.headers.items() if name.startswith('X-')}
    headers['Content-Type'] = swift.last.env['CONTENT_TYPE']
    found = records_of(RecordingSwift(HEAD=(200, headers, b''))).marker(UPLOAD)

    assert before <= found.marked <= Timestamp.now()
    assert {} == found.headers


@pytest.mark.parametrize('status', [201, 202])
def test_marking_keeps_what_is_newer(status):
    """202: a Complete has deleted the marker since; that stays so."""
    swift = RecordingSwift(PUT=status)
    records_of(swift).mark(UPLOAD, State.ABORTED, Timestamp(T.internal, offset=2), 'a:b')

    assert (T.internal + '_0000000000000002', MARKER_TYPE + ';state=aborted;initiator=a%3Ab') == (
        swift.last.headers['X-Timestamp'], swift.last.env['CONTENT_TYPE'])


# The finished object

OBJECT = {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id,
          'X-Object-Sysmeta-S3Api-Etag': MD5 + '-1'}


@pytest.mark.parametrize('headers, expected', [
    pytest.param(OBJECT, Finished(UPLOAD.id, MD5 + '-1', None), id='ours'),
    pytest.param({**OBJECT, 'X-Object-Version-Id': 'v'}, Finished(UPLOAD.id, MD5 + '-1', 'v'), id='a-version'),
    pytest.param({**OBJECT, 'X-Object-Sysmeta-S3multi-Checksum': 'FULL_OBJECT crc32 WxWtvg== -'},
                 Finished(UPLOAD.id, MD5 + '-1', None, ObjectChecksum(Checksum('crc32', 'WxWtvg=='), 'FULL_OBJECT')),
                 id='with-a-checksum'),
    pytest.param({**OBJECT, 'X-Static-Large-Object': 'False'}, Finished(), id='a-copy-that-is-no-large-object'),
    pytest.param({'X-Static-Large-Object': 'True'}, Finished(), id='large-object-of-others'),
    pytest.param({}, Finished(), id='plain'),
])
def test_which_upload_made_an_object(headers, expected):
    """A plain object may have inherited an upload id by a copy: it says nothing of the parts."""
    assert expected == records_of(RecordingSwift(HEAD=(200, headers, b''))).finished('key')


def test_no_object():
    """Nothing at the key was made by any upload."""
    assert Finished() == records_of(RecordingSwift(HEAD=404)).finished('key')


def test_version_in_a_bucket_that_is_being_deleted():
    """Swift calls the question wrong, for there are no versions any more. Nothing follows from that: ask again."""
    with pytest.raises(S3Error) as raised:
        records_of(RecordingSwift(HEAD=400), versioned=True).finished('key', T)

    assert 'ServiceUnavailable' == raised.value.code


@pytest.mark.parametrize('versioned, version, query', [
    pytest.param(False, None, 'symlink=get', id='plain-bucket'),
    pytest.param(True, None, '', id='current-version'),
    pytest.param(True, T, 'symlink=get&version-id=1790000000.00000', id='a-version'),
])
def test_how_the_object_is_asked_for(versioned, version, query):
    """A user's link is not what it points to; in a versioned bucket the current object is behind a link of Swift's."""
    swift = RecordingSwift(HEAD=(200, OBJECT, b''))
    records_of(swift, versioned).finished('key', version)

    assert ('/v1/AUTH_a/bucket/key', query, 'true') == (swift.last.path, swift.last.query,
                                                        swift.last.headers['X-Newest'])
