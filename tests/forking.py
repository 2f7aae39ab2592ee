# SPDX-License-Identifier: Apache-2.0
"""Starts the servers of tests as forks of a process that has imported Swift, in place of `s3multi.demo.child.launch`.

Tests start hundreds of them. For each, importing Swift would take longer than all that the test has it do.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import re
import subprocess
import sys
import warnings

from s3multi.demo import child, cluster
from s3multi.demo.server import SWIFT_PROGRAMS, end_with_parent, run_swift

_otherwise = child.launch
_context = multiprocessing.get_context('forkserver')
_context.set_forkserver_preload(['tests.forked'])


class Forked:
    """As much of a `subprocess.Popen` as the cluster uses."""

    def __init__(self, process):
        self._process = process
        self.pid = process.pid

    def poll(self):
        return self._process.exitcode

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return self._process.exitcode

    def kill(self):
        self._process.kill()


@contextlib.contextmanager
def forking():
    """Have the clusters of this process start their servers so, where that makes no difference."""
    before = child.launch
    child.launch = cluster.launch = launch
    try:
        yield
    finally:
        child.launch = cluster.launch = before


def launch(arguments, log_path):
    """Start `python -m s3multi.demo.server` with `arguments`, as `s3multi.demo.child.launch` does."""
    name, *rest = arguments
    # The clock of libfaketime is there only for programs that are started with it.
    if name not in SWIFT_PROGRAMS or 'LD_PRELOAD' in os.environ or _has_constraints(rest[0]):
        return _otherwise(arguments, log_path)
    told, telling = _context.Pipe(duplex=False)
    # No child of a test that is killed outlives it.
    process = _context.Process(target=_serve, name=name, daemon=True, args=(
        telling, name, [str(each) for each in rest], str(log_path), dict(os.environ)))
    process.start()
    telling.close()
    # From now on a signal to its group reaches it.
    told.recv()
    told.close()
    return Forked(process)


def _has_constraints(conf_path):
    # Modules of Swift copy these when they are imported.
    with open(os.path.join(os.path.dirname(conf_path), 'swift.conf'), encoding='utf-8') as file:
        return re.search(r'^\[swift-constraints\]\n\w', file.read(), re.MULTILINE)


def _serve(telling, name, arguments, log_path, environment):
    """Become the server, in the new process."""
    os.setsid()
    end_with_parent(os.getppid())
    telling.send(True)
    telling.close()
    os.environ.clear()
    os.environ.update(environment, PYTHONWARNINGS='ignore')
    warnings.simplefilter('ignore')
    with open(log_path, 'ab') as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)
    faulthandler.enable()
    # As in servers that are started by themselves: else their semaphores outlive them.
    multiprocessing.set_start_method('fork', force=True)
    run_swift(name, arguments)
