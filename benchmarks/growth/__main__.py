# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks.growth`: measures how what operations and commands take grows with what is stored."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3multi.demo import bootstrap

if TYPE_CHECKING:
    from s3multi.demo.cluster import Cluster

    from ..hold import Hold
    from .results import Results

DIMENSIONS = ('rows', 'uploads', 'attempts', 'objects')
CONTAINERS = ('whole', 'sharded')


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog='python3 -m benchmarks.growth', description='Fill buckets on a Swift cluster on this machine, and measure '
        'in each what operations and commands take: requests to storage servers, time, and memory. Takes about an '
        'hour.')
    parser.add_argument('--dimensions', type=_words(DIMENSIONS), default=DIMENSIONS, metavar='NAME,NAME',
                        help=f'what there is many of (default: {",".join(DIMENSIONS)})')
    parser.add_argument('--sizes', type=_numbers, metavar='N,N', help='how many there are (default: from 1000 on by '
                        'factors of ten, up to a million rows, 10,000 attempts, 100,000 uploads or objects)')
    parser.add_argument('--containers', type=_words(CONTAINERS), default=CONTAINERS, metavar='NAME,NAME',
                        help=f'whether the containers have shards (default: {",".join(CONTAINERS)})')
    parser.add_argument('--only', metavar='TEXT', default='', help='measure only what has TEXT in its name, such as '
                        '"List"; names are shown while they are measured')
    parser.add_argument('--json', type=Path, metavar='FILE', help='keep every measurement in this file; those that it '
                        'has from earlier runs stay, and are shown as well')
    parser.add_argument('--svg', type=Path, metavar='DIRECTORY', help='write a plot for each dimension into this one, '
                        'as growth_rows.svg and so on')
    parser.add_argument('--table', type=Path, metavar='FILE', help='write the tables of the documentation to this file')
    parser.add_argument('--data', type=Path, metavar='DIR', help='make the temporary directory of the cluster in this '
                        "one (default: the system's)")
    options = parser.parse_args()
    for path in (options.json, options.table, options.svg and options.svg / 'plot'):
        # Found out now, not when everything has been measured.
        if path is not None and not path.resolve().parent.is_dir():
            parser.error(f'the directory of {path} does not exist')
    return options


def main() -> int:
    """Run the benchmark; return the exit code: 0 if everything was measured, 1 otherwise."""
    options = parse_arguments()
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 'benchmarks.growth', *sys.argv[1:]])

    from ..command import ended
    return ended('benchmarks.growth', lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Measure, print the report, and write the files that were asked for; return 0.

    Raises BenchmarkError, DemoError, OSError, KeyboardInterrupt.
    """
    from .. import machine
    from ..hold import Hold
    from .measure import make_cluster
    from .results import Results, read
    results = read(options.json) if options.json else Results()
    several = not results.is_empty
    with tempfile.TemporaryDirectory(prefix='s3multi-growth-', dir=options.data) as directory:
        hold = Hold(Path(directory) / 'hold')
        with make_cluster(directory, hold) as cluster:
            facts = machine.facts(cluster, shlex.join(['python3', '-m', 'benchmarks.growth', *sys.argv[1:]]))
            try:
                _measure(options, results, cluster, hold, facts)
            finally:
                # Also after an interruption: what has been measured by then may have taken long.
                _write(options, results, facts, several)
    return 0


def _measure(options: argparse.Namespace, results: Results, cluster: Cluster, hold: Hold,
             facts: dict[str, Any]) -> None:
    from .dimensions import dimensions
    from .measure import measure
    from .results import Setting
    idle: dict[str, float] = {}
    for dimension in dimensions():
        if dimension.name not in options.dimensions:
            continue
        for size in options.sizes or dimension.sizes:
            for containers in options.containers:
                setting = Setting(dimension.name, size, containers == 'sharded')
                for point in measure(cluster, hold, dimension, setting, options.only, idle):
                    results.add(point)
                if options.json:
                    results.write(options.json, facts)


def _write(options: argparse.Namespace, results: Results, facts: dict[str, Any], several: bool) -> None:
    from . import plot, report
    from .dimensions import dimensions
    print(report.render(facts, results, dimensions()), flush=True)
    if options.table:
        options.table.write_text(report.render_tables(facts, results, dimensions(), several), encoding='utf-8')
    for dimension in dimensions() if options.svg else []:
        points = results.of(dimension.name)
        if points:
            path = options.svg / f'growth_{dimension.name}.svg'
            path.write_text(plot.render(dimension, points), encoding='utf-8')


def _words(allowed: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        words = tuple(text.split(','))
        if not set(words) <= set(allowed):
            raise argparse.ArgumentTypeError(f'{text!r} is no list of {", ".join(allowed)}')
        return words

    return parse


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = sorted({int(word) for word in text.split(',')})
    except ValueError:
        numbers = [0]
    if numbers[0] < 10:
        raise argparse.ArgumentTypeError(f'{text!r} is no list of numbers from 10 on')
    return tuple(numbers)


if __name__ == '__main__':
    sys.exit(main())
