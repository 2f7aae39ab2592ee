# SPDX-License-Identifier: Apache-2.0
"""A PUT whose body is held back: what releases it, and what becomes of one that nobody releases."""
import logging
from io import BytesIO

import eventlet
import pytest
from swift.common.swob import HTTPException, Request

from s3multi.s3.errors import ServiceUnavailable
from s3multi.storage import held_writes
from s3multi.storage.held_writes import HeldWrite


class Server:
    """Stands in for Swift: takes the headers at once, and stores what it can read."""

    def __init__(self, error=None):
        self.seen, self.stored, self._error = [], [], error

    def put(self, held):
        """Store a body of four bytes; return 'stored', or what the body's read raises as text."""
        request = Request.blank('/', environ={'REQUEST_METHOD': 'PUT', 'wsgi.input': BytesIO(b'body')})
        held.hold(request)
        self.seen.append(request)
        if self._error:
            raise self._error
        try:
            self.stored.append(request.environ['wsgi.input'].read())
        except HTTPException as refusal:
            # As if the client had gone.
            assert 499 == refusal.status_int
            return 'refused'
        return 'stored'


def a_logger():
    """Return a logger as Swift's, which knows the request of each green thread."""
    logger = logging.getLogger('s3multi.test')
    logger.thread_locals = None
    return logger


def begun(server):
    """Return a write that Swift has the headers of."""
    write = HeldWrite(a_logger(), server.put)
    eventlet.sleep(0)
    assert [] == server.stored and 1 == len(server.seen)
    return write


def test_a_write_that_is_released():
    """It takes effect then, with its whole body."""
    server = Server()

    assert 'stored' == begun(server).release()
    assert [b'body'] == server.stored


def test_a_write_that_is_let_go():
    """Its body is sent before whatever is begun next, and what became of it is told later."""
    server, later = Server(), Server()
    write = begun(server)
    write.let_go()
    with HeldWrite(a_logger(), later.put):
        eventlet.sleep(0)
        assert ([b'body'], []) == (server.stored, later.stored)

    assert 'stored' == write.release()
    assert [b'body'] == server.stored


def test_a_write_that_is_abandoned():
    """It never takes effect, and nothing can release it any more."""
    server = Server()
    write = begun(server)
    write.abandon()

    assert 'refused' == write.release()
    assert [] == server.stored


def test_a_write_that_was_released_stays():
    """Whoever tidies up afterwards need not know."""
    server = Server()
    write = begun(server)
    write.release()
    write.abandon()

    assert [b'body'] == server.stored


def test_a_write_that_nobody_decides(monkeypatch):
    """No connection to a storage server stays open for ever."""
    monkeypatch.setattr(held_writes, '_MOST_SECONDS', 0.01)
    server = Server()
    write = begun(server)
    eventlet.sleep(0.05)

    assert 'refused' == write.release()
    assert [] == server.stored


def test_a_write_that_is_too_old_to_be_released(monkeypatch):
    """What Swift has judged by then may have changed."""
    write = begun(Server())
    assert write.is_recent
    monkeypatch.setattr(held_writes, '_SECONDS_OF_USE', -1)

    assert not write.is_recent


def test_a_write_that_swift_refuses():
    """The error comes when the write is released, and bothers nobody if it is not."""
    write = begun(Server(ServiceUnavailable()))
    with pytest.raises(ServiceUnavailable):
        write.release()

    begun(Server(ServiceUnavailable())).abandon()
