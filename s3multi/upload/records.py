# SPDX-License-Identifier: Apache-2.0
"""The state of an upload: what its two records say, and what an operation may do then. No I/O.

The records live beside the parts (``layout``) and are always read from the newest replica:

- the **marker**, written by Initiate as ``open``. Abort writes it again as ``aborting`` (no new Complete may pass)
  and then as ``aborted`` (final). Complete deletes it once the manifest is in place.
- the **intent** of a Complete under way: which parts it chose and the timestamp T of its manifest.

A Complete writes its intent and then reads the marker; an Abort writes the marker and then reads the intent: at least
one of them sees the other. ``doc/design`` gives the order of all writes and the reason for each.
"""
import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from swift.common.utils import Timestamp

from s3multi.s3.checksums import Choice, ObjectChecksum

# Longer than any Complete may take from its timestamp T to its manifest. An intent that is older belongs to a proxy
# that died; only then may somebody else decide what became of it.
LEASE_SECONDS = 60.0
# A Complete that is about to write its manifest later than this after T gives up: the rest of the lease covers the
# request itself and the difference between the clocks of two proxies.
WRITE_BEFORE_SECONDS = LEASE_SECONDS / 3
# How far ahead of its proxy's clock T may be, after what is at the key already. The intent of a Complete that dies
# keeps others waiting that much longer.
MOST_AHEAD_SECONDS = LEASE_SECONDS
# Of the 16 that the offset of a timestamp may have; what comes just after must fit in as well.
_OFFSET_DIGITS = 12
# How far ahead of what was seen T may be in a bucket with versions: a second, in units of 10 microseconds.
_SPREAD_TICKS = 100000


class State(enum.Enum):
    """What a marker says. A marker that is gone: the upload was completed, or its abort was forgotten."""

    OPEN = 'open'
    ABORTING = 'aborting'
    ABORTED = 'aborted'


@dataclass(frozen=True)
class Marker:
    """A marker. ``headers`` is what the object shall have, as Initiate was told; empty once an Abort began.

    initiator: who began the upload, '' when the marker does not tell. checksum: what Initiate chose. marked: when the
    Abort wrote it, whose timestamp is that of the Initiate; None when the marker does not tell.
    """

    state: State
    timestamp: Timestamp
    headers: 'dict[str, str]' = field(default_factory=dict)
    initiator: str = ''
    checksum: 'Choice | None' = None
    marked: 'Timestamp | None' = None


@dataclass(frozen=True)
class Intent:
    """The intent of a Complete: ``chosen`` names its list of parts, ``timestamp`` is that of its manifest."""

    chosen: str
    timestamp: Timestamp

    def is_fresh(self, now: Timestamp) -> bool:
        """Say whether the Complete that wrote it may still be at work."""
        return float(now) - float(self.timestamp) < LEASE_SECONDS

    def may_still_write(self, now: Timestamp) -> bool:
        """Say whether a Complete at ``now`` may still write the manifest of this intent."""
        return float(now) - float(self.timestamp) < WRITE_BEFORE_SECONDS


@dataclass(frozen=True)
class Finished:
    """What the object at the key says of the Complete that made it: None where it is no object of ours."""

    upload_id: 'str | None' = None
    etag: 'str | None' = None
    version_id: 'str | None' = None
    checksum: 'ObjectChecksum | None' = None


@dataclass(frozen=True)
class Current:
    """What an S3 client sees at a key: the upload that made it, None where it is no object of ours, and the ETag, None
    where there is no object. timestamp: when that was written, or deleted; 0 when nobody knows."""

    upload_id: 'str | None'
    etag: 'str | None'
    timestamp: Timestamp


@dataclass(frozen=True)
class Standing:
    """What stands at a key: the upload that made it, None where it is no object of ours; when that was last written,
    or deleted: 0 when nobody knows; and whether SLO can delete it: a large object, of whomever, or a link."""

    upload_id: 'str | None'
    timestamp: Timestamp
    for_slo: bool


def name_choice(etag: str, part_names: Iterable[str]) -> str:
    """Return the name of a list of parts: the same for the same list, another for any other.

    etag: the multipart ETag the list gives. part_names: the object names of the chosen attempts, in order. Two lists
    may have one ETag and still differ in the attempts they chose, and freeing what was not chosen must know which.
    """
    digest = hashlib.sha256()
    for name in part_names:
        digest.update(name.encode('utf-8', 'surrogateescape') + b'\0')
    return '%s:%s' % (etag, digest.hexdigest())


def manifest_timestamp(chosen: str, now: Timestamp, *seen: Timestamp) -> Timestamp:
    """Return the timestamp T for a new Complete: now, but later than every timestamp it has seen.

    chosen: the name of its list of parts (``name_choice``), whose digest is the offset of T. Two lists thus never have
    the same T, not even where two Completes begin in the same moment: each would take the other's intent for its own.
    One list may have the same T twice: that is the same write. The offset is for the records alone (``plain_time``).
    So where clocks are behind what was seen, the digest moves T by up to a second as well.
    """
    digest = int(chosen[-_OFFSET_DIGITS:], 16)
    newest = max(seen, default=Timestamp(0))
    # Timestamps count 10 microseconds; one such step makes it later than any offset of what was seen.
    moment = now if float(now) > float(newest) else Timestamp(float(newest), delta=1 + digest % _SPREAD_TICKS)
    return Timestamp(moment.normal, offset=1 + digest)


def plain_time(timestamp: Timestamp) -> str:
    """Return T as the manifest has it, and the id of its version: without the offset.

    container-sync does not copy an object whose timestamp has one, and before Swift 2.37 a version cannot.
    """
    return str(timestamp.normal)
