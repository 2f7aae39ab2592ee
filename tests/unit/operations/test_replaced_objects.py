# SPDX-License-Identifier: Apache-2.0
"""Which parts are freed when an object is replaced, depending on what Swift says of key, upload and bucket."""
import json

import eventlet
import pytest
from swift.common.swob import Request
from swift.common.utils import Timestamp

from s3multi.operations import replaced_objects
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.records import ObjectAtKey
from tests.unit.fakes import IDS, Cache, RecordingSwift, asked, bucket_of, client_env, handed_on

NOW = 1790000000 * 100000
BUCKET, SEGMENTS = '/v1/AUTH_a/bucket', '/v1/AUTH_a/bucket_segments'
INTENT = {'X-Object-Sysmeta-S3multi-Chosen': 'x'}


def upload_of(key='key', bucket='bucket'):
    return Upload('AUTH_a', bucket, key, IDS.new('AUTH_a', bucket, key, NOW))


OURS = upload_of()
ROWS = [{'name': OURS.part(1, new_attempt(NOW)), 'hash': 'e', 'bytes': 1, 'content_type': 'x/y'}]


def object_of(upload_id, seconds=0, **headers):
    """Return Swift's answer to a HEAD of a large object. seconds: how long after ``NOW`` it was written."""
    return 200, {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': upload_id,
                 'X-Timestamp': Timestamp(1790000000 + seconds).internal, **headers}, b''


NEWER = 200, {'X-Timestamp': Timestamp(1790000001).internal, 'Etag': 'x'}, b''
TOMBSTONE = 404, {'X-Backend-Timestamp': Timestamp(1790000001).internal}, b''


def swift_with(before, after=NEWER, marker=404, intent=404, bucket=204, **answers):
    """Return a Swift with these answers to a HEAD: of the key before and after the write, and of the other things."""
    looks = [before, after]

    def head(seen):
        if seen.path == BUCKET + '/key':
            return looks.pop(0) if len(looks) > 1 else looks[0]
        if seen.path == BUCKET:
            return bucket
        return intent if seen.path.endswith('/complete') else marker

    return RecordingSwift(**{'HEAD': head, 'GET': (200, {}, json.dumps(ROWS).encode()), **answers})


def freed(swift, method='PUT', query='', cache=None, info=None, options=None):
    """Pass an S3 request on; return the status, and the names that are deleted from the segments container."""
    bucket, call = asked(swift, handed_on(method), cache, options, info=info)
    request = Request(client_env(query=query, **{'REQUEST_METHOD': method, 'swift.source': 'S3'}))
    replaced = replaced_objects.before(bucket, call.key, request)
    response = request.get_response(swift)
    replaced_objects.after(bucket, replaced, response.status_int)
    for _ in range(20):
        eventlet.sleep(0)
    names = [seen.path[len(SEGMENTS) + 1:] for seen in swift.seen
             if seen.method == 'DELETE' and seen.path.startswith(SEGMENTS)]
    return response.status_int, names


def check_freed(outcome, status=201):
    assert status == outcome[0]
    assert [1] == [OURS.parse_part(name)[0] for name in outcome[1]]


@pytest.mark.parametrize('case', [
    pytest.param({}, id='newer object'),
    pytest.param({'after': TOMBSTONE}, id='deleted meanwhile'),
    pytest.param({'intent': (200, {**INTENT, 'X-Object-Sysmeta-S3multi-Timestamp': '1790000000.00000'}, b'')},
                 id='intent whose lease is over'),
    pytest.param({'bucket': 404}, id='bucket deleted meanwhile'),
])
def test_what_is_freed(case):
    check_freed(freed(swift_with(object_of(OURS.id), **case)))


@pytest.mark.parametrize('case', [
    pytest.param({'after': object_of(OURS.id, 1)}, id='still there'),
    pytest.param({'after': (200, {'X-Timestamp': Timestamp(1789999999).internal}, b'')}, id='a replica that is behind'),
    pytest.param({'after': (404, {}, b'')}, id='gone, nobody knows since when'),
    pytest.param({'after': 503}, id='no answer'),
    pytest.param({'marker': (200, {'Content-Type': 'application/x-s3multi-marker;state=open',
                                   'X-Timestamp': '1790000000.00000'}, b'')}, id='the upload may be completed again'),
    pytest.param({'intent': (200, {**INTENT, 'X-Object-Sysmeta-S3multi-Timestamp': '9000000000.00000'}, b'')},
                 id='a Complete at work'),
    pytest.param({'bucket': (204, {'X-Container-Sysmeta-Versions-Container': 'x'}, b'')}, id='versions by now'),
    pytest.param({'bucket': (204, {'X-Container-Sysmeta-Versions-Location': 'x'}, b'')}, id='an archive by now'),
    pytest.param({'PUT': 202}, id='older than the object'),
    pytest.param({'PUT': 422}, id='refused'),
    pytest.param({'PUT': 503}, id='failed'),
])
def test_what_is_kept(case):
    assert [] == freed(swift_with(object_of(OURS.id), **case))[1]


@pytest.mark.parametrize('before', [
    pytest.param(object_of(upload_of(key='other').id), id='of another key'),
    pytest.param(object_of(upload_of(bucket='other').id), id='of another bucket'),
    pytest.param(object_of('x' * 21), id='an id nobody gave out'),
    pytest.param(object_of(OURS.id, **{'X-Static-Large-Object': 'False'}), id='a copy that has bytes of its own'),
    pytest.param(NEWER, id='a small object'),
    pytest.param(TOMBSTONE, id='no object'),
    pytest.param(503, id='no answer'),
])
def test_what_is_not_ours(before):
    """Nothing more is asked: neither for records nor for the key."""
    swift = swift_with(before)

    assert (201, []) == freed(swift)
    assert ['HEAD', 'PUT'] == [seen.method for seen in swift.seen]


@pytest.mark.parametrize('before, query', [
    (object_of(OURS.id), ''), (object_of(upload_of(key='other').id), ''),
    (object_of('MmZhNjZkYTAtZDc0NC00ZDgxLWE2MGEtMDE0ZTRiNzZjYzYx'), 'multipart-manifest=delete&async=on'),
    (object_of(''), 'multipart-manifest=delete&async=on'), (503, '')])
def test_whose_parts_slo_deletes(before, query):
    """SLO deletes the parts of objects that s3multi has not made; none if the look at the key fails."""
    swift = swift_with(before)
    freed(swift, 'DELETE', 'async=on&multipart-manifest=delete')
    sent, = [seen for seen in swift.seen if seen.path == BUCKET + '/key' and seen.method == 'DELETE']

    assert set(query.split('&')) == set(sent.query.split('&'))


@pytest.mark.parametrize('sysmeta', [
    pytest.param({'versions-container': 'x'}, id='versions'), pytest.param({'versions-enabled': 'true'}, id='enabled'),
    pytest.param({'versions-location': 'x'}, id='archive')])
def test_buckets_that_keep_what_is_overwritten(sysmeta):
    """There a PUT costs no further request, and a DELETE leaves all parts."""
    info = {'status': 204, 'sysmeta': sysmeta}
    for method in ('PUT', 'DELETE'):
        swift = swift_with(object_of(OURS.id))
        assert [] == freed(swift, method, 'multipart-manifest=delete' if method == 'DELETE' else '', info=info)[1]
        assert '' == swift.last.query


def test_option():
    """With the option off, a Complete frees nothing of what it replaces."""
    bucket = bucket_of(swift_with(object_of(OURS.id)), options={'free_replaced_parts': 'false'})

    assert replaced_objects.candidate(bucket, 'key', ObjectAtKey(OURS.id)) is None


@pytest.mark.parametrize('near, kept', [
    pytest.param([], False, id='alone'), pytest.param([5.0], True, id='its twin'),
    pytest.param([-5.0], True, id='older'), pytest.param([5.0] * 100, True, id='too many to be asked')])
def test_versions_of_one_upload(near, kept):
    """Parts are deleted with the last version that lists them."""
    version = Timestamp(1790000000).internal
    twins = [Timestamp(1790000000 + seconds).internal for seconds in near]
    another = Timestamp(1790000001).internal
    rows = [{'name': 'key', 'version_id': twin} for twin in twins] + [{'name': 'key2', 'version_id': another}]
    listing = 200, {}, json.dumps(ROWS).encode()
    gone = []

    def head(seen):
        if 'version-id=' + version in seen.query:
            return 404 if gone else gone.append(1) or object_of(OURS.id)
        return object_of(OURS.id) if len(twins) == 1 and twins[0] in seen.query else 404

    def get(seen):
        return (200, {}, json.dumps(rows).encode()) if seen.path == BUCKET else listing

    swift = RecordingSwift(HEAD=head, GET=get)
    names = freed(swift, 'DELETE', 'multipart-manifest=delete&version-id=%s' % version,
                  info={'status': 204, 'sysmeta': {'versions-container': 'x'}})[1]

    assert kept == (names == [])
    assert not [seen for seen in swift.seen if another in seen.query]


@pytest.mark.parametrize('status, asked', [(404, ['PUT']), (0, ['PUT']), (204, ['HEAD', 'PUT'])])
def test_bucket_that_is_not_there(status, asked):
    swift = swift_with(TOMBSTONE)
    freed(swift, info={'status': status, 'sysmeta': {}})

    assert asked == [seen.method for seen in swift.seen]


def test_bucket_without_uploads():
    """After the first PUT this is known, until the bucket has an upload."""
    cache = Cache()
    first, second = (swift_with(TOMBSTONE, marker=404) for _ in range(2))
    freed(first, cache=cache)
    freed(second, cache=cache)

    assert [BUCKET + '/key'] == [seen.path for seen in second.seen]


@pytest.mark.parametrize('source, method, path, query, on, off', [
    ('S3', 'PUT', BUCKET + '/key', '', True, False),
    ('S3', 'DELETE', BUCKET + '/key', 'multipart-manifest=delete', True, True),
    ('S3', 'DELETE', BUCKET + '/key', '', False, False),
    ('S3', 'GET', BUCKET + '/key', '', False, False),
    ('S3', 'PUT', BUCKET, '', False, False),
    ('SLO', 'PUT', BUCKET + '/key', '', False, False),
    (None, 'DELETE', BUCKET + '/key', 'multipart-manifest=delete', False, False),
])
def test_which_requests(source, method, path, query, on, off):
    """Those that s3api makes. With the option off, its DELETEs are still changed, so that SLO deletes no parts."""
    env = client_env(path, query, **{'REQUEST_METHOD': method, 'swift.source': source})

    assert (on, off) == (replaced_objects.applies_to(env, True), replaced_objects.applies_to(env, False))
