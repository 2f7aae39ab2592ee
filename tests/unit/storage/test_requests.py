# SPDX-License-Identifier: Apache-2.0
"""Sub-requests: nothing that a client sends steers one that has the operator's rights.

Otherwise a client could read and write, by its query, headers or key, what it has no right to. Here one tries.
"""
import pytest
from swift.common.request_helpers import get_reserved_name
from swift.common.swob import Request
from swift.common.utils import Timestamp
from swift.common.wsgi import make_subrequest

from s3multi.s3.errors import S3Error
from s3multi.storage.answers import failure
from s3multi.storage.requests import Backend, Job, Target
from s3multi.upload.marker_names import markers_container
from s3multi.upload.timestamps import swift_time
from tests.cases import for_each
from tests.unit.fakes import RecordingSwift, client_env

CONTAINERS = ['bucket', 'bucket_segments']

# Each of these does harm in a sub-request.
QUERIES = [
    'multipart-manifest=put', 'multipart-manifest=delete', 'multipart-manifest=get', 'symlink=get', 'version-id=1.0',
    'versions', 'bulk-delete', 'extract-archive=tar', 'temp_url_sig=x&temp_url_expires=9999999999', 'part-number=1',
    'format=xml', 'prefix=other', 'marker=z', 'end_marker=a', 'limit=1', 'delimiter=x', 'reverse=true', 'path=x',
    'ignore-range-header=x', 'format=json&format=xml', '&&&', '=', '%00', 'uploadId=x&partNumber=1', '?', '?a?b',
]
HEADERS = [
    'X_COPY_FROM', 'X_COPY_FROM_ACCOUNT', 'DESTINATION', 'DESTINATION_ACCOUNT', 'X_FRESH_METADATA', 'RANGE', 'IF_MATCH',
    'IF_NONE_MATCH', 'IF_MODIFIED_SINCE', 'IF_UNMODIFIED_SINCE', 'IF_RANGE', 'ETAG', 'CONTENT_MD5', 'X_TIMESTAMP',
    'X_NEWEST', 'X_DELETE_AT', 'X_DELETE_AFTER', 'X_OBJECT_MANIFEST', 'X_STATIC_LARGE_OBJECT', 'X_SYMLINK_TARGET',
    'X_SYMLINK_TARGET_ACCOUNT', 'X_OBJECT_META_COLOR', 'X_OBJECT_SYSMETA_S3API_ETAG', 'X_OBJECT_TRANSIENT_SYSMETA_A',
    'X_CONTAINER_READ', 'X_CONTAINER_WRITE', 'X_CONTAINER_META_QUOTA_BYTES', 'X_CONTAINER_SYSMETA_VERSIONS_CONTAINER',
    'X_VERSIONS_ENABLED', 'X_VERSIONS_LOCATION', 'X_HISTORY_LOCATION', 'X_STORAGE_POLICY', 'X_CONTAINER_SYNC_KEY',
    'X_BACKEND_STORAGE_POLICY_INDEX', 'X_BACKEND_ALLOW_RESERVED_NAMES', 'X_BACKEND_ALLOW_PRIVATE_METHODS',
    'X_BACKEND_REPLICATION', 'X_IF_DELETE_AT', 'X_AUTH_TOKEN', 'X_SERVICE_TOKEN', 'X_AMZ_COPY_SOURCE', 'X_AMZ_ACL',
    'X_AMZ_META_COLOR', 'X_AMZ_DATE', 'X_AMZ_CONTENT_SHA256', 'AUTHORIZATION', 'COOKIE', 'TRANSFER_ENCODING', 'EXPECT',
    'CONTENT_ENCODING', 'CONTENT_DISPOSITION', 'X_DETECT_CONTENT_TYPE', 'X_OPEN_EXPIRED', 'ACCEPT', 'X_FORWARDED_FOR',
    'X_SWIFT_SOURCE',
]
# Keys that earlier filters, or other requests, leave in an environ.
ENVIRON = {
    'swift.callback.slo_manifest_hook': print, 'swift.callback.update_footers': print, 'swift.slo_override': True,
    'swift.content_type_overridden': True, 'swift.copy_hook': print, 'swift.post_as_copy': True, 'swift_owner': True,
    'swift.authorize_override_extra': True, 's3multi.handoff': object(), 's3api.backend_path': '/v1/AUTH_a/x',
    'CONTENT_TYPE': 'hostile/type', 'RAW_PATH_INFO': '/v1/AUTH_b/hostile',
}

# Every kind of sub-request: method, object, its own query, headers, body.
KINDS = [
    pytest.param('GET', None, {'format': 'json', 'limit': '10', 'marker': ''}, {}, b'', id='listing'),
    pytest.param('PUT', None, {}, {'X-Storage-Policy': 'gold'}, b'', id='container'),
    pytest.param('PUT', 'key/id', {}, {'X-Timestamp': '1.0', 'Content-Type': 'a/b'}, b'', id='marker'),
    pytest.param('PUT', 'key/id/complete', {}, {'If-None-Match': '*'}, b'', id='intent'),
    pytest.param('PUT', 'key/id/00000001-x', {}, {'Content-Length': '0', 'ETag': 'e'}, b'', id='part'),
    pytest.param('PUT', 'key', {'multipart-manifest': 'put'}, {'Accept': 'application/json'}, b'[]', id='manifest'),
    pytest.param('HEAD', 'key', {}, {'X-Newest': 'true'}, b'', id='head'),
    pytest.param('HEAD', 'key', {'version-id': '1.0'}, {'X-Newest': 'true'}, b'', id='head-of-a-version'),
    pytest.param('DELETE', 'key/id', {}, {'X-Timestamp': '1.0'}, b'', id='delete'),
]

# What every read of an object with the operator's rights asks for beside.
ITSELF = {'symlink': 'get', 'multipart-manifest': 'get'}


def backend_of(swift, **env):
    """Return a backend for a client's request to /v1/AUTH_a/bucket/key."""
    return Backend(swift, client_env(**env), 'AUTH_a', 'bucket')


def ask(backend, rights, method, target, headers, body=b''):
    """Send a request with the rights of the operator or the client; return the body of the answer."""
    if rights == 'client':
        return backend.send_as_client(method, target, headers).body
    return backend.answer(backend.request(method, target, headers, body)).body


# What a client tries

@pytest.mark.parametrize('method, name, query, headers, body', KINDS)
def test_the_query_of_the_client_never_gets_through(method, name, query, headers, body):
    """Swift's helper inherits it where the path of a sub-request has no "?": every path must have one."""
    def check(hostile):
        swift = RecordingSwift()
        ask(backend_of(swift, query=hostile), 'operator', method, Target('bucket_segments', name, query), headers, body)

        sent = {**ITSELF, **query} if method in ('GET', 'HEAD') and name else query
        assert sent == Request(swift.last.env).params
        assert len(sent) == len([pair for pair in swift.last.query.split('&') if pair])

    for_each(QUERIES, check)


@pytest.mark.parametrize('query', [{}, {'version-id': '1.0'}], ids=['none', 'version'])
def test_the_query_of_the_client_does_not_steer_the_read_of_a_source_either(query):
    """With the client's own rights; but a part is bytes, and ?multipart-manifest=get would copy the manifest."""
    def check(hostile):
        swift = RecordingSwift()
        ask(backend_of(swift, query=hostile), 'client', 'GET', Target('source', 'key', query), {})

        assert query == Request(swift.last.env).params

    for_each(QUERIES, check)


@pytest.mark.parametrize('rights', ['operator', 'client'])
@pytest.mark.parametrize('method, name, query, headers, body', KINDS)
def test_headers_of_the_client_never_get_through(rights, method, name, query, headers, body):
    """A sub-request has neither the client's headers nor what other filters keep in the environ."""
    hostile = {'HTTP_' + header: 'hostile' for header in HEADERS}
    swift = RecordingSwift()
    backend = backend_of(swift, body=b'hostile body', **hostile, **ENVIRON)
    ask(backend, rights, method, Target('bucket_segments', name, query), headers, body)
    env = swift.last.env

    assert not [key for key, value in env.items() if 'hostile' in str(value)]
    assert not set(ENVIRON) & set(env) - {'CONTENT_TYPE'}
    assert {name.title(): value for name, value in headers.items() if not name.startswith('Content-')} == {
        name: value for name, value in swift.last.headers.items() if name not in ('Host', 'User-Agent')}


@pytest.mark.parametrize('method, name, query, headers, body', KINDS)
def test_the_body_of_the_client_never_gets_through(method, name, query, headers, body):
    """A sub-request has its own body, or none. Only the PUT of a part gets the client's stream."""
    swift = RecordingSwift()
    ask(backend_of(swift, body=b'hostile body'), 'operator', method, Target('bucket', name, query), headers, body)

    assert body == swift.last.body
    assert method != 'PUT' or str(len(body)) == swift.last.env['CONTENT_LENGTH']


KEYS = [
    'key?multipart-manifest=put', 'key%3Fmultipart-manifest=put', '?a=b', '..', '../other/x', '../../AUTH_b/c/o', '/',
    '//other/x', '%2e%2e/x', 'a#b', 'a;b', 'a b+c', 'a\nX-Copy-From: /b/c', 'a\r\n\r\nGET /', '\u00e9\U0001f600',
    'a%00b', 'http://host/v1/AUTH_b/c/o', '\x01', 'key/' + 'i' * 21 + '/complete', '%', '%ZZ', "'\"<>&", '\udcff',
]


@pytest.mark.parametrize('rights', ['operator', 'client'])
@pytest.mark.parametrize('container', CONTAINERS)
def test_no_key_leads_out_of_its_container(container, rights):
    """A key is a name, whatever stands in it: no query, no header, no other path."""
    def check(key):
        swift = RecordingSwift()
        ask(backend_of(swift), rights, 'GET', Target(container, key, {'a': 'b'}), {})

        assert 'AUTH_a/%s/%s' % (container, key) == swift.last.path.removeprefix('/v1/')
        assert ('a=b' if rights == 'client' else 'symlink=get&multipart-manifest=get&a=b') == swift.last.query
        assert {'Host', 'User-Agent'} == set(swift.last.headers)

    for_each(KEYS, check)


def test_no_value_leads_out_of_its_parameter():
    """A marker or prefix that the client chose stays one value of a query of ours."""
    def check(value):
        swift = RecordingSwift()
        ask(backend_of(swift), 'operator', 'GET', Target('bucket_segments', None, {'prefix': value, 'limit': '1'}), {})

        prefix, limit = swift.last.query.split('&')
        assert 'limit=1' == limit
        assert value == Request(swift.last.env).params['prefix'].encode('latin-1').decode('utf-8', 'surrogateescape')
        assert prefix.startswith('prefix=')

    for_each(['a&multipart-manifest=put', 'a=b', '#', '\u00e9', ' +', '%26', '\udcff', ''], check)


def test_the_operators_rights_end_at_the_bucket():
    """The client was authorised for one bucket: no other container but that of its segments is addressed."""
    def check(container):
        swift = RecordingSwift()
        backend = backend_of(swift)

        with pytest.raises(ValueError, match='may not leave the bucket'):
            backend.request('GET', Target(container, 'key'))
        with pytest.raises(ValueError, match='may not leave the bucket'):
            backend.call('DELETE', Target(container), ())
        assert not swift.seen

    for_each([
        'other', 'other_segments', '', 'bucket_segments_segments', 'bucket/', 'bucket/key', 'bucket_segments/x',
        'Bucket', 'bucket?x', '../bucket', ' bucket', 'bucket\n', 'bucket_versions', '\0versions\0bucket',
        '.expiring_objects',
    ], check)


def test_segments_of_stock_s3api_are_only_read():
    """They are listed with the uploads of s3multi. Everything else about them is left to Swift's own controllers."""
    swift = RecordingSwift(GET=204, HEAD=204)
    backend = backend_of(swift)
    backend.call('GET', Target('bucket+segments'), ())

    assert ['/v1/AUTH_a/bucket+segments'] == [seen.path for seen in swift.seen]
    for method in ('PUT', 'POST', 'DELETE', 'COPY', 'UPDATE'):
        with pytest.raises(ValueError, match='may not leave the bucket'):
            backend.request(method, Target('bucket+segments', 'key'))
    with pytest.raises(ValueError, match='may not leave the bucket'):
        backend.request('GET', Target('other+segments'))


@pytest.mark.parametrize('path', ['/v1/AUTH_b/bucket/key', '/v1/AUTH_b/other', '/'])
def test_the_account_is_the_one_that_was_authorised(path):
    """It is not read from the path again, which another filter might have changed."""
    swift = RecordingSwift()
    backend = backend_of(swift, path=path)
    ask(backend, 'operator', 'PUT', Target('bucket', 'key'), {})
    ask(backend, 'client', 'GET', Target('source', 'key'), {})

    assert ['/v1/AUTH_a/bucket/key', '/v1/AUTH_a/source/key'] == [seen.path for seen in swift.seen]


# Rights

def test_requests_of_the_operator_need_no_auth():
    """No filter to the right judges them, since the client was judged already."""
    swift = RecordingSwift()
    denied = object()
    backend = backend_of(swift, **{'swift.authorize': lambda request: denied})
    ask(backend, 'operator', 'GET', Target('bucket', 'key'), {})
    env = swift.last.env

    assert (True, '.wsgi.pre_authed') == (env['swift.authorize_override'], env['REMOTE_USER'])
    assert env['swift.authorize'](Request(env)) is None


@pytest.mark.parametrize('path, status', [
    ('/v1/AUTH_a/bucket/key', None), ('/v1/AUTH_a/other/key', None), ('/v1/AUTH_b/bucket/key', 403),
    ('/v1/AUTH_a', 403), ('/v1/AUTH_ab/bucket/key', 403), ('/v1/.expiring_objects/x/y', 403), ('/', 403)])
def test_the_operators_rights_end_at_the_account(path, status):
    """Where a filter on the right goes on with the same rights, as it does behind a link: see ``_confine``."""
    swift = RecordingSwift()
    ask(backend_of(swift), 'operator', 'GET', Target('bucket', 'key'), {})
    further = make_subrequest(swift.last.env, path=path)
    denied = further.environ['swift.authorize'](further)

    assert status == (denied and further.get_response(denied).status_int)


def test_requests_as_the_client_are_judged_as_the_clients():
    """They have the client's ``swift.authorize`` and name, whatever bucket they are for."""
    swift = RecordingSwift()
    denied = object()
    backend = backend_of(swift, **{'swift.authorize': lambda request: denied})
    # An earlier request with the operator's rights must leave nothing behind.
    ask(backend, 'operator', 'PUT', Target('bucket', 'key'), {})
    ask(backend, 'client', 'GET', Target('anything', 'secret'), {'Range': 'bytes=0-1'})
    env = swift.last.env

    assert denied is env['swift.authorize'](Request(env))
    assert 'swift.authorize_override' not in env
    assert 'test,test:tester,AUTH_test' == env['REMOTE_USER']
    assert 'bytes=0-1' == env['HTTP_RANGE']


@pytest.mark.parametrize('rights', ['operator', 'client'])
def test_sub_requests_are_named_in_the_logs(rights):
    """Source and agent say who has made them, the transaction id on behalf of which request."""
    swift = RecordingSwift()
    ask(backend_of(swift, HTTP_USER_AGENT='aws-cli'), rights, 'GET', Target('bucket', 'key'), {})
    env = swift.last.env

    assert ('S3M', 'aws-cli s3multi', 'tx1') == (env['swift.source'], env['HTTP_USER_AGENT'], env['swift.trans_id'])


@pytest.mark.parametrize('client, past_quota, bound', [
    pytest.param({}, False, True, id='anybody'),
    pytest.param({}, True, False, id='what-ends-an-upload'),
    pytest.param({'reseller_request': True}, False, False, id='reseller'),
    pytest.param({'reseller_request': 'yes'}, False, True, id='no-reseller'),
])
def test_whom_account_quotas_bind(client, past_quota, bound):
    """They bind everybody whom they bind elsewhere in Swift, but never keep an upload from being ended."""
    swift = RecordingSwift()
    backend_of(swift, **client).call('PUT', Target('bucket', 'key'), (), past_quota=past_quota)

    assert bound is not swift.last.env.get('reseller_request', False)


def test_the_environ_of_the_client_is_left_as_it_is():
    """Only the cache of container infos is added, which is shared with sub-requests."""
    env = client_env(query='multipart-manifest=put', HTTP_RANGE='bytes=0-1')
    del env['swift.infocache']
    before = dict(env)
    backend = Backend(RecordingSwift(), env, 'AUTH_a', 'bucket')
    for rights in ('operator', 'client'):
        ask(backend, rights, 'GET', Target('bucket', 'key', {'a': 'b'}), {'X-Newest': 'true'})

    assert {**before, 'swift.infocache': {}} == env


@pytest.mark.parametrize('target, looked_up', [
    (Target('bucket_segments', 'key/id/complete'), 'bucket_segments'),
    (Target(markers_container('bucket'), 'key id'), markers_container('bucket')),
    (Target('bucket', 'key', {'version-id': '1'}), get_reserved_name('versions', 'bucket')),
])
@pytest.mark.parametrize('status, outcome', [(204, 404), (404, 404), (503, 'ServiceUnavailable')])
def test_what_is_missing_in_an_unknown_storage_policy(target, looked_up, status, outcome):
    """It may be there: without the info of the container, Swift looks in the first policy and answers 404."""
    known = {'/v1/AUTH_a': 204, '/v1/AUTH_a/' + looked_up: status}
    swift = RecordingSwift(HEAD=lambda seen: known.get(seen.path, 404))
    backend = Backend(swift, client_env(**{'swift.infocache': {}}), 'AUTH_a', 'bucket')
    try:
        found = backend.head_newest(target).status_int
    except S3Error as error:
        found = error.code

    assert outcome == found


def test_container_infos_are_shared_with_sub_requests():
    """Otherwise a cached 404 of the segments container would outlive its creation."""
    env = client_env()
    swift = RecordingSwift()
    ask(Backend(swift, env, 'AUTH_a', 'bucket'), 'operator', 'PUT', Target('bucket_segments'), {})

    assert swift.last.env['swift.infocache'] is env['swift.infocache']


# Bodies and answers

@pytest.mark.parametrize('headers, length', [
    pytest.param({}, '0', id='none-said'),
    pytest.param({'Content-Length': '7'}, '7', id='said'),
    pytest.param({'Transfer-Encoding': 'chunked'}, None, id='in-chunks'),
])
def test_length_of_a_put(headers, length):
    """Swift refuses a PUT that has no length and is not sent in chunks."""
    request = backend_of(RecordingSwift()).request('PUT', Target('bucket', 'key'), headers)

    assert length == request.environ.get('CONTENT_LENGTH')


@pytest.mark.parametrize('status', [200, 404, 500])
def test_answers_are_read_and_closed(status):
    """An answer that is not read keeps its connection to a storage node, and is logged as if the client had hung up."""
    swift = RecordingSwift(GET=(status, {}, b'answer'))
    backend = backend_of(swift)

    assert b'answer' == backend.answer(backend.request('GET', Target('bucket'))).body
    assert 0 == swift.unclosed


def test_expected_answers():
    """2xx always, and what the caller says it can use."""
    def check(status):
        swift = RecordingSwift(PUT=status)

        assert status == backend_of(swift).call('PUT', Target('bucket', 'key'), (404, 409)).status_int
        assert 0 == swift.unclosed

    for_each([200, 201, 202, 204, 404, 409], check)


FAILURES = [
    (429, 'SlowDown'), (498, 'SlowDown'), (409, 'ServiceUnavailable'), (503, 'ServiceUnavailable'),
    (504, 'ServiceUnavailable'), (507, 'ServiceUnavailable'), (301, 'InternalError'), (400, 'InternalError'),
    (401, 'InternalError'), (403, 'InternalError'), (404, 'InternalError'), (405, 'InternalError'),
    (412, 'InternalError'), (422, 'InternalError'), (500, 'InternalError'), (502, 'InternalError'),
]


def test_other_answers_are_errors_that_clients_repeat():
    """Rate limits are SlowDown, a busy or broken cluster ServiceUnavailable; the rest is ours to look into."""
    def check(case):
        status, code = case
        swift = RecordingSwift(PUT=status)
        with pytest.raises(S3Error) as raised:
            backend_of(swift).call('PUT', Target('bucket', 'key'), ())

        assert code == raised.value.code
        assert raised.value.status >= 500
        assert 0 == swift.unclosed

    for_each(FAILURES, check)


def test_a_quota_is_no_error_that_clients_repeat():
    """The message has Swift's own words."""
    swift = RecordingSwift(PUT=(413, {}, b'Upload exceeds quota.\n'))
    with pytest.raises(S3Error, match='^Upload exceeds quota.$') as raised:
        backend_of(swift).call('PUT', Target('bucket', 'key'), ())

    assert ('EntityTooLarge', 400) == (raised.value.code, raised.value.status)


@pytest.mark.parametrize('target, words', [(Target('bucket', 'key'), 'PUT of object answered 500'),
                                           (Target('bucket'), 'PUT of container answered 500')],
                         ids=['object', 'container'])
def test_what_is_unforeseen_says_what_it_was(target, words):
    """The text is for the log, and has no name in it."""
    swift = RecordingSwift(PUT=500)
    backend = backend_of(swift)

    assert words == str(failure('PUT', target.kind, backend.answer(backend.request('PUT', target))))


# Requests that several modules make

@pytest.mark.parametrize('ticks, internal', [
    (179000000000000, '1790000000.00000'), (179000000000001, '1790000000.00001'),
    (179000000099999, '1790000000.99999'), (2 ** 48 - 1, '2814749767.10655')])
def test_times_of_swift(ticks, internal):
    """A tick is the unit of Swift's timestamps, so nothing is rounded."""
    assert internal == swift_time(ticks).internal


@pytest.mark.parametrize('status', [200, 404])
def test_the_newest_replica_is_asked(status):
    """404 is an answer, not an error."""
    swift = RecordingSwift(HEAD=status)

    assert status == backend_of(swift).head_newest(Target('bucket', 'key')).status_int
    assert ('HEAD', 'true') == (swift.last.method, swift.last.headers['X-Newest'])


@pytest.mark.parametrize('found, asked', [
    pytest.param((200, {}, b''), 1, id='no-versions'),
    pytest.param((200, {'X-Object-Version-Id': 'null'}, b''), 1, id='of-before-the-versions'),
    pytest.param((404, {'X-Object-Version-Id': 'null'}, b''), 1, id='nothing'),
    pytest.param((404, {'X-Object-Version-Id': '1.0'}, b''), 1, id='a-delete-marker'),
    pytest.param((200, {'X-Object-Version-Id': '1.0', 'X-Symlink-Target': 'bucket/key?version-id=1.0'}, b''), 2,
                 id='a-version')])
@pytest.mark.parametrize('newest', [True, False])
def test_what_is_shown_at_a_name(newest, found, asked):
    """Where there are versions it is the current one, which is asked for by its id."""
    swift = RecordingSwift(HEAD=[found, (200, {'Etag': 'e'}, b'')])
    target, response = backend_of(swift).head_current(Target('bucket', 'key'), newest=newest)

    assert ({} if asked == 1 else {'version-id': '1.0'}) == target.query
    assert [{**ITSELF}, {**ITSELF, 'version-id': '1.0'}][:asked] == [Request(seen.env).params for seen in swift.seen]
    assert [newest] * asked == [seen.headers.get('X-Newest') == 'true' for seen in swift.seen]
    assert (asked == 2) is ('Etag' in response.headers)


@pytest.mark.parametrize('status', [204, 404, 409])
def test_deleting_at_a_time(status):
    """409 says that the object is not older, and stays."""
    swift = RecordingSwift(DELETE=status)

    assert status == backend_of(swift).delete(Target('bucket', 'key'), Timestamp('1790000000.00000', offset=1))
    assert '1790000000.00000_0000000000000001' == swift.last.headers['X-Timestamp']


JOB = Job('.expiring_objects', '1789948800', b'[]')


def test_a_job_for_the_expirer_has_nothing_of_the_client():
    """It leaves the account with the operator's rights: account and container are the queue's, and no query."""
    headers = {'HTTP_' + header: 'hostile' for header in HEADERS}

    def check(hostile):
        swift = RecordingSwift(UPDATE=202)
        backend_of(swift, query=hostile, body=b'hostile', **headers, **ENVIRON).enqueue(JOB)
        env = swift.last.env

        assert ('UPDATE', '/v1/.expiring_objects/1789948800', '', b'[]') == (
            swift.last.method, swift.last.path, swift.last.query, swift.last.body)
        assert not [key for key, value in env.items() if 'hostile' in str(value)]
        assert ('0', 'True', 'application/json') == (
            env['HTTP_X_BACKEND_STORAGE_POLICY_INDEX'], env['HTTP_X_BACKEND_ALLOW_PRIVATE_METHODS'],
            env['CONTENT_TYPE'])

    for_each(QUERIES, check)


@pytest.mark.parametrize('status', [400, 404, 500, 503])
def test_a_job_that_was_not_taken(status):
    """An Abort then has to be repeated: the parts are not freed until the queue has them."""
    swift = RecordingSwift(UPDATE=status)
    with pytest.raises(S3Error) as raised:
        backend_of(swift).enqueue(JOB)

    assert 'ServiceUnavailable' == raised.value.code
    assert 0 == swift.unclosed


# Container infos

@pytest.mark.parametrize('container, path', [
    pytest.param(None, '/v1/AUTH_a/bucket', id='bucket'),
    pytest.param('source', '/v1/AUTH_a/source', id='source-of-a-copy'),
    pytest.param('\u00e9?x#y', '/v1/AUTH_a/\u00e9?x#y', id='odd-name'),
])
def test_infos_are_asked_without_the_clients_query(container, path):
    """One HEAD of the container, and nothing of the request."""
    def check(hostile):
        swift = RecordingSwift(HEAD=(204, {'X-Container-Read': 'a:b', 'X-Backend-Storage-Policy-Index': '1'}, b''))
        info = backend_of(swift, query=hostile, HTTP_X_BACKEND_STORAGE_POLICY_INDEX='7').bucket_info(container)

        assert (204, 'a:b', '1') == (info['status'], info['read_acl'], str(info['storage_policy']))
        assert [('HEAD', path, '')] == [(seen.method, seen.path, seen.query) for seen in swift.seen
                                        if seen.path.count('/') == 3]

    for_each(QUERIES[:6], check)


@pytest.mark.parametrize('status, missing', [(204, False), (404, True), (503, False)])
def test_an_account_that_does_not_exist(status, missing):
    """Before its first bucket an account does not exist. Then there is no bucket, and no failure."""
    assert missing is backend_of(RecordingSwift(HEAD=status)).account_is_missing()
