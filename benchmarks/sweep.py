# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks.sweep`: measures how many uploads s3multi-sweep looks at in a second, on a real cluster."""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
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
    parser.add_argument('--finished', type=int, default=0, metavar='N', help='write N finished objects straight onto '
                        'the disks, too, without their parts, and measure how fast they are looked at')
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
    from .side import PART, Side, Upload
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
            if options.finished:
                bucket = _bucket_of(side, 'finished')
                first = Upload(bucket, 'first', '')
                side.initiate(first)
                for part in range(1, options.parts + 1):
                    side.upload_part(first, part, PART)
                side.complete(first)
                _write_finished(cluster, bucket, options.finished - 1, options.parts)
                sweep.measure('completed, without parts', bucket, profile=options.profile)
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
    now, made = _new_uploads(cluster, bucket, uploads)
    from s3multi.upload.marker_names import markers_container
    from s3multi.upload.records import MarkerType, State
    marker_type = MarkerType(State.OPEN, 'test:tester').encode()
    _merge(cluster, markers_container(bucket), now, ([(upload.marker, 0, marker_type)] for upload in made))
    _merge_parts(cluster, bucket, now, made, parts)


def _write_finished(cluster: Cluster, bucket: str, uploads: int, parts: int) -> None:
    """Write objects as a Complete leaves them, and the rows of their parts; the first object there is the model."""
    from swift.common.ring import Ring
    from swift.common.storage_policy import POLICIES
    from swift.obj.diskfile import DiskFileManager

    now, made = _new_uploads(cluster, bucket, uploads)
    from s3multi.upload.manifest import UPLOAD_ID_HEADER
    ring = Ring(str(cluster.swift_dir), ring_name='object')
    manager = DiskFileManager({'devices': str(cluster.nodes[0].devices(cluster.directory)), 'mount_check': 'false'},
                              logging.getLogger())

    def file_of(key: str) -> Any:
        partition, nodes = ring.get_nodes(ACCOUNT, bucket, key)
        return manager.get_diskfile(nodes[0]['device'], partition, ACCOUNT, bucket, key, policy=POLICIES[0])

    with file_of('first').open() as model:
        metadata, body = model.get_metadata(), b''.join(model.reader())
    for upload in made:
        with file_of(upload.key).create() as writer:
            writer.write(body)
            writer.put({**metadata, UPLOAD_ID_HEADER: upload.id})
    _merge_parts(cluster, bucket, now, made, parts)


def _new_uploads(cluster: Cluster, bucket: str, count: int) -> tuple[int, list[Any]]:
    """Return uploads of this moment, which is told as well."""
    from swift.common import storage_policy, utils
    utils.set_swift_dir(str(cluster.swift_dir))
    storage_policy.reload_storage_policies()
    from s3multi.operations.bucket import cluster_secret
    from s3multi.upload.names import Upload, UploadIds
    ids, now = UploadIds(cluster_secret()), int(time.time() * 100000)
    keys = [f'row-{number:06}' for number in range(count)]
    return now, [Upload(ACCOUNT, bucket, key, ids.new(ACCOUNT, bucket, key, now)) for key in keys]


def _merge_parts(cluster: Cluster, bucket: str, now: int, uploads: list[Any], parts: int) -> None:
    from s3multi.upload.names import new_attempt, segments_container
    _merge(cluster, segments_container(bucket), now, (
        [(upload.part(number, new_attempt(now)), 1024, 'application/octet-stream') for number in range(1, parts + 1)]
        for upload in uploads))


def _merge(cluster: Cluster, container: str, now: int, found: Iterable[list[tuple[str, int, str]]]) -> None:
    """Write rows into the databases of a container: name, size and content type of each."""
    from swift.common import utils
    from swift.common.ring import Ring
    from swift.container.backend import ContainerBroker

    rows = [{'name': name, 'created_at': '%.5f' % (now / 100000), 'size': size, 'content_type': content_type,
             'etag': 'd41d8cd98f00b204e9800998ecf8427e', 'deleted': 0, 'storage_policy_index': 0}
            for each in found for name, size, content_type in each]
    ring = Ring(str(cluster.swift_dir), ring_name='container')
    place = utils.storage_directory('containers', ring.get_part(ACCOUNT, container),
                                    utils.hash_path(ACCOUNT, container))
    for path in cluster.directory.glob(f'**/{place}/*.db'):
        broker = ContainerBroker(str(path))
        for begin in range(0, len(rows), 40000):
            broker.merge_items(rows[begin:begin + 40000])


if __name__ == '__main__':
    sys.exit(main())
