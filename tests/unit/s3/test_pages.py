# SPDX-License-Identifier: Apache-2.0
"""Pages of both lists: the parameters, and that paging shows every entry once and in order.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.s3.documents import readable
from s3multi.s3.errors import S3Error
from s3multi.s3.pages import (OpenUpload, UploadsQuery, fill_page, keys_sorted_late, parse_count, parse_encoding,
                              shown_id_marker)
from tests.cases import for_each


def refused(call, *args):
    """Return code and elements of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code, raised.value.fields


def bad_argument(name, value):
    """Return code and elements of InvalidArgument."""
    return 'InvalidArgument', {'ArgumentName': name, 'ArgumentValue': value}


def query(belongs=True, **params):
    """Return a query. params: the parameters, with underscores for hyphens. belongs: whether ids belong to keys."""
    return UploadsQuery.parse({name.replace('_', '-'): text for name, text in params.items()}, lambda *_: belongs)


def ordered(uploads):
    """Return the open uploads with these pairs of key and id, in S3's order."""
    return sorted(OpenUpload.of(key, upload_id, '', '') for key, upload_id in uploads)


# Parameters

@pytest.mark.parametrize('text, count', [
    pytest.param(None, 1000, id='none'),
    pytest.param('', 1000, id='empty'),
    pytest.param('0', 0, id='zero'),
    pytest.param('1', 1, id='one'),
    pytest.param('007', 7, id='leading-zeros'),
    pytest.param('1000', 1000, id='cap'),
    pytest.param('1001', 1000, id='above-the-cap'),
    pytest.param('2147483647', 1000, id='largest-integer'),
    pytest.param('0' * 5000 + '7', 7, id='very-many-leading-zeros'),
])
def test_counts(text, count):
    """The default is 1,000, and more than the cap of 1,000 counts as 1,000."""
    assert count == parse_count({} if text is None else {'max-parts': text}, 'max-parts', 1000, 1000)


def test_a_count_without_a_cap():
    """A part number marker has no cap, and its default is 0."""
    assert 2147483647 == parse_count({'part-number-marker': '2147483647'}, 'part-number-marker', 0)
    assert 0 == parse_count({}, 'part-number-marker', 0)


def test_what_is_no_count():
    """A text that is not an integer from 0 to 2**31 - 1 is InvalidArgument, which names the parameter."""
    def check(text):
        assert bad_argument('max-parts', text) == refused(parse_count, {'max-parts': text}, 'max-parts', 1000, 1000)

    for_each([
        '-1', '-2147483648', '2147483648', '99999999999', '9' * 5000, 'x', '1.0', '1e3', '0x1', ' 1', '1 ', '1_0', '+',
        '-', '--1', '\u0661', '\u00b2', '1\n', '\udcff',
    ], check)


@pytest.mark.parametrize('text', ['url', 'URL', 'uRl'])
def test_the_encoding_is_echoed_as_it_was_sent(text):
    """``url`` is accepted in any letter case, and kept as it was sent."""
    assert text == parse_encoding({'encoding-type': text})


def test_no_encoding_is_the_default():
    """Without the parameter there is no encoding."""
    assert parse_encoding({}) is None


@pytest.mark.parametrize('text', ['', 'base64', 'url ', 'ur'])
def test_other_encodings(text):
    """Any other text than ``url`` is InvalidArgument, also the empty one."""
    assert bad_argument('encoding-type', text) == refused(parse_encoding, {'encoding-type': text})


def test_a_query_without_parameters():
    """By default nothing is filtered, and a page has a thousand entries."""
    assert UploadsQuery('', '', '', '', 1000, None) == query()


def test_all_parameters_of_a_query():
    """Each parameter of the URL reaches its field."""
    expected = UploadsQuery('p', '/', 'k', 'id', 5, 'url')

    assert expected == query(prefix='p', delimiter='/', key_marker='k', upload_id_marker='id', max_uploads='5',
                             encoding_type='url')


@pytest.mark.parametrize('params', [{'upload_id_marker': 'id'}, {'key_marker': '', 'upload_id_marker': 'id'}],
                         ids=['none', 'empty'])
def test_an_id_marker_without_a_key_marker_is_ignored(params):
    """An upload id marker without a key marker is not checked, and becomes empty."""
    assert '' == query(belongs=False, **params).id_marker


def test_an_id_marker_that_names_no_upload_of_the_key():
    """An id that does not belong to the key marker is InvalidArgument; else uploads would be skipped or repeated."""
    assert bad_argument('upload-id-marker', 'x') == refused(
        lambda: query(belongs=False, key_marker='k', upload_id_marker='x'))


def test_belongs_is_asked_for_the_key_of_the_marker():
    """The id is checked against the key of the marker."""
    asked = []
    UploadsQuery.parse({'key-marker': 'k', 'upload-id-marker': 'x'}, lambda *args: asked.append(args) or True)

    assert [('k', 'x')] == asked


@pytest.mark.parametrize('key, upload_id, marker', [
    ('a', '1', '1'), ('', '1', '1'), ('\u00e9\ufffd', '1', '1'), ('a\x01', '1', '1.YQE='), ('\uffff', '1', '1.77-_'),
    ('a\x01', '1.2', '1.2.YQE='), ('a', '1.YQ==', '1.YQ==')])
def test_a_marker_brings_along_a_key_that_no_document_can_show(key, upload_id, marker):
    """The client sends back what it has read, U+FFFD, which would be another place."""
    assert marker == shown_id_marker(key, upload_id)

    again = query(key_marker=readable(key) or 'x', upload_id_marker=marker)
    assert (key or 'x', upload_id) == (again.key_marker, again.id_marker)


def test_a_group_that_no_document_can_show():
    """The marker of a group is without an id."""
    again = query(belongs=False, key_marker='\ufffd/', upload_id_marker=shown_id_marker('\x01/', ''))

    assert ('\x01/', '') == (again.key_marker, again.id_marker)


@pytest.mark.parametrize('marker', ['1.YQE=', '1.', '.', '1.YQ', '1.\u00e9', '1._w==', '1.77-_.77-_'])
def test_a_marker_that_brings_along_another_key(marker):
    """What was not shown for this key marker is no upload id marker."""
    assert bad_argument('upload-id-marker', marker) == refused(lambda: UploadsQuery.parse(
        {'key-marker': '\ufffdb', 'upload-id-marker': marker}, lambda _, upload_id: upload_id == '1'))


@pytest.mark.parametrize('params, name', [
    ({'max_uploads': 'x', 'encoding_type': 'url'}, 'max-uploads'),
    ({'max_uploads': '-1'}, 'max-uploads'),
    ({'encoding_type': 'x'}, 'encoding-type'),
], ids=['no-number', 'negative', 'encoding'])
def test_bad_parameters_are_named(params, name):
    """The error names the parameter that is wrong."""
    assert name == refused(lambda: query(**params))[1]['ArgumentName']


# Order, groups, markers

@pytest.mark.parametrize('first, second', [
    pytest.param(('a', '9'), ('b', '1'), id='key-first'),
    pytest.param(('a', '1'), ('a', '2'), id='then-id'),
    pytest.param(('a', '2'), ('a-b', '1'), id='prefix-before-longer'),
    pytest.param(('a', '2'), ('a/b', '1'), id='slash-is-a-character'),
    pytest.param(('z', '1'), ('\u00e9', '1'), id='utf-8-bytes'),
    pytest.param(('\uffff', '1'), ('\U00010000', '1'), id='beyond-the-16-bits-of-utf-16'),
])
def test_order_of_uploads(first, second):
    """Uploads sort by key, as UTF-8 bytes, and within a key by id, and so by time."""
    assert [first, second] == [(upload.key, upload.id) for upload in ordered([second, first])]


@pytest.mark.parametrize('delimiter, prefix, key, group', [
    pytest.param('', '', 'a/b', None, id='no-delimiter'),
    pytest.param('/', '', 'a/b/c', 'a/', id='first-occurrence'),
    pytest.param('/', 'a/', 'a/b/c', 'a/b/', id='after-the-prefix'),
    pytest.param('/', 'a/', 'a/b', None, id='only-in-the-prefix'),
    pytest.param('/', '', '/a', '/', id='at-the-beginning'),
    pytest.param('/', 'a', 'a/', 'a/', id='at-the-end'),
    pytest.param('--', '', 'a-b--c', 'a-b--', id='longer-delimiter'),
    pytest.param('/b/', 'a/', 'a/b/c', None, id='not-across-the-end-of-the-prefix'),
])
def test_groups(delimiter, prefix, key, group):
    """Keys that contain the delimiter behind the prefix are shown as one common prefix, which ends with it."""
    assert group == query(delimiter=delimiter, prefix=prefix).group_of(key)


UPLOADS = [('a', '1'), ('a', '2'), ('a/b', '1'), ('a/b', '2'), ('a/c', '1'), ('b', '1')]


@pytest.mark.parametrize('params, uploads, prefixes', [
    pytest.param({}, UPLOADS, [], id='all'),
    pytest.param({'key_marker': 'a'}, UPLOADS[2:], [], id='keys-strictly-greater'),
    pytest.param({'key_marker': 'a-'}, UPLOADS[2:], [], id='the-marker-need-not-exist'),
    pytest.param({'key_marker': 'a', 'upload_id_marker': '1'}, UPLOADS[1:], [], id='greater-ids-of-the-key'),
    pytest.param({'key_marker': 'a', 'upload_id_marker': '2'}, UPLOADS[2:], [], id='no-greater-id'),
    pytest.param({'upload_id_marker': '2'}, UPLOADS, [], id='id-marker-alone'),
    pytest.param({'prefix': 'a/'}, UPLOADS[2:5], [], id='prefix'),
    pytest.param({'prefix': 'c'}, [], [], id='prefix-of-none'),
    pytest.param({'delimiter': '/'}, [*UPLOADS[:2], UPLOADS[5]], ['a/'], id='delimiter'),
    pytest.param({'delimiter': '/', 'prefix': 'a/'}, UPLOADS[2:5], [], id='delimiter-only-in-the-prefix'),
    pytest.param({'delimiter': '/', 'key_marker': 'a'}, [UPLOADS[5]], ['a/'], id='marker-before-the-group'),
    pytest.param({'delimiter': '/', 'key_marker': 'a/'}, [UPLOADS[5]], [], id='marker-is-the-group'),
    pytest.param({'delimiter': '/', 'key_marker': 'a/b'}, [UPLOADS[5]], [], id='marker-inside-the-group'),
    pytest.param({'delimiter': '/', 'key_marker': 'a/b', 'upload_id_marker': '1'}, [UPLOADS[5]], ['a/'],
                 id='marker-and-id-inside-the-group'),
    pytest.param({'delimiter': '/', 'key_marker': 'b'}, [], [], id='marker-is-the-last'),
    pytest.param({'max_uploads': '0'}, [], [], id='no-entries-wanted'),
])
def test_what_a_query_shows(params, uploads, prefixes):
    """Markers, prefix and delimiter choose what is shown; a group that is not greater than the key marker is not.

    With an id the key marker names a place inside the group, before which no open upload was found.
    """
    page = fill_page(query(**params), ordered(UPLOADS))

    assert (uploads, prefixes, False) == ([(upload.key, upload.id) for upload in page.uploads], page.prefixes,
                                          page.truncated)


@pytest.mark.parametrize('params, markers, truncated', [
    pytest.param({}, ('b', '1'), False, id='last-entry-also-when-complete'),
    pytest.param({'max_uploads': '1'}, ('a', '1'), True, id='one'),
    pytest.param({'max_uploads': '5'}, ('a/c', '1'), True, id='one-is-left'),
    pytest.param({'max_uploads': '6'}, ('b', '1'), False, id='just-all'),
    pytest.param({'delimiter': '/', 'max_uploads': '3'}, ('a/', ''), True, id='page-ends-in-a-group'),
    pytest.param({'delimiter': '/', 'prefix': 'a/', 'max_uploads': '3'}, ('a/c', '1'), False, id='prefix-ends-it'),
    pytest.param({'key_marker': 'x'}, ('', ''), False, id='nothing-listed'),
    pytest.param({'max_uploads': '0'}, ('', ''), False, id='no-entries-wanted'),
])
def test_markers_of_a_page(params, markers, truncated):
    """The markers name the last entry: an upload by key and id, a group by itself. Without an entry both are empty."""
    page = fill_page(query(**params), ordered(UPLOADS))

    assert (markers, truncated) == ((page.next_key_marker, page.next_id_marker), page.truncated)


def test_a_rest_of_the_same_group_does_not_make_a_further_page():
    """A page that ends with the last group is the last page, whatever else the group contains."""
    page = fill_page(query(delimiter='/', max_uploads='1'), ordered([('a/1', '1'), ('a/2', '1')]))

    assert (['a/'], False) == (page.prefixes, page.truncated)


def test_no_more_is_read_than_a_page_needs():
    """Only one entry beyond the page is read, to see that there are more; the listing may be long."""
    uploads = iter(ordered(UPLOADS))
    fill_page(query(max_uploads='2'), uploads)

    assert len(UPLOADS) - 3 == len(list(uploads))


# Paging, compared with a plain statement of the rules

words = st.lists(st.sampled_from(['a', 'b', '/', '-', '0', '--', '\u00e9', '\U0001f600', '\uffff']), max_size=5)
texts = words.map(''.join)
upload_sets = st.sets(st.tuples(texts.filter(bool), st.sampled_from(['1', '2', '3'])), max_size=12)


def all_entries(uploads, prefix, delimiter):
    """Return every entry that an endless page would show, in order: uploads as pairs of key and id, groups as text."""
    entries = []
    for key, upload_id in sorted(uploads, key=lambda upload: (upload[0].encode(), upload[1])):
        if key.startswith(prefix):
            head, found, _ = key[len(prefix):].partition(delimiter) if delimiter else ('', '', '')
            entry = prefix + head + found if found else (key, upload_id)
            if entry not in entries:
                entries.append(entry)
    return entries


def entries_of(page):
    """Return uploads and groups of a page together, in order and in the form of ``all_entries``."""
    entries = [((upload.key.encode(), upload.id), (upload.key, upload.id)) for upload in page.uploads]
    entries += [((prefix.encode(), ''), prefix) for prefix in page.prefixes]
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]


@given(upload_sets, st.integers(1, 5), texts, words.map(lambda chars: ''.join(chars[:2])))
def test_paging_shows_every_entry_once_and_in_order(uploads, max_uploads, prefix, delimiter):
    """Each page begins after the markers of the page before; together the pages show the whole list."""
    entries = all_entries(uploads, prefix, delimiter)
    markers, shown, truncated = {}, [], True
    while truncated:
        page = fill_page(query(prefix=prefix, delimiter=delimiter, max_uploads=str(max_uploads), **markers),
                         ordered(uploads))
        markers = {'key_marker': page.next_key_marker, 'upload_id_marker': page.next_id_marker}
        truncated = page.truncated
        shown += entries_of(page)

        assert page.size == max_uploads or not truncated
        assert page.size <= max_uploads

    assert entries == shown


@given(upload_sets, texts, st.sampled_from(['', '1', '2', '3']), st.sampled_from(['', 'a', 'a/']))
def test_markers_may_name_anything(uploads, key_marker, id_marker, prefix):
    """A page shows the marker's key with greater ids, and greater keys, whether or not the marker exists."""
    page = fill_page(query(key_marker=key_marker, upload_id_marker=id_marker, prefix=prefix), ordered(uploads))
    after = [(key, upload_id) for key, upload_id in all_entries(uploads, prefix, '')
             if not key_marker or key.encode() > key_marker.encode()
             or key == key_marker and id_marker and upload_id > id_marker]

    assert after == entries_of(page)


@given(upload_sets, texts.filter(bool), st.sampled_from(['/', '-', '--']), st.sampled_from(['', 'a', 'a/']))
def test_a_group_comes_after_the_key_marker_or_not_at_all(uploads, key_marker, delimiter, prefix):
    """A group is not shown again if the key marker lies in it or after it, because an earlier page has shown it."""
    page = fill_page(query(key_marker=key_marker, delimiter=delimiter, prefix=prefix), ordered(uploads))
    after = [entry for entry in all_entries(uploads, prefix, delimiter)
             if (entry if isinstance(entry, str) else entry[0]).encode() > key_marker.encode()]

    assert after == entries_of(page)


# Where Swift's order differs

@pytest.mark.parametrize('key, late', [
    pytest.param('a', [], id='one-character'),
    pytest.param('ab', [], id='nothing-before-the-slash'),
    pytest.param('a-b', ['a'], id='hyphen'),
    pytest.param('a/b', ['a'], id='slash'),
    pytest.param('a0b', [], id='zero-is-after-the-slash'),
    pytest.param('a--b', ['a', 'a-'], id='twice'),
    pytest.param('-a', [], id='not-the-empty-key'),
    pytest.param('a\n\u00e9 ', ['a', 'a\n\u00e9'], id='control-and-blank'),
])
def test_keys_that_swift_may_list_late(key, late):
    """Swift sorts "a-b/<id>" before "a/<id>", but S3 sorts the key "a" before "a-b"."""
    assert late == keys_sorted_late(key)


def test_no_other_key_is_late():
    """If Swift and S3 order two keys differently, the one that Swift lists later is a late key of the other."""
    keys = [''.join(chars) for length in (1, 2, 3) for chars in itertools.product('-/0a', repeat=length)]
    differ = [(key, other) for key in keys for other in keys for one_id in '-0a' for other_id in '-0a'
              if key < other and '%s/%s' % (key, one_id) > '%s/%s' % (other, other_id)]

    assert differ
    assert not [pair for pair in differ if pair[0] not in keys_sorted_late(pair[1])]
