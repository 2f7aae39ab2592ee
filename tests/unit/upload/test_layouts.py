# SPDX-License-Identifier: Apache-2.0
"""What an upload id tells by its form, which has to stay readable."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.s3.checksums import TYPES, ChecksumChoice
from s3multi.upload import layouts
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS

CHOICES = [None, *(ChecksumChoice(algorithm, kind) for algorithm, kinds in TYPES.items() for kind in kinds)]


@pytest.mark.parametrize('choice', CHOICES, ids=str)
def test_an_id_tells_what_initiate_chose(choice):
    """A Complete need not read the marker for it. Every choice that Initiate may make has its digit."""
    upload = Upload('AUTH_a', 'b', 'k', IDS.new('AUTH_a', 'b', 'k', 1790000000 * 100000, choice))

    assert upload.is_apart
    assert choice == layouts.choice_of(upload.id)
    assert IDS.belongs('AUTH_a', 'b', 'k', upload.id)


def test_the_digits_of_release_0_2():
    """They are in ids that exist: in four bits of a digit, whatever the other two are."""
    for digits in ('-0123456', 'FGHIJKLM', 'VWXYZ_ab', 'klmnopqr'):
        assert CHOICES == [layouts.choice_of('aaaaaaaa.' + digit) for digit in digits]
    assert {layouts.point_of(None) for _ in range(200)} == {'.-', '.F', '.V', '.k'}


def test_ids_of_release_0_1():
    """Their uploads go on as they were begun."""
    upload = Upload('AUTH_a', 'b', 'k', IDS.new_among_parts('AUTH_a', 'b', 'k', 1790000000 * 100000))

    assert layouts.is_upload_id(upload.id) and not upload.is_apart
    assert IDS.belongs('AUTH_a', 'b', 'k', upload.id)


@given(st.text('ab.-_', min_size=21, max_size=21))
def test_forms_of_ids(text):
    """A point is nothing but the ninth character."""
    assert layouts.is_upload_id(text) is ('.' not in text[:8] + text[9:])
