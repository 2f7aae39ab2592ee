# SPDX-License-Identifier: Apache-2.0
"""What a command tells: lines of text or JSON on standard output, and its progress on the terminal."""
import json
import time
from collections.abc import Callable
from typing import Any, TextIO

_PROGRESS_SECONDS = 0.5


def shown(text: str) -> str:
    """Return what may be written to a terminal: ASCII in which nothing is obeyed, whoever has chosen the text."""
    return _json(text)[1:-1]


def _json(value: object) -> str:
    # The only control character that JSON does not escape.
    return json.dumps(value).replace('\x7f', '\\u007f')


class Lines:
    """Writes lines to ``out``, and one that is overwritten to a terminal."""

    def __init__(self, out: TextIO, progress: 'TextIO | None', as_json: bool) -> None:
        """progress: a terminal on which to show it, or None. as_json: whether lines are JSON documents."""
        self._out = out
        self._progress = progress
        self._as_json = as_json
        self._shown = 0.0
        self._width = 0

    def say(self, fields: 'dict[str, Any]', line: str) -> None:
        """Write ``fields`` as a JSON document, or else ``line``."""
        if self._progress is not None and self._width:
            self._overwrite('')
        print(_json(fields) if self._as_json else line, file=self._out, flush=True)

    def show(self, text: 'Callable[[], str]') -> None:
        """Show on the terminal, at most twice a second, what ``text`` returns."""
        if self._progress is not None and time.monotonic() - self._shown > _PROGRESS_SECONDS:
            self._shown = time.monotonic()
            self._overwrite(text())

    def _overwrite(self, text: str) -> None:
        assert self._progress is not None
        self._progress.write('\r' + text[:200].ljust(self._width) + ('\r' if not text else ''))
        self._progress.flush()
        self._width = len(text[:200])
