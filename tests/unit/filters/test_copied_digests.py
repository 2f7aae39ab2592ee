# SPDX-License-Identifier: Apache-2.0
"""Which requests copy an object, and which of its metadata the copy does not inherit."""
import pytest
from swift.common.swob import Request

from s3multi.filters import copied_digests
from s3multi.upload.manifest import DIGEST_HEADERS, ETAG_HEADER


def environ(method='PUT', path='/v1/a/c/copy', source='/c/o', **more):
    env = Request.blank(path, method=method, headers={'X-Copy-From': source} if source else {}).environ
    return {**env, 'swift.authorize': lambda request: request, 'swift.source': 'S3', **more}


def digests(env):
    return {name: Request(env).headers[name] for name in DIGEST_HEADERS if name in Request(env).headers}


@pytest.mark.parametrize('env', [
    environ(), environ('COPY', source=None), environ(path='/v1/a/c/o', HTTP_X_FRESH_METADATA='True'),
    environ(path='/v1/a/c/o', QUERY_STRING='version-id=1'), environ(path='/v1/a/c/o', **{'swift.source': None}),
    environ(path='/v1/a/c/o', source='/c/o%20o'), environ(QUERY_STRING='x-multipart-manifest=get')])
def test_copy(env):
    """The request names every digest, so the copy filter takes none from the source, and none is written."""
    copied_digests.strip(env)
    assert {name: '' for name in DIGEST_HEADERS} == digests(env)

    written = Request({**env})
    assert env['swift.authorize'](written) is written
    assert {} == digests(written.environ)


def test_what_is_not_empty_is_left():
    """A digest that another filter has given the copy on the way stays."""
    env = environ()
    copied_digests.strip(env)
    env['HTTP_' + ETAG_HEADER.upper().replace('-', '_')] = 'given'
    env['swift.authorize'](Request(env))

    assert {ETAG_HEADER: 'given'} == digests(env)


@pytest.mark.parametrize('env', [
    environ(source=None), environ('GET', source=None), environ(QUERY_STRING='multipart-manifest=get'),
    environ(QUERY_STRING='format=raw&multipart%2Dmanifest=%67et'),
    environ(path='/v1/a/c/o'), environ(path='/v1/a/c/o o', source='/c/o%20o')],
    ids=['put', 'get', 'manifest', 'manifest-otherwise-written', 'acl', 'acl-of-a-quoted-name'])
def test_no_copy(env):
    """The request is not changed if it copies nothing, copies a manifest, or is s3api's way to change an ACL."""
    before = dict(env)
    copied_digests.strip(env)

    assert before == env
