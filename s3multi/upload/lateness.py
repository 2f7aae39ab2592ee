# SPDX-License-Identifier: Apache-2.0
"""What listings prove that may lack what was written lately, about the manifests of an upload that is over. No I/O."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swift.common.utils import Timestamp

from s3multi.upload.records import LEASE_SECONDS, RECLAIM_SECONDS
from s3multi.upload.timestamps import ticks_before


@dataclass(frozen=True)
class Life:
    """When manifests were written that list parts of an upload, as far as that is known.

    ended: when its marker was deleted, which is just after the manifest of its Complete; 0 if Swift has forgotten it.
    written: timestamps that a manifest of its Completes has, or may have. shared: when somebody last made another
    manifest of its parts; None for never.
    """

    ended: Timestamp
    written: 'Sequence[Timestamp]' = ()
    shared: 'Timestamp | None' = None


@dataclass(frozen=True)
class Horizon:
    """What can be known now.

    shown_before: listings show everything that is older, in ticks. most_versions: how many versions of a key may be
    asked; None for all of them.
    """

    now: Timestamp
    shown_before: int
    most_versions: 'int | None' = None

    @classmethod
    def of(cls, now: Timestamp, grace: float, most_versions: 'int | None' = None) -> 'Horizon':
        """Return what is known if listings may be late by ``grace`` seconds."""
        return cls(now, ticks_before(now, grace), most_versions)


def may_just_have_moved(life: Life, at_key: Timestamp, versions: Iterable[str], known: Horizon) -> bool:
    """Return whether a manifest may be a version that no listing shows yet, and whose id is not known.

    A write that makes the first version of a key also makes a version of what was there without one. Such a write is
    excluded in the time in which listings may be late if nothing was written at the key since then; and so is a move of
    the manifest if a version was written between the manifest and then. at_key: when the key was last written.
    versions: the ids of all that was written there since the upload began.
    """
    if life.ended.raw and life.shared is None or at_key.raw < known.shown_before:
        return False
    since = life.ended.raw or ticks_before(known.now, RECLAIM_SECONDS)
    if life.shared is not None:
        since = max(since, life.shared.raw + int(LEASE_SECONDS * 100000))
    return not any(since < Timestamp(version).raw < known.shown_before for version in versions if version != 'null')
