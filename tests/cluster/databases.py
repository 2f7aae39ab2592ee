# SPDX-License-Identifier: Apache-2.0
"""Looks at the container databases of a cluster: whether replicas agree, and whether sharding has come to an end."""

from __future__ import annotations

import contextlib
import glob
import os
import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from swift.common.utils import ShardRange

from .node_daemons import SHARDING

# What a container says of itself, and of the shards that it has, while rows are still on their way.
_MOVING = (ShardRange.SHARDING, ShardRange.SHRINKING)
_MOVED = (ShardRange.SHARDED, ShardRange.SHRUNK)
_UNREADY = (ShardRange.FOUND, ShardRange.CREATED, ShardRange.CLEAVED)


class Replica(NamedTuple):
    """A replica of a container database.

    rows: name and time of each object in its newest file. counts: how many each file has; there are two while it is
    sharded. own, others: the states of its own shard range, and of others.
    """

    rows: list
    counts: list
    own: list
    others: list


def unsettled(cluster):
    """Return something that replicators and sharders still have to do, in words; None if there is nothing."""
    for digest, copies in _databases(cluster).items():
        found = [_read(paths) for paths in copies]
        if None in found:
            return f'a replica of the container database {digest} has pending rows'
        if any(replica.rows != found[0].rows for replica in found):
            return f'the replicas of the container database {digest} differ: {[len(each.rows) for each in found]}'
        for replica in found if not _is_stuck(found) else ():
            left = _sharding(replica)
            if left:
                return f'the container database {digest} {left}'
    return None


def places(cluster, pattern):
    """Yield what the pattern finds on the disks, as pairs of disk and path."""
    for node in cluster.nodes:
        for disk in node.disks:
            for path in find(node.devices(cluster.directory) / disk, pattern):
                yield disk, path


def find(directory, pattern):
    """Return what the pattern finds below the directory of a disk, while daemons may delete directories."""
    # Unlike Path.glob, this passes over what disappears meanwhile.
    return [Path(name) for name in sorted(glob.glob(os.path.join(glob.escape(str(directory)), pattern)))]


def _databases(cluster):
    """Return all container databases, by hash: for each replica, its files. A container that is sharded has two."""
    found = defaultdict(lambda: defaultdict(list))
    for _disk, path in places(cluster, 'containers/*/*/*/*.db'):
        found[path.parent.name][path.parent].append(path)
    return {digest: list(copies.values()) for digest, copies in found.items()}


def _read(paths):
    """Return a Replica; None if it has pending rows, or is about to be changed."""
    found, ranges, own = [], set(), None
    # The one that sharding takes the rows from comes first: its name has no time, or an earlier one.
    for path in sorted(paths, key=lambda path: path.stem):
        try:
            if path.with_name(path.name + '.pending').stat().st_size:
                return None
        except FileNotFoundError:
            pass
        try:
            with contextlib.closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=1)) as connection:
                found.append(sorted(connection.execute('SELECT name, created_at FROM object WHERE deleted = 0')))
                own, = connection.execute("SELECT account || '/' || container FROM container_info").fetchone()
                ranges.update(_ranges(connection))
        except sqlite3.Error:
            return None
    return Replica(found[-1], [len(rows) for rows in found],
                   [state for name, state, _deleted in ranges if name == own],
                   [state for name, state, deleted in ranges if name != own and not deleted])


def _ranges(connection):
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'shard_range'").fetchall():
        return []
    return connection.execute('SELECT name, state, deleted FROM shard_range').fetchall()


def _is_stuck(replicas):
    """Return whether a container is to be split, and never will be, since it has lost rows meanwhile.

    Swift looks for shards only in the file that had the rows when sharding began: see ``find_shard_ranges`` in
    ``swift/container/backend.py``.
    """
    enough = SHARDING['rows_per_shard'] + SHARDING['minimum_shard_size']
    return (all(set(each.own) == {ShardRange.SHARDING} and not each.others for each in replicas)
            and any(len(each.counts) > 1 and each.counts[0] < enough for each in replicas))


def _sharding(replica):
    if len(replica.counts) > 1:
        return 'is being sharded'
    for state in replica.own:
        if state in _MOVING:
            return 'has to hand its rows to its shards'
        if state in _MOVED and replica.rows:
            return f'has {len(replica.rows)} rows that belong to other shards'
    if any(state in _UNREADY for state in replica.others):
        return 'has shards that are not ready'
    return ''
