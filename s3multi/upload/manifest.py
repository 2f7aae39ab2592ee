# SPDX-License-Identifier: Apache-2.0
"""The Static Large Object manifest of a finished upload: as SLO stores it, and as SLO takes it from clients. No I/O.

What ``stored`` and ``stored_headers`` return is, byte for byte, what ``swift/common/middleware/slo.py`` writes for the
same segments; a test holds the two side by side. ``request_body`` is for when SLO shall ask for every segment itself.
"""
import functools
import hashlib
from collections.abc import Mapping, Sequence
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
# s3api has none for this.
CHECKSUM_HEADER = 'X-Object-Sysmeta-S3multi-Checksum'
_SLO_ETAG_HEADER = 'X-Object-Sysmeta-Slo-Etag'
_SLO_SIZE_HEADER = 'X-Object-Sysmeta-Slo-Size'
# What tells of the parts, and so is true of no copy.
DIGEST_HEADERS = (ETAG_HEADER, UPLOAD_ID_HEADER, CHECKSUM_HEADER, _SLO_ETAG_HEADER, _SLO_SIZE_HEADER)
# What the listing of the container shall show instead of the object's own.
LISTING_ETAG_HEADER = 'X-Object-Sysmeta-Container-Update-Override-Etag'
LISTING_TYPE_HEADER = 'X-Object-Sysmeta-Container-Update-Override-Content-Type'

# What one segment takes in the body at most, JSON escapes of its name aside: the longest name and 160 bytes around it.
MAX_ENTRY_BYTES = 256 + 1024 + 160

_PART_IS_NOT_THERE = ('404 Not Found', 'Etag Mismatch', 'Size Mismatch')


@dataclass(frozen=True)
class Segment:
    """An entry of a stored manifest. path: container and object; '' where it has none. size: of the segment, bytes."""

    path: str
    size: int


def read_stored(body: bytes) -> 'list[Segment]':
    """Return the entries of any manifest that SLO has stored, in order."""
    return [Segment(entry.get('name', ''), int(entry.get('bytes', 0))) for entry in json.loads(body)]


def part_name(upload: Upload, segment: Segment) -> str:
    """Return the name that a segment has among the parts of ``upload``; '' when it lies elsewhere."""
    container = '/%s/' % upload.container
    return segment.path.removeprefix(container) if segment.path.startswith(container) else ''


def stored(upload: Upload, chosen: Sequence[Attempt]) -> bytes:
    """Return the manifest as SLO stores it: name, size, ETag, type and time of each segment, in order."""
    return json.dumps([{'name': _path(upload, attempt), 'bytes': attempt.size, 'hash': attempt.etag,
                        'content_type': SEGMENT_TYPE, 'last_modified': _last_modified(attempt)}
                       for attempt in chosen]).encode('ascii')


def stored_headers(upload: Upload, chosen: Sequence[Attempt], initiation: Mapping[str, str], digests: ObjectDigests,
                   body: bytes) -> 'dict[str, str]':
    """Return the headers that SLO would write the manifest ``body`` with, and ours (``object_headers``)."""
    headers = object_headers(upload, initiation, digests)
    body_md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
    slo_etag = hashlib.md5(''.join(attempt.etag for attempt in chosen).encode('ascii'),
                           usedforsecurity=False).hexdigest()
    size = sum(attempt.size for attempt in chosen)
    return {**headers,
            'content-type': '%s;swift_bytes=%d' % (headers['content-type'], size),
            'X-Static-Large-Object': 'True',
            _SLO_ETAG_HEADER: slo_etag,
            _SLO_SIZE_HEADER: str(size),
            'Etag': body_md5,
            LISTING_ETAG_HEADER: '%s; s3_etag=%s; slo_etag=%s' % (body_md5, digests.etag, slo_etag)}


def request_body(upload: Upload, chosen: Sequence[Attempt]) -> bytes:
    """Return the manifest as SLO takes it: path, ETag and size of each segment, which it compares."""
    return json.dumps([{'path': _path(upload, attempt), 'etag': attempt.etag, 'size_bytes': attempt.size}
                       for attempt in chosen], ensure_ascii=False).encode('utf-8')


def object_headers(upload: Upload, initiation: Mapping[str, str], digests: ObjectDigests) -> 'dict[str, str]':
    """Return the headers of the object: ``initiation``, what Initiate was told (WSGI strings), and its digests."""
    content_type = initiation.get('content-type', DEFAULT_CONTENT_TYPE)
    if 'swift_bytes' in content_type:
        # This writes the other parameters in a form of its own.
        content_type, _ = extract_swift_bytes(content_type)
    checksum = {CHECKSUM_HEADER: digests.checksum.stored()} if digests.checksum else {}
    return {**initiation, **checksum,
            'content-type': content_type,
            ETAG_HEADER: digests.etag,
            UPLOAD_ID_HEADER: upload.id,
            # SLO puts the MD5 of the manifest in front of it, as in a listing of any large object.
            LISTING_ETAG_HEADER: '; s3_etag=%s' % digests.etag}


def agrees(segments: 'Sequence[Mapping[str, Any] | None]', chosen: Sequence[Attempt]) -> bool:
    """Say whether what SLO has found (None: nothing) is what was chosen, part by part."""
    return all(segment is not None and (segment['hash'], segment['bytes']) == (attempt.etag, attempt.size)
               for segment, attempt in zip(segments, chosen))


def refusal(upload: Upload, chosen: Sequence[Attempt], answer: bytes) -> S3Error:
    """Return the S3 error for SLO's list of problems: InvalidPart for the first part, in order, that is not there."""
    try:
        problems = {unquote(path): problem for path, problem in json.loads(answer)['Errors']}
    except (KeyError, TypeError, ValueError):
        return ServiceUnavailable()
    for attempt in chosen:
        if problems.get(_path(upload, attempt)) in _PART_IS_NOT_THERE:
            return InvalidPart(upload.id, attempt.number, attempt.etag)
    return ServiceUnavailable()


def _last_modified(attempt: Attempt) -> str:
    # SLO takes it from a HEAD's Last-Modified, which is the time of the PUT rounded up to whole seconds.
    return _slo_time(-(-attempt.began // 100000))


@functools.lru_cache(maxsize=100)   # many parts share a second
def _slo_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000000')


def _path(upload: Upload, attempt: Attempt) -> str:
    return '/%s/%s' % (upload.container, attempt.name)
