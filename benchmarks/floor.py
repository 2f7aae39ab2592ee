# SPDX-License-Identifier: Apache-2.0
"""`python3 -m benchmarks.floor`: measures the small requests that a Complete consists of, and adds them up."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping

from s3multi.demo import bootstrap

PARTS = 2
TIMES = 100                   # how often each request, and each Complete, is measured
CONTAINER = 'bench-floor'
# How many of each a Complete sends: s3multi by tests/integration/test_request_counts.py, stock by s3api and SLO of
# Swift 2.38.
REQUESTS: Mapping[str, Mapping[str, int]] = {
    's3multi': {'listing': 1, 'HEAD': 2, 'PUT': 2, 'DELETE': 2},
    'stock': {'HEAD': 1 + PARTS, 'PUT': 1, 'DELETE': 1},
}


def requests(send: Callable[[str, str], float]) -> Mapping[str, Callable[[], float]]:
    """Return functions that send a request of each kind and return its seconds, by kind.

    send: sends a request and returns its seconds; takes method and path in the account.
    """
    send('PUT', CONTAINER)
    for number in range(PARTS + 1):
        send('PUT', f'{CONTAINER}/key/{number}')

    def deletions() -> Iterator[float]:
        for number in range(2 * TIMES):
            send('PUT', f'{CONTAINER}/gone/{number}')
            yield send('DELETE', f'{CONTAINER}/gone/{number}')

    deletion = deletions()
    return {
        'listing': lambda: send('GET', f'{CONTAINER}?format=json&prefix=key/'),
        'HEAD': lambda: send('HEAD', f'{CONTAINER}/key/1'),
        'PUT': lambda: send('PUT', f'{CONTAINER}/written'),
        'DELETE': lambda: next(deletion),
    }


def main() -> int:
    """Run the measurement; return the exit code."""
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 'benchmarks.floor', *sys.argv[1:]])
    from .command import ended
    return ended('benchmarks.floor', run)


def run() -> int:
    """Measure and print; return 0. Raises BenchmarkError, DemoError, OSError, KeyboardInterrupt."""
    from .arena import S3MULTI, SIDES, Arena
    with tempfile.TemporaryDirectory(prefix='s3multi-floor-') as name, Arena(name) as arena:
        kinds = requests(arena.sides[S3MULTI].swift_request)
        found: dict[str, list[float]] = {kind: [] for kind in (*kinds, *SIDES)}
        for _time in range(TIMES):
            for kind, measure in kinds.items():
                found[kind].append(measure())
            for side in SIDES:
                found[side].append(arena.sides[side].complete(arena.sides[side].new_upload(PARTS)))
    medians = {kind: 1000 * statistics.median(seconds) for kind, seconds in found.items()}
    print(', '.join(f'{kind} {medians[kind]:.1f} ms' for kind in kinds))
    for side, counts in REQUESTS.items():
        floor = sum(count * medians[kind] for kind, count in counts.items())
        print(f'{side}: Complete of {PARTS} parts {medians[side]:.1f} ms; its requests one by one {floor:.1f} ms:',
              ', '.join(f'{count} {kind}' for kind, count in counts.items()))
    return 0


if __name__ == '__main__':
    sys.exit(main())
