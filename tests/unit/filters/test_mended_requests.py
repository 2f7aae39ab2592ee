# SPDX-License-Identifier: Apache-2.0
"""What s3api's reading of a request gets wrong: which requests are refused, and what is hidden from it."""
import itertools
from io import BytesIO
from types import SimpleNamespace

import botocore.session
import pytest
from swift.common.middleware.s3api import exception
from swift.common.middleware.s3api.s3response import ErrorResponse
from swift.common.swob import HeaderKeyDict

from s3multi.filters import mended_requests
from tests.unit.fakes import client_env

SIGNED = {'HTTP_AUTHORIZATION': 'AWS4-HMAC-SHA256 Credential=...'}


def request(method='PUT', query='', key='key', **headers):
    """Return what s3api makes of a request, as far as it is looked at."""
    return SimpleNamespace(
        method=method, object_name=key, params=dict(pair.partition('=')[::2] for pair in query.split('&') if pair),
        headers=HeaderKeyDict({name.replace('_', '-'): value for name, value in headers.items()}), environ={})


def outcome(*args, **headers):
    """Return what a request is refused with: code, and the message for what is InvalidArgument; None if it is not."""
    try:
        mended_requests.after_parsing(request(*args, **headers))
    except ErrorResponse as error:
        return type(error).__name__, str(error.info.get('argument_name', '')), error._msg
    return None


def conflict(*names):
    """Return what Amazon S3 was seen to answer to several selectors."""
    return 'InvalidArgument', 'ResourceType', 'Conflicting query string parameters: ' + ', '.join(names)


UNEXPECTED = 'InvalidArgument', 'ResourceType', 'Unexpected query string parameter'


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH'])
@pytest.mark.parametrize('key', [None, 'key'])
@pytest.mark.parametrize('query, refused', [
    # Measured on Amazon S3 for other pairs, and reported for this one.
    ('uploads&uploadId=x', conflict('uploadId', 'uploads')),
    ('uploadId=x&acl', conflict('acl', 'uploadId')),
    ('uploads&versioning', conflict('uploads', 'versioning')),
    ('tagging&uploadId=x&acl', conflict('acl', 'tagging', 'uploadId')),
    ('attributes&uploadId=x', conflict('attributes', 'uploadId')),
    ('partNumber=1&delete', conflict('delete', 'partNumber')),
    # Not known from Amazon S3: nothing else may be done than what both ask for.
    ('partNumber=1&uploads', conflict('partNumber', 'uploads')),
])
def test_several_selectors(method, key, query, refused):
    """Which one the client means nobody knows, so nothing is done."""
    assert refused == outcome(method, query, key)


@pytest.mark.parametrize('method, key, refused', [
    ('PUT', 'key', None), ('PUT', None, None), *((method, key, conflict('partNumber', 'uploadId')) for method in (
        'GET', 'HEAD', 'POST', 'DELETE', 'PATCH') for key in ('key', None))])
def test_a_part_of_an_upload(method, key, refused):
    """Only a PUT is for one. (Whether it has a key is asked by the operation.)"""
    assert refused == outcome(method, 'partNumber=1&uploadId=x', key)


@pytest.mark.parametrize('method, key, refused', [
    ('GET', 'key', None), ('HEAD', 'key', None), ('PUT', 'key', None), ('POST', 'key', UNEXPECTED),
    ('DELETE', 'key', UNEXPECTED), ('PATCH', 'key', UNEXPECTED), ('PUT', None, None),
    *((method, None, UNEXPECTED) for method in ('GET', 'HEAD', 'POST', 'DELETE', 'PATCH'))])
def test_a_part_number_alone(method, key, refused):
    """Reads of a part go on; a PUT is told by its operation that it lacks the upload. Nothing is deleted for one."""
    assert refused == outcome(method, 'partNumber=1', key)


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])
@pytest.mark.parametrize('query', ['', 'uploads', 'uploadId=x', 'uploadId=', 'versionId=null', 'acl', 'tagging', 'x=y',
                                   'x-id=PutObject', 'list-type=2', 'versions', 'session', 'prefix=lifecycle'])
@pytest.mark.parametrize('key', [None, 'key'])
def test_one_selector(method, query, key):
    """Is for s3api, or for the operations, as it always was."""
    assert outcome(method, query, key) is None


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])
@pytest.mark.parametrize('key, refused', [('key', None), (None, UNEXPECTED)])
def test_attributes(method, key, refused):
    """Those of a bucket there are none."""
    assert refused == outcome(method, 'attributes', key)


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])
@pytest.mark.parametrize('query, refused', [
    ('lifecycle', None), ('lifecycle=', None), ('lifecycle&x-id=PutBucketLifecycleConfiguration', None),
    ('lifecycle&acl', conflict('acl', 'lifecycle')), ('uploads&lifecycle', conflict('lifecycle', 'uploads')),
    ('lifecycle&versioning&cors', conflict('cors', 'lifecycle', 'versioning'))])
def test_the_lifecycle_of_a_bucket(method, query, refused):
    """Is for its operation, whatever the method; beside something else nobody knows what is meant."""
    assert refused == outcome(method, query, None)


@pytest.mark.parametrize('key, selector', [('key', 'lifecycle'), *itertools.product((None, 'key'), (
    'encryption', 'retention', 'legal-hold', 'annotation'))])
@pytest.mark.parametrize('method', ['PUT', 'POST', 'DELETE'])
def test_what_s3api_does_not_know(selector, method, key):
    """It would write or delete the object, or the bucket, instead of what is below it."""
    assert 'S3NotImplemented' == outcome(method, selector, key)[0]
    assert outcome('GET', selector, key) is None


def test_what_the_sdk_knows():
    """Of all that boto3 can write below an object or bucket, only what s3api or an operation answers goes on.

    If a new boto3 fails here, Amazon S3 has a new operation, which s3api would take for one on the object or bucket.
    """
    model, through = botocore.session.get_session().get_service_model('s3'), set()
    for name in model.operation_names:
        http = model.operation_model(name).http
        method, (path, _, query) = http['method'], http['requestUri'].partition('?')
        if method != 'GET' and query and outcome(method, query, 'key' if 'Key' in path else None) is None:
            through.add(query.partition('=')[0])

    assert through <= {'acl', 'cors', 'delete', 'lifecycle', 'logging', 'notification', 'object-lock', 'policy',
                       'publicAccessBlock', 'requestPayment', 'restore', 'select&select-type', 'tagging', 'uploads',
                       'versioning', 'website'}


# Headers

@pytest.mark.parametrize('method, query, headers, refused', [
    ('PUT', '', {'X_Amz_Copy_Source': '/b/k', 'Range': 'bytes=0-4'}, True),
    ('PUT', 'partNumber=1&uploadId=x', {'X_Amz_Copy_Source': '/b/k', 'Range': 'bytes=0-4'}, True),
    ('PUT', '', {'X_Amz_Copy_Source': '/b/k', 'X_Amz_Copy_Source_Range': 'bytes=0-4'}, False),
    # RFC 9110, section 14.2: a Range where there is none is to be ignored. What Amazon S3 does is not known.
    ('PUT', '', {'Range': 'bytes=0-4'}, False), ('PUT', 'partNumber=1&uploadId=x', {'Range': 'bytes=0-4'}, False),
    ('GET', '', {'Range': 'bytes=0-4'}, False)])
def test_range_of_a_copy(method, query, headers, refused):
    """It is not that of the source, and s3api would make it so."""
    assert (('InvalidArgument', 'Range', 'Illegal copy header') if refused else None) == (
        outcome(method, query, **headers))


@pytest.mark.parametrize('method, query', [('PUT', ''), ('PUT', 'partNumber=1&uploadId=x')])
@pytest.mark.parametrize('sent, read', [
    ('/b/a+b', '/b/a%20b'), ('b/a%2Bb?versionId=1', 'b/a%2Bb?versionId=1'), ('/b/+%2B+', '/b/%20%2B%20')])
def test_plus_sign_of_a_source(method, query, sent, read):
    """Is a blank, as in a query."""
    req = request(method, query, X_Amz_Copy_Source=sent)
    mended_requests.after_parsing(req)

    assert read == req.headers['X-Amz-Copy-Source']


@pytest.mark.parametrize('sent, kept', [
    ('aws-chunked', None), ('aws-chunked,gzip', 'gzip'), ('gzip, aws-chunked', 'gzip'), ('AWS-Chunked, br', 'br'),
    ('br,aws-chunked ,gzip', 'br, gzip'), ('aws-chunked, aws-chunked', None), ('gzip,br', 'gzip,br'), ('', ''),
    ('x-aws-chunked', 'x-aws-chunked'), ('gzip ', 'gzip ')])
def test_encodings(sent, kept):
    """That of the body is none of the object; others stay as they were, and in their order."""
    req = request(Content_Encoding=sent)
    mended_requests.after_parsing(req)

    assert kept == req.headers.get('Content-Encoding')


# The environ

def parsed(method, query, **more):
    """Return the environ of a signed request, as s3api gets it."""
    env = client_env('/bucket/key', query, b'body', REQUEST_METHOD=method, **{**SIGNED, **more})
    mended_requests.before_parsing(env)
    return env


@pytest.mark.parametrize('algorithm', ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'])
@pytest.mark.parametrize('query', ['uploadId=x', 'x=y&uploadId=', 'upload%49d=x'])
def test_count_behind_a_checksum(algorithm, query):
    """s3api sees the checksum without it, the operation with it."""
    name = 'HTTP_X_AMZ_CHECKSUM_' + algorithm
    env = parsed('POST', query, **{name: 'AAA+/w==-12'})
    headers = mended_requests.headers_of(SimpleNamespace(headers={'X-Amz-Checksum-' + algorithm.title(): env[name]},
                                                         environ=env))

    assert 'AAA+/w==' == env[name]
    assert {'x-amz-checksum-' + algorithm.lower(): 'AAA+/w==-12'} == {
        header.lower(): value for header, value in headers.items()}


@pytest.mark.parametrize('method, query, value', [
    ('POST', 'uploads', 'AAAAAA==-1'), ('PUT', 'uploadId=x&partNumber=1', 'AAAAAA==-1'), ('POST', 'delete', 'AAA=-1'),
    ('POST', 'uploadId=x', 'AAAAAA==-'), ('POST', 'uploadId=x', '-1'), ('POST', 'uploadId=x', 'AAAAAA==-1-1'),
    ('POST', 'uploadId=x', 'AAAAAA==-123456'), ('POST', 'uploadId=x', '\xe9-1')])
def test_checksums_that_stay(method, query, value):
    """Of other requests, and malformed ones, which s3api is to refuse."""
    assert value == parsed(method, query, HTTP_X_AMZ_CHECKSUM_CRC32=value)['HTTP_X_AMZ_CHECKSUM_CRC32']


@pytest.mark.parametrize('read, length, incomplete', [(4, '4', False), (3, '4', True), (0, '4', True), (0, '0', False),
                                                      (4, None, False)])
def test_body_that_is_incomplete(read, length, incomplete):
    """By what was read of it, and what was announced."""
    env = parsed('PUT', '', CONTENT_LENGTH=length, **{'wsgi.input': BytesIO(b'body'[:read])})
    env['wsgi.input'].read()
    error = mended_requests.incomplete_body(env)

    assert incomplete == (error is not None)
    if error:
        assert {'number_bytes_expected': 4, 'number_bytes_provided': read} == error.info


STREAMING = {'HTTP_X_AMZ_CONTENT_SHA256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'}


@pytest.mark.skipif(not hasattr(exception, 'S3InputIncomplete'), reason='this Swift reads no such body')
@pytest.mark.parametrize('read', ['read', 'readline'])
def test_aws_chunked_body_that_is_cut(read):
    """Whoever goes on to read one that has ended is stopped: s3api would never stop."""
    read = getattr(parsed('PUT', '', **STREAMING)['wsgi.input'], read)

    assert [b'body', b'', b''] == [read(9), read(9), read(0)]
    with pytest.raises(exception.S3InputIncomplete):
        read(9)


def test_other_bodies_that_are_cut():
    """They end once more and once more."""
    body = parsed('PUT', '')['wsgi.input']

    assert [b'body', b'', b'', b''] == [body.read(9) for _ in range(4)]


def test_requests_of_others():
    """Of the Swift API nothing is touched."""
    env = client_env('/v1/AUTH_a/bucket/key', 'uploadId=x', HTTP_X_AMZ_CHECKSUM_CRC32='AAAAAA==-1',
                     REQUEST_METHOD='POST')
    before = dict(env)
    mended_requests.before_parsing(env)

    assert before == env
    assert mended_requests.incomplete_body(env) is None
