# SPDX-License-Identifier: Apache-2.0
"""`python3 -m tests ARGUMENT...`: make the environment that the tests need, then run pytest with the arguments.

Without any, all tests are run by three processes, which keep two cores busy: each waits for its servers now and then.
`--near` runs the tests that belong to the files that were changed since HEAD (`near`). Other arguments go to pytest.
"""

import sys

from s3multi.demo import bootstrap

from . import near

# In the order of the paths: files with few tests, which take longest, would come last otherwise, with nothing beside
# them.
ALL = ['-n', '3', '--dist', 'loadfile', '--no-loadscope-reorder', '--hypothesis-profile', 'full']


def main(arguments):
    """Return the exit status of pytest."""
    modules, extras = bootstrap.TEST_MODULES, 'test'
    if 'keystone' in arguments or '--auth=keystone' in arguments:
        modules, extras = modules + bootstrap.KEYSTONE_MODULES, 'test,keystone'
    bootstrap.ensure(modules, extras, ['-m', 'tests', *arguments])
    import pytest
    if '--near' not in arguments:
        return pytest.main(arguments or ALL)
    tests = near.tests_of(near.changed())
    if not tests:
        print('No quick test belongs to what was changed since HEAD.')
        return 0
    return pytest.main([*(each for each in arguments if each != '--near'), *tests])


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
