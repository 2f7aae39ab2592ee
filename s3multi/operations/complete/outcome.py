# SPDX-License-Identifier: Apache-2.0
"""What the writes of a Complete come to."""
import enum
from dataclasses import dataclass

from swift.common.utils import Timestamp

from s3multi.storage.held_writes import HeldWrite
from s3multi.storage.objects import Entry
from s3multi.upload.records import Intent


class Landing(enum.Enum):
    """What the PUT of the manifest has brought to the key.

    WRITTEN: this manifest, or the same one by the Complete that was joined. FOUND: something was there that stays: the
    object itself, or something newer. BEATEN: another list's manifest was there, with the same time T.
    """

    WRITTEN = 'written'
    FOUND = 'found'
    BEATEN = 'beaten'


@dataclass(frozen=True)
class Landed:
    """A manifest that was written: under which records, and what it has brought to the key.

    closing: the PUT of the marker as ``completed``, to be released; None if it was not begun.
    """

    entry: Entry
    landing: Landing
    version_id: 'str | None'
    closing: 'HeldWrite[bool] | None' = None


@dataclass(frozen=True)
class Committed:
    """The object that a Complete has made. version_id: None in a bucket without versions.

    intent: the one that is left to be deleted; None if there is none. may_free: whether the parts that were not listed
    may be deleted, because no rival has a manifest that lists them. marked_at: when the marker was written that is left
    to be deleted; None if there is none.
    """

    version_id: 'str | None'
    intent: 'Intent | None' = None
    may_free: bool = False
    marked_at: 'Timestamp | None' = None
