# SPDX-License-Identifier: Apache-2.0
"""Work behind answers: it begins when the answer is on its way."""
import logging

from s3multi.storage.concurrency import Behind, spawn
from s3multi.storage.metrics import Metrics


def test_the_answer_goes_first():
    """As in a Complete: one green thread begins the work and ends, and another that waits for it sends the answer."""
    logger, order = logging.getLogger('s3multi.test'), []
    logger.thread_locals = None
    begun = []

    def complete():
        begun.append(Behind(logger, Metrics()).run('it failed', lambda: order.append('work')))

    spawn(logger, complete).wait()
    order.append('answer')
    begun[0].wait()

    assert ['answer', 'work'] == order
