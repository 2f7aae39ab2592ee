# SPDX-License-Identifier: Apache-2.0
"""A script in a browser may read every answer of s3multi that it could read if it were Swift's: the headers say so.

https://fetch.spec.whatwg.org/#http-cors-protocol. What a browser makes of them is in test_browser.
"""

from __future__ import annotations

import pytest

from .raw import SIGNINGS, RawClient
from .s3api_features import needs_checksums
from .uploads import TINY_PARTS, Upload, read, tiny_parts

APP = 'https://app.test'
OTHER = 'https://other.test'
ALLOW = 'X-Container-Meta-Access-Control-Allow-Origin'
EXPOSE = 'X-Container-Meta-Access-Control-Expose-Headers'
MD5 = '1cb251ec0d568de6a929b520c4aed8d1'     # of b'text'
ORIGIN = {'Origin': APP}


@pytest.fixture(scope='module')
def client(cluster):
    """A client of a proxy that takes small parts, and lets scripts ask it for anything in advance."""
    filters = {**TINY_PARTS, 's3api': {'cors_preflight_allow_origin': '*'}}
    return RawClient(cluster.add_proxy('browsers', filters=filters).url)


@pytest.fixture
def open_bucket(bucket, swift):
    """A bucket that lets scripts from APP read what they get, and one header of its owner's choice."""
    swift.post_container(bucket, {ALLOW: APP, EXPOSE: 'x-amz-version-id'})
    return bucket


@pytest.fixture
def upload(client, open_bucket):
    """An upload with one part."""
    return Upload(client, open_bucket).parts(b'text')


def cors(answer):
    """Return what the answer tells a browser: the origin, and the names that its script may read."""
    exposed = answer.headers.get('Access-Control-Expose-Headers')
    return answer.headers.get('Access-Control-Allow-Origin'), exposed and set(exposed.lower().split(', ')) - {''}


OPERATIONS = {
    'initiate': (200, lambda client, upload, **more: client.request(
        'POST', upload.bucket, upload.key, {'uploads': None}, **more)),
    'upload-part': (200, lambda client, upload, **more: client.upload_part(
        upload.bucket, upload.key, upload.id, 2, b'text', **more)),
    'copy-part': (200, lambda client, upload, headers, **more: client.copy_part(
        upload.bucket, upload.key, upload.id, 2, f'/{upload.bucket}/source', headers, **more)),
    'list-parts': (200, lambda client, upload, **more: client.list_parts(
        upload.bucket, upload.key, upload.id, **more)),
    'list-uploads': (200, lambda client, upload, **more: client.list_uploads(upload.bucket, **more)),
    'complete': (200, lambda client, upload, **more: client.complete(
        upload.bucket, upload.key, upload.id, upload.listed, **more)),
    'abort': (204, lambda client, upload, **more: client.abort(upload.bucket, upload.key, upload.id, **more)),
}


def send(operation, client, upload, headers=ORIGIN, **options):
    """Send an operation with headers; return the status that it has when all goes well, and the Answer."""
    status, call = OPERATIONS[operation]
    return status, call(client, upload, headers=headers, **options)


@pytest.mark.parametrize('operation', OPERATIONS)
def test_success(client, upload, operation):
    """Every operation answers the script as Swift answers it for a plain object, through the same s3api."""
    plain = client.request('PUT', upload.bucket, 'source', headers=ORIGIN, body=b'text')
    expected, answer = send(operation, client, upload)

    assert expected == answer.status
    assert cors(plain) == cors(answer)
    assert APP == cors(answer)[0]
    assert {'etag', 'x-amz-request-id', 'x-amz-version-id'} < cors(answer)[1]
    assert 'Origin' == answer.headers['Vary']


@pytest.mark.parametrize('operation', OPERATIONS)
def test_no_origin_no_headers(client, upload, operation):
    """No other client sees any of it."""
    client.request('PUT', upload.bucket, 'source', body=b'text')
    expected, answer = send(operation, client, upload, {})

    assert expected == answer.status
    assert (None, None) == cors(answer)


@pytest.mark.parametrize('allowed, origin, expected', [
    ('*', APP, '*'),
    (f'{OTHER} {APP}', APP, APP),
    (f'{OTHER} {APP}', OTHER, OTHER),
    (OTHER, APP, None),
    ('', APP, None),
])
def test_origins(client, upload, swift, allowed, origin, expected):
    """The owner of the bucket says who may: everybody, or some; for the rest the answer is as without a script."""
    swift.post_container(upload.bucket, {ALLOW: allowed})
    plain = client.request('PUT', upload.bucket, 'plain', headers={'Origin': origin})
    answer = client.upload_part(upload.bucket, upload.key, upload.id, 1, b'text', {'Origin': origin})

    assert (200, MD5) == (answer.status, answer.etag)
    assert cors(plain) == cors(answer)
    assert expected == cors(answer)[0]


@pytest.mark.parametrize('app, expected', [
    ({'cors_allow_origin': f'{APP}, {OTHER}', 'cors_expose_headers': 'X-Mine'}, True),
    ({'cors_allow_origin': OTHER}, False),
    ({'strict_cors_mode': False}, True),
], ids=['for-all-buckets', 'for-others', 'not-strict'])
def test_options_of_the_proxy_server(cluster, bucket, app, expected):
    """What an operator allows for all buckets holds for multipart answers, too."""
    client = RawClient(cluster.add_proxy('cors-options', filters=TINY_PARTS, app=app).url)
    plain = client.request('PUT', bucket, 'plain', headers=ORIGIN)
    answer = client.request('POST', bucket, 'key', {'uploads': None}, ORIGIN)

    assert 200 == answer.status
    assert cors(plain) == cors(answer)
    assert (APP if expected else None) == cors(answer)[0]


# What goes wrong

REFUSALS = {
    'no-such-upload': ((404, 'NoSuchUpload'), lambda client, upload: client.upload_part(
        upload.bucket, upload.key, 'unknown', 1, b'text', ORIGIN)),
    'argument': ((400, 'InvalidArgument'), lambda client, upload: client.upload_part(
        upload.bucket, upload.key, upload.id, 10001, b'text', ORIGIN)),
    'method': ((405, 'MethodNotAllowed'), lambda client, upload: client.request(
        'PUT', upload.bucket, upload.key, {'uploadId': upload.id}, ORIGIN)),
    'body': ((400, 'MalformedXML'), lambda client, upload: client.complete(
        upload.bucket, upload.key, upload.id, b'nothing', ORIGIN)),
    'part': ((400, 'InvalidPart'), lambda client, upload: client.complete(
        upload.bucket, upload.key, upload.id, [(7, MD5)], ORIGIN)),
    'md5': ((400, 'BadDigest'), lambda client, upload: client.upload_part(
        upload.bucket, upload.key, upload.id, 1, b'text', {**ORIGIN, 'Content-MD5': 'AAAAAAAAAAAAAAAAAAAAAA=='})),
}


@pytest.mark.parametrize('refusal', REFUSALS)
def test_refusals(client, upload, refusal):
    """A script can read why it was refused, unlike that of a plain request to s3api: so do Amazon S3 and Swift."""
    outcome, call = REFUSALS[refusal]
    answer = call(client, upload)

    assert outcome == answer.outcome
    assert APP == cors(answer)[0]


def test_body_that_is_not_what_was_signed(client, upload):
    """The same for what only s3api notices, while Swift reads the body."""
    answer = client.upload_part(upload.bucket, upload.key, upload.id, 1, b'text', ORIGIN, payload='0' * 64)

    assert (400, 'XAmzContentSHA256Mismatch') == answer.outcome
    assert APP == cors(answer)[0]


@needs_checksums
def test_wrong_checksum(client, upload):
    """And for checksums."""
    answer = client.upload_part(upload.bucket, upload.key, upload.id, 1, b'text', {
        **ORIGIN, 'x-amz-checksum-crc32': 'AAAAAA=='})

    assert (400, 'BadDigest') == answer.outcome
    assert APP == cors(answer)[0]


@pytest.mark.parametrize('operation', OPERATIONS)
def test_denials(client, upload, operation):
    """Somebody of the account without rights on the bucket can read that he has none; Swift shows as much."""
    stranger = RawClient(client.address.geturl(), 'test:tester3', 'testing3')
    _expected, answer = send(operation, stranger, upload)

    assert (403, 'AccessDenied') == answer.outcome
    assert APP == cors(answer)[0]


@pytest.mark.parametrize('bucket_name', [None, 'no-such-bucket'])
def test_wrong_signature_learns_nothing(client, upload, bucket_name):
    """Who is nobody cannot tell by the headers whether there is such a bucket, or whom it lets in."""
    nobody = RawClient(client.address.geturl(), 'test:tester', 'not the secret')
    answer = nobody.list_uploads(bucket_name or upload.bucket, headers=ORIGIN)

    assert (403, 'SignatureDoesNotMatch') == answer.outcome
    assert (None, None) == cors(answer)


def test_slow_complete(cluster, hold, open_bucket):
    """The headers stand in front of the white space, when nobody knows yet how it will end."""
    proxy = cluster.add_proxy('slow-browsers', filters={
        **TINY_PARTS, 's3multi': {**TINY_PARTS['s3multi'], 'heartbeat_interval': 0.1}})
    upload = Upload(RawClient(proxy.url), open_bucket).parts(b'part')
    with hold.seconds(0.5, 'container', 'GET'):
        answer = upload.complete(headers=ORIGIN)

    assert 200 == answer.status
    assert b'?>\n ' in answer.body or b'?> ' in answer.body, answer.body
    assert APP == cors(answer)[0]


def test_finished_object(client, upload):
    """GET is Swift's own: a multipart object is answered like a plain one."""
    client.request('PUT', upload.bucket, 'plain', body=b'text')
    assert 200 == upload.complete().outcome

    assert cors(read(client, upload.bucket, 'plain', headers=ORIGIN)) == cors(
        read(client, upload.bucket, upload.key, headers=ORIGIN))


# What a browser asks in advance

def preflight(client, upload, method, asked=(), **options):
    """Ask as a browser does before a request that is no simple one: without credentials of its own."""
    headers = {**ORIGIN, 'Access-Control-Request-Method': method,
               **({'Access-Control-Request-Headers': ', '.join(asked)} if asked else {})}
    return client.request('OPTIONS', upload.bucket, upload.key, {'partNumber': 1, 'uploadId': upload.id}, headers,
                          **options)


@pytest.mark.parametrize('sign', [name for name in SIGNINGS if name.startswith('presigned')])
@pytest.mark.parametrize('method', ['PUT', 'POST', 'DELETE'])
def test_preflight_of_a_presigned_url(client, upload, sign, method):
    """The browser asks about the very URL, whose signature is for another method: s3api says yes."""
    answer = preflight(client, upload, method, sign=sign)

    assert (200, APP) == (answer.status, answer.headers['Access-Control-Allow-Origin'])
    assert method in answer.headers['Access-Control-Allow-Methods'].split(', ')


def test_preflight_of_a_signed_request(client, upload):
    """A script that signs its requests itself may send the headers for that."""
    asked = ['authorization', 'content-md5', 'x-amz-content-sha256', 'x-amz-date']
    answer = preflight(client, upload, 'PUT', asked, sign=None)

    assert (200, APP) == (answer.status, answer.headers['Access-Control-Allow-Origin'])
    assert asked == sorted(answer.headers['Access-Control-Allow-Headers'].split(', '))


def test_preflight_is_off_unless_the_operator_wants_it(cluster, upload):
    """Without cors_preflight_allow_origin in [filter:s3api] no script gets as far as a request."""
    client = RawClient(tiny_parts(cluster).url)

    assert 'Access-Control-Allow-Origin' not in preflight(client, upload, 'PUT', sign='presigned-v4').headers
