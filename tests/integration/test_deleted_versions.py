# SPDX-License-Identifier: Apache-2.0
"""Which version of a key is the current one after others were deleted, one at a time or several.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/RemDelMarker.html
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets

import pytest

from .raw import RawClient
from .uploads import Upload

MULTIPART, PLAIN = 'multipart', 'plain'


class Versioned:
    """A bucket with versions."""

    def __init__(self, client):
        self.client, self.bucket = client, 'versions-' + secrets.token_hex(8)
        assert 200 == client.request('PUT', self.bucket).status
        self._keys = itertools.count()

    def switch(self, status):
        """Enable versions, or suspend them."""
        body = f'<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>'.encode()
        assert 200 == self.client.request('PUT', self.bucket, None, {'versioning': None}, body=body).status

    def fresh_key(self):
        """Return a key that nothing was ever stored at."""
        return f'key{next(self._keys)}'

    def put(self, key, body, kind):
        """Store an object; return its version."""
        if kind == MULTIPART:
            Upload(self.client, self.bucket, key).parts(body).complete()
        else:
            assert 200 == self.client.request('PUT', self.bucket, key, body=body).status
        return self.client.request('HEAD', self.bucket, key).headers['x-amz-version-id']

    def delete_marker(self, key):
        """Delete a key; return the version of the delete marker."""
        return self.client.request('DELETE', self.bucket, key).headers['x-amz-version-id']

    def delete(self, key, version, how):
        """Delete a version by DeleteObject or by DeleteObjects."""
        if how == 'DeleteObject':
            assert 204 == self.client.request('DELETE', self.bucket, key, {'versionId': version}).status
            return
        body = f'<Delete><Object><Key>{key}</Key><VersionId>{version}</VersionId></Object></Delete>'.encode()
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        answer = self.client.request('POST', self.bucket, None, {'delete': None}, {'Content-MD5': digest}, body)
        assert (200, True) == (answer.status, f'<Deleted><Key>{key}</Key>'.encode() in answer.body)

    def state(self, key):
        """Return what a GET shows, and the versions that there are, newest first; * marks the latest."""
        answer = self.client.request('GET', self.bucket, key)
        listed = self.client.request('GET', self.bucket, None, {'versions': None, 'prefix': key}).xml(
            'ListVersionsResult')
        return answer.body if answer.status == 200 else answer.status, [
            entry.findtext('VersionId') + '*' * (entry.findtext('IsLatest') == 'true')
            for entry in listed if entry.tag in ('Version', 'DeleteMarker') and entry.findtext('Key') == key]


@pytest.fixture(scope='module')
def versioned(tiny):
    """The bucket."""
    return Versioned(tiny)


@pytest.mark.parametrize('kind', [MULTIPART, PLAIN])
@pytest.mark.parametrize('how', ['DeleteObject', 'DeleteObjects'])
def test_what_is_current_after_a_deletion(versioned, kind, how):
    """The newest version that is left, unless that is a delete marker; one that was not there changes nothing."""
    versioned.switch('Enabled')
    key = versioned.fresh_key()
    first, second, third = (versioned.put(key, body, kind) for body in (b'1', b'2', b'3'))

    # Not the current one.
    versioned.delete(key, second, how)
    assert (b'3', [third + '*', first]) == versioned.state(key)
    # The null version, which there is not.
    versioned.delete(key, 'null', how)
    assert (b'3', [third + '*', first]) == versioned.state(key)
    # The current one.
    versioned.delete(key, third, how)
    assert (b'1', [first + '*']) == versioned.state(key)
    # The delete marker: the object is back.
    marker = versioned.delete_marker(key)
    assert (404, [marker + '*', first]) == versioned.state(key)
    versioned.delete(key, marker, how)
    assert (b'1', [first + '*']) == versioned.state(key)
    # A version below a delete marker.
    marker = versioned.delete_marker(key)
    versioned.delete(key, first, how)
    assert (404, [marker + '*']) == versioned.state(key)


@pytest.mark.parametrize('kind', [MULTIPART, PLAIN])
@pytest.mark.parametrize('how', ['DeleteObject', 'DeleteObjects'])
def test_the_null_version(versioned, kind, how):
    """While versions are suspended: what is below it is deleted alone, and comes back when the null version goes."""
    versioned.switch('Enabled')
    key = versioned.fresh_key()
    first, second = (versioned.put(key, body, kind) for body in (b'1', b'2'))
    versioned.switch('Suspended')
    assert 'null' == versioned.put(key, b'3', kind)

    versioned.delete(key, second, how)
    assert (b'3', ['null*', first]) == versioned.state(key)
    versioned.delete(key, 'null', how)
    assert (b'1', [first + '*']) == versioned.state(key)


@pytest.mark.parametrize('how', ['DeleteObject', 'DeleteObjects'])
def test_many_at_once(versioned, how):
    """All versions and markers of a key: nothing is left, in whatever order they go."""
    versioned.switch('Enabled')
    key = versioned.fresh_key()
    versions = [versioned.put(key, b'1', MULTIPART), versioned.delete_marker(key), versioned.put(key, b'2', PLAIN)]

    for version in (versions[1], versions[2], versions[0]):
        versioned.delete(key, version, how)
    assert (404, []) == versioned.state(key)


def test_a_stranger_learns_nothing(versioned, cluster):
    """Who may not write the bucket is told so, whether there is a null version or not."""
    stranger = RawClient(cluster.url, 'test:tester3', 'testing3')
    key = versioned.fresh_key()
    versioned.switch('Enabled')
    versioned.put(key, b'1', PLAIN)

    assert (403, 'AccessDenied') == stranger.request('DELETE', versioned.bucket, key, {'versionId': 'null'}).outcome
