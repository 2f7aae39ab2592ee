# SPDX-License-Identifier: Apache-2.0
"""Uploads whose keys look like parts of another upload. Swift folds them away with its parts, but they are listed."""
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.operations.list_uploads import in_order as _in_order
from s3multi.s3.pages import UploadsQuery
from s3multi.storage.cache_hints import UploadHints
from s3multi.upload.names import PARTS_DELIMITER, Upload, UploadIds, new_attempt, parts_directory
from tests.cases import for_each
from tests.unit.fakes import LOGGER, Listing
from tests.unit.operations.test_uploads_of_0_1 import NO_MARKERS

NOW = 1790000000 * 100000
IDS = UploadIds(b'secret')
ACCOUNT, BUCKET = 'AUTH_a', 'bucket'


def upload_of(key, minute=0):
    """Return an upload of the key that began so many minutes ago."""
    return Upload(ACCOUNT, BUCKET, key, IDS.new_among_parts(ACCOUNT, BUCKET, key, NOW - minute * 60 * 100000))


OUTER = upload_of('outer', 60)


def hides(key, account=ACCOUNT, bucket=BUCKET, ids=IDS):
    return ids.hides(account, bucket, key)


# Which uploads are hidden

@pytest.mark.parametrize('rest', ['/0000', '/000', '/00000001', '/00000001-' + new_attempt(NOW), '/000x', '/000/a',
                                  '/000\u00e9'], ids=count())
def test_a_key_among_the_parts_of_an_upload_is_hidden(rest):
    """Its name begins as the names of all parts of that upload do."""
    assert hides(OUTER.marker + rest)
    assert (OUTER.marker + rest).startswith(OUTER.prefix[:-1] + PARTS_DELIMITER)


def test_other_keys_are_not_hidden():
    """A key is hidden only if it has the delimiter right after an upload id, and before that the key of the upload."""
    def check(key):
        assert not hides(key)

    for_each([
        'key', 'key/000', '/000', '', '/', 'a/000/000', OUTER.marker, OUTER.prefix, OUTER.intent, OUTER.marker + '/00',
        OUTER.marker + '/x000', OUTER.marker + '/001', OUTER.marker + '000', OUTER.marker[:-1] + '/000',
        OUTER.marker + '0/000', OUTER.id + '/000', '/' + OUTER.id + '/000', 'other/' + OUTER.id + '/000',
        'outer/' + 'A' * len(OUTER.id) + '/000', 'a/' + OUTER.marker + '/000'], check)


def test_an_id_hides_in_its_own_bucket_only():
    """In another account, bucket or cluster the id is not valid."""
    key = OUTER.marker + '/000'

    assert not hides(key, account='AUTH_b')
    assert not hides(key, bucket='other')
    assert not hides(key, ids=UploadIds(b'other'))


@pytest.mark.parametrize('before', ['a/000b', '000/000', 'x/000/000y'])
def test_every_place_of_the_delimiter_is_looked_at(before):
    """A key may have the delimiter more than once, before and after the place that counts."""
    outer = upload_of(before)

    assert hides(outer.marker + '/000') and hides(outer.marker + '/0001/000/b')
    assert not hides(outer.key + '/000')


def test_uploads_hidden_in_hidden_uploads():
    """The innermost key has two ids in it. The outer id alone hides it too."""
    middle = upload_of(OUTER.marker + '/0001')
    assert hides(middle.marker + '/000') and hides(middle.marker)


# How they are listed

def listed(uploads, page_size, hidden, parts=3, **params):
    """Return key and id of each listed upload, in a container with these uploads, each with parts and an intent."""
    rows = []
    for upload in uploads:
        rows.append({'name': upload.marker, 'content_type': 'application/x-s3multi-marker;state=open',
                     'last_modified': '2026-09-21T14:13:20.123450'})
        names = [upload.part(number, new_attempt(NOW)) for number in range(1, parts + 1)] + [upload.intent]
        rows += [{'name': name, 'content_type': 'application/octet-stream', 'last_modified': ''} for name in names]
    segments = Listing(rows, page_size)
    segments.hidden = hidden

    def made_id(key, upload_id):
        return IDS.belongs(ACCOUNT, BUCKET, key, upload_id)

    bucket = SimpleNamespace(account=ACCOUNT, name=BUCKET, segments=segments, ticks=lambda: NOW, knows=made_id,
                             made_id=made_id, settings=SimpleNamespace(list_stock_uploads=False),
                             upload_hints=UploadHints(None), markers=NO_MARKERS, logger=LOGGER)
    query = UploadsQuery.parse(params, lambda *_: True)
    return [(upload.key, upload.id) for upload in _in_order(bucket, query, '')]


def in_order(uploads):
    """Return key and id in S3's order."""
    return sorted(((upload.key, upload.id) for upload in uploads), key=lambda pair: (pair[0].encode(), pair[1]))


@pytest.mark.parametrize('page_size', [1, 2, 3, 7, 100])
@pytest.mark.parametrize('keys', [
    ['a/000', 'a/000b', 'a/001', 'a'], ['/000', '/0000', '0'], ['a/000/000/000', 'a/000/000', 'a/000'],
    ['a/00000001-' + new_attempt(NOW), 'a', 'a/'], ['a/000', 'a-b', 'a/000-b']])
def test_keys_with_the_delimiter_in_them(keys, page_size):
    """Swift folds these away as well. They are found and come in order, wherever a page of Swift's listing ends."""
    uploads = [upload_of(key, minute) for key in keys for minute in (2, 1)]

    assert in_order(uploads) == listed(uploads, page_size, hidden=False)


@pytest.mark.parametrize('page_size', [1, 2, 3, 7, 100])
def test_hidden_uploads_are_listed_once_they_are_noted(page_size):
    """Initiate notes the first one for good. From then on the listing folds nothing away."""
    uploads = [OUTER, upload_of(OUTER.marker + '/000'), upload_of(OUTER.marker + '/00000002-x'), upload_of('z')]
    uploads.append(upload_of(uploads[1].marker + '/0001'))

    assert in_order(uploads) == listed(uploads, page_size, hidden=True)


def test_parts_are_folded_only_behind_ids_of_ours():
    """A directory that looks like one of parts, but has no valid id in its name, is listed."""
    made_up = 'key/' + 'A' * len(OUTER.id)
    inner = upload_of(made_up + '/000')

    assert parts_directory(made_up + PARTS_DELIMITER)
    assert [(inner.key, inner.id)] == listed([inner], 10, hidden=False)


@given(st.lists(st.sampled_from(['a', '/000', '/', '0', '-', OUTER.marker]), min_size=1, max_size=5).map(''.join),
       st.integers(1, 9))
def test_no_upload_is_lost(key, page_size):
    """Whatever the key is, the upload is listed: if it is hidden, because of the note."""
    uploads = [OUTER, upload_of(key, 1), upload_of('b')]

    assert in_order(uploads) == listed(uploads, page_size, hidden=hides(key))
