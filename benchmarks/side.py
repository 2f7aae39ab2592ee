# SPDX-License-Identifier: Apache-2.0
"""One of the two sides of a comparison: its proxy, its buckets, and the S3 operations, timed and with answers checked.

Nothing here depends on which side it is: both get the very same requests.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from s3multi.demo.cluster import Proxy

from .client import EMPTY, Answer, Body, Client
from .errors import BenchmarkError

ACCESS, SECRET = 'test:tester', 'testing'
ALLOWED_SECONDS = 600.0       # stock s3api may need 200 for an Abort of 10,000 parts on a busy machine
SETUP_THREADS = 4
SETUP_ATTEMPTS = 3            # a busy object server answers 503 now and then
WARM_UPLOADS = 3              # that are completed, and as many that are aborted: first requests pay for imports
PART = Body.of(b's3multi.' * 128)            # 1 KiB: the body of a part that is only there to be counted

VERSIONING = Body.of(b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                     b'<Status>Enabled</Status></VersioningConfiguration>')


@dataclass
class Upload:
    """An open upload. etags: of its parts, with quotes, by part number from 1 on."""

    bucket: str
    key: str
    id: str
    etags: dict[int, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Bucket and key, as the path of a request."""
        return f'/{self.bucket}/{self.key}'


class Side:
    """One side. name: 's3multi' or 'stock'. `connect` gives it a proxy, and may later give it another one.

    versioned: whether its buckets have versions. stopped: set this to make preparations in other threads fail soon.
    """

    def __init__(self, name: str, versioned: bool = False) -> None:
        self.name = name
        self.bucket = f'bench-{name}' + ('-versioned' if versioned else '')
        self.stopped = False
        self._versioned = versioned
        self._lists_bucket = self.bucket + '-lists'
        self._spare: dict[int, list[Upload]] = {}
        self._clients = threading.local()
        self._proxy: Proxy | None = None
        self._keys = 0
        self._token = ''
        self._storage_path = ''

    @property
    def proxy(self) -> Proxy:
        """The proxy that serves this side."""
        assert self._proxy is not None
        return self._proxy

    def connect(self, proxy: Proxy) -> None:
        """Use this proxy from now on, and warm it up. The first call also makes the buckets."""
        first_time = self._proxy is None
        self._proxy = proxy
        self._clients = threading.local()
        answer = self.client.swift('GET', urlsplit(proxy.auth_url).path, {'X-Auth-User': ACCESS, 'X-Auth-Key': SECRET})
        self._token = answer.headers['X-Auth-Token']
        self._storage_path = urlsplit(answer.headers['X-Storage-Url']).path
        if first_time:
            for bucket in (self.bucket, self._lists_bucket):
                self.client.s3('PUT', '/' + bucket)
                if self._versioned:
                    self.client.s3('PUT', '/' + bucket, {'versioning': None}, None, VERSIONING)
        for _time in range(WARM_UPLOADS):
            upload = self.new_upload(2)
            self.list_parts(upload)
            self.complete(upload)
            self.abort(self.new_upload(2))

    @property
    def client(self) -> Client:
        """The client of this thread."""
        found: Client | None = getattr(self._clients, 'client', None)
        if found is None:
            found = self._clients.client = Client(self.proxy.url, ACCESS, SECRET, ALLOWED_SECONDS)
        return found

    def new_key(self) -> str:
        """Return a key that was never used."""
        self._keys += 1
        return f'object-{self._keys:06}'

    # Operations: each returns seconds

    def initiate(self, upload: Upload) -> float:
        """Initiate an upload and note its id."""
        answer = self.client.s3('POST', upload.path, {'uploads': None})
        upload.id = _text(answer, 'UploadId')
        return answer.seconds

    def upload_part(self, upload: Upload, number: int, body: Body, with_crc32: bool = False) -> float:
        """Upload a part and note its ETag."""
        answer = self.client.s3('PUT', upload.path, {'partNumber': str(number), 'uploadId': upload.id},
                                _checksum(body, with_crc32), body)
        upload.etags[number] = answer.headers['ETag']
        return answer.seconds

    def copy_part(self, upload: Upload, number: int, source: str) -> float:
        """Upload a part by copy and note its ETag. source: the path of an object."""
        answer = self.client.s3('PUT', upload.path, {'partNumber': str(number), 'uploadId': upload.id},
                                {'x-amz-copy-source': source})
        upload.etags[number] = _text(answer, 'ETag').replace('&quot;', '"')
        return answer.seconds

    def list_parts(self, upload: Upload) -> float:
        """List the first page of parts, at most 1000."""
        answer = self.client.s3('GET', upload.path, {'uploadId': upload.id})
        _expect_count(answer, b'<Part>', min(1000, len(upload.etags)))
        return answer.seconds

    def list_uploads(self, uploads: Sequence[Upload]) -> float:
        """List the uploads of a bucket. uploads: all that it has."""
        answer = self.client.s3('GET', '/' + uploads[0].bucket, {'uploads': None})
        _expect_count(answer, b'<Upload>', len(uploads))
        return answer.seconds

    def complete(self, upload: Upload) -> float:
        """Complete an upload with all of its parts."""
        answer = self.client.s3('POST', upload.path, {'uploadId': upload.id}, None, complete_body(upload))
        # An error after white space also has the status 200.
        _expect_count(answer, b'<CompleteMultipartUploadResult', 1)
        return answer.seconds

    def abort(self, upload: Upload) -> float:
        """Abort an upload."""
        return self.client.s3('DELETE', upload.path, {'uploadId': upload.id}).seconds

    def put_object(self, key: str, body: Body, with_crc32: bool = False) -> float:
        """Store an object in one request of the S3 API."""
        return self.client.s3('PUT', f'/{self.bucket}/{key}', None, _checksum(body, with_crc32), body).seconds

    def swift_put(self, key: str, body: Body) -> float:
        """Store an object by the Swift API."""
        path = f'{self._storage_path}/{self.bucket}/{key}'
        return self.client.swift('PUT', path, {'X-Auth-Token': self._token}, body).seconds

    def swift_request(self, method: str, path: str) -> float:
        """Send a request without a body by the Swift API. path: encoded, in the account."""
        return self.client.swift(method, f'{self._storage_path}/{path}', {'X-Auth-Token': self._token}).seconds

    def get_object(self, key: str, size_bytes: int) -> float:
        """Read an object of this size."""
        answer = self.client.s3('GET', f'/{self.bucket}/{key}')
        if len(answer.body) != size_bytes:
            raise BenchmarkError(f'{key} has {len(answer.body)} bytes instead of {size_bytes}')
        return answer.seconds

    def get_part(self, key: str, number: int, size_bytes: int) -> float:
        """Read a part, which has this size, of an object."""
        answer = self.client.s3('GET', f'/{self.bucket}/{key}', {'partNumber': str(number)})
        if len(answer.body) != size_bytes:
            raise BenchmarkError(f'part {number} of {key} has {len(answer.body)} bytes instead of {size_bytes}')
        return answer.seconds

    def head_object(self, key: str) -> float:
        """Ask for the headers of an object."""
        return self.client.s3('HEAD', f'/{self.bucket}/{key}').seconds

    def copy_object(self, key: str, source: str) -> float:
        """Copy an object to this key. source: its path."""
        answer = self.client.s3('PUT', f'/{self.bucket}/{key}', None, {'x-amz-copy-source': source})
        _expect_count(answer, b'<CopyObjectResult', 1)
        return answer.seconds

    def delete_object(self, key: str) -> float:
        """Delete an object."""
        return self.client.s3('DELETE', f'/{self.bucket}/{key}').seconds

    # Preparations

    def new_upload(self, parts: int = 0, body: Body = PART, times: int = 1, lists: bool = False,
                   key: str = '') -> Upload:
        """Initiate an upload and send `parts` parts, several at a time, each `times` times; return the upload.

        lists: whether it belongs in the bucket whose uploads are listed, or in the other one. key: '' for a new one.
        """
        upload = Upload(self._lists_bucket if lists else self.bucket, key or self.new_key(), '')
        self.initiate(upload)
        for _time in range(times):
            with ThreadPoolExecutor(SETUP_THREADS) as pool:
                list(pool.map(lambda first: self._send_parts(upload, range(first, parts + 1, SETUP_THREADS), body),
                              range(1, SETUP_THREADS + 1)))
        return upload

    def keep(self, upload: Upload) -> None:
        """Keep an upload for a later `take`."""
        self._spare.setdefault(len(upload.etags), []).append(upload)

    def take(self, parts: int) -> Upload:
        """Return an upload of so many parts: one that was kept, else a new one."""
        spare = self._spare.get(parts)
        return spare.pop() if spare else self.new_upload(parts)

    def _send_parts(self, upload: Upload, numbers: Sequence[int], body: Body) -> None:
        try:
            for number in numbers:
                self._send_part(upload, number, body)
        finally:
            # The connection of this thread.
            self.client.close()

    def _send_part(self, upload: Upload, number: int, body: Body) -> None:
        for attempt in range(1, SETUP_ATTEMPTS + 1):
            if self.stopped:
                raise BenchmarkError('stopped')
            try:
                self.upload_part(upload, number, body)
                return
            except BenchmarkError:
                if attempt == SETUP_ATTEMPTS:
                    raise


def _checksum(body: Body, wanted: bool) -> dict[str, str]:
    return {'x-amz-checksum-crc32': body.crc32} if wanted else {}


def complete_body(upload: Upload) -> Body:
    """Return the list of all parts of an upload, as a Complete sends it."""
    if not upload.etags:
        return EMPTY
    parts = ''.join(f'<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>'
                    for number, etag in sorted(upload.etags.items()))
    return Body.of(('<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                    f'{parts}</CompleteMultipartUpload>').encode())


def _text(answer: Answer, name: str) -> str:
    match = re.search(f'<{name}>([^<]*)</{name}>', answer.body.decode('utf-8', 'replace'))
    if match is None:
        raise BenchmarkError(f'no {name} in {answer.body[:300]!r}')
    return match[1]


def _expect_count(answer: Answer, tag: bytes, expected: int) -> None:
    found = answer.body.count(tag)
    if found != expected:
        raise BenchmarkError(f'{found} times {tag.decode()} instead of {expected} in {answer.body[:300]!r}')
