# SPDX-License-Identifier: Apache-2.0
"""A run along a plan: who goes on at each move, and which accident happens there.

Without a plan, one operation after the other runs to its end, with the work after its answer. A ``Plan`` says where
this run departs from that. Its clocks are such that equal states are equal whatever led to them: they go on with the
requests of their own operation.
"""
import random
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import eventlet
from greenlet import getcurrent

from s3multi.check.rules import Proof

from . import release_0_1
from .chance import LEASE_SECONDS
from .checking import check
from .schedule import InTurn
from .search import ANOTHER, BY_0_1, FOR_0_1, KEY, Client, Run
from .sweeping import GRACE_SECONDS, Sweeping
from .swift import REPLICAS, Lost, Nature
from .world import OLD, md5

# What stands at the names of operations: the first letter of a label says what it does, as in ``script``.
OPERATIONS = {
    'C1': 'Complete', 'C1b': 'the same Complete', 'C2': 'Complete of another list', 'N': 'conditional Complete',
    'A': 'Abort', 'P': 'Upload Part', 'K': 'Upload Part Copy', 'I': 'Initiate', 'L': 'List Parts',
    'U': 'List Multipart Uploads', 'R': 'Put Object', 'X': 'Delete Object, or a version', 'W': 'PUT through Swift',
    'G': 'GET through Swift', 'D': 'Delete Bucket', 'S': 's3multi-sweep', 'H': 's3multi-check',
}
_NAMES = {'C': 'complete', 'N': 'new', 'A': 'abort', 'P': 'part', 'K': 'copy', 'I': 'initiate', 'L': 'list',
          'U': 'uploads', 'R': 'replace', 'X': 'remove', 'W': 'put', 'G': 'read', 'D': 'drop', 'S': 'sweep',
          'H': 'check'}
# How the clocks of the proxies differ: all are together; the first is ahead; the last is ahead.
CLOCKS = ('together', 'first ahead', 'last ahead')
_AHEAD_SECONDS = 2.0
_STEP_SECONDS = 0.001
# Only timers that are due so soon are waited for while somebody could go on: no heartbeat.
_SOON_SECONDS = 5.0
# The replica that the last operation does not reach if it is apart, and the first one if they are torn.
_APART = 2
# The actor that waits for what goes on after all answers.
_LAST = '-'


class Move(NamedTuple):
    """Where a run departs from its usual course.

    what: 'go' (another thread goes on), 'wait' (time passes until the next timer), 'before' or 'after' (the request
    fails before, or after it took effect), 'few' (a write reaches one replica, and fails), 'dies' or 'stored' (the
    proxy dies, and the PUT under way takes no effect, or takes it). who: for 'go', the label. which: for 'go', the
    number of its thread; for a death, the seconds that pass.
    """

    what: str
    who: str = ''
    which: int = 0

    def __str__(self):
        return self.what + ':%s:%d' % (self.who, self.which)

    @classmethod
    def parse(cls, text):
        what, who, which = text.split(':')
        return cls(what, who, int(which))

    @property
    def is_accident(self):
        return self.what not in ('go', 'wait')


@dataclass(frozen=True)
class Mix:
    """Which operations meet, and where. labels: in their order. clocks: one of ``CLOCKS``. apart: whether the only
    accident is a write that reaches a single replica, and the last operation does not reach that. begun: as for
    ``Run``. late: whether no listing changes until all have ended. torn: whether the first operation does not reach one
    replica, and the last one does not reach another. A label that ends in ``OLD`` is for a proxy with
    release 0.1.0.
    """

    labels: 'tuple[str, ...]'
    versioned: bool = False
    clocks: str = CLOCKS[0]
    apart: bool = False
    begun: str = ''
    late: bool = False
    torn: bool = False

    def __str__(self):
        words = ('versions' * self.versioned, self.clocks if self.clocks != CLOCKS[0] else '', 'apart' * self.apart,
                 self.begun, 'late' * self.late, 'torn' * self.torn)
        return '/'.join(['+'.join(self.labels), *(word.replace(' ', '-') for word in words if word)])

    @classmethod
    def parse(cls, text):
        labels, *rest = text.split('/')
        clocks = [clocks for clocks in CLOCKS if clocks.replace(' ', '-') in rest]
        begun = [begun for begun in (BY_0_1, FOR_0_1) if begun.replace(' ', '-') in rest] or ['']
        return cls(tuple(labels.split('+')), 'versions' in rest, *(clocks or CLOCKS[:1]), 'apart' in rest,
                   *begun, 'late' in rest, 'torn' in rest)


class Point(NamedTuple):
    """A move at which a run can depart from its course. key: of the state. moves: pairs of Move and switches."""

    number: int
    key: Any
    moves: 'list[tuple[Move, int]]'


class Pruned(Exception):
    """The state was visited before."""


class Planned(Nature):
    """A Swift that fails a request where the plan says. lacks: which replica an actor does not reach, by its label."""

    calm = True

    def __init__(self, schedule, mix):
        self._schedule, self.apart = schedule, mix.apart
        self.lacks = {mix.labels[-1]: _APART} if mix.apart else {mix.labels[0]: _APART, mix.labels[-1]: 0} if (
            mix.torn) else {}
        self.next = None
        self._few = self.rows_are_late = False

    def row_is_late(self):
        return self.rows_are_late

    def writes_to(self):
        return [_APART] if self._few else self.reads_from(None)

    def reads_from(self, stored):
        actor = self._schedule.current()
        reached = [replica for replica in range(REPLICAS) if actor is None or self.lacks.get(actor.label) != replica]
        # In turn they answer in either order.
        return reached[::-1] if actor is not None and self.lacks and actor.requests % 2 else reached

    def reach(self, env, what):
        self._schedule.reach(what)
        fault, self.next = self.next, None
        self._few = fault == 'few'
        if fault is None:
            return None
        self._schedule.trace.append('        fault: ' + (
            'it reached one replica' if self._few else '%s it took effect' % fault))
        if fault == 'before':
            raise Lost(503)

        def act(commit):
            commit()
            raise Lost(503)
        return act


@dataclass
class Plan:
    """The policy along a plan. moves: by the number of the move. visit: called with each ``Point`` after the last of
    these; may raise Pruned."""

    moves: 'dict[int, Move]'
    visit: Any = None
    number: int = 0
    run: Any = None
    current: Any = None
    begun: set = field(default_factory=set)

    def __post_init__(self):
        self._frontier = max(self.moves, default=-1) + 1

    def choose(self, schedule, seconds):
        if not schedule.waiting:
            return seconds
        threads = {}
        for thread, (actor, _) in schedule.waiting.items():
            threads.setdefault(actor, []).append(thread)
        free = self.current not in threads
        if free:
            self.current = next(actor for actor in schedule.actors if actor in threads)
        number, self.number = self.number, self.number + 1
        move = self.moves.get(number)
        if number >= self._frontier and self.visit is not None:
            try:
                self.visit(Point(number, self.run.state(), self._moves(schedule, threads, seconds, free)))
            except Pruned as pruned:
                self.visit = None
                schedule.stop(pruned)
                return 0.0
        return self._follow(move, schedule, threads, seconds)

    def _follow(self, move, schedule, threads, seconds):
        thread = threads[self.current][0]
        if move is None:
            return self._goes_on(schedule, thread)
        if move.what == 'go':
            self.current = next(actor for actor in threads if actor.label == move.who)
            return self._goes_on(schedule, threads[self.current][move.which])
        if move.what == 'wait':
            return seconds
        if move.what in ('dies', 'stored'):
            dying, self.current = self.current, None
            self.run.dies(dying)
            schedule.kill(dying, move.what == 'stored')
            return float(move.which)
        self.run.trouble.next = move.what
        return self._goes_on(schedule, thread)

    def _goes_on(self, schedule, thread):
        actor, what = schedule.waiting[thread]
        if what == 'begin':
            self.run.begins(actor)
        return thread

    def _moves(self, schedule, threads, seconds, free):
        mine = threads[self.current]
        found = [(Move('go', self.current.label, place), 1) for place in range(1, len(mine))]
        others = [actor for actor in threads if actor is not self.current and actor.label != _LAST]
        found += [(Move('go', actor.label), 0 if free else 1) for actor in others]
        if self.current.label == _LAST:
            return found
        if seconds is not None and seconds <= _SOON_SECONDS and schedule.actors[-1].label != _LAST:
            found.append((Move('wait'), 1))
        what = schedule.waiting[mine[0]][1]
        if what == 'begin':
            return found
        if self.run.trouble.apart:
            is_write = what.startswith(('PUT', 'DELETE'))
            return [*found, (Move('few'), 0)] if is_write else found
        # Nobody else stands still for so long in the middle of a manifest: see "What remains" in ``doc/design``.
        writes = any(actor.writing_since is not None for actor in schedule.actors if actor is not self.current)
        passing = (0,) if writes else (0, LEASE_SECONDS)
        found += [(Move('dies', which=seconds), 0) for seconds in passing]
        if any(schedule.waiting[thread][1].startswith('commit') for thread in mine):
            found += [(Move('stored', which=seconds), 0) for seconds in passing]
        if not what.startswith('commit'):
            found.append((Move('before'), 0))
            if what.startswith(('PUT', 'DELETE')):
                found.append((Move('after'), 0))
        return found


class Ordered(Sweeping, Run):
    """A run of a ``Mix`` along a ``Plan``. is_pruned: whether it ended before its end."""

    is_pruned = False

    def __init__(self, mix, plan, ended=None, between=None):
        """ended: called with the state when all have ended, before anything is repeated; may raise Pruned."""
        super().__init__(0, between)
        self._mix, self._ended, self.begun = mix, ended, mix.begun
        if self.begun:
            release_0_1.load()
        self._versioned, self._cached, self._skewed = mix.versioned, True, False
        self._options = {'immediate_deletes': '100', 'marker_recheck_after': '1'}
        self._rng = random.Random(1)
        self.trouble = Planned(self.schedule, mix)
        self.chance = plan
        plan.run = self

    def _go(self):
        try:
            super()._go()
        except Pruned:
            self.is_pruned = True
            self.rules.check()

    def _begin(self):
        self.schedule.now += 1.0
        if 'S' in self._mix.labels:
            # Else a sweep would leave everything as it is.
            self.schedule.now += 3.5 * GRACE_SECONDS

    def _clients(self):
        lists = {'C1': self.listed, 'C2': self.listed[:2], 'C3': self.listed[1:], 'N': self.listed,
                 'C4': [self.listed[0], (2, md5(ANOTHER)), self.listed[2]]}
        return [Client(_NAMES[label[0]], lists.get(label.removesuffix(OLD).rstrip('b'), []))
                for label in self._mix.labels]

    def _meet(self):
        schedule, clients = self.schedule, self._clients()
        self.rules.half_deleted = self._versioned and 'D' in self._mix.labels
        self._seen = {}
        actors = []
        schedule.step = _STEP_SECONDS
        self.trouble.rows_are_late = self._mix.late
        for number, (label, client) in enumerate(zip(self._mix.labels, clients)):
            actors.append(schedule.start(label, lambda client=client: self._once(client), self._skew_of(number)))
        self.policy = self.chance
        self._tell(self._told)
        schedule.run(*actors)
        # What goes on after the answers.
        schedule.run(schedule.start(_LAST, lambda: eventlet.sleep(1)))
        schedule.step = 0.0
        if self._ended is not None:
            self._ended(hash((self._stored(), str([client.outcomes for client in clients]))))
        self._tell(None)
        self.policy, self.trouble.rows_are_late = InTurn(), False
        return clients

    def _tell(self, told):
        self.world.swift.told = self.world.cache.told = told

    def _skew_of(self, number):
        # Nobody has the same time as another.
        ahead = {'first ahead': number == 0, 'last ahead': number == len(self._mix.labels) - 1}
        return number * 0.00037 + _AHEAD_SECONDS * ahead.get(self._mix.clocks, False)

    def begins(self, actor):
        """Have the clock of an actor be later than what has ended, as it is in the order of clients."""
        schedule = self.schedule
        if self._mix.clocks == CLOCKS[0]:
            ended = [other.skew + other.requests * schedule.step for other in schedule.actors if other.done]
            if ended:
                actor.skew += max(ended)
        fate = self.rules.fates[self.id]
        self._seen[actor] = hash((actor.skew, schedule.now, fate.aborted, tuple(sorted(fate.completed))))

    def dies(self, actor):
        """Note that the proxy of an actor dies."""
        self._seen[actor] = hash((self._seen.get(actor), 'dies'))

    def _told(self, told):
        """Note what the present operation is told, by Swift or by the cache."""
        actor = self.schedule.current()
        if actor is not None:
            thread = actor.threads.index(getcurrent())
            self._seen[actor] = hash((self._seen.get(actor), thread, self.schedule.now, told))

    def _stored(self):
        """Return a digest of all that is stored, and of what clients were told."""
        fate = self.rules.fates[self.id]
        return (self.world.swift.digest(), self.world.cache.digest(), self.schedule.now, fate.aborted,
                tuple(sorted(fate.completed)), len(self.rules.fates))

    def state(self):
        """Return a digest of all on which the rest of the run depends, but whose turn it is."""
        return hash((self._stored(),
                     tuple((actor.label, actor.done, actor.dead, actor.requests, self._seen.get(actor),
                            tuple(place for place, thread in enumerate(actor.threads) if thread in
                                  self.schedule.waiting)) for actor in self.schedule.actors)))

    def _once(self, client):
        if client.name == 'check':
            client.outcomes.append(check(self, Proof.HEAD, []))
            return client.outcomes[-1]
        if client.name == 'uploads':
            client.outcomes.append(self.world.list_uploads().outcome)
            self.rules.answered('list', self.id, None, client.outcomes[-1])
            return client.outcomes[-1]
        return super()._once(client)

    def _initiate(self):
        upload_id = self.world.initiate(KEY).text('UploadId')
        if upload_id is not None:
            self.rules.initiated(KEY, upload_id)
        return 200 if upload_id else None

    def describe(self):
        requests = '\n'.join(self.schedule.trace).replace('\0', '.')
        return '%s\n%s' % (self._mix, requests)
