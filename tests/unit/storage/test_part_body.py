# SPDX-License-Identifier: Apache-2.0
"""The body of a part: what is computed, compared and reported while its bytes pass."""
import socket
from io import BytesIO
from unittest import mock

import pytest
from eventlet import Timeout
from swift.common.exceptions import ChunkReadError
from swift.common.swob import HTTPException

from s3multi.s3.checksums import Checksum
from s3multi.s3.errors import NoSuchUpload
from s3multi.storage.part_body import PartBody, TrailingChecksum

BODY = b'Hello, '
MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
VALUES = {'crc32': '3ldvBQ==', 'crc32c': 'R4ccNA==', 'crc64nvme': 'W5KyEjvHapE=', 'sha1':
          '9Sq1f6Ud+nFFBSlEREY65aAJrjQ=', 'sha256': 'I0Kb2bqY3VFAMJu5sAlLOq1kJDD/9vs8ph8AjOZE80o='}


def read_all(body, size=3):
    """Read a ``PartBody`` as Swift would, to its end or to an error."""
    chunks = []
    while chunks[-1:] != [b'']:
        chunks.append(body.environ['wsgi.input'].read(size))
    return b''.join(chunks)


@pytest.mark.parametrize('length', [7, None])
@pytest.mark.parametrize('algorithm', VALUES)
def test_a_checksum_that_is_owed_is_computed(algorithm, length):
    """For a copied part, or one without a checksum, it is computed from the chunks that pass."""
    body = PartBody(BytesIO(BODY), length, owed=algorithm)

    assert BODY == read_all(body)
    assert Checksum(algorithm, VALUES[algorithm]) == body.checksum


@pytest.mark.parametrize('algorithm', VALUES)
@pytest.mark.parametrize('size', [3, 7, 99])
def test_a_checksum_that_nobody_else_compares(algorithm, size):
    """The s3api of Swift 2.34 does not compare it. The right bytes pass."""
    body = PartBody(BytesIO(BODY), 7, Checksum(algorithm, VALUES[algorithm]), verified=False)

    assert BODY == read_all(body, size)
    assert body.error is None


@pytest.mark.parametrize('sent, code', [(b'Hello! ', 'BadDigest'), (b'Hello,', 'IncompleteBody')],
                         ids=['others', 'fewer'])
def test_bytes_that_do_not_fit_their_checksum(sent, code):
    """The body breaks off before Swift has all of it, so nothing is stored, and the client is told why."""
    body = PartBody(BytesIO(sent), 7, Checksum('crc32', VALUES['crc32']), verified=False)

    assert [3, 3] == [len(body.read(3)) for _ in range(2)]
    with pytest.raises(ChunkReadError):
        body.read(3)
    assert code == body.error.code


def test_no_bytes_that_do_not_fit_their_checksum():
    """Swift reads before it stores anything, even an empty part."""
    body = PartBody(BytesIO(), 0, Checksum('crc32', VALUES['crc32']), verified=False)
    with pytest.raises(ChunkReadError):
        body.read(3)

    assert 'BadDigest' == body.error.code
    assert b'' == read_all(PartBody(BytesIO(), 0, Checksum('crc32', 'AAAAAA=='), verified=False))


def test_what_s3api_compares_is_not_computed_again():
    """Whatever the bytes, they pass."""
    for sent in (Checksum('crc32', 'AAAAAA=='), TrailingChecksum('x-amz-checksum-crc32', {})):
        body = PartBody(BytesIO(BODY), 7, sent, owed='crc32')
        assert (BODY, None) == (read_all(body), body.error)


@pytest.mark.parametrize('bodies, code', [
    ([BODY[:3], socket.timeout('timed out')], 'RequestTimeout'), ([socket.timeout()], 'RequestTimeout'),
    ([BODY[:3], b''], 'IncompleteBody')], ids=['stopped', 'never began', 'ended'])
def test_a_body_that_does_not_come(bodies, code):
    """To Swift all are a client that is gone; whoever still listens is told what happened."""
    body = PartBody(mock.Mock(read=mock.Mock(side_effect=bodies)), 7)
    with pytest.raises(ChunkReadError):
        read_all(body)

    assert code == body.error.code
    assert {'IncompleteBody': {'NumberBytesExpected': '7', 'NumberBytesProvided': '3'}}.get(code, {}) == (
        body.error.fields)


@pytest.mark.parametrize('cause, raised, code', [
    (NoSuchUpload('x'), HTTPException, 'NoSuchUpload'), (Timeout(), Timeout, 'ServiceUnavailable')],
                         ids=['refused', 'not known in time'])
@pytest.mark.parametrize('length', [7, 0, None])
def test_a_body_that_is_not_allowed(length, cause, raised, code):
    """No byte is read. To Swift it is none of a client that is gone, or too slow; the client is told why."""
    stream = mock.Mock()
    body = PartBody(stream, length, allow=mock.Mock(side_effect=cause))
    with pytest.raises(raised):
        read_all(body)

    assert code == body.error.code
    assert not stream.read.called


def test_a_trailer_is_known_at_the_end():
    """It is found by the name with which it was announced."""
    trailers = {}
    body = PartBody(BytesIO(BODY), 7, TrailingChecksum('x-amz-checksum-crc32', trailers))
    trailers['x-amz-checksum-crc32'] = VALUES['crc32']

    assert Checksum('crc32', VALUES['crc32']) == body.checksum


@pytest.mark.parametrize('length, framing', [(7, {'Content-Length': '7'}), (None, {'Transfer-Encoding': 'chunked'})])
def test_the_length_of_a_part(length, framing):
    """A body of unknown length, such as that of some sources of copies, is chunked."""
    assert framing == PartBody(BytesIO(BODY), length).headers


def test_the_hash_of_a_row_is_set_as_a_whole():
    """It includes the MD5 that Swift would have put there."""
    body, footers = PartBody(BytesIO(BODY), 7, owed='crc32', encrypted=True), {}
    read_all(body)
    body.environ['swift.callback.update_footers'](footers)

    assert {'X-Object-Sysmeta-Container-Update-Override-Etag': MD5 + '; crc32=de576f05'} == footers
