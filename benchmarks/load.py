# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks.load`: runs many uploads at the same time, through s3multi and through Swift's own s3api."""

from __future__ import annotations

import argparse
import collections
import json
import shlex
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3multi.demo import bootstrap

if TYPE_CHECKING:
    from .burst import Burst

DEFAULT_UPLOADS, DEFAULT_PARTS, DEFAULT_BYTES = 200, 20, 1024
WARM_UP_UPLOADS = 50
SWIFT_MEMCACHE_CONNECTIONS = 2
MIB = 1 << 20


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog='python3 -m benchmarks.load', description='Run many uploads at the same time through one proxy with '
        's3multi, and the same through one with Swift\'s own s3api, over the same storage servers on this machine. '
        'Counts every raw answer, and looks at the memory of the proxy. Takes about four minutes.')
    parser.add_argument('--uploads', type=int, default=DEFAULT_UPLOADS, metavar='N',
                        help='how many uploads run at the same time (default: %(default)s)')
    parser.add_argument('--parts', type=int, default=DEFAULT_PARTS, metavar='N',
                        help='how many parts each upload sends, one after another (default: %(default)s)')
    parser.add_argument('--bytes', type=int, default=DEFAULT_BYTES, metavar='N',
                        help='the size of each part (default: %(default)s)')
    parser.add_argument('--rounds', type=int, default=1, metavar='N',
                        help='how often each side is measured (default: %(default)s)')
    parser.add_argument('--memcache-connections', type=int, default=SWIFT_MEMCACHE_CONNECTIONS, metavar='N',
                        help="memcache_max_connections of both proxies (default: %(default)s, as Swift's)")
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the results to this file')
    parser.add_argument('--data', type=Path, metavar='DIR', help='make the temporary directory of the cluster in this '
                        "one (default: the system's)")
    options = parser.parse_args()
    if min(options.uploads, options.parts, options.bytes, options.rounds, options.memcache_connections) < 1:
        parser.error('all numbers have to be 1 or more')
    if options.json is not None and not options.json.resolve().parent.is_dir():
        parser.error(f'the directory of {options.json} does not exist')
    return options


def main() -> int:
    """Run the load; return the exit code: 0 if s3multi answered every request with success, 1 otherwise."""
    options = parse_arguments()
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 'benchmarks.load', *sys.argv[1:]])

    from .command import ended
    return ended('benchmarks.load', lambda: run(options))


def run(options: argparse.Namespace) -> int:
    """Measure, print the table, and write the file that was asked for; return the exit code.

    Raises BenchmarkError, DemoError, OSError, KeyboardInterrupt.
    """
    from . import burst, machine
    from .arena import S3MULTI, SIDES, Arena
    from .client import Body
    body = Body.of(bytes(options.bytes))
    found: dict[str, list[Burst]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory(prefix='s3multi-load-', dir=options.data) as directory:
        with Arena(directory, _filters(options), probed=True) as arena:
            facts = machine.facts(arena.cluster, shlex.join(['python3', '-m', 'benchmarks.load', *sys.argv[1:]]))
            for name in SIDES:
                # After this, what a busy proxy keeps for good does not count as left behind.
                burst.run(arena.sides[name], min(options.uploads, WARM_UP_UPLOADS), 2, body)
            for number in range(options.rounds):
                for name in SIDES if number % 2 == 0 else SIDES[::-1]:
                    found[name].append(burst.run(arena.sides[name], options.uploads, options.parts, body))
                    arena.cluster.check()
                    print(_line(name, found[name][-1]), file=sys.stderr, flush=True)
            settings = arena.settings
    facts_line = f'{facts["date"]}  {facts["command"]}\n{facts["cores"]} cores ({facts["processor"]}), ' \
                 f'load before {facts["load_before"]:.1f}; Swift {facts["swift"]}, Python {facts["python"]}'
    print(f'{facts_line}\n\n{render(found)}', flush=True)
    if options.json:
        options.json.write_text(json.dumps({
            'machine': facts, 'settings': settings, 'uploads': options.uploads, 'parts': options.parts,
            'part_bytes': options.bytes, **{name: [as_json(each) for each in found[name]] for name in SIDES}},
            indent=1) + '\n', encoding='utf-8')
    return 1 if any(each.errors or each.unfinished for each in found[S3MULTI]) else 0


def _filters(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    return {
        # By default SLO reads back only one small part a second.
        'slo': {'rate_limit_segments_per_sec': 0},
        'cache': {'memcache_max_connections': options.memcache_connections}}


def as_json(burst: Burst) -> dict[str, Any]:
    """Return a burst for the JSON file: times in seconds, memory in bytes."""
    return {
        'seconds': burst.seconds, 'parts_a_second': burst.parts_a_second, 'errors': burst.errors,
        'unfinished': burst.unfinished,
        'latencies': {operation: {'count': len(times), **{f'p{share}': percentile(times, share) for share in (50, 99)}}
                      for operation, times in burst.latencies.items() if times},
        'rss_before': burst.before.resident_bytes, 'rss_peak': burst.peak_bytes,
        'rss_after': burst.after.resident_bytes, 'objects_before': burst.before.objects,
        'objects_after': burst.after.objects, 'blocks_before': burst.before.blocks,
        'blocks_after': burst.after.blocks}


def render(found: dict[str, list[Burst]]) -> str:
    """Return the table for people: a row for each figure, a column for each side, medians of the rounds."""
    rows = []
    columns = [[_figures(each) for each in bursts] for bursts in found.values()]
    for label in dict.fromkeys(label for column in columns for figures in column for label in figures):
        rows.append([label, *(_shown([figures[label] for figures in column if label in figures])
                              for column in columns)])
    lines = [['', *found], *rows]
    lines += [[f'errors of {name}', _errors(bursts)] for name, bursts in found.items()]
    width = max(len(line[0]) for line in lines)
    return '\n'.join('  '.join([line[0].ljust(width), *(cell.rjust(12) for cell in line[1:])]) for line in lines)


def percentile(values: Sequence[float], share: int) -> float:
    """Return the value that `share` percent of the values do not exceed. values: at least one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def _figures(burst: Burst) -> dict[str, float]:
    figures = {'seconds': burst.seconds, 'parts a second': burst.parts_a_second,
               'requests that succeeded': burst.requests,
               'answers that were errors': sum(sum(counts.values()) for counts in burst.errors.values()),
               'uploads that did not end': len(burst.unfinished)}
    for operation, times in burst.latencies.items():
        for share in (50, 99):
            if times:
                figures[f'{operation}, p{share}, seconds'] = percentile(times, share)
    return {**figures, 'RSS before, MiB': burst.before.resident_bytes / MIB, 'RSS peak, MiB': burst.peak_bytes / MIB,
            'RSS after, MiB': burst.after.resident_bytes / MIB, 'objects of requests before': burst.before.objects,
            'objects of requests after': burst.after.objects, 'blocks before': burst.before.blocks,
            'blocks after': burst.after.blocks}


def _shown(values: Sequence[float]) -> str:
    if not values:
        return '-'
    value = statistics.median(values)
    return f'{value:,.0f}' if float(value).is_integer() else f'{value:,.1f}' if value >= 10 else f'{value:.3f}'


def _errors(bursts: Sequence[Burst]) -> str:
    counts: collections.Counter[str] = collections.Counter()
    for burst in bursts:
        for operation, kinds in burst.errors.items():
            counts.update({f'{operation} {kind}': count for kind, count in kinds.items()})
    return ', '.join(f'{kind}: {count}' for kind, count in sorted(counts.items())) or 'none'


def _line(name: str, burst: Burst) -> str:
    return f'{name}: {burst.seconds:.0f} s, {burst.parts_a_second:.0f} parts a second, errors {_errors([burst])}'


if __name__ == '__main__':
    sys.exit(main())
