# SPDX-License-Identifier: Apache-2.0
"""Looks at the container databases of a cluster: whether replicas agree, and whether sharding has come to an end."""

from __future__ import annotations

import glob
import os
import sqlite3
from collections import defaultdict
from pathlib import Path

from swift.common.utils import ShardRange

# What a container says of itself, and of the shards that it has, while rows are still on their way.
_MOVING = (ShardRange.SHARDING, ShardRange.SHRINKING)
_MOVED = (ShardRange.SHARDED, ShardRange.SHRUNK)
_UNREADY = (ShardRange.FOUND, ShardRange.CREATED, ShardRange.CLEAVED)


def unsettled(cluster):
    """Return something that replicators and sharders still have to do, in words; None if there is nothing."""
    for digest, copies in _databases(cluster).items():
        found = [copy for paths in copies for copy in [_read(paths)]]
        if None in found:
            return f'a replica of the container database {digest} has pending rows, or is about to be sharded'
        if any(copy[1] != found[0][1] for copy in found):
            return f'the replicas of the container database {digest} differ: {[len(rows) for _, rows in found]}'
        for sharding, _rows in found:
            if sharding:
                return f'the container database {digest} {sharding}'
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
    """Return what sharding has left to do in a replica, in words, and its rows. None if it is in between."""
    if len(paths) > 1:
        return None
    path = paths[0]
    pending = path.with_name(path.name + '.pending')
    try:
        if pending.stat().st_size:
            return None
    except FileNotFoundError:
        pass
    try:
        connection = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=1)
        try:
            rows = sorted(connection.execute('SELECT name, created_at FROM object WHERE deleted = 0'))
            return _sharding(connection, rows), rows
        finally:
            connection.close()
    except sqlite3.Error:
        return None


def _sharding(connection, rows):
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'shard_range'").fetchall():
        return ''
    name, = connection.execute("SELECT account || '/' || container FROM container_info").fetchone()
    ranges = connection.execute('SELECT name, state, deleted FROM shard_range').fetchall()
    for state in (state for each, state, _deleted in ranges if each == name):
        if state in _MOVING:
            return 'has to hand its rows to its shards'
        if state in _MOVED and rows:
            return f'has {len(rows)} rows that belong to other shards'
    if any(state in _UNREADY and not deleted for each, state, deleted in ranges if each != name):
        return 'has shards that are not ready'
    return ''
