# SPDX-License-Identifier: Apache-2.0
"""What chance decides in a run: faults of Swift, replicas and rows that lag, who goes on, who dies, how time passes.

And which notes the cache loses or keeps too long, which replica copies what to another, and whose clock is set anew.
"""
from collections import Counter

from greenlet import getcurrent
from swift.common.utils import Timestamp

from .swift import NODES, REPLICAS, Lost, Nature

# How long a Complete may stand still between its last look at the clock and its manifest. The protocol allows for 40
# seconds, less the difference between the clocks of two proxies.
STANDSTILL_SECONDS = 30
# Longer than the lease of an intent.
LEASE_SECONDS = 61
_JUMPS = (0.5, 4.0, 22.0, LEASE_SECONDS)
# By how much a clock may be wrong, in either direction.
SKEW_SECONDS = 3
# The first node that takes a write for a replica.
_HANDOFF = REPLICAS


class Trouble(Nature):
    """Chooses by chance, and as often as the run allows. Nothing goes wrong while the cluster is ``calm``."""

    def __init__(self, rng, schedule):
        self._rng, self._schedule = rng, schedule
        self.calm = True
        # Whether container servers are down: no row comes before they are asked to show it.
        self.updates_are_lost = False
        self.lagging = rng.random() < 0.5
        self.apart = rng.random() < 0.5
        # Whether, if so, it is the same node at each request that an operation does not reach.
        self._torn = rng.random() < 0.5
        self._unreached = {}
        self.faults = rng.choice((0, 0, 1, 2))
        self.counts = Counter()
        self._few = None

    def reach(self, env, what):
        if self._schedule.current() is None:
            return None
        self._schedule.reach(what)
        if self.calm or not self.faults or what.startswith('commit') or self._rng.random() > 0.06:
            return None
        self.faults -= 1
        kinds = ['before', 'before'] + ['after', 'later', 'some'] * what.startswith(('PUT', 'DELETE'))
        return getattr(self, '_' + self._rng.choice(kinds))(what)

    def _before(self, what):
        self._note('request lost before it took effect', what)
        raise Lost(self._rng.choice((503, 503, 507)))

    def _after(self, what):
        self._note('answer lost after the effect', what)

        def act(commit):
            commit()
            raise Lost(503)
        return act

    def _some(self, what):
        few = self._few = self._rng.choice((self._rng.sample(range(REPLICAS), self._rng.choice((1, 1, 2))), [_HANDOFF]))
        self._note('write that reached %s, and failed' % (
            'a handoff' if few == [_HANDOFF] else '%s of three replicas' % ('one', 'two')[len(few) - 1]), what)

        def act(commit):
            commit()
            raise Lost(503)
        return act

    def _later(self, what):
        self._note('request that took effect after its time-out', what)
        schedule = self._schedule
        actor, operation = schedule.current(), getcurrent().operation

        def act(commit):
            def late():
                getcurrent().operation = operation
                schedule.reach('late ' + what)
                commit()
                swift.writing_since = None
            swift = schedule.start(actor.label + ' late', late)
            swift.writing_since = actor.writing_since
            raise Lost(503)
        return act

    def _note(self, kind, what):
        self.counts[kind] += 1
        self._schedule.trace.append('        fault: %s: %s' % (what.split()[0], kind))

    def writes_to(self):
        few, self._few = self._few, None
        return few or (self._takers() if self.apart and not self.calm else range(REPLICAS))

    def reads_from(self, stored):
        if self.calm or not self.apart:
            return range(NODES)
        reached = self._all_but_one(NODES)
        # A manifest that reached one replica, and that Swift did not acknowledge, may be copied to the others when its
        # parts are gone. That takes two failures, and ``doc/design`` has it under "What remains". So from some time on,
        # every read reaches that replica.
        newest = max((each for each in stored if each), key=lambda each: each.timestamp, default=None)
        if newest is not None and 'X-Static-Large-Object' in newest.headers and (
                self._schedule.now - float(Timestamp(newest.timestamp)) > STANDSTILL_SECONDS):
            reached = list({*reached, *(place for place, each in enumerate(stored) if each is newest)})
        self._rng.shuffle(reached)
        return reached

    def _takers(self):
        """Return the nodes that take a write: the replicas, or all but one, perhaps with a handoff in its place."""
        replicas = self._all_but_one(REPLICAS)
        if len(replicas) < REPLICAS and self._rng.random() < 0.5:
            self.counts['write went to a handoff'] += 1
            replicas.append(_HANDOFF)
        return replicas

    def _all_but_one(self, count):
        """Return some of so many nodes, or all."""
        nodes = list(range(count))
        actor = self._schedule.current()
        if self._torn and actor is not None:
            label = actor.label.partition(' ')[0]
            if label not in self._unreached:
                self._unreached[label] = self._rng.randrange(REPLICAS)
            nodes.remove(self._unreached[label])
        elif self._rng.random() < 0.5:
            nodes.remove(self._rng.randrange(count))
        return nodes

    def loses_sight(self):
        lost = not self.calm and self._rng.random() < 0.5
        self.counts['file replaced while it was read'] += lost
        return lost

    def row_is_late(self):
        return self.updates_are_lost or not self.calm and self.lagging and self._rng.random() < 0.5

    def listing_of(self):
        return self._rng.randrange(REPLICAS) if not self.calm else 0


class Chance:
    """The policy by chance: it often stays with one operation for a while, so that some run far ahead of others."""

    def __init__(self, rng, trouble):
        self._rng, self._trouble = rng, trouble
        self.world = None
        self.deaths = rng.choice((0, 0, 0, 1, 1, 2))
        self.jumps = rng.choice((0, 0, 1, 3))
        # Whether clocks are set anew, and how often something happens to the cache.
        self.clocks_jump = rng.random() < 0.2
        self.cache_troubles = rng.choice((0, 0, 1, 4))
        self._step = rng.choice((0.0, 0.00001, 0.001, 0.05))
        self._stay = rng.choice((0.0, 0.5, 0.8, 0.95))
        self._last = None
        self.counts = Counter()

    def choose(self, schedule, seconds):
        rng = self._rng
        self._go_on_beside(schedule)
        if not schedule.waiting:
            return seconds
        thread = self._last
        if thread not in schedule.waiting or rng.random() > self._stay:
            thread = rng.choice(list(schedule.waiting))
        self._last = thread
        actor = schedule.waiting[thread][0]
        if self.clocks_jump and rng.random() < 0.05:
            self._set_clock(schedule, actor)
        if self.deaths and rng.random() < 0.03 and 'late' not in actor.label:
            self.deaths -= 1
            self.counts['proxy died'] += 1
            schedule.kill(actor, rng.random() < 0.5)
            return 0.0
        if self.jumps and rng.random() < 0.04:
            self.jumps -= 1
            jump = rng.choice(_JUMPS)
            if self._may_pass(schedule, jump):
                self.counts['time passed'] += 1
                schedule.trace.append('        %s seconds pass' % jump)
                return jump
        if seconds is not None and rng.random() < 0.05 and self._may_pass(schedule, seconds):
            return seconds
        # A version is named by its time, so Swift cannot tell apart two Completes in the same 10 microseconds.
        schedule.now += max(self._step, 0.00001) if self.world.versioned else self._step
        return thread

    def _go_on_beside(self, schedule):
        """Have rows come, containers be sharded, the expirer come, replicas copy, and the cache lose something."""
        rng = self._rng
        if self._trouble.lagging and rng.random() < 0.1:
            for container in self.world.swift.containers.values():
                self.world.swift.show_rows(container, lambda late: rng.random() < 0.3)
        if self._trouble.lagging and rng.random() < 0.02:
            self._shard()
        if rng.random() < 0.02:
            self.world.swift.expire()
        if self._trouble.apart and rng.random() < 0.1:
            self._replicate()
        if self.cache_troubles and rng.random() < 0.05:
            self.cache_troubles -= 1
            self._disturb_cache(schedule)

    def _shard(self):
        """Begin to split a container into shards, or to join its only shard to it; or end what was begun."""
        rng, swift = self._rng, self.world.swift
        container = rng.choice(list(swift.containers.values()))
        self.counts['container sharded, or shards joined'] += 1
        rng.choice((swift.split, swift.join) if container.shard is None else (swift.cleave,))(container)

    def _set_clock(self, schedule, actor):
        """Set the clock of an actor's proxy anew, forwards or backwards."""
        self.counts['clock set anew'] += 1
        actor.skew = self._rng.uniform(-SKEW_SECONDS, SKEW_SECONDS)
        schedule.trace.append('        the clock of %s is now wrong by %.5f s' % (actor.label, actor.skew))

    def _replicate(self):
        """Have Swift's replication reach one object: a replica copies what it has to another."""
        rng, swift = self._rng, self.world.swift
        name = rng.choice(list(swift.objects))
        target, source = rng.randrange(REPLICAS), rng.randrange(REPLICAS + 1)
        if swift.replicate(name, source, target):
            self.counts['replica copied to another'] += 1

    def _disturb_cache(self, schedule):
        """Have the cache forget something, or everything; or go, with what it has, or come back."""
        cache = self.world.cache
        what = self._rng.choice(('evicts', 'evicts', 'forgets all', 'turns'))
        if what == 'turns':
            cache.away = not cache.away
        elif what == 'evicts':
            cache.evict(self._rng)
        else:
            cache.flush()
        self.counts['trouble with the cache'] += 1
        schedule.trace.append('        the cache %s%s' % (what, (' back', ' away')[cache.away] * (what == 'turns')))

    @staticmethod
    def _may_pass(schedule, seconds):
        return not any(actor.writing_since is not None and
                       schedule.now + seconds - actor.writing_since > STANDSTILL_SECONDS
                       for actor in schedule.actors if not actor.done)
