# SPDX-License-Identifier: Apache-2.0
"""Which answers a script in a browser may read: the same as those of Swift for any object of the bucket."""
import pytest

from s3multi.filters.cors import ClusterCors, cors_headers

ORIGIN = 'https://app.test'
ALLOW, EXPOSE = 'Access-Control-Allow-Origin', 'Access-Control-Expose-Headers'


def allowed(origin, of_bucket, **cluster):
    """Return the headers Access-Control-Allow-Origin and Vary."""
    headers = cors_headers(origin, {'allow_origin': of_bucket}, ClusterCors(**cluster))
    return headers.get(ALLOW), headers.get('Vary')


@pytest.mark.parametrize('of_bucket, cluster, expected', [
    pytest.param(None, {}, (None, None), id='nobody'),
    pytest.param('', {}, (None, None), id='empty'),
    pytest.param('*', {}, ('*', None), id='everybody'),
    pytest.param(' * ', {}, ('*', None), id='everybody-blanks'),
    pytest.param(ORIGIN, {}, (ORIGIN, 'Origin'), id='this-one'),
    pytest.param('https://other.test ' + ORIGIN, {}, (ORIGIN, 'Origin'), id='among-others'),
    pytest.param('https://other.test *', {}, (ORIGIN, 'Origin'), id='everybody-among-others'),
    pytest.param('https://other.test', {}, (None, None), id='another'),
    pytest.param('https://app.test.evil', {}, (None, None), id='longer'),
    pytest.param(None, {'allow_origin': (ORIGIN,)}, (ORIGIN, 'Origin'), id='of-the-cluster'),
    pytest.param(None, {'allow_origin': ('*',)}, (ORIGIN, 'Origin'), id='everybody-of-the-cluster'),
    pytest.param(None, {'strict': False}, (ORIGIN, 'Origin'), id='not-strict'),
    pytest.param('https://other.test', {'strict': False}, (ORIGIN, 'Origin'), id='not-strict-another'),
])
def test_who_is_allowed(of_bucket, cluster, expected):
    """The origins that the bucket or the cluster names are allowed; every origin unless the cluster is strict.

    If the answer names the origin, ``Vary`` tells caches so.
    """
    assert expected == allowed(ORIGIN, of_bucket, **cluster)


@pytest.mark.parametrize('origin', [None, ''])
def test_no_script_has_asked(origin):
    """The answer to an ordinary client has none of these headers, whatever the bucket allows."""
    assert {} == cors_headers(origin, {'allow_origin': '*'}, ClusterCors(strict=False))


def test_what_a_script_may_read():
    """A script may read the ETag, the ids of the request, and the headers that bucket and cluster name."""
    bucket = {'allow_origin': '*', 'expose_headers': 'X-Amz-Version-Id x-amz-checksum-crc32'}
    exposed = cors_headers(ORIGIN, bucket, ClusterCors(expose_headers=('x-cluster',)))[EXPOSE].split(', ')

    assert {'etag', 'x-amz-request-id', 'x-amz-id-2', 'x-cluster', 'x-amz-version-id',
            'x-amz-checksum-crc32'} < set(exposed)
    assert sorted(set(exposed)) == exposed


def test_who_is_not_allowed_learns_nothing():
    """They do not learn which headers there are, either."""
    assert {} == cors_headers(ORIGIN, {'allow_origin': 'https://other.test', 'expose_headers': 'x'}, ClusterCors())
