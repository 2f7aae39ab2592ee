# SPDX-License-Identifier: Apache-2.0
"""Partitions: which addresses a proxy, or all servers and daemons of a node, cannot connect to; so too the cache.

All of them run on the loopback interface and share its addresses, so no firewall tells their connections apart. What is
replaced is the one method with which Swift connects, for each request anew: it waits, as if no packet came through. It
needs no root. Requests that are under way when a link is cut go on. For the cache there are two such methods; it may
also refuse, and connections that proxies keep to it end.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from pathlib import Path

import eventlet
from swift.common.bufferedhttp import BufferedHTTPConnection
from swift.common.memcached import MemcacheConnPool

FACTORY = f'{__name__}:filter_factory'
# Longer than any proxy or daemon waits for a connection.
SILENT_SECONDS = 10
# What may become of connections to the cache.
REFUSED, HELD = 'refused', 'held'


# In the servers and daemons

def follow(directory, name):
    """Have this process connect to no address that the directory has for it. name: of the proxy, or the node's host."""
    connect = BufferedHTTPConnection.connect
    path = Path(directory) / name

    def connect_if_linked(self):
        try:
            cut = path.read_text(encoding='ascii').split()
        except FileNotFoundError:
            cut = ()
        if self.host in cut:
            eventlet.sleep(SILENT_SECONDS)
            raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
        return connect(self)

    BufferedHTTPConnection.connect = connect_if_linked
    _follow_cache(path.with_name(_of_cache(name)))


def _follow_cache(path):
    get, create = MemcacheConnPool.get, MemcacheConnPool.create

    def how():
        try:
            return path.read_text(encoding='ascii')
        except FileNotFoundError:
            return ''

    def get_if_linked(self):
        if how():
            # A pool makes a connection anew in the place of one that broke.
            self.free_items = deque((None, None) for _ in self.free_items)
        return get(self)

    def create_if_linked(self):
        if how() == HELD:
            with eventlet.Timeout(self._connect_timeout):
                eventlet.sleep(SILENT_SECONDS)
        elif how() == REFUSED:
            raise OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        return create(self)

    MemcacheConnPool.get, MemcacheConnPool.create = get_if_linked, create_if_linked


def _of_cache(name):
    return f'{name}.cache'


def filter_factory(global_conf, **local_conf):
    """Options: directory, of the cut links; name_option, the option in [DEFAULT] that says whose links count."""
    follow(local_conf['directory'], global_conf[local_conf['name_option']])
    return lambda app: app


# In the tests

class Links:
    """The remote control. proxies: their names. hosts: those of the nodes, in order."""

    def __init__(self, directory, proxies, hosts):
        directory.mkdir(parents=True, exist_ok=True)
        self._directory, self._proxies, self._hosts = directory, proxies, hosts

    def filter(self, name_option):
        """Return the options of a filter for a proxy ('log_name') or a storage server ('bind_ip')."""
        return {'links': {'paste.filter_factory': FACTORY, 'directory': self._directory, 'name_option': name_option}}

    def words(self, host):
        """Return the words with which a daemon of a node is told what `follow` needs."""
        return [str(self._directory), host]

    def cut_off(self, number):
        """Have a node reach no other node, and no other node reach it. Proxies reach all."""
        host, others = self._sides(number)
        self._cut({host: others, **{other: [host] for other in others}})

    def part_ways(self, number):
        """Have each proxy reach all nodes but one: the first this one, the second the next one."""
        self._cut({proxy: [self._hosts[(number - 1 + step) % len(self._hosts)]]
                   for step, proxy in enumerate(self._proxies)})

    def split(self, number):
        """Split the network: a node and the first proxy are on the one side, everything else is on the other."""
        host, others = self._sides(number)
        self.cut_off(number)
        self._cut({self._proxies[0]: others, self._proxies[1]: [host]})

    def mend(self, _number=None):
        """Have all links between nodes and proxies work again."""
        for name in (*self._proxies, *self._hosts):
            (self._directory / name).unlink(missing_ok=True)

    def cut_off_cache(self, how, proxies):
        """Have connections of these proxies to the cache refused or held. how: REFUSED or HELD."""
        for name in proxies:
            (self._directory / _of_cache(name)).write_text(how, encoding='ascii')

    def mend_cache(self):
        """Have all proxies reach the cache again."""
        for name in self._proxies:
            (self._directory / _of_cache(name)).unlink(missing_ok=True)

    def _sides(self, number):
        host = self._hosts[number - 1]
        return host, [other for other in self._hosts if other != host]

    def _cut(self, links):
        for name, hosts in links.items():
            (self._directory / name).write_text(' '.join(hosts), encoding='ascii')
