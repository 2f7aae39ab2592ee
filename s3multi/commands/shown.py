# SPDX-License-Identifier: Apache-2.0
"""Completed uploads whose objects the listing of their bucket shows: many of them in one request."""
from collections.abc import Iterator, Sequence

from swift.common.utils import parse_content_type

from s3multi.commands.walk import Found
from s3multi.storage.concurrency import FAILURES
from s3multi.storage.listing import Listing, Page
from s3multi.storage.rows import Row
from s3multi.upload.manifest import is_listed_as
from s3multi.upload.marker_names import before_name

# Fewer are not worth a page, which may have 10,000 rows of other objects: that takes as long as so many HEADs.
LEAST = 32


def shown(bucket: Listing, found: Sequence[Found]) -> Iterator[Found]:
    """Yield those of ``found`` at whose key the listing shows the object, with all that was found and nothing else.

    A listing may be late. So this may prove that parts are needed, never that they are not. Nothing is yielded where
    too few would be, and of several pages that are not worth it.

    bucket: the listing of their bucket. What it does not answer is not yielded.
    """
    left = sorted((each for each in found if each.state is None and not each.has_intent and each.attempts),
                  key=lambda each: each.upload.key)
    while len(left) >= LEAST:
        try:
            page = bucket.page(marker=before_name(left[0].upload.key), end_marker=left[-1].upload.key + '\x01')
        except FAILURES:
            # The caller asks for each, and tells of what fails then.
            return
        within = _within(page, left)
        told = list(_told(page.rows, within))
        yield from told
        if len(told) < LEAST:
            return
        left = left[len(within):]


def _within(page: Page, left: Sequence[Found]) -> Sequence[Found]:
    """Return those whose keys lie in a page. left: in order of their keys."""
    after = page.after
    return left if after is None else [each for each in left if each.upload.key <= after]


def _told(rows: 'Sequence[Row]', within: Sequence[Found]) -> Iterator[Found]:
    by_name = {row['name']: row.get('hash') for row in rows if 'name' in row}
    for each in within:
        told = by_name.get(each.upload.key)
        if isinstance(told, str) and is_listed_as(each.upload, each.attempts, parse_content_type(told)[0]):
            yield each
