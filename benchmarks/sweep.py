# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks.sweep`: measures how many uploads s3multi-sweep looks at in a second, on a real cluster."""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3multi.demo import bootstrap

if TYPE_CHECKING:
    from s3multi.demo.cluster import Cluster

    from .side import Side

SAMPLE = Path(__file__).resolve().parents[1] / 'etc' / 's3multi-sweep.conf-sample'
THREADS = 8
ACCOUNT = 'AUTH_test'
# How the uploads end, of which as many are made each; and whose rows are written into the databases.
KINDS = ('completed', 'in progress', 'aborted')


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog='python3 -m benchmarks.sweep', description='Make uploads on a Swift cluster on this machine, and measure '
        's3multi-sweep on them: with nothing to do, and with every upload that is not completed to be ended.')
    parser.add_argument('--uploads', type=int, default=231, metavar='N',
                        help='how many uploads there are of each kind (default: %(default)s)')
    parser.add_argument('--parts', type=int, default=4, metavar='N',
                        help='how many parts each upload has (default: %(default)s)')
    parser.add_argument('--rows', type=int, default=0, metavar='N', help='write the rows of N uploads in progress '
                        'straight into the container databases, too, and measure how fast they are passed')
    parser.add_argument('--concurrency', type=int, default=8, metavar='N', help='of s3multi-sweep (default: 8)')
    parser.add_argument('--profile', type=Path, metavar='FILE', help='write a profile of the last sweep to this file')
    parser.add_argument('--data', type=Path, metavar='DIR', help='make the temporary directory of the cluster in this '
                        "one (default: the system's)")
    return parser.parse_args()


def main() -> int:
    """Run the benchmark; return the exit code: 0 if everything was measured, 1 otherwise."""
    options = parse_arguments()
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 'benchmarks.sweep', *sys.argv[1:]])

    from .command import ended
    return ended('benchmarks.sweep', lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Measure, and print a line for each sweep; return the exit code."""
    from s3multi.demo.cluster import Cluster

    from . import machine
    from .side import Side
    with tempfile.TemporaryDirectory(prefix='s3multi-sweep-', dir=options.data) as directory:
        with Cluster(directory, filters={'s3api': {'min_segment_size': 1}}) as cluster:
            facts = machine.facts(cluster, shlex.join(['python3', '-m', 'benchmarks.sweep', *sys.argv[1:]]))
            print(f'{facts["date"]}  {facts["command"]}\n{facts["cores"]} cores ({facts["processor"]}), load before '
                  f'{facts["load_before"]:.1f}; Swift {facts["swift"]}, Python {facts["python"]}\n', flush=True)
            side = Side('s3multi')
            side.connect(cluster.proxy)
            sides = {kind: _bucket_of(side, kind) for kind in KINDS}
            for kind, bucket in sides.items():
                _make(side, kind, bucket, options)
            sweep = _Sweep(cluster, options.concurrency)
            for kind, bucket in sides.items():
                sweep.measure(f'{kind}, nothing to do', bucket)
            sweep.measure('in progress, to be aborted', sides['in progress'], '--apply', '--abort-older-than', '0.001s',
                          profile=None if options.rows else options.profile)
            if options.rows:
                bucket = _bucket_of(side, 'rows')
                side.client.s3('POST', f'/{bucket}/first', {'uploads': None})
                # The first one has made the containers.
                _write_rows(cluster, bucket, options.rows - 1, options.parts)
                sweep.measure('in progress, rows alone', bucket, profile=options.profile)
    return 0


def _bucket_of(side: Side, kind: str) -> str:
    name = 'sweep-' + kind.replace(' ', '-')
    side.client.s3('PUT', '/' + name)
    return name


def _make(side: Side, kind: str, bucket: str, options: argparse.Namespace) -> None:
    """Make uploads of one kind."""
    from .side import PART, Upload

    def make(number: int) -> None:
        upload = Upload(bucket, f'object-{number:06}', '')
        side.initiate(upload)
        for part in range(1, options.parts + 1):
            side.upload_part(upload, part, PART)
        end: dict[str, Callable[[Upload], float]] = {'completed': side.complete, 'aborted': side.abort}
        if kind in end:
            end[kind](upload)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(make, range(options.uploads)))


class _Sweep:
    """Runs the command against a cluster."""

    def __init__(self, cluster: Cluster, concurrency: int) -> None:
        text = SAMPLE.read_text(encoding='utf-8')
        text = text.replace('# swift_dir = /etc/swift', f'swift_dir = {cluster.swift_dir}')
        self._conf = cluster.swift_dir / 's3multi-sweep.conf'
        self._conf.write_text(text.replace('# memcache_servers = 127.0.0.1:11211', 'memcache_servers = 127.0.0.1:'
                                           f'{cluster.servers["cache"].port}'), encoding='utf-8')
        self._options = ['--conf', str(self._conf), '--swift-dir', str(cluster.swift_dir), '--skip-queue', '--json',
                         '--concurrency', str(concurrency)]

    def measure(self, label: str, bucket: str, *options: str, profile: Path | None = None) -> None:
        """Sweep a bucket, and print what it took. The start of the command does not count."""
        start = min(self._seconds_of_a_start() for _ in range(3))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.monotonic()
        report = self._run(f'{ACCOUNT}/{bucket}', *options, profile=profile)
        seconds = max(0.1, time.monotonic() - started - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        uploads = sum(report['uploads'].values())
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f'{label}: {uploads} uploads in {seconds:.1f} s, {uploads / seconds:.0f} a second '
              f'({cpu:.1f} s of CPU with the start, most memory {after.ru_maxrss >> 10} MiB; {report["uploads"]}, '
              f'{report["parts"]} parts deleted)', flush=True)

    def _seconds_of_a_start(self) -> float:
        started = time.monotonic()
        self._run(f'{ACCOUNT}/no-such-bucket')
        return time.monotonic() - started

    def _run(self, *arguments: str, profile: Path | None = None) -> dict[str, Any]:
        program = ['-m', 's3multi.sweep'] if profile is None else ['-m', 'cProfile', '-o', str(profile), '-m',
                                                                   's3multi.sweep']
        ran = subprocess.run([sys.executable, *program, *self._options, *arguments], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, 'PYTHONWARNINGS': 'ignore'}, timeout=3600, check=False)
        report: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return report


def _write_rows(cluster: Cluster, bucket: str, uploads: int, parts: int) -> None:
    """Write rows as uploads in progress have them. There are no objects behind them: only what reads rows is measured.
    """
    from swift.common import utils
    from swift.common.ring import Ring
    from swift.container.backend import ContainerBroker

    utils.set_swift_dir(str(cluster.swift_dir))
    from s3multi.operations.bucket import cluster_secret
    from s3multi.upload.marker_names import markers_container
    from s3multi.upload.names import Upload, UploadIds, new_attempt, segments_container
    from s3multi.upload.records import MarkerType, State
    ids, now = UploadIds(cluster_secret()), int(time.time() * 100000)
    marker_type = MarkerType(State.OPEN, 'test:tester').encode()
    keys = [f'row-{number:06}' for number in range(uploads)]
    made = [Upload(ACCOUNT, bucket, key, ids.new(ACCOUNT, bucket, key, now)) for key in keys]

    def row(name: str, size: int, content_type: str) -> dict[str, Any]:
        return {'name': name, 'created_at': '%.5f' % (now / 100000), 'size': size, 'content_type': content_type,
                'etag': 'd41d8cd98f00b204e9800998ecf8427e', 'deleted': 0, 'storage_policy_index': 0}

    ring = Ring(str(cluster.swift_dir), ring_name='container')
    for container, rows_of in ((markers_container(bucket), lambda each: [row(each.marker, 0, marker_type)]),
                               (segments_container(bucket), lambda each: [
                                   row(each.part(number, new_attempt(now)), 1024, 'application/octet-stream')
                                   for number in range(1, parts + 1)])):
        place = utils.storage_directory('containers', ring.get_part(ACCOUNT, container),
                                        utils.hash_path(ACCOUNT, container))
        for path in cluster.directory.glob(f'**/{place}/*.db'):
            broker = ContainerBroker(str(path))
            for begin in range(0, uploads, 10000):
                broker.merge_items([each for upload in made[begin:begin + 10000] for each in rows_of(upload)])


if __name__ == '__main__':
    sys.exit(main())
