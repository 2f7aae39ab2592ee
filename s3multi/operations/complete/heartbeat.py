# SPDX-License-Identifier: Apache-2.0
"""White space on slow answers, as Amazon S3 sends it while a Complete is at work.

Until the first white space the answer can still have its real status. After it the status is 200, and an error is
told by the document alone: SDKs look for the root ``Error`` in it.
"""
from collections.abc import Iterator

import eventlet
from eventlet.greenthread import GreenThread

from s3multi.operations.request import Reply
from s3multi.s3.documents import CONTENT_TYPE, DECLARATION


def answer(worker: GreenThread, interval: float) -> Reply:
    """Return the reply that ``worker`` ends with; if it takes longer than ``interval`` seconds, one that waits for it.

    ``worker`` must not raise. It goes on when the client hangs up: a repeat of the request then finds its result.
    """
    reply = _result(worker, interval)
    if reply is not None:
        return reply
    return Reply(200, {'Content-Type': CONTENT_TYPE}, _white_space(worker, interval))


def _white_space(worker: GreenThread, interval: float) -> Iterator[bytes]:
    # XML wants its declaration in front of everything, white space included.
    yield DECLARATION
    reply = _result(worker, interval)
    while reply is None:
        yield b' '
        reply = _result(worker, interval)
    body = reply.body if isinstance(reply.body, bytes) else b''.join(reply.body)
    yield body.removeprefix(DECLARATION)


def _result(worker: GreenThread, seconds: float) -> 'Reply | None':
    with eventlet.Timeout(seconds, False):
        return worker.wait()
    return None
