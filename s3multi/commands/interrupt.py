# SPDX-License-Identifier: Apache-2.0
"""The signals with which an operator ends a command."""
import signal
from typing import Any


class Interrupt:
    """Tells, when called, whether somebody has asked the command to end: by SIGINT or SIGTERM."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        return self.asked

    def _ask(self, number: int, _frame: Any) -> None:
        self.asked = True
        # A second signal ends the process at once. That is safe: a command may end at any point.
        signal.signal(number, signal.SIG_DFL)
