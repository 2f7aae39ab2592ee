# SPDX-License-Identifier: Apache-2.0
"""Splits containers of a cluster into shards, with Swift's own command and its daemon."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from s3multi.demo.cluster import Cluster
from s3multi.demo.ports import HOST

from .errors import BenchmarkError

ALLOWED_SECONDS = 120
MOST_PASSES = 20

# For the cluster's own swift.conf.
_MANAGE = ('import sys; from s3multi.demo.server import use_swift_dir; use_swift_dir(sys.argv.pop(1)); '
           'from swift.cli.manage_shard_ranges import main; sys.exit(main(sys.argv[1:]))')


def shard(cluster: Cluster, database: Path, partition: int, shards: int) -> None:
    """Have Swift split a container into so many shards; return when it is split.

    database, partition: of the container. Proxies ask anew afterwards. Raises BenchmarkError if it does not end.
    """
    from swift.container.backend import SHARDED, ContainerBroker
    rows = -(-ContainerBroker(str(database)).get_info()['object_count'] // shards)
    done = subprocess.run([sys.executable, '-c', _MANAGE, str(cluster.swift_dir), str(database), 'find_and_replace',
                           str(rows), '--enable'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=ALLOWED_SECONDS, check=False, env={**os.environ, 'PYTHONWARNINGS': 'ignore'})
    if done.returncode:
        raise BenchmarkError(f'swift-manage-shard-ranges: {done.stdout[-300:]}')
    for _pass in range(MOST_PASSES):
        cluster.run_once('container-sharder', '--partitions', str(partition))
        if ContainerBroker(str(database)).get_db_state() == SHARDED:
            break
    else:
        raise BenchmarkError(f'a container is not split after {MOST_PASSES} passes')
    flush_cache(cluster)


def flush_cache(cluster: Cluster) -> None:
    """Have the cache forget everything."""
    with socket.create_connection((HOST, cluster.servers['cache'].port), timeout=ALLOWED_SECONDS) as connection:
        connection.sendall(b'flush_all\r\n')
        connection.recv(100)
