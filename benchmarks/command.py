# SPDX-License-Identifier: Apache-2.0
"""How the commands of the benchmarks end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable


def ended(name: str, measure: Callable[[], int]) -> int:
    """Measure and return the exit code: that of `measure`, 1 after an error, which is printed, 130 when interrupted."""
    from s3multi.demo.errors import DemoError

    from .errors import BenchmarkError
    # As Ctrl-C: the servers are stopped and the temporary directory removed on the way out.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return measure()
    except (BenchmarkError, DemoError, OSError) as error:
        print(f'{name}: {error}', file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
