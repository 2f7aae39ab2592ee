# SPDX-License-Identifier: Apache-2.0
"""Completed uploads that the listing of their bucket shows: which it proves to be in use, and how often it is asked."""
import dataclasses
import hashlib

import pytest

from s3multi.commands.shown import LEAST, shown
from s3multi.commands.walk import Found
from s3multi.s3.errors import ServiceUnavailable
from s3multi.s3.parts import Attempt
from s3multi.storage.listing import Page
from s3multi.upload.manifest import stored
from s3multi.upload.names import Upload, new_attempt
from s3multi.upload.records import State
from tests.unit.fakes import IDS

TICKS = 1790000000 * 100000
ETAG = hashlib.md5(b'part', usedforsecurity=False).hexdigest()


class Objects:
    """The listing of a bucket. asked: the markers of its pages."""

    def __init__(self, rows, page_size=10000):
        self._rows = sorted(rows, key=lambda row: row['name'])
        self._page_size = page_size
        self.asked = []

    def page(self, marker, end_marker):
        self.asked.append(marker)
        rows = [row for row in self._rows if marker < row['name'] < end_marker]
        page = rows[:self._page_size]
        return Page(page, page[-1]['name'] if len(rows) > self._page_size else None, {})


def completed(key, parts=2):
    upload = Upload('AUTH_a', 'bucket', key, IDS.new('AUTH_a', 'bucket', key, TICKS))
    attempts = [Attempt(number, upload.part(number, new_attempt(TICKS)), TICKS, ETAG, 4)
                for number in range(1, parts + 1)]
    return Found(upload, None, False, tuple(attempts))


def row_of(found):
    """Return the row of the object that consists of all that was found."""
    etag = hashlib.md5(stored(found.upload, found.attempts), usedforsecurity=False).hexdigest()
    return {'name': found.upload.key, 'hash': '%s; s3_etag=%s-2; slo_etag=%s' % (etag, ETAG, ETAG), 'bytes': 300}


def many(count=LEAST, first=0):
    return [completed('key-%05d' % number) for number in range(first, first + count)]


def keys(found):
    return [each.upload.key for each in found]


def test_objects_that_are_listed():
    """One request tells of all, whatever their order."""
    found = many(100)
    objects = Objects(map(row_of, found))

    assert keys(found) == keys(shown(objects, found[::-1]))
    assert 1 == len(objects.asked)


def test_few_are_not_worth_a_page():
    objects = Objects(map(row_of, many(LEAST - 1)))

    assert [] == list(shown(objects, many(LEAST - 1)))
    assert [] == objects.asked


@pytest.mark.parametrize('differs', [
    # Another upload, or a plain object, has taken its place.
    lambda found: {**row_of(completed(found.upload.key))},
    lambda found: {'name': found.upload.key, 'hash': ETAG, 'bytes': 4},
    # An attempt was not chosen; an attempt is not listed yet.
    lambda found: row_of(dataclasses.replace(found, attempts=found.attempts[:1])),
    lambda found: row_of(dataclasses.replace(found, attempts=found.attempts + completed('a').attempts)),
    # The object is at another key, or its row cannot be read.
    lambda found: {**row_of(found), 'name': found.upload.key + '0'},
    lambda found: {**row_of(found), 'hash': '<unknown>'},
    lambda found: {**row_of(found), 'hash': None},
    lambda found: {'name': found.upload.key},
])
def test_what_is_not_certain_is_not_told(differs):
    found, other = many(), completed('key')

    assert keys(found) == keys(shown(Objects([differs(other), *map(row_of, found)]), [other, *found]))


@pytest.mark.parametrize('change', [{'state': State.OPEN}, {'has_intent': True}, {'attempts': ()}])
def test_uploads_that_are_not_over_are_not_told(change):
    """Nor those of which there are no parts."""
    found = many()
    other = dataclasses.replace(completed('key'), **change)

    assert keys(found) == keys(shown(Objects(map(row_of, [other, *found])), [other, *found]))


def test_several_pages():
    """As long as each of them tells of enough."""
    found = many(300)
    objects = Objects(map(row_of, found), page_size=100)

    assert keys(found) == keys(shown(objects, found))
    assert 3 == len(objects.asked)


def test_objects_among_many_others():
    """Where a page tells of few, the listing is asked no more, however many are left."""
    found = many(1000)
    others = [{'name': '%s-%d' % (each.upload.key, number), 'hash': ETAG} for each in found for number in range(20)]
    objects = Objects([*map(row_of, found), *others], page_size=200)

    assert keys(found[:10]) == keys(shown(objects, found))
    assert 1 == len(objects.asked)


def test_a_listing_that_fails():
    """Tells of none: they can be asked for one by one."""
    class Failing:
        def page(self, **_):
            raise ServiceUnavailable()

    assert [] == list(shown(Failing(), many()))
