# SPDX-License-Identifier: Apache-2.0
"""The source of an Upload Part Copy: where it is, which bytes of it, and under which conditions. No I/O.

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

HEADER = 'x-amz-copy-source'
_RANGE_HEADER = 'x-amz-copy-source-range'
_RANGE = re.compile(r'bytes=([0-9]{1,19})-([0-9]{1,19})')
_BAD_ESCAPE = re.compile(r'%(?![0-9A-Fa-f]{2})')
_CONDITIONS = ('x-amz-copy-source-if-match', 'x-amz-copy-source-if-unmodified-since',
               'x-amz-copy-source-if-none-match', 'x-amz-copy-source-if-modified-since')


@dataclass(frozen=True)
class CopySource:
    """Bucket and key in native text, decoded once; version_id None for the current version."""

    bucket: str
    key: str
    version_id: 'str | None'


@dataclass(frozen=True)
class SourceState:
    """What the source is: its S3 ETag (bare), time of last modification (seconds), size in bytes."""

    etag: str
    modified: float
    size: int


def parse_source(text: str) -> CopySource:
    """Read ``bucket/key`` or ``/bucket/key``, percent-encoded, with an optional literal ``?versionId=``.

    Raises InvalidArgument for anything else.
    """
    path, question, query = text.partition('?')
    version_id = None
    if question:
        name, equals, version_id = query.partition('=')
        if name != 'versionId' or not equals or not version_id:
            raise InvalidArgument(HEADER, text, 'Version id cannot be the empty string' if name == 'versionId'
                                  else 'Unsupported copy source parameter.')
        version_id = _decode(version_id, text)
    decoded = _decode(path, text)
    bucket, slash, key = decoded.removeprefix('/').partition('/')
    if not (bucket and slash and key) or '\0' in decoded:
        raise InvalidArgument(HEADER, text,
                              'Copy Source must mention the source bucket and key: sourcebucket/sourcekey')
    return CopySource(bucket, key, version_id)


def _decode(encoded: str, text: str) -> str:
    if _BAD_ESCAPE.search(encoded):
        raise InvalidArgument(HEADER, text, 'Invalid copy source encoding.')
    try:
        # A "+" is a plus sign here, unlike in a query string.
        return unquote_to_bytes(encoded).decode('utf-8')
    except UnicodeError:
        raise InvalidArgument(HEADER, text, 'Invalid copy source encoding.') from None


def parse_range(headers: Mapping[str, str]) -> 'tuple[int, int] | None':
    """Return first and last byte (inclusive) of the range asked for, None without one.

    Raises InvalidArgument unless it is exactly ``bytes=first-last``, in order.
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
    """Return how many bytes will be copied from a source of ``size`` bytes.

    S3 does not clamp a range. Raises InvalidArgument when it ends past the source, InvalidRequest when the source
    is larger than a part may be and no range was given.
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
    """Judge the headers x-amz-copy-source-if-*; raise PreconditionFailed naming the one that does not hold.

    now: seconds since the epoch. If-Match, when present, outweighs If-Unmodified-Since; If-None-Match outweighs
    If-Modified-Since (RFC 9110, section 13.2.2). What is no date, or a modified-since that lies ahead, is no condition.
    """
    match, unmodified, none_match, modified = (headers.get(name) for name in _CONDITIONS)
    if match is not None:
        if not _names(match, source.etag):
            raise PreconditionFailed('x-amz-copy-source-If-Match')
    elif unmodified is not None:
        date = _seconds(unmodified)
        if date is not None and source.modified > date:
            raise PreconditionFailed('x-amz-copy-source-If-Unmodified-Since')
    if none_match is not None:
        if _names(none_match, source.etag):
            raise PreconditionFailed('x-amz-copy-source-If-None-Match')
    elif modified is not None:
        date = _seconds(modified)
        # Swift rounds the time of modification up to a whole second, so what has just been written lies ahead.
        if date is not None and source.modified <= date <= math.ceil(now):
            raise PreconditionFailed('x-amz-copy-source-If-Modified-Since')


def _names(value: str, etag: str) -> bool:
    return value.strip() == '*' or unquote_etag(value) == etag.lower()


def _seconds(date: str) -> 'float | None':
    try:
        parsed = parsedate_to_datetime(date)
        # HTTP dates are in universal time, also where they do not say so.
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
