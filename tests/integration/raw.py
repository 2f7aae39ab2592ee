# SPDX-License-Identifier: Apache-2.0
"""Signed S3 requests that no SDK would send: any header, path, query and body.

Signatures are botocore's; the chunks of aws-chunked bodies are signed here, as botocore signs none:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from botocore.auth import HmacV1Auth, HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from . import users

NAMESPACE = '{http://s3.amazonaws.com/doc/2006-03-01/}'
REGION = 'us-east-1'
SIGNINGS = ('v4', 'v2', 'presigned-v4', 'presigned-v2')
TIMEOUT_SECONDS = 60

# What `payload` may be, and the word it becomes in x-amz-content-sha256. Any other text is sent as it is.
PAYLOADS = {
    'unsigned': 'UNSIGNED-PAYLOAD',
    'chunks': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'chunks-trailer': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    'unsigned-chunks-trailer': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
}
_EMPTY_SHA256 = hashlib.sha256().hexdigest()


@dataclass
class ErrorDocument:
    """An Error document: its code, its message, and the text of every element by name."""

    code: str
    message: str
    elements: dict[str, str]

    def __getitem__(self, name):
        return self.elements[name]


@dataclass
class Answer:
    """What the server answered. continued: whether it asked for the body with 100 Continue first.

    body_bytes_sent: how much of the body had gone out when the answer was read.
    """

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    continued: bool = False
    body_bytes_sent: int = 0

    @property
    def etag(self):
        """The ETag header without its quotes, which must be there."""
        value = self.headers['ETag']
        assert value[0] == value[-1] == '"', value
        return value[1:-1]

    @property
    def error(self):
        """The Error document in the body: in no namespace, with the ids that the headers have too."""
        assert self.headers['Content-Type'] == 'application/xml', (self.status, self.body)
        root = ElementTree.fromstring(self.body)
        assert root.tag == 'Error', self.body
        elements = {child.tag: child.text or '' for child in root}
        assert elements['RequestId'] and elements['RequestId'] == self.headers['x-amz-request-id'], self.headers
        return ErrorDocument(elements['Code'], elements['Message'], elements)

    @property
    def outcome(self):
        """The status alone for a success, else the status and the code of the error."""
        return self.status if self.status < 300 else (self.status, self.error.code)

    def xml(self, name):
        """Return the root of the result document `name` of a 200, all tags without S3's namespace."""
        assert self.status == 200, (self.status, self.body)
        assert self.headers['Content-Type'] == 'application/xml', self.headers
        root = ElementTree.fromstring(self.body)
        for element in root.iter():
            assert element.tag.startswith(NAMESPACE), self.body
            element.tag = element.tag[len(NAMESPACE):]
        assert root.tag == name, self.body
        return root


class RawClient:
    """Sends one request a connection, signed as `access`: the name of one of users.USERS, or an access key.

    domain: of the server's `storage_domain`; buckets are then named in the Host header.
    """

    def __init__(self, url, access='test:tester', secret='testing', *, domain=None):
        self.address = urlsplit(url)
        self.credentials = Credentials(*users.auth.keys(access, secret))
        self.domain = domain

    def request(self, method, bucket=None, key=None, query=(), headers=(), body=b'', *, sign='v4', payload='signed',
                trailers=None, chunk_bytes=8192, hang_up=False, path=None, tamper=None):
        """Send a request and return the Answer.

        query, headers: a mapping or pairs; a query value None is sent without "=". body: bytes, or an iterable of
        them, which is sent with the Content-Length in the headers or else chunked; None to send a Content-Length
        from the headers and then no body at all. sign: one of SIGNINGS, or None. payload: 'signed', one of PAYLOADS,
        or a word of one's own. trailers: of an aws-chunked body. chunk_bytes: size of its chunks. hang_up: close the
        sending side after the body. path: instead of that of bucket and key, already encoded. tamper: called with the
        AWSRequest after it was signed.
        """
        request, body = self._sign(method, self._url(bucket, key, query, path), _pairs(headers), body, sign, payload,
                                   trailers, chunk_bytes)
        if tamper is not None:
            tamper(request)
        return self._send(request, body, hang_up)

    def unsent(self, method, bucket, key, query, headers):
        """Return an AWSRequest, its payload not signed, to be sent by hand. The headers tell where its body ends."""
        url = self._url(bucket, key, query, None)
        return self._sign(method, url, _pairs(headers), None, 'v4', 'unsigned', None, 0)[0]

    def initiate(self, bucket, key, headers=(), **options):
        """Initiate an upload and return its id."""
        answer = self.request('POST', bucket, key, {'uploads': None}, headers, **options)
        return answer.xml('InitiateMultipartUploadResult').findtext('UploadId')

    def upload_part(self, bucket, key, upload_id, number, body=b'', headers=(), **options):
        """Upload a part, or copy one when the headers name a source; return the Answer."""
        query = {'partNumber': number, 'uploadId': upload_id}
        return self.request('PUT', bucket, key, query, headers, body, **options)

    def copy_part(self, bucket, key, upload_id, number, source, headers=(), **options):
        """Copy a part from `source`, already encoded; return the Answer."""
        return self.upload_part(bucket, key, upload_id, number, b'',
                                [*_pairs(headers), ('x-amz-copy-source', source)], **options)

    def complete(self, bucket, key, upload_id, parts, headers=(), **options):
        """Complete an upload; parts: pairs of number and ETag, or a body of one's own as bytes. Return the Answer."""
        body = parts if isinstance(parts, bytes) else complete_body(parts)
        return self.request('POST', bucket, key, {'uploadId': upload_id}, headers, body, **options)

    def put_multipart(self, bucket, key, bodies, headers=(), **options):
        """Initiate with these headers, upload the parts 1, 2, ... and complete; return the upload's id."""
        upload_id = self.initiate(bucket, key, headers, **options)
        parts = [(number, self.upload_part(bucket, key, upload_id, number, body, **options).etag)
                 for number, body in enumerate(bodies, 1)]
        answer = self.complete(bucket, key, upload_id, parts, **options)
        assert answer.xml('CompleteMultipartUploadResult').findtext('ETag') == f'"{multipart_etag(bodies)}"'
        return upload_id

    def abort(self, bucket, key, upload_id, **options):
        """Abort an upload; return the Answer."""
        return self.request('DELETE', bucket, key, {'uploadId': upload_id}, **options)

    def list_parts(self, bucket, key, upload_id, query=(), **options):
        """List parts; return the Answer."""
        return self.request('GET', bucket, key, [('uploadId', upload_id), *_pairs(query)], **options)

    def list_uploads(self, bucket, query=(), **options):
        """List the uploads of a bucket; return the Answer."""
        return self.request('GET', bucket, None, [('uploads', None), *_pairs(query)], **options)

    def _url(self, bucket, key, query, path):
        host = self.address.netloc
        if self.domain is not None and bucket is not None:
            host = f'{bucket}.{self.domain}:{self.address.port}'
            default = '/'
        else:
            default = '/' if bucket is None else '/' + bucket
        if path is None:
            path = default if key is None else default.rstrip('/') + '/' + quote(key, safe='/~')
        words = [quote(name, safe='-_.~') + ('' if value is None else '=' + quote(_text(value), safe='-_.~'))
                 for name, value in _pairs(query)]
        return f'http://{host}{path}' + ('?' + '&'.join(words) if words else '')

    def _sign(self, method, url, headers, body, sign, payload, trailers, chunk_bytes):
        """Return the signed AWSRequest and the body to send with it."""
        request = AWSRequest(method=method, url=url)
        request.headers['Host'] = urlsplit(url).netloc
        whole = body if isinstance(body, bytes) else b''
        chunks = None
        if payload in ('chunks', 'chunks-trailer', 'unsigned-chunks-trailer'):
            chunks = _Chunks(payload != 'unsigned-chunks-trailer', request, trailers or {}, chunk_bytes)
            headers = _defaults(headers, {
                'Content-Encoding': 'aws-chunked', 'X-Amz-Decoded-Content-Length': str(len(whole)),
                **({'X-Amz-Trailer': ','.join(trailers)} if trailers else {})})
            body = chunks.render(whole)
        for name, value in _defaults(headers, _framing(method, headers, body)):
            request.headers[name] = value
        word = hashlib.sha256(whole).hexdigest() if payload == 'signed' else PAYLOADS.get(payload, payload)
        signer = self._signer(sign, word)
        if signer is not None:
            if self.domain is not None:
                bucket, _, _ = urlsplit(url).hostname.partition('.' + self.domain)
                request.auth_path = f'/{bucket}{urlsplit(url).path}'
            signer.add_auth(request)
        elif payload != 'signed':
            request.headers['X-Amz-Content-SHA256'] = word
        if chunks is not None:
            # Only now is there a signature that those of the chunks can begin with; their lengths stay.
            chunks.signer = signer
            body = chunks.render(whole)
        return request, body

    def _signer(self, sign, word):
        if sign == 'v4':
            return _SigV4(self.credentials, word)
        if sign == 'v2':
            return HmacV1Auth(self.credentials)
        if sign == 'presigned-v4':
            return S3SigV4QueryAuth(self.credentials, 's3', REGION, expires=300)
        if sign == 'presigned-v2':
            return HmacV1QueryAuth(self.credentials, expires=300)
        assert sign is None, sign
        return None

    def _send(self, request, body, hang_up):
        _scheme, _colon, target = request.url.partition('://')
        _host, slash, target = target.partition('/')
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(request.method, slash + target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name == 'Date' and 'X-Amz-Date' not in request.headers and 'Authorization' not in request.headers:
                    # botocore keeps the end of a presigned URL's life here.
                    continue
                connection.putheader(name.encode('utf-8'), value.encode('utf-8'))
            connection.endheaders()
            continued = False
            if (request.headers.get('Expect') or '').lower() == '100-continue':
                continued = _await_continue(connection.sock)
                if not continued:
                    body = None
            sent = _send_body(connection.sock, request.headers, body)
            if hang_up:
                connection.sock.shutdown(socket.SHUT_WR)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read(), continued, sent)
        finally:
            connection.close()


def complete_body(parts):
    """Return the body of a Complete; parts: pairs of number and ETag."""
    listed = ''.join(f'<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>' for number, etag in parts)
    return (f'<CompleteMultipartUpload xmlns="{NAMESPACE[1:-1]}">{listed}</CompleteMultipartUpload>').encode()


def multipart_etag(bodies):
    """Return the ETag of an object made of parts with these bodies."""
    digests = b''.join(hashlib.md5(body).digest() for body in bodies)
    return f'{hashlib.md5(digests).hexdigest()}-{len(bodies)}'


class _SigV4(S3SigV4Auth):
    """Signs with a word of one's own for the payload."""

    def __init__(self, credentials, word):
        super().__init__(credentials, 's3', REGION)
        self.word = word
        self.seed = ''

    def payload(self, request):
        return self.word

    def _inject_signature_to_request(self, request, signature):
        self.seed = signature
        return super()._inject_signature_to_request(request, signature)


@dataclass
class _Chunks:
    """An aws-chunked body. signed: whether chunks carry signatures; by `signer`, or zeros while that is None."""

    signed: bool
    request: AWSRequest
    trailers: dict
    size: int
    signer: object = None
    previous: str = field(default='', init=False)

    def render(self, body):
        pieces = [body[place:place + self.size] for place in range(0, len(body), self.size)] + [b'']
        out = []
        self.previous = getattr(self.signer, 'seed', '')
        for piece in pieces:
            extension = f';chunk-signature={self._chunk_signature(piece)}' if self.signed else ''
            out.append(b'%x%s\r\n' % (len(piece), extension.encode()))
            if piece:
                out.append(piece + b'\r\n')
        if self.trailers:
            lines = [f'{name.lower()}:{value}' for name, value in self.trailers.items()]
            out += [line.encode() + b'\r\n' for line in lines]
            if self.signed:
                block = ''.join(line + '\n' for line in lines)
                digest = hashlib.sha256(block.encode()).hexdigest()
                signature = self._signature('AWS4-HMAC-SHA256-TRAILER', [digest])
                out.append(f'x-amz-trailer-signature:{signature}\r\n'.encode())
        out.append(b'\r\n')
        return b''.join(out)

    def _chunk_signature(self, piece):
        return self._signature('AWS4-HMAC-SHA256-PAYLOAD', [_EMPTY_SHA256, hashlib.sha256(piece).hexdigest()])

    def _signature(self, kind, digests):
        if not self.previous:
            return '0' * 64
        text = '\n'.join([kind, self.request.context['timestamp'], self.signer.credential_scope(self.request),
                          self.previous, *digests])
        self.previous = self.signer.signature(text, self.request)
        return self.previous


def _text(value):
    return value if isinstance(value, (bytes, str)) else str(value)


def _pairs(given):
    return list(given.items()) if hasattr(given, 'items') else list(given)


def _defaults(headers, defaults):
    """Return the headers, with those defaults in front that they do not have."""
    given = {name.lower() for name, _value in headers}
    return [pair for pair in defaults.items() if pair[0].lower() not in given] + headers


def _framing(method, headers, body):
    """Return the header that tells where the body ends, unless one of the headers does."""
    if body is None or {'content-length', 'transfer-encoding'} & {name.lower() for name, _value in headers}:
        return {}
    if not isinstance(body, bytes):
        return {'Transfer-Encoding': 'chunked'}
    return {'Content-Length': str(len(body))} if body or method in ('PUT', 'POST') else {}


def _await_continue(sock):
    """Read the interim answer 100 and return True; return False, with nothing read, when it is a final one."""
    seen = b''
    while b'\r\n\r\n' not in seen:
        seen = sock.recv(65536, socket.MSG_PEEK)
        assert seen, 'the server closed the connection without an answer'
    if not seen.startswith(b'HTTP/1.1 100 '):
        return False
    left = seen.index(b'\r\n\r\n') + 4
    while left:
        left -= len(sock.recv(left))
    return True


def _send_body(sock, headers, body):
    """Send the body as the headers say; return how many bytes of it the socket took."""
    if body is None:
        return 0
    pieces = [body] if isinstance(body, bytes) else body
    chunked = 'chunked' in (headers.get('Transfer-Encoding') or '')
    sent = 0
    try:
        for piece in pieces:
            if chunked:
                if piece:
                    sock.sendall(b'%x\r\n%s\r\n' % (len(piece), piece))
            else:
                sock.sendall(piece)
            sent += len(piece)
        if chunked:
            sock.sendall(b'0\r\n\r\n')
    except (BrokenPipeError, ConnectionResetError):
        # The server has answered already and reads no further; the answer is there to be read.
        pass
    return sent
