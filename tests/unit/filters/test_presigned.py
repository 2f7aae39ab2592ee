# SPDX-License-Identifier: Apache-2.0
"""The headers in the query of a presigned URL: which become headers of the request, and which are refused."""
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from swift.common.middleware.s3api.s3response import InvalidArgument

from s3multi.filters import presigned

V4 = {'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Credential': 'a/b', 'X-Amz-Date': '20260101T000000Z',
      'X-Amz-Expires': '9', 'X-Amz-SignedHeaders': 'host', 'X-Amz-Signature': 'c', 'X-Amz-Security-Token': 'd'}
V2 = {'AWSAccessKeyId': 'a', 'Expires': '9', 'Signature': 'c'}


def environ(signature, query, headers=(), **more):
    """Return the environ of a request for a presigned URL; query, headers: pairs."""
    headers = tuple(headers)
    return {'REQUEST_METHOD': 'PUT', 'headers_raw': headers,
            'QUERY_STRING': urlencode([*signature.items(), *query], encoding='latin-1'),
            **{'HTTP_' + name.upper().replace('-', '_'): value for name, value in headers}, **more}


def seen(env):
    """Return the headers that the request then has, names in lower case."""
    return {key.removeprefix('HTTP_').replace('_', '-').lower(): value for key, value in env.items()
            if key.startswith(('HTTP_', 'CONTENT_'))}


def taken(signature, query, headers=(), **more):
    """Return the headers that a query adds to a request, and what s3api sees as sent besides the real headers."""
    env = environ(signature, query, headers, **more)
    before = seen(env)
    presigned.before_parsing(env)
    return ({name: value for name, value in seen(env).items() if before.get(name) != value},
            list(env['headers_raw'][len(headers):]))


# Header, a value, and whether it counts as a header in a URL of version 4, too.
HEADERS = [
    *((name, 'v') for name in (
        'x-amz-copy-source', 'x-amz-copy-source-range', 'x-amz-copy-source-if-match', 'x-amz-metadata-directive',
        'x-amz-meta-a', 'x-amz-acl', 'x-amz-grant-read', 'x-amz-tagging', 'x-amz-storage-class',
        'x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner', 'x-amz-mp-object-size',
        'x-amz-server-side-encryption', 'x-amz-server-side-encryption-customer-algorithm', 'x-amz-object-lock-mode',
        'x-amz-website-redirect-location', 'x-amz-checksum-algorithm', 'x-amz-checksum-type', 'x-amz-checksum-mode',
        'x-amz-object-attributes', 'x-amz-request-payer', 'x-amz-user-agent', 'x-amz-what-comes-next')),
    ('x-amz-meta-blank', ''), ('x-amz-meta-text', 'a, b; c="\u00e4"'.encode().decode('latin-1')),
]
# What is said of the body, or by the signature of itself.
NO_HEADERS = [
    'x-amz-checksum-crc32', 'x-amz-checksum-sha256', 'x-amz-checksum-crc64nvme', 'x-amz-checksum-md5',
    'x-amz-sdk-checksum-algorithm', 'x-amz-trailer', 'x-amz-decoded-content-length', 'x-amz-content-sha256',
    'x-amz-security-token', 'x-amz-date']


@pytest.mark.parametrize('name, value', HEADERS)
@pytest.mark.parametrize('spell', [str, str.upper, str.title])
def test_headers(name, value, spell):
    """They count as if they had been sent. s3api finds a signature of version 2 with them, one of version 4 without."""
    assert ({name: value}, []) == taken(V4, [(spell(name), value)])
    assert ({name: value}, [(name, value)]) == taken(V2, [(spell(name), value)])


@pytest.mark.parametrize('name', NO_HEADERS)
def test_what_is_no_header(name):
    """It is not looked at, except that a signature of version 2 is made of it."""
    assert ({}, []) == taken(V4, [(name, 'v')])
    assert ({}, [(name, 'v')]) == taken(V2, [(name, 'v')])


@pytest.mark.parametrize('name', ['x-id', 'uploadId', 'partNumber', 'cache-control', 'x-amzn-trace-id', 'range',
                                  'amz-sdk-request', 'host', 'x-amz', 'x-copy-from', 'response-content-type'])
def test_other_parameters(name):
    """They are what they were."""
    assert ({}, []) == taken(V4, [(name, 'v')]) == taken(V2, [(name, 'v')])


@pytest.mark.parametrize('name', ['content-type', 'Content-Type', 'content-md5'])
def test_other_headers_of_version_2(name):
    """Those of which a signature of version 2 is made count if the client sends none; with version 4 SDKs sign none."""
    assert ({name.lower(): 'v'}, [(name.lower(), 'v')]) == taken(V2, [(name, 'v')], CONTENT_TYPE='')
    assert ({}, []) == taken(V4, [(name, 'v')])
    assert ({}, []) == taken(V2, [(name, 'v')], [(name, 'other')])


@pytest.mark.parametrize('signing', [{}, {'x-amz-credential': 'a'}, {'awsaccesskeyid': 'a'}])
def test_urls_that_are_not_presigned(signing):
    """Of a request that is signed in a header the query is no place for headers."""
    assert ({}, []) == taken(signing, [('x-amz-acl', 'private')])
    assert ({}, []) == taken({**signing, 'AWSAccessKeyId': 'a'}, [('x-amz-acl', 'private')],
                             [('Authorization', 'AWS4-HMAC-SHA256 Credential=a')])


def refusal(signature, query, headers=()):
    """Return name and message of what is refused; None if nothing is."""
    env = environ(signature, query, headers)
    presigned.before_parsing(env)
    try:
        presigned.after_parsing(SimpleNamespace(environ=env, signature_does_not_match_kwargs=dict))
    except InvalidArgument as error:
        return error.info['argument_name'], error._msg
    return None


@pytest.mark.parametrize('signature', [V4, V2], ids=['v4', 'v2'])
@pytest.mark.parametrize('query, headers, refused', [
    ([('x-amz-acl', 'a')], [('X-Amz-Acl', 'a')], None),
    ([('x-amz-acl', 'a')], [('X-Amz-Acl', 'b')], 'x-amz-acl'),
    ([('x-amz-meta-a_b', 'a')], [('x-amz-meta-a_b', 'b')], 'x-amz-meta-a_b'),
    ([('x-amz-meta-a', 'b,c')], [('x-amz-meta-a', 'b'), ('X-Amz-Meta-A', 'c')], None),
    ([('x-amz-acl', 'a'), ('X-Amz-Acl', 'a')], [], None),
    ([('x-amz-acl', 'a'), ('X-Amz-Acl', 'b')], [], 'x-amz-acl'),
    # s3api looks for the signature of the last one.
    ([('x-amz-acl', 'b'), ('x-amz-acl', 'a')], [('x-amz-acl', 'a')], None),
    ([('x-amz-meta-a', 'b\r\nx-evil: c')], [], 'x-amz-meta-a'), ([('x-amz-meta-a', 'b\0')], [], 'x-amz-meta-a'),
    ([('x-amz-meta-a', 'b\tc')], [], None), ([('x-amz-meta-a', ' b\t')], [('x-amz-meta-a', 'b')], None),
    *(([('x-amz-meta-' + name, 'b')], [], 'x-amz-meta-' + name) for name in ('a b', 'a:b', 'a\r\nb', '\xe4', 'a"b')),
])
def test_what_cannot_be_meant(signature, query, headers, refused):
    """A header that the client sends with another value, and what is no header, is refused (what Amazon S3 does is
    not known).
    """
    assert refused == (refusal(signature, query, headers) or (None,))[0]


def test_metadata_is_read_after_the_signature():
    """s3api reads it from the headers of which it makes the signature, and tells of that as it was."""
    env = environ(V4, [('X-Amz-Meta-A_b', 'c'), ('x-amz-acl', 'private'), ('x-amz-meta-d', 'e')], [('Host', 'f')])
    presigned.before_parsing(env)
    req = SimpleNamespace(environ=env, signature_does_not_match_kwargs=lambda: {'signed': env['headers_raw']})
    presigned.after_parsing(req)

    assert (('Host', 'f'), ('x-amz-meta-a_b', 'c'), ('x-amz-meta-d', 'e')) == env['headers_raw']
    assert {'signed': (('Host', 'f'),)} == req.signature_does_not_match_kwargs()
