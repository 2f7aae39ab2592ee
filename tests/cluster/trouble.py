# SPDX-License-Identifier: Apache-2.0
"""The faults of nodes, proxies and cache while clients work. A seed chooses them, their order and their duration."""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter
from operator import attrgetter

from tests.integration.faults import rule

from . import clocks, rsync
from .links import HELD, REFUSED
from .machines import NODES, PROXIES, RESTORE_SECONDS, SETTLE_SECONDS

# One node fails at a time: a minority, with three replicas and with this erasure code. NODE_SECONDS: how long it fails.
# REST_SECONDS: how long all nodes work afterwards, which is longer than the second for which a proxy avoids a node that
# failed.
WRONG_CLOCK, PROXY_CLOCK = 'clock of a node wrong', 'clock of a proxy wrong'
CORRUPTED = 'objects corrupted'
NODE_FAULTS = {
    'node killed': ('kill', 'start'),
    'node paused': ('pause', 'resume'),
    'disk full': ('fill', 'empty'),
    'all container servers away': ('stop_containers', 'start_containers'),
    'node cut off from all others': ('links.cut_off', 'links.mend'),
    'each proxy cut off from another node': ('links.part_ways', 'links.mend'),
    'network split': ('links.split', 'links.mend'),
    WRONG_CLOCK: ('shift_clock', 'set_clock'),
}
# What the daemons mend: the last two with rsync alone.
NEEDS_RSYNC = ('container databases damaged', 'disk replaced by an empty one')
DAMAGE = dict(zip((CORRUPTED, *NEEDS_RSYNC), ('corrupt', 'damage_databases', 'replace_disk')))
CACHE_FAULTS = ('cache restarted', 'cache paused', f'connections to the cache {REFUSED}',
                f'connections to the cache {HELD}')
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
# How long a proxy has a wrong clock.
WRONG_SECONDS = 8.0
# How long the cache works, and how long it fails.
CACHE_REST_SECONDS, CACHE_SECONDS = (4.0, 8.0), (2.0, 6.0)


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
        self._kinds = [kind for kind in (*NODE_FAULTS, *DAMAGE) if (rsync.PROGRAM or kind not in NEEDS_RSYNC)
                       and (clocks.LIBRARY or kind != WRONG_CLOCK)]

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
            self._revive_proxies()
            assert time.monotonic() < deadline, '\n'.join(map(_last_words, missing))
            time.sleep(0.2)
        self._machines.wait_for_daemons()
        self.calm_from = time.monotonic()

    # Each strand yields the number of seconds that have to pass until it goes on.

    def _nodes(self):
        rng = random.Random(f'{self._seed}/nodes')
        yield 1.0
        while self._goes_on():
            for kind in rng.sample(self._kinds, len(self._kinds)):
                number, seconds, rest = rng.randint(1, NODES), rng.uniform(*NODE_SECONDS), rng.uniform(*REST_SECONDS)
                damage_rng = random.Random(rng.random())
                if not self._goes_on():
                    return
                if kind in DAMAGE:
                    yield from self._damage(kind, number, damage_rng)
                else:
                    yield from self._fail(kind, number, seconds)
                yield rest

    def _fail(self, kind, number, seconds):
        begin, end = (attrgetter(name)(self._machines) for name in NODE_FAULTS[kind])
        began = time.monotonic()
        self._note(f'node {number}: {kind}', f'for {seconds:.1f} s', kind)
        begin(number)
        while kind == WRONG_CLOCK and not self._machines.nodes_answer() and self._goes_on():
            yield 0.1
        yield seconds
        end(number)
        while not self._machines.nodes_answer() and time.monotonic() < began + seconds + RESTORE_SECONDS:
            yield 0.1
        self._note(f'node {number}: as before')

    def _damage(self, kind, number, rng):
        """Damage a disk. What was there is there again when all daemons have made a round: one replica at a time."""
        began = time.monotonic()
        self._note(f'node {number}: {kind}', '', kind)
        getattr(self._machines, DAMAGE[kind])(number, rng)
        before = self._machines.rounds()
        while (self._goes_on() and not self._machines.made_a_round(before)
               and time.monotonic() < began + SETTLE_SECONDS):
            yield 0.5
        self._note(f'node {number}: mended')

    def _proxies(self):
        rng = random.Random(f'{self._seed}/proxies')
        while self._goes_on():
            for step in rng.sample(sorted(STEPS), len(STEPS)):
                kind = rng.choices(('step', 'killed', 'paused', 'clock'), (6, 1, 1, 1 if clocks.LIBRARY else 0))[0]
                proxy, after, skip = rng.choice(self._machines.proxies), rng.random() < 0.5, rng.choice((0, 0, 1, 2))
                seconds, rest = rng.uniform(0.2, 1.0), rng.uniform(0.5, 2.0)
                if not self._goes_on():
                    return
                self._revive_proxies()
                if kind == 'paused':
                    self._note(f'proxy {proxy.name}: paused', f'for {seconds:.1f} s', 'proxy paused')
                    proxy.proxy.pause()
                    yield seconds
                    proxy.proxy.resume()
                elif kind == 'clock':
                    yield from self._shift_clock(proxy, clocks.PROXY_SECONDS * (1 if after else -1))
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

    def _shift_clock(self, proxy, seconds):
        self._note(f'proxy {proxy.name}: its clock is {seconds:+} s off', '', PROXY_CLOCK)
        proxy.proxy.kill()
        with clocks.shifted(seconds):
            proxy.proxy.spawn()
        while not proxy.proxy.answers() and self._goes_on():
            yield 0.1
        yield WRONG_SECONDS
        self._note(f'proxy {proxy.name}: its clock is right')
        proxy.proxy.kill()
        proxy.proxy.spawn()
        while not proxy.proxy.answers() and self._goes_on():
            yield 0.1

    def _revive_proxies(self):
        """Start the proxies that ended late: their request had met the rule before it was taken back."""
        for each in self._machines.proxies:
            if each.proxy.pid is None:
                each.proxy.spawn()

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
        while self._goes_on():
            for kind in rng.sample(CACHE_FAULTS, len(CACHE_FAULTS)):
                rest, seconds = rng.uniform(*CACHE_REST_SECONDS), rng.uniform(*CACHE_SECONDS)
                proxies = rng.choice([*((name,) for name in PROXIES), PROXIES])
                yield rest
                if not self._goes_on():
                    return
                yield from self._fail_cache(kind, seconds, proxies)

    def _fail_cache(self, kind, seconds, proxies):
        cache = self._machines.cluster.servers['cache']
        if kind == 'cache restarted':
            self._note(kind, '', kind)
            self._machines.restart_cache()
            return
        if kind == 'cache paused':
            self._note(kind, f'for {seconds:.1f} s', kind)
            cache.pause()
        else:
            self._note(kind, f'from {" and ".join(proxies)} for {seconds:.1f} s', kind)
            self._machines.links.cut_off_cache(kind.split()[-1], proxies)
        yield seconds
        cache.resume()
        self._machines.links.mend_cache()
        self._note('cache: as before')

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
