# SPDX-License-Identifier: Apache-2.0
"""The conditions of a Complete: ``If-None-Match: *`` and ``If-Match: <etag>``, on the object at the key. No I/O.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""
import enum
from collections.abc import Mapping
from dataclasses import dataclass

from s3multi.s3.errors import NoSuchKey, NotImplementedHeader, PreconditionFailed
from s3multi.s3.etags import unquote_etag


class Compare(enum.Enum):
    """Who compares the object at the key when a manifest is written over it. WE: just before. SWIFT: at the write."""

    NOBODY = 'nobody'
    WE = 'we'
    SWIFT = 'swift'


@dataclass(frozen=True)
class Condition:
    """What has to be at the key. etag: in lower case, of the object there; None: there has to be no object."""

    etag: 'str | None'

    def check(self, key: str, etag: 'str | None') -> None:
        """Compare with the object at ``key``; etag: bare and as S3 clients see it, None when there is none.

        Raises PreconditionFailed, or NoSuchKey when an object is asked for and there is none.
        """
        if self.etag is None:
            if etag is not None:
                raise PreconditionFailed('If-None-Match')
        elif etag is None:
            raise NoSuchKey(key)
        elif etag.lower() != self.etag:
            raise PreconditionFailed('If-Match')


def read_condition(headers: Mapping[str, str]) -> 'Condition | None':
    """Return the condition that the headers of a Complete set, if any. Names in lower case.

    Raises NotImplementedHeader for what Amazon S3 does not know either: both at once, ``If-Match: *``, and an ETag in
    ``If-None-Match``.
    """
    absent, present = headers.get('if-none-match'), headers.get('if-match')
    if absent is not None and present is not None:
        raise NotImplementedHeader('If-Match,If-None-Match')
    if absent is not None:
        if absent.strip() != '*':
            raise NotImplementedHeader('If-None-Match')
        return Condition(None)
    if present is None:
        return None
    if unquote_etag(present.strip()) == '*':
        raise NotImplementedHeader('If-Match')
    return Condition(unquote_etag(present.strip()))
