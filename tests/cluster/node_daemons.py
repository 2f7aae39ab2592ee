# SPDX-License-Identifier: Apache-2.0
"""Runs the daemons of one storage node in one process: each makes a pass in turn, again and again.

`python -m tests.cluster.node_daemons ACCOUNT-CONF CONTAINER-CONF OBJECT-CONF COUNT REST LINKS HOST OPTIONS`: COUNT is a
file for the number of rounds that have ended, after each of which the daemons rest for REST seconds. LINKS and HOST are
those of links.follow. OPTIONS are further ones of the daemons, by section, as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

from s3multi.demo.server import use_swift_dir
from tests.integration.daemons import make_daemon, prepare

# In the order of their passes; the updater, which brings late rows, comes first, and auditors before what makes up for
# what they took away.
DAEMONS = [
    ('object', 'object-updater', 'swift.obj.updater', 'ObjectUpdater'),
    ('object', 'object-auditor', 'swift.obj.auditor', 'ObjectAuditor'),
    ('container', 'container-auditor', 'swift.container.auditor', 'ContainerAuditor'),
    ('account', 'account-auditor', 'swift.account.auditor', 'AccountAuditor'),
    ('object', 'object-replicator', 'swift.obj.replicator', 'ObjectReplicator'),
    ('object', 'object-reconstructor', 'swift.obj.reconstructor', 'ObjectReconstructor'),
    ('container', 'container-replicator', 'swift.container.replicator', 'ContainerReplicator'),
    ('container', 'container-sharder', 'swift.container.sharder', 'ContainerSharder'),
    ('container', 'container-updater', 'swift.container.updater', 'ContainerUpdater'),
    ('account', 'account-replicator', 'swift.account.replicator', 'AccountReplicator'),
    ('expirer', 'object-expirer', 'swift.obj.expirer', 'ObjectExpirer'),
]
# For how long a container keeps the rows of deleted objects. They count when Swift looks for shards to shrink.
RECLAIM_SECONDS = 90
# Containers of a few rows are split into shards, and shards that have fewer rows than at first are merged.
SHARDING = {'auto_shard': True, 'shard_container_threshold': 20, 'rows_per_shard': 6, 'minimum_shard_size': 5,
            'shrink_threshold': 5, 'expansion_limit': 16, 'cleave_batch_size': 10, 'conn_timeout': 1}
OPTIONS = {'object-auditor': {'files_per_second': 10000},
           'container-replicator': {'reclaim_age': RECLAIM_SECONDS},
           'container-sharder': {**SHARDING, 'reclaim_age': RECLAIM_SECONDS}}


def make_daemons(conf_paths, options):
    """Return the daemons. conf_paths: the configuration files of account, container and object server."""
    prepare()
    kinds = dict(zip(('account', 'container', 'object'), conf_paths))
    kinds['expirer'] = os.path.join(os.path.dirname(conf_paths[0]), 'object-expirer.conf')
    return [make_daemon(kinds[kind], section, getattr(importlib.import_module(module), name),
                        {**OPTIONS.get(section, {}), **options.get(section, {})})
            for kind, section, module, name in DAEMONS]


def read_count(path):
    """Return the number of rounds that have ended. path: of the file."""
    try:
        with open(path, encoding='ascii') as file:
            return int(file.read())
    except FileNotFoundError:
        return 0


def main(conf_paths, count_path, rest, links, host, options):
    """Have the daemons make their passes for ever. Arguments: as on the command line."""
    use_swift_dir(os.path.dirname(conf_paths[0]))
    daemons = make_daemons(conf_paths, json.loads(options))
    from eventlet import Timeout, sleep

    from .links import follow
    follow(links, host)
    # They go on counting when they are started again.
    rounds = read_count(count_path)
    while True:
        for (_kind, section, _module, _name), daemon in zip(DAEMONS, daemons):
            try:
                if section == 'object-auditor':
                    # Its run_once forks, which the other daemons of this process must not see.
                    daemon.run_audit(mode='once')
                else:
                    daemon.run_once()
            except (Exception, Timeout):
                daemon.logger.exception('the pass failed')
        rounds += 1
        with open(count_path + '.new', 'w', encoding='ascii') as file:
            file.write(str(rounds))
        os.replace(count_path + '.new', count_path)
        sleep(float(rest))


if __name__ == '__main__':
    main(sys.argv[1:4], *sys.argv[4:])
