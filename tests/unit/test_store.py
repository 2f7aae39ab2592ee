# SPDX-License-Identifier: Apache-2.0
"""What Swift's answers mean: which prove something, which are failures, and which S3 error a failure is."""
import json
from io import BytesIO
from types import SimpleNamespace

import pytest
from swift.common.storage_policy import POLICIES
from swift.common.utils import Timestamp

from s3multi import config
from s3multi.errors import InvalidPart, NoSuchUpload, S3Error
from s3multi.expiry import Freeing
from s3multi.hints import PartHints
from s3multi.layout import Upload, UploadIds, new_attempt
from s3multi.operations.upload_part import store_attempt
from s3multi.parts import Attempt
from s3multi.records import IntentWrite, Records, marker_state
from s3multi.session import Session
from s3multi.state import Finished, Intent, Marker, State
from s3multi.store import Store, attempt_of, s3_time
from s3multi.subrequest import Backend, swift_time
from tests.unit.fakes import Cache, RecordingSwift, client_env

T = Timestamp('1790000000.00000')
TICKS = 1790000000 * 100000
MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
OTHER = 'a020557699724b0bb4fc5a1949e8ee1c'
IDS = UploadIds(b'secret')
UPLOAD = Upload('AUTH_a', 'bucket', 'k\u00e9y', IDS.new('AUTH_a', 'bucket', 'k\u00e9y', TICKS))
ATTEMPT = new_attempt(TICKS)
MARKER_TYPE = 'application/x-s3multi-marker'


def store_of(swift, immediate=100, queue=None):
    """Return the store of a client's request to the bucket."""
    return Store(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'AUTH_a', 'bucket', Freeing(2, immediate, queue))


def records_of(swift, versioned=False):
    """Return the records of a client's request to the bucket."""
    return Records(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'bucket', versioned)


def session_of(swift, cache=None, options=None, **call):
    """Return a session of a client's request to the bucket; ``options`` are those of [filter:s3multi]."""
    backend = Backend(swift, client_env(), 'AUTH_a', 'bucket')
    settings = config.load(options or {}, {'min_segment_size': 1, 'max_upload_part_num': 10000})
    return Session(SimpleNamespace(account='AUTH_a', bucket='bucket', **call),
                   Store(backend, 'AUTH_a', 'bucket', Freeing(2, 100, None)), Records(backend, 'bucket', False),
                   backend, settings, IDS, PartHints(cache), {}, False, None)


def row(name, hash=MD5, size=7, content_type='application/octet-stream'):
    """Return a row as Swift's JSON has it."""
    return {'name': name, 'hash': hash, 'bytes': size, 'content_type': content_type,
            'last_modified': '2026-09-21T14:13:20.123450'}


def listing(*rows):
    """Return the answer to a GET of the container."""
    return 200, {'Content-Type': 'application/json'}, json.dumps(rows).encode()


def code_of(call, *args):
    """Return the code of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code


# Times

@pytest.mark.parametrize('ticks, internal', [
    (TICKS, '1790000000.00000'), (TICKS + 1, '1790000000.00001'), (TICKS + 99999, '1790000000.99999'),
    (2 ** 48 - 1, '2814749767.10655')])
def test_times_of_swift(ticks, internal):
    """Ten microseconds are the unit of Swift's timestamps, so none is lost."""
    assert internal == swift_time(ticks).internal


@pytest.mark.parametrize('isoformat', ['2026-09-21T14:13:20.123450', '2026-09-21T14:13:20.000000',
                                       '2026-09-21T14:13:20'])
def test_times_of_s3(isoformat):
    """ISO 8601 with three digits for a fraction that S3 does not use."""
    assert '2026-09-21T14:13:20.000Z' == s3_time(isoformat)


# A part is stored

PART_ANSWERS = [
    (202, 'InternalError'), (200, 'InternalError'), (204, 'InternalError'), (404, 'NoSuchUpload'),
    (408, 'RequestTimeout'), (411, 'MissingContentLength'), (413, 'EntityTooLarge'), (422, 'BadDigest'),
    (429, 'SlowDown'), (498, 'SlowDown'), (499, 'IncompleteBody'), (409, 'ServiceUnavailable'),
    (412, 'InternalError'), (500, 'InternalError'), (503, 'ServiceUnavailable'), (507, 'ServiceUnavailable'),
]


@pytest.mark.parametrize('status, code', PART_ANSWERS)
def test_only_201_stores_a_part(status, code):
    """202 least of all: something newer is at the name, and the bytes were thrown away."""
    cache = Cache()
    swift = RecordingSwift(PUT=(status, {'Etag': MD5}, b''))
    session = session_of(swift, cache, content_length=7, content_md5=MD5)

    assert code == code_of(store_attempt, session, UPLOAD, 1, {'Content-Length': '7'},
                           {'wsgi.input': BytesIO(b'Hello, ')})
    assert {} == cache
    assert 0 == swift.unclosed


def test_a_refused_digest_that_the_client_did_not_send_is_no_bad_digest():
    """Swift says 422 for other reasons too; then it is for us to look into."""
    session = session_of(RecordingSwift(PUT=422), content_length=7, content_md5=None)

    assert 'InternalError' == code_of(store_attempt, session, UPLOAD, 1, {}, {'wsgi.input': BytesIO()})


def test_a_stored_part():
    """A new name, the time of its beginning, and the client's stream; its ETag comes from Swift."""
    swift, cache = RecordingSwift(PUT=(201, {'Etag': '"%s"' % MD5}, b'')), Cache()
    stored = store_attempt(session_of(swift, cache), UPLOAD, 7, {'Content-Length': '7', 'ETag': MD5},
                           {'wsgi.input': BytesIO(b'Hello, ')})
    seen, = swift.seen

    assert (7, MD5) == (stored.number, stored.etag)
    assert ('/v1/AUTH_a/bucket_segments/' + stored.name, '', b'Hello, ') == (seen.path, seen.query, seen.body)
    assert stored.name == PartHints(cache).recall(UPLOAD, 7)
    assert (swift_time(stored.began).internal, MD5, '7', 'application/octet-stream') == (
        seen.headers['X-Timestamp'], seen.headers['Etag'], seen.env['CONTENT_LENGTH'], seen.env['CONTENT_TYPE'])


def test_every_attempt_has_a_name_of_its_own():
    """A part that may be overwritten can be lost under a finished object."""
    swift = RecordingSwift(PUT=(201, {'Etag': MD5}, b''))
    names = {store_attempt(session_of(swift), UPLOAD, 1, {}, {'wsgi.input': BytesIO()}).name for _ in range(20)}

    assert 20 == len(names)


def test_a_slow_part_of_an_upload_that_is_open():
    """One more look, and the part counts."""
    marker = 200, {'Content-Type': MARKER_TYPE + ';state=open', 'X-Timestamp': T.normal}, b''
    swift = RecordingSwift(PUT=(201, {'Etag': MD5}, b''), HEAD=marker)
    session = session_of(swift, options={'marker_recheck_after': '0'})

    assert MD5 == store_attempt(session, UPLOAD, 1, {}, {'wsgi.input': BytesIO()}).etag
    assert ['PUT', 'HEAD'] == [seen.method for seen in swift.seen]


@pytest.mark.parametrize('marker, deletes', [
    pytest.param(404, 0, id='gone'),
    pytest.param((200, {'Content-Type': MARKER_TYPE + ';state=aborting'}, b''), 0, id='aborting'),
    pytest.param((200, {'Content-Type': MARKER_TYPE + ';state=aborted'}, b''), 1, id='aborted'),
])
def test_a_slow_part_of_an_upload_that_ended(marker, deletes):
    """404; but the part goes only where the upload was aborted for good: a Complete may have listed it."""
    swift = RecordingSwift(PUT=(201, {'Etag': MD5}, b''), HEAD=marker)
    cache = Cache()
    session = session_of(swift, cache, {'marker_recheck_after': '0'})

    assert 'NoSuchUpload' == code_of(store_attempt, session, UPLOAD, 1, {}, {'wsgi.input': BytesIO()})
    assert {} == cache
    assert deletes == len([seen for seen in swift.seen if seen.method == 'DELETE'])


# Listings

def test_the_segments_container_has_the_policy_of_the_bucket():
    """Else segments would land in the default policy of the cluster."""
    swift = RecordingSwift()
    store_of(swift).create_container(int(POLICIES.default))

    assert ('PUT', '/v1/AUTH_a/bucket_segments', POLICIES.default.name) == (
        swift.last.method, swift.last.path, swift.last.headers['X-Storage-Policy'])


def test_rows_of_every_page():
    """Each page begins after the last name of the one before, until one is not full; no matter how it is answered."""
    swift = RecordingSwift(GET=[listing(row('a'), {'subdir': 'b/'}), listing(row('c'))])
    pages = list(store_of(swift).rows('pre', 'A', 'z', '/', limit=2))

    assert [['a', 'b/'], ['c']] == [[found.get('name') or found['subdir'] for found in page] for page in pages]
    assert ['/v1/AUTH_a/bucket_segments'] * 2 == [seen.path for seen in swift.seen]
    assert [{'format': 'json', 'limit': '2', 'prefix': 'pre', 'end_marker': 'z', 'delimiter': '/', 'marker': marker}
            for marker in ('A', 'b/')] == [dict(pair.split('=') for pair in seen.query.replace('%2F', '/').split('&'))
                                           for seen in swift.seen]


@pytest.mark.parametrize('answers, pages', [
    pytest.param([404], 0, id='no-container'),
    pytest.param([listing()], 0, id='empty'),
    pytest.param([listing(row('a')), listing()], 1, id='just-full'),
    pytest.param([listing(row('a')), 404], 1, id='deleted-meanwhile'),
])
def test_ends_of_a_listing(answers, pages):
    """A container that is not there has no rows."""
    assert pages == len(list(store_of(RecordingSwift(GET=answers)).rows(limit=1)))


def test_a_listing_that_fails():
    """A page that could not be read is no end of the listing."""
    rows = store_of(RecordingSwift(GET=[listing(row('a')), 503])).rows(limit=1)
    next(rows)

    assert 'ServiceUnavailable' == code_of(next, rows)


def test_attempts_are_the_rows_of_our_form():
    """What other tools, or uploads of a longer key, keep between them is passed over."""
    name = UPLOAD.part(7, ATTEMPT)
    swift = RecordingSwift(GET=listing(row(UPLOAD.prefix + 'x'), row(name), {'subdir': UPLOAD.prefix + 'y/'},
                                       row(name + 'x'), row(UPLOAD.intent)))
    found, = store_of(swift).attempts(UPLOAD)

    assert Attempt(7, name, TICKS, MD5, 7, {}) == found


@pytest.mark.parametrize('hash, etag, found', [
    pytest.param(MD5, MD5, {}, id='plain'),
    pytest.param(MD5 + '; crc32=de576f05', MD5, {'ChecksumCRC32': '3ldvBQ=='}, id='checksum'),
    pytest.param(MD5 + '; s3_etag=%s-1; slo_etag=x' % OTHER, MD5, {}, id='of-a-large-object'),
])
def test_the_hash_of_a_row(hash, etag, found):
    """MD5 first; what follows is the part's checksum, or other filters' business."""
    attempt = attempt_of(UPLOAD, row(UPLOAD.part(7, ATTEMPT), hash))

    assert (etag, found) == (attempt.etag, attempt.checksums)


@pytest.mark.parametrize('after, marker', [(None, UPLOAD.prefix), (0, UPLOAD.after_part(0)), (7, UPLOAD.after_part(7))])
def test_where_a_listing_of_parts_begins(after, marker):
    """After all attempts of a number, before those of the next; and it ends before the intent."""
    asked = []
    store = store_of(RecordingSwift())
    store.rows = lambda *args: asked.append(args) or iter([])
    list(store.attempts(UPLOAD, after, 5))

    assert [(UPLOAD.prefix, marker, UPLOAD.parts_end, '/', 5)] == asked


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


def test_a_marker_is_read_as_it_was_written():
    """Headers of the object, the type the client gave, and who initiated; read from the newest replica."""
    initiation = {'content-type': 'text/\xc3\xa9', 'cache-control': 'no-cache', 'X-Object-Meta-A': 'b'}
    swift = RecordingSwift(HEAD=lambda _: (200, {
        **{name: value for name, value in swift.seen[0].headers.items() if name.startswith(('X-Object', 'Cache'))},
        'Content-Type': swift.seen[0].env['CONTENT_TYPE'], 'X-Timestamp': T.normal}, b''))
    records = records_of(swift)

    assert records.open_upload(UPLOAD, initiation, 'test:\u00e9')
    assert swift_time(UPLOAD.ticks).internal == swift.seen[0].headers['X-Timestamp']
    assert Marker(State.OPEN, T, {name.lower(): value for name, value in initiation.items()},
                  'test:\u00e9') == records.marker(UPLOAD)
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
    assert opened is records_of(RecordingSwift(PUT=status)).open_upload(UPLOAD, {}, 'u')


@pytest.mark.parametrize('status, code', [(400, 'InvalidRequest'), (413, 'InternalError'), (503, 'ServiceUnavailable'),
                                          (507, 'ServiceUnavailable'), (500, 'InternalError')])
def test_an_upload_that_could_not_be_opened(status, code):
    """No id goes out for it. 400 is a header that Swift does not take."""
    assert code == code_of(records_of(RecordingSwift(PUT=status)).open_upload, UPLOAD, {}, 'u')


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


@pytest.mark.parametrize('status', [201, 202])
def test_marking_keeps_what_is_newer(status):
    """202: a Complete has deleted the marker since; that stays so."""
    swift = RecordingSwift(PUT=status)
    records_of(swift).mark(UPLOAD, State.ABORTED, Timestamp(T.internal, offset=2))

    assert (T.internal + '_0000000000000002', MARKER_TYPE + ';state=aborted') == (
        swift.last.headers['X-Timestamp'], swift.last.env['CONTENT_TYPE'])


# Parts are asked for and freed

def test_attempts_that_are_asked_for_by_name():
    """With the newest replica's word; what is not there, and what is no part, is left out."""
    name, gone = UPLOAD.part(7, ATTEMPT), UPLOAD.part(8, ATTEMPT)
    headers = {'Etag': '"%s"' % MD5, 'Content-Length': '7',
               'X-Object-Sysmeta-Container-Update-Override-Etag': MD5 + '; crc32=de576f05'}
    swift = RecordingSwift(HEAD=lambda seen: 404 if seen.path.endswith(gone) else (200, headers, b''))
    found, = store_of(swift).stored_attempts(UPLOAD, [name, gone, UPLOAD.intent])

    assert Attempt(7, name, TICKS, MD5, 7, {'ChecksumCRC32': '3ldvBQ=='}) == found
    assert {'true'} == {seen.headers['X-Newest'] for seen in swift.seen}


@pytest.mark.parametrize('status', [429, 500, 503])
def test_an_attempt_that_could_not_be_asked_for_is_not_missing(status):
    """Its Complete would be refused with InvalidPart, which no client repeats."""
    ask = store_of(RecordingSwift(HEAD=status)).stored_attempts

    assert code_of(ask, UPLOAD, [UPLOAD.part(7, ATTEMPT)]) in ('InternalError', 'SlowDown', 'ServiceUnavailable')


@pytest.mark.parametrize('status', [204, 404])
def test_freeing_parts(status):
    """Each is deleted at a time later than its own, also when the proxy that stored it has a faster clock."""
    attempts = [Attempt(1, UPLOAD.part(1, ATTEMPT), TICKS, MD5, 7),
                Attempt(2, UPLOAD.part(2, ATTEMPT), TICKS + 10 ** 6, MD5, 7)]
    swift = RecordingSwift(DELETE=status)
    store_of(swift).free(iter(attempts), TICKS + 5)

    assert {attempts[0].name: swift_time(TICKS + 5).internal,
            attempts[1].name: swift_time(TICKS + 10 ** 6 + 1).internal} == {
        seen.path.partition('bucket_segments/')[2]: seen.headers['X-Timestamp'] for seen in swift.seen}


@pytest.mark.parametrize('status', [409, 503, 500])
def test_a_part_that_could_not_be_freed(status):
    """An Abort must not say 204 while it takes up space."""
    store = store_of(RecordingSwift(DELETE=[204, status]))
    attempts = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS, MD5, 7) for number in (1, 2)]

    assert code_of(store.free, attempts, TICKS) in ('ServiceUnavailable', 'InternalError')


# The finished object

OBJECT = {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id,
          'X-Object-Sysmeta-S3Api-Etag': MD5 + '-1'}


@pytest.mark.parametrize('headers, expected', [
    pytest.param(OBJECT, Finished(UPLOAD.id, MD5 + '-1', None), id='ours'),
    pytest.param({**OBJECT, 'X-Object-Version-Id': 'v'}, Finished(UPLOAD.id, MD5 + '-1', 'v'), id='a-version'),
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


PARTS = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS, MD5, 7) for number in (1, 2)]


FOUND = [{'name': '/bucket_segments/' + part.name, 'hash': MD5, 'bytes': 7} for part in PARTS]


def slo(status=201, headers=None, body=b''):
    """Return an answer of SLO's: it calls the hook when all segments are found, then writes."""
    def answer(seen):
        if status in (201, 202):
            assert [] == seen.env['swift.callback.slo_manifest_hook'](FOUND)
        return status, headers or {}, body
    return answer


def write(swift, before_write=lambda: (Intent('chosen', T), Marker(State.OPEN, T, {'x-object-meta-a': 'b'}))):
    """Write the manifest of two parts."""
    return store_of(swift).write_manifest_through_slo(UPLOAD, PARTS, MD5 + '-2', before_write)


@pytest.mark.parametrize('status, headers, version', [
    pytest.param(201, {}, None, id='written'),
    pytest.param(201, {'X-Object-Version-Id': 'v'}, 'v', id='a-version'),
    pytest.param(202, {}, None, id='overwritten-at-once'),
])
def test_a_manifest_that_is_written(status, headers, version):
    """202 means something newer is at the key: the object was there, and is as if overwritten since."""
    swift = RecordingSwift(PUT=slo(status, headers))

    assert version == write(swift)
    assert ('/v1/AUTH_a/bucket/' + UPLOAD.key, 'multipart-manifest=put') == (swift.last.path, swift.last.query)
    assert ['/bucket_segments/' + part.name for part in PARTS] == [
        segment['path'] for segment in json.loads(swift.last.body)]
    # Else a refusal comes as text, which names no part in a way that can be read.
    assert 'application/json' == swift.last.headers['Accept']


def test_a_manifest_has_the_time_of_the_intent_it_is_written_for():
    """Known only when SLO has found all parts; whoever repeats this write repeats the same."""
    swift = RecordingSwift(PUT=slo())
    write(swift)
    env = swift.last.env

    assert (T.internal, 'b', MD5 + '-2', UPLOAD.id) == (
        env['HTTP_X_TIMESTAMP'], env['HTTP_X_OBJECT_META_A'], env['HTTP_X_OBJECT_SYSMETA_S3API_ETAG'],
        env['HTTP_X_OBJECT_SYSMETA_S3API_UPLOAD_ID'])


def test_a_manifest_is_not_written_when_the_gate_is_closed():
    """What ``before_write`` raises, an Abort found say, ends the request before SLO writes."""
    def closed():
        raise NoSuchUpload(UPLOAD.id)

    assert 'NoSuchUpload' == code_of(write, RecordingSwift(PUT=slo()), closed)


ERRORS = json.dumps({'Errors': [['/bucket_segments/' + PARTS[1].name, '404 Not Found']]}).encode()


@pytest.mark.parametrize('status, body, code', [
    pytest.param(400, ERRORS, 'InvalidPart', id='part-is-missing'),
    pytest.param(400, b'', 'ServiceUnavailable', id='slo-has-trouble'),
    pytest.param(404, b'', 'NoSuchBucket', id='bucket-is-gone'),
    pytest.param(413, b'Upload exceeds quota.', 'EntityTooLarge', id='quota'),
    pytest.param(409, b'', 'ServiceUnavailable', id='conflict'),
    pytest.param(429, b'', 'SlowDown', id='rate-limit'),
    pytest.param(503, b'', 'ServiceUnavailable', id='busy'),
    pytest.param(500, b'', 'InternalError', id='broken'),
    pytest.param(412, b'', 'InternalError', id='unforeseen'),
])
def test_a_manifest_that_is_refused(status, body, code):
    """No failure of Swift's is taken for success, and the parts are untouched."""
    swift = RecordingSwift(PUT=slo(status, body=body))

    assert code == code_of(write, swift)
    assert ['PUT'] == [seen.method for seen in swift.seen]
    assert 0 == swift.unclosed


def test_a_quota_says_so():
    """Swift's own words are the message."""
    with pytest.raises(S3Error, match='Upload exceeds quota.'):
        write(RecordingSwift(PUT=slo(413, body=b'Upload exceeds quota.\n')))


def test_the_part_that_slo_does_not_find_is_named():
    """As the client listed it."""
    with pytest.raises(InvalidPart) as raised:
        write(RecordingSwift(PUT=slo(400, body=ERRORS)))

    assert {'UploadId': UPLOAD.id, 'PartNumber': '2', 'ETag': MD5} == raised.value.fields
