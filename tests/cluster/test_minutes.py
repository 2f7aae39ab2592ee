# SPDX-License-Identifier: Apache-2.0
"""Everything fails at random for five minutes: nodes, disks, links, clocks, proxies and the cache."""

import pytest

from . import LEG_SECONDS
from .run import run

# With so much rest, the minutes take little time from the tests that run beside them.
REST_SECONDS = 15


@pytest.mark.slow
def test_minutes_of_all_faults(tmp_path):
    """Nothing is lost, whatever fails. Where rsync is installed, containers are sharded meanwhile.

    `python3 -m tests.cluster` does the same for longer, or with another seed.
    """
    print(run(tmp_path, seed=5, seconds=LEG_SECONDS, leg_seconds=LEG_SECONDS, rest=REST_SECONDS))
