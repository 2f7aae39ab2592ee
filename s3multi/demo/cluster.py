# SPDX-License-Identifier: Apache-2.0
"""A real Swift cluster on the loopback interface: account, container and object server, a cache, proxies."""

from __future__ import annotations

import dataclasses
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from . import conf, disks
from .child import START_SECONDS, STOP_SECONDS, Child, describe_exit, launch
from .conf import PIPELINE, STOCK_FILTERS, STOCK_PIPELINE, Filters, Policy, Value
from .errors import ClusterError
from .node import Node, make_nodes
from .ports import HOST, claim_port, free_port

__all__ = ['Cluster', 'ClusterError', 'PIPELINE', 'Policy', 'Proxy', 'STOCK_FILTERS', 'STOCK_PIPELINE']

DAEMON_SECONDS = 120.0

# The configuration file that each daemon reads.
DAEMONS = {
    'account-reaper': 'account-server.conf',
    'container-sharder': 'container-server.conf',
    'container-sync': 'container-server.conf',
    'container-updater': 'container-server.conf',
    'object-updater': 'object-server.conf',
    'object-expirer': 'object-expirer.conf',
}


class Proxy(Child):
    """A proxy server of the cluster; `url` is its address, for the Swift API and as S3 endpoint."""

    @property
    def url(self) -> str:
        """The proxy's address, without a slash at the end."""
        return f'http://{HOST}:{self.port}'

    @property
    def auth_url(self) -> str:
        """The address at which tempauth hands out tokens."""
        return self.url + '/auth/v1.0'


class Cluster:
    """A Swift cluster whose data lies in one directory; a context manager that starts and stops it.

    directory: holds all data, configuration and logs; it is kept, and can be used again with the same policies.
    pipeline, filters: of the proxy named `proxy`, and the defaults of `add_proxy`; filters override conf.FILTERS,
    option by option. policies: the first is the default one; a plain name is a policy of one replica. proxy_port: None
    for any free one. constraints, app, storage: options of swift.conf's [swift-constraints], of the proxy-server, and
    of the storage servers by kind ('account', 'container', 'object'). storage_filters: of one's own, which stand first
    in the pipelines of all storage servers. memcached: the program to use; None for memcached
    if it is installed, else the demo's own stand-in. nodes: how many storage nodes there are, each at an address of its
    own, with an account, a container and an object server; those of the second are `servers['object2']` and so on.

    Start it in a thread that lives as long as the cluster: the kernel kills the servers when the thread ends.
    """

    def __init__(self, directory: str | os.PathLike[str], *, pipeline: str = PIPELINE, filters: Filters | None = None,
                 policies: Sequence[str | Policy] = ('gold',), proxy_port: int | None = None,
                 app: Mapping[str, Value] | None = None, storage: Filters | None = None,
                 storage_filters: Filters | None = None,
                 constraints: Mapping[str, Value] | None = None, memcached: str | None = None,
                 nodes: int = 1) -> None:
        self.directory = Path(directory).resolve()
        self.swift_dir = self.directory / 'etc'
        self.log_dir = self.directory / 'log'
        self.policies = [Policy(each) if isinstance(each, str) else each for each in policies]
        self.proxies: dict[str, Proxy] = {}
        self.servers: dict[str, Child] = {}
        self.nodes: list[Node] = []
        self.pipeline = pipeline
        self._filters = conf.merge(conf.FILTERS, filters or {})
        self._proxy_port = proxy_port
        self._app = dict(app or {})
        self._storage = storage or {}
        self._storage_filters = storage_filters or {}
        self._constraints = constraints or {}
        self._memcached = memcached or shutil.which('memcached')
        self._node_count = nodes
        self._ports: set[int] = set()
        self._place: conf.Place | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Cluster:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    @property
    def proxy(self) -> Proxy:
        """The first proxy."""
        return self.proxies['proxy']

    @property
    def url(self) -> str:
        """The address of the first proxy, without a slash at the end."""
        return self.proxy.url

    @property
    def cache_program(self) -> str:
        """The path of the memcached that is used; '' for the demo's own stand-in."""
        return self._memcached or ''

    def start(self) -> None:
        """Start all servers, and return when each answers.

        Raises ClusterError if one does not; then none is left running.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process of the cluster. Does nothing if there are none."""
        children = [*self.proxies.values(), *self.servers.values()]
        for child in children:
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            child.wait_stopped(deadline)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check(self) -> None:
        """Raise ClusterError if a server has ended that should be running."""
        for child in [*self.servers.values(), *self.proxies.values()]:
            if not child.stopped:
                child.check_alive()

    def add_proxy(self, name: str, *, pipeline: str | None = None, filters: Filters | None = None,
                  app: Mapping[str, Value] | None = None, port: int | None = None) -> Proxy:
        """Start one more proxy over the same storage and return it when it answers.

        name: for its log and configuration file; a proxy of that name is stopped first. pipeline: None for the
        cluster's. filters: override the cluster's, option by option; {'name': {'paste.filter_factory':
        'module:factory'}} adds a filter of the caller's own, whose name may then stand in the pipeline.
        Raises ClusterError, with the end of the proxy's log in log_tail, if it does not start.
        """
        proxy = self._make_proxy(name, pipeline, filters, app, port)
        try:
            proxy.start()
        except BaseException:
            self.proxies.pop(name).stop()
            raise
        return proxy

    def write_proxy_conf(self, name: str, *, pipeline: str | None = None, filters: Filters | None = None,
                         app: Mapping[str, Value] | None = None, port: int = 0) -> Path:
        """Write the configuration file of a proxy, which is not started; as for add_proxy. Returns the file."""
        if self._place is None:
            raise ClusterError('the cluster has not been started')
        return self._write(f'{name}.conf', conf.proxy_conf(
            self._place, name, port, pipeline or self.pipeline, conf.merge(self._filters, filters or {}),
            {**self._app, **(app or {})}))

    def run_once(self, daemon: str, *options: str) -> str:
        """Run a daemon of DAEMONS for one pass; return what it logged.

        options: further words for its command line. Raises ClusterError if it fails or takes longer than
        DAEMON_SECONDS.
        """
        log_path = self.log_dir / f'{daemon}.log'
        start = log_path.stat().st_size if log_path.exists() else 0
        process = launch([daemon, str(self.swift_dir / DAEMONS[daemon]), '--once', *options], log_path)
        child = Child(daemon, [], 0, log_path)
        try:
            code = process.wait(DAEMON_SECONDS)
        except subprocess.TimeoutExpired:
            raise ClusterError(f'{daemon} did not end within {DAEMON_SECONDS:.0f} s', child.log_tail()) from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if code != 0:
            raise ClusterError(f'{daemon} ended with {describe_exit(code)}', child.log_tail())
        return log_path.read_bytes()[start:].decode('utf-8', 'replace')

    def _start(self) -> None:
        self._ports.clear()
        # The proxy's port comes first, because it is the only one that a user may have chosen.
        proxy_port = None
        if self._proxy_port is not None:
            proxy_port = claim_port(self._proxy_port, self._ports, '--port')
        self.nodes = make_nodes(self._node_count, self.policies, self._ports)
        disks.prepare(self.directory, self.nodes)
        self._lock = disks.lock(self.directory)
        self._place = conf.Place(self.directory / 'recon', self.swift_dir, self.nodes[0].devices(self.directory),
                                 free_port(self._ports), user_name())

        suffix = disks.hash_suffix(self.swift_dir / 'swift.conf')
        self._write('swift.conf', conf.swift_conf(suffix, self.policies, self._constraints))
        self._write('object-expirer.conf', conf.expirer_conf(self._place, self._app))
        self._write('internal-client.conf', conf.internal_client_conf(self._place, self._app))
        disks.write_rings(self.swift_dir, self.nodes, self.policies)

        self.servers = {'cache': self._cache(self._place.cache_port)}
        for node in self.nodes:
            self._add_storage(node, self._place)
        # Proxies of an earlier start are not brought back.
        self.proxies = {}
        self._make_proxy('proxy', None, None, None, proxy_port)
        self._start_all([*self.servers.values(), self.proxy])

    def _add_storage(self, node: Node, place: conf.Place) -> None:
        place = dataclasses.replace(place, recon=self.directory / node.own('recon'),
                                    devices=node.devices(self.directory), host=node.host)
        for kind, port in node.ports.items():
            name = node.own(kind)
            path = self._write(f'{name}-server.conf', conf.storage_conf(
                place, kind, port, self._storage.get(kind, {}), self._storage_filters))
            self.servers[name] = Child(f'{name} server', [kind, str(path)], port, self.log_dir / f'{name}.log',
                                       host=node.host)

    def _start_all(self, children: list[Child]) -> None:
        # All start at once: most of the time goes into Python's imports, and there may be more than one core.
        for child in children:
            child.spawn()
        deadline = time.monotonic() + START_SECONDS
        waiting = list(children)
        while waiting:
            for child in children:
                child.check_alive()
            waiting = [child for child in waiting if not child.answers()]
            if waiting and time.monotonic() > deadline:
                waiting[0].wait_ready(deadline)
            time.sleep(0.02)

    def _cache(self, port: int) -> Child:
        arguments = ['cache', str(port)]
        if self._memcached:
            arguments = ['exec', self._memcached, '-l', HOST, '-p', str(port), '-U', '0', '-m', '64',
                         '-u', user_name()]
        return Child('cache', arguments, port, self.log_dir / 'cache.log', healthcheck=None)

    def _make_proxy(self, name: str, pipeline: str | None, filters: Filters | None,
                    app: Mapping[str, Value] | None, port: int | None) -> Proxy:
        if name in self.proxies:
            self.proxies.pop(name).stop()
        if port is None:
            port = free_port(self._ports)
        path = self.write_proxy_conf(name, pipeline=pipeline, filters=filters, app=app, port=port)
        proxy = Proxy(name, ['proxy', str(path)], port, self.log_dir / f'{name}.log')
        self.proxies[name] = proxy
        return proxy

    def _write(self, name: str, text: str) -> Path:
        path = self.swift_dir / name
        path.write_text(text, encoding='utf-8')
        return path


def user_name() -> str:
    """Return the name of the user who runs this. Raises ClusterError if the user has none, because Swift needs one."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ClusterError(f'the user with number {os.geteuid()} has no name in /etc/passwd, which Swift needs; '
                           'run this as a user that has one') from None
