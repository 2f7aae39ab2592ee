# SPDX-License-Identifier: Apache-2.0
"""The containers for uploads: which are made when, and what is said when one is missing."""
import pytest

from s3multi.operations import containers, initiate, upload_part
from s3multi.s3.errors import NoSuchUpload, ServiceUnavailable
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS, RecordingSwift, asked, bucket_of, handed_on

MARKERS, SEGMENTS = '/v1/AUTH_a/\0s3multi\0bucket', '/v1/AUTH_a/bucket_segments'
NOTE = 'X-Container-Sysmeta-S3Multi-All-Apart-Since'
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', 1790000000 * 100000))
OPEN = 200, {'Content-Type': 'application/x-s3multi-marker;state=open', 'X-Timestamp': '1790000000.00000'}, b''
INFO = {'storage_policy': '0'}


def puts(swift):
    """Return the paths of all PUTs, those of markers shortened."""
    return [MARKERS + '/...' if seen.path.startswith(MARKERS + '/') else seen.path for seen in swift.seen
            if seen.method == 'PUT']


def first_initiate(segments=201, options=None):
    """Initiate in a bucket without a container for markers; return Swift. segments: what it says to the other one."""
    made = []

    def put(seen):
        if seen.path in (MARKERS, SEGMENTS):
            made.append(seen.path)
            return segments if seen.path == SEGMENTS else 201
        return 201 if (MARKERS if seen.path.startswith(MARKERS) else SEGMENTS) in made else 404

    swift = RecordingSwift(PUT=put, GET=404)
    env = handed_on('POST', params={'uploads': ''})
    assert 200 == initiate.run(*asked(swift, env, info=INFO, options=options)).status
    return swift


@pytest.mark.parametrize('segments, note', [
    pytest.param(201, '0000000000.00000', id='none'),
    pytest.param(202, None, id='segments')])
def test_the_first_upload_makes_both(segments, note):
    """Where there was a segments container already, markers of release 0.1 may lie in it."""
    swift = first_initiate(segments)

    assert [MARKERS + '/...', SEGMENTS, MARKERS, MARKERS + '/...'] == puts(swift)
    assert [note] == [seen.headers.get(NOTE) for seen in swift.seen if seen.path == MARKERS]


def test_the_first_upload_for_proxies_of_release_0_1():
    """They know nothing of markers that lie apart."""
    swift = first_initiate(options={'initiate_for_release': '0.1'})
    marker, container, again = puts(swift)

    assert marker == again and marker.startswith(SEGMENTS + '/key/') and container == SEGMENTS
    assert not Upload('AUTH_a', 'bucket', 'key', marker.rpartition('/')[2]).is_apart


def test_another_upload_for_proxies_of_release_0_1():
    """It is looked for, although the first upload of the bucket was one of this release."""
    noted = 200, {NOTE: '0000000000.00000'}, b'[]'
    swift = RecordingSwift(GET=lambda seen: noted if seen.path == MARKERS else 404)
    initiate.run(*asked(swift, handed_on('POST', params={'uploads': ''}), info=INFO,
                        options={'initiate_for_release': '0.1'}))

    assert [('POST', MARKERS, ''), ('PUT', swift.last.path, None)] == [
        (seen.method, seen.path, seen.headers.get(NOTE)) for seen in swift.seen if seen.method in ('POST', 'PUT')]


@pytest.mark.parametrize('path', [SEGMENTS, MARKERS])
def test_a_proxy_whose_clock_is_ahead_has_deleted_one(path):
    """Then it cannot be made now."""
    with pytest.raises(ServiceUnavailable):
        containers.create(bucket_of(RecordingSwift(PUT=lambda seen: 409 if seen.path == path else 201), info=INFO))


@pytest.mark.parametrize('path', [SEGMENTS, MARKERS])
def test_one_of_another_policy_is_there(path):
    """Swift refuses to make it again, and it is used as it is."""
    swift = RecordingSwift(PUT=lambda seen: 409 if seen.path == path else 201, HEAD=204, GET=(200, {}, b'[]'))
    containers.create(bucket_of(swift, info=INFO))

    assert [SEGMENTS, MARKERS] == puts(swift)
    assert [NOTE in seen.headers for seen in swift.seen if seen.path == MARKERS][0] is (path == MARKERS)


@pytest.mark.parametrize('marker, error, made', [
    (OPEN, ServiceUnavailable, [SEGMENTS, MARKERS]), ([OPEN, 404], NoSuchUpload, [])], ids=['open', 'ended'])
def test_a_part_without_a_segments_container(marker, error, made):
    """Somebody has deleted it. It is made again, and the client repeats; but not for an upload that has ended."""
    swift = RecordingSwift(HEAD=marker, PUT=lambda seen: 404 if '/0000' in seen.path else 202)
    env = handed_on('PUT', params={'uploadId': UPLOAD.id, 'partNumber': '1'})
    with pytest.raises(error):
        upload_part.run(*asked(swift, env, info=INFO))

    assert made == puts(swift)[1:]
