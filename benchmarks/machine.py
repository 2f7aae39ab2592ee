# SPDX-License-Identifier: Apache-2.0
"""Facts about the machine and the software of a measurement."""

from __future__ import annotations

import datetime
import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from s3multi import __version__
from s3multi.demo.cluster import Cluster


def facts(cluster: Cluster, command: str) -> dict[str, Any]:
    """Return the facts, for the report and the JSON file. command: the command line of the measurement."""
    return {
        'command': command,
        'date': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
        'cores': len(os.sched_getaffinity(0)),
        'processor': _first_match('/proc/cpuinfo', r'^model name\s*:\s*(.+)$') or platform.machine(),
        'memory_bytes': int(_first_match('/proc/meminfo', r'^MemTotal:\s*(\d+) kB$') or 0) * 1024,
        'load_before': os.getloadavg()[0],
        'kernel': platform.release(),
        'file_system': _file_system(cluster.directory),
        'python': platform.python_version(),
        's3multi': __version__,
        'swift': metadata.version('swift'),
        'eventlet': metadata.version('eventlet'),
        'cache': 'memcached' if cluster.cache_program else 'stand-in of the demo',
    }


def _first_match(path: str, pattern: str) -> str:
    try:
        text = Path(path).read_text(encoding='utf-8', errors='replace')
    except OSError:
        return ''
    match = re.search(pattern, text, re.MULTILINE)
    return match[1].strip() if match else ''


def _file_system(directory: Path) -> str:
    """Return the type of the file system that a directory is on, such as 'ext4'; '' if it is not known."""
    try:
        device = directory.stat().st_dev
        lines = Path('/proc/self/mountinfo').read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return ''
    wanted = f'{os.major(device)}:{os.minor(device)}'
    for line in lines:
        # proc(5): "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
        mount, _dash, rest = line.partition(' - ')
        if mount.split()[2] == wanted:
            return rest.split()[0]
    return ''
