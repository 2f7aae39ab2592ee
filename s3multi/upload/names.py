# SPDX-License-Identifier: Apache-2.0
"""Where an upload lives in Swift: upload ids, and the names of containers, marker, intent and parts.

For the upload ``id`` of ``key`` in ``bucket``, in ``<bucket>_segments``::

    <key>/<id>/00000001-<attempt>      one attempt to upload part 1; no attempt is ever written twice
    <key>/<id>/complete                the intent of a Complete that is under way
    <key>/<id>/freed                   a note that parts of it are being deleted
    <key>/<id>/shared                  a note that another manifest was made of its parts
    <key>/<id>/shared-<place>          where that is

The marker, with what Initiate was told and the state of the upload, lies apart from them (``marker_names``). That of an
upload which release 0.1 began is ``<key>/<id>``, among the parts; its id tells that (``layouts``).

Only this module makes and reads these names; ``stock_names`` has those of uploads that stock s3api began. Times are in
units of 10 microseconds since the epoch ("ticks").
"""
import enum
import functools
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from s3multi.s3.checksums import ChecksumChoice
from s3multi.upload.layouts import ALPHABET, is_apart, is_upload_id, point_of
from s3multi.upload.marker_names import marker_name, markers_container

SEGMENTS_SUFFIX = '_segments'

_VALUES = {char: value for value, char in enumerate(ALPHABET)}
_TIME_DIGITS = 8        # 48 bits of 10 microseconds: enough until the year 2059
# With layout and choice. Makes an id longer than "<8 digits>-<attempt>", so that neither is taken for the other.
_ID_NONCE_DIGITS = 5
_ID_MAC_DIGITS = 8
_ATTEMPT_NONCE_DIGITS = 3

ID_LENGTH = _TIME_DIGITS + _ID_NONCE_DIGITS + _ID_MAC_DIGITS
ATTEMPT_LENGTH = _TIME_DIGITS + _ATTEMPT_NONCE_DIGITS
# "/<id>/<8 digits>-<attempt>": what the longest name of an upload adds to its key.
NAME_OVERHEAD = 1 + ID_LENGTH + 1 + 8 + 1 + ATTEMPT_LENGTH

# 2026-01-01T00:00:00Z: no upload is older than s3multi.
_FIRST_TICKS = 1767225600 * 100000

# As long as an attempt in the name of a part, so that the longest name is no longer.
_PLACE_DIGITS = 13
_NOTE = re.compile(r'freed|shared(-[-0-9A-Z_a-z]{%d})?' % _PLACE_DIGITS)
_PART = re.compile(r'([0-9]{8})-([-0-9A-Z_a-z]{%d})' % ATTEMPT_LENGTH)


def _encode(value: int, digits: int) -> str:
    text = ''
    for _ in range(digits):
        text = ALPHABET[value & 63] + text
        value >>= 6
    return text


def _decode(text: str) -> int:
    value = 0
    for char in text:
        value = value << 6 | _VALUES[char]
    return value


def new_attempt(ticks: int) -> str:
    """Return a name for an attempt to upload a part that begins at ``ticks`` (units of 10 microseconds)."""
    return _encode(ticks, _TIME_DIGITS) + _encode(secrets.randbits(6 * _ATTEMPT_NONCE_DIGITS), _ATTEMPT_NONCE_DIGITS)


def attempt_ticks(attempt: str) -> int:
    """Return when ``attempt`` began, in units of 10 microseconds since the epoch."""
    return _decode(attempt[:_TIME_DIGITS])


class UploadIds:
    """Makes and checks upload ids: they sort by time, are safe in URLs, and prove without a request that they are ours.

    An id has 21 characters, ``A-Z a-z 0-9 - _`` and a point (``layouts``): time, nonce and keyed hash. The hash covers
    the rest of the id, account, bucket and key, so an id that was invented or belongs elsewhere is recognised at once.
    Ids of one key sort by the time of their Initiate, as the markers of List Multipart Uploads need.
    """

    def __init__(self, secret: bytes) -> None:
        """secret: known to all proxies of the cluster, and not to clients."""
        self._secret = hmac.digest(secret, b's3multi upload id', 'sha256')

    def new(self, account: str, bucket: str, key: str, ticks: int, choice: 'ChecksumChoice | None' = None) -> str:
        """Return a new id for an upload that begins at ``ticks``. choice: the checksum that Initiate chose."""
        return self._new(account, bucket, key, _encode(ticks, _TIME_DIGITS) + point_of(choice))

    def new_among_parts(self, account: str, bucket: str, key: str, ticks: int) -> str:
        """Return a new id of release 0.1."""
        return self._new(account, bucket, key, _encode(ticks, _TIME_DIGITS))

    def _new(self, account: str, bucket: str, key: str, head: str) -> str:
        digits = _TIME_DIGITS + _ID_NONCE_DIGITS - len(head)
        head += _encode(secrets.randbits(6 * digits), digits)
        return head + self._mac(account, bucket, key, head)

    def belongs(self, account: str, bucket: str, key: str, upload_id: str) -> bool:
        """Return whether ``upload_id`` was made by ``new`` for this very account, bucket and key."""
        if not is_upload_id(upload_id):
            return False
        head = upload_id[:-_ID_MAC_DIGITS]
        return hmac.compare_digest(self._mac(account, bucket, key, head), upload_id[-_ID_MAC_DIGITS:])

    def is_part(self, account: str, bucket: str, key: str, container: str, name: str) -> bool:
        """Return whether the object ``name`` in ``container`` is a part of an upload of this very key."""
        upload = Upload(account, bucket, key, name[len(key) + 1:][:ID_LENGTH])
        return (container == upload.container and upload.parse_part(name) is not None
                and self.belongs(account, bucket, key, upload.id))

    def upload_of(self, account: str, container: str, name: str) -> 'Upload | None':
        """Return the upload that the object ``name`` in ``container`` is a part of, of whichever bucket; else None."""
        parsed = parse_name(name) if is_segments_container(container) else None
        if parsed is None or parsed[0] is not Kind.PART:
            return None
        bucket = container[:-len(SEGMENTS_SUFFIX)]
        return Upload(account, bucket, *parsed[1:]) if self.belongs(account, bucket, *parsed[1:]) else None

    def hides(self, account: str, bucket: str, key: str) -> bool:
        """Return whether the names of ``key``'s uploads lie among those of the parts of another upload."""
        place = key.find(PARTS_DELIMITER)
        while place >= 0:
            above = split_marker(key[:place])
            if above and self.belongs(account, bucket, *above):
                return True
            place = key.find(PARTS_DELIMITER, place + 1)
        return False

    def _mac(self, account: str, bucket: str, key: str, head: str) -> str:
        message = '\0'.join((account, bucket, key, head)).encode('utf-8', 'surrogateescape')
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()
        return _encode(int.from_bytes(digest, 'big'), _ID_MAC_DIGITS)


@dataclass(frozen=True)
class Upload:
    """One multipart upload. account, bucket, key: native text. id: one that ``UploadIds`` made for these."""

    account: str
    bucket: str
    key: str
    id: str

    @property
    def ticks(self) -> int:
        """When it was initiated, in units of 10 microseconds since the epoch."""
        return _decode(self.id[:_TIME_DIGITS])

    @property
    def is_apart(self) -> bool:
        """Whether its marker lies apart from its parts: see ``layouts``."""
        return is_apart(self.id)

    @property
    def container(self) -> str:
        """The name of the container that holds its intent and parts."""
        return segments_container(self.bucket)

    @property
    def marker_container(self) -> str:
        """The name of the container that holds its marker."""
        return markers_container(self.bucket) if self.is_apart else self.container

    @property
    def marker(self) -> str:
        """The object name of its marker."""
        return marker_name(self.key, self.id) if self.is_apart else self.path

    @functools.cached_property
    def path(self) -> str:
        """Key and id, as they stand in the names of its intent and parts."""
        return '%s/%s' % (self.key, self.id)

    @property
    def intent(self) -> str:
        """The object name of the intent of its Complete."""
        return self.path + '/complete'

    @property
    def freed(self) -> str:
        """The object name of the note that its parts are being deleted."""
        return self.path + '/freed'

    @property
    def shared(self) -> str:
        """The object name of the note that somebody has made another manifest of its parts."""
        return self.path + '/shared'

    def shared_with(self, container: str, name: str) -> str:
        """Return the name of the note that the object ``name`` in ``container`` lists its parts."""
        digest = hashlib.sha256('\0'.join((container, name)).encode('utf-8', 'surrogateescape')).digest()
        return '%s-%s' % (self.shared, _encode(int.from_bytes(digest, 'big'), _PLACE_DIGITS))

    @functools.cached_property
    def prefix(self) -> str:
        """What the names of all parts begin with."""
        return self.path + '/'

    @property
    def parts_end(self) -> str:
        """A name just after those of all parts: ':' follows '9'."""
        return self.path + '/:'

    def part(self, number: int, attempt: str) -> str:
        """Return the object name of an attempt at part ``number``. attempt: as ``new_attempt`` returns it."""
        return self.before_part(number) + attempt

    def before_part(self, number: int) -> str:
        """Return what the names of all attempts at part ``number`` begin with, and so a name just before them."""
        return '%s%08d-' % (self.prefix, number)

    def number_at(self, name: str) -> int:
        """Return the highest part number of which attempts may sort before ``name``, or be it. name: in ``prefix``."""
        rest = name[len(self.prefix):]
        digits = rest[:8].removesuffix(rest[:8].lstrip('0123456789'))
        # Whatever comes in the place of the next digit, or of the hyphen, sorts before or after all numbers.
        after = rest[len(digits):] >= ('-' if len(digits) == 8 else ':')
        return int(digits.ljust(8, '9')) if after else int(digits.ljust(8, '0')) - 1

    def parse_part(self, name: str) -> 'tuple[int, str] | None':
        """Return the part number and the attempt in the object name ``name``; None when it is no part of this upload.

        A key may itself look like an upload, so only the exact form counts.
        """
        if not name.startswith(self.prefix):
            return None
        match = _PART.fullmatch(name, len(self.prefix))
        return (int(match[1]), match[2]) if match else None


def segments_container(bucket: str) -> str:
    """Return the name of the container that holds the uploads of ``bucket``."""
    return bucket + SEGMENTS_SUFFIX


def is_segments_container(name: str) -> bool:
    """Return whether ``name`` is that of a container which holds uploads, and so is no bucket to S3 clients."""
    return name.endswith(SEGMENTS_SUFFIX)


# Part numbers use at most five of their eight digits. So this is in every name of a part, and in few other names.
PARTS_DELIMITER = '/000'


def parts_directory(common_prefix: str) -> 'tuple[str, str] | None':
    """Return key and upload id when ``common_prefix`` has the form of an upload's parts; else None.

    common_prefix: of a listing with the delimiter PARTS_DELIMITER.
    """
    return split_marker(common_prefix[:-len(PARTS_DELIMITER)])


def split_marker(name: str) -> 'tuple[str, str] | None':
    """Return key and upload id when ``name``, read from the right, has the form ``<key>/<id>``; else None."""
    key, slash, upload_id = name.rpartition('/')
    return (key, upload_id) if key and slash and is_upload_id(upload_id) else None


class Kind(enum.Enum):
    """What an object in a segments container is to its upload."""

    MARKER = 'marker'
    INTENT = 'intent'
    PART = 'part'
    NOTE = 'note'


def parse_name(name: str) -> 'tuple[Kind, str, str] | None':
    """Return kind, key and upload id when ``name``, read from the right, has the form of a record or part; else None.

    Only ``UploadIds`` can tell whether the id was made for the key.
    """
    kind = Kind.MARKER
    above, _, last = name.rpartition('/')
    if last == 'complete':
        kind, name = Kind.INTENT, above
    elif _PART.fullmatch(last):
        kind, name = Kind.PART, above
    elif _NOTE.fullmatch(last):
        kind, name = Kind.NOTE, above
    split = split_marker(name)
    # A marker that lies among parts and has the id of one that lies apart is none of ours.
    return (kind, *split) if split and not (kind is Kind.MARKER and is_apart(split[1])) else None


def marker_range(key: str, ticks: int) -> 'tuple[str, str]':
    """Return two names between which all those markers of ``key`` lie that were made before ``ticks``.

    ticks: units of 10 microseconds since the epoch.
    """
    return '%s/%s' % (key, _encode(_FIRST_TICKS, _TIME_DIGITS)), '%s/%s' % (key, _encode(ticks, _TIME_DIGITS))
