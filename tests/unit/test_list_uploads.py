# SPDX-License-Identifier: Apache-2.0
"""List Multipart Uploads over Swift's order of names, which is not S3's order of keys."""
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3multi.layout import ID_LENGTH, Upload, new_attempt
from s3multi.operations.list_uploads import _in_order
from s3multi.pages import UploadsQuery, fill_page
from tests.unit.fakes import Listing

# Five minutes of the time in which uploads are begun: ids begin with eight digits of it, and "c" is the first.
NOW = 1790000000 * 100000
TIMES = [new_attempt(NOW + minutes * 60 * 100000)[:8] for minutes in (-4, -3, -2, -1, 0)]
IDS = [begun + tail * (ID_LENGTH - 8) for begun, tail in zip(TIMES, '-0az_')]


def session_of(uploads, page_size, others=()):
    """Return a session over a container with these uploads: pairs of key and id. others: names of other objects."""
    rows = [{'name': name, 'content_type': 'application/octet-stream', 'last_modified': ''} for name in others]
    for key, upload_id in uploads:
        upload = Upload('AUTH_a', 'bucket', key, upload_id)
        rows.append({'name': upload.marker, 'content_type': 'application/x-s3multi-marker;state=open',
                     'last_modified': ''})
    return SimpleNamespace(
        call=SimpleNamespace(account='AUTH_a', bucket='bucket'), store=Listing(rows, page_size), ticks=lambda: NOW,
        ids=SimpleNamespace(belongs=lambda account, bucket, key, upload_id: upload_id in IDS))


def query_of(**params):
    """Return the query for parameters whose hyphens are written as underscores."""
    return UploadsQuery.parse({name.replace('_', '-'): text for name, text in params.items()}, lambda *_: True)


def in_order(session, **params):
    """Return what is yielded, as pairs of key and id."""
    return [(upload.key, upload.id) for upload in _in_order(session, query_of(**params))]


def s3_order(uploads):
    """Return pairs of key and id by the bytes of the key, and then by time, which is by id."""
    return sorted(uploads, key=lambda upload: (upload[0].encode(), upload[1]))


# Keys that nest, that look like ids or begin as ids do, and that hold what sorts on either side of the slash.
keys = st.lists(st.sampled_from(['a', '-', '/', '0', 'c', '\u00e9', IDS[1], IDS[2][:9], IDS[3][:8], IDS[0][:3]]),
                min_size=1, max_size=4).map(''.join)
upload_sets = st.sets(st.tuples(keys, st.sampled_from(IDS)), max_size=10)
page_sizes = st.integers(1, 12)


@given(upload_sets, page_sizes)
@example({('a', IDS[0]), ('a', IDS[1]), ('a-b', IDS[0])}, 1)
@example({('a', IDS[0]), ('a', IDS[3]), ('a/' + IDS[1], IDS[0])}, 1)
def test_uploads_come_in_the_order_of_s3(uploads, page_size):
    """Swift sorts "<key>/<id>": "a-b/..." before "a/...", and "a/b/..." before or after, wherever its pages end."""
    assert s3_order(uploads) == in_order(session_of(uploads, page_size))


@pytest.mark.parametrize('page_size', [1, 2, 3, 100])
def test_no_upload_comes_twice_where_an_id_like_key_lies_between_two_ids(page_size):
    """The key "a/<id>" sorts between the uploads of "a", which may begin on the page before."""
    uploads = [('a', IDS[0]), ('a', IDS[3]), ('a/' + IDS[1], IDS[0])]

    assert s3_order(uploads) == in_order(session_of(uploads, page_size))


@given(upload_sets, page_sizes, keys, st.sampled_from(['', 'a', 'a/', 'a-', 'c', IDS[2][:8]]))
def test_nothing_after_the_markers_is_passed_over(uploads, page_size, key_marker, prefix):
    """The listing begins no later than the markers of the query say."""
    query = query_of(key_marker=key_marker, prefix=prefix)
    page = fill_page(query, _in_order(session_of(uploads, page_size), query))

    assert [(key, upload_id) for key, upload_id in s3_order(uploads)
            if key.startswith(prefix) and key.encode() > key_marker.encode()] == [
        (upload.key, upload.id) for upload in page.uploads]


@given(upload_sets, page_sizes, st.integers(1, 4), st.sampled_from(['', '/', '-']), st.sampled_from(['', 'a', 'a/']))
def test_paging_over_swift_shows_every_entry_once(uploads, page_size, max_uploads, delimiter, prefix):
    """Pages of any size over pages of any size."""
    whole = fill_page(query_of(delimiter=delimiter, prefix=prefix), s3_entries(uploads))
    session, markers, shown, prefixes, truncated = session_of(uploads, page_size), {}, [], [], True
    while truncated:
        query = query_of(delimiter=delimiter, prefix=prefix, max_uploads=str(max_uploads), **markers)
        page = fill_page(query, _in_order(session, query))
        assert page.size == max_uploads or not page.truncated
        markers = {'key_marker': page.next_key_marker, 'upload_id_marker': page.next_id_marker}
        shown, prefixes, truncated = shown + page.uploads, prefixes + page.prefixes, page.truncated

    assert (whole.uploads, whole.prefixes) == (shown, prefixes)


def s3_entries(uploads):
    """Return the uploads in S3's order as a container of one page would give them."""
    session = session_of(uploads, 10 ** 6)
    return sorted(_in_order(session, query_of()))


@pytest.mark.parametrize('state', ['aborting', 'aborted', 'of-a-later-release'])
def test_only_open_uploads_are_shown(state):
    """An upload whose abort has begun is gone for clients."""
    session = session_of([('a', IDS[0])], 10)
    next(session.store.rows())[0]['content_type'] = 'application/x-s3multi-marker;state=' + state

    assert [] == in_order(session)


def test_other_objects_are_no_uploads():
    """Parts, intents, and what other tools keep in the same container."""
    upload = Upload('AUTH_a', 'bucket', 'a', IDS[0])
    others = [upload.part(1, 'x' * 11), upload.intent, 'a/' + IDS[1], 'segment/1', IDS[2]]

    assert [('a', IDS[0])] == in_order(session_of([('a', IDS[0])], 2, others))


def test_ids_of_elsewhere_are_no_uploads():
    """A marker that was copied from another bucket has the form of one, but no operation would accept its id."""
    assert [('a', IDS[0])] == in_order(session_of([('a', IDS[0]), ('a', 'x' * ID_LENGTH)], 10))


def test_no_more_pages_are_read_than_are_needed():
    """The first page of the answer does not cost the whole container."""
    session = session_of([('k%03d' % number, IDS[0]) for number in range(100)], 10)
    read = []
    rows = session.store.rows
    session.store.rows = lambda *args, **kwargs: (read.append(page) or page for page in rows(*args, **kwargs))
    fill_page(query_of(max_uploads='5'), _in_order(session, query_of(max_uploads='5')))

    assert 1 == len(read)
