# SPDX-License-Identifier: Apache-2.0
"""What Swift does where replicas, times and the expirer differ, and what its cache does: real, and in memory.

It goes on where ``test_swift_contract`` ends, with an object of three replicas of which a write reaches some.
"""

from __future__ import annotations

import hashlib
import http.client
import random
import secrets
import time
from urllib.parse import quote

import pytest
from swift.common.memcached import MemcacheConnectionError, MemcacheRing
from swift.common.utils import Timestamp, get_logger

from s3multi.demo.child import Child
from s3multi.demo.disks import PART_POWER, hash_suffix
from s3multi.demo.ports import HOST, free_port
from s3multi.upload.names import Upload as Layout
from tests.model.kinds import ACCOUNT
from tests.model.swift import REPLICAS, Nature
from tests.model.world import Cache, World

from .test_swift_contract import KINDS, ModelSwift, RealSwift, at, contract_proxy, delete, head, put
from .uploads import Upload
from .users import account

ALL = range(REPLICAS)


class RealReplicas(RealSwift):
    """An object server is asked by itself for what reaches some replicas only."""

    def __init__(self, cluster):
        super().__init__(contract_proxy(cluster))
        node, = cluster.nodes
        self._port = node.ports['object']
        self._suffix = hash_suffix(cluster.swift_dir / 'swift.conf')
        self._devices = sorted(node.disks, key=lambda name: int(name[1:]))[:REPLICAS]

    def reach(self, replicas, method, container, time, name='o', **headers):
        """Send a request for an object to some replicas; return statuses and timestamps."""
        path = '/%s/%s/%s' % (account(), container, name)
        digest = hashlib.md5((path + self._suffix).encode(), usedforsecurity=False).digest()
        partition = int.from_bytes(digest[:4], 'big') >> (32 - PART_POWER)
        found = []
        for replica in replicas:
            connection = http.client.HTTPConnection(HOST, self._port, timeout=30)
            connection.request(method, '/%s/%d%s' % (self._devices[replica], partition, quote(path)), b'', {
                'X-Timestamp': time, 'X-Backend-Storage-Policy-Index': '1', 'Content-Length': '0',
                'Content-Type': 'text/plain', **headers})
            response = connection.getresponse()
            response.read()
            found.append((response.status, response.headers.get('X-Backend-Timestamp')))
            connection.close()
        return found

    def stored(self, container):
        """Return for each replica when the object was written or deleted, and whether it is there; None for neither."""
        return [(timestamp, status == 200) if timestamp else None
                for status, timestamp in self.reach(ALL, 'HEAD', container, at())]

    def expire(self, container, ends):
        """Do what the expirer does."""
        self.ask('DELETE', container, 'o', {'X-If-Delete-At': str(ends), 'X-Timestamp': Timestamp(ends).internal})


class Some(Nature):
    """A Swift whose writes reach some replicas, and whose replicas answer in any order."""

    replicas = ALL

    def writes_to(self):
        return self.replicas

    def reads_from(self, stored):
        return random.sample(ALL, REPLICAS)


class ModelReplicas(ModelSwift):
    def __init__(self):
        self._nature = Some()
        self._world = World(None, self._nature)

    def reach(self, replicas, method, container, time, **headers):
        self._nature.replicas = replicas
        self.ask(method, container, 'o', {'X-Timestamp': time, 'Content-Type': 'text/plain', **headers})
        self._nature.replicas = ALL

    def stored(self, container):
        there = self._world.swift.objects.get('%s/%s/o' % (ACCOUNT, container), [None] * REPLICAS)
        return [stored and (stored.timestamp, stored.body is not None) for stored in there[:REPLICAS]]

    def expire(self, _container, _ends):
        self._world.swift.expire()


@pytest.fixture(scope='module', params=KINDS)
def asked(request):
    """Swift, of either kind."""
    return ModelReplicas() if request.param == 'memory' else RealReplicas(request.getfixturevalue('cluster'))


@pytest.fixture
def container(asked):
    """A container whose objects have three replicas."""
    name = 'replicas-' + secrets.token_hex(6)
    assert 201 == asked.ask('PUT', name, headers={'X-Storage-Policy': 'silver'}).status
    return name


def test_write_where_a_replica_has_what_is_newer(asked, container):
    """202, and Swift has stored nothing on the others either."""
    asked.reach([1], 'PUT', container, at(5))

    assert 202 == put(asked, container, 'o', at(3))
    assert [None, (at(5), True), None] == asked.stored(container)


def test_condition_where_a_replica_has_the_object(asked, container):
    """If-None-Match: * fails, and nothing is stored."""
    asked.reach([1], 'PUT', container, at(0))

    assert 412 == put(asked, container, 'o', at(1), **{'If-None-Match': '*'})
    assert [None, (at(0), True), None] == asked.stored(container)


@pytest.mark.parametrize('method, status', [('PUT', 200), ('DELETE', 404)])
def test_newest(asked, container, method, status):
    """X-Newest tells what most replicas have, if that is newer by an offset only, and a tombstone too."""
    put(asked, container, 'o', at(0))
    asked.reach([1, 2], method, container, at(0, 1))

    for _ in range(10):
        shown = head(asked, container, 'o')
        assert (status, at(0, 1)) == (shown.status, shown.headers['X-Backend-Timestamp'])
        assert (status == 200) is ('Accept-Ranges' in shown.headers)


def test_newest_where_one_replica_has_a_tombstone(asked, container):
    """X-Newest shows it or does not: it depends on which replica answers first.

    Only an answer that hides no tombstone which was met says that ranges are accepted (``s3multi.storage.answers``).
    """
    put(asked, container, 'o', at(0))
    asked.reach([2], 'DELETE', container, at(1))

    shown = [head(asked, container, 'o') for _ in range(40)]
    assert {200, 404} == {each.status for each in shown}
    assert not any('Accept-Ranges' in each.headers for each in shown if each.status == 200)


def test_newest_where_replicas_have_different_tombstones(asked, container):
    """X-Newest tells the time of the one that answers first, which need not be the newest."""
    asked.reach([0, 1], 'DELETE', container, at(1))
    asked.reach([2], 'DELETE', container, at(2))

    shown = [head(asked, container, 'o') for _ in range(40)]
    assert {(404, at(1)), (404, at(2))} == {(each.status, each.headers['X-Backend-Timestamp']) for each in shown}


def test_newest_where_a_replica_was_never_told(asked, container):
    """A replica that has nothing, not even a tombstone, is passed over, but not a second one."""
    asked.reach([0], 'DELETE', container, at(1))
    shown = {head(asked, container, 'o').headers.get('X-Backend-Timestamp') for _ in range(40)}
    assert {at(1), None} == shown

    asked.reach([1], 'DELETE', container, at(1))
    assert {at(1)} == {head(asked, container, 'o').headers.get('X-Backend-Timestamp') for _ in range(40)}


@pytest.mark.parametrize('there, status', [(3, 204), (2, 204), (1, 404), (0, 404)])
def test_delete_where_replicas_have_nothing(asked, container, there, status):
    """The answer is that of the majority; all of them get a tombstone."""
    asked.reach(ALL[:there], 'PUT', container, at(0))

    assert status == delete(asked, container, 'o', at(1))
    assert [(at(1), False)] * REPLICAS == asked.stored(container)


@pytest.mark.parametrize('newer, status', [(1, 204), (2, 409)])
def test_delete_where_replicas_have_what_is_newer(asked, container, newer, status):
    """These keep it, whatever the answer is."""
    put(asked, container, 'o', at(0))
    asked.reach(ALL[:newer], 'PUT', container, at(2))

    assert status == delete(asked, container, 'o', at(1))
    assert [(at(2), True)] * newer + [(at(1), False)] * (REPLICAS - newer) == asked.stored(container)


@pytest.mark.parametrize('time', [at(1), at(0)], ids=['equal', 'earlier'])
def test_write_where_a_replica_has_a_tombstone(asked, container, time):
    """202, if the tombstone is not older."""
    asked.reach([0], 'DELETE', container, at(1))

    assert 202 == put(asked, container, 'o', time)
    assert [(at(1), False), None, None] == asked.stored(container)


def test_post_that_replicas_miss(asked, container):
    """X-Newest shows it, or does not."""
    put(asked, container, 'o', at(0))
    asked.reach([1], 'POST', container, at(1), **{'X-Object-Meta-Colour': 'blue'})

    assert {'blue', None} == {head(asked, container, 'o').headers.get('X-Object-Meta-Colour') for _ in range(40)}


@pytest.mark.parametrize('time, status', [(at(1), 202), (at(0), 409), (at(-1), 409)],
                         ids=['later', 'equal', 'earlier'])
def test_post_at_a_time(asked, container, time, status):
    """A POST changes what is older, and nothing else."""
    put(asked, container, 'o', at(0))

    assert status == asked.ask('POST', container, 'o', {'X-Timestamp': time, 'X-Object-Meta-Colour': 'blue'}).status
    assert (status == 202) is ('X-Object-Meta-Colour' in head(asked, container, 'o').headers)


def test_expirer_that_comes_late_or_twice(asked, container):
    """An object that has expired is not shown, and can be replaced; the expirer deletes it once, and what replaced it
    not at all.
    """
    ends = int(time.time()) + 2
    put(asked, container, 'o', Timestamp.now().internal, **{'X-Delete-At': str(ends)})
    time.sleep(ends + 0.05 - time.time())
    assert 404 == head(asked, container, 'o').status
    opened = asked.ask('HEAD', container, 'o', {'X-Newest': 'true', 'X-Backend-Open-Expired': 'true'})
    assert 200 == opened.status

    for _ in range(2):
        asked.expire(container, ends)
        assert [(Timestamp(ends).internal, False)] * REPLICAS == asked.stored(container)
    assert 201 == put(asked, container, 'o', Timestamp(ends, offset=1).internal)
    asked.expire(container, ends)
    assert 200 == head(asked, container, 'o').status


@pytest.mark.parametrize('replica', ALL)
def test_upload_whose_end_has_reached_one_replica(cluster, tiny, swift, replica):
    """s3multi always learns of it: it asks the replicas in every order if need be, and believes no older answer."""
    bucket = 'bucket-' + secrets.token_hex(8)
    swift.put_container(bucket, {'X-Storage-Policy': 'silver'})
    upload = Upload(tiny, bucket).parts(b'part')
    layout = Layout(account(), bucket, 'key', upload.id)
    (status, _), = RealReplicas(cluster).reach([replica], 'DELETE', layout.marker_container, Timestamp.now().internal,
                                               layout.marker)

    assert 204 == status
    assert {(404, 'NoSuchUpload')} == {tiny.list_parts(bucket, 'key', upload.id).outcome for _ in range(15)}


@pytest.fixture(params=KINDS)
def caches(request, tmp_path):
    """A cache, and one that is away."""
    if request.param == 'memory':
        here, away = Cache(time.time), Cache(time.time)
        away.away = True
        yield here, away
        return
    ports = [free_port(set()), free_port(set())]
    server = Child('cache', ['cache', str(ports[0])], ports[0], tmp_path / 'cache.log', healthcheck=None)
    server.start()
    yield [MemcacheRing([f'{HOST}:{port}'], logger=get_logger({}, 'test-cache')) for port in ports]
    server.stop()


def test_cache(caches):
    """One that is away answers nothing and keeps nothing; only who counts is told."""
    here, away = caches
    for cache in caches:
        cache.set('key', 'value', time=60)
        cache.set_multi({'x': 1, 'y': 'two'}, 'server', time=60)
    assert ('value', [1, 'two', None]) == (here.get('key'), list(here.get_multi(['x', 'y', 'z'], 'server')))
    assert [1, 2] == [here.incr('n', time=60), here.incr('n', time=60)]
    here.delete('key')
    assert here.get('key') is None

    assert away.get('key') is None
    assert not any(away.get_multi(['x', 'y'], 'server') or ())
    away.delete('key')
    with pytest.raises(MemcacheConnectionError):
        away.incr('n', time=60)
