# SPDX-License-Identifier: Apache-2.0
"""Who may do what: each operation is judged by the right to read or write the bucket, and nothing smuggled in helps.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuAndPermissions.html
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets

import pytest
import swiftclient

from . import users
from .raw import RawClient, complete_body
from .uploads import Upload, read, segment_names, tiny_parts

DENIED = (403, 'AccessDenied')
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
WRITING = ('Initiate', 'Upload Part', 'Upload Part Copy', 'Complete', 'Abort')
LISTS = ('List Parts', 'List Multipart Uploads')

# What an operation must not take from the query: each would change what Swift makes of a request. Those that are sent
# at once do not undo what the others would do.
SMUGGLED_QUERIES = {
    'put': [('multipart-manifest', 'put'), ('symlink', 'get'), ('heartbeat', 'on'), ('limit', '1')],
    'get': [('multipart-manifest', 'get'), ('part-number', '1'), ('ignore-range', 'true'), ('marker', 'zzz')],
    'delete': [('multipart-manifest', 'delete'), ('async', 'on'), ('end_marker', 'a')],
    'version': [('version-id', '1700000000.00000'), ('format', 'raw'), ('path', 'zzz')],
    'versions': [('versions', ''), ('reverse', 'true')],
}

# The same of the headers. SECRET stands for a container that the sender may not read.
SMUGGLED_HEADERS = {
    'copies': [('X-Copy-From', '/SECRET/hidden'), ('Destination', 'SECRET/taken'), ('X-Timestamp', '1.00000'),
               ('X-Container-Read', '.r:*'), ('X-Http-Method-Override', 'DELETE')],
    'an account': [('X-Copy-From-Account', 'AUTH_test2'), ('X-Storage-Policy', 'silver'),
                   ('X-Auth-Token', 'forged'), ('X-Service-Token', 'forged')],
    'a manifest': [('X-Object-Manifest', 'SECRET/hid'), ('X-Container-Write', '.r:*'), ('X-Newest', 'false'),
                   ('X-Object-Sysmeta-S3Api-Upload-Id', 'forged')],
    'a link': [('X-Symlink-Target', 'SECRET/hidden'), ('X-Versions-Enabled', 'true'),
               ('X-Object-Sysmeta-S3multi-Chosen', 'forged')],
    'a large object': [('X-Static-Large-Object', 'True'), ('X-Object-Sysmeta-Slo-Etag', 'forged'),
                       ('X-Backend-Allow-Reserved-Names', 'true')],
    'a policy': [('X-Backend-Storage-Policy-Index', '1'), ('X-Object-Transient-Sysmeta-Crypto-Meta', 'forged')],
}


@pytest.fixture(scope='module')
def owner(cluster):
    """A client of the account's administrator."""
    return RawClient(tiny_parts(cluster).url)


@pytest.fixture(scope='module')
def user(cluster):
    """A client of a user of the account who has no rights but those that a bucket grants."""
    return RawClient(tiny_parts(cluster).url, 'test:tester3', 'testing3')


@pytest.fixture(scope='module')
def stranger(cluster):
    """A client of another account's administrator."""
    return RawClient(tiny_parts(cluster).url, 'test2:tester2', 'testing2')


@pytest.fixture
def upload(owner, bucket):
    """An open upload of the owner, with two parts, in a bucket with an object to copy from."""
    owner.request('PUT', bucket, 'source', body=b'source')
    return Upload(owner, bucket).parts(b'one', b'two')


@pytest.fixture
def secret(s3, swift):
    """A container with an object that nobody but the owner may read."""
    name = 'secret-' + secrets.token_hex(8)
    s3.create_bucket(Bucket=name)
    swift.put_object(name, 'hidden', b'hidden')
    return name


def swift_as(cluster, user, key):
    """Return a connection to the Swift API; closes itself."""
    return contextlib.closing(users.auth.connection(cluster.proxy, user, key))


def send(name, client, upload, query=(), headers=(), **options):
    """Send an operation for an upload with more in query and headers than it needs; return the Answer."""
    method, key, own, more, body = {
        'Initiate': ('POST', upload.key, [('uploads', None)], [], b''),
        'Upload Part': ('PUT', upload.key, [('partNumber', 3), ('uploadId', upload.id)], [], b'three'),
        'Upload Part Copy': ('PUT', upload.key, [('partNumber', 3), ('uploadId', upload.id)],
                             [('x-amz-copy-source', f'/{upload.bucket}/source')], b''),
        'Complete': ('POST', upload.key, [('uploadId', upload.id)], [], complete_body(upload.listed)),
        'Abort': ('DELETE', upload.key, [('uploadId', upload.id)], [], b''),
        'List Parts': ('GET', upload.key, [('uploadId', upload.id)], [], b''),
        'List Multipart Uploads': ('GET', None, [('uploads', None)], [], b''),
    }[name]
    return client.request(method, upload.bucket, key, [*own, *query], [*more, *headers], body, **options)


def stored(swift, upload):
    """Return all that Swift holds of the bucket and its uploads: by name the hash of its content."""
    return [{row['name']: row['hash'] for row in swift.get_container(container, full_listing=True)[1]}
            for container in (upload.bucket, upload.bucket + '_segments')]


# Rights on the bucket

@pytest.mark.parametrize('name', WRITING + LISTS)
def test_user_without_any_right(user, upload, swift, name):
    """Without a right on the bucket every operation is AccessDenied, and nothing changes."""
    before = stored(swift, upload)

    assert DENIED == send(name, user, upload).outcome
    assert before == stored(swift, upload)
    assert upload.is_open()


@pytest.mark.parametrize('name', WRITING + LISTS)
def test_nobody(owner, upload, swift, name):
    """A request that nobody signed is denied, and nothing changes."""
    before = stored(swift, upload)

    assert 400 <= send(name, owner, upload, sign=None).status < 500
    assert before == stored(swift, upload)
    assert upload.is_open()


@pytest.mark.parametrize('name', WRITING + LISTS)
def test_wrong_signature(cluster, upload, swift, name):
    """A request with a wrong signature is SignatureDoesNotMatch, whether bucket and upload exist or not."""
    before = stored(swift, upload)
    forger = RawClient(tiny_parts(cluster).url, 'test:tester', 'guessed')

    assert (403, 'SignatureDoesNotMatch') == send(name, forger, upload).outcome
    assert before == stored(swift, upload)
    upload.bucket = 'no-such-bucket-here'
    assert (403, 'SignatureDoesNotMatch') == send(name, forger, upload).outcome


def test_denied_before_the_bucket_is_looked_for(user, upload):
    """Who may not use the bucket is not told whether it exists, nor whether the upload does."""
    outcomes = [send(name, user, upload).outcome for name in WRITING + LISTS]
    upload.id = 'x'
    outcomes += [send(name, user, upload).outcome for name in WRITING + LISTS]
    upload.bucket = 'no-such-bucket-here'
    outcomes += [send(name, user, upload).outcome for name in WRITING + LISTS]

    assert {DENIED} == set(outcomes)


def test_user_who_may_write(user, upload, swift):
    """The right to write the bucket is enough for all operations but the lists, whoever began the upload."""
    swift.post_container(upload.bucket, {'X-Container-Write': 'test:tester3'})
    other = Upload(user, upload.bucket)

    assert [200, DENIED] == [send(name, user, upload).outcome for name in ('Upload Part', 'List Parts')]
    assert DENIED == send('List Multipart Uploads', user, upload).outcome
    assert 204 == send('Abort', user, other).status
    assert 200 == send('Complete', user, upload).outcome
    assert b'onetwo' == read(upload.client, upload.bucket, 'key').body


def test_user_who_may_write_begins_the_first_upload(user, bucket, owner, swift):
    """The right to write is enough to begin the first upload of a bucket, before it has a segments container."""
    swift.post_container(bucket, {'X-Container-Write': 'test:tester3'})

    upload = Upload(user, bucket).parts(b'one', b'two')

    assert 200 == upload.complete().outcome
    assert b'onetwo' == read(owner, bucket, 'key').body


def test_user_who_may_only_write_cannot_copy_what_he_cannot_read(user, upload, secret, swift):
    """Upload Part Copy needs the right to read its source, too."""
    swift.post_container(upload.bucket, {'X-Container-Write': 'test:tester3'})
    before = stored(swift, upload)

    for source in (f'{secret}/hidden', f'{upload.bucket}/source', f'{upload.bucket}_segments/key',
                   f'{secret}/no-such-key', 'no-such-bucket-here/key'):
        answer = user.copy_part(upload.bucket, upload.key, upload.id, 3, source)
        # To S3 clients the segments container is no bucket, whether it exists or not.
        assert ((404, 'NoSuchBucket') if '_segments/' in source else DENIED) == answer.outcome, source
    assert before == stored(swift, upload)


@pytest.mark.parametrize('there', ['as named', 'other', 'nothing'])
def test_condition_of_a_user_who_may_only_write(user, owner, upload, swift, there):
    """If-Match needs the right to read, since it tells the ETag; If-None-Match tells no more than that a key is taken.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    swift.post_container(upload.bucket, {'X-Container-Write': 'test:tester3'})
    if there != 'nothing':
        owner.request('PUT', upload.bucket, upload.key, body=b'there')
    etag = hashlib.md5(b'there' if there == 'as named' else b'x').hexdigest()

    assert DENIED == upload.complete(headers={'If-Match': etag}, client=user).outcome
    assert upload.is_open()
    assert (200 if there == 'nothing' else (412, 'PreconditionFailed')) == upload.complete(
        headers={'If-None-Match': '*'}, client=user).outcome


def test_condition_of_a_user_who_may_read_and_write(user, owner, upload, swift):
    """Both conditions are compared for him."""
    swift.post_container(upload.bucket, {'X-Container-Read': 'test:tester3', 'X-Container-Write': 'test:tester3'})
    etag = owner.request('PUT', upload.bucket, upload.key, body=b'there').headers['ETag']

    assert (412, 'PreconditionFailed') == upload.complete(headers={'If-Match': '"x"'}, client=user).outcome
    assert 200 == upload.complete(headers={'If-Match': etag}, client=user).outcome


def test_user_who_may_read(user, upload, swift):
    """The right to read the bucket is enough for the lists, and for nothing else."""
    swift.post_container(upload.bucket, {'X-Container-Read': 'test:tester3'})
    before = stored(swift, upload)

    assert [DENIED] * len(WRITING) == [send(name, user, upload).outcome for name in WRITING]
    assert ['1', '2'] == [number.text for number in send('List Parts', user, upload).xml(
        'ListPartsResult').iter('PartNumber')]
    assert upload.id == send('List Multipart Uploads', user, upload).xml(
        'ListMultipartUploadsResult').findtext('Upload/UploadId')
    assert before == stored(swift, upload)


def test_right_that_is_withdrawn(user, upload, swift):
    """A right counts while it is there: taken away, the user can no longer go on with his own upload."""
    swift.post_container(upload.bucket, {'X-Container-Write': 'test:tester3'})
    own = Upload(user, upload.bucket).parts(b'one')
    swift.post_container(upload.bucket, {'X-Container-Write': ''})

    assert [DENIED] * 3 == [send(name, user, own).outcome for name in ('Upload Part', 'Complete', 'Abort')]


def test_copy_by_a_user_who_may_read_and_write(user, upload, swift):
    """With the right to read and to write the bucket, a user copies parts within it."""
    swift.post_container(upload.bucket, {'X-Container-Read': 'test:tester3', 'X-Container-Write': 'test:tester3'})

    assert 200 == send('Upload Part Copy', user, upload).outcome
    assert [1, 2, 3] == upload.stored_numbers(swift)


# Other accounts

@pytest.mark.parametrize('name', ['Upload Part', 'Upload Part Copy', 'Complete', 'Abort', 'List Parts'])
def test_upload_id_of_another_account(stranger, upload, swift, name):
    """In another account the upload id is worth nothing, also in a bucket of the same name and key."""
    before = stored(swift, upload)

    assert (404, 'NoSuchBucket') == send(name, stranger, upload).outcome
    stranger.request('PUT', upload.bucket)
    stranger.request('PUT', upload.bucket, 'source', body=b'source')
    own = Upload(stranger, upload.bucket, upload.key)
    assert NO_SUCH_UPLOAD == send(name, stranger, upload).outcome
    assert before == stored(swift, upload)
    assert own.is_open() and upload.is_open()


def test_uploads_of_another_account(stranger, upload):
    """Uploads of another account's bucket of the same name are not listed."""
    stranger.request('PUT', upload.bucket)
    own = Upload(stranger, upload.bucket, upload.key)

    listed = send('List Multipart Uploads', stranger, upload).xml('ListMultipartUploadsResult')

    assert [own.id] == [each.text for each in listed.iter('UploadId')]


# The segments container

@pytest.mark.parametrize('acl', ['X-Container-Read', 'X-Container-Write'])
def test_segments_are_nobody_elses(cluster, upload, swift, acl):
    """A right on the bucket is none on its segments container: it can be neither listed, nor read, nor written."""
    swift.post_container(upload.bucket, {acl: 'test:tester3'})
    container = upload.bucket + '_segments'
    name = segment_names(swift, upload.bucket)[-1]
    before = stored(swift, upload)

    with swift_as(cluster, 'test:tester3', 'testing3') as connection:
        for attempt in (lambda: connection.get_container(container), lambda: connection.head_container(container),
                        lambda: connection.get_object(container, name),
                        lambda: connection.put_object(container, name, b'mine'),
                        lambda: connection.put_object(container, 'mine', b'mine'),
                        lambda: connection.delete_object(container, name),
                        lambda: connection.post_container(container, {'X-Container-Read': '.r:*'})):
            with pytest.raises(swiftclient.ClientException) as caught:
                attempt()
            assert 403 == caught.value.http_status
    assert before == stored(swift, upload)


def test_reader_of_the_bucket_reads_no_segment_through_a_manifest_of_his_own(cluster, upload, secret, swift):
    """A large object that somebody makes over segments he may not read cannot be read, or not be made."""
    swift.post_container(upload.bucket, {'X-Container-Read': 'test:tester3', 'X-Container-Write': 'test:tester3'})
    name = segment_names(swift, upload.bucket)[-1]

    with swift_as(cluster, 'test:tester3', 'testing3') as connection:
        connection.put_object(upload.bucket, 'dlo', b'', headers={'X-Object-Manifest': f'{upload.bucket}_segments/key'})
        connection.put_object(upload.bucket, 'link', b'', headers={
            'X-Symlink-Target': f'{upload.bucket}_segments/{name}'})
        for key in ('dlo', 'link'):
            with pytest.raises(swiftclient.ClientException) as caught:
                connection.get_object(upload.bucket, key)
            assert caught.value.http_status in (403, 409)
        with pytest.raises(swiftclient.ClientException) as caught:
            connection.put_object(upload.bucket, 'slo', f'[{{"path": "/{upload.bucket}_segments/{name}"}}]',
                                  query_string='multipart-manifest=put')
        assert 400 == caught.value.http_status


# What is smuggled in

@pytest.mark.parametrize('sent', SMUGGLED_QUERIES.values(), ids=SMUGGLED_QUERIES)
def test_query_that_is_smuggled_in(owner, bucket, swift, sent):
    """Parameters that mean something to Swift mean nothing to a multipart operation."""
    owner.request('PUT', bucket, 'source', body=b'source')
    check_all(owner, bucket, swift, query=sent)


@pytest.mark.parametrize('sent', SMUGGLED_HEADERS.values(), ids=SMUGGLED_HEADERS)
def test_header_that_is_smuggled_in(owner, bucket, secret, swift, sent):
    """Headers that mean something to Swift mean nothing to a multipart operation."""
    owner.request('PUT', bucket, 'source', body=b'source')

    check_all(owner, bucket, swift, headers=[(name, value.replace('SECRET', secret)) for name, value in sent])

    assert ['hidden'] == [row['name'] for row in swift.get_container(secret)[1]]


def check_all(client, bucket, swift, **sent):
    """Go through all operations, each with more than it needs, and check that all is as it would be without."""
    began = send('Initiate', client, Place(bucket), **sent).xml('InitiateMultipartUploadResult')
    upload, aborted = Upload(client, bucket).parts(b'one', b'two'), Upload(client, bucket).parts(b'one', b'two')
    assert 200 == send('Upload Part', client, upload, **sent).outcome
    upload.etags[3] = send('Upload Part Copy', client, upload, **sent).xml('CopyPartResult').findtext('ETag')
    assert ['1', '2', '3'] == [number.text for number in send('List Parts', client, upload, **sent).xml(
        'ListPartsResult').iter('PartNumber')]
    listed = send('List Multipart Uploads', client, upload, **sent).xml('ListMultipartUploadsResult')
    assert [began.findtext('UploadId'), upload.id, aborted.id] == [each.text for each in listed.iter('UploadId')]
    assert 204 == send('Abort', client, aborted, **sent).outcome
    assert 200 == send('Complete', client, upload, **sent).outcome

    assert b'onetwosource' == read(client, bucket, 'key').body
    assert [1, 2, 3] == upload.stored_numbers(swift)
    assert [] == aborted.stored_numbers(swift)
    assert ['key', 'source'] == [row['name'] for row in swift.get_container(bucket)[1]]
    headers = swift.head_container(bucket + '_segments')
    assert not {'x-container-read', 'x-container-write', 'x-versions-enabled'} & set(headers)
    assert 'gold' == headers['x-storage-policy']


class Place:
    """Where an upload is about to be begun."""

    def __init__(self, bucket):
        self.bucket, self.key, self.id, self.listed = bucket, 'key', '', []


def test_part_cannot_become_a_manifest(user, upload, secret, swift):
    """A part whose body is a manifest of somebody else's objects is just a part of these bytes."""
    swift.post_container(upload.bucket, {'X-Container-Read': 'test:tester3', 'X-Container-Write': 'test:tester3'})
    manifest = f'[{{"path": "/{secret}/hidden"}}]'.encode()

    answer = user.request('PUT', upload.bucket, 'key', [
        ('partNumber', '3'), ('uploadId', upload.id), ('multipart-manifest', 'put')], body=manifest)
    upload.etags = {3: answer.headers['ETag']}

    assert 200 == upload.complete().outcome
    assert manifest == read(upload.client, upload.bucket, 'key').body
