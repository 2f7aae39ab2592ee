# SPDX-License-Identifier: Apache-2.0
"""The language of the operations: what a client asks for is a ``Call``, what it is answered a ``Reply``."""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Protocol

from s3multi.s3.documents import CONTENT_TYPE, error_document
from s3multi.s3.errors import InvalidRequest, S3Error
from s3multi.storage.part_body import TrailingChecksum

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Rights(Protocol):
    """What the ACLs of S3 let one user do, where they count in place of Swift's (``s3_acl``)."""

    @property
    def user(self) -> str:
        """The user, named as in ACLs."""

    def may(self, permission: str, bucket_sysmeta: Mapping[str, str]) -> bool:
        """Return whether the user has READ or WRITE on a bucket. bucket_sysmeta: of Swift's container info."""

    def may_read_object(self, headers: Mapping[str, str]) -> bool:
        """Return whether the user may read the object that Swift answered these headers for."""

    def owner_of(self, bucket_sysmeta: Mapping[str, str]) -> str:
        """Return the id of a bucket's owner, '' when it has none."""

    def object_headers(self, bucket_sysmeta: Mapping[str, str]) -> 'dict[str, str]':
        """Return the header with the ACL that a new object of this user shall have. Raises InvalidRequest."""


@dataclass(frozen=True)
class Call:
    """One S3 request. account, bucket, key and params are native text; key is None for a request to the bucket.

    content_length: bytes, None when unknown. content_md5: hex, None without the header. metadata: the headers
    X-Object-Meta-* that Swift will store, as WSGI strings. trans_id: the id of the transaction.
    """

    env: 'WSGIEnvironment' = field(repr=False)
    method: str
    account: str
    bucket: str
    key: 'str | None'
    params: Mapping[str, str]
    headers: Mapping[str, str]
    user: str
    location: str
    content_length: 'int | None'
    content_md5: 'str | None'
    metadata: Mapping[str, str]
    trailer: 'TrailingChecksum | None'
    verified: bool
    s3_acl: 'Rights | None'
    trans_id: str

    @property
    def body(self) -> BinaryIO:
        """The body of the request, to be read once."""
        return self.env['wsgi.input']

    @property
    def upload_id(self) -> str:
        """The upload id that the request names; '' for none."""
        return self.params.get('uploadId', '')

    def object_key(self) -> str:
        """Return the key. Raises InvalidRequest when the request is for a bucket."""
        if self.key is None:
            raise InvalidRequest('A key must be specified')
        return self.key


@dataclass
class Reply:
    """An answer: status, headers and a body, whole or as an iterator of bytes."""

    status: int = 200
    headers: 'dict[str, str]' = field(default_factory=dict)
    body: 'bytes | Iterator[bytes]' = b''

    @classmethod
    def xml(cls, body: bytes, headers: 'dict[str, str] | None' = None) -> 'Reply':
        return cls(200, {'Content-Type': CONTENT_TYPE, **(headers or {})}, body)

    @classmethod
    def error(cls, error: S3Error, trans_id: str) -> 'Reply':
        return cls(error.status, {'Content-Type': CONTENT_TYPE, **error.headers}, error_document(error, trans_id))
