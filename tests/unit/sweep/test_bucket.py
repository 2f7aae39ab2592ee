# SPDX-License-Identifier: Apache-2.0
"""The sweep of one bucket, over Swift in memory: uploads whose markers lie apart from their parts, or among them."""
from unittest import mock

import pytest
from swift.common.utils import Timestamp

from s3multi import config
from s3multi.commands.interrupt import Stop
from s3multi.commands.position import Position, Trail
from s3multi.commands.shown import LEAST
from s3multi.s3.bucket_lifecycle import Lifecycle, Rule
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.errors import ServiceUnavailable
from s3multi.s3.etags import multipart_etag
from s3multi.s3.parts import Attempt
from s3multi.storage.deletion import Deletion
from s3multi.sweep.bucket import Sweep
from s3multi.sweep.claim import Elsewhere
from s3multi.sweep.rules import Limits, claim_of
from s3multi.upload.abort_rules import HEADER, encode
from s3multi.upload.manifest import stored, stored_headers
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.timestamps import swift_time
from tests.model.kinds import ACCOUNT, BUCKET, MARKERS, SEGMENTS
from tests.model.swift import Nature
from tests.model.world import IDS, World

NOTE = 'X-Container-Sysmeta-S3Multi-All-Apart-Since'


class Lasting:
    """Of a schedule what a world needs: the time."""

    def __init__(self):
        self.now = float(Timestamp.now())


@pytest.fixture
def world():
    # Nothing goes on behind an answer.
    return World(Lasting(), Nature(), options={'abort_waits': 'true'})


def outcomes(world, apply=True, options=None, pause=lambda: None, stop=lambda: False, trail=None, run='', **limits):
    """Sweep the bucket; yield the outcome of each upload that is reported."""
    settings = config.load(options or {}, {'min_segment_size': 1, 'max_upload_part_num': 10000})
    return Sweep(world.app.app, IDS, settings, world.logger, Limits(**limits), apply, 1, pause, run).bucket(
        ACCOUNT, BUCKET, stop, trail)


def sweep(world, *args, **more):
    """Sweep the bucket; return key and outcome of each upload that was reported."""
    return sorted((outcome.upload.key, outcome.what) for outcome in outcomes(world, *args, **more))


def begun(world, key, parts=1):
    """Begin an upload with some parts; return its id."""
    upload_id = world.initiate(key).text('UploadId')
    for number in range(1, parts + 1):
        assert 200 == world.upload_part(key, upload_id, number, b'part').status
    return upload_id


def finished(world, key, parts, chosen):
    """Put an object there that was uploaded in parts, of which so many were chosen."""
    upload = Upload(ACCOUNT, BUCKET, key, IDS.new(ACCOUNT, BUCKET, key, Timestamp.now().raw))
    attempts = []
    for number in range(1, parts + 1):
        name = upload.part(number, new_attempt(upload.ticks))
        etag = world.ask('PUT', SEGMENTS, name, body=b'part').headers['Etag']
        attempts.append(Attempt(number, name, upload.ticks, etag, 4))
    body = stored(upload, attempts[:chosen])
    headers = stored_headers(upload, attempts[:chosen], {}, ObjectDigests(multipart_etag([etag] * chosen)), body)
    assert world.ask('PUT', BUCKET, key, headers, body, slo_override=True).is_success


def old_marker(world, key):
    """Put the marker of an upload there that release 0.1 has begun; return the upload."""
    upload = Upload(ACCOUNT, BUCKET, key, IDS.new_among_parts(ACCOUNT, BUCKET, key, Timestamp.now().raw))
    assert world.ask('PUT', SEGMENTS, upload.marker, {
        'X-Timestamp': swift_time(upload.ticks).internal,
        'Content-Type': 'application/x-s3multi-marker;state=open'}).is_success
    return upload


def names(world):
    return [name for container in (SEGMENTS, MARKERS) for name in world.swift.names(ACCOUNT + '/' + container)]


def test_uploads_in_progress_are_reported_once(world):
    """Whether they have parts, which lie elsewhere than their markers, or none; and nothing is done to them."""
    begun(world, 'a', 2)
    begun(world, 'b', 0)
    before = names(world)

    assert [('a', 'open'), ('b', 'open')] == sweep(world)
    assert before == names(world)


def test_old_uploads_are_aborted_once(world):
    """With all parts, of either layout."""
    begun(world, 'a', 2)
    old_marker(world, 'b')

    assert [('a', 'aborted'), ('b', 'aborted')] == sweep(world, abort_older_than=-1)
    assert not [name for name in names(world) if '/0000' in name]


def test_aborted_uploads_are_kept_for_a_while(world):
    """So that a repeated Abort gets the same answer."""
    assert 204 == world.abort('a', begun(world, 'a')).status

    assert [('a', 'kept')] == sweep(world)


def test_uploads_that_were_aborted_lately_cost_nothing(world):
    """Swift is not asked about them, however many there are."""
    for key in 'abc':
        assert 204 == world.abort(key, begun(world, key)).status
    asked = []

    assert [('a', 'kept'), ('b', 'kept'), ('c', 'kept')] == sweep(world, pause=lambda: asked.append(1))
    assert [] == asked


def test_finished_objects_that_the_listing_shows_cost_nothing(world):
    """Many in a bucket are known by its listing; only those are asked for whose rows differ from what was uploaded."""
    begun(world, 'open', 0)
    for number in range(LEAST + 2):
        finished(world, 'key-%03d' % number, parts=2, chosen=1 if number == 1 else 2)
    assert world.ask('PUT', BUCKET, 'key-000', body=b'it replaces an object and frees nothing').is_success
    asked = []

    found = [each for each in sweep(world, grace=-1, pause=lambda: asked.append(1)) if each != ('open', 'open')]
    assert [('key-000', 'freed'), ('key-001', 'freed')] == found[:2]
    assert [('key-%03d' % number, 'in use') for number in range(2, LEAST + 2)] == found[2:]
    assert 2 == len(asked)


def test_a_part_that_comes_late_to_an_aborted_upload(world):
    """It is freed in the next sweep. The marker goes after the grace, and no part is left without one."""
    upload = Upload(ACCOUNT, BUCKET, 'a', begun(world, 'a'))
    assert 204 == world.abort('a', upload.id).status
    late = upload.part(2, new_attempt(Timestamp.now().raw))
    assert world.ask('PUT', SEGMENTS, late, body=b'late').is_success

    assert [('a', 'freed', 1, 4), ('a', 'kept', 0, 0)] == sorted(
        (outcome.upload.key, outcome.what, outcome.parts, outcome.bytes) for outcome in outcomes(world))
    assert late not in names(world)
    assert [('a', 'forgotten')] == sweep(world, grace=-1)


def test_a_part_that_comes_after_its_upload_was_forgotten(world):
    """It is freed like any part to which nothing refers."""
    upload = Upload(ACCOUNT, BUCKET, 'a', begun(world, 'a'))
    assert 204 == world.abort('a', upload.id).status
    assert [('a', 'forgotten')] == sweep(world, grace=-1)
    late = upload.part(2, new_attempt(upload.ticks))
    assert world.ask('PUT', SEGMENTS, late, body=b'late').is_success

    assert [('a', 'freed')] == sweep(world, grace=-1)
    assert late not in names(world)


def test_a_part_that_cannot_be_deleted(world):
    """Of an aborted upload, too, it is told, although nobody waits for it."""
    upload = Upload(ACCOUNT, BUCKET, 'a', begun(world, 'a'))
    assert 204 == world.abort('a', upload.id).status
    late = upload.part(2, new_attempt(Timestamp.now().raw))
    assert world.ask('PUT', SEGMENTS, late, body=b'late').is_success
    with mock.patch('s3multi.storage.deletion.Deletion.free', side_effect=ServiceUnavailable()):
        assert [('a', 'failed'), ('a', 'kept')] == sweep(world)


def test_what_another_sweep_has_deleted_is_not_counted(world):
    """Both may delete the parts of an upload; one of them counts each."""
    begun(world, 'a', 3)
    parts = [name for name in names(world) if '/0000' in name]
    first = []

    def meanwhile(*_):
        # Another sweep is quicker with two of them.
        if not first:
            first.extend(parts[:2])
            for name in first:
                assert world.ask('DELETE', SEGMENTS, name).is_success
        return original(*_)

    original = Deletion.free
    with mock.patch.object(Deletion, 'free', meanwhile):
        outcome, = outcomes(world, abort_older_than=-1)

    assert ('aborted', 1, 4) == (outcome.what, outcome.parts, outcome.bytes)


def test_a_bucket_that_another_run_is_sweeping(world):
    """It is left to that, unless this run would change nothing; uploads at rest are told of all the same."""
    begun(world, 'a', 0)
    assert world.ask('POST', SEGMENTS, headers={
        'X-Container-Sysmeta-S3multi-Sweep': claim_of('other', float(Timestamp.now()))}).is_success

    assert [('a', 'open')] == sweep(world, run='own')
    assert [('a', 'aborted')] == sweep(world, apply=False, run='own', abort_older_than=-1)
    with pytest.raises(Elsewhere):
        sweep(world, run='own', abort_older_than=-1)
    assert [('a', 'aborted')] == sweep(world, run='other', abort_older_than=-1)


def test_a_complete_that_died_before_its_manifest(world):
    """Its intent lies beside the parts, and its upload is at rest: it is looked at, and still reported once."""
    upload = Upload(ACCOUNT, BUCKET, 'a', begun(world, 'a'))
    assert world.ask('PUT', SEGMENTS, upload.intent).is_success

    assert [('a', 'open')] == sweep(world)


def old_upload(world, key, days=3):
    """Put the marker of an upload there that was begun so long ago; there has to be another upload. Return it."""
    upload = Upload(ACCOUNT, BUCKET, key, IDS.new(ACCOUNT, BUCKET, key, Timestamp.now().raw - days * 86400 * 100000))
    assert world.ask('PUT', MARKERS, upload.marker, {
        'X-Timestamp': swift_time(upload.ticks).internal, 'Content-Type': 'application/x-s3multi-marker;state=open',
        'X-Backend-Allow-Reserved-Names': 'true'}).is_success
    return upload


def set_rules(world, *rules):
    stored = encode(Lifecycle(tuple(Rule(*rule) for rule in rules))) if rules else ''
    assert world.ask('POST', BUCKET, headers={HEADER: stored}).is_success


def test_rules_of_the_bucket(world):
    """Uploads to whose keys a rule applies are aborted when it says so; of others only the old ones, by the option."""
    begun(world, 'logs/new')
    for key in ('logs/a', 'tmp/a', 'tmp/older'):
        old_upload(world, key, 9 if key == 'tmp/older' else 3)
    set_rules(world, ('of the bucket', 'logs/', 1), ('not yet', '', 30, False))

    assert [('logs/a', 'aborted'), ('logs/new', 'open'), ('tmp/a', 'open'), ('tmp/older', 'aborted')] == sweep(
        world, options={'abort_uploads_after_days': '5'})


def test_the_rule_is_told(world):
    begun(world, 'new')
    old_upload(world, 'a')
    set_rules(world, ('of the bucket', '', 1))

    assert ['', 'by the rule of the bucket'] == sorted(
        outcome.reason for outcome in outcomes(world, apply=False))


def test_rules_that_are_changed_during_a_sweep(world):
    """They are read again before an Abort, which cannot be taken back."""
    begun(world, 'new')
    old_upload(world, 'a')
    set_rules(world, ('of the bucket', '', 1))
    sweeping = outcomes(world, pause=lambda: set_rules(world, ('of the bucket', '', 30)))

    assert [('a', 'open'), ('new', 'open')] == sorted((outcome.upload.key, outcome.what) for outcome in sweeping)


def note(world):
    return world.swift.containers['%s/%s' % (ACCOUNT, MARKERS)].headers.get(NOTE, '')


def test_the_note_that_all_markers_lie_apart(world):
    """It has the time of the first sweep that has found none elsewhere, and goes with one that has."""
    begun(world, 'a')
    assert '' == note(world)
    sweep(world, apply=False)
    assert '' == note(world)
    sweep(world)
    since = note(world)
    assert 0 <= float(Timestamp.now()) - float(Timestamp(since)) < 60
    sweep(world)
    assert since == note(world)

    old_marker(world, 'b')
    sweep(world)
    assert '' == note(world)


def test_what_is_swept_in_several_runs(world):
    """With --limit each run looks at so many uploads, and the next one goes on behind them, in both listings."""
    for key in ('a', 'b', 'c'):
        begun(world, key, 2)
    for key in ('d', 'e'):
        old_marker(world, key)
    trail, found, runs = Trail(Position(ACCOUNT, BUCKET)), [], 0
    while runs < 20:
        stop, runs = Stop(lambda: False, None, 1), runs + 1
        found += [(outcome.upload.key, outcome.what)
                  for outcome in outcomes(world, pause=stop.count, stop=stop, trail=trail, abort_older_than=-1)]
        if not stop():
            break
        trail = Trail(trail.position)

    assert [(key, 'aborted') for key in 'abcde'] == sorted(found)
    assert 5 < runs < 10
    assert '' == note(world), 'no run has seen all of the parts'


def test_parts_of_uploads_in_progress_cost_nothing(world):
    """Their markers have told of them. A Complete that has died is looked at all the same."""
    for key in 'abc':
        begun(world, key, 2)
    upload = Upload(ACCOUNT, BUCKET, 'd', begun(world, 'd'))
    assert world.ask('PUT', SEGMENTS, upload.intent).is_success
    asked = []

    assert [(key, 'open') for key in 'abcd'] == sweep(world, pause=lambda: asked.append(1))
    assert [1] == asked


def test_what_was_listed_before_a_listing_failed(world):
    """It is swept, and then the failure is told."""
    for key in 'ab':
        begun(world, key)
    found = []

    def broken(*_):
        raise ServiceUnavailable()
        yield

    with mock.patch('s3multi.sweep.bucket.uploads_in', broken), pytest.raises(ServiceUnavailable):
        for outcome in outcomes(world):
            found.append((outcome.upload.key, outcome.what))

    assert [('a', 'open'), ('b', 'open')] == found
