# SPDX-License-Identifier: Apache-2.0
"""The object at a key: how Swift is asked for it, and how its manifest is written."""
import json

import pytest
from swift.common.utils import Timestamp

from s3multi.s3.checksums import Checksum, ObjectChecksum, ObjectDigests
from s3multi.s3.errors import InvalidPart, NoSuchUpload, S3Error
from s3multi.s3.parts import Attempt
from s3multi.storage.objects import Entry, Objects, Written
from s3multi.storage.requests import Backend
from s3multi.upload import manifest
from s3multi.upload.names import Upload, UploadIds, new_attempt
from s3multi.upload.records import Intent, ObjectAtKey, State, UploadMarker
from tests.unit.fakes import RecordingSwift, client_env

T = Timestamp('1790000000.00000')
TICKS = 1790000000 * 100000
MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
OTHER = 'a020557699724b0bb4fc5a1949e8ee1c'
UPLOAD = Upload('AUTH_a', 'bucket', 'k\u00e9y',
                UploadIds(b'secret').new('AUTH_a', 'bucket', 'k\u00e9y', TICKS))
ATTEMPT = new_attempt(TICKS)


def objects_of(swift, env=None):
    """Return the objects of a bucket, for a client's request."""
    return Objects(Backend(swift, env or client_env(), 'AUTH_a', 'bucket'), 'bucket')


def code_of(call, *args):
    """Return the code of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code


# What is at a key

OBJECT = {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id,
          'X-Object-Sysmeta-S3Api-Etag': MD5 + '-1'}


def test_what_a_write_is_about_to_replace():
    """The newest replica is asked, also for what has expired."""
    swift = RecordingSwift(HEAD=(200, {**OBJECT, 'X-Timestamp': T.normal}, b''))

    assert ObjectAtKey(UPLOAD.id, MD5 + '-1', T, is_large=True) == objects_of(swift).to_replace('key')
    assert ('true', 'true') == (swift.last.headers['X-Newest'], swift.last.headers['X-Backend-Open-Expired'])


@pytest.mark.parametrize('headers, expected', [
    pytest.param(OBJECT, ObjectAtKey(UPLOAD.id, MD5 + '-1', T, is_large=True), id='ours'),
    pytest.param({**OBJECT, 'X-Object-Version-Id': 'v'}, ObjectAtKey(UPLOAD.id, MD5 + '-1', T, 'v', is_large=True),
                 id='a-version'),
    pytest.param({**OBJECT, 'X-Object-Sysmeta-S3multi-Checksum': 'FULL_OBJECT crc32 WxWtvg== -'},
                 ObjectAtKey(UPLOAD.id, MD5 + '-1', T, None,
                             ObjectChecksum(Checksum('crc32', 'WxWtvg=='), 'FULL_OBJECT'), is_large=True),
                 id='with-a-checksum'),
    pytest.param({**OBJECT, 'X-Static-Large-Object': 'False',
                  'X-Object-Sysmeta-S3multi-Checksum': 'FULL_OBJECT crc32 WxWtvg== -'},
                 ObjectAtKey(None, MD5 + '-1', T), id='a-copy-that-is-no-large-object'),
    pytest.param({'X-Static-Large-Object': 'True', 'Etag': '"%s"' % MD5},
                 ObjectAtKey(None, MD5 + '-N', T, is_large=True), id='large-object-of-others'),
    pytest.param({'Etag': MD5}, ObjectAtKey(None, MD5, T), id='plain'),
    pytest.param({'X-Static-Large-Object': 'True', 'Etag': '"%s"' % OTHER, 'X-Object-Sysmeta-Swift3-Etag': MD5 + '-3'},
                 ObjectAtKey(None, MD5 + '-3', T, is_large=True), id='large-object-of-swift3'),
    pytest.param({**OBJECT, 'X-Object-Sysmeta-Swift3-Etag': OTHER + '-3'},
                 ObjectAtKey(UPLOAD.id, MD5 + '-1', T, is_large=True), id='s3api-outweighs-swift3'),
    pytest.param({'X-Static-Large-Object': 'True', 'Etag': MD5, 'X-Object-Sysmeta-S3Api-Etag': '',
                  'X-Object-Sysmeta-Swift3-Etag': OTHER + '-3'},
                 ObjectAtKey(None, MD5 + '-N', T, is_large=True), id='an-empty-one-of-s3api-too'),
    pytest.param({'Etag': MD5, 'X-Symlink-Target': 'a/b'}, ObjectAtKey(None, MD5, T, is_link=True), id='a-link'),
])
@pytest.mark.parametrize('ask', ['shown', 'at_key'])
def test_what_is_at_a_key(ask, headers, expected):
    """A plain object may have inherited an upload id by a copy. It has nothing to do with the parts."""
    swift = RecordingSwift(HEAD=(200, {'X-Timestamp': T.normal, **headers}, b''))

    assert expected == getattr(objects_of(swift), ask)('key')


def test_no_object():
    """Without an object there is no upload that made it. The time of its deletion is returned, if Swift knows it."""
    deleted = 404, {'X-Backend-Timestamp': T.internal}, b''

    assert ObjectAtKey() == objects_of(RecordingSwift(HEAD=404)).shown('key')
    assert ObjectAtKey(timestamp=T) == objects_of(RecordingSwift(HEAD=deleted)).shown('key')


@pytest.mark.parametrize('status', [401, 403, 429, 500, 503])
def test_an_object_that_could_not_be_read_is_not_gone(status):
    """If an Abort took it for gone, the parts of a finished object would be freed."""
    assert code_of(objects_of(RecordingSwift(HEAD=status)).shown, 'key') in (
        'InternalError', 'SlowDown', 'ServiceUnavailable')


def test_version_in_a_bucket_that_is_being_deleted():
    """Swift answers 400, since there are no versions any more. That proves nothing, so the client has to repeat."""
    objects = objects_of(RecordingSwift(HEAD=400))

    assert 'ServiceUnavailable' == code_of(objects.version, 'key', T)


@pytest.mark.parametrize('ask, query, newest', [
    pytest.param(lambda objects: objects.shown('key'), '', 'true', id='shown'),
    pytest.param(lambda objects: objects.version('key', T), '&version-id=1790000000.00000', 'true', id='a-version'),
    pytest.param(lambda objects: objects.at_key('key'), '', 'true', id='the-link-itself'),
    pytest.param(lambda objects: objects.at_key('key', 'null', newest=False), '&version-id=null', None,
                 id='any-replica'),
])
def test_how_the_object_is_asked_for(ask, query, newest):
    """What is at a key is the thing itself: no link is followed."""
    swift = RecordingSwift(HEAD=(200, OBJECT, b''))
    ask(objects_of(swift))

    assert [('/v1/AUTH_a/bucket/key', 'symlink=get&multipart-manifest=get' + query, newest)] == [
        (seen.path, seen.query, seen.headers.get('X-Newest')) for seen in swift.seen]


@pytest.mark.parametrize('behind, expected', [
    pytest.param((200, {**OBJECT, 'X-Object-Version-Id': '1.00000', 'X-Timestamp': T.normal}, b''),
                 ObjectAtKey(UPLOAD.id, MD5 + '-1', T, '1.00000', is_large=True), id='ours'),
    pytest.param((200, {'Etag': MD5, 'X-Object-Version-Id': '1.00000', 'X-Symlink-Target': 'a/b'}, b''),
                 ObjectAtKey(None, MD5, version_id='1.00000', is_link=True), id='a-link-of-a-user'),
    pytest.param(404, ObjectAtKey(), id='deleted-meanwhile'),
])
def test_the_current_version(behind, expected):
    """It is behind a link of Swift's, which tells which one it is: asked for by its id, so that no link is followed."""
    link = 200, {'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id, 'X-Object-Version-Id': '1.00000',
                 'X-Symlink-Target': 'bucket/key?version-id=1.00000'}, b''
    swift = RecordingSwift(HEAD=[link, behind])

    assert expected == objects_of(swift).shown('key')
    assert ['symlink=get&multipart-manifest=get' + more for more in ('', '&version-id=1.00000')] == [
        seen.query for seen in swift.seen]


# The manifest, written past SLO, or through SLO, which asks for every part first

PARTS = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS, MD5, 7) for number in (1, 2)]
FOUND = [{'name': '/bucket_segments/' + part.name, 'hash': MD5, 'bytes': 7} for part in PARTS]


def answering(status=201, headers=None, body=b'', found=FOUND):
    """Return an answer to the PUT. SLO's hook, if there is one, is called with the segments ``found``."""
    def answer(seen):
        hook = seen.env.get('swift.callback.slo_manifest_hook')
        assert hook is None or [] == hook(found)
        return status, headers or {}, body
    return answer


ENTRY = Entry(Intent('list', T), UploadMarker(State.OPEN, T, {'content-type': 'a/b', 'x-object-meta-a': 'b'}))


def write(way, swift, enter=lambda: ENTRY, env=None):
    """Write the manifest of two parts, past SLO or through it."""
    objects, digests = objects_of(swift, env=env), ObjectDigests(MD5 + '-2')
    if way == 'slo':
        return objects.put_manifest_through_slo(UPLOAD, PARTS, digests, enter)
    return objects.put_manifest(UPLOAD, PARTS, digests, manifest.stored(UPLOAD, PARTS), enter())


@pytest.mark.parametrize('status', [201, 202, 404])
def test_showing_a_version(status):
    """The link to it is just later than one that was written with it. 404 says that there is no such version."""
    swift = RecordingSwift(PUT=status)
    objects_of(swift).show_version(UPLOAD, T)

    assert ('/v1/AUTH_a/bucket/' + UPLOAD.key, 'version-id=' + T.internal, b'', T.internal + '_0000000000000001') == (
        swift.last.path, swift.last.query, swift.last.body, swift.last.headers['X-Timestamp'])


@pytest.mark.parametrize('status', [409, 500, 503])
def test_a_version_that_could_not_be_shown(status):
    """The Complete has to be repeated: its marker must stay until the object can be seen."""
    objects = objects_of(RecordingSwift(PUT=status))

    assert code_of(objects.show_version, UPLOAD, T) in ('InternalError', 'ServiceUnavailable')


BOTH_WAYS = pytest.mark.parametrize('way', ['listing', 'slo'])


@BOTH_WAYS
@pytest.mark.parametrize('status, headers, version', [
    pytest.param(201, {}, None, id='written'),
    pytest.param(201, {'X-Object-Version-Id': 'v'}, 'v', id='a-version'),
    pytest.param(202, {}, None, id='overwritten-at-once'),
])
def test_a_manifest_that_is_written(way, status, headers, version):
    """202 says that something not older is at the key: the object counts as written, and overwritten at once."""
    swift = RecordingSwift(PUT=answering(status, headers))

    assert Written(status == 201, version) == write(way, swift)
    assert ('PUT', '/v1/AUTH_a/bucket/' + UPLOAD.key) == (swift.last.method, swift.last.path)


@BOTH_WAYS
def test_a_manifest_has_the_time_of_the_intent_it_is_written_for(way):
    """The time is known only when ``enter`` returns. A repeat with the same intent is thus the same write."""
    swift = RecordingSwift(PUT=answering())
    write(way, swift)
    env = swift.last.env

    assert (T.internal, 'b', MD5 + '-2', UPLOAD.id) == (
        env['HTTP_X_TIMESTAMP'], env['HTTP_X_OBJECT_META_A'], env['HTTP_X_OBJECT_SYSMETA_S3API_ETAG'],
        env['HTTP_X_OBJECT_SYSMETA_S3API_UPLOAD_ID'])


def test_a_manifest_as_slo_stores_it():
    """SLO lets it pass, and Swift leaves the size in its content type."""
    swift = RecordingSwift(PUT=answering())
    write('listing', swift)
    env = swift.last.env

    assert ('', True, True) == (swift.last.query, env['swift.slo_override'], env['swift.content_type_overridden'])
    assert ('True', 'a/b;swift_bytes=14') == (env['HTTP_X_STATIC_LARGE_OBJECT'], env['CONTENT_TYPE'])
    assert manifest.stored(UPLOAD, PARTS) == swift.last.body


@BOTH_WAYS
def test_a_manifest_is_not_written_into_a_bucket_that_is_gone(way):
    """The bucket is looked up when the manifest is written, since what the request knew before may be old."""
    swift = RecordingSwift(PUT=answering())
    known = {'container/AUTH_a/bucket': {'status': 204}}
    env = client_env(**{'swift.infocache': known})
    write(way, swift, env=env)

    assert {} == swift.last.env['swift.infocache'] and env['swift.infocache'] is known


def test_a_manifest_as_slo_takes_it():
    """SLO asks for every part. Its refusal comes as JSON, since part names in its text cannot be read reliably."""
    swift = RecordingSwift(PUT=answering())
    write('slo', swift)

    assert ('multipart-manifest=put', 'application/json') == (swift.last.query, swift.last.headers['Accept'])
    assert manifest.request_body(UPLOAD, PARTS) == swift.last.body
    assert 'swift.slo_override' not in swift.last.env


def test_a_manifest_is_not_written_when_the_gate_raises():
    """An error of ``enter``, for example because of an Abort, ends the request before the manifest is written."""
    def closed():
        raise NoSuchUpload(UPLOAD.id)

    assert 'NoSuchUpload' == code_of(write, 'slo', RecordingSwift(PUT=answering()), closed)


def test_a_manifest_is_not_written_when_the_gate_hands_nothing_out():
    """The upload is finished already. SLO writes nothing if its hook reports a problem."""
    problems = []

    def slo(seen):
        problems.extend(seen.env['swift.callback.slo_manifest_hook'](FOUND))
        return 400, {}, b''

    assert write('slo', RecordingSwift(PUT=slo), lambda: None) is None
    assert 1 == len(problems)


@pytest.mark.parametrize('found', [
    pytest.param([FOUND[0], None], id='missing'),
    pytest.param([FOUND[0], {**FOUND[1], 'hash': OTHER}], id='other-etag'),
    pytest.param([FOUND[0], {**FOUND[1], 'bytes': 8}], id='other-size'),
])
def test_the_gate_is_not_asked_for_parts_that_slo_refuses(found):
    """SLO calls the hook all the same. An intent that was written for it would keep an Abort waiting."""
    def never():
        raise AssertionError

    swift = RecordingSwift(PUT=answering(400, body=ERRORS, found=found))

    assert 'InvalidPart' == code_of(write, 'slo', swift, never)


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
    """No failure is taken for a success, and nothing else is asked of Swift."""
    swift = RecordingSwift(PUT=answering(status))

    assert code == code_of(write, way, swift)
    assert ['PUT'] == [seen.method for seen in swift.seen]
    assert 0 == swift.unclosed


@BOTH_WAYS
def test_a_quota_says_so(way):
    """The message has Swift's own words."""
    with pytest.raises(S3Error, match='Upload exceeds quota.$'):
        write(way, RecordingSwift(PUT=answering(413, body=b'Upload exceeds quota.\n')))


def test_the_part_that_slo_does_not_find_is_named():
    """The error names it as the client has listed it."""
    with pytest.raises(InvalidPart) as raised:
        write('slo', RecordingSwift(PUT=answering(400, body=ERRORS)))

    assert {'UploadId': UPLOAD.id, 'PartNumber': '2', 'ETag': MD5} == raised.value.fields


def test_a_refusal_of_slo_that_names_no_part():
    """SLO could not ask for a part, so the client has to repeat."""
    swift = RecordingSwift(PUT=answering(400))

    assert 'ServiceUnavailable' == code_of(write, 'slo', swift)
