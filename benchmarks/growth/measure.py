# SPDX-License-Identifier: Apache-2.0
"""The order of the measurements: a bucket for each setting is filled, and then everything is measured in it."""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from s3multi.demo.cluster import Cluster, Proxy

from ..hold import Hold
from ..latency.measure import APP, STORAGE
from ..memory import PeakMemory
from ..planting import ACCOUNT, Planter
from ..programs import Programs
from ..round_trips import Counter
from ..sharding import shard
from ..side import Side
from .dimensions import Dimension
from .operations import COUNTED, TIMED, Command, Operation, Place
from .results import Point, Setting

SHARDS = 4
LEAST_SECONDS = 0.1           # of a command: its start, which does not count, varies by as much
# A line of a storage server's log for each request that it has served.
_SERVED = re.compile(rb'"(?:GET|HEAD|PUT|POST|DELETE|UPDATE) /')


def make_cluster(directory: str, hold: Hold) -> Cluster:
    """Return a cluster, not started, that takes small parts and remembers what it has looked up."""
    return Cluster(directory, filters={'s3api': {'min_segment_size': 1}}, app=APP, storage=STORAGE,
                   storage_filters=hold.filters)


def measure(cluster: Cluster, hold: Hold, dimension: Dimension, setting: Setting, only: str,
            idle: dict[str, float]) -> Iterator[Point]:
    """Fill a bucket, and measure in it what has the text `only` in its name.

    idle: what the start of each command takes; filled here, and the same for all settings of a cluster. Raises
    BenchmarkError if a request fails.
    """
    _say(f'{setting.size} {dimension.title}{", sharded" if setting.sharded else ""}: planted in ')
    side = Side(f'{setting.dimension}-{setting.size}{"-sharded" if setting.sharded else ""}')
    # A new one, so that what earlier settings made it hold is no part of its memory.
    proxy = cluster.add_proxy('growth')
    side.connect(proxy)
    place = Place(side, Planter(cluster))
    started = time.monotonic()
    dimension.plant(place, setting.size)
    _say(f'{time.monotonic() - started:.0f} s')
    if setting.sharded:
        started = time.monotonic()
        for container in dimension.containers(side.bucket):
            shard(cluster, place.planter.database(container), place.planter.partition(container), SHARDS)
        _say(f', sharded in {time.monotonic() - started:.0f} s')
    _say('\n')
    children = [*cluster.servers.values(), *cluster.proxies.values()]
    with Counter(hold, [child.pid for child in children if child.pid is not None]) as counter:
        counter.settle()
        # First: the operations leave things behind.
        for command in dimension.commands:
            if only in command.name:
                yield _told(_command(cluster, side, setting, command, idle))
        for operation in dimension.operations():
            if only in operation.name:
                yield _told(_operation(counter, proxy, place, setting, operation))


def _operation(counter: Counter, proxy: Proxy, place: Place, setting: Setting, operation: Operation) -> Point:
    """Measure an operation: once for what is loaded on first use, then counted, then timed."""
    def prepared() -> Callable[[], float]:
        made = operation.prepare(place)
        return lambda: operation.act(place.side, made)

    assert proxy.pid is not None
    counter.call(prepared())
    requests = min(len(counter.count(prepared()).requests) for _round in range(COUNTED))
    seconds, grown = [], []
    for _round in range(TIMED):
        act = prepared()
        counter.settle()
        with PeakMemory(proxy.pid) as memory:
            seconds.append(counter.call(act))
            counter.settle()
        grown.append(memory.peak_bytes - memory.before_bytes)
    return Point(setting, operation.name, requests, statistics.median(seconds), max(grown))


def _command(cluster: Cluster, side: Side, setting: Setting, command: Command, idle: dict[str, float]) -> Point:
    """Run a command over the bucket. idle: seconds of its start, by command; they do not count."""
    programs = Programs(cluster)
    if command.name not in idle:
        # `Side` makes a second bucket, in which nothing is measured here.
        idle[command.name] = min(programs.run(command.module, *command.arguments, f'{ACCOUNT}/{side.bucket}-lists'
                                              ).seconds for _time in range(3))
    before = _served(cluster)
    run = programs.run(command.module, *command.arguments, f'{ACCOUNT}/{side.bucket}')
    seconds = max(LEAST_SECONDS, run.seconds - idle[command.name])
    return Point(setting, command.name, _served(cluster) - before, seconds, run.memory_bytes)


def _served(cluster: Cluster) -> int:
    """Return how many requests the storage servers have served."""
    return sum(len(_SERVED.findall((cluster.log_dir / f'{node.own(kind)}.log').read_bytes()))
               for node in cluster.nodes for kind in node.ports)


def _told(point: Point) -> Point:
    _say(f'  {point.operation}: {point.requests} requests, {1000 * point.seconds:.1f} ms, '
         f'{point.memory_bytes / (1 << 20):.1f} MiB\n')
    return point


def _say(text: str) -> None:
    print(text, end='', file=sys.stderr, flush=True)
