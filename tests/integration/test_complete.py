# SPDX-License-Identifier: Apache-2.0
"""Complete: the object it makes, what it answers, what it refuses, and what a repeat of it does.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from urllib.parse import quote

import pytest

from .raw import RawClient, complete_body, multipart_etag
from .uploads import PART_MIN_BYTES, Upload, read, result, segment_names

# Three parts of the real least size; the values are known from Amazon S3.
LETTERS = [letter * PART_MIN_BYTES for letter in (b'A', b'B', b'C')]
LETTERS_ETAG = '"b2add96cc9702bbf4efb0ccdfc6b7747-3"'
WORDS = [b'Hello, ', b'multipart ', b'world!\n']
WORDS_ETAG = '"b30cd09b6c3eb4479a7c721f1a044234-3"'


def never_made(upload_id):
    """Return an id of the right form that no Initiate has answered."""
    return upload_id[:-1] + ('0' if upload_id[-1] != '0' else '1')


def md5(body):
    return hashlib.md5(body).hexdigest()


# The object

def test_parts_become_one_object(raw, bucket):
    """The parts are concatenated in order, and the answer gives location, bucket, key and ETag, in this order."""
    upload = Upload(raw, bucket).parts(*LETTERS)

    answer = upload.complete()

    assert [('Location', f'{raw.address.geturl()}/{bucket}/key'), ('Bucket', bucket), ('Key', 'key'),
            ('ETag', LETTERS_ETAG)] == list(result(answer).items())
    assert 'x-amz-version-id' not in answer.headers
    assert b''.join(LETTERS) == read(raw, bucket, 'key').body


@pytest.mark.parametrize('bodies, etag', [
    ([b'\0' * PART_MIN_BYTES, b'\xff'], '"b0064457a75815b858a1e894b63c79a5-2"'),
    ([b'\0' * PART_MIN_BYTES, b''], None),
    ([b'123456789'], '"5927c5d64d94a5786f90003aa26d0159-1"'),
    ([b''], '"59adb24ef3cdbe0297f05b395827453f-1"'),
], ids=['one byte', 'empty', 'the only one', 'the only one, empty'])
def test_last_part_may_be_small(raw, bucket, bodies, etag):
    """The last part has no least size; it may be empty, and it may be the only one."""
    upload = Upload(raw, bucket).parts(*bodies)

    answer = upload.complete()

    assert (etag or f'"{multipart_etag(bodies)}"') == result(answer)['ETag']
    assert b''.join(bodies) == read(raw, bucket, 'key').body


@pytest.mark.parametrize('key', ['a key/with ünïcode & <signs>', 'dots/../and//slashes/', '100%25', 'a+b?c=d#e'])
def test_location_is_a_url_of_the_object(tiny, bucket, key):
    """Location is the address of the object, percent-encoded, whatever the key; Key is the key itself."""
    upload = Upload(tiny, bucket, key).parts(b'body')

    elements = result(upload.complete())

    assert (key, f'{tiny.address.geturl()}/{bucket}/{quote(key, safe="/~")}') == (elements['Key'], elements['Location'])
    assert b'body' == tiny.request('GET', path=elements['Location'].removeprefix(tiny.address.geturl())).body


def test_object_has_what_initiate_was_told(tiny, bucket):
    """Metadata and content headers are Initiate's; the same headers sent with Complete mean nothing."""
    upload = Upload(tiny, bucket, headers={
        'Content-Type': 'text/x-story', 'Cache-Control': 'no-store', 'Content-Language': 'de',
        'x-amz-meta-colour': 'red'}).parts(b'body')

    answer = upload.complete(headers={'Content-Type': 'application/xml', 'Cache-Control': 'public',
                                      'x-amz-meta-colour': 'blue', 'x-amz-meta-size': '1'})

    assert 200 == answer.status
    headers = read(tiny, bucket, 'key').headers
    assert ('text/x-story', 'no-store', 'de', 'red', None) == (
        headers['Content-Type'], headers['Cache-Control'], headers['Content-Language'], headers['x-amz-meta-colour'],
        headers['x-amz-meta-size'])


def test_plain_object_is_replaced(tiny, bucket):
    """An object that is at the key stays readable until Complete, and then nothing of it is left."""
    tiny.request('PUT', bucket, 'key', headers={'x-amz-meta-old': 'yes'}, body=b'old')
    upload = Upload(tiny, bucket).parts(b'new')
    before = read(tiny, bucket, 'key')

    upload.complete()

    after = read(tiny, bucket, 'key')
    assert (b'old', 'yes') == (before.body, before.headers['x-amz-meta-old'])
    assert (b'new', None) == (after.body, after.headers['x-amz-meta-old'])


def test_multipart_object_is_replaced(tiny, bucket):
    """A second upload of the key replaces the object that the first one made."""
    Upload(tiny, bucket).parts(*WORDS).complete()

    Upload(tiny, bucket).parts(b'new').complete()

    assert b'new' == read(tiny, bucket, 'key').body


def test_versioned_bucket_gets_one_version(tiny, bucket, s3, swift):
    """In a versioned bucket Complete makes one new version and tells its id, and so does a repeat."""
    swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    old = s3.put_object(Bucket=bucket, Key='key', Body=b'old')['VersionId']
    upload = Upload(tiny, bucket).parts(*WORDS)

    answers = [upload.complete(), upload.complete()]

    new = answers[0].headers['x-amz-version-id']
    assert new and [new, new] == [answer.headers['x-amz-version-id'] for answer in answers]
    assert [new, old] == [version['VersionId'] for version in s3.list_object_versions(Bucket=bucket)['Versions']]
    assert b''.join(WORDS) == read(tiny, bucket, 'key', {'versionId': new}).body


def test_upload_is_over(tiny, bucket):
    """After Complete no other operation knows the upload, and it is not listed."""
    upload = Upload(tiny, bucket).parts(b'body')
    upload.complete()

    assert (404, 'NoSuchUpload') == upload.list_parts().outcome
    assert (404, 'NoSuchUpload') == tiny.upload_part(bucket, 'key', upload.id, 1, b'late').outcome
    assert tiny.list_uploads(bucket).xml('ListMultipartUploadsResult').find('Upload') is None
    assert b'body' == read(tiny, bucket, 'key').body


def test_many_parts(tiny, bucket):
    """An upload of more than a hundred parts, uploaded in no order, becomes one object."""
    numbers = list(range(1, 121))
    bodies = [b'<%d>' % number for number in numbers]
    upload = Upload(tiny, bucket).many_parts(reversed(numbers), b'<%d>'.__mod__)

    answer = upload.complete()

    assert f'"{multipart_etag(bodies)}"' == result(answer)['ETag']
    assert b''.join(bodies) == read(tiny, bucket, 'key').body


# The list

@pytest.mark.parametrize('form', [
    '"{}"', '{}', '&quot;{}&quot;', '\n "{}" \n',
], ids=['quoted', 'bare', 'entities', 'blanks around'])
@pytest.mark.parametrize('spell', [str.lower, str.upper], ids=['lower', 'upper'])
def test_forms_of_an_etag(tiny, bucket, form, spell):
    """An ETag may come with or without quotes, quotes as entities, and in either letter case."""
    upload = Upload(tiny, bucket).parts(*WORDS)

    answer = upload.complete([(number, form.format(spell(etag.strip('"')))) for number, etag in upload.listed])

    assert WORDS_ETAG == result(answer)['ETag']


@pytest.mark.parametrize('numbers', [(2, 1), (1, 1), (1, 3, 2), (1, 2, 2), (3, 2, 1), (1, 1, 10001)])
def test_numbers_ascend(tiny, bucket, numbers):
    """A list whose numbers are not strictly ascending is InvalidPartOrder, and the upload stays open."""
    upload = Upload(tiny, bucket).parts(*WORDS)

    error = upload.complete([(number, upload.etags.get(number, '"0"')) for number in numbers]).error

    assert ('InvalidPartOrder', upload.id) == (error.code, error['UploadId'])
    assert 200 == upload.complete().status


def test_numbers_may_have_gaps(tiny, bucket):
    """Gaps in the numbering are fine; the parts of the object are counted anew from 1."""
    upload = Upload(tiny, bucket)
    for number, body in zip((2, 700, 10000), WORDS):
        upload.part(number, body)

    answer = upload.complete()

    assert WORDS_ETAG == result(answer)['ETag']
    assert WORDS == [read(tiny, bucket, 'key', {'partNumber': number}).body for number in (1, 2, 3)]


def test_parts_that_are_not_listed_are_dropped(tiny, bucket, swift):
    """Parts that were uploaded but not listed are no part of the object, and their space is freed."""
    upload = Upload(tiny, bucket).parts(*WORDS)

    answer = upload.complete([upload.listed[0], upload.listed[2]])

    assert '"7a5835d47615d5e5cf54cad692120139-2"' == result(answer)['ETag']
    assert b'Hello, world!\n' == read(tiny, bucket, 'key').body
    assert [1, 3] == upload.stored_numbers(swift)


def test_parts_that_were_replaced_are_dropped(tiny, bucket, swift):
    """Of a part that was uploaded several times the last counts, and the space of the others is freed."""
    upload = Upload(tiny, bucket).parts(b'first', b'same')
    upload.part(1, b'second')
    upload.part(2, b'same')
    upload.part(1, b'third')

    assert 200 == upload.complete().status
    assert b'thirdsame' == read(tiny, bucket, 'key').body
    assert [1, 2] == upload.stored_numbers(swift)


def test_nothing_but_the_parts_is_left(tiny, bucket, swift):
    """A finished upload leaves nothing behind but the parts of its object."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.complete()

    assert 3 == len(segment_names(swift, bucket))
    assert [1, 2, 3] == upload.stored_numbers(swift)


def test_stale_etag_is_refused(tiny, bucket):
    """A part that was uploaded again no longer has its first ETag."""
    upload = Upload(tiny, bucket)
    stale = upload.part(1, b'first')
    upload.part(1, b'second')

    error = upload.complete([(1, stale)]).error

    assert ('InvalidPart', '1', stale.strip('"')) == (error.code, error['PartNumber'], error['ETag'])
    assert 200 == upload.complete().status
    assert b'second' == read(tiny, bucket, 'key').body


@pytest.mark.parametrize('number, etag, told', [
    (3, f'"{md5(b"x")}"', md5(b'x')),
    (2, f'"{md5(b"x")}"', md5(b'x')),
    (2, md5(b'x').upper(), md5(b'x').upper()),
    (2, '', ''),
    (2, '""', ''),
    (2, 'not-an-etag', 'not-an-etag'),
    (2, f'"{md5(b"x")}-1"', md5(b'x') + '-1'),
    (10001, f'"{md5(b"x")}"', md5(b'x')),
], ids=['never uploaded', 'wrong', 'wrong, upper case', 'empty', 'empty, quoted', 'no hex', 'multipart', 'number'])
def test_part_that_is_not_there(tiny, bucket, number, etag, told):
    """A listed part that was never uploaded, or not with this ETag, is InvalidPart with what the client sent."""
    upload = Upload(tiny, bucket).parts(b'one', b'two')

    answer = upload.complete([(1, upload.etags[1]), (number, etag)])

    error = answer.error
    assert (400, 'InvalidPart') == answer.outcome
    assert (upload.id, str(number), told) == (error['UploadId'], error['PartNumber'], error['ETag'])
    assert 404 == read(tiny, bucket, 'key').status
    assert 200 == upload.complete().status


@pytest.mark.parametrize('number', ['0', '-1', '-2147483648'])
def test_number_below_1(tiny, bucket, number):
    """A part number below 1 in the list is InvalidArgument."""
    upload = Upload(tiny, bucket).parts(b'one')

    answer = upload.complete([(number, upload.etags[1])])

    assert (400, 'InvalidArgument') == answer.outcome
    assert ('PartNumber', number) == (answer.error['ArgumentName'], answer.error['ArgumentValue'])


def test_part_that_was_removed_behind_our_back(tiny, bucket, swift):
    """A part that somebody deleted through the Swift API is InvalidPart, and can be uploaded again."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    name = upload.stored(swift)[2]
    swift.delete_object(bucket + '_segments', f'key/{upload.id}{name}')

    answer = upload.complete()

    assert (400, 'InvalidPart', '2') == (*answer.outcome, answer.error['PartNumber'])
    upload.part(2, WORDS[1])
    assert WORDS_ETAG == result(upload.complete())['ETag']


# Sizes

def test_part_that_is_too_small(raw, bucket):
    """The first listed part under 5 MiB, but for the last, is EntityTooSmall with sizes, number and bare ETag."""
    upload = Upload(raw, bucket).parts(LETTERS[0], b'small', b'smaller', b'last')

    answer = upload.complete()

    error = answer.error
    assert (400, 'EntityTooSmall') == answer.outcome
    assert ('5', '5242880', '2', md5(b'small')) == (
        error['ProposedSize'], error['MinSizeAllowed'], error['PartNumber'], error['ETag'])
    assert upload.is_open()


def test_last_is_the_last_of_the_list(raw, bucket):
    """Which part is the last is said by the list, not by what was uploaded."""
    upload = Upload(raw, bucket).parts(LETTERS[0], b'small', b'smaller')

    assert (400, 'EntityTooSmall') == upload.complete().outcome
    assert 200 == upload.complete(upload.listed[:2]).status
    assert LETTERS[0] + b'small' == read(raw, bucket, 'key').body


def test_least_part_size_is_an_option(cluster, bucket):
    """The option min_segment_size, ours or else s3api's, is the least size of a part, and is told in the error."""
    proxy = cluster.add_proxy('ten-bytes', filters={'s3api': {'min_segment_size': 10}})
    upload = Upload(RawClient(proxy.url), bucket).parts(b'10 bytes..', b'9 bytes..', b'last')

    error = upload.complete().error

    proxy.stop()
    assert ('EntityTooSmall', '9', '10', '2') == (
        error.code, error['ProposedSize'], error['MinSizeAllowed'], error['PartNumber'])


@pytest.mark.parametrize('size, outcome', [
    ('24', 200), ('23', (400, 'InvalidRequest')), ('25', (400, 'InvalidRequest')), ('0', (400, 'InvalidRequest')),
    ('-24', (400, 'InvalidRequest')), ('24.0', (400, 'InvalidRequest')), ('twenty', (400, 'InvalidRequest')),
    ('', (400, 'InvalidRequest')), ('9' * 30, (400, 'InvalidRequest')),
])
def test_announced_size_of_the_object(tiny, bucket, size, outcome):
    """x-amz-mp-object-size must be the size of the object; else nothing is written and the upload stays open."""
    upload = Upload(tiny, bucket).parts(*WORDS)

    assert outcome == upload.complete(headers={'x-amz-mp-object-size': size}).outcome
    assert (outcome != 200) == upload.is_open()


# Headers

@pytest.mark.parametrize('value, outcome', [
    (lambda body: b64encode(hashlib.md5(body).digest()).decode(), 200),
    (lambda body: b64encode(hashlib.md5(b'other').digest()).decode(), (400, 'BadDigest')),
    (lambda body: hashlib.md5(body).hexdigest(), (400, 'InvalidDigest')),
    (lambda body: 'AAAA', (400, 'InvalidDigest')),
    (lambda body: '', (400, 'InvalidDigest')),
], ids=['right', 'wrong', 'hex', 'short', 'empty'])
def test_content_md5_is_of_the_list(tiny, bucket, value, outcome):
    """Content-MD5 is the digest of the XML, not of the object; BadDigest when wrong, InvalidDigest when it is none."""
    upload = Upload(tiny, bucket).parts(*WORDS)

    answer = upload.complete(headers={'Content-MD5': value(complete_body(upload.listed))})

    assert outcome == answer.outcome
    assert (outcome != 200) == upload.is_open()


def test_wrong_content_md5_is_told_in_the_error(tiny, bucket):
    """BadDigest names the digest that was sent and the one that was calculated."""
    upload = Upload(tiny, bucket).parts(b'body')
    sent = b64encode(hashlib.md5(b'other').digest()).decode()
    calculated = b64encode(hashlib.md5(complete_body(upload.listed)).digest()).decode()

    error = upload.complete(headers={'Content-MD5': sent}).error

    assert (sent, calculated) == (error['ExpectedDigest'], error['CalculatedDigest'])


# Which upload

@pytest.mark.parametrize('wrong', ['', 'x', 'x' * 2000, 'Zm9v/+==', '../key', '0' * 21, 'é' * 21, '%00', 'a b',
                                   'MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw'])
def test_id_that_is_none(tiny, bucket, wrong):
    """Whatever is no upload id of this key is NoSuchUpload, and told in the error."""
    answer = tiny.complete(bucket, 'key', wrong, [(1, '"0"')])

    assert (404, 'NoSuchUpload') == answer.outcome
    assert wrong == answer.error['UploadId']


def test_id_that_was_never_answered(tiny, bucket):
    """An id that looks right but was not made by Initiate is NoSuchUpload."""
    upload = Upload(tiny, bucket).parts(b'body')

    assert (404, 'NoSuchUpload') == tiny.complete(bucket, 'key', never_made(upload.id), upload.listed).outcome
    assert 200 == upload.complete().status


BAD_LISTS = {
    'no MD5': [(1, '"0"')], 'of an object': [(1, 'abc-2')], 'empty': [(1, '')],
    'not uploaded': [(2, '"%s"' % ('0' * 32))],
    'too high': [(10001, '"%s"' % ('0' * 32))], 'below one': [(0, '"%s"' % ('0' * 32))],
    'twice': [(1, '"%s"' % ('0' * 32))] * 2}


@pytest.mark.parametrize('ended', ['aborted', 'completed'])
def test_wrong_list_of_an_upload_that_has_ended(tiny, bucket, ended):
    """An upload that has ended has no parts that a list could be wrong about: NoSuchUpload, as from s3api."""
    upload = Upload(tiny, bucket).parts(b'body')
    assert {(400, 'InvalidPart'), (400, 'InvalidArgument'), (400, 'InvalidPartOrder')} == {
        upload.complete(listed).outcome for listed in BAD_LISTS.values()}
    assert (upload.abort() if ended == 'aborted' else upload.complete()).status < 300

    assert dict.fromkeys(BAD_LISTS, (404, 'NoSuchUpload')) == {
        what: upload.complete(listed).outcome for what, listed in BAD_LISTS.items()}
    # What is no list at all is no matter of the upload.
    assert (400, 'MalformedXML') == upload.complete(b'<x/>').outcome


def test_id_of_another_key_or_bucket(tiny, bucket, s3):
    """An upload id belongs to one bucket and key; elsewhere it is NoSuchUpload."""
    upload = Upload(tiny, bucket).parts(b'body')
    other = 'bucket-' + secrets.token_hex(8)
    s3.create_bucket(Bucket=other)
    tiny.initiate(other, 'key')

    for place in ((bucket, 'other'), (bucket, 'key/'), (bucket, 'ke'), (other, 'key')):
        assert (404, 'NoSuchUpload') == tiny.complete(*place, upload.id, upload.listed).outcome, place
    assert 200 == upload.complete().status


def test_bucket_that_does_not_exist(tiny, bucket):
    """In a bucket that does not exist the answer is NoSuchBucket."""
    upload = Upload(tiny, bucket).parts(b'body')

    answer = tiny.complete('no-such-bucket-here', 'key', upload.id, upload.listed)

    assert (404, 'NoSuchBucket') == answer.outcome
    assert 'no-such-bucket-here' == answer.error['BucketName']


def test_two_uploads_of_one_key_are_independent(tiny, bucket):
    """Two uploads of one key have parts of their own; the one completed last is the object."""
    first, second = Upload(tiny, bucket).parts(b'first'), Upload(tiny, bucket).parts(b'second')

    assert (400, 'InvalidPart') == second.complete(first.listed).outcome
    assert 200 == second.complete().status
    assert b'second' == read(tiny, bucket, 'key').body
    assert 200 == first.complete().status
    assert b'first' == read(tiny, bucket, 'key').body


# Repeats

@pytest.mark.parametrize('swap', [
    lambda listed: listed,
    lambda listed: [(number, etag.strip('"').upper()) for number, etag in listed],
], ids=['as it was', 'other spelling'])
def test_repeat_is_answered_alike(tiny, bucket, swap):
    """A Complete that is repeated with the same list answers the same 200 and body."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    first = upload.complete()

    for _ in range(3):
        answer = upload.complete(swap(upload.listed))
        assert (200, first.body) == (answer.status, answer.body)
    assert b''.join(WORDS) == read(tiny, bucket, 'key').body


def test_repeat_with_other_headers_that_fit(tiny, bucket):
    """A repeat is recognised with the announced size and Content-MD5 too."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    digest = b64encode(hashlib.md5(complete_body(upload.listed)).digest()).decode()
    headers = {'x-amz-mp-object-size': '24', 'Content-MD5': digest}

    assert [200, 200] == [upload.complete(headers=headers).status for _ in range(2)]


@pytest.mark.parametrize('change', [
    lambda listed: listed[:-1],
    lambda listed: listed[1:],
    lambda listed: [*listed, (9, '"%s"' % md5(b'x'))],
    lambda listed: [*listed[:-1], (3, '"%s"' % md5(b'x'))],
], ids=['fewer', 'without the first', 'more', 'another ETag'])
def test_repeat_with_another_list(tiny, bucket, change):
    """A completed upload with another list is NoSuchUpload, and the object stays as it is."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.complete()

    assert (404, 'NoSuchUpload') == upload.complete(change(upload.listed)).outcome
    assert b''.join(WORDS) == read(tiny, bucket, 'key').body


@pytest.mark.parametrize('versioned', [False, True], ids=['plain', 'versioned'])
def test_repeat_after_the_object_was_deleted(tiny, bucket, swift, versioned):
    """A repeat never brings an object back that was deleted: NoSuchUpload."""
    if versioned:
        swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.complete()
    tiny.request('DELETE', bucket, 'key')

    assert (404, 'NoSuchUpload') == upload.complete().outcome
    assert 404 == read(tiny, bucket, 'key').status


@pytest.mark.parametrize('versioned', [False, True], ids=['plain', 'versioned'])
@pytest.mark.parametrize('multipart', [False, True], ids=['by a PUT', 'by an upload'])
def test_repeat_after_the_object_was_overwritten(tiny, bucket, swift, multipart, versioned):
    """A repeat never brings old bytes back over a newer object: NoSuchUpload."""
    if versioned:
        swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.complete()
    if multipart:
        Upload(tiny, bucket).parts(b'new').complete()
    else:
        tiny.request('PUT', bucket, 'key', body=b'new')

    assert (404, 'NoSuchUpload') == upload.complete().outcome
    assert b'new' == read(tiny, bucket, 'key').body


def test_another_upload_with_the_same_parts_is_another_upload(tiny, bucket):
    """An object with the same ETag that another upload made is not taken for one's own."""
    first, second = Upload(tiny, bucket).parts(*WORDS), Upload(tiny, bucket).parts(*WORDS)
    first.complete()
    second.complete()

    assert (404, 'NoSuchUpload') == first.complete().outcome
    assert 200 == second.complete().status


def test_copy_of_the_object_is_not_the_object(tiny, bucket):
    """A copy over the object is an overwrite: a repeat is NoSuchUpload and the copy stays."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.complete()
    copied = tiny.request('PUT', bucket, 'key', headers={
        'x-amz-copy-source': f'/{bucket}/key', 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-copy': 'yes'})

    assert 200 == copied.status
    assert (404, 'NoSuchUpload') == upload.complete().outcome
    assert 'yes' == read(tiny, bucket, 'key').headers['x-amz-meta-copy']


def test_link_to_the_object_is_not_the_object(tiny, bucket, swift):
    """A link that was put over the object is an overwrite too, even if it leads to a copy of the very same object."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.complete()
    swift.put_object(bucket, 'copy', b'', query_string='multipart-manifest=get', headers={
        'X-Copy-From': f'/{bucket}/key'})
    swift.put_object(bucket, 'key', b'', headers={'X-Symlink-Target': f'{bucket}/copy'})

    assert (404, 'NoSuchUpload') == upload.complete().outcome
    assert (404, 'NoSuchUpload') == upload.abort().outcome
    assert b''.join(WORDS) == read(tiny, bucket, 'key').body


def test_complete_after_abort(tiny, bucket):
    """An aborted upload cannot be completed: NoSuchUpload."""
    upload = Upload(tiny, bucket).parts(*WORDS)
    upload.abort()

    assert (404, 'NoSuchUpload') == upload.complete().outcome
    assert 404 == read(tiny, bucket, 'key').status


def test_failed_complete_leaves_the_upload_as_it_was(tiny, bucket, swift):
    """After a refusal the upload is open: its parts are there, more can be uploaded, and it can be completed."""
    upload = Upload(tiny, bucket).parts(b'Hello, ', b'multipart ')
    names = upload.stored(swift)

    assert (400, 'InvalidPart') == upload.complete([*upload.listed, (3, '"%s"' % md5(WORDS[2]))]).outcome
    assert names == upload.stored(swift)
    upload.part(3, WORDS[2])
    assert WORDS_ETAG == result(upload.complete())['ETag']
