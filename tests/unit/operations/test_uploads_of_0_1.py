# SPDX-License-Identifier: Apache-2.0
"""Uploads of release 0.1 in List Multipart Uploads: Swift's order of their names is not S3's order of keys."""
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.operations.list_uploads import in_order as _in_order
from s3multi.s3.pages import UploadsQuery, fill_page
from s3multi.storage.cache_hints import UploadHints
from s3multi.storage.listing import Page
from s3multi.storage.markers import MarkersPage
from s3multi.upload.names import ID_LENGTH, Upload, UploadIds, new_attempt
from tests.unit.fakes import LOGGER, Listing

# Ids begin with eight digits for the time of the Initiate: here five minutes, of which the first digit is "c".
NOW = 1790000000 * 100000
TIMES = [new_attempt(NOW + minutes * 60 * 100000)[:8] for minutes in (-4, -3, -2, -1, 0)]
IDS = [begun + tail * (ID_LENGTH - 8) for begun, tail in zip(TIMES, '-0az_')]
ATTEMPT = new_attempt(NOW)[:8] + 'xyz'

# No upload of this release.
NO_MARKERS = SimpleNamespace(page=lambda *_: MarkersPage(Page([], None, {}), None))


def bucket_of(uploads, page_size, others=(), with_parts=()):
    """Return a bucket whose segments container has these uploads: pairs of key and id.

    others: names of other objects in it. with_parts: the uploads that have parts and an intent.
    """
    made = {Upload('AUTH_a', 'bucket', key, upload_id) for key, upload_id in uploads}
    names = list(others)
    for key, upload_id in with_parts:
        upload = Upload('AUTH_a', 'bucket', key, upload_id)
        names += [upload.part(number, ATTEMPT) for number in (1, 99, 10000)] + [upload.intent]
    rows = [{'name': name, 'content_type': 'application/octet-stream', 'last_modified': ''} for name in names]
    rows += [{'name': upload.marker, 'content_type': 'application/x-s3multi-marker;state=open',
              'last_modified': '2026-09-21T14:13:20.123450'}
             for upload in made]
    ids = SimpleNamespace(belongs=lambda *upload: upload[-1] in IDS)
    bucket = SimpleNamespace(account='AUTH_a', name='bucket', segments=Listing(rows, page_size), ticks=lambda: NOW,
                             knows=lambda key, upload_id: upload_id in IDS,
                             made_id=lambda key, upload_id: upload_id in IDS,
                             settings=SimpleNamespace(list_stock_uploads=False), upload_hints=UploadHints(None),
                             markers=NO_MARKERS, logger=LOGGER)
    # Initiate notes this.
    bucket.segments.hidden = any(UploadIds.hides(ids, 'AUTH_a', 'bucket', key) for key, _ in uploads)
    return bucket


def query_of(**params):
    """Return the query for parameters whose hyphens are written as underscores."""
    return UploadsQuery.parse({name.replace('_', '-'): text for name, text in params.items()}, lambda *_: True)


def in_order(bucket, **params):
    """Return key and id of each upload that ``_in_order`` yields."""
    return [(upload.key, upload.id) for upload in _in_order(bucket, query_of(**params), '')]


def s3_order(uploads):
    """Return pairs of key and id sorted by the bytes of the key, and then by id, which is by time."""
    return sorted(uploads, key=lambda upload: (upload[0].encode(), upload[1]))


# Keys that nest, that look like ids or begin as ids do, and that have characters in them which sort on either side of
# the slash, or parts of the names of parts.
keys = st.lists(st.sampled_from(['a', '-', '/', '0', 'c', '\u00e9', IDS[1], IDS[2][:9], IDS[3][:8], IDS[0][:3], '/000',
                                 '/00000001-' + ATTEMPT, '/%s/000' % IDS[1], '/complete']),
                min_size=1, max_size=4).map(''.join)
upload_sets = st.sets(st.tuples(keys, st.sampled_from(IDS)), max_size=10)
page_sizes = st.integers(1, 12)


@given(upload_sets, page_sizes, st.data())
def test_uploads_come_in_the_order_of_s3(uploads, page_size, data):
    """Swift sorts by "<key>/<id>": "a-b/..." before "a/...", and "a/b/..." before or after that."""
    with_parts = data.draw(st.sets(st.sampled_from(sorted(uploads))) if uploads else st.just(()))

    assert s3_order(uploads) == in_order(bucket_of(uploads, page_size, (), with_parts))


@pytest.mark.parametrize('page_size', [1, 2, 3, 100])
@pytest.mark.parametrize('uploads', [
    pytest.param([('a', IDS[0]), ('a', IDS[1]), ('a-b', IDS[0])], id='hyphen'),
    pytest.param([('a', IDS[0]), ('a', IDS[3]), ('a/' + IDS[1], IDS[0])], id='id-like-key'),
    pytest.param([('a', IDS[0]), ('a/000', IDS[0]), ('a/0000', IDS[0]), ('a/00', IDS[0])], id='like-part-numbers'),
    pytest.param([('a', IDS[0]), ('a/%s/000' % IDS[0], IDS[1]), ('a/%s/000x' % IDS[0], IDS[0])], id='among-the-parts'),
    pytest.param([('a/000/000', IDS[0]), ('a/000-', IDS[0]), ('a/000', IDS[0])], id='part-numbers-twice'),
])
def test_odd_keys_of_one_container(uploads, page_size):
    """The order is right whatever keys look like and wherever Swift's pages end, with parts and intents in between."""
    assert s3_order(uploads) == in_order(bucket_of(uploads, page_size, (), uploads))


@pytest.mark.parametrize('marker, after', [
    pytest.param('a/000', ['a/0001.jpg', 'b'], id='is-a-key'),
    pytest.param('a/00', ['a/000', 'a/0001.jpg', 'b'], id='before'),
    pytest.param('a/0000', ['a/0001.jpg', 'b'], id='inside'),
    pytest.param('a/0001', ['a/0001.jpg', 'b'], id='inside-too'),
    pytest.param('a/0001.jpg', ['b'], id='is-the-last-inside'),
])
def test_a_marker_among_keys_that_look_like_part_numbers(marker, after):
    """Swift leaves out a directory whose name equals the marker, though this one was not shown before."""
    bucket = bucket_of([(key, IDS[0]) for key in ('a/000', 'a/0001.jpg', 'b')], 100)
    query = query_of(key_marker=marker)

    assert after == [upload.key for upload in fill_page(query, _in_order(bucket, query, '')).uploads]


@pytest.mark.parametrize('page_size', [1, 2, 3, 100])
def test_no_upload_comes_twice_where_an_id_like_key_lies_between_two_ids(page_size):
    """The key "a/<id>" sorts between the uploads of "a", some of which may be on the page before."""
    uploads = [('a', IDS[0]), ('a', IDS[3]), ('a/' + IDS[1], IDS[0])]

    assert s3_order(uploads) == in_order(bucket_of(uploads, page_size))


@given(upload_sets, page_sizes, keys, st.sampled_from(['', 'a', 'a/', 'a-', 'c', IDS[2][:8], 'a/00', 'a/000']))
def test_nothing_after_the_markers_is_passed_over(uploads, page_size, key_marker, prefix):
    """The listing begins early enough for the markers of the query."""
    query = query_of(key_marker=key_marker, prefix=prefix)
    page = fill_page(query, _in_order(bucket_of(uploads, page_size), query, ''))

    assert [(key, upload_id) for key, upload_id in s3_order(uploads)
            if key.startswith(prefix) and key.encode() > key_marker.encode()] == [
        (upload.key, upload.id) for upload in page.uploads]


@given(upload_sets, page_sizes, st.integers(1, 4), st.sampled_from(['', '/', '-']), st.sampled_from(['', 'a', 'a/']))
def test_paging_over_swift_shows_every_entry_once(uploads, page_size, max_uploads, delimiter, prefix):
    """This holds for S3 pages of any size over Swift pages of any size."""
    whole = fill_page(query_of(delimiter=delimiter, prefix=prefix), s3_entries(uploads))
    bucket, markers, shown, prefixes, truncated = bucket_of(uploads, page_size), {}, [], [], True
    while truncated:
        query = query_of(delimiter=delimiter, prefix=prefix, max_uploads=str(max_uploads), **markers)
        page = fill_page(query, _in_order(bucket, query, ''))
        assert page.size == max_uploads or not page.truncated
        markers = {'key_marker': page.next_key_marker, 'upload_id_marker': page.next_id_marker}
        shown, prefixes, truncated = shown + page.uploads, prefixes + page.prefixes, page.truncated

    assert (whole.uploads, whole.prefixes) == (shown, prefixes)


def s3_entries(uploads):
    """Return the uploads in S3's order, as from a container with a single page."""
    bucket = bucket_of(uploads, 10 ** 6)
    return sorted(_in_order(bucket, query_of(), ''))


@pytest.mark.parametrize('state', ['aborting', 'aborted', 'of-a-later-release'])
def test_only_open_uploads_are_shown(state):
    """To clients, an upload whose Abort has begun is gone."""
    bucket = bucket_of([('a', IDS[0])], 10)
    next(bucket.segments.rows())[0]['content_type'] = 'application/x-s3multi-marker;state=' + state

    assert [] == in_order(bucket)


def test_other_objects_are_no_uploads():
    """Parts and intents are not shown, nor what other tools keep in the same container."""
    upload = Upload('AUTH_a', 'bucket', 'a', IDS[0])
    others = [upload.part(1, 'x' * 11), upload.intent, 'a/' + IDS[1], 'segment/1', IDS[2]]

    assert [('a', IDS[0])] == in_order(bucket_of([('a', IDS[0])], 2, others))


def test_ids_of_elsewhere_are_no_uploads():
    """A marker that was copied from another bucket is not shown, since no operation would accept its id."""
    assert [('a', IDS[0])] == in_order(bucket_of([('a', IDS[0]), ('a', 'x' * ID_LENGTH)], 10))


def test_a_prefix_that_is_longer_than_any_key():
    """No key can begin with it, and Swift would refuse it."""
    assert [] == in_order(bucket_of([('a', IDS[0])], 10), prefix='a' * 1025)


LONG = 'b' * 1000 + 'c'


@pytest.mark.parametrize('marker, shown', [
    pytest.param('a' * 5000, ['bb', LONG], id='before-all'),
    pytest.param('b' * 5000, [LONG], id='between'),
    pytest.param('b' * 999 + '\u00e9' * 500, [], id='cut-inside-a-character'),
    pytest.param('c' * 5000, [], id='after-all'),
])
def test_a_marker_that_is_longer_than_any_key(marker, shown):
    """It need not be a possible key. The uploads after it are shown."""
    query = query_of(key_marker=marker)
    page = fill_page(query, _in_order(bucket_of([('bb', IDS[0]), (LONG, IDS[0])], 10), query, ''))

    assert shown == [upload.key for upload in page.uploads]


def test_no_more_pages_are_read_than_are_needed():
    """A first page does not cost the listing of the whole container."""
    bucket = bucket_of([('k%03d' % number, IDS[0]) for number in range(100)], 10)
    read = []
    rows = bucket.segments.rows
    bucket.segments.rows = lambda *args, **kwargs: (read.append(page) or page for page in rows(*args, **kwargs))
    fill_page(query_of(max_uploads='5'), _in_order(bucket, query_of(max_uploads='5'), ''))

    assert 1 == len(read)


def test_parts_are_not_read():
    """The cost grows with the uploads: Swift skips the parts of each, however many there are."""
    uploads = [(key, upload_id) for key in 'ab' for upload_id in IDS]
    bucket = bucket_of(uploads, 10 ** 6, (), uploads)
    read = []
    rows = bucket.segments.rows
    bucket.segments.rows = lambda *args, **kwargs: (read.extend(page) or page for page in rows(*args, **kwargs))

    assert s3_order(uploads) == in_order(bucket)
    # Of each upload: the marker, the intent, and one row for all parts.
    assert 3 * len(uploads) == len(read)
