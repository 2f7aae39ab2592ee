# SPDX-License-Identifier: Apache-2.0
"""Looks at the disks of a cluster: whether replicas agree, and which objects there are, listed or not."""

from __future__ import annotations

import sqlite3
from collections import defaultdict

from swift.obj.diskfile import read_metadata


def unsettled(cluster):
    """Return something that replicators and updaters still have to do, in words; None if there is nothing."""
    for _disk, path in _places(cluster, 'async_pending*/*/*'):
        return f'a row to be sent: {path}'
    for digest, copies in _databases(cluster).items():
        if not copies or any(rows != copies[0] for rows in copies):
            return f'the replicas of the container database {digest} differ: {[copy and len(copy) for copy in copies]}'
    for (objects, digest), held in _objects(cluster).items():
        newest = max(_time(path) for path in held.values())
        if any(_time(path) != newest for path in held.values()):
            return f'the replicas of {objects} {digest} differ: {sorted(map(str, held.values()))}'
        is_data = any(path.suffix == '.data' for path in held.values())
        if is_data and len(held) != _policy(cluster, objects).replicas:
            return f'{objects} {digest} is on {sorted(held)}'
    return None


def stored(cluster):
    """Return the objects that exist, as pairs of container and name: their newest file is not a tombstone."""
    found = set()
    for held in _objects(cluster).values():
        path = max(held.values(), key=_time)
        if path.suffix == '.data':
            _, _account, container, name = read_metadata(str(path))['name'].split('/', 3)
            found.add((container, name))
    return found


def disks_of(cluster, container, name):
    """Return the names of the disks that have this object."""
    return sorted(disk for held in _objects(cluster).values() for disk, path in held.items()
                  if path.suffix == '.data'
                  and read_metadata(str(path))['name'].split('/', 3)[2:] == [container, name])


def _places(cluster, pattern):
    for node in cluster.nodes:
        for disk in node.disks:
            for path in (node.devices(cluster.directory) / disk).glob(pattern):
                yield disk, path


def _databases(cluster):
    """Return the rows of all container databases, by hash: a list with the rows of each copy.

    A copy is None if it cannot be read now, or has pending rows that are not in it yet.
    """
    found = defaultdict(list)
    for _disk, path in _places(cluster, 'containers/*/*/*/*.db'):
        found[path.stem].append(_rows(path))
    return found


def _rows(path):
    pending = path.with_name(path.name + '.pending')
    try:
        if pending.stat().st_size:
            return None
    except FileNotFoundError:
        pass
    try:
        connection = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=1)
        try:
            return sorted(connection.execute('SELECT name, created_at FROM object WHERE deleted = 0'))
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return None


def _objects(cluster):
    """Return the newest file of each object on each disk: {(directory of the policy, hash): {disk: path}}."""
    found = defaultdict(dict)
    for disk, path in _places(cluster, 'objects*/*/*/*/*'):
        # A fragment without "#d" at its end was not made durable; readers ignore it.
        if path.suffix not in ('.data', '.ts') or '#' in path.name and not path.name.endswith('#d.data'):
            continue
        held = found[path.parents[3].name, path.parent.name]
        if disk not in held or _time(path) > _time(held[disk]):
            held[disk] = path
    return found


def _time(path):
    return path.stem.partition('#')[0]


def _policy(cluster, objects):
    _, _, index = objects.partition('-')
    return cluster.policies[int(index or 0)]
