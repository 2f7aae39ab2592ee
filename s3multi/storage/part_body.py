# SPDX-License-Identifier: Apache-2.0
"""The body of a part on its way to Swift, and the checksum that the part's row shall show.

A checksum that came with the body has been verified by s3api where that can; what it cannot verify, and what the
server owes, is computed here while the bytes pass.
"""
import hashlib
from collections.abc import Mapping, MutableMapping
from typing import Any, BinaryIO, Optional, Union

from swift.common.exceptions import ChunkReadError

from s3multi.s3.checksums import Checksum, Hasher, algorithm_of, decode, hasher, with_parameter
from s3multi.s3.errors import BadDigest
from s3multi.upload.manifest import LISTING_ETAG_HEADER, LISTING_TYPE_HEADER, SEGMENT_TYPE


class TrailingChecksum:
    """A checksum behind the body. trailers: filled, by lower-case names, once the body is read."""

    def __init__(self, header: str, trailers: Mapping[str, str]) -> None:
        self.algorithm = algorithm_of(header) or ''
        self._header = header
        self._trailers = trailers

    def read(self) -> Checksum:
        """Return it. Raises KeyError before the body is read."""
        return Checksum(self.algorithm, self._trailers[self._header])


Sent = Optional[Union[Checksum, TrailingChecksum]]


class PartBody:
    """What to hand to Swift for one part: ``headers`` and ``environ`` of its PUT.

    error: set as soon as the body is known not to be what its checksum says. Swift then sees it break off, and stores
    nothing; where there is nothing to break off, known from the beginning.
    """

    def __init__(self, stream: BinaryIO, length: 'int | None', sent: Sent = None, verified: bool = True,
                 owed: 'str | None' = None, encrypted: bool = False) -> None:
        """stream: the bytes; ``length`` of them, None when nobody knows. sent: the checksum that came with them.

        verified: whether s3api compares it. owed: the algorithm of the checksum to compute when none came. encrypted:
        whether the cluster encrypts objects.
        """
        self.headers = {'Transfer-Encoding': 'chunked'} if length is None else {'Content-Length': str(length)}
        self.environ: dict[str, Any] = {'wsgi.input': stream}
        self.error: BadDigest | None = None
        self._stream = stream
        self._left = length
        self._sent = sent
        self._computed: tuple[str, Hasher] | None = None
        if isinstance(sent, Checksum) and not verified:
            self._computed = sent.algorithm, hasher(sent.algorithm)
        elif sent is None and owed:
            self._computed = owed, hasher(owed)
        self._md5 = hashlib.md5(usedforsecurity=False) if encrypted and (sent or owed) else None
        if length == 0:
            self._compare()
        if self._computed or self._md5:
            self.environ['wsgi.input'] = self
        if isinstance(sent, Checksum) and not encrypted:
            # Known already, and if it is wrong the PUT never ends: a header is cheaper than a footer.
            self.headers[LISTING_TYPE_HEADER] = with_parameter(SEGMENT_TYPE, sent)
        elif sent or owed:
            self.environ['swift.callback.update_footers'] = self._add_footers

    @property
    def checksum(self) -> 'Checksum | None':
        """The checksum of the body, once Swift has read it: the one sent or the one owed; None without either."""
        if isinstance(self._sent, TrailingChecksum):
            return self._sent.read()
        if self._sent is None and self._computed:
            algorithm, computed = self._computed
            return Checksum.of(algorithm, computed.digest())
        return self._sent

    def read(self, size: int = -1) -> bytes:
        """Pass on what the stream gives. Raises ChunkReadError at its end when it is not what was announced."""
        chunk = self._stream.read(size)
        for digest in (self._md5, self._computed and self._computed[1]):
            if digest:
                digest.update(chunk)
        if self._left is not None:
            self._left -= len(chunk)
        if not chunk or self._left == 0:
            # Before the last bytes are handed on, with which Swift could store the part.
            self._compare()
        if self.error:
            raise ChunkReadError(self.error.message)
        return chunk

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
            # Who sets the hash of a row has to set all of it.
            footers[LISTING_ETAG_HEADER] = with_parameter(self._md5.hexdigest(), checksum)
        else:
            footers[LISTING_TYPE_HEADER] = with_parameter(SEGMENT_TYPE, checksum)
