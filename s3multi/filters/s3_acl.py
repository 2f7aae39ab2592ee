# SPDX-License-Identifier: Apache-2.0
"""The ACLs of S3, for where s3api is told ``s3_acl = true``: what one user may do, and what a new object shall grant.

s3api then tells Swift to let every request of a user pass, and judges by ACLs that it keeps in the system metadata of
buckets and objects. ACLs are read, judged and written by s3api's own code. Asks nobody: the filter knows the bucket.
"""
from collections.abc import Mapping

from swift.common.middleware.s3api.s3response import AccessDenied
from swift.common.middleware.s3api.subresource import ACL, Owner, decode_acl, encode_acl
from swift.common.middleware.s3api.utils import sysmeta_header

from s3multi.s3.errors import InvalidRequest


class S3Acl:
    """The rights of ``user``, who is named as in ACLs: whom s3api has authenticated."""

    def __init__(self, user: str, headers: Mapping[str, str], allow_no_owner: bool) -> None:
        """headers: of the request, as WSGI strings. allow_no_owner: whether what has no ACL is everybody's."""
        self.user = user
        self._headers = {name.lower(): value for name, value in headers.items()}
        self._allow_no_owner = allow_no_owner

    def check_headers(self) -> None:
        """Raise the ErrorResponse of s3api for an ACL in the headers that is none, or that s3api does not know."""
        self._asked_for(Owner('', ''))

    def owner_of(self, bucket_sysmeta: Mapping[str, str]) -> str:
        """Return the id of a bucket's owner, '' when it has none."""
        return self._bucket_acl(bucket_sysmeta).owner.id or ''

    def may(self, permission: str, bucket_sysmeta: Mapping[str, str]) -> bool:
        """Say whether the user has READ or WRITE on a bucket; the mapping is that of Swift's container info."""
        return self._allows(self._bucket_acl(bucket_sysmeta), permission)

    def may_read_object(self, headers: Mapping[str, str]) -> bool:
        """Say whether the user may read the object that Swift answered these headers for."""
        found = {name.lower(): value for name, value in headers.items()}
        return self._allows(self._decode('object', found.get(sysmeta_header('object', 'acl')),
                                         found.get('x-object-sysmeta-swift3-acl')), 'READ')

    def object_headers(self, bucket_sysmeta: Mapping[str, str]) -> 'dict[str, str]':
        """Return the header that gives an object of this user the ACL that the request asks for, as s3api stores it.

        Raises InvalidRequest for one that names the owner of a bucket that has none.
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
        # s3api goes on reading what its predecessor wrote.
        text = stored or stored_by_swift3
        return decode_acl(resource, {sysmeta_header(resource, 'acl'): text} if text else {}, self._allow_no_owner)

    def _allows(self, acl: ACL, permission: str) -> bool:
        try:
            acl.check_permission(self.user, permission)
        except AccessDenied:
            return False
        return True
