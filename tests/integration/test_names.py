# SPDX-License-Identifier: Apache-2.0
"""Any key that S3 allows can be uploaded to, and no key disturbs the upload of another.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from __future__ import annotations

from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from swift.common.constraints import MAX_OBJECT_NAME_LENGTH

from s3multi.upload.names import ID_LENGTH, NAME_OVERHEAD

from ..cases import for_each
from .uploads import Upload, read, segment_names

URL = {'encoding-type': 'url'}
LONGEST_KEY = MAX_OBJECT_NAME_LENGTH - NAME_OVERHEAD

KEYS = {
    'plain': 'key', 'slash': 'a/b', 'trailing-slash': 'a/b/', 'leading-slash': '/a', 'only-slash': '/',
    'slashes': 'a//b///c', 'two-slashes': '//', 'percent': '100%', 'encoded-slash': 'a%2Fb', 'encoded-nul': 'a%00b',
    'plus': 'a+b', 'blank': 'a b', 'blanks': '  a  ', 'dot': '.', 'parent': '..', 'up': '../../etc/passwd',
    'here': './a', 'inside': 'a/../b', 'line-feed': 'a\nb', 'return': 'a\r\nb', 'tab': 'a\tb', 'bell': 'a\ab',
    'delete': 'a\x7fb', 'emoji': 'party \U0001f389', 'umlaut': 'grün', 'decomposed': 'gru\u0308n', 'arabic': 'مفتاح',
    'bom': '\ufeffa', 'not-a-character': 'a\uffffb', 'quotes': '"a" \'b\' `c`', 'markup': '<a>&amp;</a>]]>',
    'question': 'what?uploads', 'hash': 'a#b', 'ampersand': 'a&b=c;d', 'backslash': 'a\\b', 'colon': 'a:b',
    'tilde': '~a', 'star': '*', 'comma': 'a,b', 'number': '1', 'eight-digits': '00000001', 'complete': 'complete',
    'in-complete': 'a/complete', 'part-name': '00000001-' + 'A' * 11, 'id-name': 'A' * ID_LENGTH,
    'marker-name': 'a/' + 'A' * ID_LENGTH, 'part-of-upload': f"a/{'A' * ID_LENGTH}/00000001-{'A' * 11}",
    'long': 'k' * LONGEST_KEY, 'long-segments': '/'.join('k' * 97 for _ in range(10)),
    'long-in-bytes': '\U0001f389' * (LONGEST_KEY // 4),
}


def open_uploads(raw, bucket, **query):
    """Return key and id of the uploads that the bucket lists."""
    result = raw.list_uploads(bucket, {**URL, **query}).xml('ListMultipartUploadsResult')
    return [(unquote_plus(each.findtext('Key')), each.findtext('UploadId')) for each in result.findall('Upload')]


def listed_numbers(upload):
    """Return the part numbers that List Parts shows, after a look at the key it tells."""
    result = upload.list_parts(URL).xml('ListPartsResult')
    assert upload.key == unquote_plus(result.findtext('Key'))
    return [int(part.findtext('PartNumber')) for part in result.findall('Part')]


def test_every_operation_takes_any_key(raw, bucket):
    """Initiate, Upload Part, both lists, Complete, GET and Abort know each key as it was sent, beside all others."""
    in_order = sorted(KEYS.values(), key=str.encode)
    kept, dropped = ({key: Upload(raw, bucket, key) for key in in_order} for _ in range(2))
    listed = [(key, upload[key].id) for key in in_order for upload in (kept, dropped)]

    def upload_parts(key):
        kept[key].part(10000, b'kept')
        dropped[key].part(1, b'dropped')
        assert [10000] == listed_numbers(kept[key])
        below = [pair for pair in listed if pair[0].startswith(key)]
        assert below == open_uploads(raw, bucket, prefix=key)

    def complete(key):
        assert 200 == kept[key].complete().status

    def abort(key):
        assert 204 == dropped[key].abort().status

    def is_whole(key):
        assert b'kept' == read(raw, bucket, key).body

    for_each(in_order, upload_parts)
    assert listed == open_uploads(raw, bucket)
    for_each(in_order, complete)
    assert [(key, dropped[key].id) for key in in_order] == open_uploads(raw, bucket)
    for_each(in_order, abort)
    assert [] == open_uploads(raw, bucket)
    for_each(in_order, is_whole)
    objects = raw.request('GET', bucket, None, URL).xml('ListBucketResult').findall('Contents')
    assert in_order == [unquote_plus(each.findtext('Key')) for each in objects]


def test_encoded_key_is_as_amazons(raw, bucket):
    """encoding-type=url encodes all but letters, digits and `- _ . * /`, a blank as `+`."""
    key = 'az AZ 09-_.*/~!\'()+%é'
    Upload(raw, bucket, key)
    result = raw.list_uploads(bucket, URL).xml('ListMultipartUploadsResult')

    assert 'az+AZ+09-_.*/%7E%21%27%28%29%2B%25%C3%A9' == result.find('Upload').findtext('Key')


@pytest.mark.parametrize('name', [
    'only-slash', 'encoded-slash', 'plus', 'blanks', 'parent', 'emoji', 'decomposed', 'quotes', 'markup', 'question',
    'long-in-bytes'])
def test_documents_show_the_key_itself(raw, bucket, name):
    """Without encoding-type the key stands in the documents as it is."""
    key = KEYS[name]
    upload = Upload(raw, bucket, key)
    upload.part(1)
    initiated = raw.request('POST', bucket, key, {'uploads': None}).xml('InitiateMultipartUploadResult')
    raw.abort(bucket, key, initiated.findtext('UploadId'))

    assert key == initiated.findtext('Key')
    assert key == upload.list_parts().xml('ListPartsResult').findtext('Key')
    assert key == raw.list_uploads(bucket).xml('ListMultipartUploadsResult').find('Upload').findtext('Key')
    result = upload.complete().xml('CompleteMultipartUploadResult')
    assert key == result.findtext('Key')
    assert result.findtext('Location').endswith(f'/{bucket}/' + quote_plus(key, safe='/~').replace('+', '%20'))


@pytest.mark.parametrize('name, shown', [
    ('line-feed', 'a\nb'), ('return', 'a\r\nb'), ('tab', 'a\tb'), ('delete', 'a\x7fb'), ('bell', 'a\ufffdb'),
    ('not-a-character', 'a\ufffdb')])
def test_every_document_can_be_read(raw, bucket, name, shown):
    """A parser of XML 1.0 reads the key as it is, with U+FFFD in place of what XML cannot hold."""
    upload = Upload(raw, bucket, KEYS[name])
    upload.part(1)

    uploads = raw.list_uploads(bucket).xml('ListMultipartUploadsResult')
    assert shown == uploads.findtext('Upload/Key') == uploads.findtext('NextKeyMarker')
    assert shown == upload.list_parts().xml('ListPartsResult').findtext('Key')
    assert shown == upload.complete().xml('CompleteMultipartUploadResult').findtext('Key')
    for query in ({}, {'list-type': '2'}, {'delimiter': '/'}):
        assert shown == raw.request('GET', bucket, None, query).xml('ListBucketResult').findtext('Contents/Key')
    assert shown == raw.request('GET', bucket, None, {'versions': None}).xml('ListVersionsResult').findtext(
        'Version/Key')
    missing = raw.copy_part(bucket, 'k', Upload(raw, bucket, 'k').id, 1, f'{bucket}/{quote(KEYS[name])}x').error
    assert ('NoSuchKey', shown + 'x') == (missing.code, missing['Key'])
    # s3api shows no such key at all.
    assert 'NoSuchKey' == raw.request('GET', bucket, KEYS[name] + 'x').error.code


def test_life_of_keys_that_xml_cannot_hold(s3, bucket):
    """boto3 reads every answer, and its paginator sees each upload once, though several keys look alike to it."""
    keys = ['a\x01', 'a\x01\x1f', 'a\x0b', 'a\ufffe', 'a\uffff']
    ids = [s3.create_multipart_upload(Bucket=bucket, Key=key)['UploadId'] for key in keys]
    pages = s3.get_paginator('list_multipart_uploads').paginate(Bucket=bucket, PaginationConfig={'PageSize': 1})
    assert list(zip(['a\ufffd', 'a\ufffd\ufffd', 'a\ufffd', 'a\ufffd', 'a\ufffd'], ids)) == [
        (upload['Key'], upload['UploadId']) for page in pages for upload in page['Uploads']]
    encoded = s3.list_multipart_uploads(Bucket=bucket, EncodingType='url')['Uploads']
    assert keys == [unquote_plus(upload['Key']) for upload in encoded]

    for key, upload_id in zip(keys, ids):
        names = {'Bucket': bucket, 'Key': key, 'UploadId': upload_id}
        part = s3.upload_part(**names, PartNumber=1, Body=key.encode())
        assert [part['ETag']] == [each['ETag'] for each in s3.list_parts(**names)['Parts']]
        listed = {'Parts': [{'PartNumber': 1, 'ETag': part['ETag']}]}
        s3.complete_multipart_upload(**names, MultipartUpload=listed)
        assert key.encode() == s3.get_object(Bucket=bucket, Key=key)['Body'].read()
        names['UploadId'] = s3.create_multipart_upload(Bucket=bucket, Key=key)['UploadId']
        s3.upload_part_copy(**names, PartNumber=1, CopySource={'Bucket': bucket, 'Key': key})
        s3.abort_multipart_upload(**names)
    assert keys == [each['Key'] for each in s3.list_objects_v2(Bucket=bucket)['Contents']]
    assert 'Uploads' not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize('query, refused', [
    ({'max-keys': '2'}, (400, 'InvalidArgument')), ({'max-keys': '2', 'delimiter': '/'}, (400, 'InvalidArgument')),
    ({'max-keys': '2', 'versions': None}, (501, 'NotImplemented')),
    ({'max-keys': '2', 'versions': None, **URL}, (501, 'NotImplemented')),
    ({'max-keys': '1'}, 200), ({'max-keys': '3'}, 200), ({'max-keys': '2', 'list-type': '2'}, 200),
    ({'max-keys': '2', **URL}, 200)])
def test_pages_of_objects_that_end_with_a_key_that_xml_cannot_hold(raw, bucket, query, refused):
    """Such a page is refused where the client would continue after U+FFFD, and so miss "ab". s3api had a 500 for it."""
    for key in ('a', 'a\x01', 'ab'):
        raw.request('PUT', bucket, key)

    assert refused == raw.request('GET', bucket, None, query).outcome


@pytest.mark.parametrize('path', ['/%00', '/a%00b', '/%FF', '/a%C3', '/%ED%A0%80'])
def test_keys_that_are_no_text(raw, bucket, path):
    """A NUL, or bytes that are no UTF-8, cannot be a key: refused at Initiate, without a server error."""
    answer = raw.request('POST', bucket, None, {'uploads': None}, path=f'/{bucket}{path}')

    assert 400 <= answer.status < 500
    assert [] == open_uploads(raw, bucket)


def test_longest_key_has_room_for_every_part(raw, bucket, swift):
    """What Initiate admits can be uploaded to the end: the names of all parts fit, and so do their copies."""
    upload = Upload(raw, bucket, 'k' * LONGEST_KEY)
    upload.part(10000, b'data')
    raw.request('PUT', bucket, 'source', body=b'copied')
    assert 200 == raw.copy_part(bucket, upload.key, upload.id, 10000, f'{bucket}/source').status

    assert {MAX_OBJECT_NAME_LENGTH} == {len(name) for name in segment_names(swift, bucket) if '/0001' in name}


def test_long_keys_that_begin_alike(raw, bucket):
    """Long keys of which one begins with the other are listed in order, like short ones."""
    keys = ['\U0001f389' * 225, '\U0001f389' * 225 + '!']
    ids = [Upload(raw, bucket, key).id for key in reversed(keys)]

    assert list(zip(keys, reversed(ids))) == open_uploads(raw, bucket)


# Keys inside each other

@pytest.fixture
def nested(raw, bucket, swift):
    """An upload with part 1, and uploads with part 2 whose keys lie in Swift where its records lie, or beside them."""
    outer = Upload(raw, bucket, 'outer')
    outer.part(1, b'outer')
    part, = (name for name in segment_names(swift, bucket) if '/00000001-' in name)
    marker = f'outer/{outer.id}'
    keys = [marker, f'{marker}/', f'{marker}/complete', f'{marker}/00000001', f'{marker}/00000002-{part[-11:]}', part,
            marker[:-1], f'{marker}0', 'outer/', 'oute', 'outer/00000001-' + part[-11:]]
    inner = [Upload(raw, bucket, key) for key in keys]
    for upload in inner:
        upload.part(2, upload.key.encode())
    return outer, inner


@pytest.mark.parametrize('end', ['complete', 'abort'])
def test_outer_upload_ends_first(raw, bucket, nested, end):
    """Parts, lists, Complete and Abort of an upload never reach those of an upload that is named inside it."""
    outer, inner = nested
    assert [1] == listed_numbers(outer)
    assert {(outer.key, outer.id), *((upload.key, upload.id) for upload in inner)} == set(open_uploads(raw, bucket))

    assert getattr(outer, end)().status in (200, 204)
    assert {(upload.key, upload.id) for upload in inner} == set(open_uploads(raw, bucket))
    for upload in inner:
        assert [2] == listed_numbers(upload)
        assert 200 == upload.complete().status
    for upload in inner:
        assert upload.key.encode() == read(raw, bucket, upload.key).body
    if end == 'complete':
        assert b'outer' == read(raw, bucket, outer.key).body


@pytest.mark.parametrize('end', ['complete', 'abort'])
def test_inner_uploads_end_first(raw, bucket, nested, end):
    """And the other way round."""
    outer, inner = nested
    for place, upload in enumerate(inner, 1):
        assert getattr(upload, end)().status in (200, 204)
        assert [1] == listed_numbers(outer)
        assert {(outer.key, outer.id), *((left.key, left.id) for left in inner[place:])} == set(
            open_uploads(raw, bucket))

    assert 200 == outer.complete().status
    assert b'outer' == read(raw, bucket, outer.key).body


def test_ids_do_not_wander_between_nested_keys(raw, bucket):
    """Splitting `<key>/<id>` elsewhere does not make the id of one upload that of another."""
    outer = Upload(raw, bucket, 'outer')
    inner = Upload(raw, bucket, f'{outer.key}/{outer.id}')
    for key, upload_id in ((inner.key, outer.id), (outer.key, inner.id), (outer.key, f'{outer.id}/{inner.id}'),
                           (f'{inner.key}/{inner.id}', inner.id)):
        assert (404, 'NoSuchUpload') == raw.upload_part(bucket, key, upload_id, 1, b'x').outcome

    assert ([], []) == (listed_numbers(outer), listed_numbers(inner))


def test_deep_nesting(raw, bucket):
    """Uploads whose keys contain the ids of others, five levels deep, are all their own."""
    uploads = []
    key = 'deep'
    for level in range(5):
        upload = Upload(raw, bucket, key)
        upload.part(level + 1, b'%d' % level)
        uploads.append(upload)
        key = f'{upload.key}/{upload.id}'

    assert {(upload.key, upload.id) for upload in uploads} == set(open_uploads(raw, bucket))
    for level in (2, 0, 4, 1, 3):
        assert [level + 1] == listed_numbers(uploads[level])
        assert 200 == uploads[level].complete().status
        assert b'%d' % level == read(raw, bucket, uploads[level].key).body


def test_keys_that_differ_in_form_only(raw, bucket):
    """Case, normal forms, encoding and slashes make different keys."""
    keys = ['a', 'A', 'a/', '/a', 'é', 'e\u0301', '%C3%A9', 'a%2F', 'a ', ' a', 'a+', 'a%20']
    uploads = [Upload(raw, bucket, key) for key in keys]
    for upload in uploads:
        upload.part(1, upload.key.encode())
    for upload in uploads:
        assert 200 == upload.complete().status

    assert [key.encode() for key in keys] == [read(raw, bucket, key).body for key in keys]


def test_bucket_whose_name_is_long(raw, swift):
    """63 characters are allowed for a bucket; its segments container is nine longer."""
    bucket = 'b' * 63
    raw.request('PUT', bucket)
    raw.put_multipart(bucket, 'k', [b'data'])

    assert b'data' == read(raw, bucket, 'k').body
    assert 1 == len(segment_names(swift, bucket))
