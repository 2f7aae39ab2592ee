# SPDX-License-Identifier: Apache-2.0
"""Additional checksums: names, values, arithmetic, and how those of parts and objects are stored. No I/O.

The checksum of a part is stored in the part's row of the listing, so that a Complete can compare it without a request
for the part. It is a parameter of the content type, as in ``application/octet-stream; crc32=<hex>``. Where the cluster
encrypts objects it is a parameter of the hash instead, because Swift encrypts the hash of a row but no content type.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""
import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import anycrc

COMPOSITE, FULL_OBJECT = 'COMPOSITE', 'FULL_OBJECT'
# S3 uses this algorithm for an upload that names none.
DEFAULT_ALGORITHM = 'crc64nvme'

_PREFIX = 'x-amz-checksum-'
_ELEMENT_PREFIX = 'Checksum'
_CRCS = {'crc32': anycrc.Model('CRC32'), 'crc32c': anycrc.Model('CRC32C'), 'crc64nvme': anycrc.Model('CRC64-NVME')}
# Sizes in bytes. The first table has the algorithms that are served, in the order in which error messages list them;
# the second one has the others of S3.
_SIZES = {'crc32': 4, 'crc32c': 4, 'crc64nvme': 8, 'sha1': 20, 'sha256': 32}
_UNSERVED_SIZES = {'sha512': 64, 'md5': 16, 'xxhash64': 8, 'xxhash3': 8, 'xxhash128': 16}
ALGORITHMS = tuple(_SIZES)
UNSERVED = tuple(_UNSERVED_SIZES)
# The default type of each algorithm comes first.
TYPES = {'crc32': (COMPOSITE, FULL_OBJECT), 'crc32c': (COMPOSITE, FULL_OBJECT), 'crc64nvme': (FULL_OBJECT,),
         'sha1': (COMPOSITE,), 'sha256': (COMPOSITE,)}
_HEX = re.compile('[0-9a-f]+')
_STORED = re.compile(r'(?P<type>[A-Z_]+) (?P<algorithm>[a-z0-9]+) (?P<value>[A-Za-z0-9+/]+=*)(?P<count>|-[0-9]{1,5}) '
                     r'(?P<size>-|[0-9]{1,10})')


class Hasher(Protocol):
    """Computes a checksum of the bytes that it is given, as the hash objects of hashlib do."""

    def update(self, data: bytes, /) -> None:
        """Take in the next bytes."""

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far."""


@dataclass(frozen=True)
class Checksum:
    """A checksum.

    algorithm: one of ``ALGORITHMS``. value: base64, as clients send it; behind a composite one stands the number of
    parts (``-N``).
    """

    algorithm: str
    value: str

    @classmethod
    def of(cls, algorithm: str, raw: bytes) -> 'Checksum':
        """Return the checksum whose bytes are ``raw``."""
        return cls(algorithm, base64.b64encode(raw).decode('ascii'))

    @property
    def header(self) -> str:
        """The name of the header that carries it, in lower case."""
        return _PREFIX + self.algorithm

    @property
    def element(self) -> str:
        """The name of the XML element that carries it."""
        return element(self.algorithm)


@dataclass(frozen=True)
class ChecksumChoice:
    """What Initiate chose. algorithm: one of ``ALGORITHMS``. type: one that ``TYPES`` allows for it."""

    algorithm: str
    type: str

    @property
    def is_composite(self) -> bool:
        """Whether the object's checksum covers the checksums of its parts, and not its bytes."""
        return self.type == COMPOSITE

    @property
    def headers(self) -> 'dict[str, str]':
        """The headers with which Initiate answers it."""
        return {'x-amz-checksum-algorithm': self.algorithm.upper(), 'x-amz-checksum-type': self.type}

    @property
    def elements(self) -> 'list[tuple[str, str]]':
        """The XML elements that show it in List Parts and List Multipart Uploads."""
        return [('ChecksumAlgorithm', self.algorithm.upper()), ('ChecksumType', self.type)]


@dataclass(frozen=True)
class ObjectChecksum:
    """The checksum of a whole object.

    type: ``COMPOSITE`` or ``FULL_OBJECT``. part_bytes: None unless the parts were uploaded as 1, 2, 3 and so on. Else
    the size of every part but the last, in bytes, if these are alike and the last is no larger; otherwise 0.
    """

    checksum: Checksum
    type: str
    part_bytes: 'int | None' = None

    @property
    def headers(self) -> 'dict[str, str]':
        """The headers that show it in the answer to a GET or HEAD."""
        return {self.checksum.header: self.checksum.value, 'x-amz-checksum-type': self.type}

    @property
    def elements(self) -> 'list[tuple[str, str]]':
        """The XML elements that show it in the answer to Complete."""
        return [(self.checksum.element, self.checksum.value), ('ChecksumType', self.type)]

    def stored(self) -> str:
        """Return the text that is kept with the object, ``<type> <algorithm> <value> <part_bytes>``.

        ``-`` stands for a ``part_bytes`` of None. ``stored_checksum`` reads the text.
        """
        size = '-' if self.part_bytes is None else str(self.part_bytes)
        return '%s %s %s %s' % (self.type, self.checksum.algorithm, self.checksum.value, size)


@dataclass(frozen=True)
class ObjectDigests:
    """The digests by which S3 clients know a finished object: its multipart ETag (bare), and its checksum if any."""

    etag: str
    checksum: 'ObjectChecksum | None' = None


def stored_checksum(text: 'str | None') -> 'ObjectChecksum | None':
    """Return the checksum that ``ObjectChecksum.stored`` wrote; None for any other text, or none."""
    match = _STORED.fullmatch(text or '')
    if match is None or match['type'] not in TYPES.get(match['algorithm'], ()):
        return None
    if (match['type'] == COMPOSITE) != bool(match['count']) or not is_well_formed(
            Checksum(match['algorithm'], match['value'])):
        return None
    return ObjectChecksum(Checksum(match['algorithm'], match['value'] + match['count']), match['type'],
                          None if match['size'] == '-' else int(match['size']))


# Names

def algorithm_of(header: str) -> 'str | None':
    """Return the algorithm, if it is served, of a header or trailer ``x-amz-checksum-...``; None for any other.

    header: in lower case.
    """
    algorithm = header.removeprefix(_PREFIX)
    return algorithm if header.startswith(_PREFIX) and algorithm in ALGORITHMS else None


def values_in(headers: Mapping[str, str]) -> 'dict[str, str]':
    """Return the values of all headers that claim to be checksums, by algorithm, known or not.

    headers: names in lower case.
    """
    # Three headers have the prefix and carry no checksum.
    return {name[len(_PREFIX):]: value for name, value in headers.items()
            if name.startswith(_PREFIX) and name[len(_PREFIX):] not in ('algorithm', 'type', 'mode')}


def element(algorithm: str) -> str:
    """Return the name of the XML element that carries checksums of ``algorithm``, such as ``ChecksumCRC32``."""
    return _ELEMENT_PREFIX + algorithm.upper()


def algorithm_of_element(name: str) -> 'str | None':
    """Return the algorithm of S3, served or not, that the XML element ``name`` is for; None for another element."""
    algorithm = name.removeprefix(_ELEMENT_PREFIX).lower()
    # XML distinguishes upper and lower case.
    return algorithm if (algorithm in ALGORITHMS or algorithm in UNSERVED) and element(algorithm) == name else None


# Values

def decode(algorithm: str, value: str) -> bytes:
    """Return the bytes that ``value``, a checksum in base64, stands for. algorithm: one of S3's, served or not.

    Raises ValueError unless ``value`` has the length of the algorithm and is the one canonical base64 of the bytes,
    KeyError for another algorithm.
    """
    # b64decode skips what is not in its alphabet and ignores surplus bits; encoding the bytes again shows both.
    raw = base64.b64decode(value)
    if len(raw) != {**_SIZES, **_UNSERVED_SIZES}[algorithm] or base64.b64encode(raw).decode('ascii') != value:
        raise ValueError('no %s in base64: %r' % (algorithm, value))
    return raw


def is_well_formed(checksum: Checksum) -> bool:
    """Return whether the value, which has no ``-N`` behind it, is the base64 of as many bytes as its algorithm has."""
    try:
        decode(checksum.algorithm, checksum.value)
    except (KeyError, ValueError):
        return False
    return True


class _Crc:
    def __init__(self, algorithm: str) -> None:
        self._crc = _CRCS[algorithm]
        self._size = _SIZES[algorithm]
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = self._crc.calc(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, 'big')


def hasher(algorithm: str) -> Hasher:
    """Return a new ``Hasher`` for ``algorithm``, one of ``ALGORITHMS``."""
    return _Crc(algorithm) if algorithm in _CRCS else hashlib.new(algorithm, usedforsecurity=False)


def composite(algorithm: str, parts: 'Iterable[bytes]') -> Checksum:
    """Return the checksum over the checksums of the parts, with the number of parts behind it (``-N``).

    parts: the bytes of each part's checksum, in order.
    """
    whole = hasher(algorithm)
    count = 0
    for raw in parts:
        whole.update(raw)
        count += 1
    return Checksum(algorithm, '%s-%d' % (Checksum.of(algorithm, whole.digest()).value, count))


def combine(algorithm: str, parts: 'Iterable[tuple[bytes, int]]') -> Checksum:
    """Return the checksum of the whole object from those of its parts, without reading the parts.

    algorithm: a CRC. parts: the bytes of each part's checksum and the part's size in bytes, in order.
    """
    crc = _CRCS[algorithm]
    whole = 0
    for raw, size in parts:
        whole = crc.combine(whole, int.from_bytes(raw, 'big'), size)
    return Checksum.of(algorithm, whole.to_bytes(_SIZES[algorithm], 'big'))


# Rows

def with_parameter(value: str, checksum: Checksum) -> str:
    """Return ``value``, a row's hash or content type, with ``checksum`` as a parameter, in hex.

    Base64 would not survive there: Swift's ``parse_content_type`` ends a parameter at ``/`` and at ``=``.
    """
    return '%s; %s=%s' % (value, checksum.algorithm, base64.b64decode(checksum.value).hex())


def from_parameters(params: 'Iterable[tuple[str, str]]') -> 'dict[str, str]':
    """Return the checksums among the parameters of a row's hash and content type: element name to base64.

    Anybody with the right to write there may have written the content type. What is no checksum of its algorithm, or
    contradicts another one, is left out: a part may do without.
    """
    found: dict[str, str] = {}
    for name, value in params:
        if name in ALGORITHMS:
            found[name] = value if found.get(name, value) == value else ''
    return {element(name): base64.b64encode(bytes.fromhex(value)).decode('ascii') for name, value in found.items()
            if _is_hex(value, 2 * _SIZES[name])}


def _is_hex(text: str, digits: int) -> bool:
    # bytes.fromhex() would also take blanks.
    return len(text) == digits and _HEX.fullmatch(text) is not None
