# SPDX-License-Identifier: Apache-2.0
"""Runs in which s3multi-check meets the operations: whatever happens meanwhile, nothing is said to be broken."""
from s3multi.check.asking import Asking, Undecided
from s3multi.check.objects import Objects, State
from s3multi.check.rules import Proof
from s3multi.check.walk import Walk
from s3multi.storage.concurrency import FAILURES

from .kinds import ACCOUNT, BUCKET
from .rules import Violation
from .search import Client, Run
from .world import IDS


class CheckedRun(Run):
    """A run by chance, in which one or two checks take part. states: what they have found, as often as they have."""

    def __init__(self, seed, between=None):
        super().__init__(seed, between)
        self.states = []

    def _begin(self):
        super()._begin()
        # Else there would seldom be something to check.
        if self._rng.random() < 0.8:
            self._once(Client('complete', self.listed))
            self.schedule.now += 1.0

    def _check_end_of_bucket(self, clients):
        """Check nothing: who deletes an object through the Swift API leaves its parts."""

    def _clients(self):
        ending = [Client(self._rng.choice(('replace', 'remove', 'put', 'delete', 'read')))]
        return super()._clients()[:2] + ending + [Client('check') for _ in range(self._rng.choice((1, 1, 2)))]

    def _once(self, client):
        if client.name != 'check':
            return super()._once(client)
        client.outcomes.append(check(self, self._rng.choice(list(Proof)), self.states))
        return client.outcomes[-1]


def check(run, proof, states):
    """Check the bucket of a run; return 200, or None if that could not be done. states: what is found is added."""
    # One request at a time, since green threads of one actor go on in any order anyway.
    asking = Asking(run.world.app.app, 1)
    objects = Objects(asking, IDS, proof, 1)
    try:
        found = [objects.look(candidate) for page in Walk(asking).candidates(ACCOUNT, BUCKET) for candidate in page]
    except (Undecided, *FAILURES) as error:
        run.schedule.trace.append('        check: %r' % error)
        return None
    for outcome in found:
        states.append(outcome.state)
        if outcome.state is State.BROKEN:
            run.rules.violations.append(Violation('check', 'said to be broken: %r' % (outcome,)))
    run.schedule.trace.append('        check: %s' % [outcome.state for outcome in found])
    return 200
