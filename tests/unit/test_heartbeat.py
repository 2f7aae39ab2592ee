# SPDX-License-Identifier: Apache-2.0
"""White space on slow answers: when it begins, and what follows it."""
import eventlet
import lxml.etree
import pytest

from s3multi import heartbeat
from s3multi.documents import DECLARATION, document
from s3multi.errors import InternalError, NoSuchUpload
from s3multi.wire import Reply

# Seconds; slow enough for a busy machine to tell one from ten.
INTERVAL = 0.05
RESULT = document('CompleteMultipartUploadResult', [('ETag', '"x"')])


def answer_after(seconds, reply):
    """Return the answer to a task that gives ``reply`` after so many seconds."""
    def task():
        eventlet.sleep(seconds)
        return reply
    return heartbeat.answer(task, INTERVAL)


@pytest.mark.parametrize('reply', [
    pytest.param(Reply.xml(RESULT, {'x-amz-version-id': 'v'}), id='result'),
    pytest.param(Reply.error(NoSuchUpload('id'), 'tx1'), id='error-with-its-status'),
])
def test_a_quick_answer_is_passed_on(reply):
    """Until the first white space nothing is decided: status and headers are the task's own."""
    assert reply is answer_after(0, reply)


@pytest.mark.parametrize('reply, root', [
    pytest.param(Reply.xml(RESULT, {'x-amz-version-id': 'v'}),
                 '{http://s3.amazonaws.com/doc/2006-03-01/}CompleteMultipartUploadResult', id='result'),
    pytest.param(Reply.error(NoSuchUpload('id'), 'tx1'), 'Error', id='error'),
])
def test_a_slow_answer_begins_with_white_space(reply, root):
    """Status 200 and a declaration before all else: botocore takes what it cannot parse for a server error."""
    answer = answer_after(INTERVAL * 10, reply)
    chunks = list(answer.body)
    body = b''.join(chunks)

    assert (200, {'Content-Type': 'application/xml'}) == (answer.status, answer.headers)
    assert DECLARATION == chunks[0]
    assert {b' '} == set(chunks[1:-1])
    assert 1 == body.count(b'<?xml')
    assert root == lxml.etree.fromstring(body).tag


def test_white_space_comes_at_every_interval():
    """A client that hears nothing for a minute hangs up."""
    blanks = list(answer_after(INTERVAL * 10, Reply.xml(RESULT)).body)[1:-1]

    assert 3 <= len(blanks) <= 10


def test_white_space_is_not_held_back():
    """The first chunk is there while the task is still at work."""
    done = []

    def task():
        eventlet.sleep(INTERVAL * 4)
        done.append(True)
        return Reply.xml(RESULT)

    body = heartbeat.answer(task, INTERVAL).body

    assert (DECLARATION, b' ') == (next(body), next(body))
    assert not done
    assert RESULT == DECLARATION + b''.join(body).strip()


def test_a_body_in_pieces():
    """The document may come as an iterator."""
    answer = answer_after(INTERVAL * 3, Reply(200, {}, iter([DECLARATION, b'<a/>'])))

    assert b'<a/>' == b''.join(answer.body).removeprefix(DECLARATION).strip()


def test_the_task_goes_on_when_the_client_hangs_up():
    """What it has begun, a manifest perhaps, must not be left half done; a repeat finds its result."""
    done = []

    def task():
        eventlet.sleep(INTERVAL * 4)
        done.append(True)
        return Reply.xml(RESULT)

    body = heartbeat.answer(task, INTERVAL).body
    next(body)
    body.close()
    eventlet.sleep(INTERVAL * 8)

    assert done


def test_the_task_is_run_once():
    """However often its result is waited for."""
    runs = []

    def task():
        runs.append(True)
        eventlet.sleep(INTERVAL * 5)
        return Reply.error(InternalError(), 'tx1')

    list(heartbeat.answer(task, INTERVAL).body)

    assert 1 == len(runs)
