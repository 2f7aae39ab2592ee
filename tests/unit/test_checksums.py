# SPDX-License-Identifier: Apache-2.0
"""The additional checksum of a part: its names, and how it rides in the part's listing row."""
import pytest
from swift.common.utils import parse_content_type

from s3multi.checksums import ALGORITHMS, Checksum, algorithm_of, element, from_parameters, with_parameter

MD5 = 'c84cabbaebee9a9631c8be234ac64c26'

# Worked values of one part: algorithm, header, element, base64.
TABLE = [
    ('crc32', 'x-amz-checksum-crc32', 'ChecksumCRC32', '3ldvBQ=='),
    ('crc32c', 'x-amz-checksum-crc32c', 'ChecksumCRC32C', 'R4ccNA=='),
    ('crc64nvme', 'x-amz-checksum-crc64nvme', 'ChecksumCRC64NVME', 'W5KyEjvHapE='),
    ('sha1', 'x-amz-checksum-sha1', 'ChecksumSHA1', '9Sq1f6Ud+nFFBSlEREY65aAJrjQ='),
    ('sha256', 'x-amz-checksum-sha256', 'ChecksumSHA256', 'I0Kb2bqY3VFAMJu5sAlLOq1kJDD/9vs8ph8AjOZE80o='),
]
CASES = [pytest.param(*row, id=row[0]) for row in TABLE]


@pytest.mark.parametrize('algorithm, header, name, value', CASES)
def test_names_of_an_algorithm(algorithm, header, name, value):
    """One name in headers and trailers, one in XML.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    assert algorithm == algorithm_of(header)
    assert header == Checksum(algorithm, value).header
    assert name == element(algorithm)


@pytest.mark.parametrize('algorithm, header, name, value', CASES)
def test_a_row_gives_back_the_checksum_it_was_given(algorithm, header, name, value):
    """Written into the hash or the content type of a row and read back from it, as Swift parses them."""
    for shown in (MD5, 'application/octet-stream'):
        before, params = parse_content_type(with_parameter(shown, Checksum(algorithm, value)))

        assert shown == before
        assert {name: value} == from_parameters(params)


@pytest.mark.parametrize('algorithm, header, name, value', CASES)
def test_the_hash_of_a_row_holds_nothing_that_needs_quotes(algorithm, header, name, value):
    """Base64 has '=' and '/', which end or spoil a parameter; hex does not."""
    _, _, parameter = with_parameter(MD5, Checksum(algorithm, value)).partition('; %s=' % algorithm)

    assert parameter and set(parameter) <= set('0123456789abcdef')


def test_every_algorithm_has_a_row_above():
    """An algorithm that is added is tested."""
    assert set(ALGORITHMS) == {row[0] for row in TABLE}


@pytest.mark.parametrize('header', [
    'x-amz-checksum-algorithm', 'x-amz-checksum-type', 'x-amz-checksum-mode', 'x-amz-checksum-', 'x-amz-checksum-foo',
    'x-amz-checksum-sha512', 'x-amz-sdk-checksum-algorithm', 'crc32', 'content-md5', '',
])
def test_other_headers_carry_no_checksum(header):
    """Names that only look alike, and algorithms that nobody here verifies."""
    assert algorithm_of(header) is None


def test_other_parameters_of_a_row_are_no_checksums():
    """s3api and SLO keep ETags of their own in the same place."""
    assert {} == from_parameters([('s3_etag', MD5 + '-1'), ('slo_etag', MD5)])


def test_a_row_without_parameters_has_no_checksum():
    """A part that was uploaded without one."""
    assert {} == from_parameters([])
