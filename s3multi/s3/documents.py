# SPDX-License-Identifier: Apache-2.0
"""The XML documents of the multipart operations, in and out. Alone knows XML, imports lxml.

Reading trusts nothing: no tree is built, a document type is refused, and the size is bounded by the caller. Writing
is text, since keys may hold characters that XML 1.0 cannot carry: S3 writes them as character references.
"""
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Union
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
# A body of 10,000 indented parts with the longest checksums is below 3 MB.
MAX_COMPLETE_BYTES = 4 * 1024 * 1024

Node = tuple[str, Union[str, Sequence['Node']]]

_NUMBER = re.compile(r'-?[0-9]{1,10}')
# Of the surrogates Python uses some for bytes that are no text.
_SURROGATE = re.compile('[\ud800-\udc7f\udd00-\udfff]')
_FORBIDDEN = re.compile('[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]')


# Reading

def read_complete(body: bytes) -> 'list[PartRef]':
    """Read the body of Complete: its parts in the order given, numbers not yet judged.

    Raises MalformedXML when it is not a CompleteMultipartUpload (with S3's namespace or none) of one to 10,000 Parts
    with one PartNumber and one ETag each, InvalidArgument when a part has several checksums, or a malformed one.
    """
    reader = _CompleteReader()
    parser = lxml.etree.XMLParser(target=reader, resolve_entities=False, no_network=True, load_dtd=False,
                                  huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        lxml.etree.fromstring(body, parser)
    except (lxml.etree.LxmlError, ValueError):
        raise MalformedXML() from None
    if not reader.parts:
        raise MalformedXML()
    return reader.parts


class _CompleteReader:
    """A target for lxml's parser: called for each tag, keeps only the parts."""

    def __init__(self) -> None:
        self.parts: list[PartRef] = []
        self._path: list[str] = []
        self._part: dict[str, str] = {}
        self._text: list[str] = []

    def doctype(self, *_: object) -> None:
        raise MalformedXML()

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        namespace, _, name = tag.rpartition('}')
        if namespace not in ('', '{' + NAMESPACE):
            raise MalformedXML()
        depth = len(self._path)
        if (depth > 2 or depth == 0 and name != 'CompleteMultipartUpload' or depth == 1 and name != 'Part'
                or depth == 2 and (name in self._part or not _is_part_child(name))):
            raise MalformedXML()
        self._path.append(name)
        self._text = []

    def data(self, text: str) -> None:
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

    def close(self) -> None:
        """Called at the end of the document, complete or not."""


def _is_part_child(name: str) -> bool:
    return name in ('PartNumber', 'ETag') or checksums.algorithm_of_element(name) is not None


def _part_ref(children: Mapping[str, str]) -> PartRef:
    number = children.get('PartNumber', '')
    if 'ETag' not in children or not _NUMBER.fullmatch(number):
        raise MalformedXML()
    sums = tuple((name, text) for name, text in children.items() if name.startswith('Checksum'))
    if len(sums) > 1 or not all(_is_checksum(name, text) for name, text in sums):
        shown = ''.join('%s:%s;' % (name.removeprefix('Checksum'), text) for name, text in sums)
        raise InvalidArgument('Checksum', shown)
    etag = children['ETag']
    sent = etag[1:-1] if len(etag) >= 2 and etag[0] == etag[-1] == '"' else etag
    return PartRef(int(number), unquote_etag(etag), sent, sums)


def _is_checksum(name: str, text: str) -> bool:
    try:
        checksums.decode(checksums.algorithm_of_element(name) or '', text)
    except (KeyError, ValueError):
        return False
    return True


# Writing

def document(root: str, children: Iterable[Node]) -> bytes:
    """Return a result document: ``children`` are pairs of element name and text (or children of their own)."""
    return DECLARATION + ('<%s xmlns="%s">%s</%s>' % (root, NAMESPACE, _render(children), root)).encode('utf-8')


def people(initiator: str) -> 'list[Node]':
    """Return the Initiator and Owner of an upload: who began it will own the object. Nothing for an unknown one, ''."""
    person: list[Node] = [('ID', initiator), ('DisplayName', initiator)]
    return [('Initiator', person), ('Owner', person)] if initiator else []


def error_document(error: S3Error, request_id: str) -> bytes:
    """Return an error document. It has no namespace: SDKs know an error inside a 200 by the bare name ``Error``."""
    nodes: list[Node] = [('Code', error.code), ('Message', error.message)]
    nodes += list(error.fields.items())
    nodes += [('RequestId', request_id), ('HostId', request_id)]
    return DECLARATION + ('<Error>%s</Error>' % _render(nodes)).encode('utf-8')


def _render(nodes: Iterable[Node]) -> str:
    return ''.join('<%s>%s</%s>' % (name, _text(content) if isinstance(content, str) else _render(content), name)
                   for name, content in nodes)


def _text(value: str) -> str:
    # A carriage return would be read back as a line feed, so it goes out as a reference too. Text that came with
    # bytes that are no UTF-8 cannot be shown at all.
    clean = _SURROGATE.sub('\ufffd', value).encode('utf-8', 'surrogateescape').decode('utf-8', 'replace')
    return _FORBIDDEN.sub(lambda match: '&#x%X;' % ord(match[0]), escape(clean))


def url_encode(text: str) -> str:
    """Encode a key for ``encoding-type=url``: space is ``+``; letters, digits and ``/ - _ . *`` stay as they are."""
    return quote_plus(text, safe='/*').replace('~', '%7E')


def s3_time(isoformat: str) -> str:
    """Return a time of Swift's listings (ISO 8601, UTC, with or without a fraction) as S3's documents have it."""
    return isoformat[:19] + '.000Z'


@functools.lru_cache(maxsize=100)   # many parts share a second
def s3_time_of(seconds: int) -> str:
    """Return a time in seconds since the epoch as S3's documents have it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000Z')
