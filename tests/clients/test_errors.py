# SPDX-License-Identifier: Apache-2.0
"""How clients report errors: users see S3's code, or the exception of that name if the client has one."""

from __future__ import annotations

import base64
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace


import pytest
from botocore.exceptions import ClientError

from .aws import AwsCli, AwsCliV2, Boto3, Crt
from .client import MIB, Failed
from .golang import AwsGoV1, AwsGoV2, MinioGo
from .libraries import JavaScript, S3fs
from .presigned import JavaScriptPresigner
from .programs import S3cmd
from .ruby_libraries import AwsRuby, Fog
from .test_clients import begin, sha256, skip_not_offered, stored

PART = b'p' * 5 * MIB
# The words by which clients report an error: s3fs uses Python's own exceptions, and smart_open counts its attempts.
# rclone begins with a HEAD, whose answer has no body for a code. pyarrow writes the codes in capitals.
WORDS = {'NoSuchUpload': ('NoSuchUpload', 'FileNotFoundError', 'failed after 6 attempts', 'NO_SUCH_UPLOAD'),
         'AccessDenied': ('AccessDenied', 'PermissionError', 'Forbidden', 'ACCESS_DENIED')}


def error_of(call, *arguments):
    """Return the code of the error with which a call fails, or all that the client says if it has no code."""
    try:
        call(*arguments)
    except ClientError as error:
        return error.response['Error']['Code']
    except Exception as error:
        # Failed and minio-py's S3Error have a code.
        return getattr(error, 'code', f'{type(error).__name__}: {error}')
    raise AssertionError('no error')


def says(code, text):
    """Return whether ``text``, the words of a client, reports the error with this code."""
    return any(word in text for word in WORDS.get(code, (code,)))


def skip_missing(kind):
    """Return the class of a client. Skips the test if the client is not installed."""
    if kind.missing():
        pytest.skip(kind.missing())
    return kind


@pytest.mark.topic('errors')
class TestPartByPart:
    """Errors of the single calls of an upload, with the clients that have these calls."""

    @pytest.fixture(params=(Boto3, AwsCli, AwsCliV2, JavaScript, JavaScriptPresigner, MinioGo, AwsGoV1,
                            AwsGoV2, AwsRuby, Fog),
                    ids=lambda kind: kind.__name__)
    def kind(self, request):
        """The class of each such client in turn."""
        return skip_missing(request.param)

    def test_upload_is_over(self, client, witness, bucket):
        """After an Abort, every call but another Abort fails with NoSuchUpload."""
        upload_id, _ = begin(witness, bucket, 'key')
        client.abort(bucket, 'key', upload_id)

        assert 'NoSuchUpload' == error_of(client.upload_part, bucket, 'key', upload_id, 1, b'part')
        assert 'NoSuchUpload' == error_of(client.complete, bucket, 'key', upload_id, {1: '0' * 32})
        assert 'NoSuchUpload' == error_of(client.parts, bucket, 'key', upload_id)

    def test_upload_never_was(self, client, bucket):
        """Calls with an id that was never given out fail with NoSuchUpload."""
        assert 'NoSuchUpload' == error_of(client.upload_part, bucket, 'key', 'never', 1, b'part')
        assert 'NoSuchUpload' == error_of(client.abort, bucket, 'key', 'never')

    @pytest.mark.parametrize('code, change', [
        ('InvalidPart', lambda parts: {**parts, 2: '0' * 32}),
        ('InvalidPart', lambda parts: {**parts, 3: parts[2]}),
        ('InvalidPartOrder', lambda parts: dict(reversed(parts.items()))),
    ], ids=['of-another-body', 'never-uploaded', 'order'])
    def test_list_of_parts_is_wrong(self, client, witness, bucket, code, change):
        """A Complete with a wrong list fails with the code for it, and succeeds once the list is right."""
        if code == 'InvalidPartOrder':
            skip_not_offered(client, 'order of parts')
        upload_id, _ = begin(witness, bucket, 'key')
        parts = {number: client.upload_part(bucket, 'key', upload_id, number, PART) for number in (1, 2)}

        assert code == error_of(client.complete, bucket, 'key', upload_id, change(parts))

        client.complete(bucket, 'key', upload_id, parts)
        assert 2 * len(PART) == witness.head_object(Bucket=bucket, Key='key')['ContentLength']

    def test_part_is_too_small(self, client, witness, bucket):
        """A Complete fails if a part other than the last has less than 5 MiB."""
        upload_id, _ = begin(witness, bucket, 'key')
        parts = {number: client.upload_part(bucket, 'key', upload_id, number, b'small') for number in (1, 2)}

        assert 'EntityTooSmall' == error_of(client.complete, bucket, 'key', upload_id, parts)

    def test_part_is_not_what_its_checksum_says(self, client, witness, bucket):
        """A part that does not match its checksum is refused."""
        skip_not_offered(client, 'checksum of a part')
        upload_id, _ = begin(witness, bucket, 'key')

        assert 'BadDigest' == error_of(client.upload_part, bucket, 'key', upload_id, 1, b'part', 'AAAAAA==')
        assert 'Parts' not in witness.list_parts(Bucket=bucket, Key='key', UploadId=upload_id)


@pytest.mark.topic('errors')
@pytest.mark.parametrize('kind', [Boto3])
def test_exception_of_boto3_has_the_name_of_the_error(client, bucket):
    """boto3 raises an exception of its own."""
    with pytest.raises(client.s3.exceptions.NoSuchUpload):
        client.abort(bucket, 'key', 'never')


@pytest.mark.topic('errors')
@pytest.mark.parametrize('kind', [JavaScript])
def test_exception_of_the_javascript_sdk_has_the_name_of_the_error(client, bucket):
    """The SDK for JavaScript throws an exception of its own."""
    skip_missing(JavaScript)
    with pytest.raises(Failed) as caught:
        client.abort(bucket, 'key', 'never')

    assert caught.value.typed


@pytest.mark.topic('errors')
def test_user_without_rights_is_told_so(kind, site, make_file, bucket, witness):
    """Every client reports AccessDenied, and the attempt leaves no upload."""
    client = kind(replace(site, access='test:tester3', secret='testing3'))

    assert says('AccessDenied', error_of(client.upload, make_file(kind.file_bytes), bucket, 'key'))
    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)


@pytest.mark.topic('errors')
def test_upload_that_another_one_aborts(client, make_file, witness, bucket, has_part):
    """The client reports NoSuchUpload or begins anew. There is a whole object or none, and no upload is left."""
    path = make_file(client.fail_bytes)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.upload, path, bucket, 'key')
        upload_id = has_part()
        witness.abort_multipart_upload(Bucket=bucket, Key='key', UploadId=upload_id)

    if running.exception() is None:
        assert stored(witness, bucket, 'key') == sha256(path)
    else:
        assert says('NoSuchUpload', error_of(running.result))
        assert 'Contents' not in witness.list_objects_v2(Bucket=bucket)
    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)


@pytest.mark.topic('errors')
@pytest.mark.parametrize('kind', [S3cmd])
def test_upload_to_continue_is_over(client, make_file, witness, bucket):
    """s3cmd reports that the upload which it has to continue does not exist."""
    skip_missing(S3cmd)
    upload_id, _ = begin(witness, bucket, 'key')
    witness.abort_multipart_upload(Bucket=bucket, Key='key', UploadId=upload_id)

    assert 'NoSuchUpload' == error_of(client.resume, make_file(client.file_bytes), bucket, 'key', upload_id)


@pytest.mark.topic('errors')
@pytest.mark.parametrize('kind', [Boto3, Crt])
def test_checksum_of_the_whole_object(client, make_file, witness, bucket):
    """Complete compares the checksum of the whole file that the user gives. After a BadDigest the client aborts."""
    skip_missing(type(client))
    path = make_file(client.file_bytes)
    right = crc32(path)

    assert says('BadDigest', error_of(client.upload, path, bucket, 'key', {'ChecksumCRC32': 'AAAAAA=='}))
    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)
    client.upload(path, bucket, 'key', {'ChecksumCRC32': right})

    head = witness.head_object(Bucket=bucket, Key='key', ChecksumMode='ENABLED')
    assert (right, 'FULL_OBJECT') == (head['ChecksumCRC32'], head['ChecksumType'])


def crc32(path):
    """Return the CRC32 of a file as S3 writes it."""
    value = 0
    with open(path, 'rb') as file:
        while chunk := file.read(MIB):
            value = zlib.crc32(chunk, value)
    return base64.b64encode(value.to_bytes(4, 'big')).decode()


@pytest.mark.topic('errors')
@pytest.mark.parametrize('kind', [S3fs])
def test_object_that_is_there_already(client, make_file, bucket, witness):
    """s3fs, told to create an object and not to replace one, reports that it exists; the object stays as it was."""
    skip_missing(S3fs)
    witness.put_object(Bucket=bucket, Key='key', Body=b'first')

    assert 'FileExistsError' == error_of(client.create, make_file(client.file_bytes), bucket, 'key')
    assert b'first' == witness.get_object(Bucket=bucket, Key='key')['Body'].read()
    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)
