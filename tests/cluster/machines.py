# SPDX-License-Identifier: Apache-2.0
"""A cluster of several storage nodes, with two proxies that can be told to fail, and the faults of each."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path

from s3multi.demo.child import Child
from s3multi.demo.cluster import Cluster, Policy
from s3multi.demo.conf import merge
from s3multi.demo.ports import address
from s3multi.upload.marker_names import markers_container

from tests.integration import users
from tests.integration.faults import FaultyProxy
from tests.integration.uploads import RESERVED, TINY_PARTS

from . import clocks, damage, rsync
from .disks import unsettled
from .links import Links
from .node_daemons import RECLAIM_SECONDS, read_count

NODES = 4
REST_SECONDS = 3
PROXIES = ('left', 'right')
EC = {'policy_type': 'erasure_coding', 'ec_type': 'liberasurecode_rs_vand', 'ec_num_data_fragments': 2,
      'ec_num_parity_fragments': 2}
POLICIES = (Policy('gold', 3), Policy('coded', NODES, EC))
# There is a bucket for each policy, with the same name.
BUCKETS = tuple(policy.name for policy in POLICIES)
# A paused node keeps its connections. So proxies must not wait for an answer as long as Swift's ten seconds.
# What it knows of shards it has to forget before Swift may delete what is left of a shard that was split or merged.
APP = {'node_timeout': 3, 'recoverable_node_timeout': 2, 'conn_timeout': 0.5,
       'recheck_listing_shard_ranges': RECLAIM_SECONDS // 3, 'recheck_updating_shard_ranges': RECLAIM_SECONDS // 3}
# A proxy that could not reach the cache for a while asks it again soon, not after Swift's minute.
CACHE = {'cache': {'error_suppression_interval': 2}}
# The reserve is more than any disk has free, so the servers answer 507 to every write.
FULL = 'disable_fallocate = false\nfallocate_reserve = %d\n' % 10 ** 18
NOT_FULL = 'disable_fallocate = true\nfallocate_reserve = 0\n'
ENCRYPTION = {'keymaster': {'use': 'egg:swift#keymaster', 'encryption_root_secret': 'Yw' * 22},
              'encryption': {'use': 'egg:swift#encryption'}}
ENCRYPTION_FILTERS = ' '.join(ENCRYPTION)
# Enough for a machine on which other programs leave little time.
SETTLE_SECONDS, RESTORE_SECONDS = 600, 120
# More than the lease of an intent, and less than the difference of clocks at which signatures are refused.
LATER_SECONDS = 70
# An Abort of more parts hands them to the expirer.
IMMEDIATE_DELETES = 2


class Machines:
    """The cluster, its `proxies`, and their faults; a context manager that starts and stops it.

    Methods that start a process have to be called from the thread that began the with block. sharding: whether
    containers of more than a few rows are sharded. rest: for how many seconds the daemons rest between their rounds.
    """

    def __init__(self, directory, sharding=True, rest=REST_SECONDS):
        self.sharding, self._rest = sharding, rest
        self.links = Links(Path(directory) / 'links', PROXIES, [address(number) for number in range(1, NODES + 1)])
        self.cluster = Cluster(directory, nodes=NODES, policies=POLICIES, app=APP,
                               pipeline=users.auth.pipeline.replace('symlink', f'symlink {ENCRYPTION_FILTERS}').replace(
                                   'proxy-server', 'links proxy-server'),
                               filters=merge(users.auth.filters, users.GATEKEEPER, users.RESELLER, TINY_PARTS,
                                             ENCRYPTION, CACHE, self.links.filter('log_name')),
                               storage_filters=self.links.filter('bind_ip'))
        self.proxies = []
        self._daemons = {}
        self._rsync = {}

    def __enter__(self):
        self.cluster.start()
        try:
            self.proxies = [FaultyProxy(self.cluster, name, immediate_deletes=IMMEDIATE_DELETES) for name in PROXIES]
            self._rsync, options = rsync.make_daemons(self.cluster)
            for child in self._rsync.values():
                child.start()
            self._daemons = {node.number: self._make_daemons(node, json.dumps(options)) for node in self.cluster.nodes}
            self.start_daemons()
            # Before anything fails: without rsync, no whole database is copied to a node that missed it.
            for policy in POLICIES:
                self.make_bucket(policy.name, policy.name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error):
        self.stop_daemons()
        for child in self._rsync.values():
            child.kill()
        self.cluster.stop()

    def swift(self, user='test:tester'):
        """Return a connection to the Swift API, by a proxy that does not fail."""
        return users.auth.connection(self.cluster.proxy, user, 'testing', retries=2)

    def make_bucket(self, name, policy):
        """Make a bucket and all containers that uploads to it need."""
        swift, operator = self.swift(), self.swift('reseller:operator')
        operator.url, operator.token = swift.get_auth()[0], operator.get_auth()[1]
        for each in (name, f'{name}_segments', markers_container(name)):
            swift.put_container(each, {'X-Storage-Policy': policy, **RESERVED})
            if self.sharding:
                operator.post_container(each, {'X-Container-Sharding': 'on', **RESERVED})
        swift.close()
        operator.close()

    def start_daemons(self):
        """Start the daemons on all nodes where they do not run."""
        for child in self._daemons.values():
            if child.pid is None:
                child.spawn()

    def stop_daemons(self):
        """End the daemons of all nodes."""
        for child in self._daemons.values():
            child.kill()

    def wait_for_nodes(self):
        """Return when the servers of all nodes answer."""
        deadline = time.monotonic() + RESTORE_SECONDS
        while not self.nodes_answer():
            assert time.monotonic() < deadline, 'not all nodes came back'
            time.sleep(0.1)

    # The faults. What ends one returns at once; `nodes_answer` tells when the nodes are back.

    def kill(self, number):
        """End all processes of a node at once."""
        for child in self._of_node(number):
            child.kill()

    def start(self, number):
        """Start the processes of a node that do not run."""
        for child in self._of_node(number):
            if child.pid is None:
                child.spawn()

    def pause(self, number):
        """Suspend all processes of a node."""
        for child in self._of_node(number):
            child.pause()

    def resume(self, number):
        """Let the processes of a node go on."""
        for child in self._of_node(number):
            child.resume()

    def stop_containers(self, _number=None):
        """End the container servers of all nodes, so that the rows of objects that are written now come later."""
        for node in self.cluster.nodes:
            self.cluster.servers[node.own('container')].kill()

    def start_containers(self, _number=None):
        """Start the container servers of all nodes again."""
        for node in self.cluster.nodes:
            self.cluster.servers[node.own('container')].spawn()

    def fill(self, number):
        """Make the disk of a node seem full: start its servers again with a reserve that no disk has free."""
        self._configure(number, NOT_FULL, FULL)

    def empty(self, number):
        """Start the servers of a node again without the reserve."""
        self._configure(number, FULL, NOT_FULL)

    def restart_cache(self):
        """End the cache, and start an empty one."""
        self.cluster.servers['cache'].kill()
        self.cluster.servers['cache'].spawn()

    def shift_clock(self, number):
        """Start all processes of a node again with a wrong clock: ahead on every other node, else behind."""
        self.kill(number)
        with clocks.shifted(clocks.NODE_SECONDS * (-1) ** number):
            self.start(number)

    def set_clock(self, number):
        """Start all processes of a node again with the right clock."""
        self.kill(number)
        self.start(number)

    def corrupt(self, number, rng):
        """Corrupt objects on the disk of a node, as `rng` chooses. Auditors find them, and other daemons mend them."""
        damage.corrupt_objects(self._disk(number), rng)

    def damage_databases(self, number, rng):
        """Damage container databases on the disk of a node, as `rng` chooses. With rsync they are copied again."""
        damage.damage_databases(self._disk(number), rng)

    def replace_disk(self, number, _rng=None):
        """Put an empty disk in the place of that of a node. With rsync the daemons fill it."""
        self.kill(number)
        damage.wipe(self._disk(number))
        self.start(number)

    def nodes_answer(self):
        """Return whether the servers of all nodes answer."""
        return not self._silent(self.cluster.servers.values())

    def missing(self):
        """Return the servers and proxies that do not answer."""
        return self._silent([*self.cluster.servers.values(), *self.cluster.proxies.values()])

    @staticmethod
    def _silent(children):
        return [child for child in children if child.pid is None or not child.answers()]

    def settle(self):
        """Return when replicators and updaters have nothing left to do. All servers have to run.

        Raises AssertionError if that takes too long.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        looks = 0
        # Two looks in a row, because a server may still be writing what its answer did not wait for.
        while looks < 2:
            time.sleep(1)
            left = unsettled(self.cluster)
            looks = 0 if left else looks + 1
            assert time.monotonic() < deadline, f'there is still work after {SETTLE_SECONDS} s: {left}'

    @contextlib.contextmanager
    def at_rest(self):
        """Settle, and have no daemon work inside the with block, not even the expirer."""
        self.settle()
        self.stop_daemons()
        try:
            yield
        finally:
            self.start_daemons()

    def expire(self):
        """Have the expirer delete what its queue holds, and settle."""
        # The expirer finds only the containers of the queue that an updater has reported to the account.
        self.wait_for_daemons()
        self.cluster.run_once('object-expirer')
        self.settle()

    def later(self):
        """Return a proxy whose clock is ahead, so that the lease of every Complete of the other proxies is over.

        Its Aborts answer when the parts are deleted.
        """
        return FaultyProxy(self.cluster, 'later', seconds_ahead=LATER_SECONDS, abort_waits='true')

    def wait_for_daemons(self):
        """Return when the daemons of each node have made a whole round that began after this call.

        Raises AssertionError if that takes too long.
        """
        before = self.rounds()
        deadline = time.monotonic() + SETTLE_SECONDS
        while not self.made_a_round(before):
            assert time.monotonic() < deadline, f'the daemons made no whole round in {SETTLE_SECONDS} s'
            time.sleep(0.2)

    def made_a_round(self, before):
        """Return whether the daemons of each node have made a whole round. before: what `rounds` returned then."""
        return all(now >= then + 2 for now, then in zip(self.rounds(), before))

    def rounds(self):
        """Return how many rounds the daemons of each node have ended."""
        return [read_count(self._count_path(node)) for node in self.cluster.nodes]

    def _count_path(self, node):
        return self.cluster.log_dir / f'daemons{node.number}.rounds'

    def _disk(self, number):
        node = self.cluster.nodes[number - 1]
        return node.devices(self.cluster.directory) / node.disks[0]

    def _of_node(self, number):
        node = self.cluster.nodes[number - 1]
        servers = [self.cluster.servers[node.own(kind)] for kind in node.ports]
        return [*servers, self._daemons[number], *([self._rsync[number]] if self._rsync else ())]

    def _configure(self, number, old, new):
        self.kill(number)
        node = self.cluster.nodes[number - 1]
        for kind in node.ports:
            path = self.cluster.swift_dir / f'{node.own(kind)}-server.conf'
            text = path.read_text()
            assert old in text, f'{path} does not say {old}'
            path.write_text(text.replace(old, new))
        self.start(number)

    def _make_daemons(self, node, options):
        paths = [str(self.cluster.swift_dir / f'{node.own(kind)}-server.conf') for kind in node.ports]
        count_path = self._count_path(node)
        count_path.unlink(missing_ok=True)
        return Child(f'daemons{node.number}',
                     ['exec', sys.executable, '-m', 'tests.cluster.node_daemons', *paths, str(count_path),
                      str(self._rest), *self.links.words(node.host), options], 0,
                     self.cluster.log_dir / f'daemons{node.number}.log')
