# SPDX-License-Identifier: Apache-2.0
"""The body of Complete: which documents are taken, and that a hostile one is refused with its own error, never a 5xx.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""

from __future__ import annotations

import threading

import pytest

from .raw import NAMESPACE, complete_body
from .uploads import Upload, read

URI = NAMESPACE[1:-1]
BODY_LIMIT_BYTES = 4 * 1024 * 1024
MALFORMED = (400, 'MalformedXML')


@pytest.fixture(scope='module')
def shared(tiny, s3):
    """An open upload with one part, for bodies that are refused. None of them may end it."""
    s3.create_bucket(Bucket='hostile-documents')
    upload = Upload(tiny, 'hostile-documents').parts(b'body')
    yield upload
    assert 200 == upload.complete().status


def document(etag, *, root='CompleteMultipartUpload', namespace=f' xmlns="{URI}"', parts=None, before='', after=''):
    """Return the body of a Complete of one part; any piece of it may be given otherwise."""
    if parts is None:
        parts = f'<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>'
    return f'{before}<{root}{namespace}>{parts}</{root}>{after}'.encode()


def one(number='1', etag='"0"', extra='', tag='Part'):
    return f'<{tag}><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{extra}</{tag}>'


# What is taken

@pytest.mark.parametrize('make', [
    document,
    lambda etag: document(etag, namespace=''),
    lambda etag: document(etag, namespace=' xmlns="https://s3.amazonaws.com/doc/2006-03-01"'),
    lambda etag: document(etag, root='CompletedMultipartUpload'),
    lambda etag: document(etag, root='MultipartUpload', namespace=''),
    lambda etag: document(etag, parts=one(etag=etag, extra='<ChecksumCRC32/><ChecksumSHA1></ChecksumSHA1>')),
    lambda etag: document(etag, before='<?xml version="1.0" encoding="UTF-8"?>\n'),
    lambda etag: document(etag, before='<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'),
    lambda etag: b'\xef\xbb\xbf' + document(etag),
    lambda etag: document(etag).decode().encode('utf-16'),
    lambda etag: document(etag, before='<?xml version="1.0" encoding="UTF-16"?>').decode().encode('utf-16'),
    lambda etag: document(etag, before='<?xml version="1.0" encoding="ISO-8859-1"?>'),
    lambda etag: document(etag, before='<!-- a comment -->', after='<!-- another -->\n'),
    lambda etag: document(etag, parts='<!-- 1 -->' + one(etag=etag) + '<!-- 2 -->'),
    lambda etag: document(etag, parts=one(etag='<!-- in between -->' + etag)),
    lambda etag: document(etag, before='<?process me?>', parts='<?and me?>' + one(etag=etag)),
    lambda etag: document(etag, parts=f'\n <Part>\n  <ETag>{etag}</ETag>\n  <PartNumber>1</PartNumber>\n </Part>\n'),
    lambda etag: document(etag, parts=one(number=' 1\n', etag=f'\t{etag} ')),
    lambda etag: document(etag, parts=one(number='0001', etag=etag)),
    lambda etag: document(etag, parts=one(etag=f'<![CDATA[{etag}]]>')),
    lambda etag: document(etag, parts=one(number='&#49;', etag=etag.replace('"', '&#x22;'))),
    lambda etag: document(etag, parts=one(etag=etag).replace('<Part>', '<Part mode="any">')),
    lambda etag: f'<s3:CompleteMultipartUpload xmlns:s3="{URI}"><s3:Part><s3:PartNumber>1</s3:PartNumber>'
                 f'<s3:ETag>{etag}</s3:ETag></s3:Part></s3:CompleteMultipartUpload>'.encode(),
    lambda etag: document(etag, after=' ' * 100000),
], ids=['plain', 'no namespace', 'https namespace', 'completed', 'root of the model', 'empty checksums', 'declaration',
        'standalone', 'byte order mark', 'UTF-16', 'UTF-16 declared', 'Latin 1', 'comments around', 'comments inside',
        'comment in a value', 'processing instructions', 'indented, ETag first', 'blanks around values',
        'leading zeros', 'CDATA', 'character references', 'attributes', 'namespace prefix',
        'blanks after'])
def test_document_that_is_taken(tiny, bucket, make):
    """Any well-formed list counts, under all names that clients have given it, whatever XML allows around it."""
    upload = Upload(tiny, bucket).parts(b'body')

    answer = upload.complete(make(upload.etags[1]))

    assert 200 == answer.outcome
    assert b'body' == read(tiny, bucket, 'key').body


def test_body_without_a_content_length(tiny, bucket):
    """The body may come chunked, in pieces of any size."""
    upload = Upload(tiny, bucket).parts(b'body')
    body = complete_body(upload.listed)

    answer = tiny.request('POST', bucket, 'key', {'uploadId': upload.id}, payload='unsigned',
                          body=(body[place:place + 7] for place in range(0, len(body), 7)))

    assert 200 == answer.outcome


# What is refused

LAUGHS = ''.join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
REFUSED = {
    'empty': b'',
    'blanks': b'  \n ',
    'no XML': b'{"Parts": [{"PartNumber": 1}]}',
    'a form': b'uploadId=1&PartNumber=1',
    'cut off': document('"0"')[:-5],
    'cut off after the part': b'<CompleteMultipartUpload>' + one().encode(),
    'two roots': document('"0"') * 2,
    'text after the root': document('"0"', after='and more'),
    'text before the root': document('"0"', before='and more'),
    'text between parts': document('"0"', parts='text' + one()),
    'text in a part': document('"0"', parts=one(extra='text')),
    'declaration not first': document('"0"', before='\n<?xml version="1.0"?>'),
    'wrong root': document('"0"', root='CompleteMultipartUploads'),
    'root of the answer': document('"0"', root='CompleteMultipartUploadResult'),
    'root in other letters': document('"0"', root='completemultipartupload'),
    'wrong namespace': document('"0"', namespace=' xmlns="http://example.com/"'),
    'namespace of another scheme': document('"0"', namespace=' xmlns="s3://s3.amazonaws.com/doc/2006-03-01/"'),
    'part in another namespace': document('"0"', parts=one().replace('<Part>', '<Part xmlns="http://example.com/">')),
    'no part': document('"0"', parts=''),
    'part without children': document('"0"', parts='<Part/>'),
    'part without a number': document('"0"', parts='<Part><ETag>"0"</ETag></Part>'),
    'part without an ETag': document('"0"', parts='<Part><PartNumber>1</PartNumber></Part>'),
    'part with a checksum for an ETag': document(
        '"0"', parts='<Part><PartNumber>1</PartNumber><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>'),
    'part with two numbers': document('"0"', parts=one(extra='<PartNumber>1</PartNumber>')),
    'part with two ETags': document('"0"', parts=one(extra='<ETag>"0"</ETag>')),
    'unknown element in a part': document('"0"', parts=one(extra='<Size>4</Size>')),
    'unknown element beside parts': document('"0"', parts=one() + '<Quiet>true</Quiet>'),
    'part in other letters': document('"0"', parts=one(tag='part')),
    'part in a part': document('"0"', parts='<Part>' + one() + '</Part>'),
    'element in a number': document('"0"', parts=one(number='<b>1</b>')),
    'element in an ETag': document('"0"', parts=one(etag='<b>0</b>')),
    'list in a list': document('"0"', parts='<CompleteMultipartUpload>' + one() + '</CompleteMultipartUpload>'),
    'number empty': document('"0"', parts=one(number='')),
    'number a word': document('"0"', parts=one(number='one')),
    'number with a fraction': document('"0"', parts=one(number='1.0')),
    'number with an exponent': document('"0"', parts=one(number='1e0')),
    'number in hex': document('"0"', parts=one(number='0x1')),
    'number with a blank inside': document('"0"', parts=one(number='1 1')),
    'number with an underscore': document('"0"', parts=one(number='1_0')),
    'number in other digits': document('"0"', parts=one(number='\u0661')),
    'number without end': document('"0"', parts=one(number='1' * 100000)),
    'document type': document('"0"', before='<!DOCTYPE CompleteMultipartUpload>'),
    'document type with an entity': document('"0"', before='<!DOCTYPE x [<!ENTITY e "1">]>', parts=one(number='&e;')),
    'external document type': document('"0"', before='<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
    'external entity': document('"0"', before='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
                                parts=one(etag='&e;')),
    'external entity over the network': document(
        '"0"', before='<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:9/e">]>', parts=one(etag='&e;')),
    'parameter entity': document('"0"', before='<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>'),
    'entities of entities': document('"0"', before=f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>', parts=one(etag='&l9;')),
    'one entity very often': document('"0"', before=f'<!DOCTYPE x [<!ENTITY l "{"ha" * 50000}">]>',
                                      parts=one(etag='&l;' * 50000)),
    'entity that is not declared': document('"0"', parts=one(etag='&nbsp;')),
    'nested deeply': b'<CompleteMultipartUpload>' + b'<Part>' * 100000 + b'</Part>' * 100000,
    'nested deeply, unknown': b'<a>' * 500000,
    'attributes without end': document('"0"', namespace=''.join(
        f' a{number}="1"' for number in range(100000)), parts=''),
    'name without end': document('"0"', root='x' * 1000000),
    'comment without end': document('"0"', before='<!--' + '-x' * 1000000),
    'broken UTF-8': document('"0"', parts=one(etag='#')).replace(b'#', b'\xff\xfe\xc3'),
    'encoding that is a lie': document('"0"', before='<?xml version="1.0" encoding="UTF-16"?>'),
    'encoding that nobody knows': document('"0"', before='<?xml version="1.0" encoding="EBCDIC-7"?>'),
    'UTF-16 cut in the middle': document('"0"').decode().encode('utf-16')[:-3],
    'NUL': document('"0"', parts=one(etag='#')).replace(b'#', b'\0'),
    'NUL alone': b'\0' * 1000,
    'NUL as a reference': document('"0"', parts=one(etag='&#0;')),
    'character XML forbids': document('"0"', parts=one(etag='\x01')),
    '10,001 parts': document('"0"', parts=''.join(one(number=number) for number in range(1, 10002))),
    'empty parts without end': document('"0"', parts='<Part/>' * 500000),
    'blanks of 4 MB': b' ' * BODY_LIMIT_BYTES,
    'root and blanks of 4 MB': (b'<CompleteMultipartUpload>' + b'\n' * BODY_LIMIT_BYTES)[:BODY_LIMIT_BYTES],
}


@pytest.mark.parametrize('body', REFUSED.values(), ids=REFUSED)
def test_document_that_is_refused(shared, body):
    """Whatever is no list of one to 10,000 parts with a number and an ETag each is MalformedXML."""
    assert MALFORMED == shared.complete(body).outcome


@pytest.mark.parametrize('extra, outcome', [
    ('<ChecksumCRC32>AAAAAA==</ChecksumCRC32><ChecksumSHA1>x</ChecksumSHA1>', (400, 'InvalidArgument')),
    ('<ChecksumCRC32>AAAAAA==</ChecksumCRC32><ChecksumCRC32>AAAAAA==</ChecksumCRC32>', MALFORMED),
    ('<Checksum>AAAAAA==</Checksum>', MALFORMED),
    ('<ChecksumMD4>AAAAAA==</ChecksumMD4>', MALFORMED),
    ('<ChecksumCRC32>x</ChecksumCRC32>', (400, 'InvalidArgument')),
], ids=['two algorithms', 'twice', 'no algorithm', 'unknown algorithm', 'no base64'])
def test_part_with_checksums_that_cannot_be(shared, extra, outcome):
    """A part carries at most one checksum element, of an algorithm of S3, in base64."""
    body = document('"0"', parts=one(etag=shared.etags[1], extra=extra))

    assert outcome == shared.complete(body).outcome


def test_largest_list(tiny, bucket):
    """A list of 10,000 parts is read to its end: what is answered is about its first part that is missing."""
    upload = Upload(tiny, bucket).parts(b'body')
    listed = [(1, upload.etags[1])] + [(number, '"%032x"' % number) for number in range(2, 10001)]

    answer = upload.complete(listed)

    assert ((400, 'InvalidPart'), '2') == (answer.outcome, answer.error['PartNumber'])


# The size of the body

def test_body_of_the_largest_size(tiny, bucket):
    """A body of 4 MiB is read, for a list of 10,000 parts with checksums and indentation can be that long."""
    upload = Upload(tiny, bucket).parts(b'body')

    assert 200 == upload.complete(complete_body(upload.listed).ljust(BODY_LIMIT_BYTES)).status


def test_body_over_the_largest_size(shared):
    """A longer body is MaxMessageLengthExceeded, with the limit."""
    answer = shared.complete(complete_body(shared.listed).ljust(BODY_LIMIT_BYTES + 1))

    assert (400, 'MaxMessageLengthExceeded') == answer.outcome
    assert str(BODY_LIMIT_BYTES) == answer.error['MaxMessageLengthBytes']


def test_announced_body_over_the_largest_size_is_not_read(shared):
    """A Content-Length over the limit is refused before the body is there."""
    answer = shared.client.request(
        'POST', shared.bucket, 'key', {'uploadId': shared.id}, {'Content-Length': str(10 ** 12)}, None,
        payload='unsigned')

    assert (400, 'MaxMessageLengthExceeded') == answer.outcome


def test_chunked_body_over_the_largest_size(shared):
    """Without a Content-Length, reading ends at the limit."""
    pieces = (b' ' * 65536 for _ in range(2 * BODY_LIMIT_BYTES // 65536))

    answer = shared.client.request('POST', shared.bucket, 'key', {'uploadId': shared.id}, body=pieces,
                                   payload='unsigned')

    assert (400, 'MaxMessageLengthExceeded') == answer.outcome


@pytest.mark.parametrize('payload', ['unsigned', '0' * 64], ids=['unsigned', 'signed'])
def test_body_that_ends_early(shared, payload):
    """A body shorter than its Content-Length is IncompleteBody."""
    body = complete_body(shared.listed)

    answer = shared.client.request(
        'POST', shared.bucket, 'key', {'uploadId': shared.id}, {'Content-Length': str(len(body) + 10)}, [body],
        payload=payload, hang_up=True)

    assert (400, 'IncompleteBody') == answer.outcome


def test_hostile_documents_together(shared):
    """Several hostile documents at once do not keep the proxy from answering others."""
    answers = {}

    def send(name):
        answers[name] = shared.complete(REFUSED[name]).outcome

    threads = [threading.Thread(target=send, args=(name,)) for name in (
        'entities of entities', 'one entity very often', 'nested deeply', '10,001 parts')]
    for thread in threads:
        thread.start()
    listed = shared.list_parts().status
    for thread in threads:
        thread.join()

    assert 200 == listed
    assert {MALFORMED} == set(answers.values())
