# SPDX-License-Identifier: Apache-2.0
"""However a request is signed and addressed, it works; and a signature that is wrong learns nothing.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit

import pytest

from ..cases import for_each
from .raw import SIGNINGS, RawClient
from .s3api_features import needs_checksums
from .uploads import Upload

DOMAIN = 's3.example.test'
BODY = b'The quick brown fox jumps over the lazy dog. ' * 400
MD5 = hashlib.md5(BODY).hexdigest()
SHA1 = base64.b64encode(hashlib.sha1(BODY).digest()).decode()
NO_SIGNATURE = b'0' * 64


@pytest.fixture(scope='module')
def hosted(cluster):
    """A client that names the bucket in the Host header, of a proxy that believes what was forwarded to it."""
    proxy = cluster.add_proxy('storage-domain', filters={
        's3api': {'storage_domain': DOMAIN, 'location_scheme': 'forwarded'}})
    return RawClient(proxy.url, domain=DOMAIN)


@pytest.fixture(params=['path', 'virtual-hosted'])
def client(request, raw, hosted):
    """A client for each of the two ways to name a bucket."""
    return raw if request.param == 'path' else hosted


@pytest.fixture
def upload(raw, bucket):
    """An upload that has no part yet, in a bucket that has the object `source`."""
    raw.request('PUT', bucket, 'source', body=BODY)
    return Upload(raw, bucket, 'some/key')


OPERATIONS = {
    'initiate': lambda client, bucket, upload_id, **options: client.request(
        'POST', bucket, 'some/key', {'uploads': None}, **options),
    'upload-part': lambda client, bucket, upload_id, **options: client.upload_part(
        bucket, 'some/key', upload_id, 1, BODY, **options),
    'copy-part': lambda client, bucket, upload_id, **options: client.copy_part(
        bucket, 'some/key', upload_id, 1, f'/{bucket}/source', **options),
    'list-parts': lambda client, bucket, upload_id, **options: client.list_parts(
        bucket, 'some/key', upload_id, **options),
    'list-uploads': lambda client, bucket, upload_id, **options: client.list_uploads(bucket, **options),
    'complete': lambda client, bucket, upload_id, **options: client.complete(
        bucket, 'some/key', upload_id, [(1, MD5)], **options),
    'abort': lambda client, bucket, upload_id, **options: client.abort(bucket, 'some/key', upload_id, **options),
}


# What works

@pytest.mark.parametrize('sign', SIGNINGS)
def test_every_operation_with_every_signature(client, upload, sign):
    """Signature version 2 and 4, in a header or in a presigned URL, with the bucket in the path or in the host."""
    bucket, key, options = upload.bucket, 'ä/b c', {'sign': sign}
    upload_id = client.initiate(bucket, key, {'x-amz-meta-a': 'b', 'Content-Type': 'text/plain'}, **options)
    uploaded = client.upload_part(bucket, key, upload_id, 1, BODY, **options)
    copied = client.copy_part(bucket, key, upload_id, 1, f'/{bucket}/source', {
        'x-amz-copy-source-range': f'bytes=0-{len(BODY) - 1}'}, **options)

    assert MD5 == uploaded.etag
    assert f'"{MD5}"' == copied.xml('CopyPartResult').findtext('ETag')
    listed = client.list_parts(bucket, key, upload_id, {'max-parts': 7}, **options).xml('ListPartsResult')
    assert ['1'] == [part.findtext('PartNumber') for part in listed.findall('Part')]
    uploads = client.list_uploads(bucket, {'prefix': 'ä/'}, **options).xml('ListMultipartUploadsResult')
    assert [upload_id] == [each.findtext('UploadId') for each in uploads.findall('Upload')]
    assert 200 == client.complete(bucket, key, upload_id, [(1, MD5)], **options).status
    answer = client.request('GET', bucket, key)
    assert (BODY, 'b', 'text/plain') == (answer.body, answer.headers['x-amz-meta-a'], answer.headers['Content-Type'])
    assert 204 == client.abort(bucket, key, client.initiate(bucket, key, **options), **options).status


def test_location_is_the_url_of_the_object(client, upload):
    """Complete answers where the object is, as the client addressed it."""
    upload.part(1, BODY)
    upload.client = client
    location = upload.complete().xml('CompleteMultipartUploadResult').findtext('Location')

    port = client.address.port
    assert location == (f'http://{upload.bucket}.{DOMAIN}:{port}/some/key' if client.domain
                        else f'http://127.0.0.1:{port}/{upload.bucket}/some/key')


@pytest.mark.parametrize('headers, scheme, host', [
    ({'X-Forwarded-Proto': 'https'}, 'https', None),
    ({'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'files.example.com'}, 'https', 'files.example.com')])
def test_location_behind_a_proxy_that_speaks_tls(client, upload, headers, scheme, host):
    """The headers that it adds count where the operator says so: at one of the two proxies."""
    upload.part(1, BODY)
    upload.client = client
    location = upload.complete(headers=headers).xml('CompleteMultipartUploadResult').findtext('Location')

    port = client.address.port
    seen = host or f'{upload.bucket}.{DOMAIN}:{port}'
    assert location == (f'{scheme}://{seen}/some/key' if client.domain
                        else f'http://127.0.0.1:{port}/{upload.bucket}/some/key')


@pytest.mark.parametrize('payload', ['signed', 'unsigned', *(
    pytest.param(name, marks=needs_checksums) for name in ('chunks', 'chunks-trailer', 'unsigned-chunks-trailer'))])
@pytest.mark.parametrize('expect', [{}, {'Expect': '100-continue'}], ids=['at-once', 'expect'])
def test_bodies_in_both_styles(client, upload, payload, expect):
    """Whole or in chunks, signed or not; asked for with 100 Continue where the client waits for that."""
    trailers = {'x-amz-checksum-sha1': SHA1} if 'trailer' in payload else None
    answer = client.upload_part(upload.bucket, upload.key, upload.id, 1, BODY, expect, payload=payload,
                                trailers=trailers)

    assert (200, MD5, bool(expect)) == (answer.status, answer.etag, answer.continued)


@needs_checksums
def test_complete_in_chunks(raw, upload):
    """The list of parts may come in chunks, too."""
    upload.part(1, BODY)

    assert 200 == upload.complete(payload='chunks').status


# What does not

def state(upload):
    """Return what List Parts shows, and the object at the key, to see whether a request has changed anything."""
    listed = upload.list_parts().xml('ListPartsResult')
    return ([part.findtext('ETag') for part in listed.findall('Part')],
            upload.client.request('HEAD', upload.bucket, upload.key).status)


@pytest.mark.parametrize('operation', OPERATIONS.values(), ids=OPERATIONS)
def test_wrong_signature(cluster, upload, operation):
    """403 SignatureDoesNotMatch, the same whether bucket and upload exist or not; nothing is changed."""
    stranger = RawClient(cluster.url, 'test:tester', 'not the secret')
    upload.part(1, b'part')
    before = state(upload)

    def check(sign):
        for bucket, upload_id in ((upload.bucket, upload.id), (upload.bucket, 'unknown'),
                                  ('no-such-bucket', upload.id)):
            answer = operation(stranger, bucket, upload_id, sign=sign)
            assert (403, 'SignatureDoesNotMatch') == answer.outcome
            assert b'AUTH_' not in answer.body

    for_each(SIGNINGS, check)

    assert before == state(upload)


@pytest.mark.parametrize('operation', OPERATIONS.values(), ids=OPERATIONS)
def test_unknown_access_key(cluster, upload, operation):
    """An access key that nobody has is refused the same way everywhere."""
    stranger = RawClient(cluster.url, 'nobody:nobody', 'secret')

    outcomes = {operation(stranger, bucket, upload.id).outcome for bucket in (upload.bucket, 'no-such-bucket')}
    assert 1 == len(outcomes)
    assert outcomes <= {(403, 'SignatureDoesNotMatch'), (403, 'InvalidAccessKeyId'), (403, 'AccessDenied')}


@pytest.mark.parametrize('operation', OPERATIONS.values(), ids=OPERATIONS)
def test_stranger_learns_nothing(cluster, upload, operation):
    """Who may do nothing here gets 403 AccessDenied, whether bucket and upload exist or not."""
    stranger = RawClient(cluster.url, 'test:tester3', 'testing3')

    for bucket, upload_id in ((upload.bucket, upload.id), (upload.bucket, 'unknown'), ('no-such-bucket', upload.id)):
        assert (403, 'AccessDenied') == operation(stranger, bucket, upload_id).outcome


@pytest.mark.parametrize('operation', OPERATIONS.values(), ids=OPERATIONS)
def test_no_signature(upload, operation):
    """A request that is not signed is not served by s3multi, and does nothing."""
    before = state(upload)

    assert 400 <= operation(upload.client, upload.bucket, upload.id, sign=None).status < 500
    assert before == state(upload)


@pytest.mark.parametrize('sign', SIGNINGS)
@pytest.mark.parametrize('old, new', [('partNumber=1', 'partNumber=2'), ('some/key', 'some/kez')],
                         ids=['part-number', 'key'])
def test_changed_after_signing(upload, sign, old, new):
    """The signature covers the operation, its part number and its key."""
    def tamper(request):
        assert old in request.url
        request.url = request.url.replace(old, new)

    answer = upload.client.upload_part(upload.bucket, upload.key, upload.id, 1, BODY, sign=sign, tamper=tamper)

    assert (403, 'SignatureDoesNotMatch') == answer.outcome
    assert ([], 404) == state(upload)


@pytest.mark.parametrize('sign', SIGNINGS)
def test_copy_source_that_was_not_signed(upload, sign):
    """Who was given a URL to upload a part cannot turn it into a copy of what the signer may read."""
    def tamper(request):
        request.headers['x-amz-copy-source'] = f'/{upload.bucket}/source'

    answer = upload.client.upload_part(upload.bucket, upload.key, upload.id, 1, b'', sign=sign, tamper=tamper)

    assert 403 == answer.status
    assert ([], 404) == state(upload)


def test_presigned_url_is_for_one_method(upload):
    """A URL to read the parts does not abort the upload."""
    def tamper(request):
        request.method = 'DELETE'

    answer = upload.client.request('GET', upload.bucket, upload.key, {'uploadId': upload.id}, sign='presigned-v4',
                                   tamper=tamper)

    assert (403, 'SignatureDoesNotMatch') == answer.outcome
    assert upload.is_open()


@pytest.mark.parametrize('sign', ['v4', 'v2'])
def test_refused_body_is_not_asked_for(cluster, upload, sign):
    """With a wrong signature the answer comes instead of 100 Continue."""
    stranger = RawClient(cluster.url, 'test:tester', 'not the secret')
    answer = stranger.upload_part(upload.bucket, upload.key, upload.id, 1, BODY, {'Expect': '100-continue'}, sign=sign)

    assert (403, 'SignatureDoesNotMatch') == answer.outcome
    assert not answer.continued


@needs_checksums
def test_chunk_with_a_wrong_signature(upload):
    """Each chunk is signed: one that is not gives 403 SignatureDoesNotMatch, and nothing is stored."""
    body = b'5;chunk-signature=%s\r\nhello\r\n0;chunk-signature=%s\r\n\r\n' % (NO_SIGNATURE, NO_SIGNATURE)
    answer = upload.client.upload_part(upload.bucket, upload.key, upload.id, 1, body, {
        'Content-Encoding': 'aws-chunked', 'X-Amz-Decoded-Content-Length': '5'},
        payload='STREAMING-AWS4-HMAC-SHA256-PAYLOAD')

    assert (403, 'SignatureDoesNotMatch') == answer.outcome
    assert ([], 404) == state(upload)


@pytest.mark.parametrize('body', [
    b'', b'hello', b'5\r\nhello\r\n', b'ffffffff\r\nhello\r\n0\r\n\r\n', b'-5\r\nhello\r\n',
    b'5\r\nhello world\r\n0\r\n\r\n', b'x\r\nhello\r\n0\r\n\r\n',
], ids=ascii)
def test_broken_chunks(upload, body):
    """What is no aws-chunked body is an error of the client, and no part."""
    answer = upload.client.upload_part(upload.bucket, upload.key, upload.id, 1, body, {
        'Content-Encoding': 'aws-chunked', 'X-Amz-Decoded-Content-Length': '5'},
        payload='STREAMING-UNSIGNED-PAYLOAD-TRAILER', hang_up=True)

    assert 400 <= answer.status < 500
    assert ([], 404) == state(upload)


@pytest.mark.parametrize('sign, name', [('presigned-v4', 'X-Amz-Date'), ('presigned-v2', 'Expires')])
def test_presigned_url_that_has_expired(upload, sign, name):
    """403 AccessDenied once the time of a presigned URL is over."""
    def tamper(request):
        url = urlsplit(request.url)
        words = [f'{word.partition("=")[0]}={"1500000000" if name == "Expires" else "20170714T024000Z"}'
                 if word.startswith(name + '=') else word for word in url.query.split('&')]
        request.url = url._replace(query='&'.join(words)).geturl()

    answer = upload.client.upload_part(upload.bucket, upload.key, upload.id, 1, BODY, sign=sign, tamper=tamper)

    assert (403, 'AccessDenied') == answer.outcome
    assert ([], 404) == state(upload)
