# SPDX-License-Identifier: Apache-2.0
"""`python3 -m tests.cluster --seconds 600 --seed 7`: break a cluster of several nodes for so long, and check it.

The directory with all logs is kept if something was wrong, or if `--data` names one.
"""

import argparse
import shutil
import sys
import tempfile
import warnings

from s3multi.demo import bootstrap


def main(arguments):
    parser = argparse.ArgumentParser(prog='python3 -m tests.cluster', description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60, help='for how long servers fail (60)')
    parser.add_argument('--seed', type=int, default=0, help='a number that chooses faults and requests (0)')
    parser.add_argument('--data', metavar='DIR', help='an empty directory for data and logs (a temporary one)')
    options = parser.parse_args(arguments)
    bootstrap.ensure(bootstrap.TEST_MODULES, 'test', ['-m', 'tests.cluster', *arguments])
    warnings.simplefilter('ignore')
    from s3multi.demo.errors import DemoError

    from .run import Broken, run
    directory = options.data or tempfile.mkdtemp(prefix='s3multi-cluster-')
    try:
        print(run(directory, options.seed, options.seconds))
    except (Broken, DemoError) as error:
        print(error)
        return 1
    if not options.data:
        shutil.rmtree(directory)
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
