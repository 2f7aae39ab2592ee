# SPDX-License-Identifier: Apache-2.0
"""`python3 -m tests.cluster --seconds 600 --seed 7`: break a cluster of several nodes for so long, and check it.

The directory with all logs is kept if something was wrong, or if `--data` names one.
"""

import argparse
import contextlib
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

from s3multi.demo import bootstrap

from . import LEG_SECONDS


def main(arguments):
    parser = argparse.ArgumentParser(prog='python3 -m tests.cluster', description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60, help='for how long servers fail (60)')
    parser.add_argument('--leg', type=float, default=LEG_SECONDS, metavar='SECONDS',
                        help='the longest time after which a new cluster takes over, with the next seed (%(default)s)')
    parser.add_argument('--rest', type=float, default=0, metavar='SECONDS',
                        help='how long a client rests between its uploads, on average, and the daemons between their '
                        'rounds, if longer than usual; long runs then take less of the machine (0)')
    parser.add_argument('--seed', type=int, default=0, help='a number that chooses faults and requests (0)')
    parser.add_argument('--data', metavar='DIR', help='an empty directory for data and logs (a temporary one)')
    parser.add_argument('--auth', choices=('tempauth', 'keystone'), default='tempauth',
                        help='what tells users apart: tempauth, or a real Keystone (tempauth)')
    options = parser.parse_args(arguments)
    modules, extras = bootstrap.TEST_MODULES, 'test'
    if options.auth == 'keystone':
        modules, extras = modules + bootstrap.KEYSTONE_MODULES, 'test,keystone'
    bootstrap.ensure(modules, extras, ['-m', 'tests.cluster', *arguments])
    warnings.simplefilter('ignore')
    from s3multi.demo.errors import DemoError

    from .run import Broken, run
    directory = options.data or tempfile.mkdtemp(prefix='s3multi-cluster-')
    try:
        with _users(options.auth, directory):
            print(run(directory, options.seed, options.seconds, options.leg, options.rest, bool(options.data)))
    except (Broken, DemoError) as error:
        print(error)
        return 1
    if not options.data:
        shutil.rmtree(directory)
    return 0


@contextlib.contextmanager
def _users(auth, directory):
    """Have a Keystone with the users of the tests run inside the with block, if it is wanted."""
    from s3multi.demo.keystone import Keystone
    from tests.integration import users
    if auth == 'tempauth':
        yield
        return
    with Keystone(Path(directory) / 'keystone') as keystone:
        users.use(users.KeystoneAuth(keystone))
        yield


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
