# SPDX-License-Identifier: Apache-2.0
"""What Swift holds of an upload besides its parts, as values: marker, intent, and the object at the key. No I/O.

Marker and intent lie beside the parts (``names``) and are always read from the newest replica:

- the **marker**: Initiate writes it as ``open``. Abort writes it again as ``aborting`` (no new Complete may pass), and
  then as ``aborted`` (final). Complete deletes it once the manifest is in place, or first writes it as ``completed``,
  which counts as no marker.
- the **intent** of a Complete under way: it names the list of parts and the timestamp T of the manifest.

A Complete writes its intent and then reads the marker. An Abort writes the marker and then reads the intent. So at
least one of the two sees the other. ``decisions`` tells what follows from what was read.
"""
import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from swift.common.utils import Timestamp, parse_content_type

from s3multi.s3.checksums import TYPES, ChecksumChoice, ObjectChecksum

# No Complete may take longer from its timestamp T to its manifest. So an older intent is that of a Complete that
# died or gave up, and others may decide what became of it. With a shorter lease an Abort would delete the parts of a
# Complete that is still at work.
LEASE_SECONDS = 60.0
# A Complete gives up if it is not ready to write its manifest within this time after T. The rest of the lease covers
# the request itself and the difference between the clocks of two proxies.
WRITE_BEFORE_SECONDS = LEASE_SECONDS / 3
# T must be later than what is at the key, but at most this far ahead of the proxy's clock: if the Complete dies, its
# intent keeps others waiting that much longer.
MOST_AHEAD_SECONDS = LEASE_SECONDS
# For so long a listing may lack what was written: longer than a day in which somebody repairs a container server whose
# rows are late. Shorter than the week (Swift's ``reclaim_age``) for which a tombstone tells when something was deleted.
GRACE_SECONDS = 2 * 86400.0
RECLAIM_SECONDS = 7 * 86400.0

MARKER_TYPE = 'application/x-s3multi-marker'


class State(enum.Enum):
    """The state that a marker tells. Without a marker the upload was completed, or aborted and since forgotten.

    COMPLETED says the same as no marker, also to a release that does not know it. A Complete can begin to write it
    early, and has it stored a round trip sooner than it could delete the marker.
    """

    OPEN = 'open'
    ABORTING = 'aborting'
    ABORTED = 'aborted'
    COMPLETED = 'completed'


@dataclass(frozen=True)
class MarkerType:
    """What the content type of a marker tells. A listing shows content types, so it needs no HEAD of each marker.

    state: None if the content type is not that of a marker, or names an unknown state. initiator: the user who began
    the upload; '' if unknown. checksum: the algorithm and type that Initiate chose; None if it chose none. marked_at:
    when an Abort wrote it, as Swift writes times; '' if unknown.
    """

    state: 'State | None' = None
    initiator: str = ''
    checksum: 'ChecksumChoice | None' = None
    marked_at: str = ''

    def encode(self) -> str:
        """Return the content type, in ASCII. The user's name is percent-encoded, so it cannot add a parameter."""
        text = '%s;state=%s' % (MARKER_TYPE, self.state.value if self.state else '')
        if self.initiator:
            text += ';initiator=' + quote(self.initiator, safe='', errors='surrogateescape')
        if self.checksum:
            text += ';checksum=%s;checksum-type=%s' % (self.checksum.algorithm, self.checksum.type)
        if self.marked_at:
            text += ';marked=' + self.marked_at
        return text

    @classmethod
    def decode(cls, content_type: object) -> 'MarkerType':
        """Read any content type; a state that this release does not know is None."""
        if not isinstance(content_type, str):
            return cls()
        kind, parameters = parse_content_type(content_type)
        found = dict(parameters)
        state = {each.value: each for each in State}.get(found.get('state', '')) if kind == MARKER_TYPE else None
        checksum = ChecksumChoice(found.get('checksum', ''), found.get('checksum-type', ''))
        return cls(state, unquote(found.get('initiator', ''), errors='replace'),
                   checksum if checksum.type in TYPES.get(checksum.algorithm, ()) else None,
                   found.get('marked', ''))


@dataclass(frozen=True)
class UploadMarker:
    """A marker as it was read.

    timestamp: that of the write, which is at or just after the Initiate, whoever wrote. headers: those of the object to
    be made, as Initiate got them, with lower-case names (WSGI strings); empty once an Abort has begun. initiator: the
    user who began the upload; '' if unknown. checksum: the algorithm and type that Initiate chose; None if it chose
    none. aborted_at: when an Abort wrote this marker, by the clock of its proxy; None if unknown.
    """

    state: State
    timestamp: Timestamp
    headers: 'dict[str, str]' = field(default_factory=dict)
    initiator: str = ''
    checksum: 'ChecksumChoice | None' = None
    aborted_at: 'Timestamp | None' = None


@dataclass(frozen=True)
class Intent:
    """The intent of a Complete. list_name: the name of its list of parts. timestamp: T, that of its manifest.

    written: when it was written for the last time: just after T, if another Complete has joined it.
    """

    list_name: str
    timestamp: Timestamp
    written: Timestamp = field(default=Timestamp(0), compare=False)

    def is_fresh(self, now: Timestamp) -> bool:
        """Return whether the Complete that wrote the intent may still be at work; now: the time of this proxy."""
        return float(now) - float(self.timestamp) < LEASE_SECONDS

    def may_still_write(self, now: Timestamp) -> bool:
        """Return whether a Complete may still begin to write the manifest; now: the time of this proxy."""
        return float(now) - float(self.timestamp) < WRITE_BEFORE_SECONDS


@dataclass(frozen=True)
class ObjectAtKey:
    """What is at a key, or is a version of it.

    upload_id: the upload that made it; None if it is not a multipart object made through S3. etag: unquoted, as S3
    clients see it; None if there is no object. timestamp: when the object was written, or deleted; 0 if unknown.
    version_id: None in a bucket without versions. checksum: that of the whole object; None if it has none. is_large:
    whether it is a Static Large Object, whoever made it. is_link: whether it is a symbolic link.
    """

    upload_id: 'str | None' = None
    etag: 'str | None' = None
    timestamp: Timestamp = Timestamp(0)
    version_id: 'str | None' = None
    checksum: 'ObjectChecksum | None' = None
    is_large: bool = False
    is_link: bool = False


def list_name(etag: str, part_names: Iterable[str]) -> str:
    """Return the name of a list of parts, ``<etag>:<SHA-256>``. Equal lists have equal names, others have others.

    etag: the multipart ETag of the list. part_names: the object names of the listed attempts, in order. The ETag alone
    would not do: lists of different attempts can share it, and which attempts are freed depends on the list.
    """
    digest = hashlib.sha256()
    for name in part_names:
        digest.update(name.encode('utf-8', 'surrogateescape') + b'\0')
    return '%s:%s' % (etag, digest.hexdigest())
