# SPDX-License-Identifier: Apache-2.0
"""From rows to uploads: which rows belong to one upload, and which to none."""
import itertools

import pytest

from s3multi.commands import walk
from s3multi.commands.walk import Remains, markers_in, until, uploads_in
from s3multi.upload.marker_names import marker_name
from s3multi.upload.names import Kind, Upload, UploadIds, new_attempt, parse_name
from s3multi.upload.records import State
from tests.unit.fakes import IDS, Listing

TICKS = 1790000000 * 100000
ID = IDS.new_among_parts('AUTH_a', 'bucket', 'key', TICKS)
NEW_ID = IDS.new('AUTH_a', 'bucket', 'key', TICKS)


def upload_of(key, ids=IDS):
    return Upload('AUTH_a', 'bucket', key, ids.new_among_parts('AUTH_a', 'bucket', key, TICKS))


def row(name, content_type='application/octet-stream'):
    return {'name': name, 'hash': 'e', 'bytes': 3, 'content_type': content_type}


def rows_of(upload, parts=2, state='open', intent=False):
    """Return the rows of an upload. state: that of its marker; None for no marker."""
    marker = [row(upload.marker, 'application/x-s3multi-marker;state=%s' % state)] if state else []
    return marker + [row(upload.part(number, new_attempt(TICKS))) for number in range(1, parts + 1)] + (
        [row(upload.intent)] if intent else [])


def found_in(rows, page_size=3):
    return list(uploads_in(Listing(rows, page_size).rows(), 'AUTH_a', 'bucket', IDS))


@pytest.mark.parametrize('name, parsed', [
    ('key/' + ID, (Kind.MARKER, 'key', ID)),
    ('a/b/' + ID, (Kind.MARKER, 'a/b', ID)),
    ('key/%s/complete' % ID, (Kind.INTENT, 'key', ID)),
    ('key/%s/00000001-%s' % (ID, 'a' * 11), (Kind.PART, 'key', ID)),
    ('key/%s/00000001-%s/%s' % (ID, 'a' * 11, ID), (Kind.MARKER, 'key/%s/00000001-%s' % (ID, 'a' * 11), ID)),
    ('key/%s/00000001-%s' % (ID, 'a' * 10), None),
    ('key/%s/0000001-%s' % (ID, 'a' * 11), None),
    ('key/%s/00000001' % ID, None),
    ('key/%s/Complete' % ID, None),
    ('key/%s/freed' % ID, (Kind.NOTE, 'key', ID)),
    ('key/%s/shared' % ID, (Kind.NOTE, 'key', ID)),
    ('key/%s/shared-%s' % (ID, 'a' * 13), (Kind.NOTE, 'key', ID)),
    ('key/%s/shared-%s' % (ID, 'a' * 12), None),
    ('key/' + NEW_ID, None),
    ('key/%s/complete' % NEW_ID, (Kind.INTENT, 'key', NEW_ID)),
    ('key/%s/00000001-%s' % (NEW_ID, 'a' * 11), (Kind.PART, 'key', NEW_ID)),
    ('/' + ID, None),
    (ID, None),
    ('key/%s/' % ID, None),
    ('key/complete', None),
    ('key/00000001-' + 'a' * 11, None),
    ('', None),
], ids=itertools.count())
def test_names(name, parsed):
    """A name is read from the right, and only the exact form counts. Markers of this release do not lie among parts."""
    assert parsed == parse_name(name)


@pytest.mark.parametrize('page_size', [1, 2, 3, 100])
def test_uploads(page_size):
    """Marker, parts and intent of an upload are found together, wherever pages end."""
    first, second, third = map(upload_of, ('a', 'b/x', 'c'))
    rows = rows_of(first) + rows_of(second, 3, None) + rows_of(third, 0, 'aborted', intent=True)

    assert [(first, State.OPEN, False, 2), (second, None, False, 3), (third, State.ABORTED, True, 0)] == [
        (found.upload, found.state, found.has_intent, len(found.attempts)) for found in found_in(rows, page_size)]


@pytest.mark.parametrize('page_size', [1, 100])
def test_notes(page_size):
    """They say nothing of the marker; an upload of which nothing else is left is found by them."""
    first, second = map(upload_of, ('a', 'b'))
    notes = [row(second.shared, 'application/x-s3multi-marker'), row(second.freed)]
    rows = [*rows_of(first), row(first.freed), row(first.shared, 'application/x-s3multi-marker'), *notes]

    assert [(first, State.OPEN, 2, True), (second, None, 0, True)] == [
        (found.upload, found.state, len(found.attempts), found.has_notes) for found in found_in(rows, page_size)]


def test_markers_that_lie_apart():
    """They are found in a listing of their own, without what lies among the parts."""
    new = [Upload('AUTH_a', 'bucket', key, IDS.new('AUTH_a', 'bucket', key, TICKS)) for key in ('a', 'a-b')]
    rows = [row(upload.marker, 'application/x-s3multi-marker;state=' + state)
            for upload, state in zip(new, ('open', 'aborted'))]
    others = [row(marker_name('moved', new[0].id)), row(marker_name('key', 'x')), row('\0other')]
    found = list(markers_in([rows, others], 'AUTH_a', 'bucket', IDS))

    assert [(new[0], State.OPEN, False, ()), (new[1], State.ABORTED, False, ())] == [
        (each.upload, each.state, each.has_intent, each.attempts) for each in found]


def test_whether_markers_lie_among_parts():
    """Parts and intents of any upload are none."""
    for rows, among in ((rows_of(upload_of('a')), True), (rows_of(upload_of('a'), state=None, intent=True), False)):
        remains = Remains(uploads_in([rows], 'AUTH_a', 'bucket', IDS))

        assert 1 == len(list(remains))
        assert among is remains.has_markers


def test_names_that_are_not_ours():
    """They have another form, or an id that was not made for this account, bucket and key, or not by this cluster."""
    other = upload_of('key', UploadIds(b'another'))
    moved = Upload('AUTH_a', 'bucket', 'moved', upload_of('key').id)
    rows = [*rows_of(other, intent=True), *rows_of(moved), row('a/00000001'), row('a'), row('key/complete')]

    assert [] == found_in(rows)
    assert [] == list(uploads_in([rows_of(upload_of('key'))], 'AUTH_b', 'bucket', IDS))


def test_uploads_among_the_parts_of_another():
    """An upload may be split by one whose names lie among its own. Both are found."""
    outer = upload_of('key')
    inner = upload_of(outer.part(1, 'x' * 11))
    found = found_in([*rows_of(outer), *rows_of(inner)])

    assert [outer, inner, outer] == [each.upload for each in found] or [outer, inner] == [
        each.upload for each in found]
    assert 2 == sum(len(each.attempts) for each in found if each.upload == outer)


def test_many_attempts_are_cut(monkeypatch):
    """Memory is bounded, however many attempts an upload has. Each piece tells the state of the upload."""
    monkeypatch.setattr(walk, '_MOST_ATTEMPTS', 4)

    found = found_in(rows_of(upload_of('key'), 10))

    assert [4, 4, 2] == [len(each.attempts) for each in found]
    assert {State.OPEN} == {each.state for each in found}


def test_listings_are_read_as_they_are_needed():
    """They are read a page at a time, and no further than the sweep has come."""
    pages = ([row] for key in 'abcdef' for row in rows_of(upload_of(key), 1))

    asked = iter((False, False, True))
    found = list(until(lambda: next(asked), uploads_in(pages, 'AUTH_a', 'bucket', IDS)))

    assert ['a', 'b'] == [each.upload.key for each in found]
    assert 'd' in ''.join(itertools.chain.from_iterable((row['name'][0] for row in page) for page in pages))
