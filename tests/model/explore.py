# SPDX-License-Identifier: Apache-2.0
"""Explores a mix of operations: every order with a few switches, every crash and every fault, each state once.

A run goes along a plan (``orders``) and tells the points at which it could depart from it. Each departure that is
within the bounds makes another plan. Plans with few departures come first, so the first that breaks a rule is a short
one. A run ends where it comes to a state that another has met with at least as much left of the bounds.
"""
import time
from collections import deque
from dataclasses import dataclass, field

from .orders import Mix, Move, Ordered, Plan, Pruned
from .rules import Violation
from .schedule import Stuck


@dataclass(frozen=True)
class Bounds:
    """How far runs depart from one operation after the other.

    switches: how often somebody may go on who need not. accidents: how many crashes and faults there may be. beside:
    how many switches there may be in a run with accidents.
    """

    switches: int = 2
    accidents: int = 1
    beside: int = 1

    def left(self, moves):
        """Return what is left of the bounds after moves, pairs of Move and switches: switches and accidents.

        None if nothing may be left of them: there were too many.
        """
        switches = sum(cost for _, cost in moves)
        accidents = sum(move.is_accident for move, _ in moves)
        most = self.beside if accidents else self.switches
        return (most - switches, self.accidents - accidents) if switches <= most and accidents <= self.accidents \
            else None


@dataclass
class Found:
    """What was explored of a mix.

    runs: how many were made. states: different ones at a move; and ends, when all have ended. orders: different orders
    of requests without an accident, and all: with one too. crashes, faults: how many different ones, each in a state of
    its own. requests: how many were made. failed: the Violation, and the moves that lead to it; None if there is none.
    is_whole: whether all was explored that is within the bounds.
    """

    mix: Mix
    runs: int = 0
    states: int = 0
    orders: int = 0
    all: int = 0
    crashes: int = 0
    faults: int = 0
    ends: int = 0
    requests: int = 0
    failed: 'tuple[Violation, dict[int, Move]] | None' = None
    is_whole: bool = False


@dataclass
class _Node:
    """A state, with whose turn it is and what is left of the bounds: what may come next."""

    next: 'list[tuple[bool, _Node]]' = field(default_factory=list)
    counts: 'tuple[int, int] | None' = None


class Explorer:
    """Explores one mix. between: as for ``Run``. most: how many runs at most; None for no bound. until: by
    ``time.monotonic()``, when to end; None for no end."""

    def __init__(self, mix, bounds, between=None, most=None, until=None):
        self._mix, self._bounds, self._between, self._most = mix, bounds, between, most
        self._until = float('inf') if until is None else until
        # By state, what was left of the bounds when it was met, and its node.
        self._met = {}
        self._ends = set()
        self.found = Found(mix)

    def explore(self):
        """Explore to the end, or to the first rule that breaks; return what was ``found``."""
        found = self.found
        root = _Node()
        # Plans: moves by number, the same with their switches, and the node from which the last one leads.
        plans = deque([({}, (), root)])
        while plans and (self._most is None or found.runs < self._most) and time.monotonic() < self._until:
            moves, taken, origin = plans.popleft()
            nodes = self._run(moves, taken, origin, plans)
            if nodes is None:
                return found
        found.is_whole = not plans
        found.states = len(self._met)
        found.ends = len(self._ends)
        found.orders, found.all = _count(root) if found.runs else (0, 0)
        return found

    def _run(self, moves, taken, origin, plans):
        found, left = self.found, self._bounds.left(taken)
        node, steps = origin, []
        accident = bool(taken) and taken[-1][0].is_accident

        def visit(point):
            nonlocal node, accident
            known = self._known(point.key, left)
            if known is not None:
                node.next.append((accident, known))
                raise Pruned()
            here = _Node()
            self._met.setdefault(point.key, {})[left] = here
            node.next.append((accident, here))
            node, accident = here, False
            steps.append((point, here))

        def ended(state):
            node.next.append((accident, _Node()))
            if state in self._ends:
                raise Pruned()
            self._ends.add(state)

        run = Ordered(self._mix, Plan(dict(moves), visit), ended, self._between)
        found.runs += 1
        try:
            run.go()
        except (Violation, Stuck) as error:
            found.failed = _violation(error), moves
            return None
        finally:
            found.requests += run.schedule.requests
        for point, here in steps:
            for move, cost in point.moves:
                further = (*taken, (move, cost))
                if self._bounds.left(further) is None:
                    continue
                if move.is_accident:
                    if move.what in ('dies', 'stored'):
                        found.crashes += 1
                    else:
                        found.faults += 1
                plans.append(({**moves, point.number: move}, further, here))
        return steps

    def _known(self, key, left):
        """Return the node of a state that was met with at least so much left; None if there is none."""
        for other, node in self._met.get(key, {}).items():
            if other[0] >= left[0] and other[1] >= left[1]:
                return node
        return None


def _violation(error):
    return error if isinstance(error, Violation) else Violation('R5', str(error))


def _count(root):
    """Return how many ways lead from a node to an end: without accidents, and all."""
    stack = [root]
    while stack:
        node = stack[-1]
        waiting = [other for _, other in node.next if other.counts is None]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        if not node.next:
            node.counts = 1, 1
            continue
        node.counts = (sum(other.counts[0] for accident, other in node.next if not accident),
                       sum(other.counts[1] for _, other in node.next))
    return root.counts


def replay(mix, moves, between=None):
    """Play a run along moves; return it and the Violation with which it ends, or None."""
    run = Ordered(mix, Plan(dict(moves)), None, between)
    try:
        run.go()
    except (Violation, Stuck) as error:
        return run, _violation(error)
    return run, None
