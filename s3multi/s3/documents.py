# SPDX-License-Identifier: Apache-2.0
"""The XML documents of the multipart operations, in and out. Only this module imports lxml.

The readers trust nothing: they refuse a document type and what is too deep or too much; their caller bounds the size.
What the writer makes can be read by every parser of XML 1.0, whatever is in a key.
"""
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Union
from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import lxml.etree

from s3multi.s3 import checksums
from s3multi.s3.errors import InvalidArgument, MalformedXML, S3Error
from s3multi.s3.etags import unquote_etag
from s3multi.s3.parts import MAX_PART_NUMBER, PartRef

NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
CONTENT_TYPE = 'application/xml'
# As SDKs and other servers write it, and what some versions of them have written.
_NAMESPACES = ('', *(scheme + '://s3.amazonaws.com/doc/2006-03-01' + end for scheme in ('http', 'https')
                     for end in ('/', '')))
_COMPLETE_ROOTS = ('CompleteMultipartUpload', 'CompletedMultipartUpload', 'MultipartUpload')
# A list of 10,000 parts, indented and with the longest checksums, is below 3 MB.
MAX_COMPLETE_BYTES = 4 * 1024 * 1024

# A tree of elements that is larger or deeper is no document of S3.
_MOST_ELEMENTS, _MOST_DEPTH = 20000, 8

# An element to be written: its name, and its text or its children.
Node = tuple[str, Union[str, Sequence['Node']]]

_NUMBER = re.compile(r'[+-]?0{0,100}[0-9]{1,10}')
# All surrogates but U+DC80 to U+DCFF, with which Python stands for bytes that are not UTF-8 (surrogateescape).
_SURROGATE = re.compile('[\ud800-\udc7f\udd00-\udfff]')
# Characters that XML 1.0 excludes, also as references: https://www.w3.org/TR/xml/#charsets
_UNREADABLE = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]')
# Written as references: readers turn a carriage return into a line feed, and DEL is invisible.
_REFERENCED = re.compile('[\r\x7f]')


# Reading

def read_complete(body: bytes) -> 'list[PartRef]':
    """Return the parts that the body of a Complete lists, in the order of the list. Numbers are not judged here.

    Raises MalformedXML unless the body is a CompleteMultipartUpload of one to 10,000 Parts with one PartNumber and one
    ETag each; InvalidArgument when a part has several checksums, or a malformed one. An empty checksum is none.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html

    Old clients give the root one of two other names: aws/aws-sdk-js-v3#1814, agilord/aws_client#413. The first of these
    clients worked with Amazon S3. Of the second name, and of other spellings of the namespace, it is not known.
    """
    reader = _CompleteReader()
    _parse(body, reader)
    if not reader.parts:
        raise MalformedXML()
    return reader.parts


@dataclass(frozen=True)
class Element:
    """An element that was read. name: without its namespace. text: '' if it has children."""

    name: str
    text: str
    children: 'tuple[Element, ...]' = ()


def read_tree(body: bytes) -> Element:
    """Return the root of a document. Attributes are ignored.

    Raises MalformedXML if it is not well-formed, of another namespace, too deep or too large, or mixes text with
    elements.
    """
    reader = _TreeReader()
    _parse(body, reader)
    if reader.root is None:
        raise MalformedXML()
    return reader.root


def _parse(body: bytes, target: Any) -> None:
    parser = lxml.etree.XMLParser(target=target, resolve_entities=False, no_network=True, load_dtd=False,
                                  huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        lxml.etree.fromstring(body, parser)
    except (lxml.etree.LxmlError, ValueError):
        raise MalformedXML() from None


def _local_name(tag: str) -> str:
    namespace, _, name = tag.rpartition('}')
    if namespace.removeprefix('{') not in _NAMESPACES:
        raise MalformedXML()
    return name


class _Target:
    """What lxml's parser calls (a "target") for each tag and text of the document."""

    def doctype(self, *_: object) -> None:
        raise MalformedXML()

    def close(self) -> None:
        """Do nothing: lxml calls this at the end of the document, complete or not."""


class _TreeReader(_Target):
    """Builds the tree."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._count = 0
        # Of each element that is open: its name, texts and children.
        self._open: list[tuple[str, list[str], list[Element]]] = []

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        self._count += 1
        self._open.append((_local_name(tag), [], []))
        if self._count > _MOST_ELEMENTS or len(self._open) > _MOST_DEPTH:
            raise MalformedXML()

    def data(self, text: str) -> None:
        self._open[-1][1].append(text)

    def end(self, _tag: str) -> None:
        name, texts, children = self._open.pop()
        text = ''.join(texts)
        if children and text.strip():
            raise MalformedXML()
        element = Element(name, '' if children else text, tuple(children))
        if self._open:
            self._open[-1][2].append(element)
        else:
            self.root = element


class _CompleteReader(_Target):
    """Collects the parts."""

    def __init__(self) -> None:
        self.parts: list[PartRef] = []
        self._path: list[str] = []
        self._part: dict[str, str] = {}
        self._text: list[str] = []

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        name = _local_name(tag)
        depth = len(self._path)
        # Only a root with Parts with children is accepted, and each child once in its Part.
        if (depth > 2 or depth == 0 and name not in _COMPLETE_ROOTS or depth == 1 and name != 'Part'
                or depth == 2 and (name in self._part or not _is_part_child(name))):
            raise MalformedXML()
        self._path.append(name)
        self._text = []

    def data(self, text: str) -> None:
        # Between elements there may be white space, and nothing else.
        if len(self._path) == 3:
            self._text.append(text)
        elif text.strip():
            raise MalformedXML()

    def end(self, _tag: str) -> None:
        name = self._path.pop()
        if len(self._path) == 2:
            self._part[name] = ''.join(self._text).strip()
        elif len(self._path) == 1:
            self.parts.append(_part_ref(self._part))
            self._part = {}
            if len(self.parts) > MAX_PART_NUMBER:
                raise MalformedXML()


def _is_part_child(name: str) -> bool:
    return name in ('PartNumber', 'ETag') or checksums.algorithm_of_element(name) is not None


def _part_ref(children: Mapping[str, str]) -> PartRef:
    """Return the part with these children, element name to text. Raises MalformedXML or InvalidArgument."""
    number = children.get('PartNumber', '')
    if 'ETag' not in children or not _NUMBER.fullmatch(number):
        raise MalformedXML()
    sums = tuple((name, text) for name, text in children.items() if text and name.startswith('Checksum'))
    if len(sums) > 1 or not all(_is_checksum(name, text) for name, text in sums):
        # Amazon S3 was observed to show all checksums of the part in this form.
        shown = ''.join('%s:%s;' % (name.removeprefix('Checksum'), text) for name, text in sums)
        raise InvalidArgument('Checksum', shown)
    etag = children['ETag']
    sent = etag[1:-1] if len(etag) >= 2 and etag[0] == etag[-1] == '"' else etag
    return PartRef(int(number), unquote_etag(etag), sent, sums)


def _is_checksum(name: str, text: str) -> bool:
    return checksums.is_well_formed(checksums.Checksum(checksums.algorithm_of_element(name) or '', text))


# Writing

def document(root: str, children: Iterable[Node]) -> bytes:
    """Return a result document: the element ``root``, in S3's namespace, with ``children``."""
    return DECLARATION + ('<%s xmlns="%s">%s</%s>' % (root, NAMESPACE, _render(children), root)).encode('utf-8')


def people(initiator: str) -> 'list[Node]':
    """Return the elements Initiator and Owner of an upload, which both name the user who began it.

    initiator: '' when nobody knows; then there are no elements.
    """
    person: list[Node] = [('ID', initiator), ('DisplayName', initiator)]
    return [('Initiator', person), ('Owner', person)] if initiator else []


def error_document(error: S3Error, request_id: str) -> bytes:
    """Return an error document. request_id: the id of the transaction, shown as RequestId and HostId.

    The document has no namespace: SDKs recognise an error inside a 200 by the bare name ``Error``.
    """
    nodes: list[Node] = [('Code', error.code), ('Message', error.message)]
    nodes += list(error.fields.items())
    nodes += [('RequestId', request_id), ('HostId', request_id)]
    return DECLARATION + ('<Error>%s</Error>' % _render(nodes)).encode('utf-8')


def _render(nodes: Iterable[Node]) -> str:
    return ''.join('<%s>%s</%s>' % (name, _text(content) if isinstance(content, str) else _render(content), name)
                   for name, content in nodes)


def _text(value: str) -> str:
    return _REFERENCED.sub(lambda match: '&#x%X;' % ord(match[0]), escape(readable(value)))


def readable(text: str) -> str:
    """Return ``text`` with U+FFFD in place of whatever XML 1.0 cannot hold, and of bytes that are not UTF-8.

    Amazon S3 was seen to write references to such characters, with which a client can read nothing of the document, and
    so never learns the id of its upload. Clients that have to know such a key as it is list it with encoding-type=url.
    """
    clean = _SURROGATE.sub('\ufffd', text).encode('utf-8', 'surrogateescape').decode('utf-8', 'replace')
    return _UNREADABLE.sub('\ufffd', clean)


def url_encode(text: str) -> str:
    """Return ``text``, a key or a prefix, as ``encoding-type=url`` demands.

    A space becomes ``+``; letters, digits and ``/ - _ . *`` stay as they are; the rest is percent-encoded UTF-8.
    """
    return quote_plus(text, safe='/*').replace('~', '%7E')


@functools.lru_cache(maxsize=100)   # many parts share a second
def s3_time(seconds: int) -> str:
    """Return a time as S3's documents have it. seconds: whole ones, since the epoch."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000Z')


def s3_time_of(ticks: int) -> str:
    """Return a time in units of 10 microseconds as S3's documents have it: rounded up, as in Last-Modified.

    Else a copy could look older than its source.
    """
    return s3_time(-(-ticks // 100000))


def s3_time_of_row(isoformat: str) -> str:
    """Return a time of Swift's listings (ISO 8601, UTC, with or without a fraction) likewise; 1970 for what is none."""
    try:
        time = datetime.fromisoformat(isoformat[:19]).replace(tzinfo=timezone.utc)
    except (TypeError, ValueError):
        return s3_time(0)
    return s3_time(int(time.timestamp()) + bool(isoformat[19:].strip('.0')))
