# SPDX-License-Identifier: Apache-2.0
"""What is no multipart request passes as if s3multi were not there; and nothing can pretend to be one."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
import requests

from s3multi.demo.cluster import STOCK_FILTERS
from s3multi.demo.conf import merge
from s3multi.s3.parts import MAX_PART_NUMBER

from .raw import RawClient, multipart_etag
from .uploads import PART_MIN_BYTES, Upload, segment_names

BODIES = [b'0123456789abcdef' * (PART_MIN_BYTES // 16), b'tail']
UNSTABLE = ('date', 'x-trans-id', 'x-openstack-request-id', 'x-amz-id-2', 'x-amz-request-id')


@pytest.fixture(scope='module')
def stock(cluster):
    """The same for a proxy with Swift's own s3api, over the same storage."""
    # The one default that differs: how many parts there may be.
    filters = merge(STOCK_FILTERS, {'s3api': {'max_upload_part_num': MAX_PART_NUMBER}})
    proxy = cluster.add_proxy('stock-limits', pipeline=cluster.pipeline.replace(' s3multi', ''), filters=filters)
    return RawClient(proxy.url)


@pytest.fixture(scope='module')
def filled(raw):
    """A bucket with a plain object, a multipart object and an upload in progress."""
    bucket = 'passed-by'
    raw.request('PUT', bucket)
    raw.request('PUT', bucket, 'plain', body=b'plain', headers={'x-amz-meta-a': 'b'})
    raw.put_multipart(bucket, 'large', BODIES, {'x-amz-meta-c': 'd', 'Content-Type': 'text/plain'})
    Upload(raw, bucket, 'open').part(1)
    return bucket


def visible(answer, url):
    """Return what of an answer does not depend on when and by which proxy it was given."""
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in UNSTABLE}
    body = re.sub(rb'tx[0-9a-f]{21}-[0-9a-f]{10}', b'TX', answer.body)
    # What was signed, which a refusal shows.
    signed = b'StringToSign|StringToSignBytes|CanonicalRequest|CanonicalRequestBytes|SignatureProvided'
    body = re.sub(rb'<(%s)>.*?</\1>' % signed, b'', body, flags=re.DOTALL)
    if b'<RequestId>' in body or b'<Error>' in body:
        headers.pop('content-length', None)
    return answer.status, headers, body.replace(url.encode(), b'URL')


def both(raw, stock, *arguments, **options):
    """Send a request to both proxies and return both answers, as far as they can be compared."""
    return [visible(client.request(*arguments, **options), client.address.netloc) for client in (raw, stock)]


@pytest.mark.parametrize('method, key, query, headers', [
    ('GET', None, {}, {}),
    ('GET', None, {'list-type': '2', 'prefix': 'l'}, {}),
    ('GET', None, {'versions': None}, {}),
    ('HEAD', None, {}, {}),
    ('GET', None, {'location': None}, {}),
    ('GET', None, {'versioning': None}, {}),
    ('GET', None, {'acl': None}, {}),
    ('GET', None, {'replication': None}, {}),
    ('GET', None, {'policy': None}, {}),
    ('GET', 'plain', {}, {}),
    ('HEAD', 'plain', {}, {}),
    ('GET', 'plain', {'acl': None}, {}),
    ('GET', 'plain', {'tagging': None}, {}),
    ('GET', 'plain', {'partNumber': 1}, {}),
    ('GET', 'plain', {'partNumber': 0}, {}),
    ('GET', 'plain', {'partNumber': 1}, {'Range': 'bytes=0-1'}),
    ('GET', 'plain', {'response-content-type': 'a/b'}, {'Range': 'bytes=1-2'}),
    ('HEAD', 'large', {}, {}),
    ('GET', 'large', {}, {'Range': f'bytes={PART_MIN_BYTES - 2}-{PART_MIN_BYTES + 1}'}),
    ('GET', 'large', {'partNumber': 2}, {}),
    ('HEAD', 'large', {'partNumber': 1}, {}),
    ('GET', 'large', {}, {'If-None-Match': '*'}),
    ('GET', 'absent', {}, {}),
    ('HEAD', 'absent', {'partNumber': 1}, {}),
    ('DELETE', 'absent', {}, {}),
    ('POST', 'plain', {}, {}),
    ('POST', 'plain', {'select': None, 'select-type': 2}, {}),
    ('OPTIONS', 'plain', {}, {'Origin': 'http://a.test', 'Access-Control-Request-Method': 'POST'}),
], ids=str)
def test_s3_requests_get_swifts_own_answer(raw, stock, filled, method, key, query, headers):
    """Every S3 request that is no multipart operation is answered as by a proxy without s3multi."""
    ours, theirs = both(raw, stock, method, filled, key, query, headers)

    assert theirs == ours


@pytest.mark.parametrize('sign', [None, 'v4'])
def test_service_gets_swifts_own_answer(raw, stock, sign):
    """The list of all buckets is, too, and so is what is no S3 request at all."""
    ours, theirs = both(raw, stock, 'GET', sign=sign)

    assert theirs == ours


def test_wrong_signature_gets_swifts_own_answer(raw, stock, filled):
    """A refusal is the same on plain and on multipart requests."""
    strangers = [RawClient(client.address.geturl(), 'test:tester', 'not the secret') for client in (raw, stock)]

    for query in ({}, {'uploads': None}):
        ours, theirs = both(*strangers, 'POST', filled, 'plain', query)
        assert theirs[0] == ours[0]
        assert theirs[2] == ours[2]


def test_writes_pass(raw, stock, bucket):
    """PUT, copy, multi-object delete and DELETE of a plain object are Swift's own."""
    source = {'x-amz-copy-source': f'/{bucket}/k'}
    delete = b'<Delete><Object><Key>k2</Key></Object><Object><Key>absent</Key></Object></Delete>'
    answers = []
    for client in (raw, stock):
        answers.append([client.request(*arguments, **options).outcome for arguments, options in (
            (('PUT', bucket, 'k'), {'body': b'data', 'headers': {'x-amz-meta-a': 'b'}}),
            (('PUT', bucket, 'k2'), {'headers': source}),
            (('PUT', bucket, 'k3'), {'headers': {**source, 'x-amz-copy-source-range': 'bytes=0-1'}}),
            (('POST', bucket, None, {'delete': None}), {'body': delete, 'headers': {'Content-MD5': b64md5(delete)}}),
            (('DELETE', bucket, 'k'), {}),
            (('DELETE', bucket, 'k'), {}),
        )])

    assert answers[1] == answers[0]
    assert [200, 200, (400, 'InvalidArgument'), 200, 204, 204] == answers[0]


def b64md5(body):
    """Return what Content-MD5 says of the body."""
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def test_stock_proxy_serves_what_was_made_here(raw, stock, filled):
    """A finished object does not need s3multi: every proxy of the cluster can read, copy and delete it."""
    assert b''.join(BODIES) == stock.request('GET', filled, 'large').body
    assert 200 == stock.request('PUT', filled, 'copy', headers={'x-amz-copy-source': f'/{filled}/large'}).status
    assert b''.join(BODIES) == raw.request('GET', filled, 'copy').body
    raw.put_multipart(filled, 'dropped', [b'x'])
    assert 204 == stock.request('DELETE', filled, 'dropped').status
    assert 404 == raw.request('HEAD', filled, 'dropped').status
    stock.request('DELETE', filled, 'copy')


# The Swift API

@pytest.fixture
def swift_api(cluster, swift):
    """A function that sends a request to the Swift API as the account's administrator, and returns the answer."""
    url, token = swift.get_auth()

    def send(method, path, query='', **options):
        headers = {'X-Auth-Token': token, **options.pop('headers', {})}
        return requests.request(method, f'{url}/{path}?{query}', headers=headers, timeout=60, **options)

    return send


@pytest.mark.parametrize('query', ['uploadId=x&partNumber=1', 'uploads', 'uploads=&uploadId=x', 'partNumber=1'])
def test_swift_api_does_not_know_multipart_requests(swift_api, bucket, query):
    """A query that would be a multipart operation in S3 means nothing in the Swift API."""
    assert 201 == swift_api('PUT', f'{bucket}/k', query, data=b'data', headers={'Content-Type': 'a/b'}).status_code
    assert b'data' == swift_api('GET', f'{bucket}/k', query).content
    assert 202 == swift_api('POST', f'{bucket}/k', query, headers={'X-Object-Meta-A': 'b'}).status_code
    assert 'b' == swift_api('HEAD', f'{bucket}/k', query).headers['X-Object-Meta-A']
    assert ['k'] == swift_api('GET', bucket, query).text.split()
    assert 204 == swift_api('DELETE', f'{bucket}/k', query).status_code
    assert 404 == swift_api('GET', f'{bucket}/k').status_code
    assert 404 == swift_api('HEAD', f'{bucket}_segments').status_code


@pytest.mark.parametrize('name', ['s3multi.handoff', 'S3multi-Handoff', 'X-S3multi-Handoff', 'X-S3multi.handoff',
                                  'X-Backend-S3multi-Handoff', 'wsgi.s3multi.handoff'])
def test_handoff_cannot_be_sent(swift_api, raw, bucket, name):
    """No header makes a request look as if the front had handed it on."""
    upload = Upload(raw, bucket, 'k')
    headers = {name: '{"params": {"uploadId": "%s"}}' % upload.id}

    assert 404 == swift_api('DELETE', f'{bucket}/k', f'uploadId={upload.id}', headers=headers).status_code
    assert 400 <= raw.request('DELETE', bucket, 'k', {'uploadId': upload.id}, headers, sign=None).status < 500
    assert upload.is_open()
    assert 201 == swift_api('PUT', f'{bucket}/k', f'uploadId={upload.id}&partNumber=1', headers=headers,
                            data=b'plain').status_code
    assert b'plain' == raw.request('GET', bucket, 'k').body
    assert [] == upload.list_parts().xml('ListPartsResult').findall('Part')


def test_records_cannot_be_forged_from_outside(swift_api, raw, bucket):
    """Swift's gatekeeper takes our own metadata out of requests, so an object cannot pose as that of an upload."""
    upload = Upload(raw, bucket, 'k')
    etag = upload.part(1, b'data')
    upload.abort()
    assert 201 == swift_api('PUT', f'{bucket}/k', data=b'forged', headers={
        'X-Object-Sysmeta-S3Api-Upload-Id': upload.id,
        'X-Object-Sysmeta-S3Api-Etag': multipart_etag([b'data'])}).status_code

    assert (404, 'NoSuchUpload') == upload.complete([(1, etag)]).outcome
    assert b'forged' == raw.request('GET', bucket, 'k').body


# S3 requests with a query or with headers of Swift

@pytest.mark.parametrize('extra', [
    {'multipart-manifest': 'put'}, {'multipart-manifest': 'delete'}, {'multipart-manifest': 'get'},
    {'multipart-manifest': 'put', 'heartbeat': 'on'}, {'version-id': '1.00000'}, {'symlink': 'get'},
    {'format': 'raw'}, {'format': 'xml', 'limit': '0', 'marker': 'z', 'end_marker': 'a', 'reverse': 'true'},
    {'states': 'all', 'path': 'x'}, {'part-number': '1'},
    {'ignore-range-header': '1'}, {'filename': 'x'},
], ids=str)
def test_swifts_query_parameters_do_nothing(raw, bucket, swift, extra):
    """A parameter that Swift would follow does not reach any request that is made for the client."""
    kept, dropped = Upload(raw, bucket, 'k'), Upload(raw, bucket, 'k')
    manifest = json.dumps([{'path': f'/{bucket}_segments/k/{kept.id}'}]).encode()

    def send(method, upload, query, body=b''):
        return raw.request(method, bucket, upload and 'k', {**query, **extra}, body=body)

    assert 200 == send('POST', kept, {'uploads': None}).status
    for upload in (kept, dropped):
        answer = send('PUT', upload, {'partNumber': 1, 'uploadId': upload.id}, manifest)
        assert 200 == answer.status
        upload.etags[1] = answer.headers['ETag']
    assert 1 == len(send('GET', kept, {'uploadId': kept.id}).xml('ListPartsResult').findall('Part'))
    assert 3 == len(send('GET', None, {'uploads': None}).xml('ListMultipartUploadsResult').findall('Upload'))
    assert 204 == send('DELETE', dropped, {'uploadId': dropped.id}).status
    assert [] == [name for name in dropped.stored(swift) if name]
    assert 200 == kept.complete().status
    assert manifest == raw.request('GET', bucket, 'k').body


@pytest.mark.parametrize('extra', [
    {'multipart-manifest': 'put'}, {'multipart-manifest': 'delete'}, {'multipart-manifest': 'get'}, {'format': 'raw'},
    {'version-id': '1.00000'}, {'symlink': 'get'}], ids=str)
def test_swifts_query_parameters_do_nothing_to_complete(raw, bucket, extra):
    """Nor at Complete."""
    upload = Upload(raw, bucket, 'k')
    upload.part(1, b'data')
    body = b'<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>'
    answer = raw.request('POST', bucket, 'k', {'uploadId': upload.id, **extra}, body=body % upload.etags[1].encode())

    assert 200 == answer.status
    assert b'data' == raw.request('GET', bucket, 'k').body


def test_writer_cannot_read_through_a_manifest(cluster, raw, bucket, swift):
    """Who may write to one bucket cannot make a part that shows the content of another."""
    private = 'private-' + bucket
    swift.put_container(private)
    swift.put_object(private, 'secret', b'not for you')
    swift.post_container(bucket, {'X-Container-Write': 'test:tester3', 'X-Container-Read': 'test:tester3'})
    writer = RawClient(cluster.url, 'test:tester3', 'testing3')
    upload = Upload(writer, bucket, 'k')
    manifest = json.dumps([{'path': f'/{private}/secret'}]).encode()
    answer = writer.request('PUT', bucket, 'k', {
        'partNumber': 1, 'uploadId': upload.id, 'multipart-manifest': 'put'}, body=manifest)

    assert 200 == answer.status
    upload.complete([(1, answer.etag)])
    assert manifest == raw.request('GET', bucket, 'k').body


@pytest.mark.parametrize('name, value', [
    ('X-Copy-From', 'private/secret'),
    ('X-Copy-From-Account', 'AUTH_test2'),
    ('Destination', 'private/secret'),
    ('X-Object-Manifest', 'private/secret'),
    ('X-Symlink-Target', 'private/secret'),
    ('X-Storage-Policy', 'silver'),
    ('X-Backend-Storage-Policy-Index', '1'),
    ('X-Container-Read', '.r:*'),
    ('X-Container-Meta-Temp-Url-Key', 'mine'),
    ('X-Timestamp', '1.00000'),
    ('X-Newest', 'false'),
    ('X-Auth-Token', 'AUTH_tk0'),
    ('X-Service-Token', 'AUTH_tk0'),
    ('X-If-Delete-At', '1'),
    ('X-Backend-Allow-Reserved-Names', 'true'),
    ('X-Object-Sysmeta-S3multi-Chosen', 'x'),
], ids=str)
def test_swifts_headers_do_nothing(raw, bucket, swift, name, value):
    """Nor does a header: an upload that carries it everywhere is an upload as any other."""
    extra = {name: value}
    upload = Upload(raw, bucket, 'k', extra)
    part = raw.upload_part(bucket, 'k', upload.id, 1, b'data', extra)
    assert (200, 200) == (part.status, upload.list_parts(headers=extra).status)
    assert 204 == Upload(raw, bucket, 'k', extra).abort(headers=extra).status
    assert 200 == upload.complete([(1, part.etag)], extra).status

    assert b'data' == raw.request('GET', bucket, 'k').body
    headers = swift.head_container(bucket + '_segments')
    assert 'gold' == headers['x-storage-policy']
    assert not {'x-container-read', 'x-container-meta-temp-url-key'} & set(headers)
    assert 1 == len([name for name in segment_names(swift, bucket) if '/0000' in name])


@pytest.mark.parametrize('key', ['..', '../other', '../../AUTH_test2/b/k', '.', '%2e%2e/other'])
def test_key_cannot_leave_the_bucket(raw, bucket, swift, key):
    """Dots in a key are part of its name, wherever it is used."""
    raw.put_multipart(bucket, key, [b'data'])

    assert [key] == [row['name'] for row in swift.get_container(bucket)[1]]
    assert all(name.startswith(key + '/') for name in segment_names(swift, bucket))
