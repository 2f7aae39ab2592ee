# SPDX-License-Identifier: Apache-2.0
"""The servers of the demo: a cluster whose users are authenticated by tempauth, or by a Keystone beside it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import login
from .cluster import Cluster
from .keystone import PIPELINE, Keystone


@dataclass(frozen=True)
class Servers:
    """The servers that run. login: of the demo's user. keystone: None if tempauth authenticates users."""

    cluster: Cluster
    keystone: Keystone | None
    login: login.Login

    @property
    def url(self) -> str:
        """The address of the S3 API, without a slash at the end."""
        return self.cluster.url

    def check(self) -> None:
        """Raise ClusterError if one of them has ended."""
        self.cluster.check()
        if self.keystone is not None:
            self.keystone.check()


@contextlib.contextmanager
def running(directory: Path, port: int | None, with_keystone: bool) -> Iterator[Servers]:
    """Start the servers, say so, yield them, and stop them at the end.

    directory: of all data. port: of the proxy; None for any free one.
    """
    if not with_keystone:
        with _cluster(Cluster(directory, proxy_port=port)) as cluster:
            yield Servers(cluster, None, login.with_tempauth(cluster.proxy))
        return
    print(f'Starting Keystone in {directory} ...', flush=True)
    started = time.monotonic()
    with Keystone(directory / 'keystone') as keystone:
        print(f'Up after {time.monotonic() - started:.1f} s: {keystone.url}')
        with _cluster(Cluster(directory, proxy_port=port, pipeline=PIPELINE,
                              filters=keystone.filters())) as cluster:
            user = login.with_keystone(keystone, cluster.proxy)
            print(f'Keystone has the project {login.NAME}, with the user {login.NAME} and these EC2 credentials:\n'
                  f'  access key  {user.access_key}\n  secret key  {user.secret_key}')
            yield Servers(cluster, keystone, user)


@contextlib.contextmanager
def _cluster(cluster: Cluster) -> Iterator[Cluster]:
    print(f'Starting a Swift cluster in {cluster.directory} ...', flush=True)
    started = time.monotonic()
    with cluster:
        cache = cluster.cache_program or "the demo's own stand-in for memcached"
        print(f'Up after {time.monotonic() - started:.1f} s; S3 and Swift API: {cluster.url}; cache: {cache}')
        yield cluster
