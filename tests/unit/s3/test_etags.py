# SPDX-License-Identifier: Apache-2.0
"""ETags: how clients write them, and how that of a multipart object is computed."""
import base64
import hashlib

import pytest

from s3multi.s3.etags import is_md5, md5, multipart_etag, part_count, unquote_etag

MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
MIB = 1024 * 1024

# Bodies of the parts, and the ETag of the object. Several implementations agree on these values.
OBJECTS = [
    pytest.param([b'Hello, ', b'multipart ', b'world!\n'], 'b30cd09b6c3eb4479a7c721f1a044234-3', id='three-parts'),
    pytest.param([b'Hello, ', b'world!\n'], '7a5835d47615d5e5cf54cad692120139-2', id='gap-in-the-numbers'),
    pytest.param([b'123456789'], '5927c5d64d94a5786f90003aa26d0159-1', id='one-part'),
    pytest.param([b''], '59adb24ef3cdbe0297f05b395827453f-1', id='one-empty-part'),
    pytest.param([b'A' * 5 * MIB, b'B' * 5 * MIB, b'C' * 5 * MIB], 'b2add96cc9702bbf4efb0ccdfc6b7747-3', id='5-mib'),
    pytest.param([b'\0' * 5 * MIB, b'\xff'], 'b0064457a75815b858a1e894b63c79a5-2', id='short-last-part'),
]


@pytest.mark.parametrize('bodies, etag', OBJECTS)
def test_object_etag_is_the_md5_of_the_binary_md5s_and_the_number_of_parts(bodies, etag):
    """S3 hashes the raw digests of the listed parts in order and appends their number, even if that is one.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    parts = [hashlib.md5(body).hexdigest() for body in bodies]

    assert etag == multipart_etag(parts)


def test_object_etag_takes_parts_from_an_iterator():
    """The ETags of the parts are read once, so 10,000 parts need no second list."""
    assert '5927c5d64d94a5786f90003aa26d0159-1' == multipart_etag(iter(['25f9e794323b453885f5181f1b624d0b']))


def test_order_of_parts_counts():
    """The same parts in another order make another object."""
    parts = [hashlib.md5(body).hexdigest() for body in (b'a', b'b')]

    assert multipart_etag(parts) != multipart_etag(reversed(parts))


@pytest.mark.parametrize('text, bare', [
    pytest.param(MD5, MD5, id='bare'),
    pytest.param('"%s"' % MD5, MD5, id='quoted'),
    pytest.param(MD5.upper(), MD5, id='upper-case'),
    pytest.param('  "%s"\t' % MD5, MD5, id='blanks-around'),
    pytest.param('"%s' % MD5, '"%s' % MD5, id='one-quote-is-part-of-it'),
    pytest.param('""%s""' % MD5, '"%s"' % MD5, id='only-one-pair-goes'),
    pytest.param('W/"%s"' % MD5, 'w/"%s"' % MD5, id='weak-is-another'),
    pytest.param('"', '"', id='a-lone-quote'),
    pytest.param('""', '', id='nothing-in-quotes'),
    pytest.param('', '', id='empty'),
    pytest.param('"b30cd09b6c3eb4479a7c721f1a044234-3"', 'b30cd09b6c3eb4479a7c721f1a044234-3', id='of-an-object'),
])
def test_etags_are_compared_bare_and_in_lower_case(text, bare):
    """ETags are compared without quotes and letter case: boto3 sends them as its users write them, others otherwise."""
    assert bare == unquote_etag(text)


@pytest.mark.parametrize('etag, expected', [
    pytest.param(MD5, True, id='md5'),
    pytest.param('', False, id='empty'),
    pytest.param(MD5[:-1], False, id='31-digits'),
    pytest.param(MD5 + '0', False, id='33-digits'),
    pytest.param(MD5.upper(), False, id='upper-case'),
    pytest.param('g' + MD5[1:], False, id='no-hex'),
    pytest.param(MD5 + '\n', False, id='newline-after'),
    pytest.param('"%s"' % MD5, False, id='quoted'),
    pytest.param(MD5 + '-1', False, id='of-an-object'),
    pytest.param('\u0661' * 32, False, id='digits-of-another-script'),
])
def test_the_etag_of_a_part_is_32_lower_case_hex_digits(etag, expected):
    """A text that is not an MD5 is no ETag of a part, and must not reach the arithmetic."""
    assert expected is is_md5(etag)


@pytest.mark.parametrize('body, expected', [
    pytest.param(b'Hello, ', 'yEyruuvumpYxyL4jSsZMJg==', id='part-1'),
    pytest.param(b'multipart ', 'oCBVdplySwu0/FoZSejuHA==', id='part-2'),
    pytest.param(b'', '1B2M2Y8AsgTpgAmY7PhCfg==', id='empty'),
])
def test_content_md5_is_base64_of_the_16_bytes(body, expected):
    """Content-MD5 is the base64 of the digest itself, not of its text in hex (RFC 1864)."""
    assert expected == base64.b64encode(md5(body)).decode()


@pytest.mark.parametrize('etag, count', [
    ('b30cd09b6c3eb4479a7c721f1a044234-3', 3), ('b30cd09b6c3eb4479a7c721f1a044234-10000', 10000),
    ('b30cd09b6c3eb4479a7c721f1a044234', 0), ('b30cd09b6c3eb4479a7c721f1a044234-N', 0), ('12', 0), ('', 0)])
def test_how_many_parts_an_etag_tells(etag, count):
    """An ETag that is not that of a multipart object tells of no parts."""
    assert count == part_count(etag)
