# SPDX-License-Identifier: Apache-2.0
"""Parts that nobody needs any more are deleted: a few at once, many by Swift's object expirer, none twice, none lost.

https://docs.openstack.org/swift/latest/overview_expiring_objects.html
"""

from __future__ import annotations

import pytest
from swiftclient import ClientException

from ..cases import for_each
from .counting import counting
from .faults import FaultyProxy, rule
from .raw import RawClient
from .uploads import TINY_PARTS, Upload, read

IMMEDIATE = 5
UNAVAILABLE = (503, 'ServiceUnavailable')
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')


@pytest.fixture(scope='module')
def proxy(cluster):
    """A proxy that deletes up to five parts at once."""
    return FaultyProxy(cluster, 'freeing', immediate_deletes=IMMEDIATE)


@pytest.fixture(scope='module')
def waiting(cluster):
    """One whose Aborts answer when their parts are deleted, or handed over."""
    return FaultyProxy(cluster, 'freeing-first', immediate_deletes=IMMEDIATE, abort_waits='true')


@pytest.fixture(scope='module')
def without_expirer(cluster):
    """One where the operator does not want deletions to be left to the object expirer."""
    return cluster.add_proxy('freeing-itself', filters={
        's3multi': {**TINY_PARTS['s3multi'], 'immediate_deletes': IMMEDIATE},
        'slo': {**TINY_PARTS['slo'], 'allow_async_delete': False}})


@pytest.fixture
def upload(proxy, bucket):
    """An upload without parts."""
    return Upload(RawClient(proxy.url), bucket)


def bytes_of_parts(swift, upload):
    """Return how many of the parts can still be read, whatever the listing says."""
    found = 0
    for name in upload.names:
        try:
            swift.head_object(f'{upload.bucket}_segments', f'{upload.key}/{upload.id}{name}')
            found += 1
        except ClientException as error:
            assert 404 == error.http_status
    return found


def remember(upload, swift):
    """Note the names of the parts that are stored now."""
    upload.names = [name for name in upload.stored(swift) if name]
    return upload


def test_a_few_parts_are_deleted_at_once(proxy, upload, swift):
    """Up to `immediate_deletes` parts are deleted by the proxy of the Abort."""
    remember(upload.many_parts(range(1, IMMEDIATE + 1)), swift)
    with counting(proxy.above) as seen:
        assert 204 == upload.abort().outcome

    assert (IMMEDIATE, None) == (seen.counts['DELETE part'], seen.counts.get('UPDATE expirer queue'))
    assert ([], 0) == (upload.stored_numbers(swift), bytes_of_parts(swift, upload))


def test_more_parts_are_left_to_the_expirer(daemons, proxy, bucket, swift):
    """More are handed to the object expirer in one request, and the upload is over; it then deletes them all."""
    keys, pairs = ['key', 'gr\u00fcn/ %2F&?#"\u2713'], {}

    def abort(key):
        upload, other = pairs[key] = [Upload(RawClient(proxy.url), bucket, key) for _ in range(2)]
        remember(upload.many_parts(range(1, IMMEDIATE + 2)), swift)
        other.part(1, b'other')
        with counting(proxy.above) as seen:
            assert 204 == upload.abort().outcome

        assert (None, 1) == (seen.counts.get('DELETE part'), seen.counts['UPDATE expirer queue'])
        assert (404, 'NoSuchUpload') == upload.list_parts().outcome
        assert NO_SUCH_UPLOAD == upload.complete().outcome

    def look(key):
        upload, other = pairs[key]
        assert ([], 0) == (upload.stored_numbers(swift), bytes_of_parts(swift, upload))
        assert 200 == other.complete().outcome
        assert b'other' == read(other.client, bucket, key).body

    for_each(keys, abort)
    daemons.expire()
    for_each(keys, look)


def test_abort_may_be_repeated_before_the_expirer_has_come(daemons, waiting, bucket, swift):
    """Parts that are in the queue twice are deleted once, and nobody minds."""
    upload = Upload(RawClient(waiting.url), bucket)
    remember(upload.many_parts(range(1, IMMEDIATE + 2)), swift)
    assert (204, 204) == (upload.abort().outcome, upload.abort().outcome)
    daemons.expire()

    assert ([], 0) == (upload.stored_numbers(swift), bytes_of_parts(swift, upload))
    with counting(waiting.above) as seen:
        assert 204 == upload.abort().outcome
    assert {'UPDATE expirer queue', 'DELETE part'}.isdisjoint(seen.counts)


def test_without_the_expirer(without_expirer, bucket, swift):
    """With `allow_async_delete = false` for SLO, an Abort deletes all parts, however many."""
    upload = Upload(RawClient(without_expirer.url), bucket)
    remember(upload.many_parts(range(1, 4 * IMMEDIATE + 1)), swift)

    assert 204 == upload.abort().outcome
    assert ([], 0) == (upload.stored_numbers(swift), bytes_of_parts(swift, upload))


@pytest.mark.parametrize('count', [IMMEDIATE, IMMEDIATE + 1])
@pytest.mark.parametrize('left', ['unlisted', 'replaced'])
def test_parts_that_a_complete_leaves_over(daemons, proxy, upload, swift, left, count):
    """Parts that were not listed, or were replaced, go the same two ways; the listed ones stay."""
    numbers = range(1, count + 1)
    upload.many_parts(numbers, b'old %d'.__mod__)
    if left == 'replaced':
        remember(upload, swift)
        upload.many_parts(numbers, b'new %d'.__mod__)
        listed, whole = upload.listed, b''.join(b'new %d' % number for number in numbers)
    else:
        remember(upload, swift)
        listed, whole = [(count + 1, upload.part(count + 1, b'kept'))], b'kept'
    kept = [number for number, _etag in listed]
    with counting(proxy.above) as seen:
        assert 200 == upload.complete(listed).outcome

    if count > IMMEDIATE:
        assert (None, 1) == (seen.counts.get('DELETE part'), seen.counts['UPDATE expirer queue'])
        daemons.expire()
    else:
        assert (count, None) == (seen.counts['DELETE part'], seen.counts.get('UPDATE expirer queue'))
    assert (kept, 0) == (upload.stored_numbers(swift), bytes_of_parts(swift, upload))
    assert whole == read(upload.client, upload.bucket, 'key').body


def test_what_a_complete_leaves_over_without_the_expirer(without_expirer, bucket, swift):
    """Without the expirer a Complete deletes them itself."""
    upload = Upload(RawClient(without_expirer.url), bucket).many_parts(range(1, 4 * IMMEDIATE + 1))

    assert 200 == upload.complete(upload.listed[:1]).outcome
    assert [1] == upload.stored_numbers(swift)
    assert b'1' == read(upload.client, bucket, 'key').body


REFUSALS = {
    '503': {'status': '503 Service Unavailable'}, '500': {'status': '500 Internal Error'},
    '404': {'status': '404 Not Found'}, 'dies': {'die': True}, 'dies after': {'die': True, 'after': True}}


def test_parts_are_gone_when_it_answers(waiting, bucket, swift):
    """With `abort_waits` an Abort answers 204 when its parts are deleted."""
    upload = Upload(RawClient(waiting.url), bucket).many_parts(range(1, IMMEDIATE + 1))

    assert 204 == upload.abort().outcome
    assert [] == upload.stored_numbers(swift)


def test_queue_that_refuses(daemons, waiting, bucket, swift):
    """When the queue does not take the parts, such an Abort is 503, not 204; the repeat hands them over again."""
    uploads = {}

    def check(refusal):
        upload = uploads[refusal] = Upload(RawClient(waiting.url), bucket, refusal)
        remember(upload.many_parts(range(1, IMMEDIATE + 2)), swift)
        with waiting.above.following(rule('UPDATE', '', times=1, **REFUSALS[refusal])):
            assert upload.abort().outcome in (UNAVAILABLE, (500, 'InternalError'))

        assert NO_SUCH_UPLOAD == upload.list_parts().outcome
        assert IMMEDIATE + 1 == bytes_of_parts(swift, upload)
        assert 204 == upload.abort().outcome

    for_each(REFUSALS, check)
    daemons.expire()

    assert {refusal: ([], 0) for refusal in REFUSALS} == {
        refusal: (upload.stored_numbers(swift), bytes_of_parts(swift, upload)) for refusal, upload in uploads.items()}


def test_queue_that_refuses_what_a_complete_leaves_over(proxy, upload, swift):
    """A Complete whose object is there does not fail for what it could not free."""
    upload.many_parts(range(1, IMMEDIATE + 3))
    with proxy.above.following(rule('UPDATE', '', status='503 Service Unavailable')):
        assert 200 == upload.complete(upload.listed[:1]).outcome

    assert b'1' == read(upload.client, upload.bucket, 'key').body
    assert list(range(1, IMMEDIATE + 3)) == upload.stored_numbers(swift)


def test_some_deletes_fail(waiting, bucket, swift):
    """When one of several parts cannot be deleted the others are; such an Abort is 503, and the repeat deletes the one
    left."""
    upload = Upload(RawClient(waiting.url), bucket).many_parts(range(1, IMMEDIATE + 1))
    with waiting.above.following(rule('DELETE', '/00000003-', status='503 Service Unavailable', times=1)):
        assert UNAVAILABLE == upload.abort().outcome

    assert [3] == upload.stored_numbers(swift)
    assert 204 == upload.abort().outcome
    assert [] == upload.stored_numbers(swift)


def test_part_that_comes_while_the_queue_waits(daemons, waiting, bucket, swift):
    """What another upload of the same key stores while parts wait in the queue is no part of it, and stays."""
    upload = Upload(RawClient(waiting.url), bucket)
    remember(upload.many_parts(range(1, IMMEDIATE + 2)), swift)
    assert 204 == upload.abort().outcome
    other = Upload(upload.client, upload.bucket)
    other.many_parts(range(1, IMMEDIATE + 2), b'%d;'.__mod__)
    daemons.expire()

    assert 0 == bytes_of_parts(swift, upload)
    assert 200 == other.complete().outcome
    assert b'1;2;3;4;5;6;' == read(other.client, upload.bucket, 'key').body
