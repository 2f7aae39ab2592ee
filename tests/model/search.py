# SPDX-License-Identifier: Apache-2.0
"""Runs of a few operations at once. A seed decides everything about them, and the rules watch.

A run has some clients, whose operations meet on one upload. At every request to Swift somebody else may go on, a proxy
may die, a request may fail before or after it took effect or take effect later, rows and replicas may lag, and time may
pass. When all have ended, Swift recovers, each operation is repeated until its outcome is certain, and that must agree
with what clients were told before.
"""
import functools
import hashlib
import json
import random
from collections import Counter
from dataclasses import dataclass, field

import eventlet
from swift.common.swob import HTTPException

from s3multi.s3.etags import multipart_etag
from s3multi.storage.cache_hints import PartHints, UploadHints
from s3multi.upload.names import Upload

from .chance import LEASE_SECONDS, SKEW_SECONDS, Chance, Trouble
from .kinds import ACCOUNT, BUCKET, MARKERS, SEGMENTS, marker_of
from .rules import Rules, Violation
from .schedule import InTurn, Schedule, Stuck
from .shortcut import shortcuts
from .swift import Nature
from .world import OLD, Filters, World, md5

KEY = 'key'
BODIES = [b'Hello, ', b'multipart ', b'world!']
# The bytes of part 2 when it is uploaded anew.
ANOTHER = b'another '
# The contents that a reader of the key may see.
_READABLE = [b'plain', *map(b''.join, (BODIES, BODIES[:2], BODIES[1:], [BODIES[0], ANOTHER, BODIES[2]]))]
# The operations that most rules are about stand here more than once. complete, fewer, last, new: Complete with all
# parts, the first two, the last two, or with all on condition that there is no object. cut: an Upload Part whose body
# breaks off. put, delete: through the Swift API; replace, remove: through S3. drop: deletes the bucket.
_OPERATIONS = ('complete', 'complete', 'complete', 'fewer', 'fewer', 'last', 'new', 'abort', 'abort', 'part', 'cut',
               'copy', 'put', 'delete', 'replace', 'remove', 'drop', 'read', 'list')
# How an upload was begun whose marker lies among the parts.
BY_0_1, FOR_0_1 = 'begun by 0.1', 'begun for 0.1'
_FOR_0_1 = {'initiate_for_release': '0.1'}
_REFUSED = {'new': ((412, 'PreconditionFailed'), (409, 'ConditionalRequestConflict'))}


@dataclass
class Client:
    """One client's operation, once or repeated.

    name: one of ``_OPERATIONS``, or that of a helper. listed: pairs of number and ETag, for a Complete. outcomes: what
    it was told each time.
    """

    name: str
    listed: 'list[tuple[int, str]]' = field(default_factory=list)
    outcomes: list = field(default_factory=list)

    @property
    def condition(self):
        return '*' if self.name == 'new' else None

    @property
    def etag(self):
        return multipart_etag(etag for _number, etag in self.listed) if self.listed else None


# Runs come one after the other.
_filters = functools.lru_cache(Filters)


@functools.lru_cache
def _begun(versioned, begun):
    """Return what Swift stores of an upload with all its parts, the upload's id, and the list that completes it.

    begun: as for ``Run``.
    """
    schedule = Schedule(InTurn())
    with schedule.in_charge():
        def begin():
            upload_id = world.initiate(KEY).text('UploadId')
            return upload_id, [(number, world.upload_part(KEY, upload_id, number, body).etag)
                               for number, body in enumerate(BODIES, 1)]

        world = World(schedule, Nature(), versioned, options=_FOR_0_1 if begun else {}, with_0_1=bool(begun))
        (upload_id, listed), = schedule.run(schedule.start('-' + OLD * (begun == BY_0_1), begin))
        return world.swift.copy(), upload_id, listed


class Run:
    """One run. seed: an integer that decides everything. between: the class of a filter right of s3multi
    (``mutations``)."""

    # Whether release 0.1.0 has begun the upload, or this one for it, or neither.
    begun = ''

    def __init__(self, seed, between=None):
        rng = self._rng = random.Random(seed)
        self.seed = seed
        self.policy = InTurn()
        self.schedule = Schedule(self, seed)
        self.trouble = Trouble(rng, self.schedule)
        self.chance = Chance(rng, self.trouble)
        self._between = between
        self._versioned = rng.random() < 0.3
        self._options = {'verify': 'head' if rng.random() < 0.15 else 'listing',
                         'immediate_deletes': rng.choice(('0', '100')),
                         'marker_recheck_after': rng.choice(('0', '5'))}
        self._cached = rng.random() < 0.7
        self._skewed = rng.random() < 0.4
        self.faults = Counter()

    def choose(self, schedule, seconds):
        return self.policy.choose(schedule, seconds)

    def go(self):
        """Run to the end. Raises Violation."""
        with self.schedule.in_charge(), shortcuts():
            self._go()

    def _go(self):
        stored, self.id, self.listed = _begun(self._versioned, self.begun)
        world = self.world = self.chance.world = World(
            self.schedule, self.trouble, self._versioned, self._between,
            {**self._options, **(_FOR_0_1 if self.begun else {})}, self._cached, stored, filters=_filters(),
            with_0_1=bool(self.begun))
        rules = self.rules = Rules(world)
        rules.initiated(KEY, self.id)
        self._note()
        self._calmly(self._begin)
        clients = self._meet()
        rules.check()
        self._calmly(lambda: self._end(clients))
        # Meanwhile goes on what is behind the last answers.
        self._calmly(lambda: eventlet.sleep(1))
        self._calmly(lambda: self._check(clients))
        rules.check()

    def _note(self):
        """Put into the cache, which is a new one, what it would have of the upload."""
        if self.begun == BY_0_1:
            return
        upload = Upload(ACCOUNT, BUCKET, KEY, self.id)
        UploadHints(self.world.cache).remember(upload)
        for name in self.rules.parts_of(self.id):
            PartHints(self.world.cache).remember(upload, *upload.parse_part(name))

    def _meet(self):
        """Have some clients meet; return them after all have ended."""
        clients = self._clients()
        self.rules.half_deleted = self._versioned and any(client.name == 'drop' for client in clients)
        self.policy, self.trouble.calm = self.chance, False
        actors = [self.schedule.start(self._label(client, number), lambda client=client: self._repeatedly(client),
                                      self._skew()) for number, client in enumerate(clients)]
        self.schedule.run(*actors)
        self.policy, self.trouble.calm = InTurn(), True
        # Swift may still be at work for those that died, or that were told of a time-out.
        self.schedule.run(*self.schedule.actors)
        self.faults = self.trouble.counts + self.chance.counts + Counter(
            {'answer hid a tombstone': self.world.swift.hidden})
        return clients

    def _calmly(self, call):
        return self.schedule.run(self.schedule.start('-', call))[0]

    def _skew(self):
        return self._rng.uniform(-SKEW_SECONDS, SKEW_SECONDS) if self._skewed else 0.0

    @staticmethod
    def _label(client, number):
        return '%s%d' % (client.name, number)

    def _begin(self):
        self.schedule.now += 1.0
        if self._rng.random() < 0.3:
            self._plain('PUT')
        self.schedule.now += self._rng.choice((0.001, 1.0))

    def _clients(self):
        names = [self._rng.choice(_OPERATIONS) for _ in range(self._rng.choice((2, 2, 2, 3, 3, 4)))]
        lists = {'complete': self.listed, 'new': self.listed, 'fewer': self.listed[:2], 'last': self.listed[1:]}
        return [Client(name, lists.get(name, [])) for name in names]

    def _repeatedly(self, client):
        for _ in range(self._rng.choice((1, 1, 2, 3))):
            outcome = self._once(client)
            if not self._unsure(outcome):
                break

    @staticmethod
    def _unsure(outcome):
        return outcome is None or outcome[0] in (500, 503) if isinstance(outcome, tuple) else outcome in (503, None)

    def _once(self, client):
        world, name = self.world, client.name
        self.rules.begins(self.id)
        if client.listed:
            outcome = world.complete(KEY, self.id, client.listed, client.condition).outcome
            self.rules.answered('complete', self.id, client.etag, outcome)
        elif name in self._ASKS:
            outcome = self._ASKS[name](world, self.id).outcome
            self.rules.answered(name, self.id, None, outcome)
        elif name == 'read':
            outcome = self._read()
        elif name in ('put', 'delete'):
            outcome = self._plain(name.upper())
        else:
            outcome = {'replace': lambda: world.put(KEY, b'plain'), 'remove': self._remove,
                       'drop': world.delete_bucket, 'make': world.make_bucket, 'version': world.keep_versions,
                       'initiate': self._initiate}[name]()
        client.outcomes.append(outcome)
        self.schedule.trace.append('        %s: %s' % (name, outcome))
        return outcome

    _ASKS = {
        'abort': lambda world, upload_id: world.abort(KEY, upload_id),
        'part': lambda world, upload_id: world.upload_part(KEY, upload_id, 2, ANOTHER),
        # The client hangs up in the middle of the body.
        'cut': lambda world, upload_id: world.upload_part(KEY, upload_id, 2, ANOTHER, len(ANOTHER) + 1),
        'copy': lambda world, upload_id: world.copy_part(KEY, upload_id, 2, KEY),
        'list': lambda world, upload_id: world.list_parts(KEY, upload_id),
    }

    def _initiate(self):
        self.rules.initiated(KEY, self.world.initiate(KEY).text('UploadId'))

    def _remove(self):
        """Delete the object, or its newest version in a bucket with versions."""
        version = ''
        if self._versioned:
            listed = self.world.ask('GET', BUCKET, query='format=json&versions=true')
            version = next((row['version_id'] for row in json.loads(listed.body or b'[]')), '')
        return self.world.delete(KEY, version)

    def _plain(self, method):
        return self.world.ask(method, BUCKET, KEY, {'Content-Type': 'text/plain'}, b'plain').status_int

    def _read(self):
        try:
            response = self.world.ask('GET', BUCKET, KEY)
        except HTTPException as error:
            # A part could not be read. The client sees a connection that breaks.
            return error.status_int
        status = response.status_int
        if status == 409 and self.trouble.calm or status == 200 and response.body not in _READABLE:
            self.rules.violations.append(Violation('R1', 'a reader was answered %s %r' % (
                response.status, response.body)))
        return response.status_int

    # After all have ended

    def _end(self, clients):
        world, rules = self.world, self.rules
        world.swift.settle()
        self.schedule.now += LEASE_SECONDS + 2 * SKEW_SECONDS
        bucket = world.swift.containers['%s/%s' % (ACCOUNT, BUCKET)]
        self._dropped = bucket.deleted > '0'
        world.make_bucket()
        finals = [client for client in clients if client.listed or client.name == 'abort']
        self._rng.shuffle(finals)
        for client in finals:
            self._converge(client)
        fate = rules.fates[self.id]
        if not fate.completed and not fate.aborted and self._rng.random() < 0.5:
            self._converge(Client('complete', self.listed))
        self._converge(Client('abort'))

    def _check(self, clients):
        self.world.swift.settle()
        self._check_end(self.rules.fates[self.id])
        bucket = self.world.swift.containers['%s/%s' % (ACCOUNT, BUCKET)]
        has_versions = any('Versions-Container' in name for name in bucket.headers)
        if not has_versions and (self._dropped or self._rng.random() < 0.3):
            self._check_end_of_bucket(clients)

    def _converge(self, client):
        """Repeat an operation until its answer is certain, which must happen on a quiet cluster, and must stay so."""
        for _ in range(3):
            outcome = self._once(client)
            if not self._unsure(outcome):
                break
            self.schedule.now += LEASE_SECONDS
        else:
            raise Violation('R5', '%s answers %s for ever' % (client.name, outcome))
        if self._once(client) != outcome:
            raise Violation('R5', '%s answered %s and then %s' % (client.name, outcome, client.outcomes[-1]))
        allowed = (200, (404, 'NoSuchUpload')) if client.listed else (204, (404, 'NoSuchUpload'))
        if client.listed and self._replaced():
            allowed += ((400, 'InvalidPart'),)
        allowed = ((404, 'NoSuchUpload'),) if self._dropped else allowed + _REFUSED.get(client.name, ())
        if outcome not in allowed:
            raise Violation('R3', '%s answers %s' % (client.name, outcome))

    def _replaced(self):
        return len(self.rules.parts_of(self.id)) > len(self.listed)

    def _check_end(self, fate):
        rules = self.rules
        left = self._left()
        self._read()
        if self._dropped:
            return
        if not fate.completed and not fate.aborted and not rules.manifests_of(self.id) and not self._was_overwritten():
            raise Violation('R5', 'the upload is neither completed nor aborted')
        if fate.aborted and not self._versioned and rules.parts_of(self.id):
            raise Violation('R4', 'parts are left after an Abort: %s' % left)
        upload = Upload(ACCOUNT, BUCKET, KEY, self.id)
        marker = self.world.swift.newest('%s/%s/%s' % (ACCOUNT, upload.marker_container, upload.marker))
        # One that says ``completed`` is left by a proxy that dies, until a sweep; as an intent is.
        if not fate.aborted and marker and 'state=completed' not in marker.headers['Content-Type']:
            raise Violation('R5', 'the marker is left: %s' % left)

    def _left(self):
        return [name for container in (SEGMENTS, MARKERS) for name in self.world.swift.names(ACCOUNT + '/' + container)]

    def _check_end_of_bucket(self, clients):
        """Check that the bucket can be deleted, and that this ends all of its uploads and frees their parts."""
        self.schedule.now += LEASE_SECONDS
        if self.world.swift.newest('%s/%s/%s' % (ACCOUNT, BUCKET, KEY)):
            self.world.delete(KEY)
        # Work that goes on after an answer comes to its end.
        eventlet.sleep(1)
        status = self.world.delete_bucket()
        eventlet.sleep(1)
        self.world.swift.settle()
        left = self._left()
        if status != 204 or marker_of('%s/%s' % (KEY, self.id)) in left:
            raise Violation('R5', 'the bucket was deleted with %s, and left is %s' % (status, left))
        # Left to the sweep are the parts of an object that was replaced at once, or past s3multi, and a part that was
        # stored when the marker was gone.
        if not any(client.listed or client.name in ('part', 'cut', 'copy') for client in clients) and (
                self.rules.parts_of(self.id)):
            raise Violation('R5', 'parts are left of an upload whose bucket was deleted: %s' % left)

    def _was_overwritten(self):
        stored = self.world.swift.newest('%s/%s/%s' % (ACCOUNT, BUCKET, KEY))
        return stored is None or md5(b'plain') == stored.etag or self._versioned

    def order(self):
        """Return a digest of all requests, in order and with who made them, but without the time: in any process the
        same."""
        text = '\n'.join(line.partition(' ')[2] for line in self.schedule.trace)
        return hashlib.blake2b(text.encode('utf-8', 'surrogateescape'), digest_size=8).digest()

    def describe(self):
        """Return the settings and all requests of the run, as text."""
        requests = '\n'.join(self.schedule.trace).replace('\0', '.')
        return 'seed %d: versioned=%s %s cached=%s skewed=%s\n%s' % (
            self.seed, self._versioned, self._options, self._cached, self._skewed, requests)


class Tally:
    """Runs seeds, and counts what they have tried. make: returns a run, as the constructor of ``Run`` does."""

    def __init__(self, make=Run):
        self.arguments = make,
        self._make = make
        self.counts = Counter()
        self.moves = Counter()
        self._orders = set()

    @property
    def orders(self):
        """How many different orders of requests there were."""
        return len(self._orders)

    def run(self, seed, between=None):
        """Run a seed. Raises the first Violation, with all requests that led to it."""
        run = self._make(seed, between)
        try:
            run.go()
        except (Violation, Stuck) as error:
            raise Violation(getattr(error, 'rule', 'R5'), '%s\n%s' % (error, run.describe())) from None
        self._orders.add(run.order())
        self.counts.update(run.faults)
        self.counts['runs'] += 1
        if run.rules.moves:
            self.moves.update(run.rules.moves.seen)
        self.counts['requests'] += run.schedule.requests

    def add(self, other):
        """Count what another has tried as well."""
        self.counts.update(other.counts)
        self.moves.update(other.moves)
        self._orders |= other._orders

    def __str__(self):
        return '%d runs, %d orders of requests, %d requests, %d different moves; %s' % (
            self.counts['runs'], self.orders, self.counts['requests'], len(self.moves),
            ', '.join('%s %d times' % (kind, count) for kind, count in sorted(self.counts.items())
                      if kind not in ('runs', 'requests')))
