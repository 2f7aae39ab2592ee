# SPDX-License-Identifier: Apache-2.0
"""The conditions that a Complete can set on the object at its key: ``If-None-Match: *``, ``If-Match: <etag>``. No I/O.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""
import enum
from collections.abc import Mapping
from dataclasses import dataclass

from s3multi.s3.errors import NoSuchKey, NotImplementedHeader, PreconditionFailed
from s3multi.s3.etags import unquote_etag


class Compare(enum.Enum):
    """Who compares the condition with the object at the key when the manifest is written.

    NOBODY: there is no condition. WE: s3multi does, by a request just before the write. SWIFT does, at the write.
    """

    NOBODY = 'nobody'
    WE = 'we'
    SWIFT = 'swift'


@dataclass(frozen=True)
class Condition:
    """What has to be at the key. etag: that of the object, bare and in lower case; None demands that there is none."""

    etag: 'str | None'

    def check(self, key: str, etag: 'str | None') -> None:
        """Compare the condition with the object at ``key``.

        etag: that of the object, bare and as S3 clients see it; None when there is no object. Raises NoSuchKey when
        the condition demands an object and there is none, else PreconditionFailed when it does not hold.
        """
        if self.etag is None:
            if etag is not None:
                raise PreconditionFailed('If-None-Match')
        elif etag is None:
            raise NoSuchKey(key)
        elif etag.lower() != self.etag:
            raise PreconditionFailed('If-Match')


def read_condition(headers: Mapping[str, str]) -> 'Condition | None':
    """Return the condition that the headers of a Complete (names in lower case) set; None without one.

    Raises NotImplementedHeader for what Amazon S3 does not implement either: both headers at once, ``If-Match: *``,
    and an ETag in ``If-None-Match``.
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
