# SPDX-License-Identifier: Apache-2.0
"""The additional checksum of a part: how it is named, and how it rides in the part's listing row. No I/O.

The front verifies a checksum while the part streams. It is then kept in the row, so that a Complete can compare it
without asking for the part: as a parameter of the content type, ``application/octet-stream; crc32=<hex>``, or, where
the cluster encrypts objects, of the hash: rows' hashes are encrypted, content types are not.
"""
import base64
from collections.abc import Iterable
from dataclasses import dataclass


_PREFIX = 'x-amz-checksum-'
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html: those s3api verifies
ALGORITHMS = ('crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256')


@dataclass(frozen=True)
class Checksum:
    """algorithm: one of ``ALGORITHMS``. value: base64, as clients send it."""

    algorithm: str
    value: str

    @property
    def header(self) -> str:
        return _PREFIX + self.algorithm


def algorithm_of(header: str) -> 'str | None':
    """Return the algorithm that a header or trailer ``x-amz-checksum-...`` is of; None for any other header."""
    algorithm = header.removeprefix(_PREFIX)
    return algorithm if header.startswith(_PREFIX) and algorithm in ALGORITHMS else None


def element(algorithm: str) -> str:
    """Return the name of the XML element for ``algorithm``."""
    return 'Checksum' + algorithm.upper()


def with_parameter(value: str, checksum: Checksum) -> str:
    """Return ``value``, a row's hash or content type, with the checksum. Base64 would not survive there: hex does."""
    return '%s; %s=%s' % (value, checksum.algorithm, base64.b64decode(checksum.value).hex())


def from_parameters(params: 'Iterable[tuple[str, str]]') -> 'dict[str, str]':
    """Return the checksums among the parameters of a row's hash and content type: element name to base64."""
    return {element(name): base64.b64encode(bytes.fromhex(value)).decode('ascii')
            for name, value in params if name in ALGORITHMS}
