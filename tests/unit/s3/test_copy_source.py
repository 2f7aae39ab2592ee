# SPDX-License-Identifier: Apache-2.0
"""The source of an Upload Part Copy: its name, its range and its conditions.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
"""
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.s3.copy_source import CopySource, SourceState, check_conditions, check_range, parse_range, parse_source
from s3multi.s3.errors import S3Error
from tests.cases import for_each

MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
GIB = 1024 ** 3
# 2026-09-21T14:13:20Z
MODIFIED = 1790000000
NOW = MODIFIED + 3600


def refused(call, *args):
    """Return code and elements of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code, raised.value.fields


def date(seconds):
    """Return a time as the HTTP-date that clients send."""
    return time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(seconds))


# Where it is

@pytest.mark.parametrize('text, bucket, key, version', [
    pytest.param('bucket/key', 'bucket', 'key', None, id='plain'),
    pytest.param('/bucket/key', 'bucket', 'key', None, id='slash-in-front'),
    pytest.param('bucket/a/b//c/', 'bucket', 'a/b//c/', None, id='slashes-in-the-key'),
    pytest.param('bucket//key', 'bucket', '/key', None, id='key-begins-with-a-slash'),
    pytest.param('bucket/a%2Fb', 'bucket', 'a/b', None, id='encoded-slash'),
    pytest.param('bucket%2Fkey', 'bucket', 'key', None, id='encoded-slash-after-the-bucket'),
    pytest.param('bucket/a%20b', 'bucket', 'a b', None, id='blank'),
    pytest.param('bucket/a+b', 'bucket', 'a b', None, id='plus-is-a-blank'),
    pytest.param('bucket/a%2Bb+%2bc', 'bucket', 'a+b +c', None, id='encoded-plus'),
    pytest.param('bucket/a%252Fb', 'bucket', 'a%2Fb', None, id='decoded-once'),
    pytest.param('bucket/%C3%A9', 'bucket', '\u00e9', None, id='utf-8'),
    pytest.param('bucket/\u00e9', 'bucket', '\u00e9', None, id='utf-8-not-encoded'),
    pytest.param('bucket/a%0Ab', 'bucket', 'a\nb', None, id='newline'),
    pytest.param('bucket/..', 'bucket', '..', None, id='dots'),
    pytest.param('bucket/key?versionId=1790000000.00000', 'bucket', 'key', '1790000000.00000', id='version'),
    pytest.param('bucket/key?versionId=null', 'bucket', 'key', 'null', id='null-version'),
    pytest.param('bucket/key%3FversionId=1', 'bucket', 'key?versionId=1', None, id='question-mark-in-the-key'),
    pytest.param('bucket/a%3Fb?versionId=null', 'bucket', 'a?b', 'null', id='question-mark-and-version'),
    pytest.param('bucket/key?versionId=17%390000000.00000', 'bucket', 'key', '1790000000.00000', id='decoded-version'),
    pytest.param('bucket/key?versionId=1790000000.00000_00000000000000ab', 'bucket', 'key',
                 '1790000000.00000_00000000000000ab', id='version-with-an-offset'),
])
def test_sources(text, bucket, key, version):
    """Bucket, key and the version id behind an optional literal ?versionId= are percent-decoded exactly once."""
    assert CopySource(bucket, key, version) == parse_source(text)


@given(st.text(st.characters(blacklist_characters='\0', blacklist_categories=('Cs',)), min_size=1))
def test_every_key_can_be_a_source(key):
    """Every key is read back as botocore encodes it, with unreserved characters, slash and tilde as they are."""
    assert CopySource('bucket', key, None) == parse_source('bucket/' + quote(key, safe='/~'))


def test_what_is_no_source():
    """Any other text is InvalidArgument, which names the header and its value."""
    def check(text):
        assert ('InvalidArgument', {'ArgumentName': 'x-amz-copy-source', 'ArgumentValue': text}) == refused(
            parse_source, text)

    for_each([
        '', '/', '//', 'bucket', 'bucket/', '/bucket', '/bucket/', '//bucket/key', 'bucket/%ZZ', 'bucket/%',
        'bucket/%4', 'bucket/%C3', 'bucket/%FF', 'bucket/a%00b', 'buc%00ket/key', '?versionId=1', 'bucket/?versionId=1',
        'bucket/key?', 'bucket/key?versionId', 'bucket/key?versionId=', 'bucket/key?versionid=1',
        'bucket/key?uploadId=1', 'bucket/key?=1', 'bucket/key?versionId=%ZZ', 'bucket/\udcff', '\udcff',
        'bucket/key?versionId=nonsense', 'bucket/key?versionId=1', 'bucket/key?versionId=17%2539%30000000.00000',
        'bucket/key?versionId=null%26multipart-manifest%3Dget', 'bucket/key?versionId=null&multipart-manifest=get',
        'bucket/key?versionId=1790000000.00000&versionId=null', 'bucket/key?versionId=1790000000.00000%0A',
    ], check)


@given(st.lists(st.sampled_from(['/', 'a', '0', '%', '%2F', '%C3', '?', 'versionId', '=', '+', '\0', '\u00e9',
                                 '\udcff']), max_size=8).map(''.join))
def test_no_source_is_an_error_of_ours(text):
    """Whatever a client writes into the header, it is a source or InvalidArgument."""
    try:
        source = parse_source(text)
    except S3Error as error:
        assert 'InvalidArgument' == error.code
    else:
        assert source.bucket and source.key and source.version_id != ''


# Which bytes

@pytest.mark.parametrize('text, expected', [
    pytest.param(None, None, id='none'),
    pytest.param('bytes=0-0', (0, 0), id='first-byte'),
    pytest.param('bytes=0-9', (0, 9), id='first-ten'),
    pytest.param('bytes=5-10', (5, 10), id='middle'),
    pytest.param('bytes=00-09', (0, 9), id='leading-zeros'),
    pytest.param('bytes=0-5497558138879', (0, 5497558138879), id='five-tebibytes'),
])
def test_ranges(text, expected):
    """A range is exactly bytes=first-last, counted from zero, with both bytes included."""
    assert expected == parse_range({} if text is None else {'x-amz-copy-source-range': text})


def test_what_is_no_range():
    """Any other form is InvalidArgument, which names header and value; else other bytes might be copied."""
    def check(text):
        assert ('InvalidArgument', {'ArgumentName': 'x-amz-copy-source-range', 'ArgumentValue': text}) == refused(
            parse_range, {'x-amz-copy-source-range': text})

    for_each([
        '', '0-2', 'bytes=0', 'bytes=5-', 'bytes=-5', 'bytes=a-b', 'bytes=0-2,3-5', 'bytes=2-1', 'bytes 0-2',
        'bytes=0 -2', ' bytes=0-2', 'bytes=0-2 ', 'bytes=0-2\n', 'Bytes=0-2', 'bytes=+0-2', 'bytes=0--2',
        'bytes=0x0-0x2', 'bytes=0-2.0', 'bytes=\u0660-\u0662', 'bytes=0-' + '9' * 5000, '\udcff',
    ], check)


@pytest.mark.parametrize('byte_range, size, length', [
    pytest.param(None, 0, 0, id='empty-source'),
    pytest.param(None, 5 * GIB, 5 * GIB, id='largest-source'),
    pytest.param((0, 0), 1, 1, id='its-only-byte'),
    pytest.param((10, 19), 20, 10, id='up-to-its-end'),
    pytest.param((0, 5 * GIB - 1), 9 * GIB, 5 * GIB, id='largest-range'),
    pytest.param((3, 4), 5, 2, id='small-source'),
])
def test_how_much_is_copied(byte_range, size, length):
    """A small source may have a range too, although Amazon S3 demands a source of more than 5 MB for one."""
    assert length == check_range(byte_range, size)


@pytest.mark.parametrize('byte_range, size', [((0, 20), 20), ((20, 20), 20), ((0, 0), 0), ((5, 100), 20)])
def test_a_range_is_not_clamped(byte_range, size):
    """A range that ends behind the source is InvalidArgument, and not cut as in a GET."""
    fields = {'ArgumentName': 'x-amz-copy-source-range', 'ArgumentValue': 'bytes=%d-%d' % byte_range}

    assert ('InvalidArgument', fields) == refused(check_range, byte_range, size)


@pytest.mark.parametrize('byte_range, size', [
    pytest.param(None, 5 * GIB + 1, id='source'),
    pytest.param((0, 5 * GIB), 9 * GIB, id='range'),
])
def test_a_part_has_five_gibibytes(byte_range, size):
    """A copy of more than 5 GiB is InvalidRequest; a larger source needs a range."""
    assert ('InvalidRequest', {}) == refused(check_range, byte_range, size)


# Under which conditions

MATCH, NONE_MATCH = 'x-amz-copy-source-if-match', 'x-amz-copy-source-if-none-match'
UNMODIFIED, MODIFIED_SINCE = 'x-amz-copy-source-if-unmodified-since', 'x-amz-copy-source-if-modified-since'
BEFORE, AT, AFTER, AHEAD = (date(MODIFIED + seconds) for seconds in (-60, 0, 60, 86400))

CONDITIONS = [
    ({}, None, 'none'),
    ({MATCH: MD5}, None, 'match'),
    ({MATCH: '"%s"' % MD5}, None, 'match-quoted'),
    ({MATCH: MD5.upper()}, None, 'match-upper-case'),
    ({MATCH: '*'}, None, 'match-any'),
    ({MATCH: 'other'}, 'If-Match', 'match-differs'),
    ({MATCH: ''}, 'If-Match', 'match-empty'),
    ({MATCH: MD5, UNMODIFIED: BEFORE}, None, 'match-outweighs-unmodified'),
    ({MATCH: 'other', UNMODIFIED: AFTER}, 'If-Match', 'match-differs-though-unmodified'),
    ({UNMODIFIED: AT}, None, 'unmodified-since-its-own-time'),
    ({UNMODIFIED: AFTER}, None, 'unmodified'),
    ({UNMODIFIED: BEFORE}, 'If-Unmodified-Since', 'modified-later'),
    ({UNMODIFIED: 'yesterday'}, None, 'unmodified-no-date'),
    ({NONE_MATCH: 'other'}, None, 'none-match-differs'),
    ({NONE_MATCH: MD5}, 'If-None-Match', 'none-match'),
    ({NONE_MATCH: '"%s"' % MD5}, 'If-None-Match', 'none-match-quoted'),
    ({NONE_MATCH: '*'}, 'If-None-Match', 'none-match-any'),
    ({NONE_MATCH: 'other', MODIFIED_SINCE: AFTER}, None, 'none-match-outweighs-modified'),
    ({NONE_MATCH: MD5, MODIFIED_SINCE: BEFORE}, 'If-None-Match', 'none-match-though-modified'),
    ({MODIFIED_SINCE: BEFORE}, None, 'modified-since'),
    ({MODIFIED_SINCE: AT}, 'If-Modified-Since', 'not-modified-since-its-own-time'),
    ({MODIFIED_SINCE: AFTER}, 'If-Modified-Since', 'not-modified'),
    ({MODIFIED_SINCE: date(NOW)}, 'If-Modified-Since', 'not-modified-until-now'),
    ({MODIFIED_SINCE: AHEAD}, None, 'modified-since-the-future-is-ignored'),
    ({MODIFIED_SINCE: ''}, None, 'modified-no-date'),
    ({MATCH: MD5, NONE_MATCH: 'other'}, None, 'both-groups-hold'),
    ({MATCH: MD5, NONE_MATCH: MD5}, 'If-None-Match', 'second-group-fails'),
    ({MATCH: 'other', NONE_MATCH: MD5}, 'If-Match', 'both-fail-the-first-is-named'),
    ({UNMODIFIED: BEFORE, MODIFIED_SINCE: AFTER}, 'If-Unmodified-Since', 'both-dates-fail'),
    ({'if-match': 'other', 'if-none-match': MD5}, None, 'conditions-on-the-part-are-others'),
]


@pytest.mark.parametrize('headers, condition', [pytest.param(*row[:2], id=row[2]) for row in CONDITIONS])
def test_conditions_on_the_source(headers, condition):
    """A condition that fails is 412, which names it, and never 304.

    An ETag outweighs the date of its group (RFC 9110, section 13.2.2).
    """
    source = SourceState(MD5, MODIFIED, 24)
    if condition is None:
        assert check_conditions(headers, source, NOW) is None
    else:
        assert ('PreconditionFailed', {'Condition': 'x-amz-copy-source-' + condition}) == refused(
            check_conditions, headers, source, NOW)


def test_the_etag_of_a_multipart_source_is_that_of_s3():
    """s3transfer and the AWS CLI send the ETag of HEAD, ``md5-N``, with every part of a multipart copy."""
    source = SourceState(MD5 + '-3', MODIFIED, 24)

    assert check_conditions({MATCH: '"%s-3"' % MD5}, source, NOW) is None
    assert 'PreconditionFailed' == refused(check_conditions, {MATCH: MD5}, source, NOW)[0]


@pytest.mark.parametrize('text', [
    pytest.param('Mon, 21 Sep 2026 13:13:20 GMT', id='imf-fixdate'),
    pytest.param('Monday, 21-Sep-26 13:13:20 GMT', id='rfc-850'),
    pytest.param('Mon Sep 21 13:13:20 2026', id='asctime'),
])
@pytest.mark.parametrize('zone', ['UTC', 'XXX+12', 'XXX-12'])
def test_dates_are_in_universal_time(monkeypatch, text, zone):
    """All three forms of a date are read as UTC, whatever the zone of the server; asctime's form names no zone.

    RFC 9110, section 5.6.7.
    """
    monkeypatch.setenv('TZ', zone)
    time.tzset()
    try:
        assert 'PreconditionFailed' == refused(
            check_conditions, {UNMODIFIED: text}, SourceState(MD5, MODIFIED, 24), NOW)[0]
        assert check_conditions({UNMODIFIED: text}, SourceState(MD5, MODIFIED - 3601, 24), NOW) is None
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.one_of(st.text(max_size=40), st.from_regex(r'\A[A-Z][a-z]{2}, [0-9]{1,3} (Jan|Feb|Dec) [0-9]{1,6} '
                                                     r'[0-9]{1,3}:[0-9]{2}:[0-9]{2} (GMT|[-+][0-9]{4,9})\Z')))
def test_what_is_no_date_is_no_condition(text):
    """Whatever a client writes as a date, the condition holds or is PreconditionFailed."""
    for header in (UNMODIFIED, MODIFIED_SINCE):
        try:
            check_conditions({header: text}, SourceState(MD5, MODIFIED, 24), NOW)
        except S3Error as error:
            assert 'PreconditionFailed' == error.code
