# SPDX-License-Identifier: Apache-2.0
"""The segments container, parts and manifests: what Swift is asked, and what its answers mean."""
import json

import pytest
from swift.common.storage_policy import POLICIES
from swift.common.swob import Request
from swift.common.utils import Timestamp

from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.errors import InvalidPart, NoSuchUpload, S3Error
from s3multi.s3.parts import Attempt
from s3multi.storage.deletion import Freeing, Job
from s3multi.storage.requests import Backend, swift_time
from s3multi.storage.segments import Store, Written, attempt_of, s3_time
from s3multi.upload import manifest
from s3multi.upload.names import Upload, UploadIds, new_attempt
from s3multi.upload.records import Intent, Marker, State
from tests.unit.fakes import RecordingSwift, client_env

T = Timestamp('1790000000.00000')
TICKS = 1790000000 * 100000
MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
OTHER = 'a020557699724b0bb4fc5a1949e8ee1c'
IDS = UploadIds(b'secret')
UPLOAD = Upload('AUTH_a', 'bucket', 'k\u00e9y', IDS.new('AUTH_a', 'bucket', 'k\u00e9y', TICKS))
ATTEMPT = new_attempt(TICKS)


def store_of(swift, immediate=100, queue=None):
    """Return the store of a client's request to the bucket; parts are deleted two at a time."""
    return Store(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'AUTH_a', 'bucket', Freeing(2, immediate, queue))


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

@pytest.mark.parametrize('isoformat', ['2026-09-21T14:13:20.123450', '2026-09-21T14:13:20.000000',
                                       '2026-09-21T14:13:20'])
def test_times_of_s3(isoformat):
    """ISO 8601 with three digits for a fraction that S3 does not use."""
    assert '2026-09-21T14:13:20.000Z' == s3_time(isoformat)


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


@pytest.mark.parametrize('hash, content_type, found', [
    pytest.param(MD5, 'a/b', {}, id='none'),
    pytest.param(MD5 + '; crc32=de576f05', 'a/b', {'ChecksumCRC32': '3ldvBQ=='}, id='in-the-hash'),
    pytest.param(MD5, 'a/b; crc32=de576f05', {'ChecksumCRC32': '3ldvBQ=='}, id='in-the-content-type'),
    pytest.param(MD5 + '; s3_etag=%s-1; slo_etag=x' % OTHER, 'a/b;charset=x', {}, id='other-parameters'),
])
def test_the_checksum_in_a_row(hash, content_type, found):
    """MD5 first; what follows is the part's checksum, or other filters' business."""
    attempt = attempt_of(UPLOAD, row(UPLOAD.part(7, ATTEMPT), hash, content_type=content_type))

    assert (MD5, found) == (attempt.etag, attempt.checksums)


@pytest.mark.parametrize('after, marker', [(None, UPLOAD.prefix), (0, UPLOAD.after_part(0)), (7, UPLOAD.after_part(7))],
                         ids=['all', 'from the first on', 'after a part'])
def test_where_a_listing_of_parts_begins(after, marker):
    """After all attempts of a number, before those of the next; and it ends before the intent."""
    asked = []
    store = store_of(RecordingSwift())
    store.rows = lambda *args: asked.append(args) or iter([])
    list(store.attempts(UPLOAD, after, 5))

    assert [(UPLOAD.prefix, marker, UPLOAD.parts_end, '/', 5)] == asked


@pytest.mark.parametrize('marker, end_marker, asked', [
    pytest.param('k', 'm', 'm', id='short'),
    pytest.param('\u00e9' * 512, '\u00ea' * 512, None, id='long'),
])
def test_an_end_that_does_not_fit_into_a_request(marker, end_marker, asked):
    """Swift's servers take no longer request lines: what lies beyond the end is then cut off here."""
    rows = [row('\u00e9' * 512 + 'x'), row('\u00ea' * 512), row('\u00eb')]
    swift = RecordingSwift(GET=listing(*(rows if asked is None else rows[:1])))
    found = [found['name'] for page in store_of(swift).rows('\u00e9' * 512, marker, end_marker) for found in page]

    assert [rows[0]['name']] == found
    assert asked == Request(swift.last.env).params.get('end_marker')


def test_a_listing_without_an_end_has_none():
    """However long the names are that it begins with."""
    swift = RecordingSwift(GET=listing(row('z')))

    assert 1 == len(list(store_of(swift).rows('', '\u00e9' * 2000)))


def test_uploads_among_the_parts_of_others_are_noted_for_good():
    """In the container's own metadata, so that every proxy learns of it."""
    swift = RecordingSwift(POST=204)
    store_of(swift).note_hidden_uploads()

    assert ('POST', '/v1/AUTH_a/bucket_segments', '', 'true') == (
        swift.last.method, swift.last.path, swift.last.query,
        swift.last.headers['X-Container-Sysmeta-S3Multi-Hidden-Uploads'])


@pytest.mark.parametrize('answer, hidden', [
    pytest.param((204, {'X-Container-Sysmeta-S3multi-Hidden-Uploads': 'true'}, b''), True, id='noted'),
    pytest.param((204, {'X-Container-Sysmeta-Other': 'true'}, b''), False, id='not-noted'),
    pytest.param(404, False, id='no-container'),
])
def test_whether_uploads_are_noted(answer, hidden):
    """Read with Swift's container info, which is cached: List Multipart Uploads asks every time."""
    assert hidden is store_of(RecordingSwift(HEAD=answer)).has_hidden_uploads()


def test_a_note_that_could_not_be_written():
    """The upload must not begin: it would never be listed."""
    assert 'ServiceUnavailable' == code_of(store_of(RecordingSwift(POST=503)).note_hidden_uploads)


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


@pytest.mark.parametrize('bad', [0, 5, 9])
def test_a_part_that_could_not_be_freed_does_not_keep_the_others(bad):
    """All are tried, whichever fails, so that a repeat has less to do."""
    attempts = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS, MD5, 7) for number in range(1, 11)]
    swift = RecordingSwift(DELETE=[503 if place == bad else 204 for place in range(10)])

    assert 'ServiceUnavailable' == code_of(store_of(swift).free, attempts, TICKS)
    assert 10 == len(swift.seen)


class Queue:
    """The expirer's queue: keeps names and time of every batch."""

    def __init__(self):
        self.jobs = []

    def job(self, account, container, names, at):
        """Return the job of a batch."""
        self.jobs.append((account, container, names, at))
        return Job('.expiring_objects', '1789948800', json.dumps(names).encode())


@pytest.mark.parametrize('parts, immediate, queue, methods', [
    pytest.param(0, 2, Queue(), [], id='none'),
    pytest.param(2, 2, Queue(), ['DELETE', 'DELETE'], id='few'),
    pytest.param(3, 2, Queue(), ['UPDATE'], id='many'),
    pytest.param(3, 2, None, ['DELETE', 'DELETE', 'DELETE'], id='many-but-no-queue'),
    pytest.param(1, 0, Queue(), ['UPDATE'], id='all-by-the-queue'),
])
def test_many_parts_are_left_to_the_expirer(parts, immediate, queue, methods):
    """One request for all of them, where the cluster allows it; a few are deleted before the answer."""
    attempts = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS + number, MD5, 7) for number in range(parts)]
    swift = RecordingSwift(UPDATE=202)
    store_of(swift, immediate, queue).free(iter(attempts), TICKS)

    assert methods == [seen.method for seen in swift.seen]
    if 'UPDATE' in methods:
        # Later than the newest part: an object that is newer than its job stays.
        assert [('AUTH_a', 'bucket_segments', [attempt.name for attempt in attempts],
                 swift_time(TICKS + parts))] == queue.jobs


def test_parts_that_the_queue_did_not_take():
    """They are not freed."""
    attempts = [Attempt(1, UPLOAD.part(1, ATTEMPT), TICKS, MD5, 7)]

    assert 'ServiceUnavailable' == code_of(store_of(RecordingSwift(UPDATE=503), 0, Queue()).free, attempts, TICKS)


# The manifest: written as it is, or through SLO, which asks for every part first

PARTS = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS, MD5, 7) for number in (1, 2)]
FOUND = [{'name': '/bucket_segments/' + part.name, 'hash': MD5, 'bytes': 7} for part in PARTS]


def answering(status=201, headers=None, body=b'', found=FOUND):
    """Return an answer to the PUT; SLO's hook is called with what it has found, whatever that is."""
    def answer(seen):
        hook = seen.env.get('swift.callback.slo_manifest_hook')
        assert hook is None or [] == hook(found)
        return status, headers or {}, body
    return answer


def gate():
    """Return what a Complete is let through with."""
    return Intent('chosen', T), Marker(State.OPEN, T, {'content-type': 'a/b', 'x-object-meta-a': 'b'})


def write(way, swift, through=gate):
    """Write the manifest of two parts in one of the two ways."""
    return getattr(store_of(swift), way)(UPLOAD, PARTS, ObjectDigests(MD5 + '-2'), through)


@pytest.mark.parametrize('status', [201, 202, 404])
def test_showing_a_version(status):
    """A link to it, just after any that was written with it; 404: there is no such version."""
    swift = RecordingSwift(PUT=status)
    store_of(swift).show_version(UPLOAD, T)

    assert ('/v1/AUTH_a/bucket/' + UPLOAD.key, 'version-id=' + T.internal, b'', T.internal + '_0000000000000001') == (
        swift.last.path, swift.last.query, swift.last.body, swift.last.headers['X-Timestamp'])


@pytest.mark.parametrize('status', [409, 500, 503])
def test_a_version_that_could_not_be_shown(status):
    """The Complete is to be repeated: its marker must stay until the object is seen."""
    store = store_of(RecordingSwift(PUT=status))

    assert code_of(store.show_version, UPLOAD, T) in ('InternalError', 'ServiceUnavailable')


BOTH_WAYS = pytest.mark.parametrize('way', ['write_manifest', 'write_manifest_through_slo'])


@BOTH_WAYS
@pytest.mark.parametrize('status, headers, version', [
    pytest.param(201, {}, None, id='written'),
    pytest.param(201, {'X-Object-Version-Id': 'v'}, 'v', id='a-version'),
    pytest.param(202, {}, None, id='overwritten-at-once'),
])
def test_a_manifest_that_is_written(way, status, headers, version):
    """202 means that something not older is at the key: the object was there, and is as if overwritten since."""
    swift = RecordingSwift(PUT=answering(status, headers))

    assert Written(status == 201, version) == write(way, swift)
    assert ('PUT', '/v1/AUTH_a/bucket/' + UPLOAD.key) == (swift.last.method, swift.last.path)


@BOTH_WAYS
def test_a_manifest_has_the_time_of_the_intent_it_is_written_for(way):
    """Known only at the gate; whoever repeats this write repeats the same."""
    swift = RecordingSwift(PUT=answering())
    write(way, swift)
    env = swift.last.env

    assert (T.internal, 'b', MD5 + '-2', UPLOAD.id) == (
        env['HTTP_X_TIMESTAMP'], env['HTTP_X_OBJECT_META_A'], env['HTTP_X_OBJECT_SYSMETA_S3API_ETAG'],
        env['HTTP_X_OBJECT_SYSMETA_S3API_UPLOAD_ID'])


def test_a_manifest_as_slo_stores_it():
    """SLO lets it pass, and so does what guards the size in a content type."""
    swift = RecordingSwift(PUT=answering())
    write('write_manifest', swift)
    env = swift.last.env

    assert ('', True, True) == (swift.last.query, env['swift.slo_override'], env['swift.content_type_overridden'])
    assert ('True', 'a/b;swift_bytes=14') == (env['HTTP_X_STATIC_LARGE_OBJECT'], env['CONTENT_TYPE'])
    assert manifest.stored(UPLOAD, PARTS) == swift.last.body


@BOTH_WAYS
def test_a_manifest_is_not_written_into_a_bucket_that_is_gone(way):
    """Whether the bucket is there is asked when the manifest is written: what the request knew before may be old."""
    swift = RecordingSwift(PUT=answering())
    known = {'container/AUTH_a/bucket': {'status': 204}}
    env = client_env(**{'swift.infocache': known})
    store = Store(Backend(swift, env, 'AUTH_a', 'bucket'), 'AUTH_a', 'bucket', Freeing(2, 100, None))
    getattr(store, way)(UPLOAD, PARTS, ObjectDigests(MD5 + '-2'), gate)

    assert {} == swift.last.env['swift.infocache'] and env['swift.infocache'] is known


def test_a_manifest_as_slo_takes_it():
    """SLO asks for every part; a refusal comes as JSON, for as text it names no part in a way that can be read."""
    swift = RecordingSwift(PUT=answering())
    write('write_manifest_through_slo', swift)

    assert ('multipart-manifest=put', 'application/json') == (swift.last.query, swift.last.headers['Accept'])
    assert manifest.request_body(UPLOAD, PARTS) == swift.last.body
    assert 'swift.slo_override' not in swift.last.env


@BOTH_WAYS
def test_a_manifest_is_not_written_when_the_gate_is_closed(way):
    """What the gate raises, because of an Abort say, ends the request before anything is written."""
    def closed():
        raise NoSuchUpload(UPLOAD.id)

    swift = RecordingSwift(PUT=answering())

    assert 'NoSuchUpload' == code_of(write, way, swift, closed)
    assert way == 'write_manifest_through_slo' or not swift.seen


@pytest.mark.parametrize('found', [
    pytest.param([FOUND[0], None], id='missing'),
    pytest.param([FOUND[0], {**FOUND[1], 'hash': OTHER}], id='other-etag'),
    pytest.param([FOUND[0], {**FOUND[1], 'bytes': 8}], id='other-size'),
])
def test_the_gate_is_not_asked_for_parts_that_slo_refuses(found):
    """SLO calls the hook all the same; an intent that was written then would keep an Abort waiting."""
    def never():
        raise AssertionError

    swift = RecordingSwift(PUT=answering(400, body=ERRORS, found=found))

    assert 'InvalidPart' == code_of(write, 'write_manifest_through_slo', swift, never)


ERRORS = json.dumps({'Errors': [['/bucket_segments/' + PARTS[1].name, '404 Not Found']]}).encode()


@BOTH_WAYS
@pytest.mark.parametrize('status, code', [
    pytest.param(404, 'NoSuchBucket', id='bucket-is-gone'),
    pytest.param(413, 'EntityTooLarge', id='quota'),
    pytest.param(409, 'ServiceUnavailable', id='conflict'),
    pytest.param(429, 'SlowDown', id='rate-limit'),
    pytest.param(503, 'ServiceUnavailable', id='busy'),
    pytest.param(500, 'InternalError', id='broken'),
    pytest.param(412, 'ServiceUnavailable', id='versions-are-gone'),
    pytest.param(405, 'InternalError', id='unforeseen'),
])
def test_a_manifest_that_is_refused(way, status, code):
    """No failure of Swift's is taken for success, and the parts are untouched."""
    swift = RecordingSwift(PUT=answering(status))

    assert code == code_of(write, way, swift)
    assert ['PUT'] == [seen.method for seen in swift.seen]
    assert 0 == swift.unclosed


@BOTH_WAYS
def test_a_quota_says_so(way):
    """Swift's own words are the message."""
    with pytest.raises(S3Error, match='Upload exceeds quota.$'):
        write(way, RecordingSwift(PUT=answering(413, body=b'Upload exceeds quota.\n')))


def test_the_part_that_slo_does_not_find_is_named():
    """As the client listed it."""
    with pytest.raises(InvalidPart) as raised:
        write('write_manifest_through_slo', RecordingSwift(PUT=answering(400, body=ERRORS)))

    assert {'UploadId': UPLOAD.id, 'PartNumber': '2', 'ETag': MD5} == raised.value.fields


def test_a_refusal_of_slo_that_names_no_part():
    """It could not ask: a repeat may."""
    swift = RecordingSwift(PUT=answering(400))

    assert 'ServiceUnavailable' == code_of(write, 'write_manifest_through_slo', swift)
