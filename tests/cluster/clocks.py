# SPDX-License-Identifier: Apache-2.0
"""Clocks that are wrong, by libfaketime."""

from __future__ import annotations

import contextlib
import glob
import os

# For programs with threads.
LIBRARY = next(iter(glob.glob('/usr/lib/*/faketime/libfaketimeMT.so.1')), None)
MISSING = 'libfaketime is not installed, so all clocks are right (Debian: apt-get install faketime)'
# How far clocks are off: of nodes, and of proxies, by whose clocks Swift orders writes.
NODE_SECONDS, PROXY_SECONDS = 30, 5


@contextlib.contextmanager
def shifted(seconds):
    """Have programs that are started inside the with block read a clock that is so many seconds ahead."""
    more = {'LD_PRELOAD': LIBRARY, 'FAKETIME': f'{seconds:+}s', 'FAKETIME_DONT_FAKE_MONOTONIC': '1'}
    os.environ.update(more)
    try:
        yield
    finally:
        for name in more:
            del os.environ[name]
