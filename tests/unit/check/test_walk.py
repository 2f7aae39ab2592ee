# SPDX-License-Identifier: Apache-2.0
"""Which rows of a listing are those of large objects."""
import json

import pytest

from s3multi.check.asking import Asking, Undecided
from s3multi.check.walk import Walk, says_large
from tests.unit.fakes import RecordingSwift

MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
TIME = '2026-09-21T14:13:20.123450'


@pytest.mark.parametrize('row, expected', [
    ({'hash': MD5}, False),
    ({'hash': MD5 + '; s3_etag=%s-2; slo_etag=%s' % (MD5, MD5)}, True),
    ({'hash': MD5, 'slo_etag': '"%s"' % MD5}, True),
    ({'hash': MD5 + '; s3_etag=%s' % MD5}, False),
    ({'hash': '<unknown>'}, None),
    ({'hash': 'Yw=='}, None),
    ({'hash': None}, None),
    ({}, None),
])
def test_rows(row, expected):
    """Swift marks the rows of large objects, with and without slo in the pipeline. One without an ETag tells nothing.
    """
    assert expected is says_large(row)


def row(name, **more):
    return {'name': name, 'hash': MD5 + '; slo_etag=' + MD5, 'bytes': 3, 'content_type': 'text/plain',
            'last_modified': TIME, 'version_id': 'null', **more}


def walked(swift, *start, **options):
    """Return key, version and certainty of all candidates."""
    return [(each.key, each.version, each.is_certain)
            for page in Walk(Asking(swift, 1), **options).candidates('AUTH_a', 'bucket', *start) for each in page]


def test_what_is_passed_over():
    """Plain objects, links, and versions that hide an object."""
    rows = [row('a'), row('b', hash=MD5), row('c', symlink_path='/v1/a/c/o'), row('d', hash=None),
            row('e', content_type='application/x-deleted;swift_versions_deleted=1'), {'subdir': 'f/'},
            row('g', version_id='1790000000.00000'), row('h', last_modified='never')]
    swift = RecordingSwift(GET=(200, {}, json.dumps(rows).encode()))

    assert [('a', 'null', True), ('d', 'null', False), ('g', '1790000000.00000', True), ('h', 'null', True)] == (
        walked(swift))
    assert ('b', 'null', False) in walked(swift, ask_all=True)


def test_pages(monkeypatch):
    """The next one begins after the last version of this one."""
    monkeypatch.setattr('s3multi.check.walk.CONTAINER_LISTING_LIMIT', 2)
    pages = [[row('a', version_id='2'), row('a', version_id='1')], [row('b')]]
    swift = RecordingSwift(GET=[(200, {}, json.dumps(page).encode()) for page in pages])

    assert [('a', '2', True), ('a', '1', True), ('b', 'null', True)] == walked(swift)
    assert 'marker=a&version_marker=1' in swift.last.query


@pytest.mark.parametrize('start, query', [
    ((), 'limit=10000'), (('a', '1'), 'marker=a&version_marker=1'), (('a', 'null'), 'marker=a&version_marker=null')])
def test_where_it_begins(start, query):
    """After the object and version where the run before has ended."""
    swift = RecordingSwift(GET=(200, {}, b'[]'))

    assert [] == walked(swift, *start)
    assert swift.last.query.endswith(query)


def test_bucket_that_is_gone():
    """One that does not exist is told of; one that was deleted since the run before is done."""
    swift = RecordingSwift(GET=404)

    with pytest.raises(Undecided, match='no such bucket'):
        walked(swift)
    assert [] == walked(swift, 'a', 'null')
