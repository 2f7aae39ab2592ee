# SPDX-License-Identifier: Apache-2.0
"""GetObjectAttributes: which parts a page shows, and what is answered if the object changes between two requests."""
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.operations import get_attributes
from s3multi.s3.attributes import ShownPart, Wanted, parts_node
from s3multi.s3.checksums import Checksum
from s3multi.s3.errors import S3Error, ServiceUnavailable
from tests.unit.fakes import IDS, RecordingSwift, handed_on, asked

NAMES = {'x-amz-object-attributes': 'ObjectParts'}


def wanted(max_parts, after):
    """Return what a request for one page of parts asks for."""
    return Wanted.parse({**NAMES, 'x-amz-max-parts': str(max_parts), 'x-amz-part-number-marker': str(after)})


@given(st.integers(0, 3000), st.integers(1, 1500))
def test_pages_show_every_part_once(total, max_parts):
    """Parts come in order, up to 1000 on a page, and each page begins where the one before says."""
    seen, after, truncated = [], 0, True
    while truncated:
        page = wanted(max_parts, after).page(total)
        assert len(page) <= 1000
        shown = [ShownPart(number, 1, None) for number in page]
        told = dict(pair for pair in parts_node(wanted(max_parts, after), total, shown)[1] if pair[0] != 'Part')
        seen += page
        after, truncated = int(told['NextPartNumberMarker']), told['IsTruncated'] == 'true'

    assert list(range(1, total + 1)) == seen


def test_a_part_whose_checksum_nobody_knows():
    """It is shown with its size alone."""
    shown = [ShownPart(1, 7, Checksum('crc32', '3ldvBQ==')), ShownPart(2, 10, None)]

    assert [('Part', [('PartNumber', '1'), ('Size', '7'), ('ChecksumCRC32', '3ldvBQ==')]),
            ('Part', [('PartNumber', '2'), ('Size', '10')])] == parts_node(wanted(2, 0), 2, shown)[1][-2:]


def swift_of(etag='a', status=200, **head):
    """Return a Swift with a large object, and a manifest with this ETag."""
    upload_id = IDS.new('AUTH_a', 'bucket', 'key', 1790000000 * 100000)
    headers = {'X-Static-Large-Object': 'True', 'X-Manifest-Etag': 'a', 'Etag': '"slo"', 'Content-Length': '17',
               'Last-Modified': 'Sun, 22 Nov 2026 22:00:00 GMT', 'X-Object-Sysmeta-S3Api-Upload-Id': upload_id, **head}
    return RecordingSwift(HEAD=(200, headers, b''), GET=(status, {'Etag': etag}, json.dumps(
        [{'name': '/segments/a', 'bytes': 17}, {'data': 'eA=='}]).encode()))


def answer_of(swift):
    """Return the document that answers a request for the parts."""
    return get_attributes.run(*asked(swift, handed_on('GET', params={'attributes': ''}, headers=NAMES))).body


def test_entries_of_any_manifest_are_counted():
    """Segments count, and so do bytes that stand in the manifest itself."""
    assert b'<PartsCount>2</PartsCount></ObjectParts>' in answer_of(swift_of())


@pytest.mark.parametrize('swift', [swift_of(etag='b'), swift_of(status=404), swift_of(status=503)],
                         ids=['another', 'gone', 'trouble'])
def test_an_object_that_is_replaced_between_two_looks(swift):
    """The answer is 503, so that the client repeats: it must not mix the size of one object with the parts of another.
    """
    with pytest.raises(ServiceUnavailable):
        answer_of(swift)
    assert 0 == swift.unclosed


def test_checksums_that_name_an_upload_of_another_key():
    """No listing is read: the parts belong to the object of another key."""
    swift = swift_of(**{'X-Object-Sysmeta-S3multi-Checksum': 'COMPOSITE crc32 S6uctQ==-3 7',
                        'X-Object-Sysmeta-S3Api-Upload-Id': IDS.new('AUTH_a', 'bucket', 'other', 1)})

    assert b'<PartsCount>2</PartsCount></ObjectParts>' in answer_of(swift)
    assert ['/v1/AUTH_a/bucket/key'] * 2 == [seen.path for seen in swift.seen]


@pytest.mark.parametrize('status, code', [(401, 'AccessDenied'), (403, 'AccessDenied'), (404, 'NoSuchKey'),
                                          (400, 'InvalidRequest'), (503, 'ServiceUnavailable'), (429, 'SlowDown'),
                                          (412, 'PreconditionFailed')])
def test_refusals_of_swift(status, code):
    """Each status of Swift becomes an S3 error."""
    with pytest.raises(S3Error) as raised:
        answer_of(RecordingSwift(HEAD=status))
    assert code == raised.value.code
