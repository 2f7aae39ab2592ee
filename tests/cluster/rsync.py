# SPDX-License-Identifier: Apache-2.0
"""The rsync daemon of each node, by which Swift copies whole databases."""

from __future__ import annotations

import os
import shutil

from s3multi.demo.child import Child
from s3multi.demo.ports import free_port

PROGRAM = shutil.which('rsync')
KINDS = ('account', 'container')
# A node that was away would never get the shards that were made meanwhile.
MISSING = ('rsync is not installed, so no database is damaged or lost, and no container is sharded '
           '(Debian: apt-get install rsync)')


def make_daemons(cluster):
    """Return the rsync daemon of each node, by its number, and the options of Swift's daemons for them, by section.

    The daemons are not started. Without rsync there are neither.
    """
    if not PROGRAM:
        return {}, {}
    # On every loopback address, since Swift's option has one port for all nodes.
    port = free_port(set(), '0.0.0.0')
    senders = [*((kind, 'replicator') for kind in KINDS), ('container', 'sharder')]
    return ({node.number: _make_daemon(cluster, node, port) for node in cluster.nodes},
            {f'{kind}-{daemon}': {'rsync_module': f'rsync://{{replication_ip}}:{port}/{kind}'}
             for kind, daemon in senders})


def _make_daemon(cluster, node, port):
    name = f'rsyncd{node.number}'
    path = cluster.swift_dir / f'{name}.conf'
    # As root, rsync would become another user.
    user = f'uid = {os.getuid()}\ngid = {os.getgid()}\n' if os.getuid() == 0 else ''
    path.write_text(f'use chroot = no\nlock file = {cluster.swift_dir / name}.lock\n{user}' + ''.join(
        f'[{kind}]\npath = {node.devices(cluster.directory)}\nread only = no\n' for kind in KINDS), encoding='utf-8')
    return Child(name, ['exec', PROGRAM, '--daemon', '--no-detach', f'--address={node.host}', f'--port={port}',
                        f'--config={path}'], port, cluster.log_dir / f'{name}.log', healthcheck=None, host=node.host)
