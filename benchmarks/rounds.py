# SPDX-License-Identifier: Apache-2.0
"""The order of the measurements: both sides in turn, so that whatever slows the machine down slows down both."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from s3multi.demo.errors import ClusterError

from .arena import SIDES, Arena
from .cases import Case, Group
from .errors import BenchmarkError
from .memory import PeakMemory
from .results import Results


def run(arena: Arena, groups: Sequence[Group], results: Results) -> None:
    """Measure all groups. A group that fails is noted in the results and given up.

    Raises ClusterError if a server has ended.
    """
    for group in groups:
        started = time.monotonic()
        print(f'{group.name}: ', end='', file=sys.stderr, flush=True)
        try:
            run_group(arena, group, results)
        except BenchmarkError as error:
            arena.cluster.check()
            results.failures.append(f'{group.name}: {error}')
            print(f'failed: {error}', end='', file=sys.stderr)
        print(f' {time.monotonic() - started:.0f} s', file=sys.stderr, flush=True)


def run_group(arena: Arena, group: Group, results: Results) -> None:
    """Measure one group. Raises BenchmarkError if a request fails."""
    if group.warm_up:
        for case in group.cases:
            _measure(arena, group, case, SIDES, Results())
    for number in range(group.rounds):
        # The side that goes first changes from round to round, and so does the case that goes first.
        forward = number % 2 == 0
        for case in group.cases if forward else reversed(group.cases):
            _measure(arena, group, case, SIDES if forward else SIDES[::-1], results)
        print('.', end='', file=sys.stderr, flush=True)


def _measure(arena: Arena, group: Group, case: Case, order: Sequence[str], results: Results) -> None:
    """Measure a case once for each side."""
    prepared = arena.prepare(case.prepare)
    if group.many_parts:
        arena.settle()
    if group.fresh_proxies:
        arena.renew_proxies()
    for name in order:
        if group.fresh_proxies:
            _measure_with_memory(arena, case, name, prepared[name], results)
        else:
            results.add(case, name, case.measure(arena.sides[name], prepared[name]))
    for name in order:
        case.clean(arena.sides[name], prepared[name])


def _measure_with_memory(arena: Arena, case: Case, name: str, prepared: Any, results: Results) -> None:
    side = arena.sides[name]
    if side.proxy.pid is None:
        raise ClusterError(f'the proxy {name} has ended', side.proxy.log_tail())
    with PeakMemory(side.proxy.pid) as memory:
        seconds = case.measure(side, prepared)
    results.add(case, name, seconds)
    results.add_memory(case, name, memory.before_bytes, memory.peak_bytes)
