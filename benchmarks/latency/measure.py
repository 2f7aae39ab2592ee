# SPDX-License-Identifier: Apache-2.0
"""The order of the measurements: each case on both sides in turn, counted first and then timed."""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from s3multi.demo.cluster import Policy

from ..arena import SIDES, Arena, at_once
from ..cpu import cpu_seconds
from ..hold import Hold
from ..round_trips import Counter
from ..side import Side
from .cases import cases
from .results import Row, Setting
from .storage import Storage

COUNTED = 2                   # how often each case is counted on each side
# What a proxy has looked up it knows until the end; what has to be written is waited for.
LONG_SECONDS = 3600
APP = {'recheck_account_existence': LONG_SECONDS, 'recheck_container_existence': LONG_SECONDS}
STORAGE = {'object': {'container_update_timeout': 60}}


def make_arena(directory: str, hold: Hold, storage: Storage) -> Arena:
    """Return an Arena, not started, with this storage."""
    return Arena(directory, app=APP, storage=STORAGE, storage_filters=hold.filters, nodes=storage.nodes,
                 policies=[Policy('gold', storage.replicas)])


def measure(arena: Arena, hold: Hold, setting: Setting, only: str, held_ms: Sequence[int],
            rounds: int) -> Iterator[Row]:
    """Measure the operations that have the text `only` in their names, one by one.

    held_ms: for how many milliseconds requests are held. rounds: how often each operation is timed; 0 to count alone.
    Raises BenchmarkError if a request fails.
    """
    sides = arena.sides
    if setting.versioned:
        sides = {name: Side(name, versioned=True) for name in SIDES}
        for name, side in sides.items():
            side.connect(arena.sides[name].proxy)
    for side in sides.values():
        # So that the bucket has an open upload.
        side.new_upload(1)
    pids = [child.pid for child in [*arena.cluster.servers.values(), *arena.cluster.proxies.values()]]
    with Counter(hold, [pid for pid in pids if pid is not None]) as counter:
        runner = _Runner(sides, hold, counter)
        for row in [Row(setting, case) for case in cases(setting.versioned)]:
            if only not in row.name:
                continue
            started = time.monotonic()
            print(f'{setting.title}: {row.name} ', end='', file=sys.stderr, flush=True)
            runner.run(row, held_ms, rounds)
            print(f'{time.monotonic() - started:.1f} s', file=sys.stderr, flush=True)
            yield row


class _Runner:
    def __init__(self, sides: Mapping[str, Side], hold: Hold, counter: Counter) -> None:
        self._sides = sides
        self._hold = hold
        self._counter = counter

    def run(self, row: Row, held_ms: Sequence[int], rounds: int) -> None:
        """Fill in the row."""
        for _side, act in self._in_turn(row, 0):
            # First requests pay for imports.
            self._counter.call(act)
        for number in range(COUNTED):
            for side, act in self._in_turn(row, number):
                with self._cpu(row, side):
                    row.trips[side.name].append(self._counter.count(act))
        for number in range(rounds):
            for held in held_ms:
                for side, act in self._in_turn(row, number):
                    with self._cpu(row, side):
                        row.add_seconds(held, side.name, self._timed(held, act))

    def _in_turn(self, row: Row, number: int) -> Iterator[tuple[Side, Callable[[], float]]]:
        """Set up one round; yield each side, and the operation to measure. number: of the round."""
        prepared = at_once(self._sides, row.case.prepare)
        # The side that goes first changes from round to round.
        for name in SIDES if number % 2 == 0 else SIDES[::-1]:
            side = self._sides[name]
            yield side, functools.partial(row.case.measure, side, prepared[name])

    @contextlib.contextmanager
    def _cpu(self, row: Row, side: Side) -> Iterator[None]:
        """Note the CPU that the proxy takes inside the with block, and then until its work is over."""
        assert side.proxy.pid is not None
        self._counter.settle()
        before = cpu_seconds(side.proxy.pid)
        yield
        self._counter.settle()
        row.cpu[side.name].append(cpu_seconds(side.proxy.pid) - before)

    def _timed(self, held_ms: int, act: Callable[[], float]) -> float:
        with self._hold.seconds(held_ms / 1000):
            seconds: float = self._counter.call(act)
        # Requests behind the answer may be held still.
        time.sleep(held_ms / 1000)
        return seconds
