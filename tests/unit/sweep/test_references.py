# SPDX-License-Identifier: Apache-2.0
"""Which answers of Swift prove that nobody refers to a part, and which do not."""
import json

import pytest
from swift.common.utils import Timestamp

from s3multi.s3.errors import S3Error
from s3multi.s3.parts import Attempt
from s3multi.storage.requests import Backend, own_environ
from s3multi.sweep.judge import is_in_use
from s3multi.sweep.references import References, Uncertain
from s3multi.sweep.walk import Found
from s3multi.upload.names import Upload
from s3multi.upload.timestamps import swift_time
from tests.unit.fakes import IDS, RecordingSwift

TICKS = 1790000000 * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
BUCKET, SEGMENTS = '/v1/AUTH_a/bucket', '/v1/AUTH_a/bucket_segments'
KEY, MARKER = BUCKET + '/key', SEGMENTS + '/' + UPLOAD.marker
WANTED = {'/c/1', '/c/2'}
VERSIONED = {'X-Container-Sysmeta-Versions-Container': '%00versions%00bucket'}


def later(seconds):
    return swift_time(TICKS + seconds * 100000)


def tombstone(seconds=None):
    return 404, {'X-Backend-Timestamp': later(seconds).internal} if seconds is not None else {}, b''


def large(seconds=1, **headers):
    return 200, {'X-Static-Large-Object': 'True', 'Etag': '"m"', 'X-Timestamp': later(seconds).normal, **headers}, b''


def row(name, seconds, **fields):
    return {'name': name, 'last_modified': later(seconds).isoformat, 'content_type': 'x/y', **fields}


def swift_of(heads, gets=None):
    """Return a Swift with answers to HEAD and GET by path, or by path and query. A list is the rows of a listing."""
    def answer(answers, seen, default):
        found = next((found for place, found in answers.items() if seen.path == place.partition('?')[0]
                      and place.partition('?')[2] in seen.query), default)
        return (200, {}, json.dumps(found).encode()) if isinstance(found, list) else found

    return RecordingSwift(HEAD=lambda seen: answer(heads, seen, 404), GET=lambda seen: answer(gets or {}, seen, 404))


def references(swift):
    return References(Backend(swift, own_environ('AUTH_a', 'bucket'), 'AUTH_a', 'bucket'), 'bucket')


def listed(heads, gets=None, written=()):
    return references(swift_of({BUCKET: 204, **heads}, gets)).listed(UPLOAD, written, WANTED)


# The marker

@pytest.mark.parametrize('head, rows, deleted', [
    (tombstone(5), [], later(5)),
    (tombstone(5), [row(UPLOAD.marker, 0)], later(5)),
    (tombstone(), [], Timestamp(0)),
    (tombstone(), [row(UPLOAD.marker + 'x', 0)], Timestamp(0)),
])
def test_marker_that_is_gone(head, rows, deleted):
    """Its tombstone says so; or neither the object servers nor the listing know it."""
    assert deleted == references(swift_of({MARKER: head}, {SEGMENTS: rows})).marker_deleted(UPLOAD)


@pytest.mark.parametrize('head, rows', [
    (200, []), (tombstone(), [row(UPLOAD.marker, 0)]), (tombstone(5), [row(UPLOAD.marker, 6)])])
def test_marker_that_may_be_there(head, rows):
    """It is there, or the listing shows one that the object servers do not."""
    with pytest.raises(Uncertain):
        references(swift_of({MARKER: head}, {SEGMENTS: rows})).marker_deleted(UPLOAD)


# The object

@pytest.mark.parametrize('head, rows', [
    (tombstone(9), []), (tombstone(9), [row('key', 1)]), (tombstone(), []), (tombstone(), [row('key2', 9)]),
    ((200, {'X-Timestamp': later(9).normal, 'Etag': 'x'}, b''), [row('key', 9)]),
    ((200, {'X-Timestamp': later(9).normal, 'Etag': 'x'}, b''), [row('key', 1)])])
def test_no_manifest(head, rows):
    """The object is gone, or is a plain one, and no listing shows anything newer."""
    assert set() == listed({KEY: head}, {BUCKET: rows})


@pytest.mark.parametrize('head', [tombstone(), tombstone(8), (200, {'X-Timestamp': later(8).normal}, b'')])
def test_listing_that_shows_something_newer(head):
    """Then the object servers may have missed a manifest."""
    with pytest.raises(Uncertain):
        listed({KEY: head}, {BUCKET: [row('key', 9)]})


def test_manifest():
    """Its names count, whoever wrote it. It is read on condition that it is the one that was seen."""
    swift = swift_of({BUCKET: 204, KEY: large()}, {BUCKET + '?prefix': [], KEY: [{'name': '/c/1'}, {'name': '/c/2'}]})

    assert {'/c/1', '/c/2'} == references(swift).listed(UPLOAD, [], WANTED)
    read, = [seen for seen in swift.seen if seen.method == 'GET' and seen.path == KEY]
    assert ('"m"', 'true') == (read.headers['If-Match'], read.headers['X-Newest'])
    assert {'multipart-manifest=get', 'symlink=get'} == set(read.query.split('&'))


@pytest.mark.parametrize('answer', [(200, {}, b'\x00encrypted'), (412, {}, b''), (200, {}, b'[1]'), (200, {}, b'[{}]'),
                                    (404, {}, b'')])
def test_manifest_that_cannot_be_read(answer):
    """It may be encrypted, replaced meanwhile, or of an unknown form."""
    with pytest.raises(Uncertain):
        listed({KEY: large()}, {BUCKET + '?prefix': [], KEY: answer})


def test_dynamic_large_object():
    """Anybody may have made one over the parts."""
    with pytest.raises(Uncertain):
        listed({KEY: (200, {'X-Object-Manifest': 'bucket_segments/key', 'X-Timestamp': later(1).normal}, b'')},
               {BUCKET: []})


@pytest.mark.parametrize('heads, gets', [
    ({KEY: 503}, {BUCKET: []}), ({KEY: tombstone(9)}, {BUCKET: 503}), ({KEY: tombstone(9), BUCKET: 503}, {BUCKET: []}),
    ({KEY: large()}, {BUCKET + '?prefix': [], KEY: 503})])
def test_reads_that_fail(heads, gets):
    """A request that fails proves nothing, whichever it is."""
    with pytest.raises(S3Error):
        listed(heads, gets)


# The bucket

def test_bucket_that_is_gone():
    """If the account does not list it either, all of its objects are gone, too."""
    account = '/v1/AUTH_a'

    assert set() == listed({BUCKET: 404}, {account: [{'name': 'bucket_segments'}]})
    with pytest.raises(Uncertain):
        listed({BUCKET: 404}, {account: [{'name': 'bucket'}]})
    with pytest.raises(S3Error):
        listed({BUCKET: 404}, {account: 503})


def test_archive_in_the_older_way():
    """It is not known which manifests are in it."""
    with pytest.raises(Uncertain):
        listed({BUCKET: (204, {'X-Container-Sysmeta-Versions-Location': 'old'}, b'')}, {BUCKET: []})


# Versions

VERSIONS_CONTAINER = '/v1/AUTH_a/\0versions\0bucket'


def versions(rows, heads=None, gets=None, container=204, written=()):
    return listed({BUCKET: (204, VERSIONED, b''), VERSIONS_CONTAINER: container,
                   **{KEY + '?version-id=' + name: answer for name, answer in (heads or {}).items()}},
                  {BUCKET + '?versions': rows, BUCKET: [],
                   **{KEY + '?version-id=' + name: answer for name, answer in (gets or {}).items()}}, written)


def test_versions():
    """Every version that is newer than the upload is asked for, and the null version; delete markers and older versions
    are not."""
    new, old = later(5).normal, later(-5).normal
    rows = [row('key', 9, version_id=later(9).normal,
                content_type='application/x-deleted;swift_versions_deleted=1'),
            row('key', 5, version_id=new), row('key', -5, version_id=old), row('key', -9, version_id='null'),
            row('key2', 5, version_id=later(6).normal)]

    assert {'/c/1', '/c/2'} == versions(rows, {new: large(5), 'null': large(-9)},
                                        {new: [{'name': '/c/1'}], 'null': [{'name': '/c/2'}]})


def test_versions_that_need_not_be_asked():
    """The known versions come first, then the oldest of the others. Once all parts are found, no more are asked for."""
    rows = [row('key', 9, version_id=later(9).normal), row('key', 5, version_id=later(5).normal)]

    assert WANTED == versions(rows, {later(5).normal: large(5)},
                              {later(5).normal: [{'name': '/c/1'}, {'name': '/c/2'}]})


def test_version_that_no_listing_shows():
    """It is asked for by the timestamp at which the marker was deleted."""
    assert {'/c/1'} == versions([], {later(5).normal: large(5)}, {later(5).normal: [{'name': '/c/1'}]},
                                written=[Timestamp(later(5), offset=1)])
    assert set() == versions([], written=[later(5)])


@pytest.mark.parametrize('rows, container', [
    ([row('key', 5, version_id=later(5).normal)], 204), ([row('key', 5)], 204), ([], 404)],
    ids=['not found', 'no versions shown', 'no container'])
def test_versions_that_cannot_be_known(rows, container):
    """A listed version is not found, the pipeline shows no versions, or their container is not there."""
    with pytest.raises(Uncertain):
        versions(rows, container=container)


def test_versions_switched_on_meanwhile():
    """The object that was at the key a moment ago may be a version now."""
    states = iter([(204, {}, b''), (204, VERSIONED, b'')])
    swift = RecordingSwift(HEAD=lambda seen: next(states) if seen.path == BUCKET else tombstone(9),
                           GET=(200, {}, b'[]'))

    with pytest.raises(Uncertain):
        references(swift).listed(UPLOAD, [], WANTED)


# The glance

@pytest.mark.parametrize('answer, in_use', [
    (404, False), ((200, {'Etag': 'x'}, b''), False),
    (large(**{'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id, 'X-Object-Sysmeta-S3Api-Etag': 'x-2'}), True),
    (large(**{'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id, 'X-Object-Sysmeta-S3Api-Etag': 'x-1'}), False),
    (large(**{'X-Object-Sysmeta-S3Api-Upload-Id': 'other', 'X-Object-Sysmeta-S3Api-Etag': 'x-2'}), False),
    (large(**{'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id}), False),
])
def test_glance(answer, in_use):
    """If the object is the upload's and has as many parts as are stored, nothing more is asked. Otherwise the upload is
    judged."""
    found = Found(UPLOAD, None, False, [Attempt(number, 'name', TICKS, 'e', 1) for number in (1, 2)])

    assert in_use is is_in_use(found, references(swift_of({KEY: answer})))
