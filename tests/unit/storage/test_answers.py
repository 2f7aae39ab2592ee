# SPDX-License-Identifier: Apache-2.0
"""Which answer to a HEAD with X-Newest is believed: that of a replica, not that of a majority of older ones."""
import pytest
from swift.common.swob import Response

from s3multi.operations.complete.precondition import Precondition
from s3multi.s3.conditions import Condition
from s3multi.s3.errors import NoSuchKey, S3Error, ServiceUnavailable
from s3multi.storage.answers import of_a_replica
from s3multi.storage.objects import Objects
from s3multi.storage.requests import Backend, Target
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS, RecordingSwift, asked, client_env

TARGET = Target('bucket', 'key')
# What replicas have that are older than a tombstone which Swift has met and left out.
LEFT_OUT = 200, {'Accept-Ranges': None, 'X-Backend-Timestamp': '1'}, b''
TOMBSTONE = 404, {'X-Backend-Timestamp': '2'}, b''


def backend_of(swift):
    """Return a backend for a client's request."""
    return Backend(swift, client_env(), 'AUTH_a', 'bucket')


@pytest.mark.parametrize('answers, status', [
    ([LEFT_OUT, TOMBSTONE], 404), ([LEFT_OUT] * 4 + [TOMBSTONE], 404), ([LEFT_OUT, 200], 200), ([200, LEFT_OUT], 200)])
def test_what_is_older_than_a_tombstone_is_not_believed(answers, status):
    """Swift is asked again: in another order of the replicas it tells of the tombstone."""
    swift = RecordingSwift(HEAD=list(answers))

    assert status == backend_of(swift).head_newest(TARGET).status_int


def test_an_order_that_does_not_come():
    """After five answers nobody knows what the newest replica has. So the client is to repeat its request."""
    swift = RecordingSwift(HEAD=LEFT_OUT)

    with pytest.raises(ServiceUnavailable):
        backend_of(swift).head_newest(TARGET)
    assert 5 == len(swift.seen)


def test_answers_that_are_not_believed_are_closed():
    """All of them, so that none keeps its connection to an object server."""
    closed = []

    class Body:
        def __init__(self, look):
            self._look = look

        def __iter__(self):
            return iter([b'old'])

        def close(self):
            closed.append(self._look)

    assert 503 == of_a_replica(lambda look: Response(app_iter=Body(look)), newest=True).status_int
    assert [0, 1, 2, 3, 4] == closed


@pytest.mark.parametrize('answers, error', [([LEFT_OUT, TOMBSTONE], NoSuchKey), ([LEFT_OUT], ServiceUnavailable)])
def test_what_a_condition_demands(answers, error, monkeypatch):
    """If-Match does not hold for an object that was deleted. It is looked for with the rights of the client."""
    etag = 'a' * 32
    swift = RecordingSwift(HEAD=[(status, {**headers, 'Etag': etag}, body) for status, headers, body in answers])
    bucket, call = asked(swift)
    monkeypatch.setattr(Backend, 'bucket_info', lambda *_: {'status': 204, 'sysmeta': {}})
    upload = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', 170000000000000))

    with pytest.raises(S3Error) as caught:
        Precondition(bucket, call, upload, Condition(etag)).check()
    assert error is type(caught.value)


@pytest.mark.parametrize('ask', [
    pytest.param(lambda backend: backend.head_current(TARGET, newest=False)[1].status_int, id='any replica'),
    pytest.param(lambda backend: Objects(backend, 'bucket').to_replace('key').timestamp.normal, id='what is replaced')])
def test_where_nothing_depends_on_the_answer(ask):
    """One answer will do."""
    swift = RecordingSwift(HEAD=LEFT_OUT)

    ask(backend_of(swift))

    assert 1 == len(swift.seen)


def test_a_file_that_is_replaced_while_it_is_read():
    """An object server answers 503 then. A repeat reads what has replaced it."""
    swift = RecordingSwift(HEAD=[503, 200])

    assert 200 == backend_of(swift).head_newest(TARGET).status_int


def test_a_cluster_that_does_not_answer():
    """Nobody is kept waiting for long: the second 503 is believed."""
    swift = RecordingSwift(HEAD=503)

    with pytest.raises(ServiceUnavailable):
        backend_of(swift).head_newest(TARGET)
    assert 2 == len(swift.seen)
