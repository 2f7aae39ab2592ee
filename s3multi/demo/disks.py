# SPDX-License-Identifier: Apache-2.0
"""The directory that a cluster keeps its data in: its "disks", its rings, its hash suffix."""

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
from .ports import HOST

PART_POWER = 2           # 4 partitions: as few as still show that a ring has several


def device_names(count: int) -> list[str]:
    """Return the names of the device directories: d1, d2, ..."""
    return [f'd{number}' for number in range(1, count + 1)]


def prepare(top: Path, device_count: int) -> None:
    """Make the directories of a cluster under `top`, which may exist already with an earlier run's data.

    Raises ClusterError when that cannot be done or the file system cannot hold Swift's metadata.
    """
    try:
        for name in ('etc', 'log', 'recon'):
            (top / name).mkdir(parents=True, exist_ok=True)
        for name in device_names(device_count):
            (top / 'devices' / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClusterError(f'cannot make the data directory {top}: {error.strerror}') from error
    check_attributes(top)


def check_attributes(directory: Path) -> None:
    """Raise ClusterError unless files in `directory` can have extended attributes, where Swift keeps metadata."""
    probe = directory / f'.attributes-{os.getpid()}'
    try:
        probe.touch()
        # A kilobyte: file systems that accept a few bytes only are of no use either.
        os.setxattr(probe, 'user.swift.probe', b'x' * 1024)
    except OSError as error:
        raise ClusterError(
            f'{directory} is on a file system that refuses extended attributes ({error.strerror}), and Swift keeps '
            'the metadata of objects there. Use --data DIR with a directory on ext4, xfs or btrfs.') from error
    finally:
        probe.unlink(missing_ok=True)


def lock(top: Path) -> IO[bytes]:
    """Reserve the directory for this process, until the returned file is closed."""
    handle = open(top / 'lock', 'ab')
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise ClusterError(f'another cluster is running on {top}; stop it, or use --data with another one') from error
    return handle


def hash_suffix(swift_conf_path: Path) -> str:
    """Return the secret that the paths of all data depend on: the one of an earlier run, or a new one."""
    parser = configparser.RawConfigParser()
    parser.read(swift_conf_path)
    return parser.get('swift-hash', 'swift_hash_path_suffix', fallback=secrets.token_hex(16))


def write_rings(swift_dir: Path, ports: dict[str, int], policies: Sequence[Policy], device_count: int) -> None:
    """Write the rings of a cluster whose servers listen on `ports` (by kind: account, container, object).

    They are made anew on each start, since ports change; where data lies on the devices does not depend on them
    as long as each ring has as many replicas as devices.
    """
    _write_ring(swift_dir / 'account.ring.gz', ports['account'], 1, 1)
    _write_ring(swift_dir / 'container.ring.gz', ports['container'], 1, 1)
    for index, policy in enumerate(policies):
        name = f'object-{index}.ring.gz' if index else 'object.ring.gz'
        _write_ring(swift_dir / name, ports['object'], policy.replicas, min(policy.replicas, device_count))


def _write_ring(path: Path, port: int, replicas: int, device_count: int) -> None:
    # Imported here: the rest of the demo can tell what is wrong with a machine that has no Swift yet.
    from swift.common.ring import RingBuilder
    builder = RingBuilder(PART_POWER, replicas, 0)
    for number, name in enumerate(device_names(device_count)):
        builder.add_dev({
            'id': number, 'region': 1, 'zone': number + 1, 'weight': 1.0, 'device': name,
            'ip': HOST, 'port': port, 'replication_ip': HOST, 'replication_port': port})
    builder.rebalance(seed='s3multi')
    builder.get_ring().save(str(path))
