# SPDX-License-Identifier: Apache-2.0
"""The request headers that are kept, checked or refused: no header is ignored on which a client relies.

The headers are those of each operation's page in the Amazon S3 API reference.
"""
import pytest

from s3multi.s3 import request_headers
from s3multi.s3.errors import S3Error
from s3multi.s3.request_headers import REFUSED, check_metadata_size, refuse_metadata, refuse_unsupported
from tests.cases import for_each

CUSTOMER_KEY = ['x-amz-server-side-encryption-customer-' + name for name in ('algorithm', 'key', 'key-md5')]
DATES = ['if-modified-since', 'if-unmodified-since']
CONDITIONS = ['if-match', 'if-none-match', *DATES]

# By operation, the headers whose loss would mislead the client.
PROMISES = {
    'initiate': [
        *CUSTOMER_KEY, 'x-amz-server-side-encryption-aws-kms-key-id', 'x-amz-server-side-encryption-context',
        'x-amz-server-side-encryption-bucket-key-enabled', 'x-amz-tagging', 'x-amz-website-redirect-location',
        'x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date', 'x-amz-object-lock-legal-hold',
        'x-amz-object-lock-event-hold', 'x-amz-object-lock-event-hold-duration-days',
        'x-amz-object-lock-event-hold-duration-years', 'x-delete-at', 'x-delete-after'],
    'upload_part': [*CUSTOMER_KEY, *CONDITIONS, 'x-delete-at', 'x-delete-after'],
    'copy_part': [*CUSTOMER_KEY,
                  *(name.replace('x-amz-', 'x-amz-copy-source-') for name in CUSTOMER_KEY),
                  *CONDITIONS, 'x-delete-at', 'x-delete-after'],
    'complete': [*CUSTOMER_KEY, *DATES],
    'abort': ['x-amz-if-match-initiated-time'],
    'list_parts': [*CUSTOMER_KEY],
    'get_attributes': [*CUSTOMER_KEY],
}

# Headers that SDKs send by themselves, or that can be ignored without consequence.
HARMLESS = ['x-amz-request-payer', 'x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner',
            'x-amz-sdk-checksum-algorithm', 'x-amz-checksum-mode', 'x-amz-content-sha256',
            'x-amz-date', 'x-amz-user-agent', 'amz-sdk-invocation-id', 'amz-sdk-request', 'authorization', 'host',
            'user-agent', 'accept-encoding', 'expect', 'content-length', 'content-md5', 'x-amz-mp-object-size']


def refusal(call, *args):
    """Return code and elements of the error that ``call`` raises; None if it raises none."""
    try:
        call(*args)
    except S3Error as error:
        return error.code, error.fields
    return None


@pytest.mark.parametrize('operation', sorted(PROMISES))
def test_a_header_that_is_not_honoured_is_refused(operation):
    """The header is refused with NotImplemented, which names it.

    To store plaintext in spite of a customer key, for example, must not look like success.
    """
    def check(header):
        assert ('NotImplemented', {'Header': header}) == refusal(refuse_unsupported, operation, {header: 'value'})

    for_each(PROMISES[operation], check)


@pytest.mark.parametrize('operation', sorted(PROMISES))
def test_headers_of_no_consequence_are_accepted(operation):
    """Headers of no consequence are accepted; SDKs send some of them with every request."""
    assert refusal(refuse_unsupported, operation, dict.fromkeys(HARMLESS, 'value')) is None


@pytest.mark.parametrize('operation', ['upload_part', 'copy_part'])
@pytest.mark.parametrize('header', ['x-amz-checksum-crc32', 'x-amz-checksum-foo', 'content-type'])
def test_checksums_of_a_part_are_welcome(operation, header):
    """Checksums of a part are not refused; boto3 adds a CRC32 to every part by itself."""
    assert refusal(refuse_unsupported, operation, {header: 'value'}) is None


@pytest.mark.parametrize('header', [*request_headers.OBJECT_HEADERS, 'content-type', 'x-amz-meta-a', 'x-amz-acl',
                                    'x-amz-grant-read', 'x-amz-checksum-algorithm', 'x-amz-checksum-type'])
def test_headers_that_initiate_uses_are_not_refused(header):
    """Headers that are kept for the object, or checked elsewhere, are not refused."""
    assert refusal(refuse_unsupported, 'initiate', {header: 'value'}) is None


@pytest.mark.parametrize('headers, refused', [
    ({'x-amz-meta-a': 'b'}, ('x-amz-meta-a', 'b')), ({'content-type': 'x', 'x-amz-meta-': ''}, ('x-amz-meta-', '')),
    ({'x-amz-metadata-directive': 'COPY', 'x-amz-mp-object-size': '1'}, None)])
def test_metadata_of_a_part(headers, refused):
    """The error is what Amazon S3 answers, by reports of minio-py (issue 675) and other clients."""
    if refused is None:
        assert refuse_metadata(headers) is None
        return
    with pytest.raises(S3Error, match='Metadata cannot be specified in this context.') as raised:
        refuse_metadata(headers)
    assert ('InvalidArgument', *refused) == (
        raised.value.code, raised.value.fields['ArgumentName'], raised.value.fields['ArgumentValue'])


def test_conditions_on_the_source_are_no_conditions_on_the_part():
    """x-amz-copy-source-if-match is honoured (``copy_source``), if-match is not."""
    headers = {'x-amz-copy-source-if-match': 'a', 'x-amz-copy-source-range': 'bytes=0-1', 'x-amz-copy-source': 'b/k'}

    assert refusal(refuse_unsupported, 'copy_part', headers) is None


def test_every_operation_has_a_list():
    """An operation without a list would ignore all headers."""
    assert set(PROMISES) == set(REFUSED)


def test_headers_that_the_object_keeps():
    """The object keeps the headers that GET and HEAD return as Initiate got them."""
    kept = {'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires'}

    assert kept == set(request_headers.OBJECT_HEADERS)


@pytest.mark.parametrize('headers, size', [
    pytest.param({'x-amz-meta-a': 'b' * 2047}, 2048, id='at-the-limit'),
    pytest.param({'x-amz-meta-a': 'b' * 2048}, 2049, id='one-more'),
    pytest.param({'x-amz-meta-' + 'a' * 2047: 'b'}, 2048, id='names-count'),
    pytest.param({'x-amz-meta-a': 'b' * 1000, 'x-amz-meta-c': 'd' * 1047}, 2049, id='together'),
    pytest.param({'x-amz-meta-a': '\u00e9' * 1024}, 2049, id='bytes-count-not-characters'),
    pytest.param({'x-amz-meta-a': '\udcff' * 2048}, 2049, id='bytes-that-are-no-text'),
    pytest.param({'x-amz-meta-a': 'b' * 2000, 'content-type': 'x' * 2000}, 2001, id='other-headers-count-apart'),
    pytest.param({'x-amz-meta-a': '', 'content-type': 'x' * 2037}, 2049, id='and-have-as-much'),
    pytest.param({'cache-control': 'x' * 1024, 'expires': 'x' * 1024}, 2068, id='and-count-together'),
    pytest.param({'x-amz-acl': 'x' * 3000, 'authorization': 'x' * 3000}, 0, id='what-is-not-kept-does-not-count'),
])
def test_user_metadata_has_two_kilobytes(headers, size):
    """Names (without their prefix) and values together may have 2 KB; other kept headers have their own 2 KB.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
    """
    expected = ('MetadataTooLarge', {'Size': str(size), 'MaxSizeAllowed': '2048'}) if size > 2048 else None

    assert expected == refusal(check_metadata_size, headers)
