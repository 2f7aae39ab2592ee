# SPDX-License-Identifier: Apache-2.0
"""Pages of List Parts and List Multipart Uploads: the parameters, and the entries that a page holds. No I/O.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""
import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from s3multi.s3.checksums import ChecksumChoice
from s3multi.s3.documents import readable
from s3multi.s3.errors import InvalidArgument

MAX_PAGE = 1000
_MAX_INT32 = 2 ** 31 - 1


def parse_count(params: Mapping[str, str], name: str, default: int, cap: 'int | None' = None) -> int:
    """Return the parameter ``name`` as an integer, at most ``cap``; ``default`` when it is missing or empty.

    Raises InvalidArgument unless it is an integer from 0 to 2**31 - 1.
    """
    text = params.get(name)
    if text is None or text == '':
        return default
    sign, digits = (text[0], text[1:]) if text[0] in '+-' else ('', text)
    # Leading zeros are allowed in any number, but int() refuses a text of thousands of digits, even zeros.
    significant = digits.lstrip('0') or '0'
    if not (digits.isascii() and digits.isdigit() and len(significant) <= 10 and int(significant) <= _MAX_INT32):
        raise InvalidArgument(name, text, 'Provided %s not an integer or within integer range' % name)
    value = int(sign + significant)
    if value < 0:
        raise InvalidArgument(name, text, 'Argument %s must be an integer between 0 and %d' % (name, _MAX_INT32))
    return value if cap is None else min(value, cap)


def parse_encoding(params: Mapping[str, str]) -> 'str | None':
    """Return the parameter ``encoding-type`` as it was sent; None without one.

    Raises InvalidArgument unless it is ``url``, in any letter case.
    """
    text = params.get('encoding-type')
    if text is not None and text.lower() != 'url':
        raise InvalidArgument('encoding-type', text, 'Invalid Encoding Method specified in Request')
    return text


@dataclass(frozen=True, order=True)
class OpenUpload:
    """An upload that List Multipart Uploads shows; or a place among them up to which Swift was asked (``is_place``).

    Uploads sort as S3 lists them: by key, as UTF-8, and then by id, since our ids sort by time of initiation.
    """

    sort_key: bytes = field(repr=False)
    id: str
    key: str = field(compare=False)
    initiated: str = field(compare=False)
    initiator: str = field(compare=False)
    checksum: 'ChecksumChoice | None' = field(compare=False)
    is_place: bool = field(default=False, compare=False)

    @classmethod
    def place(cls, key: str, upload_id: str) -> 'OpenUpload':
        """Return the place of an upload, whether it is open or not."""
        return cls(key.encode('utf-8', 'surrogateescape'), upload_id, key, '', '', None, is_place=True)

    @classmethod
    def of(cls, key: str, upload_id: str, initiated: str, initiator: str,
           checksum: 'ChecksumChoice | None' = None) -> 'OpenUpload':
        """Return an upload.

        initiated: ISO 8601, as Swift's listings have it. initiator: '' when nobody knows. checksum: what Initiate
        chose.
        """
        return cls(key.encode('utf-8', 'surrogateescape'), upload_id, key, initiated, initiator, checksum)


@dataclass(frozen=True)
class UploadsQuery:
    """The parameters of List Multipart Uploads, checked. Prefix, delimiter and markers are empty when they were not
    sent. encoding: ``encoding-type`` as it was sent, None without one."""

    prefix: str
    delimiter: str
    key_marker: str
    id_marker: str
    max_uploads: int
    encoding: 'str | None'

    @classmethod
    def parse(cls, params: Mapping[str, str], belongs: Callable[[str, str], bool]) -> 'UploadsQuery':
        """Return the query that ``params`` make.

        belongs: tells of a key and an upload id whether the id was made for that key. Raises InvalidArgument for a
        malformed parameter, and for an upload id marker that does not belong to the key marker.
        """
        encoding = parse_encoding(params)
        max_uploads = parse_count(params, 'max-uploads', MAX_PAGE, MAX_PAGE)
        key_marker = params.get('key-marker', '')
        # S3 ignores an upload id marker without a key marker, and answers as if it had not been sent.
        sent = params.get('upload-id-marker', '') if key_marker else ''
        key_marker, id_marker = _exact_place(key_marker, sent)
        if id_marker and not belongs(key_marker, id_marker):
            raise InvalidArgument('upload-id-marker', sent, 'Invalid uploadId marker')
        return cls(params.get('prefix', ''), params.get('delimiter', ''), key_marker, id_marker, max_uploads, encoding)

    def group_of(self, key: str) -> 'str | None':
        """Return the common prefix that stands for ``key`` in the list; None when the key itself is shown."""
        if not self.delimiter:
            return None
        end = key.find(self.delimiter, len(self.prefix))
        return None if end < 0 else key[:end + len(self.delimiter)]

    def is_after_markers(self, upload: OpenUpload) -> bool:
        """Return whether ``upload`` comes after the place that the markers name."""
        marker = self.key_marker.encode('utf-8', 'surrogateescape')
        group = self.group_of(upload.key)
        # An earlier page has shown this group, with all of its keys. With an id it ended inside, before an open upload.
        if group is not None and not self.id_marker and group.encode('utf-8', 'surrogateescape') <= marker:
            return False
        if upload.sort_key == marker:
            # A key marker alone skips all uploads of its key.
            return bool(self.id_marker) and upload.id > self.id_marker
        return upload.sort_key > marker


def shown_id_marker(key: str, upload_id: str) -> str:
    """Return the upload id marker that goes with a key marker in a document without encoding.

    If the document cannot show ``key``, this marker brings it along. Otherwise the next page would begin elsewhere.
    """
    if readable(key) == key:
        return upload_id
    return '%s.%s' % (upload_id, base64.urlsafe_b64encode(key.encode('utf-8')).decode('ascii'))


def _exact_place(key_marker: str, id_marker: str) -> 'tuple[str, str]':
    """Return key and upload id of a place whose markers a client has sent, ``shown_id_marker`` undone."""
    upload_id, dot, encoded = id_marker.rpartition('.')
    try:
        key = base64.urlsafe_b64decode(encoded).decode('utf-8')
    except ValueError:
        return key_marker, id_marker
    return (key, upload_id) if dot and readable(key) == key_marker != key else (key_marker, id_marker)


@dataclass
class UploadsPage:
    """A page of List Multipart Uploads.

    uploads, prefixes: each in order; prefixes are the common ones. next_key_marker, next_id_marker: those of the last
    entry, or of the place where the page ends; empty without one. truncated: whether more entries may follow.
    """

    uploads: 'list[OpenUpload]' = field(default_factory=list)
    prefixes: 'list[str]' = field(default_factory=list)
    next_key_marker: str = ''
    next_id_marker: str = ''
    truncated: bool = False

    @property
    def size(self) -> int:
        """The number of entries of both kinds, which ``max-uploads`` bounds."""
        return len(self.uploads) + len(self.prefixes)


def fill_page(query: UploadsQuery, ordered: Iterable[OpenUpload]) -> UploadsPage:
    """Return the page that ``query`` asks for.

    ordered: uploads in S3's order, from the markers of the query or before; a place ends them. Reads no further than
    the page needs.
    """
    page = UploadsPage()
    if query.max_uploads == 0:
        return page
    group: str | None = None
    for upload in ordered:
        if upload.is_place:
            inside = group is not None and query.group_of(upload.key) == group
            page.next_key_marker, page.next_id_marker = (group or '', '') if inside else (upload.key, upload.id)
            page.truncated = True
            break
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
            # Amazon S3 is not consistent about this marker. One that names the whole group makes the next page begin
            # after the group.
            page.prefixes.append(group)
            page.next_key_marker, page.next_id_marker = group, ''
    return page


def keys_sorted_late(key: str) -> 'list[str]':
    """Return the shorter keys whose uploads S3 lists before those of ``key`` although Swift may list them after.

    Swift sorts markers by their names, ``<key>/<id>``. So this can happen to a prefix of ``key`` if the character that
    follows it in ``key`` does not sort after the slash: uploads of "a" come after those of "a-b", and also after those
    of "a/b" when their ids sort after "b".
    """
    return [key[:end] for end in range(1, len(key)) if key[end] <= '/']
