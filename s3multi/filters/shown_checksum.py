# SPDX-License-Identifier: Apache-2.0
"""The checksum in the answer to a GET or HEAD of an object with ``x-amz-checksum-mode: ENABLED``.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from swift.common.swob import HeaderKeyDict, Range, Request, wsgi_to_str
from swift.common.utils import config_true_value, split_path

from s3multi.s3.checksums import Checksum, ObjectChecksum, algorithm_of_element, stored_checksum
from s3multi.s3.errors import S3Error
from s3multi.s3.parts import Attempt
from s3multi.storage.segments import Segments
from s3multi.upload import manifest
from s3multi.upload.names import Upload

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CONTENT_RANGE = re.compile(r'bytes ([0-9]+)-([0-9]+)/([0-9]+)')


def of_answer(env: 'WSGIEnvironment', status: int, headers: Mapping[str, str],
              segments_of: 'Callable[[str, str], Segments]') -> 'dict[str, str]':
    """Return the checksum headers for Swift's answer to a GET or HEAD; empty if the object is not ours or has none.

    An answer with the whole object gets the checksum of the whole, one with exactly one part that of the part, any
    other none. env: the environ of the request. status, headers: those of Swift's answer. segments_of: returns the
    segments container for an account and bucket; it is asked for the row of a part, after auth has let the client in.
    """
    found = HeaderKeyDict(headers)
    whole = stored_checksum(found.get(manifest.CHECKSUM_HEADER))
    # A server-side copy inherits this metadata, but it is not a manifest.
    if status not in (200, 206) or whole is None or not config_true_value(found.get('X-Static-Large-Object')):
        return {}
    request = Request(env)
    part_number = request.params.get('part-number')
    byte_range = _byte_range(request, status, found)
    if part_number is None and byte_range is None:
        return whole.headers
    number = _part_of_range(whole, byte_range) if part_number is None and byte_range else int(part_number or 0)
    if number == 0 or whole.part_bytes is None:
        return {}
    _, account, bucket, key = (wsgi_to_str(part) for part in split_path(request.path_info, 4, 4, True))
    upload = Upload(account, bucket, key, found.get(manifest.UPLOAD_ID_HEADER, ''))
    attempts = _attempts(segments_of(account, bucket), upload, number)
    # If there are several attempts, the rows do not tell which one the manifest lists.
    if len(attempts) != 1 or byte_range and attempts[0].size != byte_range[1] - byte_range[0] + 1:
        return {}
    sums = [Checksum(algorithm_of_element(name) or '', value) for name, value in attempts[0].checksums.items()]
    return ObjectChecksum(sums[0], whole.type).headers if sums else {}


def _byte_range(request: Request, status: int, headers: Mapping[str, str]) -> 'tuple[int, int, int] | None':
    """Return first byte, last byte and size of the object, if the answer is a range of it; None if it is all of it."""
    found = None
    if status == 206:
        match = _CONTENT_RANGE.fullmatch(headers.get('Content-Range', ''))
        # An answer of several ranges does not have this header, and gets no checksum.
        found = (int(match[1]), int(match[2]), int(match[3])) if match else (0, -1, 0)
    elif request.method == 'HEAD' and 'Range' in request.headers:
        # Swift answers with the whole, and s3api makes the range of it.
        size = int(headers.get('Content-Length', 0))
        try:
            ranges = Range(request.headers['Range']).ranges_for_length(size)
        except ValueError:
            return None
        if ranges and len(ranges) == 1:
            found = (ranges[0][0], ranges[0][1] - 1, size)
    return None if found and found[:2] == (0, found[2] - 1) and found[2] else found


def _part_of_range(whole: ObjectChecksum, byte_range: 'tuple[int, int, int]') -> int:
    """Return the number of the part that the range covers exactly, if the sizes of parts tell it; else 0."""
    first, last, size = byte_range
    if not whole.part_bytes or first % whole.part_bytes:
        return 0
    ends = last + 1 == size or last + 1 == first + whole.part_bytes
    return first // whole.part_bytes + 1 if ends else 0


def _attempts(segments: Segments, upload: Upload, number: int) -> 'list[Attempt]':
    """Return the attempts of one part that the listing shows, two at most; none if there is no listing."""
    try:
        return [attempt for attempt in islice(segments.attempts(upload, number - 1, 2), 2) if attempt.number == number]
    except S3Error:
        # The client can have its bytes without a checksum.
        return []
