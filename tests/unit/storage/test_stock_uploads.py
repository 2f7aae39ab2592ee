# SPDX-License-Identifier: Apache-2.0
"""The uploads that stock s3api began, listed with those of s3multi: their order, and the cost of reading them."""
import base64
import json
from types import SimpleNamespace
from unittest import mock
from urllib.parse import parse_qs

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from swift.common import constraints

from s3multi.operations.list_uploads import in_order
from s3multi.operations.uploads_of_0_1 import in_order as one_in_order
from s3multi.s3.errors import S3Error
from s3multi.s3.pages import UploadsQuery, fill_page
from s3multi.storage.cache_hints import UploadHints
from s3multi.storage.requests import Backend
from s3multi.storage.stock_uploads import StockUploads
from s3multi.upload.names import new_attempt
from tests.unit.fakes import IDS, LOGGER, Listing, RecordingSwift, client_env
from tests.unit.operations.test_uploads_of_0_1 import NO_MARKERS

STOCK_IDS = [base64.b64encode(b'%s0000000-1111-4222-8333-444444444444' % digit).decode()
             for digit in (b'0', b'7', b'f')]
CONTAINER = '/v1/AUTH_a/bucket+segments'
NOW = 1790000000 * 100000
USER = 'test:tester'


def swift_of(names):
    """Return a Swift whose container of stock uploads has objects with these names, and lists them."""
    ordered = sorted(set(names), key=str.encode)

    def listing(seen):
        query = {name: values[0] for name, values in parse_qs(seen.query).items()}
        prefix, end_marker = query.get('prefix', ''), query.get('end_marker')
        if prefix.endswith('\U0010ffff'):
            # Swift takes the next code point to find the end.
            return 500, {}, b''
        found = [name for name in ordered if name.startswith(prefix)
                 and name.encode() > query.get('marker', '').encode()
                 and (not end_marker or name.encode() < end_marker.encode())][:int(query['limit'])]
        rows = [{'name': name, 'last_modified': '2026-09-21T14:13:20.123450'} for name in found]
        return 200, {}, json.dumps(rows).encode()

    return RecordingSwift(GET=listing)


def stock_of(swift, rows_for_each=500):
    """Return the stock uploads of such a Swift."""
    return StockUploads(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'bucket', 'test:tester', rows_for_each)


def names_of(uploads, with_parts=(), parts=(1, 2, 10, 100)):
    """Return the names of the markers of ``uploads``, pairs of key and id, and of the parts of ``with_parts``."""
    return ['%s/%s' % upload for upload in uploads] + [
        '%s/%s/%d' % (*upload, number) for upload in with_parts for number in parts]


def query_of(**params):
    """Return the query for parameters whose hyphens are written as underscores."""
    return UploadsQuery.parse({name.replace('_', '-'): text for name, text in params.items()}, lambda *_: True)


def s3_order(uploads):
    """Return pairs of key and id by the bytes of the key, and then by id."""
    return sorted(uploads, key=lambda upload: (upload[0].encode(), upload[1]))


# Keys that nest, that look like ids or begin as ids do, and that hold what sorts on either side of the slash.
keys = st.lists(st.sampled_from(['a', '-', '/', '0', 'N', '\u00e9', '\U0010ffff', STOCK_IDS[1], STOCK_IDS[2][:9],
                                 STOCK_IDS[0] + '/']), min_size=1, max_size=4).map(''.join)
upload_sets = st.sets(st.tuples(keys, st.sampled_from(STOCK_IDS)), max_size=8)


def pass_over(names, key):
    """Return whether ``key`` is the name of a part, or lies below one."""
    return any(key.startswith(name + '/') and key[len(name) + 1:][:1].isdigit() for name in names)


@given(upload_sets, upload_sets, st.integers(1, 6), st.data())
def test_open_uploads_come_in_the_order_of_s3(uploads, finished, rows_for_each, data):
    """That holds whichever uploads have parts, and wherever pages end. A finished object, which has no marker, is not
    listed."""
    finished -= uploads
    with_parts = data.draw(st.sets(st.sampled_from(sorted(uploads))) if uploads else st.just(set())) | finished
    assume(not any(pass_over(names_of(uploads | finished), key) for key, _ in uploads))
    stock = stock_of(swift_of(names_of(uploads, with_parts)), rows_for_each)

    assert s3_order(uploads) == [(each.key, each.id) for each in one_in_order(stock, query_of())]


@pytest.mark.parametrize('rows_for_each', [1, 2, 3, 100])
@pytest.mark.parametrize('uploads', [
    pytest.param([('a', upload_id) for upload_id in STOCK_IDS] + [('a-b', STOCK_IDS[0])], id='hyphen'),
    pytest.param([(key, STOCK_IDS[0]) for key in ('a', 'a-b', 'a.c', 'a/N')], id='between'),
    pytest.param([('a', STOCK_IDS[0]), ('a', STOCK_IDS[2]), ('a/' + STOCK_IDS[1], STOCK_IDS[0])], id='id-like-key'),
])
def test_keys_that_swift_sorts_late(uploads, rows_for_each):
    """Swift sorts "<key>/<id>": "a-b/..." before "a/...", and "a/N/..." among the uploads of "a"."""
    stock = stock_of(swift_of(names_of(uploads, uploads)), rows_for_each)

    assert s3_order(uploads) == [(each.key, each.id) for each in one_in_order(stock, query_of())]


@given(upload_sets, st.integers(1, 9), st.integers(1, 4), st.sampled_from(['', '/', '-']),
       st.sampled_from(['', 'a', 'a/', 'a\U0010ffff', '\U0010ffff']))
def test_paging_shows_every_entry_once(uploads, page_size, max_uploads, delimiter, prefix):
    """This holds for S3 pages of any size over Swift pages of any size, and with markers of both kinds of ids."""
    assume(not any(pass_over(names_of(uploads), key) for key, _ in uploads))
    # The same keys have uploads of s3multi, too.
    own = {(key, IDS.new_among_parts('AUTH_a', 'bucket', key, NOW)) for key, _ in uploads}
    bucket = bucket_of(own, swift_of(names_of(uploads, uploads)))
    whole = fill_page(query_of(delimiter=delimiter, prefix=prefix), sorted(in_order(bucket, query_of(), USER)))
    shown, prefixes, markers, truncated = [], [], {}, True
    with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', page_size):
        while truncated:
            query = query_of(delimiter=delimiter, prefix=prefix, max_uploads=str(max_uploads), **markers)
            page = fill_page(query, in_order(bucket, query, USER))
            assert page.size == max_uploads or not page.truncated
            markers = {'key_marker': page.next_key_marker, 'upload_id_marker': page.next_id_marker}
            shown, prefixes, truncated = shown + page.uploads, prefixes + page.prefixes, page.truncated

    assert (whole.uploads, whole.prefixes) == (shown, prefixes)
    assert delimiter or s3_order({each for each in uploads | own if each[0].startswith(prefix)}) == [
        (each.key, each.id) for each in shown]


def bucket_of(own, swift, listed=True):
    """Return a bucket with uploads of s3multi, pairs of key and id, over a Swift with those of stock s3api."""
    rows = [{'name': '%s/%s' % upload, 'content_type': 'application/x-s3multi-marker;state=open', 'last_modified': ''}
            for upload in own]

    def made_id(key, upload_id):
        return IDS.belongs('AUTH_a', 'bucket', key, upload_id)

    return SimpleNamespace(
        account='AUTH_a', name='bucket', segments=Listing(rows, 3), ticks=lambda: NOW + 1, knows=made_id,
        made_id=made_id, backend=Backend(swift, client_env(), 'AUTH_a', 'bucket'),
        settings=SimpleNamespace(list_stock_uploads=listed),
        upload_hints=UploadHints(None), markers=NO_MARKERS, logger=LOGGER)


def test_time_and_initiator_of_an_upload():
    """They are as stock s3api shows them: the time of the marker, rounded up when shown, and the user who asks."""
    upload, = one_in_order(stock_of(swift_of(names_of([('key', STOCK_IDS[0])]))), query_of())

    assert ('2026-09-21T14:13:20.123450', 'test:tester') == (upload.initiated, upload.initiator)


@pytest.mark.parametrize('count, parts', [(30, 2), (30, 400), (30, 3000), (3, 9999), (2000, 1)])
@pytest.mark.parametrize('is_open', [True, False], ids=['open', 'finished'])
def test_rows_are_in_proportion_to_uploads(count, parts, is_open):
    """An upload or a finished object costs at most 500 rows, however many parts it has, and few requests."""
    uploads = [('key%05d' % number, STOCK_IDS[0]) for number in range(count)]
    swift = swift_of(names_of(uploads if is_open else (), uploads, range(1, parts + 1)))

    found = list(one_in_order(stock_of(swift), query_of()))

    assert (uploads if is_open else []) == [(each.key, each.id) for each in found]
    limits = [int(parse_qs(seen.query)['limit'][0]) for seen in swift.seen]
    assert sum(limits) <= 500 * (count + 1)
    assert len(limits) <= min(count + 1, 4 + count * min(parts + 1, 500) // 500)


def test_pages_grow_where_uploads_have_few_parts():
    """After a first short page, whole pages of Swift are read."""
    swift = swift_of(names_of([('key%05d' % number, STOCK_IDS[0]) for number in range(10000)]))

    assert 10000 == len(list(one_in_order(stock_of(swift), query_of())))
    assert 2 == len(swift.seen)


def test_a_page_is_no_longer_than_swift_allows():
    """Swift would refuse a larger limit."""
    swift = swift_of(names_of([('key%05d' % number, STOCK_IDS[0]) for number in range(100)]))
    with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', 20):
        assert 100 == len(list(one_in_order(stock_of(swift), query_of())))

    assert {'20'} == {parse_qs(seen.query)['limit'][0] for seen in swift.seen}


def test_no_more_pages_are_read_than_are_needed():
    """A first page does not cost the listing of the whole container."""
    swift = swift_of(names_of([('key%05d' % number, STOCK_IDS[0]) for number in range(2000)]))
    query = query_of(max_uploads='5')
    fill_page(query, one_in_order(stock_of(swift), query))

    assert 1 == len(swift.seen)


@pytest.mark.parametrize('status, asked', [(404, []), (204, ['GET'])])
def test_whether_there_are_any(status, asked):
    """Without a container of stock uploads, as Swift's cache tells, nothing is listed."""
    swift = swift_of(names_of([('key', STOCK_IDS[0])]))
    swift._answers['HEAD'] = lambda seen: status if seen.path == CONTAINER else 204
    found = list(in_order(bucket_of([], swift), query_of(), USER))

    assert len(asked) == len(found)
    assert asked == [seen.method for seen in swift.seen if seen.method != 'HEAD']


def test_a_failure_hides_no_upload():
    """If Swift cannot tell, the client gets an error: it would believe a list from which uploads are missing."""
    with pytest.raises(S3Error) as failed:
        list(in_order(bucket_of([], RecordingSwift(
            HEAD=lambda seen: 503 if seen.path == CONTAINER else 204, GET=503)), query_of(), USER))

    assert 'ServiceUnavailable' == failed.value.code


def test_an_operator_can_end_it():
    """With ``list_stock_uploads = false`` no request is made."""
    swift = swift_of(names_of([('key', STOCK_IDS[0])]))

    assert [] == list(in_order(bucket_of([], swift, listed=False), query_of(), USER))
    assert [] == swift.seen


def test_ids_of_ours_come_after_those_of_stock():
    """S3 orders the uploads of a key by time, and those of stock s3api are older."""
    assert all(upload_id < new_attempt(NOW) for upload_id in STOCK_IDS)
