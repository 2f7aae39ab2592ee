# SPDX-License-Identifier: Apache-2.0
"""`python3 -m tests ARGUMENT...`: make the environment that the tests need, then run pytest with the arguments.

Without any, all tests are run by two processes: each of them waits for its servers much of the time.
"""

import sys

from s3multi.demo import bootstrap

if __name__ == '__main__':
    modules, extras = bootstrap.TEST_MODULES, 'test'
    if 'keystone' in sys.argv or '--auth=keystone' in sys.argv:
        modules, extras = modules + bootstrap.KEYSTONE_MODULES, 'test,keystone'
    bootstrap.ensure(modules, extras, ['-m', 'tests', *sys.argv[1:]])
    import pytest
    sys.exit(pytest.main(sys.argv[1:] or ['-n', '2', '--dist', 'loadfile']))
