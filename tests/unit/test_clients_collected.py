# SPDX-License-Identifier: Apache-2.0
"""The tests of real clients, which run seldom and by themselves, can still be read after a change elsewhere."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_tests_of_real_clients():
    """They use what the other tests have. Whether a client is installed does not matter here."""
    found = subprocess.run([sys.executable, '-m', 'pytest', '--collect-only', '-q', '-p', 'no:cacheprovider',
                            'tests/clients'], cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert 0 == found.returncode, found.stdout + found.stderr
