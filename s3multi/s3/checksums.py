# SPDX-License-Identifier: Apache-2.0
"""Additional checksums: names, values, arithmetic, and how those of parts and objects are stored. No I/O.

That of a part is kept in its row, so that a Complete can compare it without asking for the part: as a parameter of the
content type, ``application/octet-stream; crc32=<hex>``, or, where the cluster encrypts objects, of the hash: rows'
hashes are encrypted, content types are not.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""
import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import anycrc

COMPOSITE, FULL_OBJECT = 'COMPOSITE', 'FULL_OBJECT'
# What S3 has an object checked with whose upload names no algorithm.
DEFAULT_ALGORITHM = 'crc64nvme'

_PREFIX = 'x-amz-checksum-'
_ELEMENT_PREFIX = 'Checksum'
_CRCS = {'crc32': anycrc.Model('CRC32'), 'crc32c': anycrc.Model('CRC32C'), 'crc64nvme': anycrc.Model('CRC64-NVME')}
# In bytes, and in this order in errors: those that are served, then those of S3 that are not.
_SIZES = {'crc32': 4, 'crc32c': 4, 'crc64nvme': 8, 'sha1': 20, 'sha256': 32}
_UNSERVED_SIZES = {'sha512': 64, 'md5': 16, 'xxhash64': 8, 'xxhash3': 8, 'xxhash128': 16}
ALGORITHMS = tuple(_SIZES)
UNSERVED = tuple(_UNSERVED_SIZES)
# The default type of each algorithm comes first.
TYPES = {'crc32': (COMPOSITE, FULL_OBJECT), 'crc32c': (COMPOSITE, FULL_OBJECT), 'crc64nvme': (FULL_OBJECT,),
         'sha1': (COMPOSITE,), 'sha256': (COMPOSITE,)}


class Hasher(Protocol):
    """What takes the bytes of a body, as those of hashlib do."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Checksum:
    """algorithm: one of ``ALGORITHMS``. value: base64, as clients send it; of a composite one with ``-N`` behind."""

    algorithm: str
    value: str

    @classmethod
    def of(cls, algorithm: str, raw: bytes) -> 'Checksum':
        return cls(algorithm, base64.b64encode(raw).decode('ascii'))

    @property
    def header(self) -> str:
        return _PREFIX + self.algorithm

    @property
    def element(self) -> str:
        return element(self.algorithm)


@dataclass(frozen=True)
class ChecksumChoice:
    """What Initiate chose: an algorithm out of ``ALGORITHMS`` and a type that it allows."""

    algorithm: str
    type: str

    @property
    def is_composite(self) -> bool:
        return self.type == COMPOSITE

    @property
    def headers(self) -> 'dict[str, str]':
        return {'x-amz-checksum-algorithm': self.algorithm.upper(), 'x-amz-checksum-type': self.type}

    @property
    def elements(self) -> 'list[tuple[str, str]]':
        return [('ChecksumAlgorithm', self.algorithm.upper()), ('ChecksumType', self.type)]


@dataclass(frozen=True)
class ObjectChecksum:
    """The checksum of a whole object.

    part_bytes: None unless its parts were uploaded as 1, 2, 3 and so on; then the size of each but the last, which is
    no larger, or 0 where they differ.
    """

    checksum: Checksum
    type: str
    part_bytes: 'int | None' = None

    @property
    def headers(self) -> 'dict[str, str]':
        return {self.checksum.header: self.checksum.value, 'x-amz-checksum-type': self.type}

    @property
    def elements(self) -> 'list[tuple[str, str]]':
        return [(self.checksum.element, self.checksum.value), ('ChecksumType', self.type)]

    def stored(self) -> str:
        """Return it as text, which ``stored_checksum`` reads."""
        size = '-' if self.part_bytes is None else str(self.part_bytes)
        return '%s %s %s %s' % (self.type, self.checksum.algorithm, self.checksum.value, size)


@dataclass(frozen=True)
class ObjectDigests:
    """What tells an object of one upload from another: its multipart ETag, and its checksum if it has one."""

    etag: str
    checksum: 'ObjectChecksum | None' = None


def stored_checksum(text: 'str | None') -> 'ObjectChecksum | None':
    """Read what ``ObjectChecksum.stored`` has written; None for anything else."""
    fields = (text or '').split(' ')
    if len(fields) != 4 or fields[1] not in ALGORITHMS or not (fields[3] == '-' or fields[3].isdecimal()):
        return None
    return ObjectChecksum(Checksum(fields[1], fields[2]), fields[0], None if fields[3] == '-' else int(fields[3]))


# Names

def algorithm_of(header: str) -> 'str | None':
    """Return the algorithm that a header or trailer ``x-amz-checksum-...`` is of; None for any other header."""
    algorithm = header.removeprefix(_PREFIX)
    return algorithm if header.startswith(_PREFIX) and algorithm in ALGORITHMS else None


def values_in(headers: Mapping[str, str]) -> 'dict[str, str]':
    """Return what claims to be a checksum among ``headers`` (lower-case names): algorithm, known or not, to value."""
    return {name[len(_PREFIX):]: value for name, value in headers.items()
            if name.startswith(_PREFIX) and name[len(_PREFIX):] not in ('algorithm', 'type', 'mode')}


def element(algorithm: str) -> str:
    """Return the name of the XML element for ``algorithm``."""
    return _ELEMENT_PREFIX + algorithm.upper()


def algorithm_of_element(name: str) -> 'str | None':
    """Return the algorithm of S3, served or not, that an XML element is of; None for any other element."""
    algorithm = name.removeprefix(_ELEMENT_PREFIX).lower()
    return algorithm if (algorithm in ALGORITHMS or algorithm in UNSERVED) and element(algorithm) == name else None


# Values

def decode(algorithm: str, value: str) -> bytes:
    """Return the bytes that ``value`` stands for. Raises ValueError unless it is their one and only base64."""
    raw = base64.b64decode(value)
    if len(raw) != {**_SIZES, **_UNSERVED_SIZES}[algorithm] or base64.b64encode(raw).decode('ascii') != value:
        raise ValueError('no %s in base64: %r' % (algorithm, value))
    return raw


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
    """Return what computes the checksum of the bytes it is given."""
    return _Crc(algorithm) if algorithm in _CRCS else hashlib.new(algorithm, usedforsecurity=False)


def composite(algorithm: str, parts: 'Iterable[bytes]') -> Checksum:
    """Return the checksum over the checksums of the parts, and their number behind it."""
    whole = hasher(algorithm)
    count = 0
    for raw in parts:
        whole.update(raw)
        count += 1
    return Checksum(algorithm, '%s-%d' % (Checksum.of(algorithm, whole.digest()).value, count))


def combine(algorithm: str, parts: 'Iterable[tuple[bytes, int]]') -> Checksum:
    """Return the CRC of all bytes from checksum and size of each part, in order. Reads none of them."""
    crc = _CRCS[algorithm]
    whole = 0
    for raw, size in parts:
        whole = crc.combine(whole, int.from_bytes(raw, 'big'), size)
    return Checksum.of(algorithm, whole.to_bytes(_SIZES[algorithm], 'big'))


# Rows

def with_parameter(value: str, checksum: Checksum) -> str:
    """Return ``value``, a row's hash or content type, with the checksum. Base64 would not survive there: hex does."""
    return '%s; %s=%s' % (value, checksum.algorithm, base64.b64decode(checksum.value).hex())


def from_parameters(params: 'Iterable[tuple[str, str]]') -> 'dict[str, str]':
    """Return the checksums among the parameters of a row's hash and content type: element name to base64."""
    return {element(name): base64.b64encode(bytes.fromhex(value)).decode('ascii')
            for name, value in params if name in ALGORITHMS}
