# SPDX-License-Identifier: Apache-2.0
"""What ends a command before it is done: the signals of an operator, and the limits that it was given."""
import signal
import time
from collections.abc import Callable
from typing import Any

# The causes.
SIGNAL, DEADLINE, LIMIT = 'signal', 'deadline', 'limit'


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


class Stop:
    """Tells, when called, whether to end at once."""

    def __init__(self, asked: Callable[[], bool], seconds: 'float | None' = None, most: 'int | None' = None) -> None:
        """asked: whether the operator has. seconds: how much time there is; None for no end. most: how many things
        ``count`` allows; None for all."""
        self._asked = asked
        self._end = None if seconds is None else time.monotonic() + seconds
        self._left = most

    def count(self) -> None:
        """Note that one more thing is looked at."""
        if self._left is not None:
            self._left -= 1

    def cause(self) -> 'str | None':
        """Return why to end; None if there is no reason."""
        if self._asked():
            return SIGNAL
        if self._end is not None and time.monotonic() > self._end:
            return DEADLINE
        return LIMIT if self._left is not None and self._left <= 0 else None

    def __call__(self) -> bool:
        return self.cause() is not None
