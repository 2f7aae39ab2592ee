# SPDX-License-Identifier: Apache-2.0
"""A Complete proves every part it takes: rows that are late, parts that are gone, and parts that were sent twice.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from .behind import settle
from .counting import counting
from .faults import rule
from .raw import RawClient, multipart_etag
from .uploads import Upload, at_once, container_server_down, read, result

BODIES = [b'Hello, ', b'multipart ', b'world!\n']
WHOLE = b''.join(BODIES)
INVALID_PART = (400, 'InvalidPart')
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
BOUND_SECONDS = 20


@pytest.fixture
def upload(faulty, bucket):
    """An upload without parts."""
    upload = Upload(RawClient(faulty.url), bucket)
    # Behind the first of a bucket its container is changed: proxies have to ask for that anew, while its server is up.
    settle()
    return upload


# Rows that are late

def test_row_that_is_late(cluster, daemons, upload, swift):
    """A part whose row Swift has not written yet is found by the hint that Upload Part has left, by one HEAD."""
    upload.part(1, BODIES[0])
    with container_server_down(cluster):
        upload.part(2, BODIES[1])
    upload.part(3, BODIES[2])
    assert [1, 3] == upload.stored_numbers(swift)

    assert f'"{multipart_etag(BODIES)}"' == result(upload.complete())['ETag']
    assert WHOLE == read(upload.client, upload.bucket, 'key').body
    daemons.update_rows()
    assert [1, 2, 3] == upload.stored_numbers(swift)
    assert WHOLE == read(upload.client, upload.bucket, 'key').body


def test_row_that_is_late_and_hint_that_is_lost(cluster, daemons, forgetful, upload, swift):
    """Without its hint the part is InvalidPart; nothing has changed then, and when the row comes Complete succeeds."""
    upload.part(1, BODIES[0])
    with container_server_down(cluster):
        upload.part(2, BODIES[1])
    upload.part(3, BODIES[2])
    client = RawClient(forgetful.url)
    stored = upload.stored(swift)

    answer = upload.complete(client=client)

    assert (INVALID_PART, '2') == (answer.outcome, answer.error['PartNumber'])
    assert (stored, True) == (upload.stored(swift), upload.is_open())
    daemons.update_rows()
    assert [1, 2, 3] == upload.stored_numbers(swift)
    assert 200 == upload.complete(client=client).outcome
    assert WHOLE == read(upload.client, upload.bucket, 'key').body


def test_all_rows_are_late(cluster, daemons, upload, swift):
    """So are all the parts of an upload."""
    # The proxies know the container by then.
    upload.list_parts()
    with container_server_down(cluster):
        upload.many_parts(range(1, 13))
    assert [] == upload.stored_numbers(swift)

    assert 200 == upload.complete().outcome
    assert b''.join(b'%d' % number for number in range(1, 13)) == read(upload.client, upload.bucket, 'key').body
    daemons.update_rows()


def test_newer_row_that_is_late(cluster, daemons, upload, swift):
    """When a part is sent again and only the row of the older attempt is there, the newer one is found and taken."""
    upload.parts(*BODIES)
    with container_server_down(cluster):
        upload.part(2, b'again ')

    assert 200 == upload.complete().outcome
    assert b'Hello, again world!\n' == read(upload.client, upload.bucket, 'key').body
    daemons.update_rows()
    assert b'Hello, again world!\n' == read(upload.client, upload.bucket, 'key').body


def test_row_that_the_first_listings_lack(forgetful, bucket):
    """Without a hint the listing is read again while the patience lasts."""
    upload = Upload(RawClient(forgetful.url), bucket).parts(*BODIES)
    with counting(forgetful.above, rule('GET', '_segments$', hide='/00000002-', times=1)) as seen:
        assert 200 == upload.complete().outcome

    assert 2 == seen.counts['GET segments container']
    assert WHOLE == read(upload.client, bucket, 'key').body


# Parts that are gone

def test_part_whose_bytes_are_gone(cluster, daemons, asking, bucket, swift):
    """With `verify = head` a part that is gone, though its row is there, is InvalidPart, and nothing is written."""
    upload = Upload(RawClient(asking.url), bucket).parts(*BODIES)
    stored = upload.stored(swift)
    with container_server_down(cluster):
        swift.delete_object(f'{bucket}_segments', f'key/{upload.id}{stored[2]}')
    assert stored == upload.stored(swift)

    with asking.above.following():
        answer = upload.complete()
        written = [path for method, path, *_ in asking.above.requests() if method not in ('GET', 'HEAD')]

    assert (INVALID_PART, '2') == (answer.outcome, answer.error['PartNumber'])
    # The manifest, which SLO has refused.
    assert [f'{bucket}/key'] == written
    assert stored == upload.stored(swift)
    # A Complete that had entered would keep an Abort waiting.
    assert 204 == upload.abort().outcome
    daemons.update_rows()


@pytest.mark.parametrize('verify', ['listing', 'head'])
def test_part_that_is_gone_with_its_row(faulty, asking, bucket, swift, verify):
    """A part that somebody has deleted is InvalidPart, and nothing is written."""
    proxy = faulty if verify == 'listing' else asking
    upload = Upload(RawClient(proxy.url), bucket).parts(*BODIES)
    stored = upload.stored(swift)
    swift.delete_object(f'{bucket}_segments', f'key/{upload.id}{stored.pop(2)}')

    with counting(proxy.above) as seen:
        answer = upload.complete()

    assert (INVALID_PART, '2') == (answer.outcome, answer.error['PartNumber'])
    # The PUT was begun, and never let through.
    assert {'GET segments container', 'HEAD object', 'HEAD marker', 'HEAD part', 'PUT intent'} >= set(seen.counts)
    assert (stored, 204) == (upload.stored(swift), upload.abort().outcome)


# Parts that are sent twice

class SlowPart:
    """An Upload Part whose body stops in the middle until it is let go."""

    def __init__(self, proxy, upload, number, body):
        self._proxy, self._upload, self._number, self._body = proxy, upload, number, body
        self._begun_before = self._count_begun()
        self.go = threading.Event()
        self.future = None

    def send(self):
        """Send it and return the Answer: the call of a thread of its own."""
        return self._upload.client.upload_part(
            self._upload.bucket, self._upload.key, self._upload.id, self._number, self._pieces(),
            {'Content-Length': str(len(self._body))}, payload='unsigned')

    def _pieces(self):
        yield self._body[:len(self._body) // 2]
        assert self.go.wait(BOUND_SECONDS)
        yield self._body[len(self._body) // 2:]

    def _count_begun(self):
        return sum(method == 'PUT' and '/%08d-' % self._number in path
                   for method, path, *_ in self._proxy.above.requests())

    def wait_begun(self):
        """Return when the proxy has begun to store it, under a name of its own."""
        deadline = time.monotonic() + BOUND_SECONDS
        while self._count_begun() == self._begun_before:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def finish(self):
        """Let the rest of the body go, and return the Answer."""
        self.go.set()
        return self.future.result()


@contextlib.contextmanager
def overlapping(proxy, upload, number, *bodies):
    """Begin uploads of one part, one after the other, each with its body; none has ended when this hands them over."""
    with proxy.above.following(), contextlib.ExitStack() as stack:
        parts = []
        for body in bodies:
            part = SlowPart(proxy, upload, number, body)
            part.future, = stack.enter_context(at_once(part.send))
            # At the end, and before its thread is waited for.
            stack.callback(part.go.set)
            part.wait_begun()
            parts.append(part)
        yield parts


@pytest.mark.parametrize('first', [0, 1], ids=['first begun ends first', 'first begun ends last'])
def test_overlapping_before_the_complete(faulty, upload, first):
    """Of two uploads of a part that overlap and end before the Complete, the one that began later is the part."""
    upload.part(1, b'head ')
    with overlapping(faulty, upload, 2, b'older', b'newer') as parts:
        answers = {place: parts[place].finish() for place in (first, 1 - first)}
    assert {200} == {answer.status for answer in answers.values()}
    older, newer = (answers[place].headers['ETag'] for place in (0, 1))

    assert INVALID_PART == upload.complete([*upload.listed, (2, older)]).outcome
    assert 200 == upload.complete([*upload.listed, (2, newer)]).outcome
    assert b'head newer' == read(upload.client, upload.bucket, 'key').body


@pytest.mark.parametrize('first', [0, 1], ids=['first begun ends first', 'first begun ends last'])
def test_overlapping_after_the_complete(faulty, tiny, upload, first):
    """The one that has ended is listed and taken; the other ends after the Complete, and the object stays as it is."""
    upload.part(1, b'head ')
    bodies = [b'older', b'newer']
    with overlapping(faulty, upload, 2, *bodies) as parts:
        etag = parts[first].finish().headers['ETag']
        completed = upload.complete([*upload.listed, (2, etag)], client=tiny).outcome
        outcome = parts[1 - first].finish().outcome

    assert 200 == completed
    assert outcome in (200, NO_SUCH_UPLOAD)
    assert b'head ' + bodies[first] == read(upload.client, upload.bucket, 'key').body
    # The repeat tells what was completed, whatever has come since.
    assert 200 == upload.complete([*upload.listed, (2, etag)], client=tiny).outcome
    assert b'head ' + bodies[first] == read(upload.client, upload.bucket, 'key').body


@pytest.mark.parametrize('step', ['GET _segments$', 'PUT /complete$', 'PUT /key$', 'DELETE /complete$'])
@pytest.mark.parametrize('first', [0, 1], ids=['first begun ends first', 'first begun ends last'])
@pytest.mark.parametrize('verify', ['listing', 'head'])
def test_overlapping_during_the_complete(faulty, asking, bucket, first, step, verify):
    """The other one ends while the Complete is at any of its steps: the object is what the client has listed."""
    upload = Upload(RawClient(faulty.url), bucket)
    upload.part(1, b'head ')
    proxy = asking if verify == 'head' else faulty
    holding = proxy.below
    bodies = [b'older', b'newer']
    with overlapping(faulty, upload, 2, *bodies) as parts:
        listed = [*upload.listed, (2, parts[first].finish().headers['ETag'])]
        with holding.following(rule(*step.split(' '), hold='step', after=True, times=1)), at_once(
                lambda: upload.complete(listed, client=RawClient(proxy.url))) as (completed,):
            holding.wait_held('step')
            outcome = parts[1 - first].finish().outcome
            holding.release('step')
            answer = completed.result()

    assert outcome in (200, NO_SUCH_UPLOAD)
    assert 200 == answer.outcome
    assert b'head ' + bodies[first] == read(upload.client, bucket, 'key').body
    assert f'"{multipart_etag([b"head ", bodies[first]])}"' == result(answer)['ETag']


def test_etag_of_a_replaced_part(upload, swift):
    """The ETag of a part that was replaced is InvalidPart, however often it is tried, and changes nothing."""
    upload.parts(*BODIES)
    replaced = upload.listed
    upload.part(2, b'again ')
    stored = upload.stored(swift)

    for _ in range(2):
        answer = upload.complete(replaced)
        assert (INVALID_PART, '2') == (answer.outcome, answer.error['PartNumber'])

    assert stored == upload.stored(swift)
    assert 200 == upload.complete().outcome
    assert b'Hello, again world!\n' == read(upload.client, upload.bucket, 'key').body


@pytest.mark.parametrize('verify', ['listing', 'head'])
def test_every_part_is_sent_twice(faulty, asking, bucket, swift, verify):
    """Complete takes the newer attempt of every part, and frees the older ones."""
    upload = Upload(RawClient((asking if verify == 'head' else faulty).url), bucket)
    numbers = range(1, 6)
    upload.many_parts(numbers, b'old %d;'.__mod__).many_parts(numbers, b'new %d;'.__mod__)
    assert 10 == len(upload.stored_numbers(swift))

    assert 200 == upload.complete().outcome
    assert b''.join(b'new %d;' % number for number in numbers) == read(upload.client, bucket, 'key').body
    assert list(numbers) == upload.stored_numbers(swift)


def test_same_bytes_are_sent_again(upload, swift):
    """A client that repeats a part, not knowing that the first try was stored, gets its object and one copy of it."""
    upload.parts(*BODIES).parts(*BODIES)

    assert f'"{multipart_etag(BODIES)}"' == result(upload.complete())['ETag']
    assert WHOLE == read(upload.client, upload.bucket, 'key').body
    assert [1, 2, 3] == upload.stored_numbers(swift)
