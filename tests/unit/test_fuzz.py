# SPDX-License-Identifier: Apache-2.0
"""Whatever a client sends, the answer is a success or an S3 error, and never shows a defect of s3multi."""
import re

from hypothesis import given
from hypothesis import strategies as st

from s3multi.s3.bucket_lifecycle import Form, Lifecycle, Rule, lifecycle_document, read_lifecycle
from s3multi.s3.documents import read_complete
from s3multi.s3.errors import S3Error
from s3multi.upload.abort_rules import decode, encode
from tests.examples import examples
from tests.unit.fakes import RecordingSwift, handed_on
from tests.unit.filters.test_s3multi import IDS, answer

VALID = ('<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber>'
         '<ETag>"%s"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>'
         % ('0' * 32)).encode()
PIECES = [b'<CompleteMultipartUpload>', b'</CompleteMultipartUpload>', b'<Part>', b'</Part>', b'<PartNumber>', b'1',
          b'</PartNumber>', b'<ETag>', b'"' + b'0' * 32 + b'"', b'</ETag>', b'<!--', b'-->', b'<![CDATA[', b']]>',
          b'<?x', b'?>', b'<!DOCTYPE x [<!ENTITY a "b">]>', b'&a;', b'&#0;', b'&#xD800;', b'&lt;',
          b'<?xml version="1.1"?>',
          b'<?xml version="1.0" encoding="utf-16"?>', b'\xff\xfe', b'\0', b' ', b'xmlns="x"', b'<a:b xmlns:a="c"/>',
          b'<ChecksumSHA1>', b'-1']


LIFECYCLE = lifecycle_document(Lifecycle(tuple(Rule('a%d' % number, 'b/', 7, True, form)
                                               for number, form in enumerate(list(Form)[1:]))))
LIFECYCLE_PIECES = [*re.findall(b'<[^>]+>|[^<>]+', LIFECYCLE),
                    b'<Tag>', b'<Expiration/>', b'<ObjectSizeLessThan>', b'0']


@st.composite
def damaged(draw, valid=VALID, pieces=tuple(PIECES)):
    """Draw a valid document in which some bytes are replaced by others."""
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(valid))] * 2)))
    return valid[:start] + draw(st.one_of(st.binary(max_size=20), st.sampled_from(pieces))) + valid[end:]


documents = st.one_of(st.binary(max_size=300), damaged(), st.lists(st.sampled_from(PIECES), max_size=25).map(b''.join),
                      st.text(max_size=100).map(lambda text: text.encode('utf-16')))


@examples(15)
@given(documents)
def test_any_document(body):
    """The reader returns parts or raises an S3 error."""
    try:
        parts = read_complete(body)
    except S3Error as error:
        assert error.status == 400
    else:
        assert parts and all(isinstance(part.number, int) for part in parts)


@examples(15)
@given(st.one_of(documents, damaged(LIFECYCLE, tuple(PIECES + LIFECYCLE_PIECES))))
def test_any_lifecycle(body):
    """The reader returns rules that are written and read again, or raises an S3 error."""
    try:
        lifecycle = read_lifecycle(body, {})
    except S3Error as error:
        assert error.status in (400, 501)
    else:
        assert lifecycle == read_lifecycle(lifecycle_document(lifecycle), {}) == decode(encode(lifecycle))


names = st.one_of(st.text(max_size=20), st.sampled_from([
    'uploadId', 'uploads', 'partNumber', 'max-parts', 'part-number-marker', 'max-uploads', 'key-marker', 'prefix',
    'upload-id-marker', 'delimiter', 'encoding-type', 'versionId', 'lifecycle']))
any_text = st.text(st.characters(blacklist_categories=()), max_size=30)
values = st.one_of(any_text, st.integers().map(str), st.sampled_from([
    '', '1', '10000', '*', 'url', 'bytes=0-0', 'bytes=-', '/b/k', '/b/k?versionId=', '%', 'COPY', 'AAAAAA==', '"',
    'Sun, 22 Nov 2026 00:00:00 GMT']))
headers = st.one_of(st.text('abcdefghijklmnopqrstuvwxyz-', max_size=20), st.sampled_from([
    'x-amz-copy-source', 'x-amz-copy-source-range', 'x-amz-copy-source-if-match', 'content-type',
    'x-amz-copy-source-if-modified-since', 'x-amz-mp-object-size', 'x-amz-meta-x', 'x-amz-acl', 'expires', 'if-match',
    'if-none-match', 'x-amz-checksum-algorithm', 'x-amz-checksum-type', 'x-amz-checksum-crc32', 'content-encoding']))


def swift():
    """Return a Swift that has the bucket, every marker, an object for every copy, and no parts."""
    marker = ['application/x-s3multi-marker;state=open']

    def found(seen):
        if seen.path.count('/') < 4:
            return 204
        if seen.path.endswith('/complete'):
            return 404
        return 200, {'Content-Type': marker[-1], 'Content-Length': '0',
                     'Etag': 'd41d8cd98f00b204e9800998ecf8427e', 'X-Timestamp': '1700000000.00000'}, b''

    def read(seen):
        return (200, {}, b'[]') if seen.path.count('/') < 4 else found(seen)

    def write(seen):
        if 'x-s3multi-marker' in seen.env.get('CONTENT_TYPE', ''):
            marker.append(seen.env['CONTENT_TYPE'])
        return 201, {'Etag': 'd41d8cd98f00b204e9800998ecf8427e'}, b''

    return RecordingSwift(HEAD=found, GET=read, POST=204, PUT=write)


@examples(6)
@given(method=st.sampled_from(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH']), key=st.none() | st.text(max_size=20),
       params=st.dictionaries(names, values, max_size=5), sent=st.dictionaries(headers, values, max_size=5),
       own=st.booleans(), body=documents)
def test_any_request(method, key, params, sent, own, body):
    """Whatever query and headers say, the filter s3multi answers as S3 does."""
    if own:
        params = {**params, 'uploadId': IDS.new('AUTH_a', 'bucket', key or '', 170000000000000)}
    path = '/v1/AUTH_a/bucket' + ('' if key is None else '/' + key)
    env = handed_on(method, path.encode('utf-8', 'surrogatepass').decode('latin-1'), params, sent, body=body)
    line, document = answer(swift(), env)
    status = int(line.split()[0])

    assert status < 500 or status == 501, document
    assert status < 400 or method == 'HEAD' or re.search(b'<Code>[A-Za-z]+</Code>', document)
