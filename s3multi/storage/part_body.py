# SPDX-License-Identifier: Apache-2.0
"""The body of a part on its way to Swift, and the checksum that the part's row in the listing will show.

s3api verifies the checksum that comes with a body where it can. A checksum that s3api cannot verify, and one that the
upload has and the client did not send, are computed here while the bytes pass.
"""
import hashlib
import socket
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, BinaryIO, Optional, Union

from eventlet import Timeout
from swift.common.exceptions import ChunkReadError
from swift.common.swob import HTTPConflict

from s3multi.s3.checksums import Checksum, Hasher, algorithm_of, decode, hasher, with_parameter
from s3multi.s3.errors import BadDigest, IncompleteBody, RequestTimeout, S3Error, ServiceUnavailable
from s3multi.upload.manifest import LISTING_ETAG_HEADER, LISTING_TYPE_HEADER, SEGMENT_TYPE


class TrailingChecksum:
    """A checksum that comes behind the body, in the trailer ``header``.

    trailers: values by names in lower case, filled once the body has been read.
    """

    def __init__(self, header: str, trailers: Mapping[str, str]) -> None:
        self.algorithm = algorithm_of(header) or ''
        self._header = header
        self._trailers = trailers

    def read(self) -> Checksum:
        """Return the checksum. Raises KeyError before the body has been read."""
        return Checksum(self.algorithm, self._trailers[self._header])


# The checksum that comes with a part: in a header, in a trailer, or none.
Sent = Optional[Union[Checksum, TrailingChecksum]]


class PartBody:
    """What to hand to Swift for one part: the ``headers`` and the ``environ`` of its PUT.

    error: set as soon as the body is refused, or known to have stopped, to have ended too early, or to differ from its
    checksum. Swift then sees the body break off and stores nothing.
    """

    def __init__(self, stream: BinaryIO, length: 'int | None', sent: Sent = None, verified: bool = True,
                 owed: 'str | None' = None, encrypted: bool = False,
                 allow: 'Callable[[], object] | None' = None) -> None:
        """stream: the body. length: its length in bytes; None when nobody knows. sent: the checksum that the client
        sends with it.

        verified: whether s3api compares ``sent`` with the body. owed: the algorithm of the checksum to compute when
        none is sent; None to compute none. encrypted: whether the cluster encrypts objects. allow: called before
        anything is read, and so before Swift stores anything; an S3Error that it raises refuses the body.
        """
        self.headers = {'Transfer-Encoding': 'chunked'} if length is None else {'Content-Length': str(length)}
        self.environ: dict[str, Any] = {'wsgi.input': self}
        self.error: S3Error | None = None
        self._allow = allow
        self._stream = stream
        self._length = length
        self._passed = 0
        self._sent = sent
        self._computed: tuple[str, Hasher] | None = None
        if isinstance(sent, Checksum) and not verified:
            self._computed = sent.algorithm, hasher(sent.algorithm)
        elif sent is None and owed:
            self._computed = owed, hasher(owed)
        self._md5 = hashlib.md5(usedforsecurity=False) if encrypted and (sent or owed) else None
        if isinstance(sent, Checksum) and not encrypted:
            # The value is known already, and if it is wrong the PUT never succeeds. So a header will do, which is
            # cheaper than a footer.
            self.headers[LISTING_TYPE_HEADER] = with_parameter(SEGMENT_TYPE, sent)
        elif sent or owed:
            self.environ['swift.callback.update_footers'] = self._add_footers

    @property
    def checksum(self) -> 'Checksum | None':
        """The checksum of the body, once Swift has read it: the one sent, or the one owed; None without either."""
        if isinstance(self._sent, TrailingChecksum):
            return self._sent.read()
        if self._sent is None and self._computed:
            algorithm, computed = self._computed
            return Checksum.of(algorithm, computed.digest())
        return self._sent

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes of the body; all of it by default.

        Raises ChunkReadError where it stops, and at its end when it is not what was announced; HTTPConflict if it is
        refused.
        """
        self._await_leave()
        try:
            chunk = self._stream.read(size)
        except socket.timeout as error:
            # To Swift it is the same as a client that is gone.
            self.error = RequestTimeout()
            raise ChunkReadError(self.error.message) from error
        for digest in (self._md5, self._computed and self._computed[1]):
            if digest:
                digest.update(chunk)
        self._passed += len(chunk)
        if self._length is not None and self._passed < self._length:
            if not chunk:
                self.error = IncompleteBody(self._length, self._passed)
        elif not chunk or self._length is not None:
            # Before the last bytes are handed on: with them Swift could store the part.
            self._compare()
        if self.error:
            raise ChunkReadError(self.error.message)
        return chunk

    def _await_leave(self) -> None:
        try:
            if self._allow is not None:
                self._allow()
        except S3Error as error:
            self.error = error
            # Not a ChunkReadError, which Swift logs and counts as a client that is gone.
            raise HTTPConflict() from error
        except Timeout:
            # Swift has lost patience with the client, who is not to blame.
            self.error = ServiceUnavailable()
            raise

    def _compare(self) -> None:
        if isinstance(self._sent, Checksum) and self._computed:
            algorithm, computed = self._computed
            if computed.digest() != decode(algorithm, self._sent.value):
                self.error = BadDigest(message='The %s you specified did not match the calculated checksum.'
                                               % algorithm.upper())

    def _add_footers(self, footers: 'MutableMapping[str, str]') -> None:
        checksum = self.checksum
        assert checksum is not None
        if self._md5:
            # The checksum can stand in the hash of the row only if this header gives the whole hash.
            footers[LISTING_ETAG_HEADER] = with_parameter(self._md5.hexdigest(), checksum)
        else:
            footers[LISTING_TYPE_HEADER] = with_parameter(SEGMENT_TYPE, checksum)
