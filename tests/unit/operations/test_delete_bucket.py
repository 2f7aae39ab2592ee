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
CONTAINERS = ('/v1/AUTH_a/\0s3multi\0bucket', '/v1/AUTH_a/bucket_segments')


@pytest.fixture
def logger():
    """Return a logger with what Swift's has besides."""
    logger = logging.getLogger('s3multi.test')
    logger.thread_locals = None
    return logger


def upload_of(key, ticks=NOW):
    return Upload('AUTH_a', 'bucket', key, IDS.new('AUTH_a', 'bucket', key, ticks))


def old_upload_of(key, ticks=NOW):
    """Return an upload that release 0.1 began."""
    return Upload('AUTH_a', 'bucket', key, IDS.new_among_parts('AUTH_a', 'bucket', key, ticks))


def path_of(upload):
    """Return the path of the marker of an upload."""
    return '/v1/AUTH_a/%s/%s' % (upload.marker_container, upload.marker)


def swift_with(*uploads, marker=MARKER, **answers):
    """Return a Swift that holds the markers of these uploads, all with this content type, and no parts."""
    def head(seen):
        if seen.path == '/v1/AUTH_a/bucket_segments':
            return 204, {'X-Container-Sysmeta-S3multi-Made': 'true'}, b''
        found = seen.path in map(path_of, uploads)
        return (200, {'Content-Type': marker, 'X-Timestamp': '1790000000.00000'}, b'') if found else 404

    def get(seen):
        rows = [{'name': upload.marker, 'content_type': marker} for upload in uploads
                if seen.path == '/v1/AUTH_a/' + upload.marker_container]
        return 200, {}, json.dumps([] if 'prefix' in seen.query else rows).encode()

    return RecordingSwift(**{'HEAD': head, 'GET': get, **answers})


def end_uploads(swift, logger, began_ticks=NOW + 1):
    """End the uploads of a bucket whose deletion began at this tick; return the names of the deleted markers."""
    bucket = bucket_of(swift, handed_on('DELETE', '/v1/AUTH_a/bucket'))
    cluster = replace(bucket.cluster, logger=logger)
    delete_bucket.end_uploads(replace(bucket, cluster=cluster), began_ticks)
    return [seen.path for seen in swift.seen if seen.method == 'DELETE' and seen.path not in CONTAINERS]


def test_uploads_that_began_later_are_left(logger):
    """They may be uploads of a bucket that was made again meanwhile."""
    for make in (upload_of, old_upload_of):
        before, same, after = [make('key', NOW + ticks) for ticks in (-1, 0, 1)]

        assert [path_of(before)] == end_uploads(swift_with(before, same, after), logger, NOW)


def test_uploads_of_both_layouts(logger):
    """Those of release 0.1 end as well, and both containers go."""
    uploads = [upload_of('key'), old_upload_of('key')]
    swift = swift_with(*uploads)

    assert list(map(path_of, uploads)) == end_uploads(swift, logger)
    assert CONTAINERS == tuple(seen.path for seen in swift.seen if seen.method == 'DELETE')[-2:]


def test_a_marker_that_says_completed(logger):
    """Its proxy died before it deleted it. It goes, and with it the containers."""
    upload = upload_of('key')
    swift = swift_with(upload, marker=MARKER.replace('open', 'completed'))

    assert [path_of(upload)] == end_uploads(swift, logger)
    assert CONTAINERS == tuple(seen.path for seen in swift.seen if seen.method == 'DELETE')[-2:]


def test_a_marker_that_cannot_be_deleted(logger, caplog):
    """It does not keep the others from being deleted."""
    bad, good = upload_of('bad'), upload_of('good')
    swift = swift_with(bad, good, marker=MARKER.replace('open', 'completed'),
                       DELETE=lambda seen: 503 if bad.marker in seen.path else 204)

    assert {path_of(bad), path_of(good)} == set(end_uploads(swift, logger))
    assert bad.id in caplog.text
    assert CONTAINERS == tuple(seen.path for seen in swift.seen if seen.method == 'DELETE')[-2:]


def test_what_only_looks_like_an_upload(logger):
    """A user's object may have the content type of a marker, and the id of another key in its name. It is left."""
    ours = old_upload_of('key')
    theirs = Upload('AUTH_a', 'bucket', 'k', ours.id)
    swift = swift_with(ours, theirs)

    assert [path_of(ours)] == end_uploads(swift, logger)
    assert path_of(theirs) not in [seen.path for seen in swift.seen]


def test_an_upload_that_cannot_be_ended(logger, caplog):
    """It does not keep the others from being ended."""
    bad, good = upload_of('bad'), upload_of('good')
    swift = swift_with(bad, good, PUT=lambda seen: 503 if bad.marker in seen.path else 201)

    assert [path_of(good)] == end_uploads(swift, logger)
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
    assert path_of(upload) in [seen.path for seen in swift.seen if seen.method == 'DELETE']
