# SPDX-License-Identifier: Apache-2.0
"""What a user has put at a name where s3multi looks with the operator's rights is not followed, and stops nothing.

The test is a table: each operation meets each thing at each place where it looks. It runs in two worlds, one with the
thing and one where the place is empty, and has to end alike. At keys, and at the names of parts, users may put objects,
so there the other world has an ordinary one.
"""
import functools
import hashlib
import json
from dataclasses import dataclass

import pytest
from swift.common.swob import HTTPForbidden
from swift.common.utils import Timestamp

from s3multi.sweep.rules import Limits
from s3multi.upload.names import new_attempt

from .kinds import ACCOUNT, BUCKET, SEGMENTS
from .schedule import InTurn, Schedule
from .swift import REPLICAS, Container, Nature, Stored
from .sweeping import sweep
from .world import World

KEY, BODIES = 'dir/key', (b'first', b'second')
OTHER = 'AUTH_other'
SECRET, SECRET_ETAG = b'of another account', hashlib.md5(b'of another account').hexdigest()
OWN = b'of the user'
LEASE_SECONDS = 61.0
MARKER_TYPE = 'application/x-s3multi-marker'
TEXT = {'Content-Type': 'text/plain'}
LIKE_A_MARKER = {'Content-Type': MARKER_TYPE + ';state=open;initiator=x'}

# Headers, body and query of the PUT by which a user puts each there, in his bucket with an object ``own``.
THINGS = {
    'object': ({}, b'plain', ''),
    'link to another account': ({'X-Symlink-Target': 'c/secret', 'X-Symlink-Target-Account': OTHER}, b'', ''),
    'link to nothing': ({'X-Symlink-Target': 'c/nothing', 'X-Symlink-Target-Account': OTHER}, b'', ''),
    'link to itself': ({'X-Symlink-Target': '%s/back' % BUCKET}, b'', ''),
    'link': ({'X-Symlink-Target': BUCKET + '/own'}, b'', ''),
    'static link': ({'X-Symlink-Target': BUCKET + '/own',
                     'X-Symlink-Target-Etag': hashlib.md5(OWN).hexdigest()}, b'', ''),
    'static large object': ({}, json.dumps([{'path': '/%s/own' % BUCKET}]).encode(), 'multipart-manifest=put'),
    'dynamic large object': ({'X-Object-Manifest': BUCKET + '/ow'}, b'', ''),
    'metadata': ({'X-Object-Meta-S3multi-Chosen': 'x', 'X-Object-Meta-S3multi-Timestamp': 'nan',
                  'X-Object-Meta-Sysmeta-S3api-Upload-Id': 'x', 'X-Delete-At': '9999999999'}, b'', ''),
    'foreign type': ({'Content-Type': MARKER_TYPE + ';state=\xff;initiator=%zz;checksum=x'}, b'', ''),
    'expired object': ({'X-Delete-At': '1'}, b'', ''),
    'other type': ({'Content-Type': 'application/octet-stream;swift_bytes=-1;crc32=zz'}, b'', ''),
}
POSTED = 'metadata of what is there'
NO_PARTS = [name for name in THINGS if 'link' in name] + ['static large object']


@dataclass(frozen=True)
class Scene:
    """What is there before the operation: an upload of KEY with two parts, and how far it is.

    stored: what Swift has. others: paths of all that has nothing to do with the upload. places: by kind, where things
    of the upload lie, as ``container/name``.
    """

    stored: tuple
    upload_id: str
    listed: tuple
    others: frozenset
    places: dict


class Watched(Nature):
    """Notes which paths are asked for."""

    def __init__(self):
        self.asked = []

    def reach(self, _env, what):
        self.asked.append(what.partition(' ')[2])


class Place(World):
    """A world whose clients have no rights but in their own account."""

    def _env(self, *args):
        own = '/v1/%s/' % ACCOUNT
        return {**super()._env(*args), 'swift.authorize': lambda request: (
            None if request.path_info.startswith(own) else HTTPForbidden(request=request))}


def in_world(call):
    """Have a function run in the time of a schedule, its first argument."""
    @functools.wraps(call)
    def run(*args):
        schedule = Schedule(InTurn())
        with schedule.in_charge():
            return call(schedule, *args)

    return run


def do(schedule, call):
    """Return what ``call`` returns, after all that it has begun has ended."""
    outcome, = schedule.run(schedule.start('-', call))
    schedule.run(*schedule.actors)
    schedule.now += 1.0
    return outcome


@functools.lru_cache(None)
@in_world
def scene(schedule, versioned, completed, kept):
    """Return the Scene. completed: whether the upload is. kept: whether the segments container keeps versions."""
    nature = Watched()
    # Only the markers of release 0.1 lie where users can put anything in their place.
    world = Place(schedule, nature, versioned, options={'initiate_for_release': '0.1'})
    swift = world.swift
    if kept:
        assert world.ask('POST', SEGMENTS, headers={'X-Versions-Enabled': 'true'}).is_success
    swift.containers[OTHER + '/c'] = Container({}, put=Timestamp(schedule.now).internal)
    put(swift, OTHER + '/c', 'secret', SECRET)
    assert world.ask('PUT', BUCKET, 'own', TEXT, OWN).status_int == 201
    for key in ('other', KEY):
        upload_id = do(schedule, lambda key=key: world.initiate(key)).text('UploadId')
        listed = tuple((number, do(schedule, lambda: world.upload_part(key, upload_id, number, body)).etag)
                       for number, body in enumerate(BODIES, 1))
        if key == 'other':
            assert do(schedule, lambda: world.complete(key, upload_id, listed)).outcome == 200
    there = swift.copy()
    assert do(schedule, lambda: world.complete(KEY, upload_id, listed)).outcome == 200
    if completed:
        there = swift.copy()
    directory = '/'.join((SEGMENTS, KEY, upload_id))
    part = min(name for name in world.swift.names('%s/%s' % (ACCOUNT, SEGMENTS)) if upload_id + '/0' in name)
    places = {'marker': directory, 'intent': directory + '/complete', 'part': '/'.join((SEGMENTS, part)),
              'newer part': '/'.join((SEGMENTS, part[:-11] + new_attempt(int(schedule.now * 100000)))),
              'key': '/'.join((BUCKET, KEY))}
    others = frozenset(path for path in there[0] if upload_id not in path and not path.endswith(KEY)
                       and swift.newest(path) is not None)
    return Scene(there, upload_id, listed, others, places)


def put(swift, container, name, body, headers=None):
    """Store an object past all filters."""
    swift._write(container, '%s/%s' % (container, name), range(REPLICAS), Stored(
        Timestamp.now().internal, body, headers or TEXT, hashlib.md5(body).hexdigest()))


@dataclass(frozen=True)
class Operation:
    """An operation. run: makes it in a world with a Scene, and returns an outcome. places: where it looks. completed:
    whether it comes after the Complete. looks: whether it asks for versions where there are some."""

    run: object
    places: tuple
    completed: bool = False
    looks: bool = False


def condition(value):
    """Return a Complete with a condition."""
    return lambda world, there: world.complete(KEY, there.upload_id, there.listed, value).outcome


def swept(world, there):
    """Sweep. What it cannot judge it keeps, so what it frees depends on the place, and is not compared."""
    world.schedule.now += 100.0
    sweep(world, Limits(1, 10))


RECORDS = ('marker', 'intent', 'part', 'newer part')
OPERATIONS = {
    'Initiate': Operation(lambda world, _: world.initiate(KEY).status, (*RECORDS, 'key')),
    'Upload Part': Operation(lambda world, there: world.upload_part(KEY, there.upload_id, 1, b'new').outcome,
                             (*RECORDS, 'key')),
    'Upload Part Copy': Operation(lambda world, there: world.copy_part(KEY, there.upload_id, 1, 'own').outcome,
                                  RECORDS),
    'List Parts': Operation(lambda world, there: _listed(world.list_parts(KEY, there.upload_id), 'PartNumber'),
                            RECORDS),
    'List Multipart Uploads': Operation(lambda world, _: _listed(world.list_uploads(), 'Key'), RECORDS),
    'Complete': Operation(condition(None), (*RECORDS, 'key'), looks=True),
    'Complete, If-None-Match': Operation(condition('*'), ('intent', 'key'), looks=True),
    'Complete, If-Match': Operation(condition(SECRET_ETAG), ('intent', 'key'), looks=True),
    'Abort': Operation(lambda world, there: world.abort(KEY, there.upload_id).outcome, (*RECORDS, 'key'), looks=True),
    'Abort of what is completed': Operation(lambda world, there: world.abort(KEY, there.upload_id).outcome,
                                            ('marker', 'intent', 'key'), completed=True, looks=True),
    'GetObjectAttributes': Operation(lambda world, _: world.s3('GET', KEY, {'attributes': ''}, headers={
        'x-amz-object-attributes': 'ETag,ObjectParts,ObjectSize'}).outcome, RECORDS, completed=True),
    'PutObject': Operation(lambda world, _: world.put(KEY, b'put'), RECORDS, completed=True, looks=True),
    'DeleteObject': Operation(lambda world, _: world.delete(KEY), RECORDS, completed=True, looks=True),
    'DeleteBucket': Operation(lambda world, _: world.delete_bucket(), RECORDS),
    'Sweep': Operation(swept, (*RECORDS, 'key'), looks=True),
    'Sweep of what is completed': Operation(swept, ('marker', 'intent', 'newer part'), completed=True, looks=True),
}


def _listed(answer, element):
    return answer.outcome, answer.texts(element)


@functools.lru_cache(None)
@in_world
def outcomes(schedule, name, versioned, place, thing, kept=False):
    """Return what an operation answers twice, when all is over that makes it 503.

    place: None if nothing is touched. thing: None for an empty place. kept: whether the segments container has
    versions.
    """
    operation = OPERATIONS[name]
    there = scene(versioned, operation.completed, kept)
    nature = Watched()
    world = Place(schedule, nature, versioned, stored=there.stored)
    schedule.now += 600.0
    planted = place is None or plant(world, there.places[place], thing)
    schedule.now += LEASE_SECONDS
    nature.asked.clear()
    found = []
    for _ in range(2):
        for _again in range(3):
            outcome = do(schedule, lambda: operation.run(world, there))
            assert not _is(500, outcome)
            if not _is(503, outcome):
                break
            schedule.now += LEASE_SECONDS
        found.append(outcome)
    assert not [path for path in nature.asked if not path.startswith((ACCOUNT, '.shards_' + ACCOUNT))
                and not path.startswith('.expiring_objects')]
    assert not world.logger.errors
    assert {SECRET} == {stored.body for stored in world.swift.objects[OTHER + '/c/secret'] if stored is not None}
    assert not {path for path in there.others if world.swift.newest(path) is None}
    if operation.run is swept and operation.completed:
        assert b''.join(BODIES) == world.ask('GET', BUCKET, KEY).body
    return found, planted


def _is(status, outcome):
    return outcome == status or isinstance(outcome, tuple) and outcome[0] == status


def plant(world, path, thing):
    """Put a thing in place of what is there; return whether the user can."""
    container, name = path.split('/', 1)
    if thing == POSTED:
        return world.ask('POST', container, name, THINGS['metadata'][0]).status_int in (202, 307, 404)
    stored = world.swift.last('%s/%s' % (ACCOUNT, path))
    if stored is not None and stored.body is not None:
        world.swift._write('%s/%s' % (ACCOUNT, container), '%s/%s' % (ACCOUNT, path), range(REPLICAS),
                           Stored(world._moment()))
    if thing is None:
        return True
    if thing == 'link to itself':
        assert world.ask('PUT', BUCKET, 'back', {**TEXT, 'X-Symlink-Target': path}).is_success
    headers, body, query = THINGS[thing]
    kind = LIKE_A_MARKER if thing in NO_PARTS else TEXT
    return world.ask('PUT', container, name, {**kind, **headers}, body, query).is_success


def measure(name, place, thing):
    """Return a place and thing that an operation has to take it for; None for the answer that a client is denied."""
    if thing == 'expired object':
        # Its row stays until the expirer has come, and rows are what tells of parts.
        return place, 'object' if 'part' in place else None
    if thing == POSTED:
        return None, None
    if place == 'key':
        # The client reads what he compares with, by his own rights.
        leads_out = thing in ('link to another account', 'link to nothing')
        return None if leads_out and name.endswith('If-Match') else (place, 'object')
    # Any object at the name of a part is that part: users may write there, but not lead elsewhere.
    return place, None if place in ('marker', 'intent') or thing in NO_PARTS else 'object'


@pytest.mark.parametrize('name, place, versioned', [
    pytest.param(name, place, versioned, id='%s-%s%s' % (name, place, '-versions' if versioned else ''))
    for name, operation in OPERATIONS.items() for place in operation.places
    for versioned in ([False, True] if operation.looks and place in ('intent', 'key') else [False])])
def test_what_is_planted(name, place, versioned):
    """The operation ends as if the place was empty or, where users may put objects, as with an ordinary one."""
    for thing in (*THINGS, POSTED):
        found, planted = outcomes(name, versioned, place, thing)
        like = measure(name, place, thing)
        expected = outcomes(name, versioned, *like)[0] if like else [(403, 'AccessDenied')] * 2
        assert planted and expected == found, (thing, expected, found)


@pytest.mark.parametrize('name', [name for name in OPERATIONS if name != 'List Multipart Uploads'])
def test_segments_container_that_keeps_versions(name):
    """A user may have it keep them. Each operation ends as it would without, and so does a repeat.

    Only List Multipart Uploads does not: Swift leaves out what the rows of markers say.
    """
    assert outcomes(name, False, None, None) == outcomes(name, False, None, None, True)
