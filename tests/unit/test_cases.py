# SPDX-License-Identifier: Apache-2.0
"""Loops over cases inside a test."""
import pytest

from tests.cases import for_each


def check(number):
    """Fail for odd numbers, in one of two ways."""
    if number == 3:
        with pytest.raises(ValueError):
            pass
    assert number % 2 == 0


def test_all_cases_pass():
    """Nothing is raised, and every case has been looked at."""
    seen = []
    for_each([0, 2], lambda number: (seen.append(number), check(number)))

    assert [0, 2] == seen


def test_every_case_that_fails_is_named():
    """Also after one that failed, and with its reason."""
    with pytest.raises(AssertionError) as caught:
        for_each([0, 1, 2, 3], check)

    text = str(caught.value)
    assert text.startswith('2 of 4 cases failed\n1: AssertionError: ')
    assert '\n3: Failed: ' in text
