# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks.profile`: shows on what the time of Complete, Upload Part and Abort is spent.

Needs py-spy: `pip install py-spy`.

Each operation is measured in two series: one tells how much CPU each server takes; in the other, py-spy looks at the
proxy and tells in whose code the time is spent.
"""

from __future__ import annotations

import collections
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s3multi.demo import bootstrap

from .cpu import cpu_seconds

SAMPLES_A_SECOND = 300
LONGEST_SECONDS = 300
OWNERS = ('proxy-server', 'proxy-logging', "Swift's filters", 's3api', 's3multi', 'eventlet')
SERVERS = ('proxy', 'object', 'container', 'cache')


@dataclass(frozen=True)
class Subject:
    """One operation. times: how often it is done in a series. prepare: makes what `act` needs. act: is measured."""

    name: str
    times: int
    prepare: Callable[[Any], Any]
    act: Callable[[Any, Any], object]


def subjects() -> list[Subject]:
    """Return the operations that are measured."""
    from .cases import _body_of
    from .side import PART, Side
    body = _body_of(64 << 20)
    return [
        Subject('Complete, 2 parts', 60, lambda side: side.new_upload(2), Side.complete),
        Subject('Complete, 1000 parts', 5, lambda side: side.new_upload(1000), Side.complete),
        Subject('Upload Part, 1 KiB', 120, Side.new_upload, lambda side, upload: side.upload_part(upload, 1, PART)),
        Subject('Upload Part, 64 MiB', 15, Side.new_upload, lambda side, upload: side.upload_part(upload, 1, body)),
        Subject('Abort, 100 parts', 8, lambda side: side.new_upload(100), Side.abort),
        Subject('Abort, 1000 parts', 5, lambda side: side.new_upload(1000), Side.abort),
    ]


def owner_of(stack: Sequence[str]) -> str:
    """Return the owner of the code that a stack of py-spy is in: that of the innermost frame which has one.

    stack: frames as py-spy writes them, the outermost first.
    """
    for frame in reversed(stack):
        place = re.search(r'\(([^()]*?)(:\d+)?\)$', frame)
        path = place[1] if place else ''
        for part, owner in (('s3multi/', 's3multi'), ('middleware/s3api', 's3api'),
                            ('middleware/proxy_logging', 'proxy-logging'), ('common/middleware/', "Swift's filters"),
                            ('swift/proxy/', 'proxy-server')):
            if part in path:
                return owner
    return 'eventlet'


def shares(raw: str) -> Mapping[str, float]:
    """Return the share of each owner in the samples, without those in which the proxy waits. raw: as py-spy writes."""
    found: collections.Counter[str] = collections.Counter()
    for line in raw.splitlines():
        frames, _blank, count = line.rpartition(' ')
        stack = frames.split(';')
        if not any('eventlet/hubs/' in frame for frame in stack[-2:]):
            found[owner_of(stack)] += int(count)
    whole = sum(found.values()) or 1
    return {owner: found[owner] / whole for owner in OWNERS}


def look_at(side: Any, servers: Mapping[str, int], subject: Subject, directory: Path) -> None:
    """Measure one operation and print the results. servers: process ids by name. directory: for temporary files."""
    made = [subject.prepare(side) for _ in range(subject.times)]
    before = {name: cpu_seconds(pid) for name, pid in servers.items()}
    start = time.perf_counter()
    for each in made:
        subject.act(side, each)
    seconds = (time.perf_counter() - start) / subject.times
    cpu = {name: (cpu_seconds(pid) - before[name]) / subject.times for name, pid in servers.items()}

    made = [subject.prepare(side) for _ in range(subject.times)]
    path = directory / 'samples'
    spy = subprocess.Popen(['py-spy', 'record', '--pid', str(servers['proxy']), '--rate', str(SAMPLES_A_SECOND),
                            '--format', 'raw', '--output', str(path), '--duration', str(LONGEST_SECONDS)],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    for each in made:
        subject.act(side, each)
    spy.send_signal(signal.SIGINT)
    spy.wait(30)
    found = shares(path.read_text(encoding='utf-8'))
    print(f'{subject.name}: {1000 * seconds:.0f} ms; CPU', ', '.join(
        f'{name} {1000 * cpu[name]:.0f} ms' for name in SERVERS), flush=True)
    print('    of the proxy:', ', '.join(f'{owner} {share:.0%}' for owner, share in found.items()), flush=True)


def main() -> int:
    """Measure every operation; return the exit code: 0, or 1 without py-spy."""
    if shutil.which('py-spy') is None:
        print('benchmarks.profile: py-spy is not on the PATH; run: pip install py-spy', file=sys.stderr)
        return 1
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 'benchmarks.profile', *sys.argv[1:]])
    from .arena import S3MULTI, Arena
    with tempfile.TemporaryDirectory(prefix='s3multi-profile-') as name, Arena(name) as arena:
        side = arena.sides[S3MULTI]
        pids = {each: arena.cluster.servers[each].pid for each in SERVERS[1:]}
        for subject in subjects():
            look_at(side, {'proxy': side.proxy.pid, **pids}, subject, Path(name))
    return 0


if __name__ == '__main__':
    sys.exit(main())
