# SPDX-License-Identifier: Apache-2.0
"""What is Keystone's own: how often it is asked, its users, projects, roles and keys. Runs with --auth keystone only.

https://docs.openstack.org/swift/latest/middleware.html#s3-token-middleware
"""

from __future__ import annotations

import re
import secrets
import subprocess
import sys

import pytest

from s3multi.demo.cluster import STOCK_FILTERS
from s3multi.demo.keystone import OPERATOR_ROLE

from . import users
from .raw import SIGNINGS, RawClient
from .s3api_features import needs_checksums
from .uploads import TINY_PARTS, Upload, read

DENIED = (403, 'AccessDenied')
WRONG_SIGNATURE = (403, 'SignatureDoesNotMatch')
DEMO_SECONDS = 120
VALIDATION = ('POST', '/v3/s3tokens')

OPERATIONS = {
    'Initiate': lambda client, upload, **options: client.request(
        'POST', upload.bucket, 'another', {'uploads': None}, **options),
    'Upload Part': lambda client, upload, **options: client.upload_part(
        upload.bucket, upload.key, upload.id, 3, b'three', **options),
    'Upload Part Copy': lambda client, upload, **options: client.copy_part(
        upload.bucket, upload.key, upload.id, 3, f'/{upload.bucket}/source', **options),
    'List Parts': lambda client, upload, **options: upload.list_parts(client=client, **options),
    'List Multipart Uploads': lambda client, upload, **options: client.list_uploads(upload.bucket, **options),
    'Complete': lambda client, upload, **options: upload.complete(client=client, **options),
    'Abort': lambda client, upload, **options: upload.abort(client=client, **options),
}
# What stock s3api needs for an upload of two parts.
STOCK_VALIDATIONS = {'Initiate': 2, 'Upload Part': 3, 'Upload Part Copy': 4, 'List Parts': 4,
                     'List Multipart Uploads': 3, 'Complete': 4, 'Abort': 7}

each_operation = pytest.mark.parametrize('name', OPERATIONS)


@pytest.fixture(scope='module')
def uncached(cluster):
    """The address of a proxy whose s3token asks Keystone about every signature, and takes parts of any size."""
    return cluster.add_proxy('uncached', filters={**TINY_PARTS, 's3token': {'secret_cache_duration': 0}}).url


@pytest.fixture(scope='module')
def stock(cluster):
    """The address of the same proxy as Swift ships it, without s3multi."""
    return cluster.add_proxy('stock-uncached', pipeline=cluster.pipeline.replace(' s3multi', ''), filters={
        's3api': {**STOCK_FILTERS['s3api'], 'min_segment_size': 1}, 's3token': {'secret_cache_duration': 0}}).url


@pytest.fixture(scope='module')
def with_acls(cluster):
    """The address of such a proxy where the ACLs of S3 decide."""
    return cluster.add_proxy('uncached-acls', filters={
        **TINY_PARTS, 's3api': {'s3_acl': True}, 's3token': {'secret_cache_duration': 0}}).url


@pytest.fixture(scope='module')
def owner(uncached):
    """A client of the user who owns the project `test`."""
    return RawClient(uncached)


@pytest.fixture
def upload(owner, bucket):
    """An open upload of the owner, with two parts, in a bucket with an object to copy from."""
    return begin(owner, bucket)


@pytest.fixture
def new_user(keystone):
    """A factory of users with names of their own: new_user(project, *roles)."""
    return lambda project, *roles: keystone.add_user('user-' + secrets.token_hex(8), 'password', project, *roles)


def begin(client, bucket):
    """Begin an upload with two parts, in a bucket with an object to copy from."""
    assert 200 == client.request('PUT', bucket, 'source', body=b'source').status
    return Upload(client, bucket).parts(b'one', b'two')


# How often Keystone is asked

@each_operation
def test_keystone_is_asked_once(keystone, owner, upload, name):
    """An operation has its signature checked by one request to Keystone, and makes no other."""
    before = len(keystone.requests())

    assert OPERATIONS[name](owner, upload).status < 300
    assert [VALIDATION] == keystone.requests()[before:]


@each_operation
def test_keystone_is_asked_once_with_s3_acls(keystone, with_acls, name):
    """So it is where the ACLs of S3 decide, for which s3api learns first who the client is."""
    client, bucket = RawClient(with_acls), 'bucket-' + secrets.token_hex(8)
    client.request('PUT', bucket)
    upload = begin(client, bucket)
    before = len(keystone.requests())

    assert OPERATIONS[name](client, upload).status < 300
    assert [VALIDATION] == keystone.requests()[before:]


@each_operation
def test_stock_asks_more_often(keystone, stock, bucket, name):
    """Swift's own s3api has it checked for each of its requests to Swift."""
    client = RawClient(stock)
    upload = begin(client, bucket)
    before = len(keystone.requests())

    assert OPERATIONS[name](client, upload).status < 300
    assert [VALIDATION] * STOCK_VALIDATIONS[name] == keystone.requests()[before:]


def test_keystone_is_not_asked_while_the_secret_is_cached(keystone, cluster, new_user, bucket):
    """With the cache of s3token, Keystone is asked for signature and secret once, and not again for a while."""
    other, client = [RawClient(cluster.url, *keystone.ec2_credentials(new_user('test', OPERATOR_ROLE)))
                     for _ in range(2)]
    other.list_uploads(bucket)      # s3token logs in with its first question
    before = len(keystone.requests())

    upload = Upload(client, bucket)
    first = keystone.requests()[before:]
    assert [200, 200] == [upload.list_parts().status, client.list_uploads(bucket).status]
    assert 204 == upload.abort().status
    assert [VALIDATION, ('GET', first[1][1])] == first
    assert first == keystone.requests()[before:]


# Keys

@each_operation
def test_wrong_secret(uncached, upload, name):
    """A secret that is not that of the access key is SignatureDoesNotMatch, and the upload is untouched."""
    forger = RawClient(uncached, 'test:tester', 'not the secret')

    assert WRONG_SIGNATURE == OPERATIONS[name](forger, upload).outcome
    assert upload.is_open()


@each_operation
def test_wrong_secret_when_the_right_one_is_cached(cluster, upload, name):
    """The same where s3token verifies the signature by itself."""
    assert 200 == RawClient(cluster.url).list_parts(upload.bucket, upload.key, upload.id).status

    assert WRONG_SIGNATURE == OPERATIONS[name](RawClient(cluster.url, 'test:tester', 'not the secret'), upload).outcome
    assert upload.is_open()


@each_operation
def test_unknown_access_key(uncached, upload, name):
    """An access key that Keystone does not know is SignatureDoesNotMatch, for s3token tells no more than "denied"."""
    assert WRONG_SIGNATURE == OPERATIONS[name](RawClient(uncached, secrets.token_hex(16), 'secret'), upload).outcome
    assert upload.is_open()


def test_stock_answers_an_unknown_access_key_alike(stock, upload):
    """So it does with Swift's own s3api."""
    assert WRONG_SIGNATURE == OPERATIONS['Initiate'](RawClient(stock, secrets.token_hex(16), 'secret'), upload).outcome


@pytest.mark.parametrize('sign', SIGNINGS)
def test_each_way_to_sign(owner, bucket, sign):
    """Keystone verifies all signatures of s3api, those of presigned URLs too."""
    owner.put_multipart(bucket, 'key', [b'one', b'two'], sign=sign)

    assert b'onetwo' == read(owner, bucket, 'key').body


@needs_checksums
@pytest.mark.parametrize('payload, expected', [
    ('signed', 200), ('unsigned', 200), ('unsigned-chunks-trailer', 200), ('chunks', (501, 'NotImplemented'))])
def test_chunks_cannot_be_verified_without_the_secret(uncached, stock, bucket, payload, expected):
    """Keystone verifies the signature of a request, not those of its chunks: Swift's s3api refuses them then."""
    for url in (uncached, stock):
        upload = Upload(RawClient(url), bucket)
        assert expected == upload.client.upload_part(bucket, 'key', upload.id, 1, b'body', payload=payload).outcome


@needs_checksums
def test_chunks_are_verified_while_the_secret_is_cached(cluster, bucket):
    """Where s3token has the secret in its cache, signed chunks are accepted."""
    client = RawClient(cluster.url)
    upload = Upload(client, bucket)

    assert 200 == client.upload_part(bucket, 'key', upload.id, 1, b'body', payload='chunks').outcome


def test_keys_that_are_taken_back(keystone, uncached, new_user, bucket):
    """Once Keystone has deleted the EC2 credentials, an upload cannot be continued with them."""
    user = new_user('test', OPERATOR_ROLE)
    access, secret = keystone.ec2_credentials(user)
    upload = Upload(RawClient(uncached, access, secret), bucket)
    keystone.call('DELETE', f'/users/{user.id}/credentials/OS-EC2/{access}')

    assert [WRONG_SIGNATURE] * 2 == [upload.list_parts().outcome, upload.abort().outcome]


# Users, roles and projects

@each_operation
def test_user_without_a_role_in_the_project(keystone, uncached, new_user, upload, name):
    """Who has a role in the project no longer has no right at all, whatever the keys were made for."""
    user = new_user('test', OPERATOR_ROLE)
    client = RawClient(uncached, *keystone.ec2_credentials(user))
    assert 200 == client.list_uploads(upload.bucket).status
    role = keystone.call('GET', f'/roles?name={OPERATOR_ROLE}')['roles'][0]['id']
    keystone.call('DELETE', f'/projects/{user.project_id}/users/{user.id}/roles/{role}')

    assert WRONG_SIGNATURE == OPERATIONS[name](client, upload).outcome
    assert upload.is_open()


@each_operation
def test_user_whose_role_owns_nothing(keystone, uncached, new_user, upload, name):
    """A role in the project that is none of keystoneauth's operator_roles gives no right to its buckets."""
    client = RawClient(uncached, *keystone.ec2_credentials(new_user('test', 'member')))

    assert DENIED == OPERATIONS[name](client, upload).outcome
    assert upload.is_open()


@each_operation
def test_user_of_another_project(uncached, upload, name):
    """A user has the buckets of his own project, where there is none of this name."""
    stranger = RawClient(uncached, 'test2:tester2', 'testing2')

    assert (404, 'NoSuchBucket') == OPERATIONS[name](stranger, upload).outcome
    assert upload.is_open()


@each_operation
def test_user_of_another_project_who_names_this_one(keystone, uncached, upload, name):
    """With the project behind his access key, which s3token takes, a stranger reaches the bucket, and is denied."""
    assert DENIED == OPERATIONS[name](visitor(keystone, uncached), upload).outcome
    assert upload.is_open()


@pytest.mark.parametrize('grantee', ['test2:tester2', 'ids', '*:tester2'])
def test_user_of_another_project_with_rights_on_the_bucket(keystone, uncached, owner, bucket, swift, grantee):
    """A bucket that lets users of other projects read and write lets them upload in parts; names and ids will do."""
    stranger = users.auth.users['test2:tester2']
    grantee = f'{stranger.project_id}:{stranger.id}' if grantee == 'ids' else grantee.replace(
        '*:tester2', f'*:{stranger.id}')
    swift.post_container(bucket, {'X-Container-Read': grantee, 'X-Container-Write': grantee})
    client = visitor(keystone, uncached)

    upload = begin(client, bucket)
    assert 'test2:tester2' == upload.list_parts().xml('ListPartsResult').findtext('Initiator/ID')
    assert 200 == OPERATIONS['Upload Part Copy'](client, upload).status
    assert upload.id == client.list_uploads(bucket).xml('ListMultipartUploadsResult').findtext('Upload/UploadId')
    assert 200 == upload.complete().outcome
    assert b'onetwo' == read(owner, bucket, 'key').body
    assert 204 == begin(client, bucket).abort().status


def test_user_of_another_project_who_may_read(keystone, uncached, upload, swift):
    """The right to read the bucket is enough for the lists alone."""
    swift.post_container(upload.bucket, {'X-Container-Read': 'test2:tester2'})
    client = visitor(keystone, uncached)

    assert {name: 200 if name.startswith('List') else DENIED for name in OPERATIONS} == {
        name: OPERATIONS[name](client, upload).outcome for name in OPERATIONS}


def visitor(keystone, url):
    """Return a client of the owner of `test2` that sends its requests to the account of the project `test`."""
    access, secret = keystone.ec2_credentials(users.auth.users['test2:tester2'])
    return RawClient(url, f'{access}:{users.auth.users["test:tester"].project_id}', secret)


# Options and order of the filters

@pytest.fixture(scope='module')
def late(cluster):
    """The address of a proxy whose s3token leaves it to keystoneauth to deny."""
    return cluster.add_proxy('late', filters={
        **TINY_PARTS, 's3token': {'secret_cache_duration': 0, 'delay_auth_decision': True}}).url


@pytest.fixture(scope='module')
def old_order(cluster):
    """The address of a proxy with authtoken to the right of s3token."""
    return cluster.add_proxy('old-order', filters=TINY_PARTS, pipeline=cluster.pipeline.replace(
        'authtoken s3api s3token', 's3api s3token authtoken')).url


@each_operation
def test_late_decision_of_s3token(late, upload, swift, name):
    """With delay_auth_decision a wrong signature is nobody's, who may nothing: not even in a bucket open to all."""
    swift.post_container(upload.bucket, {'X-Container-Read': '.r:*,.rlistings', 'X-Container-Write': '*:*'})
    clients = [RawClient(late, 'test:tester', 'not the secret'), RawClient(late, secrets.token_hex(16), 'secret')]

    assert [WRONG_SIGNATURE] * 2 == [OPERATIONS[name](client, upload).outcome for client in clients]
    assert upload.is_open()
    assert OPERATIONS[name](RawClient(late), upload).status < 300


def test_reseller_prefix(cluster, s3):
    """Accounts may begin with another prefix than AUTH."""
    proxy = cluster.add_proxy('prefix', filters={
        **TINY_PARTS, 's3token': {'reseller_prefix': 'KEY'}, 'keystoneauth': {'reseller_prefix': 'KEY'}})
    client, bucket = RawClient(proxy.url), 'bucket-' + secrets.token_hex(8)
    client.request('PUT', bucket)

    client.put_multipart(bucket, 'key', [b'one', b'two'])
    assert b'onetwo' == read(client, bucket, 'key').body
    assert bucket not in [row['Name'] for row in s3.list_buckets()['Buckets']]


@pytest.mark.parametrize('lacking', ['auth_url', 'username', 'password'])
def test_s3token_without_a_login_of_its_own(cluster, upload, lacking):
    """Keystone tells nobody whose signature it is but who has logged in: without, every signature is wrong."""
    url = cluster.add_proxy('no-login', filters={
        's3token': {lacking: None, 'secret_cache_duration': 0}}).url

    assert WRONG_SIGNATURE == OPERATIONS['List Parts'](RawClient(url), upload).outcome


def test_s3token_with_the_role_service(keystone, cluster, bucket):
    """The role `service` is enough for the login of s3token; the secret, which it may not see, is not cached then."""
    service = keystone.add_user('only-service', 'password', 'service', 'service')
    url = cluster.add_proxy('only-service', filters={
        **TINY_PARTS, 's3token': {'username': service.name, 'password': service.password}}).url
    user = keystone.add_user('asked-often', 'password', 'test', OPERATOR_ROLE)
    client = RawClient(url, *keystone.ec2_credentials(user))
    upload = begin(client, bucket)
    before = len(keystone.requests())

    assert [200] * 2 == [upload.list_parts().status, upload.complete().status]
    assert 2 == keystone.requests()[before:].count(VALIDATION)


def test_authtoken_that_decides_early(cluster, upload):
    """Without delay_auth_decision, authtoken refuses a request that brings no token, and not in S3's words."""
    url = cluster.add_proxy('early', filters={'authtoken': {'delay_auth_decision': None}}).url

    answer = OPERATIONS['List Parts'](RawClient(url), upload)
    assert (401, 'application/json') == (answer.status, answer.headers['Content-Type'])


@each_operation
def test_authtoken_to_the_right_of_s3token(old_order, upload, name):
    """In this order, of older set-ups, authtoken takes away whom s3token has found: nobody gets in."""
    assert WRONG_SIGNATURE == OPERATIONS[name](RawClient(old_order), upload).outcome
    assert upload.is_open()


# The demo

def test_demo_with_keystone(tmp_path):
    """The demo makes a Keystone, prints the keys and uploads with them; with --data the next run finds both again."""
    runs = [subprocess.run([sys.executable, '-m', 's3multi.demo', '--keystone', '--exit', '--size', '6MiB',
                            '--data', tmp_path], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=DEMO_SECONDS) for _ in range(2)]

    assert [(0, '')] * 2 == [(run.returncode, run.stderr) for run in runs]
    assert all('Everything matches.' in run.stdout for run in runs)
    keys = [re.findall('(?:access|secret) key  ([0-9a-f]{32})', run.stdout) for run in runs]
    assert 2 == len(keys[0])
    assert keys[0] == keys[1]
