# SPDX-License-Identifier: Apache-2.0
"""Quotas bind multipart uploads as they bind plain objects: each part, and the whole object at Complete.

A bucket with a quota holds what is in it and in its segments container. Proxies learn how much that is some time after
it has changed, for they keep it in a cache: most tests here use a proxy that reaches none.
"""

from __future__ import annotations

import secrets

import pytest
import requests
import swiftclient

from s3multi.demo.ports import HOST
from s3multi.upload.marker_names import markers_container
from s3multi.upload.names import segments_container

from .behind import settle
from .faults import FaultyProxy, rule
from .raw import RawClient
from .s3api_features import needs_checksums
from .uploads import TINY_PARTS, Upload, read, result, tiny_parts

KB = b'x' * 1024
FULL = (400, 'EntityTooLarge')
BYTES, COUNT = 'X-Container-Meta-Quota-Bytes', 'X-Container-Meta-Quota-Count'
NO_CACHE = {'memcache_servers': f'{HOST}:9'}


@pytest.fixture(scope='module')
def client(cluster):
    """A client of a proxy that asks the containers themselves how much they hold, every time."""
    return RawClient(cluster.add_proxy('quotas', filters={**TINY_PARTS, 'cache': NO_CACHE}).url)


@pytest.fixture
def limit(bucket, swift):
    """A function that limits the bucket: limit(bytes or None, count=None)."""
    def set_quota(size=None, count=None):
        swift.post_container(bucket, {BYTES: '' if size is None else str(size),
                                      COUNT: '' if count is None else str(count)})
    return set_quota


# The bytes of a bucket

def test_part_that_does_not_fit(client, bucket, limit, swift):
    """Refused with Swift's words, as a plain object of its size is; nothing is stored, and the upload stays open."""
    limit(3000)
    plain = client.request('PUT', bucket, 'plain', body=KB * 4)
    upload = Upload(client, bucket)
    answer = client.upload_part(bucket, upload.key, upload.id, 1, KB * 4)

    assert FULL == plain.outcome == answer.outcome
    assert plain.error.message == answer.error.message == 'Upload exceeds quota.'
    assert [] == upload.stored_numbers(swift)
    upload.part(1, KB * 2)
    assert 200 == upload.complete().outcome


def test_parts_that_do_not_fit_together(client, bucket, limit):
    """Parts count from the moment they are stored: not each of them may be as large as the quota."""
    limit(3 * 1024)
    upload = Upload(client, bucket).parts(KB, KB)

    assert FULL == client.upload_part(bucket, upload.key, upload.id, 3, KB * 2).outcome
    upload.part(3, KB)
    assert 200 == upload.complete().outcome
    assert KB * 3 == read(client, bucket, upload.key).body


def test_objects_count_whether_plain_or_in_parts(client, bucket, limit):
    """A bucket is as full of multipart objects as it would be of plain ones."""
    limit(6 * 1024)
    client.request('PUT', bucket, 'plain', body=KB * 2)
    client.put_multipart(bucket, 'large', [KB, KB])
    late = Upload(client, bucket, 'late')

    assert FULL == client.upload_part(bucket, 'late', late.id, 1, KB * 2).outcome
    assert 204 == client.request('DELETE', bucket, 'plain').status
    late.part(1, KB * 2)
    assert 200 == late.complete().outcome


def test_abort_makes_room(client, bucket, limit):
    """What an upload has stored is free again when it is aborted."""
    limit(3 * 1024)
    upload, other = Upload(client, bucket).parts(KB, KB), Upload(client, bucket, 'other')
    assert FULL == client.upload_part(bucket, 'other', other.id, 1, KB * 2).outcome

    assert 204 == upload.abort().outcome
    settle()
    assert 200 == client.upload_part(bucket, 'other', other.id, 1, KB * 2).status


def test_copied_part(client, bucket, limit, swift):
    """The size of a copy is that of what is copied."""
    client.request('PUT', bucket, 'source', body=KB * 2)
    limit(3 * 1024)
    upload = Upload(client, bucket)
    source = f'/{bucket}/source'

    assert FULL == client.copy_part(bucket, upload.key, upload.id, 1, source).outcome
    assert [] == upload.stored_numbers(swift)
    assert 200 == client.copy_part(bucket, upload.key, upload.id, 1, source, {
        'x-amz-copy-source-range': 'bytes=0-1023'}).outcome


@needs_checksums
@pytest.mark.parametrize('size, outcome', [(20000, 200), (20001, FULL)])
def test_part_in_chunks(client, bucket, limit, size, outcome):
    """Of an aws-chunked body the bytes count, not the signatures between them."""
    limit(20000)
    upload = Upload(client, bucket)

    assert outcome == client.upload_part(bucket, upload.key, upload.id, 1, b'x' * size, payload='chunks').outcome


def test_quota_that_is_set_late(client, bucket, limit, swift):
    """At Complete the whole object has to fit. A refusal loses nothing: with more room the same Complete succeeds."""
    upload = Upload(client, bucket).parts(KB, KB, KB)
    limit(2 * 1024)
    before = sorted(upload.stored(swift))
    answer = upload.complete()

    assert FULL == answer.outcome
    assert ('Upload exceeds quota.', '3072') == (answer.error.message, answer.error['ProposedSize'])
    assert before == sorted(upload.stored(swift))
    assert 404 == client.request('HEAD', bucket, upload.key).status
    assert upload.is_open()
    limit(3 * 1024)
    assert 200 == upload.complete().outcome


def test_abort_of_what_does_not_fit(client, bucket, limit, swift):
    """Nor is the way out barred: the upload that was refused can be aborted at once."""
    upload = Upload(client, bucket).parts(KB, KB, KB)
    limit(1024)
    assert FULL == upload.complete().outcome

    assert 204 == upload.abort().outcome
    assert [] == upload.stored_numbers(swift)


def test_size_that_no_cache_knows(cluster, bucket, swift):
    """With a cache that still shows the containers as they were empty, the parts of the object count all the same."""
    client = RawClient(tiny_parts(cluster).url)
    swift.post_container(bucket, {BYTES: '2048'})
    upload = Upload(client, bucket).parts(KB, KB, KB)

    assert FULL == upload.complete().outcome


def test_repeat_of_a_complete(client, bucket, limit):
    """What has succeeded stays so, however full the bucket is by now."""
    limit(2 * 1024, 1)
    upload = Upload(client, bucket).parts(KB, KB)
    first = upload.complete()
    limit(1, 0)

    assert result(first) == result(upload.complete())


# The number of objects

def test_number_of_objects(client, bucket, limit):
    """Refused before anything is written; parts are no objects of the bucket."""
    limit(count=1)
    client.request('PUT', bucket, 'plain', body=KB)
    upload = Upload(client, bucket).parts(KB, KB)

    assert FULL == client.request('PUT', bucket, 'plain2').outcome == upload.complete().outcome
    assert 204 == client.request('DELETE', bucket, 'plain').status
    assert 200 == upload.complete().outcome


def test_complete_whose_proxy_died_when_the_bucket_was_full(cluster, bucket, limit, swift):
    """The object that a Complete has made does not stand in the way of the repeat that brings it to its end."""
    faulty = FaultyProxy(cluster, 'quota-faults', cache=NO_CACHE)
    upload = Upload(RawClient(faulty.url), bucket).parts(KB, KB)
    limit(count=1)
    with faulty.above.following(rule('PUT', f'{upload.id}$', die=True)):
        assert 500 == upload.complete().status

    assert KB * 2 == read(upload.client, bucket, upload.key).body
    assert FULL == upload.client.request('PUT', bucket, 'other').outcome
    assert 200 == upload.complete().outcome
    assert ['/0', '/0'] == [name[:2] for name in upload.stored(swift)]


# The bytes of an account

BUCKET = 'bucket'
# One for each test here.
ACCOUNTS = 8


@pytest.fixture(scope='module')
def accounts(cluster):
    """Accounts that are in nobody else's way: the proxies of their users and of their resellers, and their names."""
    names = ['quota' + secrets.token_hex(4) for _ in range(ACCOUNTS)]
    tempauth = {f'user_{name}_{user}': rights for name in names for user, rights in (
        ('user', 'key .admin'), ('reseller', 'key .admin .reseller_admin'))}
    proxy = cluster.add_proxy('account-quotas', filters={**TINY_PARTS, 'cache': NO_CACHE, 'tempauth': tempauth})
    return proxy, cluster.add_proxy('resellers', filters={'tempauth': tempauth}), names


@pytest.fixture
def account(daemons, accounts):
    """An account: a client, a reseller, and a function that sets its quota of bytes and objects. A reseller's
    administrator has set it, and has Swift count what is stored before the test goes on."""
    proxy, resellers, names = accounts
    name = names.pop()
    client, reseller = RawClient(proxy.url, f'{name}:user', 'key'), RawClient(resellers.url, f'{name}:reseller', 'key')
    token = swiftclient.get_auth(resellers.auth_url, f'{name}:reseller', 'key')
    client.request('PUT', BUCKET)

    def limit(size='', count=''):
        daemons.update_account(f'AUTH_{name}', BUCKET, segments_container(BUCKET), markers_container(BUCKET))
        answer = requests.post(token[0], timeout=60, headers={
            'X-Auth-Token': token[1], 'X-Account-Quota-Bytes': str(size), 'X-Account-Quota-Count': str(count)})
        assert 204 == answer.status_code

    return client, reseller, limit


def test_part_that_an_account_has_no_room_for(account):
    """Refused as a plain object is. Parts count as what they are: bytes that are stored."""
    client, _reseller, limit = account
    upload = Upload(client, BUCKET).parts(KB, KB)
    limit(3000)

    answer = client.upload_part(BUCKET, upload.key, upload.id, 3, KB)
    plain = client.request('PUT', BUCKET, 'plain', body=KB)
    assert FULL == plain.outcome == answer.outcome
    assert plain.error.message == answer.error.message == 'Upload exceeds quota.'


def test_object_is_not_counted_twice(account):
    """An account that has room for the parts has room for the object: its manifest is let in."""
    client, _reseller, limit = account
    upload = Upload(client, BUCKET).parts(KB, KB)
    limit(2048)

    assert 200 == upload.complete().outcome


@pytest.mark.parametrize('quota', [{'size': 1024}, {'count': 1}], ids=['bytes', 'count'])
def test_account_that_is_full(account, swift, quota):
    """Initiate, Upload Part and Complete are refused, and nothing changes; Abort works, for it makes room."""
    client, _reseller, limit = account
    upload, other = Upload(client, BUCKET).parts(KB, KB), Upload(client, BUCKET, 'other')
    limit(**quota)

    assert FULL == client.request('POST', BUCKET, 'key', {'uploads': None}).outcome
    assert FULL == client.upload_part(BUCKET, upload.key, upload.id, 3, b'').outcome
    assert FULL == upload.complete().outcome
    assert upload.is_open()
    assert 204 == other.abort().outcome
    assert 204 == upload.abort().outcome
    assert (404, 'NoSuchUpload') == upload.list_parts().outcome


def test_complete_goes_on_when_there_is_room_again(account):
    """The Complete that a full account refused succeeds later, as it was."""
    client, _reseller, limit = account
    upload = Upload(client, BUCKET).parts(KB, KB)
    limit(1024)
    assert FULL == upload.complete().outcome

    limit(4096)
    assert 200 == upload.complete().outcome


def test_reseller_is_not_bound(account):
    """Whom Swift does not hold to the quota of an account is not held to it here."""
    client, reseller, limit = account
    client.request('PUT', BUCKET, 'plain', body=KB)
    limit(1)

    assert 200 == reseller.request('PUT', BUCKET, 'plain2', body=KB).status
    assert reseller.put_multipart(BUCKET, 'large', [b'x' * 5242880, KB])


# Another pipeline

def test_without_container_quotas_the_metadata_says_nothing(cluster, bucket, swift):
    """Where the operator has no such filter, users may write into the metadata what they like."""
    pipeline = cluster.pipeline.replace(' container-quotas', '')
    client = RawClient(cluster.add_proxy('no-quotas', pipeline=pipeline, filters=TINY_PARTS).url)
    swift.post_container(bucket, {BYTES: '1', COUNT: '0'})

    assert client.put_multipart(bucket, 'key', [KB])


@pytest.mark.parametrize('limits', [{BYTES: '1024'}, {COUNT: '0'}], ids=['bytes', 'count'])
def test_quotas_to_the_left(cluster, bucket, swift, limits):
    """A filter that refuses a part before s3multi is asked is understood, too."""
    pipeline = cluster.pipeline.replace(' container-quotas', '').replace('s3multi', 'container-quotas s3multi')
    client = RawClient(cluster.add_proxy('quotas-left', pipeline=pipeline, filters=TINY_PARTS).url)
    upload = Upload(client, bucket)
    swift.post_container(bucket, limits)
    answer = client.upload_part(bucket, upload.key, upload.id, 1, KB * 2)

    assert FULL == answer.outcome
    assert 'Upload exceeds quota.' == answer.error.message
