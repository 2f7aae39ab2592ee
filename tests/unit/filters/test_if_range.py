# SPDX-License-Identifier: Apache-2.0
"""``If-Range``: whether the range or the whole is answered, and how often Swift is asked."""
from types import SimpleNamespace

import pytest
from swift.common.middleware.s3api.s3response import InvalidRange, PreconditionFailed
from swift.common.swob import HeaderKeyDict

from s3multi.filters import if_range

DATE = 'Thu, 01 Jan 2026 00:00:00 GMT'
FOUND = {'ETag': '"0a-2"', 'Last-Modified': DATE}


class Body:
    """A body that notes whether it was closed."""

    closed = False

    def close(self):
        self.closed = True


def read(validator, *answers, method='GET', **headers):
    """Ask with an If-Range; return the status or error, and for each request to s3api whether it had the Range.

    answers: of s3api, in turn: a status, or an error.
    """
    sent = {'Range': 'bytes=2-', **headers, **({} if validator is None else {'If-Range': validator})}
    sent = {name: value for name, value in sent.items() if value or name == 'If-Range'}
    req = SimpleNamespace(method=method, headers=HeaderKeyDict(sent))
    left, asked, bodies = list(answers), [], []

    def ask(req):
        asked.append('Range' in req.headers)
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        bodies.append(Body())
        return SimpleNamespace(status_int=outcome, headers=HeaderKeyDict(FOUND), app_iter=bodies[-1])

    try:
        response = if_range.answer(req, ask)
    except (InvalidRange, PreconditionFailed) as error:
        assert all(body.closed for body in bodies)
        return type(error), asked
    assert [body.closed for body in bodies] == ([False] if len(bodies) == 1 else [True, False])
    assert response.app_iter is bodies[-1]
    return response.status_int, asked


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('validator', ['"0a-2"', '0a-2', DATE, 'Thursday, 01-Jan-26 00:00:00 GMT'])
def test_the_object_that_is_named(validator, method):
    """Gives the range, and costs no request more."""
    assert (206, [True]) == read(validator, 206, method=method)
    assert (InvalidRange, [True, False]) == read(validator, InvalidRange(), 200, method=method)


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('validator', [
    '"0a-3"', 'W/"0a-2"', '"0a-2', '"0A-2"', '*', '', 'nonsense', '"0a-3", "0a-2"', 'Thu, 01 Jan 2026 00:00:01 GMT',
    'Wed, 31 Dec 2025 23:59:59 GMT'])
def test_another_object(validator, method):
    """Gives the whole of what is there, also where the range is behind its end."""
    assert (200, [True, False]) == read(validator, 206, 200, method=method)
    assert (200, [True, False]) == read(validator, InvalidRange(), 200, method=method)


@pytest.mark.parametrize('answer, outcome', [
    (200, 200), (304, 304), (PreconditionFailed(), PreconditionFailed)])
def test_what_is_no_answer_to_a_range(answer, outcome):
    """Other conditions come first."""
    assert (outcome, [True]) == read('"x"', answer)


@pytest.mark.parametrize('validator, method, headers', [
    (None, 'GET', {}), ('"x"', 'PUT', {}), ('"x"', 'GET', {'Range': ''})])
def test_other_requests(validator, method, headers):
    """Without a range or the header nothing is different."""
    assert (206, [not headers]) == read(validator, 206, method=method, **headers)
