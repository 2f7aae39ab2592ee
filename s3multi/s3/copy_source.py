# SPDX-License-Identifier: Apache-2.0
"""The source of an Upload Part Copy: where it is, which bytes are copied, and under which conditions. No I/O.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
"""
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from s3multi.s3.errors import InvalidArgument, InvalidRequest, PreconditionFailed
from s3multi.s3.etags import unquote_etag
from s3multi.s3.parts import MAX_PART_BYTES
from s3multi.s3.version_ids import check_version_id

HEADER = 'x-amz-copy-source'
_RANGE_HEADER = 'x-amz-copy-source-range'
_RANGE = re.compile(r'bytes=([0-9]{1,19})-([0-9]{1,19})')
_BAD_ESCAPE = re.compile(r'%(?![0-9A-Fa-f]{2})')
_CONDITIONS = ('x-amz-copy-source-if-match', 'x-amz-copy-source-if-unmodified-since',
               'x-amz-copy-source-if-none-match', 'x-amz-copy-source-if-modified-since')


@dataclass(frozen=True)
class CopySource:
    """What to copy from. bucket, key: native text, percent-decoded once. version_id: None for the current version."""

    bucket: str
    key: str
    version_id: 'str | None'


@dataclass(frozen=True)
class SourceState:
    """What Swift says of the source.

    etag: as S3 clients see it, bare. modified: the time of last modification, in seconds since the epoch, None if it is
    not known. size: of the whole object, in bytes.
    """

    etag: str
    modified: 'float | None'
    size: int


def parse_source(text: str) -> CopySource:
    """Return the source that ``text``, the value of x-amz-copy-source, names.

    It is ``bucket/key`` or ``/bucket/key``, encoded as a query is, perhaps with a literal ``?versionId=`` and a version
    id behind it that is encoded so, too. Raises InvalidArgument for anything else.
    """
    path = text.partition('?')[0]
    version_id = source_version(text)
    decoded = _decode(path, text)
    bucket, slash, key = decoded.removeprefix('/').partition('/')
    # No name in Swift holds a NUL.
    if not (bucket and slash and key) or '\0' in decoded:
        raise InvalidArgument(HEADER, text,
                              'Copy Source must mention the source bucket and key: sourcebucket/sourcekey')
    return CopySource(bucket, key, version_id)


def source_version(text: str) -> 'str | None':
    """Return the version that a source names, None for the current one.

    Raises InvalidArgument for anything else behind the key, and for what is no version id.
    """
    _, question, query = text.partition('?')
    if not question:
        return None
    name, _, encoded = query.partition('=')
    if name != 'versionId':
        raise InvalidArgument(HEADER, text, 'Unsupported copy source parameter.')
    version_id = _decode(encoded, text)
    check_version_id(version_id, HEADER, text)
    return version_id


def blanks_encoded(source: str) -> str:
    """Return a source with ``%20`` for each plus sign, which is a blank: where a plus is meant, clients send ``%2B``.

    Amazon S3 answered NoSuchKey to a bare one: aws/aws-cli#614, aws/aws-sdk-php#236.
    """
    return source.replace('+', '%20')


def _decode(encoded: str, text: str) -> str:
    if _BAD_ESCAPE.search(encoded):
        raise InvalidArgument(HEADER, text, 'Invalid copy source encoding.')
    try:
        return unquote_to_bytes(blanks_encoded(encoded)).decode('utf-8')
    except UnicodeError:
        raise InvalidArgument(HEADER, text, 'Invalid copy source encoding.') from None


def parse_range(headers: Mapping[str, str]) -> 'tuple[int, int] | None':
    """Return the offsets of the first and last byte (inclusive, from 0) of the range to copy; None without one.

    headers: names in lower case. Raises InvalidArgument unless the value is exactly ``bytes=first-last`` with
    ``first`` no larger than ``last``: S3 accepts no other form of RFC 9110 here.
    """
    text = headers.get(_RANGE_HEADER)
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise InvalidArgument(_RANGE_HEADER, text,
                              'The x-amz-copy-source-range value must be of the form bytes=first-last where first and '
                              'last are the zero-based offsets of the first and last bytes to copy')
    return int(match[1]), int(match[2])


def check_range(byte_range: 'tuple[int, int] | None', size: int) -> int:
    """Return how many bytes are copied from a source of ``size`` bytes.

    byte_range: what ``parse_range`` returned. S3 does not cut a range at the end of the source, as a GET would. Raises
    InvalidArgument when the range ends behind the source, InvalidRequest when more is copied than a part may hold.
    """
    if byte_range is None:
        if size > MAX_PART_BYTES:
            raise InvalidRequest('The specified copy source is larger than the maximum allowable size for a copy '
                                 'source: %d' % MAX_PART_BYTES)
        return size
    first, last = byte_range
    if last >= size:
        raise InvalidArgument(_RANGE_HEADER, 'bytes=%d-%d' % byte_range,
                              'Range specified is not valid for source object of size: %d' % size)
    length = last - first + 1
    if length > MAX_PART_BYTES:
        raise InvalidRequest('The specified copy range is larger than the maximum allowable part size: %d'
                             % MAX_PART_BYTES)
    return length


def check_conditions(headers: Mapping[str, str], source: SourceState, now: float) -> None:
    """Raise PreconditionFailed, naming the condition, for the first header x-amz-copy-source-if-* that does not hold.

    headers: names in lower case. now: seconds since the epoch. If-Match outweighs If-Unmodified-Since, and
    If-None-Match outweighs If-Modified-Since (RFC 9110, section 13.2.2). A value that is not a date is ignored, and so
    is an If-Modified-Since in the future. A date does not hold for a source whose own is not known.
    """
    match, unmodified, none_match, modified = (headers.get(name) for name in _CONDITIONS)
    if match is not None:
        if not _names(match, source.etag):
            raise PreconditionFailed('x-amz-copy-source-If-Match')
    elif unmodified is not None:
        date = seconds_of(unmodified)
        if date is not None and (source.modified is None or source.modified > date):
            raise PreconditionFailed('x-amz-copy-source-If-Unmodified-Since')
    if none_match is not None:
        if _names(none_match, source.etag):
            raise PreconditionFailed('x-amz-copy-source-If-None-Match')
    elif modified is not None:
        date = seconds_of(modified)
        # Swift rounds the time of modification up to a whole second. So what has just been written may be dated a
        # moment ahead, and a client may send that very date: the present is rounded up too.
        if date is not None and date <= math.ceil(now) and (source.modified is None or source.modified <= date):
            raise PreconditionFailed('x-amz-copy-source-If-Modified-Since')


def _names(value: str, etag: str) -> bool:
    """Return whether ``value``, an ETag as clients send it or ``*``, names the object with ``etag``."""
    return value.strip() == '*' or unquote_etag(value) == etag.lower()


def seconds_of(date: str) -> 'float | None':
    """Return an HTTP date in seconds since the epoch; None for what is no date."""
    try:
        parsed = parsedate_to_datetime(date)
        # HTTP dates are in UTC, even in the form that names no zone (RFC 9110, section 5.6.7).
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
