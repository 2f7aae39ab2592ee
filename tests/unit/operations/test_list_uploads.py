# SPDX-License-Identifier: Apache-2.0
"""List Multipart Uploads: what S3 shows, in S3's order, whatever the keys are, and for a bounded number of requests."""
import re
from types import SimpleNamespace
from unittest import mock

import lxml.etree
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from swift.common import constraints
from swift.common.utils import Timestamp

from s3multi.operations import list_uploads
from s3multi.operations.bucket import Bucket
from s3multi.operations.list_uploads import in_order, run
from s3multi.s3.documents import readable
from s3multi.s3.errors import S3Error
from s3multi.s3.pages import UploadsQuery, fill_page
from s3multi.upload.marker_names import markers_container
from s3multi.upload.names import Upload, new_attempt
from tests.model.swift import Container, MemorySwift, Stored
from tests.unit.fakes import IDS, Cache, Together, bucket_of, handed_on

NOW = 1790000000 * 100000
MARKERS, SEGMENTS = 'AUTH_a/' + markers_container('bucket'), 'AUTH_a/bucket_segments'
ALL_APART = {'X-Container-Sysmeta-S3Multi-All-Apart-Since': '0000000000.00000'}
# Pages of the listing, and of the one among the parts.
MOST_GETS = list_uploads.MOST_LISTINGS


def upload_of(key, minute=0):
    """Return an upload of the key that began so many minutes ago."""
    return Upload('AUTH_a', 'bucket', key, IDS.new('AUTH_a', 'bucket', key, NOW - minute * 6000000))


class Swift:
    """Swift in memory with uploads, which counts the requests for listings and for markers.

    markers: pairs of upload and state. late: uploads whose markers are stored, and have no row. headers: those of the
    container of the markers.
    """

    def __init__(self, markers, late=(), headers=ALL_APART):
        self.memory = MemorySwift()
        for path, sysmeta in ((MARKERS, headers), (SEGMENTS, {})):
            self.memory.containers[path] = Container(dict(sysmeta), put='1')
        for upload, state in markers:
            self.memory.containers[MARKERS].rows[0][upload.marker] = '1', {
                'name': upload.marker, 'content_type': marker_type(state),
                'last_modified': '2026-09-21T14:13:20.123450'}
        for upload in late:
            self.memory.objects['%s/%s' % (MARKERS, upload.marker)] = [
                Stored('1790000000.00000', b'', {'Content-Type': marker_type('open')})] * 3
        self.counts = {'GET': 0, 'HEAD': 0}
        self.limits = []

    def __call__(self, env, start_response):
        self.counts[env['REQUEST_METHOD']] += 1
        self.limits += re.findall('limit=([0-9]+)', env['QUERY_STRING'])
        return self.memory(env, start_response)


def marker_type(state):
    return 'application/x-s3multi-marker;state=%s;initiator=test%%3Abeginner' % state


def query_of(**params):
    """Return the query for parameters whose hyphens are written as underscores."""
    return UploadsQuery.parse({name.replace('_', '-'): text for name, text in params.items()}, lambda *_: True)


def page_of(swift, query, noted=(), page_size=10000):
    """Return a page of the list. noted: the uploads that the cache knows of."""
    bucket = bucket_of(swift, handed_on('GET'), Cache(), {'list_stock_uploads': 'false'})
    for upload in noted:
        bucket.upload_hints.remember(upload)
    with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', page_size):
        return fill_page(query, in_order(bucket, query, ''))


def entries(uploads, query):
    """Return what S3 shows of open uploads: keys with ids, and common prefixes, in order."""
    found = []
    for upload in sorted(uploads, key=lambda upload: (upload.key.encode(), upload.id)):
        if upload.key.startswith(query.prefix):
            group = query.group_of(upload.key)
            entry = (upload.key, upload.id) if group is None else group
            if not found or found[-1] != entry:
                found.append(entry)
    return found


def listed(markers, query, noted=(), page_size=10000, late=()):
    """Return the entries of all pages. Each page is bounded, and leads on."""
    shown, truncated, requests = [], True, 0
    params = {'prefix': query.prefix, 'delimiter': query.delimiter, 'max_uploads': str(query.max_uploads)}
    markers_of_query = {}
    while truncated:
        swift = Swift(markers, late)
        page = page_of(swift, query_of(**params, **markers_of_query), noted, page_size)
        assert page.size <= query.max_uploads
        assert swift.counts['GET'] <= MOST_GETS and swift.counts['HEAD'] <= list_uploads.MOST_HEADS
        shown += sorted([(upload.key, upload.id) for upload in page.uploads] + page.prefixes,
                        key=lambda entry: (entry if isinstance(entry, str) else entry[0]).encode())
        place = {'key_marker': page.next_key_marker, 'upload_id_marker': page.next_id_marker}
        assert not page.truncated or place != markers_of_query
        markers_of_query, truncated, requests = place, page.truncated, requests + 1
        assert requests < 500
    return shown


keys = st.lists(st.sampled_from(['a', '-', '/', '0', '.', 'c', '\u00e9', '\x01', '\ud7ff', '\U0010ffff', '/000',
                                 'coa']), min_size=1, max_size=4).map(''.join)
uploads = st.builds(upload_of, keys, st.integers(0, 3))
states = st.sampled_from(['open', 'open', 'aborted', 'aborting', 'of-a-later-release'])
marker_sets = st.lists(st.tuples(uploads, states), max_size=25, unique_by=lambda pair: pair[0].marker)
delimiters = st.sampled_from(['', '/', '-', '.', 'a', '0', 'co', '.0', '\u00e9', '\x01', '\0', 'a/', '/000'])
# Swift cannot list by a prefix with one of two characters at its end.
prefixes = st.sampled_from(['', 'a', 'a/', '-', '/', 'c', '\u00e9', '\ud7ff', 'a\ud7ff', '\U0010ffff', 'a\0'])


@given(marker_sets, st.integers(1, 6), delimiters, prefixes, st.integers(1, 30))
@example([(upload_of('a' + '-' * number), 'open') for number in range(20)], 1, '-', '', 3)
@example([(upload_of('a/b', number), 'aborted') for number in range(20)] + [(upload_of('a/c'), 'open')], 1, '/', '', 2)
def test_paging_shows_every_entry_once(markers, max_uploads, delimiter, prefix, page_size):
    """Whatever the keys, the delimiter, the prefix and the pages of Swift are: also a delimiter that is in every id."""
    query = query_of(delimiter=delimiter, prefix=prefix, max_uploads=str(max_uploads))
    shown = listed(markers, query, page_size=page_size)

    assert entries([upload for upload, state in markers if state == 'open'], query) == shown


@pytest.mark.parametrize('ended, limits', [(2, ['1001', '1001']), (900, ['1001', '10000'])])
def test_rows_that_are_read_for_a_page(ended, limits):
    """Where a few uploads among many have ended, the rest of the page takes a few rows, however many uploads there are;
    where most have, as many as Swift allows."""
    markers = [(upload_of('key%05d' % number), 'aborted' if number < ended else 'open') for number in range(13000)]
    swift = Swift(markers)

    assert (1000, limits) == (page_of(swift, query_of()).size, swift.limits)


@given(marker_sets, st.lists(uploads, max_size=5), st.integers(1, 6), delimiters, st.integers(1, 30))
def test_uploads_whose_rows_are_late_are_among_them(markers, late, max_uploads, delimiter, page_size):
    """They are noted in the cache, as are those whose rows are there, and some that have ended."""
    known = {upload.marker for upload, _ in markers}
    late = [upload for upload in late if upload.marker not in known]
    query = query_of(delimiter=delimiter, max_uploads=str(max_uploads))
    shown = listed(markers, query, [*late, *(upload for upload, _ in markers)], page_size, late)

    assert entries([upload for upload, state in markers if state == 'open'] + late, query) == shown


@given(marker_sets, st.one_of(keys, st.just('a\0b')), prefixes, delimiters)
def test_nothing_after_the_key_marker_is_passed_over(markers, key_marker, prefix, delimiter):
    """The marker need not be a key, or lie behind the prefix."""
    query = query_of(key_marker=key_marker, prefix=prefix, delimiter=delimiter)
    page = page_of(Swift(markers), query)
    after = [entry for entry in entries([upload for upload, state in markers if state == 'open'], query)
             if (entry if isinstance(entry, str) else entry[0]).encode() > key_marker.encode()]

    assert after == sorted([(upload.key, upload.id) for upload in page.uploads] + page.prefixes,
                           key=lambda entry: (entry if isinstance(entry, str) else entry[0]).encode())


@pytest.mark.parametrize('keys_of_uploads', [
    pytest.param(['a' + '-' * 940], id='hyphens'),
    pytest.param(['d240' + '/000' * 230], id='like-part-numbers'),
    pytest.param(['d%d' % number + '/000' * 230 for number in range(20)], id='twenty-of-them'),
    pytest.param([upload_of('outer').part(1, new_attempt(NOW))], id='like-a-part'),
    pytest.param(['a/' + upload_of('a').id, 'a', 'a-', 'a/'], id='like-a-marker'),
])
def test_keys_that_took_many_requests(keys_of_uploads):
    """One upload of each key, and of any number of them, costs one request a page; later lists cost no more."""
    markers = [(upload_of(key), 'open') for key in keys_of_uploads]
    swift = Swift(markers)
    page = page_of(swift, query_of(max_uploads='1'))

    assert [sorted(keys_of_uploads)[0]] == [upload.key for upload in page.uploads]
    assert page.truncated is (len(markers) > 1)
    assert {'GET': 1, 'HEAD': 0} == swift.counts


def test_many_uploads_that_sort_before_one():
    """They are not read into memory to find the one that S3 lists after them."""
    markers = [(upload_of('a', number), 'open') for number in range(3000)] + [(upload_of('a-b'), 'open')]
    swift = Swift(markers)
    page = page_of(swift, query_of(max_uploads='2'))

    assert ['a', 'a'] == [upload.key for upload in page.uploads] and page.truncated
    assert {'GET': 1, 'HEAD': 0} == swift.counts


def test_a_common_prefix_is_jumped_over():
    """However many uploads it stands for: each costs one request."""
    markers = [(upload_of('%s/%d' % (name, number)), 'open') for name in 'ab' for number in range(300)]
    swift = Swift(markers)
    page = page_of(swift, query_of(delimiter='/'), page_size=100)

    assert (['a/', 'b/'], False) == (page.prefixes, page.truncated)
    assert {'GET': 3, 'HEAD': 0} == swift.counts


def test_noted_uploads_behind_a_common_prefix_are_not_asked_for():
    """What is shown stands for them, whether their rows are late or jumped over."""
    noted = [upload_of('a/%d' % number) for number in range(150)]
    swift = Swift([(upload, 'open') for upload in noted[:50]], noted[50:])
    page = page_of(swift, query_of(delimiter='/'), noted)

    assert (['a/'], False, 0) == (page.prefixes, page.truncated, swift.counts['HEAD'])


def test_markers_of_aborted_uploads_are_read_in_bounds():
    """An empty page leads on, from the place where it ends."""
    markers = [(upload_of('a', number), 'aborted') for number in range(90)] + [(upload_of('b'), 'open')]
    swift = Swift(markers)
    page = page_of(swift, query_of(), page_size=10)

    assert ([], True, 'a') == (page.uploads, page.truncated, page.next_key_marker)
    assert {'GET': 5, 'HEAD': 0} == swift.counts
    assert [('b', markers[-1][0].id)] == listed(markers, query_of(), page_size=10)


def test_late_uploads_are_asked_for_in_bounds():
    """What is noted beyond that is left for the next page."""
    late = [upload_of('k%03d' % number) for number in range(250)]

    assert entries(late, query_of()) == listed([], query_of(), late, late=late)


# Uploads of release 0.1

@pytest.mark.parametrize('headers, asked', [
    pytest.param(ALL_APART, False, id='there-were-never-any'),
    pytest.param({}, True, id='nobody-knows'),
    pytest.param({name: '1789000000.00000' for name in ALL_APART}, False, id='none-for-days'),
    pytest.param({name: '1789999990.00000' for name in ALL_APART}, True, id='none-since-now'),
])
def test_whether_uploads_of_release_0_1_are_looked_for(headers, asked):
    """The container of the markers tells, in the listing itself, that a sweep has found none for longer than rows are
    late. A first upload of this release tells it at once."""
    old = Upload('AUTH_a', 'bucket', 'b', IDS.new_among_parts('AUTH_a', 'bucket', 'b', NOW))
    swift = Swift([(upload_of(key), 'open') for key in ('a', 'c')], headers=headers)
    swift.memory.containers[SEGMENTS].rows[0][old.marker] = '1', {
        'name': old.marker, 'content_type': marker_type('open'), 'last_modified': ''}
    with mock.patch.object(Bucket, 'now', lambda _: Timestamp('1790000000')):
        page = page_of(swift, query_of())

    assert (['a', 'b', 'c'] if asked else ['a', 'c']) == [upload.key for upload in page.uploads]
    assert 1 + asked == swift.counts['GET']


# The answer

def test_uploads_of_stock_s3api_are_looked_for_at_once():
    """Whether the bucket has any does not depend on those of s3multi, and neither waits for the other."""
    swift = Together(Swift([]), ('GET', MARKERS), ('HEAD', '/bucket+segments'))
    bucket = bucket_of(swift, handed_on('GET'), Cache())

    assert [] == list(in_order(bucket, query_of(), ''))


def answer(uploads, initiator='test%3Abeginner', **params):
    """Return the document that answers a request to the bucket, as element names and texts."""
    swift = Swift([(upload, 'open') for upload in uploads])
    for _, row in swift.memory.containers[MARKERS].rows[0].values():
        row['content_type'] = 'application/x-s3multi-marker;state=open' + ';initiator=%s' % initiator * bool(initiator)
    call = SimpleNamespace(account='AUTH_a', bucket='bucket', key=None, headers={}, user='test:asking',
                           params={name.replace('_', '-'): text for name, text in params.items()})
    bucket = bucket_of(swift, handed_on('GET'), Cache(), {'list_stock_uploads': 'false'})
    root = lxml.etree.fromstring(run(bucket, call).body)
    assert '{http://s3.amazonaws.com/doc/2006-03-01/}ListMultipartUploadsResult' == root.tag
    return shown(root)


def shown(element):
    """Return the children of an element: pairs of name and text, or name and children."""
    return [(child.tag.rpartition('}')[2], shown(child) if len(child) else child.text or '') for child in element]


def test_the_least_answer():
    """All four markers are there, even if they are empty. Parameters that were not sent are not."""
    assert [('Bucket', 'bucket'), ('KeyMarker', ''), ('UploadIdMarker', ''), ('NextKeyMarker', ''),
            ('NextUploadIdMarker', ''), ('MaxUploads', '1000'), ('IsTruncated', 'false')] == answer([])


def test_the_whole_answer():
    """The elements have the order that was measured on Amazon S3. Keys and prefixes are encoded, but not upload ids."""
    person = [('ID', 'test:beginner'), ('DisplayName', 'test:beginner')]
    uploads = [upload_of('a '), upload_of('a b', 1), upload_of('a b'), upload_of('a c/d'), upload_of('a d')]

    assert [
        ('Bucket', 'bucket'), ('KeyMarker', 'a+'), ('UploadIdMarker', uploads[0].id), ('NextKeyMarker', 'a+c/'),
        ('NextUploadIdMarker', ''), ('Delimiter', '/'), ('Prefix', 'a+'), ('MaxUploads', '3'), ('EncodingType', 'URL'),
        ('IsTruncated', 'true'),
        *(('Upload', [('Key', 'a+b'), ('UploadId', upload.id), ('Initiator', person), ('Owner', person),
                      ('StorageClass', 'STANDARD'), ('Initiated', '2026-09-21T14:13:21.000Z')])
          for upload in uploads[1:3]),
        ('CommonPrefixes', [('Prefix', 'a+c/')]),
    ] == answer(uploads, prefix='a ', delimiter='/', key_marker='a ', upload_id_marker=uploads[0].id, max_uploads='3',
                encoding_type='URL')


unreadable_keys = st.lists(st.sampled_from('ab/\x01\x02\x1f\ufffd\uffff'), min_size=1, max_size=3).map(''.join)


@given(st.lists(st.builds(upload_of, unreadable_keys, st.integers(0, 1)), max_size=8), st.integers(1, 3),
       st.sampled_from(['', '/', '\x01']))
def test_paging_over_keys_that_no_document_can_show(uploads, max_uploads, delimiter):
    """A client that sends back the markers it has read sees every upload and group once."""
    whole = entries(uploads, query_of(delimiter=delimiter))
    markers, found, prefixes, truncated = {}, [], [], True
    while truncated:
        page = answer(uploads, delimiter=delimiter, max_uploads=str(max_uploads), **markers)
        entry = dict(page)
        markers = {'key_marker': entry['NextKeyMarker'], 'upload_id_marker': entry['NextUploadIdMarker']}
        found += [(dict(child)['Key'], dict(child)['UploadId']) for name, child in page if name == 'Upload']
        prefixes += [dict(child)['Prefix'] for name, child in page if name == 'CommonPrefixes']
        # Else a page that comes again would come for ever.
        assert len(found + prefixes) <= len(whole)
        truncated = entry['IsTruncated'] == 'true'

    assert [(readable(entry[0]), entry[1]) for entry in whole if not isinstance(entry, str)] == found
    assert [readable(entry) for entry in whole if isinstance(entry, str)] == prefixes


def test_markers_that_no_document_can_show():
    """They are echoed as they were sent."""
    first, second = upload_of('a\x01', 1), upload_of('a\x01')
    sent = {'key_marker': 'a\ufffd', 'upload_id_marker': first.id + '.YQE='}
    found = dict(answer([first, second], **sent))

    assert sent == {'key_marker': found['KeyMarker'], 'upload_id_marker': found['UploadIdMarker']}
    assert second.id == dict(found['Upload'])['UploadId']


def test_uploads_whose_beginner_is_not_known():
    """Markers of an older release do not tell it. Then nobody is named, and above all not the user who asks."""
    *_, (name, entry) = answer([upload_of('a')], initiator='')

    assert ('Upload', ['Key', 'UploadId', 'StorageClass', 'Initiated']) == (name, [child for child, _ in entry])


def test_a_key_is_refused():
    """The list is one of a bucket."""
    call = SimpleNamespace(account='AUTH_a', bucket='bucket', key='key', headers={}, params={})
    with pytest.raises(S3Error) as refused:
        run(bucket_of(Swift([])), call)

    assert 'InvalidRequest' == refused.value.code
