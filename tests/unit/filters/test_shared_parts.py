# SPDX-License-Identifier: Apache-2.0
"""What makes another manifest of parts of ours, or refers to them, and is noted before it is written."""
import json
from types import SimpleNamespace

import pytest
from swift.common.swob import Request

from s3multi.filters import shared_parts
from s3multi.upload.names import Upload, new_attempt
from tests.unit.fakes import IDS, RecordingSwift, client_env

TICKS = 1790000000 * 100000
HOOK = 'swift.callback.slo_manifest_hook'
CLUSTER = SimpleNamespace(ids=IDS, freeing=SimpleNamespace(concurrency=2))


def upload_of(key='key', bucket='bucket', account='AUTH_a'):
    return Upload(account, bucket, key, IDS.new(account, bucket, key, TICKS))


UPLOAD = upload_of()
PART = UPLOAD.part(1, new_attempt(TICKS))
PATH = '/bucket_segments/' + PART


def watched(swift=None, method='PUT', path='/v1/AUTH_a/other/copy', query='multipart-manifest=put', headers=None,
            **more):
    """Return the environ of a request after it was looked at."""
    env = client_env(path, query, REQUEST_METHOD=method, **more)
    Request(env).headers.update(headers or {})
    shared_parts.watch(env, swift or RecordingSwift(), CLUSTER)
    return env


def noted(swift):
    """Return what was noted about which upload of which bucket."""
    return [seen.path.removeprefix('/v1/AUTH_a/') for seen in swift.seen if seen.method == 'PUT']


def notes(upload=UPLOAD, container='other', name='copy'):
    """Return the names of the notes that such a manifest leaves."""
    return ['%s/%s' % (upload.container, each) for each in (upload.shared_with(container, name), upload.shared)]


# Manifests

@pytest.mark.parametrize('method, query, headers', [
    ('PUT', 'multipart-manifest=put', {}), ('PUT', 'multipart%2Dmanifest=%70ut', {}),
    ('PUT', 'multipart-manifest=get', {'X-Copy-From': 'bucket/key'}),
    ('PUT', 'version-id=1&multipart-manifest=get', {'X-Copy-From': 'bucket/key'})])
def test_manifest(method, query, headers):
    """SLO calls the hook with what it lists, and it is written only after that."""
    swift = RecordingSwift()
    env = watched(swift, method, query=query, headers=headers)

    assert [] == env[HOOK]([{'name': '/elsewhere/x', 'bytes': 1}, {'name': PATH}, {'data': 'eA=='}])
    assert notes() == noted(swift)
    assert ('HEAD', '/v1/AUTH_a/bucket_segments/' + UPLOAD.freed) == (swift.last.method, swift.last.path)


@pytest.mark.parametrize('headers, account, place', [
    ({'Destination': 'other/copy'}, 'AUTH_a', ('other', 'copy')), ({'Destination': '/other/c%C3%B6py'}, 'AUTH_a', (
        'other', 'c\u00f6py')),
    ({'Destination': 'other/a/b'}, 'AUTH_a', ('other', 'a/b')),
    ({'Destination': 'other/copy', 'Destination-Account': 'AUTH_b'}, 'AUTH_b', ('other', 'copy'))])
def test_copy(headers, account, place):
    """It is made where the header says."""
    upload = upload_of(account=account)
    swift = RecordingSwift()
    env = watched(swift, 'COPY', '/v1/AUTH_a/bucket/key', 'multipart-manifest=get', headers)
    env[HOOK]([{'name': '/bucket_segments/' + upload.part(1, new_attempt(TICKS))}])

    assert ['/v1/%s/%s' % (account, name) for name in notes(upload, *place)] == [
        seen.path for seen in swift.seen if seen.method == 'PUT']


@pytest.mark.parametrize('segments', [
    [{'name': '/bucket_segments/key/1'}], [{'name': '/bucket/' + PART}],
    [{'name': '/bucket_segments/' + UPLOAD.path}], [{'name': '/other_segments/' + PART}],
    [{'name': '/bucket_segments/x' + PART}], [{'data': 'eA=='}], [],
    [{'name': PATH}, None]], ids=['theirs', 'bucket', 'marker', 'other bucket', 'other key', 'data', 'empty', 'absent'])
def test_what_is_not_noted(segments):
    """Nobody is asked anything about it. One segment that SLO has not found, and it writes nothing."""
    swift = RecordingSwift()

    assert [] == watched(swift)[HOOK](segments)
    assert [] == swift.seen


@pytest.mark.parametrize('answers, problem', [
    ({'HEAD': 200}, '404 Not Found'), ({'HEAD': 503}, '503 Service Unavailable'),
    ({'PUT': 503}, '503 Service Unavailable')])
def test_what_is_refused(answers, problem):
    """Parts that are being deleted, and what cannot be noted."""
    assert [(PATH, problem)] == watched(RecordingSwift(**answers))[HOOK]([{'name': PATH}])


def test_another_hook():
    """One of a filter to the left is called as well."""
    env = watched(**{HOOK: lambda segments: [('x', 'y')]})

    assert [('x', 'y')] == env[HOOK]([{'name': PATH}])


@pytest.mark.parametrize('method, query, headers', [
    ('PUT', '', {}), ('PUT', 'multipart-manifest=delete', {}), ('GET', 'multipart-manifest=get', {}),
    ('DELETE', 'multipart-manifest=delete', {}), ('POST', 'multipart-manifest=put', {}), ('PUT', 'symlink=put', {})])
def test_other_requests(method, query, headers):
    """Pass untouched."""
    env = client_env('/v1/AUTH_a/other/copy', query, REQUEST_METHOD=method)
    before = dict(env)
    shared_parts.watch(env, None, CLUSTER)

    assert before == env


# Headers

def authorized(swift, headers, method='PUT', query='', denied=None, written=None):
    """Return the answer of ``swift.authorize`` to what is written in the end: with these headers unless others are."""
    env = watched(swift, method, query=query, headers=headers, **{'swift.authorize': lambda request: denied})
    request = Request.blank('/v1/AUTH_a/other/copy', method='POST' if method == 'POST' else 'PUT',
                            headers=headers if written is None else written)
    env['swift.authorize'](request)
    return env['swift.authorize'](request)


@pytest.mark.parametrize('headers', [
    {'X-Symlink-Target': PATH[1:]}, {'X-Symlink-Target': PATH[1:].replace('_', '%5F')},
    {'X-Symlink-Target': PATH[1:], 'X-Symlink-Target-Account': 'AUTH_a'},
    {'X-Object-Manifest': 'bucket_segments/' + UPLOAD.prefix},
    {'X-Object-Manifest': 'bucket_segments/' + UPLOAD.path},
    {'X-Object-Manifest': 'bucket%5Fsegments%2F' + UPLOAD.prefix + '0000'}])
@pytest.mark.parametrize('method', ['PUT', 'POST'])
def test_references(headers, method):
    """A link to a part, or a dynamic large object of the parts of one upload: noted once, and let through."""
    swift = RecordingSwift()

    assert authorized(swift, headers, method) is None
    assert notes() == noted(swift)


@pytest.mark.parametrize('query, written', [
    ('symlink=get', {'X-Object-Sysmeta-Symlink-Target': PATH[1:]}), ('symlink=get', {'X-Symlink-Target': PATH[1:]}),
    ('multipart-manifest=get', {'X-Object-Manifest': 'bucket_segments/' + UPLOAD.prefix})])
def test_copies_of_references(query, written):
    """Their headers come from the source."""
    swift = RecordingSwift()

    assert authorized(swift, {'X-Copy-From': 'a/b'}, query=query, written=written) is None
    assert notes() == noted(swift)


def test_a_dynamic_large_object_of_several_uploads():
    """Each that has parts there is noted; one whose parts are being deleted does not keep the others."""
    uploads = [upload_of('key/%d' % number) for number in range(3)]
    rows = [{'subdir': upload.prefix[:-1] + '/000'} for upload in uploads]
    rows += [{'name': 'key/other'}, {'subdir': 'key/x/000'}]
    swift = RecordingSwift(GET=(200, {}, json.dumps(rows).encode()), HEAD=200)

    assert authorized(swift, {'X-Object-Manifest': 'bucket_segments/key/'}) is None
    assert [name for upload in uploads for name in notes(upload)] == noted(swift)


def test_a_prefix_that_is_a_guess():
    """Who may not list the segments container learns nothing by it, and keeps nothing."""
    swift = RecordingSwift(GET=(200, {}, json.dumps([{'subdir': UPLOAD.prefix[:-1] + '/000'}]).encode()))
    asked = []

    def authorize(request):
        asked.append((request.method, request.path, request.query_string, request.acl))
        return 'denied' if request.method == 'GET' else None

    headers = {'X-Object-Manifest': 'bucket_segments/k'}
    env = watched(swift, query='x=y', headers=headers, **{'swift.authorize': authorize})
    write = Request.blank('/v1/AUTH_a/other/copy', method='PUT', headers=headers)
    write.acl = 'who may write'

    assert env['swift.authorize'](write) is None
    assert [('PUT', '/v1/AUTH_a/other/copy', '', 'who may write'),
            ('GET', '/v1/AUTH_a/bucket_segments', '', None)] == asked
    assert {'HEAD'} >= {seen.method for seen in swift.seen}


@pytest.mark.parametrize('headers', [
    {'X-Symlink-Target': 'other/x'}, {'X-Symlink-Target': PATH[1:], 'X-Symlink-Target-Account': 'AUTH_b'},
    {'X-Object-Manifest': 'other/prefix'}, {'X-Object-Manifest': ''}, {'X-Object-Manifest': 'bucket_segments/none/'}])
def test_references_to_others(headers):
    """Are no business of ours."""
    swift = RecordingSwift(GET=(200, {}, b'[]'))

    assert authorized(swift, headers) is None
    assert [] == noted(swift)


def test_what_may_not_be_written():
    """Is not noted."""
    swift = RecordingSwift()

    assert 'denied' == authorized(swift, {'X-Symlink-Target': PATH[1:]}, denied='denied')
    assert [] == swift.seen


@pytest.mark.parametrize('answers, status', [({'HEAD': 200}, 409), ({'PUT': 503}, 503)])
def test_references_that_are_refused(answers, status):
    """To what is being deleted, and what cannot be noted."""
    assert status == authorized(RecordingSwift(**answers), {'X-Symlink-Target': PATH[1:]}).status_int
