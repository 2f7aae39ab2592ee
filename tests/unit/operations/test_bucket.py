# SPDX-License-Identifier: Apache-2.0
"""What every operation asks its bucket: which upload is meant, what its quota has room for, whether it has versions."""
import pytest
from swift.common.utils import Timestamp

from s3multi.operations.bucket import is_versioned
from s3multi.operations.ending import require_open
from s3multi.s3.errors import S3Error
from s3multi.upload.names import Upload
from s3multi.upload.records import State
from tests.unit.fakes import IDS, RecordingSwift, asked, bucket_of, handed_on

UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', 1790000000 * 100000))


def code_of(call, *args):
    """Return the code of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code


def upload_of(bucket, call):
    """Return the upload that a call is for."""
    return bucket.upload(call.object_key(), call.upload_id)


def test_the_upload_of_a_request():
    """Account, bucket and key are those of the request, and no request to Swift is needed."""
    swift = RecordingSwift()

    assert UPLOAD == upload_of(*asked(swift, handed_on(params={'uploadId': UPLOAD.id})))
    assert not swift.seen


@pytest.mark.parametrize('params, path, code', [
    pytest.param({}, '/v1/AUTH_a/bucket/key', 'NoSuchUpload', id='no-id'),
    pytest.param({'uploadId': UPLOAD.id}, '/v1/AUTH_a/bucket/other', 'NoSuchUpload', id='other-key'),
    pytest.param({'uploadId': UPLOAD.id}, '/v1/AUTH_a/other/key', 'NoSuchUpload', id='other-bucket'),
    pytest.param({'uploadId': UPLOAD.id}, '/v1/AUTH_b/bucket/key', 'NoSuchUpload', id='other-account'),
    pytest.param({'uploadId': UPLOAD.id}, '/v1/AUTH_a/bucket', 'InvalidRequest', id='no-key'),
])
def test_an_id_is_good_for_its_own_key_only(params, path, code):
    """A client that may write to one bucket cannot reach an upload of another one by its id."""
    assert code == code_of(upload_of, *asked(RecordingSwift(), handed_on(path=path, params=params)))


@pytest.mark.parametrize('state, code', [('open', None), ('aborting', 'NoSuchUpload'), ('aborted', 'NoSuchUpload')])
def test_an_upload_that_must_be_open(state, code):
    """From the moment an Abort has begun, parts and lists get NoSuchUpload."""
    bucket = bucket_of(RecordingSwift(HEAD=(200, {
        'Content-Type': 'application/x-s3multi-marker;state=' + state, 'X-Timestamp': '1790000000.00000'}, b'')))
    if code:
        assert code == code_of(require_open, bucket, UPLOAD)
    else:
        assert State.OPEN is require_open(bucket, UPLOAD).state


def test_an_upload_without_a_marker_is_not_open():
    """It was completed, or aborted long ago."""
    assert 'NoSuchUpload' == code_of(require_open, bucket_of(RecordingSwift(HEAD=404)), UPLOAD)


@pytest.mark.parametrize('has_quotas, meta, asked', [
    pytest.param(True, {'quota-bytes': '100', 'quota-count': '0'}, True, id='both'),
    pytest.param(True, {'quota-bytes': '100'}, True, id='bytes'),
    pytest.param(True, {}, False, id='none'),
    pytest.param(False, {'quota-bytes': '100'}, False, id='no-such-filter'),
])
def test_quotas_that_hold(has_quotas, meta, asked):
    """The bucket's quotas hold if Swift has the filter for them. Only then is the segments container looked up."""
    swift = RecordingSwift(HEAD=(204, {'X-Container-Bytes-Used': '60'}, b''))
    bucket = bucket_of(swift, handed_on(**{'swift.infocache': {}}), has_quotas=has_quotas,
                       info={'meta': meta, 'bytes': 30, 'object_count': 1})
    for check in (bucket.check_part_quota, bucket.check_object_quota):
        if asked:
            assert 'EntityTooLarge' == code_of(check, UPLOAD, 71)
        else:
            check(UPLOAD, 71)

    assert asked is bool(swift.seen)
    assert {'/v1/AUTH_a', '/v1/AUTH_a/bucket_segments'} >= {seen.path for seen in swift.seen}


@pytest.mark.parametrize('info, versioned', [
    pytest.param({}, False, id='nothing-known'),
    pytest.param({'sysmeta': None}, False, id='no-metadata'),
    pytest.param({'sysmeta': {}}, False, id='never'),
    pytest.param({'sysmeta': {'versions-enabled': 'True', 'versions-container': 'x'}}, True, id='enabled'),
    pytest.param({'sysmeta': {'versions-enabled': 'False', 'versions-container': 'x'}}, True, id='suspended'),
    pytest.param({'sysmeta': {'versions-enabled': 'True'}}, True, id='enabled-without-container'),
    pytest.param({'sysmeta': {'versions-enabled': 'False'}}, False, id='not-enabled'),
    pytest.param({'versions': 'old_versions'}, False, id='older-kind-of-versions'),
])
def test_which_buckets_have_versions(info, versioned):
    """A bucket whose versioning was suspended has some too: they are still there, and may need parts."""
    assert versioned is is_versioned(info)


def test_times_are_those_of_swift():
    """Both methods read one clock, in two units."""
    bucket = bucket_of(RecordingSwift())
    before = Timestamp.now()

    assert before <= bucket.now() <= Timestamp.now()
    assert before.raw <= bucket.ticks() <= Timestamp.now().raw
