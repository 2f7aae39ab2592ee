# SPDX-License-Identifier: Apache-2.0
"""The body of a request that is a document: read whole, and no more than that."""
import base64
import socket
from hashlib import md5
from io import BytesIO

import pytest

from s3multi.filters.handoff import read_call
from s3multi.operations.body import read_body
from s3multi.s3.errors import S3Error
from tests.unit.fakes import handed_on

MD5 = base64.b64encode(md5(b'body').digest()).decode()


class Broken(BytesIO):
    """A body that ends with an error. failure: the error."""

    def __init__(self, failure):
        super().__init__(b'bo')
        self.failure = failure

    def read(self, size=-1):
        data = super().read(size)
        if not data:
            raise self.failure
        return data


def outcome(body=b'body', length='4', content_md5=None):
    """Return what is read of a body of at most four bytes, or the code of the error."""
    env = handed_on(headers={'content-md5': content_md5} if content_md5 else {}, CONTENT_LENGTH=length, **{
        'wsgi.input': body if isinstance(body, Broken) else BytesIO(body)})
    try:
        return read_body(read_call(env), 4)
    except S3Error as error:
        return error.code


@pytest.mark.parametrize('given, read', [
    ({}, b'body'), ({'length': None}, b'body'), ({'content_md5': MD5}, b'body'), ({'body': b'', 'length': '0'}, b''),
    ({'content_md5': MD5, 'body': b'baby'}, 'BadDigest'), ({'body': b'bo'}, 'IncompleteBody'),
    ({'body': b'body!', 'length': '5'}, 'MaxMessageLengthExceeded'),
    ({'body': b'body!', 'length': None}, 'MaxMessageLengthExceeded'),
    ({'body': Broken(socket.timeout())}, 'RequestTimeout'), ({'body': Broken(OSError())}, 'IncompleteBody')])
def test_bodies(given, read):
    """A body that is too long is not read to its end; one that is cut short, or another one, is not taken."""
    assert read == outcome(**given)
