# SPDX-License-Identifier: Apache-2.0
"""GetObjectAttributes: what a request asks for, and the elements that tell it. No I/O.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from s3multi.s3.checksums import Checksum, ObjectChecksum
from s3multi.s3.documents import Node
from s3multi.s3.errors import InvalidArgument, InvalidRequest
from s3multi.s3.pages import MAX_PAGE, parse_count

_HEADER = 'x-amz-object-attributes'
_MAX_PARTS_HEADER = 'x-amz-max-parts'
_MARKER_HEADER = 'x-amz-part-number-marker'
_NAMES = ('ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize')


@dataclass(frozen=True)
class Wanted:
    """names: of the attributes. max_parts: as asked for, which may be more than a page has. after: the part number
    behind which the page begins."""

    names: 'frozenset[str]'
    max_parts: int
    after: int

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> 'Wanted':
        """Read the headers. Raises InvalidRequest when they name no attribute, InvalidArgument for an unknown one."""
        names = [name.strip() for name in headers.get(_HEADER, '').split(',') if name.strip()]
        if not names:
            raise InvalidRequest('The x-amz-object-attributes header specifying the attributes to be retrieved is '
                                 'either missing or empty')
        for name in names:
            if name not in _NAMES:
                raise InvalidArgument(_HEADER, name, 'Invalid attribute name specified.')
        return cls(frozenset(names), _max_parts(headers), parse_count(headers, _MARKER_HEADER, 0))

    def page(self, total: int) -> range:
        """Return the numbers of the parts to be shown of an object of ``total`` parts."""
        return range(self.after + 1, min(self.after + min(self.max_parts, MAX_PAGE), total) + 1)


@dataclass(frozen=True)
class ShownPart:
    """A part of the object, counted from 1. size: bytes. checksum: None where nobody knows it."""

    number: int
    size: int
    checksum: 'Checksum | None'


def parts_node(wanted: Wanted, total: int, shown: 'Sequence[ShownPart] | None') -> Node:
    """Return ObjectParts. total: of the object. shown: the page; None where S3 tells the number of parts alone."""
    children: list[Node] = [('PartsCount', str(total))]
    if shown is not None:
        last = shown[-1].number if shown else 0
        children += [('PartNumberMarker', str(wanted.after)), ('NextPartNumberMarker', str(last)),
                     ('MaxParts', str(wanted.max_parts)), ('IsTruncated', 'true' if 0 < last < total else 'false'),
                     *(('Part', _part(part)) for part in shown)]
    return 'ObjectParts', children


def checksum_node(checksum: ObjectChecksum) -> Node:
    """Return Checksum. Here alone S3 tells a composite one without the number of parts behind it."""
    return 'Checksum', [(checksum.checksum.element, checksum.checksum.value.partition('-')[0]),
                        ('ChecksumType', checksum.type)]


def in_order(wanted: Wanted, known: 'Mapping[str, Node | None]') -> 'list[Node]':
    """Return the elements that are wanted and known (by name; None: the object has none), in S3's order."""
    nodes = [known[name] for name in _NAMES if name in wanted.names]
    return [node for node in nodes if node is not None]


def _max_parts(headers: Mapping[str, str]) -> int:
    try:
        return parse_count(headers, _MAX_PARTS_HEADER, MAX_PAGE)
    except InvalidArgument:
        # S3 takes what is no such number for no limit.
        return MAX_PAGE


def _part(part: ShownPart) -> 'list[Node]':
    nodes: list[Node] = [('PartNumber', str(part.number)), ('Size', str(part.size))]
    return nodes + ([(part.checksum.element, part.checksum.value)] if part.checksum else [])
