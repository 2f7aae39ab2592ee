# SPDX-License-Identifier: Apache-2.0
"""With `s3_acl = true` the ACLs of S3 decide: who may do what to uploads, and what the finished object grants.

A stock proxy over the same storage answers the same requests; what it answers is the specification.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

from __future__ import annotations

import secrets

import pytest
import swiftclient

from s3multi.demo.cluster import STOCK_FILTERS
from s3multi.upload.marker_names import markers_container

from . import users
from .behind import settle
from .counting import counting
from .faults import FaultyProxy
from .raw import RawClient
from .test_rights import LISTS, WRITING, send, stored
from .uploads import RESERVED, TINY_PARTS, Upload, read, segment_names

DENIED = (403, 'AccessDenied')
OWNER, USER, STRANGER = 'test:tester', 'test:tester3', 'test:tester4'
CANNED = ('private', 'public-read', 'public-read-write', 'authenticated-read', 'bucket-owner-read',
          'bucket-owner-full-control', 'log-delivery-write')
EVERYBODY = 'uri=http://acs.amazonaws.com/groups/global/AllUsers'
SIGNED_IN = 'uri=http://acs.amazonaws.com/groups/global/AuthenticatedUsers'

# What Initiate may be told about the ACL of the object.
OBJECT_ACLS = [{}, *({'x-amz-acl': name} for name in CANNED),
               {'x-amz-grant-read': f'id={STRANGER}'},
               {'x-amz-grant-full-control': f'id="{OWNER}",id="{STRANGER}"'},
               {'x-amz-grant-read': EVERYBODY, 'x-amz-grant-write-acp': f'id={STRANGER}'},
               {'x-amz-grant-read': SIGNED_IN, 'x-amz-grant-read-acp': f'id={OWNER}'},
               {'x-amz-grant-write': f'id={STRANGER}'}]

# What is no ACL, with the answer.
BAD_ACLS = [({'x-amz-acl': 'nonsense'}, (400, 'InvalidArgument')),
            ({'x-amz-acl': ''}, (400, 'InvalidArgument')),
            ({'x-amz-acl': 'aws-exec-read'}, (400, 'InvalidArgument')),
            ({'x-amz-acl': 'private', 'x-amz-grant-read': 'id=a'}, (400, 'InvalidRequest')),
            ({'x-amz-grant-read': 'tester3'}, (400, 'InvalidRequest')),
            ({'x-amz-grant-read': ''}, (400, 'InvalidRequest')),
            ({'x-amz-grant-read': 'name=tester3'}, (400, 'InvalidArgument')),
            ({'x-amz-grant-read': 'uri=http://example.com/everybody'}, (400, 'InvalidArgument')),
            ({'x-amz-grant-full-control': 'emailAddress=a@example.com'}, (501, 'NotImplemented'))]


LIFECYCLE = (b'<LifecycleConfiguration><Rule><ID>all</ID><Filter/><Status>Enabled</Status>'
             b'<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>'
             b'</AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>')


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    """A cluster of its own, with the ACLs of S3 and three users of one account."""
    with users.make_cluster(tmp_path_factory.mktemp('s3-acl'), filters={
            **TINY_PARTS, 's3api': {'s3_acl': True, 'min_segment_size': 1},
            'tempauth': {'user_test_tester4': 'testing4'}}) as running:
        yield running


@pytest.fixture(scope='module')
def stock(cluster):
    """The same proxy as Swift ships it."""
    return cluster.add_proxy('stock', pipeline=cluster.pipeline.replace(' s3multi', ''), filters=STOCK_FILTERS)


@pytest.fixture(scope='module')
def open_to_all(cluster):
    """A proxy to which what has no ACL is everybody's."""
    return cluster.add_proxy('no-owner', filters={'s3api': {'allow_no_owner': True}})


def client_of(user, proxy):
    """Return a client of a user."""
    return RawClient(proxy.url, user, {OWNER: 'testing', USER: 'testing3', STRANGER: 'testing4'}[user])


@pytest.fixture(scope='module')
def owner(cluster):
    """A client of the user who makes the buckets, the account's administrator."""
    return client_of(OWNER, cluster)


@pytest.fixture(scope='module')
def user(cluster):
    """A client of a user of the same account."""
    return client_of(USER, cluster)


@pytest.fixture(scope='module')
def stranger(cluster):
    """A client of one more user of the same account."""
    return client_of(STRANGER, cluster)


@pytest.fixture(scope='module')
def swift(cluster):
    """A connection to the Swift API, as the account's administrator."""
    connection = users.auth.connection(cluster.proxy, 'test:tester', 'testing')
    yield connection
    connection.close()


@pytest.fixture
def bucket(owner):
    """The name of a fresh bucket, the owner's alone, with an object that only the owner may read."""
    return make_bucket(owner)


@pytest.fixture
def shared(owner, bucket):
    """The name of a fresh bucket that the user may read and write."""
    grant(owner, bucket, {'x-amz-grant-read': f'id={USER}', 'x-amz-grant-write': f'id={USER}'})
    return bucket


def make_bucket(owner):
    """Make a bucket with an object to copy from, and return its name."""
    name = 'bucket-' + secrets.token_hex(8)
    assert 200 == owner.request('PUT', name).outcome
    assert 200 == owner.request('PUT', name, 'source', body=b'source').outcome
    return name


def grant(owner, bucket, acl, key=None):
    """Give a bucket, or an object in it, the ACL that the headers tell."""
    assert 200 == owner.request('PUT', bucket, key, {'acl': None}, acl).outcome


def acl_of(client, bucket, key):
    """Return the ACL document of an object, or the error."""
    answer = client.request('GET', bucket, key, {'acl': None})
    return answer.body if answer.status == 200 else answer.outcome


def people(element):
    """Return the ids of initiator and owner in a list."""
    return element.findtext('Initiator/ID'), element.findtext('Owner/ID')


@pytest.mark.parametrize('expected, outcome', [(OWNER, 200), (USER, DENIED)])
def test_the_expected_owner_is_that_of_the_acl(owner, user, shared, expected, outcome):
    """Not who asks, who may do it all the same; of the source of a copy as of the bucket."""
    grant(owner, shared, {'x-amz-grant-read': f'id={USER}'}, 'source')
    upload_id = user.initiate(shared, 'key')
    headers = {'x-amz-expected-bucket-owner': expected}

    assert outcome == user.upload_part(shared, 'key', upload_id, 1, b'1', headers).outcome
    assert outcome == user.copy_part(shared, 'key', upload_id, 1, f'{shared}/source',
                                     {'x-amz-source-expected-bucket-owner': expected}).outcome


# The right to use a bucket

def outcomes(client, upload):
    """Return what each operation answers a client: it must not end the upload before the last."""
    names = (*LISTS, 'Initiate', 'Upload Part', 'Upload Part Copy', 'Abort')
    return {name: send(name, client, upload).outcome for name in names}


READER = {'List Parts': 200, 'List Multipart Uploads': 200}
# The source is the owner's alone.
WRITER = {'Initiate': 200, 'Upload Part': 200, 'Upload Part Copy': DENIED, 'Abort': 204}
NOBODY = dict.fromkeys((*READER, *WRITER), DENIED)


@pytest.mark.parametrize('acl, expected', [
    ({'x-amz-grant-read': f'id={USER}'}, {**NOBODY, **READER}),
    ({'x-amz-grant-write': f'id={USER}'}, {**NOBODY, **WRITER}),
    ({'x-amz-grant-full-control': f'id={USER}'}, {**READER, **WRITER}),
    ({'x-amz-grant-read-acp': f'id={USER}', 'x-amz-grant-write-acp': f'id={USER}'}, NOBODY),
    ({'x-amz-grant-full-control': f'id={STRANGER}'}, NOBODY),
    ({'x-amz-grant-read': EVERYBODY}, {**NOBODY, **READER}),
    ({'x-amz-grant-write': SIGNED_IN}, {**NOBODY, **WRITER}),
    ({'x-amz-acl': 'private'}, NOBODY),
    ({'x-amz-acl': 'public-read'}, {**NOBODY, **READER}),
    ({'x-amz-acl': 'public-read-write'}, {**READER, **WRITER}),
    ({'x-amz-acl': 'authenticated-read'}, {**NOBODY, **READER}),
    ({'x-amz-acl': 'bucket-owner-read'}, NOBODY),
    ({'x-amz-acl': 'bucket-owner-full-control'}, NOBODY),
    ({'x-amz-acl': 'log-delivery-write'}, NOBODY),
], ids=lambda value: ','.join(map(': '.join, value.items())) if 200 not in value.values() and
    DENIED not in value.values() else '')
def test_rights_on_the_bucket(cluster, stock, owner, bucket, acl, expected):
    """READ is for the lists, WRITE for all else, as with stock s3api; and a denial leaves the upload as it was."""
    grant(owner, bucket, acl)
    for proxy in (cluster, stock):
        upload = Upload(client_of(OWNER, proxy), bucket).parts(b'one', b'two')

        assert expected == outcomes(client_of(USER, proxy), upload)
        assert upload.is_open() is (expected['Abort'] == DENIED)


@pytest.mark.parametrize('permission, expected', [('read', DENIED), ('write', 200)])
def test_right_to_complete(cluster, stock, owner, bucket, permission, expected):
    """Complete needs WRITE, whoever began the upload; denied, it makes no object."""
    grant(owner, bucket, {f'x-amz-grant-{permission}': f'id={USER}'})
    for proxy in (cluster, stock):
        upload = Upload(client_of(OWNER, proxy), bucket, proxy.url).parts(b'one', b'two')

        assert expected == send('Complete', client_of(USER, proxy), upload).outcome
        assert (200 if expected == 200 else 404) == read(owner, bucket, proxy.url).status


@pytest.mark.parametrize('name', WRITING + LISTS)
def test_denied(stranger, shared, user, swift, name):
    """Without a right nothing changes; that the upload exists is not told."""
    upload = Upload(user, shared).parts(b'one', b'two')
    before = stored(swift, upload)

    assert DENIED == send(name, stranger, upload).outcome
    assert before == stored(swift, upload)
    assert upload.is_open()
    upload.id = 'x'
    assert DENIED == send(name, stranger, upload).outcome


@pytest.mark.parametrize('name', WRITING + LISTS)
def test_nobody(owner, bucket, swift, name):
    """A request that nobody signed is denied also in a bucket that grants all to everybody, as s3api has it."""
    grant(owner, bucket, {'x-amz-acl': 'public-read-write'})
    upload = Upload(owner, bucket).parts(b'one', b'two')
    before = stored(swift, upload)

    assert 400 <= send(name, owner, upload, sign=None).status < 500
    assert before == stored(swift, upload)


@pytest.mark.parametrize('name', WRITING + LISTS)
def test_name_in_a_header(stranger, bucket, owner, name):
    """Who somebody is, the signature says: no header that s3api would take a user's name from helps."""
    upload = Upload(owner, bucket).parts(b'one', b'two')

    assert DENIED == send(name, stranger, upload, headers=[
        ('X-User-Name', 'tester'), ('X-Tenant-Name', 'test'), ('X-Project-Name', 'test')]).outcome


@pytest.mark.parametrize('name', WRITING + LISTS)
def test_wrong_signature(cluster, shared, user, name):
    """A wrong signature is that, whatever the bucket grants."""
    upload = Upload(user, shared).parts(b'one')

    assert (403, 'SignatureDoesNotMatch') == send(name, RawClient(cluster.url, USER, 'guessed'), upload).outcome


def test_right_that_is_withdrawn(user, owner, shared):
    """A right counts while it is there: taken away, the user cannot go on with an upload of his own."""
    upload = Upload(user, shared).parts(b'one')
    grant(owner, shared, {'x-amz-acl': 'private'})

    assert NOBODY == outcomes(user, upload)
    assert DENIED == send('Complete', user, upload).outcome


@pytest.mark.parametrize('name', WRITING + LISTS)
def test_other_account(cluster, stock, shared, user, name):
    """Buckets are looked for in the account of who asks: another account's are not there, whatever they grant."""
    upload = Upload(user, shared).parts(b'one', b'two')

    for proxy in (cluster, stock):
        other = RawClient(proxy.url, 'test2:tester2', 'testing2')
        other.request('PUT', 'some-bucket')
        assert (404, 'NoSuchBucket') == send(name, other, upload).outcome


def test_account_without_a_bucket(cluster, shared, user):
    """Nor is there a bucket in an account that Swift has not seen yet."""
    proxy = cluster.add_proxy('new-account', filters={'tempauth': {'user_new_one': 'testing'}})

    assert (404, 'NoSuchBucket') == send(
        'Initiate', RawClient(proxy.url, 'new:one', 'testing'), Upload(user, shared)).outcome


def test_bucket_without_an_acl(cluster, stock, open_to_all, swift):
    """A container made through the Swift API is nobody's, or with `allow_no_owner` everybody's."""
    name = 'bucket-' + secrets.token_hex(8)
    swift.put_container(name)

    for proxy in (cluster, stock):
        assert DENIED == client_of(OWNER, proxy).request('POST', name, 'key', {'uploads': None}).outcome
    upload = Upload(client_of(STRANGER, open_to_all), name).parts(b'one', b'two')
    assert 200 == upload.complete().outcome
    assert b'onetwo' == read(upload.client, name, 'key').body
    assert DENIED == read(client_of(OWNER, open_to_all), name, 'key').outcome


def test_acl_for_the_owner_of_a_bucket_without_one(open_to_all, swift):
    """An ACL that would name the bucket's owner is refused where there is none."""
    name = 'bucket-' + secrets.token_hex(8)
    swift.put_container(name)
    client = client_of(USER, open_to_all)

    for acl in ('bucket-owner-read', 'bucket-owner-full-control'):
        answer = client.request('POST', name, 'key', {'uploads': None}, {'x-amz-acl': acl})
        assert (400, 'InvalidRequest') == answer.outcome


@pytest.mark.parametrize('method', ['PUT', 'GET', 'DELETE'])
def test_the_lifecycle_of_a_bucket(owner, user, stranger, bucket, method):
    """It is the owner's alone, whatever the ACL grants; an upload of anybody who may write is told of it."""
    grant(owner, bucket, {'x-amz-acl': 'public-read-write'})
    assert 200 == owner.request('PUT', bucket, None, {'lifecycle': None}, body=LIFECYCLE).outcome

    body = LIFECYCLE if method == 'PUT' else b''
    assert 2 * [DENIED] == [client.request(method, bucket, None, {'lifecycle': None}, body=body).outcome
                            for client in (user, stranger)]
    told = user.request('POST', bucket, 'key', {'uploads': None})
    assert (200, 'all') == (told.status, told.headers['x-amz-abort-rule-id'])
    answer = owner.request(method, bucket, None, {'lifecycle': None}, {'x-amz-expected-bucket-owner': OWNER}, body)
    assert (204 if method == 'DELETE' else 200) == answer.outcome


# The ACL of the object

@pytest.mark.parametrize('acl', OBJECT_ACLS, ids=lambda acl: ','.join(map(': '.join, acl.items())) or 'none')
def test_acl_of_the_object(cluster, stock, shared, acl):
    """What Initiate was told is granted after the Complete, just as if the object had come in one PutObject."""
    for proxy, key in ((cluster, 'ours'), (stock, 'stock')):
        Upload(client_of(USER, proxy), shared, key, acl).parts(b'one', b'two').complete()
    assert 200 == client_of(USER, cluster).request('PUT', shared, 'plain', headers=acl, body=b'onetwo').outcome

    for name in (OWNER, USER, STRANGER):
        client = client_of(name, cluster)
        plain = read(client, shared, 'plain')
        assert plain.outcome in (200, DENIED)
        for key in ('ours', 'stock'):
            answer = read(client, shared, key)
            assert (plain.outcome, plain.body if plain.status == 200 else None) == (
                answer.outcome, answer.body if answer.status == 200 else None)
            assert plain.status == client.request('HEAD', shared, key).status
            assert acl_of(client, shared, 'plain') == acl_of(client, shared, key)
        # As the stock proxy sees it.
        assert acl_of(client, shared, 'plain') == acl_of(client_of(name, stock), shared, 'ours')
    assert f'<Owner><ID>{USER}</ID>'.encode() in acl_of(client_of(USER, cluster), shared, 'ours')


def test_who_may_read_reads_all_of_it(user, stranger, shared):
    """A reader by the object's ACL alone gets it whole, by range and by part."""
    Upload(user, shared, 'key', {'x-amz-grant-read': f'id={STRANGER}'}).parts(b'one', b'two').complete()

    assert b'onetwo' == read(stranger, shared, 'key').body
    assert b'netw' == read(stranger, shared, 'key', headers={'Range': 'bytes=1-4'}).body
    assert b'two' == read(stranger, shared, 'key', {'partNumber': 2}).body
    assert DENIED == stranger.request('GET', shared).outcome


def attributes_of(client, bucket, key='key', query=(), headers=()):
    """Ask for the attributes of an object; return the Answer."""
    return client.request('GET', bucket, key, {'attributes': None, **dict(query)}, {
        'x-amz-object-attributes': 'ETag,ObjectParts', **dict(headers)})


def test_attributes_are_for_who_may_read_the_object(owner, user, stranger, shared):
    """By the ACL of the object: READ on the bucket is neither needed nor enough, and a condition changes nothing."""
    Upload(user, shared, 'key', {'x-amz-grant-read': f'id={STRANGER}'}).parts(b'one', b'two').complete()
    Upload(owner, shared, 'closed').parts(b'one').complete()
    etag = user.request('HEAD', shared, 'key').headers['ETag']

    assert 200 == attributes_of(user, shared).outcome
    assert 200 == attributes_of(stranger, shared).outcome
    assert 304 == attributes_of(stranger, shared, headers={'If-None-Match': etag}).status
    for client in (user, stranger):
        for headers in ({}, {'If-None-Match': '*'}, {'If-Match': '"x"'}):
            assert DENIED == attributes_of(client, shared, 'closed', headers=headers).outcome


def test_attributes_of_what_is_not_there(user, stranger, shared):
    """That there is no such object is told to who may list its bucket."""
    assert (404, 'NoSuchKey') == attributes_of(user, shared).outcome
    assert DENIED == attributes_of(stranger, shared).outcome


@pytest.mark.parametrize('query', [{'uploads': None}, {'uploadId': 'x'}], ids=str)
def test_attributes_open_no_list(stranger, user, shared, query):
    """With this word in its query a list is nothing that S3 knows, so nobody is told anything."""
    upload = Upload(user, shared).parts(b'one')
    query = {**query, 'attributes': None}

    for key in (None, 'key'):
        assert (400, 'InvalidArgument') == stranger.request('GET', shared, key, query).outcome
    assert (400, 'InvalidArgument') == stranger.list_parts(shared, 'key', upload.id, {'attributes': None}).outcome
    for method in ('PUT', 'POST', 'DELETE', 'HEAD'):
        assert 403 == stranger.request(method, shared, 'key', {'attributes': None}).status


def test_parts_are_for_who_may_read_the_object(user, stranger, owner, shared):
    """The number of parts is told with the error, too, and to nobody else."""
    Upload(user, shared, 'key', {'x-amz-grant-read': f'id={STRANGER}'}).parts(b'one', b'').complete()
    Upload(owner, shared, 'closed').parts(b'one', b'').complete()

    assert (200, b'', '2') == (read(stranger, shared, 'key', {'partNumber': 2}).status,
                               read(stranger, shared, 'key', {'partNumber': 2}).body,
                               stranger.request('HEAD', shared, 'key', {'partNumber': 2}).headers[
                                   'x-amz-mp-parts-count'])
    assert '2' == read(stranger, shared, 'key', {'partNumber': 3}).error['ActualPartCount']
    for number in (1, 2, 3):
        assert DENIED == read(stranger, shared, 'closed', {'partNumber': number}).outcome


def test_who_began_owns_what_somebody_else_completes(cluster, stock, shared):
    """The object is the initiator's, with the ACL of the Initiate; neither parts nor Complete can change that."""
    for proxy in (cluster, stock):
        key = f'of-{proxy.url}'
        upload = Upload(client_of(USER, proxy), shared, key, {'x-amz-acl': 'bucket-owner-read'})
        upload.client = client_of(OWNER, proxy)
        upload.parts(b'one', b'two').complete(headers={'x-amz-acl': 'public-read'})

        assert DENIED == read(client_of(STRANGER, proxy), shared, key).outcome
        assert b'onetwo' == read(upload.client, shared, key).body
        assert DENIED == acl_of(upload.client, shared, key)
        assert f'<Owner><ID>{USER}</ID>'.encode() in acl_of(client_of(USER, proxy), shared, key)


@pytest.mark.parametrize('acl, expected', BAD_ACLS, ids=lambda value: str(value) if isinstance(value, dict) else '')
def test_bad_acl(stock, owner, bucket, swift, acl, expected):
    """What is no ACL is refused at Initiate as it is at PutObject, before anything is stored."""
    for client in (owner, client_of(OWNER, stock)):
        assert expected == client.request('POST', bucket, 'key', {'uploads': None}, acl).outcome
    assert expected == owner.request('PUT', bucket, 'key', headers=acl, body=b'').outcome

    with pytest.raises(swiftclient.ClientException):
        segment_names(swift, bucket)


def test_more_grants_than_swift_can_keep(owner, bucket):
    """An ACL that is too long for a header of Swift is the client's error, and no upload is begun."""
    acl = {'x-amz-grant-read': ','.join(f'id=u{number}' for number in range(1000))}

    assert (400, 'InvalidRequest') == owner.request('POST', bucket, 'key', {'uploads': None}, acl).outcome
    assert [] == list(owner.list_uploads(bucket).xml('ListMultipartUploadsResult').iter('Upload'))


def test_acl_that_is_changed(user, stranger, shared):
    """PUT ?acl and GET ?acl do with a multipart object what they do with a plain one, and leave its content alone."""
    Upload(user, shared, 'ours').parts(b'one', b'two').complete()
    user.request('PUT', shared, 'plain', body=b'onetwo')
    etag = read(user, shared, 'ours').etag

    for acl, outcome in (({'x-amz-acl': 'public-read'}, 200), ({'x-amz-acl': 'private'}, DENIED),
                         ({'x-amz-grant-read': f'id={STRANGER}'}, 200)):
        for key in ('ours', 'plain'):
            grant(user, shared, acl, key)
            assert outcome == read(stranger, shared, key).outcome
            assert DENIED == stranger.request('PUT', shared, key, {'acl': None}, acl).outcome
        assert acl_of(user, shared, 'plain') == acl_of(user, shared, 'ours')
    assert (b'onetwo', etag) == (read(stranger, shared, 'ours').body, read(stranger, shared, 'ours').etag)


def test_acl_with_parts_that_are_asked_for(cluster, shared):
    """`verify = head` lets SLO write the manifest: the ACL is the same."""
    proxy = cluster.add_proxy('asking', filters={'s3multi': {'verify': 'head'}})
    upload = Upload(client_of(USER, proxy), shared, 'key', {'x-amz-acl': 'public-read'}).parts(b'one', b'two')

    assert 200 == upload.complete().outcome
    assert b'onetwo' == read(client_of(STRANGER, cluster), shared, 'key').body


# The source of a copy

@pytest.fixture(scope='module')
def private(owner):
    """A bucket that the user may write and not read, with objects for nobody and for everybody; not to be changed."""
    name = make_bucket(owner)
    grant(owner, name, {'x-amz-grant-write': f'id={USER}'})
    owner.request('PUT', name, 'open', headers={'x-amz-acl': 'public-read'}, body=b'open')
    Upload(owner, name, 'open-parts', {'x-amz-acl': 'public-read'}).parts(b'op', b'en').complete()
    Upload(owner, name, 'closed-parts').parts(b'clo', b'sed').complete()
    return name


def test_copy_of_what_may_be_read(user, shared, private):
    """READ on the source is enough, whatever the right on its bucket; a multipart object is like any other."""
    upload = Upload(user, shared)
    for number, key in enumerate(('open', 'open-parts'), 1):
        answer = user.copy_part(shared, 'key', upload.id, number, f'{private}/{key}')
        upload.etags[number] = answer.xml('CopyPartResult').findtext('ETag')

    assert 200 == upload.complete().outcome
    assert b'openopen' == read(user, shared, 'key').body


@pytest.mark.parametrize('headers', [
    {}, {'x-amz-copy-source-range': 'bytes=0-1'}, {'x-amz-copy-source-range': 'bytes=100-200'},
    {'x-amz-copy-source-if-match': 'x'}, {'x-amz-copy-source-if-none-match': '*'}], ids=str)
@pytest.mark.parametrize('key', ['source', 'closed-parts', 'nothing-here'])
def test_copy_of_what_may_not_be_read(user, shared, private, swift, key, headers):
    """Without READ on the source its copy is denied, in the same words whether it exists or not."""
    upload = Upload(user, shared)

    answer = user.copy_part(shared, 'key', upload.id, 1, f'{private}/{key}', headers)

    assert (DENIED, 'Access Denied') == (answer.outcome, answer.error.message)
    assert [] == upload.stored_numbers(swift)


def test_copy_of_what_is_wrong_is_explained_to_readers(user, owner, shared, private, swift):
    """Who may read is told: that a range ends past the source, that there is no such key or bucket."""
    upload = Upload(user, shared)

    def copy(source, **headers):
        return user.copy_part(shared, 'key', upload.id, 1, source, headers).outcome

    assert (400, 'InvalidArgument') == copy(f'{private}/open', **{'x-amz-copy-source-range': 'bytes=100-200'})
    assert (404, 'NoSuchKey') == copy(f'{shared}/nothing-here')
    assert (404, 'NoSuchBucket') == copy('no-such-bucket-here/key')
    for key, acl, outcome in (('b', {'x-amz-acl': 'public-read'}, (409, 'BrokenMPU')), ('c', {}, DENIED)):
        Upload(owner, shared, key, acl).parts(b'one', b'two').complete()
        first = next(name for name in segment_names(swift, shared) if name.startswith(f'{key}/'))
        swift.delete_object(shared + '_segments', first)
        assert outcome == copy(f'{shared}/{key}')


def test_copy_of_an_older_version(user, owner, shared):
    """Each version has an ACL of its own: that the current one is public opens no older one."""
    name = make_bucket(owner)
    assert 200 == owner.request('PUT', name, None, {'versioning': None}, body=(
        b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status>'
        b'</VersioningConfiguration>')).outcome
    versions = [owner.request('PUT', name, 'key', headers={'x-amz-acl': acl}, body=acl.encode()).headers[
        'x-amz-version-id'] for acl in ('private', 'public-read', 'private', 'public-read')]
    upload = Upload(user, shared)

    assert [DENIED, 200, DENIED, 200] == [user.copy_part(
        shared, 'key', upload.id, 1, f'{name}/key?versionId={version}').outcome for version in versions]


@pytest.mark.parametrize('with_owner', [True, False])
def test_copy_of_parts(cluster, open_to_all, owner, bucket, shared, swift, with_owner):
    """Parts have no ACL, and are nobody's source: not where what has none is everybody's either. They are no bucket."""
    Upload(owner, bucket).parts(b'secret')
    part = segment_names(swift, bucket)[-1]
    user = client_of(USER, cluster if with_owner else open_to_all)
    upload = Upload(user, shared)

    assert (404, 'NoSuchBucket') == user.copy_part(shared, 'key', upload.id, 1, f'{bucket}_segments/{part}').outcome


# Lists

def test_lists_name_who_began(user, owner, shared, swift):
    """Initiator and owner are who began each upload, whoever asks; and one aborted keeps the name in its record."""
    uploads = [Upload(client, shared, key) for client, key in ((owner, 'a'), (user, 'b'), (owner, 'c'))]

    for client in (owner, user):
        listed = client.list_uploads(shared).xml('ListMultipartUploadsResult')
        assert [(OWNER, OWNER), (USER, USER), (OWNER, OWNER)] == [people(each) for each in listed.iter('Upload')]
        assert [(OWNER, OWNER), (USER, USER), (OWNER, OWNER)] == [
            people(upload.list_parts(client=client).xml('ListPartsResult')) for upload in uploads]
    assert 204 == uploads[1].abort(client=owner).outcome
    settle()
    record, = (row['content_type'] for row in swift.get_container(markers_container(shared), headers=RESERVED)[1]
               if row['name'].startswith('\0b'))
    assert record.startswith('application/x-s3multi-marker;state=aborted;initiator=test%3Atester3;')


# What it costs

def test_requests(cluster, owner, user, shared):
    """The ACLs of bucket and source come with what is asked for anyway: no operation costs a request more."""
    proxy = FaultyProxy(cluster, 'counted')
    client = client_of(USER, proxy)
    grant(owner, shared, {'x-amz-acl': 'public-read'}, 'source')
    upload = Upload(client, shared)
    client.list_uploads(shared)
    expected = {
        'Initiate': ['PUT marker'], 'Upload Part': ['HEAD marker', 'PUT part'],
        'Upload Part Copy': ['HEAD marker', 'GET object', 'PUT part'],
        'List Parts': ['HEAD marker', 'GET segments container'], 'List Multipart Uploads': ['GET markers']}

    for name, requests in expected.items():
        with counting(proxy.above) as seen:
            assert 200 == send(name, client, upload).outcome

        # With this s3api asks the auth filter who it is; the proxy-server does not pass it on.
        # The marker, and the source or listing, are asked for at once.
        assert sorted(['TEST account', *requests]) == sorted(seen.order), name
    with counting(proxy.above) as seen:
        assert 404 == client.copy_part(shared, 'key', upload.id, 1, f'{shared}/nothing-here').status
    # Which bucket is asked about is in the proxy's cache.
    assert ['GET object', 'HEAD marker', 'HEAD object', 'TEST account'] == sorted(seen.order)
