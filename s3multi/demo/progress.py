# SPDX-License-Identifier: Apache-2.0
"""Sizes for people, and a progress bar: one line that grows on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import re
import shutil
from typing import TextIO

UNITS = {'': 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}
LINES_ELSEWHERE = 4      # how many lines a whole bar takes where it cannot be redrawn


def parse_size(text: str) -> int:
    """Return the number of bytes in a text such as '23MiB', '23M', '512 KiB' or '1048576'. Units are powers of 1024.

    Raises ValueError for a text of another form.
    """
    match = re.fullmatch(r'([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:iB|B)?', text.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f'{text!r} is not a size such as 20MiB')
    return int(float(match[1]) * UNITS[match[2].upper()])


def format_size(size: int) -> str:
    """Return a number of bytes as people write it: '23.0 MiB'."""
    for unit in ('GiB', 'MiB', 'KiB'):
        scale = UNITS[unit[0]]
        if size >= scale:
            return f'{size / scale:.1f} {unit}'
    return f'{size} bytes'


class Bar:
    """The progress of something whose size in bytes is known."""

    def __init__(self, label: str, total_bytes: int, stream: TextIO) -> None:
        self._label = label
        self._total_bytes = total_bytes
        self._stream = stream
        self._redraws = stream.isatty()
        self._lines = 0

    def show(self, done_bytes: int, note: str) -> None:
        """Show that so many bytes are done. note: a few words for the end of the line."""
        share = done_bytes / self._total_bytes if self._total_bytes else 1.0
        text = f'{share:4.0%}  {format_size(done_bytes)} of {format_size(self._total_bytes)}  {note}'
        if self._redraws:
            self._redraw(share, text)
        elif int(share * LINES_ELSEWHERE) > self._lines:
            self._lines = int(share * LINES_ELSEWHERE)
            print(f'  {self._label} {text}', file=self._stream, flush=True)

    def close(self) -> None:
        """End the line, so that other output starts on the next one."""
        if self._redraws:
            print(file=self._stream, flush=True)

    def _redraw(self, share: float, text: str) -> None:
        columns = shutil.get_terminal_size().columns
        width = min(40, columns - len(text) - len(self._label) - 8)
        bar = ''
        if width >= 5:
            filled = int(width * share)
            bar = '[' + '#' * filled + '.' * (width - filled) + '] '
        line = f'  {self._label} {bar}{text}'[:columns - 1]
        # The blanks cover what a longer line has left.
        print('\r' + line.ljust(columns - 1), end='', file=self._stream, flush=True)
