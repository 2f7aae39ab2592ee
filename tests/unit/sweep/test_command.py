# SPDX-License-Identifier: Apache-2.0
"""The command line of s3multi-sweep: its options, its report, and its exit codes."""
import io
import json
import re

import pytest
from eventlet import Timeout
from hypothesis import given
from hypothesis import strategies as st

from s3multi.commands.interrupt import DEADLINE, LIMIT, SIGNAL, Stop
from s3multi.commands.position import Position, PositionFile, Trail
from s3multi.commands.queue import QueueState
from s3multi.operations.references import Uncertain
from s3multi.s3.errors import ServiceUnavailable
from s3multi.sweep.__main__ import read_arguments
from s3multi.sweep.claim import Elsewhere
from s3multi.sweep.judge import Outcome
from s3multi.sweep.report import ENDED_EARLY, INCOMPLETE, INTERRUPTED, OK, QUEUE_STUCK, Report
from s3multi.sweep.run import Run
from s3multi.sweep.summary import Summary
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS

UPLOAD = Upload('AUTH_a', 'bucket', 'k\x1b"y', IDS.new('AUTH_a', 'bucket', 'k\x1b"y', 179000000000000))
FREED, OPEN = Outcome(UPLOAD, 'freed', 2, 10), Outcome(UPLOAD, 'open')
FAILED = Outcome(UPLOAD, 'failed', reason='a reason')


def report(out, *outcomes, cause=None, unread=False, warnings=(), **options):
    """Return the exit code of a report of these outcomes."""
    told = Report(out, options.pop('progress', None), **{'as_json': True, 'applied': True, 'verbose': False, **options})
    for outcome in outcomes:
        told.add(outcome)
    if unread:
        told.unreadable('AUTH_a', None, OSError('a reason'))
    return told.end(cause, Position('AUTH_a', 'bucket'), QueueState(3, 4.4, 0), list(warnings))


# Options

@pytest.mark.parametrize('text, seconds', [('90', 90), ('90s', 90), ('2m', 120), ('36h', 129600), ('1.5d', 129600)])
def test_times(text, seconds):
    """A time is a number of seconds, or has a unit."""
    assert seconds == read_arguments(['a', '--abort-older-than', text]).abort_older_than


@pytest.mark.parametrize('arguments, said', [
    ([], 'say what to sweep'),
    (['a', '--grace', '59m'], 'from 1h to 7d'),
    (['a', '--grace', '8d'], 'from 1h to 7d'),
    (['a', '--grace', 'nan'], 'invalid'),
    (['a', '--grace', 'inf'], 'invalid'),
    (['a', '--abort-older-than', '0'], 'invalid'),
    (['a', '--abort-older-than', '-1d'], 'expected one argument'),
    (['a', '--abort-older-than', ''], 'invalid'),
    (['a', '--concurrency', '0'], 'invalid'),
    *((['a', '--rate', text], 'invalid') for text in ('x', '0', '-1', 'nan')),
    (['a', '--limit', '0'], 'invalid'),
    (['a', '--deadline', '0'], 'invalid'),
], ids=lambda value: ' '.join(value) if isinstance(value, list) else None)
def test_options_that_are_wrong(arguments, said, capsys):
    """They are refused before anything is asked, with exit code 2."""
    with pytest.raises(SystemExit) as raised:
        read_arguments(arguments)

    assert 2 == raised.value.code
    assert said in capsys.readouterr().err


def test_rate():
    """It also has the name that it had in 0.1.0."""
    assert [2.5, 2.5] == [read_arguments(['a', name, '2.5']).rate for name in ('--rate', '--uploads-per-second')]
    assert 0 == read_arguments(['a']).rate


def test_nothing_is_changed_unless_asked_for():
    """Nothing is aborted either."""
    options = read_arguments(['a'])

    assert (False, None, False) == (options.apply, options.abort_older_than, options.keep_finished)


# What cannot be read

class BrokenCluster:
    """A cluster with buckets a, b and c; the list of one account breaks off. Sweeping b fails with ``error``."""

    def __init__(self, error):
        self._error = error
        self.swept = []

    def wanted(self, account, only):
        if only is not None:
            yield only
            return
        yield 'a'
        if account == 'AUTH_broken':
            raise self._error
        yield from 'bc'

    def bucket(self, account, bucket, _stop, _trail):
        if bucket == 'b':
            yield FREED
            raise self._error
        self.swept.append((account, bucket))


@pytest.mark.parametrize('error', [
    KeyError('name'), ValueError('non-hexadecimal number'), UnicodeEncodeError('utf-8', '\udcff', 0, 1, 'surrogates'),
    OSError(5, 'Input/output error'), ServiceUnavailable(), Uncertain('x'), Timeout(), RecursionError(),
    AssertionError()], ids=lambda error: type(error).__name__)
def test_the_sweep_goes_on(error):
    """With the next bucket, and the next account; what was not read is told, and the exit code is 1."""
    out = io.StringIO()
    told = Report(out, None, as_json=True, applied=True, verbose=False)
    cluster = BrokenCluster(error)

    Run(cluster, cluster, told, Trail(Position()), PositionFile(None, [], ''), Stop(lambda: False)).all(
        [('AUTH_broken', None), ('AUTH_c', None), ('AUTH_d', 'b'), ('AUTH_e', 'a')])

    assert [('AUTH_broken', 'a'), ('AUTH_c', 'a'), ('AUTH_c', 'c'), ('AUTH_e', 'a')] == cluster.swept
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [('AUTH_broken', None), ('AUTH_c', 'b'), ('AUTH_d', 'b')] == [
        (line['account'], line['bucket']) for line in lines if line['event'] == 'unreadable']
    assert INCOMPLETE == told.end(None, Position(), None, [])


# The report

def test_json():
    """Each line is a document: one for each upload that was changed, and one with the sums."""
    out = io.StringIO()

    assert OK == report(out, FREED, OPEN, OPEN)
    assert [
        {'event': 'upload', 'account': 'AUTH_a', 'bucket': 'bucket', 'key': 'k\x1b"y', 'upload': UPLOAD.id,
         'outcome': 'freed', 'applied': True, 'parts': 2, 'bytes': 10, 'reason': ''},
        {'event': 'report', 'applied': True, 'interrupted': False, 'ended_by': None, 'position': None, 'containers': 0,
         'elsewhere': 0, 'uploads': {'freed': 1, 'open': 2}, 'parts': 2, 'bytes': 10, 'unreadable': 0, 'warnings': [],
         'expirer_queue': {'length': 3, 'overdue_seconds': 4, 'unreported': 0}},
    ] == [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize('applied, said', [(True, 'freed'), (False, 'would be freed')])
def test_words(applied, said):
    """Control characters in a key do not reach the terminal."""
    out = io.StringIO()
    report(out, FREED, FAILED, as_json=False, applied=applied)

    first, second, last = out.getvalue().splitlines()
    assert 'AUTH_a/bucket/"k\\u001b\\"y" %s: %s (2 parts, 10 bytes)' % (UPLOAD.id, said) == first
    assert second.endswith('failed (a reason)')
    assert last.endswith('uploads: 1 failed, 1 freed; 2 parts of 10 bytes %s.' % said)


@pytest.mark.parametrize('outcomes, more, code', [
    ([FREED], {}, OK), ([FAILED], {}, INCOMPLETE), ([], {'unread': True}, INCOMPLETE),
    ([FREED], {'warnings': ['w']}, QUEUE_STUCK), ([FAILED], {'warnings': ['w']}, INCOMPLETE),
    ([FAILED], {'cause': SIGNAL}, INTERRUPTED), ([FREED], {'cause': LIMIT}, ENDED_EARLY),
    ([FAILED], {'cause': DEADLINE}, INCOMPLETE)])
def test_exit_codes(outcomes, more, code):
    """If several apply, the one counts that matters most to the operator."""
    assert code == report(io.StringIO(), *outcomes, **more)


hostile = st.text(max_size=20) | st.text('\x00\x1b[2J\x07\x7f\x9b\n\r\u202e\u2028\udcff"\\\xe9a/', max_size=20)


@given(hostile, hostile, hostile, hostile, st.booleans())
def test_nothing_obeyed(account, bucket, key, reason, as_json):
    """Whatever names and errors hold, lines are ASCII without control characters, and as many as were told."""
    out, terminal = io.StringIO(), io.StringIO()
    told = Report(out, terminal, as_json=as_json, applied=True, verbose=True)
    told.add(Outcome(Upload(account, bucket, key, UPLOAD.id), 'failed', reason=reason))
    told.unreadable(account, bucket, OSError(reason))
    told.end(SIGNAL, Position(account, bucket), None, [reason])

    text = out.getvalue()
    assert set(text) <= set(map(chr, range(32, 127))) | {'\n'}
    assert (3 if as_json else 4) == text.count('\n')
    assert set(terminal.getvalue()) <= set(map(chr, range(32, 127))) | {'\r'}
    if as_json:
        assert (account, bucket, key) == tuple(json.loads(text.splitlines()[0])[name] for name in (
            'account', 'bucket', 'key'))


def test_an_early_end_is_told():
    """By what, and where: all after that was not looked at."""
    out = io.StringIO()
    assert ENDED_EARLY == report(out, FREED, cause=DEADLINE, as_json=False)
    assert 'Ended early (deadline) at AUTH_a/bucket: the rest was not looked at.' in out.getvalue()

    out = io.StringIO()
    report(out, FREED, cause=LIMIT)
    last = json.loads(out.getvalue().splitlines()[-1])
    assert (False, 'limit', 'bucket') == (last['interrupted'], last['ended_by'], last['position']['bucket'])


def test_buckets_of_another_run():
    """They are told of, and nothing is wrong with that."""
    class Others:
        def wanted(self, account, only):
            return [only]

        def bucket(self, *_):
            raise Elsewhere()

    out = io.StringIO()
    told = Report(out, None, as_json=True, applied=True, verbose=False)
    Run(Others(), Others(), told, Trail(Position()), PositionFile(None, [], ''), Stop(lambda: False)).all([('a', 'b')])

    assert OK == told.end(None, Position(), None, [])
    first, last = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {'event': 'elsewhere', 'account': 'a', 'bucket': 'b'} == first
    assert 1 == last['elsewhere']


def test_progress():
    """It is shown on the terminal beside the report, and removed in the end."""
    terminal = io.StringIO()
    report(io.StringIO(), OPEN, FREED, progress=terminal)

    assert 'AUTH_a/bucket: 1 uploads in 0 containers' in terminal.getvalue()
    assert terminal.getvalue().endswith(' \r')
    assert '\n' not in terminal.getvalue()


def test_files():
    """The last report, for programs: as one JSON document, and as metrics of Prometheus, one for each outcome."""
    told = Report(io.StringIO(), None, as_json=True, applied=True, verbose=False)
    for outcome in (FREED, OPEN, OPEN):
        told.add(outcome)
    code = told.end(None, Position(), QueueState(3, 4.4, 0), [])
    summary = Summary(told.last, 1790000000.0, 1790000060.5, code)

    kept = json.loads(summary.json())['s3multi_sweep']
    assert (1790000000.0, 1790000060.5, 0, 2, 10, {'freed': 1, 'open': 2}) == tuple(
        kept[name] for name in ('began', 'ended', 'exit_code', 'parts', 'bytes', 'uploads'))
    lines = summary.textfile().splitlines()
    assert {'s3multi_sweep_end_timestamp_seconds 1790000060.500', 's3multi_sweep_duration_seconds 60.500',
            's3multi_sweep_exit_code 0', 's3multi_sweep_bytes 10', 's3multi_sweep_uploads{outcome="open"} 2',
            's3multi_sweep_uploads{outcome="in use"} 0', 's3multi_sweep_expirer_queue_overdue_seconds 4'} <= set(lines)
    form = re.compile(r'(# (HELP|TYPE) s3multi_sweep_[a-z_]+ .+|s3multi_sweep_[a-z_]+({[a-z]+="[^"]*"})? [0-9.]+)')
    assert [] == [line for line in lines if not form.fullmatch(line)]
