# SPDX-License-Identifier: Apache-2.0
"""A client that keeps one connection, sends signed S3 requests and Swift requests over it, and times each.

It knows nothing of multipart uploads. A time runs from the first byte sent to the last byte read; signing, hashing and
connecting come before it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .errors import BenchmarkError

REGION = 'us-east-1'
IDLE_SECONDS = 20.0           # well below the 60 after which Swift closes an idle connection
CONNECT_SECONDS = 10.0
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Body:
    """Bytes to send, with their digests. sha256: hexadecimal. crc32: base64, as x-amz-checksum-crc32 has it."""

    data: bytes
    sha256: str
    crc32: str

    @classmethod
    def of(cls, data: bytes) -> Body:
        """Return a Body with these bytes."""
        crc32 = base64.b64encode(zlib.crc32(data).to_bytes(4, 'big')).decode('ascii')
        return cls(data, hashlib.sha256(data).hexdigest(), crc32)


EMPTY = Body.of(b'')


class Zeros:
    """So many zeros to send, once and without a digest; they take no memory."""

    sha256 = 'UNSIGNED-PAYLOAD'

    def __init__(self, size: int) -> None:
        self._size = self._left = size

    def __len__(self) -> int:
        return self._size

    @property
    def data(self) -> Zeros:
        """The zeros themselves."""
        return self

    def read(self, size: int = READ_BYTES) -> bytes:
        """Return at most `size` of the zeros that are left."""
        chunk = bytes(min(size, self._left))
        self._left -= len(chunk)
        return chunk


@dataclass(frozen=True)
class Answer:
    """A successful answer. seconds: from the first byte sent to the last byte read. silence: the longest time in
    seconds that the client waited for a byte."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float
    silence: float


class Client:
    """Sends requests to one proxy, one after another; threads must not share it.

    access, secret: the keys that sign S3 requests. allowed_seconds: how long a request may take until it fails.
    """

    def __init__(self, url: str, access: str, secret: str, allowed_seconds: float) -> None:
        self._address = urlsplit(url)
        self._credentials = Credentials(access, secret)
        self._allowed_seconds = allowed_seconds
        self._connection: http.client.HTTPConnection | None = None
        self._last_used = 0.0

    def s3(self, method: str, path: str, query: Mapping[str, str | None] | None = None,
           headers: Mapping[str, str] | None = None, body: Body | Zeros = EMPTY) -> Answer:
        """Send an S3 request with a signed payload; return the answer.

        path: '/bucket/key', not encoded. query: a parameter with the value None is sent without "=". Raises
        BenchmarkError if there is no answer in time, or its status is not from 200 to 299.
        """
        words = [quote(name, safe='') + ('' if value is None else '=' + quote(value, safe=''))
                 for name, value in (query or {}).items()]
        target = quote(path, safe='/~') + ('?' + '&'.join(words) if words else '')
        request = AWSRequest(method=method, url=f'http://{self._address.netloc}{target}')
        request.headers['Host'] = self._address.netloc
        for name, value in (headers or {}).items():
            request.headers[name] = value
        if body.data or method in ('PUT', 'POST'):
            request.headers['Content-Length'] = str(len(body.data))
        _Signer(self._credentials, body.sha256).add_auth(request)
        return self._exchange(method, target, dict(request.headers.items()), body.data)

    def swift(self, method: str, path: str, headers: Mapping[str, str], body: Body = EMPTY) -> Answer:
        """Send a request as it is; return the answer. path: encoded. Raises BenchmarkError like `s3`."""
        sent = {'Host': self._address.netloc, **headers}
        if body.data or method in ('PUT', 'POST'):
            sent['Content-Length'] = str(len(body.data))
        return self._exchange(method, path, sent, body.data)

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], data: bytes | Zeros) -> Answer:
        connection = self._connected()
        try:
            started = time.perf_counter()
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            if data:
                connection.send(data)
            sent = time.perf_counter()
            response = connection.getresponse()
            body, silence = self._read(response, started, sent)
            seconds = time.perf_counter() - started
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise BenchmarkError(f'{method} {target}: {type(error).__name__}: {error}', type(error).__name__) from error
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        self._last_used = time.monotonic()
        if not 200 <= response.status <= 299:
            raise BenchmarkError(f'{method} {target}: {response.status} {body[:300]!r}', str(response.status))
        return Answer(response.status, response.headers, body, seconds, silence)

    def _read(self, response: http.client.HTTPResponse, started: float, last: float) -> tuple[bytes, float]:
        """Return the body, and the longest silence. started, last: when the request began, and when it was sent."""
        # The time-out of the socket is not enough: it begins anew with every byte, and a slow Complete keeps sending
        # white space.
        pieces: list[bytes] = []
        silence = 0.0
        while True:
            silence, last = max(silence, time.perf_counter() - last), time.perf_counter()
            piece = response.read1(READ_BYTES)
            if not piece:
                # After read1, http.client does not do this by itself at the end of a body with a length.
                response.close()
                return b''.join(pieces), silence
            pieces.append(piece)
            if time.perf_counter() - started > self._allowed_seconds:
                raise TimeoutError(f'not answered within {self._allowed_seconds:.0f} s')

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and time.monotonic() - self._last_used > IDLE_SECONDS:
            self.close()
        if self._connection is None:
            connection = http.client.HTTPConnection(self._address.hostname or '', self._address.port,
                                                    timeout=CONNECT_SECONDS)
            try:
                connection.connect()
            except OSError as error:
                raise BenchmarkError(f'cannot connect to {self._address.netloc}: {error}',
                                     type(error).__name__) from error
            connection.sock.settimeout(self._allowed_seconds)
            self._connection = connection
        return self._connection


class _Signer(S3SigV4Auth):
    """Signs with a hash of the payload that was computed before. botocore would hash the body for each request."""

    def __init__(self, credentials: Credentials, sha256: str) -> None:
        super().__init__(credentials, 's3', REGION)
        self._sha256 = sha256

    def payload(self, request: AWSRequest) -> str:
        """Return the hash of the payload, which also becomes x-amz-content-sha256."""
        return self._sha256
