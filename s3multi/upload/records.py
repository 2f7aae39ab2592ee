# SPDX-License-Identifier: Apache-2.0
"""What Swift holds of an upload besides its parts, as values: marker, intent, and the object at the key. No I/O.

Marker and intent lie beside the parts (``names``) and are always read from the newest replica:

- the **marker**, written by Initiate as ``open``. Abort writes it again as ``aborting`` (no new Complete may pass)
  and then as ``aborted`` (final). Complete deletes it once the manifest is in place.
- the **intent** of a Complete under way: which list of parts it makes one object, and the timestamp T of its manifest.

A Complete writes its intent and then reads the marker; an Abort writes the marker and then reads the intent: at least
one of them sees the other. ``decisions`` says what follows from what was read.
"""
import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from swift.common.utils import Timestamp, parse_content_type

from s3multi.s3.checksums import TYPES, ChecksumChoice, ObjectChecksum

# Longer than any Complete may take from its timestamp T to its manifest. An intent that is older belongs to a proxy
# that died; only then may somebody else decide what became of it.
LEASE_SECONDS = 60.0
# A Complete that is about to write its manifest later than this after T gives up: the rest of the lease covers the
# request itself and the difference between the clocks of two proxies.
WRITE_BEFORE_SECONDS = LEASE_SECONDS / 3
# How far ahead of its proxy's clock T may be, after what is at the key already. The intent of a Complete that dies
# keeps others waiting that much longer.
MOST_AHEAD_SECONDS = LEASE_SECONDS

MARKER_TYPE = 'application/x-s3multi-marker'


class State(enum.Enum):
    """What a marker says. A marker that is gone: the upload was completed, or its abort was forgotten."""

    OPEN = 'open'
    ABORTING = 'aborting'
    ABORTED = 'aborted'


@dataclass(frozen=True)
class MarkerType:
    """The content type of a marker, so that a listing shows what it holds.

    state: None where the content type is not that of a marker. initiator: who began the upload, '' when it does not
    tell. checksum: what Initiate chose, None for nothing.
    """

    state: 'State | None' = None
    initiator: str = ''
    checksum: 'ChecksumChoice | None' = None

    def encode(self) -> str:
        """Return the content type: ASCII, in which no name of a user can say anything but itself."""
        text = '%s;state=%s' % (MARKER_TYPE, self.state.value if self.state else '')
        if self.initiator:
            text += ';initiator=' + quote(self.initiator, safe='', errors='surrogateescape')
        if self.checksum:
            text += ';checksum=%s;checksum-type=%s' % (self.checksum.algorithm, self.checksum.type)
        return text

    @classmethod
    def decode(cls, content_type: str) -> 'MarkerType':
        """Return what any content type says; a state of a later release is none."""
        kind, parameters = parse_content_type(content_type)
        found = dict(parameters)
        state = {each.value: each for each in State}.get(found.get('state', '')) if kind == MARKER_TYPE else None
        choice = ChecksumChoice(found.get('checksum', ''), found.get('checksum-type', ''))
        return cls(state, unquote(found.get('initiator', ''), errors='replace'),
                   choice if choice.type in TYPES.get(choice.algorithm, ()) else None)


@dataclass(frozen=True)
class UploadMarker:
    """A marker. ``headers`` is what the object shall have, as Initiate was told; empty once an Abort began.

    initiator: who began the upload, '' when the marker does not tell. checksum: what Initiate chose. marked: when the
    Abort wrote it, whose timestamp is that of the Initiate; None when the marker does not tell.
    """

    state: State
    timestamp: Timestamp
    headers: 'dict[str, str]' = field(default_factory=dict)
    initiator: str = ''
    checksum: 'ChecksumChoice | None' = None
    marked: 'Timestamp | None' = None


@dataclass(frozen=True)
class Intent:
    """The intent of a Complete: ``list_name`` names its list of parts, ``timestamp`` is that of its manifest."""

    list_name: str
    timestamp: Timestamp

    def is_fresh(self, now: Timestamp) -> bool:
        """Return whether the Complete that wrote it may still be at work."""
        return float(now) - float(self.timestamp) < LEASE_SECONDS

    def may_still_write(self, now: Timestamp) -> bool:
        """Return whether a Complete at ``now`` may still write the manifest of this intent."""
        return float(now) - float(self.timestamp) < WRITE_BEFORE_SECONDS


@dataclass(frozen=True)
class ObjectAtKey:
    """What is at a key, or is a version of it.

    upload_id: the upload that made it; None where it is no multipart object of ours. etag: bare, as S3 clients see it;
    None where there is no object. timestamp: when it was written, or deleted; 0 when nobody knows. version_id: None
    in a bucket without versions. is_large: whether it is a Static Large Object, whoever made it. is_link: whether it is
    a symbolic link.
    """

    upload_id: 'str | None' = None
    etag: 'str | None' = None
    timestamp: Timestamp = Timestamp(0)
    version_id: 'str | None' = None
    checksum: 'ObjectChecksum | None' = None
    is_large: bool = False
    is_link: bool = False


def list_name(etag: str, part_names: Iterable[str]) -> str:
    """Return the name of a list of parts: the same for the same list, another for any other.

    etag: the multipart ETag the list gives. part_names: the object names of the listed attempts, in order. Two lists
    may have one ETag and still differ in their attempts, and freeing what was not listed must know which.
    """
    digest = hashlib.sha256()
    for name in part_names:
        digest.update(name.encode('utf-8', 'surrogateescape') + b'\0')
    return '%s:%s' % (etag, digest.hexdigest())
