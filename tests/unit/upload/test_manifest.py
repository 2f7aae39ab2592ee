# SPDX-License-Identifier: Apache-2.0
"""The manifest as SLO takes and stores it, the headers of the object, and what SLO's refusals mean."""
import dataclasses
import hashlib
import json
from urllib.parse import quote

import pytest

from s3multi.s3.checksums import COMPOSITE, Checksum, ObjectChecksum, ObjectDigests, stored_checksum
from s3multi.s3.parts import Attempt
from s3multi.upload import manifest
from s3multi.upload.names import Upload

ETAG = 'b30cd09b6c3eb4479a7c721f1a044234-3'
DIGESTS = ObjectDigests(ETAG)
UPLOAD = Upload('AUTH_a', 'bucket', 'a/\u00e9 "%2F\n', 'i' * 21)
PARTS = [Attempt(number, UPLOAD.part(number, 'x' * 11), 0, letter * 32, size)
         for number, letter, size in ((2, 'a', 7), (5, 'b', 10), (10000, 'c', 0))]


def path(part):
    """Return the path of a part, as a manifest has it."""
    return '/bucket_segments/' + part.name


def slo_errors(*pairs):
    """Return the body of SLO's refusal. Names are quoted in it, as in SLO's JSON."""
    return json.dumps({'Response Status': '400 Bad Request', 'Response Body': 'Bad Request',
                       'Errors': [[quote(name), problem] for name, problem in pairs]}).encode()


def test_the_manifest_lists_the_parts_in_order():
    """It has path, ETag and size of each, so that SLO can compare them with what it finds.

    https://docs.openstack.org/swift/latest/middleware.html#static-large-objects
    """
    assert [{'path': path(part), 'etag': part.etag, 'size_bytes': part.size} for part in PARTS] == json.loads(
        manifest.request_body(UPLOAD, PARTS))


def test_the_manifest_fits_the_size_that_is_checked_at_start_up():
    """It does with the longest possible names, even if they need escapes in JSON or several bytes in UTF-8."""
    for char in ('k', '\u00e9', '\U0001f600'):
        upload = Upload('AUTH_a', 'b' * 247, char * ((1024 - 41) // len(char.encode())), 'i' * 21)
        part = Attempt(10000, upload.part(10000, 'x' * 11), 0, 'a' * 32, 5 * 1024 ** 3)

        assert len(manifest.request_body(upload, [part] * 100)) <= 100 * manifest.MAX_ENTRY_BYTES


def test_the_manifest_as_slo_stores_it():
    """It has name, size, ETag, type and time of each part. SLO takes the time from a HEAD, which rounds it up to a
    second."""
    parts = [dataclasses.replace(part, began_ticks=began) for part, began in zip(PARTS, (
        179000000000000, 179000000000001, 179000000100000))]

    assert [{'name': path(part), 'bytes': part.size, 'hash': part.etag, 'content_type': 'application/octet-stream',
             'last_modified': modified} for part, modified in zip(parts, (
                 '2026-09-21T14:13:20.000000', '2026-09-21T14:13:21.000000', '2026-09-21T14:13:21.000000'))
            ] == json.loads(manifest.stored(UPLOAD, parts))


def test_headers_of_the_manifest_as_slo_stores_it():
    """They have its own digest, SLO's ETag over the hexadecimal MD5s of the parts, sizes, and both ETags for the
    listing."""
    body = manifest.stored(UPLOAD, PARTS)
    body_md5 = hashlib.md5(body).hexdigest()
    slo_etag = hashlib.md5(b'a' * 32 + b'b' * 32 + b'c' * 32).hexdigest()

    assert {
        'x-object-meta-a': 'b', 'content-type': 'text/plain;swift_bytes=17', 'X-Static-Large-Object': 'True',
        'X-Object-Sysmeta-Slo-Etag': slo_etag, 'X-Object-Sysmeta-Slo-Size': '17', 'Etag': body_md5,
        'X-Object-Sysmeta-S3Api-Etag': ETAG, 'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id,
        'X-Object-Sysmeta-Container-Update-Override-Etag': '%s; s3_etag=%s; slo_etag=%s' % (body_md5, ETAG, slo_etag),
    } == manifest.stored_headers(UPLOAD, PARTS, {'content-type': 'text/plain', 'x-object-meta-a': 'b'}, DIGESTS, body)


def test_how_a_manifest_is_listed():
    """By its MD5, which no other upload, and no other choice of parts, can have."""
    listed = hashlib.md5(manifest.stored(UPLOAD, PARTS)).hexdigest()

    assert manifest.is_listed_as(UPLOAD, PARTS, listed)
    for upload, parts in ((UPLOAD, PARTS[:2]), (UPLOAD, PARTS[::-1]), (UPLOAD, []),
                          (dataclasses.replace(UPLOAD, bucket='other'), PARTS)):
        assert not manifest.is_listed_as(upload, parts, listed)


@pytest.mark.parametrize('found, agreed', [
    pytest.param([('a', 7), ('b', 10), ('c', 0)], True, id='all'),
    pytest.param([('a', 7), None, ('c', 0)], False, id='missing'),
    pytest.param([('a', 7), ('b', 10), ('d', 0)], False, id='other-etag'),
    pytest.param([('a', 7), ('b', 11), ('c', 0)], False, id='other-size'),
    pytest.param([('b', 10), ('a', 7), ('c', 0)], False, id='other-order'),
])
def test_what_slo_found_is_compared_part_by_part(found, agreed):
    """None stands for a part that SLO did not find."""
    segments = [pair and {'hash': pair[0] * 32, 'bytes': pair[1], 'name': 'x'} for pair in found]

    assert agreed is manifest.agrees(segments, PARTS)


def test_headers_of_the_object():
    """They are those of Initiate, and ETag and upload id under s3api's names, so that s3api serves the object."""
    initiation = {'content-type': 'text/plain', 'cache-control': 'no-cache', 'X-Object-Meta-A': 'b'}

    assert {**initiation, 'X-Object-Sysmeta-S3Api-Etag': ETAG, 'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id,
            'X-Object-Sysmeta-Container-Update-Override-Etag': '; s3_etag=' + ETAG} == manifest.object_headers(
                UPLOAD, initiation, DIGESTS)


def test_the_checksum_of_the_object():
    """It is kept beside the ETag, and can be read from there."""
    checksum = ObjectChecksum(Checksum('crc32', 'g1o3Jw==-3'), COMPOSITE, 7)
    headers = manifest.object_headers(UPLOAD, {}, ObjectDigests(ETAG, checksum))

    assert 'X-Object-Sysmeta-S3multi-Checksum' == manifest.CHECKSUM_HEADER
    assert checksum == stored_checksum(headers[manifest.CHECKSUM_HEADER])


@pytest.mark.parametrize('given, stored', [
    pytest.param({}, 'binary/octet-stream', id='none'),
    pytest.param({'content-type': 'text/plain;charset=utf-8'}, 'text/plain;charset=utf-8', id='with-a-parameter'),
    pytest.param({'content-type': 'text/plain;swift_bytes=99'}, 'text/plain', id='size-of-swift'),
    pytest.param({'content-type': 'a/b;c=d;swift_bytes=99'}, 'a/b;c=d', id='size-of-swift-after-a-parameter'),
    pytest.param({'content-type': 'a/b ; c = "d" '}, 'a/b ; c = "d" ', id='odd-but-the-clients'),
])
def test_the_content_type_of_the_object(given, stored):
    """An object without a type gets binary/octet-stream, as on Amazon S3. SLO keeps its size there as ``swift_bytes``.
    """
    assert stored == manifest.object_headers(UPLOAD, given, DIGESTS)['content-type']


def test_what_initiate_was_told_is_not_changed():
    """A repeated Complete reads the same values again."""
    initiation = {'content-type': 'text/plain;swift_bytes=99'}
    manifest.object_headers(UPLOAD, initiation, DIGESTS)

    assert {'content-type': 'text/plain;swift_bytes=99'} == initiation


@pytest.mark.parametrize('problem', ['404 Not Found', 'Etag Mismatch', 'Size Mismatch'])
def test_a_part_that_slo_does_not_find(problem):
    """The answer is InvalidPart with the part's number. The list was right, so the ETag is the one that was listed."""
    error = manifest.refusal(UPLOAD, PARTS, slo_errors((path(PARTS[1]), problem)))

    assert ('InvalidPart', {'UploadId': UPLOAD.id, 'PartNumber': '5', 'ETag': 'b' * 32}) == (error.code, error.fields)


def test_the_first_part_of_the_list_is_named():
    """SLO asks for several parts at once, and reports in any order."""
    answer = slo_errors(*((path(part), '404 Not Found') for part in reversed(PARTS)))

    assert '2' == manifest.refusal(UPLOAD, PARTS, answer).fields['PartNumber']


@pytest.mark.parametrize('answer', [
    pytest.param(slo_errors((path(PARTS[0]), '503 Service Unavailable')), id='swift-has-trouble'),
    pytest.param(slo_errors((path(PARTS[0]), '401 Unauthorized')), id='not-allowed'),
    pytest.param(slo_errors(('/bucket_segments/other', '404 Not Found')), id='something-else-is-missing'),
    pytest.param(slo_errors(), id='no-problem'),
    pytest.param(b'', id='empty'),
    pytest.param(b'Errors:\n/a, 404 Not Found\n', id='no-json'),
    pytest.param(b'[]', id='a-list'),
    pytest.param(b'{}', id='no-errors'),
    pytest.param(b'{"Errors": null}', id='null'),
    pytest.param(b'{"Errors": [1]}', id='numbers'),
    pytest.param(b'{"Errors": [["a"]]}', id='no-pairs'),
    pytest.param(b'{"Errors": [[1, 2]]}', id='pairs-of-numbers'),
    pytest.param(b'\xff', id='no-text'),
])
def test_other_refusals_are_to_be_repeated(answer):
    """A part for which SLO could not ask need not be missing: the answer is 503, and nothing has changed."""
    assert 'ServiceUnavailable' == manifest.refusal(UPLOAD, PARTS, answer).code
