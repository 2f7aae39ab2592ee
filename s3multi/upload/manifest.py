# SPDX-License-Identifier: Apache-2.0
"""The Static Large Object manifest of a finished upload: as SLO stores it, and as SLO takes it from clients. No I/O.

``stored`` and ``stored_headers`` return, byte for byte, what ``swift/common/middleware/slo.py`` writes for the same
segments; a test compares the two. ``request_body`` serves ``verify = head``, where SLO itself asks for every segment.
"""
import base64
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import unquote

import simplejson as json
from swift.common.utils import extract_swift_bytes

from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.errors import InvalidPart, S3Error, ServiceUnavailable
from s3multi.s3.parts import Attempt
from s3multi.s3.request_headers import DEFAULT_CONTENT_TYPE
from s3multi.upload.names import Upload

SEGMENT_TYPE = 'application/octet-stream'

# s3api's own names, so that stock s3api serves the object correctly too: ``s3api/controllers/multi_upload.py``.
ETAG_HEADER = 'X-Object-Sysmeta-S3Api-Etag'
UPLOAD_ID_HEADER = 'X-Object-Sysmeta-S3Api-Upload-Id'
ACL_HEADER = 'X-Object-Sysmeta-S3Api-Acl'
# Where S3's ETag is, first the name that counts more: objects of swift3, of which s3api was made, have the other one.
ETAG_HEADERS = (ETAG_HEADER, 'X-Object-Sysmeta-Swift3-Etag')
# s3api has no name for this.
CHECKSUM_HEADER = 'X-Object-Sysmeta-S3multi-Checksum'
SLO_ETAG_HEADER = 'X-Object-Sysmeta-Slo-Etag'
SLO_SIZE_HEADER = 'X-Object-Sysmeta-Slo-Size'
# These describe the parts, and so are not true of a copy.
DIGEST_HEADERS = (*ETAG_HEADERS, UPLOAD_ID_HEADER, CHECKSUM_HEADER, SLO_ETAG_HEADER, SLO_SIZE_HEADER)
# What the listing of the container shows in place of the object's own ETag and content type.
LISTING_ETAG_HEADER = 'X-Object-Sysmeta-Container-Update-Override-Etag'
LISTING_TYPE_HEADER = 'X-Object-Sysmeta-Container-Update-Override-Content-Type'

# The most bytes that one segment takes in the body, but for escapes of JSON in its name: the longest names of a
# container and an object, and 160 bytes around them.
MAX_ENTRY_BYTES = 256 + 1024 + 160

_PART_IS_NOT_THERE = ('404 Not Found', 'Etag Mismatch', 'Size Mismatch')


@dataclass(frozen=True)
class Segment:
    """An entry of a stored manifest. path: ``/container/object``; '' if it has none. size: of the segment, in bytes.

    is_large: whether the segment is a large object itself. etag: that of the segment; where it has no path, the MD5 of
    the bytes that the entry has instead. range: ``first-last``, where the object has only these bytes of it.
    """

    path: str
    size: int
    is_large: bool = False
    etag: str = ''
    range: str = ''


def read_stored(body: bytes) -> 'list[Segment]':
    """Return the entries of ``body``, any manifest that SLO has stored, in order. Raises ValueError for other bytes."""
    try:
        return [_segment(entry) for entry in json.loads(body)]
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError('no manifest: %s' % error) from error


def _segment(entry: 'Mapping[str, Any]') -> Segment:
    # An entry without a name has its bytes in the manifest.
    if 'data' in entry:
        raw = base64.b64decode(entry['data'])
        return Segment('', len(raw), False, hashlib.md5(raw, usedforsecurity=False).hexdigest())
    size, is_large = int(entry.get('bytes', 0)), bool(entry.get('sub_slo'))
    if is_large and 'swift_bytes' in str(entry.get('content_type')):
        # Older manifests tell the size of the manifest, and that of the large object here.
        size = int(extract_swift_bytes(entry['content_type'])[1] or size)
    return Segment(str(entry['name']), size, is_large, str(entry.get('hash')), str(entry.get('range') or ''))


def slo_sums(segments: 'Iterable[Segment]') -> 'tuple[str, int]':
    """Return the ETag and the size that SLO gives to a large object of these segments. Raises ValueError."""
    digest, size = hashlib.md5(usedforsecurity=False), 0
    for segment in segments:
        text, length = segment.etag, segment.size
        if segment.range:
            first, last = map(int, segment.range.split('-'))
            text, length = '%s:%s;' % (text, segment.range), last - first + 1
        digest.update(text.encode())
        size += length
    return digest.hexdigest(), size


def part_name(upload: Upload, segment: Segment) -> str:
    """Return the object name of ``segment``; '' when it does not lie in the container of the parts of ``upload``."""
    container = '/%s/' % upload.container
    return segment.path.removeprefix(container) if segment.path.startswith(container) else ''


def by_path(upload: Upload, attempts: 'Iterable[Attempt]') -> 'dict[str, Attempt]':
    """Return attempts by the names that a manifest has for them."""
    return {_path(upload, attempt): attempt for attempt in attempts}


def stored(upload: Upload, chosen: Sequence[Attempt]) -> bytes:
    """Return the manifest as SLO stores it: name, size, ETag, type and time of each segment.

    chosen: the attempts that become the object, in order.
    """
    return json.dumps([{'name': _path(upload, attempt), 'bytes': attempt.size, 'hash': attempt.etag,
                        'content_type': SEGMENT_TYPE, 'last_modified': _last_modified(attempt)}
                       for attempt in chosen]).encode('ascii')


def is_listed_as(upload: Upload, chosen: Sequence[Attempt], etag: str) -> bool:
    """Return whether an object's ETag, which is the MD5 of its manifest, is that of the manifest of these attempts.

    The manifest names the parts, and so no other upload has the same.
    """
    return hashlib.md5(stored(upload, chosen), usedforsecurity=False).hexdigest() == etag


def stored_headers(upload: Upload, chosen: Sequence[Attempt], initiation: Mapping[str, str], digests: ObjectDigests,
                   body: bytes) -> 'dict[str, str]':
    """Return the headers that store the manifest: those that SLO would set, and ``object_headers``.

    chosen, body: as ``stored`` takes and returns them. initiation, digests: as in ``object_headers``.
    """
    headers = object_headers(upload, initiation, digests)
    body_md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    slo_etag = hashlib.md5(''.join(attempt.etag for attempt in chosen).encode('ascii'),
                           usedforsecurity=False).hexdigest()
    size = sum(attempt.size for attempt in chosen)
    return {**headers,
            'content-type': '%s;swift_bytes=%d' % (headers['content-type'], size),
            'X-Static-Large-Object': 'True',
            SLO_ETAG_HEADER: slo_etag,
            SLO_SIZE_HEADER: str(size),
            'Etag': body_md5,
            LISTING_ETAG_HEADER: '%s; s3_etag=%s; slo_etag=%s' % (body_md5, digests.etag, slo_etag)}


def request_body(upload: Upload, chosen: Sequence[Attempt]) -> bytes:
    """Return the manifest as SLO takes it: path, ETag and size of each segment, which SLO compares with what is stored.

    chosen: as in ``stored``.
    """
    return json.dumps([{'path': _path(upload, attempt), 'etag': attempt.etag, 'size_bytes': attempt.size}
                       for attempt in chosen], ensure_ascii=False).encode('utf-8')


def object_headers(upload: Upload, initiation: Mapping[str, str], digests: ObjectDigests) -> 'dict[str, str]':
    """Return the headers of the object: those of Initiate, and what s3api and s3multi read when they serve it.

    initiation: the headers that Initiate was told, as WSGI strings. digests: of the object.
    """
    content_type = initiation.get('content-type', DEFAULT_CONTENT_TYPE)
    if 'swift_bytes' in content_type:
        # Swift takes the size of a large object from this parameter, so a client must not set it. The function also
        # rewrites the other parameters, and so is not called without need.
        content_type, _ = extract_swift_bytes(content_type)
    checksum = {CHECKSUM_HEADER: digests.checksum.stored()} if digests.checksum else {}
    return {**initiation, **checksum,
            'content-type': content_type,
            ETAG_HEADER: digests.etag,
            UPLOAD_ID_HEADER: upload.id,
            # SLO puts the MD5 of the manifest in front of it, as it does for any large object.
            LISTING_ETAG_HEADER: '; s3_etag=%s' % digests.etag}


def agrees(segments: 'Sequence[Mapping[str, Any] | None]', chosen: Sequence[Attempt]) -> bool:
    """Return whether the segments that SLO found are the attempts that were chosen, one by one.

    segments: as SLO hands them to ``swift.callback.slo_manifest_hook``; None for one that it did not find.
    """
    return all(segment is not None and (segment['hash'], segment['bytes']) == (attempt.etag, attempt.size)
               for segment, attempt in zip(segments, chosen))


def refusal(upload: Upload, chosen: Sequence[Attempt], answer: bytes) -> S3Error:
    """Return the S3 error for a manifest that SLO refused. answer: its list of problems, in JSON.

    It is InvalidPart for the first part, in order, that is missing or changed; ServiceUnavailable for other problems.
    """
    try:
        problems = {unquote(path): problem for path, problem in json.loads(answer)['Errors']}
    except (KeyError, TypeError, ValueError):
        return ServiceUnavailable()
    for attempt in chosen:
        if problems.get(_path(upload, attempt)) in _PART_IS_NOT_THERE:
            return InvalidPart(upload.id, attempt.number, attempt.etag)
    return ServiceUnavailable()


def _last_modified(attempt: Attempt) -> str:
    # SLO takes this from the Last-Modified of a HEAD, which is the time of the PUT rounded up to whole seconds.
    return _slo_time(-(-attempt.began_ticks // 100000))


@functools.lru_cache(maxsize=100)   # many parts share a second
def _slo_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000000')


def _path(upload: Upload, attempt: Attempt) -> str:
    return '/%s/%s' % (upload.container, attempt.name)
