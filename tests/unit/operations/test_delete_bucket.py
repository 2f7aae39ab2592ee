# SPDX-License-Identifier: Apache-2.0
"""The uploads of a deleted bucket are ended, even if requests fail or take long."""
import json
import logging
from dataclasses import replace

import eventlet
import pytest

from s3multi.operations import delete_bucket
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS, RecordingSwift, handed_on, bucket_of

NOW = 1790000000 * 100000
MARKER = 'application/x-s3multi-marker;state=open'


@pytest.fixture
def logger():
    """Return a logger with what Swift's has besides."""
    logger = logging.getLogger('s3multi.test')
    logger.thread_locals = None
    return logger


def upload_of(key, ticks=NOW):
    return Upload('AUTH_a', 'bucket', key, IDS.new('AUTH_a', 'bucket', key, ticks))


def swift_with(*uploads, **answers):
    """Return a Swift that holds the markers of these uploads, and no parts."""
    rows = [{'name': upload.marker, 'content_type': MARKER} for upload in uploads]

    def head(seen):
        if seen.path == '/v1/AUTH_a/bucket_segments':
            return 204, {'X-Container-Sysmeta-S3multi-Made': 'true'}, b''
        found = seen.path.removeprefix('/v1/AUTH_a/bucket_segments/') in {upload.marker for upload in uploads}
        return (200, {'Content-Type': MARKER, 'X-Timestamp': '1790000000.00000'}, b'') if found else 404

    def get(seen):
        return 200, {}, json.dumps([] if 'prefix' in seen.query else rows).encode()

    return RecordingSwift(**{'HEAD': head, 'GET': get, **answers})


def end_uploads(swift, logger, began_ticks=NOW + 1):
    """End the uploads of a bucket whose deletion began at this tick; return the names of the deleted markers."""
    bucket = bucket_of(swift, handed_on('DELETE', '/v1/AUTH_a/bucket'))
    cluster = replace(bucket.cluster, logger=logger)
    delete_bucket.end_uploads(replace(bucket, cluster=cluster), began_ticks)
    return [seen.path.removeprefix('/v1/AUTH_a/bucket_segments/') for seen in swift.seen
            if seen.method == 'DELETE' and seen.path != '/v1/AUTH_a/bucket_segments']


def test_uploads_that_began_later_are_left(logger):
    """They may be uploads of a bucket that was made again meanwhile."""
    before, same, after = [upload_of('key', NOW + ticks) for ticks in (-1, 0, 1)]

    assert [before.marker] == end_uploads(swift_with(before, same, after), logger, NOW)


def test_what_only_looks_like_an_upload(logger):
    """A user's object may have the content type of a marker, and the id of another key in its name. It is left."""
    ours = upload_of('key')
    theirs = Upload('AUTH_a', 'bucket', 'k', ours.id)
    swift = swift_with(ours, theirs)

    assert [ours.marker] == end_uploads(swift, logger)
    assert not [seen for seen in swift.seen if theirs.marker in seen.path]


def test_an_upload_that_cannot_be_ended(logger, caplog):
    """It does not keep the others from being ended."""
    bad, good = upload_of('bad'), upload_of('good')
    swift = swift_with(bad, good, PUT=lambda seen: 503 if bad.marker in seen.path else 201)

    assert [good.marker] == end_uploads(swift, logger)
    assert bad.id in caplog.text


@pytest.mark.parametrize('broken', [
    pytest.param({'GET': 503}, id='error-of-s3'),
    pytest.param({'GET': (200, {}, b'no JSON')}, id='defect'),
])
def test_what_fails_is_for_the_log(logger, caplog, broken):
    """The client is not told of it: its bucket is deleted."""
    assert [] == end_uploads(swift_with(upload_of('key'), **broken), logger)
    assert 'bucket' in caplog.text


def test_a_time_out_is_for_the_log(logger, caplog):
    """Time-outs of eventlet are not Exceptions."""
    def get(seen):
        raise eventlet.Timeout(1)

    assert [] == end_uploads(swift_with(GET=get), logger)
    assert 'bucket' in caplog.text


def test_the_answer_does_not_wait_for_many(logger, monkeypatch):
    """Work that takes long goes on after the answer."""
    monkeypatch.setattr(delete_bucket, '_ANSWER_WITHIN_SECONDS', 0.1)
    upload, may_go_on = upload_of('key'), eventlet.Event()

    def put(seen):
        may_go_on.wait()
        return 201

    swift = swift_with(upload, PUT=put)
    with eventlet.Timeout(10):
        assert [] == end_uploads(swift, logger)
    assert 'PUT' == swift.last.method

    may_go_on.send()
    eventlet.sleep(1)
    assert 'DELETE' == swift.last.method
    assert '/v1/AUTH_a/bucket_segments' == swift.last.path
    assert upload.marker in [seen.path.removeprefix('/v1/AUTH_a/bucket_segments/') for seen in swift.seen
                             if seen.method == 'DELETE']
