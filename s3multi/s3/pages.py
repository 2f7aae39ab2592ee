# SPDX-License-Identifier: Apache-2.0
"""Pages of List Parts and List Multipart Uploads: their parameters, and which entries a page holds. No I/O.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from s3multi.s3.checksums import ChecksumChoice
from s3multi.s3.errors import InvalidArgument

MAX_PAGE = 1000
_MAX_INT32 = 2 ** 31 - 1


def parse_count(params: Mapping[str, str], name: str, default: int, cap: 'int | None' = None) -> int:
    """Return the parameter ``name`` as an integer, at most ``cap``.

    Raises InvalidArgument unless it is a 32-bit integer that is not negative.
    """
    text = params.get(name)
    if text is None or text == '':
        return default
    sign, digits = (text[0], text[1:]) if text[0] in '+-' else ('', text)
    # int() refuses texts of thousands of digits, zeros or not.
    significant = digits.lstrip('0') or '0'
    if not (digits.isascii() and digits.isdigit() and len(significant) <= 10 and int(significant) <= _MAX_INT32):
        raise InvalidArgument(name, text, 'Provided %s not an integer or within integer range' % name)
    value = int(sign + significant)
    if value < 0:
        raise InvalidArgument(name, text, 'Argument %s must be an integer between 0 and %d' % (name, _MAX_INT32))
    return value if cap is None else min(value, cap)


def parse_encoding(params: Mapping[str, str]) -> 'str | None':
    """Return ``encoding-type`` as it was sent, None without one. Raises InvalidArgument unless it is ``url``."""
    text = params.get('encoding-type')
    if text is not None and text.lower() != 'url':
        raise InvalidArgument('encoding-type', text, 'Invalid Encoding Method specified in Request')
    return text


@dataclass(frozen=True, order=True)
class OpenUpload:
    """An upload that List Multipart Uploads shows; sorts by key (as UTF-8) and then by time of initiation."""

    sort_key: bytes = field(repr=False)
    id: str
    key: str = field(compare=False)
    initiated: str = field(compare=False)
    initiator: str = field(compare=False)
    checksum: 'ChecksumChoice | None' = field(compare=False)

    @classmethod
    def of(cls, key: str, upload_id: str, initiated: str, initiator: str,
           checksum: 'ChecksumChoice | None' = None) -> 'OpenUpload':
        """initiated: ISO 8601 as Swift's listings give it. initiator: '' when nobody knows.

        checksum: what Initiate chose.
        """
        return cls(key.encode('utf-8', 'surrogateescape'), upload_id, key, initiated, initiator, checksum)


@dataclass(frozen=True)
class UploadsQuery:
    """The parameters of List Multipart Uploads, checked. Unset markers, prefix and delimiter are empty."""

    prefix: str
    delimiter: str
    key_marker: str
    id_marker: str
    max_uploads: int
    encoding: 'str | None'

    @classmethod
    def parse(cls, params: Mapping[str, str], belongs: Callable[[str, str], bool]) -> 'UploadsQuery':
        """Raises InvalidArgument. ``belongs(key, upload_id)`` says whether an id was made for that key."""
        encoding = parse_encoding(params)
        max_uploads = parse_count(params, 'max-uploads', MAX_PAGE, MAX_PAGE)
        key_marker = params.get('key-marker', '')
        # S3 ignores an upload id without a key, and shows it as if it had not been sent.
        id_marker = params.get('upload-id-marker', '') if key_marker else ''
        if id_marker and not belongs(key_marker, id_marker):
            raise InvalidArgument('upload-id-marker', id_marker, 'Invalid uploadId marker')
        return cls(params.get('prefix', ''), params.get('delimiter', ''), key_marker, id_marker, max_uploads, encoding)

    def group_of(self, key: str) -> 'str | None':
        """Return the common prefix that ``key`` is shown under, None when it is shown itself."""
        if not self.delimiter:
            return None
        end = key.find(self.delimiter, len(self.prefix))
        return None if end < 0 else key[:end + len(self.delimiter)]

    def is_after_markers(self, upload: OpenUpload) -> bool:
        """Say whether ``upload`` comes after the place that the markers name."""
        marker = self.key_marker.encode('utf-8', 'surrogateescape')
        group = self.group_of(upload.key)
        if group is not None and group.encode('utf-8', 'surrogateescape') <= marker:
            return False
        if upload.sort_key == marker:
            return bool(self.id_marker) and upload.id > self.id_marker
        return upload.sort_key > marker


@dataclass
class UploadsPage:
    """One page: uploads and common prefixes in order, and the markers of its last entry (empty without one)."""

    uploads: 'list[OpenUpload]' = field(default_factory=list)
    prefixes: 'list[str]' = field(default_factory=list)
    next_key_marker: str = ''
    next_id_marker: str = ''
    truncated: bool = False

    @property
    def size(self) -> int:
        return len(self.uploads) + len(self.prefixes)


def fill_page(query: UploadsQuery, ordered: Iterable[OpenUpload]) -> UploadsPage:
    """Return the page that ``query`` asks for out of the uploads in order; reads no further than it needs."""
    page = UploadsPage()
    if query.max_uploads == 0:
        return page
    group: str | None = None
    for upload in ordered:
        if not upload.key.startswith(query.prefix) or not query.is_after_markers(upload):
            continue
        previous, group = group, query.group_of(upload.key)
        if group is not None and group == previous:
            continue
        if page.size == query.max_uploads:
            page.truncated = True
            break
        if group is None:
            page.uploads.append(upload)
            page.next_key_marker, page.next_id_marker = upload.key, upload.id
        else:
            # S3 is not consistent here; a marker that names the whole group makes the next page start after it.
            page.prefixes.append(group)
            page.next_key_marker, page.next_id_marker = group, ''
    return page


def keys_sorted_late(key: str) -> 'list[str]':
    """Return the shorter keys whose uploads Swift may list after those of ``key`` although S3 wants them before.

    Swift sorts by ``<key>/<id>``. So that can happen to a prefix of ``key`` wherever the next character is not after
    the slash: "a" comes after "a-b", and after "a/b" when its id sorts after "b".
    """
    return [key[:end] for end in range(1, len(key)) if key[end] <= '/']
