# SPDX-License-Identifier: Apache-2.0
"""Upload Part: what is refused before a byte is read, when a part counts as stored, and what is kept with it."""
from dataclasses import replace
from io import BytesIO
from unittest import mock

import eventlet
import pytest
from eventlet.event import Event
from swift.common.exceptions import ChunkReadError
from swift.common.swob import HTTPException

from s3multi.operations import upload_part
from s3multi.operations.upload_part import store_attempt
from s3multi.s3.checksums import Checksum, ChecksumChoice
from s3multi.s3.errors import S3Error
from s3multi.s3.parts import MAX_PART_BYTES
from s3multi.storage.cache_hints import PartHints, UploadHints
from s3multi.storage.concurrency import Later
from s3multi.storage.part_body import PartBody, TrailingChecksum
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.timestamps import swift_time
from tests.unit.fakes import IDS, Cache, RecordingSwift, handed_on, asked

MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
CONTENT_MD5 = 'yEyruuvumpYxyL4jSsZMJg=='
CRC32 = Checksum('crc32', '3ldvBQ==')
TICKS = 1790000000 * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
PARAMS = {'partNumber': '7', 'uploadId': UPLOAD.id}
STORED = 201, {'Etag': '"%s"' % MD5}, b''


def marker(state):
    """Return the answer to a HEAD of the marker."""
    return 200, {'Content-Type': 'application/x-s3multi-marker;state=' + state, 'X-Timestamp': '1790000000.00000',
                 'Accept-Ranges': 'bytes'}, b''


def of_choice(kind, release='0.2'):
    """Return the parameters of part 7 of an upload that chose CRC-32, and the answer to a HEAD of its marker."""
    args = 'AUTH_a', 'bucket', 'key', TICKS
    upload_id = IDS.new_among_parts(*args) if release == '0.1' else IDS.new(*args, ChecksumChoice('crc32', kind))
    return {**PARAMS, 'uploadId': upload_id}, marker('open;checksum=crc32;checksum-type=' + kind)


def error_of(call, *args):
    """Return the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value


def store(bucket, call, *args):
    """Store an attempt of an upload whose marker was read, and is open."""
    return store_attempt(bucket, call, *args, Later(bucket.logger, lambda: None))


def upload(swift, body=b'Hello, ', encrypted=False, cache=None, **request):
    """Upload part 7 of ``UPLOAD``."""
    env = handed_on(**{'params': PARAMS, 'body': body, **request})
    return upload_part.run(*asked(swift, env, cache, encrypted=encrypted))


def noted():
    """Return a cache that notes ``UPLOAD`` as open."""
    cache = Cache()
    UploadHints(cache).remember(UPLOAD)
    return cache


# The request

@pytest.mark.parametrize('params, headers, length, code, fields', [
    pytest.param({'partNumber': '7'}, {}, 7, 'InvalidArgument', {'ArgumentName': 'uploadId', 'ArgumentValue': ''},
                 id='no-upload-id'),
    pytest.param({**PARAMS, 'versionId': 'null'}, {}, 7, 'InvalidArgument',
                 {'ArgumentName': 'versionId', 'ArgumentValue': 'null'}, id='version-id'),
    pytest.param({**PARAMS, 'partNumber': '0'}, {}, 7, 'InvalidArgument',
                 {'ArgumentName': 'partNumber', 'ArgumentValue': '0'}, id='part-number'),
    pytest.param({**PARAMS, 'uploadId': 'x'}, {}, 7, 'NoSuchUpload', {'UploadId': 'x'}, id='id-of-nothing'),
    pytest.param({**PARAMS, 'uploadId': ''}, {}, 7, 'NoSuchUpload', {'UploadId': ''}, id='empty-id'),
    pytest.param({**PARAMS, 'uploadId': IDS.new('AUTH_a', 'bucket', 'other', 1)}, {}, 7, 'NoSuchUpload', None,
                 id='id-of-another-key'),
    pytest.param(PARAMS, {'if-match': MD5}, 7, 'NotImplemented', {'Header': 'if-match'}, id='condition'),
    pytest.param(PARAMS, {}, None, 'MissingContentLength', {}, id='no-length'),
    pytest.param(PARAMS, {}, MAX_PART_BYTES + 1, 'EntityTooLarge',
                 {'ProposedSize': str(MAX_PART_BYTES + 1), 'MaxSizeAllowed': str(MAX_PART_BYTES)}, id='too-large'),
])
def test_requests_that_are_refused_unread(params, headers, length, code, fields):
    """Swift is not asked, and no byte of the body is read."""
    swift, body = RecordingSwift(PUT=STORED, HEAD=marker('open')), BytesIO(b'Hello, ')
    env = handed_on(params=params, headers=headers, **{'wsgi.input': body})
    env.pop('CONTENT_LENGTH') if length is None else env.update(CONTENT_LENGTH=str(length))
    error = error_of(upload_part.run, *asked(swift, env))

    assert code == error.code
    assert fields in (None, error.fields)
    assert not swift.seen
    assert 0 == body.tell()


def test_the_largest_part():
    """It has five GiB; one byte more is refused (above)."""
    swift = RecordingSwift(PUT=STORED, HEAD=marker('open'))

    assert 200 == upload(swift, CONTENT_LENGTH=str(MAX_PART_BYTES)).status
    assert str(MAX_PART_BYTES) == swift.last.env['CONTENT_LENGTH']


@pytest.mark.parametrize('head', [404, marker('aborting'), marker('aborted')], ids=['gone', 'aborting', 'aborted'])
def test_an_upload_that_is_not_open(head):
    """If it was completed or aborted, or its Abort has begun, the answer is NoSuchUpload, and Swift gets no byte."""
    swift, body = RecordingSwift(PUT=STORED, HEAD=head), BytesIO(b'Hello, ')

    assert 'NoSuchUpload' == error_of(lambda: upload(swift, **{'wsgi.input': body, 'CONTENT_LENGTH': '7'})).code
    assert (['HEAD'], ['PUT'], 0) == ([seen.method for seen in swift.seen], swift.broken, body.tell())


@pytest.mark.parametrize('request_of, info, put', [
    pytest.param({}, {}, 507, id='full-disk'),
    pytest.param({}, {'meta': {'quota-bytes': '1'}, 'bytes': 1}, STORED, id='quota'),
    pytest.param({'body': b'', 'verified': False, 'headers': {CRC32.header: CRC32.value}}, {}, STORED, id='checksum'),
])
def test_what_else_is_wrong_with_a_part_of_an_upload_that_is_over(request_of, info, put):
    """The answer is NoSuchUpload all the same."""
    env = handed_on(**{'params': PARAMS, 'body': b'Hello, ', **request_of})
    request = asked(RecordingSwift(PUT=put, HEAD=404), env, info=info, has_quotas=True)

    assert 'NoSuchUpload' == error_of(upload_part.run, *request).code


def test_a_marker_that_cannot_be_read():
    """It may be that of an upload that is over. The client has to repeat the part, and nothing is stored."""
    swift = RecordingSwift(PUT=STORED, HEAD=503)

    assert 'ServiceUnavailable' == error_of(upload, swift).code
    assert ({'HEAD'}, ['PUT']) == ({seen.method for seen in swift.seen}, swift.broken)


@pytest.mark.parametrize('body', [b'Hello, ', b''], ids=['bytes', 'empty'])
def test_the_marker_is_read_while_swift_gets_ready(body):
    """Swift finds a place for the part meanwhile, and gets the first byte when the upload is known to be open."""
    order, ready = [], Event()

    def swift(env, start_response):
        method = env['REQUEST_METHOD']
        if method == 'HEAD':
            order.append('asked')
            ready.wait(1)
            eventlet.sleep(0)
            order.append('open')
        else:
            ready.send()
            order.append('ready')
            env['wsgi.input'].read()
            order.append('read')
        status, headers, _ = marker('open') if method == 'HEAD' else STORED
        start_response('%d As The Test Says' % status, list(headers.items()))
        return [b'']

    assert 200 == upload(swift, body).status
    assert {'asked', 'ready'} == set(order[:2])
    assert ['open', 'read'] == order[2:]


def test_a_noted_upload_that_is_open():
    """Swift stores the part while the marker is read, which takes longer. The answer waits for the marker."""
    order, stored = [], Event()

    def swift(env, start_response):
        if env['REQUEST_METHOD'] == 'HEAD':
            stored.wait(1)
        else:
            env['wsgi.input'].read()
            stored.send()
        order.append(env['REQUEST_METHOD'])
        status, headers, _ = marker('open') if env['REQUEST_METHOD'] == 'HEAD' else STORED
        start_response('%d As The Test Says' % status, list(headers.items()))
        return [b'']

    assert 200 == upload(swift, cache=noted()).status
    assert ['PUT', 'HEAD'] == order


@pytest.mark.parametrize('head, deletes', [(404, 0), (marker('aborting'), 0), (marker('aborted'), 1)],
                         ids=['gone', 'aborting', 'aborted'])
def test_a_noted_upload_that_is_over(head, deletes):
    """The note is taken back. The part is deleted only if the upload was aborted: a Complete may have listed it."""
    swift, cache = RecordingSwift(PUT=STORED, HEAD=head), noted()

    assert 'NoSuchUpload' == error_of(lambda: upload(swift, cache=cache)).code
    assert not UploadHints(cache).is_open(UPLOAD)
    # Of an Abort that is under way the hint tells what it has to free.
    assert (head == marker('aborting')) == bool(PartHints(cache).recall(UPLOAD, [7]))
    assert deletes == len([seen for seen in swift.seen if seen.method == 'DELETE'])


def test_a_noted_upload_that_proves_to_be_over_on_the_way():
    """As soon as the marker has told so, Swift gets no more of the body, and the client sends no more."""
    body, told = BytesIO(b'Hello, '), Event()

    def swift(env, start_response):
        if env['REQUEST_METHOD'] == 'HEAD':
            told.wait(1)
            start_response('404 Not Found', [('Content-Length', '0')])
            return [b'']
        env['wsgi.input'].read(1)
        told.send()
        eventlet.sleep(0.01)
        with pytest.raises(HTTPException):
            env['wsgi.input'].read(1)
        start_response('499 Client Disconnect', [('Content-Length', '0')])
        return [b'']

    assert 'NoSuchUpload' == error_of(
        lambda: upload(swift, cache=noted(), **{'wsgi.input': body, 'CONTENT_LENGTH': '7'})).code
    assert 1 == body.tell()


def test_the_answer_has_the_etag_of_the_part():
    """The ETag is quoted. There is no checksum if none was sent."""
    reply = upload(RecordingSwift(PUT=STORED, HEAD=marker('open')))

    assert (200, {'ETag': '"%s"' % MD5}, b'') == (reply.status, reply.headers, reply.body)


def test_a_digest_is_checked_by_swift():
    """Swift reads the bytes anyway, and stores nothing if the digest differs."""
    swift = RecordingSwift(PUT=STORED, HEAD=marker('open'))
    upload(swift, headers={'content-md5': CONTENT_MD5})

    assert (MD5, b'Hello, ') == (swift.last.headers['Etag'], swift.last.body)


def test_an_etag_of_the_client_is_none_of_swifts():
    """Only Content-MD5 is a digest of the body. Swift would compare an Etag header with the body, too."""
    swift = RecordingSwift(PUT=STORED, HEAD=marker('open'))
    upload(swift, headers={'etag': 'x'}, HTTP_ETAG='x')

    assert 'Etag' not in swift.last.headers


# What is kept with a part

TYPE_HEADER = 'X-Object-Sysmeta-Container-Update-Override-Content-Type'
ETAG_HEADER = 'X-Object-Sysmeta-Container-Update-Override-Etag'
IN_THE_TYPE = {TYPE_HEADER: 'application/octet-stream; crc32=de576f05'}
IN_THE_HASH = {ETAG_HEADER: MD5 + '; crc32=de576f05'}


@pytest.mark.parametrize('sent, encrypted, headers, footers', [
    pytest.param('header', False, IN_THE_TYPE, {}, id='header'),
    pytest.param('trailer', False, {}, IN_THE_TYPE, id='trailer'),
    pytest.param('header', True, {}, IN_THE_HASH, id='header-encrypted'),
    pytest.param('trailer', True, {}, IN_THE_HASH, id='trailer-encrypted'),
    pytest.param(None, False, {}, {}, id='none'),
    pytest.param(None, True, {}, {}, id='none-encrypted'),
    pytest.param('owed', False, {}, IN_THE_TYPE, id='owed'),
    pytest.param('owed', True, {}, IN_THE_HASH, id='owed-encrypted'),
])
def test_a_checksum_is_kept_in_the_row(sent, encrypted, headers, footers):
    """A trailer, or a checksum that the server owes, is known after the body was read, and so goes into a footer. Where
    the cluster encrypts it stands beside the hash, since only that is encrypted in a row."""
    told, trailers = {}, {}

    def put(seen):
        assert b'Hello, ' == seen.body
        trailers[CRC32.header] = CRC32.value
        seen.env.get('swift.callback.update_footers', lambda footers: None)(told)
        return STORED

    params, head = of_choice('FULL_OBJECT') if sent == 'owed' else (PARAMS, marker('open'))
    swift = RecordingSwift(PUT=put, HEAD=head)
    reply = upload(swift, params=params, encrypted=encrypted,
                   headers={CRC32.header: CRC32.value} if sent == 'header' else {},
                   trailer=TrailingChecksum(CRC32.header, trailers) if sent == 'trailer' else None)
    kept = {name: swift.last.headers[name.title()] for name in (TYPE_HEADER, ETAG_HEADER)
            if name.title() in swift.last.headers}

    assert (headers, footers) == (kept, told)
    assert reply.headers == {'ETag': '"%s"' % MD5, **(
        {'x-amz-checksum-crc32': '3ldvBQ=='} if sent in ('header', 'trailer') else {})}


@pytest.mark.parametrize('release', ['0.1', '0.2'])
@pytest.mark.parametrize('choice, headers, trailer', [
    pytest.param('COMPOSITE', {}, None, id='none'),
    pytest.param('COMPOSITE', {'x-amz-checksum-sha1': '9Sq1f6Ud+nFFBSlEREY65aAJrjQ='}, None, id='another'),
    pytest.param('FULL_OBJECT', {'x-amz-checksum-crc32c': 'R4ccNA=='}, None, id='another-whole'),
    pytest.param('COMPOSITE', {}, TrailingChecksum('x-amz-checksum-sha1', {}), id='another-trailer'),
])
def test_a_part_that_is_not_what_initiate_chose(choice, headers, trailer, release):
    """The answer is InvalidRequest, before a byte is read, whether the id tells the choice or the marker alone."""
    params, head = of_choice(choice, release)
    swift = RecordingSwift(HEAD=head)

    assert 'InvalidRequest' == error_of(lambda: upload(swift, params=params, headers=headers, trailer=trailer)).code
    assert ['HEAD'] == [seen.method for seen in swift.seen]


@pytest.mark.parametrize('body', [b'Hello! ', b''], ids=['others', 'none'])
def test_a_wrong_checksum_that_s3api_does_not_notice(body):
    """The answer is BadDigest, where Swift sees only a body that broke off."""
    def swift(env, start_response):
        status, headers, _ = marker('open')
        if env['REQUEST_METHOD'] == 'PUT':
            with pytest.raises(ChunkReadError):
                env['wsgi.input'].read()
            status, headers = 499, {}
        start_response('%d As The Test Says' % status, list(headers.items()))
        return [b'']

    headers = {CRC32.header: CRC32.value}

    assert 'BadDigest' == error_of(lambda: upload(swift, body, verified=False, headers=headers)).code


# A part is stored

PART_ANSWERS = [
    (202, 'InternalError'), (200, 'InternalError'), (204, 'InternalError'), (404, 'NoSuchUpload'),
    (408, 'RequestTimeout'), (411, 'MissingContentLength'), (413, 'EntityTooLarge'), (422, 'BadDigest'),
    (429, 'SlowDown'), (498, 'SlowDown'), (499, 'IncompleteBody'), (409, 'ServiceUnavailable'),
    (412, 'InternalError'), (500, 'InternalError'), (503, 'ServiceUnavailable'), (507, 'ServiceUnavailable'),
]


@pytest.mark.parametrize('status, code', PART_ANSWERS)
def test_only_201_stores_a_part(status, code):
    """202 says that something newer has the name, and that the bytes were thrown away."""
    swift, cache = RecordingSwift(PUT=(status, {'Etag': MD5}, b'')), Cache()
    request = asked(swift, handed_on(headers={'content-md5': CONTENT_MD5}), cache)

    assert code == error_of(store, *request, UPLOAD, 1, PartBody(BytesIO(b'Hello, '), 7)).code
    assert {} == cache
    assert 0 == swift.unclosed


def test_a_refused_digest_that_the_client_did_not_send_is_no_bad_digest():
    """Swift answers 422 for other reasons too. That is an error of ours."""
    request = asked(RecordingSwift(PUT=422))

    assert 'InternalError' == error_of(store, *request, UPLOAD, 1, PartBody(BytesIO(), 0)).code


def test_a_stored_part():
    """It has a new name, the time at which it began, and the client's stream. Its ETag is the one that Swift tells."""
    swift, cache = RecordingSwift(PUT=STORED), Cache()
    body = PartBody(BytesIO(b'Hello, '), 7)
    body.headers['ETag'] = MD5
    stored = store(*asked(swift, cache=cache), UPLOAD, 7, body)
    seen, = swift.seen

    assert (7, MD5) == (stored.number, stored.etag)
    assert ('/v1/AUTH_a/bucket_segments/' + stored.name, '', b'Hello, ') == (seen.path, seen.query, seen.body)
    assert stored.name == PartHints(cache).recall(UPLOAD, [7])[7]
    assert (swift_time(stored.began_ticks).internal, MD5, '7', 'application/octet-stream') == (
        seen.headers['X-Timestamp'], seen.headers['Etag'], seen.env['CONTENT_LENGTH'], seen.env['CONTENT_TYPE'])


def test_every_attempt_has_a_name_of_its_own():
    """A part that can be overwritten can be lost under a finished object."""
    request = asked(RecordingSwift(PUT=STORED))
    names = {store(*request, UPLOAD, 1, PartBody(BytesIO(), 0)).name for _ in range(20)}

    assert 20 == len(names)


@pytest.mark.parametrize('ahead, after', [(1, True), (30, True), (-1, False)], ids=['fast', 'faster', 'slow'])
def test_an_attempt_after_one_of_another_clock(ahead, after):
    """Its time is later than that of the attempt before, even if a proxy took that one whose clock is ahead."""
    cache = Cache()
    bucket, call = asked(RecordingSwift(PUT=STORED), cache=cache)
    logger = mock.Mock()
    request = replace(bucket, cluster=replace(bucket.cluster, logger=logger)), call
    before = bucket.ticks() + ahead * 100000
    PartHints(cache).remember(UPLOAD, 1, new_attempt(before))

    stored = store(*request, UPLOAD, 1, PartBody(BytesIO(), 0))

    assert stored.began_ticks > before
    assert after == (stored.began_ticks == before + 1) == logger.info.called


def test_a_hint_that_is_none():
    """Anything else in the cache does no harm."""
    cache = Cache()
    request = asked(RecordingSwift(PUT=STORED), cache=cache)
    PartHints(cache).remember(UPLOAD, 1, 'nonsense')

    assert MD5 == store(*request, UPLOAD, 1, PartBody(BytesIO(), 0)).etag


def test_a_slow_part_of_an_upload_that_is_open():
    """The marker is looked at once more, and the part counts."""
    swift = RecordingSwift(PUT=STORED, HEAD=marker('open'))
    request = asked(swift, options={'marker_recheck_after': '0'})

    assert MD5 == store(*request, UPLOAD, 1, PartBody(BytesIO(), 0)).etag
    assert ['PUT', 'HEAD'] == [seen.method for seen in swift.seen]


@pytest.mark.parametrize('head, deletes', [
    pytest.param(404, 0, id='gone'),
    pytest.param(marker('aborting'), 0, id='aborting'),
    pytest.param(marker('aborted'), 1, id='aborted'),
])
def test_a_slow_part_of_an_upload_that_ended(head, deletes):
    """The answer is 404. The part is deleted only if the upload was aborted for good: a Complete may have listed it."""
    swift, cache = RecordingSwift(PUT=STORED, HEAD=head), Cache()
    request = asked(swift, cache=cache, options={'marker_recheck_after': '0'})

    assert 'NoSuchUpload' == error_of(store, *request, UPLOAD, 1, PartBody(BytesIO(), 0)).code
    # Of an Abort that is under way the hint tells what it has to free.
    assert (head == marker('aborting')) == bool(cache)
    assert deletes == len([seen for seen in swift.seen if seen.method == 'DELETE'])
