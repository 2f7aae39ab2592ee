# SPDX-License-Identifier: Apache-2.0
"""A client that stops sending and keeps its connection: told so with RequestTimeout, which SDKs repeat.

How Amazon S3 answers: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html has RequestTimeout, 400.
"""

from __future__ import annotations

import http.client
import socket
import time

import pytest

from .raw import RawClient, complete_body
from .uploads import TINY_PARTS, Upload

STALLED_SECONDS = 1.5


@pytest.fixture(scope='module')
def client(cluster):
    """A client of a proxy that does not wait for long."""
    return RawClient(cluster.add_proxy('impatient', filters=TINY_PARTS, app={'client_timeout': STALLED_SECONDS}).url)


def send(client, upload, method, query, headers, body, finish=False, about_upload=True):
    """Send the head of a request and a body, and then nothing; return status, body and Connection of the answer.

    finish: close the sending side instead, so that nothing more can come. about_upload: whether to name the upload.
    """
    if about_upload:
        query = {**query, 'uploadId': upload.id}
    request = client.unsent(method, upload.bucket, upload.key, query, headers)
    _scheme, _, target = request.url.partition(client.address.netloc)
    lines = [f'{method} {target} HTTP/1.1', *(f'{name}: {value}' for name, value in request.headers.items())]
    with socket.create_connection((client.address.hostname, client.address.port), 30) as connection:
        connection.sendall('\r\n'.join([*lines, '', '']).encode() + body)
        if finish:
            connection.shutdown(socket.SHUT_WR)
        began = time.monotonic()
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        found = answer.status, answer.read(), answer.headers['Connection']
        assert time.monotonic() - began < 10 * STALLED_SECONDS
        return found


@pytest.mark.parametrize('sent', [0, 100, -1], ids=['nothing', 'some', 'all but one'])
@pytest.mark.parametrize('headers', [{}, {'x-amz-checksum-crc32': 'AAAAAA=='}], ids=['plain', 'checksum'])
def test_part(client, bucket, swift, headers, sent):
    """Nothing is stored, and the part can be sent again."""
    upload, body = Upload(client, bucket), bytes(70000)
    status, document, connection = send(client, upload, 'PUT', {'partNumber': 1}, {
        'Content-Length': str(len(body)), **headers}, body[:sent])

    assert (400, 'close') == (status, connection) and b'<Code>RequestTimeout</Code>' in document, document
    assert [] == upload.stored_numbers(swift)
    upload.part(1, body)


@pytest.mark.parametrize('sent', [0, -1], ids=['nothing', 'all but one'])
@pytest.mark.parametrize('chunked', [False, True], ids=['length', 'chunks'])
def test_complete(client, bucket, sent, chunked):
    """The upload stays open, and the Complete can be sent again."""
    upload = Upload(client, bucket).parts(b'part')
    body = complete_body(upload.listed)
    headers = {'Transfer-Encoding': 'chunked'} if chunked else {'Content-Length': str(len(body))}
    wire = b'%x\r\n%b' % (len(body), body[:sent]) if chunked else body[:sent]
    status, document, connection = send(client, upload, 'POST', {}, headers, wire)

    assert (400, 'close') == (status, connection) and b'<Code>RequestTimeout</Code>' in document, document
    assert 200 == upload.complete().outcome


@pytest.mark.parametrize('query', [{'delete': None}, {}], ids=['documents', 'objects'])
def test_what_s3api_reads(client, bucket, query):
    """Its documents, such as that of a multiple delete, and its objects."""
    headers = {'Content-Length': '100', 'Content-MD5': 'A' * 22 + '=='}
    status, body, connection = send(client, Upload(client, bucket), 'POST' if query else 'PUT', query, headers, b'<a>',
                                    about_upload=False)

    assert 400 == status and b'<Code>RequestTimeout</Code>' in body, body
    # With Swift 2.34 s3api itself does not say so.
    assert 'close' == connection or not query


@pytest.mark.parametrize('chunked', [False, True], ids=['length', 'chunks'])
def test_complete_cut_short(client, bucket, chunked):
    """From a client that has closed its sending side nothing more will come: that is no time-out."""
    upload = Upload(client, bucket).parts(b'part')
    body = complete_body(upload.listed)
    headers = {'Transfer-Encoding': 'chunked'} if chunked else {'Content-Length': str(len(body))}
    wire = b'%x\r\n%b' % (len(body), body[:-1]) if chunked else body[:-1]
    status, document, _ = send(client, upload, 'POST', {}, headers, wire, finish=True)

    assert 400 == status and b'<Code>IncompleteBody</Code>' in document, document
    assert 200 == upload.complete().outcome


def test_complete_of_broken_chunks(client, bucket):
    """Where no chunk begins the body ends. What Amazon S3 answers is not known."""
    upload = Upload(client, bucket).parts(b'part')
    status, document, _ = send(client, upload, 'POST', {}, {'Transfer-Encoding': 'chunked'}, b'zz\r\nx\r\n')

    assert 400 == status and b'<Code>IncompleteBody</Code>' in document, document
