# SPDX-License-Identifier: Apache-2.0
"""The headers of multipart requests: which the object keeps, which are checked, and which are refused. No I/O.

Header names are in lower case, values are native text. A header is refused with NotImplemented when ignoring it would
mislead the client who sent it. ``REFUSED`` follows the pages of the operations in the Amazon S3 API reference.
"""
from collections.abc import Mapping

from s3multi.s3.errors import InvalidArgument, MetadataTooLarge, NotImplementedHeader

# User-defined and system-defined metadata may each have as much, names and values together:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
MAX_METADATA_BYTES = 2048

_METADATA = 'x-amz-meta-'

# The object gets these as Initiate got them.
OBJECT_HEADERS = ('cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires')

# S3 gives this type to an object without one. Swift would guess a type from the key.
DEFAULT_CONTENT_TYPE = 'binary/octet-stream'

_CUSTOMER_KEY = ('x-amz-server-side-encryption-customer-algorithm', 'x-amz-server-side-encryption-customer-key',
                 'x-amz-server-side-encryption-customer-key-md5')
_SOURCE_CUSTOMER_KEY = tuple(name.replace('x-amz-', 'x-amz-copy-source-') for name in _CUSTOMER_KEY)
_KEY_SERVICE = ('x-amz-server-side-encryption-aws-kms-key-id', 'x-amz-server-side-encryption-context',
                'x-amz-server-side-encryption-bucket-key-enabled')
_PROPERTIES = ('x-amz-tagging', 'x-amz-website-redirect-location', 'x-amz-object-lock-mode',
               'x-amz-object-lock-retain-until-date', 'x-amz-object-lock-legal-hold', 'x-amz-object-lock-event-hold',
               'x-amz-object-lock-event-hold-duration-days', 'x-amz-object-lock-event-hold-duration-years')
# Headers of Swift, which would make marker and parts expire, but never the object.
_EXPIRY = ('x-delete-at', 'x-delete-after')
_DATES = ('if-modified-since', 'if-unmodified-since')
_CONDITIONS = ('if-match', 'if-none-match', *_DATES)

# By operation.
REFUSED = {
    'initiate': _CUSTOMER_KEY + _KEY_SERVICE + _PROPERTIES + _EXPIRY,
    'upload_part': _CUSTOMER_KEY + _EXPIRY + _CONDITIONS,
    'copy_part': _CUSTOMER_KEY + _SOURCE_CUSTOMER_KEY + _EXPIRY + _CONDITIONS,
    'complete': _CUSTOMER_KEY + _DATES,
    'abort': ('x-amz-if-match-initiated-time',),
    'list_parts': _CUSTOMER_KEY,
    'get_attributes': _CUSTOMER_KEY,
}


def refuse_unsupported(operation: str, headers: Mapping[str, str]) -> None:
    """Raise NotImplementedHeader for the first header that ``operation`` (a name of ``REFUSED``) cannot honour."""
    for name in REFUSED[operation]:
        if name in headers:
            raise NotImplementedHeader(name)


def refuse_metadata(headers: Mapping[str, str]) -> None:
    """Raise InvalidArgument for the user's metadata with a part, as Amazon S3 does: it belongs to Initiate."""
    for name, value in headers.items():
        if name.startswith(_METADATA):
            raise InvalidArgument(name, value, 'Metadata cannot be specified in this context.')


def check_metadata_size(headers: Mapping[str, str]) -> None:
    """Raise MetadataTooLarge when the user-defined or the system-defined metadata of the object exceeds 2 KB.

    Names and values count, in bytes, as the client sent them; ``x-amz-meta-`` does not.
    """
    users = {name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)}
    others = {name: headers[name] for name in (*OBJECT_HEADERS, 'content-type') if headers.get(name)}
    for kind in (users, others):
        size = sum(len((name + value).encode('utf-8', 'surrogateescape')) for name, value in kind.items())
        if size > MAX_METADATA_BYTES:
            raise MetadataTooLarge(size, MAX_METADATA_BYTES)
