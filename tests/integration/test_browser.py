# SPDX-License-Identifier: Apache-2.0
"""A page in a real browser uploads an object in parts, with nothing but presigned URLs.

What the browser decides by are headers, and test_cors has those for every answer. So nothing rests on this alone; where
there is no browser it is skipped.
"""

from __future__ import annotations

import hashlib

import pytest

from .browser import WebApplication, find_browser
from .uploads import TINY_PARTS

ALLOW = 'X-Container-Meta-Access-Control-Allow-Origin'
BROWSER = find_browser()

pytestmark = pytest.mark.skipif(BROWSER is None, reason='no browser is installed: apt-get install chromium')

UPLOAD = """async sign => {
    const send = async (operation, params, method, text) => fetch(await sign(operation, params), {
        method, body: text}).catch(error => {
            throw new Error(`${operation}: ${error}`);
        });
    const xml = async answer => new DOMParser().parseFromString(await answer.text(), 'application/xml');
    const text = (document, name) => document.getElementsByTagName(name)[0]?.textContent;
    const bucket = '%(bucket)s', Key = 'films/ä b.txt', of = more => ({Bucket: bucket, Key, ...more});

    const UploadId = text(await xml(await send('create_multipart_upload', of(), 'POST')), 'UploadId');
    const etags = [];
    for (const [index, body] of ['first part, ', 'last part'].entries()) {
        const answer = await send('upload_part', of({UploadId, PartNumber: index + 1}), 'PUT', body);
        etags.push(answer.headers.get('ETag'));
    }
    const parts = await xml(await send('list_parts', of({UploadId}), 'GET'));
    const uploads = await xml(await send('list_multipart_uploads', {Bucket: bucket}, 'GET'));
    const list = etags.map((etag, index) =>
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join('');
    const complete = await send('complete_multipart_upload', of({UploadId}), 'POST',
        `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`);
    const id = complete.headers.get('x-amz-request-id');
    const completed = await xml(complete);
    const other = text(await xml(await send('create_multipart_upload', of(), 'POST')), 'UploadId');
    const abort = await send('abort_multipart_upload', of({UploadId: other}), 'DELETE');
    const refusal = await send('upload_part', of({UploadId: other, PartNumber: 1}), 'PUT', 'too late');
    const object = await send('get_object', of(), 'GET');
    return {
        etags, listed: parts.getElementsByTagName('Part').length,
        uploads: uploads.getElementsByTagName('Upload').length, completed: text(completed, 'ETag'), id,
        abort: abort.status, refusal: [refusal.status, text(await xml(refusal), 'Code')], object: await object.text()};
}"""

# A browser does not tell a script why: only that there is no answer for it.
PART = """async sign => {
    const url = await sign('upload_part', {Bucket: '%(bucket)s', Key: 'key', UploadId: '%(upload)s', PartNumber: 1});
    try {
        const answer = await fetch(url, {method: 'PUT', body: 'text'});
        return {etag: answer.headers.get('ETag')};
    } catch (error) {
        return {kept: error.name};
    }
}"""


@pytest.fixture(scope='module')
def proxy(cluster):
    """A proxy that lets browsers ask in advance, and takes small parts."""
    return cluster.add_proxy('browser', filters={**TINY_PARTS, 's3api': {'cors_preflight_allow_origin': '*'}})


@pytest.fixture(scope='module')
def signer(proxy, make_client):
    """A client that presigns."""
    return make_client(url=proxy.url, request_checksum_calculation='when_required')


@pytest.fixture
def application(signer):
    """The web application."""
    with WebApplication(lambda operation, params: signer.generate_presigned_url(operation, params)) as running:
        yield running


def test_upload_in_a_browser(application, bucket, swift, tmp_path):
    """The script reads ids, ETags, lists and errors, and the object is what it has sent."""
    swift.post_container(bucket, {ALLOW: application.origin})
    seen = application.run(BROWSER, tmp_path, UPLOAD % {'bucket': bucket})

    assert [f'"{hashlib.md5(body).hexdigest()}"' for body in (b'first part, ', b'last part')] == seen['etags']
    assert (2, 1, 204) == (seen['listed'], seen['uploads'], seen['abort'])
    assert seen['completed'].endswith('-2"') and seen['id'].startswith('tx')
    assert [404, 'NoSuchUpload'] == seen['refusal']
    assert 'first part, last part' == seen['object']


def test_origin_that_is_not_allowed(application, signer, bucket, swift, tmp_path):
    """The browser keeps the answer from a script of another origin than the bucket names; the part is stored."""
    swift.post_container(bucket, {ALLOW: 'https://other.test'})
    upload = signer.create_multipart_upload(Bucket=bucket, Key='key')['UploadId']
    seen = application.run(BROWSER, tmp_path, PART % {'bucket': bucket, 'upload': upload})

    assert {'kept': 'TypeError'} == seen
    listed = signer.list_parts(Bucket=bucket, Key='key', UploadId=upload)['Parts']
    assert [4] == [part['Size'] for part in listed]
