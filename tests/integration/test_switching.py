# SPDX-License-Identifier: Apache-2.0
"""The same requests to Swift's own s3api and to s3multi, over the same storage: what a client sees differently.

The page on switching is made of the table in ``switching.py``, which has an entry for each function below.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import zlib
from importlib.metadata import version

import pytest

from ..cases import for_each
from . import users
from .raw import RawClient, complete_body
from .switching import ROWS
from .uploads import Upload

pytestmark = pytest.mark.skipif(not version('swift').startswith('2.38.'), reason='the table is about Swift 2.38')

SOURCE = b'0123456789'
CUSTOMER_KEY = {'x-amz-server-side-encryption-customer-algorithm': 'AES256',
                'x-amz-server-side-encryption-customer-key': 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=',
                'x-amz-server-side-encryption-customer-key-md5': 'hRasmdxgYDKV3nvbahU1MA=='}
ZEROS = base64.b64encode(bytes(4)).decode()
CRC = base64.b64encode(zlib.crc32(b'one').to_bytes(4, 'big')).decode()
FULL_CRC = {'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT'}


class Server:
    """One of the two, with a bucket; requests are for it and, unless told otherwise, for a fresh key."""

    def __init__(self, client, swift):
        self.client, self.swift = client, swift
        self.bucket = 'switching-' + secrets.token_hex(6)
        assert 200 == client.request('PUT', self.bucket).status
        assert 200 == self.ask('PUT', 'source', body=SOURCE).status

    def ask(self, method, key=None, query=(), headers=(), body=b'', **options):
        """Send a request for the bucket or a key."""
        return self.client.request(method, self.bucket, key, query, headers, body, **options)

    def upload(self, *bodies, key=None, headers=()):
        """Begin an upload and send parts."""
        return Upload(self.client, self.bucket, key or secrets.token_hex(4), headers).parts(*bodies)

    def completed(self, *bodies, **options):
        """Complete an upload with these parts."""
        upload = self.upload(*bodies or (b'one', b'two'), **options)
        assert 200 == upload.complete().status
        return upload

    def initiate(self, **headers):
        """Return what is said of an Initiate with these headers."""
        return said(self.ask('POST', 'key', {'uploads': None}, named(headers)))

    def part(self, number=1, body=b'one', **headers):
        """Upload a part."""
        upload = self.upload()
        return self.client.upload_part(self.bucket, upload.key, upload.id, number, body, named(headers))

    def copy(self, source='source', **headers):
        """Return what is said of an Upload Part Copy."""
        upload = self.upload()
        answer = self.client.copy_part(self.bucket, upload.key, upload.id, 1, f'/{self.bucket}/{source}',
                                       named(headers))
        return said(answer, sizes(upload))

    def complete(self, body=None, **headers):
        """Return what is said of a Complete of one part."""
        upload = self.upload(b'one', headers=FULL_CRC)
        return said(upload.complete(body and body(upload.etags[1]), headers=named(headers)))

    def get(self, upload, query=(), headers=(), method='GET'):
        """Read an object."""
        return self.ask(method, upload.key, query, headers)

    def switch(self, status):
        """Enable or suspend the versions of the bucket."""
        body = f'<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>'.encode()
        assert 200 == self.ask('PUT', None, {'versioning': None}, body=body).status

    def delete_several(self, key, version):
        """Delete a version with DeleteObjects."""
        body = f'<Delete><Object><Key>{key}</Key><VersionId>{version}</VersionId></Object></Delete>'.encode()
        return self.ask('POST', None, {'delete': None}, {
            'Content-MD5': base64.b64encode(hashlib.md5(body).digest()).decode()}, body)


def named(headers):
    """Return headers by their names, from names that Python takes."""
    return {name.replace('_', '-'): value for name, value in headers.items()}


def said(answer, success=''):
    """Return status and error in a few words, after a success with what else there is to say."""
    # An answer that has begun with 200 tells the error in its body.
    code = re.search(rb'<Code>(.*?)</Code>', answer.body)
    if answer.status < 300 and not code:
        return ', '.join(filter(None, [str(answer.status), success]))
    return f'{answer.status} {code[1].decode()}' if code else str(answer.status)


def elements(answer, *names):
    """Return the names of those elements of an error that are there."""
    found = [name for name in names if b'<%s>' % name.encode() in answer.body]
    return said(answer) + (' with ' + ', '.join(found) if found else '')


def sizes(upload):
    """Return what was copied into an upload."""
    listed = [part.findtext('Size') for part in upload.list_parts().xml('ListPartsResult').findall('Part')]
    return 'an empty part' if listed == ['0'] else ', '.join(f'copies {size} bytes' for size in listed)


REQUESTS = {}


def request(function):
    """Name a request by its function, which sends it and returns in a few words what came."""
    REQUESTS[function.__name__] = function
    return function


for name, sent in {
        'customer_key': CUSTOMER_KEY, 'unknown_algorithm': {'x-amz-checksum-algorithm': 'ROT13'},
        'key_service': {'x-amz-server-side-encryption-aws-kms-key-id': 'x'}, 'expiry': {'X-Delete-After': '9999'},
        'lock': {'x-amz-object-lock-mode': 'GOVERNANCE'}, 'owner': {'x-amz-expected-bucket-owner': 'nobody'},
        'much_metadata': {f'x-amz-meta-{number}': 'x' * 200 for number in range(15)},
        'acl': {'x-amz-acl': 'public-read'}, 'tagging': {'x-amz-tagging': 'a=b'}}.items():
    REQUESTS[name] = lambda server, sent=sent: server.initiate(**sent)

for name, sent in {
        'part_wrong_checksum': {'x-amz-checksum-crc32': ZEROS}, 'part_metadata': {'x-amz-meta-a': 'b'},
        'part_wrong_md5': {'Content-MD5': base64.b64encode(bytes(16)).decode()}, 'part_customer_key': CUSTOMER_KEY,
        'part_expiry': {'X-Delete-After': '9999'}}.items():
    REQUESTS[name] = lambda server, sent=sent: said(server.part(**sent))

for name, number in {'number_1001': 1001, 'number_0': 0, 'number_10001': 10001}.items():
    REQUESTS[name] = lambda server, number=number: said(server.part(number))

for name, sent in {
        'range_over': {'x-amz-copy-source-range': 'bytes=5-20'}, 'range_header': {'Range': 'bytes=0-3'},
        'range_open': {'x-amz-copy-source-range': 'bytes=5-'}, 'source_missing': {'source': 'missing'},
        'range_behind': {'x-amz-copy-source-range': 'bytes=50-60'},
        'source_owner': {'x-amz-source-expected-bucket-owner': 'nobody'},
        'source_condition': {'x-amz-copy-source-if-match': '"x"'}}.items():
    REQUESTS[name] = lambda server, sent=sent: server.copy(**sent)

for name, sent in {
        'size': {'x-amz-mp-object-size': '4'}, 'object_checksum': {'x-amz-checksum-crc32': ZEROS}}.items():
    REQUESTS[name] = lambda server, sent=sent: server.complete(**sent)

for name, make in {
        'etag_wrong': lambda etag: complete_body([(1, '"%032x"' % 0)]),
        'number_too_big': lambda etag: complete_body([(1, etag), (10001, etag)]),
        'number_too_small': lambda etag: complete_body([(0, etag)]),
        'order': lambda etag: complete_body([(2, etag), (1, etag)]),
        'no_list': lambda etag: b'<CompleteMultipartUpload/>',
        'root': lambda etag: complete_body([(1, etag)]).replace(b'CompleteMultipartUpload', b'MultipartUpload'),
        'list_checksum': lambda etag: complete_body([(1, etag)]).replace(
            b'</ETag>', b'</ETag><ChecksumCRC32>%s</ChecksumCRC32>' % ZEROS.encode())}.items():
    REQUESTS[name] = lambda server, make=make: server.complete(make)


@request
def content_type(server):
    return server.get(server.completed()).headers['Content-Type']


@request
def upload_id(server):
    return f'{len(server.upload().id)} characters'


@request
def algorithm(server):
    answer = server.ask('POST', 'key', {'uploads': None}, {'x-amz-checksum-algorithm': 'CRC32'})
    return said(answer, 'echoed' if answer.headers['x-amz-checksum-algorithm'] else 'ignored')


@request
def chunked_encoding(server):
    return server.get(server.completed(headers={'Content-Encoding': 'gzip, aws-chunked'})).headers['Content-Encoding']


@request
def long_key(server):
    return said(server.ask('POST', 'k' * 1000, {'uploads': None}))


@request
def control_character(server):
    return said(server.ask('POST', None, {'uploads': None}, path=f'/{server.bucket}/%01'))


@request
def unsigned(server):
    def tamper(request):
        request.headers['x-amz-storage-class'] = 'STANDARD'

    return said(server.ask('POST', 'key', {'uploads': None}, sign='presigned-v4', tamper=tamper))


@request
def v2_metadata(server):
    def only_in_query(request):
        del request.headers['x-amz-meta-a']

    return said(server.ask('POST', 'key', {'uploads': None}, {'x-amz-meta-a': 'b'}, sign='presigned-v2',
                           tamper=only_in_query))


@request
def no_bucket(server):
    return said(server.client.request('POST', 'no-' + server.bucket, 'key', {'uploads': None}))


@request
def part_checksum(server):
    answer = server.part(**{'x-amz-checksum-crc32': CRC})
    return said(answer, 'echoed' if answer.headers['x-amz-checksum-crc32'] == CRC else '')


@request
def part_completed(server):
    upload = server.completed()
    return said(server.client.upload_part(server.bucket, upload.key, upload.id, 3, b'three'))


@request
def part_aborted(server):
    upload = server.upload(b'one')
    upload.abort()
    return said(server.client.upload_part(server.bucket, upload.key, upload.id, 2, b'two'))


@request
def presigned_copy(server):
    upload = server.upload()
    answer = server.ask('PUT', upload.key, {'partNumber': 1, 'uploadId': upload.id, 'x-amz-copy-source':
                                            f'/{server.bucket}/source'}, sign='presigned-v4')
    return said(answer, sizes(upload))


@request
def plus(server):
    assert 200 == server.ask('PUT', 'a+b', body=SOURCE).status
    return server.copy('a+b')


@request
def composite(server):
    upload = server.upload(headers={'x-amz-checksum-algorithm': 'SHA256'})
    checksum = hashlib.sha256(b'one').digest()
    encoded = base64.b64encode(checksum).decode()
    etag = server.client.upload_part(server.bucket, upload.key, upload.id, 1, b'one', {
        'x-amz-checksum-sha256': encoded}).headers['ETag']
    body = complete_body([(1, etag)]).replace(
        b'</ETag>', f'</ETag><ChecksumSHA256>{encoded}</ChecksumSHA256>'.encode())
    whole = base64.b64encode(hashlib.sha256(checksum).digest()).decode()
    return said(upload.complete(body, headers={'x-amz-checksum-sha256': whole + '-1'}))


@request
def control_characters(server):
    other = Server(server.client, server.swift)
    assert 200 == other.ask('PUT', path=f'/{other.bucket}/%01').status
    return said(other.ask('GET'))


@request
def etag_missing(server):
    upload = server.upload(b'one')
    return elements(upload.complete([(1, upload.etags[1]), (2, upload.etags[1])]), 'UploadId', 'PartNumber', 'ETag')


@request
def small_part(server):
    return said(server.upload(b'', b'two').complete())


@request
def if_none_match(server):
    return said(server.upload(b'one', key='source').complete(headers={'If-None-Match': '*'}))


@request
def if_match(server):
    return said(server.upload(b'one', key='source').complete(headers={'If-Match': '"x"'}))


@request
def again(server):
    return said(server.completed().complete())


@request
def again_other(server):
    upload = server.completed()
    return said(upload.complete(upload.listed[:1]))


@request
def again_deleted(server):
    upload = server.completed()
    server.ask('DELETE', upload.key)
    return said(upload.complete())


@request
def after_abort(server):
    upload = server.upload(b'one')
    upload.abort()
    return said(upload.complete())


@request
def abort(server):
    return said(server.upload(b'one').abort())


@request
def abort_again(server):
    upload = server.upload(b'one')
    upload.abort()
    return said(upload.abort())


@request
def abort_completed(server):
    return said(server.completed().abort())


@request
def abort_with_number(server):
    upload = server.completed()
    answer = server.ask('DELETE', upload.key, {'uploadId': upload.id, 'partNumber': 1})
    return said(answer, 'the object is deleted' if server.get(upload).status == 404 else '')


@request
def parts_of_completed(server):
    return said(server.completed().list_parts())


@request
def no_parts_at_once(server):
    answer = server.upload(b'one').list_parts({'max-parts': 0}).xml('ListPartsResult')
    return 'IsTruncated ' + answer.findtext('IsTruncated')


@request
def attributes(server):
    answer = server.get(server.completed(), {'attributes': None}, {'x-amz-object-attributes': 'ETag'})
    return said(answer, 'the object itself' if answer.body == b'onetwo' else
                'the attributes' if b'GetObjectAttributesResponse' in answer.body else '')


@request
def part_number_of_plain(server):
    etag = server.ask('HEAD', 'source').headers['ETag']
    answer = server.ask('GET', 'source', {'partNumber': 1}, {'If-None-Match': etag})
    return said(answer) + (' without bytes' if answer.status == 206 and not answer.body else '')


@request
def part_number_sign(server):
    return said(server.get(server.completed(), {'partNumber': '+1'}))


@request
def part_number_over(server):
    return elements(server.get(server.completed(), {'partNumber': 3}), 'PartNumberRequested', 'ActualPartCount')


@request
def empty_last_part(server):
    return said(server.get(server.completed(b'one', b''), {'partNumber': 2}))


@request
def checksum_mode(server):
    answer = server.get(server.completed(b'one', headers=FULL_CRC), headers={'x-amz-checksum-mode': 'ENABLED'})
    return 'that of the object' if answer.headers['x-amz-checksum-crc32'] == CRC else 'no checksum'


@request
def reader(server):
    server.swift.post_container(server.bucket, {'X-Container-Read': 'test:tester3'})
    other = RawClient('http://' + server.client.address.netloc, 'test:tester3', 'testing3')
    return said(other.request('GET', server.bucket, server.completed().key))


@request
def if_range(server):
    answer = server.get(server.completed(), headers={'Range': 'bytes=2-', 'If-Range': '"x"'})
    return said(answer, 'the whole' if answer.body == b'onetwo' else '')


@request
def copy(server):
    upload = server.completed()
    assert 200 == server.ask('PUT', 'copied', headers={'x-amz-copy-source': f'/{server.bucket}/{upload.key}'}).status
    listed = server.ask('GET', query={'prefix': 'copied'}).xml('ListBucketResult').findtext('Contents/ETag')
    return 'yes' if server.ask('HEAD', 'copied').headers['ETag'] == listed else 'no'


@request
def copy_range(server):
    answer = server.ask('PUT', 'ranged', headers={'x-amz-copy-source': f'/{server.bucket}/source',
                                                  'Range': 'bytes=0-3'})
    return said(answer, 'truncated' if server.ask('GET', 'ranged').body == SOURCE[:4] else '')


@request
def retention(server):
    upload = server.completed()
    answer = server.ask('PUT', upload.key, {'retention': None}, body=b'<Retention/>')
    return said(answer, 'replaces the object with the document' if server.get(upload).body == b'<Retention/>' else '')


@request
def delete_bucket(server):
    other = Server(server.client, server.swift)
    other.ask('DELETE', 'source')
    other.upload(b'one')
    return said(other.ask('DELETE'))


@request
def no_version_id(server):
    other = Server(server.client, server.swift)
    return said(other.ask('DELETE', 'source', {'versionId': 'x'}))


@request
def undelete(server):
    server.switch('Enabled')
    upload = server.completed()
    marker = server.ask('DELETE', upload.key).headers['x-amz-version-id']
    server.delete_several(upload.key, marker)
    return said(server.get(upload))


@request
def delete_current(server):
    server.switch('Enabled')
    upload = server.completed()
    newer = server.completed(b'newer', key=upload.key)
    server.delete_several(upload.key, server.get(newer, method='HEAD').headers['x-amz-version-id'])
    answer = server.get(upload)
    return said(answer, 'the one before' if answer.body == b'onetwo' else '')


@request
def delete_null(server):
    server.switch('Enabled')
    upload = server.completed()
    assert 204 == server.ask('DELETE', upload.key, {'versionId': 'null'}).status
    return said(server.get(upload))


@request
def delete_below_null(server):
    server.switch('Enabled')
    upload = server.completed()
    below = server.get(upload, method='HEAD').headers['x-amz-version-id']
    server.switch('Suspended')
    server.completed(key=upload.key)
    return said(server.ask('DELETE', upload.key, {'versionId': below}))


@pytest.fixture(scope='module')
def servers(stock, tiny, swift_once):
    """Both."""
    return Server(stock, swift_once), Server(tiny, swift_once)


@pytest.fixture(scope='module')
def swift_once(cluster):
    """A connection to the Swift API, as the account's administrator."""
    connection = users.auth.connection(cluster.proxy, 'test:tester', 'testing')
    yield connection
    connection.close()


def test_what_a_client_sees(servers):
    """Each row of the table is what came."""
    def check(name):
        row = ROWS[name]
        assert (row.stock, row.ours) == tuple(REQUESTS[name](server) for server in servers)

    for_each(list(ROWS), check)


def test_every_request_is_in_the_table():
    """And the other way round."""
    assert set(ROWS) == set(REQUESTS)
