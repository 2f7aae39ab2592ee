# SPDX-License-Identifier: Apache-2.0
"""What was measured of each operation, and what follows from it. Plain values; no I/O."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..arena import S3MULTI, SIDES, STOCK
from ..cases import Case, show_size
from ..round_trips import Trips
from .storage import Storage


@dataclass(frozen=True)
class Setting:
    """Where operations were measured. versioned: whether the buckets keep versions."""

    storage: Storage
    versioned: bool

    @property
    def title(self) -> str:
        """The setting in words."""
        return f'{self.storage.title}, buckets {"with" if self.versioned else "without"} versions'


@dataclass
class Row:
    """An operation in a setting. Everything is by side, and in the order of the rounds.

    trips: the counts. seconds: from request to answer, by the time for which requests are held, in milliseconds.
    cpu: seconds of the proxy, with the work behind the answer.
    """

    setting: Setting
    case: Case
    trips: dict[str, list[Trips]] = field(default_factory=lambda: {name: [] for name in SIDES})
    seconds: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in SIDES})

    @property
    def name(self) -> str:
        """The operation and its size."""
        return ', '.join(filter(None, [self.case.operation, show_size(self.case.size, self.case.unit)]))

    def add_seconds(self, held_ms: int, side: str, seconds: float) -> None:
        """Note one measurement."""
        self.seconds.setdefault(held_ms, {name: [] for name in SIDES})[side].append(seconds)

    def median(self, held_ms: int, side: str) -> float:
        """Return the median in seconds."""
        return statistics.median(self.seconds[held_ms][side])

    def ratio(self, held_ms: int) -> float:
        """Return the ratio of s3multi's median to stock's."""
        return self.median(held_ms, S3MULTI) / self.median(held_ms, STOCK)

    def median_cpu(self, side: str) -> float:
        """Return the median in seconds."""
        return statistics.median(self.cpu[side])

    def answered(self, side: str) -> str:
        """Return the number of round trips one after another before the answer; '7-8' where it differed."""
        return _range([each.answered for each in self.trips[side]])

    def behind(self, side: str) -> str:
        """Return the same for those behind the answer."""
        return _range([each.behind for each in self.trips[side]])

    def as_json(self) -> dict[str, Any]:
        """Return the row for the JSON file: times in seconds."""
        return {
            'operation': self.case.operation, 'size': self.case.size, 'unit': self.case.unit,
            **asdict(self.setting.storage), 'versioned': self.setting.versioned,
            'held': [{'milliseconds': held, 'ratio': self.ratio(held),
                      **{name: {'median': self.median(held, name), 'seconds': self.seconds[held][name]}
                         for name in SIDES}} for held in self.seconds],
            **{name: {
                'round_trips': [each.answered for each in self.trips[name]],
                'round_trips_behind': [each.behind for each in self.trips[name]],
                'requests': [len(each.asked) for each in self.trips[name]],
                'cpu_seconds': self.cpu[name]} for name in SIDES}}


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f'{low}-{high}'
