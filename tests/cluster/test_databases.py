# SPDX-License-Identifier: Apache-2.0
"""Container databases are at rest when replicas agree, and sharding is over, or never goes on."""

from __future__ import annotations

import contextlib
import sqlite3
from types import SimpleNamespace

import pytest
from swift.common.utils import ShardRange

from .databases import unsettled

ENOUGH = 20


@pytest.fixture
def cluster(tmp_path):
    """A cluster of one node with two disks."""
    return SimpleNamespace(directory=tmp_path, nodes=[
        SimpleNamespace(disks=['d1', 'd2'], devices=lambda directory: directory)])


def write(cluster, disk, rows, state=None, shards=(), epoch=''):
    """Write a database of a container with so many rows. state, shards: of its own shard range, and of others."""
    directory = cluster.directory / disk / 'containers/1/abc/hash'
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(directory / f'hash{epoch}.db')) as connection:
        connection.executescript('CREATE TABLE object (name, created_at, deleted);'
                                 'CREATE TABLE container_info (account, container);'
                                 'CREATE TABLE shard_range (name, state, deleted);'
                                 "INSERT INTO container_info VALUES ('a', 'c')")
        connection.executemany('INSERT INTO object VALUES (?, 1, 0)', [(str(number),) for number in range(rows)])
        connection.executemany('INSERT INTO shard_range VALUES (?, ?, 0)', [
            *([('a/c', state)] if state else ()), *((f'shards/{each}', each) for each in shards)])
        connection.commit()


def test_replicas(cluster):
    """Replicas agree or not."""
    write(cluster, 'd1', 3)
    write(cluster, 'd2', 3)
    assert unsettled(cluster) is None
    write(cluster, 'd2', 2, epoch='_1')
    assert 'differ' in unsettled(cluster)


@pytest.mark.parametrize('rows, shards, rests', [
    (2, (), True), (ENOUGH, (), False), (2, (ShardRange.FOUND,), False)])
def test_lost_rows(cluster, rows, shards, rests):
    """A container that has lost rows since it was to be split stays as it is; with more rows, or shards, it goes on."""
    write(cluster, 'd1', rows, ShardRange.SHARDING)
    write(cluster, 'd1', ENOUGH, ShardRange.SHARDING, shards, epoch='_1')
    write(cluster, 'd2', ENOUGH, ShardRange.SHARDING)

    assert rests == (unsettled(cluster) is None)
