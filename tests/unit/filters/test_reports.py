# SPDX-License-Identifier: Apache-2.0
"""What is told of an operation at its end: the metric, and the line for an auditor."""
import logging

import pytest
import simplejson as json

from s3multi import config
from s3multi.filters.reports import Report
from s3multi.filters.handoff import read_call
from s3multi.filters.routes import NAMES, ROUTES, name_of
from s3multi.operations.bucket import Cluster
from s3multi.operations.request import Reply
from s3multi.s3.errors import NoSuchUpload
from s3multi.storage.deletion import Freeing
from tests.unit.fakes import IDS, handed_on


class Told:
    """Stands in for ``Metrics``: keeps what it is told."""

    def __init__(self):
        self.operations = []

    def operation(self, name, status, code, seconds, account, bucket):
        """Keep everything but the time."""
        assert 0 <= seconds < 10
        self.operations.append((name, status, code, account, bucket))


@pytest.fixture
def told():
    """What is told."""
    return Told()


@pytest.fixture
def report(told):
    """A function that returns the report of an operation. options: those of [filter:s3multi]."""
    def begin(operation='AbortMultipartUpload', path='/v1/AUTH_a/bucket/key', **options):
        settings = config.load(options, {'min_segment_size': 1, 'max_upload_part_num': 10000})
        cluster = Cluster(settings, IDS, Freeing(1, 1, None), logging.getLogger('s3multi.test'), metrics=told)
        return Report(cluster, read_call(handed_on('DELETE', path, {'uploadId': 'id'})), operation)

    return begin


def audited(caplog):
    """Return operation and content of each line for auditors."""
    lines = [record.getMessage().split(' ', 1) for record in caplog.records]
    return [(operation, json.loads(text)) for operation, text in lines]


@pytest.mark.parametrize('reply, status, code', [
    (Reply(204), 204, ''), (Reply.error(NoSuchUpload('id'), 'tx1'), 404, 'NoSuchUpload')], ids=['done', 'refused'])
def test_an_operation_is_told_with_its_outcome(report, told, reply, status, code):
    """The status is that of the answer, the code that of the S3 error. The answer stays as it is."""
    assert reply is report().tell(reply)
    assert [('AbortMultipartUpload', status, code, 'AUTH_a', 'bucket')] == told.operations


@pytest.mark.parametrize('final, status, code', [
    (Reply(200), 200, ''), (Reply.error(NoSuchUpload('id'), 'tx1'), 404, 'NoSuchUpload')], ids=['done', 'refused'])
def test_a_slow_answer_is_told_at_its_end(report, told, final, status, code):
    """The status that was sent first says nothing. What counts is what the document says."""
    def body():
        yield b' '
        reply.final = final

    reply = Reply(200, {}, body())
    sent = report('CompleteMultipartUpload').tell(reply).body
    assert b' ' == next(sent)
    assert [] == told.operations

    assert [] == list(sent)
    assert [('CompleteMultipartUpload', status, code, 'AUTH_a', 'bucket')] == told.operations


def test_a_client_that_hangs_up_is_told_as_swift_tells_it(report, told):
    """499, as in Swift's access log."""
    sent = report().tell(Reply(200, {}, iter([b' ', b' ']))).body
    next(sent)
    sent.close()

    assert [('AbortMultipartUpload', 499, '', 'AUTH_a', 'bucket')] == told.operations


def test_a_denial_is_told(report, told):
    """It passes unchanged."""
    answered = []
    report().telling_denial(lambda *answer: answered.append(answer))('403 Forbidden', [('a', 'b')])

    assert [('AbortMultipartUpload', 403, 'AccessDenied', 'AUTH_a', 'bucket')] == told.operations
    assert [('403 Forbidden', [('a', 'b')])] == answered


def test_an_auditor_reads_who_did_what(report, caplog):
    """One line of JSON, whatever the key is; with it what the operation itself tells."""
    caplog.set_level(logging.INFO)
    report(path='/v1/AUTH_a/bucket/a"\nb\t').tell(Reply(204, facts={'parts': 2}))

    (operation, line), = audited(caplog)
    assert 0 <= line.pop('seconds') < 10
    assert 'AbortMultipartUpload' == operation
    assert {'status': 204, 'account': 'AUTH_a', 'bucket': 'bucket', 'key': 'a"\nb\t', 'upload_id': 'id',
            'user': 'test:tester', 'parts': 2, 'trans_id': 'tx1'} == line
    assert '\n' not in caplog.records[0].getMessage()


def test_an_auditor_reads_why_not(report, caplog):
    """A refused request is a line as well."""
    caplog.set_level(logging.INFO)
    report('CompleteMultipartUpload').tell(Reply.error(NoSuchUpload('id'), 'tx1'))

    (operation, line), = audited(caplog)
    assert ('CompleteMultipartUpload', 404, 'NoSuchUpload') == (operation, line['status'], line['error'])


@pytest.mark.parametrize('operation, options', [
    ('UploadPart', {}), ('ListParts', {}), ('AbortMultipartUpload', {'audit_log': 'false'})], ids=str)
def test_other_operations_are_no_lines(report, caplog, operation, options):
    """Only what ends an upload is one, and nothing if the operator does not want it."""
    caplog.set_level(logging.INFO)
    report(operation, **options).tell(Reply(200))

    assert [] == caplog.records


def test_every_operation_has_a_name():
    """Amazon's. A request for none is told as well."""
    assert {run for _, _, methods in ROUTES for run in methods.values()} < set(NAMES)
    assert 'AbortMultipartUpload' == name_of(read_call(handed_on('DELETE', params={'uploadId': 'x'})))
    assert 'UploadPart' == name_of(read_call(handed_on('PUT', params={'uploadId': 'x', 'partNumber': '1'})))
    assert 'Unknown' == name_of(read_call(handed_on('PATCH', params={'uploadId': 'x'})))
