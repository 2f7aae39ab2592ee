# SPDX-License-Identifier: Apache-2.0
"""When an upload that nobody ends is aborted, and how the rules are stored with the bucket."""
import calendar
import secrets
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.s3.bucket_lifecycle import Form, Lifecycle, Rule
from s3multi.s3.errors import InvalidRequest
from s3multi.upload.abort_rules import HEADER, MAX_STORED_BYTES, AbortRules, decode, encode, of_bucket
from tests.examples import examples

DAY = 86400


def ticks(*date):
    """Return a time UTC in ticks."""
    return calendar.timegm((*date, 0, 0, 0)[:6]) * 100000


def rules(*found, default=None, most=None):
    """Return the rules of a bucket: each is an ID, a prefix and days, and maybe whether it is enabled."""
    return AbortRules(Lifecycle(tuple(Rule(*each) for each in found)), default, most)


BEGAN = ticks(2026, 11, 28, 10, 30)


@pytest.mark.parametrize('began, days, date', [
    # The example of Amazon S3: created on January 15 at 10:30, 3 days, January 19 at midnight.
    (ticks(2014, 1, 15, 10, 30), 3, 'Sun, 19 Jan 2014 00:00:00 GMT'),
    (ticks(2026, 11, 28, 0, 0, 1), 1, 'Mon, 30 Nov 2026 00:00:00 GMT'),
    (ticks(2026, 11, 28, 23, 59, 59), 1, 'Mon, 30 Nov 2026 00:00:00 GMT'),
    (ticks(2026, 11, 28), 1, 'Mon, 30 Nov 2026 00:00:00 GMT'),
    (ticks(2027, 12, 31, 12), 365, 'Sun, 31 Dec 2028 00:00:00 GMT'),
    (BEGAN, 2 ** 31 - 1, 'Fri, 31 Dec 9999 00:00:00 GMT')])
def test_the_date(began, days, date):
    """The time is rounded up to the next midnight UTC; it is at least so many days after the Initiate."""
    deadline = rules(('a', '', days)).deadline('key', began)

    assert {'x-amz-abort-date': date, 'x-amz-abort-rule-id': 'a'} == deadline.headers
    assert deadline.seconds * 100000 - began >= days * DAY * 100000 or date.startswith('Fri, 31 Dec 9999')


@pytest.mark.parametrize('found, default, most, counts', [
    ([], None, None, None),
    ([('a', 'x', 1)], None, None, None),
    ([('a', 'logs/', 3, False)], None, None, None),
    ([('a', 'logs/', 3)], None, None, ('a', 3)),
    ([('a', '', 3), ('b', 'logs/', 2), ('c', 'log', 5)], None, None, ('b', 2)),
    ([('a', 'logs/', 3), ('b', '', 2, False)], None, None, ('a', 3)),
    ([('b', 'logs/', 2), ('a', '', 2)], None, None, ('b', 2)),
    ([], 9, None, ('abort_uploads_after_days', 9)),
    ([('a', 'x', 1)], 9, None, ('abort_uploads_after_days', 9)),
    ([('a', 'logs/', 20)], 9, None, ('a', 20)),
    ([('a', 'logs/', 3, False)], 9, None, ('abort_uploads_after_days', 9)),
    ([], None, 30, ('abort_uploads_within_days', 30)),
    ([('a', 'logs/', 3)], None, 30, ('a', 3)),
    ([('a', 'logs/', 30)], None, 30, ('a', 30)),
    ([('a', 'logs/', 31)], None, 30, ('abort_uploads_within_days', 30)),
    ([('a', 'logs/', 31)], 7, 30, ('abort_uploads_within_days', 30)),
    ([], 7, 30, ('abort_uploads_after_days', 7)), ([], 31, 30, ('abort_uploads_within_days', 30))])
def test_which_rule_counts(found, default, most, counts):
    """Of the enabled ones for the key the shortest, of equal ones the first; else the operator's, and never beyond."""
    deadline = rules(*found, default=default, most=most).deadline('logs/key', BEGAN)

    assert counts == (deadline and (deadline.rule_id, deadline.seconds // DAY - BEGAN // DAY // 100000 - 1))


def test_a_bucket_without_a_configuration():
    """Has the operator's rules alone."""
    assert AbortRules().deadline('key', BEGAN) is None
    assert 'abort_uploads_after_days' == AbortRules(None, 1).deadline('key', BEGAN).rule_id


@pytest.mark.parametrize('rule_id, shown', [
    ('delete after 14 days', 'delete after 14 days'), ('100% "all"', '100% "all"'),
    ('é', '%C3%A9'), ('a\nX-Evil: b', 'a%0AX-Evil: b'), ('\t\x7f', '%09%7F')])
def test_an_id_in_a_header(rule_id, shown):
    """It is shown as it is, as far as a header can hold it."""
    assert shown == rules((rule_id, '', 1)).deadline('key', BEGAN).headers['x-amz-abort-rule-id']


# Stored

configurations = st.builds(Lifecycle, st.lists(st.builds(
    Rule, st.text(max_size=20), st.text(max_size=20), st.integers(1, 2 ** 31 - 1), st.booleans(),
    st.sampled_from(list(Form))), max_size=5).map(tuple), st.sampled_from(['a', 'b']))


@examples(3)
@given(configurations)
def test_what_is_stored_is_read(lifecycle):
    """In Swift's container info it is found under the name of its header."""
    stored = encode(lifecycle)

    assert stored.isascii() and stored.isprintable()
    assert lifecycle == decode(stored) == of_bucket({'sysmeta': {'s3multi-lifecycle': stored}})
    assert HEADER.lower().endswith('s3multi-lifecycle')


@pytest.mark.parametrize('stored', [
    None, '', 'x', 'eA==', '{}', *(zlib.compress(text).hex() for text in (b'{}', b'[]'))])
def test_what_cannot_be_read(stored):
    """It makes no rule, and stops nothing."""
    assert decode(stored) is None


@pytest.mark.parametrize('info', [{}, {'sysmeta': None}, {'sysmeta': {'s3multi-lifecycle': 'x'}}])
def test_container_info_without_rules(info):
    assert of_bucket(info) is None


def named(count):
    """Return a configuration like those that people make: its rules differ in a name and a number."""
    return Lifecycle(tuple(Rule('expire-uploads-of-team-%04d' % number, 'teams/%04d/incoming/' % number, 7 + number % 9)
                           for number in range(count)))


def noise(count):
    """Return a configuration with random IDs and prefixes."""
    return Lifecycle(tuple(Rule(*map(secrets.token_urlsafe, (12, 12)), 7) for _ in range(count)))


def test_how_much_fits():
    """All rules of Amazon's limit where they look alike; what does not fit is refused, with its size."""
    assert len(encode(named(1000))) <= MAX_STORED_BYTES
    assert len(encode(noise(200))) <= MAX_STORED_BYTES
    with pytest.raises(InvalidRequest, match='at most 8000 are stored'):
        encode(noise(1000))
