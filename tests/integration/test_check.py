# SPDX-License-Identifier: Apache-2.0
"""s3multi-check: what can be read is passed over, what cannot is told, with the reason and who can mend it."""

from __future__ import annotations

import hashlib
import json
import secrets
import signal
import time

import pytest

from s3multi.check.report import BROKEN, NOT_DONE, OK
from s3multi.upload.names import segments_container

from . import users
from .behind import settle
from .checking import Checker, found
from .raw import RawClient
from .uploads import TINY_PARTS, Upload, container_hash, read, tiny_parts
from .users import account

PROOFS = ['listing', 'head', 'bytes']
ENCRYPTION = {'keymaster': {'use': 'egg:swift#keymaster', 'encryption_root_secret': 'Yw' * 22},
              'encryption': {'use': 'egg:swift#encryption'}}


@pytest.fixture(scope='module')
def checker(cluster):
    """The command with the sample of the conf file of the sweep."""
    with Checker(cluster) as running:
        yield running


@pytest.fixture(scope='module')
def client(cluster):
    """A client of a proxy that takes parts of any size."""
    return RawClient(tiny_parts(cluster).url)


@pytest.fixture
def upload(client, bucket):
    """A finished upload of two parts, with a checksum."""
    finished = Upload(client, bucket, headers={'x-amz-checksum-algorithm': 'CRC32',
                                               'x-amz-checksum-type': 'FULL_OBJECT'}).parts(b'one', b'two')
    assert 200 == finished.complete().status
    return finished


def segments(swift, bucket, container=None):
    """Return the names of the parts of the only upload of a bucket, in order."""
    settle()
    return [row['name'] for row in swift.get_container(container or segments_container(bucket))[1] if row['bytes']]


def files(cluster, container, name):
    """Return the files in which object servers keep an object."""
    digest = container_hash(cluster, f'{account()}/{container}/{name}').hex()
    return list((cluster.directory / 'devices').glob(f'*/objects*/*/*/{digest}/*.data'))


def objects(checked):
    """Return how many objects there were of each outcome."""
    return checked.report['objects']


def problem(checked):
    """Return the only problem of the only object that was told of."""
    [[told]] = [line['problems'] for line in checked.lines if line['event'] == 'object']
    return told


# What is whole

@pytest.mark.parametrize('proof', PROOFS)
def test_whole_objects(checker, client, stock, upload, swift, proof):
    """Objects of s3multi, of stock s3api and of the Swift API, and one of large objects, are proven; plain ones not."""
    bucket, part = upload.bucket, segments(swift, upload.bucket)[0]
    assert 200 == Upload(stock, bucket, 'of stock').parts(b'a', b'b').complete().status
    swift.put_object(bucket, 'plain', b'plain')
    swift.put_object(bucket, 'with a range', json.dumps([
        {'path': f'{segments_container(bucket)}/{part}', 'range': '1-2'}, {'data': 'YQ=='},
        {'path': f'{bucket}/plain', 'etag': hashlib.md5(b'plain').hexdigest()}]), query_string='multipart-manifest=put')
    swift.put_object(bucket, 'of large ones', json.dumps([
        {'path': f'{bucket}/with a range'}, {'path': f'{bucket}/key'}]), query_string='multipart-manifest=put')
    swift.put_object(bucket, 'link', b'', headers={'X-Symlink-Target': f'{bucket}/key'})
    assert b'neaplainonetwo' == read(client, bucket, 'of large ones').body

    checked = checker.bucket(bucket, '--proof', proof)

    assert (OK, {'whole': 4}) == (checked.code, objects(checked)), checked
    assert None is checked.report['position']
    # Of those of one upload one is proven by the listing, of which there is one for each of two containers.
    assert (8 + 6 + 2) * (proof == 'bytes') <= checked.report['bytes_read']


def test_every_object(checker, upload, swift):
    """Rows that do not say that an object is large are believed, unless the operator wants to know better."""
    swift.put_object(upload.bucket, 'plain', b'plain')

    checked = checker.bucket(upload.bucket, '--every-object', '--verbose')

    assert (OK, {'whole': 1}) == (checked.code, objects(checked)), checked
    assert ('key', 's3multi', upload.id, 2, 6) == tuple(
        checked.lines[0][name] for name in ('key', 'maker', 'upload', 'segments', 'bytes'))


# What is broken

@pytest.mark.parametrize('proof', PROOFS)
def test_part_that_was_deleted(checker, upload, swift, proof):
    """When, is told; the owner of the bucket has to act."""
    container, (_, second) = segments_container(upload.bucket), segments(swift, upload.bucket)
    swift.delete_object(container, second)

    checked = checker.bucket(upload.bucket, '--proof', proof)

    assert BROKEN == checked.code, checked
    assert {'key': [('missing', f'/{container}/{second}')]} == found(checked)
    told = problem(checked)
    assert ('owner', False, hashlib.md5(b'two').hexdigest(), 3) == (
        told['mender'], told['listed'], told['etag'], told['bytes'])
    assert told['time'] and 'deleted at ' + told['time'] in told['advice']


def test_part_that_no_server_has(checker, cluster, upload, swift):
    """The listing shows it still: the operator may have a disk with it."""
    container, (first, _) = segments_container(upload.bucket), segments(swift, upload.bucket)
    for path in files(cluster, container, first):
        path.unlink()

    checked = checker.bucket(upload.bucket)

    assert {'key': [('missing', f'/{container}/{first}')]} == found(checked)
    assert ('operator', True, None) == tuple(problem(checked)[name] for name in ('mender', 'listed', 'time'))
    assert (OK, {'whole': 1}) == (checker.bucket(upload.bucket, '--proof', 'listing').code, {'whole': 1})


@pytest.mark.parametrize('proof', PROOFS)
@pytest.mark.parametrize('body', [b'six', b'seven'], ids=['same size', 'other size'])
def test_part_with_other_bytes(checker, upload, swift, body, proof):
    """Somebody has written over it through the Swift API."""
    container, (first, _) = segments_container(upload.bucket), segments(swift, upload.bucket)
    swift.put_object(container, first, body)

    checked = checker.bucket(upload.bucket, '--proof', proof)

    assert (BROKEN, {'key': [('changed', f'/{container}/{first}')]}) == (checked.code, found(checked))
    assert (hashlib.md5(body).hexdigest(), len(body), 'owner') == tuple(
        problem(checked)[name] for name in ('found_etag', 'found_bytes', 'mender'))


def test_part_whose_bytes_are_damaged(checker, cluster, upload, swift):
    """Only the bytes tell. The object server takes the replica away when it is read, so it is missing then."""
    container, (first, _) = segments_container(upload.bucket), segments(swift, upload.bucket)
    for path in files(cluster, container, first):
        path.write_bytes(b'0ne')

    assert OK == checker.bucket(upload.bucket).code
    checked = checker.bucket(upload.bucket, '--proof', 'bytes')

    assert BROKEN == checked.code, checked
    assert {'key': [('missing', f'/{container}/{first}')]} == found(checked)


def test_part_that_has_expired(checker, upload, swift):
    """It can be read no more, and still be saved."""
    container, (first, _) = segments_container(upload.bucket), segments(swift, upload.bucket)
    swift.post_object(container, first, {'X-Delete-After': '1'})
    time.sleep(1.2)

    checked = checker.bucket(upload.bucket)

    assert {'key': [('expired', f'/{container}/{first}')]} == found(checked), checked
    assert 'operator' == problem(checked)['mender']


def test_object_that_no_server_has(checker, cluster, upload):
    """Its row is all that is left."""
    for path in files(cluster, upload.bucket, 'key'):
        path.unlink()

    checked = checker.bucket(upload.bucket)

    assert (BROKEN, {'key': [('lost', '')]}) == (checked.code, found(checked))
    assert 'operator' == problem(checked)['mender']


def test_large_object_of_large_objects(checker, upload, swift):
    """What is missing in one of them is missing in both; one that was replaced is told of."""
    bucket, (first, _) = upload.bucket, segments(swift, upload.bucket)
    swift.put_object(bucket, 'outer', json.dumps([{'path': f'{bucket}/key'}]), query_string='multipart-manifest=put')
    missing = [('missing', f'/{segments_container(bucket)}/{first}')]
    swift.delete_object(segments_container(bucket), first)

    assert {'key': missing, 'outer': missing} == found(checker.bucket(bucket))

    swift.put_object(bucket, 'key', b'plain')
    assert {'outer': [('changed', f'/{bucket}/key')]} == found(checker.bucket(bucket))


def test_versions(checker, client, versioned, swift):
    """Each version is proven, the current one and others; one that was deleted is not missed."""
    ends = []
    for number in range(3):
        done = Upload(client, versioned).parts(b'version %d' % number).complete()
        ends.append(done.headers['x-amz-version-id'])
    names = segments(swift, versioned)
    assert {'whole': 3} == objects(checker.bucket(versioned))
    assert 204 == client.request('DELETE', versioned, 'key', {'versionId': ends[1]}).status
    swift.delete_object(segments_container(versioned), names[0])

    checked = checker.bucket(versioned)

    assert (BROKEN, {'key': [('missing', f'/{segments_container(versioned)}/{names[0]}')]}) == (
        checked.code, found(checked))
    assert [ends[0]] == [line['version'] for line in checked.lines if line['event'] == 'object']
    assert {'broken': 1, 'whole': 1} == objects(checked)


# What is encrypted

def test_encrypted_objects(cluster, bucket, swift):
    """They are read with the keys; without these nothing is known, and nothing is said to be broken."""
    proxy = cluster.add_proxy('check-encrypting', pipeline=cluster.pipeline.replace(
        ' symlink ', ' symlink keymaster encryption '), filters={**TINY_PARTS, **ENCRYPTION})
    upload = Upload(RawClient(proxy.url), bucket).parts(b'one', b'two')
    assert 200 == upload.complete().status
    sections = {'filter:' + name: options for name, options in ENCRYPTION.items()}
    pipeline = 'catch_errors cache versioned_writes symlink keymaster encryption proxy-logging proxy-server'

    with Checker(cluster, 's3multi-check-keys', sections=sections, pipeline=pipeline) as with_keys:
        for proof in PROOFS:
            assert (OK, {'whole': 1}) == (with_keys.bucket(bucket, '--proof', proof).code, {'whole': 1})
        swift.put_object(segments_container(bucket), segments(swift, bucket)[0], b'other')
        assert [('changed', f'/{segments_container(bucket)}/{segments(swift, bucket)[0]}')] == found(
            with_keys.bucket(bucket))['key']
    with Checker(cluster, 's3multi-check-no-keys') as without:
        checked = without.bucket(bucket)
    assert (NOT_DONE, {'undecided': 1}) == (checked.code, objects(checked))
    assert 'keymaster' in checked.lines[0]['reason']


# How it is run

def test_run_in_steps(checker, client, bucket, tmp_path):
    """It ends after so many objects, and the next run goes on there; after the last one the next begins anew."""
    for number in range(5):
        assert 200 == Upload(client, bucket, f'key{number}').parts(b'x').complete().status
    file, seen = tmp_path / 'position', []
    arguments = ('--limit', '2', '--position', str(file), '--verbose')

    for _ in range(3):
        checked = checker.bucket(bucket, *arguments)
        assert OK == checked.code, checked
        seen.append([line['key'] for line in checked.lines if line['event'] == 'object'])

    assert [['key0', 'key1'], ['key2', 'key3'], ['key4']] == [sorted(keys) for keys in seen]
    assert None is checked.report['position'] and not file.exists()
    assert OK == checker.bucket(bucket, *arguments).code
    other = checker.run(f'{account()}/other', *arguments)
    assert NOT_DONE == other.code and f'{account()}/{bucket}' in other.errors


def test_interrupt(checker, client, bucket):
    """It tells how far it has come, and that it was not all."""
    for number in range(8):
        assert 200 == Upload(client, bucket, f'key{number}').parts(b'x').complete().status
    process = checker.start(f'{account()}/{bucket}', '--rate', '3', '--concurrency', '1', '--verbose')
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)

    checked = checker.end(process, first)

    assert (NOT_DONE, True) == (checked.code, checked.report['interrupted']), checked
    assert 1 <= objects(checked)['whole'] < 8


@pytest.mark.parametrize('place, said', [
    ('AUTH_nobody', 'there is no such account'), ('AUTH_nobody/bucket', 'there is no such bucket')])
def test_places_that_do_not_exist(checker, place, said):
    """They are told of, and are no success."""
    checked = checker.run(place)

    assert NOT_DONE == checked.code
    assert [said] == [line['reason'].partition(': ')[2] for line in checked.lines if line['event'] == 'unreadable']


def test_account(cluster, checker):
    """All containers of an account are looked at."""
    client = RawClient(tiny_parts(cluster).url, 'test2:tester2', 'testing2')
    buckets = ['check-' + secrets.token_hex(8) for _ in range(2)]
    for bucket in buckets:
        assert 200 == client.request('PUT', bucket).status
        assert 200 == Upload(client, bucket).parts(b'one').complete().status

    checked = checker.run(users.auth.account('test2'), '--limit', '100000', '--deadline', '60', '--verbose')

    assert checked.code in (OK, BROKEN), checked
    assert set(buckets) <= {line['bucket'] for line in checked.lines if line['event'] == 'object'}
    assert checked.report['buckets'] > 1


def test_no_conf(checker, cluster):
    """What is missing is said."""
    checker_without = Checker(cluster, 's3multi-check-missing')
    checker_without.conf.unlink()

    checked = checker_without.end(checker_without.start('AUTH_test'))

    assert NOT_DONE == checked.code
    assert 's3multi-check-missing.conf cannot be read' in checked.errors and 'Traceback' not in checked.errors
