# SPDX-License-Identifier: Apache-2.0
"""Without s3multi: Swift's own pipeline, of each supported release, serves its objects; the sweep frees what it leaves.
"""

from __future__ import annotations

import base64
import hashlib

import pytest

from .raw import multipart_etag
from .uploads import Upload, read, segment_names

BODIES = [b'first', b'second', b'third']
WHOLE = b''.join(BODIES)
ETAG = f'"{multipart_etag(BODIES)}"'
DELETE = b'<Delete><Object><Key>b</Key></Object></Delete>'
DELETE_HEADERS = {'Content-MD5': base64.b64encode(hashlib.md5(DELETE).digest()).decode()}


def shown(client, bucket, query=()):
    """Return key, ETag and size of each object in the list of a bucket."""
    listed = client.request('GET', bucket, None, {'list-type': 2, **dict(query)}).xml('ListBucketResult')
    return [tuple(row.findtext(name) for name in ('Key', 'ETag', 'Size')) for row in listed.findall('Contents')]


def test_objects_of_s3multi_in_the_stock_pipeline(daemons, tiny, stock, bucket, swift):
    """They are read, copied as a whole and as parts, listed and deleted with their parts, without s3multi."""
    for key in 'ab':
        tiny.put_multipart(bucket, key, BODIES, {'x-amz-meta-colour': 'blue', 'Content-Type': 'text/odd'})

    whole, head = read(stock, bucket, 'a'), stock.request('HEAD', bucket, 'a')
    assert WHOLE == whole.body
    for answer in (whole, head):
        assert (ETAG, str(len(WHOLE)), 'blue', 'text/odd') == tuple(answer.headers[name] for name in (
            'ETag', 'Content-Length', 'x-amz-meta-colour', 'Content-Type'))
    assert [b'tsec', b'second', WHOLE] == [read(stock, bucket, 'a', query, headers).body for query, headers in (
        ((), {'Range': 'bytes=4-7'}), ({'partNumber': 2}, ()), ((), {'If-Match': ETAG}))]
    assert [304, 412] == [read(stock, bucket, 'a', (), {name: ETAG if name == 'If-None-Match' else '"other"'}).status
                          for name in ('If-None-Match', 'If-Match')]
    assert [(key, ETAG, str(len(WHOLE))) for key in 'ab'] == shown(stock, bucket)

    source = {'x-amz-copy-source': f'/{bucket}/a'}
    assert 200 == stock.request('PUT', bucket, 'copy', (), source).status
    upload = Upload(stock, bucket, 'parts')
    copied = stock.copy_part(bucket, 'parts', upload.id, 1, f'/{bucket}/a')
    upload.etags[1] = copied.xml('CopyPartResult').findtext('ETag')
    assert 200 == upload.complete().outcome

    assert 204 == stock.request('DELETE', bucket, 'a').status
    assert 200 == stock.request('POST', bucket, None, {'delete': ''}, DELETE_HEADERS, DELETE).status
    daemons.expire()
    assert [] == segment_names(swift, bucket)
    assert [WHOLE, WHOLE] == [read(stock, bucket, key).body for key in ('copy', 'parts')]
    assert ['copy', 'parts'] == [key for key, _, _ in shown(stock, bucket)]


def test_versions_of_s3multi_in_the_stock_pipeline(tiny, stock, versioned):
    """Each version is read, listed and deleted by its id."""
    for bodies in (BODIES, [b'newer']):
        tiny.put_multipart(versioned, 'a', bodies)
    listed = stock.request('GET', versioned, None, {'versions': ''}).xml('ListVersionsResult').findall('Version')
    assert [multipart_etag([b'newer']), multipart_etag(BODIES)] == [
        version.findtext('ETag').strip('"') for version in listed]
    newer, older = (version.findtext('VersionId') for version in listed)

    assert [b'newer', WHOLE] == [read(stock, versioned, 'a', {'versionId': version}).body for version in (newer, older)]
    assert 204 == stock.request('DELETE', versioned, 'a', {'versionId': newer}).status
    assert [404, 200] == [read(stock, versioned, 'a', {'versionId': version}).status for version in (newer, older)]


def ended(how, stock, swift, upload):
    """End an object as another Swift may do it: it leaves the parts."""
    if how == 'replaced':
        stock.request('PUT', upload.bucket, upload.key, body=b'plain')
    elif how == 'deleted':
        # As s3api does on Swift's branch feature/mpu.
        swift.delete_object(upload.bucket, upload.key)
    else:
        # As a native multipart upload does there.
        swift.put_object(upload.bucket, 'manifest', b'native')
        swift.put_object(upload.bucket, upload.key, b'', headers={'X-Symlink-Target': f'{upload.bucket}/manifest'})


def test_what_the_sweep_recovers_afterwards(tiny, stock, bucket, swift, sweeper):
    """What was left open is aborted, parts of objects that are gone are freed, and readable objects keep theirs."""
    keys = ('replaced', 'deleted', 'linked', 'kept', 'open')
    uploads = {key: Upload(tiny, bucket, key).parts(*BODIES) for key in keys}
    for key in ('replaced', 'deleted', 'linked', 'kept'):
        assert 200 == uploads[key].complete().outcome
    for key in ('replaced', 'deleted', 'linked'):
        ended(key, stock, swift, uploads[key])
    assert all(len(BODIES) == len(upload.stored_numbers(swift)) for upload in uploads.values())

    swept = sweeper.bucket(bucket, '--abort-older-than', '2d')

    assert {uploads[key].id: 'freed' for key in ('replaced', 'deleted', 'linked')} | {
        uploads['open'].id: 'aborted'} == swept.outcomes(), swept
    assert ['kept'] == [key for key, upload in uploads.items() if upload.stored_numbers(swift)]
    assert [b'plain', b'native', WHOLE] == [read(stock, bucket, key).body for key in ('replaced', 'linked', 'kept')]


@pytest.mark.parametrize('kind', ['stock', 's3multi'])
def test_nothing_is_open_any_more(tiny, stock, bucket, kind):
    """List Multipart Uploads shows the uploads of both kinds until the last one has ended: then it is safe to go."""
    upload = Upload({'stock': stock, 's3multi': tiny}[kind], bucket).parts(b'one')

    def are_open():
        return [row.findtext('UploadId') for row in tiny.list_uploads(bucket).xml(
            'ListMultipartUploadsResult').findall('Upload')]

    assert [upload.id] == are_open()
    assert 200 == upload.complete(client=tiny).outcome
    assert [] == are_open()
