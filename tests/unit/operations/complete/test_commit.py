# SPDX-License-Identifier: Apache-2.0
"""A Complete whose manifest Swift does not store, because something not older is at the key."""
import pytest
from swift.common.utils import Timestamp

from s3multi.operations.complete.commit import Commit
from s3multi.operations.complete.early import Early
from s3multi.operations.complete.outcome import Committed
from s3multi.operations.complete.precondition import Precondition
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.conditions import Compare
from s3multi.s3.errors import EntityTooLarge, NoSuchUpload
from s3multi.s3.parts import Attempt
from s3multi.storage.concurrency import Later
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.records import Intent, list_name
from tests.unit.fakes import IDS, RecordingSwift, asked

MD5 = '0' * 32
ETAG = MD5 + '-1'
TICKS = 170000000000000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
PART = Attempt(1, UPLOAD.part(1, new_attempt(TICKS)), TICKS, MD5, 1)


def commit_over(upload_id, etag, put=202, joins=False):
    """Return a Complete of one part, and a list for its intent.

    upload_id, etag: those of the object at the key, which Swift does not replace. put: what Swift says to the manifest.
    joins: whether an intent of the same list is there already.
    """
    name = list_name(ETAG, [PART.name])
    now = Timestamp.now()
    # An intent that is joined is there already.
    intents = [Intent(name, now)] if joins else []

    def head(seen):
        if seen.path.endswith(UPLOAD.marker):
            return 200, {'Content-Type': 'application/x-s3multi-marker;state=open', 'X-Timestamp': '1'}, b''
        if seen.path.endswith('/complete') and intents:
            written = intents[0].timestamp.internal
            return 200, {'X-Object-Sysmeta-S3multi-Chosen': name, 'X-Object-Sysmeta-S3multi-Timestamp': written,
                         'X-Backend-Timestamp': written}, b''
        if seen.path.endswith('/bucket/key'):
            return 200, {'X-Static-Large-Object': 'True', 'X-Object-Sysmeta-S3Api-Upload-Id': upload_id,
                         'X-Object-Sysmeta-S3Api-Etag': etag, 'X-Backend-Timestamp': now.normal}, b''
        return 404

    def write(seen):
        if seen.path.endswith('/bucket/key'):
            return put
        if not joins:
            intents.append(Intent(name, Timestamp(seen.headers['X-Timestamp'])))
        return 412 if joins else 201

    bucket, call = asked(RecordingSwift(HEAD=head, PUT=write))
    nothing = Early(bucket, UPLOAD, ETAG, [], Later(bucket.logger, bool), Later(bucket.logger, dict), Compare.NOBODY)
    commit = Commit(bucket, UPLOAD, ObjectDigests(ETAG), name, Precondition(bucket, call, UPLOAD, None), None, nothing)
    return commit, intents


def test_the_manifest_of_another_list_at_the_same_time():
    """Of two lists that begin in the same 10 microseconds, the one that is not at the key has no object, and frees
    nothing."""
    commit, _ = commit_over(UPLOAD.id, 'f' * 32 + '-1')

    with pytest.raises(NoSuchUpload):
        commit.run([PART])


@pytest.mark.parametrize('upload_id, etag', [(UPLOAD.id, ETAG), ('another', 'f' * 32 + '-1')],
                         ids=['its own', 'another object'])
def test_what_is_written_and_overwritten_at_once(upload_id, etag):
    """The Complete has succeeded. It is not certain which parts the object at the key needs, so none is freed."""
    commit, intents = commit_over(upload_id, etag)

    committed = commit.run([PART])

    assert Committed(None, intents[0], may_free=False) == committed


@pytest.mark.parametrize('upload_id, etag, may_free', [
    pytest.param(UPLOAD.id, ETAG, True, id='its own'), pytest.param('another', ETAG, False, id='another object')])
def test_a_manifest_that_the_joined_complete_has_written(upload_id, etag, may_free):
    """Parts that are not listed may go only if that very object is at the key."""
    commit, intents = commit_over(upload_id, etag, joins=True)

    assert Committed(None, intents[0], may_free) == commit.run([PART])


@pytest.mark.parametrize('put, error', [(202, NoSuchUpload), (413, EntityTooLarge)])
def test_joining_where_another_list_has_the_object(put, error):
    """It has won: neither is the Complete told of success, nor is a part freed that the object needs."""
    with pytest.raises(error):
        commit_over(UPLOAD.id, 'f' * 32 + '-1', put, joins=True)[0].run([PART])


def test_joining_where_the_object_has_filled_the_quota():
    """It is the very object that this Complete would make."""
    commit, intents = commit_over(UPLOAD.id, ETAG, 413, joins=True)

    assert Committed(None, intents[0], may_free=False) == commit.run([PART])
