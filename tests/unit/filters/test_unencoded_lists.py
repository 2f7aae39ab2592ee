# SPDX-License-Identifier: Apache-2.0
"""Lists of s3api with keys that XML cannot hold: when it is asked twice, and what the client gets."""
from types import SimpleNamespace

import pytest
from swift.common.middleware.s3api.etree import Element, SubElement, fromstring, tostring
from swift.common.middleware.s3api.s3response import ErrorResponse

from s3multi.filters import unencoded_lists


def listing(root, **texts):
    """Return a document with these elements, in order. Key and CommonPrefixes name what lies a level deeper."""
    elem = Element(root)
    for name, text in texts.items():
        inner = {'Key': ('Contents', 'Key'), 'CommonPrefixes': ('CommonPrefixes', 'Prefix')}.get(name)
        parent = SubElement(elem, inner[0]) if inner else elem
        SubElement(parent, inner[1] if inner else name).text = text
    return tostring(elem)


class S3api:
    """Answers with ``plain`` or, if it is asked to encode, with ``encoded``; None is what it cannot write."""

    def __init__(self, plain, encoded=None):
        self.answers, self.asked = {None: plain, 'url': encoded}, []

    def __call__(self, req):
        encoding = req.params.get('encoding-type')
        self.asked.append(encoding)
        if self.answers[encoding] is None:
            raise ValueError('All strings must be XML compatible')
        return SimpleNamespace(body=self.answers[encoding])


def ask(s3api, **params):
    """Return the answer as elements and texts, in order; or code and argument of the refusal."""
    try:
        body = unencoded_lists.answer(SimpleNamespace(params=params), s3api).body
    except ErrorResponse as error:
        return type(error).__name__, error.info.get('argument_name')
    return [(element.tag, element.text or '') for element in fromstring(body).iter() if not len(element)]


@pytest.mark.parametrize('params', [{}, {'encoding-type': 'url'}])
def test_a_list_that_s3api_can_write(params):
    """It is asked once, and its answer not touched."""
    body = listing('ListBucketResult', Key='a%20b')
    s3api = S3api(body, body)

    assert [('Key', 'a%20b')] == ask(s3api, **params)
    assert [params.get('encoding-type')] == s3api.asked


def test_a_list_that_it_can_only_write_encoded():
    """The client, which has not asked for that, gets it decoded."""
    encoded = listing('ListBucketResult', Name='b%20', Prefix='', Marker='a%2520', Delimiter='%2F', EncodingType='url',
                      IsTruncated='false', Key='a%01%C3%A9', ETag='"%20"', CommonPrefixes='%EF%BF%BF/')

    assert [('Name', 'b%20'), ('Prefix', ''), ('Marker', 'a%20'), ('Delimiter', '/'), ('IsTruncated', 'false'),
            ('Key', 'a\ufffd\u00e9'), ('ETag', '"%20"'), ('Prefix', '\ufffd/')] == ask(S3api(None, encoded))


@pytest.mark.parametrize('texts, refused', [
    ({'IsTruncated': 'true', 'Key': 'a%01'}, True), ({'IsTruncated': 'false', 'Key': 'a%01'}, False),
    ({'IsTruncated': 'true', 'Key': 'a%EF%BF%BD'}, False),
    ({'IsTruncated': 'true', 'NextMarker': 'a%01', 'Key': 'a'}, True),
    ({'IsTruncated': 'true', 'NextMarker': 'a', 'Key': 'a%01'}, False),
    ({'IsTruncated': 'true', 'NextContinuationToken': 'YQE=', 'Key': 'a%01'}, False)])
def test_the_end_of_a_page(texts, refused):
    """Refused is where the client would go on after U+FFFD, and not where a token tells the place."""
    found = ask(S3api(None, listing('ListBucketResult', EncodingType='url', **texts)))

    assert (('InvalidArgument', 'encoding-type') == found) is refused


@pytest.mark.parametrize('params', [{}, {'encoding-type': 'url'}])
def test_a_page_that_it_cannot_write_at_all(params):
    """It does not encode where a page of versions ends. That is not the client's fault, and no repeat helps."""
    assert ('S3NotImplemented', None) == ask(S3api(None), **params)


def test_the_end_of_a_page_of_versions():
    """It was not encoded, so it is not decoded."""
    encoded = listing('ListVersionsResult', NextKeyMarker='a%20', EncodingType='url', IsTruncated='true')

    assert ('NextKeyMarker', 'a%20') in ask(S3api(None, encoded))
