# SPDX-License-Identifier: Apache-2.0
"""Additional checksums: their names, values and arithmetic, and their form in rows and metadata."""
import time

import pytest
from swift.common.utils import parse_content_type

from s3multi.s3.checksums import (ALGORITHMS, COMPOSITE, FULL_OBJECT, Checksum, ObjectChecksum, algorithm_of,
                                  algorithm_of_element, combine, composite, decode, element, from_parameters, hasher,
                                  stored_checksum, with_parameter)

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
    """An algorithm has one name in headers and trailers, and another one in XML.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    assert algorithm == algorithm_of(header)
    assert header == Checksum(algorithm, value).header
    assert name == element(algorithm)


@pytest.mark.parametrize('algorithm, header, name, value', CASES)
def test_a_row_gives_back_the_checksum_it_was_given(algorithm, header, name, value):
    """A checksum in the hash or the content type of a row is read back, after Swift has parsed either."""
    for shown in (MD5, 'application/octet-stream'):
        before, params = parse_content_type(with_parameter(shown, Checksum(algorithm, value)))

        assert shown == before
        assert {name: value} == from_parameters(params)


@pytest.mark.parametrize('algorithm, header, name, value', CASES)
def test_the_hash_of_a_row_holds_nothing_that_needs_quotes(algorithm, header, name, value):
    """The parameter is in hex: base64 has '=' and '/', which end or spoil a parameter."""
    _, _, parameter = with_parameter(MD5, Checksum(algorithm, value)).partition('; %s=' % algorithm)

    assert parameter and set(parameter) <= set('0123456789abcdef')


def test_every_algorithm_has_a_row_above():
    """A new algorithm without a row in TABLE would not be tested."""
    assert set(ALGORITHMS) == {row[0] for row in TABLE}


@pytest.mark.parametrize('header', [
    'x-amz-checksum-algorithm', 'x-amz-checksum-type', 'x-amz-checksum-mode', 'x-amz-checksum-', 'x-amz-checksum-foo',
    'x-amz-checksum-sha512', 'x-amz-sdk-checksum-algorithm', 'crc32', 'content-md5', '',
])
def test_other_headers_carry_no_checksum(header):
    """Names that only look similar, and algorithms that are not served, are no headers of checksums."""
    assert algorithm_of(header) is None


def test_other_parameters_of_a_row_are_no_checksums():
    """The ETags that s3api and SLO keep in the same place are not taken for checksums."""
    assert {} == from_parameters([('s3_etag', MD5 + '-1'), ('slo_etag', MD5)])


def test_a_row_without_parameters_has_no_checksum():
    """A part that was uploaded without a checksum has none in its row."""
    assert {} == from_parameters([])


# Arithmetic. The worked values are those of parts, with their sizes, and of the objects that the parts make.

BODIES = [b'Hello, ', b'multipart ', b'world!\n']
VALUES = {
    'crc32': ['3ldvBQ==', 'kD8u3w==', 'nHfoQQ=='], 'crc32c': ['R4ccNA==', 'zrN+dg==', 'jfv5wA=='],
    'crc64nvme': ['W5KyEjvHapE=', 'zKJoBEwjqEY=', 'NZlPa5vr0nY='],
    'sha1': ['9Sq1f6Ud+nFFBSlEREY65aAJrjQ=', 'pPODM6M/C0+iScf3mB1jWxW4vHk=', 'IS8RE+vMUo5QGTPYXijQQt9FdG0='],
    'sha256': ['I0Kb2bqY3VFAMJu5sAlLOq1kJDD/9vs8ph8AjOZE80o=', 'HN+Hs+Sd2Ah5qu6pTbrIurRFmc8sETNdwIupiK6h0rM=',
               'FSlsvXVl1rNYP8/h2SJGy+J72bfFhieEx48RdsO2IrA='],
}
LARGE = 5 * 1024 * 1024


@pytest.mark.parametrize('algorithm', VALUES)
def test_the_checksum_of_bytes(algorithm):
    """A checksum is the same whether the bytes come in one piece or one by one."""
    for body, value in zip(BODIES, VALUES[algorithm]):
        whole, byte_by_byte = hasher(algorithm), hasher(algorithm)
        whole.update(body)
        for place in range(len(body)):
            byte_by_byte.update(body[place:place + 1])

        assert Checksum.of(algorithm, whole.digest()).value == value
        assert decode(algorithm, value) == whole.digest() == byte_by_byte.digest()


@pytest.mark.parametrize('algorithm, parts, value', [
    ('crc32', VALUES['crc32'], 'g1o3Jw==-3'), ('crc32c', VALUES['crc32c'], 'O41+xA==-3'),
    ('sha1', VALUES['sha1'], 'qMm28oWMlTL5K8wfp0anBG5Pdbo=-3'),
    ('sha256', VALUES['sha256'], 'zhiInOF8UNkIktrpRP/y1PlTqWdOwyXq9AAcCMue01c=-3'),
    ('sha256', ['lcKa6Boe7a167tUCN5C4OaFygGSYD8MBnBARTrdL+1w=', 'gHjhbUT4oo2tSCtSZJdlKi+jeNXJT+VImqdPXsXvkOc=',
                '4l9PQ3zOPZ0oGFvknFX+J4zZwE4WMzO+l3r8XrbWOeM='], 'rVWtNbadtsaKXJAcgWPWjifHzJaXde/iV4jaJAOdivc=-3'),
    ('crc32', ['y/Q5Jg=='], '7kxlUA==-1'), ('crc32', ['AAAAAA=='], 'IUTfHA==-1'),
    ('crc32c', ['AAAAAA=='], 'SGdLxw==-1'),
    ('sha1', ['98O8HYCOBHMq32eZZczDTKeuNEE='], 'zGcEPHvP9e6lVmvZsfPHT9mlz10=-1'),
    ('crc32', ['JRTCyQ==', 'QoZTGg==', 'YAgjqw=='], 'Z+ry2Q==-3'),
    ('crc32c', ['zqsFQg==', '/wAAAA=='], 'X9+XvQ==-2'),
])
def test_the_checksum_of_checksums(algorithm, parts, value):
    """A composite checksum covers the bytes of the checksums, not their base64, and has their number behind it."""
    assert Checksum(algorithm, value) == composite(algorithm, [decode(algorithm, part) for part in parts])


@pytest.mark.parametrize('algorithm, parts, value', [
    ('crc32', zip(VALUES['crc32'], (7, 10, 7)), 'WxWtvg=='), ('crc32', zip(VALUES['crc32'][:2], (7, 10)), 'UdMpKQ=='),
    ('crc32c', zip(VALUES['crc32c'], (7, 10, 7)), '96G84A=='),
    ('crc32c', zip(VALUES['crc32c'][:2], (7, 10)), 'xFGAzA=='),
    ('crc64nvme', zip(VALUES['crc64nvme'], (7, 10, 7)), 'HM7dXHbE2EE='),
    ('crc64nvme', zip(VALUES['crc64nvme'][:2], (7, 10)), 'PPFJqr+2OXA='),
    ('crc32', [('y/Q5Jg==', 9)], 'y/Q5Jg=='), ('crc64nvme', [('AAAAAAAAAAA=', 0)], 'AAAAAAAAAAA='),
    ('crc32', zip(['JRTCyQ==', 'QoZTGg==', 'YAgjqw=='], [LARGE] * 3), 'WgDhBQ=='),
    ('crc32c', zip(['MDaLrw==', 'TH4EZg==', 'Z7mBIQ=='], [LARGE] * 3), 'xU+Krw=='),
    ('crc64nvme', zip(['L/E4WYn8v98=', 'xW1l19VobYM=', 'cK5MnNaWrW4='], [LARGE] * 3), 'i+6LR0y3eFo='),
    ('crc32', [('yTuzdQ==', LARGE), ('/wAAAA==', 1)], '36a+AA=='),
    ('crc32c', [('zqsFQg==', LARGE), ('/wAAAA==', 1)], 'X47GTg=='),
    ('crc64nvme', [('vqf3hRLTlJw=', LARGE), ('/wAAAAAAAAA=', 1)], 'ckzCIlGyPVo='),
])
def test_the_checksum_of_all_bytes(algorithm, parts, value):
    """A full-object checksum follows from the checksums and sizes of the parts."""
    assert Checksum(algorithm, value) == combine(algorithm, [(decode(algorithm, part), size) for part, size in parts])


def test_large_parts_are_combined_quickly():
    """The checksums of 10,000 parts of 5 GiB are combined within seconds, because no part is read."""
    began = time.process_time()
    combine('crc64nvme', [(b'12345678', 5 * 1024 ** 3)] * 10000)

    assert time.process_time() - began < 5


@pytest.mark.parametrize('algorithm, value', [
    ('crc32', 'y/Q5Jh=='), ('crc32c', '4waSgx=='), ('crc64nvme', 'rosUhgp5mIh='), ('crc32', 'y/Q5Jg'), ('crc32', ''),
    ('crc32', 'y/Q5Jg===='), ('crc32', 'y/Q5 Jg=='), ('crc32', 'y_Q5Jg=='), ('crc32', 'y/Q5Jg==\n'),
    ('crc32', 'rosUhgp5mIg='), ('sha1', 'y/Q5Jg=='), ('crc32', '\u00e9/Q5Jg==')])
def test_values_that_are_malformed(algorithm, value):
    """A value with surplus bits, another length or foreign characters is a ValueError."""
    with pytest.raises(ValueError):
        decode(algorithm, value)


@pytest.mark.parametrize('part_bytes', [None, 0, 5242880])
@pytest.mark.parametrize('checksum, kind', [(Checksum('crc32', 'g1o3Jw==-3'), COMPOSITE),
                                            (Checksum('crc64nvme', 'HM7dXHbE2EE='), FULL_OBJECT)])
def test_the_checksum_of_an_object_is_read_as_it_was_stored(checksum, kind, part_bytes):
    """The text in the metadata of the object gives back the same checksum."""
    whole = ObjectChecksum(checksum, kind, part_bytes)

    assert whole == stored_checksum(whole.stored())


def test_the_form_in_which_the_checksum_of_an_object_is_stored():
    """The form of the first release is still read, because objects outlive releases."""
    assert ObjectChecksum(Checksum('crc32', 'g1o3Jw==-3'), COMPOSITE, 7) == stored_checksum(
        'COMPOSITE crc32 g1o3Jw==-3 7')


@pytest.mark.parametrize('text', [None, '', 'COMPOSITE crc32 g1o3Jw==-3', 'COMPOSITE md4 g1o3Jw==-3 7',
                                  'COMPOSITE crc32 g1o3Jw==-3 x'])
def test_what_is_no_checksum_of_an_object(text):
    """An object without a checksum, or with a form that a later release may write, shows none."""
    assert stored_checksum(text) is None


@pytest.mark.parametrize('name, algorithm', [
    ('ChecksumCRC32', 'crc32'), ('ChecksumCRC64NVME', 'crc64nvme'), ('ChecksumSHA512', 'sha512'),
    ('ChecksumMD4', None), ('ChecksumCrc32', None), ('Checksum', None), ('CRC32', None), ('ChecksumType', None)])
def test_the_algorithm_of_an_element(name, algorithm):
    """The elements of all algorithms of S3 are known, also of those that are not served."""
    assert algorithm == algorithm_of_element(name)
