# SPDX-License-Identifier: Apache-2.0
"""Which request is meant by a method and a query: none is taken for one for the object or the bucket itself.

Amazon S3 was measured to refuse several selectors at once. What it does with a part number and no upload, or with an
upload and a part number in a DELETE, is not known: nothing may be done then.
"""

from __future__ import annotations

import itertools
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from .raw import RawClient
from .uploads import Upload, read, tiny_parts

SELECTORS = ('uploadId', 'uploads', 'partNumber', 'attributes')
COMBINATIONS = [names for count in range(1, 5) for names in itertools.combinations(SELECTORS, count)]
METHODS = ('GET', 'HEAD', 'PUT', 'POST', 'DELETE')

# What may succeed: method, selectors and whether there is a key. Complete and Abort are left out, which end the upload.
SERVED = {('GET', ('uploadId',), True), ('PUT', ('uploadId', 'partNumber'), True), ('POST', ('uploads',), True),
          ('GET', ('uploads',), False), ('GET', ('partNumber',), True), ('HEAD', ('partNumber',), True),
          ('GET', ('attributes',), True)}
ENDING = {('POST', ('uploadId',), True), ('DELETE', ('uploadId',), True)}


@pytest.fixture(scope='module')
def client(cluster):
    """A client of a proxy that takes parts of any size."""
    return RawClient(tiny_parts(cluster).url)


@pytest.fixture(scope='module')
def upload(client):
    """An upload over an object at its key."""
    bucket = 'selectors-' + secrets.token_hex(8)
    assert 200 == client.request('PUT', bucket).status
    assert 200 == client.request('PUT', bucket, 'key', body=b'object').status
    return Upload(client, bucket).parts(b'part')


@pytest.fixture(scope='module')
def empty(client):
    """An empty bucket, which any DELETE would delete."""
    name = 'selectors-' + secrets.token_hex(8)
    assert 200 == client.request('PUT', name).status
    return name


@pytest.mark.parametrize('has_key', [True, False], ids=['key', 'bucket'])
@pytest.mark.parametrize('method', METHODS)
def test_every_combination(client, upload, empty, method, has_key):
    """What is no request of S3 is a client's error and changes nothing; nobody's object or bucket goes for it."""
    values = {'uploadId': upload.id, 'uploads': None, 'partNumber': 1, 'attributes': None}
    asked = [names for names in COMBINATIONS if (method, names, has_key) not in ENDING]

    def ask(names):
        bucket = upload.bucket if has_key or method == 'GET' else empty
        return client.request(method, bucket, 'key' if has_key else None, [(name, values[name]) for name in names],
                              {'x-amz-object-attributes': 'ETag'}, b'part' if method == 'PUT' else b'')

    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(asked, pool.map(ask, asked)))
    statuses = {names: answer.status for names, answer in answers.items()}
    assert {names: (method, names, has_key) in SERVED for names in asked} == {
        names: status < 300 for names, status in statuses.items()}
    assert all(status < 300 or 400 <= status < 500 for status in statuses.values()), statuses
    assert b'object' == read(client, upload.bucket, 'key').body
    assert [200, 200] == [client.request('HEAD', bucket).status for bucket in (upload.bucket, empty)]
    assert [(1, upload.etags[1])] == [(int(part.findtext('PartNumber')), part.findtext('ETag'))
                                      for part in upload.list_parts().xml('ListPartsResult').findall('Part')]


@pytest.mark.parametrize('selector', ['replication', 'encryption', 'retention', 'legal-hold', 'annotation'])
@pytest.mark.parametrize('method', ['PUT', 'POST', 'DELETE'])
def test_what_s3api_does_not_know(client, upload, empty, method, selector):
    """Swift's own s3api deletes an empty bucket for DeleteBucketReplication, and stores a retention as the object."""
    assert (501, 'NotImplemented') == client.request(method, empty, None, {selector: None}, body=b'<x/>').outcome
    assert (501, 'NotImplemented') == client.request(method, upload.bucket, 'key', {selector: None},
                                                     body=b'<x/>').outcome
    assert b'object' == read(client, upload.bucket, 'key').body
    assert 200 == client.request('HEAD', empty).status
