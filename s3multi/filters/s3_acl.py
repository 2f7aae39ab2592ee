# SPDX-License-Identifier: Apache-2.0
"""The ACLs of S3, for clusters where s3api has ``s3_acl = true``: what a user may do, and what a new object grants.

s3api then tells Swift to let every request of a user pass, and judges by ACLs that it keeps in the system metadata of
buckets and objects. s3api's own code reads, judges and writes the ACLs here, too. This module sends no requests: its
callers have the metadata already.
"""
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from swift.common.middleware.s3api.acl_utils import handle_acl_header
from swift.common.middleware.s3api.exception import InvalidSubresource
from swift.common.middleware.s3api.s3response import AccessDenied
from swift.common.middleware.s3api.subresource import ACL, Owner, decode_acl, encode_acl
from swift.common.middleware.s3api.utils import sysmeta_header
from swift.common.swob import Request

from s3multi.s3.errors import InvalidRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def check_ignored(env: 'WSGIEnvironment') -> None:
    """Raise s3api's ErrorResponse if PutObject would, with ``s3_acl = false``: for a canned ACL that s3api has not.

    Otherwise s3api ignores ``x-amz-acl`` with an object, and ``x-amz-grant-*`` always.
    """
    if 'HTTP_X_AMZ_ACL' in env:
        # It also writes the ACL of a container into the headers: into those of a copy.
        handle_acl_header(Request({**env}))


class S3Acl:
    """The rights of the user whom s3api has authenticated, and the ACL that a request asks for."""

    def __init__(self, user: str, headers: Mapping[str, str], allow_no_owner: bool) -> None:
        """user: named as in ACLs. headers: of the request, as WSGI strings.

        allow_no_owner: whether buckets and objects without an ACL are open to everybody, s3api's option of this name.
        """
        self.user = user
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._allow_no_owner = allow_no_owner

    def check_headers(self) -> None:
        """Raise s3api's ErrorResponse when the request asks for an ACL that is malformed or unknown to s3api."""
        self._asked_for(Owner('', ''))

    def owner_of(self, bucket_sysmeta: Mapping[str, str]) -> str:
        """Return the id of a bucket's owner; '' when it has none. bucket_sysmeta: of Swift's container info."""
        return self._bucket_acl(bucket_sysmeta).owner.id or ''

    def may(self, permission: str, bucket_sysmeta: Mapping[str, str]) -> bool:
        """Return whether the user has ``permission``, READ or WRITE, on a bucket.

        bucket_sysmeta: of Swift's container info.
        """
        return self._allows(self._bucket_acl(bucket_sysmeta), permission)

    def owns(self, bucket_sysmeta: Mapping[str, str]) -> bool:
        """Return whether the user is the owner of a bucket. bucket_sysmeta: of Swift's container info."""
        return self._passes(self._bucket_acl(bucket_sysmeta).check_owner)

    def may_read_object(self, headers: Mapping[str, str]) -> bool:
        """Return whether the user may read an object. headers: of Swift's answer to a GET or HEAD of it."""
        found = {name.lower(): value for name, value in headers.items()}
        return self._allows(self._decode('object', found.get(sysmeta_header('object', 'acl')),
                                         found.get('x-object-sysmeta-swift3-acl')), 'READ')

    def object_headers(self, bucket_sysmeta: Mapping[str, str]) -> 'dict[str, str]':
        """Return the header that gives a new object of this user the ACL that the request asks for, in s3api's form.

        bucket_sysmeta: of Swift's container info. Raises InvalidRequest when the ACL names the owner of the bucket and
        the bucket has none.
        """
        owner = self._bucket_acl(bucket_sysmeta).owner
        if owner.id is None and self._headers.get('x-amz-acl', '').startswith('bucket-owner-'):
            raise InvalidRequest('The bucket has no owner whom this ACL could name.')
        headers: dict[str, str] = encode_acl('object', self._asked_for(owner))
        return headers

    def _asked_for(self, bucket_owner: Owner) -> ACL:
        return ACL.from_headers(self._headers, bucket_owner, Owner(self.user, self.user))

    def _bucket_acl(self, sysmeta: Mapping[str, str]) -> ACL:
        return self._decode('container', sysmeta.get('s3api-acl'), sysmeta.get('swift3-acl'))

    def _decode(self, resource: str, stored: 'str | None', stored_by_swift3: 'str | None') -> ACL:
        # Like s3api, this still reads the ACLs that its predecessor, swift3, wrote.
        text = stored or stored_by_swift3
        try:
            return decode_acl(resource, {sysmeta_header(resource, 'acl'): text} if text else {}, self._allow_no_owner)
        except InvalidSubresource:
            # What cannot be read grants nothing, not even where everybody may use what has no ACL.
            return ACL(Owner(None, None), [], True, False)

    def _allows(self, acl: ACL, permission: str) -> bool:
        return self._passes(acl.check_permission, permission)

    def _passes(self, check: 'Callable[..., None]', *arguments: str) -> bool:
        try:
            check(self.user, *arguments)
        except AccessDenied:
            return False
        return True
