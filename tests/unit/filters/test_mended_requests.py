# SPDX-License-Identifier: Apache-2.0
"""What s3api's reading of a request gets wrong: what is hidden from it."""
from io import BytesIO
from types import SimpleNamespace

import pytest

from s3multi.filters import mended_requests
from tests.unit.fakes import client_env

SIGNED = {'HTTP_AUTHORIZATION': 'AWS4-HMAC-SHA256 Credential=...'}


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


def test_requests_of_others():
    """Of the Swift API nothing is touched."""
    env = client_env('/v1/AUTH_a/bucket/key', 'uploadId=x', HTTP_X_AMZ_CHECKSUM_CRC32='AAAAAA==-1',
                     REQUEST_METHOD='POST')
    before = dict(env)
    mended_requests.before_parsing(env)

    assert before == env
    assert mended_requests.incomplete_body(env) is None
