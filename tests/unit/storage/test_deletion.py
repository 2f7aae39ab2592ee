# SPDX-License-Identifier: Apache-2.0
"""Freeing parts: which are deleted at once and which by the object expirer, whose batches are made as SLO makes them.
"""
import contextlib
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swift.common.middleware.slo import StaticLargeObject
from swift.common.swob import Request

from s3multi.s3.errors import S3Error
from s3multi.s3.parts import Attempt
from s3multi.storage import deletion
from s3multi.storage.deletion import Deletion, ExpiryQueue, Freeing, batches
from s3multi.storage.metrics import Metrics
from s3multi.storage.requests import Backend, Job
from s3multi.upload.names import Upload, UploadIds, new_attempt
from s3multi.upload.timestamps import swift_time
from tests.unit.fakes import RecordingSwift, client_env

TICKS = 1790000000 * 100000
AT = swift_time(TICKS)
UPLOAD = Upload('AUTH_a', 'bucket', 'k\u00e9y', UploadIds(b'secret').new('AUTH_a', 'bucket', 'k\u00e9y', TICKS))
QUEUE = ExpiryQueue({}, None)
MIB = 1024 * 1024
MD5 = '0' * 32
ATTEMPT = new_attempt(TICKS)


def code_of(call, *args):
    """Return the code of the error that ``call`` raises."""
    with pytest.raises(S3Error) as raised:
        call(*args)
    return raised.value.code


def attempts(count):
    """Return an attempt of each of the parts 1 to count, begun a tick after one another."""
    return [Attempt(number, UPLOAD.part(number, new_attempt(TICKS + number)), TICKS + number, '0' * 32, 1)
            for number in range(1, count + 1)]


def deletion_of(swift, immediate, queue=QUEUE):
    """Return the ``Deletion`` of a client's request to the bucket, up to four parts at a time."""
    return Deletion(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'AUTH_a', 'bucket', Freeing(4, immediate, queue))


# Batches

@pytest.mark.parametrize('count, sizes', [
    (0, []), (1, [1]), (9999, [9999]), (10000, [10000]), (10001, [10000, 1]), (25000, [10000, 10000, 5000])])
def test_a_batch_has_at_most_ten_thousand_names(count, sizes):
    """A container server should not be sent more at once."""
    assert sizes == [len(batch) for batch in batches('%d' % number for number in range(count))]


def test_a_batch_has_at_most_four_mebibytes_of_names():
    """Ten thousand names of a kilobyte each make three batches. The last name of a batch may pass the limit."""
    found = list(batches(['n' * 1024] * 10000))

    assert [4096, 4096, 1808] == [len(batch) for batch in found]
    assert all(sum(map(len, batch)) <= 4 * MIB for batch in found)


def test_names_are_measured_as_they_are_sent():
    """Their size is that of their UTF-8 bytes, also if they are not valid UTF-8."""
    assert [2048, 1] == [len(batch) for batch in batches(['\u00e9' * 1024] * 2049)]
    assert [2048, 1] == [len(batch) for batch in batches(['\udce9\u00e9' + 'n' * 2045] * 2049)]


@given(st.lists(st.text(max_size=30)), st.integers(1, 5), st.integers(1, 60))
def test_batches_keep_every_name_in_order(names, most, size):
    """No name is lost or doubled, and no batch is empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletion, '_BATCH_NAMES', most)
        patch.setattr(deletion, '_BATCH_BYTES', size)
        found = list(batches(iter(names)))

    assert names == [name for batch in found for name in batch]
    assert all(1 <= len(batch) <= most for batch in found)


# Jobs

def test_a_job_is_what_the_expirer_reads():
    """A row for each object tells time, account, container and name. The expirer finds the policy itself."""
    job = QUEUE.job('AUTH_a', 'bucket_segments', ['one', 'tw\u00f6'], AT)

    assert '.expiring_objects' == job.account
    assert job.container.isdigit() and 0 <= int(AT) - int(job.container) <= 86400 + 100
    assert [
        {'name': AT.normal + '-AUTH_a/bucket_segments/' + name, 'deleted': 0, 'created_at': AT.internal,
         'etag': 'd41d8cd98f00b204e9800998ecf8427e', 'size': 0, 'storage_policy_index': 0,
         'content_type': 'application/async-deleted'} for name in ('one', 'tw\u00f6')] == json.loads(job.body)


def test_a_job_is_as_slo_makes_it():
    """Body and account are those with which SLO queues the segments of a large object."""
    swift = RecordingSwift(UPDATE=202)
    slo = StaticLargeObject(swift, {'allow_async_delete': 'true'})
    slo.get_slo_segments = lambda name, request: [
        {'name': '/bucket_segments/' + name} for name in ('one', 'tw\u00f6')]
    environ = client_env()
    del environ['swift.authorize']
    slo.handle_async_delete(Request.blank('/v1/AUTH_a/bucket/key', environ, headers={'X-Timestamp': AT.internal}))
    job = QUEUE.job('AUTH_a', 'bucket_segments', ['one', 'tw\u00f6'], AT)

    assert json.loads(swift.last.body) == json.loads(job.body)
    account, container = swift.last.path.rsplit('/', 1)
    assert '/v1/' + job.account == account
    # Both spread their jobs over a hundred containers, each by another name.
    assert abs(int(container) - int(job.container)) < 100


@pytest.mark.parametrize('conf, account, divisor', [
    ({}, '.expiring_objects', 86400), ({'expiring_objects_account_name': 'later'}, '.later', 86400),
    ({'expiring_objects_container_divisor': '3600'}, '.expiring_objects', 3600)])
def test_an_operator_may_have_moved_the_queue(conf, account, divisor):
    """Account and divisor are those in the expirer's configuration."""
    job = ExpiryQueue(conf, None).job('AUTH_a', 'bucket_segments', ['one'], AT)

    assert account == job.account
    assert 0 <= int(AT) - int(job.container) <= divisor + 100


# Which way parts are deleted

@pytest.mark.parametrize('count, immediate, deletes, updates', [
    (0, 3, 0, 0), (3, 3, 3, 0), (4, 3, 0, 1), (1, 0, 0, 1), (0, 0, 0, 0)])
def test_few_now_and_many_later(count, immediate, deletes, updates):
    """Up to ``immediate`` parts are deleted at once. If there are more, all go to the queue."""
    swift, parts = RecordingSwift(UPDATE=202), attempts(count)
    deletion_of(swift, immediate).free(iter(parts), TICKS)

    assert ['DELETE'] * deletes + ['UPDATE'] * updates == [seen.method for seen in swift.seen]
    if updates:
        assert [attempt.name for attempt in parts] == [
            each['name'].partition('bucket_segments/')[2] for each in json.loads(swift.last.body)]


def test_without_a_queue_all_are_deleted_now():
    """That is the case if SLO may not delete asynchronously either."""
    swift = RecordingSwift()
    deletion_of(swift, 3, None).free(iter(attempts(50)), TICKS)

    assert ['DELETE'] * 50 == [seen.method for seen in swift.seen]
    assert 50 == len({seen.path for seen in swift.seen})


def test_queued_parts_are_deleted_although_a_clock_was_fast():
    """The expirer leaves objects that are newer than their job, so the job is later than every part in it."""
    swift = RecordingSwift(UPDATE=202)
    parts = attempts(10)
    deletion_of(swift, 1).free(parts, TICKS - 10 ** 7)

    rows = json.loads(swift.last.body)
    assert 10 == len(rows)
    assert {swift_time(parts[-1].began_ticks + 1).internal} == {each['created_at'] for each in rows}


@pytest.mark.parametrize('status', [404, 500, 503, 507])
def test_a_queue_that_refuses(status):
    """The client must not be told that the parts are gone."""
    with pytest.raises(S3Error) as caught:
        deletion_of(RecordingSwift(UPDATE=status), 1).free(attempts(2), TICKS)

    assert (503, 'ServiceUnavailable') == (caught.value.status, caught.value.code)


def test_a_queue_that_refuses_the_second_batch():
    """It does no harm that the first one was taken: the repeat hands over all parts again."""
    with pytest.raises(S3Error):
        deletion_of(RecordingSwift(UPDATE=[202, 503]), 1).free(attempts(10001), TICKS)


def test_requests_to_the_queue():
    """Their method is one that clients may not use, and they name the policy of the queue's rows."""
    swift = RecordingSwift(UPDATE=202)
    deletion_of(swift, 0).free(attempts(1), TICKS)

    assert ('application/json', '0', 'True') == (
        swift.last.env['CONTENT_TYPE'], swift.last.headers['X-Backend-Storage-Policy-Index'],
        swift.last.headers['X-Backend-Allow-Private-Methods'])


# A few at once, many by the expirer

@pytest.mark.parametrize('status', [204, 404])
def test_freeing_parts(status):
    """Each is deleted at a time later than its own, even if the proxy that stored it has a clock that is ahead."""
    attempts = [Attempt(1, UPLOAD.part(1, ATTEMPT), TICKS, MD5, 7),
                Attempt(2, UPLOAD.part(2, ATTEMPT), TICKS + 10 ** 6, MD5, 7)]
    swift = RecordingSwift(DELETE=status)
    deletion_of(swift, 100, None).free(iter(attempts), TICKS + 5)

    assert {attempts[0].name: swift_time(TICKS + 5).internal,
            attempts[1].name: swift_time(TICKS + 10 ** 6 + 1).internal} == {
        seen.path.partition('bucket_segments/')[2]: seen.headers['X-Timestamp'] for seen in swift.seen}


@pytest.mark.parametrize('status', [409, 503, 500])
def test_a_part_that_could_not_be_freed(status):
    """An Abort must not answer 204 while the part takes up space."""
    deletion = deletion_of(RecordingSwift(DELETE=[204, status]), 100, None)
    attempts = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS, MD5, 7) for number in (1, 2)]

    assert code_of(deletion.free, attempts, TICKS) in ('ServiceUnavailable', 'InternalError')


@pytest.mark.parametrize('bad', [0, 5, 9])
def test_a_part_that_could_not_be_freed_does_not_keep_the_others(bad):
    """All are tried, whichever one fails, so that a repeat has less to do."""
    attempts = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS, MD5, 7) for number in range(1, 11)]
    swift = RecordingSwift(DELETE=[503 if place == bad else 204 for place in range(10)])

    assert 'ServiceUnavailable' == code_of(deletion_of(swift, 100, None).free, attempts, TICKS)
    assert 10 == len(swift.seen)


class Queue:
    """An expirer's queue that keeps names and time of every batch."""

    def __init__(self):
        self.jobs = []

    def job(self, account, container, names, at):
        """Return the job of a batch."""
        self.jobs.append((account, container, names, at))
        return Job('.expiring_objects', '1789948800', json.dumps(names).encode())


@pytest.mark.parametrize('parts, immediate, queue, methods', [
    pytest.param(0, 2, Queue(), [], id='none'),
    pytest.param(2, 2, Queue(), ['DELETE', 'DELETE'], id='few'),
    pytest.param(3, 2, Queue(), ['UPDATE'], id='many'),
    pytest.param(3, 2, None, ['DELETE', 'DELETE', 'DELETE'], id='many-but-no-queue'),
    pytest.param(1, 0, Queue(), ['UPDATE'], id='all-by-the-queue'),
])
def test_many_parts_are_left_to_the_expirer(parts, immediate, queue, methods):
    """Many need one request, if the cluster allows it. A few are deleted before the answer."""
    attempts = [Attempt(number, UPLOAD.part(number, ATTEMPT), TICKS + number, MD5, 7) for number in range(parts)]
    swift = RecordingSwift(UPDATE=202)
    deletion_of(swift, immediate, queue).free(iter(attempts), TICKS)

    assert methods == [seen.method for seen in swift.seen]
    if 'UPDATE' in methods:
        # Later than the newest part: an object that is newer than its job stays.
        assert [('AUTH_a', 'bucket_segments', [attempt.name for attempt in attempts],
                 swift_time(TICKS + parts))] == queue.jobs


def test_parts_that_the_queue_did_not_take():
    """They do not count as freed."""
    attempts = [Attempt(1, UPLOAD.part(1, ATTEMPT), TICKS, MD5, 7)]

    assert 'ServiceUnavailable' == code_of(deletion_of(RecordingSwift(UPDATE=503), 0, Queue()).free, attempts, TICKS)


# Metrics

@pytest.mark.parametrize('immediate, status, how', [
    (5, 204, 'deleted'), (1, 202, 'queued'), (5, 503, 'left'), (1, 503, 'left')], ids=str)
def test_what_is_freed_is_counted(immediate, status, how):
    """Attempts and bytes, by what became of them."""
    sent = []
    backend = Backend(RecordingSwift(DELETE=status, UPDATE=status), client_env(), 'AUTH_a', 'bucket',
                      Metrics(SimpleNamespace(update_stats=lambda *metric: sent.append(metric))))
    with contextlib.suppress(S3Error):
        Deletion(backend, 'AUTH_a', 'bucket', Freeing(4, immediate, QUEUE)).free(attempts(3), TICKS)

    assert [('parts.freed.' + how, 3), ('bytes.freed.' + how, 3)] == sent
