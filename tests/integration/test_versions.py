# SPDX-License-Identifier: Apache-2.0
"""Multipart objects in buckets with versions: each is whole until it is deleted, and then its parts alone are freed."""

from __future__ import annotations

import time

import pytest

from .faults import rule
from .raw import RawClient
from .test_freeing import expire
from .test_replaced import at_rest, delete_many, freed
from .uploads import TINY_PARTS, Upload, at_once, read, result


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

    def delete(self):
        """Delete it; return the Answer."""
        return self.upload.client.request('DELETE', self.upload.bucket, 'key', {'versionId': self.id})


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
        assert not at_rest(faulty)
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
        assert not at_rest(faulty)
    assert [each.body for each in three] == [each.read() for each in three]


@pytest.mark.parametrize('becoming', ['null', 'version'])
def test_deleting_an_object_from_before(cluster, faulty, client, bucket, s3, swift, becoming):
    """One that was there before the bucket had versions is `null`, then a version: deleted as either it frees its own.
    """
    before = Version(client, bucket, b'before-one', b'before-two')
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})
    newer = Version(client, bucket, b'new') if becoming == 'version' else None
    before.id = s3.list_object_versions(Bucket=bucket)['Versions'][-1]['VersionId']
    assert (becoming == 'null', before.body) == (before.id == 'null', before.read())
    with faulty.above.following():
        assert 204 == before.delete().status
        freed(faulty)
    expire(cluster)

    assert (404, []) == (before.read(), before.upload.stored(swift))
    if newer:
        assert newer.body == newer.read() == read(client, bucket, 'key').body


def test_null_version_where_versions_are_suspended(cluster, faulty, client, three, versioned, s3, swift):
    """Deleted as such it frees its parts; overwritten, or hidden by a delete, it leaves them."""
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={'Status': 'Suspended'})
    overwritten, deleted = [Version(client, versioned, b'null-%d' % number) for number in (1, 2)]
    deleted.id = 'null'
    with faulty.above.following():
        assert 204 == deleted.delete().status
        freed(faulty)
    expire(cluster)

    assert ([1], []) == (overwritten.upload.stored_numbers(swift), deleted.upload.stored(swift))
    assert [each.body for each in three] == [each.read() for each in three]


@pytest.mark.parametrize('place', [0, 1, 2], ids=['oldest', 'middle', 'current'])
def test_deleting_a_version(cluster, faulty, client, three, swift, place):
    """Frees its parts and no other's."""
    gone = three.pop(place)
    with faulty.above.following():
        assert 204 == gone.delete().status
        freed(faulty)
    expire(cluster)

    assert [] == gone.upload.stored(swift)
    assert 404 == gone.read()
    assert [[1, 2], [1, 2]] == [each.upload.stored_numbers(swift) for each in three]
    assert [each.body for each in three] == [each.read() for each in three]
    assert three[-1].body == read(client, gone.upload.bucket, 'key').body


def test_deleting_several_versions(cluster, faulty, client, three, versioned, swift):
    """In one request, with the current one: each frees its parts."""
    with faulty.above.following():
        answer = delete_many(client, versioned, 'key', versions=[each.id for each in three[1:]])
        assert 2 == answer.body.count(b'<Deleted>'), answer.body
        faulty.above.wait_for('UPDATE', '')
        at_rest(faulty)
    expire(cluster)

    assert [[1, 2], [], []] == [each.upload.stored_numbers(swift) for each in three]
    assert three[0].body == three[0].read()


def test_versions_over_the_same_parts(faulty, other, client, versioned, s3, swift):
    """Completes that overlapped may have made two versions of one upload: the parts go with the last of them."""
    upload = Upload(client, versioned).parts(b'one', b'two')
    # Both have found no intent when they write theirs.
    with faulty.below.following(rule('PUT', '/complete$', hold='intent', without='If-None-Match')), \
            other.below.following(), at_once(upload.complete) as (first,):
        faulty.below.wait_held('intent')
        with other.below.following(rule('DELETE', upload.id + '$', hold='marker')), \
                at_once(lambda: upload.complete(client=RawClient(other.url))) as (second,):
            other.below.wait_held('marker')
            faulty.below.release('intent')
            first.result()
            other.below.release('marker')
        second.result()
    versions = s3.list_object_versions(Bucket=versioned)['Versions']
    assert 2 == len(versions), (first.result().outcome, second.result().outcome)
    for position, version in enumerate(versions):
        with faulty.above.following():
            client.request('DELETE', versioned, 'key', {'versionId': version['VersionId']})
            assert bool(position) == at_rest(faulty)
        if not position:
            assert b'onetwo' == read(client, versioned, 'key', {'versionId': versions[1]['VersionId']}).body


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


def test_option_that_keeps_parts(cluster, three, versioned, swift):
    """With `free_replaced_parts = false` the version goes and its parts stay."""
    keeping = cluster.proxies.get('versions-keeping') or cluster.add_proxy('versions-keeping', filters={
        **TINY_PARTS, 's3multi': {**TINY_PARTS['s3multi'], 'free_replaced_parts': False}})
    assert 204 == RawClient(keeping.url).request('DELETE', versioned, 'key', {'versionId': three[0].id}).status
    expire(cluster)

    assert 404 == three[0].read()
    assert [1, 2] == three[0].upload.stored_numbers(swift)
