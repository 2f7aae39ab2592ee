# SPDX-License-Identifier: Apache-2.0
"""Multipart objects in buckets with versions: each is whole until it is deleted, and then its parts alone are freed."""

from __future__ import annotations

import time

import pytest

from .faults import FaultyProxy, rule
from .raw import RawClient
from .sweeping import DAYS
from .test_replaced import freed, delete_many
from .uploads import TINY_PARTS, Upload, at_once, read, result


@pytest.fixture(scope='module')
def in_days(cluster):
    """One whose clock is three days ahead, and which leaves nothing to the expirer, whose clock is not."""
    return FaultyProxy(cluster, 'in-days', seconds_ahead=3 * DAYS, s3api={'allowable_clock_skew': 4 * DAYS},
                       slo={'allow_async_delete': False})


@pytest.fixture
def client(faulty):
    """A client of the first one."""
    return RawClient(faulty.url)


class Version:
    """A multipart version of `key`, its upload and its bytes."""

    def __init__(self, client, bucket, *bodies):
        self.upload = Upload(client, bucket).parts(*bodies)
        self.answer = self.upload.complete()
        assert 200 == self.answer.status
        self.id = self.answer.headers['x-amz-version-id']
        self.body = b''.join(bodies)

    def read(self):
        """Return its bytes, or the status of the refusal."""
        answer = read(self.upload.client, self.upload.bucket, 'key', {'versionId': self.id} if self.id else ())
        return answer.body if answer.status == 200 else answer.status

    def delete(self, client=None):
        """Delete it; return the Answer."""
        return (client or self.upload.client).request('DELETE', self.upload.bucket, 'key', {'versionId': self.id})


@pytest.fixture
def three(client, versioned):
    """Three versions of one key, the oldest first."""
    return [Version(client, versioned, b'%d-one' % number, b'%d-two' % number) for number in range(3)]


def test_version_id(client, three, s3, versioned):
    """Complete tells it, and so does its repeat; GET and the list of versions know it, with the multipart ETag."""
    assert three[-1].id == three[-1].upload.complete().headers['x-amz-version-id']
    assert three[-1].id == read(client, versioned, 'key').headers['x-amz-version-id']
    listed = s3.list_object_versions(Bucket=versioned)['Versions']
    assert [(each.id, result(each.answer)['ETag'], len(each.body)) for each in reversed(three)] == [
        (row['VersionId'], row['ETag'], row['Size']) for row in listed]


def test_upload_that_was_begun_first_and_completed_last(client, any_bucket, s3):
    """What was completed last is current, as with s3api and Ceph, and has the time of its Complete.

    Amazon S3's guide says that of two uploads the one begun last becomes the current version.
    """
    first, last = Upload(client, any_bucket).parts(b'begun first'), Upload(client, any_bucket).parts(b'begun last')
    last.complete()
    time.sleep(1)
    first.complete()

    assert b'begun first' == read(client, any_bucket, 'key').body
    versions = s3.list_object_versions(Bucket=any_bucket)['Versions']
    assert [True, False][:len(versions)] == [version['IsLatest'] for version in versions]
    assert [b'begun first', b'begun last'][:len(versions)] == [
        s3.get_object(Bucket=any_bucket, Key='key', VersionId=each['VersionId'])['Body'].read() for each in versions]
    times = [version['LastModified'] for version in versions]
    assert times == sorted(set(times), reverse=True)


def test_versions_stay_readable(faulty, client, three, versioned):
    """Whatever is written over them, and behind a delete marker; none of their parts is freed."""
    with faulty.above.following(), faulty.below.following():
        client.request('PUT', versioned, 'key', body=b'small')
        Version(client, versioned, b'another')
        client.request('PUT', versioned, 'key', headers={'x-amz-copy-source': f'/{versioned}/key'})
        assert 204 == client.request('DELETE', versioned, 'key').status
        assert 200 == delete_many(client, versioned, 'key').status
        assert not freed(faulty)
        assert not [seen for seen in faulty.below.requests() if seen[0] == 'UPDATE' or '_segments/' in seen[1]
                    and seen[0] == 'DELETE' and '0000' in seen[1]]

    assert (404, 'NoSuchKey') == read(client, versioned, 'key').outcome
    assert [each.body for each in three] == [each.read() for each in three]


def test_suspended(faulty, client, three, versioned, s3, swift):
    """With versions suspended the null version is overwritten, and everything stays readable that was."""
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={'Status': 'Suspended'})
    with faulty.above.following():
        null = Version(client, versioned, b'null')
        assert null.id in (None, 'null')
        client.request('PUT', versioned, 'key', body=b'small')
        assert not freed(faulty)
    assert [each.body for each in three] == [each.read() for each in three]


@pytest.mark.parametrize('becoming', ['null', 'version'])
def test_deleting_an_object_from_before(sweeper, client, bucket, s3, swift, becoming):
    """One that was there before the bucket had versions is `null`, then a version; a sweep frees its parts."""
    before = Version(client, bucket, b'before-one', b'before-two')
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
    newer = Version(client, bucket, b'new') if becoming == 'version' else None
    before.id = s3.list_object_versions(Bucket=bucket)['Versions'][-1]['VersionId']
    assert (becoming == 'null', before.body) == (before.id == 'null', before.read())
    assert 204 == before.delete().status
    sweeper.bucket(bucket)

    assert (404, []) == (before.read(), before.upload.stored_numbers(swift))
    if newer:
        assert newer.body == newer.read() == read(client, bucket, 'key').body


def test_null_version_where_versions_are_suspended(sweeper, client, three, versioned, s3, swift):
    """Deleted as such or overwritten, it leaves its parts to a sweep."""
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={'Status': 'Suspended'})
    overwritten, deleted = [Version(client, versioned, b'null-%d' % number) for number in (1, 2)]
    deleted.id = 'null'
    assert 204 == deleted.delete().status
    assert ([1], [1]) == (overwritten.upload.stored_numbers(swift), deleted.upload.stored_numbers(swift))
    sweeper.bucket(versioned)

    assert ([], []) == (overwritten.upload.stored_numbers(swift), deleted.upload.stored_numbers(swift))
    assert [each.body for each in three] == [each.read() for each in three]


@pytest.mark.parametrize('place', [0, 1, 2], ids=['oldest', 'middle', 'current'])
@pytest.mark.parametrize('age', ['young', 'old'])
def test_deleting_a_version(sweeper, faulty, in_days, client, three, swift, place, age):
    """Frees its parts and no other's: at once where it is old; a young one leaves them to a sweep."""
    gone = three.pop(place)
    if age == 'old':
        assert 204 == gone.delete(RawClient(in_days.url)).status
    else:
        with faulty.above.following():
            assert 204 == gone.delete().status
            assert not freed(faulty)
        assert [1, 2] == gone.upload.stored_numbers(swift)
        sweeper.bucket(gone.upload.bucket)

    assert [] == gone.upload.stored_numbers(swift)
    assert 404 == gone.read()
    assert [[1, 2], [1, 2]] == [each.upload.stored_numbers(swift) for each in three]
    assert [each.body for each in three] == [each.read() for each in three]
    assert three[-1].body == read(client, gone.upload.bucket, 'key').body


def test_deleting_several_versions(in_days, three, versioned, swift):
    """In one request, with the current one: each frees its parts."""
    answer = delete_many(RawClient(in_days.url), versioned, 'key', versions=[each.id for each in three[1:]])

    assert 2 == answer.body.count(b'<Deleted>'), answer.body
    assert [[1, 2], [], []] == [each.upload.stored_numbers(swift) for each in three]
    assert three[0].body == three[0].read()


def test_versions_over_the_same_parts(faulty, other, in_days, client, versioned, s3, swift):
    """Completes that overlapped may have made two versions of one upload: the parts go with the last of them."""
    upload = Upload(client, versioned).parts(b'one', b'two')
    # Both have found no intent when they write theirs.
    with faulty.below.following(rule('PUT', '/complete$', hold='intent', without='If-None-Match')), \
            other.below.following(), at_once(upload.complete) as (first,):
        faulty.below.wait_held('intent')
        with other.below.following(rule('PUT', upload.id + '$', hold='marker')), \
                at_once(lambda: upload.complete(client=RawClient(other.url))) as (second,):
            other.below.wait_held('marker')
            faulty.below.release('intent')
            first.result()
            other.below.release('marker')
        second.result()
    versions = s3.list_object_versions(Bucket=versioned)['Versions']
    assert 2 == len(versions), (first.result().outcome, second.result().outcome)
    for position, version in enumerate(versions):
        RawClient(in_days.url).request('DELETE', versioned, 'key', {'versionId': version['VersionId']})
        assert [1, 2] * (not position) == upload.stored_numbers(swift)
        if not position:
            assert b'onetwo' == read(client, versioned, 'key', {'versionId': versions[1]['VersionId']}).body


def test_version_that_was_brought_back(in_days, client, three, versioned, sweeper, swift):
    """By a copy of its manifest, through the Swift API: the parts go with the last of them."""
    first = three[0]
    # In some releases of Swift the copy filter does not know the version; then the manifest is written.
    manifest = swift.get_object(
        versioned, 'key', query_string=f'version-id={first.id}&multipart-manifest=get&format=raw')
    swift.put_object(versioned, 'key', manifest[1], query_string='multipart-manifest=put')
    restored = swift.head_object(versioned, 'key')['x-object-version-id']
    swift.put_object(versioned, 'key', b'over it')

    assert 204 == RawClient(in_days.url).request('DELETE', versioned, 'key', {'versionId': restored}).status
    sweeper.bucket(versioned)
    assert first.body == first.read()
    assert 204 == first.delete().status
    sweeper.bucket(versioned, days=6)
    assert [] == first.upload.stored_numbers(swift)


def test_copying_a_version(client, three, versioned):
    """CopyObject and Upload Part Copy take the version that is named."""
    source = f'/{versioned}/key?versionId={three[0].id}'
    assert 200 == client.request('PUT', versioned, 'copy', headers={'x-amz-copy-source': source}).status
    upload = Upload(client, versioned, 'parts')
    answer = client.copy_part(versioned, 'parts', upload.id, 1, source)
    upload.etags[1] = answer.xml('CopyPartResult').findtext('ETag')
    assert 200 == upload.complete().status

    assert three[0].id == answer.headers['x-amz-copy-source-version-id']
    assert [three[0].body] * 2 == [read(client, versioned, key).body for key in ('copy', 'parts')]


def test_option_that_keeps_parts(cluster, daemons, three, versioned, swift):
    """With `free_replaced_parts = false` the version goes and its parts stay."""
    keeping = cluster.proxies.get('versions-keeping') or cluster.add_proxy('versions-keeping', filters={
        **TINY_PARTS, 's3multi': {**TINY_PARTS['s3multi'], 'free_replaced_parts': False}})
    assert 204 == RawClient(keeping.url).request('DELETE', versioned, 'key', {'versionId': three[0].id}).status
    daemons.expire()

    assert 404 == three[0].read()
    assert [1, 2] == three[0].upload.stored_numbers(swift)
