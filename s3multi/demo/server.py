# SPDX-License-Identifier: Apache-2.0
"""Run one server or daemon of the demo cluster: `python -m s3multi.demo.server [--parent PID] NAME ARGUMENT...`.

NAME is one of SWIFT_PROGRAMS, whose arguments are the configuration file and Swift's own options; `cache`, whose
argument is a port; `keystone`, whose arguments are those of keystone_server.serve(); or `exec`, whose arguments are any
command.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import signal
import sys

PR_SET_PDEATHSIG = 1     # <sys/prctl.h>

SWIFT_PROGRAMS = {
    'proxy': 'swift.proxy.server',
    'account': 'swift.account.server',
    'container': 'swift.container.server',
    'object': 'swift.obj.server',
    'account-reaper': 'swift.account.reaper',
    'container-sharder': 'swift.container.sharder',
    'container-sync': 'swift.container.sync',
    'container-updater': 'swift.container.updater',
    'object-updater': 'swift.obj.updater',
    'object-expirer': 'swift.obj.expirer',
}


def end_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends, for whatever reason. Does nothing outside of Linux."""
    if not sys.platform.startswith('linux'):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The parent may have ended before the call above.
    if os.getppid() != parent_pid:
        sys.exit('the process that started this server is gone')


def use_swift_dir(directory: str) -> None:
    """Have this process take the cluster's swift.conf and rings from `directory`."""
    from swift.common import utils
    # The option swift_dir of the configuration file is not enough: servers would read rings and hash suffix there, but
    # keep the storage policies and constraints of /etc/swift.
    utils.set_swift_dir(directory)
    from swift.common import constraints, storage_policy
    storage_policy.reload_storage_policies()
    constraints.reload_constraints()


def run_swift(name: str, arguments: list[str]) -> None:
    """Run one of SWIFT_PROGRAMS. arguments: its configuration file, then Swift's options."""
    conf_path = os.path.abspath(arguments[0])
    use_swift_dir(os.path.dirname(conf_path))
    sys.argv = ['swift-' + name, conf_path, '--verbose', *arguments[1:]]
    importlib.import_module(SWIFT_PROGRAMS[name]).main()


def main() -> None:
    """Read the command line and become the program it names."""
    parser = argparse.ArgumentParser(prog='python -m s3multi.demo.server', description=__doc__)
    parser.add_argument('--parent', type=int, metavar='PID', help='end when this process, the parent, ends')
    parser.add_argument('name', choices=[*SWIFT_PROGRAMS, 'cache', 'keystone', 'exec'])
    parser.add_argument('arguments', nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.parent is not None:
        end_with_parent(options.parent)
    if options.name == 'exec':
        os.execvp(options.arguments[0], options.arguments)
    elif options.name == 'cache':
        from .memcache import serve
        serve(int(options.arguments[0]))
    elif options.name == 'keystone':
        from . import keystone_server
        conf_path, port, requests_path = options.arguments
        keystone_server.serve(conf_path, int(port), requests_path)
    else:
        run_swift(options.name, options.arguments)


if __name__ == '__main__':
    main()
