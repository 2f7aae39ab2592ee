# SPDX-License-Identifier: Apache-2.0
"""White space in slow answers, as Amazon S3 sends it while a Complete is at work.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html

Until the first white space the answer can still have its real status. From then on the status is 200, and only the
document tells of an error: SDKs look for the root element ``Error``.
"""
from collections.abc import Iterator

import eventlet
from eventlet.greenthread import GreenThread

from s3multi.operations.request import Reply
from s3multi.s3.documents import CONTENT_TYPE, DECLARATION


def answer(worker: GreenThread, interval: float) -> Reply:
    """Return the result of ``worker``; if it takes longer than ``interval`` seconds, a reply that waits for it.

    worker: a green thread that returns a ``Reply`` and does not raise. interval: also the time between two blanks.
    If the client hangs up, the worker goes on: what it has begun must be finished, and a repeat finds its result.
    """
    reply = _result(worker, interval)
    if reply is not None:
        return reply
    late = Reply(200, {'Content-Type': CONTENT_TYPE})
    late.body = _white_space(worker, interval, late)
    return late


def _white_space(worker: GreenThread, interval: float, late: Reply) -> Iterator[bytes]:
    # In XML nothing may stand before the declaration, not even white space.
    yield DECLARATION
    reply = _result(worker, interval)
    while reply is None:
        yield b' '
        reply = _result(worker, interval)
    late.final = reply
    body = reply.body if isinstance(reply.body, bytes) else b''.join(reply.body)
    yield body.removeprefix(DECLARATION)


def _result(worker: GreenThread, seconds: float) -> 'Reply | None':
    with eventlet.Timeout(seconds, False):
        return worker.wait()
    return None
