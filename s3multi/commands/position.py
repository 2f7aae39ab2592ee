# SPDX-License-Identifier: Apache-2.0
"""How far a command has come, and the operator's file that keeps this for the next run."""
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from s3multi.commands.files import replace_file
from s3multi.config import ConfigError

_SAVE_SECONDS = 10.0
_FIELDS = ('account', 'bucket', 'name', 'within')


@dataclass(frozen=True)
class Position:
    """A place in the order of a command, before which all is done.

    name: of what was done last, '' at the begin of a bucket. within: the check's version of a key, or the listing in
    which the sweep has met the name.
    """

    account: str = ''
    bucket: str = ''
    name: str = ''
    within: str = ''


class Trail:
    """Follows what is looked at, of which several things are under way at a time, and done in any order."""

    def __init__(self, position: Position) -> None:
        """position: where the command begins."""
        self._under_way: dict[Position, bool] = {}
        self.position = position

    def begin(self, position: Position) -> None:
        """Note that the look at something has begun."""
        self._under_way[position] = False

    def end(self, position: Position) -> None:
        """Note that it is done, and move on as far as everything is."""
        self._under_way[position] = True
        while self._under_way:
            first = next(iter(self._under_way))
            if not self._under_way[first]:
                return
            del self._under_way[first]
            self.position = first


class PositionFile:
    """The file in which the position of a command is kept from one run to the next."""

    def __init__(self, path: 'str | None', places: Sequence[str], of: str) -> None:
        """path: None for no file. places: what the operator wants; another file's position means nothing. of: what it
        is the position of, as in "a check"."""
        self._path = path
        self._places = list(places)
        self._of = of
        self._saved = 0.0

    def read(self) -> Position:
        """Return where to begin. Raises ConfigError for a file of something else, and OSError."""
        if self._path is None or not os.path.exists(self._path):
            return Position()
        with open(self._path, encoding='utf-8') as file:
            try:
                stored = json.load(file)
                position = Position(*(stored[name] for name in _FIELDS))
                of, places = stored['of'], stored['places']
            except (KeyError, TypeError, ValueError):
                raise ConfigError('%s is no position of %s' % (self._path, self._of)) from None
        if of != self._of or places != self._places:
            raise ConfigError('%s is the position of %s of %s: finish that, or delete the file'
                              % (self._path, of, ' '.join(map(str, places))))
        return position

    def write(self, position: Position) -> None:
        """Keep a position. Raises OSError."""
        if self._path is None:
            return
        replace_file(self._path, json.dumps({'of': self._of, 'places': self._places,
                                             **{name: getattr(position, name) for name in _FIELDS}}))

    def write_now_and_then(self, position: Position) -> None:
        """Keep a position, if none was kept for a while. Raises OSError."""
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            self._saved = time.monotonic()
            self.write(position)

    def remove(self) -> None:
        """Let the next run begin anew. Raises OSError."""
        if self._path is not None and os.path.exists(self._path):
            os.remove(self._path)
