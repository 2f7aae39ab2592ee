# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks.long_inputs`: sends the longest inputs that S3 allows, and holds memory to its bounds."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3multi.demo import bootstrap

if TYPE_CHECKING:
    from .measure import Runner
    from .results import Row

GROUPS = ('parts', 'largest', 'minutes', 'crowd')
UPLOADS = 1000


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog='python3 -m benchmarks.long_inputs', description='Send the longest inputs that S3 allows through a Swift '
        'cluster on this machine whose storage keeps no bytes: parts of 5 GiB, an object of 5 TiB, Completes that take '
        'minutes, and 1000 uploads at once through two proxies. Looks at the memory of the proxies. Takes about a '
        'quarter of an hour.')
    parser.add_argument('--only', choices=GROUPS, help='send only these')
    parser.add_argument('--uploads', type=int, default=UPLOADS, metavar='N', help='how many uploads run at the same '
                        'time (default: %(default)s)')
    parser.add_argument('--json', type=Path, metavar='FILE', help='keep every measurement in this file; those that it '
                        'has from earlier runs stay, and are shown as well')
    parser.add_argument('--table', type=Path, metavar='FILE', help='write the table of the documentation to this file')
    parser.add_argument('--data', type=Path, metavar='DIR', help='make the temporary directory of the cluster in this '
                        "one (default: the system's)")
    options = parser.parse_args()
    for path in (options.json, options.table):
        # Found out now, not when everything has been measured.
        if path is not None and not path.resolve().parent.is_dir():
            parser.error(f'the directory of {path} does not exist')
    return options


def main() -> int:
    """Run the benchmark; return the exit code: 0 if everything succeeded within its bounds, 1 otherwise."""
    options = parse_arguments()
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 'benchmarks.long_inputs', *sys.argv[1:]])

    from ..command import ended
    return ended('benchmarks.long_inputs', lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Measure, print the report, and write the file that was asked for; return the exit code.

    Raises BenchmarkError, DemoError, OSError, KeyboardInterrupt.
    """
    from .. import machine
    from ..hold import Hold
    from . import results
    from .measure import Runner, make_cluster
    found: dict[str, Row] = {row.name: row for row in (results.read(options.json) if options.json else [])}
    several = bool(found)
    with tempfile.TemporaryDirectory(prefix='s3multi-long-inputs-', dir=options.data) as directory:
        hold = Hold(Path(directory) / 'hold')
        with make_cluster(directory, hold) as cluster:
            facts = machine.facts(cluster, shlex.join(['python3', '-m', 'benchmarks.long_inputs', *sys.argv[1:]]))
            try:
                for row in _rows(Runner(cluster, hold), options):
                    found[row.name] = row
            finally:
                # Also after an interruption: what has been measured by then may have taken long.
                _write(options, list(found.values()), facts, several)
    return 0 if all(row.within for row in found.values()) else 1


def _write(options: argparse.Namespace, rows: list[Row], facts: dict[str, Any], several: bool) -> None:
    from . import results
    if rows:
        print(results.render(facts, rows), flush=True)
    if options.json:
        results.write(options.json, rows)
    if options.table:
        options.table.write_text(results.render_table(facts, rows, several), encoding='utf-8')


def _rows(runner: Runner, options: argparse.Namespace) -> Iterator[Row]:
    groups = {'parts': runner.parts, 'largest': runner.largest, 'minutes': runner.minutes,
              'crowd': lambda: runner.crowd(options.uploads)}
    for name, group in groups.items():
        if options.only in (None, name):
            yield from group()


if __name__ == '__main__':
    sys.exit(main())
