# SPDX-License-Identifier: Apache-2.0
"""How the commands of the benchmarks end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable


def ended(name: str, measure: Callable[[], int]) -> int:
    """Call `measure`; return the exit code: its result, 1 after an error, which is printed, or 130 if interrupted."""
    from s3multi.demo.errors import DemoError

    from .errors import BenchmarkError
    # Like Ctrl-C: the exception stops the servers and removes the temporary directory on its way out.
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
