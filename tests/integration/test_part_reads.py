# SPDX-License-Identifier: Apache-2.0
"""GET and HEAD with `?partNumber=`: one part of any object, and what is answered to a number that no part has.

What the parts of a finished upload are, `test_finished_object.py` tells.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import contextlib
import json
import secrets

import pytest
from botocore.exceptions import ClientError


from ..cases import for_each
from . import users
from .raw import multipart_etag
from .uploads import Upload

BODIES = [b'Hello, ', b'multipart ', b'world!\n']
both_methods = pytest.mark.parametrize('method', ['GET', 'HEAD'])


@pytest.fixture(scope='module')
def filled(cluster, tiny):
    """A bucket with an object of three parts, a plain one, an empty one, and a large one of Swift's; none changes."""
    bucket = 'part-reads-' + secrets.token_hex(4)
    assert 200 == tiny.request('PUT', bucket).status
    Upload(tiny, bucket, 'three').parts(*BODIES).complete()
    tiny.request('PUT', bucket, 'plain', body=b'0123456789')
    tiny.request('PUT', bucket, 'empty')
    with contextlib.closing(users.auth.connection(cluster.proxy, 'test:tester', 'testing')) as swift:
        for name, body in (('a', b'one'), ('b', b'three')):
            swift.put_object(bucket, f'segment/{name}', body)
        swift.put_object(bucket, 'large', json.dumps([{'path': f'/{bucket}/segment/{name}'} for name in 'ab']),
                         query_string='multipart-manifest=put')
    return bucket


def part(client, bucket, key, number, headers=(), method='GET', **query):
    """Ask for a part; return the Answer."""
    return client.request(method, bucket, key, {'partNumber': number, **query}, headers)


def place(answer):
    """Return what tells where a part lies: the range, the size, and how many parts there are."""
    return tuple(answer.headers[name] for name in ('Content-Range', 'Content-Length', 'x-amz-mp-parts-count'))


@both_methods
def test_a_plain_object_is_one_part(tiny, filled, method):
    """All of it, with no number of parts."""
    answer = part(tiny, filled, 'plain', 1, method=method)

    assert (206, b'0123456789' if method == 'GET' else b'') == (answer.status, answer.body)
    assert ('bytes 0-9/10', '10', None) == place(answer)


@both_methods
def test_segments_of_swift_are_parts(tiny, filled, method):
    """Of a large object that was made through the Swift API."""
    answer = part(tiny, filled, 'large', 2, method=method)

    assert (206, b'three' if method == 'GET' else b'') == (answer.status, answer.body)
    assert ('bytes 3-7/8', '5', '2') == place(answer)
    assert tiny.request('HEAD', filled, 'large').etag == answer.etag


@both_methods
def test_parts_of_an_upload_of_stock_s3api(tiny, stock, bucket, method):
    """As those of our own."""
    Upload(stock, bucket).parts(*BODIES).complete()
    answer = part(tiny, bucket, 'key', 3, method=method)

    assert (206, BODIES[2] if method == 'GET' else b'', multipart_etag(BODIES)) == (
        answer.status, answer.body, answer.etag)
    assert ('bytes 17-23/24', '7', '3') == place(answer)
    assert '3' == part(tiny, bucket, 'key', 4).error['ActualPartCount']


@pytest.mark.parametrize('key, count', [('three', 3), ('plain', 1), ('empty', 1), ('large', 2)])
@pytest.mark.parametrize('number', ['next', 10000])
def test_a_number_beyond_the_last_part(tiny, filled, key, count, number):
    """416, with the number that was asked for and that of the last part."""
    number = count + 1 if number == 'next' else number
    answer = part(tiny, filled, key, number)

    assert ((416, 'InvalidPartNumber'), str(number), str(count)) == (
        answer.outcome, answer.error['PartNumberRequested'], answer.error['ActualPartCount'])
    assert (416, b'') == (part(tiny, filled, key, number, method='HEAD').status,
                          part(tiny, filled, key, number, method='HEAD').body)


@both_methods
@pytest.mark.parametrize('key', ['three', 'plain'])
def test_what_is_no_part_number(tiny, filled, key, method):
    """400: a whole number from 1 to 10,000 in ASCII digits, and nothing else."""
    def check(number):
        answer = part(tiny, filled, key, number, method=method)

        assert 400 == answer.status
        if method == 'GET':
            assert ('InvalidArgument', 'partNumber') == (answer.error.code, answer.error['ArgumentName'])

    for_each(['0', '-1', '', 'one', '+1', ' 1', '1_0', '1.0', '0x1', '\u0661', '\u00b2', '10001', '9' * 30], check)


@pytest.mark.parametrize('number', ['1', '9', 'one', '+1'])
def test_a_part_and_a_range(tiny, filled, number):
    """400 before the number is looked at, of whatever object."""
    for key in ('three', 'plain', 'none'):
        assert (400, 'InvalidRequest') == part(tiny, filled, key, number, {'Range': 'bytes=0-1'}).outcome


def test_an_object_that_is_not_there(tiny, filled):
    """404."""
    assert (404, 'NoSuchKey') == part(tiny, filled, 'none', 1).outcome


# Nothing to read

@both_methods
def test_an_empty_object(tiny, filled, method):
    """It is one empty part, and no range: nobody could write one of no bytes."""
    answer = part(tiny, filled, 'empty', 1, method=method)

    assert (200, b'', '0') == (answer.status, answer.body, answer.headers['Content-Length'])
    assert 'Content-Range' not in answer.headers


@both_methods
@pytest.mark.parametrize('bodies', [[b'one', b''], [b'']], ids=['the-last', 'the-only-one'])
def test_an_empty_part(tiny, bucket, method, bodies):
    """The same, with the object's ETag and the number of parts."""
    assert 200 == Upload(tiny, bucket).parts(*bodies).complete().status
    answer = part(tiny, bucket, 'key', len(bodies), method=method)

    assert (200, b'', multipart_etag(bodies)) == (answer.status, answer.body, answer.etag)
    assert (None, '0', str(len(bodies))) == place(answer)


# Conditions and versions

@both_methods
@pytest.mark.parametrize('key', ['three', 'plain', 'large'])
def test_conditions(tiny, filled, key, method):
    """Of the object's ETag, whichever part is read: 304 and 412 before anything is told of parts."""
    etag = tiny.request('HEAD', filled, key).etag
    unchanged = part(tiny, filled, key, 1, {'If-None-Match': f'"{etag}"'}, method)

    assert (304, b'', etag) == (unchanged.status, unchanged.body, unchanged.etag)
    assert 'Content-Range' not in unchanged.headers
    assert 206 == part(tiny, filled, key, 1, {'If-Match': f'"{etag}"'}, method).status
    assert 412 == part(tiny, filled, key, 1, {'If-Match': '"x"'}, method).status
    assert 412 == part(tiny, filled, key, 9, {'If-Match': '"x"'}, method).status


@both_methods
def test_versions(tiny, bucket, s3, method):
    """Each has its own parts."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
    first = Upload(tiny, bucket).parts(*BODIES).complete().headers['x-amz-version-id']
    second = tiny.request('PUT', bucket, 'key', body=b'0123456789').headers['x-amz-version-id']
    answer = part(tiny, bucket, 'key', 2, method=method, versionId=first)

    assert (206, BODIES[1] if method == 'GET' else b'', first) == (
        answer.status, answer.body, answer.headers['x-amz-version-id'])
    assert ('bytes 7-16/24', '10', '3') == place(answer)
    assert 416 == part(tiny, bucket, 'key', 2, method=method, versionId=second).status
    assert ('bytes 0-9/10', '10', None) == place(part(tiny, bucket, 'key', 1, method=method))


def test_an_empty_part_of_a_version(tiny, bucket, s3):
    """Of that version, and not of the current one."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
    first = Upload(tiny, bucket).parts(b'one', b'').complete().headers['x-amz-version-id']
    tiny.request('PUT', bucket, 'key', body=b'0123456789')
    answer = part(tiny, bucket, 'key', 2, versionId=first)

    assert (200, b'', first) == (answer.status, answer.body, answer.headers['x-amz-version-id'])


# SDKs

def test_boto3(make_client, tiny, filled):
    """Reads a part, learns how many there are, and gets an error that it knows."""
    s3 = make_client(url=tiny.address.geturl())
    answer = s3.get_object(Bucket=filled, Key='three', PartNumber=2)

    assert (BODIES[1], 3, 'bytes 7-16/24') == (answer['Body'].read(), answer['PartsCount'], answer['ContentRange'])
    assert 7 == s3.head_object(Bucket=filled, Key='three', PartNumber=3)['ContentLength']
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket=filled, Key='three', PartNumber=4)
    assert ('InvalidPartNumber', '3') == (raised.value.response['Error']['Code'],
                                          raised.value.response['Error']['ActualPartCount'])
