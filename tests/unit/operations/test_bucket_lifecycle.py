# SPDX-License-Identifier: Apache-2.0
"""The lifecycle configuration of a bucket, as Swift is asked for it."""
from base64 import b64encode
from hashlib import md5
from io import BytesIO

import pytest

from s3multi.operations import bucket_lifecycle
from s3multi.s3.bucket_lifecycle import Lifecycle, Rule, lifecycle_document
from s3multi.s3.errors import S3Error
from s3multi.upload.abort_rules import encode
from tests.unit.fakes import RecordingSwift, asked, handed_on

HEADER = 'X-Container-Sysmeta-S3Multi-Lifecycle'
LIFECYCLE = Lifecycle((Rule('a', 'logs/', 7),))
BODY = lifecycle_document(LIFECYCLE)
SIZE = 'x-amz-transition-default-minimum-object-size'


def run(operation, swift, body=b'', headers=()):
    """Run an operation; return its reply."""
    return operation(*asked(swift, handed_on('PUT', '/v1/AUTH_a/bucket', {'lifecycle': ''}, dict(headers), **{
        'CONTENT_LENGTH': str(len(body)), 'wsgi.input': BytesIO(body)})))


def test_put():
    """One POST of the bucket keeps it."""
    swift = RecordingSwift(POST=204)
    reply = run(bucket_lifecycle.put, swift, BODY, {'content-md5': b64encode(md5(BODY).digest()).decode()})

    assert (200, {SIZE: 'all_storage_classes_128K'}, b'') == (reply.status, reply.headers, reply.body)
    assert [('POST', 'AUTH_a/bucket', encode(LIFECYCLE))] == [
        (seen.method, seen.path.removeprefix('/v1/'), seen.headers[HEADER]) for seen in swift.seen]


@pytest.mark.parametrize('body, headers, code', [
    (b'<x/>', {}, 'MalformedXML'), (BODY, {'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA=='}, 'BadDigest'),
    (BODY, {SIZE: 'x'}, 'InvalidRequest')])
def test_refusals(body, headers, code):
    """Swift is not asked, and what there was stays in force."""
    swift = RecordingSwift()
    with pytest.raises(S3Error) as refused:
        run(bucket_lifecycle.put, swift, body, headers)

    assert (code, []) == (refused.value.code, swift.seen)


def test_get():
    """The newest replica is asked, not the cache: a client waits until it reads what it has sent."""
    swift = RecordingSwift(HEAD=(204, {HEADER: encode(Lifecycle(LIFECYCLE.rules, 'varies_by_storage_class'))}, b''))
    reply = run(bucket_lifecycle.get, swift)

    assert (200, BODY, 'varies_by_storage_class') == (reply.status, reply.body, reply.headers[SIZE])
    assert [('HEAD', 'true')] == [(seen.method, seen.headers['X-Newest']) for seen in swift.seen]


@pytest.mark.parametrize('stored', [{}, {HEADER: 'written by a later release'}])
def test_get_of_nothing(stored):
    with pytest.raises(S3Error) as refused:
        run(bucket_lifecycle.get, RecordingSwift(HEAD=(204, stored, b'')))

    assert ('NoSuchLifecycleConfiguration', 404, {'BucketName': 'bucket'}) == (
        refused.value.code, refused.value.status, refused.value.fields)


def test_delete():
    """It succeeds whether or not there was one, as on Amazon S3."""
    swift = RecordingSwift(POST=204)

    assert 204 == run(bucket_lifecycle.delete, swift).status
    assert [('POST', '')] == [(seen.method, seen.headers[HEADER]) for seen in swift.seen]


@pytest.mark.parametrize('operation, body', [(bucket_lifecycle.put, BODY), (bucket_lifecycle.delete, b'')])
@pytest.mark.parametrize('status, code', [(404, 'NoSuchBucket'), (503, 'ServiceUnavailable')])
def test_a_bucket_that_has_just_gone(operation, body, status, code):
    with pytest.raises(S3Error) as refused:
        run(operation, RecordingSwift(POST=status), body)

    assert code == refused.value.code
