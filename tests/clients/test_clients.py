# SPDX-License-Identifier: Apache-2.0
"""What users do, with every client in its default settings. Each test is one thing, tried with each client."""

from __future__ import annotations

import filecmp
import hashlib

import pytest

from tests.integration.uploads import segment_names

from .client import MIB, Client
from .spy import how_signed

# Keys that need care in paths, in queries and in XML.
KEYS = ['a b', 'a+b', 'ä/ü €', '100%', '%2F', "q'&<>\"", 'x=y;z,~!()@$', 'a?b#c', '日本/語']


def body_etag(path, client):
    """Return the ETag that the object has to have when a client uploads this file in parts."""
    with open(path, 'rb') as file:
        digests = [hashlib.md5(file.read(size)).digest() for size in client.part_sizes(path.stat().st_size)]
    return f'"{hashlib.md5(b"".join(digests)).hexdigest()}-{len(digests)}"'


def sha256(path):
    """Return the SHA256 of a file."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(MIB):
            digest.update(chunk)
    return digest.hexdigest()


def stored(witness, bucket, key):
    """Return the SHA256 of an object's body, read by a plain GET."""
    digest = hashlib.sha256()
    for chunk in witness.get_object(Bucket=bucket, Key=key)['Body'].iter_chunks(MIB):
        digest.update(chunk)
    return digest.hexdigest()


def check_upload(client, path, bucket, witness, swift, sent, tmp_path, record_property):
    """Upload a file, download it again, and compare bytes, ETag and checksum. Nothing but the object is left."""
    client.upload(path, bucket, 'key')
    client.download(bucket, 'key', tmp_path / 'again')

    head = witness.head_object(Bucket=bucket, Key='key', ChecksumMode='ENABLED')
    assert head['ETag'] == body_etag(path, client)
    assert filecmp.cmp(path, tmp_path / 'again', shallow=False)
    assert stored(witness, bucket, 'key') == sha256(path)
    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)
    assert len(segment_names(swift, bucket)) == len(client.part_sizes(path.stat().st_size))
    ways = {how_signed(row) for row in sent.parts(bucket)}
    record_property('parts', '; '.join(sorted(ways)))
    if client.checksum:
        assert 'Checksum' + client.checksum in head, (head, ways)
    failed = [row for row in sent.to(bucket) if row['status'] >= 400 and {'uploads', 'uploadId'} & set(row['query'])]
    assert failed == []


@pytest.mark.topic('upload')
def test_file_that_needs_parts_comes_back(client, make_file, bucket, witness, swift, sent, tmp_path, record_property):
    """The file, a plain GET and a download have the same bytes, the ETag is that of S3, and no request fails."""
    check_upload(client, make_file(client.file_bytes), bucket, witness, swift, sent, tmp_path, record_property)


@pytest.mark.topic('tls')
def test_file_that_needs_parts_comes_back_over_tls(kind, secure_site, make_file, bucket, witness, swift, sent,
                                                   tmp_path, record_property):
    """The same over TLS, where most clients do not sign the body and send the checksum behind it."""
    check_upload(kind(secure_site), make_file(kind.file_bytes), bucket, witness, swift, sent, tmp_path, record_property)


@pytest.mark.topic('upload')
def test_ranges_come_back(client, make_file, bucket):
    """The client reads ranges of an object in parts: within a part, across the seam of two, and the last bytes."""
    if type(client).read is Client.read:
        pytest.skip('not offered: no call for a range')
    path, key = make_file(client.file_bytes), 'a b'
    client.upload(path, bucket, key)
    body, part, size = path.read_bytes(), client.part_sizes(client.file_bytes)[0], client.file_bytes

    for start, count in ((0, 1), (1000, MIB), (part - 3, 7), (size - 5, 5)):
        assert client.read(bucket, key, start, count) == body[start:start + count]


@pytest.mark.topic('upload')
def test_metadata_is_kept(client, make_file, bucket, witness):
    """Metadata that the user gives to an upload in parts is that of the object."""
    if type(client).upload_with is Client.upload_with:
        pytest.skip('not offered: no metadata with an upload')
    path, given = make_file(client.file_bytes), {'colour': 'dark red', 'x-y': '1+2%20'}

    client.upload_with(path, bucket, 'key', given)

    head = witness.head_object(Bucket=bucket, Key='key')
    assert {name: head['Metadata'].get(name) for name in given} == given
    assert head['ETag'] == body_etag(path, client)


@pytest.mark.topic('names')
def test_key_is_what_was_said(client, make_file, bucket, witness):
    """Keys that need care arrive unchanged, also those of objects in parts, and are listed unchanged."""
    # The first three keys get files in parts, unless those have to be large for this client.
    large, small = make_file(client.file_bytes), make_file(3)
    if client.file_bytes > 40 * MIB:
        large = small
    for place, key in enumerate(KEYS):
        client.upload(large if place < 3 else small, bucket, key)

    rows = {row['Key']: row['Size'] for row in witness.list_objects_v2(Bucket=bucket)['Contents']}
    assert list(rows) == sorted(KEYS, key=str.encode)
    if 'list' not in client.lacks:
        assert client.objects(bucket) == rows


@pytest.mark.topic('names')
def test_object_in_parts_with_a_difficult_key(client, make_file, bucket, witness, tmp_path):
    """A file in parts can have a key with a blank, a plus sign and letters that are not ASCII."""
    key, path = 'ä b/c+d €', make_file(client.file_bytes)

    client.upload(path, bucket, key)
    client.download(bucket, key, tmp_path / 'again')

    assert witness.head_object(Bucket=bucket, Key=key)['ETag'] == body_etag(path, client)
    assert filecmp.cmp(path, tmp_path / 'again', shallow=False)


@pytest.mark.topic('names')
def test_key_that_xml_cannot_hold(client, make_file, bucket, witness, tmp_path):
    """Every client can read the answers about it: it learns the id of the upload that it begins, and ends it."""
    skip_not_offered(client, 'control characters')
    key, path = 'a\x01\x1f\uffffb', make_file(client.file_bytes)

    client.upload(path, bucket, key)
    client.download(bucket, key, tmp_path / 'again')

    assert witness.head_object(Bucket=bucket, Key=key)['ETag'] == body_etag(path, client)
    assert filecmp.cmp(path, tmp_path / 'again', shallow=False)
    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)


def skip_not_offered(client, what):
    """Skip the test if the client does not offer this."""
    if what in client.lacks:
        pytest.skip(f'not offered: {client.lacks[what]}')


def begin(witness, bucket, key, path=None, part_bytes=5 * MIB, numbers=()):
    """Begin an upload of a file and send the parts with these numbers; return its id, and a dict of number to ETag."""
    upload_id = witness.create_multipart_upload(Bucket=bucket, Key=key)['UploadId']
    etags = {}
    for number in numbers:
        with open(path, 'rb') as file:
            file.seek((number - 1) * part_bytes)
            body = file.read(part_bytes)
        etags[number] = witness.upload_part(
            Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body)['ETag'].strip('"')
    return upload_id, etags


@pytest.mark.topic('list')
def test_objects_are_listed(client, witness, bucket):
    """The client lists objects, with and without parts, in directories and outside."""
    keys = ['%s/%04d' % (letter, number) for letter in 'ab' for number in range(3)]
    for key in keys:
        witness.put_object(Bucket=bucket, Key=key, Body=b'12')
    upload_id, etags = begin(witness, bucket, 'in parts', __file__, MIB, [1])
    witness.complete_multipart_upload(Bucket=bucket, Key='in parts', UploadId=upload_id,
                                      MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': etags[1]}]})
    with open(__file__, 'rb') as file:
        size = len(file.read())

    assert client.objects(bucket) == {**dict.fromkeys(keys, 2), 'in parts': size}


@pytest.mark.topic('list')
def test_open_uploads_are_listed(client, witness, bucket):
    """The client lists the open uploads, of which two have the same key, if it has a call for that."""
    if type(client).uploads is Client.uploads:
        pytest.skip('not offered: no call for uploads')
    wanted = {begin(witness, bucket, key)[0]: key for key in ('a', 'a', 'b c+d', 'é/ü')}

    assert client.uploads(bucket) == wanted


@pytest.mark.topic('list')
def test_parts_are_listed(client, make_file, witness, bucket):
    """The client lists the parts of an upload, if it has a call for that."""
    if type(client).parts is Client.parts:
        pytest.skip('not offered: no call for parts')
    upload_id, etags = begin(witness, bucket, 'a b', make_file(20 * MIB), 5 * MIB, [1, 2, 4])

    assert client.parts(bucket, 'a b', upload_id) == etags


@pytest.mark.topic('copy')
def test_object_is_copied_in_parts(client, make_file, witness, sent, bucket):
    """The client has the server copy an object by Upload Part Copy, between keys that need care."""
    size = client.copy_bytes
    plus = '' if 'copy of a key with +' in client.lacks else '+'
    path, key, to = make_file(size), f'from ä{plus}b', 'to ü c+d'
    witness.upload_file(str(path), bucket, key)

    client.copy(bucket, key, to)

    assert len(sent.copied_parts(bucket)) > 1
    assert f'-{len(sent.copied_parts(bucket))}"' in witness.head_object(Bucket=bucket, Key=to)['ETag']
    assert stored(witness, bucket, to) == sha256(path)


@pytest.mark.topic('resume')
def test_upload_is_continued(client, make_file, witness, swift, bucket):
    """The client sends only the parts that are missing, and completes the upload."""
    path = make_file(3 * client.part_bytes + MIB)
    upload_id, etags = begin(witness, bucket, 'a b', path, client.part_bytes, [1, 3])
    before = set(segment_names(swift, bucket))

    client.resume(path, bucket, 'a b', upload_id)

    assert witness.head_object(Bucket=bucket, Key='a b')['ETag'] == body_etag(path, client)
    assert stored(witness, bucket, 'a b') == sha256(path)
    # Complete deletes the marker. Both parts stay, so they were not sent again.
    assert len(before & set(segment_names(swift, bucket))) == 2


@pytest.mark.topic('abort')
def test_client_that_gives_up_leaves_nothing(client, make_file, witness, bucket, has_part):
    """A client that cannot continue an upload aborts it by itself, and its parts are freed."""
    client.fail(make_file(client.fail_bytes), bucket, 'key', has_part)

    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)
    assert 'Contents' not in witness.list_objects_v2(Bucket=bucket)


@pytest.mark.topic('explicit abort')
def test_upload_is_aborted(client, make_file, witness, bucket):
    """The client aborts an upload that somebody else has left open."""
    upload_id, _ = begin(witness, bucket, 'a b+c', make_file(20 * MIB), 5 * MIB, [1, 2])

    client.abort(bucket, 'a b+c', upload_id)

    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)
    with pytest.raises(witness.exceptions.NoSuchUpload):
        witness.list_parts(Bucket=bucket, Key='a b+c', UploadId=upload_id)
