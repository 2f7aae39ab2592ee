# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks.latency`: measures what operations take when each storage request takes its time."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3multi.demo import bootstrap

from .storage import Storage

if TYPE_CHECKING:
    from .results import Row

ROUNDS = 3
HELD_MS, REPLICAS, BUCKETS = (5, 20), '1,3', ('plain', 'versioned')


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog='python3 -m benchmarks.latency', description="Measure operations through s3multi and through Swift's own "
        's3api, over the same storage servers on this machine, each of whose requests is held for a while, as disks '
        'and a network would; and count the round trips to storage servers that each operation makes one after '
        'another. Takes about ten minutes.')
    parser.add_argument('--only', metavar='TEXT', default='', help='measure only operations that have TEXT in their '
                        'names, such as "Complete" or "3 parts"; names are shown while they are measured')
    parser.add_argument('--rounds', type=int, default=ROUNDS, metavar='N', help='how often each operation is timed on '
                        'each side; with 0 round trips are counted, and nothing is timed (default: %(default)s)')
    parser.add_argument('--hold', type=_numbers, default=HELD_MS, metavar='MS,MS', help='for how many milliseconds '
                        'each request is held (default: 5,20)')
    parser.add_argument('--replicas', type=_storages, default=REPLICAS, metavar='N,N/N', help='how many replicas there '
                        'are, and on how many storage nodes; without a number of nodes several replicas have twice as '
                        'many (default: %(default)s)')
    parser.add_argument('--buckets', choices=BUCKETS, help='measure only in buckets without versions, or only in '
                        'those with (default: both)')
    parser.add_argument('--steps', action='store_true', help='also print each request to a storage server')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write every measurement to this file')
    parser.add_argument('--svg', type=Path, metavar='FILE', help='write a plot to this file')
    parser.add_argument('--table', type=Path, metavar='FILE', help='write the tables of the documentation to this file')
    parser.add_argument('--data', type=Path, metavar='DIR', help='make the temporary directory of the cluster in this '
                        "one (default: the system's)")
    options = parser.parse_args()
    for path in (options.json, options.svg, options.table):
        # Found out now, not when everything has been measured.
        if path is not None and not path.resolve().parent.is_dir():
            parser.error(f'the directory of {path} does not exist')
    return options


def main() -> int:
    """Run the benchmark; return the exit code: 0 if everything was measured, 1 otherwise."""
    options = parse_arguments()
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 'benchmarks.latency', *sys.argv[1:]])

    from ..command import ended
    return ended('benchmarks.latency', lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Measure, print the report, and write the files that were asked for; return 0.

    Raises BenchmarkError, DemoError, OSError, KeyboardInterrupt.
    """
    from .. import machine
    from ..hold import Hold
    from . import measure
    from .results import Setting
    rows: list[Row] = []
    facts: dict[str, Any] = {}
    try:
        for storage in options.replicas:
            with tempfile.TemporaryDirectory(prefix='s3multi-latency-', dir=options.data) as directory:
                hold = Hold(Path(directory) / 'hold')
                with measure.make_arena(directory, hold, storage) as arena:
                    facts = facts or machine.facts(
                        arena.cluster, shlex.join(['python3', '-m', 'benchmarks.latency', *sys.argv[1:]]))
                    for buckets in BUCKETS if options.buckets is None else [options.buckets]:
                        setting = Setting(storage, buckets == 'versioned')
                        for row in measure.measure(arena, hold, setting, options.only, options.hold, options.rounds):
                            rows.append(row)
    finally:
        # Also after an interruption: what has been measured by then may have taken long.
        if rows:
            _write(options, facts, rows)
    return 0


def _write(options: argparse.Namespace, facts: dict[str, Any], rows: list[Row]) -> None:
    from . import plot, report
    if options.steps:
        for row in rows:
            print(f'{row.setting.title}: {row.name}\n{report.render_steps(row)}')
    print(report.render(facts, rows), flush=True)
    if options.json:
        document = {'machine': facts, 'results': [row.as_json() for row in rows]}
        options.json.write_text(json.dumps(document, indent=1) + '\n', encoding='utf-8')
    if options.svg:
        options.svg.write_text(plot.render(rows), encoding='utf-8')
    if options.table:
        options.table.write_text(report.render_tables(facts, rows), encoding='utf-8')


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = sorted({int(word) for word in text.split(',')})
    except ValueError:
        numbers = [0]
    if numbers[0] < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no list of numbers from 1 on')
    return tuple(numbers)


def _storages(text: str) -> list[Storage]:
    try:
        return [Storage.read(word) for word in text.split(',')]
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is no list such as 1,3 or 3/4') from None


if __name__ == '__main__':
    sys.exit(main())
