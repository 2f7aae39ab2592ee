# SPDX-License-Identifier: Apache-2.0
"""A long run consists of legs, so that the daemons of a cluster never have more to look at than after a short run."""

import pytest

from .run import AT_MOST, add, legs


@pytest.mark.parametrize('seconds, expected', [(150, [150]), (300, [300]), (400, [200, 200]), (3600, [300] * 12)])
def test_lengths(seconds, expected):
    """Legs are equally long, and as few as can be."""
    assert expected == legs(seconds, 300)


def test_what_was_tried_adds_up():
    """The table of a run counts what all legs did, and the most that any of them had to look at."""
    first = {'Faults': {'node killed': 2}, AT_MOST: {'databases': 90}}
    second = {'Faults': {'node killed': 1, 'disk full': 3}, AT_MOST: {'databases': 70}}

    assert {'Faults': {'node killed': 3, 'disk full': 3}, AT_MOST: {'databases': 90}} == add(add({}, first), second)
