# SPDX-License-Identifier: Apache-2.0
"""Runs the daemons of one storage node in one process: each makes a pass in turn, again and again.

`python -m tests.cluster.node_daemons ACCOUNT-CONF CONTAINER-CONF OBJECT-CONF COUNT`: COUNT is a file for the number of
rounds that have ended.
"""

from __future__ import annotations

import importlib
import os
import sys

from s3multi.demo.server import use_swift_dir
from tests.integration.daemons import make_daemon, prepare

# In the order of their passes; the updater, which brings late rows, comes first.
DAEMONS = [
    ('object', 'object-updater', 'swift.obj.updater', 'ObjectUpdater'),
    ('object', 'object-replicator', 'swift.obj.replicator', 'ObjectReplicator'),
    ('object', 'object-reconstructor', 'swift.obj.reconstructor', 'ObjectReconstructor'),
    ('container', 'container-replicator', 'swift.container.replicator', 'ContainerReplicator'),
    ('container', 'container-updater', 'swift.container.updater', 'ContainerUpdater'),
    ('account', 'account-replicator', 'swift.account.replicator', 'AccountReplicator'),
]
REST_SECONDS = 3


def make_daemons(conf_paths):
    """Return the daemons. conf_paths: the configuration files of account, container and object server."""
    prepare()
    kinds = dict(zip(('account', 'container', 'object'), conf_paths))
    return [make_daemon(kinds[kind], section, getattr(importlib.import_module(module), name))
            for kind, section, module, name in DAEMONS]


def main(conf_paths, count_path):
    """Have the daemons make their passes for ever. count_path: the file for the number of rounds."""
    use_swift_dir(os.path.dirname(conf_paths[0]))
    daemons = make_daemons(conf_paths)
    from eventlet import Timeout, sleep
    rounds = 0
    while True:
        for daemon in daemons:
            try:
                daemon.run_once()
            except (Exception, Timeout):
                daemon.logger.exception('the pass failed')
        rounds += 1
        with open(count_path + '.new', 'w', encoding='ascii') as file:
            file.write(str(rounds))
        os.replace(count_path + '.new', count_path)
        sleep(REST_SECONDS)


if __name__ == '__main__':
    main(sys.argv[1:4], sys.argv[4])
