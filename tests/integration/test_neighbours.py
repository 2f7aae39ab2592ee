# SPDX-License-Identifier: Apache-2.0
"""Every filter of the recommended pipeline does its work on multipart objects, and leaves multipart requests to work.

Quotas have test_quotas, and copies test_copy_part. The pipeline is that of ``doc/install.rst``, in full.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from pathlib import Path

import pytest
import requests
import swiftclient

from s3multi.demo.cluster import Cluster
from s3multi.demo.conf import merge
from s3multi.demo.ports import HOST, free_port

from . import behind
from .raw import RawClient, multipart_etag
from .uploads import TINY_PARTS, Upload, read, segment_names

INSTALL = Path(__file__).parents[2] / 'doc' / 'install.rst'
FIRST, SECOND, THIRD = b'<p>first ', b'second</p>', b'another'
BODY = FIRST + SECOND
FILTERS = {
    **TINY_PARTS,
    's3api': {'cors_preflight_allow_origin': '*'},
    'keymaster': {'encryption_root_secret': 'bm90IGEgc2VjcmV0LCBvbmx5IGZvciB0aGUgdGVzdHMuLi4='},
}


def recommended_pipeline():
    """Return the first pipeline in the docs that has it all, as it is written there."""
    blocks = re.findall(r'pipeline = ((?:.+\n)+)', INSTALL.read_text(encoding='utf-8'))
    return next(' '.join(block.split()) for block in blocks if 'staticweb' in block)


@pytest.fixture(scope='module')
def proxy(cluster):
    """A proxy with the recommended pipeline."""
    return cluster.add_proxy('neighbours', pipeline=recommended_pipeline(), filters=FILTERS)


@pytest.fixture
def client(proxy):
    """A client of that proxy."""
    return RawClient(proxy.url)


@pytest.fixture(scope='module')
def swift(proxy):
    """A connection to its Swift API, as the account's administrator."""
    connection = swiftclient.Connection(proxy.auth_url, 'test:tester', 'testing', retries=0)
    yield connection
    connection.close()


@pytest.fixture
def get(swift):
    """A function that GETs a path below the account through the Swift API, as its administrator."""
    url, token = swift.get_auth()

    def send(path, query='', **headers):
        headers = {name.replace('_', '-'): value for name, value in headers.items()}
        return requests.get(f'{url}/{path}?{query}', headers={'X-Auth-Token': token, **headers}, timeout=60)

    return send


def test_all_of_them_are_there(proxy):
    """The pipeline of the docs has the neighbours that these tests are about, and works: uploads, lists, aborts."""
    info = requests.get(proxy.url + '/info', timeout=60).json()

    assert {'s3api', 's3multi', 'container_sync', 'bulk_delete', 'tempurl', 'ratelimit', 'staticweb',
            'container_quotas', 'account_quotas', 'slo', 'versioned_writes', 'symlink'} <= set(info)


def test_life_of_an_upload(client, bucket, swift):
    """Upload, lists, copy, abort, download, overwrite and delete."""
    client.request('PUT', bucket, 'source', body=FIRST)
    upload = Upload(client, bucket, 'key', {'x-amz-meta-a': 'b', 'Content-Type': 'text/html'}).parts(FIRST, b'old')
    upload.part(2, SECOND)
    assert 200 == client.copy_part(bucket, 'key', upload.id, 3, f'/{bucket}/source').status
    listed = upload.list_parts().xml('ListPartsResult').findall('Part')
    assert [str(len(body)) for body in (FIRST, SECOND, FIRST)] == [part.findtext('Size') for part in listed]
    uploads = client.list_uploads(bucket).xml('ListMultipartUploadsResult').findall('Upload')
    assert [upload.id] == [each.findtext('UploadId') for each in uploads]
    assert 200 == upload.complete().outcome

    answer = read(client, bucket, 'key')
    assert (BODY, 'b', 'text/html') == (answer.body, answer.headers['x-amz-meta-a'], answer.headers['Content-Type'])
    assert multipart_etag([FIRST, SECOND]) == answer.etag
    assert SECOND == read(client, bucket, 'key', {'partNumber': 2}).body
    other = Upload(client, bucket, 'key').parts(THIRD)
    assert 204 == other.abort().outcome
    assert [] == [name for name in other.stored(swift) if name]
    client.put_multipart(bucket, 'key', [THIRD])
    assert THIRD == read(client, bucket, 'key').body
    assert 204 == client.request('DELETE', bucket, 'key').status
    assert 404 == read(client, bucket, 'key').status


# To the left of s3api

def temporary_url(proxy, method, path, key):
    """Return the part of a temporary URL that signs a method and a path."""
    expires = int(time.time()) + 600
    text = f'{method}\n{expires}\n{path}'
    signature = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f'{proxy.url}{path}?temp_url_sig={signature}&temp_url_expires={expires}'


@pytest.fixture
def temp_url_key(swift):
    """The account's key for temporary URLs."""
    key = secrets.token_hex(8)
    swift.post_account({'X-Account-Meta-Temp-Url-Key': key})
    yield key
    swift.post_account({'X-Account-Meta-Temp-Url-Key': ''})


@pytest.mark.parametrize('headers, status, body', [({}, 200, BODY), ({'Range': 'bytes=9-14'}, 206, b'second')])
def test_tempurl_reads_a_multipart_object(proxy, client, bucket, temp_url_key, headers, status, body):
    """Whoever has the URL reads the whole, or a range, though the parts lie elsewhere."""
    client.put_multipart(bucket, 'key', [FIRST, SECOND])
    url = temporary_url(proxy, 'GET', f'/v1/AUTH_test/{bucket}/key', temp_url_key)
    answer = requests.get(url, headers=headers, timeout=60)

    assert (status, body) == (answer.status_code, answer.content)


def test_tempurl_is_no_way_into_an_upload(proxy, client, bucket, temp_url_key):
    """A temporary URL to PUT an object means that, whatever is added to it; S3's own presigned URLs are for parts."""
    upload = Upload(client, bucket, 'key').parts(FIRST)
    url = temporary_url(proxy, 'PUT', f'/v1/AUTH_test/{bucket}/key', temp_url_key)
    answer = requests.put(f'{url}&partNumber=2&uploadId={upload.id}', data=THIRD, timeout=60)

    assert 201 == answer.status_code
    assert THIRD == read(client, bucket, 'key').body
    assert ['1'] == [part.findtext('PartNumber') for part in upload.list_parts().xml('ListPartsResult').iter('Part')
                     if part.findtext('PartNumber')]
    assert 401 == requests.delete(f'{url}&uploadId={upload.id}', timeout=60).status_code
    assert upload.is_open()


def test_bulk_delete(client, bucket, swift, get):
    """A bulk delete of the Swift API takes the object, and not its parts, as with any large object."""
    client.put_multipart(bucket, 'key', [FIRST, SECOND])
    assert 2 == len(segment_names(swift, bucket))
    url, token = swift.get_auth()
    answer = requests.post(f'{url}?bulk-delete', data=f'{bucket}/key\n', timeout=60, headers={
        'X-Auth-Token': token, 'Content-Type': 'text/plain', 'Accept': 'application/json'})

    assert 1 == answer.json()['Number Deleted']
    assert 404 == read(client, bucket, 'key').status
    assert 2 == len(segment_names(swift, bucket))


def test_container_sync(tmp_path):
    """A bucket and its segments container, both synchronised, are a bucket with the object in another account."""
    port = free_port(set())
    (tmp_path / 'etc').mkdir()
    (tmp_path / 'etc' / 'container-sync-realms.conf').write_text(
        f'[tests]\nkey = realm key\ncluster_here = http://{HOST}:{port}/v1/\n')
    pipeline = recommended_pipeline().replace(' keymaster encryption', '')
    filters = merge(FILTERS, behind.filters(tmp_path / 'in-flight'))
    with Cluster(tmp_path, pipeline=pipeline, filters=filters, proxy_port=port) as cluster:
        here, there = [RawClient(cluster.url, *login) for login in (
            ('test:tester', 'testing'), ('test2:tester2', 'testing2'))]
        here.request('PUT', 'bucket')
        here.put_multipart('bucket', 'key', [FIRST, SECOND])
        behind.settle()
        synchronise(cluster, ('test2:tester2', 'testing2'), {})
        synchronise(cluster, ('test:tester', 'testing'), {'X-Container-Sync-To': '//tests/here/AUTH_test2/%s'})
        log = cluster.run_once('container-sync')
        answer = read(there, 'bucket', 'key')

    assert (200, BODY) == (answer.status, answer.body), log
    # Swift's gatekeeper has kept the system metadata in which s3api looks for S3's ETag.
    assert answer.etag.endswith('-N')


def synchronise(cluster, login, headers):
    """Give the bucket of an account, and its segments container, the key and other headers of container sync."""
    connection = swiftclient.Connection(cluster.proxy.auth_url, *login, retries=0)
    for container in ('bucket', 'bucket_segments'):
        connection.put_container(container, {'X-Container-Sync-Key': 'user key', **{
            name: value % container for name, value in headers.items()}})
    connection.close()


# Between auth and s3multi

def test_ratelimit(cluster, bucket, swift):
    """Too many requests are refused with S3's own error, which SDKs wait upon; the upload is as it was."""
    proxy = cluster.add_proxy('limited', pipeline=recommended_pipeline(), filters={**FILTERS, 'ratelimit': {
        'container_ratelimit_0': 2, 'max_sleep_time_seconds': 0.1}})
    # Swift limits no container that is empty, as far as its cache knows.
    swift.put_object(bucket, 'plain', b'')
    swift.post_container(bucket, {})
    upload = Upload(RawClient(proxy.url), bucket)
    outcomes = []
    while len(set(outcomes)) < 2 and len(outcomes) < 200:
        outcomes.append(upload.client.upload_part(bucket, upload.key, upload.id, len(outcomes) + 1, FIRST).outcome)
        # The last one was refused, and so are the next ones, until a request is due.
        time.sleep(0.1 if len(outcomes) > 50 else 0)

    assert {200, (503, 'SlowDown')} == set(outcomes)
    stored = [number for number, outcome in enumerate(outcomes, 1) if outcome == 200]
    time.sleep(1)
    listed = upload.list_parts().xml('ListPartsResult').findall('Part')
    assert stored == [int(part.findtext('PartNumber')) for part in listed]
    etag = f'"{hashlib.md5(FIRST).hexdigest()}"'
    assert 200 == upload.complete([(number, etag) for number in stored]).outcome


def test_account_on_the_black_list(cluster, bucket):
    """An account that the operator has shut out is denied, and does not hear of an internal error."""
    proxy = cluster.add_proxy('limited', pipeline=recommended_pipeline(), filters={
        **FILTERS, 'ratelimit': {'account_blacklist': 'AUTH_test'}})

    assert (403, 'AccessDenied') == RawClient(proxy.url).list_uploads(bucket).outcome


def test_staticweb(client, bucket, swift, get):
    """The index page of a site may be a multipart object, and the listing shows the size of the whole object."""
    swift.post_container(bucket, {'X-Container-Meta-Web-Index': 'index.html',
                                  'X-Container-Meta-Web-Listings': 'true'})
    client.put_multipart(bucket, 'index.html', [FIRST, SECOND], {'Content-Type': 'text/html'})
    client.put_multipart(bucket, 'films/one', [b'x' * 1000, b'y' * 1000])
    index, listing = [get(path, X_Web_Mode='true') for path in (f'{bucket}/', f'{bucket}/films/')]

    assert (200, BODY, 'text/html') == (index.status_code, index.content, index.headers['Content-Type'])
    assert 200 == listing.status_code
    assert '>one<' in listing.text and '>2Ki<' in listing.text
    assert '_segments' not in listing.text


# To the right of s3multi

def test_versioned_writes(client, bucket, swift, get):
    """The older kind of versions keeps a replaced multipart object, whole, and brings it back after a delete."""
    archive = bucket + '-archive'
    swift.put_container(archive)
    swift.post_container(bucket, {'X-Versions-Location': archive})
    client.put_multipart(bucket, 'key', [FIRST, SECOND])
    client.put_multipart(bucket, 'key', [THIRD])

    archived = [row['name'] for row in swift.get_container(archive)[1]]
    assert 1 == len(archived)
    assert BODY == get(f'{archive}/{archived[0]}').content
    assert THIRD == read(client, bucket, 'key').body
    assert 204 == client.request('DELETE', bucket, 'key').status
    assert BODY == read(client, bucket, 'key').body
    assert [] == swift.get_container(archive)[1]


def test_versioned_writes_with_a_history(client, bucket, swift, get):
    """With a history, an object that is replaced stays readable there."""
    archive = bucket + '-history'
    swift.put_container(archive)
    swift.post_container(bucket, {'X-History-Location': archive})
    client.put_multipart(bucket, 'key', [FIRST, SECOND])
    client.request('PUT', bucket, 'key', body=b'plain')
    client.put_multipart(bucket, 'key', [THIRD])

    archived = [row['name'] for row in swift.get_container(archive)[1]]
    assert [BODY, b'plain'] == [get(f'{archive}/{name}').content for name in archived]


def test_symlinks(client, bucket, swift):
    """A link to a multipart object is read as that object; a Complete at the key of a link replaces the link."""
    client.put_multipart(bucket, 'target', [FIRST, SECOND])
    for link in ('link', 'replaced'):
        swift.put_object(bucket, link, b'', headers={'X-Symlink-Target': f'{bucket}/target'})
    client.put_multipart(bucket, 'replaced', [THIRD])

    assert BODY == read(client, bucket, 'link').body
    assert SECOND == read(client, bucket, 'link', {'partNumber': 2}).body
    assert THIRD == read(client, bucket, 'replaced').body
    assert BODY == read(client, bucket, 'target').body


def test_encryption(cluster, client, bucket, swift):
    """What lies on the disks is not what was uploaded; a proxy without the filter sees that."""
    client.put_multipart(bucket, 'key', [FIRST, SECOND])
    stored = segment_names(swift, bucket)
    assert 2 == len(stored)
    blind = swiftclient.Connection(cluster.proxy.auth_url, 'test:tester', 'testing', retries=0)
    seen = [blind.get_object(bucket + '_segments', name)[1] for name in stored]
    blind.close()

    assert 2 == len(seen) and not {FIRST, SECOND} & set(seen)
    assert [FIRST, SECOND] == [swift.get_object(bucket + '_segments', name)[1] for name in stored]
    assert BODY == read(client, bucket, 'key').body


def test_large_objects_of_swift(client, bucket, swift):
    """slo and dlo serve their own users as before, beside the uploads of s3multi in one segments container."""
    segments = bucket + '_segments'
    swift.put_container(segments)
    for number, body in enumerate((FIRST, SECOND)):
        swift.put_object(segments, f'mine/{number}', body)
    manifest = json.dumps([{'path': f'/{segments}/mine/{number}'} for number in (0, 1)])
    swift.put_object(bucket, 'static', manifest, query_string='multipart-manifest=put')
    swift.put_object(bucket, 'dynamic', b'', headers={'X-Object-Manifest': f'{segments}/mine/'})
    upload = Upload(client, bucket, 'mine').parts(THIRD)

    assert 204 == upload.abort().outcome
    # To the dynamic object its parts were segments, too.
    behind.settle()
    assert [BODY, BODY] == [read(client, bucket, key).body for key in ('static', 'dynamic')]
