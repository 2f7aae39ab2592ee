# SPDX-License-Identifier: Apache-2.0
"""Proxies whose clocks differ: an upload may pass from one to the other at any point, and nothing is lost.

What Swift compares are the times of its proxies. One that is behind writes what is older than what is there already.
"""

from __future__ import annotations

import hashlib
import time

import pytest

from .faults import FaultyProxy, rule
from .raw import RawClient, multipart_etag
from .uploads import Upload, current, race, result

BODIES = [b'Hello, ', b'multipart ', b'world!\n']
WHOLE = b''.join(BODIES)
ETAG = f'"{multipart_etag(BODIES)}"'
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
UNAVAILABLE = (503, 'ServiceUnavailable')
# By how much one proxy is ahead of the other. The longest is within what the lease leaves to clocks.
DIFFERENCES = (1, 30)
ROUNDS = 4


class Client(RawClient):
    """A client of a proxy whose log can be read."""

    def __init__(self, proxy):
        super().__init__(proxy.url)
        self._proxy = proxy

    def logged(self, text):
        """Return whether the proxy has logged this."""
        return text in self._proxy.proxy.log_text()


@pytest.fixture(scope='module')
def proxies(cluster):
    """Proxies by how many seconds they are ahead: 0, and those of DIFFERENCES."""
    return {ahead: FaultyProxy(cluster, f'clock-{ahead}', seconds_ahead=ahead) for ahead in (0, *DIFFERENCES)}


@pytest.fixture(params=[pair for ahead in DIFFERENCES for pair in ((ahead, 0), (0, ahead))],
                ids=lambda pair: f'{pair[0]} s and then {pair[1]} s ahead')
def clocks(request, proxies):
    """Two proxies, one of them ahead of the other."""
    return [proxies[ahead] for ahead in request.param]


@pytest.fixture
def clients(clocks):
    """A client of each of them."""
    return [Client(proxy) for proxy in clocks]


# One after the other

@pytest.mark.parametrize('who', [(0, 0, 1), (0, 1, 0), (0, 1, 1)], ids=str)
def test_an_upload_passes_between_them(clients, bucket, who):
    """Initiate, parts and Complete through any of them make the object, and the other one repeats the answer."""
    begins, sends, completes = (clients[each] for each in who)
    upload = Upload(begins, bucket)
    for number, body in enumerate(BODIES, 1):
        upload.part(number, body, client=sends)

    assert ETAG == result(upload.complete(client=completes))['ETag']
    assert WHOLE == current(upload)
    for client in clients:
        assert ETAG == result(upload.complete(client=client))['ETag']
        assert NO_SUCH_UPLOAD == upload.abort(client=client).outcome
    assert WHOLE == current(upload)


def test_an_abort_by_the_other(clients, bucket, swift):
    """An Abort ends what the other proxy began, and frees what it stored."""
    first, second = clients
    upload = Upload(first, bucket).parts(*BODIES)

    assert 204 == upload.abort(client=second).outcome
    assert [] == upload.stored_numbers(swift)
    for client in clients:
        assert NO_SUCH_UPLOAD == upload.complete(client=client).outcome
        assert NO_SUCH_UPLOAD == upload.client.upload_part(bucket, 'key', upload.id, 1, b'late').outcome
        assert 204 == upload.abort(client=client).outcome
    assert current(upload) is None


def test_a_part_sent_again_through_the_other(clients, bucket):
    """The part that was sent later counts, in the list and in the object, whichever clock it met."""
    first, second = clients
    upload = Upload(first, bucket).parts(b'first ', b'tail')
    stale = upload.etags[1]
    upload.part(1, b'second ', client=second)

    for client in clients:
        etags = [each.text for each in upload.list_parts(client=client).xml('ListPartsResult').iter('ETag')]
        assert [upload.etags[1], upload.etags[2]] == etags
        assert (400, 'InvalidPart') == upload.complete([(1, stale), (2, upload.etags[2])], client=client).outcome
    assert 200 == upload.complete(client=second).outcome
    assert b'second tail' == current(upload)


@pytest.mark.parametrize('headers', [{'If-Match': f'"{hashlib.md5(b"older").hexdigest()}"'}, {}],
                         ids=['condition', 'plain'])
def test_a_complete_after_a_plain_put_through_the_other(clients, any_bucket, headers):
    """What was at the key before is replaced, whichever clock wrote it."""
    first, second = clients
    assert 200 == first.request('PUT', any_bucket, 'key', body=b'older').status
    upload = Upload(second, any_bucket).parts(*BODIES)

    assert 200 == upload.complete(headers=headers).outcome
    assert WHOLE == current(upload)
    for client in clients:
        assert 200 == upload.complete(client=client).outcome
    assert WHOLE == current(upload)


@pytest.mark.parametrize('method', ['PUT', 'DELETE'])
def test_a_write_through_the_other_after_a_complete(clients, bucket, method):
    """Whether or not Swift takes it for the later one, what can be read then is whole."""
    first, second = clients
    upload = Upload(first, bucket).parts(*BODIES)
    assert 200 == upload.complete().outcome

    second.request(method, bucket, 'key', body=b'newer' if method == 'PUT' else b'')

    assert current(upload) in (WHOLE, b'newer' if method == 'PUT' else None)


def test_a_complete_after_a_deletion_through_the_other(clients, any_bucket):
    """An object that was deleted a moment before does not keep the new one from being seen."""
    first, second = clients
    first.request('PUT', any_bucket, 'key', body=b'older')
    assert 204 == first.request('DELETE', any_bucket, 'key').status
    upload = Upload(second, any_bucket).parts(*BODIES)

    assert 200 == upload.complete().outcome
    assert WHOLE == current(upload)


@pytest.mark.parametrize('headers', [{'If-None-Match': '*'}, {}], ids=['condition', 'plain'])
def test_a_complete_after_another_upload_through_the_other(clients, bucket, headers):
    """Two uploads of one key, one completed and deleted through the first proxy, the other through the second."""
    first, second = clients
    assert 200 == Upload(first, bucket).parts(b'older').complete().outcome
    assert 204 == first.request('DELETE', bucket, 'key').status
    upload = Upload(second, bucket).parts(*BODIES)

    assert 200 == upload.complete(headers=headers).outcome
    assert WHOLE == current(upload)


# A bucket that is made again

def test_an_upload_after_its_bucket_was_made_again(clients, bucket, s3):
    """A bucket that was emptied, deleted and made again through one proxy takes uploads through the other one; while
    that one's clock is before the deletion it says so, and asks for a repeat."""
    first, second = clients
    assert 204 == Upload(first, bucket).parts(b'old').abort().status
    assert 204 == first.request('DELETE', bucket).status
    assert 200 == first.request('PUT', bucket).status

    answer = second.request('POST', bucket, 'key', {'uploads': None})

    if answer.status != 200:
        assert UNAVAILABLE == answer.outcome
        assert second.logged(f'the request has to be repeated: a container with the uploads of {bucket} was deleted')
    begins = second if answer.status == 200 else first
    upload = Upload(begins, bucket).parts(*BODIES)
    assert 200 == upload.complete(client=second).outcome
    assert WHOLE == current(upload)


# At the same time, and after a death

@pytest.fixture(scope='module')
def later(cluster):
    """A client of a proxy whose clock says that the leases of all others are over."""
    return Client(FaultyProxy(cluster, 'clock-later', seconds_ahead=120))


@pytest.mark.parametrize('round_number', range(ROUNDS))
@pytest.mark.parametrize('ahead', DIFFERENCES)
def test_a_complete_and_an_abort(proxies, later, bucket, swift, ahead, round_number):
    """One of the two wins whole, also when clocks differ."""
    one, other = (Client(proxies[each]) for each in ((0, ahead) if round_number % 2 else (ahead, 0)))
    upload = Upload(one, bucket).parts(*BODIES)

    first = [answer.outcome for answer in race(upload.complete, lambda: upload.abort(client=other))]
    # Until the lease is over it may be that neither is told.
    ended = [upload.complete(client=later).outcome, upload.abort(client=later).outcome]

    assert ended in ([200, NO_SUCH_UPLOAD], [NO_SUCH_UPLOAD, 204])
    assert all(seen in (UNAVAILABLE, told) for seen, told in zip(first, ended)), (first, ended)
    assert (WHOLE if ended[0] == 200 else None) == current(upload)
    assert ([1, 2, 3] if ended[0] == 200 else []) == upload.stored_numbers(swift)


@pytest.mark.parametrize('after', [False, True], ids=['before the manifest', 'after the manifest'])
def test_an_abort_after_a_complete_died(clocks, clients, bucket, later, swift, after):
    """An Abort through another proxy waits where it cannot know what became of a Complete, and never frees its parts
    too early."""
    first, second = clients
    upload = Upload(first, bucket).parts(*BODIES)
    with clocks[0].below.following(rule('PUT', f'/{bucket}/key$', die=True, after=after, times=1)):
        assert (500, 'InternalError') == upload.complete().outcome

    assert (NO_SUCH_UPLOAD if after else UNAVAILABLE) == upload.abort(client=second).outcome
    assert [1, 2, 3] == upload.stored_numbers(swift)
    if after:
        assert ETAG == result(upload.complete(client=second))['ETag']
    else:
        assert 204 == upload.abort(client=later).outcome
    assert (WHOLE if after else None) == current(upload)


def test_a_repeat_of_a_complete_that_died(clocks, clients, bucket):
    """A repeat through the other proxy takes over at once, with the time that the dead one has chosen."""
    first, second = clients
    upload = Upload(first, bucket).parts(*BODIES)
    with clocks[0].below.following(rule('PUT', f'/{bucket}/key$', die=True, times=1)):
        assert (500, 'InternalError') == upload.complete().outcome

    outcome = upload.complete(client=second).outcome

    # After 20 seconds of the lease, by the clock of the second, it could be too late: then it has to wait.
    assert outcome in (200, UNAVAILABLE)
    if outcome == 200:
        assert WHOLE == current(upload)
    else:
        assert second.logged('its intent is too old to write the manifest')
        assert 200 == upload.complete().outcome
        assert WHOLE == current(upload)


# What has to be refused

@pytest.fixture(scope='module')
def far_ahead(cluster):
    """A client of a proxy that is further ahead than any Complete follows."""
    return Client(FaultyProxy(cluster, 'clock-far', seconds_ahead=600))


@pytest.mark.parametrize('method', ['PUT', 'DELETE'])
def test_an_object_of_the_far_future(proxies, far_ahead, bucket, swift, method):
    """A Complete that could not replace what is there, or was deleted, answers 503, says why in the log, and has
    changed nothing; the upload can be completed by a proxy that is as far ahead."""
    far_ahead.request('PUT', bucket, 'key', body=b'from the future')
    if method == 'DELETE':
        assert 204 == far_ahead.request('DELETE', bucket, 'key').status
    client = Client(proxies[0])
    upload = Upload(client, bucket).parts(*BODIES)
    stored = upload.stored(swift)

    assert UNAVAILABLE == upload.complete().outcome
    assert stored == upload.stored(swift)
    assert client.logged(f'Complete of upload {upload.id} has to be repeated: what is at its key, or was deleted ')
    assert 200 == upload.complete(client=far_ahead).outcome
    assert WHOLE == current(upload)


def test_a_part_sent_again_without_memcache(cluster, bucket):
    """Where proxies cannot tell each other who was last, a Complete that cannot know answers 503 and says why in the
    log; the part, sent once more when the clock has passed, counts."""
    options = {'cache': {'memcache_servers': '127.0.0.1:9'}}
    fast = Client(FaultyProxy(cluster, 'clock-forgetful-fast', seconds_ahead=4, **options))
    upload = Upload(Client(FaultyProxy(cluster, 'clock-forgetful', **options)), bucket)
    upload.part(1, b'first', client=fast)
    upload.part(1, b'second')

    assert UNAVAILABLE == upload.complete().outcome
    assert upload.client.logged(f'Complete of upload {upload.id} has to be repeated: part 1 was sent again')
    time.sleep(4)
    upload.part(1, b'second')
    assert 200 == upload.complete().outcome
    assert b'second' == current(upload)
