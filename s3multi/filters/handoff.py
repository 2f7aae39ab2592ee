# SPDX-License-Identifier: Apache-2.0
"""What one filter leaves for the other in the environ, under keys that no client can set.

The filter ``s3api`` parses and checks the S3 request and leaves a ``Handoff``. Auth filters in between turn the access
key in the path into the account. The filter ``s3multi`` makes a ``Call`` of both, and an answer of the ``Reply``.
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

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HANDOFF = 's3multi.handoff'
# Where s3api leaves the name of a bucket that an S3 request deletes (a WSGI string).
DELETED_BUCKET = 's3multi.deleted_bucket'
# Where it leaves a ``Reading``.
READING = 's3multi.reading'


@dataclass
class Reading:
    """A GET or HEAD that s3api answers of an object's part, or to a client who wants the checksum.

    The rest is set by the filter. headers: of the checksum, for the front to add to the answer. status: Swift's.
    parts_count: how many parts Swift says there are; None for an object without.
    """

    wants_checksum: bool
    headers: 'dict[str, str]' = field(default_factory=dict)
    status: int = 0
    parts_count: 'str | None' = None

    @property
    def is_of_no_bytes(self) -> bool:
        """Whether Swift found an empty part: no range names its bytes, so SLO then announces those of the whole."""
        return self.status == 200 and self.parts_count is not None


@dataclass
class Handoff:
    """What the front knows of a request and Swift's environ no longer tells.

    params: the query, as it was signed. headers: the client's, names in lower case. access_key: who signed.
    location: the URL of the object. trailer: the checksum that comes behind the body. verified: whether the front
    compares the checksum of a body. s3_acl: the client's rights where the ACLs of S3 count, and Swift's authorisation
    lets everything pass; else None. answered: set by the filter, so that the front can tell its answers from a denial
    on the way. cors: set by the filter, the headers that let a script in a browser read the answer, whoever gives it.
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
    """Return account, bucket and key of a request in native text; the key is None where it has none.

    Raises InvalidURI when bucket or key are no text.
    """
    request = Request(env)
    _, account, bucket, key = split_path(request.path_info, 3, 4, True)
    for name in (bucket, key or ''):
        # Swift's names are UTF-8 without NUL.
        if not _is_text(wsgi_to_str(name)):
            raise InvalidURI(request.path)
    return wsgi_to_str(account), wsgi_to_str(bucket), wsgi_to_str(key) if key else None


def read_call(env: 'WSGIEnvironment') -> Call:
    """Return the request the front handed on. Raises InvalidURI when bucket or key are no text."""
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
    """Raise InvalidArgument for a parameter that is no text."""
    for name, value in call.params.items():
        if not _is_text(value):
            raise InvalidArgument(name, value)


def send(reply: Reply, env: 'WSGIEnvironment', start_response: 'StartResponse') -> Iterable[bytes]:
    """Answer with ``reply``, and tell the front that it is ours."""
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
    # Not the Etag header that s3api makes of it: a client can send one of those too.
    text = headers.get('content-md5', '').strip()
    return base64.b64decode(text).hex() if text else None


def _is_text(value: str) -> bool:
    # wsgi_to_str keeps bytes that are no UTF-8 as lone surrogates.
    return '\0' not in value and not any('\ud800' <= char <= '\udfff' for char in value)


def _user_of(env: 'WSGIEnvironment', handoff: Handoff) -> str:
    # As s3api names its users: Keystone's project and name, tempauth's access key.
    if handoff.s3_acl is not None:
        return handoff.s3_acl.user
    if 'HTTP_X_USER_NAME' in env:
        project = env.get('HTTP_X_TENANT_NAME') or env.get('HTTP_X_PROJECT_NAME', '')
        return '%s:%s' % (_name_text(project), _name_text(env['HTTP_X_USER_NAME']))
    return handoff.access_key


def _name_text(name: str) -> str:
    # s3token puts the names of Keystone into the environ as they are; other filters put WSGI strings.
    try:
        return name.encode('latin-1').decode('utf-8')
    except UnicodeError:
        return name
