# SPDX-License-Identifier: Apache-2.0
"""What a client writes as a name, a version or a place in a list stays that: Swift is asked for nothing else."""
import json
import logging
import time
from unittest import mock
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from swift.common import registry
from swift.common.swob import Request, str_to_wsgi, wsgi_quote

from s3multi import config
from s3multi.filters.s3api import S3MultiFront, _Unnamed
from s3multi.filters.s3multi import S3MultiMiddleware
from s3multi.operations.bucket import Cluster
from s3multi.storage.deletion import Freeing
from tests.unit.fakes import IDS, RecordingSwift

VERSION = '1790000000.12345'
SMUGGLED = '&multipart-manifest=get&x=y'
STOCK_ID = 'MmZhNjZkYTAtZDc0NC00ZDgxLWE2MGEtMDE0ZTRiNzZjYzYx'
OUR_ID = IDS.new('AUTH_a', 'bucket', 'key', 1790000000 * 100000)
EXPECTED = {'version-id', 'symlink', 'limit', 'prefix', 'marker', 'end_marker', 'delimiter', 'versions',
            'version_marker', 'format', 'part-number'}
BUCKET = {'X-Container-Sysmeta-Versions-Container': '%00versions%00bucket', 'X-Container-Object-Count': '0'}


@pytest.fixture(params=[True, False], ids=['versions', 'no versions'])
def keeps_versions(request, monkeypatch):
    """Whether the pipeline keeps versions."""
    info = {name: value for name, value in registry._swift_info.items() if name != 'object_versioning'}
    monkeypatch.setattr(registry, '_swift_info', {**info, **({'object_versioning': {}} if request.param else {})})
    return request.param


def swift():
    """Return a Swift in which every bucket and object is there."""
    etag = {'Etag': '"0"', 'Last-Modified': 'Mon, 21 Sep 2026 14:13:20 GMT', 'Content-Length': '0'}

    def head(seen):
        if seen.path.count('/') > 3:
            return 200, etag, b''
        return 204, BUCKET if seen.path == '/v1/AUTH_a/bucket' else {}, b''

    return RecordingSwift(HEAD=head, GET=lambda seen: (200, {**etag, 'Content-Type': 'application/json'}, b'[]')
                          if seen.path.count('/') > 3 else (200, BUCKET, json.dumps([]).encode()),
                          PUT=(201, etag, b''))


def ask(app, method, path, query=None, headers=None):
    """Send an S3 request through both filters; return the Response."""
    logger = logging.getLogger('s3multi.test')
    logger.thread_locals = None
    settings = config.load({'free_replaced_parts': 'no'}, {'min_segment_size': 1, 'max_upload_part_num': 10000})
    ours = S3MultiMiddleware(app, Cluster(settings, IDS, Freeing(2, 100, None), logger))

    def authorised(env, start_response):
        env.update({'swift.authorize': lambda request: None, 'REMOTE_USER': 'test:tester'})
        return ours(env, start_response)

    front = S3MultiFront(_Unnamed(authorised), {'dns_compliant_bucket_names': 'no'})
    request = Request.blank(quote(path) + '?' + urlencode(query or {}), method=method, headers={
        'Authorization': 'AWS AUTH_a:x', 'Date': time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime()),
        **(headers or {})})
    with mock.patch('swift.common.middleware.s3api.s3request.get_container_info',
                    return_value={'status': 204, 'sysmeta': {'versions-container': 'x'}}):
        response = request.get_response(front)
        response.body  # noqa: B018 - reads it
    return response


INPUTS = [
    pytest.param('GET', '/bucket/key', {'versionId': '{}'}, {}, id='get-version'),
    pytest.param('HEAD', '/bucket/key', {'versionId': '{}'}, {}, id='head-version'),
    pytest.param('DELETE', '/bucket/key', {'versionId': '{}'}, {}, id='delete-version'),
    pytest.param('GET', '/bucket/key', {'attributes': '', 'versionId': '{}'}, {}, id='attributes-of-a-version'),
    pytest.param('PUT', '/bucket/key', {'versionId': '{}'}, {}, id='put-version'),
    pytest.param('GET', '/bucket/key{}', {}, {}, id='key'),
    pytest.param('PUT', '/bucket/key{}', {}, {}, id='put-key'),
    pytest.param('DELETE', '/bucket/key{}', {}, {}, id='delete-key'),
    pytest.param('GET', '/bucket{}', {}, {}, id='bucket'),
    pytest.param('GET', '/bucket', {'prefix': 'a{}'}, {}, id='prefix'),
    pytest.param('GET', '/bucket', {'marker': 'a{}', 'delimiter': '/{}'}, {}, id='marker'),
    pytest.param('GET', '/bucket', {'list-type': '2', 'start-after': 'a{}'}, {}, id='start-after'),
    pytest.param('GET', '/bucket', {'versions': '{}', 'key-marker': 'a{}', 'version-id-marker': VERSION}, {},
                 id='key-marker'),
    pytest.param('GET', '/bucket', {'versions': '', 'key-marker': 'a', 'version-id-marker': VERSION + '{}'}, {},
                 id='version-id-marker'),
    pytest.param('GET', '/bucket/key', {'partNumber': '1{}'}, {}, id='part-number'),
    pytest.param('GET', '/bucket', {'uploads': '', 'prefix': 'a{}', 'key-marker': '{}'}, {}, id='uploads'),
    pytest.param('GET', '/bucket/key', {'uploadId': STOCK_ID, 'part-number-marker': '1{}'}, {}, id='stock-parts'),
    pytest.param('GET', '/bucket/key', {'uploadId': STOCK_ID + '{}'}, {}, id='upload-id'),
    *(pytest.param('PUT', path, query, {'x-amz-copy-source': source}, id='%s %s' % (name, source))
      for name, path, query in (
          ('copy', '/bucket/copy', {}), ('copy-part', '/bucket/key', {'uploadId': OUR_ID, 'partNumber': '1'}),
          ('stock-copy-part', '/bucket/key', {'uploadId': STOCK_ID, 'partNumber': '1'}), ('put-bucket', '/bucket', {}),
          ('put-acl', '/bucket/key', {'acl': ''}))
      for source in ('/bucket/key?versionId={}', '/bucket/key?versionId=null{}', '/bucket/key{}',
                     '/bucket/key?versionId=' + VERSION + '{}', '/bucket/key?versionId=a&versionId=b{}',
                     'bucket/key?versionId=null%00{}', '/bucket/key?versionId=null%0A{}')),
]


@pytest.mark.parametrize('written', [SMUGGLED, quote(SMUGGLED)], ids=['raw', 'quoted'])
@pytest.mark.parametrize('method, path, query, headers', INPUTS)
def test_what_swift_is_asked_for(keeps_versions, method, path, query, headers, written):
    """Nothing but what s3api means, whatever a client writes wherever it may write something."""
    app = swift()
    answer = ask(app, method, path.format(written), {name: value.format(written) for name, value in query.items()},
                 {name: value.format(written) for name, value in headers.items()})

    assert 500 != answer.status_int
    for seen in app.seen:
        asked = dict(parse_qsl(seen.query, keep_blank_values=True))
        # What we read ourselves is the very thing at a name.
        own = {'multipart-manifest'} if seen.env.get('swift.source') == 'S3M' else set()
        assert asked.keys() <= EXPECTED | own and asked.get('multipart-manifest', 'get') == 'get', seen


@pytest.mark.parametrize('method, path, query, headers', [
    pytest.param('GET', '/bucket/key', {'versionId': '{}'}, {}, id='get'),
    pytest.param('HEAD', '/bucket/key', {'versionId': '{}'}, {}, id='head'),
    pytest.param('DELETE', '/bucket/key', {'versionId': '{}'}, {}, id='delete'),
    pytest.param('GET', '/bucket/key', {'attributes': '', 'versionId': '{}'}, {}, id='attributes'),
    pytest.param('PUT', '/bucket/copy', {}, {'x-amz-copy-source': '/bucket/key?versionId={}'}, id='copy'),
    pytest.param('PUT', '/bucket/key', {'uploadId': OUR_ID, 'partNumber': '1'},
                 {'x-amz-copy-source': '/bucket/key?versionId={}'}, id='copy-part'),
])
@pytest.mark.parametrize('version', [
    'a', 'a&multipart-manifest=get', 'null&multipart-manifest=get', VERSION + '&multipart-manifest=get', VERSION + '\n',
    ' ' + VERSION, '1790000000', '1790000000.1', '1e9', 'inf', 'nan', 'NULL', 'null\0', '\u0661790000000.12345', '..'],
    ids=ascii)
def test_no_version_ids(keeps_versions, method, path, query, headers, version):
    """InvalidArgument, as Amazon S3 says, and nobody is asked."""
    app = swift()
    quoted = wsgi_quote(str_to_wsgi(version))
    answer = ask(app, method, path, {name: value.format(version) for name, value in query.items()},
                 {name: value.format(quoted) for name, value in headers.items()})

    assert 400 == answer.status_int
    assert method == 'HEAD' or b'<Code>InvalidArgument</Code>' in answer.body
    assert method == 'HEAD' or b'Invalid version id specified' in answer.body
    assert [] == app.seen


@pytest.mark.parametrize('version', ['null', VERSION, VERSION + '_00000000000000ff'])
def test_version_ids(keeps_versions, version):
    """Reach Swift as they are, in a read, a delete and a copy; a copy of one only where versions are kept."""
    for method, path, query, headers in (
            ('GET', '/bucket/key', {'versionId': version}, {}), ('DELETE', '/bucket/key', {'versionId': version}, {}),
            ('PUT', '/bucket/copy', {}, {'x-amz-copy-source': '/bucket/key?versionId=' + version})):
        app = swift()
        answer = ask(app, method, path, query, headers)

        if version == 'null' or keeps_versions:
            assert 300 > answer.status_int, answer.body
            # Of the null version s3multi looks whether the key has it.
            assert {version} == {dict(parse_qsl(seen.query))['version-id'] for seen in app.seen
                                 if seen.path.count('/') > 3 and seen.env.get('swift.source') != 'S3M'}
        else:
            assert 501 == answer.status_int
            assert [] == app.seen


def test_a_source_where_nothing_is_copied():
    """It is not sent on: s3api would make a copy of every PUT for Swift that has one."""
    for path, query in (('/bucket', {}), ('/bucket/key', {'acl': ''})):
        app = swift()
        ask(app, 'PUT', path, query, {'x-amz-copy-source': '/other/secret'})

        assert [] == [seen for seen in app.seen if 'secret' in seen.headers.get('X-Copy-From', '')]
