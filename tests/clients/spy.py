# SPDX-License-Identifier: Apache-2.0
"""What clients send: a filter to the left of s3api that notes each request, and a reader of its notes."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, unquote

KEPT = ('HTTP_X_AMZ_CONTENT_SHA256', 'HTTP_X_AMZ_TRAILER', 'HTTP_CONTENT_ENCODING', 'HTTP_X_AMZ_COPY_SOURCE',
        'HTTP_USER_AGENT', 'HTTP_EXPECT', 'HTTP_CONTENT_MD5', 'HTTP_AUTHORIZATION', 'HTTP_X_AMZ_MP_OBJECT_SIZE',
        'HTTP_X_AMZ_CHECKSUM_TYPE')


def filter_factory(_global_conf, log, **_options):
    """Return a function that makes the filter. log: the file to which it appends a line of JSON for each request."""
    def factory(app):
        def spy(environ, start_response):
            headers = {name[5:].lower().replace('_', '-'): value for name, value in environ.items()
                       if name in KEPT or name.startswith('HTTP_X_AMZ_CHECKSUM')}
            query = parse_qs(environ.get('QUERY_STRING', ''), keep_blank_values=True)

            def answered(status, *more):
                row = {'method': environ['REQUEST_METHOD'], 'path': unquote(environ['PATH_INFO']), 'query': query,
                       'headers': headers, 'status': int(status[:3])}
                with open(log, 'a', encoding='utf-8') as file:
                    file.write(json.dumps(row) + '\n')
                return start_response(status, *more)

            return app(environ, answered)
        return spy
    return factory


class Sent:
    """The requests that have reached the proxy so far. log: the file that the filter writes."""

    def __init__(self, log: Path):
        self.log = log

    def to(self, bucket):
        """Return the requests to a bucket, in the order of their answers."""
        rows = map(json.loads, self.log.read_text(encoding='utf-8').splitlines()) if self.log.exists() else ()
        return [row for row in rows if row['path'].split('/')[1] == bucket]

    def parts(self, bucket):
        """Return the Upload Parts that succeeded, without Upload Part Copies."""
        return [row for row in self._numbered(bucket) if not _copies(row)]

    def copied_parts(self, bucket):
        """Return the Upload Part Copies that succeeded."""
        return [row for row in self._numbered(bucket) if _copies(row)]

    def _numbered(self, bucket):
        return [row for row in self.to(bucket)
                if row['method'] == 'PUT' and 'partNumber' in row['query'] and row['status'] == 200]


def _copies(row):
    return 'x-amz-copy-source' in {*row['headers'], *row['query']}


def how_signed(row):
    """Return, in a few words, how the body of a request was signed and how its checksum was sent."""
    headers = row['headers']
    word = headers.get('x-amz-content-sha256', '')
    if headers.get('authorization', '').startswith('AWS '):
        word = 'signature v2'
    elif 'X-Amz-Signature' in row['query']:
        word = 'presigned URL'
    elif len(word) == 64:
        word = 'SHA256 of the body'
    trailer = headers.get('x-amz-trailer')
    sums = [name[len('x-amz-checksum-'):] for name in headers if name.startswith('x-amz-checksum-')
            and name not in ('x-amz-checksum-type', 'x-amz-checksum-algorithm', 'x-amz-checksum-mode')]
    found = [f'{trailer[len("x-amz-checksum-"):]} as trailer'] if trailer else [f'{name} as header' for name in sums]
    if 'content-md5' in headers:
        found.append('Content-MD5')
    return ', '.join([word, *(each.replace('crc', 'CRC').replace('nvme', 'NVME') for each in found)])
