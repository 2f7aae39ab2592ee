# SPDX-License-Identifier: Apache-2.0
"""White space in slow answers: when it begins, and what follows it."""
import time

import eventlet
import lxml.etree
import pytest
from eventlet.event import Event

from s3multi.operations.complete import heartbeat
from s3multi.operations.request import Reply
from s3multi.s3.documents import DECLARATION, document
from s3multi.s3.errors import InternalError, NoSuchUpload

INTERVAL_SECONDS = 0.02
RESULT = document('CompleteMultipartUploadResult', [('ETag', '"x"')])


class Task:
    """A task that returns ``reply`` after the test has called ``finish``. runs, done: how often it began and ended."""

    def __init__(self, reply):
        self._reply = reply
        self._let_go = Event()
        self.runs = self.done = 0

    def __call__(self):
        self.runs += 1
        self._let_go.wait()
        self.done += 1
        return self._reply

    def finish(self):
        """Let the task return."""
        self._let_go.send(None)


def start(reply):
    """Return a task, and the answer that waits for it with white space."""
    task = Task(reply)
    return task, heartbeat.answer(eventlet.spawn(task), INTERVAL_SECONDS)


@pytest.mark.parametrize('reply', [
    pytest.param(Reply.xml(RESULT, {'x-amz-version-id': 'v'}), id='result'),
    pytest.param(Reply.error(NoSuchUpload('id'), 'tx1'), id='error-with-its-status'),
])
def test_a_quick_answer_is_passed_on(reply):
    """Before the first white space nothing has been sent: status and headers are those of the task."""
    assert reply is heartbeat.answer(eventlet.spawn(lambda: reply), 60)


@pytest.mark.parametrize('reply, root', [
    pytest.param(Reply.xml(RESULT, {'x-amz-version-id': 'v'}),
                 '{http://s3.amazonaws.com/doc/2006-03-01/}CompleteMultipartUploadResult', id='result'),
    pytest.param(Reply.error(NoSuchUpload('id'), 'tx1'), 'Error', id='error'),
    pytest.param(Reply(200, {}, iter([DECLARATION, b'<Piece', b's/>'])), 'Pieces', id='body-in-pieces'),
])
def test_a_slow_answer_begins_with_white_space(reply, root):
    """Status 200 and the XML declaration come first. botocore takes a document that it cannot parse for a failure."""
    task, answer = start(reply)
    chunks = [next(answer.body) for _ in range(3)]
    task.finish()
    body = b''.join(chunks) + b''.join(answer.body)

    assert (200, {'Content-Type': 'application/xml'}) == (answer.status, answer.headers)
    assert [DECLARATION, b' ', b' '] == chunks
    assert 1 == body.count(b'<?xml')
    assert root == lxml.etree.fromstring(body).tag


def test_white_space_comes_once_an_interval():
    """That is often enough for clients not to hang up, and no more often than that."""
    began = time.monotonic()
    task, answer = start(Reply.xml(RESULT))
    for _ in range(6):
        next(answer.body)

    assert time.monotonic() - began >= 6 * INTERVAL_SECONDS
    task.finish()


def test_white_space_is_not_held_back():
    """It is sent while the task is still at work."""
    task, answer = start(Reply.xml(RESULT))

    assert (DECLARATION, b' ') == (next(answer.body), next(answer.body))
    assert not task.done
    task.finish()


def test_the_task_goes_on_when_the_client_hangs_up():
    """Its writes must not be left half done, and a repeat finds its result."""
    task, answer = start(Reply.xml(RESULT))
    next(answer.body)
    answer.body.close()
    task.finish()
    eventlet.sleep(INTERVAL_SECONDS)

    assert 1 == task.done


def test_the_task_is_run_once():
    """That holds however often its result is waited for."""
    task, answer = start(Reply.error(InternalError(), 'tx1'))
    next(answer.body), next(answer.body)
    task.finish()
    list(answer.body)

    assert 1 == task.runs
