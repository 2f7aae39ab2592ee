# SPDX-License-Identifier: Apache-2.0
"""Where the tests keep their data: in memory, if there is room."""

import os
import shutil
import tempfile
from pathlib import Path

from s3multi.demo.disks import check_attributes
from s3multi.demo.errors import ClusterError

MEMORY = Path('/dev/shm')
# A run of all tests writes less than a gigabyte.
ROOM_BYTES = 4 << 30


def use():
    """Make memory the place of temporary files, unless the user has named another one or it will not do.

    Swift waits for the disk with every object that it writes, and with every row; no test is about power that fails.
    """
    if 'TMPDIR' not in os.environ and suits(MEMORY):
        # For this process, in which the place is known already, and for those that it starts.
        os.environ['TMPDIR'] = tempfile.tempdir = str(MEMORY)


def suits(directory):
    """Return whether there is room in a directory, and files in it can have the metadata of Swift."""
    try:
        # The kernel has attributes in memory since Linux 6.6.
        check_attributes(directory)
        return shutil.disk_usage(directory).free >= ROOM_BYTES
    except (OSError, ClusterError):
        return False
