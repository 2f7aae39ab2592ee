# SPDX-License-Identifier: Apache-2.0
"""How far a check has come, and the operator's file that keeps this for the next run."""
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from s3multi.config import ConfigError

_FIELDS = ('account', 'bucket', 'key', 'version')


@dataclass(frozen=True)
class Position:
    """A place in the order of a check, before which all is done. key: '' at the begin of a bucket. version: of it."""

    account: str = ''
    bucket: str = ''
    key: str = ''
    version: str = ''


class Trail:
    """Follows what is looked at, of which several things are under way at a time, and done in any order."""

    def __init__(self, position: Position) -> None:
        """position: where the check begins."""
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
    """The file in which the position of a check is kept from one run to the next."""

    def __init__(self, path: 'str | None', places: Sequence[str]) -> None:
        """path: None for no file. places: what the operator wants to check; another file's position means nothing."""
        self._path = path
        self._places = list(places)

    def read(self) -> Position:
        """Return where to begin. Raises ConfigError for a file of something else, and OSError."""
        if self._path is None or not os.path.exists(self._path):
            return Position()
        with open(self._path, encoding='utf-8') as file:
            try:
                stored = json.load(file)
                position = Position(*(stored[name] for name in _FIELDS))
                places = stored['places']
            except (KeyError, TypeError, ValueError):
                raise ConfigError('%s is no position of a check' % self._path) from None
        if places != self._places:
            raise ConfigError('%s is the position of a check of %s: finish that, or delete the file'
                              % (self._path, ' '.join(map(str, places))))
        return position

    def write(self, position: Position) -> None:
        """Keep a position. Raises OSError."""
        if self._path is None:
            return
        # A run that dies leaves the old file or the new one.
        with open(self._path + '.new', 'w', encoding='utf-8') as file:
            json.dump({'places': self._places, **{name: getattr(position, name) for name in _FIELDS}}, file)
        os.replace(self._path + '.new', self._path)

    def remove(self) -> None:
        """Let the next run begin anew. Raises OSError."""
        if self._path is not None and os.path.exists(self._path):
            os.remove(self._path)
