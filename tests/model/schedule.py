# SPDX-License-Identifier: Apache-2.0
"""Operations that overlap, though only one runs at a time: at each request to Swift a policy chooses who goes on.

The operations run in green threads of eventlet, over a hub whose clock moves only when the policy says so. So the
product's use of eventlet (``sleep``, ``Timeout``, ``spawn``) and of the clock needs no change, and takes no time.
"""
import contextlib
import itertools
import random
import sys
import time
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from eventlet import event, greenthread, hubs, queue
from eventlet.hubs.hub import BaseHub
from greenlet import GreenletExit, getcurrent

from s3multi.upload import layouts, names

BEGIN = 1790000000.0
# Modules of the product that choose names at random.
CHOOSERS = [names, layouts]
# More moves than any run takes. Beyond it, something waits for what never comes.
MAX_MOVES = 20000


@dataclass(eq=False)
class Actor:
    """One operation, or what Swift still does for an operation that was answered.

    skew: by how many seconds its proxy's clock is ahead. threads: its green threads. writing_since: when it began to
    write a manifest, None before and after that. outcome: what its function returned; None if it died. requests: how
    many it has made. random: for the names that it chooses.
    """

    label: str
    skew: float = 0.0
    threads: list = field(default_factory=list)
    done: bool = False
    dead: bool = False
    outcome: Any = None
    error: 'BaseException | None' = None
    writing_since: 'float | None' = None
    requests: int = 0
    random: 'random.Random | None' = None


class _Hub(BaseHub):
    """Runs what is ready, and asks the schedule when nothing is.

    It does what ``BaseHub`` does, in less time. Timers are triples of due time, number and ``Timer``: eventlet would
    order those that are due at the same time by their addresses in memory.
    """

    def __init__(self, schedule):
        super().__init__(clock=lambda: schedule.now)
        self._schedule = schedule
        self._numbers = itertools.count()

    def add_timer(self, timer):
        due = self._schedule.now + timer.seconds
        self.next_timers.append((due, next(self._numbers), timer))
        return due

    def timer_canceled(self, timer):
        """Do nothing: a timer that was cancelled goes when it would be due."""

    def prepare_timers(self):
        if self.next_timers:
            for item in self.next_timers:
                if not item[2].called:
                    heappush(self.timers, item)
            self.next_timers.clear()

    def fire_timers(self, when):
        timers = self.timers
        while timers and timers[0][0] <= when:
            timer = heappop(timers)[2]
            if timer.called:
                continue
            try:
                timer()
            except self.SYSTEM_EXCEPTIONS:
                raise
            except BaseException:
                self.squelch_timer_exception(timer, sys.exc_info())

    def run(self, *_a, **_kw):
        schedule = self._schedule
        self.running = True
        while True:
            self.prepare_timers()
            self.fire_timers(schedule.now)
            self.prepare_timers()
            seconds = self.seconds()
            if seconds is None or seconds > 0:
                schedule.idle(seconds)

    def switch(self):
        if not self.greenlet.dead:
            present = getcurrent()
            if self.greenlet.parent is not present:
                try:
                    present.parent = self.greenlet
                except ValueError:
                    # It is the parent of the hub.
                    pass
            return self.greenlet.switch()
        return super().switch()

    def seconds(self):
        """Return after how many seconds a timer is due; None if there is none."""
        return self.timers[0][0] - self._schedule.now if self.timers else None

    def has_work(self):
        """Return whether something is to be done before anybody waits."""
        self.prepare_timers()
        return bool(self.timers) and self.timers[0][0] <= self._schedule.now


class Stuck(AssertionError):
    """Nobody can go on, or the run does not end."""


class Schedule:
    """Runs actors under a policy, whose ``choose(schedule, seconds)`` is called when somebody has to go on.

    seconds: after how many a timer is due; None if there is none. ``choose`` returns a green thread of ``waiting``,
    which goes on, or a number of seconds that pass. It may call ``kill``.
    """

    def __init__(self, policy, seed=0):
        self.policy = policy
        self.now = BEGIN
        self.actors = []
        self.waiting = {}
        self.trace = []
        self.moves = self.requests = 0
        # For who chooses names outside of actors.
        self.random = None
        # By so many seconds the clock of an actor goes on with each of its requests.
        self.step = 0.0
        # For the names that the product chooses at random.
        self._seed = seed
        self._hub = _Hub(self)
        self._main = None
        self._waited_for = ()

    # For the test

    @contextlib.contextmanager
    def in_charge(self):
        """Have all clocks, green threads and random names of this thread follow the schedule."""
        schedule, init = self, greenthread.GreenThread.__init__

        def adopt(thread, parent):
            init(thread, parent)
            # A thread that the product spawns belongs to the operation that spawned it.
            thread.actor = schedule.current()
            thread.operation = getattr(getcurrent(), 'operation', None)
            if thread.actor is not None:
                thread.actor.threads.append(thread)

        old = hubs.get_hub()
        hubs._threadlocal.hub = self._hub
        self._main = getcurrent()
        try:
            with replaced((greenthread.GreenThread, '__init__', adopt),
                          # Eventlet would wake those that wait for the same by their addresses in memory.
                          (event, 'set', _Ordered), (queue, 'set', _Ordered),
                          (time, 'time', lambda: schedule.now + schedule._skew()),
                          (time, 'monotonic', lambda: schedule.now),
                          *((module, 'secrets', self) for module in CHOOSERS)):
                yield self
                # Threads that are still under way would otherwise end when the garbage collector finds them.
                self.policy = InTurn()
                for actor in self.actors:
                    if not actor.done:
                        self.kill(actor)
                self.run(*self.actors)
        finally:
            hubs._threadlocal.hub = old

    def start(self, label, call, skew=0.0):
        """Make an actor that runs ``call()``, and return it. It begins in the next ``run``."""
        actor = Actor(label, skew)
        self.actors.append(actor)

        def body():
            try:
                # The beginning is a choice as well: some operations take the time before their first request.
                self._wait(actor, 'begin')
                actor.outcome = call()
            except GreenletExit:
                actor.dead = True
            except BaseException as error:
                actor.error = error
            finally:
                actor.done = True

        thread = greenthread.spawn(body)
        thread.actor, actor.threads = actor, [thread]
        return actor

    def run(self, *actors):
        """Run all actors until these have ended; return their outcomes. Others go on in the next run."""
        self._waited_for = actors
        while not all(actor.done for actor in actors):
            self._hub.switch()
        for actor in actors:
            if actor.error is not None:
                raise actor.error
        return [actor.outcome for actor in actors]

    def kill(self, actor, stored=False):
        """Have the proxy of an actor die where it is. stored: whether a PUT under way still takes effect."""
        self.trace.append('%s dies%s' % (actor.label, ' (stored)' if stored else ''))
        actor.dead = True
        # First the threads that wait for Swift, and last the one that has spawned all others.
        threads = sorted(reversed(actor.threads), key=lambda thread: thread not in self.waiting)
        for thread in threads:
            self.waiting.pop(thread, None)

        def end():
            for thread in threads:
                greenthread.kill(thread, GreenletExit('stored' if stored else 'lost'))

        # No thread can end itself in this way, so the hub does it, before anybody else goes on.
        if getcurrent() is self._hub.greenlet:
            end()
        else:
            self._hub.schedule_call_global(0, end)

    def stop(self, error):
        """End the present ``run`` with an error. For the policy."""
        self._main.throw(error)

    # For Swift

    def reach(self, what):
        """Wait until the present actor may make its request."""
        actor = self.current()
        if actor is None:
            return
        self._wait(actor, what)
        actor.requests += 1
        self.requests += 1
        self.trace.append('%.5f %s %s' % (self.now - BEGIN, actor.label, what))

    def _wait(self, actor, what):
        if actor.dead:
            raise GreenletExit()
        thread = getcurrent()
        self.waiting[thread] = actor, what
        if self._hub.has_work() or all(actor.done for actor in self._waited_for):
            self._hub.switch()
            return
        # Nobody but the policy is to be asked, which saves the way over the hub. What the policy does, nobody does.
        operation = getattr(thread, 'operation', None)
        thread.actor = thread.operation = None
        try:
            move = self._next(self._hub.seconds())
        finally:
            thread.actor, thread.operation = actor, operation
        if move is not None and self._hub.has_work():
            self._hub.schedule_call_global(0, move.switch)
            move = self._hub
        if move is not thread:
            (move or self._hub).switch()

    def current(self):
        """Return the present actor; None outside of actors."""
        return getattr(getcurrent(), 'actor', None)

    # For the hub

    def idle(self, seconds):
        if all(actor.done for actor in self._waited_for):
            self._main.switch()
            return
        move = self._next(seconds)
        if move is not None:
            move.switch()

    def _next(self, seconds):
        """Ask the policy; return who goes on, taken from ``waiting``, or None if time has passed."""
        self.moves += 1
        if self.moves > MAX_MOVES or not self.waiting and seconds is None:
            self.stop(Stuck('after %d moves: %s' % (self.moves, [
                actor.label for actor in self._waited_for if not actor.done])))
        move = self.policy.choose(self, seconds)
        if isinstance(move, (int, float)):
            self.now += move
            return None
        return move if self.waiting.pop(move, None) else None

    # For the product, in place of the module ``secrets``

    def randbits(self, count):
        actor = self.current() or self
        if actor.random is None:
            actor.random = random.Random('%s %s' % (self._seed, getattr(actor, 'label', '')))
        return actor.random.getrandbits(count)

    def _skew(self):
        actor = self.current()
        return actor.skew + actor.requests * self.step if actor else 0.0


@contextlib.contextmanager
def replaced(*places):
    """Have attributes other values for a while. places: object, name and value of each."""
    # A builtin is not an attribute of the module that uses it.
    old = [(owner, name, vars(owner).get(name, owner)) for owner, name, _ in places]
    for owner, name, value in places:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in old:
            if value is owner:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


class _Ordered(dict):
    """A set that remembers in which order its members came."""

    def add(self, member):
        self[member] = True

    def discard(self, member):
        super().pop(member, None)

    def pop(self):
        member = next(iter(self))
        del self[member]
        return member


class InTurn:
    """The policy without surprises: whoever waits longest goes on, and time passes if nobody waits."""

    def choose(self, schedule, seconds):
        return next(iter(schedule.waiting), seconds)
