# SPDX-License-Identifier: Apache-2.0
"""The conditions of a Complete: how they are read from headers, and compared with an object."""
import pytest

from s3multi.s3.conditions import Condition, read_condition
from s3multi.s3.errors import NoSuchKey, NotImplementedHeader, PreconditionFailed

ETAG = 'd41d8cd98f00b204e9800998ecf8427e'


@pytest.mark.parametrize('headers, condition', [
    ({}, None), ({'if-none-match': '*'}, Condition(None)), ({'if-none-match': ' * '}, Condition(None)),
    ({'if-match': ETAG}, Condition(ETAG)), ({'if-match': f' "{ETAG.upper()}"'}, Condition(ETAG)),
    ({'if-match': f'"{ETAG}-3"'}, Condition(f'{ETAG}-3')), ({'if-match': ''}, Condition(''))])
def test_what_the_headers_ask_for(headers, condition):
    """``If-None-Match: *`` demands that there is no object, ``If-Match`` an object with this ETag."""
    assert condition == read_condition(headers)


@pytest.mark.parametrize('headers, named', [
    ({'if-none-match': ETAG}, 'If-None-Match'), ({'if-none-match': ''}, 'If-None-Match'),
    ({'if-none-match': '"*"'}, 'If-None-Match'), ({'if-match': '*'}, 'If-Match'), ({'if-match': '"*"'}, 'If-Match'),
    ({'if-match': ETAG, 'if-none-match': '*'}, 'If-Match,If-None-Match')])
def test_what_s3_does_not_know(headers, named):
    """A condition that would not be compared is refused."""
    with pytest.raises(NotImplementedHeader) as caught:
        read_condition(headers)

    assert {'Header': named} == caught.value.fields


@pytest.mark.parametrize('condition, etag', [
    (Condition(None), None), (Condition(ETAG), ETAG), (Condition(ETAG), ETAG.upper())])
def test_a_condition_that_holds(condition, etag):
    """A condition that holds raises nothing."""
    assert condition.check('key', etag) is None


@pytest.mark.parametrize('condition, etag, error, fields', [
    (Condition(None), ETAG, PreconditionFailed, {'Condition': 'If-None-Match'}),
    (Condition(ETAG), ETAG + '-1', PreconditionFailed, {'Condition': 'If-Match'}),
    (Condition(''), ETAG, PreconditionFailed, {'Condition': 'If-Match'}),
    (Condition(ETAG), None, NoSuchKey, {'Key': 'key'})])
def test_a_condition_that_fails(condition, etag, error, fields):
    """The error names the condition that does not hold, or the key without an object."""
    with pytest.raises(error) as caught:
        condition.check('key', etag)

    assert fields == caught.value.fields
