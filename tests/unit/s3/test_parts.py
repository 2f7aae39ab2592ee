# SPDX-License-Identifier: Apache-2.0
"""Parts: the list that a client sends, the attempts that are stored, and the proof that they agree."""
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.s3.errors import S3Error
from s3multi.s3.parts import (MAX_PART_BYTES, MAX_PART_NUMBER, Attempt, PartRef, check_order, check_sizes, judge,
                              newest_attempts, outrun, parse_part_number)

A, B, C = (letter * 32 for letter in 'abc')
MIB = 1024 * 1024


def attempt(number, etag, began=0, name=None, size=5 * MIB):
    """Return an attempt. name: matters only for the order of attempts that began at the same time."""
    return Attempt(number, name or '%08d-%d-%s' % (number, began, etag), began, etag, size)


def refused(call, *args):
    """Return code and elements of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code, raised.value.fields


# Part numbers in a query

@pytest.mark.parametrize('text, number', [('1', 1), ('10000', 10000), ('007', 7), ('000000001', 1)])
def test_part_numbers_in_range(text, number):
    """Part numbers from 1 to 10,000 are accepted, with leading zeros or without."""
    assert number == parse_part_number(text, 10000)


@pytest.mark.parametrize('text', [
    '', '0', '10001', '-1', '+1', ' 1', '1 ', '1.0', '1e3', '0x1', 'x', '1_0', '1\n', '\u0661', '\u00b2', '\uff11',
    '1\0', '\udcff', '9' * 5000, '0' * 5000 + '1',
], ids=lambda text: ascii(text[:12]))
def test_part_numbers_that_are_none(text):
    """Anything but an integer from 1 to 10,000 is InvalidArgument, which names parameter and value."""
    assert ('InvalidArgument', {'ArgumentName': 'partNumber', 'ArgumentValue': text}) == refused(
        parse_part_number, text, 10000)


def test_a_missing_part_number():
    """A missing part number is InvalidArgument with an empty value."""
    assert ('InvalidArgument', {'ArgumentName': 'partNumber', 'ArgumentValue': ''}) == refused(
        parse_part_number, None, 10000)


def test_the_highest_part_number_is_an_option():
    """A cluster may admit fewer parts than Amazon S3."""
    assert 5 == parse_part_number('5', 5)
    assert 'InvalidArgument' == refused(parse_part_number, '6', 5)[0]


# The order of a list

@pytest.mark.parametrize('numbers', [[1], [1, 2, 3], [2, 5, 9999], [10000], list(range(1, 10001))],
                         ids=['one', 'all', 'gaps', 'highest', 'ten-thousand'])
def test_ascending_numbers(numbers):
    """The numbers of a list need not begin with 1, and may have gaps."""
    assert check_order([PartRef(number, A) for number in numbers], 'id', 10000) is None


@pytest.mark.parametrize('numbers, code, fields', [
    pytest.param([2, 1], 'InvalidPartOrder', {'UploadId': 'id'}, id='descending'),
    pytest.param([1, 1], 'InvalidPartOrder', {'UploadId': 'id'}, id='twice'),
    pytest.param([1, 3, 2], 'InvalidPartOrder', {'UploadId': 'id'}, id='descending-at-the-end'),
    pytest.param([1, 3, 3], 'InvalidPartOrder', {'UploadId': 'id'}, id='twice-at-the-end'),
    pytest.param([0], 'InvalidArgument', {'ArgumentName': 'PartNumber', 'ArgumentValue': '0'}, id='zero'),
    pytest.param([1, -2], 'InvalidArgument', {'ArgumentName': 'PartNumber', 'ArgumentValue': '-2'}, id='negative'),
    pytest.param([1, 10001], 'InvalidPart', {'UploadId': 'id', 'PartNumber': '10001', 'ETag': 'AAA'}, id='too-high'),
    pytest.param([10001, 1], 'InvalidPartOrder', {'UploadId': 'id'}, id='too-high-but-order-comes-first'),
])
def test_numbers_out_of_order(numbers, code, fields):
    """Numbers have to ascend strictly, without duplicates. A number that no part can have is InvalidPart."""
    assert (code, fields) == refused(check_order, [PartRef(number, A, 'AAA') for number in numbers], 'id', 10000)


# Attempts

@pytest.mark.parametrize('attempts, newest', [
    pytest.param([], [], id='none'),
    pytest.param([attempt(1, A, 1), attempt(1, B, 2)], [B], id='later-wins'),
    pytest.param([attempt(1, A, 2), attempt(1, B, 1)], [A], id='whatever-the-order-of-rows'),
    pytest.param([attempt(2, B), attempt(10, C), attempt(1, A)], [A, B, C], id='ascending-numbers'),
    pytest.param([attempt(1, A, 1, 'x'), attempt(1, B, 1, 'y')], [B], id='at-once-the-name-decides'),
])
def test_the_newest_attempt_of_a_number_is_the_part(attempts, newest):
    """An attempt that began later replaces the part, whatever the order of rows."""
    assert newest == [found.etag for found in newest_attempts(attempts)]


# Proof

@pytest.mark.parametrize('listed, attempts, chosen, missing', [
    pytest.param([PartRef(1, A)], [attempt(1, A)], [A], [], id='there'),
    pytest.param([PartRef(1, A), PartRef(2, B)], [attempt(2, B), attempt(1, A)], [A, B], [], id='in-list-order'),
    pytest.param([PartRef(2, B)], [attempt(1, A), attempt(2, B)], [B], [], id='unlisted-is-ignored'),
    pytest.param([PartRef(1, A)], [], [None], [1], id='no-row'),
    pytest.param([PartRef(1, A)], [attempt(2, A)], [None], [1], id='etag-under-another-number'),
    pytest.param([PartRef(1, A)], [attempt(1, B)], [None], [1], id='only-other-etags'),
    pytest.param([PartRef(1, B)], [attempt(1, A, 1), attempt(1, B, 2)], [B], [], id='the-newest'),
    pytest.param([PartRef(1, A), PartRef(2, B)], [attempt(2, B)], [None, B], [1], id='one-of-two'),
    pytest.param([], [attempt(1, A)], [], [], id='nothing-listed'),
])
def test_rows_prove_a_part_or_prove_nothing(listed, attempts, chosen, missing):
    """A row with number and ETag proves a part. A missing row proves nothing, so the part is reported as missing."""
    judgement = judge(listed, attempts, 'id')

    assert chosen == [found and found.etag for found in judgement.chosen]
    assert missing == [ref.number for ref in judgement.missing]
    assert [etag for etag in chosen if etag] == [found.etag for found in judgement.proven]


@pytest.mark.parametrize('attempts', [
    pytest.param(order, id='-'.join(str(found.began_ticks) for found in order))
    for order in itertools.permutations([attempt(1, A, 1), attempt(1, B, 2), attempt(1, C, 3)])])
def test_the_order_of_rows_does_not_matter(attempts):
    """Rows of several replicas' listings are put together, so they may come in any order."""
    assert [C] == [found.etag for found in judge([PartRef(1, C)], attempts, 'id').proven]
    assert 'InvalidPart' == refused(judge, [PartRef(1, A)], attempts, 'id')[0]
    assert 'InvalidPart' == refused(judge, [PartRef(1, B)], attempts, 'id')[0]


def test_an_etag_that_was_replaced_is_refused():
    """A part that is listed with the ETag of an older attempt is InvalidPart, with the ETag as the client wrote it."""
    error = refused(judge, [PartRef(7, A, 'AAA')], [attempt(7, A, 1), attempt(7, B, 2)], 'id')

    assert ('InvalidPart', {'UploadId': 'id', 'PartNumber': '7', 'ETag': 'AAA'}) == error


def test_the_same_bytes_uploaded_twice_are_no_conflict():
    """If both attempts have the client's ETag, the later one is chosen."""
    judgement = judge([PartRef(1, A)], [attempt(1, A, 1, 'first'), attempt(1, A, 2, 'second')], 'id')

    assert ['second'] == [found.name for found in judgement.proven]


def test_the_first_refused_part_of_the_list_is_named():
    """The error names the first bad part in the order of the list."""
    listed = [PartRef(1, A, 'first'), PartRef(2, A, 'second')]
    rows = [attempt(number, etag, began) for number in (2, 1) for etag, began in ((A, 1), (B, 2))]

    assert 'first' == refused(judge, listed, rows, 'id')[1]['ETag']


rows_of_parts = st.lists(st.builds(attempt, st.integers(1, 3), st.sampled_from([A, B, C]), st.integers(0, 5)),
                         max_size=8)


@given(st.lists(st.builds(PartRef, st.integers(1, 3), st.sampled_from([A, B, C])), max_size=3,
                unique_by=lambda ref: ref.number), rows_of_parts)
def test_what_is_chosen_is_what_list_parts_shows(listed, rows):
    """A Complete of the ETags that List Parts shows is accepted. A part that it does not show is never chosen."""
    shown = {found.number: found for found in newest_attempts(rows)}
    try:
        judgement = judge(listed, rows, 'id')
    except S3Error as error:
        number = int(error.fields['PartNumber'])
        assert shown[number].etag not in [ref.etag for ref in listed if ref.number == number]
        return

    assert [shown[ref.number] if ref.number in shown and shown[ref.number].etag == ref.etag else None
            for ref in listed] == list(judgement.chosen)


# Sizes

@pytest.mark.parametrize('sizes, total', [
    pytest.param([0], 0, id='one-empty-part'),
    pytest.param([5 * MIB, 0], 5 * MIB, id='last-part-may-be-empty'),
    pytest.param([5 * MIB, 5 * MIB, 1], 10 * MIB + 1, id='last-part-may-be-small'),
    pytest.param([MAX_PART_BYTES] * MAX_PART_NUMBER, 53687091200000, id='largest-object'),
])
def test_sizes_that_are_accepted(sizes, total):
    """Every part but the last of the list needs 5 MiB, and 10,000 parts of 5 GiB make the largest object.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    """
    assert total == check_sizes([attempt(number, A, size=size) for number, size in enumerate(sizes, 1)], 5 * MIB)


@pytest.mark.parametrize('sizes, number', [
    pytest.param([5 * MIB - 1, 1], 1, id='first'),
    pytest.param([5 * MIB, 7, 0], 2, id='middle'),
    pytest.param([1, 2, 3], 1, id='the-first-of-several'),
])
def test_parts_that_are_too_small(sizes, number):
    """EntityTooSmall names size, minimum, number and ETag of the first part that is too small."""
    fields = {'ProposedSize': str(sizes[number - 1]), 'MinSizeAllowed': '5242880', 'PartNumber': str(number), 'ETag': A}

    assert ('EntityTooSmall', fields) == refused(
        check_sizes, [attempt(place, A, size=size) for place, size in enumerate(sizes, 1)], 5 * MIB)


def test_an_object_that_is_too_large():
    """An object can be too large only by parts that Swift let through although S3 does not allow such sizes."""
    proposed, allowed = 10000 * MAX_PART_BYTES + 1, 10000 * MAX_PART_BYTES

    assert ('EntityTooLarge', {'ProposedSize': str(proposed), 'MaxSizeAllowed': str(allowed)}) == refused(
        check_sizes, [attempt(1, A, size=proposed)], 1)


@pytest.mark.parametrize('announced', ['24', '024', '0' * 10 + '24'])
def test_an_announced_size_that_is_right(announced):
    """The size in x-amz-mp-object-size, which the AWS CRT sends, may have leading zeros."""
    assert 24 == check_sizes([attempt(1, A, size=24)], 1, announced)


@pytest.mark.parametrize('announced', [
    '', '23', '25', '-24', '+24', '24.0', ' 24', '24 ', 'x', '2_4', '\u0662\u0664', '\u00b2', '\udcff', '9' * 5000,
], ids=lambda text: ascii(text[:12]))
def test_an_announced_size_that_is_wrong(announced):
    """Another size, a negative one, and a text that is not a number are InvalidRequest."""
    assert ('InvalidRequest', {}) == refused(check_sizes, [attempt(1, A, size=24)], 1, announced)


def test_small_parts_are_named_before_a_wrong_total():
    """A part that is too small is reported rather than the wrong total, because it is the likelier cause."""
    parts = [attempt(1, A, size=1), attempt(2, A, size=1)]

    assert 'EntityTooSmall' == refused(check_sizes, parts, 5 * MIB, '3')[0]


# Clocks that are ahead

@pytest.mark.parametrize('mine, other, doubted', [
    pytest.param(90, 110, True, id='other-of-the-future'),
    pytest.param(100, 101, True, id='just-so'),
    pytest.param(90, 100, False, id='other-of-now'),
    pytest.param(105, 110, False, id='both-of-the-future'),
    pytest.param(120, 110, False, id='mine-is-the-newest'),
])
def test_an_attempt_that_may_be_the_newest_by_its_clock_alone(mine, other, doubted):
    """An attempt of the future is doubted if the client's is one of the past: the client's may really be the later."""
    newest = attempt(1, B, other)

    assert ([newest] if doubted else []) == outrun([PartRef(1, A)], [attempt(1, A, mine), newest, attempt(2, C, 200)],
                                                   100)


def test_a_part_that_was_never_sent_is_in_no_doubt():
    """If no attempt has the client's ETag, a clock that is ahead does not explain it, and no attempt is doubted."""
    assert [] == outrun([PartRef(1, A)], [attempt(1, B, 200), attempt(1, C, 50)], 100)
