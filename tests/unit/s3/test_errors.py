# SPDX-License-Identifier: Apache-2.0
"""The errors: code, status, and the names of the extra elements, which clients read.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""
import inspect

import pytest

from s3multi.s3 import errors

ETAG = 'c84cabbaebee9a9631c8be234ac64c26'

CATALOGUE = [
    (errors.AccessDenied(), 'AccessDenied', 403, {}),
    (errors.BrokenSource(), 'BrokenMPU', 409, {}),
    (errors.BadDigest('a', 'b'), 'BadDigest', 400, {'ExpectedDigest': 'a', 'CalculatedDigest': 'b'}),
    (errors.ConditionalRequestConflict(), 'ConditionalRequestConflict', 409, {}),
    (errors.EntityTooLarge(2, 1), 'EntityTooLarge', 400, {'ProposedSize': '2', 'MaxSizeAllowed': '1'}),
    (errors.EntityTooSmall(1, 2, 3, ETAG), 'EntityTooSmall', 400,
     {'ProposedSize': '1', 'MinSizeAllowed': '2', 'PartNumber': '3', 'ETag': ETAG}),
    (errors.IncompleteBody(2, 1), 'IncompleteBody', 400, {'NumberBytesExpected': '2', 'NumberBytesProvided': '1'}),
    (errors.InternalError(), 'InternalError', 500, {}),
    (errors.InvalidArgument('partNumber', 'x'), 'InvalidArgument', 400,
     {'ArgumentName': 'partNumber', 'ArgumentValue': 'x'}),
    (errors.InvalidBucketName('b'), 'InvalidBucketName', 400, {'BucketName': 'b'}),
    (errors.InvalidPart('id', 7, ETAG), 'InvalidPart', 400, {'UploadId': 'id', 'PartNumber': '7', 'ETag': ETAG}),
    (errors.InvalidPartOrder('id'), 'InvalidPartOrder', 400, {'UploadId': 'id'}),
    (errors.InvalidRequest(), 'InvalidRequest', 400, {}),
    (errors.InvalidURI('/%FF'), 'InvalidURI', 400, {'URI': '/%FF'}),
    (errors.KeyTooLong(1025, 1024), 'KeyTooLongError', 400, {'Size': '1025', 'MaxSizeAllowed': '1024'}),
    (errors.MalformedXML(), 'MalformedXML', 400, {}),
    (errors.MaxMessageLengthExceeded(9), 'MaxMessageLengthExceeded', 400, {'MaxMessageLengthBytes': '9'}),
    (errors.MetadataTooLarge(2049, 2048), 'MetadataTooLarge', 400, {'Size': '2049', 'MaxSizeAllowed': '2048'}),
    (errors.MethodNotAllowed('PUT', 'UPLOAD', 'GET'), 'MethodNotAllowed', 405,
     {'Method': 'PUT', 'ResourceType': 'UPLOAD'}),
    (errors.MissingContentLength(), 'MissingContentLength', 411, {}),
    (errors.NoSuchBucket('b'), 'NoSuchBucket', 404, {'BucketName': 'b'}),
    (errors.NoSuchKey('k'), 'NoSuchKey', 404, {'Key': 'k'}),
    (errors.NoSuchLifecycleConfiguration('b'), 'NoSuchLifecycleConfiguration', 404, {'BucketName': 'b'}),
    (errors.NoSuchUpload('id'), 'NoSuchUpload', 404, {'UploadId': 'id'}),
    (errors.NoSuchVersion('k', 'v'), 'NoSuchVersion', 404, {'Key': 'k', 'VersionId': 'v'}),
    (errors.NotImplementedAction('Expiration'), 'NotImplemented', 501, {'Element': 'Expiration'}),
    (errors.NotImplementedHeader('If-Match'), 'NotImplemented', 501, {'Header': 'If-Match'}),
    (errors.PreconditionFailed('If-Match'), 'PreconditionFailed', 412, {'Condition': 'If-Match'}),
    (errors.RequestTimeout(), 'RequestTimeout', 400, {}),
    (errors.ServiceUnavailable(), 'ServiceUnavailable', 503, {}),
    (errors.SlowDown(), 'SlowDown', 503, {}),
]
CASES = [pytest.param(*row, id=row[1]) for row in CATALOGUE]


@pytest.mark.parametrize('error, code, status, fields', CASES)
def test_code_status_and_elements(error, code, status, fields):
    """Each error has the code and the status on which clients branch, and its elements in the order of S3."""
    assert (code, status, list(fields.items())) == (error.code, error.status, list(error.fields.items()))


def test_every_error_has_a_message():
    """Each error has a message, which is also the text of the exception in a log."""
    assert [] == [error.code for error, *_ in CATALOGUE if not error.message or error.message != str(error)]


def test_the_catalogue_is_complete():
    """A new error without a row in CATALOGUE would not be tested."""
    defined = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.S3Error)}

    assert defined - {errors.S3Error} == {type(row[0]) for row in CATALOGUE}


@pytest.mark.parametrize('error, headers', [
    pytest.param(errors.MethodNotAllowed('PUT', 'UPLOAD', 'GET, POST'), {'Allow': 'GET, POST'}, id='405-allow'),
    pytest.param(errors.RequestTimeout(), {'Connection': 'close'}, id='timeout-closes'),
    pytest.param(errors.NoSuchKey('k', {'x-amz-delete-marker': 'true'}), {'x-amz-delete-marker': 'true'},
                 id='delete-marker'),
    pytest.param(errors.NoSuchKey('k'), {}, id='none'),
])
def test_headers_of_an_error(error, headers):
    """Some errors come with a header of their own."""
    assert headers == error.headers


def test_a_message_of_its_own_replaces_the_general_one():
    """An error can have a message of its own; InvalidRequest and InvalidArgument say with it what was wrong."""
    error = errors.InvalidArgument('max-parts', '-1', 'Argument max-parts must be positive')

    assert 'Argument max-parts must be positive' == error.message == str(error)


@pytest.mark.parametrize('error, fields', [
    pytest.param(errors.BadDigest('a'), {'ExpectedDigest': 'a'}, id='digest-not-calculated'),
    pytest.param(errors.IncompleteBody(None, None), {}, id='length-not-known'),
    pytest.param(errors.EntityTooLarge(5, None), {'ProposedSize': '5'}, id='limit-not-known'),
    pytest.param(errors.InvalidArgument('uploadId', ''), {'ArgumentName': 'uploadId', 'ArgumentValue': ''},
                 id='empty-is-a-value'),
    pytest.param(errors.EntityTooSmall(0, 1, 1, ETAG),
                 {'ProposedSize': '0', 'MinSizeAllowed': '1', 'PartNumber': '1', 'ETag': ETAG}, id='zero-is-a-value'),
])
def test_an_element_without_a_value_is_left_out(error, fields):
    """An element whose value is None is left out. Zero and the empty text are values."""
    assert fields == error.fields
