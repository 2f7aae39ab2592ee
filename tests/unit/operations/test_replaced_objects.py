# SPDX-License-Identifier: Apache-2.0
"""Which parts are freed when an object is replaced, depending on what Swift says of key, upload and bucket."""
import json

import eventlet
import pytest
from swift.common.swob import Request
from swift.common.utils import Timestamp, timestamp

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
MANIFEST = [{'name': '/bucket_segments/' + row['name'], 'bytes': 1} for row in ROWS]
LONG_AGO = Timestamp(1790000000 - 8 * 86400)


def object_of(upload_id, seconds=0, **headers):
    """Return Swift's answer to a HEAD of a large object. seconds: how long after ``NOW`` it was written."""
    return 200, {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': upload_id, 'Etag': '"m"',
                 'X-Timestamp': Timestamp(1790000000 + seconds).internal, **headers}, b''


NEWER = 200, {'X-Timestamp': Timestamp(1790000001).internal, 'Etag': 'x'}, b''
TOMBSTONE = 404, {'X-Backend-Timestamp': Timestamp(1790000001).internal}, b''


def swift_with(before, after=NEWER, marker=404, intent=404, bucket=204, shared=404, manifest=MANIFEST,
               kind=RecordingSwift, **answers):
    """Return a Swift with these answers to a HEAD: of the key before and after the write, and of the other things.

    shared: may be two answers. manifest: the segments of a large object at the key.
    """
    looks, notes = [before, after], shared if isinstance(shared, list) else [shared]

    def head(seen):
        if seen.path == BUCKET + '/key':
            return looks.pop(0) if len(looks) > 1 else looks[0]
        if seen.path == BUCKET:
            return bucket
        last = seen.path.rpartition('/')[2]
        if last == 'shared':
            return notes.pop(0) if len(notes) > 1 else notes[0]
        return intent if last == 'complete' else marker

    def get(seen):
        rows = manifest if seen.path == BUCKET + '/key' else ROWS if seen.path == SEGMENTS else []
        return 200, {}, json.dumps(rows).encode()

    return kind(**{'HEAD': head, 'GET': get, **answers})


def freed(swift, method='PUT', query='', cache=None, info=None, options=None, seen=None):
    """Pass an S3 request on; return the status, and the names that are deleted from the segments container.

    seen: what s3api has seen at the key.
    """
    bucket, call = asked(swift, handed_on(method), cache, options, info=info)
    request = Request(client_env(query=query, **{'REQUEST_METHOD': method, 'swift.source': 'S3'}))
    look = replaced_objects.begin(bucket, call.key, request, seen)
    response = request.get_response(swift)
    replaced_objects.after(bucket, look, response.status_int)
    for _ in range(20):
        eventlet.sleep(0)
    names = [seen.path[len(SEGMENTS) + 1:] for seen in swift.seen
             if seen.method == 'DELETE' and seen.path.startswith(SEGMENTS) and not seen.path.endswith('/freed')]
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
    pytest.param({'after': object_of(upload_of().id, 1), 'manifest': [{'name': '/bucket_segments/other'}]},
                 id='another upload'),
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
    pytest.param({'after': object_of('', 1)}, id='a manifest of the same parts, by the Swift API'),
    pytest.param({'after': (200, {**NEWER[1], 'X-Object-Manifest': 'bucket%5Fsegments/key/'}, b'')}, id='a DLO'),
    pytest.param({'after': (200, {**NEWER[1], 'X-Symlink-Target': MANIFEST[0]['name'][1:]}, b'')}, id='a link to one'),
    pytest.param({'shared': (200, {'X-Timestamp': LONG_AGO.normal}, b'')}, id='another manifest was made of them'),
    pytest.param({'shared': 503}, id='it is not known whether'),
])
def test_what_is_kept(case):
    assert [] == freed(swift_with(object_of(OURS.id), **case))[1]


@pytest.mark.parametrize('status', [202, 422, 503], ids=['older than the object', 'refused', 'failed'])
def test_what_replaces_nothing(status):
    """Nobody is asked anything more."""
    swift = swift_with(object_of(OURS.id), PUT=status)

    assert [] == freed(swift)[1]
    assert 'PUT' == swift.last.method


def test_order():
    """It is noted that they are being deleted, and then looked whether somebody has made another manifest of them."""
    swift = swift_with(object_of(OURS.id))
    freed(swift)
    told = ['%s %s' % (seen.method, seen.path.rpartition('/')[2]) for seen in swift.seen]

    assert told[told.index('PUT freed') - 1:][:3] == ['HEAD bucket', 'PUT freed', 'HEAD shared']
    assert 'DELETE' == swift.last.method and swift.last.path.startswith(SEGMENTS)


SHARED = 200, {'X-Timestamp': '1790000001.00000'}, b''


def test_somebody_who_was_quicker():
    """What was noted stays: it may have been written over the note of somebody who relies on it."""
    swift = swift_with(object_of(OURS.id), shared=[404, SHARED])

    assert [] == freed(swift)[1]
    assert ['PUT'] == [seen.method for seen in swift.seen if seen.path.endswith('/freed')]


def test_parts_that_others_list():
    """Nobody is kept from listing them once more."""
    swift = swift_with(object_of(OURS.id), shared=SHARED)

    assert [] == freed(swift)[1]
    assert not [seen for seen in swift.seen if seen.path.endswith('/freed')]


def test_note_without_effect():
    """Then nothing is deleted: somebody may make a manifest of the parts at any time."""
    def put(seen):
        return 202 if seen.path.endswith('/freed') else 201

    assert [] == freed(swift_with(object_of(OURS.id), PUT=put))[1]


def test_what_has_expired():
    """Is looked at, too."""
    swift = swift_with(object_of(OURS.id))
    freed(swift)

    assert 'true' == swift.seen[0].headers['X-Backend-Open-Expired']


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
    swift = swift_with(before, before, manifest=[{'name': '/bucket+segments/key/1'}])
    freed(swift, 'DELETE', 'async=on&multipart-manifest=delete')
    sent, = [seen for seen in swift.seen if seen.path == BUCKET + '/key' and seen.method == 'DELETE']

    assert set(query.split('&')) == set(sent.query.split('&'))


STOCK = object_of('MmZhNjZkYTAtZDc0NC00ZDgxLWE2MGEtMDE0ZTRiNzZjYzYx')


@pytest.mark.parametrize('version', ['', '&version-id=1790000000.00000'])
@pytest.mark.parametrize('sysmeta, keeps', [
    ({'versions-enabled': 'true', 'versions-container': 'x'}, True), ({'versions-location': 'x'}, True),
    ({'versions-container': 'x'}, False), ({'versions-container': 'x', 'versions-enabled': 'false'}, False)])
def test_parts_that_a_version_needs(sysmeta, keeps, version):
    """A large object that becomes a version keeps its parts, whoever made it. A version that is deleted does not."""
    swift = swift_with(STOCK)
    freed(swift, 'DELETE', 'multipart-manifest=delete' + version, info={'status': 204, 'sysmeta': sysmeta})

    assert (keeps and not version) == ('multipart-manifest' not in swift.last.query)


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


VERSIONED = {'X-Container-Sysmeta-Versions-Container': 'x'}
VERSION = Timestamp(1790000000).internal


def version_freed(monkeypatch, days=3, twins=(), marker=None, key=None, told=None, **answers):
    """Delete a version so many days after its upload; return what is freed.

    twins: days after which other versions were written that list the same. marker, key: what a HEAD of these answers.
    told: a list to which the requests are added.
    """
    monkeypatch.setattr(timestamp.time, 'time', lambda: 1790000000 + days * 86400)
    ids = [Timestamp(1790000000 + day * 86400).internal for day in twins]
    marker = marker or (404, {'X-Backend-Timestamp': Timestamp(VERSION, offset=1).internal}, b'')
    gone = []

    def head(seen):
        if seen.path == BUCKET:
            return 204, VERSIONED, b''
        if 'versions' in seen.path and seen.path.count('/') == 3:
            return 204
        if seen.path == BUCKET + '/key':
            if 'version-id=' + VERSION in seen.query:
                return 404 if gone else gone.append(1) or object_of(OURS.id)
            return object_of(OURS.id) if any(each in seen.query for each in ids) else key or TOMBSTONE
        return answers.get(seen.path.rpartition('/')[2], marker if seen.path.endswith(OURS.id) else 404)

    def get(seen):
        if 'versions=true' in seen.query:
            rows = [{'name': 'key', 'version_id': each, 'content_type': 'x/y'} for each in ids]
        elif 'shared-' in seen.query:
            rows = []
        else:
            rows = MANIFEST if seen.path == BUCKET + '/key' else ROWS if seen.path == SEGMENTS else []
        return 200, {}, json.dumps(rows).encode()

    swift = RecordingSwift(HEAD=head, GET=get)
    swift.seen = swift.seen if told is None else told
    return freed(swift, 'DELETE', 'multipart-manifest=delete&version-id=' + VERSION,
                 info={'status': 204, 'sysmeta': {'versions-container': 'x'}})[1]


def test_version(monkeypatch):
    """Parts go with it when it is old, and no other version lists them."""
    assert [1] == [OURS.parse_part(name)[0] for name in version_freed(monkeypatch)]


@pytest.mark.parametrize('case', [
    pytest.param({'days': 1.9}, id='a row of a twin may be late'),
    pytest.param({'twins': [2]}, id='restored'), pytest.param({'twins': [0.0001]}, id='its twin'),
    pytest.param({'twins': [0.5 + number / 1000 for number in range(101)]}, id='too many to be asked'),
    pytest.param({'complete': (200, {**INTENT, 'X-Object-Sysmeta-S3multi-Timestamp': '1790200000.00000'}, b'')},
                 id='a Complete died lately'),
    pytest.param({'marker': (200, {'Content-Type': 'application/x-s3multi-marker;state=open',
                                   'X-Timestamp': '1790000000.00000'}, b'')}, id='the upload is open'),
    pytest.param({'key': object_of('', 1)}, id='a manifest at the key'),
    pytest.param({'marker': 404, 'key': (404, {'X-Backend-Timestamp': Timestamp(1790250000).internal}, b'')},
                 id='what was at the key may be a version now'),
])
def test_version_whose_parts_may_be_needed(monkeypatch, case):
    """They are left to the sweep."""
    assert [] == version_freed(monkeypatch, **case)


def test_version_of_whose_parts_another_manifest_was_made(monkeypatch):
    """Nobody is kept from making more."""
    told = []
    shared = 200, {'X-Timestamp': LONG_AGO.normal}, b''

    assert [] == version_freed(monkeypatch, told=told, shared=shared)
    assert not [each for each in told if each.path.endswith('/freed')]


@pytest.mark.parametrize('segments, deletes', [
    ([{'name': '/other/1'}], True), ([{'name': '/bucket_segments/key/1'}], True), ([{'data': 'eA=='}], True),
    (MANIFEST, False), ([{'name': '/other/1'}, *MANIFEST], False), ([{'name': '/other/1', 'sub_slo': True}], False),
    ([1], False)], ids=['other', 'not ours', 'data', 'ours', 'ours as well', 'of large objects', 'unreadable'])
def test_large_object_of_the_swift_api(segments, deletes):
    """SLO deletes its segments, as s3api wants it: but not where there may be parts of an upload among them."""
    swift = swift_with(object_of(''), object_of(''), manifest=segments)
    freed(swift, 'DELETE', 'multipart-manifest=delete&async=on')
    sent, = [seen for seen in swift.seen if seen.path == BUCKET + '/key' and seen.method == 'DELETE']

    assert deletes == ('multipart-manifest=delete' in sent.query)


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


# When it is looked

@pytest.mark.parametrize('method', ['PUT', 'DELETE'])
def test_write_that_does_not_wait(method):
    """The look goes on beside the request, and what is freed waits for it."""
    class Slow(RecordingSwift):
        def __call__(self, env, start_response):
            answer = super().__call__(env, start_response)
            if len(self.seen) == 1:
                looked.wait()
            return answer

    looked = eventlet.Event()
    swift = swift_with(object_of(OURS.id), kind=Slow)
    outcome = freed(swift, method)
    asked_before = [seen.method for seen in swift.seen]
    looked.send(True)
    for _ in range(20):
        eventlet.sleep(0)

    assert (({'PUT': 201, 'DELETE': 204}[method], []), ['HEAD', method]) == (outcome, asked_before)
    assert [SEGMENTS + '/' + ROWS[0]['name']] == [
        seen.path for seen in swift.seen[2:] if seen.method == 'DELETE']


def test_look_that_comes_too_late():
    """It sees what was written, and leaves the parts."""
    swift = swift_with(NEWER)

    assert (201, []) == freed(swift)
    assert ['HEAD', 'PUT'] == [seen.method for seen in swift.seen]


SEEN = ObjectAtKey(OURS.id, 'm', Timestamp(1790000000), is_large=True)
MANIFEST_QUERY = 'async=on&multipart-manifest=delete'


@pytest.mark.parametrize('query', ['', MANIFEST_QUERY], ids=['next s3api', 's3api'])
def test_delete_that_s3api_has_looked_for(query):
    """What s3api has seen is not asked for again, and what is freed does not depend on its query."""
    swift = swift_with(NEWER, TOMBSTONE)

    check_freed(freed(swift, 'DELETE', query, seen=SEEN), 204)
    assert ('DELETE', '') == (swift.seen[0].method, swift.seen[0].query)


@pytest.mark.parametrize('query', ['', MANIFEST_QUERY], ids=['next s3api', 's3api'])
def test_delete_that_s3api_has_not_looked_for(query):
    """Then it is looked here."""
    check_freed(freed(swift_with(object_of(OURS.id), TOMBSTONE), 'DELETE', query), 204)


@pytest.mark.parametrize('seen', [ObjectAtKey(timestamp=Timestamp(1)), ObjectAtKey(None, 'm', Timestamp(1))],
                         ids=['no object', 'a small object'])
def test_delete_of_what_has_no_parts(seen):
    """Costs nothing more."""
    swift = swift_with(NEWER)

    assert (204, []) == freed(swift, 'DELETE', seen=seen)
    assert ['DELETE'] == [each.method for each in swift.seen]


@pytest.mark.parametrize('status', [404, 409, 503], ids=['gone', 'older than the object', 'failed'])
def test_delete_that_deletes_nothing(status):
    """Nobody is asked anything more."""
    swift = swift_with(NEWER, DELETE=status)

    assert (status, []) == freed(swift, 'DELETE', seen=SEEN)
    assert ['DELETE'] == [each.method for each in swift.seen]
