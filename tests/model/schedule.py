# SPDX-License-Identifier: Apache-2.0
"""Operations that overlap, though only one runs at a time: at each request to Swift a policy chooses who goes on.

The operations run in green threads of eventlet, over a hub whose clock moves only when the policy says so. So the
product's use of eventlet (``sleep``, ``Timeout``, ``spawn``) and of the clock needs no change, and takes no time.
"""
import contextlib
import itertools
import random
import time
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from eventlet import greenthread, hubs
from eventlet.hubs.hub import BaseHub
from eventlet.hubs.timer import Timer
from greenlet import GreenletExit, getcurrent

from s3multi.upload import names

BEGIN = 1790000000.0
# More moves than any run takes. Beyond it, something waits for what never comes.
MAX_MOVES = 20000


@dataclass(eq=False)
class Actor:
    """One operation, or what Swift still does for an operation that was answered.

    skew: by how many seconds its proxy's clock is ahead. threads: its green threads. writing_since: when it began to
    write a manifest, None before and after that. outcome: what its function returned; None if it died. requests: how
    many it has made.
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


class _Hub(BaseHub):
    """Runs what is ready, and asks the schedule when nothing is."""

    def __init__(self, schedule):
        super().__init__(clock=lambda: schedule.now)
        self._schedule = schedule
        self._timers = itertools.count()

    def add_timer(self, timer):
        timer.serial = next(self._timers)
        return super().add_timer(timer)

    def wait(self, seconds=None):
        if seconds == 0:
            return
        self._schedule.idle(seconds if self.sleep_until() is not None else None)


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
        # For the names that the product chooses at random.
        self._random = random.Random(seed)
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
            # Eventlet would order timers that are due at the same time by their addresses in memory.
            with mock.patch.object(greenthread.GreenThread, '__init__', adopt), \
                    mock.patch.object(Timer, '__lt__', lambda timer, other: timer.serial < other.serial), \
                    mock.patch.object(time, 'time', lambda: schedule.now + schedule._skew()), \
                    mock.patch.object(time, 'monotonic', lambda: schedule.now), \
                    mock.patch.object(names, 'secrets', _Secrets(self._random)):
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
        for thread in sorted(reversed(actor.threads), key=lambda thread: thread not in self.waiting):
            self.waiting.pop(thread, None)
            greenthread.kill(thread, GreenletExit('stored' if stored else 'lost'))

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
        self.waiting[getcurrent()] = actor, what
        self._hub.switch()

    def current(self):
        """Return the present actor; None outside of actors."""
        return getattr(getcurrent(), 'actor', None)

    # For the hub

    def idle(self, seconds):
        if all(actor.done for actor in self._waited_for):
            self._main.switch()
            return
        self.moves += 1
        if self.moves > MAX_MOVES or not self.waiting and seconds is None:
            self._main.throw(Stuck('after %d moves: %s' % (self.moves, [
                actor.label for actor in self._waited_for if not actor.done])))
        move = self.policy.choose(self, seconds)
        if isinstance(move, (int, float)):
            self.now += move
        elif move in self.waiting:
            del self.waiting[move]
            move.switch()

    def _skew(self):
        actor = self.current()
        return actor.skew if actor else 0.0


class _Secrets:
    def __init__(self, rng):
        self.randbits = rng.getrandbits


class InTurn:
    """The policy without surprises: whoever waits longest goes on, and time passes if nobody waits."""

    def choose(self, schedule, seconds):
        return next(iter(schedule.waiting), seconds)
