# SPDX-License-Identifier: Apache-2.0
"""What the form of an upload id tells: where the marker lies, and which checksum Initiate chose. No I/O.

Since release 0.2 an id has a point as its ninth character, and then a digit of which four bits tell the checksum. The
marker lies apart from the parts, where a listing has S3's order. Ids of release 0.1 have no point; their markers lie
among the parts.
"""
import re
import secrets

from s3multi.s3.checksums import COMPOSITE, FULL_OBJECT, ChecksumChoice

# In ASCII order, so that encoded numbers of one width sort as the numbers do; every character is safe in a URL.
ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'
_DIGITS = '[-0-9A-Z_a-z]'
_POINT = '.'
# The place of a choice is in ids that exist, so this may only grow at its end, up to 16.
_CHOICES = (None, ChecksumChoice('crc32', COMPOSITE), ChecksumChoice('crc32', FULL_OBJECT),
            ChecksumChoice('crc32c', COMPOSITE), ChecksumChoice('crc32c', FULL_OBJECT),
            ChecksumChoice('crc64nvme', FULL_OBJECT), ChecksumChoice('sha1', COMPOSITE),
            ChecksumChoice('sha256', COMPOSITE))
_TIME_DIGITS = 8
_FORM = re.compile('%s{%d}(?:%s{13}|[.]%s{12})' % (_DIGITS, _TIME_DIGITS, _DIGITS, _DIGITS))
_CHOICE_BITS = 4


def is_upload_id(text: str) -> bool:
    """Return whether ``text`` has the form of an upload id of any release, whatever bucket and key it may be for."""
    return _FORM.fullmatch(text) is not None


def is_apart(upload_id: str) -> bool:
    """Return whether the marker of an upload lies apart from its parts. upload_id: one that ``is_upload_id``."""
    return upload_id[_TIME_DIGITS] == _POINT


def point_of(choice: 'ChecksumChoice | None') -> str:
    """Return what follows the time in the id of an upload whose marker lies apart. choice: what Initiate chose."""
    # Chance has the other bits, so that they help to tell two ids of one moment apart.
    return _POINT + ALPHABET[secrets.randbits(6 - _CHOICE_BITS) << _CHOICE_BITS | _CHOICES.index(choice)]


def choice_of(upload_id: str) -> 'ChecksumChoice | None':
    """Return what Initiate chose; None for no checksum. upload_id: of an upload whose marker lies apart."""
    return _CHOICES[ALPHABET.index(upload_id[_TIME_DIGITS + 1]) % (1 << _CHOICE_BITS)]
