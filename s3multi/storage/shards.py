# SPDX-License-Identifier: Apache-2.0
"""The rows that Swift does not list of a container which it splits into shards, or whose shards it joins again.

While a range of names has not been cleaved, new rows go to its shard and the old container is listed; while a shard is
shrinking, new rows go to the one that takes it over. The shards that take the updates are then asked as well: see
``_get_from_shards`` in ``swift/proxy/controllers/container.py`` and ``swift/container/sharder.py``.
"""
from collections.abc import Iterable, Sequence
from swift.common.swob import Response
from swift.common.utils import ShardRange, config_true_value

from s3multi.storage.rows import Row

_LISTING = (ShardRange.CLEAVED, ShardRange.ACTIVE, ShardRange.SHARDING, ShardRange.SHRINKING)
_UPDATING = (ShardRange.CREATED, ShardRange.CLEAVED, ShardRange.ACTIVE, ShardRange.SHARDING)
# Ask a container with this in the query, and RANGE_HEADERS, for the shard ranges that may have rows.
RANGE_STATES = 'listing,updating'
RANGE_HEADERS = {'X-Backend-Record-Type': 'shard', 'X-Backend-Record-Shard-Format': 'full'}

# The states of shards that may have rows, or will soon. Asked for these by name, Swift does not fill gaps with the
# container itself.
ANY_STATE = 'found,created,cleaved,active,sharding,shrinking'

# Ask a container with these for the rows of its own.
ROW_HEADERS = {'X-Backend-Record-Type': 'object'}


def state_of(container: Response) -> str:
    """Return what a ``container`` says of its shards."""
    return str(container.headers.get('X-Backend-Sharding-State', 'unsharded')).lower()


def is_split(listing: Response) -> bool:
    """Return whether a container may have rows that its ``listing`` does not show: it has shards, or may get some.

    A replica that has not begun to shard yet says so by the metadata alone.
    """
    sharding = listing.headers.get('X-Container-Sysmeta-Sharding')
    return state_of(listing) != 'unsharded' or bool(config_true_value(sharding))


def may_be_split(container: Response) -> bool:
    """Return whether a ``container`` may be split into shards, but a replica has not begun to do so."""
    return is_split(container) and state_of(container) == 'unsharded'


def unlisted(ranges: Iterable[Row], container: str, state: str) -> 'list[str]':
    """Return the containers, as ``account/container``, that may have rows which Swift does not list.

    These are shards that take updates of names for which another one is listed; shards that share names, of which a
    proxy that caches the listed ones drops some, with all their names; and the container itself where it takes updates,
    or has taken rows over, from shards that shrink into it.

    ranges: as Swift's JSON has them. container: itself, as ``account/container``, which fills gaps. state: its
    X-Backend-Sharding-State.
    """
    shards = [ShardRange.from_dict(row) for row in ranges]
    own = [shard for shard in shards if shard.name != container]
    known = [shard for shard in own if shard.state in _LISTING or shard.state in _UPDATING]
    names = [shard.name for shard in known if shard.state not in _LISTING or any(
        other is not shard and other.state in _LISTING and shard.overlaps(other) for other in known)]
    if state == 'sharded' and (len(own) < len(shards) or any(
            shard.state == ShardRange.SHRINKING
            and not any(other.state in _UPDATING and shard.overlaps(other) for other in known) for shard in known)):
        names.append(container)
    return names


def begin(ranges: Iterable[Row], container: str) -> 'str | None':
    """Return the name after which the first of these shards begins; None if there is none. Arguments: ``unlisted``."""
    return min((str(row['lower']) for row in ranges if row['name'] != container), default=None)


def union(pages: 'Sequence[Sequence[Row]]', limit: int, reverse: bool = False) -> 'tuple[list[Row], bool]':
    """Return the rows of several listings that begin at one name, in order, and whether there are more after them.

    limit: of each; one that has as many rows goes on after its last, and what follows that is left for the next page.
    Of rows with one name the newest counts. reverse: whether the listings are in descending order.
    """
    full = [_name(page[-1]) for page in pages if len(page) >= limit]
    end = (max if reverse else min)(full) if full else None
    rows: dict[str, Row] = {}
    for page in pages:
        for row in page:
            name = _name(row)
            if (end is None or (name >= end if reverse else name <= end)) and (
                    name not in rows or str(row.get('last_modified')) > str(rows[name].get('last_modified'))):
                rows[name] = row
    return [rows[name] for name in sorted(rows, reverse=reverse)], bool(full)


def _name(row: Row) -> str:
    return str(row['name'] if 'name' in row else row['subdir'])
