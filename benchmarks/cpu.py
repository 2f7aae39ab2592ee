# SPDX-License-Identifier: Apache-2.0
"""How much CPU a server process has taken. Linux only."""

from __future__ import annotations

import ctypes
import os
import time

_LIBC = ctypes.CDLL(None)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process with all of its threads, in seconds. Raises OSError if it is gone."""
    # Much finer than the ticks in /proc/PID/stat.
    clock = ctypes.c_int()
    code = _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock))
    if code:
        raise OSError(code, os.strerror(code))
    return time.clock_gettime(clock.value)
