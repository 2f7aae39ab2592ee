# SPDX-License-Identifier: Apache-2.0
"""Swift's daemons, each for one pass over what a test names.

By itself a pass looks at every container of the cluster, and those of all tests are in one. The daemons run in one
process, since most of the time of a short pass goes into imports: `python -m tests.integration.daemons SWIFT-DIR` reads
the name of a function below and its arguments from a line of its input, and answers when the pass is over.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time

from s3multi.demo.server import use_swift_dir

from .behind import settle

QUEUE = '.expiring_objects'
DAY = 86400
# How far ahead tests have objects expire.
DAYS = 40
# Swift names as many containers of the queue for a day, by numbers that end with it.
PER_DAY = 100


class Daemons:
    """The daemons of a cluster of one node; a context manager that ends their process."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._process = None

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait(10)
            self._process.stdout.close()

    def update_account(self, account, *containers):
        """Have the account know what these containers hold. Those that do not exist are passed over."""
        self._run('update_account', account, containers)

    def update_queue(self):
        """Have the account of the expirer's queue know its containers, without which the expirer does not find them."""
        today = int(time.time()) // DAY
        self.update_account(QUEUE, *(f'{day * DAY - number:010}' for day in range(today, today + DAYS)
                                     for number in range(PER_DAY)))

    def expire(self):
        """Have the object expirer do what is in its queue, and has come to its time."""
        self.update_queue()
        self._run('expire')

    def update_rows(self):
        """Have the containers know the objects whose rows are late."""
        self._run('update_rows')

    def shard(self, path):
        """Have the sharder make a pass of one container. path: its account and name."""
        self._run('shard', *path.split('/', 1))

    def _run(self, *words):
        settle()
        if self._process is None:
            with open(self._cluster.log_dir / 'daemons.log', 'ab') as log:
                self._process = subprocess.Popen(
                    [sys.executable, '-m', __name__, str(self._cluster.swift_dir)], stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=log, text=True, env={
                        **os.environ, 'PYTHONWARNINGS': 'ignore',
                        'PYTHONPATH': os.pathsep.join(filter(None, sys.path))})
        print(json.dumps(words), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer == 'done\n', f'{words[0]} failed, as daemons.log tells'


# In the process

def prepare():
    """Make this process one in which daemons of Swift can run."""
    import eventlet
    from swift.common import utils

    utils.monkey_patch()
    # Swift's own launcher does this, too: the hub has to survive the forks of the updater.
    eventlet.hubs.use_hub(utils.get_hub())
    utils.disable_fallocate()
    os.environ['TZ'] = 'UTC+0'
    time.tzset()


def make_daemon(conf_path, section, daemon_class, options=None):
    """Return a daemon of Swift. conf_path: its configuration file. section: the daemon's there. options: more of it."""
    from swift.common import utils
    conf = {**utils.readconf(conf_path, section, log_name=section), **(options or {})}
    return daemon_class(conf, logger=utils.get_logger(conf, section, log_to_console=True, log_route=section))


def replicate(*conf_paths):
    """Have object replicators make a pass in this process. conf_paths: the files of their object servers."""
    use_swift_dir(os.path.dirname(conf_paths[0]))
    prepare()
    replicator = importlib.import_module('swift.obj.replicator').ObjectReplicator
    for path in conf_paths:
        make_daemon(path, 'object-replicator', replicator).run_once()


class _Passes:
    def __init__(self, swift_dir):
        from swift.common.ring import Ring
        self._swift_dir = swift_dir
        self._ring = Ring(swift_dir, ring_name='container')
        self._daemons = {}

    def update_account(self, account, containers):
        updater = self._daemon('container-server', 'container-updater', 'swift.container.updater', 'ContainerUpdater')
        updater.successes = updater.failures = updater.no_changes = 0
        for container in containers:
            directory = self._directory(account, container)
            for device in os.listdir(updater.devices):
                path = os.path.join(updater.devices, device, directory, os.path.basename(directory) + '.db')
                if os.path.exists(path):
                    updater.process_container(path)
        assert not updater.failures

    def expire(self):
        self._daemon('object-expirer', 'object-expirer', 'swift.obj.expirer', 'ObjectExpirer').run_once()

    def update_rows(self):
        self._daemon('object-server', 'object-updater', 'swift.obj.updater', 'ObjectUpdater').run_once()

    def shard(self, account, container):
        sharder = self._daemon('container-server', 'container-sharder', 'swift.container.sharder', 'ContainerSharder')
        walk = type(sharder).roundrobin_datadirs
        wanted = self._directory(account, container)
        sharder.roundrobin_datadirs = lambda devices: (
            each for each in walk(sharder, devices) if os.path.dirname(each[1]).endswith(wanted))
        sharder.run_once()
        assert sharder.stats['sharding']['visited']['success'] == 1

    def _daemon(self, file, section, module, name):
        if name not in self._daemons:
            # By itself a sharder looks at 50 containers a second, and those of all tests are in one cluster.
            self._daemons[name] = make_daemon(os.path.join(self._swift_dir, f'{file}.conf'), section, getattr(
                importlib.import_module(module), name), {'databases_per_second': 10000})
        return self._daemons[name]

    def _directory(self, account, container):
        """Return the directory of a container's database, below its device."""
        from swift.common.utils import hash_path, storage_directory
        return storage_directory('containers', self._ring.get_part(account, container), hash_path(account, container))


def main(swift_dir):
    """Make the passes that the lines of the input name."""
    use_swift_dir(swift_dir)
    prepare()
    passes = _Passes(swift_dir)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        getattr(passes, name)(*arguments)
        print('done', flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
