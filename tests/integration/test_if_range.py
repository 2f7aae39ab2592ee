# SPDX-License-Identifier: Apache-2.0
"""A download that is resumed with `If-Range` never joins the bytes of two objects.

https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5. What Amazon S3 does is not known.
"""

from __future__ import annotations

import pytest

from ..cases import for_each

FORMER, LATTER = [b'the old ', b'object'], [b'a new ', b'one']


@pytest.fixture(scope='module', params=['multipart', 'plain'])
def replaced(request, tiny, filled_bucket):
    """Bucket and key of an object, and what a client has kept of the one that was there before."""
    key = request.param

    def put(bodies):
        if key == 'plain':
            assert 200 == tiny.request('PUT', filled_bucket, key, body=b''.join(bodies)).status
        else:
            tiny.put_multipart(filled_bucket, key, bodies)
        return tiny.request('HEAD', filled_bucket, key).headers

    former = put(FORMER)
    put(LATTER)
    return filled_bucket, key, former['ETag']


@pytest.fixture(scope='module')
def filled_bucket(tiny):
    """A bucket."""
    assert 200 == tiny.request('PUT', 'if-range').status
    return 'if-range'


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_a_resumed_download(tiny, replaced, method):
    """Of the same object the client gets the rest; of another one all of it, to begin anew."""
    bucket, key, former = replaced
    headers = tiny.request('HEAD', bucket, key).headers
    etag, date, old = headers['ETag'], headers['Last-Modified'], 'Thu, 01 Jan 2026 00:00:00 GMT'
    whole = b''.join(LATTER)

    def check(case):
        validator, spec, status, body, more = case
        answer = tiny.request(method, bucket, key, headers={'Range': spec, 'If-Range': validator, **more})
        assert status == answer.status
        if status < 300:
            assert (str(len(body)), body if method == 'GET' else b'') == (answer.headers['Content-Length'], answer.body)
            assert ('Content-Range' in answer.headers) == (status == 206)

    for_each([
        (etag, 'bytes=4-', 206, whole[4:], {}), (date, 'bytes=4-', 206, whole[4:], {}),
        (etag, 'bytes=-3', 206, whole[-3:], {}), (former, 'bytes=4-', 200, whole, {}),
        (old, 'bytes=4-', 200, whole, {}), (f'W/{etag}', 'bytes=4-', 200, whole, {}),
        (former, 'bytes=12-', 200, whole, {}), (etag, 'bytes=12-', 416, None, {}),
        (former, 'bytes=4-', 412, None, {'If-Match': former}), (former, 'bytes=4-', 200, whole, {'If-Match': etag}),
        (former, 'bytes=4-', 304, None, {'If-None-Match': etag}),
        (former, 'bytes=4-', 200, whole, {'x-amz-checksum-mode': 'ENABLED'}),
    ], check)
