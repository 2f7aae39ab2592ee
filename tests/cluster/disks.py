# SPDX-License-Identifier: Apache-2.0
"""Looks at the disks of a cluster: whether replicas agree, and which objects there are, listed or not."""

from __future__ import annotations

from collections import defaultdict

from swift.obj.diskfile import read_metadata

from . import databases
from .databases import places


def unsettled(cluster):
    """Return something that replicators, updaters and sharders still have to do, in words; None if there is nothing."""
    for _disk, path in places(cluster, 'async_pending*/*/*'):
        return f'a row to be sent: {path}'
    left = databases.unsettled(cluster)
    if left:
        return left
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


def _objects(cluster):
    """Return the newest file of each object on each disk: {(directory of the policy, hash): {disk: path}}."""
    found = defaultdict(dict)
    for disk, path in places(cluster, 'objects*/*/*/*/*'):
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
