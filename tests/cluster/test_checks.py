# SPDX-License-Identifier: Apache-2.0
"""What clients may be told of an upload that none of them has seen completed."""

import pytest

from .checks import may_be_over
from .clients import Call, Upload

NOW, LATER = (1.0, 2.0), (3.0, 4.0)


def call(kind, times, etag=None, lost=0):
    """Return a call that began and ended at these times."""
    return Call(kind, etag=etag, began=times[0], ended=times[1], outcome=404, lost=lost)


@pytest.mark.parametrize('completes, write, over', [
    pytest.param([('a', 0)], NOW, False, id='one list'),
    pytest.param([('a', 0), ('a', 0)], NOW, False, id='the same list twice'),
    pytest.param([('a', 0), ('b', 0)], LATER, False, id='two lists, and a write after them'),
    pytest.param([('a', 0), ('b', 0)], NOW, True, id='two lists, and a write beside them'),
    pytest.param([('a', 1)], LATER, True, id='a lost answer')])
def test_an_upload_that_may_be_over(completes, write, over):
    """Only if its object can have been there before it was replaced unseen."""
    upload = Upload('bucket', 'key', 'id', calls=[call('complete', NOW, etag, lost) for etag, lost in completes])

    assert over == may_be_over(upload, [call('put', write)])
