# SPDX-License-Identifier: Apache-2.0
"""The rules for additional checksums, with the answers that Amazon S3 was observed to give.

The values are worked ones, of three parts.
"""
import pytest

from s3multi.s3.checksum_rules import check_list, check_part, check_type, read_announced, read_choice, read_sent
from s3multi.s3.checksums import Checksum, ChecksumChoice
from s3multi.s3.errors import S3Error
from s3multi.s3.parts import Attempt, PartRef

PARTS = {'crc32': ['3ldvBQ==', 'kD8u3w==', 'nHfoQQ=='], 'sha1': [
    '9Sq1f6Ud+nFFBSlEREY65aAJrjQ=', 'pPODM6M/C0+iScf3mB1jWxW4vHk=', 'IS8RE+vMUo5QGTPYXijQQt9FdG0=']}
SIZES = (7, 10, 7)
COMPOSITE, WHOLE = ChecksumChoice('crc32', 'COMPOSITE'), ChecksumChoice('crc32', 'FULL_OBJECT')


def code_of(call, *args):
    """Return the code of the error that ``call`` raises; None if it raises none."""
    try:
        call(*args)
    except S3Error as error:
        return error.code
    return None


def listed(values, numbers=(1, 2, 3), algorithm='CRC32'):
    """Return the parts as a client lists them. values: a checksum, or None, for each."""
    return [PartRef(number, 'a' * 32, 'A', (('Checksum' + algorithm, value),) if value else ())
            for number, value in zip(numbers, values)]


def stored(algorithm, numbers=(1, 2, 3), sizes=SIZES):
    """Return the stored attempts. algorithm: of their checksums; None for attempts without."""
    return [Attempt(number, '', 0, 'a' * 32, size, {'Checksum' + algorithm.upper(): value} if algorithm else {})
            for number, size, value in zip(numbers, sizes, PARTS.get(algorithm, '???'))]


# Initiate

ALGORITHMS = {'CRC32': 'CF', 'CRC32C': 'CF', 'CRC64NVME': 'F', 'SHA1': 'C', 'SHA256': 'C'}


@pytest.mark.parametrize('kind', ['COMPOSITE', 'FULL_OBJECT'])
@pytest.mark.parametrize('algorithm', sorted(ALGORITHMS))
def test_checksum_algorithm_and_type_are_a_pair(algorithm, kind):
    """Amazon S3 has no composite CRC64NVME, and no SHA of a full object that consists of parts.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    expected = None if kind[0] in ALGORITHMS[algorithm] else 'InvalidRequest'
    headers = {'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': kind}

    assert expected == code_of(read_choice, headers)


@pytest.mark.parametrize('headers', [
    pytest.param({}, id='none'),
    *(pytest.param({'x-amz-checksum-algorithm': name}, id=name) for name in sorted(ALGORITHMS)),
    pytest.param({'x-amz-checksum-algorithm': 'crc32', 'x-amz-checksum-type': 'composite'}, id='lower-case'),
    pytest.param({'x-amz-checksum-algorithm': 'Crc64Nvme', 'x-amz-checksum-type': 'Full_Object'}, id='mixed-case'),
])
def test_checksum_choices_that_are_accepted(headers):
    """Initiate accepts no choice, an algorithm alone, and a pair, in any letter case."""
    assert code_of(read_choice, headers) is None


@pytest.mark.parametrize('headers', [
    pytest.param({'x-amz-checksum-type': 'COMPOSITE'}, id='type-without-algorithm'),
    pytest.param({'x-amz-checksum-algorithm': 'CRC16'}, id='unknown-algorithm'),
    pytest.param({'x-amz-checksum-algorithm': ''}, id='empty-algorithm'),
    pytest.param({'x-amz-checksum-algorithm': 'CRC32,SHA256'}, id='several-algorithms'),
    pytest.param({'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'BOTH'}, id='unknown-type'),
    pytest.param({'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': ''}, id='empty-type'),
])
def test_checksum_choices_that_are_none(headers):
    """A malformed choice is InvalidRequest at Initiate already, not at the first part."""
    assert 'InvalidRequest' == code_of(read_choice, headers)


@pytest.mark.parametrize('algorithm', ['SHA512', 'MD5', 'XXHASH64', 'XXHASH3', 'XXHASH128', 'xxhash3'])
def test_checksum_algorithms_that_nobody_here_verifies(algorithm):
    """An algorithm of Amazon S3 that is not served is 501, because the client asks for something that exists."""
    assert 'NotImplemented' == code_of(read_choice, {'x-amz-checksum-algorithm': algorithm})


@pytest.mark.parametrize('headers, choice', [
    ({'x-amz-checksum-algorithm': 'CRC32'}, COMPOSITE),
    ({'x-amz-checksum-algorithm': 'crc32c'}, ChecksumChoice('crc32c', 'COMPOSITE')),
    ({'x-amz-checksum-algorithm': ' Crc64Nvme '}, ChecksumChoice('crc64nvme', 'FULL_OBJECT')),
    ({'x-amz-checksum-algorithm': 'SHA1'}, ChecksumChoice('sha1', 'COMPOSITE')),
    ({'x-amz-checksum-algorithm': 'SHA256'}, ChecksumChoice('sha256', 'COMPOSITE')),
    ({'x-amz-checksum-algorithm': 'crc32', 'x-amz-checksum-type': 'full_object'}, WHOLE),
    ({}, None),
])
def test_what_is_chosen(headers, choice):
    """An algorithm alone gets S3's default type."""
    assert choice == read_choice(headers)


# Upload Part

@pytest.mark.parametrize('headers, sent', [
    ({}, None),
    ({'x-amz-checksum-crc32': '3ldvBQ=='}, Checksum('crc32', '3ldvBQ==')),
    ({'x-amz-checksum-crc32': '3ldvBQ==', 'x-amz-sdk-checksum-algorithm': 'CRC32'}, Checksum('crc32', '3ldvBQ==')),
    ({'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'x', 'x-amz-checksum-mode': 'y'}, None),
    ({'x-amz-trailer': 'x-amz-checksum-crc32', 'x-amz-sdk-checksum-algorithm': 'CRC32'}, None),
])
def test_what_comes_with_a_part(headers, sent):
    """A part comes with one value in a header or none. The value that a trailer announces is not known yet."""
    assert sent == read_sent(headers)


@pytest.mark.parametrize('headers', [
    {'x-amz-checksum-crc32': ''}, {'x-amz-checksum-crc32': '3ldvBR=='}, {'x-amz-checksum-crc32': '3ldvBQ==-1'},
    {'x-amz-checksum-foo': '3ldvBQ=='}, {'x-amz-checksum-sha512': '3ldvBQ=='}, {'x-amz-checksum-': ''},
    {'x-amz-checksum-crc32': '3ldvBQ==', 'x-amz-checksum-crc32c': 'R4ccNA=='},
    {'x-amz-sdk-checksum-algorithm': 'CRC32'},
    {'x-amz-checksum-crc32': '3ldvBQ==', 'x-amz-sdk-checksum-algorithm': 'SHA1'},
], ids=str)
def test_what_may_not_come_with_a_part(headers):
    """A checksum is InvalidRequest if it is malformed, unknown, one of several, or not what the SDK announces."""
    assert 'InvalidRequest' == code_of(read_sent, headers)


@pytest.mark.parametrize('choice, algorithm, fits', [
    (None, None, True), (None, 'sha1', True), (COMPOSITE, 'crc32', True), (COMPOSITE, None, False),
    (COMPOSITE, 'sha1', False), (WHOLE, None, True), (WHOLE, 'crc32', True), (WHOLE, 'crc32c', False)])
def test_a_part_and_what_was_chosen(choice, algorithm, fits):
    """Without a choice a part may have any algorithm. For a full-object checksum it may come without one."""
    assert code_of(check_part, choice, algorithm) == (None if fits else 'InvalidRequest')


# Complete

def test_the_checksum_of_the_checksums():
    """A composite checksum covers the bytes of the parts' checksums in list order, and tells their number."""
    found = check_list(COMPOSITE, listed(PARTS['crc32']), stored('crc32'), None, 'id')

    assert ('COMPOSITE', 'g1o3Jw==-3') == (found.type, found.checksum.value)


@pytest.mark.parametrize('numbers, places, value', [((1, 2, 3), (0, 1, 2), 'WxWtvg=='), ((1, 3), (0, 2), 'e1WnGA==')])
def test_the_checksum_of_all_bytes(numbers, places, value):
    """A full-object checksum follows from checksums and sizes of the stored parts, listed or not, with gaps or not."""
    attempts = [stored('crc32')[place] for place in places]
    for values in ([PARTS['crc32'][place] for place in places], [None] * len(places)):
        assert value == check_list(WHOLE, listed(values, numbers), attempts, None, 'id').checksum.value


def wrong(value):
    """Return the values of the parts, with the second one replaced."""
    return [PARTS['crc32'][0], value, PARTS['crc32'][2]]


@pytest.mark.parametrize('choice, refs, announced, code', [
    pytest.param(COMPOSITE, listed(wrong(None)), None, 'InvalidRequest', id='composite-missing'),
    pytest.param(COMPOSITE, listed(wrong('AAAAAA==')), None, 'InvalidPart', id='composite-wrong'),
    pytest.param(WHOLE, listed(wrong('AAAAAA==')), None, 'InvalidPart', id='whole-wrong'),
    pytest.param(COMPOSITE, listed(PARTS['sha1'], algorithm='SHA1'), None, 'BadDigest', id='composite-another'),
    pytest.param(WHOLE, listed(PARTS['sha1'], algorithm='SHA1'), None, 'BadDigest', id='whole-another'),
    pytest.param(COMPOSITE, listed(PARTS['crc32'], (1, 2, 4)), None, 'InvalidPartOrder', id='composite-gap'),
    pytest.param(COMPOSITE, listed(PARTS['crc32'], (2, 3, 4)), None, 'InvalidPartOrder', id='composite-not-from-1'),
    pytest.param(COMPOSITE, listed(PARTS['crc32']), 'g1o3Jw==', None, id='composite-announced'),
    pytest.param(COMPOSITE, listed(PARTS['crc32']), 'g1o3Jw==-3', None, id='composite-announced-with-number'),
    pytest.param(COMPOSITE, listed(PARTS['crc32']), 'g1o3Jw==-2', 'BadDigest', id='composite-other-number'),
    pytest.param(COMPOSITE, listed(PARTS['crc32']), 'WxWtvg==', 'BadDigest', id='composite-announced-wrong'),
    pytest.param(COMPOSITE, listed(wrong('AAAAAA==')), 'g1o3Jw==', 'BadDigest', id='composite-wrong-and-right'),
    pytest.param(WHOLE, listed(wrong('AAAAAA==')), 'WxWtvg==', 'InvalidPart', id='whole-wrong-and-right'),
    pytest.param(WHOLE, listed(wrong(None)), 'WxWtvg==', None, id='whole-announced'),
    pytest.param(WHOLE, listed(PARTS['crc32']), 'AAAAAA==', 'BadDigest', id='whole-announced-wrong'),
    pytest.param(WHOLE, listed(PARTS['crc32']), 'WxWtvg==-3', 'InvalidRequest', id='whole-announced-with-number'),
    pytest.param(None, listed(wrong(None)), None, 'InvalidPart', id='not-chosen'),
    pytest.param(None, listed([None] * 3), 'AAAAAA==', None, id='not-chosen-announced'),
])
def test_what_a_complete_tells(choice, refs, announced, code):
    """A Complete is accepted, or refused with the code that Amazon S3 answers."""
    assert code == code_of(check_list, choice, refs, stored('crc32'), announced and Checksum('crc32', announced), 'id')


def test_another_algorithm_for_the_object():
    """An announced checksum of another algorithm than the object's is BadDigest."""
    assert 'BadDigest' == code_of(check_list, WHOLE, listed(PARTS['crc32']), stored('crc32'),
                                  Checksum('crc32c', 'WxWtvg=='), 'id')


def test_the_first_part_that_is_missing_or_wrong_is_named():
    """The error names the first part that is missing or wrong, in its message or in its elements."""
    with pytest.raises(S3Error, match='part 2 '):
        check_list(COMPOSITE, listed([PARTS['crc32'][0], None, None]), stored('crc32'), None, 'id')
    with pytest.raises(S3Error) as refused:
        check_list(WHOLE, listed([None, 'AAAAAA==', 'AAAAAA==']), stored('crc32'), None, 'id')

    assert {'UploadId': 'id', 'PartNumber': '2', 'ETag': 'A'} == refused.value.fields


def test_a_part_that_was_kept_without_its_checksum():
    """A part that was stored without a checksum does not match."""
    assert 'InvalidPart' == code_of(check_list, WHOLE, listed([None] * 3), stored(None), None, 'id')


@pytest.mark.parametrize('numbers, sizes, part_bytes', [
    ((1, 2, 3), (7, 7, 7), 7), ((1, 2, 3), (7, 7, 3), 7), ((1, 2, 3), (7, 7, 8), 0), ((1, 2, 3), (7, 6, 7), 0),
    ((1, 2, 4), (7, 7, 7), None), ((2, 3, 4), (7, 7, 7), None)])
def test_what_a_reader_has_to_know_of_the_parts(numbers, sizes, part_bytes):
    """The size of the parts is kept if they are numbered 1, 2, 3 and so on, and all but the last are alike."""
    attempts = stored('crc32', numbers, sizes)

    assert part_bytes == check_list(WHOLE, listed([None] * 3, numbers), attempts, None, 'id').part_bytes


@pytest.mark.parametrize('choice, kind, fits', [
    (COMPOSITE, 'COMPOSITE', True), (COMPOSITE, 'composite', True), (COMPOSITE, 'FULL_OBJECT', False),
    (WHOLE, 'FULL_OBJECT', True), (None, 'FULL_OBJECT', True), (None, 'COMPOSITE', False), (WHOLE, '', False)])
def test_the_type_that_a_complete_names(choice, kind, fits):
    """A Complete has to name the type of the upload; an upload without an algorithm has that of S3's default."""
    assert code_of(check_type, choice, {'x-amz-checksum-type': kind}) == (None if fits else 'InvalidRequest')
    assert code_of(check_type, choice, {}) is None


@pytest.mark.parametrize('value, fits', [('WxWtvg==', True), ('WxWtvg==-3', True), ('WxWtvg==-', False),
                                         ('WxWtvg==-a', False), ('WxWtvh==', False), ('WxWtvg', False), ('', False)])
def test_the_form_of_an_announced_checksum(value, fits):
    """An announced checksum is base64, perhaps with the number of parts behind it. Else it is InvalidRequest."""
    assert code_of(read_announced, {'x-amz-checksum-crc32': value}) == (None if fits else 'InvalidRequest')
