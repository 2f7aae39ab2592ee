# SPDX-License-Identifier: Apache-2.0
"""Listings, as Swift's JSON has them."""
from typing import Any

import simplejson as json
from swift.common.swob import Response

from s3multi.s3.errors import ServiceUnavailable

Row = dict[str, Any]


def is_plain_row(row: Row) -> bool:
    """Return whether a row is neither of a link nor of a Static Large Object, which only users put where we look."""
    # Where versions are kept each row is that of a link of Swift's own.
    return 'slo_etag' not in row and ('symlink_path' not in row or bool(row.get('version_symlink')))


def read_rows(response: Response) -> 'list[Row]':
    """Return the rows of a listing, as Swift's JSON has them: each with a ``name`` or a ``subdir``. None without one.

    What else is in a row is not checked: hash and content type may come from users. Raises ServiceUnavailable for what
    is no listing, so that nothing is decided without the rows that it should have had.
    """
    if not response.is_success:
        return []
    try:
        rows = json.loads(response.body)
    except ValueError:
        rows = None
    if not isinstance(rows, list) or not all(
            isinstance(row, dict) and isinstance(row.get('name') or row.get('subdir'), str) for row in rows):
        raise ServiceUnavailable()
    return rows
