# SPDX-License-Identifier: Apache-2.0
"""The container of a bucket's markers: its listing, and the note that no marker lies among the parts."""
from dataclasses import dataclass

from swift.common.storage_policy import POLICIES
from swift.common.utils import Timestamp

from s3multi.s3.pages import OpenUpload
from s3multi.storage.listing import Listing, Page
from s3multi.storage.requests import Backend, Target
from s3multi.storage.rows import Row
from s3multi.upload.marker_names import markers_container, split_marker_name
from s3multi.upload.records import MarkerType, State
from s3multi.upload.timestamps import read_timestamp

# Since when no marker of release 0.1 was found among the parts; 0 if there can never have been one.
_ALL_APART_HEADER = 'X-Container-Sysmeta-S3multi-All-Apart-Since'


@dataclass(frozen=True)
class MarkersPage:
    """A page of markers. page: see ``Listing``. all_apart_since: when it was found that no marker lies among the parts;
    None if one may."""

    page: Page
    all_apart_since: 'Timestamp | None'


class Markers:
    """The container of the markers of one bucket."""

    def __init__(self, backend: Backend, bucket: str) -> None:
        self._backend = backend
        self._target = Target(markers_container(bucket))
        self.listing = Listing(backend, self._target.container)

    def create(self, policy_index: int, all_apart: bool) -> bool:
        """Create the container with a storage policy, unless it exists.

        all_apart: whether no marker lies among the parts. Returns False if a proxy whose clock is ahead has just
        deleted it: this PUT is older, and has no effect.
        """
        note = {_ALL_APART_HEADER: Timestamp(0).internal} if all_apart else {}
        response = self._backend.call('PUT', self._target, (409,), {
            'X-Storage-Policy': POLICIES[policy_index].name, **note})
        return response.status_int != 409 or self.listing.page(limit=1).exists

    def delete(self) -> bool:
        """Delete the container if it is empty; return whether it is gone."""
        return bool(self._backend.call('DELETE', self._target, (404, 409)).status_int != 409)

    def page(self, prefix: str, marker: str, limit: 'int | None') -> MarkersPage:
        """Return a page of the listing; see ``Listing.page``."""
        page = self.listing.page(prefix, marker, limit=limit)
        since = page.headers.get(_ALL_APART_HEADER)
        return MarkersPage(page, read_timestamp(since) if since else None)

    def note_all_apart(self, all_apart: bool, now: Timestamp) -> None:
        """Note whether all markers lie apart from the parts, and if so since when that is known."""
        noted = self.page('', '', 1).all_apart_since
        if all_apart is (noted is None):
            self._backend.call('POST', self._target, (404,), {_ALL_APART_HEADER: now.internal if all_apart else ''})


def open_upload_of(row: Row) -> 'OpenUpload | None':
    """Return the open upload whose marker a row shows; None if it shows none, or one that is not open."""
    marker_type = MarkerType.decode(row.get('content_type'))
    split = split_marker_name(row['name']) if marker_type.state is State.OPEN else None
    return OpenUpload.of(*split, row.get('last_modified', ''), marker_type.initiator,
                         marker_type.checksum) if split else None
