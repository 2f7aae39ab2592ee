# SPDX-License-Identifier: Apache-2.0
"""Which version is shown after one was deleted, depending on what Swift lists and on what it says of the key."""
import json

import pytest
from eventlet import Timeout
from swift.common.middleware.versioned_writes.object_versioning import DELETE_MARKER_CONTENT_TYPE
from swift.common.swob import HTTPForbidden, Request
from swift.common.utils import Timestamp

from s3multi.operations import deleted_versions
from tests.unit.fakes import RecordingSwift, asked, client_env, handed_on

VERSIONED = {'sysmeta': {'versions-container': 'x'}, 'write_acl': 'writers'}
OLD, MIDDLE, NEW = '1790000001.00000', '1790000002.00000', '1790000003.00000'
LINK = 200, {'X-Object-Version-Id': NEW, 'Etag': 'x'}, b''
PLAIN = 200, {'X-Object-Version-Id': 'null', 'Etag': 'x'}, b''
MARKER = DELETE_MARKER_CONTENT_TYPE


def row(version, content_type='text/plain', name='key'):
    return {'name': name, 'version_id': version, 'content_type': content_type, 'hash': 'e', 'bytes': 1}


def deletion(version, rows=(), answer=204, current='null', key=LINK, info=None, judge=None, put=201):
    """Delete a version; return the status, and the other requests: methods, and the version for a PUT.

    rows: the versions that Swift lists then. current: what Swift says of the current version. key: its answer to a HEAD
    of the key.
    """
    headers = {} if current is None else {'X-Object-Current-Version-Id': current}
    swift = RecordingSwift(DELETE=(answer, headers, b''), GET=(200, {}, json.dumps(rows).encode()), HEAD=key, PUT=put)
    bucket, call = asked(swift, handed_on('DELETE'), info=VERSIONED if info is None else info)
    request = Request(client_env(query=f'symlink=get&version-id={version}', **{
        'REQUEST_METHOD': 'DELETE', 'swift.source': 'S3', 'swift.authorize': judge or (lambda request: None)}))
    response = deleted_versions.delete(bucket, call.key, request, bucket.backend.answer)
    assert 'X-Object-Current-Version-Id' not in response.headers or current not in ('null', None)
    return response.status_int, [
        seen.method + (' ' + Request(seen.env).params['version-id'] if seen.method == 'PUT' else '')
        for seen in swift.seen], swift


@pytest.mark.parametrize('rows, shown', [
    ([], None), ([row(OLD)], OLD), ([row(MIDDLE), row(OLD)], MIDDLE),
    # The row of what was just deleted may still be there.
    ([row(NEW), row(MIDDLE)], MIDDLE), ([row(MIDDLE, MARKER), row(OLD)], None), ([row('null'), row(OLD)], None),
    # Not the newest was deleted: the key was empty, or has a marker or an object.
    ([row('1790000009.00000'), row(OLD)], None), ([row(OLD, name='key-2')], None)])
def test_what_is_shown(rows, shown):
    """The newest that is left, if it is no delete marker and is older than what was deleted."""
    for answer in (204, 404):
        status, asked_for, _ = deletion(NEW, rows, answer)
        assert (answer, ['DELETE', 'GET'] + (['PUT ' + shown] if shown else [])) == (status, asked_for)


@pytest.mark.parametrize('key, place', [
    ('key', {'prefix': 'key'}), ('k\ud7ff', {'marker': 'k\ud7fe'}), ('k\U0010ffff', {'marker': 'k\U0010fffe'})])
def test_how_the_newest_is_looked_for(key, place):
    """Swift cannot list by a prefix that ends with one of two characters: it takes the next code point to find the end.
    """
    rows = [row(OLD, name='k'), row(MIDDLE, name=key)]
    swift = RecordingSwift(GET=(200, {}, json.dumps(rows).encode()))
    bucket, _ = asked(swift, handed_on('DELETE'), info=VERSIONED)

    assert [(MIDDLE, False)] == bucket.objects.newest_versions(key)
    params = {name: text.encode('latin-1').decode() for name, text in Request(swift.last.env).params.items()}
    assert place == {name: params[name] for name in ('prefix', 'marker') if name in params}


def test_when_it_is_shown():
    """Just after the deletion, so that what was written since stays on top."""
    _, _, swift = deletion(NEW, [row(OLD)])
    deleted, shown = (Timestamp(seen.headers['X-Timestamp']) for seen in swift.seen if seen.method != 'GET')

    assert deleted < shown < Timestamp(float(deleted), delta=1)


def test_a_version_that_is_gone_too():
    """The next one is tried."""
    assert ['DELETE', 'GET', f'PUT {MIDDLE}', f'PUT {OLD}'] == deletion(NEW, [row(MIDDLE), row(OLD)], put=[404, 201])[1]


@pytest.mark.parametrize('current', [NEW, None])
@pytest.mark.parametrize('answer', [204, 404])
def test_another_version_than_the_current_one(current, answer):
    """Costs nothing more."""
    assert (answer, ['DELETE']) == deletion(OLD, [row(NEW)], answer, current)[:2]


@pytest.mark.parametrize('answer', [400, 403, 409, 503])
def test_what_was_not_deleted(answer):
    """Changes nothing."""
    assert (answer, ['DELETE']) == deletion(NEW, [row(OLD)], answer)[:2]


@pytest.mark.parametrize('key, rows, status, requests', [
    (PLAIN, [row(OLD)], 204, ['HEAD', 'DELETE', 'GET', f'PUT {OLD}']), (PLAIN, [], 204, ['HEAD', 'DELETE', 'GET']),
    (PLAIN, [row(OLD, MARKER)], 204, ['HEAD', 'DELETE', 'GET']),
    # Swift would delete the link.
    (LINK, [row(NEW)], 404, ['HEAD']), (404, [row(OLD)], 204, ['HEAD', 'DELETE'])])
def test_the_null_version(key, rows, status, requests):
    """It is deleted only where the key has it, and what is below it is shown."""
    assert (status, requests) == deletion('null', rows, current=None, key=key)[:2]


def test_who_may_not_write():
    """Does not learn whether there is a null version."""
    judged = []

    def judge(request):
        judged.append(request.acl)
        return HTTPForbidden()

    assert (403, ['HEAD']) == deletion('null', key=LINK, judge=judge)[:2]
    assert ['writers'] == judged


@pytest.mark.parametrize('info, version', [({}, NEW), ({}, 'null'), (VERSIONED, '')])
def test_other_deletions(info, version):
    """Are passed on: in a bucket that never had versions, and of no version."""
    status, requests, swift = deletion(version, current='' if not version else None, info=info)

    assert (204, ['DELETE']) == (status, requests)
    assert 'X-Timestamp' not in swift.seen[0].headers


@pytest.mark.parametrize('trouble', [{'put': 503}, {'put': Timeout}, {'key': 503}])
def test_what_has_to_be_repeated(trouble):
    """503: the repeat shows the version, although there is nothing left to delete."""
    def fail(seen):
        raise Timeout()

    trouble = {name: fail if answer is Timeout else answer for name, answer in trouble.items()}
    assert 503 == deletion('null' if 'key' in trouble else NEW, [row(OLD)], **trouble)[0]


@pytest.mark.parametrize('method, source, path, query, applies', [
    ('DELETE', 'S3', '/v1/a/c/o', 'version-id=1', True),
    ('DELETE', 'S3', '/v1/a/c/o/p', 'symlink=get&version-id=1', True),
    ('DELETE', 'S3', '/v1/a/c/o', 'multipart-manifest=delete', False),
    ('DELETE', None, '/v1/a/c/o', 'version-id=1', False), ('GET', 'S3', '/v1/a/c/o', 'version-id=1', False),
    ('DELETE', 'S3', '/v1/a/c', 'version-id=1', False)])
def test_requests(method, source, path, query, applies):
    """Only those that s3api makes: the Swift API stays as it is."""
    env = {'REQUEST_METHOD': method, 'PATH_INFO': path, 'QUERY_STRING': query, 'swift.source': source}

    assert applies is deleted_versions.applies_to(env)
