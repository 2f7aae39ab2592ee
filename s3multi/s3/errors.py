# SPDX-License-Identifier: Apache-2.0
"""The S3 errors a client can be told: code, HTTP status, message and the extra elements of each.

Raised anywhere in the domain, rendered in one place (``documents.error``). Codes, statuses and elements follow the
"Error responses" page of the Amazon S3 API reference and the pages of the multipart operations. Anything that is not
an ``S3Error`` is a defect of ours and becomes a 500 in ``filter``.
"""
from typing import Any


class S3Error(Exception):
    """One error document: ``code``, ``status`` (an integer), ``message``, ``fields`` (element name to text, in order).

    ``headers`` are added to the HTTP response beside those every answer has.
    """

    code = 'InternalError'
    status = 500
    message = 'We encountered an internal error. Please try again.'

    def __init__(self, message: 'str | None' = None, *, headers: 'dict[str, str] | None' = None, **fields: Any) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.headers = headers or {}
        self.fields = {name: str(value) for name, value in fields.items() if value is not None}


class AccessDenied(S3Error):
    code, status = 'AccessDenied', 403
    message = 'Access Denied'


class BadDigest(S3Error):
    code, status = 'BadDigest', 400
    message = 'The Content-MD5 you specified did not match what we received.'

    def __init__(self, expected: 'str | None' = None, calculated: 'str | None' = None,
                 message: 'str | None' = None) -> None:
        super().__init__(message, ExpectedDigest=expected, CalculatedDigest=calculated)


class BrokenSource(S3Error):
    """A large object of which Swift cannot read a segment; s3api's name for it."""

    code, status = 'BrokenMPU', 409
    message = 'Multipart upload has broken segment data.'


class ConditionalRequestConflict(S3Error):
    code, status = 'ConditionalRequestConflict', 409
    message = 'The conditional request cannot succeed due to a conflicting operation against this resource.'


class EntityTooLarge(S3Error):
    code, status = 'EntityTooLarge', 400
    message = 'Your proposed upload exceeds the maximum allowed size'

    def __init__(self, proposed: 'int | None', allowed: 'int | None', message: 'str | None' = None) -> None:
        super().__init__(message, ProposedSize=proposed, MaxSizeAllowed=allowed)


class EntityTooSmall(S3Error):
    code, status = 'EntityTooSmall', 400
    message = 'Your proposed upload is smaller than the minimum allowed size'

    def __init__(self, proposed: int, minimum: int, number: int, etag: str) -> None:
        super().__init__(ProposedSize=proposed, MinSizeAllowed=minimum, PartNumber=number, ETag=etag)


class IncompleteBody(S3Error):
    code, status = 'IncompleteBody', 400
    message = 'You did not provide the number of bytes specified by the Content-Length HTTP header'

    def __init__(self, expected: 'int | None', provided: 'int | None') -> None:
        super().__init__(NumberBytesExpected=expected, NumberBytesProvided=provided)


class InternalError(S3Error):
    """A defect, or an answer of Swift that no rule foresees. Clients retry it."""


class InvalidArgument(S3Error):
    code, status = 'InvalidArgument', 400
    message = 'Invalid Argument'

    def __init__(self, name: str, value: Any, message: 'str | None' = None) -> None:
        super().__init__(message, ArgumentName=name, ArgumentValue=value)


class InvalidBucketName(S3Error):
    code, status = 'InvalidBucketName', 400
    message = 'The specified bucket is not valid.'

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class InvalidPart(S3Error):
    code, status = 'InvalidPart', 400
    message = ('One or more of the specified parts could not be found.  The part may not have been uploaded, or the '
               'specified entity tag may not match the part\'s entity tag.')

    def __init__(self, upload_id: str, number: int, etag: str) -> None:
        super().__init__(UploadId=upload_id, PartNumber=number, ETag=etag)


class InvalidPartOrder(S3Error):
    code, status = 'InvalidPartOrder', 400
    message = 'The list of parts was not in ascending order. Parts must be ordered by part number.'

    def __init__(self, upload_id: str) -> None:
        super().__init__(UploadId=upload_id)


class InvalidRequest(S3Error):
    code, status = 'InvalidRequest', 400
    message = 'Invalid Request'


class InvalidURI(S3Error):
    code, status = 'InvalidURI', 400
    message = 'Couldn\'t parse the specified URI.'

    def __init__(self, uri: str) -> None:
        super().__init__(URI=uri)


class KeyTooLong(S3Error):
    code, status = 'KeyTooLongError', 400
    message = 'Your key is too long'

    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(Size=size, MaxSizeAllowed=allowed)


class MalformedXML(S3Error):
    code, status = 'MalformedXML', 400
    message = 'The XML you provided was not well-formed or did not validate against our published schema'


class MaxMessageLengthExceeded(S3Error):
    code, status = 'MaxMessageLengthExceeded', 400
    message = 'Your request was too big.'

    def __init__(self, allowed: int) -> None:
        super().__init__(MaxMessageLengthBytes=allowed)


class MetadataTooLarge(S3Error):
    code, status = 'MetadataTooLarge', 400
    message = 'Your metadata headers exceed the maximum allowed metadata size'

    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(Size=size, MaxSizeAllowed=allowed)


class MethodNotAllowed(S3Error):
    code, status = 'MethodNotAllowed', 405
    message = 'The specified method is not allowed against this resource.'

    def __init__(self, method: str, resource: str, allowed: str) -> None:
        super().__init__(headers={'Allow': allowed}, Method=method, ResourceType=resource)


class MissingContentLength(S3Error):
    code, status = 'MissingContentLength', 411
    message = 'You must provide the Content-Length HTTP header.'


class NoSuchBucket(S3Error):
    code, status = 'NoSuchBucket', 404
    message = 'The specified bucket does not exist'

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


class NoSuchKey(S3Error):
    code, status = 'NoSuchKey', 404
    message = 'The specified key does not exist.'

    def __init__(self, key: str, headers: 'dict[str, str] | None' = None) -> None:
        super().__init__(headers=headers, Key=key)


class NoSuchUpload(S3Error):
    code, status = 'NoSuchUpload', 404
    message = ('The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted '
               'or completed.')

    def __init__(self, upload_id: str) -> None:
        super().__init__(UploadId=upload_id)


class NoSuchVersion(S3Error):
    code, status = 'NoSuchVersion', 404
    message = 'The specified version does not exist.'

    def __init__(self, key: str, version_id: str) -> None:
        super().__init__(Key=key, VersionId=version_id)


class NotImplementedHeader(S3Error):
    """A header that promises something s3multi does not keep: refused, never ignored."""

    code, status = 'NotImplemented', 501
    message = 'A header you provided implies functionality that is not implemented'

    def __init__(self, header: str) -> None:
        super().__init__(Header=header)


class PreconditionFailed(S3Error):
    code, status = 'PreconditionFailed', 412
    message = 'At least one of the pre-conditions you specified did not hold'

    def __init__(self, condition: 'str | None' = None) -> None:
        super().__init__(Condition=condition)


class RequestTimeout(S3Error):
    code, status = 'RequestTimeout', 400
    message = ('Your socket connection to the server was not read from or written to within the timeout period. Idle '
               'connections will be closed.')

    def __init__(self) -> None:
        super().__init__(headers={'Connection': 'close'})


class ServiceUnavailable(S3Error):
    """Swift cannot serve the request now, or another operation on the upload is under way: clients repeat it."""

    code, status = 'ServiceUnavailable', 503
    message = 'Service is unable to handle request.'


class SlowDown(S3Error):
    code, status = 'SlowDown', 503
    message = 'Please reduce your request rate.'
