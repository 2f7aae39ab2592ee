# SPDX-License-Identifier: Apache-2.0
"""Headers that promise a client what s3multi cannot keep are refused by every operation, and nothing is done."""

from __future__ import annotations

import secrets

import pytest

from s3multi.s3.request_headers import REFUSED

from ..cases import for_each
from .raw import RawClient
from .uploads import Upload, current, tiny_parts

# What a client would send. A header that is not here is sent with VALUE.
VALUE = 'value'
DATE = 'Thu, 01 Jan 2026 00:00:00 GMT'
VALUES = {
    'if-match': ('"x"',),
    'if-none-match': ('"x"', '*'),
    'if-modified-since': (DATE,),
    'if-unmodified-since': (DATE,),
    'x-amz-if-match-initiated-time': ('Tue, 01 Sep 2026 00:00:00 GMT',),
    'x-amz-object-lock-legal-hold': ('ON',),
    'x-amz-object-lock-mode': ('GOVERNANCE',),
    'x-amz-object-lock-retain-until-date': ('2033-01-01T00:00:00Z',),
    'x-amz-server-side-encryption-bucket-key-enabled': ('true',),
    'x-amz-server-side-encryption-context': ('e30=',),
    'x-amz-server-side-encryption-customer-algorithm': ('AES256',),
    'x-amz-server-side-encryption-customer-key': ('MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=',),
    'x-amz-server-side-encryption-customer-key-md5': ('hRasmdxgYDKV3nvbahU1MA==',),
    'x-amz-tagging': ('a=b',),
    'x-amz-website-redirect-location': ('/other',),
    'x-delete-after': ('3600',),
    'x-delete-at': ('2000000000',),
}
# Some values of a header are honoured, these are not.
MORE = {
    'initiate': [('x-amz-server-side-encryption', kind) for kind in ('aws:kms', 'AES256')],
    'complete': [('if-none-match', '"etag"')],
}
# Swift's s3api refuses these itself, without the name of the header.
CONDITIONS = {'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'}
UNNAMED = {'initiate': {'x-amz-tagging', 'x-amz-website-redirect-location', 'x-amz-server-side-encryption'},
           'upload_part': CONDITIONS, 'copy_part': CONDITIONS}


def values_of(header):
    """Return what a header is tried with."""
    return VALUES.get(header.replace('x-amz-copy-source-server', 'x-amz-server'), (VALUE,))


TABLE = {operation: [(header, value) for header in headers for value in values_of(header)] + MORE.get(operation, [])
         for operation, headers in REFUSED.items()}


@pytest.fixture(scope='module')
def upload(cluster):
    """An upload with one part, of the key of an object; nothing here changes either."""
    client = RawClient(tiny_parts(cluster).url)
    bucket = 'refusing-' + secrets.token_hex(8)
    for key in (None, 'key', 'source'):
        assert 200 == client.request('PUT', bucket, key, body=b'old' if key else b'').status
    upload = Upload(client, bucket).parts(b'new')
    yield upload
    # It was not the upload that was refused.
    assert 200 == upload.complete().status


def ask(operation, upload, headers):
    """Send the request of an operation, which would succeed but for the headers."""
    client, place = upload.client, (upload.bucket, upload.key)
    if operation == 'initiate':
        return client.request('POST', *place, {'uploads': None}, headers)
    if operation == 'get_attributes':
        return client.request('GET', *place, {'attributes': None}, {'x-amz-object-attributes': 'ETag', **headers})
    if operation == 'upload_part':
        return client.upload_part(*place, upload.id, 2, b'body', headers)
    if operation == 'copy_part':
        return client.copy_part(*place, upload.id, 2, f'/{upload.bucket}/source', headers)
    return getattr(upload, operation)(headers=headers)


@pytest.mark.parametrize('operation', TABLE)
def test_promises_that_cannot_be_kept_are_refused(upload, operation):
    """501 NotImplemented names the header, and is told before anything is done."""
    def check(case):
        header, value = case
        answer = ask(operation, upload, {header: value})

        assert (501, 'NotImplemented') == answer.outcome
        if header not in UNNAMED.get(operation, ()):
            assert header == answer.error['Header'].lower()

    for_each(TABLE[operation], check)

    assert [('1', upload.etags[1])] == [(part.findtext('PartNumber'), part.findtext('ETag'))
                                        for part in upload.list_parts().xml('ListPartsResult').findall('Part')]
    assert [upload.id] == [element.text for element in upload.client.list_uploads(upload.bucket).xml(
        'ListMultipartUploadsResult').iter('UploadId')]
    assert b'old' == current(upload)
