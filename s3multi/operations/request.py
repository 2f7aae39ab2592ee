# SPDX-License-Identifier: Apache-2.0
"""The language of the operations: a ``Call`` is what a client asks for, a ``Reply`` what it is answered."""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from s3multi.s3.documents import CONTENT_TYPE, error_document
from s3multi.s3.errors import InvalidRequest, S3Error
from s3multi.storage.part_body import TrailingChecksum

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class Rights(Protocol):
    """The rights of one user by the ACLs of S3, where these count instead of Swift's (``s3_acl = true``)."""

    @property
    def user(self) -> str:
        """The user's name, as ACLs have it."""

    def may(self, permission: str, bucket_sysmeta: Mapping[str, str]) -> bool:
        """Return whether the user has a ``permission``, READ or WRITE, on a bucket.

        bucket_sysmeta: the part of that name of Swift's container info.
        """

    def may_read_object(self, headers: Mapping[str, str]) -> bool:
        """Return whether the user may read an object. headers: those of Swift's answer to a GET or HEAD of it."""

    def owns(self, bucket_sysmeta: Mapping[str, str]) -> bool:
        """Return whether the user is the owner of a bucket."""

    def owner_of(self, bucket_sysmeta: Mapping[str, str]) -> str:
        """Return the id of a bucket's owner, '' if it has none."""

    def object_headers(self, bucket_sysmeta: Mapping[str, str]) -> 'dict[str, str]':
        """Return the header with the ACL of a new object of this user.

        Raises InvalidRequest if the ACL that is asked for cannot be made, because the bucket has no owner.
        """


@dataclass(frozen=True)
class Call:
    """One S3 request. All names and values are native text, unless said otherwise.

    key: None for a request to the bucket. params: the query. headers: the client's, names in lower case. user: who
    asks, named as s3api names owners. location: the URL of the object. content_length: bytes; None if unknown.
    content_md5: hexadecimal; None without the header. metadata: the headers X-Object-Meta-* that Swift will store, as
    WSGI strings. trailer: the checksum that follows the body; None without one. verified: whether s3api compares the
    checksum of the body. s3_acl: the client's rights by the ACLs of S3; None if Swift's count. trans_id: the
    transaction id.
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
        """The upload id that the request names; '' if it names none."""
        return self.params.get('uploadId', '')

    def object_key(self) -> str:
        """Return the key. Raises InvalidRequest if the request is for a bucket."""
        if self.key is None:
            raise InvalidRequest('A key must be specified')
        return self.key


@dataclass
class Reply:
    """An answer. body: the whole of it, or an iterator if it is not known yet.

    code: that of the S3 error, '' without one. facts: what the log tells of the operation, for an auditor. final: what
    a body that was not known yet has turned out to be, after another status was sent.
    """

    status: int = 200
    headers: 'dict[str, str]' = field(default_factory=dict)
    body: 'bytes | Iterator[bytes]' = b''
    code: str = ''
    facts: 'dict[str, Any]' = field(default_factory=dict)
    final: 'Reply | None' = None

    @classmethod
    def xml(cls, body: bytes, headers: 'dict[str, str] | None' = None) -> 'Reply':
        return cls(200, {'Content-Type': CONTENT_TYPE, **(headers or {})}, body)

    @classmethod
    def error(cls, error: S3Error, trans_id: str) -> 'Reply':
        return cls(error.status, {'Content-Type': CONTENT_TYPE, **error.headers}, error_document(error, trans_id),
                   error.code)
