# SPDX-License-Identifier: Apache-2.0
"""The Static Large Object manifest of a finished upload, as it is handed to Swift's SLO filter. No I/O.

SLO asks every segment for its ETag and size before it writes the manifest, and compares them with what stands here
(``swift/common/middleware/slo.py``, "Uploading the Manifest").
"""
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

import simplejson as json
from swift.common.utils import extract_swift_bytes

from s3multi.errors import InvalidPart, S3Error, ServiceUnavailable
from s3multi.layout import Upload
from s3multi.parts import Attempt
from s3multi.request_headers import DEFAULT_CONTENT_TYPE

# s3api's own names, so that stock s3api serves the object correctly too: ``s3api/controllers/multi_upload.py``.
ETAG_HEADER = 'X-Object-Sysmeta-S3Api-Etag'
UPLOAD_ID_HEADER = 'X-Object-Sysmeta-S3Api-Upload-Id'
LISTING_ETAG_HEADER = 'X-Object-Sysmeta-Container-Update-Override-Etag'

# What one segment takes in the body at most, JSON escapes of its name aside: the longest name and 160 bytes around it.
MAX_ENTRY_BYTES = 256 + 1024 + 160

_PART_IS_NOT_THERE = ('404 Not Found', 'Etag Mismatch', 'Size Mismatch')


def body(upload: Upload, chosen: Sequence[Attempt]) -> bytes:
    """Return the manifest: path, ETag and size of each segment, in order, as JSON."""
    return json.dumps([{'path': _path(upload, attempt), 'etag': attempt.etag, 'size_bytes': attempt.size}
                       for attempt in chosen], ensure_ascii=False).encode('utf-8')


def headers(upload: Upload, initiation: Mapping[str, str], etag: str) -> 'dict[str, str]':
    """Return the headers of the object: ``initiation``, what Initiate was told (WSGI strings), and the S3 ETag."""
    content_type, _ = extract_swift_bytes(initiation.get('content-type', DEFAULT_CONTENT_TYPE))
    return {**initiation,
            'content-type': content_type,
            ETAG_HEADER: etag,
            UPLOAD_ID_HEADER: upload.id,
            # SLO puts the MD5 of the manifest in front of it, as in a listing of any large object.
            LISTING_ETAG_HEADER: '; s3_etag=%s' % etag}


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


def _path(upload: Upload, attempt: Attempt) -> str:
    return '/%s/%s' % (upload.container, attempt.name)
