# SPDX-License-Identifier: Apache-2.0
"""The faults of nodes, proxies and cache while clients work. A seed chooses them, their order and their duration."""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter

from tests.integration.faults import rule

from .machines import NODES, RESTORE_SECONDS

# One node fails at a time: a minority, with three replicas and with this erasure code. NODE_SECONDS: how long it fails.
# REST_SECONDS: how long all nodes work afterwards, which is longer than the second for which a proxy avoids a node that
# failed.
NODE_FAULTS = ('killed', 'paused', 'full', 'without container servers')
NODE_SECONDS, REST_SECONDS = (2.0, 6.0), (2.5, 4.0)

# The requests of s3multi at which a proxy ends: the faulty filter that meets the request, its method and its path.
STEPS = {
    'PUT marker': ('above', 'PUT', r'\x00[^/]+\x00[^/]+$'),
    'HEAD marker': ('above', 'HEAD', r'\x00[^/]+\x00[^/]+$'),
    'DELETE marker': ('above', 'DELETE', r'\x00[^/]+\x00[^/]+$'),
    'PUT intent': ('above', 'PUT', '/complete$'),
    'HEAD intent': ('above', 'HEAD', '/complete$'),
    'DELETE intent': ('above', 'DELETE', '/complete$'),
    'PUT part': ('above', 'PUT', '/[0-9]{8}-[^/]+$'),
    'DELETE part': ('above', 'DELETE', '/[0-9]{8}-[^/]+$'),
    'GET listing': ('above', 'GET', '_segments$'),
    'HEAD object': ('above', 'HEAD', '^/v1/[^/]+/[^/_]+/[^/]+$'),
    'PUT object': ('below', 'PUT', '^/v1/[^/]+/[^/_]+/[^/]+$'),
    'queue deletions': ('below', 'UPDATE', ''),
}
# How long a proxy waits for the request at which it has to end.
ARMED_SECONDS = 2.5
CACHE_SECONDS = (5.0, 10.0)


class Trouble:
    """Makes faults.

    counts: how many, by kind. log: a line for each. calm_from: the time, on the monotonic clock, since which nothing
    has failed and the daemons have caught up.
    """

    def __init__(self, machines, seed):
        self._machines = machines
        self._seed = seed
        self._began = self._until = time.monotonic()
        self.counts = Counter()
        self.log = []
        self.calm_from = float('inf')

    def go_on(self, seconds):
        """Make faults for so many seconds, and return when all servers work again."""
        self._began = time.monotonic()
        self._until = self._began + seconds
        waiting = [(self._began, number, strand) for number, strand in enumerate(
            (self._nodes(), self._proxies(), self._cache()))]
        while waiting:
            moment, number, strand = heapq.heappop(waiting)
            time.sleep(max(0.0, moment - time.monotonic()))
            pause = next(strand, None)
            if pause is not None:
                heapq.heappush(waiting, (time.monotonic() + pause, number, strand))
        deadline = time.monotonic() + RESTORE_SECONDS
        while missing := self._machines.missing():
            assert time.monotonic() < deadline, '\n'.join(map(_last_words, missing))
            time.sleep(0.2)
        self._machines.wait_for_daemons()
        self.calm_from = time.monotonic()

    # Each strand yields the number of seconds that have to pass until it goes on.

    def _nodes(self):
        rng = random.Random(f'{self._seed}/nodes')
        machines = self._machines
        yield 1.0
        while self._goes_on():
            for kind in rng.sample(NODE_FAULTS, len(NODE_FAULTS)):
                number, seconds, rest = rng.randint(1, NODES), rng.uniform(*NODE_SECONDS), rng.uniform(*REST_SECONDS)
                if not self._goes_on():
                    return
                began = time.monotonic()
                name = 'all nodes' if kind == NODE_FAULTS[3] else f'node {number}'
                self._note(f'{name}: {kind}', f'for {seconds:.1f} s', f'node {kind}')
                begin, end = {
                    'killed': (machines.kill, machines.start), 'paused': (machines.pause, machines.resume),
                    'full': (machines.fill, machines.empty),
                    NODE_FAULTS[3]: (machines.stop_containers, machines.start_containers)}[kind]
                begin(number)
                yield seconds
                end(number)
                while not machines.nodes_answer() and time.monotonic() < began + seconds + RESTORE_SECONDS:
                    yield 0.1
                self._note(f'{name}: as before')
                yield rest

    def _proxies(self):
        rng = random.Random(f'{self._seed}/proxies')
        while self._goes_on():
            for step in rng.sample(sorted(STEPS), len(STEPS)):
                kind = rng.choices(('step', 'killed', 'paused'), (6, 1, 1))[0]
                proxy, after, skip = rng.choice(self._machines.proxies), rng.random() < 0.5, rng.choice((0, 0, 1, 2))
                seconds, rest = rng.uniform(0.2, 1.0), rng.uniform(0.5, 2.0)
                if not self._goes_on():
                    return
                if kind == 'paused':
                    self._note(f'proxy {proxy.name}: paused', f'for {seconds:.1f} s', 'proxy paused')
                    proxy.proxy.pause()
                    yield seconds
                    proxy.proxy.resume()
                else:
                    if kind == 'killed':
                        self._note(f'proxy {proxy.name}: killed', '', 'proxy killed')
                        proxy.proxy.kill()
                    else:
                        yield from self._end_at(proxy, step, after, skip)
                    if proxy.proxy.pid is None:
                        yield seconds
                        proxy.proxy.spawn()
                        while not proxy.proxy.answers() and self._goes_on():
                            yield 0.1
                yield rest

    def _end_at(self, proxy, step, after, skip):
        side, method, path = STEPS[step]
        armed = time.monotonic()
        with getattr(proxy, side).following(rule(method, path, skip=skip, times=1, exit=True, after=after)):
            while proxy.proxy.pid is not None and time.monotonic() < armed + ARMED_SECONDS and self._goes_on():
                yield 0.02
        if proxy.proxy.pid is None:
            self._note(f'proxy {proxy.name}: ended {"after" if after else "before"} {step}', '',
                       f'proxy ended at {step}')

    def _cache(self):
        rng = random.Random(f'{self._seed}/cache')
        while True:
            yield rng.uniform(*CACHE_SECONDS)
            if not self._goes_on():
                return
            self._note('cache: restarted', '', 'cache restarted')
            self._machines.restart_cache()

    def _goes_on(self):
        return time.monotonic() < self._until

    def _note(self, what, how='', kind=None):
        self.log.append(f'{time.monotonic() - self._began:6.1f} s  {what} {how}'.rstrip())
        if kind:
            self.counts[kind] += 1


def _last_words(child):
    """End a server that does not answer; return what it was doing."""
    child.abort()
    return f'{child.name} did not come back:\n{child.log_tail()}'
