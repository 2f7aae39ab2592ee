# SPDX-License-Identifier: Apache-2.0
"""Abort: the upload is over and its space is free, and no object is ever harmed by it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading

import pytest

from .faults import FaultyProxy, rule
from .raw import RawClient
from .uploads import Upload, at_once, read, segment_names, tiny_parts

WORDS = [b'Hello, ', b'multipart ', b'world!\n']
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')


@pytest.fixture(scope='module')
def rechecking(cluster):
    """A proxy that asks for the marker again after every part."""
    return FaultyProxy(cluster, 'rechecks', marker_recheck_after=0)


class SlowBody:
    """A body whose second half waits until it is released."""

    def __init__(self, first, second):
        self.first, self.second = first, second
        self.begun, self.released = threading.Event(), threading.Event()

    def __iter__(self):
        yield self.first
        self.begun.set()
        assert self.released.wait(30)
        yield self.second


def test_abort_answers_no_content(tiny, bucket):
    """Abort answers 204 with no body, and its request id as every answer."""
    answer = Upload(tiny, bucket).parts(*WORDS).abort()

    assert (204, b'') == (answer.status, answer.body)
    assert answer.headers['x-amz-request-id']


def test_parts_are_freed(tiny, bucket, swift):
    """Every attempt to upload a part is freed behind the answer, those that were replaced too."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.part(1, b'again')
    other = Upload(tiny, bucket).parts(b'other')

    assert 204 == upload.abort().status
    assert [] == upload.stored_numbers(swift)
    assert [1] == other.stored_numbers(swift)


def test_answers_before_its_parts_are_freed(rechecking, bucket, swift):
    """The client does not wait for the parts, however long their deletion takes; no operation finds them any more."""
    upload = Upload(RawClient(rechecking.url), bucket).parts(*WORDS)

    with rechecking.above.following(rule('DELETE', '/0000', hold='parts')):
        assert 204 == upload.abort().status
        rechecking.above.wait_held('parts')
        assert [1, 2, 3] == upload.stored_numbers(swift, settled=False)
        assert [NO_SUCH_UPLOAD] * 2 == [upload.list_parts().outcome, upload.complete().outcome]

    assert [] == upload.stored_numbers(swift)


def test_only_the_upload_itself_is_freed(tiny, bucket, swift):
    """Other uploads and the user's own objects in the segments container stay, however alike their names are."""
    upload = Upload(tiny, bucket, 'key').parts(*WORDS)
    nested = Upload(tiny, bucket, f'key/{upload.id}').parts(*WORDS)
    deeper = Upload(tiny, bucket, f'key/{upload.id}/00000001').parts(*WORDS)
    own = [f'key/{upload.id}/{name}' for name in ('00000001', '00000001-mine', 'mine', '00000001-12345678901/mine')]
    for name in own:
        swift.put_object(bucket + '_segments', name, b'mine')

    assert 204 == upload.abort().status
    assert not [name for name in upload.stored(swift) if re.fullmatch('/[0-9]{8}-[^/]{11}', name)]
    assert set(own) <= set(segment_names(swift, bucket))
    for other in (nested, deeper):
        assert [1, 2, 3] == other.stored_numbers(swift)
        assert 200 == other.complete().status


def test_repeat_is_answered_alike(tiny, bucket, swift):
    """An Abort that is repeated answers 204 again."""
    upload = Upload(tiny, bucket).parts(*WORDS)

    assert [204, 204, 204] == [upload.abort().status for _ in range(3)]
    assert [] == upload.stored_numbers(swift)


def test_upload_without_parts(tiny, bucket):
    """An upload that has no part yet can be aborted."""
    upload = Upload(tiny, bucket)

    assert 204 == upload.abort().status
    assert not upload.is_open()


def test_upload_is_over(tiny, bucket, swift):
    """After Abort no other operation knows the upload, it is not listed, and nothing more is stored for it."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.abort()

    assert NO_SUCH_UPLOAD == upload.list_parts().outcome
    assert NO_SUCH_UPLOAD == tiny.upload_part(bucket, 'key', upload.id, 4, b'late').outcome
    assert NO_SUCH_UPLOAD == tiny.copy_part(bucket, 'key', upload.id, 4, f'/{bucket}/any').outcome
    assert NO_SUCH_UPLOAD == upload.complete().outcome
    assert tiny.list_uploads(bucket).xml('ListMultipartUploadsResult').find('Upload') is None
    assert [] == upload.stored_numbers(swift)
    assert 404 == read(tiny, bucket, 'key').status


@pytest.mark.parametrize('wrong', ['', 'x', 'x' * 2000, '0' * 21, '../key', 'é'])
def test_id_that_is_none(tiny, bucket, wrong):
    """Whatever is no upload id of this key is NoSuchUpload, and no object is deleted."""
    tiny.request('PUT', bucket, 'key', body=b'object')

    answer = tiny.abort(bucket, 'key', wrong)

    assert (NO_SUCH_UPLOAD, wrong) == (answer.outcome, answer.error['UploadId'])
    assert b'object' == read(tiny, bucket, 'key').body


def test_id_of_another_key_or_bucket(tiny, bucket, s3):
    """An upload id belongs to one bucket and key; elsewhere it is NoSuchUpload, and harms nothing there."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    other = 'bucket-' + secrets.token_hex(8)
    s3.create_bucket(Bucket=other)
    tiny.initiate(other, 'key')

    for place in ((bucket, 'other'), (bucket, 'key/'), (other, 'key')):
        assert NO_SUCH_UPLOAD == tiny.abort(*place, upload.id).outcome, place
    assert 200 == upload.complete().status


# After Complete

@pytest.mark.parametrize('versioned', [False, True], ids=['plain', 'versioned'])
def test_completed_upload(tiny, bucket, swift, versioned):
    """After Complete an Abort is NoSuchUpload, however often, and the object is unharmed."""
    if versioned:
        swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.complete()

    assert [NO_SUCH_UPLOAD] * 3 == [upload.abort().outcome for _ in range(3)]
    assert b''.join(WORDS) == read(tiny, bucket, 'key').body
    assert 200 == upload.complete().status


@pytest.mark.parametrize('replace', ['put', 'upload', 'delete'])
def test_completed_upload_whose_object_is_gone(tiny, bucket, replace):
    """An Abort of a completed upload harms nothing that came to the key later."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.complete()
    if replace == 'put':
        tiny.request('PUT', bucket, 'key', body=b'new')
    elif replace == 'upload':
        Upload(tiny, bucket).parts(b'new').complete()
    else:
        tiny.request('DELETE', bucket, 'key')

    assert NO_SUCH_UPLOAD == upload.abort().outcome
    after = read(tiny, bucket, 'key')
    assert 404 == after.status if replace == 'delete' else b'new' == after.body


def test_older_version_of_the_object(tiny, bucket, swift):
    """In a versioned bucket an Abort does not harm the version that the upload made, though it is no longer current."""
    swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    upload = Upload(tiny, bucket).parts(*WORDS)
    version = upload.complete().headers['x-amz-version-id']
    tiny.request('PUT', bucket, 'key', body=b'new')

    assert NO_SUCH_UPLOAD == upload.abort().outcome
    assert b''.join(WORDS) == read(tiny, bucket, 'key', {'versionId': version}).body


# While a part is on its way

def send_slowly(upload, number, body):
    """Return a call that uploads a part of 2000 bytes as `body` gives them, and returns the outcome."""
    return lambda: upload.client.upload_part(
        upload.bucket, upload.key, upload.id, number, body, {'Content-Length': '2000'}, payload='unsigned').outcome


def test_part_in_flight(rechecking, bucket, swift):
    """A part that is on its way during Abort is answered 200 or 404, and a further Abort frees its bytes."""
    upload = Upload(RawClient(rechecking.url), bucket).parts(b'first')
    body = SlowBody(b'a' * 1000, b'b' * 1000)

    with rechecking.above.following(), at_once(send_slowly(upload, 2, body)) as (sent,):
        rechecking.above.wait_for('PUT', '/00000002-')
        aborted = upload.abort().status
        body.released.set()
        outcome = sent.result()

    assert 204 == aborted
    assert outcome in (200, NO_SUCH_UPLOAD)
    assert 204 == upload.abort().status
    assert [] == upload.stored_numbers(swift)
    assert NO_SUCH_UPLOAD == upload.complete([(1, upload.etags[1])]).outcome


def test_slow_part_of_an_upload_that_was_aborted(rechecking, bucket, swift):
    """A part that took long is not accepted for an upload that was aborted meanwhile, and its bytes are freed."""
    upload = Upload(RawClient(rechecking.url), bucket)
    body = SlowBody(b'a' * 1000, b'b' * 1000)

    with rechecking.above.following(), at_once(send_slowly(upload, 1, body)) as (sent,):
        rechecking.above.wait_for('PUT', '/00000001-')
        aborted = upload.abort().status
        body.released.set()
        outcome = sent.result()

    assert (204, NO_SUCH_UPLOAD) == (aborted, outcome)
    assert [] == upload.stored_numbers(swift)


def test_slow_part_that_was_completed(rechecking, cluster, bucket):
    """A part that is stored, and listed, before its own answer is there belongs to the object and stays."""
    upload = Upload(RawClient(rechecking.url), bucket)
    other = RawClient(tiny_parts(cluster).url)

    with rechecking.above.following(rule('PUT', '/00000001-', hold='stored', after=True)) as above, at_once(
            lambda: upload.client.upload_part(bucket, 'key', upload.id, 1, b'body').outcome) as (sent,):
        above.wait_held('stored')
        completed = upload.complete([(1, hashlib.md5(b'body').hexdigest())], client=other).outcome
        above.release('stored')
        outcome = sent.result()

    assert (200, NO_SUCH_UPLOAD) == (completed, outcome)
    assert b'body' == read(other, bucket, 'key').body


def test_slow_part_of_an_upload_that_was_completed(rechecking, bucket):
    """A part that took long is not accepted for an upload that was completed meanwhile; the object is unharmed."""
    upload = Upload(RawClient(rechecking.url), bucket).parts(b'first')
    body = SlowBody(b'a' * 1000, b'b' * 1000)

    with rechecking.above.following(), at_once(send_slowly(upload, 1, body)) as (sent,):
        rechecking.above.wait_for('PUT', '/00000001-')
        completed = upload.complete().status
        body.released.set()
        outcome = sent.result()

    assert (200, NO_SUCH_UPLOAD) == (completed, outcome)
    assert b'first' == read(upload.client, bucket, 'key').body
