# SPDX-License-Identifier: Apache-2.0
"""s3multi-sweep: what died is finished, what was forgotten is aborted, and what nobody refers to is deleted."""

from __future__ import annotations

import secrets
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from s3multi.commands.shown import LEAST
from s3multi.sweep.report import CANNOT_START, INCOMPLETE, INTERRUPTED, OK, QUEUE_STUCK
from s3multi.upload.names import UploadIds, new_attempt

from . import users
from .faults import FACTORY, Faults, FaultyProxy, rule
from .raw import RawClient
from .sweeping import Sweeper
from .uploads import MANY_AT_ONCE, Upload, at_once, container_hash, persistently, read, segment_names
from .users import account

NO_SUCH_UPLOAD = (404, 'NoSuchUpload')


@pytest.fixture(scope='module')
def client(faulty):
    return RawClient(faulty.url)


@pytest.fixture(scope='module')
def faulty_sweeper(cluster):
    """The command with a filter that breaks what it asks, and the remote control of that."""
    directory = cluster.directory / 'faults' / 'sweeper'
    faults = Faults(directory)
    with Sweeper(cluster, 's3multi-sweep-faulty', sections={'filter:faults': {
            'paste.filter_factory': FACTORY, 'directory': directory}},
            pipeline='catch_errors faults cache versioned_writes symlink proxy-logging proxy-server') as running:
        yield running, faults


@pytest.fixture
def upload(client, bucket):
    """An upload of two parts."""
    return Upload(client, bucket).parts(b'one', b'two')


@pytest.fixture
def versioned(upload, s3):
    """An upload of two parts in a bucket with versions."""
    s3.put_bucket_versioning(Bucket=upload.bucket, VersioningConfiguration={'Status': 'Enabled'})
    return upload


def is_whole(upload, body=b'onetwo', query=()):
    """Return whether the object of the upload can be read."""
    answer = read(upload.client, upload.bucket, 'key', query)
    return (200, body) == (answer.status, answer.body)


# What is in order

def test_finished_object(sweeper, upload, swift):
    """Its parts are needed: nothing is told of it, nor done, however old it is."""
    assert 200 == upload.complete().status

    swept = sweeper.bucket(upload.bucket, '--abort-older-than', '1d', days=400)

    assert OK == swept.code, swept
    assert ({}, {'in use': 1}) == (swept.outcomes(), swept.report['uploads'])
    assert is_whole(upload)


def test_many_finished_objects(sweeper, client, bucket, swift):
    """The listing of their bucket tells of them; the one that was replaced is asked for."""
    with ThreadPoolExecutor(MANY_AT_ONCE) as pool:
        done = pool.map(lambda number: Upload(client, bucket, f'key {number}').parts(b'one').complete().status,
                        range(LEAST + 1))
    assert {200} == set(done)
    swift.put_object(bucket, 'key 0', b'plain')

    swept = sweeper.bucket(bucket, '--limit', '2')

    assert ({'freed': 1, 'in use': LEAST}, None) == (swept.report['uploads'], swept.report['ended_by']), swept


def test_upload_in_progress(sweeper, upload, swift):
    """It is left as it is, however old it is, unless an age says otherwise."""
    swept = sweeper.bucket(upload.bucket, days=400)

    assert {'open': 1} == swept.report['uploads'], swept
    assert 200 == upload.complete().status
    assert is_whole(upload)


def test_forgotten_upload(sweeper, upload, client, swift):
    """It is aborted once it is as old as the operator says; a younger one is not."""
    assert {'open': 1} == sweeper.bucket(upload.bucket, '--abort-older-than', '4d').report['uploads']

    swept = sweeper.bucket(upload.bucket, '--abort-older-than', '2d')

    assert {upload.id: 'aborted'} == swept.outcomes(), swept
    assert (2, 6) == (swept.report['parts'], swept.report['bytes'])
    assert NO_SUCH_UPLOAD == upload.complete().outcome
    assert [''] == upload.stored(swift)


def test_report_alone(sweeper, upload, client, bucket, swift):
    """Without --apply the same is told, and nothing changes."""
    replaced = Upload(client, bucket, 'replaced').parts(b'old')
    assert 200 == replaced.complete().status
    swift.put_object(bucket, 'replaced', b'plain')
    before = segment_names(swift, bucket)

    told = sweeper.run(f'{account()}/{bucket}', '--abort-older-than', '2d')

    assert {upload.id: 'aborted', replaced.id: 'freed'} == told.outcomes(), told
    assert not any(line['applied'] for line in told.lines)
    assert before == segment_names(swift, bucket)
    assert told.outcomes() == sweeper.bucket(bucket, '--abort-older-than', '2d').outcomes()


# What died

COMPLETE_DEATHS = [('PUT', '/complete$'), ('HEAD', r'\x00key\x00[^/]*$'), ('PUT', '/key$'),
                   ('DELETE', r'\x00key\x00[^/]*$'), ('DELETE', '/complete$')]


@pytest.mark.parametrize('after', [False, True], ids=['before', 'after'])
@pytest.mark.parametrize('method, path', COMPLETE_DEATHS, ids=['intent', 'look', 'manifest', 'marker', 'end'])
@pytest.mark.parametrize('kind', ['plain', 'versioned'])
def test_complete_that_died(sweeper, faulty, request, kind, method, path, after, swift):
    """Before its manifest the upload stays open; after it, the object stays. Nothing of the Complete is left."""
    upload = request.getfixturevalue('upload' if kind == 'plain' else 'versioned')
    with faulty.above.following(rule(method, path, die=True, after=after)):
        upload.complete()
    has_object = read(upload.client, upload.bucket, 'key').status == 200

    swept = sweeper.bucket(upload.bucket)

    assert OK == swept.code, swept
    if has_object:
        assert '' not in upload.stored(swift) and '/complete' not in upload.stored(swift)
        assert is_whole(upload)
        assert 200 == persistently(upload.complete).status
    else:
        assert upload.is_open()
    assert [1, 2] == upload.stored_numbers(swift)


@pytest.mark.parametrize('method, path', COMPLETE_DEATHS[:3], ids=['intent', 'look', 'manifest'])
def test_forgotten_complete_that_died(sweeper, faulty, upload, method, path, swift):
    """It has written no object: when the upload is old enough it is aborted, and after the grace no trace is left."""
    with faulty.above.following(rule(method, path, die=True)):
        upload.complete()

    assert {upload.id: 'aborted'} == sweeper.bucket(upload.bucket, '--abort-older-than', '2d').outcomes()
    assert NO_SUCH_UPLOAD == upload.complete().outcome
    assert {upload.id: 'forgotten'} == sweeper.bucket(upload.bucket, days=6).outcomes()
    assert [] == upload.stored(swift)
    assert NO_SUCH_UPLOAD == upload.complete().outcome


@pytest.mark.parametrize('after', [False, True], ids=['before', 'after'])
@pytest.mark.parametrize('skip', range(8))
def test_abort_that_died(sweeper, faulty, upload, skip, after, swift):
    """Once it has begun it is brought to its end: no part is left, and later no marker."""
    with faulty.above.following(rule('', f'{upload.bucket}(_segments|/)', skip=skip, times=1, die=True, after=after)):
        upload.abort()
    begun = not upload.is_open()
    # The first requests are the look at the marker and the flag, which is held back.
    assert begun or skip < 3

    swept = sweeper.bucket(upload.bucket)

    assert OK == swept.code, swept
    assert not begun == upload.is_open()
    if begun:
        assert [] == upload.stored_numbers(swift)
        sweeper.bucket(upload.bucket, days=6)
        assert [] == upload.stored(swift)


def test_complete_at_work(sweeper, faulty, upload, swift):
    """Nothing is done about an upload whose intent is fresh, whatever its age."""
    with faulty.above.following(rule('PUT', '/key$', hold='manifest')), at_once(upload.complete) as (running,):
        faulty.above.wait_held('manifest')
        swept = sweeper.bucket(upload.bucket, '--abort-older-than', '1s', days=10 / 86400)
        faulty.above.release('manifest')
        assert 200 == running.result().status

    assert {'busy': 1} == swept.report['uploads'], swept
    assert is_whole(upload)


# What nobody refers to

@pytest.mark.parametrize('end', ['replaced', 'deleted'])
def test_object_that_the_swift_api_ended(sweeper, upload, swift, end):
    """Deleting or replacing a manifest leaves its segments; they are freed."""
    assert 200 == upload.complete().status
    if end == 'replaced':
        swift.put_object(upload.bucket, 'key', b'plain')
    else:
        swift.delete_object(upload.bucket, 'key')
    assert {'kept': 1} == sweeper.bucket(upload.bucket, days=1.9).report['uploads']
    assert {'kept': 1} == sweeper.bucket(upload.bucket, '--keep-finished').report['uploads']
    assert 2 == len(segment_names(swift, upload.bucket))

    swept = sweeper.bucket(upload.bucket)

    assert {upload.id: 'freed'} == swept.outcomes(), swept
    assert [] == upload.stored_numbers(swift)


def test_manifest_written_anew(sweeper, upload, swift):
    """A manifest that a user has written through the Swift API lists the parts no less."""
    assert 200 == upload.complete().status
    names = [f'/{upload.bucket}_segments/{name}' for name in segment_names(swift, upload.bucket)]
    swift.put_object(upload.bucket, 'key', '[{"path": "%s"}]' % names[0], query_string='multipart-manifest=put')

    assert {upload.id: 'freed'} == sweeper.bucket(upload.bucket).outcomes()

    assert is_whole(upload, b'one')
    assert [1] == upload.stored_numbers(swift)


@pytest.mark.parametrize('kind', ['upload', 'versioned'])
def test_unlisted_parts(sweeper, faulty, kind, request, swift):
    """Attempts that a finished object does not list are freed, in a bucket with versions too."""
    upload = request.getfixturevalue(kind)
    upload.part(2, b'anew')
    with faulty.above.following(rule('DELETE', '_segments/key/[^/]*/0000', status=503)):
        upload.complete()

    swept = sweeper.bucket(upload.bucket)

    assert {upload.id: 'freed'} == swept.outcomes(), swept
    assert 1 == swept.report['parts']
    assert is_whole(upload, b'oneanew')


def test_versions(sweeper, versioned, client, swift):
    """Every version keeps its parts; one that is deleted through the Swift API does not."""
    uploads = [versioned, *(Upload(client, versioned.bucket).parts(body) for body in (b'three', b'4'))]
    ids = [each.complete().headers['x-amz-version-id'] for each in uploads]
    swift.put_object(versioned.bucket, 'key', b'plain')
    assert {'in use': 3} == sweeper.bucket(versioned.bucket).report['uploads']
    swift.delete_object(versioned.bucket, 'key', query_string=f'version-id={ids[1]}')
    swift.delete_object(versioned.bucket, 'key')

    swept = sweeper.bucket(versioned.bucket)

    assert {uploads[1].id: 'freed'} == swept.outcomes(), swept
    assert is_whole(versioned, query={'versionId': ids[0]}) and is_whole(uploads[2], b'4', {'versionId': ids[2]})


def test_versions_switched_on_later(sweeper, upload, s3, swift):
    """An object that was there before is a version of its bucket."""
    assert 200 == upload.complete().status
    s3.put_bucket_versioning(Bucket=upload.bucket, VersioningConfiguration={'Status': 'Enabled'})
    swift.put_object(upload.bucket, 'key', b'plain')

    assert {'in use': 1} == sweeper.bucket(upload.bucket).report['uploads']


def test_archive(sweeper, upload, swift):
    """Where Swift archives in the older way nothing is freed."""
    swift.put_container(f'{upload.bucket}-archive')
    swift.post_container(upload.bucket, {'X-Versions-Location': f'{upload.bucket}-archive'})
    assert 200 == upload.complete().status
    swift.put_object(upload.bucket, 'key', b'plain')

    swept = sweeper.bucket(upload.bucket, '--verbose')

    assert {upload.id: 'kept'} == swept.outcomes(), swept
    assert 2 == len(segment_names(swift, upload.bucket))


# What is not ours

def test_names_that_are_not_ours(sweeper, upload, swift):
    """Names of other forms, and ids that were not made for their key, belong to somebody else."""
    foreign = UploadIds(b'another secret').new(account(), upload.bucket, 'key', 178000000000000)
    names = ['video/1700000000.000/8388608/00000001', 'key/00000001', f'key/{foreign}', f'key/{foreign}/complete',
             f'key/{foreign}/00000001-{new_attempt(178000000000000)}', f'other/{upload.id}',
             f'other/{upload.id}/00000001-{new_attempt(178000000000000)}', f'key/{upload.id}/1',
             f'key/{upload.id}/00000001', f'key/{upload.id}/00000001-', f'key/{upload.id}/complete/x']
    for name in names:
        swift.put_object(f'{upload.bucket}_segments', name, b'mine')

    sweeper.bucket(upload.bucket, '--abort-older-than', '1d')
    sweeper.bucket(upload.bucket, days=6)

    assert sorted(names) == segment_names(swift, upload.bucket)


def test_uploads_among_the_parts_of_another(sweeper, client, upload, swift):
    """A key may look like a part; each of the two is judged for itself."""
    inner = Upload(client, upload.bucket, f'key/{upload.id}/00000001-x').parts(b'inner')
    assert 200 == upload.complete().status

    swept = sweeper.bucket(upload.bucket, '--abort-older-than', '1d')

    assert {inner.id: 'aborted'} == swept.outcomes(), swept
    assert is_whole(upload)


# What cannot be known

def test_reads_that_fail(faulty_sweeper, versioned, client, swift):
    """Whichever read of a sweep fails, what can be read stays, and so does what cannot be judged."""
    sweeper, faults = faulty_sweeper
    old = versioned
    assert 200 == old.complete().status
    upload = Upload(client, old.bucket).parts(b'1', b'2')
    upload.part(2, b'3')
    assert 200 == upload.complete().status
    with faults.following():
        assert upload.id in sweeper.run(f'{account()}/{old.bucket}').outcomes()
        reads = [seen for seen in faults.requests() if old.bucket in seen[1]]
    for skip in range(len(reads)):
        with faults.following(rule('', old.bucket, skip=skip, times=1, status=503)):
            swept = sweeper.run(f'{account()}/{old.bucket}')
            assert upload.id not in swept.outcomes() or swept.code == INCOMPLETE or {upload.id: 'freed'} == (
                swept.outcomes()), (reads[skip], swept)
            assert old.id not in swept.outcomes() or 'failed' == swept.outcomes()[old.id], (reads[skip], swept)


@pytest.mark.parametrize('path, status', [('key$', 404), ('key$', 503), ('/[^/_]*$', 503)],
                         ids=['not found', 'no answer', 'bucket'])
def test_manifest_that_is_not_found(faulty_sweeper, upload, swift, path, status):
    """A 404 that the listing contradicts is no reason to delete anything."""
    sweeper, faults = faulty_sweeper
    assert 200 == upload.complete().status
    with faults.following(rule('HEAD', f'{upload.bucket}/{path}' if 'key' in path else f'{upload.bucket}$',
                               status=status)):
        swept = sweeper.bucket(upload.bucket, '--verbose')

    assert 'freed' not in swept.outcomes().values(), swept
    assert is_whole(upload)


def test_bucket_that_cannot_be_listed(faulty_sweeper, upload):
    """It is told, and the exit code says that the sweep has to be repeated."""
    sweeper, faults = faulty_sweeper
    with faults.following(rule('GET', f'{upload.bucket}_segments$', status=503)):
        swept = sweeper.bucket(upload.bucket)

    assert INCOMPLETE == swept.code
    assert [('unreadable', upload.bucket)] == [(line['event'], line['bucket']) for line in swept.lines[:-1]]


# Buckets that are gone

def test_bucket_that_was_deleted(sweeper, upload, swift):
    """Its uploads are aborted, and its segments container goes."""
    swift.delete_container(upload.bucket)

    assert {upload.id: 'aborted'} == sweeper.bucket(upload.bucket).outcomes()
    assert {upload.id: 'forgotten'} == sweeper.bucket(upload.bucket, days=6).outcomes()

    assert f'{upload.bucket}_segments' not in [row['name'] for row in swift.get_account(full_listing=True)[1]]


def test_bucket_that_was_made_again(sweeper, upload, client, s3, swift):
    """The uploads of the earlier one are aborted, its own are not."""
    swift.delete_container(upload.bucket)
    s3.create_bucket(Bucket=upload.bucket)
    own = Upload(client, upload.bucket).parts(b'own')

    assert {upload.id: 'aborted'} == sweeper.bucket(upload.bucket).outcomes()

    assert 200 == own.complete().status


# The command

def test_two_sweeps_at_once(sweeper, client, bucket, swift):
    """They do not get in each other's way, and count each part that they delete once."""
    for number in range(12):
        upload = Upload(client, bucket, f'key{number}').parts(b'one', b'two')
        if number % 3 == 0:
            assert 200 == upload.complete().status
        if number % 3 == 1:
            assert 204 == upload.abort().status
    arguments = (f'{account()}/{bucket}', '--apply', '--abort-older-than', '0.001s', '--concurrency', '3',
                 '--skip-queue')

    both = [sweeper.start(*arguments), sweeper.start(*arguments)]

    swept = [sweeper.end(process) for process in both]

    assert [OK, OK] == [each.code for each in swept]
    assert 8 == sum(each.report['parts'] for each in swept)
    left = segment_names(swift, bucket)
    assert {'key0', 'key3', 'key6', 'key9'} == {name.split('/')[0] for name in left if '/0000' in name}
    assert 8 == len([name for name in left if '/0000' in name])


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_interrupted(sweeper, client, bucket, swift, number):
    """It finishes what it is at, tells what it has done, and says so."""
    for key in range(12):
        Upload(client, bucket, f'key{key}').parts(b'one')
    process = sweeper.start(f'{account()}/{bucket}', '--apply', '--abort-older-than', '0.001s',
                            '--rate', '2', '--concurrency', '1', '--skip-queue')
    first = process.stdout.readline()
    process.send_signal(number)

    swept = sweeper.end(process, first)

    assert (INTERRUPTED, True) == (swept.code, swept.report['interrupted'])
    assert '"aborted"' in first and 1 <= swept.report['uploads']['aborted'] < 12
    assert 12 - swept.report['uploads']['aborted'] == len([
        name for name in segment_names(swift, bucket) if '/0000' in name])


def test_places(sweeper, faulty, tmp_path, cluster):
    """Accounts and buckets, as arguments and in a file; or all that this storage node is the first to have."""
    # Not in the account of all other tests, which has hundreds of buckets.
    place, client = users.auth.account('test2'), RawClient(faulty.url, 'test2:tester2', 'testing2')
    uploads = []
    for _ in range(2):
        bucket = 'places-' + secrets.token_hex(8)
        assert 200 == client.request('PUT', bucket).status
        uploads.append(Upload(client, bucket))
    upload = uploads[0]
    listed = tmp_path / 'places'
    listed.write_text(f'# a comment\n\n{place}/{upload.bucket}\n')
    assert {'open': 1} == sweeper.run('--from', str(listed)).report['uploads']
    for disk in {path.parent for path in (cluster.directory / 'devices').glob('*/accounts')}:
        shutil.copytree(disk / 'accounts', tmp_path / 'devices' / disk.name / 'accounts',
                        ignore=shutil.ignore_patterns(container_hash(cluster, account()).hex()))

    whole = sweeper.run(place, '--verbose')
    local = sweeper.run('--local-accounts', str(tmp_path / 'devices'), '--no-mount-check', '--verbose')

    assert 'open' == whole.outcomes()[upload.id] == local.outcomes()[upload.id]
    assert local.report['containers'] >= whole.report['containers'] > 1
    assert {} == sweeper.run('AUTH_unknown').report['uploads']


def test_swift_dir(cluster, bucket):
    """--swift-dir reaches the pipeline; a file that sets another directory for the application is refused."""
    for name, wrong, code in (('default', {}, OK), ('app', {'set swift_dir': '/nowhere'}, CANNOT_START)):
        sweeper = Sweeper(cluster, 's3multi-sweep-' + name, app=wrong)
        sweeper.conf.write_text(sweeper.conf.read_text().replace(f'swift_dir = {cluster.swift_dir}\n', ''))

        swept = sweeper.end(sweeper.start('--skip-queue', f'{account()}/{bucket}'))

        assert code == swept.code
        assert ('swift_dir is /nowhere' in swept.errors) == bool(wrong)


@pytest.mark.parametrize('pipeline, said', [
    ('catch_errors cache proxy-logging proxy-server', 'versioned_writes'),
    ('catch_errors gatekeeper cache versioned_writes symlink proxy-logging proxy-server', 'atekeeper'),
], ids=['no versions', 'gatekeeper'])
def test_pipelines_that_would_do_harm(cluster, pipeline, said):
    """Without versioned_writes no version is seen; gatekeeper takes the timestamps away."""
    wrong = Sweeper(cluster, 's3multi-sweep-wrong', pipeline=pipeline, sections={
        'filter:gatekeeper': {'use': 'egg:swift#gatekeeper'}})

    swept = wrong.end(wrong.start('AUTH_test'))

    assert CANNOT_START == swept.code
    assert said in swept.errors and 'Traceback' not in swept.errors


UPLOADS = 15


def test_queue_that_nobody_empties(sweeper, cluster, daemons, bucket, swift):
    """Deletions that the expirer does not know of are told, those that it does not do, and nothing when all is done.

    An object of a user that has outlived its time, with the clock of the command, is not among them.
    """
    swift.put_object(bucket, 'mortal', b'', headers={'X-Delete-After': '3600'})
    daemons.expire()
    # Swift spreads the queue over a hundred containers by hashes of names, and knows some from earlier: one of so many
    # is new.
    client = RawClient(FaultyProxy(cluster, 'sweep-queue', immediate_deletes=1).url)
    for _ in range(UPLOADS):
        assert 204 == Upload(client, bucket).parts(b'one', b'two').abort().status

    unknown = sweeper.run(f'{account()}/{bucket}', days=0.1, queue=True)
    daemons.update_queue()
    known, overdue = (sweeper.run(f'{account()}/{bucket}', days=days, queue=True) for days in (0.1, 3))
    daemons.expire()
    done = sweeper.run(f'{account()}/{bucket}', queue=True)

    assert QUEUE_STUCK == unknown.code
    assert 'container-updater' in unknown.report['warnings'][0] and unknown.report['expirer_queue']['unreported']
    assert (OK, []) == (known.code, known.report['warnings'])
    assert QUEUE_STUCK == overdue.code and 'object-expirer' in overdue.report['warnings'][0]
    assert overdue.report['expirer_queue']['length'] >= 2 * UPLOADS
    assert overdue.report['expirer_queue']['overdue_seconds'] > 2 * 86400
    assert (OK, []) == (done.code, done.report['warnings'])
