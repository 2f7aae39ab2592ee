# SPDX-License-Identifier: Apache-2.0
"""XML in and out: the list of parts that a client sends, result documents and error documents."""
import re
import resource
import time
import xml.etree.ElementTree as ElementTree

import lxml.etree
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from swift.common.utils import Timestamp

from s3multi.s3 import errors
from s3multi.s3.documents import (DECLARATION, MAX_COMPLETE_BYTES, NAMESPACE, Element, document, error_document,
                                  read_complete, read_tree, s3_time, s3_time_of, s3_time_of_row, url_encode)
from s3multi.s3.errors import S3Error
from s3multi.s3.parts import MAX_PART_NUMBER, PartRef

MD5 = 'c84cabbaebee9a9631c8be234ac64c26'
CRC32 = ('ChecksumCRC32', '3ldvBQ==')
PART = '<Part><PartNumber>1</PartNumber><ETag>a</ETag></Part>'


def complete(inner=PART, declaration='', attributes=' xmlns="%s"' % NAMESPACE):
    """Return the text of a request document."""
    return '%s<CompleteMultipartUpload%s>%s</CompleteMultipartUpload>' % (declaration, attributes, inner)


def part(children):
    """Return the text of a request document with one Part."""
    return complete('<Part>%s</Part>' % children)


def read(text):
    """Return the parts in the body, or code and elements of the error."""
    try:
        return read_complete(text.encode() if isinstance(text, str) else text)
    except S3Error as error:
        return error.code, error.fields


MALFORMED = ('MalformedXML', {})

# Parts, and their elements as a client may order them.
LISTS = [
    ([PartRef(1, MD5, MD5)], [[('PartNumber', '1'), ('ETag', MD5)]], 'bare-etag'),
    ([PartRef(1, MD5, MD5)], [[('PartNumber', '1'), ('ETag', '"%s"' % MD5)]], 'quoted-etag'),
    ([PartRef(1, MD5, MD5.upper())], [[('PartNumber', '1'), ('ETag', MD5.upper())]], 'upper-case-etag'),
    ([PartRef(1, MD5, MD5)], [[('ETag', MD5), ('PartNumber', '1')]], 'etag-first'),
    ([PartRef(1, MD5, MD5, (CRC32,))], [[('ETag', MD5), CRC32, ('PartNumber', '1')]], 'as-botocore-orders-them'),
    ([PartRef(1, MD5, MD5, (('ChecksumXXHASH64', 'AAAAAAAAAAA='),))],
     [[('PartNumber', '1'), ('ETag', MD5), ('ChecksumXXHASH64', 'AAAAAAAAAAA=')]], 'checksum-nobody-here-knows'),
    ([PartRef(1, '', '')], [[('PartNumber', '1'), ('ETag', '')]], 'empty-etag'),
    ([PartRef(1, '', '')], [[('PartNumber', '1'), ('ETag', '""')]], 'empty-quoted-etag'),
    ([PartRef(1, 'a&b<c>"\u00e9', 'A&b<c>"\u00e9')], [[('PartNumber', '1'), ('ETag', 'A&b<c>"\u00e9')]], 'odd-etag'),
    ([PartRef(0, 'a', 'a'), PartRef(-1, 'a', 'a'), PartRef(10001, 'a', 'a')],
     [[('PartNumber', number), ('ETag', 'a')] for number in ('0', '-1', '10001')], 'numbers-are-not-judged-here'),
    ([PartRef(1, 'a', 'a')] * 2, [[('PartNumber', '1'), ('ETag', 'a')]] * 2, 'nor-is-their-order'),
    ([PartRef(7, 'a', 'a')] * 2, [[('PartNumber', number), ('ETag', 'a')] for number in ('0' * 20 + '7', '+7')],
     'other-spellings-of-a-number'),
    ([PartRef(number, 'a', 'a') for number in range(1, MAX_PART_NUMBER + 1)],
     [[('PartNumber', str(number)), ('ETag', 'a')] for number in range(1, MAX_PART_NUMBER + 1)], 'ten-thousand'),
]


@pytest.mark.parametrize('refs, elements', [pytest.param(*row[:2], id=row[2]) for row in LISTS])
def test_lists_of_parts_are_written_and_read(refs, elements):
    """A list is read as it was written, whatever the order of elements in a Part, which varies between SDKs.

    ETags are kept bare and in lower case for comparing, and as they were sent for errors.
    """
    body = document('CompleteMultipartUpload', [('Part', children) for children in elements])

    assert refs == read_complete(body)


# The same list, of part 1 with the ETag "a", in other spellings.
SPELLINGS = [
    (complete(attributes=''), 'no-namespace'),
    *((complete(attributes=' xmlns="%s"' % name), name) for name in (
        'http://s3.amazonaws.com/doc/2006-03-01', 'https://s3.amazonaws.com/doc/2006-03-01/',
        'https://s3.amazonaws.com/doc/2006-03-01')),
    *((complete(attributes=attributes).replace('CompleteMultipartUpload', root), root + attributes)
      for root in ('CompletedMultipartUpload', 'MultipartUpload') for attributes in ('', ' xmlns="%s"' % NAMESPACE)),
    (complete('<Part xmlns="%s"><PartNumber>1</PartNumber><ETag>a</ETag></Part>' % NAMESPACE[:-1]), 'two-namespaces'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag><ChecksumCRC32/>'), 'empty-checksum'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag><ChecksumSHA256> \n </ChecksumSHA256>'), 'blank-checksum'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag>' + ''.join(
        '<Checksum%s></Checksum%s>' % (name, name) for name in (
            'CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256', 'SHA512', 'MD5', 'XXHASH64'))), 'all-checksums-empty'),
    (complete(declaration='<?xml version="1.0" encoding="UTF-8"?>\n'), 'declaration'),
    (complete(declaration='<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'), 'standalone'),
    (complete(declaration='\n  '), 'blanks-in-front'),
    (complete() + '\n\n', 'blanks-behind'),
    (complete('\n  <Part>\n    <PartNumber> 1\n</PartNumber>\n\t<ETag>\n"a"\n</ETag>\n  </Part>\n'), 'indented'),
    ('<s:CompleteMultipartUpload xmlns:s="%s"><s:Part><s:PartNumber>1</s:PartNumber><s:ETag>a</s:ETag></s:Part>'
     '</s:CompleteMultipartUpload>' % NAMESPACE, 'prefixed'),
    (complete('<Part xmlns=""><PartNumber>1</PartNumber><ETag>a</ETag></Part>'), 'namespace-taken-back'),
    (part('<PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag>'), 'entities-of-xml'),
    (part('<PartNumber>&#49;</PartNumber><ETag>&#x61;</ETag>'), 'character-references'),
    (part('<PartNumber>1</PartNumber><ETag><![CDATA["a"]]></ETag>'), 'cdata'),
    (part('<PartNumber>1</PartNumber><!-- one --><ETag>a</ETag><?two?>'), 'comment-and-instruction'),
    (part('<PartNumber>1<!-- one --></PartNumber><ETag><!-- two -->a</ETag>'), 'comment-in-the-text'),
    (part('<PartNumber x="y">1</PartNumber><ETag>a</ETag>'), 'attributes'),
    (complete().encode('utf-16'), 'utf-16'),
    (b'\xef\xbb\xbf' + complete().encode(), 'byte-order-mark'),
    (complete(declaration='<?xml version="1.0" encoding="ISO-8859-1"?>').encode('latin-1'), 'latin-1'),
]


@pytest.mark.parametrize('body', [pytest.param(row[0], id=row[1]) for row in SPELLINGS])
def test_spellings_of_one_list(body):
    """A list may be written in every way that XML allows, and under every name that clients have given it."""
    assert [PartRef(1, 'a', 'a')] == read(body)


BAD = [
    ('', 'empty'),
    ('  \n', 'blank'),
    ('not xml', 'no-xml'),
    (complete()[:-1], 'cut-off'),
    (complete()[:60], 'cut-off-early'),
    (complete() + 'x', 'text-behind'),
    (complete() + complete(), 'two-documents'),
    (complete() + '\0', 'nul-behind'),
    (complete(''), 'no-part'),
    (complete(' '), 'blank-only'),
    *((complete().replace('CompleteMultipartUpload', root), root) for root in (
        'completeMultipartUpload', 'CompleteMultipartUploads', 'Multipartupload', 'Upload')),
    (PART, 'part-as-root'),
    (complete(attributes=' xmlns="http://s3.amazonaws.com/doc/2006-03-01//"'), 'other-namespace'),
    (complete(attributes=' xmlns="ftp://s3.amazonaws.com/doc/2006-03-01/"'), 'namespace-of-another-scheme'),
    (complete(attributes=' xmlns="%s "' % NAMESPACE), 'namespace-and-a-blank'),
    (complete('<Part xmlns="urn:x"><PartNumber>1</PartNumber><ETag>a</ETag></Part>'), 'part-of-other-namespace'),
    (part('<PartNumber>1</PartNumber><ETag xmlns="urn:x">a</ETag>'), 'etag-of-other-namespace'),
    (part('<PartNumber>1</PartNumber><ETag xmlns="}">a</ETag>'), 'namespace-with-a-brace'),
    (part('<ETag>a</ETag>'), 'no-number'),
    (part('<PartNumber>1</PartNumber>'), 'no-etag'),
    (part('<PartNumber>1</PartNumber><ChecksumCRC32>3ldvBQ==</ChecksumCRC32>'), 'no-etag-but-a-checksum'),
    (part(''), 'empty-part'),
    (complete(PART + '<Part/>'), 'empty-part-after-a-good-one'),
    (complete('<Part><ETag>a</ETag></Part><Part><PartNumber>1</PartNumber></Part>'), 'halves-of-a-part'),
    (part('<PartNumber>1</PartNumber><PartNumber>1</PartNumber><ETag>a</ETag>'), 'two-numbers'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag><ETag>a</ETag>'), 'two-etags'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag><Size>1</Size>'), 'unknown-child'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag><Checksum>1</Checksum>'), 'checksum-of-no-algorithm'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag><ChecksumCrc32>1</ChecksumCrc32>'), 'checksum-in-lower-case'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag><ChecksumMD4>1</ChecksumMD4>'), 'checksum-that-s3-has-not'),
    (part('<PartNumber>1</PartNumber><ETag><b>a</b></ETag>'), 'element-in-the-etag'),
    (part(PART), 'part-in-a-part'),
    (complete('<Other/>' + PART), 'other-child'),
    (complete('x' + PART), 'text-between'),
    (part('x<PartNumber>1</PartNumber><ETag>a</ETag>'), 'text-in-the-part'),
    *((part('<PartNumber>%s</PartNumber><ETag>a</ETag>' % number), 'number-' + ascii(number)) for number in (
        '', 'x', '+-1', '1.0', '1e3', '0x1', '1 2', '--1', '-', '1_0', '\u0661', '\uff11', '9' * 11, '9' * 5000,
        '0' * 5000)),
    (part('<PartNumber>1</PartNumber><ETag>&undefined;</ETag>'), 'undefined-entity'),
    (part('<PartNumber>1</PartNumber><ETag>&#xD800;</ETag>'), 'reference-to-a-surrogate'),
    (part('<PartNumber>1</PartNumber><ETag>&#0;</ETag>'), 'reference-to-nul'),
    (part('<PartNumber>1</PartNumber><ETag>\x01</ETag>'), 'control-character'),
    (part('<PartNumber>1</PartNumber><ETag>\0</ETag>'), 'nul'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag>').encode().replace(b'>a<', b'>\xff<'), 'no-utf-8'),
    (part('<PartNumber>1</PartNumber><ETag>a</ETag>').encode().replace(b'>a<', b'>\xed\xa0\x80<'), 'surrogate'),
    (complete(declaration='<?xml version="1.0" encoding="x-none"?>'), 'unknown-encoding'),
    (complete(declaration='<?xml version="1.0" encoding="UTF-16"?>'), 'wrong-encoding'),
    (complete(declaration=' <?xml version="1.0"?>'), 'blank-before-the-declaration'),
    (complete(PART * (MAX_PART_NUMBER + 1)), 'one-part-too-many'),
]


@pytest.mark.parametrize('body', [pytest.param(row[0], id=row[1]) for row in BAD])
def test_what_is_no_list(body):
    """A body that is no XML or another document, or has a Part without one number and one ETag, is MalformedXML."""
    assert MALFORMED == read(body)


def entity_bomb():
    """Return a document type whose last entity expands to 10**9 times the text of the first."""
    entities = ['<!ENTITY e0 "aaaaaaaaaa">']
    entities += ['<!ENTITY e%d "%s">' % (number, '&e%d;' % (number - 1) * 10) for number in range(1, 10)]
    return '<!DOCTYPE CompleteMultipartUpload [%s]>' % ''.join(entities)


ETAG_OF_ENTITY = '<Part><PartNumber>1</PartNumber><ETag>&%s;</ETag></Part>'

HOSTILE = [
    (complete(ETAG_OF_ENTITY % 'e9', entity_bomb()), 'entity-bomb'),
    (complete(ETAG_OF_ENTITY % 'e' * 10000, '<!DOCTYPE c [<!ENTITY e "%s">]>' % ('a' * 100000)), 'quadratic-blow-up'),
    (complete(PART, attributes=' x="&e9;"', declaration=entity_bomb()), 'entity-bomb-in-an-attribute'),
    (complete(ETAG_OF_ENTITY % 'e', '<!DOCTYPE c [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), 'external-entity'),
    (complete(ETAG_OF_ENTITY % 'e', '<!DOCTYPE c [<!ENTITY e SYSTEM "http://127.0.0.1:9/">]>'), 'network-entity'),
    (complete(PART, '<!DOCTYPE c [<!ENTITY % e SYSTEM "file:///etc/passwd"> %e;]>'), 'parameter-entity'),
    (complete(PART, '<!DOCTYPE c SYSTEM "file:///etc/passwd">'), 'external-document-type'),
    (complete(PART, '<!DOCTYPE c PUBLIC "x" "http://127.0.0.1:9/">'), 'public-document-type'),
    (complete(PART, '<!DOCTYPE CompleteMultipartUpload>'), 'empty-document-type'),
    (complete(PART, '<!DOCTYPE c [<!ATTLIST Part x CDATA "y">]>'), 'attribute-defaults'),
    (complete('<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>'), 'inclusion'),
    ('<CompleteMultipartUpload>' * 150000, 'deep-nesting'),
    (complete('<Part>' * 500000), 'deep-nesting-of-parts'),
    (part('<ETag>' * 500000), 'deep-nesting-of-etags'),
    (complete(PART * 70000), 'very-many-parts'),
    (part('<PartNumber>%s</PartNumber><ETag>a</ETag>' % ('9' * 4000000)), 'huge-number'),
    (complete('<Part x="%s"/>' % ('a' * 4000000)), 'huge-attribute'),
    (complete('<Part %s/>' % ' '.join('a%d=""' % number for number in range(300000))), 'very-many-attributes'),
    (complete('<Part %s/>' % ' '.join('xmlns:a%d="x"' % number for number in range(200000))), 'very-many-namespaces'),
    (complete('<%s/>' % ('a' * 4000000)), 'huge-name'),
    (complete('<!-- ' + 'a' * 4000000), 'huge-comment'),
]


@pytest.mark.parametrize('body', [pytest.param(row[0].encode(), id=row[1]) for row in HOSTILE])
def test_hostile_documents_are_refused_at_little_cost(body):
    """For no document an entity is expanded, a file or host is asked, or a tree is built.

    The bounds are far above what any of the documents takes, and far below what an expanded bomb would take.
    """
    assert len(body) <= MAX_COMPLETE_BYTES
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert MALFORMED == read(body)
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


@pytest.mark.parametrize('inner', [
    pytest.param('<Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part>' % ('a' * 4000000), id='huge-etag'),
    pytest.param('<Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part>' % ('&#65;' * 800000), id='references'),
    pytest.param(' ' * 4000000 + PART, id='huge-blank'),
    pytest.param('<!---->' * 500000 + PART, id='very-many-comments'),
    pytest.param('<?a?>' * 700000 + PART, id='very-many-instructions'),
])
def test_long_documents_are_read_at_little_cost(inner):
    """Long documents that are legal cost no more than their length explains."""
    began = time.process_time()

    assert [1] == [ref.number for ref in read_complete(complete(inner).encode())]
    assert time.process_time() - began < 10


# Trees

def tree(text):
    """Return the root in a body, or the code of the error."""
    try:
        return read_tree(text.encode())
    except S3Error as error:
        return error.code


def test_a_tree():
    """Blanks between elements are none of their text; blanks in a text are kept."""
    assert Element('a', '', (Element('b', ' 1 '), Element('c', '', (Element('d', ''),)), Element('b', '&'))) == tree(
        '<a xmlns="%s" x="y">\n <b> 1 </b>\n <c><d/> </c><!-- --><b>&amp;</b></a>' % NAMESPACE)


@pytest.mark.parametrize('text, is_read', [
    ('<a>' * 8 + '</a>' * 8, True), ('<a>' * 9 + '</a>' * 9, False), ('<a>%s</a>' % ('<b/>' * 19999), True),
    ('<a>%s</a>' % ('<b/>' * 20000), False), ('<a>x<b/></a>', False), ('<a><b/>x</a>', False), ('', False),
    ('<a xmlns="urn:x"/>', False), ('<a><b xmlns="urn:x"/></a>', False), ('<!DOCTYPE a><a/>', False), ('<a>', False)])
def test_what_is_a_tree(text, is_read):
    """Neither too deep nor too large, in S3's namespace or none, without a document type, and without text between."""
    assert is_read is isinstance(tree(text), Element)
    assert is_read or 'MalformedXML' == tree(text)


@pytest.mark.parametrize('text', [pytest.param(row[0], id=row[1]) for row in HOSTILE])
def test_hostile_trees_cost_little(text):
    """As hostile lists of parts do; those that have what no tree may have are refused."""
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert 'MalformedXML' == tree(text) or '<!DOCTYPE' not in text
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


def test_an_empty_checksum_beside_another():
    """It is absent."""
    body = part('<PartNumber>1</PartNumber><ETag>a</ETag><ChecksumSHA1/><ChecksumCRC32>3ldvBQ==</ChecksumCRC32>')

    assert [PartRef(1, 'a', 'a', (CRC32,))] == read(body)


def test_several_checksums_of_a_part():
    """Several checksums of a part are InvalidArgument, which shows them all, as observed on Amazon S3."""
    body = part('<PartNumber>1</PartNumber><ETag>a</ETag>'
                '<ChecksumCRC32>x</ChecksumCRC32><ChecksumSHA1>y</ChecksumSHA1>')

    assert ('InvalidArgument', {'ArgumentName': 'Checksum', 'ArgumentValue': 'CRC32:x;SHA1:y;'}) == read(body)


@pytest.mark.parametrize('name, value', [
    ('CRC32', '3ldvBQ'), ('CRC32', '3ldvBQ==='), ('CRC32', '3ldvBR=='), ('CRC32', '3ldv BQ=='),
    ('CRC32', '3ldvBQ==-1'), ('CRC32', '\u00e9'), ('SHA1', '3ldvBQ=='), ('SHA512', '3ldvBQ==')])
def test_a_malformed_checksum_of_a_part(name, value):
    """A checksum that is not the canonical base64 of a value of its length is InvalidArgument, which shows it."""
    body = part('<PartNumber>1</PartNumber><ETag>a</ETag><Checksum%s>%s</Checksum%s>' % (name, value, name))

    assert ('InvalidArgument', {'ArgumentName': 'Checksum', 'ArgumentValue': '%s:%s;' % (name, value)}) == read(body)


pieces = st.lists(st.sampled_from([
    '<CompleteMultipartUpload xmlns="%s">' % NAMESPACE, '<CompleteMultipartUpload>', '</CompleteMultipartUpload>',
    '<Part>', '</Part>', '<Part/>', '<PartNumber>', '</PartNumber>', '<ETag>', '</ETag>', '<ETag/>', '1', '"a"',
    '&amp;', '&x;', '&#0;', '<!DOCTYPE a [<!ENTITY x "y">]>', '<!--', '-->', '<![CDATA[', ']]>', '<?a', '?>', '<', '>',
    ' ', '\0', '<ChecksumCRC32>', '</ChecksumCRC32>', '<?xml version="1.0" encoding="UTF-16"?>', '\u00e9', '\ufeff',
]), max_size=16).map(''.join)


@given(st.one_of(st.binary(max_size=60), pieces.map(str.encode), pieces.map(lambda text: text.encode('utf-16'))))
def test_no_body_is_an_error_of_ours(body):
    """Arbitrary bytes, and tags in any order, give parts or an S3 error."""
    result = read(body)

    assert isinstance(result, list) or result[0] in ('MalformedXML', 'InvalidArgument')


VALID = complete(
    ''.join('<Part><PartNumber>%d</PartNumber><ETag>"%s"</ETag><ChecksumCRC32>3ldvBQ==</ChecksumCRC32></Part>'
            % (number, MD5) for number in range(1, 4)), '<?xml version="1.0" encoding="UTF-8"?>\n').encode()


@given(st.integers(0, len(VALID)), st.integers(0, 20), st.one_of(st.binary(max_size=6), pieces.map(str.encode)))
def test_no_damaged_body_is_an_error_of_ours(start, length, replacement):
    """A valid document with any stretch replaced gives parts or an S3 error, and never more parts than it names."""
    body = VALID[:start] + replacement + VALID[start + length:]
    result = read(body)

    if isinstance(result, list):
        assert len(result) <= body.count(b'<PartNumber')
    else:
        assert result[0] in ('MalformedXML', 'InvalidArgument')


@given(st.integers(0, len(VALID) - 1))
def test_a_cut_off_body_is_malformed(end):
    """A body that ends early is MalformedXML; else the object would be completed without its last parts."""
    assert MALFORMED == read(VALID[:end])


# Out

TEXTS = [
    ('plain', 'plain', 'plain'),
    ('a&b', 'a&amp;b', 'ampersand'),
    ('<a>', '&lt;a&gt;', 'angles'),
    ('"a"', '"a"', 'quotes'),
    (']]>', ']]&gt;', 'end-of-cdata'),
    ('&amp;', '&amp;amp;', 'escaped-once'),
    ('\u00e9\U0001f600', '\u00e9\U0001f600', 'not-ascii'),
    ('a\nb\tc', 'a\nb\tc', 'newline-and-tab'),
    (' a ', ' a ', 'blanks'),
    ('a\r\nb', 'a&#xD;\nb', 'carriage-return'),
    ('\x00\x01\x08\x0b\x0c\x0e\x1f', '\ufffd' * 7, 'control-characters'),
    ('\x7f\x80\x9f', '&#x7F;\x80\x9f', 'control-characters-that-xml-allows'),
    ('\ufffd\ufffe\uffff', '\ufffd\ufffd\ufffd', 'no-characters'),
    ('\ufdd0\U0001ffff\U0010ffff', '\ufdd0\U0001ffff\U0010ffff', 'no-characters-that-xml-allows'),
    ('a\udcffb', 'a\ufffdb', 'bytes-that-are-no-text'),
    ('\udcc3\udca9', '\u00e9', 'bytes-that-are-text-together'),
    ('', '', 'empty'),
]


@pytest.mark.parametrize('text, written', [pytest.param(*row[:2], id=row[2]) for row in TEXTS])
def test_text_in_documents(text, written):
    """What XML 1.0 cannot carry becomes U+FFFD. Amazon S3 was seen to write references, which no parser takes."""
    assert '<Key>%s</Key>' % written in document('Result', [('Key', text)]).decode()


# What a document may hold: https://www.w3.org/TR/xml/#NT-Char
XML_CHARACTER = re.compile('[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


@given(st.text(st.characters(), max_size=20))
@example(''.join(map(chr, range(0xd800))))
@example(''.join(map(chr, range(0xe000, 0x10000))))
@example(''.join(chr(plane * 0x10000 + low) for plane in range(1, 17) for low in (0, 1, 0xfffd, 0xfffe, 0xffff)))
def test_every_document_can_be_read(text):
    """Two parsers of XML 1.0 read every document, and whatever in it XML can hold as it is.

    Whatever a client sends is shown by some document: as key, prefix, upload id, ETag, parameter or header.
    """
    for body in (document('Result', [('Key', text)]), error_document(errors.NoSuchKey(text), text)):
        shown = lxml.etree.fromstring(body).find('{*}Key').text or ''

        assert shown == (ElementTree.fromstring(body).find('{*}Key').text or '')
        if not any('\ud800' <= char <= '\udfff' for char in text):
            assert [char if XML_CHARACTER.fullmatch(char) else '\ufffd' for char in text] == list(shown)


def test_a_result_document():
    """A result document has the namespace of S3, and its elements in the order given, nested as given."""
    body = document('ListPartsResult', [('Bucket', 'b'), ('Part', [('PartNumber', '1'), ('Owner', [('ID', 'x')])])])

    assert ('<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket>'
            '<Part><PartNumber>1</PartNumber><Owner><ID>x</ID></Owner></Part></ListPartsResult>') == body.decode()


def test_an_error_document():
    """An error document has no namespace: botocore takes a 200 for an error if the root is exactly ``Error``."""
    body = error_document(errors.InvalidPart('id', 7, 'a<b'), 'tx1')
    root = lxml.etree.fromstring(body)

    assert body.startswith(DECLARATION)
    assert 'Error' == root.tag
    assert [('Code', 'InvalidPart'), ('Message', errors.InvalidPart.message), ('UploadId', 'id'), ('PartNumber', '7'),
            ('ETag', 'a<b'), ('RequestId', 'tx1'), ('HostId', 'tx1')] == [(child.tag, child.text) for child in root]


@pytest.mark.parametrize('key, encoded', [
    pytest.param('aZ09/-_.*', 'aZ09/-_.*', id='stay'),
    pytest.param('a b', 'a+b', id='blank-is-plus'),
    pytest.param('a+b', 'a%2Bb', id='plus'),
    pytest.param('~', '%7E', id='tilde'),
    pytest.param('%2F', '%252F', id='percent'),
    pytest.param('\u00e9', '%C3%A9', id='utf-8-upper-case'),
    pytest.param('\x01\n', '%01%0A', id='control-characters'),
    pytest.param("!'(),:;=?@&$#", '%21%27%28%29%2C%3A%3B%3D%3F%40%26%24%23', id='punctuation'),
    pytest.param('', '', id='empty'),
])
def test_url_encoding_of_keys(key, encoded):
    """Keys are encoded as Amazon S3 was observed to encode them for encoding-type=url."""
    assert encoded == url_encode(key)


# Times

@pytest.mark.parametrize('isoformat, seconds', [
    ('2026-09-21T14:13:20.123450', '21'), ('2026-09-21T14:13:20.000010', '21'), ('2026-09-21T14:13:20.000000', '20'),
    ('2026-09-21T14:13:20', '20')])
def test_times_of_rows(isoformat, seconds):
    """ISO 8601 with three digits for a fraction that S3 does not use; rounded up, as Last-Modified is."""
    assert '2026-09-21T14:13:%s.000Z' % seconds == s3_time_of_row(isoformat)


@pytest.mark.parametrize('ticks, seconds', [(0, '20'), (1, '21'), (99999, '21'), (100000, '21'), (100001, '22')])
def test_times(ticks, seconds):
    """By the same rule, to which a time in units of 10 microseconds is as good."""
    assert '2026-09-21T14:13:%s.000Z' % seconds == s3_time_of(1790000000 * 100000 + ticks)


@given(st.integers(0, 2 ** 48))
def test_times_agree(ticks):
    """A time has one form, wherever it comes from: also Swift's own, in whole seconds."""
    swift = Timestamp('%010d.%05d' % divmod(ticks, 100000))

    assert s3_time_of(ticks) == s3_time_of_row(swift.isoformat) == s3_time(swift.ceil())


@pytest.mark.parametrize('text', ['', 'now', '2026-09-21', '2026-13-21T14:13:20.000000', 7, None])
def test_times_that_cannot_be_read(text):
    """An upload is listed all the same."""
    assert s3_time_of_row(text) in ('1970-01-01T00:00:00.000Z', '2026-09-21T00:00:00.000Z')
