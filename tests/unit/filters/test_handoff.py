# SPDX-License-Identifier: Apache-2.0
"""Between WSGI and the operations: how a request that was handed on is read, and how it is answered."""
import pytest

from s3multi.filters.handoff import HANDOFF, check_params, read_call, send
from s3multi.filters.s3_acl import S3Acl
from s3multi.operations.request import Reply
from s3multi.s3.errors import InvalidPart, MethodNotAllowed, S3Error
from s3multi.storage.part_body import TrailingChecksum
from tests.unit.fakes import handed_on

MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
CONTENT_MD5 = 'yEyruuvumpYxyL4jSsZMJg=='


def sent(reply, method='GET'):
    """Return status line, headers and body of the answer to a request that was handed on."""
    env = handed_on(method)
    answers = []
    body = b''.join(send(reply, env, lambda status, headers, exc_info=None: answers.append((status, headers))))
    (status, headers), = answers
    return status, dict(headers), body


# In

def test_no_client_can_make_a_handoff():
    """Every header of a client becomes HTTP_* in the environ, so no client can set the key of the handoff."""
    assert not HANDOFF.startswith('HTTP_')


def test_a_call_has_what_the_request_says():
    """The path is as auth has left it; query and headers are as the client signed them."""
    trailer = TrailingChecksum('x-amz-checksum-crc32', {})
    env = handed_on(params={'uploadId': 'x'}, headers={'content-md5': CONTENT_MD5}, trailer=trailer,
                    verified=False, CONTENT_LENGTH='7', HTTP_X_OBJECT_META_A='\xc3\xa9', HTTP_X_OTHER='y')
    call = read_call(env)

    assert ('PUT', 'AUTH_a', 'bucket', 'key') == (call.method, call.account, call.bucket, call.key)
    assert ({'uploadId': 'x'}, 'http://host/bucket/key') == (call.params, call.location)
    assert (7, MD5, 'tx1') == (call.content_length, call.content_md5, call.trans_id)
    assert (trailer, False) == (call.trailer, call.verified)
    assert {'X-Object-Meta-A': '\xc3\xa9'} == call.metadata
    assert call.body is env['wsgi.input']


@pytest.mark.parametrize('path, bucket, key', [
    pytest.param('/v1/AUTH_a/bucket', 'bucket', None, id='bucket'),
    pytest.param('/v1/AUTH_a/bucket/', 'bucket', None, id='bucket-and-slash'),
    pytest.param('/v1/AUTH_a/bucket/a/b/', 'bucket', 'a/b/', id='slashes'),
    pytest.param('/v1/AUTH_a/bucket//a', 'bucket', '/a', id='slash-in-front'),
    pytest.param('/v1/AUTH_a/bucket/../x', 'bucket', '../x', id='dots'),
    pytest.param('/v1/AUTH_a/bucket/\xc3\xa9', 'bucket', '\u00e9', id='utf-8'),
    pytest.param('/v1/AUTH_a/bucket/%2F', 'bucket', '%2F', id='percent'),
    pytest.param('/v1/AUTH_a/bucket/\n\x01', 'bucket', '\n\x01', id='control-characters'),
])
def test_bucket_and_key(path, bucket, key):
    """Keys are native text and may contain anything. Without one the request is for the bucket."""
    call = read_call(handed_on(path=path))

    assert (bucket, key) == (call.bucket, call.key)


def test_an_operation_on_a_key_needs_one():
    """On a bucket it is an InvalidRequest."""
    assert 'key' == read_call(handed_on()).object_key()
    with pytest.raises(S3Error) as refused:
        read_call(handed_on(path='/v1/AUTH_a/bucket')).object_key()

    assert 'InvalidRequest' == refused.value.code


@pytest.mark.parametrize('path', ['/v1/AUTH_a/bucket/\xff', '/v1/AUTH_a/bucket/a\0b', '/v1/AUTH_a/\xff/key',
                                  '/v1/AUTH_a/buc\0ket/key', '/v1/AUTH_a/bucket/\xed\xa0\x80'], ids=ascii)
def test_names_that_swift_cannot_have(path):
    """Bytes that are not UTF-8, and NUL, are answered with 400 InvalidURI, as by Amazon S3."""
    with pytest.raises(S3Error) as refused:
        read_call(handed_on(path=path))

    assert 'InvalidURI' == refused.value.code


@pytest.mark.parametrize('value', ['\0', 'a\udcff'], ids=ascii)
def test_parameters_that_are_no_text(value):
    """They are answered with 400 InvalidArgument, which names the parameter: Swift cannot be asked for them."""
    with pytest.raises(S3Error) as refused:
        check_params(read_call(handed_on(params={'prefix': value})))

    assert ('InvalidArgument', 'prefix') == (refused.value.code, refused.value.fields['ArgumentName'])


@pytest.mark.parametrize('headers, md5', [
    pytest.param({}, None, id='none'),
    pytest.param({'content-md5': ''}, None, id='empty'),
    pytest.param({'content-md5': ' %s ' % CONTENT_MD5}, MD5, id='blanks-around'),
    pytest.param({'etag': MD5}, None, id='etag-is-no-content-md5'),
])
def test_content_md5_in_hex(headers, md5):
    """It is read from Content-MD5 alone. An Etag header has no meaning in S3."""
    assert md5 == read_call(handed_on(headers=headers, HTTP_ETAG='0' * 32)).content_md5


@pytest.mark.parametrize('more, user', [
    pytest.param({}, 'test:tester', id='access-key'),
    pytest.param({'HTTP_X_USER_NAME': 'ann', 'HTTP_X_TENANT_NAME': 'art'}, 'art:ann', id='keystone'),
    pytest.param({'HTTP_X_USER_NAME': 'ann', 'HTTP_X_PROJECT_NAME': 'art'}, 'art:ann', id='keystone-project'),
    pytest.param({'HTTP_X_USER_NAME': 'ann'}, ':ann', id='keystone-without-project'),
    pytest.param({'HTTP_X_USER_NAME': '\xc3\xa9', 'HTTP_X_TENANT_NAME': 'art'}, 'art:\u00e9', id='not-ascii'),
    pytest.param({'HTTP_X_USER_NAME': '\xe9', 'HTTP_X_TENANT_NAME': '\u7528'}, '\u7528:\u00e9', id='of-s3token'),
])
def test_who_initiates(more, user):
    """The user is named as s3api names owners, so that Initiator and Owner are the same everywhere."""
    assert user == read_call(handed_on(**more)).user


def test_who_initiates_by_the_acls_of_s3():
    """It is the user that s3api has authenticated, named as in ACLs."""
    env = handed_on(HTTP_X_USER_NAME='ann', HTTP_X_TENANT_NAME='art')
    env[HANDOFF].s3_acl = S3Acl('test:user', {}, False)

    assert 'test:user' == read_call(env).user


def test_an_unknown_length():
    """A body that is sent in chunks has no length."""
    env = handed_on()
    del env['CONTENT_LENGTH']

    assert read_call(env).content_length is None


def test_a_call_does_not_show_its_environ():
    """A traceback in the log must not contain the client's signature."""
    assert 'Signature=secret' not in repr(read_call(handed_on(HTTP_AUTHORIZATION='AWS4 Signature=secret')))


# Out

def test_an_answer_is_marked_as_ours():
    """The filter s3api passes a marked answer on, and takes any other for a denial."""
    env = handed_on()
    list(send(Reply(), env, lambda *_: None))

    assert env[HANDOFF].answered is True


def test_an_answer_with_xml():
    """It has type, length and the headers of the reply."""
    status, headers, body = sent(Reply.xml(b'<a/>', {'x-amz-version-id': 'v'}))

    assert ('200 OK', b'<a/>') == (status, body)
    assert ('application/xml', '4', 'v') == (headers['Content-Type'].partition(';')[0], headers['Content-Length'],
                                             headers['X-Amz-Version-Id'])


@pytest.mark.parametrize('reply, expected', [
    pytest.param(Reply(204), '204 No Content', id='abort'),
    pytest.param(Reply(200, {'ETag': '"%s"' % MD5}), '200 OK', id='upload-part'),
])
def test_an_answer_without_a_body(reply, expected):
    """Without a body there is no content type."""
    status, headers, body = sent(reply)

    assert (expected, b'') == (status, body)
    assert 'Content-Type' not in headers
    assert reply.headers.get('ETag') == headers.get('Etag')


def test_an_answer_that_is_not_known_yet():
    """It begins with white space, has no length, and is sent chunk by chunk."""
    status, headers, body = sent(Reply(200, {'Content-Type': 'application/xml'}, iter([b' ', b' ', b'<a/>'])))

    assert ('200 OK', b'  <a/>') == (status, body)
    assert 'Content-Length' not in headers


def test_an_error_as_an_answer():
    """It has the status of the error, and its document with the transaction id."""
    status, headers, body = sent(Reply.error(InvalidPart('id', 7, MD5), 'tx1'))

    assert '400 Bad Request' == status
    assert 'application/xml' == headers['Content-Type'].partition(';')[0]
    assert b'<Error><Code>InvalidPart</Code>' in body and b'<RequestId>tx1</RequestId>' in body


def test_headers_of_an_error_are_sent():
    """For example, 405 has the header Allow."""
    status, headers, _ = sent(Reply.error(MethodNotAllowed('PUT', 'UPLOAD', 'GET, POST'), 'tx1'))

    assert ('405 Method Not Allowed', 'GET, POST') == (status, headers['Allow'])


def test_replies_do_not_share_headers():
    """The headers of one answer never reach another client."""
    one, other = Reply(), Reply()
    one.headers['x'] = 'y'

    assert {} == other.headers
