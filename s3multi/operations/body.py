# SPDX-License-Identifier: Apache-2.0
"""Reads the body of a request that is a document: whole, bounded, and compared with its MD5."""
import base64
import socket

from s3multi.operations.request import Call
from s3multi.s3.errors import BadDigest, IncompleteBody, MaxMessageLengthExceeded, RequestTimeout
from s3multi.s3.etags import md5


def read_body(call: Call, most_bytes: int) -> bytes:
    """Return the body of a request.

    Raises MaxMessageLengthExceeded if it is longer than ``most_bytes``, IncompleteBody or RequestTimeout if it does not
    come, BadDigest if the client has sent the MD5 of another one.
    """
    body = _read(call, most_bytes)
    if call.content_md5 and bytes.fromhex(call.content_md5) != md5(body):
        raise BadDigest(call.headers['content-md5'].strip(), base64.b64encode(md5(body)).decode('ascii'))
    return body


def _read(call: Call, most_bytes: int) -> bytes:
    if call.content_length is not None and call.content_length > most_bytes:
        raise MaxMessageLengthExceeded(most_bytes)
    chunks: list[bytes] = []
    left = most_bytes + 1
    while left > 0:
        try:
            chunk = call.body.read(left)
        except socket.timeout:
            raise RequestTimeout() from None
        except (OSError, ValueError):
            # The connection is gone, or what should be a chunk is none.
            raise IncompleteBody(call.content_length, sum(map(len, chunks))) from None
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
    body = b''.join(chunks)
    if len(body) > most_bytes:
        raise MaxMessageLengthExceeded(most_bytes)
    if call.content_length is not None and len(body) < call.content_length:
        raise IncompleteBody(call.content_length, len(body))
    return body
