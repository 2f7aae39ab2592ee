# SPDX-License-Identifier: Apache-2.0
"""Pages of parts over any attempts: they show what S3 shows, and each costs few requests to Swift."""
import re
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from swift.common import constraints

from s3multi.operations import known_parts
from s3multi.s3.errors import ServiceUnavailable
from s3multi.upload.names import Upload, new_attempt
from tests.model.swift import Container, MemorySwift, Stored
from tests.unit.fakes import IDS, Cache, bucket_of, handed_on

TICKS = 1790000000 * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
# Pages of the listing, and after each perhaps one more request for the newest attempt at a part.
MOST_GETS = 2 * known_parts.MOST_LISTINGS
# What others may put among the attempts: names of no attempt, and parts of uploads whose keys begin so.
RUBBISH = ['0000000', '00000001', '00000001-', '00000001-zzzzzzzzzzzz', '00000002-zzz/x', '00000002/000', '000000020',
           '0000x', '9', 'complete', '00000003-~']


class Counted:
    """Swift in memory with the rows of a segments container, which counts requests for listings and for objects."""

    def __init__(self, names, stored=()):
        self._swift = MemorySwift()
        self._swift.containers['AUTH_a/bucket_segments'] = Container({}, put='1')
        self._swift.containers['AUTH_a/bucket_segments'].rows[0].update({
            name: ('1', {'name': name, 'hash': 'a' * 32, 'bytes': 1, 'content_type': 'a/b', 'last_modified': ''})
            for name in names})
        for name in stored:
            self._swift.objects['AUTH_a/bucket_segments/' + name] = self._object()
        self.counts = {'GET': 0, 'HEAD': 0}
        self.limits = []

    @staticmethod
    def _object():
        found = Stored('1790000000.00000', b'1', etag='a' * 32)
        return [found] * 3

    def __call__(self, env, start_response):
        self.counts[env['REQUEST_METHOD']] += 1
        self.limits += re.findall('limit=([0-9]+)', env['QUERY_STRING'])
        return self._swift(env, start_response)


def names_of(attempts, rubbish=()):
    """Return the names of so many attempts at each part, and of other things among them."""
    names = [UPLOAD.part(number, new_attempt(TICKS + time * 100)) for number, count in attempts.items()
             for time in range(count)]
    return names + [UPLOAD.prefix + rest for rest in rubbish]


def newest(names):
    """Return the newest attempts by number."""
    parsed = [(UPLOAD.parse_part(name), name) for name in sorted(names)]
    return {found[0]: name for found, name in parsed if found}


def pages(names, most, page_size, noted=()):
    """Return number and name of the parts on all pages. Each page is bounded, and leads on."""
    shown, after, truncated = [], 0, True
    cache = Cache()
    while truncated:
        swift = Counted(names, noted)
        bucket = bucket_of(swift, handed_on('GET'), cache)
        for name in noted:
            bucket.hints.remember(UPLOAD, *UPLOAD.parse_part(name))
        with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', page_size):
            page = known_parts.page(bucket, UPLOAD, after, most)
        assert len(page.parts) <= most
        assert swift.counts['GET'] <= MOST_GETS
        assert swift.counts['HEAD'] <= known_parts.MOST_HEADS
        assert not page.truncated or page.last > after
        shown += [(part.number, part.name) for part in page.parts]
        after, truncated = page.last, page.truncated
    return shown


counts = st.dictionaries(st.sampled_from([1, 2, 3, 4, 9, 10, 99, 10000]), st.integers(1, 12))


@given(counts, st.sets(st.sampled_from(RUBBISH)), st.integers(1, 5), st.integers(3, 12))
@example({1: 12, 2: 12, 3: 12}, set(), 1, 3)
@example({1: 1}, set(RUBBISH), 5, 12)
def test_every_part_is_shown_once(attempts, rubbish, most, page_size):
    """The newest attempt at each, in order, over pages of any size, with any rows in between."""
    names = names_of(attempts, rubbish)

    assert sorted(newest(names).items()) == pages(names, most, page_size)


@given(counts, counts, st.integers(1, 5), st.integers(3, 12))
def test_parts_whose_rows_are_late_are_among_them(listed, noted, most, page_size):
    """Of a part that is listed and noted the newest attempt is shown."""
    names = names_of(listed)
    late = [UPLOAD.part(number, new_attempt(TICKS + count * 100 - 50)) for number, count in noted.items()]

    assert sorted(newest(names + late).items()) == pages(names, most, page_size, late)


def test_four_hundred_attempts_at_one_part():
    """They cost a look at their beginning, at their end, and at what follows."""
    swift = Counted(names_of({1: 400, 2: 1}))
    page = known_parts.page(bucket_of(swift, handed_on('GET')), UPLOAD, 0, 1)

    assert [max(names_of({1: 400}))[:-3]] == [part.name[:-3] for part in page.parts]
    assert (True, 1, {'GET': 3, 'HEAD': 0}) == (page.truncated, page.last, swift.counts)


def test_more_attempts_at_one_part_than_a_page_of_swift_holds():
    """They are jumped over, so that one answer shows the parts behind them as well."""
    swift = Counted(names_of({1: 400, 2: 400, 3: 1}))
    with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', 10):
        page = known_parts.page(bucket_of(swift, handed_on('GET')), UPLOAD, 0, 5)

    assert ([1, 2, 3], False) == ([part.number for part in page.parts], page.truncated)
    assert {'GET': 5, 'HEAD': 0} == swift.counts


def test_a_page_of_ordinary_parts_is_one_request():
    """Whatever its size is, and whether it is the last."""
    names = names_of({number: 1 for number in range(1, 31)})
    for after, most, truncated in ((0, 10, True), (20, 10, False), (0, 1000, False)):
        swift = Counted(names)
        page = known_parts.page(bucket_of(swift, handed_on('GET')), UPLOAD, after, most)
        assert (truncated, 1) == (page.truncated, swift.counts['GET'])


def test_parts_whose_rows_are_all_late():
    """Of these, too, only so many are asked for."""
    late = names_of({number: 1 for number in range(1, 251)})

    assert sorted(newest(late).items()) == pages([], 1000, 10000, late)


def test_an_attempt_that_is_hidden_behind_other_things():
    """Then nobody can say what the part is. The answer is 503, and not an older attempt."""
    others = ['00000001-%s%02d/x' % ('y' * 9, number) for number in range(50)]
    with pytest.raises(ServiceUnavailable):
        pages(names_of({1: 30}, others), 1, 10)


def test_rows_that_are_read_for_a_page():
    """Where a few parts were sent again, the rest of the page takes a few rows, however many parts there are."""
    swift = Counted(names_of({number: 1 + (number == 5) for number in range(1, 10001)}))
    page = known_parts.page(bucket_of(swift, handed_on('GET'), Cache()), UPLOAD, 0, 1000)

    assert (1000, ['1001', '1001']) == (len(page.parts), swift.limits)


# Attempts by their names, for GetObjectAttributes

def named(wanted, names, page_size=10000, stored=()):
    """Return which attempts are found, which names are left, and the requests for listings and objects."""
    swift = Counted(names, stored)
    with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', page_size):
        found, left = known_parts.attempts_named(bucket_of(swift, handed_on('GET')), UPLOAD, wanted)
    return set(found), left, swift.counts


def test_attempts_by_name_are_one_request():
    """However many others there are at the same parts."""
    names = names_of({1: 60})

    assert ({names[30]}, set(), {'GET': 1, 'HEAD': 0}) == named({names[30]}, names)
    assert ({names[0], names[59]}, set(), {'GET': 2, 'HEAD': 0}) == named({names[0], names[59]}, names, 10)


@given(counts, st.data(), st.integers(3, 12))
def test_attempts_by_name_are_found_or_left(attempts, data, page_size):
    """At least the first is found, so that a page that begins with the first one left leads on."""
    names = names_of(attempts)
    wanted = data.draw(st.sets(st.sampled_from(names)) if names else st.just(set()))
    found, left, requests = named(wanted, names, page_size)

    assert wanted == found | left and not found & left
    assert not wanted or min(wanted) in found
    assert all(name > max(found) for name in left)
    assert requests['GET'] <= known_parts.MOST_LISTINGS and not requests['HEAD']


def test_attempts_by_name_whose_rows_are_late():
    """Each is asked for, up to the same number as for a page of parts."""
    late = names_of({number: 1 for number in range(1, 251)})
    found, left, requests = named(set(late), [], stored=late)

    assert (set(late[:100]), set(late[100:]), {'GET': 1, 'HEAD': 100}) == (found, left, requests)


def test_names_of_other_things():
    """They cost nothing."""
    assert (set(), set(), {'GET': 0, 'HEAD': 0}) == named({'', 'x', UPLOAD.intent}, [])
