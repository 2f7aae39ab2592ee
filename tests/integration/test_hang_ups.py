# SPDX-License-Identifier: Apache-2.0
"""Somebody is gone in the middle: the client of a part, of a copy or of a Complete, or the source of a copy.

What is left then is what an Abort frees, and a part is never shorter than it should be.
"""

from __future__ import annotations

import re
import socket
import struct

import pytest

from .faults import rule
from .raw import RawClient, complete_body
from .uploads import BOUND_SECONDS, Upload, at_once, await_true, read, segment_names

BODY = b'The quick brown fox jumps over the lazy dog. ' * 40000
PUT_PART = ('PUT', '_segments/key/[^/]+/0000000[0-9]-')
PUT_MANIFEST = ('PUT', '/bucket-[0-9a-f]+/key$')


@pytest.fixture
def upload(faulty, bucket):
    """An open upload with one part."""
    return Upload(RawClient(faulty.url), bucket).parts(b'part')


class Connection:
    """A signed request of which only the beginning may ever come. headers: as a mapping, to tell the body's end too."""

    def __init__(self, upload, method, headers, **query):
        client = upload.client
        request = client.unsent(method, upload.bucket, upload.key, {**query, 'uploadId': upload.id}, headers)
        _scheme, _, target = request.url.partition(client.address.netloc)
        lines = [f'{method} {target} HTTP/1.1', *(f'{name}: {value}' for name, value in request.headers.items())]
        self._socket = socket.create_connection((client.address.hostname, client.address.port), BOUND_SECONDS)
        self.send('\r\n'.join([*lines, '', '']).encode())

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def hang_up(self, reset):
        """Close it: as a program does that ends, or with reset=True as a network does that fails."""
        if reset:
            # socket(7): with a lingering time of zero the peer sees a reset and not an end.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self._socket.close()


each_way = pytest.mark.parametrize('reset', [False, True], ids=['closed', 'reset'])


def await_logged(proxy, method, upload, query):
    """Wait until the proxy has logged the end of the request of the upload's key with this query; return the status."""
    line = re.compile(rf'{method} /{upload.bucket}/{upload.key}%3F{query}\S* HTTP/1\.[01] ([0-9]{{3}}) ')
    await_true(lambda: line.search(proxy.proxy.log_text()))
    return int(line.search(proxy.proxy.log_text())[1])


def copied_bytes(upload, swift):
    """Return the sizes of the stored attempts of part 2."""
    return [row['bytes'] for row in swift.get_container(upload.bucket + '_segments',
                                                        prefix=f'{upload.key}/{upload.id}/00000002-')[1]]


def check_abort_frees_all(upload, swift):
    """Check that an Abort leaves the upload's marker alone, which tells that it was aborted."""
    assert 204 == upload.abort().outcome
    await_true(lambda: [f'{upload.key}/{upload.id}'] == segment_names(swift, upload.bucket))


# The client

@each_way
def test_client_that_is_gone_in_the_middle_of_a_part(faulty, upload, swift, reset):
    """Nothing of the part is stored, what was stored before stays, and the part can be sent again."""
    with Connection(upload, 'PUT', {'Content-Length': str(len(BODY))}, partNumber=2) as connection:
        connection.send(BODY[:len(BODY) // 2])
        connection.hang_up(reset)

    assert await_logged(faulty, 'PUT', upload, 'partNumber%3D2') in (400, 499)
    assert [1] == upload.stored_numbers(swift)
    upload.part(2, BODY)
    assert [1, 2] == upload.stored_numbers(swift)
    check_abort_frees_all(upload, swift)


@each_way
def test_client_that_is_gone_in_the_middle_of_a_copy(faulty, upload, swift, reset):
    """The copy may come to its end; the part is whole then, or not there, and an Abort frees it."""
    upload.client.request('PUT', upload.bucket, 'source', body=BODY)
    copied = {'Content-Length': '0', 'x-amz-copy-source': f'/{upload.bucket}/source'}
    with faulty.above.following(rule(*PUT_PART, hold='part', times=1)) as above, \
            Connection(upload, 'PUT', copied, partNumber=2) as connection:
        above.wait_held('part')
        connection.hang_up(reset)
        above.release('part')

        await_logged(faulty, 'PUT', upload, 'partNumber%3D2')
    assert copied_bytes(upload, swift) in ([], [len(BODY)])
    check_abort_frees_all(upload, swift)


@each_way
@pytest.mark.parametrize('sent', ['half of the list', 'all'])
def test_client_that_is_gone_in_the_middle_of_a_complete(faulty, upload, swift, reset, sent):
    """A list that has not come changes nothing; once it has come the object is made, and a repeat tells so."""
    body = complete_body(upload.listed)
    with faulty.below.following(rule(*PUT_MANIFEST, hold='manifest', times=1)) as below, \
            Connection(upload, 'POST', {'Content-Length': str(len(body))}) as connection:
        connection.send(body if sent == 'all' else body[:-20])
        if sent == 'all':
            below.wait_held('manifest')
        connection.hang_up(reset)
        below.release('manifest')
        await_logged(faulty, 'POST', upload, 'uploadId%3D')

    if sent == 'all':
        await_true(lambda: '/complete' not in upload.stored(swift))
        assert (200, b'part') == (upload.complete().outcome, read(upload.client, upload.bucket, 'key').body)
        assert [1] == upload.stored_numbers(swift)
    else:
        assert 404 == read(upload.client, upload.bucket, 'key').status
        check_abort_frees_all(upload, swift)


# The source of a copy

def make_source(upload, swift, kind):
    """Make an object `source` of this kind, and return which request of Swift brings its bytes."""
    bucket, half = upload.bucket, len(BODY) // 2
    if kind == 'object':
        upload.client.request('PUT', bucket, 'source', body=BODY)
        return ('GET', f'/{bucket}/source$')
    if kind == 'multipart object':
        # The second of two parts breaks off.
        upload.client.put_multipart(bucket, 'source', [BODY[:half], BODY[half:]])
        return ('GET', '_segments/source/[^/]+/00000002-')
    for number, body in enumerate([BODY[:half], BODY[half:]]):
        swift.put_object(bucket, f'pieces/{number}', body)
    swift.put_object(bucket, 'source', b'', headers={'X-Object-Manifest': f'{bucket}/pieces/'})
    return ('GET', f'/{bucket}/pieces/1$')


each_source = pytest.mark.parametrize('kind', ['object', 'multipart object', 'dynamic large object'])


@each_source
@pytest.mark.parametrize('die', [True, False], ids=['with an error', 'quietly'])
@pytest.mark.parametrize('byte_range', [None, 'bytes=10-%d' % (len(BODY) - 11)], ids=['whole', 'range'])
def test_source_that_breaks_off(faulty, upload, swift, kind, die, byte_range):
    """A copy whose source breaks off is an error that clients repeat, and no part; the repeat makes the part."""
    request = make_source(upload, swift, kind)
    headers = {'x-amz-copy-source-range': byte_range} if byte_range else {}

    def copy():
        return upload.client.copy_part(upload.bucket, 'key', upload.id, 2, f'/{upload.bucket}/source', headers)

    with faulty.below.following(rule(*request, cut=1000, die=die)):
        failed = copy()

    assert failed.status in (500, 503), (failed.status, failed.body)
    assert [1] == upload.stored_numbers(swift)
    assert 200 == copy().outcome
    assert [len(BODY) - 20 if byte_range else len(BODY)] == copied_bytes(upload, swift)


def test_source_whose_part_is_gone(faulty, upload, swift):
    """A multipart object that has lost a part is no source: an error, and no part."""
    make_source(upload, swift, 'multipart object')
    gone, = [name for name in segment_names(swift, upload.bucket) if re.search('source/.*/00000002-', name)]
    swift.delete_object(upload.bucket + '_segments', gone)

    answer = upload.client.copy_part(upload.bucket, 'key', upload.id, 2, f'/{upload.bucket}/source')

    assert answer.status in (409, 500, 503)
    assert [1] == upload.stored_numbers(swift)


def test_storage_server_that_dies_under_a_copy(cluster, faulty, upload, swift):
    """The same with a real death: the object server is killed while the source is read."""
    large = BODY * 20
    upload.client.request('PUT', upload.bucket, 'source', body=large)
    with faulty.above.following(rule(*PUT_PART, hold='part', times=1)) as above:
        with at_once(lambda: upload.client.copy_part(upload.bucket, 'key', upload.id, 2, f'/{upload.bucket}/source')
                     ) as (copied,):
            # The source has been opened, and more of it is left than fits between two sockets.
            above.wait_held('part')
            server = cluster.servers['object']
            server.kill()
            server.start()
            above.release('part')
            answer = copied.result()

    assert answer.status in (500, 503), (answer.status, answer.body)
    assert [1] == upload.stored_numbers(swift)
    check_abort_frees_all(upload, swift)
