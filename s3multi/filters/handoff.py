# SPDX-License-Identifier: Apache-2.0
"""What the filters s3api and s3multi leave for each other in the environ, under keys that no client can set.

The filter s3api parses and checks the S3 request, and leaves a ``Handoff``. Auth filters in between put the account in
place of the access key in the path. The filter s3multi makes a ``Call`` of both, and an answer of the ``Reply``.
"""
import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from swift.common.swob import Request, Response, wsgi_to_str
from swift.common.utils import split_path

from s3multi.operations.request import Call, Reply, Rights
from s3multi.s3.errors import InvalidArgument, InvalidURI
from s3multi.storage.part_body import TrailingChecksum
from s3multi.upload.records import ObjectAtKey

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HANDOFF = 's3multi.handoff'
# Here s3api leaves the name of the bucket that an S3 request deletes (a WSGI string).
DELETED_BUCKET = 's3multi.deleted_bucket'
# Here s3api leaves a ``Reading``.
READING = 's3multi.reading'
# Here s3api leaves a ``Deleting``.
DELETING = 's3multi.deleting'


@dataclass
class Reading:
    """A GET or HEAD that s3api answers, and that asks for a part of an object or for its checksum.

    wants_checksum: set by s3api. The filter s3multi sets the rest, from Swift's answer. headers: those of the checksum,
    for s3api to add. status: Swift's. parts_count: the number of parts that Swift tells; None for an object without.
    """

    wants_checksum: bool
    headers: 'dict[str, str]' = field(default_factory=dict)
    status: int = 0
    parts_count: 'str | None' = None

    @property
    def is_of_no_bytes(self) -> bool:
        """Whether Swift has found an empty part. No range can name that, so SLO announces the bytes of the whole."""
        return self.status == 200 and self.parts_count is not None


@dataclass
class Deleting:
    """An S3 request that deletes objects, one or many.

    found: set by the filter s3multi: what Swift's s3api has seen at each place (``place_of``) before its DELETE.
    """

    found: 'dict[tuple[str, str | None], ObjectAtKey]' = field(default_factory=dict)

    @staticmethod
    def place_of(request: Request) -> 'tuple[str, str | None]':
        """Return path and version of what one of s3api's requests is for."""
        return request.path_info, request.params.get('version-id')


@dataclass
class Handoff:
    """What s3api knows of a request and the environ of the request for Swift does not tell.

    params: the query, as it was signed. headers: the client's, names in lower case. access_key: that of the signature.
    location: the URL of the object. trailer: the checksum that follows the body; None without one. verified: whether
    s3api compares the checksum of the body. s3_acl: the client's rights by the ACLs of S3, where these count and
    Swift's authorisation lets everything pass; else None.

    The filter s3multi sets the rest. answered: True on an answer of its own; s3api takes any other for a denial. cors:
    the headers that let a script in a browser read the answer, whoever gives it.
    """

    params: Mapping[str, str]
    headers: Mapping[str, str]
    access_key: str
    location: str
    trailer: 'TrailingChecksum | None' = None
    verified: bool = True
    s3_acl: 'Rights | None' = None
    answered: bool = False
    cors: Mapping[str, str] = field(default_factory=dict)


def names_of(env: 'WSGIEnvironment') -> 'tuple[str, str, str | None]':
    """Return account, bucket and key of a request in native text; the key is None in a request for a bucket.

    Raises InvalidURI if bucket or key are not text (UTF-8 without NUL), ValueError in a request for an account.
    """
    request = Request(env)
    _, account, bucket, key = split_path(request.path_info, 3, 4, True)
    for name in (bucket, key or ''):
        if not _is_text(wsgi_to_str(name)):
            raise InvalidURI(request.path)
    return wsgi_to_str(account), wsgi_to_str(bucket), wsgi_to_str(key) if key else None


def read_call(env: 'WSGIEnvironment') -> Call:
    """Return the request that s3api has handed on. Raises InvalidURI if bucket or key are not text."""
    handoff: Handoff = env[HANDOFF]
    request = Request(env)
    account, bucket, key = names_of(env)
    return Call(
        env=env, method=request.method, account=account, bucket=bucket, key=key, params=handoff.params,
        headers=handoff.headers,
        user=_user_of(env, handoff), location=handoff.location, content_length=request.content_length,
        content_md5=_content_md5(handoff.headers), trailer=handoff.trailer, verified=handoff.verified,
        s3_acl=handoff.s3_acl,
        trans_id=env.get('swift.trans_id', ''),
        metadata={name[len('HTTP_'):].replace('_', '-').title(): value for name, value in env.items()
                  if name.startswith('HTTP_X_OBJECT_META_')})


def check_params(call: Call) -> None:
    """Raise InvalidArgument if a query parameter is not text, since Swift could not be asked for it."""
    for name, value in call.params.items():
        if not _is_text(value):
            raise InvalidArgument(name, value)


def send(reply: Reply, env: 'WSGIEnvironment', start_response: 'StartResponse') -> Iterable[bytes]:
    """Answer with ``reply``, and tell s3api that s3multi has answered."""
    env[HANDOFF].answered = True
    fields: dict[str, Any] = {'status': reply.status, 'headers': reply.headers}
    if isinstance(reply.body, bytes):
        fields['body'] = reply.body
    else:
        fields['app_iter'] = reply.body
    response = Response(**fields)
    if 'Content-Type' not in reply.headers:
        response.headers.pop('Content-Type', None)
    return response(env, start_response)


def _content_md5(headers: Mapping[str, str]) -> 'str | None':
    # Read from Content-MD5, not from the Etag header that s3api makes of it: a client can send that header too.
    text = headers.get('content-md5', '').strip()
    return base64.b64decode(text).hex() if text else None


def _is_text(value: str) -> bool:
    # wsgi_to_str turns bytes that are not UTF-8 into lone surrogates.
    return '\0' not in value and not any('\ud800' <= char <= '\udfff' for char in value)


def _user_of(env: 'WSGIEnvironment', handoff: Handoff) -> str:
    """Return the user as s3api names it: Keystone's project and user name, or the access key."""
    if handoff.s3_acl is not None:
        return handoff.s3_acl.user
    if 'HTTP_X_USER_NAME' in env:
        project = env.get('HTTP_X_TENANT_NAME') or env.get('HTTP_X_PROJECT_NAME', '')
        return '%s:%s' % (_name_text(project), _name_text(env['HTTP_X_USER_NAME']))
    return handoff.access_key


def _name_text(name: str) -> str:
    # s3token puts Keystone's names into the environ as they are, other filters as WSGI strings.
    try:
        return name.encode('latin-1').decode('utf-8')
    except UnicodeError:
        return name
