# SPDX-License-Identifier: Apache-2.0
"""What Swift does with writes while nodes are away that should take them: real, and in memory.

Other nodes, for handoffs, take them instead, until the replicator brings them where they belong. Four nodes: three have
a replica of an object, the fourth is for its handoffs.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import random
import secrets
import subprocess
import sys
from unittest import mock

import pytest
from swift.common.ring import Ring

from s3multi.demo.cluster import Cluster, Policy
from s3multi.demo.disks import PART_POWER, hash_suffix
from tests.model.kinds import ACCOUNT
from tests.model.swift import REPLICAS, Nature
from tests.model.world import World

from .test_swift_contract import KINDS, ModelSwift, RealSwift, at, contract_proxy, delete, put
from .users import account

HANDOFF = REPLICAS
ALL = range(REPLICAS + 1)
_REPLICATE = 'import sys; from tests.integration.daemons import replicate; replicate(*sys.argv[1:])'


class RealNodes(RealSwift):
    """Object servers that are stopped, and Swift's replicator."""

    def __init__(self, cluster):
        super().__init__(contract_proxy(cluster))
        self._cluster = cluster
        self._suffix = hash_suffix(cluster.swift_dir / 'swift.conf')
        with mock.patch('swift.common.ring.ring.validate_configuration'):
            self._ring = Ring(str(cluster.swift_dir), ring_name='object')

    @contextlib.contextmanager
    def away(self, container, *numbers):
        """Have nodes be away inside the with block."""
        places = self._devices(container)
        servers = [self._cluster.servers[node.own('object')] for node in self._cluster.nodes
                   if (node.host, node.ports['object']) in [(places[number]['ip'], places[number]['port'])
                                                            for number in numbers]]
        for server in servers:
            server.stop()
        try:
            yield
        finally:
            for server in servers:
                server.start()

    def stored(self, container):
        """Return for each node when the object was written or deleted, and whether it is there; None for neither."""
        found = []
        for device in self._devices(container):
            connection = http.client.HTTPConnection(device['ip'], device['port'], timeout=30)
            connection.request('HEAD', '/%s/%d%s' % (device['device'], self._partition(container),
                                                     self._path(container)))
            response = connection.getresponse()
            timestamp = response.headers.get('X-Backend-Timestamp')
            found.append((timestamp, response.status == 200) if timestamp else None)
            connection.close()
        return found

    def replicate(self):
        """Have the replicator of each node make a pass."""
        confs = [str(self._cluster.swift_dir / f'{node.own("object")}-server.conf') for node in self._cluster.nodes]
        with open(self._cluster.log_dir / 'replicator.log', 'ab') as log:
            subprocess.run([sys.executable, '-c', _REPLICATE, *confs], check=True, timeout=120, stdout=log, stderr=log)

    def _devices(self, container):
        """Return the device of each replica of the object, and that for handoffs."""
        partition = self._partition(container)
        return [*self._ring.get_part_nodes(partition), *self._ring.get_more_nodes(partition)]

    def _partition(self, container):
        digest = hashlib.md5((self._path(container) + self._suffix).encode(), usedforsecurity=False).digest()
        return int.from_bytes(digest[:4], 'big') >> (32 - PART_POWER)

    @staticmethod
    def _path(container):
        return '/%s/%s/o' % (account(), container)


class Some(Nature):
    """A Swift of which some nodes are away, whose replicas are asked in any order, and then the node for handoffs."""

    gone = ()

    def writes_to(self):
        return [node for node in ALL if node not in self.gone][:REPLICAS]

    def reads_from(self, stored):
        return [node for node in (*random.sample(range(REPLICAS), REPLICAS), HANDOFF) if node not in self.gone]


class ModelNodes(ModelSwift):
    def __init__(self):
        self._nature = Some()
        self._world = World(None, self._nature)

    @contextlib.contextmanager
    def away(self, _container, *numbers):
        self._nature.gone = numbers
        yield
        self._nature.gone = ()

    def stored(self, container):
        return [stored and (stored.timestamp, stored.body is not None)
                for stored in self._world.swift.objects['%s/%s/o' % (ACCOUNT, container)][:len(ALL)]]

    def replicate(self):
        swift = self._world.swift
        for name in list(swift.objects):
            for source in ALL:
                for target in range(REPLICAS):
                    swift.replicate(name, source, target)


@pytest.fixture(scope='module')
def nodes(tmp_path_factory):
    """A cluster of four storage nodes. Its proxies ask a node again that was away a moment ago."""
    with Cluster(tmp_path_factory.mktemp('handoffs'), nodes=len(ALL), policies=(Policy('gold', REPLICAS),),
                 app={'error_suppression_limit': 10 ** 6, 'conn_timeout': 10}) as running:
        yield running


@pytest.fixture(scope='module', params=KINDS)
def asked(request):
    """Swift, of either kind."""
    return ModelNodes() if request.param == 'memory' else RealNodes(request.getfixturevalue('nodes'))


@pytest.fixture
def container(asked):
    """A container of its own."""
    name = 'handoffs-' + secrets.token_hex(6)
    assert 201 == asked.ask('PUT', name).status
    return name


def shown(asked, container, newest=True):
    """Return what many reads show: status, time, and whether ranges are accepted."""
    seen = [asked.ask('HEAD', container, 'o', {'X-Newest': 'true'} if newest else {}) for _ in range(25)]
    return {(each.status, each.headers.get('X-Backend-Timestamp'), 'Accept-Ranges' in each.headers) for each in seen}


def there(seconds):
    """Return what a read shows of an object."""
    return 200, at(seconds), True


def hidden(seconds):
    """Return what a read shows of an object although it has met a newer tombstone."""
    return 200, at(seconds), False


def gone(seconds):
    """Return what a read shows of a tombstone."""
    return 404, at(seconds), False


def test_write_while_a_node_is_away(asked, container):
    """A node for handoffs takes it, and everybody sees it, before and after it is where it belongs."""
    with asked.away(container, 0):
        assert 201 == put(asked, container, 'o', at(0))
    written = at(0), True
    assert [None, written, written, written] == asked.stored(container)
    assert {there(0)} == shown(asked, container) == shown(asked, container, newest=False)

    asked.replicate()
    assert [written, written, written, None] == asked.stored(container)
    assert {there(0)} == shown(asked, container)


def test_write_that_few_replicas_have(asked, container):
    """Where the nodes that took it are away, but not that for handoffs, X-Newest alone shows it."""
    put(asked, container, 'o', at(0))
    with asked.away(container, 0, 1):
        assert 201 == put(asked, container, 'o', at(1))
    assert [(at(0), True)] * 2 + [(at(1), True)] * 2 == asked.stored(container)
    assert {there(1)} == shown(asked, container)
    assert {there(0), there(1)} == shown(asked, container, newest=False)

    with asked.away(container, 2):
        assert {there(1)} == shown(asked, container)
        assert {there(0)} == shown(asked, container, newest=False)
    with asked.away(container, 2, HANDOFF):
        assert {there(0)} == shown(asked, container)

    asked.replicate()
    assert [(at(1), True)] * REPLICAS + [None] == asked.stored(container)
    assert {there(1)} == shown(asked, container, newest=False)


def test_condition_where_the_nodes_that_have_the_object_are_away(asked, container):
    """If-None-Match: * holds: only the nodes that take the write are asked."""
    with asked.away(container, 2, HANDOFF):
        assert 201 == put(asked, container, 'o', at(0))
    with asked.away(container, 0, 1):
        assert 201 == put(asked, container, 'o', at(1), **{'If-None-Match': '*'})
    with asked.away(container, 0):
        assert 412 == put(asked, container, 'o', at(2), **{'If-None-Match': '*'})


def test_delete_while_a_node_is_away(asked, container):
    """X-Newest always tells of it, also while another node is away."""
    put(asked, container, 'o', at(0))
    with asked.away(container, 0):
        assert 204 == delete(asked, container, 'o', at(1))
    assert [(at(0), True)] + [(at(1), False)] * REPLICAS == asked.stored(container)
    assert {gone(1)} == shown(asked, container)
    with asked.away(container, 1):
        assert {gone(1)} == shown(asked, container)

    asked.replicate()
    assert {gone(1)} == shown(asked, container) == shown(asked, container, newest=False)


def test_delete_that_few_replicas_have(asked, container):
    """X-Newest hides it, or tells of it: who answers first decides. A node for handoffs comes last, and does not help.
    """
    put(asked, container, 'o', at(0))
    with asked.away(container, 0, 1):
        assert 204 == delete(asked, container, 'o', at(1))
    assert [(at(0), True)] * 2 + [(at(1), False)] * 2 == asked.stored(container)
    assert {hidden(0), gone(1)} == shown(asked, container)
    assert {there(0), gone(1)} == shown(asked, container, newest=False)

    with asked.away(container, 2):
        assert {hidden(0)} == shown(asked, container)
        assert {there(0)} == shown(asked, container, newest=False)

    asked.replicate()
    assert {gone(1)} == shown(asked, container) == shown(asked, container, newest=False)


def test_read_that_reaches_one_replica_with_the_object(asked, container):
    """Of one old answer and one tombstone, the first counts."""
    put(asked, container, 'o', at(0))
    with asked.away(container, 0, HANDOFF):
        assert 204 == delete(asked, container, 'o', at(1))

    with asked.away(container, 1, HANDOFF):
        assert {hidden(0), gone(1)} == shown(asked, container)
