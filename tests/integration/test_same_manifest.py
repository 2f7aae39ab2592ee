# SPDX-License-Identifier: Apache-2.0
"""The object that s3multi writes itself is, to the last byte of metadata, what SLO writes for the same parts.

Each upload here is completed twice: by the listing, and, as its marker was kept, with `verify = head`, which has SLO
write the manifest. What Swift stores, and what every reader gets, is compared.
"""

from __future__ import annotations

import os
import re
from types import SimpleNamespace

import pytest
import swiftclient
from swift.common.exceptions import DiskFileNotExist
from swift.obj.diskfile import read_metadata

from s3multi.demo.cluster import PIPELINE, Cluster, Policy
from s3multi.demo.conf import merge
from s3multi.upload.marker_names import markers_container

from . import behind
from .faults import FACTORY, Faults, rule
from .raw import RawClient, multipart_etag
from .uploads import TINY_PARTS, Upload

BODIES = [b'a' * 1000, b'b' * 2000, b'c' * 17]
WHOLE = b''.join(BODIES)
HEADERS = {'Content-Type': 'text/plain; charset="utf-8"; x=1', 'x-amz-meta-colour': 'blue', 'Cache-Control': 'no-cache',
           'Content-Disposition': 'attachment; filename="a b"', 'Content-Language': 'de', 'Content-Encoding': 'x-none',
           'x-amz-meta-umlaut': 'gr\u00fcn'}
EC = {'policy_type': 'erasure_coding', 'ec_type': 'liberasurecode_rs_vand', 'ec_num_data_fragments': 2,
      'ec_num_parity_fragments': 1}
SECRET = 'c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlISE='
ENCRYPTED = {'keymaster': {'encryption_root_secret': SECRET}}
ENCRYPTION = PIPELINE.replace(' proxy-logging proxy-server', ' keymaster encryption proxy-logging proxy-server')

# What differs between two answers, or two writes, whatever is written.
_TRANSIENT = {'date', 'last-modified', 'x-timestamp', 'x-trans-id', 'x-openstack-request-id', 'x-amz-request-id',
              'x-amz-id-2', 'x-amz-version-id', 'x-object-version-id', 'content-location', 'connection'}
_TIME = re.compile(r'[0-9]{10}\.[0-9]{5}')
# What encryption makes anew, at random, on every write; that they are there is compared.
_RANDOM = re.compile(r'crypto|transient-sysmeta|^etag$|ec-etag|override-etag')


@pytest.fixture(scope='module')
def storage(tmp_path_factory):
    """A cluster with a policy of one replica and one of erasure codes."""
    directory = tmp_path_factory.mktemp('policies')
    with Cluster(directory, policies=('gold', Policy('coded', 3, EC)),
                 filters=merge(TINY_PARTS, behind.filters(directory / 'in-flight'))) as running:
        yield running


@pytest.fixture(scope='module', params=['plain', 'encrypted'])
def proxies(request, storage):
    """Two proxies: `listing`, whose FaultFilter `faults` stands right of s3multi, and `head`; and clients of both."""
    pipeline, filters = (PIPELINE, {}) if request.param == 'plain' else (ENCRYPTION, ENCRYPTED)
    faults = Faults(storage.directory / 'faults' / request.param)
    listing = storage.add_proxy(
        f'{request.param}-listing', pipeline=pipeline.replace(' s3multi ', ' s3multi above '),
        filters={**filters, 'above': {'paste.filter_factory': FACTORY, 'directory': faults.directory}})
    head = storage.add_proxy(f'{request.param}-head', pipeline=pipeline, filters={
        **filters, 's3multi': {**TINY_PARTS['s3multi'], 'verify': 'head'}})
    yield SimpleNamespace(kind=request.param, faults=faults, listing=RawClient(listing.url), head=RawClient(head.url),
                          auth_url=listing.auth_url)
    for name in ('listing', 'head'):
        storage.proxies.pop(f'{request.param}-{name}').stop()


@pytest.fixture
def swift(proxies):
    """A connection to the Swift API."""
    connection = swiftclient.Connection(proxies.auth_url, 'test:tester', 'testing', retries=0)
    yield connection
    connection.close()


def data_files(cluster, bucket):
    """Return the metadata of every data file of the bucket's own objects, versions included, by path."""
    found = {}
    for top, _directories, names in os.walk(cluster.directory / 'devices'):
        for name in names:
            if name.endswith('.data'):
                try:
                    metadata = read_metadata(os.path.join(top, name))
                except DiskFileNotExist:
                    # A Complete deletes its intent behind the answer.
                    continue
                container = metadata['name'].split('/')[2]
                if container.endswith(bucket) and container != markers_container(bucket):
                    found[os.path.join(top, name)] = metadata
    return found


def comparable(metadata, encrypted):
    """Return metadata of data files as sorted pairs, without what no two writes have in common."""
    return sorted(sorted((name, 'random' if encrypted and _RANDOM.search(name.lower()) else _TIME.sub('T', value))
                         for name, value in each.items()) for each in metadata)


def written(cluster, bucket, call):
    """Return what ``call`` has written for the bucket: the metadata of its data files."""
    before = data_files(cluster, bucket)
    answer = call()
    assert 200 == answer.outcome, answer.body
    assert f'"{multipart_etag(BODIES)}"' == answer.xml('CompleteMultipartUploadResult').findtext('ETag')
    return [metadata for path, metadata in data_files(cluster, bucket).items() if path not in before]


def told(answer):
    """Return an Answer as plain values."""
    return (answer.status, sorted((name.lower(), value) for name, value in answer.headers.items()
                                  if name.lower() not in _TRANSIENT), answer.body)


def readings(proxies, swift, bucket):
    """Return what readers get of the object: through S3, through Swift, and behind both."""
    client = proxies.listing
    found = {}
    for method in ('GET', 'HEAD'):
        found[method] = told(client.request(method, bucket, 'key'))
        for number in (1, 2, 3, 4):
            found[method, number] = told(client.request(method, bucket, 'key', {'partNumber': number}))
        for byte_range in ('bytes=0-0', 'bytes=990-1010', 'bytes=-5', 'bytes=2999-', 'bytes=5000-'):
            found[method, byte_range] = told(client.request(method, bucket, 'key', {}, {'Range': byte_range}))
        for etag in (multipart_etag(BODIES), 'x'):
            found[method, etag] = told(client.request(method, bucket, 'key', {}, {'If-None-Match': f'"{etag}"'}))
    # Errors tell the request's own id.
    found = {name: value if value[0] < 400 else value[0] for name, value in found.items()}
    client.request('PUT', bucket, 'copy', {}, {'x-amz-copy-source': f'/{bucket}/key'})
    found['copy'] = client.request('GET', bucket, 'copy').body

    for name, query in (('manifest', 'multipart-manifest=get'), ('raw', 'multipart-manifest=get&format=raw'),
                        ('download', None), ('part', 'part-number=2')):
        headers, body = swift.get_object(bucket, 'key', query_string=query)
        found[name] = (sorted((key, value) for key, value in headers.items() if key not in _TRANSIENT), body)
    rows = swift.get_container(bucket, prefix='key')[1]
    found['rows'] = [{key: _TIME.sub('T', str(value)) for key, value in row.items() if key != 'last_modified'}
                     for row in rows]
    listed = client.request('GET', bucket, None, {'prefix': 'key'}).body
    found['listed'] = re.sub(b'<LastModified>[^<]*', b'', listed)
    for query in ('', 'multipart-manifest=get'):
        swift.put_object(bucket, 'swift-copy', b'', headers={'X-Copy-From': f'{bucket}/key'}, query_string=query)
        headers, body = swift.get_object(bucket, 'swift-copy')
        found['swift copy', query] = (headers['content-type'], headers.get('x-static-large-object'), body)
        swift.delete_object(bucket, 'swift-copy')
    return found


def complete_and_stay_open(proxies, upload):
    """Complete an upload by the listing, but leave its marker, so that it can be completed once more."""
    marker = f'\x00{upload.id}$'
    with proxies.faults.following(rule('PUT', marker, status='201 Created'),
                                  rule('DELETE', marker, status='204 No Content')):
        return upload.complete()


@pytest.mark.parametrize('policy', ['gold', 'coded'])
def test_object_is_what_slo_would_write(storage, proxies, swift, policy):
    """Stored manifest, metadata, rows, and every answer to a reader are the same either way."""
    # Every two of the policy, encryption and versions meet.
    versions = 'versioned' if (policy == 'coded') == (proxies.kind == 'plain') else 'unversioned'
    bucket = f'bucket-{proxies.kind}-{policy}-{versions}'
    swift.put_container(bucket, {'X-Storage-Policy': policy})
    if versions == 'versioned':
        swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    upload = Upload(proxies.listing, bucket, 'key', HEADERS).parts(*BODIES)

    by_listing = written(storage, bucket, lambda: complete_and_stay_open(proxies, upload))
    read_by_listing = readings(proxies, swift, bucket)
    by_slo = written(storage, bucket, lambda: upload.complete(client=proxies.head))
    read_by_slo = readings(proxies, swift, bucket)

    # Files that hold an object; and as many fragments of it.
    assert (3 if policy == 'coded' else 1) * (2 if versions == 'versioned' else 1) == len(by_listing)
    encrypted = proxies.kind == 'encrypted'
    assert encrypted == any('X-Object-Sysmeta-Crypto-Body-Meta' in metadata for metadata in by_listing)
    assert len(by_slo) == len(by_listing)
    for slo, listing in zip(comparable(by_slo, encrypted), comparable(by_listing, encrypted)):
        assert dict(slo) == dict(listing)
    assert WHOLE == read_by_slo['GET'][2] == read_by_slo['copy'] == read_by_slo['download'][1]
    for name, reading in read_by_slo.items():
        assert reading == read_by_listing[name], name


@pytest.mark.parametrize('policy', ['gold', 'coded'])
def test_reader_of_the_bucket_reads_the_object(proxies, swift, policy):
    """Also where the parts are fragments, or encrypted, somebody with a right on the bucket alone reads them."""
    bucket = f'public-{proxies.kind}-{policy}'
    swift.put_container(bucket, {'X-Storage-Policy': policy, 'X-Container-Read': '.r:*'})
    assert 200 == Upload(proxies.listing, bucket).parts(*BODIES).complete().outcome

    for headers, expected in (({}, WHOLE), ({'Range': 'bytes=990-1010'}, WHOLE[990:1011])):
        assert expected == proxies.listing.request('GET', path=f'/v1/AUTH_test/{bucket}/key', sign=None,
                                                   headers=headers).body
