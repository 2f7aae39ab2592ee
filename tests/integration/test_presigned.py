# SPDX-License-Identifier: Apache-2.0
"""Presigned URLs that carry headers in their query: they count as if the client had sent them.

The AWS SDK for JavaScript v3 presigns so, and boto3 with a signature of version 2, its default for other endpoints than
Amazon's. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import http.client
import secrets
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlsplit

import pytest

from ..cases import for_each
from .raw import NAMESPACE, RawClient
from .s3api_features import needs_checksums
from .uploads import Upload, tiny_parts

SOURCE = b'0123456789'
PRESIGNED = ('presigned-v4', 'presigned-v2')
CUSTOMER_KEY = {'x-amz-server-side-encryption-customer-algorithm': 'AES256',
                'x-amz-server-side-encryption-customer-key': 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=',
                'x-amz-server-side-encryption-customer-key-md5': 'hRasmdxgYDKV3nvbahU1MA=='}


@pytest.fixture(scope='module')
def raw(cluster):
    """A client whose requests are built by hand, of a proxy that takes small parts."""
    return RawClient(tiny_parts(cluster).url)


@pytest.fixture(scope='module')
def upload(raw):
    """An upload with one part, in a bucket with the object `source`."""
    bucket = 'presigned-' + secrets.token_hex(8)
    for key in (None, 'source'):
        assert 200 == raw.request('PUT', bucket, key, body=SOURCE if key else b'').status
    return Upload(raw, bucket, 'some/key').parts(b'part')


def presigned(client, sign, method, bucket, key, query, headers, body=b''):
    """Send a request by a presigned URL with these headers in its query, and no others; return the Answer."""
    if sign == 'presigned-v4':
        return client.request(method, bucket, key, {**query, **headers}, body=body, sign=sign)

    def send_none(request):
        for name in headers:
            del request.headers[name]

    # Signed as headers, which the signer then also puts into the query.
    return client.request(method, bucket, key, query, headers, body, sign=sign, tamper=send_none)


def requests_of(upload):
    """Return method, key, query and body of a request of each operation, by its name."""
    part = {'partNumber': 2, 'uploadId': upload.id}
    return {
        'initiate': ('POST', upload.key, {'uploads': None}, b''),
        'part': ('PUT', upload.key, part, b''),
        'complete': ('POST', upload.key, {'uploadId': upload.id}, b'<CompleteMultipartUpload/>'),
        'abort': ('DELETE', upload.key, {'uploadId': upload.id}, b''),
        'list-parts': ('GET', upload.key, {'uploadId': upload.id}, b''),
        'list-uploads': ('GET', None, {'uploads': None}, b''),
        'attributes': ('GET', 'source', {'attributes': None}, b''),
        'put': ('PUT', 'plain', {}, b''),
        'get': ('GET', 'source', {}, b''),
    }


OWNER, COPY = 'x-amz-expected-bucket-owner', {'x-amz-copy-source': '/{bucket}/source'}
INVALID, NOT_IMPLEMENTED, DENIED = (400, 'InvalidArgument'), (501, 'NotImplemented'), (403, 'AccessDenied')

# Operation, headers, and what they get, in the query or not.
CASES = [
    ('initiate', {'x-amz-meta-a': 'b', 'x-amz-meta-c': ''}, 200),
    ('initiate', {'x-amz-meta-a': 'b' * 3000}, (400, 'MetadataTooLarge')),
    ('initiate', {'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT'}, 200),
    ('initiate', {'x-amz-checksum-algorithm': 'ROT13'}, (400, 'InvalidRequest')),
    ('initiate', {'x-amz-acl': 'public-read'}, 200),
    ('initiate', {'x-amz-acl': 'nonsense'}, INVALID),
    ('initiate', {'x-amz-grant-read': 'id=1'}, 200),
    ('initiate', {'x-amz-tagging': 'a=b'}, NOT_IMPLEMENTED),
    ('initiate', {'x-amz-storage-class': 'GLACIER'}, (400, 'InvalidStorageClass')),
    ('initiate', {'x-amz-server-side-encryption': 'AES256'}, NOT_IMPLEMENTED),
    ('initiate', CUSTOMER_KEY, NOT_IMPLEMENTED),
    ('initiate', {'x-amz-object-lock-mode': 'GOVERNANCE'}, NOT_IMPLEMENTED),
    ('initiate', {'x-amz-website-redirect-location': '/x'}, NOT_IMPLEMENTED),
    ('initiate', {OWNER: 'somebody'}, DENIED),
    ('initiate', {'x-amz-user-agent': 'aws-sdk-js/3', 'x-amz-what-comes-next': '1'}, 200),
    ('part', COPY, 200),
    ('part', {**COPY, 'x-amz-copy-source-range': 'bytes=2-4'}, 200),
    ('part', {**COPY, 'x-amz-copy-source-range': 'bytes=2-10'}, INVALID),
    ('part', {**COPY, 'x-amz-copy-source-if-match': '"x"'}, (412, 'PreconditionFailed')),
    ('part', {**COPY, 'x-amz-source-expected-bucket-owner': 'somebody'}, DENIED),
    ('part', {'x-amz-copy-source': '/{bucket}/missing'}, (404, 'NoSuchKey')),
    ('part', {'x-amz-copy-source': 'nonsense'}, INVALID),
    ('part', {'x-amz-meta-a': 'b'}, INVALID),
    ('part', CUSTOMER_KEY, NOT_IMPLEMENTED),
    ('part', {OWNER: 'somebody'}, DENIED),
    ('complete', {OWNER: 'somebody'}, DENIED),
    ('complete', CUSTOMER_KEY, NOT_IMPLEMENTED),
    ('abort', {'x-amz-if-match-initiated-time': 'Tue, 01 Sep 2026 00:00:00 GMT'}, NOT_IMPLEMENTED),
    ('abort', {OWNER: 'somebody'}, DENIED),
    ('list-parts', {OWNER: 'somebody'}, DENIED),
    ('list-uploads', {OWNER: 'somebody'}, DENIED),
    ('attributes', {}, (400, 'InvalidRequest')),
    ('attributes', {'x-amz-object-attributes': 'ETag,ObjectSize'}, 200),
    # s3api's own operations.
    ('put', {'x-amz-meta-a': 'b'}, 200),
    ('put', COPY, 200),
    ('put', {'x-amz-copy-source': '/{bucket}/missing'}, (404, 'NoSuchKey')),
    ('put', {**COPY, 'x-amz-copy-source-range': 'bytes=2-4'}, INVALID),
    ('put', {'x-amz-acl': 'nonsense'}, INVALID),
    ('put', {'x-amz-tagging': 'a=b'}, NOT_IMPLEMENTED),
    ('put', {'x-amz-storage-class': 'GLACIER'}, (400, 'InvalidStorageClass')),
    ('get', {'x-amz-checksum-mode': 'NO'}, (400, 'InvalidRequest')),
]


@pytest.mark.parametrize('sign', PRESIGNED)
def test_headers_in_the_query(raw, upload, sign):
    """They get what they get as headers, from every operation."""
    def check(case):
        operation, headers, expected = case
        headers = {name: value.format(bucket=upload.bucket) for name, value in headers.items()}
        method, key, query, body = requests_of(upload)[operation]

        assert expected == raw.request(method, upload.bucket, key, query, headers, body).outcome, 'as headers'
        assert expected == presigned(raw, sign, method, upload.bucket, key, query, headers, body).outcome

    for_each(CASES, check)
    assert [upload.etags[1]] == [part.findtext('ETag') for part in upload.list_parts().xml('ListPartsResult').findall(
        'Part') if part.findtext('PartNumber') == '1']


@pytest.mark.parametrize('sign', PRESIGNED)
def test_an_upload_by_urls(raw, upload, sign):
    """Metadata, algorithm, source, range and expected size are those of the URLs."""
    bucket, key = upload.bucket, 'by-urls-' + sign
    metadata = {'x-amz-meta-Plain': 'a b', 'x-amz-meta-with_underscore': 'c', 'x-amz-meta-text': 'gr\u00fcn'}
    answer = presigned(raw, sign, 'POST', bucket, key, {'uploads': None}, {
        **metadata, 'x-amz-checksum-algorithm': 'CRC64NVME'})
    upload_id = answer.xml('InitiateMultipartUploadResult').findtext('UploadId')
    copied = presigned(raw, sign, 'PUT', bucket, key, {'partNumber': 1, 'uploadId': upload_id}, {
        'x-amz-copy-source': f'{bucket}/source', 'x-amz-copy-source-range': 'bytes=2-4'})
    etag = copied.xml('CopyPartResult').findtext('ETag')
    body = f'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>'.encode() + \
        b'</CompleteMultipartUpload>'

    def complete(size):
        return presigned(raw, sign, 'POST', bucket, key, {'uploadId': upload_id}, {'x-amz-mp-object-size': size}, body)

    assert 'CRC64NVME' == answer.headers['x-amz-checksum-algorithm']
    assert (400, 'InvalidRequest') == complete('4').outcome
    assert 200 == complete('3').status
    assert 200 == raw.request('PUT', bucket, 'with-headers', headers=metadata).status
    found, sent = raw.request('GET', bucket, key), raw.request('GET', bucket, 'with-headers')
    assert SOURCE[2:5] == found.body
    assert metadata_of(found) == metadata_of(sent)
    assert {'plain': 'a b', 'with_underscore': 'c'}.items() < metadata_of(found).items()


def metadata_of(answer):
    """Return the user's metadata in an answer."""
    return {name.lower().removeprefix('x-amz-meta-'): value for name, value in answer.headers.items()
            if name.lower().startswith('x-amz-meta-')}


@needs_checksums
@pytest.mark.parametrize('sign', PRESIGNED)
@pytest.mark.parametrize('operation', ['part', 'put'])
def test_the_checksum_of_a_body_that_there_was_not(raw, upload, sign, operation):
    """SDKs sign that of an empty body. It is not looked at, as reported of Amazon S3; that in a header is."""
    method, key, query, _ = requests_of(upload)[operation]
    empty = {'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-sdk-checksum-algorithm': 'CRC32'}

    assert (400, 'BadDigest') == raw.request(method, upload.bucket, key, query, empty, b'body').outcome
    assert 200 == presigned(raw, sign, method, upload.bucket, key, query, empty, b'body').status


@pytest.mark.parametrize('sign', PRESIGNED)
@pytest.mark.parametrize('more, outcome', [
    ('x-amz-meta-a=b', (403, 'SignatureDoesNotMatch')), ('X-Amz-Acl=private', (403, 'SignatureDoesNotMatch')),
    ('x-amz-copy-source=/x/y', (403, 'SignatureDoesNotMatch'))])
def test_what_was_added_to_a_url(raw, upload, sign, more, outcome):
    """The signature covers these parameters."""
    def tamper(request):
        request.url += '&' + more

    assert outcome == upload.client.upload_part(upload.bucket, upload.key, upload.id, 3, b'x', sign=sign,
                                                tamper=tamper).outcome


@pytest.mark.parametrize('query, headers', [
    ({'x-amz-meta-a': 'b'}, {'x-amz-meta-a': 'c'}), ({'x-amz-acl': 'private'}, {'X-Amz-Acl': 'public-read'}),
    ({'x-amz-acl': 'private', 'X-Amz-Acl': 'public-read'}, {}), ({'x-amz-meta-a': 'b\r\nx-delete-after: 1'}, {}),
    ({'x-amz-meta-a\r\nx': 'b'}, {}), ({'x-amz-meta-a': '\0'}, {})], ids=ascii)
def test_headers_that_contradict_each_other(raw, upload, query, headers):
    """400 InvalidArgument where nobody knows what is meant, and for what is no header. (Not known of Amazon S3.)"""
    assert INVALID == raw.request('POST', upload.bucket, upload.key, {'uploads': None, **query}, headers,
                                  sign='presigned-v4').outcome


@pytest.mark.parametrize('name', ['x-amz-meta-a', 'x-amz-acl'])
def test_a_header_beside_a_url(raw, upload, name):
    """What the client adds to a URL that was signed without it is refused."""
    def tamper(request):
        request.headers[name] = 'private'

    assert DENIED == raw.request('POST', upload.bucket, upload.key, {'uploads': None}, sign='presigned-v4',
                                 tamper=tamper).outcome


def send(url, method, body=b'', headers=()):
    """Send a request for a URL as any HTTP client does; return status, headers and body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        connection.request(method, f'{parts.path}?{parts.query}', body, dict(headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def test_urls_of_boto3(make_client, bucket):
    """By its default boto3 signs URLs for this endpoint with version 2: whatever its parameters are, they work."""
    s3 = make_client(signature_version=None)
    s3.put_object(Bucket=bucket, Key='source', Body=SOURCE)

    def url(operation, **params):
        found = s3.generate_presigned_url(operation, {'Bucket': bucket, 'Key': 'a/b c', **params})
        assert 'AWSAccessKeyId=' in found
        return found

    status, _, body = send(url('create_multipart_upload', Metadata={'a': 'b'}, ChecksumAlgorithm='SHA256',
                               ContentType='text/x-odd', ACL='private'), 'POST')
    assert 200 == status, body
    upload_id = ElementTree.fromstring(body).findtext(NAMESPACE + 'UploadId')
    status, _, body = send(url('upload_part_copy', UploadId=upload_id, PartNumber=1, CopySource={
        'Bucket': bucket, 'Key': 'source'}, CopySourceRange='bytes=0-3'), 'PUT')
    assert 200 == status, body
    part = ElementTree.fromstring(body)
    listed = ''.join(f'<{name}>{part.findtext(NAMESPACE + name)}</{name}>' for name in ('ETag', 'ChecksumSHA256'))
    status, _, body = send(url('complete_multipart_upload', UploadId=upload_id), 'POST', (
        f'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>{listed}</Part></CompleteMultipartUpload>').encode())
    assert 200 == status, body
    status, headers, body = send(url('get_object'), 'GET')
    assert (200, 'text/x-odd', 'b', SOURCE[:4]) == (status, headers['Content-Type'], headers['x-amz-meta-a'], body)
