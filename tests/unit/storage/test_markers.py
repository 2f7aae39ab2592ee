# SPDX-License-Identifier: Apache-2.0
"""The container of the markers: in Swift's reserved namespace, with a note about markers that lie elsewhere."""
import json

import pytest
from swift.common.storage_policy import POLICIES
from swift.common.utils import Timestamp

from s3multi.storage.markers import Markers, open_upload_of
from s3multi.storage.requests import Backend, Target
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS, RecordingSwift, client_env

PATH = '/v1/AUTH_a/\0s3multi\0bucket'
NOTE = 'X-Container-Sysmeta-S3Multi-All-Apart-Since'
UPLOAD = Upload('AUTH_a', 'bucket', 'a/k\u00e9y', IDS.new('AUTH_a', 'bucket', 'a/k\u00e9y', 1790000000 * 100000))
NOW = Timestamp('1790000000.00000')


def markers_of(swift):
    return Markers(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'bucket')


def listing(note=None):
    return 200, {NOTE: note} if note else {}, json.dumps([{'name': UPLOAD.marker}]).encode()


def test_requests_to_it_are_allowed_reserved_names():
    """Swift knows such a container only with a header that its gatekeeper takes from clients. No other request has it.
    """
    swift = RecordingSwift(GET=listing())
    backend = Backend(swift, client_env(), 'AUTH_a', 'bucket')
    for target in (Target(UPLOAD.marker_container, UPLOAD.marker), Target(UPLOAD.container, UPLOAD.intent)):
        backend.head_newest(target)
    Markers(backend, 'bucket').page('', '', None)

    assert [PATH + '/' + UPLOAD.marker, '/v1/AUTH_a/bucket_segments/' + UPLOAD.intent, PATH] == [
        seen.path for seen in swift.seen]
    assert ['true', None, 'true'] == [seen.headers.get('X-Backend-Allow-Reserved-Names') for seen in swift.seen]


@pytest.mark.parametrize('all_apart, note', [(True, '0000000000.00000'), (False, None)])
def test_it_is_created_with_the_policy_of_the_bucket(all_apart, note):
    """And with a note, if no marker can lie among the parts."""
    swift = RecordingSwift()

    assert markers_of(swift).create(int(POLICIES.default), all_apart)
    assert (PATH, POLICIES.default.name, note) == (
        swift.last.path, swift.last.headers['X-Storage-Policy'], swift.last.headers.get(NOTE))
    assert not markers_of(RecordingSwift(PUT=409)).create(int(POLICIES.default), all_apart)


@pytest.mark.parametrize('status, gone', [(204, True), (404, True), (409, False)])
def test_it_is_deleted_if_it_is_empty(status, gone):
    """What depends on it may go only with it."""
    assert gone is markers_of(RecordingSwift(DELETE=status)).delete()


@pytest.mark.parametrize('note, since', [('0000000000.00000', 0), ('1790000000.00000', 1790000000), (None, None)])
def test_the_note_comes_with_the_listing(note, since):
    """It costs no request."""
    swift = RecordingSwift(GET=listing(note))
    page = markers_of(swift).page('\0a', '', 7)

    assert since == (page.all_apart_since and float(page.all_apart_since))
    assert [UPLOAD.marker] == [row['name'] for row in page.page.rows]
    assert 1 == len(swift.seen)


@pytest.mark.parametrize('noted, all_apart, written', [
    (None, True, '1790000000.00000'), (None, False, None), ('1789000000.00000', True, None),
    ('0000000000.00000', False, ''), ('1789000000.00000', False, '')])
def test_what_a_sweep_has_found_is_noted(noted, all_apart, written):
    """A time that is noted stays until a marker is found; then the note is taken back."""
    swift = RecordingSwift(GET=listing(noted))
    markers_of(swift).note_all_apart(all_apart, NOW)

    assert [written] * (written is not None) == [
        seen.headers.get(NOTE, '') for seen in swift.seen if seen.method == 'POST']


@pytest.mark.parametrize('row', [
    {'name': UPLOAD.marker, 'content_type': 'application/x-s3multi-marker;state=aborted'},
    {'name': UPLOAD.marker, 'content_type': None}, {'name': UPLOAD.marker},
    {'name': 'x', 'content_type': 'application/x-s3multi-marker;state=open'}])
def test_rows_of_no_open_upload(row):
    """Whatever is in them."""
    assert open_upload_of(row) is None


def test_the_row_of_an_open_upload():
    """It tells all that the list shows."""
    kind = 'application/x-s3multi-marker;state=open;initiator=u;checksum=sha1;checksum-type=COMPOSITE'
    found = open_upload_of({
        'name': UPLOAD.marker, 'last_modified': '2026-09-21T14:13:20.000000', 'content_type': kind})

    assert (UPLOAD.key, UPLOAD.id, '2026-09-21T14:13:20.000000', 'u', 'sha1') == (
        found.key, found.id, found.initiated, found.initiator, found.checksum.algorithm)
