# SPDX-License-Identifier: Apache-2.0
"""Finds the large objects in a bucket, and the versions of them, by the listing."""
from collections.abc import Iterator
from dataclasses import dataclass

from swift.common.constraints import CONTAINER_LISTING_LIMIT
from swift.common.middleware.versioned_writes.object_versioning import DELETE_MARKER_CONTENT_TYPE
from swift.common.utils import Timestamp, last_modified_date_to_timestamp, parse_content_type

from s3multi.check.asking import Asking, Undecided
from s3multi.check.objects import Candidate
from s3multi.s3.etags import is_md5
from s3multi.storage.requests import Target
from s3multi.storage.rows import Row, read_rows

_NULL = 'null'


@dataclass(frozen=True)
class Walk:
    """Walks through buckets. ask_all: whether to ask for every object, whether or not its row says that it is large."""

    asking: Asking
    ask_all: bool = False

    def candidates(self, account: str, bucket: str, key: str = '',
                   version: str = '') -> Iterator['list[Candidate]']:
        """Yield the objects of each page of the listing that are large or may be.

        key, version: the object and version after which to begin. Raises Undecided for a bucket that does not exist.
        """
        # Once there are pages, a bucket that is gone was deleted.
        may_be_gone = bool(key)
        while True:
            query = {'format': 'json', 'versions': 'true', 'limit': str(CONTAINER_LISTING_LIMIT), **(
                {'marker': key, 'version_marker': version or _NULL} if key else {})}
            with self.asking.get(account, Target(bucket, query=query)) as response:
                if response.status_int == 404:
                    if not may_be_gone:
                        raise Undecided('there is no such bucket')
                    return
                rows = read_rows(response)
            yield [candidate for row in rows if (candidate := self._candidate(account, bucket, row)) is not None]
            if len(rows) < CONTAINER_LISTING_LIMIT:
                return
            key, version, may_be_gone = rows[-1]['name'], rows[-1].get('version_id', _NULL), True

    def _candidate(self, account: str, bucket: str, row: Row) -> 'Candidate | None':
        # What a link leads to is looked at where it is.
        if 'name' not in row or 'symlink_path' in row or row.get('content_type') == DELETE_MARKER_CONTENT_TYPE:
            return None
        is_large = says_large(row)
        if is_large is False and not self.ask_all:
            return None
        try:
            modified = Timestamp(last_modified_date_to_timestamp(row['last_modified']))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            modified = Timestamp(0)
        return Candidate(account, bucket, row['name'], str(row.get('version_id', _NULL)), modified, bool(is_large))


def says_large(row: Row) -> 'bool | None':
    """Return whether a row is that of a Static Large Object; None if it does not tell."""
    if 'slo_etag' in row:
        return True
    etag, parameters = parse_content_type(row['hash']) if isinstance(row.get('hash'), str) else ('', [])
    if any(name == 'slo_etag' for name, _ in parameters):
        return True
    return False if is_md5(etag) else None
