# SPDX-License-Identifier: Apache-2.0
"""The metrics as StatsD gets them: names, values and labels."""
import logging

import eventlet
import pytest
from eventlet.event import Event

from s3multi.s3.errors import ServiceUnavailable
from s3multi.storage.concurrency import Behind
from s3multi.storage.metrics import Counter, Metrics

LABELLED = Counter('complete.busy', '', '', 'reason', ('a', 'b'))
PLAIN = Counter('parts.late', '', '')


class Client:
    """Stands in for a client of StatsD: keeps what is called."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *args, **options: self.calls.append((name, *args, *options.values()))


def test_an_operation_is_a_time_and_a_count_of_its_error():
    """The plain names are made as proxy-logging makes its own, and Swift puts ``s3multi`` before them."""
    plain, labelled = Client(), Client()
    metrics = Metrics(plain, labelled)
    metrics.operation('UploadPart', 200, '', 0.25, 'AUTH_a', 'bucket')
    metrics.operation('UploadPart', 404, 'NoSuchUpload', 0.5, 'AUTH_a', 'bucket')

    assert [('timing', 'UploadPart.200.timing', 250), ('timing', 'UploadPart.404.timing', 500),
            ('increment', 'UploadPart.404.NoSuchUpload')] == plain.calls
    labels = {'operation': 'UploadPart', 'account': 'AUTH_a', 'container': 'bucket'}
    assert [('timing', 'swift_s3multi_operation_timing', 250, {**labels, 'status': 200}),
            ('timing', 'swift_s3multi_operation_timing', 500, {**labels, 'status': 404, 'error': 'NoSuchUpload'})
            ] == labelled.calls


def test_counters():
    """Nothing is sent for nothing."""
    plain, labelled = Client(), Client()
    metrics = Metrics(plain, labelled)
    metrics.count(PLAIN)
    metrics.count(PLAIN, amount=0)
    metrics.count(LABELLED, 'a', 3)

    assert [('update_stats', 'parts.late', 1), ('update_stats', 'complete.busy.a', 3)] == plain.calls
    assert [('update_stats', 'swift_s3multi_parts_late', 1, {}),
            ('update_stats', 'swift_s3multi_complete_busy', 3, {'reason': 'a'})] == labelled.calls


def test_without_a_client_nothing_is_sent():
    """The sweep has none, and Swift before 2.36 has none for labelled metrics."""
    Metrics().operation('UploadPart', 200, '', 0.25, 'AUTH_a', 'bucket')
    Metrics().count(PLAIN)


@pytest.mark.parametrize('error, states', [
    (None, ['begun', 'ended']), (ServiceUnavailable(), ['begun', 'failed', 'ended']),
    (KeyError(), ['begun', 'failed', 'ended'])], ids=str)
def test_work_behind_an_answer_is_counted(error, states):
    """So the difference of begun and ended is what is in flight."""
    client, logger = Client(), logging.getLogger('s3multi.test')
    logger.thread_locals = None

    def task():
        if error:
            raise error

    Behind(logger, Metrics(client)).run('it failed', task).wait()

    assert ['behind.' + state for state in states] == [name for _, name, _ in client.calls]


def test_work_behind_answers_is_bounded():
    """What is begun beyond the bound waits for its turn, and so does its client."""
    logger, gate, ran = logging.getLogger('s3multi.test'), Event(), []
    logger.thread_locals = None
    behind = Behind(logger, Metrics(), most=1)
    first = behind.run('it failed', gate.wait)
    second = eventlet.spawn(lambda: behind.run('it failed', lambda: ran.append(2)).wait())
    eventlet.sleep(0.01)
    assert [] == ran

    gate.send()
    first.wait(), second.wait()
    assert [2] == ran


def test_names_in_labels():
    """A bucket whose name looks like the end of a line makes no metric of its own."""
    labelled = Client()
    Metrics(None, labelled).operation('UploadPart', 200, '', 0.1, 'AUTH_a', 'my-b.1,x=y|c\nforged:1|c\u00e9')

    (_, _, _, labels), = labelled.calls
    assert ('AUTH_a', 'my-b.1_x_y_c_forged_1_c_') == (labels['account'], labels['container'])
