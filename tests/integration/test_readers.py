# SPDX-License-Identifier: Apache-2.0
"""Who may read the bucket reads its multipart objects, with no right on the segments container; and nothing else.

https://docs.openstack.org/swift/latest/overview_acl.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from ..cases import for_each
from . import users
from .behind import settle
from .raw import RawClient
from .uploads import TINY_PARTS, Upload, tiny_parts

BODIES = [b'the first part, ', b'the second, ', b'the last']
WHOLE = b''.join(BODIES)
# Not fit for a URL, a path of its own, and like a part itself.
KEYS = ['key', 'a/b', 'gr\u00fcn \u2713/50%?&=+', 'k/00000001-01234567890', 'trailing/']
TEMPURL_KEY = 'key of the temporary URL'


class Person:
    """Somebody who talks to the Swift API: a user with a token, or anybody. headers: sent with every request."""

    def __init__(self, proxy, user=None, key=None, headers=()):
        self.raw = RawClient(proxy.url)
        self.headers = dict(headers)
        if user is not None:
            self.headers['X-Auth-Token'] = users.auth.connection(proxy, user, key).get_auth()[1]

    def ask(self, method, container, name=None, query=(), headers=(), body=b'', account=None):
        """Send a request and return the Answer."""
        return self.raw.request(method, query=query, headers={**self.headers, **dict(headers)}, body=body, sign=None,
                                path=path_of(container, name, account))


class S3Person:
    """Somebody who talks to the S3 API; asks as Person does."""

    def __init__(self, proxy, access, secret, sign='v4'):
        self.raw, self.sign = RawClient(proxy.url, access, secret), sign

    def ask(self, method, container, name=None, query=(), headers=(), body=b''):
        query = {{'part-number': 'partNumber', 'version-id': 'versionId'}.get(word, word): value
                 for word, value in dict(query).items()}
        return self.raw.request(method, container, name, query, headers, body, sign=self.sign)


class TemporaryURL:
    """Somebody who was given temporary URLs, signed with the key of the account or the container."""

    def __init__(self, proxy):
        self.raw = RawClient(proxy.url)

    def ask(self, method, container, name, query=(), headers=()):
        path, expires = path_of(container, name), int(time.time()) + 300
        # The path is signed as it is before it is encoded.
        text = f'{method}\n{expires}\n/v1/{users.account()}/{container}/{name}'
        signature = hmac.new(TEMPURL_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
        return self.raw.request(method, query={'temp_url_sig': signature, 'temp_url_expires': expires},
                                headers=headers, path=path, sign=None)


def path_of(container, name=None, account=None):
    """Return the encoded path of a container or an object."""
    return '/v1/' + '/'.join(quote(part) for part in (account or users.account(), container, name) if part is not None)


@pytest.fixture(scope='module')
def proxy(cluster):
    """A proxy that takes parts of any size."""
    return tiny_parts(cluster)


@pytest.fixture(scope='module')
def owner(proxy):
    """The administrator of the account."""
    return Person(proxy, 'test:tester', 'testing')


@pytest.fixture(scope='module')
def user(proxy):
    """A user of the account who has no rights but those that a bucket grants."""
    return Person(proxy, 'test:tester3', 'testing3')


@pytest.fixture(scope='module')
def s3_user(proxy):
    """The same user, through the S3 API."""
    return S3Person(proxy, 'test:tester3', 'testing3')


@pytest.fixture(scope='module')
def stranger(proxy):
    """The administrator of another account."""
    return Person(proxy, 'test2:tester2', 'testing2')


@pytest.fixture(scope='module')
def make_bucket(owner):
    """A factory of buckets with these headers."""
    def make(**headers):
        name = 'readers-' + secrets.token_hex(6)
        answer = owner.ask('PUT', name, headers=named(headers))
        assert 201 == answer.status, answer.body
        return name
    return make


@pytest.fixture(scope='module')
def make_object(proxy):
    """A factory of finished uploads in a bucket."""
    def make(bucket, key='key', bodies=BODIES):
        upload = Upload(RawClient(proxy.url), bucket, key).parts(*bodies)
        assert 200 == upload.complete().outcome
        return upload
    return make


def named(headers):
    """Return keyword arguments as headers."""
    return {name.replace('_', '-'): value for name, value in headers.items()}


def grant(owner, bucket, read='', write=''):
    """Set the ACLs of a bucket."""
    assert 204 == owner.ask('POST', bucket, headers={'X-Container-Read': read, 'X-Container-Write': write}).status


# Who reads

EVERYBODY_OF_TEST2 = object()     # what an ACL says for that depends on who tells users apart
READERS = {
    'a user of the account': ('test:tester3', lambda proxy: Person(proxy, 'test:tester3', 'testing3')),
    'a user of another account': ('test2:tester2', lambda proxy: Person(proxy, 'test2:tester2', 'testing2')),
    'another account': (EVERYBODY_OF_TEST2, lambda proxy: Person(proxy, 'test2:tester2', 'testing2')),
    'anybody': ('.r:*', Person),
    'a referrer': ('.r:.example.com', lambda proxy: Person(proxy, headers={'Referer': 'http://www.example.com/x'})),
    'a user through S3': ('test:tester3', lambda proxy: S3Person(proxy, 'test:tester3', 'testing3')),
    'a presigned URL': ('test:tester3', lambda proxy: S3Person(proxy, 'test:tester3', 'testing3', 'presigned-v4')),
    'a tempurl of the account': ('', TemporaryURL),
    'a tempurl of the container': ('', TemporaryURL),
}


@pytest.fixture(scope='module', params=READERS)
def reader(request, proxy, owner, make_bucket, make_object):
    """Somebody who may read the bucket of `upload`: `ask` with method, query and headers."""
    acl, make = READERS[request.param]
    bucket = make_bucket(X_Container_Read=users.auth.everybody('test2') if acl is EVERYBODY_OF_TEST2 else acl)
    keyed = {'a tempurl of the account': None, 'a tempurl of the container': bucket}.get(request.param, '')
    if keyed != '':
        header = f'X-{"Container" if keyed else "Account"}-Meta-Temp-Url-Key'
        assert 204 == ask_for_keys(owner, keyed, {header: TEMPURL_KEY}).status
    person, upload = make(proxy), make_object(bucket)
    yield SimpleNamespace(upload=upload, person=person, kind=request.param, ask=lambda method, query=(), headers=():
                          person.ask(method, bucket, upload.key, query, headers))
    if keyed is None:
        ask_for_keys(owner, None, {'X-Account-Meta-Temp-Url-Key': ''})


def ask_for_keys(owner, container, headers):
    """POST metadata to a container, or to the account."""
    return owner.raw.request('POST', path=f'/v1/{users.account()}' + (f'/{container}' if container else ''), sign=None,
                             headers={**owner.headers, **headers})


WAYS = {
    'whole': ('GET', {}, {}, 200, WHOLE),
    'range in one part': ('GET', {}, {'Range': 'bytes=4-8'}, 206, WHOLE[4:9]),
    'range across parts': ('GET', {}, {'Range': 'bytes=10-30'}, 206, WHOLE[10:31]),
    'open range': ('GET', {}, {'Range': 'bytes=20-'}, 206, WHOLE[20:]),
    'last bytes': ('GET', {}, {'Range': 'bytes=-10'}, 206, WHOLE[-10:]),
    'if there': ('GET', {}, {'If-Match': '*'}, 200, WHOLE),
    'if not there': ('GET', {}, {'If-None-Match': '*'}, 304, b''),
    'first part': ('GET', {'part-number': 1}, {}, 206, BODIES[0]),
    'last part': ('GET', {'part-number': 3}, {}, 206, BODIES[2]),
    'HEAD': ('HEAD', {}, {}, 200, len(WHOLE)),
    'HEAD of a part': ('HEAD', {'part-number': 2}, {}, 206, len(BODIES[1])),
}


def test_reader_of_the_bucket_reads_its_multipart_object(reader):
    """Whole, by range, by part number and under conditions, as the owner does."""
    def check(way):
        method, query, headers, status, expected = WAYS[way]
        answer = reader.ask(method, query, headers)

        assert status == answer.status
        assert expected == (int(answer.headers['Content-Length']) if method == 'HEAD' else answer.body)

    # The filter tempurl takes the query away, and with it the part number.
    for_each([way for way in WAYS if 'tempurl' not in reader.kind or not WAYS[way][1]], check)


def test_two_ranges(reader):
    """Several ranges in one request, each in another part."""
    answer = reader.ask('GET', headers={'Range': 'bytes=0-2,30-34'})

    assert 206 == answer.status
    assert WHOLE[:3] in answer.body and WHOLE[30:35] in answer.body


@pytest.mark.parametrize('key', KEYS)
def test_any_key(owner, user, s3_user, make_bucket, make_object, key):
    """Whatever the key, also one that looks like a part."""
    bucket = make_bucket(X_Container_Read='test:tester3')
    make_object(bucket, key)

    assert WHOLE == user.ask('GET', bucket, key).body == s3_user.ask('GET', bucket, key).body


# When the rights change

def test_right_that_is_granted_later_and_withdrawn(owner, user, s3_user, make_bucket, make_object):
    """The ACL of the bucket counts as it is when the object is read, whenever the object was made."""
    bucket = make_bucket()
    make_object(bucket)

    assert [403, 403] == [person.ask('GET', bucket, 'key').status for person in (user, s3_user)]
    grant(owner, bucket, 'test:tester3')
    assert [WHOLE, WHOLE] == [person.ask('GET', bucket, 'key').body for person in (user, s3_user)]
    grant(owner, bucket, 'test:somebody-else')
    assert [403, 403] == [person.ask('GET', bucket, 'key').status for person in (user, s3_user)]


def test_bucket_that_is_made_public_and_private_again(owner, proxy, make_bucket, make_object):
    """Anybody reads while the bucket is public, and a referrer only with the right word."""
    bucket = make_bucket()
    make_object(bucket)
    anybody, visitor = Person(proxy), Person(proxy, headers={'Referer': 'http://a.example.org/'})

    statuses = []
    for acl in ('', '.r:*', '.r:.example.org', '.r:*,.r:-.example.org', ''):
        grant(owner, bucket, acl)
        statuses.append([person.ask('GET', bucket, 'key').status for person in (anybody, visitor)])

    assert [[401, 401], [200, 200], [401, 200], [200, 401], [401, 401]] == statuses


def test_tempurl_whose_key_was_changed(owner, proxy, make_bucket, make_object):
    """With the key of the container its temporary URLs go."""
    bucket = make_bucket(X_Container_Meta_Temp_Url_Key=TEMPURL_KEY)
    make_object(bucket)
    link = TemporaryURL(proxy)

    assert WHOLE == link.ask('GET', bucket, 'key').body
    ask_for_keys(owner, bucket, {'X-Container-Meta-Temp-Url-Key': 'another'})
    assert 401 == link.ask('GET', bucket, 'key').status


def test_nothing_is_written_for_it(owner, reader, proxy):
    """The segments container has no ACL and no key, and nothing but the parts."""
    reader.ask('GET')
    container = reader.upload.bucket + '_segments'

    settle()
    headers = owner.ask('HEAD', container).headers

    assert [] == [name for name in headers if name.lower().startswith(('x-container-read', 'x-container-write',
                                                                       'x-container-meta', 'x-container-sysmeta'))]
    assert str(len(BODIES)) == headers['X-Container-Object-Count']


# Copies

COPIES = {
    'CopyObject': lambda user, s3_user, source, target: s3_user.ask(
        'PUT', target, 'copy', headers={'X-Amz-Copy-Source': source}),
    'COPY': lambda user, s3_user, source, target: user.ask(
        'COPY', *source[1:].split('/'), headers={'Destination': f'{target}/copy'}),
    'X-Copy-From': lambda user, s3_user, source, target: user.ask(
        'PUT', target, 'copy', headers={'X-Copy-From': source}),
    'X-Copy-From with a range': lambda user, s3_user, source, target: user.ask(
        'PUT', target, 'copy', headers={'X-Copy-From': source, 'Range': 'bytes=3-20'}),
    'Upload Part Copy': lambda user, s3_user, source, target: part_copy(s3_user, source, target),
    'Upload Part Copy of a range': lambda user, s3_user, source, target: part_copy(
        s3_user, source, target, {'x-amz-copy-source-range': 'bytes=3-20'}),
}


def part_copy(s3_user, source, target, headers=None):
    """Copy the source into the only part of an upload, complete it if that worked, and return the Answer."""
    upload = Upload(s3_user.raw, target, 'copy')
    answer = s3_user.raw.copy_part(target, 'copy', upload.id, 1, source, headers or {})
    if answer.status == 200:
        assert 200 == upload.complete([(1, answer.xml('CopyPartResult').findtext('ETag'))]).outcome
    return answer


@pytest.mark.parametrize('copy', COPIES)
def test_reader_copies(owner, user, s3_user, make_bucket, make_object, copy):
    """With the right to read the source and to write the target, and not without the one or the other."""
    source, target = make_bucket(), make_bucket(X_Container_Write='test:tester3')
    make_object(source)
    expected = WHOLE[3:21] if 'range' in copy else WHOLE

    assert 403 == COPIES[copy](user, s3_user, f'/{source}/key', target).status
    assert 404 == owner.ask('HEAD', target, 'copy').status
    grant(owner, source, 'test:tester3')
    assert 300 > COPIES[copy](user, s3_user, f'/{source}/key', target).status
    assert expected == owner.ask('GET', target, 'copy').body
    grant(owner, source, '', 'test:tester3')
    assert 403 == COPIES[copy](user, s3_user, f'/{source}/key', target).status


def test_copy_within_one_bucket(owner, user, s3_user, make_bucket, make_object):
    """Over the very object, too."""
    bucket = make_bucket(X_Container_Read='test:tester3', X_Container_Write='test:tester3')
    make_object(bucket)

    assert 200 == s3_user.ask('PUT', bucket, 'copy', headers={'X-Amz-Copy-Source': f'/{bucket}/key'}).status
    assert 201 == user.ask('COPY', bucket, 'key', headers={'Destination': f'{bucket}/key'}).status
    assert WHOLE == user.ask('GET', bucket, 'key').body == user.ask('GET', bucket, 'copy').body


@pytest.mark.parametrize('way', ['COPY', 'X-Copy-From'])
def test_copy_into_another_account(stranger, make_bucket, make_object, way):
    """A reader of another account takes a copy home."""
    source, home = make_bucket(X_Container_Read='test2:tester2'), 'home-' + secrets.token_hex(4)
    make_object(source)
    stranger.ask('PUT', home, account=users.auth.account('test2'))

    if way == 'COPY':
        copied = stranger.ask('COPY', source, 'key', headers={
            'Destination': f'{home}/copy', 'Destination-Account': users.auth.account('test2')})
    else:
        copied = stranger.ask('PUT', home, 'copy', account=users.auth.account('test2'), headers={
            'X-Copy-From': f'{source}/key', 'X-Copy-From-Account': users.account()})

    assert 201 == copied.status
    assert WHOLE == stranger.ask('GET', home, 'copy', account=users.auth.account('test2')).body


# Links, versions and web pages

def test_link_to_a_multipart_object(owner, user, s3_user, make_bucket, make_object):
    """A symbolic link, static or not, is read by who may read both buckets."""
    bucket, links = make_bucket(X_Container_Read='test:tester3'), make_bucket(X_Container_Read='test:tester3')
    make_object(bucket)
    etag = owner.ask('GET', bucket, 'key', {'multipart-manifest': 'get'}).headers['ETag']
    owner.ask('PUT', links, 'link', headers={'X-Symlink-Target': f'{bucket}/key'})
    owner.ask('PUT', links, 'static', headers={'X-Symlink-Target': f'{bucket}/key', 'X-Symlink-Target-Etag': etag})
    owner.ask('PUT', links, 'far', headers={'X-Symlink-Target': f'{links}/link'})

    for name in ('link', 'static', 'far'):
        assert WHOLE == user.ask('GET', links, name).body == s3_user.ask('GET', links, name).body
        assert WHOLE[4:20] == user.ask('GET', links, name, headers={'Range': 'bytes=4-19'}).body
    grant(owner, bucket)
    for name in ('link', 'static', 'far'):
        assert 403 == user.ask('GET', links, name).status == s3_user.ask('GET', links, name).status


def test_bucket_with_versions(owner, user, s3_user, make_bucket, make_object):
    """The latest version is read like any object; older ones, as with plain objects in Swift, by the account only."""
    bucket = make_bucket()
    make_object(bucket, bodies=[b'from before ', b'the versions'])
    assert 204 == owner.ask('POST', bucket, headers={'X-Versions-Enabled': 'true'}).status
    make_object(bucket)
    make_object(bucket, 'other')
    grant(owner, bucket, 'test:tester3')
    for body in (b'1', b'2'):
        owner.ask('PUT', bucket, 'plain', body=body)

    for person in (user, s3_user):
        assert WHOLE == person.ask('GET', bucket, 'key').body == person.ask('GET', bucket, 'other').body
        assert BODIES[1] == person.ask('GET', bucket, 'key', {'part-number': 2}).body
        for name in ('key', 'plain'):
            versions = [row['version_id'] for row in json.loads(owner.ask(
                'GET', bucket, query={'versions': '', 'format': 'json', 'prefix': name}).body)]
            assert [2, [403, 403]] == [len(versions), [
                person.ask('GET', bucket, name, {'version-id': version}).status for version in versions]]


def test_object_of_a_suspended_bucket(owner, user, s3_user, make_bucket, make_object):
    """What is written while versions are suspended is version null, and read by its name and as that."""
    bucket = make_bucket(X_Versions_Enabled='true', X_Container_Read='test:tester3')
    owner.ask('POST', bucket, headers={'X-Versions-Enabled': 'false'})
    make_object(bucket)

    for person in (user, s3_user):
        assert WHOLE == person.ask('GET', bucket, 'key').body
        assert WHOLE == person.ask('GET', bucket, 'key', {'version-id': 'null'}).body


def test_object_that_legacy_versions_brought_back(owner, user, make_bucket, make_object):
    """X-Versions-Location: what lies in the archive is the account's; what comes back is read again."""
    archive = make_bucket(X_Container_Read='test:tester3')
    bucket = make_bucket(X_Container_Read='test:tester3', X_Versions_Location=archive)
    make_object(bucket)
    owner.ask('PUT', bucket, 'key', body=b'newer')
    archived = owner.ask('GET', archive).body.decode().strip()

    assert 409 == user.ask('GET', archive, archived).status
    assert WHOLE == owner.ask('GET', archive, archived).body
    owner.ask('DELETE', bucket, 'key')
    assert WHOLE == user.ask('GET', bucket, 'key').body


def test_static_web(cluster, owner, make_bucket, make_object):
    """Pages and the index of a public site."""
    proxy = cluster.add_proxy('static-web', pipeline=cluster.pipeline.replace('s3multi', 'staticweb s3multi'),
                              filters=TINY_PARTS)
    bucket = make_bucket(X_Container_Read='.r:*,.rlistings', X_Container_Meta_Web_Index='index.html')
    make_object(bucket, 'index.html')
    make_object(bucket, 'page', [b'page'])
    visitor = Person(proxy)

    assert WHOLE == visitor.ask('GET', bucket, '').body == visitor.ask('GET', bucket, 'index.html').body
    assert b'page' == visitor.ask('GET', bucket, 'page').body
    cluster.proxies.pop('static-web').stop()


# Nothing else

def parts_of(swift, upload):
    """Return the full names of the stored parts of an upload."""
    return [f'{upload.key}/{upload.id}{name}' for name in upload.stored(swift) if name.startswith('/0')]


def manifest(container, *names):
    """Return the body of a PUT that makes a static large object of these."""
    return json.dumps([{'path': f'/{container}/{name}'} for name in names]).encode()


@pytest.mark.parametrize('acl', ['test:tester3', '.r:*,.rlistings'])
def test_reader_neither_lists_nor_reads_the_segments_container(swift, user, s3_user, make_bucket, make_object, acl):
    """However the bucket is opened: a part is read as part of its object, and not by its own name."""
    bucket = make_bucket(X_Container_Read=acl)
    names, container = parts_of(swift, make_object(bucket)), bucket + '_segments'

    for person in (user, s3_user):
        assert WHOLE == person.ask('GET', bucket, 'key').body
        for method in ('GET', 'HEAD'):
            assert person.ask(method, container).status in (400, 403, 404)
            for name in names:
                assert person.ask(method, container, name).status in (400, 403, 404)
                assert person.ask(method, container, name, {'multipart-manifest': 'get'}).status in (400, 403, 404)
    for name in names:
        assert 403 == user.ask('COPY', container, name, headers={'Destination': f'{bucket}/copy'}).status


def test_reader_makes_no_manifest_over_parts(owner, swift, user, make_bucket, make_object):
    """Neither by hand nor by a copy of the manifest, wherever he may write, also at the very name of the object."""
    bucket = make_bucket(X_Container_Read='test:tester3', X_Container_Write='test:tester3')
    other = make_bucket(X_Container_Read='test:tester3', X_Container_Write='test:tester3')
    names = parts_of(swift, make_object(bucket))

    for target, name in ((bucket, 'key'), (bucket, 'mine'), (other, 'key'), (other, 'mine')):
        for parts in (names, names[:1]):
            answer = user.ask('PUT', target, name, {'multipart-manifest': 'put'}, body=manifest(
                bucket + '_segments', *parts))
            assert 400 == answer.status and answer.body.count(b'403 Forbidden') == len(parts)
        if (target, name) != (bucket, 'key'):
            query, to = {'multipart-manifest': 'get'}, f'{target}/{name}'
            for answer in (user.ask('PUT', target, name, query, {'X-Copy-From': f'{bucket}/key'}),
                           user.ask('COPY', bucket, 'key', query, {'Destination': to})):
                assert 400 == answer.status and b'403 Forbidden' in answer.body
            assert 404 == owner.ask('HEAD', target, name).status
    assert WHOLE == user.ask('GET', bucket, 'key').body


def test_manifest_of_the_owner_elsewhere(owner, swift, user, s3_user, make_bucket, make_object):
    """One that names the parts but is not their object is the account's, as in Swift; the owner can copy the bytes."""
    bucket, other = make_bucket(X_Container_Read='test:tester3'), make_bucket(X_Container_Read='test:tester3')
    names = parts_of(swift, make_object(bucket))
    owner.ask('PUT', bucket, 'link', headers={'X-Symlink-Target': f'{other}/key'})
    for target, name in ((bucket, 'again'), (other, 'key'), (other, 'again')):
        assert 201 == owner.ask('PUT', target, name, {'multipart-manifest': 'put'}, body=manifest(
            bucket + '_segments', *names)).status

    for target, name in ((bucket, 'again'), (other, 'key'), (other, 'again'), (bucket, 'link')):
        assert WHOLE == owner.ask('GET', target, name).body
        assert 409 == user.ask('GET', target, name).status
        assert 409 == user.ask('COPY', target, name, headers={'Destination': f'{other}/copy'}).status
        assert b'BrokenMPU' in s3_user.ask('GET', target, name).body
    assert WHOLE == user.ask('GET', bucket, 'key').body


def test_segments_that_are_not_ours(owner, user, make_bucket, make_object):
    """What clients of the Swift API keep in a container of that name stays theirs, also in a name of our form."""
    bucket = make_bucket(X_Container_Read='test:tester3')
    upload = make_object(bucket, 'other')
    names = ['key/1700000000.000000/30/10/00000001', f'key/{upload.id}/00000001-01234567890',
             f'key/{"0" * len(upload.id)}/00000001-01234567890', 'key/00000001-01234567890']
    for name in names:
        owner.ask('PUT', bucket + '_segments', name, body=b'segment')
        assert 201 == owner.ask('PUT', bucket, 'key', {'multipart-manifest': 'put'}, body=manifest(
            bucket + '_segments', name)).status

        assert b'segment' == owner.ask('GET', bucket, 'key').body
        assert 409 == user.ask('GET', bucket, 'key').status


def test_manifest_of_another_account(swift, user, stranger, make_bucket, make_object):
    """A link into an account where the same names hold the same bytes lends nothing, whatever the link is called."""
    bucket = make_bucket(X_Container_Read='test2:tester2', X_Container_Write='test2:tester2')
    names = parts_of(swift, make_object(bucket))
    for container in (bucket, bucket + '_segments'):
        stranger.ask('PUT', container, account=users.auth.account('test2'))
    for name, body in zip(names, BODIES):
        stranger.ask('PUT', bucket + '_segments', name, body=body, account=users.auth.account('test2'))
    assert 201 == stranger.ask('PUT', bucket, 'key', {'multipart-manifest': 'put'}, body=manifest(
        bucket + '_segments', *names), account=users.auth.account('test2')).status

    for link in ('link', 'key'):
        assert 201 == stranger.ask('PUT', bucket, link, headers={
            'X-Symlink-Target': f'{bucket}/key', 'X-Symlink-Target-Account': users.auth.account('test2')}).status
        assert 409 == stranger.ask('GET', bucket, link).status


def open_upload(proxy, bucket, key='key'):
    """Begin an upload with a part that nobody shall read before it is completed."""
    return Upload(RawClient(proxy.url), bucket, key).parts(b'not yet')


def test_parts_of_an_open_upload(proxy, swift, user, s3_user, make_bucket, make_object):
    """Who may read and write the bucket reads no part of an upload that is not complete; he may complete it."""
    bucket = make_bucket(X_Container_Read='test:tester3', X_Container_Write='test:tester3')
    make_object(bucket)
    upload = open_upload(proxy, bucket)
    container, (name,) = bucket + '_segments', parts_of(swift, upload)

    assert 403 == user.ask('GET', container, name).status
    for key in ('key', 'mine'):
        assert 400 == user.ask('PUT', bucket, key, {'multipart-manifest': 'put'}, body=manifest(container, name)).status
    for headers in ({'X-Symlink-Target': f'{container}/{name}'}, {'X-Object-Manifest': f'{container}/{name}'}):
        assert 201 == user.ask('PUT', bucket, 'key', headers=headers).status
        assert user.ask('GET', bucket, 'key').status in (403, 409)
    assert 403 == user.ask('PUT', bucket, 'key', headers={
        'X-Symlink-Target': f'{container}/{name}', 'X-Symlink-Target-Etag': upload.etags[1].strip('"')}).status
    assert part_copy(s3_user, f'/{container}/{quote(name)}', bucket).status in (400, 403, 404)
    assert 200 == upload.complete(client=s3_user.raw).outcome
    assert b'not yet' == user.ask('GET', bucket, 'key').body


@pytest.mark.parametrize('place', ['another bucket', 'another bucket, by way of the object', 'the object'])
def test_manifest_that_slo_never_checked(proxy, owner, swift, user, make_bucket, make_object, place):
    """A dynamic large object on top of a static one hands SLO any manifest: it names parts of the open upload in vain.

    The manifest lies in a bucket of one's own, leads through the object that may be read, or stands in its place.
    """
    bucket = make_bucket(X_Container_Read='test:tester3', X_Container_Write='test:tester3')
    mine = make_bucket(X_Container_Read='test:tester3', X_Container_Write='test:tester3')
    make_object(bucket)
    upload = open_upload(proxy, bucket)
    (name,) = parts_of(swift, upload)
    wanted = {'name': f'/{bucket}_segments/{name}', 'bytes': 7, 'hash': hashlib.md5(b'not yet').hexdigest(),
              'content_type': 'x', 'last_modified': '2026-01-01T00:00:00.000000'}
    through = {'name': f'/{bucket}/key', 'bytes': len(WHOLE), 'sub_slo': True, 'content_type': 'x', 'hash': 'x'}
    link = {**through, 'name': f'/{mine}/link'}
    user.ask('PUT', mine, 'link', headers={'X-Symlink-Target': f'{bucket}/key'})
    target = (bucket, 'key') if place == 'the object' else (mine, 'key')
    for entries in [[wanted]] if 'way' not in place else [[through, wanted], [link, wanted]]:
        user.ask('PUT', mine, 'bytes', body=b'-' * sum(entry['bytes'] for entry in entries))
        user.ask('PUT', mine, 'forged/1', body=json.dumps(entries).encode())
        user.ask('PUT', *target, {'multipart-manifest': 'put'}, body=manifest(mine, 'bytes'))
        assert 202 == user.ask('POST', *target, headers={'X-Object-Manifest': f'{mine}/forged/'}).status

        assert b'not yet' == owner.ask('GET', *target, headers={'Range': 'bytes=-7'}).body
        for headers in ({}, {'Range': 'bytes=-7'}):
            answer = user.ask('GET', *target, headers=headers)
            assert b'not' not in answer.body


@pytest.mark.parametrize('query', [{}, {'part-number': 1}, {'multipart-manifest': 'get'}], ids=str)
@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_object_is_denied_to_who_may_only_write(user, s3_user, make_bucket, make_object, method, query):
    """As any object."""
    bucket = make_bucket(X_Container_Write='test:tester3')
    make_object(bucket)

    assert [403, 403] == [person.ask(method, bucket, 'key', query).status for person in (user, s3_user)]


# What somebody may try who writes the bucket but does not read it. `own` is a bucket that he reads and writes.
TRICKS = {
    'COPY': lambda ask, bucket, own, names: ask('COPY', bucket, 'key', headers={'Destination': f'{own}/taken'}),
    'COPY of the manifest': lambda ask, bucket, own, names: ask(
        'COPY', bucket, 'key', {'multipart-manifest': 'get'}, {'Destination': f'{own}/taken'}),
    'X-Copy-From': lambda ask, bucket, own, names: ask('PUT', own, 'taken', headers={'X-Copy-From': f'{bucket}/key'}),
    'X-Copy-From of a part': lambda ask, bucket, own, names: ask(
        'PUT', own, 'taken', headers={'X-Copy-From': quote(f'{bucket}_segments/{names[0]}')}),
    'manifest over the object': lambda ask, bucket, own, names: ask(
        'PUT', own, 'taken', {'multipart-manifest': 'put'}, body=manifest(bucket, 'key')),
    'manifest over the parts': lambda ask, bucket, own, names: ask(
        'PUT', own, 'taken', {'multipart-manifest': 'put'}, body=manifest(bucket + '_segments', *names)),
    'manifest over the parts, in the bucket': lambda ask, bucket, own, names: ask(
        'PUT', bucket, 'taken', {'multipart-manifest': 'put'}, body=manifest(bucket + '_segments', *names)),
    'manifest in place of the object': lambda ask, bucket, own, names: ask(
        'PUT', bucket, 'key', {'multipart-manifest': 'put'}, body=manifest(bucket + '_segments', *names)),
    'link to the object': lambda ask, bucket, own, names: ask(
        'PUT', own, 'taken', headers={'X-Symlink-Target': f'{bucket}/key'}),
    'link to a part': lambda ask, bucket, own, names: ask(
        'PUT', own, 'taken', headers={'X-Symlink-Target': quote(f'{bucket}_segments/{names[0]}')}),
    'link in the bucket to a part': lambda ask, bucket, own, names: ask(
        'PUT', bucket, 'taken', headers={'X-Symlink-Target': quote(f'{bucket}_segments/{names[0]}')}),
    'dynamic large object over the bucket': lambda ask, bucket, own, names: ask(
        'PUT', own, 'taken', headers={'X-Object-Manifest': f'{bucket}/k'}),
    'dynamic large object over the parts': lambda ask, bucket, own, names: ask(
        'PUT', own, 'taken', headers={'X-Object-Manifest': f'{bucket}_segments/k'}),
}


@pytest.mark.parametrize('trick', TRICKS)
def test_who_may_only_write_does_not_read(owner, swift, user, make_bucket, make_object, trick):
    """The right to write is no way to the right to read, whatever is crafted here or in a bucket of one's own."""
    bucket = make_bucket(X_Container_Write='test:tester3')
    own = make_bucket(X_Container_Read='test:tester3', X_Container_Write='test:tester3')
    names = parts_of(swift, make_object(bucket))

    answers = [TRICKS[trick](user.ask, bucket, own, names)]
    answers += [user.ask('GET', *place) for place in ((own, 'taken'), (bucket, 'taken'), (bucket, 'key'))]
    answers += [user.ask('GET', own, 'taken', query) for query in ({'part-number': 1}, {'multipart-manifest': 'get'})]

    for answer in answers:
        assert not [body for body in BODIES if body in answer.body]
        # An error repeats what was asked for.
        assert names[0].encode() not in answer.body or answer.status == 400


@pytest.mark.parametrize('source', ['{0}/key', '{0}_segments/{1}', 'link/key'])
def test_who_may_only_write_does_not_copy(swift, s3_user, make_bucket, make_object, source):
    """CopyObject and Upload Part Copy read their source with the rights of the client, links to it too."""
    bucket = make_bucket(X_Container_Write='test:tester3')
    own = make_bucket(X_Container_Read='test:tester3', X_Container_Write='test:tester3')
    name = parts_of(swift, make_object(bucket))[0]
    swift.put_object(own, 'key', b'', headers={'X-Symlink-Target': f'{bucket}/key'})
    source = '/' + quote(source.format(bucket, name).replace('link/', own + '/'))

    assert s3_user.ask('PUT', own, 'copy', headers={'X-Amz-Copy-Source': source}).status in (400, 403, 404)
    assert part_copy(s3_user, source, own).status in (400, 403, 404)
    assert part_copy(s3_user, source, bucket).status in (400, 403, 404)
