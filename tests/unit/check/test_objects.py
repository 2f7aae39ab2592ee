# SPDX-License-Identifier: Apache-2.0
"""One object, over Swift in memory: what is found, and that nothing is found of what changes meanwhile."""
import contextlib
import hashlib
import json

import eventlet
import pytest
from swift.common.utils import Timestamp

from s3multi.check.asking import Asking, Stopped, Undecided
from s3multi.check.objects import Objects, State
from s3multi.check.rules import MOST_LEVELS, Finding, Proof
from s3multi.check.walk import Walk
from tests.model.kinds import ACCOUNT, BUCKET, SEGMENTS
from tests.model.schedule import InTurn, Schedule
from tests.model.swift import Nature
from tests.model.world import IDS, World

each_proof = pytest.mark.parametrize('proof', list(Proof))


@contextlib.contextmanager
def a_world(versioned):
    """Yield Swift in memory, with nobody who goes in between."""
    schedule = Schedule(InTurn())
    with schedule.in_charge():
        yield calmly(schedule, lambda: World(schedule, Nature(), versioned))


def calmly(world, call):
    """Return what is returned by a call that asks Swift. world: or its schedule."""
    schedule = getattr(world, 'schedule', world)
    schedule.now += 1
    if schedule.current():
        return call()

    def caught():
        try:
            return call(), None
        except (Stopped, Undecided) as error:
            return None, error

    (result, error), = schedule.run(schedule.start('-', caught))
    if error is not None:
        raise error
    return result


@pytest.fixture(params=[False, True], ids=['plain', 'versioned'])
def world(request):
    with a_world(request.param) as made_up:
        yield made_up


@pytest.fixture
def plain():
    with a_world(False) as made_up:
        yield made_up


@pytest.fixture
def versioned():
    with a_world(True) as made_up:
        yield made_up


def made(world, key='key', bodies=(b'one', b'two')):
    """Upload an object in parts; return the names of the parts."""
    return calmly(world, lambda: _made(world, key, bodies))


def _made(world, key, bodies):
    upload_id = world.initiate(key).text('UploadId')
    listed = [(number, world.upload_part(key, upload_id, number, body).etag)
              for number, body in enumerate(bodies, 1)]
    assert 200 == world.complete(key, upload_id, listed).status
    # What goes on behind the answer ends.
    eventlet.sleep(1)
    return [name for name in world.swift.names(ACCOUNT + '/' + SEGMENTS) if '/%s/' % upload_id in name]


def large(world, key, entries):
    """Make a large object through the Swift API; return its answer."""
    response = world.ask('PUT', BUCKET, key, body=json.dumps(entries).encode(), query='multipart-manifest=put')
    assert response.is_success, response.body
    return response


def candidates(asking, ask_all=False):
    """Return what may be large in the bucket."""
    return [each for page in Walk(asking, ask_all).candidates(ACCOUNT, BUCKET) for each in page]


def looked(world, proof=Proof.HEAD, before=None, app=None, **options):
    """Return the outcome for each object of the bucket. before: called when all candidates are known."""
    return calmly(world, lambda: _looked(world, proof, before, app, **options))


def _looked(world, proof, before, app, **options):
    asking = Asking(app or world.app.app, 4)
    found = candidates(asking, options.pop('ask_all', False))
    if before is not None:
        calmly(world, before)
    objects = Objects(asking, IDS, proof, 4, **options)
    return [objects.look(candidate) for candidate in found]


def states(outcomes):
    return [outcome.state for outcome in outcomes]


def findings(outcomes):
    return [(problem.finding, problem.path) for outcome in outcomes for problem in outcome.problems]


class Between:
    """The pipeline, with something that happens before the first request that matches. method, end: of its path."""

    def __init__(self, world, method, end, event):
        self.app, self._world = world.app.app, world
        self._method, self._end, self._event = method, end, event

    def __call__(self, env, start_response):
        if self._event and env['REQUEST_METHOD'] == self._method and env['PATH_INFO'].endswith(self._end):
            event, self._event = self._event, None
            calmly(self._world, event)
        return self.app(env, start_response)


# What is whole

@each_proof
def test_whole(world, proof):
    """Who has made it, and how large it is, is told."""
    made(world)
    world.put('plain', b'plain')

    outcome, = looked(world, proof)

    assert (State.WHOLE, 2, 6, 's3multi') == (outcome.state, outcome.segments, outcome.size, outcome.maker)


@each_proof
def test_ranges_data_and_large_segments(plain, proof):
    """They are proven like others, also twice in one object."""
    first, _ = made(plain)
    large(plain, 'inner', [{'path': '/%s/%s' % (SEGMENTS, first), 'range': '1-1'}, {'data': 'YQ=='},
                           {'path': '/%s/%s' % (SEGMENTS, first)}])
    large(plain, 'outer', [{'path': '/%s/inner' % BUCKET}, {'path': '/%s/key' % BUCKET},
                           {'path': '/%s/inner' % BUCKET, 'range': '0-2'}])

    assert [State.WHOLE] * 3 == states(looked(plain, proof))


def test_old_rows(plain):
    """Of an object whose row tells nothing, the object is asked."""
    made(plain)
    plain.put('plain', b'plain')

    assert [State.WHOLE, State.PLAIN] == states(looked(plain, ask_all=True))


# What changes meanwhile

@pytest.mark.parametrize('event', ['delete', 'replace', 'replace by another'])
@pytest.mark.parametrize('where', [('GET', 'key'), ('HEAD', ''), None], ids=['before', 'among', 'after listing'])
def test_object_that_goes(plain, event, where):
    """Its parts are freed at once, and nothing is said to be missing."""
    names = made(plain)

    def happens():
        if event == 'delete':
            plain.delete('key')
        elif event == 'replace':
            plain.put('key', b'plain')
        else:
            made(plain, bodies=(b'other',))
        for name in names:
            plain.ask('DELETE', SEGMENTS, name)

    if where is None:
        outcome, = looked(plain, before=happens)
    else:
        outcome, = looked(plain, app=Between(plain, where[0], where[1] or names[0], happens))

    assert (State.WHOLE if event == 'replace by another' else State.GONE, ()) == (
        outcome.state, tuple(outcome.problems))


def test_version_that_goes(versioned):
    """The same holds for a version."""
    world, names = versioned, made(versioned)
    version = json.loads(world.ask('GET', BUCKET, query='format=json&versions=true').body)[0]['version_id']

    def happens():
        world.delete('key', version)
        for name in names:
            world.ask('DELETE', SEGMENTS, name)

    assert [State.GONE] == states(looked(world, before=happens))


def test_object_that_becomes_a_version(plain):
    """It is found at the key no more, which is no loss."""
    made(plain)

    def happens():
        plain.keep_versions()
        plain.put('key', b'plain')

    assert [State.GONE] == states(looked(plain, before=happens))


def test_object_that_changes_again_and_again(plain):
    """Nothing is known of it."""
    made(plain)

    def app(env, start_response):
        if env['REQUEST_METHOD'] == 'HEAD' and SEGMENTS in env['PATH_INFO']:
            made(plain)
            for name in plain.swift.names(ACCOUNT + '/' + SEGMENTS):
                plain.ask('DELETE', SEGMENTS, name)
        return plain.app.app(env, start_response)

    with pytest.raises(Undecided, match='again and again'):
        looked(plain, app=app)


def test_stop(plain):
    """It ends in the middle of an object, of which nothing is said."""
    made(plain)

    with pytest.raises(Stopped):
        looked(plain, stop=lambda: True)


# What is broken

@each_proof
def test_missing_part(world, proof):
    """The part is named, and when it was deleted."""
    first, _ = made(world)
    world.ask('DELETE', SEGMENTS, first)

    outcome, = looked(world, proof)

    assert [(Finding.MISSING, '/%s/%s' % (SEGMENTS, first))] == findings([outcome])
    assert outcome.problems[0].seen.written > Timestamp(0) and outcome.problems[0].is_listed is False


@each_proof
def test_changed_part(world, proof):
    """What is there instead is told."""
    first, _ = made(world)
    world.ask('PUT', SEGMENTS, first, body=b'other')

    outcome, = looked(world, proof)

    assert [(Finding.CHANGED, '/%s/%s' % (SEGMENTS, first))] == findings([outcome])
    assert (hashlib.md5(b'other').hexdigest(), 5) == (outcome.problems[0].seen.etag, outcome.problems[0].seen.size)


def stored(world, container, name):
    """Return what each replica has of an object."""
    return [each for each in world.swift.objects['%s/%s/%s' % (ACCOUNT, container, name)] if each]


def test_damaged_part(plain):
    """Metadata do not tell it; bytes do."""
    first, _ = made(plain)
    for each in stored(plain, SEGMENTS, first):
        each.body = b'0ne'

    assert [State.WHOLE] == states(looked(plain, Proof.HEAD))

    assert [(Finding.DAMAGED, '/%s/%s' % (SEGMENTS, first))] == findings(looked(plain, Proof.BYTES))


def test_manifest_that_is_none(plain):
    """The object says that it is large."""
    made(plain)
    for each in stored(plain, BUCKET, 'key'):
        each.body = b'["no entry"]'
        each.etag = hashlib.md5(each.body).hexdigest()

    assert [(Finding.MANIFEST, '')] == findings(looked(plain))


def test_damaged_manifest(plain):
    """It may still be JSON."""
    made(plain)
    for each in stored(plain, BUCKET, 'key'):
        each.body = each.body.replace(b'"bytes": 3', b'"bytes": 4', 1)

    assert [(Finding.MANIFEST, '')] == findings(looked(plain))


@pytest.mark.parametrize('header, value', [
    ('X-Object-Sysmeta-Slo-Etag', '0' * 32), ('X-Object-Sysmeta-Slo-Size', '7'),
    ('X-Object-Sysmeta-S3Api-Etag', '0' * 32 + '-2')])
def test_metadata_that_contradict(plain, header, value):
    """The object says something else than its manifest."""
    made(plain)
    for each in stored(plain, BUCKET, 'key'):
        name = next(name for name in each.headers if name.lower() == header.lower())
        each.headers[name] = value

    assert [(Finding.SUMS, '')] == findings(looked(plain))


def test_wrong_checksum(plain):
    """It is computed anew where bytes are read."""
    made(plain)
    text = 'FULL_OBJECT crc32 AAAAAA== 3'
    for each in stored(plain, BUCKET, 'key'):
        each.headers['X-Object-Sysmeta-S3multi-Checksum'] = text

    assert [State.WHOLE] == states(looked(plain, Proof.HEAD))
    outcome, = looked(plain, Proof.BYTES)
    assert [(Finding.SUMS, '')] == findings([outcome]) and 'crc32' in outcome.problems[0].detail


def test_lost_object(plain):
    """The listing shows it, and nobody has it. Of one that was deleted the servers know it, though its row is late."""
    made(plain)
    del plain.swift.objects['%s/%s/key' % (ACCOUNT, BUCKET)]

    assert [(Finding.LOST, '')] == findings(looked(plain))


def test_late_row(plain):
    """It is no loss: the servers know that the object was deleted."""
    made(plain)

    class Late(Nature):
        def row_is_late(self):
            return True

    plain.swift.nature = Late()
    calmly(plain, lambda: plain.ask('DELETE', BUCKET, 'key'))

    assert [State.GONE] == states(looked(plain))


def test_large_segment_that_was_replaced(plain):
    """SLO would read it without a word."""
    made(plain)
    large(plain, 'outer', [{'path': '/%s/key' % BUCKET}])
    made(plain, bodies=(b'other',))

    assert [(Finding.CHANGED, '/%s/key' % BUCKET)] == findings(looked(plain))


def test_levels(plain):
    """As many as Swift reads are proven. More are told of."""
    made(plain, 'level01')
    for level in range(2, MOST_LEVELS + 2):
        large(plain, 'level%02d' % level, [{'path': '/%s/level%02d' % (BUCKET, level - 1)}])

    outcomes = looked(plain)

    assert [State.WHOLE] * MOST_LEVELS + [State.BROKEN] == states(outcomes)
    assert [(Finding.TOO_DEEP, '/%s/level01' % BUCKET)] == findings(outcomes)


# What cannot be told

@pytest.mark.parametrize('status', [403, 503])
def test_swift_that_does_not_answer(plain, status, monkeypatch):
    """Nothing is known then, and nothing said to be broken."""
    monkeypatch.setattr('s3multi.check.asking.eventlet.sleep', lambda seconds: None)
    made(plain)

    def app(env, start_response):
        if SEGMENTS in env['PATH_INFO']:
            start_response('%d Status' % status, [('Content-Length', '0')])
            return [b'']
        return plain.app.app(env, start_response)

    with pytest.raises(Undecided, match=str(status)):
        looked(plain, app=app)


def test_objects_that_are_encrypted(plain):
    """Without the keys the manifest is no manifest, and that is not the fault of the object."""
    made(plain)

    def app(env, start_response):
        def start(status, headers, *_):
            return start_response(status, [*headers, ('X-Object-Sysmeta-Crypto-Body-Meta', 'x')])
        return plain.app.app(env, start if env['PATH_INFO'].endswith('/key') else start_response)

    with pytest.raises(Undecided, match='keymaster'):
        looked(plain, app=app)


def test_bucket_that_does_not_exist(plain):
    """It is no empty bucket."""
    with pytest.raises(Undecided, match='no such bucket'):
        list(Walk(Asking(plain.app.app, 1)).candidates(ACCOUNT, 'other'))
