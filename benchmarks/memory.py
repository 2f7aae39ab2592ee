# SPDX-License-Identifier: Apache-2.0
"""The memory of a server process: what it holds, and the most that it held while something ran. Linux only."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import TracebackType

SAMPLE_SECONDS = 0.05
JOIN_SECONDS = 5.0
RESET_PEAK = '5'              # proc(5), clear_refs: set the peak back to what is resident now


def read_bytes(pid: int, field: str) -> int:
    """Return VmRSS (resident now) or VmHWM (the most ever resident) of a process, in bytes; 0 if it is gone."""
    try:
        text = Path(f'/proc/{pid}/status').read_text(encoding='ascii', errors='replace')
    except OSError:
        return 0
    match = re.search(rf'^{field}:\s+(\d+) kB$', text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


class PeakMemory:
    """A context manager. before_bytes: what the process held on entry. peak_bytes: the most that it held until exit."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._kernel_counts = False
        self.before_bytes = 0
        self.peak_bytes = 0

    def __enter__(self) -> PeakMemory:
        self._kernel_counts = self._reset()
        self.before_bytes = self.peak_bytes = read_bytes(self._pid, 'VmRSS')
        if not self._kernel_counts:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._done.set()
        if self._kernel_counts:
            self._see(read_bytes(self._pid, 'VmHWM'))
        else:
            self._thread.join(JOIN_SECONDS)

    def _reset(self) -> bool:
        try:
            Path(f'/proc/{self._pid}/clear_refs').write_text(RESET_PEAK, encoding='ascii')
        except OSError:
            return False
        return True

    def _sample(self) -> None:
        # For kernels whose peak cannot be reset: theirs is that of the process's whole life.
        while not self._done.wait(SAMPLE_SECONDS):
            self._see(read_bytes(self._pid, 'VmRSS'))

    def _see(self, held_bytes: int) -> None:
        self.peak_bytes = max(self.peak_bytes, held_bytes)
