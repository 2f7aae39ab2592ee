# SPDX-License-Identifier: Apache-2.0
"""Runs in which sweeps meet the operations, and s3multi-sweep without one of its protective steps."""
import json
from urllib.parse import parse_qs

from greenlet import getcurrent
from swift.common.swob import Request

from s3multi import config
from s3multi.s3.errors import S3Error
from s3multi.sweep.bucket import Sweep
from s3multi.sweep.judge import FAILED
from s3multi.operations.references import Uncertain
from s3multi.sweep.rules import Limits
from s3multi.upload.lifecycle import Actor

from .chance import LEASE_SECONDS, Chance
from .kinds import ACCOUNT, BUCKET, MARKERS, SEGMENTS
from .mutations import AnyReplica, Mutant, Mutation
from .rules import Violation
from .script import Played
from .search import Client, Run
from .world import IDS

# Longer than a lease. Rows of a listing are never later than this.
GRACE_SECONDS = 100
# The age at which sweeps abort an upload.
ABORT_SECONDS = 3 * GRACE_SECONDS


def sweep(world, limits):
    """Sweep the bucket of a world, and return the outcomes."""
    settings = config.load({}, {'min_segment_size': 1, 'max_upload_part_num': 10000})
    thread = getcurrent()
    thread.operation = Actor.SWEEP
    try:
        return list(Sweep(world.app.app, IDS, settings, world.logger, limits, True, 1).bucket(ACCOUNT, BUCKET))
    finally:
        thread.operation = None


class LongChance(Chance):
    """Chance by which the grace may pass as well. Then all rows become visible."""

    def choose(self, schedule, seconds):
        move = super().choose(schedule, seconds)
        if isinstance(move, float) and move == LEASE_SECONDS and self._may_pass(schedule, GRACE_SECONDS):
            for container in self.world.swift.containers.values():
                self.world.swift.show_rows(container)
            return 2.5 * GRACE_SECONDS
        return move


class Sweeping:
    """Mixed into runs: a client called ``sweep``. limits: what its sweeps may do."""

    limits = Limits(GRACE_SECONDS, ABORT_SECONDS)

    def _once(self, client):
        if client.name != 'sweep':
            return super()._once(client)
        try:
            outcomes = sweep(self.world, self.limits)
        except (S3Error, Uncertain) as error:
            client.outcomes.append(None)
            self.schedule.trace.append('        sweep: %r' % error)
            return None
        told = [(outcome.what, outcome.parts, outcome.reason) for outcome in outcomes]
        self.schedule.trace.append('        sweep: %s' % told)
        # An upload for which it failed is left to the next sweep.
        client.outcomes.append(None if any(outcome.what == FAILED for outcome in outcomes) else 200)
        return client.outcomes[-1]


class SweptRun(Sweeping, Run):
    """A run by chance, in which one or two sweeps take part, and which ends with three more."""

    def __init__(self, seed, between=None):
        super().__init__(seed, between)
        self.chance = LongChance(self._rng, self.trouble)
        # Hardly anything would be left to sweep if nobody died and no time passed.
        self.chance.deaths = self._rng.choice((0, 1, 1, 2))
        self.chance.jumps = self._rng.choice((0, 1, 2, 3))

    def _clients(self):
        return super()._clients() + [Client('sweep') for _ in range(self._rng.choice((1, 1, 2)))]

    def _check_end(self, fate):
        """Check that sweeps leave the parts of objects that can be read, and nothing else."""
        super()._check_end(fate)
        for _ in range(3):
            self.schedule.now += 2 * GRACE_SECONDS
            self.world.swift.settle()
            if self._once(Client('sweep')) is None:
                raise Violation('R5', 'a sweep on a quiet cluster could not read all')
        self.world.swift.settle()
        self.rules.check()
        needed = self.rules.parts_needed(self.id)
        # The note that parts are being deleted expires after them.
        left = {name for container in (SEGMENTS, MARKERS) for name in self.world.swift.names(ACCOUNT + '/' + container)
                if not name.endswith('/freed')}
        if left != needed:
            raise Violation('sweep', 'left %s, needed %s' % (sorted(left), sorted(needed)))
        self._read()


class PlayedSweep(Sweeping, Played):
    """A run along lines in which S sweeps."""

    names = {**Played.names, 'S': 'sweep'}


class OfSweeps(Mutant):
    """A filter that changes the requests of sweeps alone."""

    def handle(self, kind, request):
        if getcurrent().actor.label[0] not in 'Ss':
            return self.send(request)
        return self.change(kind, request)


class NoVersions(OfSweeps):
    """A sweep does not ask for versions."""

    def change(self, kind, request):
        response = self.send(request)
        if 'versions' in parse_qs(request.query_string):
            response.body = b'[]'
        elif kind == 'HEAD key':
            response.headers.pop('X-Object-Version-Id', None)
        elif kind.endswith(' version') and 'version-id' in request.query_string:
            return Request(request.environ).blank('/').get_response(_not_found)
        return response


class NoVersionByTime(OfSweeps):
    """A sweep asks only for versions that the listing shows."""

    def change(self, kind, request):
        if kind == 'HEAD version' and 'version-id' in request.query_string:
            listed = self.ask(request, 'GET', None, container=BUCKET, query='versions=true&format=json')
            version = parse_qs(request.query_string)['version-id'][0]
            if version not in [row['version_id'] for row in json.loads(listed.body)]:
                return Request.blank('/').get_response(_not_found)
        response = self.send(request)
        if kind == 'HEAD key':
            response.headers.pop('X-Object-Version-Id', None)
        return response


class NoIntent(OfSweeps):
    """A sweep does not look at the intent of an upload without a marker."""

    def change(self, kind, request):
        if kind == 'HEAD intent':
            return Request.blank('/').get_response(_not_found)
        return self.send(request)


class OldManifest(OfSweeps):
    """A sweep takes no object for a manifest."""

    def change(self, kind, request):
        response = self.send(request)
        if kind in ('HEAD key', 'HEAD version'):
            response.headers.pop('X-Static-Large-Object', None)
        return response


def _not_found(_env, start_response):
    start_response('404 Not Found', [('Content-Length', '0')])
    return [b'']


_PASSES = '%d s pass' % (2.5 * GRACE_SECONDS)
NO_GRACE = Limits(0.0, ABORT_SECONDS)

# Pairs of the limits without the step, None for the same as with it, and a mutation as in ``mutations``.
SWEEP_MUTATIONS = (
    (None, Mutation('a sweep reads the newest manifest', OldManifest, 'R2',
                    ('C1 ends', _PASSES, 'S ends'))),
    (None, Mutation('... and the versions', NoVersions, 'R2',
                    ('C1 ends', 'W ends', _PASSES, 'S ends'), versioned=True)),
    (None, Mutation('... and the one of the time at which the marker was deleted, listed or not', NoVersionByTime,
                    'R2', ('rows are late', 'C1 ends', 'W ends', _PASSES, _PASSES, 'S ends'), versioned=True)),
    (None, Mutation('... and all of that with X-Newest', AnyReplica, 'R2',
                    ('W ends', 'rows are late', 'C1 misses 2', 'C1 to commit marker', 'C1 misses 9', 'C1 frees',
                     _PASSES, _PASSES, 'S asks 2', 'S ends'))),
    (NO_GRACE, Mutation('a sweep deletes nothing of an upload that ended within the grace', Mutant, 'R1',
                        ('C3 to commit intent', 'C2 to commit intent', 'C3 in PUT manifest', 'C2 frees', 'S ends',
                         'C3 ends'), versioned=True)),
)


def play(mutation, between=None, limits=None):
    """Play the lines of a mutation. between: its filter, or None. limits: those of the sweep, None for the usual ones.
    """
    run = PlayedSweep(mutation.lines, mutation.versioned, between, mutation.answers)
    if limits is not None:
        run.limits = limits
    run.go()
