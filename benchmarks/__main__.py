# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks`: start a Swift cluster, measure s3multi and Swift's own s3api on it, print the results."""

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import List, Tuple

from s3multi.demo import bootstrap

DEFAULT_ROUNDS, QUICK_ROUNDS = 7, 2
DEFAULT_PARTS, QUICK_PARTS = (2, 10, 100, 1000, 10000), (2, 10, 100)
BODY_BYTES = (1 << 10, 8 << 20, 64 << 20)
MOST_PARTS = 10000


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog='python3 -m benchmarks', description='Measure the multipart operations of s3multi beside those of '
        'Swift\'s own s3api, over the same storage servers on this machine. Takes a quarter to half an hour, most '
        'of it for sending the parts that are then completed, aborted and listed; with --quick two minutes.')
    parser.add_argument('--rounds', type=_positive, metavar='N', help='how often an operation of middling length is '
                        f'measured; short ones are measured more often, those on more than 1000 parts once (default: '
                        f'{DEFAULT_ROUNDS}, with --quick {QUICK_ROUNDS})')
    parser.add_argument('--parts', type=_numbers, metavar='N,N,...', help='numbers of parts to complete and to abort '
                        f'(default: {_listed(DEFAULT_PARTS)}, with --quick {_listed(QUICK_PARTS)})')
    parser.add_argument('--only', metavar='TEXT', default='', help='measure only what has TEXT in its name, such as '
                        '"64 MiB" or "10 parts"; names are shown while they are measured')
    parser.add_argument('--quick', action='store_true', help='only check that it works: few rounds, few parts')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write every measurement to this file')
    parser.add_argument('--svg', type=Path, metavar='FILE', help='write a plot of Complete and Abort to this file')
    parser.add_argument('--table', type=Path, metavar='FILE', help='write the table of times for the documentation to '
                        'this file')
    parser.add_argument('--data', type=Path, metavar='DIR', help='make the temporary directory of the cluster, which '
                        "needs about 2 GiB, in this one, on the disk to be measured (default: the system's)")
    options = parser.parse_args()
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else DEFAULT_ROUNDS)
    options.parts = options.parts or (QUICK_PARTS if options.quick else DEFAULT_PARTS)
    for path in (options.json, options.svg, options.table):
        # Found out now, not when everything has been measured.
        if path is not None and not path.resolve().parent.is_dir():
            parser.error(f'the directory of {path} does not exist')
    return options


def main() -> int:
    """Run the benchmarks; return the exit code: 0 if everything was measured, 1 otherwise."""
    options = parse_arguments()
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 'benchmarks', *sys.argv[1:]])

    from .command import ended
    return ended('benchmarks', lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Measure, print the report, and write the files that were asked for; return the exit code.

    Raises BenchmarkError, DemoError, OSError, KeyboardInterrupt.
    """
    from . import cases, machine, plot, report, rounds
    from .arena import Arena
    from .results import Results
    results = Results()
    command = shlex.join(['python3', '-m', 'benchmarks', *sys.argv[1:]])
    with tempfile.TemporaryDirectory(prefix='s3multi-benchmarks-', dir=options.data) as directory:
        with Arena(directory) as arena:
            facts = machine.facts(arena.cluster, command)
            try:
                groups = cases.groups(options.parts, options.rounds, BODY_BYTES)
                rounds.run(arena, [group for group in groups if options.only in group.name], results)
            finally:
                # Also after an interruption: what has been measured by then may have taken long.
                if results.seconds:
                    print(report.render(facts, results), flush=True)
                    if options.json:
                        document = {'machine': facts, 'settings': arena.settings, **results.as_json()}
                        options.json.write_text(json.dumps(document, indent=1) + '\n', encoding='utf-8')
                    if options.svg:
                        options.svg.write_text(plot.render(results), encoding='utf-8')
                    if options.table:
                        options.table.write_text(report.render_table(facts, results), encoding='utf-8')
    return 1 if results.failures else 0


def _numbers(text: str) -> Tuple[int, ...]:
    try:
        numbers = sorted({int(word) for word in text.split(',')})
    except ValueError:
        numbers = [0]
    if not 1 <= numbers[0] <= numbers[-1] <= MOST_PARTS:
        raise argparse.ArgumentTypeError(f'{text!r} is no list of numbers from 1 to {MOST_PARTS}')
    return tuple(numbers)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is no number from 1 on')
    return int(text)


def _listed(numbers: Tuple[int, ...]) -> str:
    words: List[str] = [str(number) for number in numbers]
    return ','.join(words)


if __name__ == '__main__':
    sys.exit(main())
