# SPDX-License-Identifier: Apache-2.0
"""What cannot be read does not stop what can: each field of rows, headers, records and memcache, with anything in it.

A field that cannot be read has a meaning of its own, which never is a server error and never makes a wrong object.
"""
import base64
import json
import string
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from swift.common.swob import Response
from swift.common.utils import Timestamp

from s3multi.filters.s3_acl import S3Acl
from s3multi.operations.references import References, Uncertain
from s3multi.s3.checksums import ALGORITHMS, COMPOSITE, TYPES, decode, from_parameters, stored_checksum
from s3multi.s3.copy_source import SourceState, check_conditions, seconds_of
from s3multi.s3.errors import PreconditionFailed, S3Error, ServiceUnavailable
from s3multi.s3.etags import is_md5, part_count
from s3multi.s3.parts import PartRef, judge, newest_attempts
from s3multi.storage.answers import timestamp_of
from s3multi.storage.cache_hints import BucketsWithUploads, PartHints
from s3multi.storage.objects import object_of
from s3multi.storage.records import Records
from s3multi.storage.requests import Backend
from s3multi.storage.rows import read_rows
from s3multi.storage.segments import Segments, attempt_of
from s3multi.commands.walk import uploads_in
from s3multi.upload.bucket_lifetime import ended_before
from s3multi.upload.lateness import Horizon, Life
from s3multi.upload.manifest import read_stored
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.quotas import quota_of
from s3multi.upload.records import Intent, MarkerType, State, UploadMarker
from s3multi.upload.timestamps import read_timestamp, swift_time
from tests.unit.fakes import IDS, Cache, RecordingSwift, client_env, handed_on
from tests.unit.filters.test_s3multi import answer

TICKS = 1790000000 * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
OTHER = 'a020557699724b0bb4fc5a1949e8ee1c'

words = st.sampled_from([
    '', '0', '-1', 'zz', 'nan', 'inf', '1e400', '1_0', '\u0663', '\xb2', '9' * 5000, '0' * 5000, 'true', 'null', MD5,
    '1790000000.00000', '1790000000.00000_0000000000000001', '1790000000.00000_x', '2026-09-21T14:13:20.123450',
    MD5 + '-\xb2', MD5 + '-1', '"%s"' % MD5, '<unknown>', 'crc32', 'FULL_OBJECT crc32 3ldvBQ== 7',
    'COMPOSITE crc32 3ldvBQ==-3 -', 'COMPOSITE sha256 zz -', 'application/octet-stream; crc32=zz',
    'application/octet-stream; crc32=de576f05', 'application/x-s3multi-marker;state=open',
    'application/x-s3multi-marker;state=open;checksum=crc32;checksum-type=%'])
texts = st.one_of(words, st.text(max_size=30), st.text(string.printable, max_size=30))
# What can stand in a header once it has come through Swift.
header_values = texts.map(lambda text: ''.join(
    text.encode('utf-8', 'replace').decode('latin-1').splitlines()))
anything = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | texts, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)), max_leaves=4)


def part(number=1, ticks=TICKS, **fields):
    """Return the row of an attempt, with what ``fields`` say."""
    return {'name': UPLOAD.part(number, new_attempt(ticks)), 'hash': MD5, 'bytes': 7,
            'content_type': 'application/octet-stream', 'last_modified': '2026-09-21T14:13:20.123450', **fields}


def backend(swift):
    """Return what asks ``swift``."""
    return Backend(swift, client_env(), 'AUTH_a', 'bucket')


def headers_of(*names):
    """Return a strategy of headers with some of these names."""
    return st.dictionaries(st.sampled_from(names), header_values, max_size=len(names))


# Plain values

@given(st.lists(st.tuples(st.sampled_from([*ALGORITHMS, 'md5', 's3_etag']), texts | st.text('0123456789abcdef ')),
                max_size=4))
def test_checksums_of_a_row(parameters):
    """Each is one of its algorithm, or is not there."""
    for name, value in from_parameters(parameters).items():
        assert decode(name[len('Checksum'):].lower(), value)


@pytest.mark.parametrize('parameters', [
    [('crc32', 'zz')], [('crc32', '')], [('crc32', 'de576f')], [('crc32', 'de576f0500')], [('crc32', 'de 57 6f 05')],
    [('crc32', 'DE576F05')], [('crc32', '"de576f05"')], [('crc32', 'de576f05'), ('crc32', 'de576f06')],
    [('crc32', 'de576f05'), ('crc32', 'de576f06'), ('crc32', 'de576f05')]])
def test_a_checksum_that_cannot_be_read(parameters):
    """The part has none."""
    assert {} == from_parameters(parameters)
    assert {'ChecksumSHA1': base64.b64encode(bytes(20)).decode()} == from_parameters([*parameters, ('sha1', '00' * 20)])


def test_a_checksum_twice():
    """Where it says the same twice there is nothing to doubt."""
    assert {'ChecksumCRC32': '3ldvBQ=='} == from_parameters([('crc32', 'de576f05')] * 2)


@given(texts)
def test_checksum_of_an_object(text):
    """What is shown to clients is what was once stored, or nothing."""
    found = stored_checksum(text)
    assert found is None or found.stored() == text and found.type in TYPES[found.checksum.algorithm]


@pytest.mark.parametrize('text', [
    'COMPOSITE crc32 g1o3Jw== 7', 'FULL_OBJECT crc32 g1o3Jw==-3 7', 'FULL_OBJECT sha256 g1o3Jw== 7',
    'X crc32 g1o3Jw== 7',
    'FULL_OBJECT crc32 g1o3Jh== 7', 'FULL_OBJECT crc32 g1o3 7', 'FULL_OBJECT crc32 g1o3Jw== \u0667',
    'FULL_OBJECT crc32 g1o3Jw== ' + '7' * 5000, 'FULL_OBJECT crc32 g1o3Jw==\r\nX: y 7'])
def test_a_checksum_of_an_object_that_cannot_be_read(text):
    """It has none."""
    assert stored_checksum(text) is None


@given(texts)
def test_count_of_parts(etag):
    """A whole number, whatever the ETag."""
    assert part_count(etag) >= 0


@given(anything)
def test_timestamps(written):
    """Any value is a timestamp, or 0, and can be used as one."""
    found = read_timestamp(written)
    assert found.raw >= 0 and Timestamp(found.internal) == found


@given(st.dictionaries(st.sampled_from(['delete_timestamp', 'created_at']), anything))
def test_life_of_a_bucket(info):
    """Unknown times do not end uploads."""
    assert ended_before(info) >= -TICKS


@given(st.dictionaries(st.sampled_from(['quota-bytes', 'quota-count']), st.none() | texts))
def test_quotas(meta):
    """What is no number is no quota."""
    quota = quota_of({'meta': meta})
    assert all(limit is None or limit >= 0 for limit in (quota.max_bytes, quota.max_objects))


@given(anything)
def test_content_type_of_a_marker(content_type):
    """A marker says a state, or is none."""
    found = MarkerType.decode(content_type)
    assert found.state in (None, *State)
    assert not found.checksum or found.checksum.type in TYPES[found.checksum.algorithm]


@given(texts, texts, st.sampled_from(['if-unmodified-since', 'if-modified-since']))
def test_time_of_a_source(modified, date, condition):
    """A condition holds or does not."""
    try:
        check_conditions({'x-amz-copy-source-' + condition: date}, SourceState(MD5, seconds_of(modified), 7), 2e9)
    except PreconditionFailed:
        assert seconds_of(date) is not None


@given(st.binary(max_size=60) | anything.map(json.dumps).map(str.encode))
def test_manifests(body):
    """A manifest, or none."""
    try:
        assert all(isinstance(segment.path, str) and isinstance(segment.size, int) for segment in read_stored(body))
    except ValueError:
        pass


# Rows

@given(st.binary(max_size=60) | anything.map(json.dumps).map(str.encode), st.sampled_from([200, 204, 404]))
def test_listings(body, status):
    """Rows have names; what has none is no listing, on the word of which nothing is decided."""
    try:
        rows = read_rows(Response(body, status=status))
    except ServiceUnavailable:
        assert status != 404
    else:
        assert all(isinstance(row.get('name') or row.get('subdir'), str) for row in rows)


rows = st.builds(lambda number, fields, gone: {
    name: value for name, value in part(number, **fields).items() if name not in gone}, st.integers(0, 99999999),
    st.dictionaries(st.sampled_from(['hash', 'bytes', 'content_type', 'last_modified']), anything | st.integers(0, 9)),
    st.sets(st.sampled_from(['hash', 'bytes', 'content_type', 'last_modified'])))


@given(rows)
def test_rows_of_parts(row):
    """The row of a part shows an attempt, whatever else is in it; one that proves something, or nothing."""
    found = attempt_of(UPLOAD, row)
    assert found.name == row['name'] and isinstance(found.size, int) and found.size >= 0
    assert is_md5(found.etag) or (found.etag, found.size, found.checksums) == ('', 0, {})


@pytest.mark.parametrize('fields', [
    {'hash': '<unknown>'}, {'hash': ''}, {'hash': None}, {'hash': MD5[:-1]}, {'hash': MD5.upper()}, {'bytes': None},
    {'bytes': -1}, {'bytes': '7'}, {'bytes': 7.5}])
def test_a_row_that_cannot_be_read(fields):
    """The part proves nothing, and neither does one that it replaced: the client's list is not what is stored."""
    older, newer = part(), part(ticks=TICKS + 1, **fields)
    attempts = [attempt_of(UPLOAD, row) for row in (older, newer)]

    assert ['', 0] == [attempts[1].etag, attempts[1].size]
    assert [attempts[1]] == newest_attempts(attempts)
    with pytest.raises(Exception, match='could not be found'):
        judge([PartRef(1, MD5)], attempts, UPLOAD.id)
    assert judge([PartRef(1, OTHER)], attempts, UPLOAD.id).missing


def test_a_checksum_that_cannot_be_read_takes_nothing_else_along():
    """The part is there with its ETag and its size."""
    found = attempt_of(UPLOAD, part(content_type='application/octet-stream; crc32=zz'))

    assert (MD5, 7, {}) == (found.etag, found.size, found.checksums)


@given(st.lists(rows | st.builds(lambda name, fields: {'name': name, **fields}, st.sampled_from([
    UPLOAD.marker, UPLOAD.intent, UPLOAD.prefix, 'key']) | texts.filter(bool),
    st.dictionaries(st.sampled_from(['hash', 'bytes', 'content_type']), anything)), max_size=6))
def test_walk_of_a_container(page):
    """The sweep passes over every row, and finds every part."""
    found = list(uploads_in([page], 'AUTH_a', 'bucket', IDS))
    assert [row['name'] for row in page if UPLOAD.parse_part(row['name'])] == [
        attempt.name for each in found for attempt in each.attempts]


# Headers

@given(headers_of('X-Timestamp', 'X-Backend-Timestamp'))
def test_time_of_an_answer(headers):
    """Known, or 0."""
    assert timestamp_of(Response(headers=headers)).raw >= 0


RECORD_HEADERS = ('Content-Type', 'X-Timestamp', 'X-Object-Meta-A', *('X-Object-Sysmeta-S3multi-' + name for name in (
    'Marked', 'Initiator', 'Chosen', 'Timestamp', 'Content-Type')))


@given(headers_of(*RECORD_HEADERS))
def test_records(headers):
    """Whatever lies at the names of marker and intent is a marker and an intent, or counts as not there."""
    swift = RecordingSwift(HEAD=(200, headers, b''))
    records = Records(backend(swift))

    marker, intent = records.marker(UPLOAD), records.intent(UPLOAD)
    assert marker is None or isinstance(marker, UploadMarker) and marker.state in State
    assert intent is None or isinstance(intent, Intent) and isinstance(intent.is_fresh(Timestamp.now()), bool)


T = swift_time(TICKS)
LATER = swift_time(TICKS + 7)


@pytest.mark.parametrize('headers, intent', [
    pytest.param({'Chosen': 'list', 'Timestamp': T.internal}, Intent('list', T), id='readable'),
    pytest.param({'Chosen': 'list', 'Timestamp': Timestamp(T, offset=5).internal},
                 Intent('list', Timestamp(T, offset=5)), id='its-time-has-an-offset'),
    pytest.param({}, Intent('', T), id='nothing'),
    pytest.param({'Timestamp': T.internal}, Intent('', T), id='no-list'),
    pytest.param({'Chosen': 'list'}, Intent('', T), id='no-time'),
    pytest.param({'Chosen': 'list', 'Timestamp': 'x'}, Intent('', T), id='no-time-at-all'),
    pytest.param({'Chosen': 'list', 'Timestamp': ''}, Intent('', T), id='empty-time'),
    pytest.param({'Chosen': 'list', 'Timestamp': LATER.internal}, Intent('', T), id='copied'),
])
def test_an_intent_that_cannot_be_read(headers, intent):
    """It is in the way for the time of a lease and, having the time at which it was written, can be deleted then."""
    sysmeta = {'X-Object-Sysmeta-S3multi-' + name: value for name, value in headers.items()}
    swift = RecordingSwift(HEAD=(200, {'X-Timestamp': T.normal, **sysmeta}, b''))

    assert intent == Records(backend(swift)).intent(UPLOAD)


@given(headers_of('Etag', 'Content-Length', 'X-Object-Sysmeta-Container-Update-Override-Etag',
                  'X-Object-Sysmeta-Container-Update-Override-Content-Type').filter(
                      lambda headers: headers.get('Content-Length', '0').isdigit()))
def test_parts_asked_for_by_name(headers):
    """What cannot be read proves nothing."""
    swift = RecordingSwift(HEAD=(200, headers, b''))
    found, = Segments(backend(swift), 'bucket', 2).stored_attempts(UPLOAD, [part()['name']])
    assert is_md5(found.etag) or (found.etag, found.size, found.checksums) == ('', 0, {})


@given(headers_of('Etag', 'X-Timestamp', 'X-Static-Large-Object', 'X-Object-Sysmeta-S3multi-Checksum',
                  'X-Object-Sysmeta-S3Api-Etag', 'X-Object-Sysmeta-S3Api-Upload-Id', 'X-Object-Version-Id'))
def test_the_object_at_a_key(headers):
    """There is one, and what it is made of can be told or cannot."""
    found = object_of(Response(headers=headers))
    assert found.etag is not None and part_count(found.etag) >= 0


WANTED = {'/bucket_segments/' + UPLOAD.part(1, new_attempt(TICKS))}
LIFE, KNOWN = Life(swift_time(TICKS), [swift_time(TICKS)]), Horizon.of(swift_time(TICKS + 10 ** 12), 1)


@given(st.lists(st.fixed_dictionaries({'name': st.just('key')}, optional={
    'version_id': anything | words, 'last_modified': anything | words, 'content_type': anything}), max_size=4))
def test_versions(rows):
    """A version that cannot be read may be any, and list any part: then nothing is known."""
    swift = RecordingSwift(GET=(200, {}, json.dumps(rows).encode()), HEAD=(
        204, {'X-Container-Sysmeta-Versions-Container': 'x', 'X-Timestamp': swift_time(TICKS).normal}, b''))
    try:
        References(backend(swift), 'bucket').listed(UPLOAD, WANTED, LIFE, KNOWN)
    except Uncertain:
        return
    except S3Error as error:
        # What is no JSON, such as an infinite number.
        assert error.code == 'ServiceUnavailable'
        return
    assert all(row['version_id'] == 'null' or read_timestamp(row['version_id']) for row in rows)


@given(headers_of('X-Object-Manifest', 'X-Symlink-Target', 'X-Static-Large-Object', 'Etag', 'X-Timestamp'),
       st.binary(max_size=60) | anything.map(json.dumps).map(str.encode))
def test_manifests_that_may_list_a_part(headers, body):
    """The names in what is at a key, whatever that says; or they are not known."""
    def answer(seen):
        return (200, headers, body) if seen.path.endswith('/key') else (200, {}, b'[]')

    references = References(backend(RecordingSwift(HEAD=answer, GET=answer)), 'bucket')
    try:
        assert all(isinstance(name, str) for name in references.listed(UPLOAD, WANTED, LIFE, KNOWN))
    except Uncertain:
        pass


@given(texts | anything.map(json.dumps), st.booleans())
def test_acls(stored, allow_no_owner):
    """An ACL that cannot be read grants nothing to a stranger; who may use what has none is for the operator to say."""
    rights = S3Acl('test:user', {}, allow_no_owner)
    may = rights.may('WRITE', {'s3api-acl': stored}), rights.may_read_object({'X-Object-Sysmeta-S3api-Acl': stored})
    assert may in ((False, False), (True, True))
    try:
        acl = json.loads(stored or '{}')
    except ValueError:
        acl = {'Owner': 'unknown'}
    assert may == (False, False) or allow_no_owner and (not isinstance(acl, dict) or acl.get('Owner') is None)


# Memcache

@given(anything)
def test_memcache(value):
    """A hint names an attempt of the part, and a note says yes or no; anything else is not there."""
    cache = Cache()
    PartHints(cache).remember(UPLOAD, 7, 'x')
    BucketsWithUploads(cache).remember('AUTH_a', 'bucket', True)
    for key in cache:
        cache[key] = value

    for found in (PartHints(cache).recall(UPLOAD, [7]), PartHints(cache).recall_between(UPLOAD, 0)):
        assert all(UPLOAD.parse_part(name)[0] == number for number, name in found.items())
    assert BucketsWithUploads(cache).recall('AUTH_a', 'bucket') in (None, True, False)


def test_the_type_of_a_composite_checksum():
    """Kept as it was."""
    assert COMPOSITE == stored_checksum('COMPOSITE crc32 g1o3Jw==-3 -').type


# All together

OPERATIONS = {
    'List Parts': ('GET', {'uploadId': UPLOAD.id}, b''), 'Abort': ('DELETE', {'uploadId': UPLOAD.id}, b''),
    'Upload Part': ('PUT', {'uploadId': UPLOAD.id, 'partNumber': '1'}, b'part'),
    'Complete': ('POST', {'uploadId': UPLOAD.id}, b'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>'
                 b'<ETag>%s</ETag></Part></CompleteMultipartUpload>' % MD5.encode()),
    'Get Attributes': ('GET', {'attributes': ''}, b'')}
INTENT_HEADERS = headers_of('X-Timestamp', *('X-Object-Sysmeta-S3multi-' + name for name in ('Chosen', 'Timestamp')))
OBJECT_HEADERS = headers_of('Etag', 'X-Timestamp', 'Last-Modified', *('X-Object-Sysmeta-' + name for name in (
    'S3multi-Checksum', 'S3Api-Etag', 'S3Api-Upload-Id')))


@settings(max_examples=150)
@given(st.sampled_from([*OPERATIONS, 'List Uploads']), st.sampled_from(['open', 'aborting', 'aborted', 'later', '']),
       headers_of(*RECORD_HEADERS), INTENT_HEADERS, OBJECT_HEADERS, st.booleans(), st.lists(rows, max_size=4),
       anything.map(json.dumps).map(str.encode) | texts.map(str.encode), st.sampled_from(['<unknown>', MD5, 'x']))
def test_every_operation(operation, state, marker, intent, at_key, is_large, listed, manifest, stored):
    """Whatever stands in rows and headers, an operation does something or says that it cannot: no server error."""
    method, params, body = OPERATIONS.get(operation, ('GET', {'uploads': ''}, b''))
    path = '/v1/AUTH_a/bucket' if 'uploads' in params else '/v1/AUTH_a/bucket/key'
    if state:
        marker = {**marker, 'Content-Type': MarkerType().encode() + state}
    if is_large:
        at_key = {**at_key, 'X-Static-Large-Object': 'True', 'X-Manifest-Etag': MD5}

    def head(seen):
        if seen.path.count('/') < 4:
            return 204
        return 200, (intent if seen.path.endswith('/complete') else marker if '_segments' in seen.path else at_key), b''

    def get(seen):
        return 200, {'Etag': MD5}, json.dumps(listed).encode() if seen.path.count('/') < 4 else manifest

    def put(seen):
        return 412 if seen.path.endswith('/complete') else (201, {'Etag': stored}, b'')

    swift = RecordingSwift(HEAD=head, GET=get, PUT=put)
    env = handed_on(method, path, params, {'x-amz-object-attributes': 'ETag,Checksum,ObjectParts'}, body=body)
    with mock.patch('eventlet.sleep'):
        line, document = answer(swift, env)

    assert int(line.split()[0]) < 500 or line.startswith('503'), (line, document)
