# SPDX-License-Identifier: Apache-2.0
"""The segments container and its parts: which requests are made, and what Swift's answers mean."""
import json
from unittest import mock

import pytest
from swift.common import constraints
from swift.common.storage_policy import POLICIES
from swift.common.swob import Request

from s3multi.s3.errors import S3Error
from s3multi.s3.parts import Attempt
from s3multi.storage.requests import Backend
from s3multi.storage.segments import Segments, attempt_of
from s3multi.upload.names import Upload, UploadIds, new_attempt
from tests.unit.fakes import RecordingSwift, client_env

TICKS = 1790000000 * 100000
MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
OTHER = 'a020557699724b0bb4fc5a1949e8ee1c'
IDS = UploadIds(b'secret')
UPLOAD = Upload('AUTH_a', 'bucket', 'k\u00e9y', IDS.new('AUTH_a', 'bucket', 'k\u00e9y', TICKS))
ATTEMPT = new_attempt(TICKS)


def segments_of(swift):
    """Return the segments container of a client's request to the bucket."""
    return Segments(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'bucket', 2)


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


# Listings

def test_the_segments_container_has_the_policy_of_the_bucket():
    """Otherwise parts would be stored with the default policy of the cluster."""
    swift = RecordingSwift()
    segments_of(swift).create(int(POLICIES.default))

    assert ('PUT', '/v1/AUTH_a/bucket_segments', POLICIES.default.name) == (
        swift.last.method, swift.last.path, swift.last.headers['X-Storage-Policy'])


MADE = {'X-Container-Sysmeta-S3multi-Made': 'true'}


@pytest.mark.parametrize('status, made', [(201, True), (202, False), (409, None)])
def test_whether_it_was_made(status, made):
    """One that is there already may be somebody else's."""
    assert made is segments_of(RecordingSwift(PUT=status)).create(int(POLICIES.default))


@pytest.mark.parametrize('answer, deleted', [
    pytest.param((204, MADE, b''), True, id='ours'),
    pytest.param((204, {**MADE, 'X-Container-Sysmeta-S3multi-Hidden-Uploads': 'true'}, b''), True, id='hidden uploads'),
    pytest.param((204, {**MADE, 'X-Container-Read': ''}, b''), True, id='no ACL any more'),
    pytest.param((204, {}, b''), False, id='somebody else made it, or release 0.1.0'),
    pytest.param((204, {'X-Container-Sysmeta-S3multi-Hidden-Uploads': 'true'}, b''), False, id='only used'),
    *(pytest.param((204, {**MADE, name: 'x'}, b''), False, id=name) for name in (
        'X-Container-Read', 'X-Container-Write', 'X-Container-Meta-Color', 'X-Container-Meta-Quota-Bytes',
        'X-Container-Sync-To', 'X-Container-Sysmeta-Versions-Enabled')),
    pytest.param(404, False, id='gone'), pytest.param(503, False, id='unknown')])
def test_what_is_deleted(answer, deleted):
    """A container that s3multi has made, and that nobody else has given anything; asked as its owner, of the newest."""
    swift = RecordingSwift(HEAD=answer)
    segments_of(swift).delete()

    assert deleted == ('DELETE' in [seen.method for seen in swift.seen])
    assert (True, 'true') == (swift.seen[0].env['swift_owner'], swift.seen[0].headers['X-Newest'])


def test_the_mark():
    """Is a POST of its own: a PUT would mark a container of somebody else's."""
    swift = RecordingSwift()
    segments_of(swift).create(int(POLICIES.default))
    segments_of(swift).mark()

    assert [('PUT', False), ('POST', True)] == [
        (seen.method, 'X-Container-Sysmeta-S3Multi-Made' in seen.headers) for seen in swift.seen]


def test_rows_of_every_page():
    """Each page begins after the last name of the one before, an object or a common prefix, until one is not full.

    Only the first may be small: with small pages, many other rows before the wanted ones would take many requests.
    """
    swift = RecordingSwift(GET=[listing(row('a'), {'subdir': 'b/'}), listing(row('c'))])
    pages = list(segments_of(swift).rows('pre', 'A', 'z', '/', limit=2))

    assert [['a', 'b/'], ['c']] == [[found.get('name') or found['subdir'] for found in page] for page in pages]
    assert ['/v1/AUTH_a/bucket_segments'] * 2 == [seen.path for seen in swift.seen]
    assert [{'format': 'json', 'limit': limit, 'prefix': 'pre', 'end_marker': 'z', 'delimiter': '/', 'marker': marker}
            for marker, limit in (('A', '2'), ('b/', '10000'))] == [
        dict(pair.split('=') for pair in seen.query.replace('%2F', '/').split('&')) for seen in swift.seen]


@pytest.mark.parametrize('answers, pages', [
    pytest.param([404], 0, id='no-container'),
    pytest.param([listing()], 0, id='empty'),
    pytest.param([listing(row('a')), listing()], 1, id='just-full'),
    pytest.param([listing(row('a')), 404], 1, id='deleted-meanwhile'),
])
def test_ends_of_a_listing(answers, pages):
    """A container that does not exist has no rows."""
    with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', 1):
        assert pages == len(list(segments_of(RecordingSwift(GET=answers)).rows()))


def test_a_listing_that_fails():
    """A page that could not be read is not the end of the listing."""
    rows = segments_of(RecordingSwift(GET=[listing(row('a')), 503])).rows(limit=1)
    next(rows)

    assert 'ServiceUnavailable' == code_of(next, rows)


def test_attempts_are_the_rows_of_our_form():
    """Names of other tools, or of uploads of a longer key, are passed over."""
    name = UPLOAD.part(7, ATTEMPT)
    swift = RecordingSwift(GET=listing(row(UPLOAD.prefix + 'x'), row(name), {'subdir': UPLOAD.prefix + 'y/'},
                                       row(name + 'x'), row(UPLOAD.intent)))
    found, = segments_of(swift).attempts(UPLOAD)

    assert Attempt(7, name, TICKS, MD5, 7, {}) == found


@pytest.mark.parametrize('hash, content_type, found', [
    pytest.param(MD5, 'a/b', {}, id='none'),
    pytest.param(MD5 + '; crc32=de576f05', 'a/b', {'ChecksumCRC32': '3ldvBQ=='}, id='in-the-hash'),
    pytest.param(MD5, 'a/b; crc32=de576f05', {'ChecksumCRC32': '3ldvBQ=='}, id='in-the-content-type'),
    pytest.param(MD5 + '; s3_etag=%s-1; slo_etag=x' % OTHER, 'a/b;charset=x', {}, id='other-parameters'),
])
def test_the_checksum_in_a_row(hash, content_type, found):
    """The MD5 comes first. The parameters after it are the part's checksum, or those of other filters."""
    attempt = attempt_of(UPLOAD, row(UPLOAD.part(7, ATTEMPT), hash, content_type=content_type))

    assert (MD5, found) == (attempt.etag, attempt.checksums)


@pytest.mark.parametrize('after, marker', [
    (None, UPLOAD.prefix), (0, UPLOAD.before_part(1)), (7, UPLOAD.before_part(8))],
    ids=['all', 'from the first on', 'after a part'])
def test_where_a_listing_of_parts_begins(after, marker):
    """It begins after all attempts of a number and before those of the next, and ends before the intent."""
    asked = []
    segments = segments_of(RecordingSwift())
    segments.rows = lambda *args: asked.append(args) or iter([])
    list(segments.attempts(UPLOAD, after, 5))

    assert [(UPLOAD.prefix, marker, UPLOAD.parts_end, '/', 5)] == asked


@pytest.mark.parametrize('marker, end_marker, asked', [
    pytest.param('k', 'm', 'm', id='short'),
    pytest.param('\u00e9' * 512, '\u00ea' * 512, None, id='long'),
])
def test_an_end_that_does_not_fit_into_a_request(marker, end_marker, asked):
    """Swift's servers do not accept such a request line, so the rows beyond the end are cut off here."""
    rows = [row('\u00e9' * 512 + 'x'), row('\u00ea' * 512), row('\u00eb')]
    swift = RecordingSwift(GET=listing(*(rows if asked is None else rows[:1])))
    found = [found['name'] for page in segments_of(swift).rows('\u00e9' * 512, marker, end_marker) for found in page]

    assert [rows[0]['name']] == found
    assert asked == Request(swift.last.env).params.get('end_marker')


def test_a_listing_without_an_end_has_none():
    """That holds however long prefix and marker are."""
    swift = RecordingSwift(GET=listing(row('z')))

    assert 1 == len(list(segments_of(swift).rows('', '\u00e9' * 2000)))


def test_uploads_among_the_parts_of_others_are_noted_for_good():
    """The note is in the metadata of the container, where every proxy finds it."""
    swift = RecordingSwift(POST=204)
    segments_of(swift).note_hidden_uploads()

    assert ('POST', '/v1/AUTH_a/bucket_segments', '', 'true') == (
        swift.last.method, swift.last.path, swift.last.query,
        swift.last.headers['X-Container-Sysmeta-S3Multi-Hidden-Uploads'])


@pytest.mark.parametrize('answer, hidden', [
    pytest.param((204, {'X-Container-Sysmeta-S3multi-Hidden-Uploads': 'true'}, b''), True, id='noted'),
    pytest.param((204, {'X-Container-Sysmeta-Other': 'true'}, b''), False, id='not-noted'),
    pytest.param(404, False, id='no-container'),
])
def test_whether_uploads_are_noted(answer, hidden):
    """It is read from Swift's container info, which is cached, since List Multipart Uploads asks every time."""
    backend = Backend(RecordingSwift(HEAD=answer), client_env(**{'swift.infocache': {}}), 'AUTH_a', 'bucket')

    assert hidden is Segments(backend, 'bucket', 2).has_hidden_uploads()


def test_a_note_that_could_not_be_written():
    """The upload must not begin, since it would never be listed."""
    assert 'ServiceUnavailable' == code_of(segments_of(RecordingSwift(POST=503)).note_hidden_uploads)


# Parts that are asked for

def test_attempts_that_are_asked_for_by_name():
    """The newest replica answers. Names that are not there, or not those of parts, are left out."""
    name, gone = UPLOAD.part(7, ATTEMPT), UPLOAD.part(8, ATTEMPT)
    headers = {'Etag': '"%s"' % MD5, 'Content-Length': '7',
               'X-Object-Sysmeta-Container-Update-Override-Etag': MD5 + '; crc32=de576f05'}
    swift = RecordingSwift(HEAD=lambda seen: 404 if seen.path.endswith(gone) else (200, headers, b''))
    found, = segments_of(swift).stored_attempts(UPLOAD, [name, gone, UPLOAD.intent])

    assert Attempt(7, name, TICKS, MD5, 7, {'ChecksumCRC32': '3ldvBQ=='}) == found
    assert {'true'} == {seen.headers['X-Newest'] for seen in swift.seen}


@pytest.mark.parametrize('status', [429, 500, 503])
def test_an_attempt_that_could_not_be_asked_for_is_not_missing(status):
    """If it counted as missing, the Complete would be refused with InvalidPart, which no client repeats."""
    ask = segments_of(RecordingSwift(HEAD=status)).stored_attempts

    assert code_of(ask, UPLOAD, [UPLOAD.part(7, ATTEMPT)]) in ('InternalError', 'SlowDown', 'ServiceUnavailable')
