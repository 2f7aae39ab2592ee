# SPDX-License-Identifier: Apache-2.0
"""The filter s3multi: what passes unchanged, which operation a request asks for, and what becomes of errors."""
import logging
from types import SimpleNamespace

import pytest
import swift
from swift.common import registry

from s3multi import config
from s3multi.filters.handoff import DELETED_BUCKET, DELETING, HANDOFF, Deleting, read_call
from s3multi.filters.routes import route
from s3multi.filters.s3multi import S3MultiMiddleware, filter_factory
from s3multi.filters.startup_checks import NEWEST_SWIFT
from s3multi.operations import abort, copy_part, initiate, list_parts, list_uploads, upload_part
from s3multi.operations.bucket import Cluster
from s3multi.operations.complete import handler as complete
from s3multi.s3.errors import S3Error
from s3multi.storage.deletion import Freeing
from s3multi.upload.names import UploadIds
from tests.unit.fakes import RecordingSwift, client_env, handed_on

IDS = UploadIds(b'secret')
SETTINGS = config.load({'missing_part_patience': '0'}, {'min_segment_size': 1, 'max_upload_part_num': 10000})


def cluster_with(logger=None):
    """Return a cluster with these ids and settings."""
    return Cluster(SETTINGS, IDS, Freeing(2, 100, None), logger)


def answer(app, env):
    """Return status line and body of the answer of the filter s3multi, with ``app`` to its right."""
    logger = logging.getLogger('s3multi.test')
    logger.thread_locals = None
    answers = []
    body = S3MultiMiddleware(app, cluster_with(logger))(
        env, lambda status, headers, exc_info=None: answers.append(status))
    return answers[0], b''.join(body)


# Requests that were not handed on

@pytest.mark.parametrize('method', ['PUT', 'HEAD', 'POST', 'DELETE', 'OPTIONS'])
def test_other_requests_pass_untouched(method):
    """Environ, ``start_response`` and answer are the same objects, and nothing is read or changed on the way."""
    env, start_response, body = client_env(query='uploadId=x', REQUEST_METHOD=method), object(), [b'x']
    before, seen = dict(env), []

    def app(*args):
        seen.append(args)
        return body

    middleware = S3MultiMiddleware(app, cluster_with())

    assert body is middleware(env, start_response)
    assert (env, start_response) == seen[0] and env is seen[0][0]
    assert before == env


@pytest.mark.parametrize('more', [{'REQUEST_METHOD': 'GET'}, {'REQUEST_METHOD': 'COPY'},
                                  {'HTTP_X_COPY_FROM': '/bucket/key'}], ids=str)
def test_requests_that_read_an_object_pass_with_its_parts(more):
    """Only ``swift.authorize`` is changed, and the digests that a copy does not inherit. No request is made for it."""
    env, seen = client_env(**more), []
    before = dict(env)

    S3MultiMiddleware(lambda env, start_response: seen.append(env), cluster_with())(env, None)

    assert env is seen[0]
    assert ['swift.authorize'] == [name for name in env if env[name] is not before.get(name) and env[name] != '']


@pytest.mark.parametrize('headers, followed', [({'x-amz-copy-source': 'bucket/key'}, True), ({}, False)], ids=str)
def test_upload_part_copy_reads_its_source_with_its_parts(headers, followed):
    """No other operation reads an object's bytes for the client."""
    env = handed_on('PUT', params={'partNumber': '1', 'uploadId': 'x'}, headers=headers)
    before = env['swift.authorize']
    answer(RecordingSwift(HEAD=(204, BUCKET, b'')), env)

    assert followed == (env['swift.authorize'] is not before)


def test_errors_of_other_requests_pass_untouched():
    """An exception from the right is neither logged here nor answered in XML."""
    def app(env, start_response):
        raise KeyError('theirs')

    with pytest.raises(KeyError, match='theirs'):
        answer(app, client_env())


# Requests of s3api to delete a bucket

@pytest.mark.parametrize('method, path', [
    ('HEAD', '/v1/AUTH_a/bucket'), ('GET', '/v1/AUTH_a/bucket'), ('DELETE', '/v1/AUTH_a/bucket/key'),
    ('DELETE', '/v1/AUTH_a/bucket+segments'), ('DELETE', '/v1/AUTH_a/bucket+segments/key'), ('DELETE', '/v1/AUTH_a'),
])
def test_requests_on_the_way_to_it_pass(method, path):
    """s3api makes other requests with the same mark, too."""
    swift = RecordingSwift()
    answer(swift, client_env(path, **{'REQUEST_METHOD': method, DELETED_BUCKET: 'bucket'}))

    assert [(method, path)] == [(seen.method, seen.path) for seen in swift.seen]


@pytest.mark.parametrize('status', [403, 404, 409, 503])
def test_a_bucket_that_is_not_deleted_keeps_its_uploads(status):
    """That holds whatever the reason is. The answer is Swift's."""
    swift = RecordingSwift(DELETE=(status, {}, b'why'), HEAD=204)
    got = answer(swift, client_env('/v1/AUTH_a/bucket', **{'REQUEST_METHOD': 'DELETE', DELETED_BUCKET: 'bucket'}))

    assert ('%d As The Test Says' % status, b'why') == got
    assert '/v1/AUTH_a/bucket' == swift.last.path


def test_a_bucket_whose_name_is_no_text():
    """The request passes, and Swift answers it."""
    swift = RecordingSwift(DELETE=412)
    got = answer(swift, client_env('/v1/AUTH_a/\xff', **{'REQUEST_METHOD': 'DELETE', DELETED_BUCKET: '\xff'}))

    assert '412 As The Test Says' == got[0]


# Requests of s3api for objects

KEY = '/v1/AUTH_a/bucket/key'
ASKED = 'multipart-manifest=delete'


def large(upload_id):
    """Return Swift's answer to a HEAD of the object that an upload made."""
    return 200, {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': upload_id,
                 'X-Timestamp': '1790000000.00000', 'Content-Length': '0'}, b''


def as_s3api(swift, *requests):
    """Send requests of s3api, pairs of method and query, for one S3 request that deletes; return those for the key."""
    deleting = Deleting()
    for method, query in requests:
        answer(swift, client_env(KEY, query, **{'REQUEST_METHOD': method, 'swift.source': 'S3', DELETING: deleting}))
    return [(seen.method, seen.query) for seen in swift.seen if seen.path == KEY]


@pytest.mark.parametrize('query', ['', ASKED], ids=['next s3api', 's3api'])
@pytest.mark.parametrize('version', ['', '&version-id=null'])
def test_delete_of_what_s3api_has_seen(query, version):
    """Swift is not asked a second time, and SLO deletes no parts of ours."""
    upload_id = IDS.new('AUTH_a', 'bucket', 'key', 1790000000 * 100000)
    looked, asked = 'symlink=get' + version, (query + version).strip('&')

    assert [('HEAD', looked), ('DELETE', version.strip('&'))] == as_s3api(
        RecordingSwift(HEAD=large(upload_id)), ('HEAD', looked), ('DELETE', asked))


@pytest.mark.parametrize('look', [('HEAD', 'symlink=get&version-id=1'), ('HEAD', ''), ('HEAD', 'symlink=get')],
                         ids=['another version', 'where a link leads', 'failed'])
def test_delete_of_what_s3api_has_not_seen(look):
    """It is looked here."""
    swift = RecordingSwift(HEAD=lambda seen: 503 if seen.path == KEY else 204)

    assert ['HEAD', 'HEAD', 'DELETE'] == [method for method, _query in as_s3api(swift, look, ('DELETE', ''))]


@pytest.mark.parametrize('method, path, more', [
    ('DELETE', KEY, {}), ('DELETE', KEY, {'swift.source': 'S3'}),
    ('DELETE', KEY, {'swift.source': 'SLO', DELETING: Deleting()}), ('PUT', KEY, {'swift.source': 'SLO'}),
    ('PUT', '/v1/AUTH_a/bucket', {'swift.source': 'S3'}), ('POST', KEY, {'swift.source': 'S3', DELETING: Deleting()})])
def test_what_replaces_nothing_for_s3(method, path, more):
    """Requests of the Swift API, of other filters, and s3api's own for parts of its uploads."""
    swift = RecordingSwift()
    answer(swift, client_env(path, ASKED, **{'REQUEST_METHOD': method, **more}))

    assert [(method, ASKED)] == [(seen.method, seen.query) for seen in swift.seen]


# Operations

ROUTES = [
    ('POST', {'uploads': ''}, initiate), ('GET', {'uploads': ''}, list_uploads),
    ('PUT', {'uploadId': 'x', 'partNumber': '1'}, upload_part), ('PUT', {'partNumber': '1'}, upload_part),
    ('POST', {'uploadId': 'x'}, complete), ('GET', {'uploadId': 'x'}, list_parts), ('DELETE', {'uploadId': 'x'}, abort),
    ('POST', {'uploadId': 'x', 'uploads': ''}, complete), ('GET', {'uploadId': 'x', 'partNumber': '1'}, list_parts),
]


@pytest.mark.parametrize('method, params, operation', [
    pytest.param(*row, id='%s-%s' % (row[0], '-'.join(row[1]))) for row in ROUTES])
def test_operations(method, params, operation):
    """Method and query parameters tell the operation.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
    """
    assert operation.run is route(read_call(handed_on(method, params=params)))


def test_a_copy_source_makes_a_copy():
    """The same request with x-amz-copy-source is Upload Part Copy."""
    params, headers = {'uploadId': 'x', 'partNumber': '1'}, {'x-amz-copy-source': 'b/k'}

    assert copy_part.run is route(read_call(handed_on('PUT', params=params, headers=headers)))


@pytest.mark.parametrize('method, params, resource, allowed', [
    ('PUT', {'uploadId': 'x'}, 'UPLOAD', 'GET, POST, DELETE'),
    ('HEAD', {'uploadId': 'x'}, 'UPLOAD', 'GET, POST, DELETE'),
    ('HEAD', {'uploads': ''}, 'UPLOADS', 'GET, POST'), ('DELETE', {'uploads': ''}, 'UPLOADS', 'GET, POST'),
    ('PUT', {'uploads': ''}, 'UPLOADS', 'GET, POST'), ('POST', {'partNumber': '1'}, 'PART', 'PUT'),
])
def test_methods_that_are_no_operation(method, params, resource, allowed):
    """They are answered with 405 MethodNotAllowed and the methods that are allowed."""
    with pytest.raises(S3Error) as refused:
        route(read_call(handed_on(method, params=params)))

    assert ('MethodNotAllowed', {'Method': method, 'ResourceType': resource}, {'Allow': allowed}) == (
        refused.value.code, refused.value.fields, refused.value.headers)


# Rights, and errors

BUCKET = {'X-Container-Read': 'readers', 'X-Container-Write': 'writers'}


@pytest.mark.parametrize('method, acl', [('GET', 'readers'), ('PUT', 'writers'), ('POST', 'writers'),
                                         ('DELETE', 'writers')])
def test_the_client_is_judged_by_the_acl_of_the_bucket(method, acl):
    """For the lists it needs the right to read, for all else the right to write. Nothing is done or told before."""
    judged = []

    def denied(env, start_response):
        start_response('403 Forbidden', [])
        return [b'denied']

    def authorize(request):
        judged.append(request.acl)
        return denied

    swift = RecordingSwift(HEAD=(204, BUCKET, b''))
    env = handed_on(method, params={'uploadId': 'x'}, **{'swift.authorize': authorize})

    assert ('403 Forbidden', b'denied') == answer(swift, env)
    assert [acl] == judged
    assert not env[HANDOFF].answered
    assert {'HEAD'} == {seen.method for seen in swift.seen}


def test_without_auth_nobody_may():
    """In a pipeline without an auth filter every request is denied."""
    env = handed_on('GET', params={'uploads': ''})
    del env['swift.authorize']
    status, body = answer(RecordingSwift(HEAD=(204, BUCKET, b'')), env)

    assert '403 Forbidden' == status
    assert b'<Code>AccessDenied</Code>' in body


@pytest.mark.parametrize('head, code', [
    pytest.param(404, 'NoSuchBucket', id='no-bucket'),
    pytest.param(lambda seen: 404 if seen.path == '/v1/AUTH_a' else 503, 'NoSuchBucket', id='no-account'),
    pytest.param(503, 'ServiceUnavailable', id='unknown'),
])
def test_who_may_know_is_told_that_there_is_no_bucket(head, code):
    """Before the client was judged, the answer would tell everybody which buckets there are."""
    env = handed_on('GET', params={'uploads': ''})

    assert b'<Code>%s</Code>' % code.encode() in answer(RecordingSwift(HEAD=head), env)[1]


def test_an_error_is_answered_with_its_document():
    """It is also marked as an answer of s3multi, so that s3api passes it on."""
    env = handed_on('PATCH', params={'uploads': ''})
    status, body = answer(RecordingSwift(HEAD=(204, BUCKET, b'')), env)

    assert '405 Method Not Allowed' == status
    assert b'<Code>MethodNotAllowed</Code>' in body and b'<RequestId>tx1</RequestId>' in body
    assert env[HANDOFF].answered


def test_a_path_that_is_no_text_is_answered():
    """It is refused before Swift is asked for anything."""
    swift = RecordingSwift()
    status, body = answer(swift, handed_on('GET', path='/v1/AUTH_a/bucket/\xff', params={'uploads': ''}))

    assert '400 Bad Request' == status
    assert b'<Code>InvalidURI</Code>' in body
    assert not swift.seen


CORS = {'X-Container-Meta-Access-Control-Allow-Origin': 'https://app.test'}
SCRIPT = {'HTTP_ORIGIN': 'https://app.test'}


def denied(request):
    """Deny every request."""
    return auth_says_no


def auth_says_no(env, start_response):
    """Answer as an auth filter that denies."""
    start_response('403 Forbidden', [])
    return [b'']


@pytest.mark.parametrize('method, params, extra', [
    pytest.param('GET', {'uploads': ''}, {}, id='success'),
    pytest.param('PATCH', {'uploads': ''}, {}, id='refusal'),
    pytest.param('GET', {'uploads': '', 'prefix': '\0'}, {}, id='no-text'),
    pytest.param('GET', {'uploads': ''}, {'swift.authorize': denied}, id='denial'),
    pytest.param('PUT', {'uploadId': 'x', 'partNumber': '1'}, {}, id='no-such-upload'),
])
def test_s3api_is_told_what_a_script_may_read(method, params, extra):
    """s3api is told for every answer about the bucket: for a success, an error, and a denial."""
    env = handed_on(method, params=params, **SCRIPT, **extra)
    answer(RecordingSwift(HEAD=(204, {**BUCKET, **CORS}, b''), GET=(200, {}, b'[]')), env)

    assert 'https://app.test' == env[HANDOFF].cors['Access-Control-Allow-Origin']


def test_what_the_cluster_lets_scripts_read():
    """The options of the proxy-server, at the end of every pipeline, hold for the answers of operations, too."""
    class Proxy:
        cors_allow_origin, cors_expose_headers, strict_cors_mode = ['https://app.test'], ['x-cluster'], True

    env = handed_on('GET', params={'uploads': ''}, **SCRIPT)
    middleware = S3MultiMiddleware(RecordingSwift(HEAD=(204, BUCKET, b'')), cluster_with())
    middleware._pipeline_final_app = Proxy
    middleware(env, lambda status, headers, exc_info=None: None)

    assert 'https://app.test' == env[HANDOFF].cors['Access-Control-Allow-Origin']
    assert 'x-cluster' in env[HANDOFF].cors['Access-Control-Expose-Headers']


def test_a_defect_is_a_500_in_xml_and_in_the_log(caplog):
    """The client is told to repeat, and the operator what happened."""
    def app(env, start_response):
        raise KeyError('ours')

    status, body = answer(app, handed_on('GET', params={'uploads': ''}))

    assert '500 Internal Error' == status
    assert b'<Code>InternalError</Code>' in body and b'ours' not in body
    assert 'KeyError' in caplog.text and '/v1/AUTH_a/bucket/key' in caplog.text


def test_an_unforeseen_answer_of_swift_is_in_the_log(caplog):
    """The log tells what it was: the client repeats, but that may not help."""
    swift = RecordingSwift(HEAD=(204, BUCKET, b''), PUT=418)
    status, body = answer(swift, handed_on('POST', params={'uploads': ''}))

    assert '500 Internal Error' == status
    assert b'<Code>InternalError</Code>' in body
    assert 'PUT of object answered 418' in caplog.text


def test_the_code_of_an_error_is_in_the_access_log():
    """It has the form of s3api's own errors there."""
    env = handed_on('PATCH', params={'uploads': ''}, **{'swift.log_info': []})
    answer(RecordingSwift(HEAD=(204, BUCKET, b'')), env)

    assert ['s3:err:MethodNotAllowed'] == env['swift.log_info']


# The factory

@pytest.mark.parametrize('version, warned', [('2.34.0', False), ('99.0.0', True)])
def test_a_swift_that_is_not_tested(monkeypatch, version, warned):
    """The proxy starts all the same. Log and /info tell of it."""
    info = {'s3api': {'min_segment_size': 1, 'max_upload_part_num': 1000},
            'slo': {'max_manifest_segments': 1000, 'max_manifest_size': 8 << 20}}
    monkeypatch.setattr(registry, '_swift_info', info)
    monkeypatch.setattr('s3multi.filters.s3multi.cluster_secret', lambda: b'secret')
    monkeypatch.setattr(swift, '__version__', version)
    logged = []
    monkeypatch.setattr('s3multi.filters.s3multi.get_logger', lambda conf, **options: SimpleNamespace(
        warning=logged.append, logger=logging.getLogger('s3multi.test')))
    filter_factory({})(RecordingSwift())

    said = 's3multi is not tested with Swift 99.0.0: the newest release that it is tested with is %d.%d' % NEWEST_SWIFT
    assert ([said] if warned else []) == logged
    assert (said if warned else None) == info['s3multi'].get('warning')


def test_an_option_in_the_default_section():
    """The proxy does not start: it would be ignored."""
    with pytest.raises(config.ConfigError, match='belongs into'):
        filter_factory({'verify': 'head'})
