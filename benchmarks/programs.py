# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of s3multi against a cluster, and says what they took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3multi.demo.cluster import Cluster

from .errors import BenchmarkError

SAMPLE = Path(__file__).resolve().parents[1] / 'etc' / 's3multi-sweep.conf-sample'
# 1: something was not there, such as a bucket. 5: it has ended at its --limit.
GOOD_CODES = (0, 1, 5)
# Runs the rest of its command line, and writes what that took. The memory of a process begins with that of its parent,
# so the parent has to be small.
_WAITER = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_pid, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10]))
"""


@dataclass(frozen=True)
class Run:
    """A run of a command. seconds, cpu: with its start. memory_bytes: the most it held. report: its last line."""

    seconds: float
    cpu: float
    memory_bytes: int
    report: dict[str, Any]


class Programs:
    """Runs the commands, with the cache of the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        text = SAMPLE.read_text(encoding='utf-8')
        text = text.replace('# swift_dir = /etc/swift', f'swift_dir = {cluster.swift_dir}')
        conf = cluster.swift_dir / 's3multi-sweep.conf'
        conf.write_text(text.replace('# memcache_servers = 127.0.0.1:11211',
                                     f'memcache_servers = 127.0.0.1:{cluster.servers["cache"].port}'), encoding='utf-8')
        self._options = ['--conf', str(conf), '--swift-dir', str(cluster.swift_dir), '--json']

    def run(self, module: str, *arguments: str, profile: Path | None = None) -> Run:
        """Run a command, such as `s3multi.sweep`; return what it took. profile: a file to write one to.

        Raises BenchmarkError if it fails.
        """
        profiled = [] if profile is None else ['-m', 'cProfile', '-o', str(profile)]
        started = time.monotonic()
        done = subprocess.run([sys.executable, '-c', _WAITER, sys.executable, *profiled, '-m', module, *self._options,
                               *arguments], stdout=subprocess.PIPE, text=True, check=False,
                              env={**os.environ, 'PYTHONWARNINGS': 'ignore'})
        seconds = time.monotonic() - started
        *lines, taken = done.stdout.splitlines() or ['']
        code, cpu, memory_bytes = json.loads(taken or '[-1, 0, 0]')
        if code not in GOOD_CODES or not lines:
            raise BenchmarkError(f'{module} ended with {code}: {lines[-1:]}')
        return Run(seconds, cpu, memory_bytes, json.loads(lines[-1]))
