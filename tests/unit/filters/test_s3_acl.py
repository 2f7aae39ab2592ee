# SPDX-License-Identifier: Apache-2.0
"""The ACLs of S3, as s3api stores them: the rights they give to a user, and the ACL that Initiate makes of headers."""
import json

import pytest
from swift.common.middleware.s3api.s3response import ErrorResponse

from s3multi.filters.s3_acl import S3Acl, check_ignored
from s3multi.s3.errors import S3Error

BUCKET = {'s3api-acl': json.dumps({'Owner': 'test:owner', 'Grant': [
    {'Permission': 'READ', 'Grantee': 'test:reader'}, {'Permission': 'WRITE', 'Grantee': 'test:writer'},
    {'Permission': 'FULL_CONTROL', 'Grantee': 'test:friend'}]})}
OBJECT = json.dumps({'Owner': 'test:owner', 'Grant': [{'Permission': 'READ', 'Grantee': 'test:reader'}]})


def acl(user='test:user', headers=(), allow_no_owner=False):
    """Return the rights of a user who sent these headers."""
    return S3Acl(user, dict(headers), allow_no_owner)


@pytest.mark.parametrize('user, rights', [
    ('owner', ['READ', 'WRITE']), ('friend', ['READ', 'WRITE']), ('reader', ['READ']), ('writer', ['WRITE']),
    ('user', [])])
@pytest.mark.parametrize('name', ['s3api-acl', 'swift3-acl'])
def test_rights_on_a_bucket(user, rights, name):
    """The owner may do everything, others what was granted. The ACLs of s3api's predecessor count, too."""
    sysmeta = {name: BUCKET['s3api-acl']}

    assert rights == [right for right in ('READ', 'WRITE') if acl('test:' + user).may(right, sysmeta)]


def test_the_owner_of_a_bucket():
    """The owner is the one in the ACL, whoever asks; without an ACL there is none."""
    assert ['test:owner', ''] == [acl().owner_of(sysmeta) for sysmeta in (BUCKET, {})]


@pytest.mark.parametrize('user, owns', [('owner', True), ('friend', False), ('writer', False), ('user', False)])
def test_who_owns_a_bucket(user, owns):
    """Nobody else does, whatever was granted."""
    assert owns is acl('test:' + user).owns(BUCKET)


@pytest.mark.parametrize('allow_no_owner', [True, False])
@pytest.mark.parametrize('stored', [{}, {'s3api-acl': ''}])
def test_a_bucket_without_an_acl(stored, allow_no_owner):
    """It is nobody's or everybody's; the operator decides."""
    assert allow_no_owner is acl(allow_no_owner=allow_no_owner).may('WRITE', stored)
    assert allow_no_owner is acl(allow_no_owner=allow_no_owner).owns(stored)


@pytest.mark.parametrize('name', ['X-Object-Sysmeta-S3api-Acl', 'x-object-sysmeta-s3api-acl',
                                  'X-Object-Sysmeta-Swift3-Acl'])
@pytest.mark.parametrize('user, may', [('owner', True), ('reader', True), ('user', False)])
def test_rights_on_an_object(name, user, may):
    """The ACL of the object counts, from the headers of Swift's answer."""
    assert may is acl('test:' + user).may_read_object({'Etag': 'x', name: OBJECT})


def test_the_newer_of_two_acls_counts():
    """The ACL of s3api overrides that of its predecessor, as in s3api."""
    headers = {'X-Object-Sysmeta-Swift3-Acl': OBJECT, 'X-Object-Sysmeta-S3api-Acl': json.dumps({'Owner': 'test:user'})}

    assert acl().may_read_object(headers)
    assert not acl('test:reader').may_read_object(headers)


@pytest.mark.parametrize('headers, grants', [
    ({}, [('FULL_CONTROL', 'test:user')]),
    ({'x-amz-acl': 'private'}, [('FULL_CONTROL', 'test:user')]),
    ({'X-Amz-Acl': 'public-read'}, [('READ', 'AllUsers'), ('FULL_CONTROL', 'test:user')]),
    ({'x-amz-acl': 'bucket-owner-read'}, [('READ', 'test:owner'), ('FULL_CONTROL', 'test:user')]),
    ({'X-Amz-Grant-Read': 'id=a,id="b"', 'X-Amz-Grant-Write-Acp': 'id=c'},
     [('READ', 'a'), ('READ', 'b'), ('WRITE_ACP', 'c')]),
])
def test_the_acl_of_a_new_object(headers, grants):
    """Its owner is the user who initiates, not the bucket's. It is one header, with s3api's name and form."""
    (name, value), = acl(headers=headers).object_headers(BUCKET).items()

    assert 'x-object-sysmeta-s3api-acl' == name.lower()
    assert {'Owner': 'test:user', 'Grant': [{'Permission': right, 'Grantee': who} for right, who in grants]} == (
        json.loads(value))


@pytest.mark.parametrize('headers, status', [
    ({'x-amz-acl': 'x'}, 400), ({'x-amz-acl': 'private', 'x-amz-grant-read': 'id=a'}, 400),
    ({'x-amz-grant-read': 'a'}, 400), ({'x-amz-grant-read': 'emailAddress=a@b'}, 501)])
def test_headers_that_are_no_acl(headers, status):
    """They are refused with s3api's own error, whatever the bucket is."""
    with pytest.raises(ErrorResponse) as refused:
        acl(headers=headers).check_headers()

    assert status == refused.value.status_int


@pytest.mark.parametrize('headers', [{}, {'x-amz-acl': 'bucket-owner-read'}, {'x-amz-grant-read': 'id=a'}])
def test_headers_that_are_an_acl(headers):
    """They are accepted."""
    acl(headers=headers).check_headers()


@pytest.mark.parametrize('name', ['bucket-owner-read', 'bucket-owner-full-control'])
def test_an_owner_that_a_bucket_does_not_have(name):
    """Nothing can be granted to an owner that does not exist."""
    with pytest.raises(S3Error) as refused:
        acl(headers={'x-amz-acl': name}, allow_no_owner=True).object_headers({})

    assert 'InvalidRequest' == refused.value.code


@pytest.mark.parametrize('headers, status', [
    ({}, None), ({'X_AMZ_ACL': 'public-read'}, None), ({'X_AMZ_ACL': 'bucket-owner-read'}, None),
    ({'X_AMZ_GRANT_READ': 'nonsense'}, None), ({'X_AMZ_ACL': 'authenticated-read'}, 501), ({'X_AMZ_ACL': 'x'}, 400),
    ({'X_AMZ_ACL': ''}, 400)])
def test_an_acl_where_those_of_s3_do_not_count(headers, status):
    """It is refused if s3api refuses it with PutObject, and opens nothing."""
    sent = {'REQUEST_METHOD': 'POST', 'QUERY_STRING': 'uploads', **{'HTTP_' + key: headers[key] for key in headers}}
    env = dict(sent)
    if status is None:
        check_ignored(env)
    else:
        with pytest.raises(ErrorResponse) as refused:
            check_ignored(env)
        assert status == refused.value.status_int
    assert env == sent
