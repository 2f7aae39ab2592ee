# SPDX-License-Identifier: Apache-2.0
"""GetObjectAttributes: the attributes that a request asks for, and the XML elements that hold them. No I/O.

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
    """What a request asks for.

    names: a subset of ``_NAMES``. max_parts: the page size as the client sent it, which may exceed ``MAX_PAGE``.
    after: the part number after which the page begins; 0 for the first page.
    """

    names: 'frozenset[str]'
    max_parts: int
    after: int

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> 'Wanted':
        """Return what ``headers`` (names in lower case) ask for.

        Raises InvalidRequest when they name no attribute, InvalidArgument for an unknown attribute and for a part
        number marker that is not an integer from 0 to 2**31 - 1.
        """
        names = [name.strip() for name in headers.get(_HEADER, '').split(',') if name.strip()]
        if not names:
            raise InvalidRequest('The x-amz-object-attributes header specifying the attributes to be retrieved is '
                                 'either missing or empty')
        for name in names:
            if name not in _NAMES:
                raise InvalidArgument(_HEADER, name, 'Invalid attribute name specified.')
        return cls(frozenset(names), _max_parts(headers), parse_count(headers, _MARKER_HEADER, 0))

    def page(self, total: int) -> range:
        """Return the numbers of the parts that the page shows, of an object of ``total`` parts."""
        return range(self.after + 1, min(self.after + min(self.max_parts, MAX_PAGE), total) + 1)


@dataclass(frozen=True)
class ShownPart:
    """A part as ObjectParts shows it.

    number: its place among the parts of the object, from 1, whatever number it was uploaded with. size: bytes.
    checksum: None when it is not known.
    """

    number: int
    size: int
    checksum: 'Checksum | None'


def parts_node(wanted: Wanted, total: int, shown: 'Sequence[ShownPart] | None') -> Node:
    """Return the element ObjectParts of an object of ``total`` parts.

    shown: the parts of the page. None leaves out all but the number of parts, as S3 does for an object without an
    additional checksum.
    """
    children: list[Node] = [('PartsCount', str(total))]
    if shown is not None:
        last = shown[-1].number if shown else 0
        # An empty page must not announce another one: NextPartNumberMarker is 0, so the client would begin again.
        children += [('PartNumberMarker', str(wanted.after)), ('NextPartNumberMarker', str(last)),
                     ('MaxParts', str(wanted.max_parts)), ('IsTruncated', 'true' if 0 < last < total else 'false'),
                     *(('Part', _part(part)) for part in shown)]
    return 'ObjectParts', children


def checksum_node(checksum: ObjectChecksum) -> Node:
    """Return the element Checksum.

    In this answer only, S3 shows a composite checksum without the number of parts (``-N``).
    """
    return 'Checksum', [(checksum.checksum.element, checksum.checksum.value.partition('-')[0]),
                        ('ChecksumType', checksum.type)]


def in_order(wanted: Wanted, known: 'Mapping[str, Node | None]') -> 'list[Node]':
    """Return the elements of the wanted attributes, in the order of the API reference.

    known: maps the name of every wanted attribute to its element, or to None when the object has none.
    """
    nodes = [known[name] for name in _NAMES if name in wanted.names]
    return [node for node in nodes if node is not None]


def _max_parts(headers: Mapping[str, str]) -> int:
    try:
        return parse_count(headers, _MAX_PARTS_HEADER, MAX_PAGE)
    except InvalidArgument:
        # S3 ignores a limit that it cannot read, unlike a marker.
        return MAX_PAGE


def _part(part: ShownPart) -> 'list[Node]':
    nodes: list[Node] = [('PartNumber', str(part.number)), ('Size', str(part.size))]
    return nodes + ([(part.checksum.element, part.checksum.value)] if part.checksum else [])
