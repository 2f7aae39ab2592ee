# SPDX-License-Identifier: Apache-2.0
"""What the headers of a multipart request mean: kept for the object, checked, or refused. No I/O.

Header names are in lower case, values native text. A header whose loss would mislead its sender is refused with
NotImplemented; the list is that of the operations' pages in the Amazon S3 API reference.
"""
from collections.abc import Mapping

from s3multi.s3.errors import InvalidArgument, MetadataTooLarge, NotImplementedHeader

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html: names and values together, of the user's
# metadata and of system-defined metadata each.
MAX_METADATA_BYTES = 2048

# Given to the object as they were given to Initiate.
OBJECT_HEADERS = ('cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires')

# S3 stores an object without a type so; Swift would guess one from the key.
DEFAULT_CONTENT_TYPE = 'binary/octet-stream'

_CUSTOMER_KEY = ('x-amz-server-side-encryption-customer-algorithm', 'x-amz-server-side-encryption-customer-key',
                 'x-amz-server-side-encryption-customer-key-md5')
_SOURCE_CUSTOMER_KEY = tuple(name.replace('x-amz-', 'x-amz-copy-source-') for name in _CUSTOMER_KEY)
_KEY_SERVICE = ('x-amz-server-side-encryption-aws-kms-key-id', 'x-amz-server-side-encryption-context',
                'x-amz-server-side-encryption-bucket-key-enabled')
_PROPERTIES = ('x-amz-tagging', 'x-amz-website-redirect-location', 'x-amz-object-lock-mode',
               'x-amz-object-lock-retain-until-date', 'x-amz-object-lock-legal-hold', 'x-amz-object-lock-event-hold',
               'x-amz-object-lock-event-hold-duration-days', 'x-amz-object-lock-event-hold-duration-years',
               'x-amz-grant-full-control', 'x-amz-grant-read', 'x-amz-grant-read-acp', 'x-amz-grant-write-acp')
# Swift's own: it would expire marker and parts, never the object.
_EXPIRY = ('x-delete-at', 'x-delete-after')
_DATES = ('if-modified-since', 'if-unmodified-since')
_CONDITIONS = ('if-match', 'if-none-match', *_DATES)

REFUSED = {
    'initiate': _CUSTOMER_KEY + _KEY_SERVICE + _PROPERTIES + _EXPIRY,
    'upload_part': _CUSTOMER_KEY + _EXPIRY + _CONDITIONS,
    'copy_part': _CUSTOMER_KEY + _SOURCE_CUSTOMER_KEY + _EXPIRY + _CONDITIONS,
    'complete': _CUSTOMER_KEY + _DATES,
    'abort': ('x-amz-if-match-initiated-time',),
    'list_parts': _CUSTOMER_KEY,
    'get_attributes': _CUSTOMER_KEY,
}

_KEPT_ACLS = ('private', 'bucket-owner-full-control')
_KNOWN_ACLS = _KEPT_ACLS + ('public-read', 'public-read-write', 'authenticated-read', 'aws-exec-read',
                            'bucket-owner-read', 'log-delivery-write')


def refuse_unsupported(operation: str, headers: Mapping[str, str]) -> None:
    """Raise NotImplementedHeader for the first header that ``operation`` (a name of ``REFUSED``) cannot honour."""
    for name in REFUSED[operation]:
        if name in headers:
            raise NotImplementedHeader(name)


def without_acl(headers: Mapping[str, str]) -> 'dict[str, str]':
    """Return the headers but for those that ask for an ACL, which are honoured where the ACLs of S3 count."""
    return {name: value for name, value in headers.items()
            if name != 'x-amz-acl' and not name.startswith('x-amz-grant-')}


def check_acl(headers: Mapping[str, str]) -> None:
    """Accept only a canned ACL that grants nothing beyond what the bucket already does.

    Raises NotImplementedHeader for another ACL of S3, InvalidArgument for a word that is none.
    """
    acl = headers.get('x-amz-acl', 'private')
    if acl not in _KNOWN_ACLS:
        raise InvalidArgument('x-amz-acl', acl)
    if acl not in _KEPT_ACLS:
        raise NotImplementedHeader('x-amz-acl')


def check_metadata_size(headers: Mapping[str, str]) -> None:
    """Raise MetadataTooLarge when the user's metadata, or the rest of the object's, passes S3's 2 KB.

    Names and values count as sent; of the user's the names without their prefix.
    """
    prefix = 'x-amz-meta-'
    users = {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}
    others = {name: headers[name] for name in (*OBJECT_HEADERS, 'content-type') if headers.get(name)}
    for kind in (users, others):
        size = sum(len((name + value).encode('utf-8', 'surrogateescape')) for name, value in kind.items())
        if size > MAX_METADATA_BYTES:
            raise MetadataTooLarge(size, MAX_METADATA_BYTES)
