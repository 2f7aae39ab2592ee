# SPDX-License-Identifier: Apache-2.0
"""The ETags of S3: reads them as clients send them, and computes that of a multipart object. No I/O."""
import hashlib
import re
from collections.abc import Iterable

_MD5 = re.compile(r'[0-9a-f]{32}')
_MULTIPART = re.compile(r'.*-([0-9]{1,5})', re.DOTALL)


def unquote_etag(text: str) -> str:
    """Return an ETag bare and in lower case.

    text: as clients send it, quoted or not, in any letter case, perhaps with blanks around it.
    """
    bare = text.strip()
    if len(bare) >= 2 and bare[0] == bare[-1] == '"':
        bare = bare[1:-1]
    return bare.lower()


def is_md5(etag: str) -> bool:
    """Return whether ``etag`` is 32 lower-case hex digits, the only form that the ETag of a part has."""
    return _MD5.fullmatch(etag) is not None


def multipart_etag(part_etags: Iterable[str]) -> str:
    """Return the ETag of a completed upload: 32 hex digits, a hyphen, and the number of parts.

    part_etags: the MD5 of each part in hex, without quotes, in part order; at least one.
    """
    # S3 hashes the 16-byte digests, SLO their text in hex, so the two ETags differ. S3 clients see this one; the Swift
    # API shows SLO's.
    digest = hashlib.md5(usedforsecurity=False)
    count = 0
    for etag in part_etags:
        digest.update(bytes.fromhex(etag))
        count += 1
    return '%s-%d' % (digest.hexdigest(), count)


def md5(body: bytes) -> bytes:
    """Return the MD5 of ``body``: 16 bytes."""
    return hashlib.md5(body, usedforsecurity=False).digest()


def part_count(etag: str) -> int:
    """Return the number of parts in the ETag of a multipart object (bare); 0 for an ETag of another kind."""
    match = _MULTIPART.fullmatch(etag)
    return int(match[1]) if match else 0
