# SPDX-License-Identifier: Apache-2.0
"""Objects of multipart uploads that swift3 completed, of which s3api was made: S3 clients see the ETag that it stored.

Swift keeps it under swift3's own name. It is written here from inside a proxy, as no client can.
"""

from __future__ import annotations

import hashlib
import json

import pytest

from .raw import multipart_etag
from .test_swift_contract import RealSwift, contract_proxy
from .uploads import Upload

BODIES = [b'one', b'two']
ETAG = multipart_etag(BODIES)
MD5 = hashlib.md5(b''.join(BODIES)).hexdigest()
OTHER = '"%s-2"' % ('0' * 32)


@pytest.fixture
def old(cluster, tiny, bucket):
    """A bucket with such an object, `old`."""
    inside, segments = RealSwift(contract_proxy(cluster)), f'{bucket}+segments'
    assert 201 == inside.ask('PUT', segments).status
    for number, body in enumerate(BODIES, 1):
        assert 201 == inside.ask('PUT', segments, f'old/id/{number}', body=body).status
    manifest = [{'path': f'/{segments}/old/id/{number}'} for number in range(1, len(BODIES) + 1)]
    assert 201 == inside.ask('PUT', bucket, 'old', {
        'X-Object-Sysmeta-Swift3-Etag': ETAG, 'X-Object-Sysmeta-Swift3-Upload-Id': 'id'},
        json.dumps(manifest).encode(), 'multipart-manifest=put').status
    assert f'"{ETAG}"' == tiny.request('HEAD', bucket, 'old').headers['ETag']
    return bucket


def part_copy(tiny, bucket, headers):
    upload = Upload(tiny, bucket, 'new')
    return tiny.copy_part(bucket, 'new', upload.id, 1, f'{bucket}/old', headers)


def copy_object(tiny, bucket, headers):
    return tiny.request('PUT', bucket, 'copy', headers={'x-amz-copy-source': f'{bucket}/old', **headers})


@pytest.mark.parametrize('copy', [part_copy, copy_object])
def test_condition_on_the_source_of_a_copy(tiny, old, copy):
    """It is compared with the ETag that clients see."""
    outcomes = {(name, value): copy(tiny, old, {f'x-amz-copy-source-if-{name}': value}).status
                for name in ('match', 'none-match') for value in (ETAG, f'"{ETAG}"', OTHER, MD5)}

    assert outcomes == {(name, value): 200 if (name == 'match') == (value.strip('"') == ETAG) else 412
                        for name, value in outcomes}


def test_copy_is_a_plain_object(tiny, old):
    """Its ETag is the MD5 of its bytes, as of any copy."""
    assert f'"{MD5}"' == copy_object(tiny, old, {}).xml('CopyObjectResult').findtext('ETag')
    assert f'"{MD5}"' == tiny.request('HEAD', old, 'copy').headers['ETag']


def test_attributes(tiny, old):
    """They tell that ETag, and conditions are compared with it."""
    def ask(headers):
        return tiny.request('GET', old, 'old', {'attributes': None}, {
            'x-amz-object-attributes': 'ETag,ObjectParts', **headers})

    result = ask({}).xml('GetObjectAttributesResponse')
    assert (ETAG, '2') == (result.findtext('ETag'), result.findtext('ObjectParts/PartsCount'))
    assert [200, 412, 304, 200] == [ask({name: value}).status for name in ('If-Match', 'If-None-Match')
                                    for value in (f'"{ETAG}"', OTHER)]


def test_condition_of_a_complete(tiny, old):
    """The object that it replaces is known by that ETag."""
    upload = Upload(tiny, old, 'old').parts(b'new')

    for etag in (OTHER, f'"{MD5}"'):
        assert (412, 'PreconditionFailed') == upload.complete(headers={'If-Match': etag}).outcome
    assert 200 == upload.complete(headers={'If-Match': f'"{ETAG}"'}).outcome
    assert b'new' == tiny.request('GET', old, 'old').body
