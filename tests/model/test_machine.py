# SPDX-License-Identifier: Apache-2.0
"""s3multi and a model of S3 in plain Python (``reference``) are driven together, and must agree."""
import random

from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from s3multi.s3.etags import multipart_etag

from ..examples import examples
from .chance import LEASE_SECONDS, Chance, Trouble
from .kinds import BUCKET
from .reference import Possible, Seen
from .rules import Rules
from .schedule import InTurn, Schedule
from .world import World, md5

KEYS = ('key', 'other/key')
BODIES = (b'first ', b'second ', b'third ')
numbers, bodies, keys, choices, seeds = (
    st.integers(1, 3), st.sampled_from(BODIES), st.sampled_from(KEYS), st.integers(0, 3), st.integers(0, 2 ** 32))
# The condition of a Complete: none, that there is no object, that the object is the present one, or another one.
conditions = st.sampled_from((None, None, '*', 'current', md5(b'another')))
# An operation, before it is bound to one of the uploads.
operations = st.one_of(
    st.tuples(st.just('part'), numbers, bodies), st.tuples(st.just('copy'), numbers, keys),
    st.tuples(st.just('complete'), choices, conditions), st.tuples(st.just('complete'), choices, st.none()),
    st.tuples(st.just('abort')), st.tuples(st.just('put'), bodies, st.booleans()),
    st.tuples(st.just('delete'), st.booleans()))


class Machine(RuleBasedStateMachine):
    """Clients of one bucket, with uploads of two keys: one at a time, and several at once under faults."""

    uploads = Bundle('uploads')
    versioned = False

    @initialize()
    def begin(self):
        self.schedule = Schedule(InTurn())
        self.trouble = Trouble(random.Random(0), self.schedule)
        with self.schedule.in_charge():
            self.world = World(self.schedule, self.trouble, self.versioned)
        self.rules = Rules(self.world)
        self.possible = Possible(self.versioned)

    @rule(target=uploads, key=keys)
    def initiate(self, key):
        answer, = self._calmly(lambda: self.world.initiate(key))
        upload_id = answer.text('UploadId')
        self.rules.initiated(key, upload_id)
        self.possible.initiate(upload_id, key)
        return key, upload_id

    @rule(upload=uploads, operation=operations)
    def alone(self, upload, operation):
        self._check(self._bind(upload, operation))

    @rule(upload=uploads, number=numbers, body=bodies)
    def part(self, upload, number, body):
        """Upload a part: more often than chance would."""
        self._check(self._bind(upload, ('part', number, body)))

    @rule(upload=uploads, others=st.lists(st.tuples(uploads, operations), min_size=1, max_size=2),
          operation=operations, seed=seeds)
    def race(self, upload, operation, others, seed):
        """Run two or three operations at once, with the faults that the seed brings."""
        group = [self._bind(upload, operation), *(self._bind(*other) for other in others)]
        outcomes = self._troubled(seed, [lambda each=each: self._ask(*each) for each in group])
        self.possible.saw(*(Seen(name, arguments, self._known(outcome))
                            for (name, arguments), outcome in zip(group, outcomes)))
        self.rules.check()
        self.world.swift.settle()

    @rule(upload=uploads, choice=choices, condition=conditions, number=numbers, body=bodies)
    def complete(self, upload, choice, condition, number, body):
        """Complete an upload: more often than chance would, and mostly one that has parts."""
        known = self.possible.bucket.uploads[upload[1]]
        if known.state == 'open' and not known.parts:
            self._check(self._bind(upload, ('part', number, body)))
        self._check(self._bind(upload, ('complete', choice, condition)))

    @rule(upload=uploads, number=numbers, key=keys, body=bodies)
    def copy(self, upload, number, key, body):
        """Copy into a part: more often than chance would, and mostly a key that has an object."""
        if key not in self.possible.bucket.objects:
            self._check(('put', (key, body, False)))
        self._check(self._bind(upload, ('copy', number, key)))

    @rule(rarely=st.integers(0, 9))
    def drop(self, rarely):
        """Delete the bucket, if it is empty, and make it again."""
        if rarely == 9:
            self._check(('drop', ()))

    @rule(key=keys)
    def read(self, key):
        self._check(('read', (key,)))

    @rule()
    def lose_updates(self):
        """From now on no row comes, until `mend`: what clients were told is in the cache alone."""
        self.trouble.updates_are_lost = True

    @rule(joins=st.booleans())
    def shard(self, joins):
        """From now on rows go to a shard that is not listed, or to a container whose only shard is; until `mend`.

        The cache is empty.
        """
        for container in self.world.swift.containers.values():
            (self.world.swift.join if joins else self.world.swift.split)(container)
        if not self.trouble.updates_are_lost:
            self.world.cache.flush()

    @rule(upload=uploads, number=numbers, body=bodies)
    def part_whose_row_is_lost(self, upload, number, body):
        self.lose_updates()
        self._check(self._bind(upload, ('part', number, body)))
        self.list_parts(upload)

    @rule(upload=uploads, number=numbers, body=bodies, joins=st.booleans())
    def part_whose_row_is_not_listed(self, upload, number, body, joins):
        self.shard(joins)
        self._check(self._bind(upload, ('part', number, body)))
        # Nothing is noted in the cache any more.
        self.shard(joins)
        self.list_parts(upload)

    @rule(target=uploads, key=keys)
    def upload_whose_row_is_lost(self, key):
        self.lose_updates()
        upload = self.initiate(key)
        self.list_uploads()
        return upload

    @rule()
    def mend(self):
        self.trouble.updates_are_lost = False
        self.world.swift.settle()

    @rule(upload=uploads)
    def list_parts(self, upload):
        """Compare the parts of an upload, with the ETags of their newest attempts, if these are certain."""
        answer, = self._calmly(lambda: self.world.list_parts(*upload))
        bucket = self.possible.certain
        if bucket is None:
            return
        expected = bucket.uploads[upload[1]]
        if expected.state != 'open':
            assert answer.outcome == (404, 'NoSuchUpload'), answer
            return
        assert [(str(number), '"%s"' % md5(kept[-1])) for number, kept in sorted(expected.parts.items())] == list(
            zip(answer.texts('PartNumber'), [text.replace('&quot;', '"') for text in answer.texts('ETag')]))

    @rule()
    def list_uploads(self):
        answer, = self._calmly(lambda: self.world.list_uploads())
        bucket = self.possible.certain
        if bucket is not None:
            listed = list(zip(answer.texts('Key'), answer.texts('UploadId')))
            is_open = sorted((upload.key, name) for name, upload in bucket.uploads.items() if upload.state == 'open')
            # That an upload has ended may be a row that is late.
            assert is_open == [upload for upload in listed if upload in is_open]
            assert is_open == listed or self._rows_are_late()

    @rule(seconds=st.sampled_from((1, 30, LEASE_SECONDS)))
    def wait(self, seconds):
        self.schedule.now += seconds

    def _rows_are_late(self):
        return any(container.late or container.shard is not None for container in self.world.swift.containers.values())

    def teardown(self):
        """Abort every upload, and read every key: the answers must be those of one of the possible buckets."""
        self.mend()
        for upload_id, fate in self.rules.fates.items():
            self._check(('abort', (upload_id,)))
        for key in KEYS:
            self._check(('read', (key,)))

    # How operations are run

    def _bind(self, upload, operation):
        """Return name and arguments of an operation on an upload or its key, as ``reference.Bucket`` takes them."""
        key, upload_id = upload
        name, *arguments = operation
        if name in ('put', 'delete'):
            return name, (key, *arguments)
        if name == 'complete':
            choice, condition = arguments
            if condition == 'current':
                condition = self.possible.bucket.etags.get(key)
            return name, (upload_id, self._list(upload_id, choice), condition)
        return name, (upload_id, *arguments)

    def _list(self, upload_id, choice):
        """Return a list of parts: all (0), all but the last (1) or the first (2), or the oldest attempt of each (3)."""
        stored = sorted(self.possible.bucket.uploads[upload_id].parts.items()) or [(1, BODIES)]
        chosen = {0: stored, 1: stored[:-1] or stored, 2: stored[1:] or stored, 3: stored}[choice]
        return tuple((number, md5(kept[0 if choice == 3 else -1])) for number, kept in chosen)

    def _ask(self, name, arguments):
        world = self.world
        if name in ('put', 'delete'):
            key, *body, through_s3 = arguments
            if through_s3:
                return getattr(world, name)(key, *body)
            return world.ask(name.upper(), BUCKET, key, {'Content-Type': 'text/plain'}, *body).status_int
        if name == 'drop':
            outcome = world.delete_bucket()
            world.make_bucket()
            return outcome
        if name == 'read':
            response = world.ask('GET', BUCKET, *arguments)
            assert response.status_int in (200, 404), response
            return response.body if response.status_int == 200 else None
        upload_id, *rest = arguments
        ask = {'part': world.upload_part, 'copy': world.copy_part, 'complete': world.complete,
               'abort': world.abort}[name]
        answer = ask(self.rules.fates[upload_id].key, upload_id, *rest)
        outcome = answer.outcome
        if name == 'copy' and outcome == 200:
            outcome = 200, answer.text('ETag').strip('"').replace('&quot;', '')
        etag = multipart_etag(etag for _, etag in rest[0]) if name == 'complete' else None
        self.rules.answered(name, upload_id, etag, outcome)
        return outcome

    @staticmethod
    def _known(outcome):
        # BrokenMPU: the parts of the copy's source were deleted while it was read.
        unknown = (503, 507, (503, 'ServiceUnavailable'), (503, 'SlowDown'), (409, 'BrokenMPU'))
        return None if outcome in unknown else outcome

    def _check(self, bound):
        """Run one operation alone, again after the lease if the outcome is not certain, and compare it."""
        name, arguments = bound
        for _ in range(3):
            outcome, = self._calmly(lambda: self._ask(name, arguments))
            if name == 'read' or self._known(outcome) is not None:
                break
            self.schedule.now += LEASE_SECONDS
        self.possible.saw(Seen(name, arguments, (outcome,) if name == 'read' else outcome))
        self.rules.check()

    def _calmly(self, call):
        with self.schedule.in_charge():
            self.schedule.now += 0.001
            self.schedule.policy = InTurn()
            return self.schedule.run(self.schedule.start('-', call))

    def _troubled(self, seed, calls):
        rng = random.Random(seed)
        trouble = Trouble(rng, self.schedule)
        chance = Chance(rng, trouble)
        chance.world = self.world
        with self.schedule.in_charge():
            self.world.swift.nature, self.schedule.policy, trouble.calm = trouble, chance, False
            outcomes = self.schedule.run(*(self.schedule.start(str(number), call)
                                           for number, call in enumerate(calls)))
            self.schedule.policy, trouble.calm = InTurn(), True
            self.schedule.run(*self.schedule.actors)
            return outcomes


class VersionedMachine(Machine):
    """The same, in a bucket with versions."""

    versioned = True


_RUNS = examples(0.5, stateful_step_count=25, suppress_health_check=list(HealthCheck))
TestMachine, TestVersionedMachine = Machine.TestCase, VersionedMachine.TestCase
TestMachine.settings = TestVersionedMachine.settings = _RUNS
