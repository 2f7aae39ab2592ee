# SPDX-License-Identifier: Apache-2.0
"""What the uploads of a bucket hold, over Swift in memory."""
from unittest import mock

import eventlet
from swift.common.utils import Timestamp

from s3multi import config
from s3multi.commands.shown import LEAST
from s3multi.operations.references import References
from s3multi.space.bucket import Reader
from s3multi.space.holdings import ABORTED, ELSEWHERE, OBJECT, OPEN
from s3multi.upload.names import Upload, new_attempt
from tests.model.kinds import ACCOUNT, BUCKET, SEGMENTS
from tests.model.schedule import InTurn, Schedule
from tests.model.swift import Nature
from tests.model.world import IDS, World


def in_a_world(play):
    """Call ``play`` with a world, and return what it returns."""
    schedule = Schedule(InTurn())
    with schedule.in_charge():
        # So that an Abort is over when it is answered.
        world = World(schedule, Nature(), options={'abort_waits': 'true'})
        result, = schedule.run(schedule.start('-', lambda: play(world)))
    return result


def begun(world, key, *bodies):
    """Begin an upload with these parts; return its id, and the list that completes it."""
    upload_id = world.initiate(key).text('UploadId')
    return upload_id, [(number, world.upload_part(key, upload_id, number, body).etag)
                       for number, body in enumerate(bodies, 1)]


def holdings(world, stop=lambda: False):
    """Return what each upload holds, by key and kind: parts, attempts, bytes."""
    settings = config.load({}, {'min_segment_size': 1, 'max_upload_part_num': 10000})
    found = list(Reader(world.app.app, IDS, settings, world.logger).holdings(ACCOUNT, BUCKET, stop))
    return {(each.upload.key, each.kind): (each.parts, each.attempts, each.bytes) for each in found}


def test_uploads_in_progress():
    """Each counts once, with all attempts at its parts; also without parts."""
    def play(world):
        upload_id, _ = begun(world, 'a', b'12', b'345')
        world.upload_part('a', upload_id, 2, b'6789')
        begun(world, 'b')
        return holdings(world)

    assert {('a', OPEN): (2, 3, 9), ('b', OPEN): (0, 0, 0)} == in_a_world(play)


def test_uploads_of_0_1():
    """Their markers lie beside the parts."""
    def play(world):
        upload = Upload(ACCOUNT, BUCKET, 'key', IDS.new_among_parts(ACCOUNT, BUCKET, 'key', Timestamp.now().raw))
        world.ask('PUT', SEGMENTS, upload.marker, {'Content-Type': 'application/x-s3multi-marker;state=open'})
        world.ask('PUT', SEGMENTS, upload.part(1, new_attempt(Timestamp.now().raw)))
        return holdings(world)

    assert {('key', OPEN): (1, 1, 0)} == in_a_world(play)


def test_uploads_that_are_over():
    """Of a completed one the object is at its key, or something else is; of an aborted one the marker stays."""
    def play(world):
        for key in ('kept', 'replaced'):
            upload_id, listed = begun(world, key, b'1')
            assert 200 == world.complete(key, upload_id, listed).status
        world.ask('PUT', BUCKET, 'replaced', {'X-Timestamp': Timestamp(float(Timestamp.now()) + 60).internal})
        upload_id, _ = begun(world, 'aborted', b'1')
        assert 204 == world.abort('aborted', upload_id).status
        return holdings(world)

    found = in_a_world(play)
    assert {('kept', OBJECT): (1, 1, 1), ('replaced', ELSEWHERE): (1, 1, 1)} == {
        place: held for place, held in found.items() if place[0] != 'aborted'}
    assert ('aborted', ABORTED) in found


def test_many_objects():
    """The listing of their bucket tells of them, without a request for each; who differs is asked for."""
    def play(world):
        for number in range(LEAST + 1):
            upload_id, listed = begun(world, 'key-%03d' % number, b'1', b'2')
            assert 200 == world.complete('key-%03d' % number, upload_id, listed).status
        # What goes on behind the answers ends.
        eventlet.sleep(1)
        world.ask('PUT', BUCKET, 'key-000', {'X-Timestamp': Timestamp(float(Timestamp.now()) + 60).internal})
        with mock.patch.object(References, 'glance', autospec=True, side_effect=References.glance) as glance:
            return holdings(world), glance.call_count

    found, asked = in_a_world(play)
    assert {('key-000', ELSEWHERE): (2, 2, 2)} | {
        ('key-%03d' % number, OBJECT): (2, 2, 2) for number in range(1, LEAST + 1)} == found
    assert 1 == asked


def test_it_stops_when_asked():
    """An operator need not wait for the end of a large bucket."""
    def play(world):
        begun(world, 'a', b'12')
        return holdings(world, lambda: True)

    assert {} == in_a_world(play)
