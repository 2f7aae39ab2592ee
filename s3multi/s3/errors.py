# SPDX-License-Identifier: Apache-2.0
"""The errors that S3 clients are told: code, HTTP status, message and the extra elements of each.

Any module may raise them; ``documents.error_document`` renders them. Codes, statuses and elements follow the page of
error responses in the Amazon S3 API reference, and the pages of the multipart operations. An exception that is not an
``S3Error`` is a defect of ours, and ``filters.s3multi`` answers it with 500.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""
from typing import Any


class S3Error(Exception):
    """An error that a client is told.

    code, message: the elements of these names. status: of HTTP, an integer. fields: the extra elements, name to text,
    in order; those given as None are left out. headers: of the HTTP response, beside those that every answer has.
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
    """expected, calculated: the MD5 that the client sent, and that of the body where it is known."""

    code, status = 'BadDigest', 400
    message = 'The Content-MD5 you specified did not match what we received.'

    def __init__(self, expected: 'str | None' = None, calculated: 'str | None' = None,
                 message: 'str | None' = None) -> None:
        super().__init__(message, ExpectedDigest=expected, CalculatedDigest=calculated)


class BrokenSource(S3Error):
    """A large object one of whose segments Swift cannot read. Code and message are s3api's: S3 has none for it."""

    code, status = 'BrokenMPU', 409
    message = 'Multipart upload has broken segment data.'


class ConditionalRequestConflict(S3Error):
    """The object at the key changed, or was about to, while a conditional Complete was under way."""

    code, status = 'ConditionalRequestConflict', 409
    message = 'The conditional request cannot succeed due to a conflicting operation against this resource.'


class EntityTooLarge(S3Error):
    """proposed, allowed: sizes in bytes; None leaves the element out."""

    code, status = 'EntityTooLarge', 400
    message = 'Your proposed upload exceeds the maximum allowed size'

    def __init__(self, proposed: 'int | None', allowed: 'int | None', message: 'str | None' = None) -> None:
        super().__init__(message, ProposedSize=proposed, MaxSizeAllowed=allowed)


class EntityTooSmall(S3Error):
    """proposed, minimum: sizes of a part in bytes. number, etag: of that part."""

    code, status = 'EntityTooSmall', 400
    message = 'Your proposed upload is smaller than the minimum allowed size'

    def __init__(self, proposed: int, minimum: int, number: int, etag: str) -> None:
        super().__init__(ProposedSize=proposed, MinSizeAllowed=minimum, PartNumber=number, ETag=etag)


class IncompleteBody(S3Error):
    """expected, provided: numbers of bytes; None leaves the element out."""

    code, status = 'IncompleteBody', 400
    message = 'You did not provide the number of bytes specified by the Content-Length HTTP header'

    def __init__(self, expected: 'int | None', provided: 'int | None') -> None:
        super().__init__(NumberBytesExpected=expected, NumberBytesProvided=provided)


class InternalError(S3Error):
    """A defect, or an answer of Swift that s3multi does not foresee. Clients repeat the request."""


class InvalidArgument(S3Error):
    """name, value: of the parameter, header or element that is wrong."""

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
    """number, etag: of the part, as the client lists it."""

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
    """size, allowed: lengths of a key, in bytes of UTF-8."""

    code, status = 'KeyTooLongError', 400
    message = 'Your key is too long'

    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(Size=size, MaxSizeAllowed=allowed)


class MalformedXML(S3Error):
    code, status = 'MalformedXML', 400
    message = 'The XML you provided was not well-formed or did not validate against our published schema'


class MaxMessageLengthExceeded(S3Error):
    """allowed: the size of a body, in bytes."""

    code, status = 'MaxMessageLengthExceeded', 400
    message = 'Your request was too big.'

    def __init__(self, allowed: int) -> None:
        super().__init__(MaxMessageLengthBytes=allowed)


class MetadataTooLarge(S3Error):
    """size, allowed: of names and values together, in bytes."""

    code, status = 'MetadataTooLarge', 400
    message = 'Your metadata headers exceed the maximum allowed metadata size'

    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(Size=size, MaxSizeAllowed=allowed)


class MethodNotAllowed(S3Error):
    """resource: what was asked for, in S3's words. allowed: the methods, as the header Allow lists them."""

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


class NoSuchLifecycleConfiguration(S3Error):
    code, status = 'NoSuchLifecycleConfiguration', 404
    message = 'The lifecycle configuration does not exist'

    def __init__(self, bucket: str) -> None:
        super().__init__(BucketName=bucket)


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


class NotImplementedAction(S3Error):
    """An action of a lifecycle rule that s3multi does not do. element: its name."""

    code, status = 'NotImplemented', 501

    def __init__(self, element: str) -> None:
        super().__init__('The action %s of lifecycle rules is not implemented' % element, Element=element)


class NotImplementedHeader(S3Error):
    """A header that asks for something s3multi does not do. Such a header is refused, never ignored."""

    code, status = 'NotImplemented', 501
    message = 'A header you provided implies functionality that is not implemented'

    def __init__(self, header: str) -> None:
        super().__init__(Header=header)


class PreconditionFailed(S3Error):
    """condition: the name of the condition that does not hold; None leaves the element out."""

    code, status = 'PreconditionFailed', 412
    message = 'At least one of the pre-conditions you specified did not hold'

    def __init__(self, condition: 'str | None' = None) -> None:
        super().__init__(Condition=condition)


class RequestTimeout(S3Error):
    """The client did not send its body in time. The connection is closed, as the message announces."""

    code, status = 'RequestTimeout', 400
    message = ('Your socket connection to the server was not read from or written to within the timeout period. Idle '
               'connections will be closed.')

    def __init__(self) -> None:
        super().__init__(headers={'Connection': 'close'})


class ServiceUnavailable(S3Error):
    """Swift cannot serve the request now, or another operation on the upload is under way.

    Clients repeat the request.
    """

    code, status = 'ServiceUnavailable', 503
    message = 'Service is unable to handle request.'


class SlowDown(S3Error):
    code, status = 'SlowDown', 503
    message = 'Please reduce your request rate.'
