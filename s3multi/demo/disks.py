# SPDX-License-Identifier: Apache-2.0
"""The directory in which a cluster keeps its data: its "disks", its rings, its hash suffix."""

from __future__ import annotations

import configparser
import fcntl
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from .conf import Policy
from .errors import ClusterError
from .node import STORAGE, Node

PART_POWER = 2           # 4 partitions: few, but more than one
MOST_DB_REPLICAS = 3


def prepare(top: Path, nodes: Sequence[Node]) -> None:
    """Make the directories of a cluster in `top`, which may hold the data of an earlier run.

    Raises ClusterError if they cannot be made, or the file system cannot hold Swift's metadata.
    """
    try:
        for name in ('etc', 'log', *(node.own('recon') for node in nodes)):
            (top / name).mkdir(parents=True, exist_ok=True)
        for node in nodes:
            for name in node.disks:
                (node.devices(top) / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClusterError(f'cannot make the data directory {top}: {error.strerror}') from error
    check_attributes(top)


def check_attributes(directory: Path) -> None:
    """Raise ClusterError unless files in `directory` can have extended attributes, where Swift keeps metadata."""
    probe = directory / f'.attributes-{os.getpid()}'
    try:
        probe.touch()
        # A kilobyte, because a file system that accepts only a few bytes is of no use.
        os.setxattr(probe, 'user.swift.probe', b'x' * 1024)
    except OSError as error:
        raise ClusterError(
            f'{directory} is on a file system that refuses extended attributes ({error.strerror}), and Swift keeps '
            'the metadata of objects there. Use --data DIR with a directory on ext4, xfs or btrfs.') from error
    finally:
        probe.unlink(missing_ok=True)


def lock(top: Path) -> IO[bytes]:
    """Reserve the directory for this process until the returned file is closed.

    Raises ClusterError if another process has reserved it.
    """
    handle = open(top / 'lock', 'ab')
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise ClusterError(f'another cluster is running on {top}; stop it, or use --data with another one') from error
    return handle


def hash_suffix(swift_conf_path: Path) -> str:
    """Return the secret on which the paths of all data depend: that of an earlier run, or a new one."""
    parser = configparser.RawConfigParser()
    parser.read(swift_conf_path)
    return parser.get('swift-hash', 'swift_hash_path_suffix', fallback=secrets.token_hex(16))


def write_rings(swift_dir: Path, nodes: Sequence[Node], policies: Sequence[Policy]) -> None:
    """Write the rings of a cluster. Accounts and containers have a replica on each node, up to MOST_DB_REPLICAS.

    The rings are made anew on each start, because ports change. With one node this does not move any data, because each
    ring has as many replicas as devices.
    """
    replicas = min(len(nodes), MOST_DB_REPLICAS)
    for kind in STORAGE[:2]:
        _write_ring(swift_dir / f'{kind}.ring.gz', kind, nodes, replicas)
    for index, policy in enumerate(policies):
        name = f'object-{index}.ring.gz' if index else 'object.ring.gz'
        _write_ring(swift_dir / name, 'object', nodes, policy.replicas)


def _write_ring(path: Path, kind: str, nodes: Sequence[Node], replicas: int) -> None:
    # Imported here, so that the rest of the demo can be imported, and complain, on a machine without Swift.
    from swift.common.ring import RingBuilder
    builder = RingBuilder(PART_POWER, replicas, 0)
    places = {name: node for node in nodes for name in node.disks}
    # On one node, there are no more devices than replicas. With several, there are others to use when one fails.
    for number, name in enumerate(sorted(places, key=lambda name: int(name[1:]))[:max(replicas, len(nodes))]):
        node = places[name]
        builder.add_dev({
            'id': number, 'region': 1, 'zone': number + 1, 'weight': 1.0, 'device': name,
            'ip': node.host, 'port': node.ports[kind],
            'replication_ip': node.host, 'replication_port': node.ports[kind]})
    builder.rebalance(seed='s3multi')
    builder.get_ring().save(str(path))
