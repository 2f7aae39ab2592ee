# SPDX-License-Identifier: Apache-2.0
"""The command line of s3multi-sweep: its options, its report, and its exit codes."""
import io
import json

import pytest

from s3multi.sweep.__main__ import places, read_arguments
from s3multi.sweep.judge import Outcome
from s3multi.sweep.queue import QueueState
from s3multi.sweep.report import INCOMPLETE, INTERRUPTED, OK, QUEUE_STUCK, Report
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS

UPLOAD = Upload('AUTH_a', 'bucket', 'k\x1b"y', IDS.new('AUTH_a', 'bucket', 'k\x1b"y', 179000000000000))
FREED, OPEN = Outcome(UPLOAD, 'freed', 2, 10), Outcome(UPLOAD, 'open')
FAILED = Outcome(UPLOAD, 'failed', reason='a reason')


def report(out, *outcomes, interrupted=False, unread=False, warnings=(), **options):
    """Return the exit code of a report of these outcomes."""
    told = Report(out, options.pop('progress', None), **{'as_json': True, 'applied': True, 'verbose': False, **options})
    for outcome in outcomes:
        told.add(outcome)
    if unread:
        told.unreadable('AUTH_a', None, OSError('a reason'))
    return told.end(interrupted, QueueState(3, 4.4, 0), list(warnings))


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
    (['a', '--uploads-per-second', 'x'], 'invalid'),
], ids=lambda value: ' '.join(value) if isinstance(value, list) else None)
def test_options_that_are_wrong(arguments, said, capsys):
    """They are refused before anything is asked, with exit code 2."""
    with pytest.raises(SystemExit) as raised:
        read_arguments(arguments)

    assert 2 == raised.value.code
    assert said in capsys.readouterr().err


def test_nothing_is_changed_unless_asked_for():
    """Nothing is aborted either."""
    options = read_arguments(['a'])

    assert (False, None, False) == (options.apply, options.abort_older_than, options.keep_finished)


def test_places(tmp_path):
    """They are read from the arguments, and from a file with comments and blank lines."""
    (tmp_path / 'list').write_text('AUTH_b\n\n# no\n AUTH_c/a/b \n')

    found = list(places(read_arguments(['AUTH_a', '--from', str(tmp_path / 'list')]), None))

    assert [('AUTH_a', None), ('AUTH_b', None), ('AUTH_c', 'a/b')] == found


# The report

def test_json():
    """Each line is a document: one for each upload that was changed, and one with the sums."""
    out = io.StringIO()

    assert OK == report(out, FREED, OPEN, OPEN)
    assert [
        {'event': 'upload', 'account': 'AUTH_a', 'bucket': 'bucket', 'key': 'k\x1b"y', 'upload': UPLOAD.id,
         'outcome': 'freed', 'applied': True, 'parts': 2, 'bytes': 10, 'reason': ''},
        {'event': 'report', 'applied': True, 'interrupted': False, 'containers': 0, 'uploads': {'freed': 1, 'open': 2},
         'parts': 2, 'bytes': 10, 'unreadable': 0, 'warnings': [],
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
    ([FAILED], {'interrupted': True}, INTERRUPTED)])
def test_exit_codes(outcomes, more, code):
    """If several apply, the one counts that matters most to the operator."""
    assert code == report(io.StringIO(), *outcomes, **more)


def test_progress():
    """It is shown on the terminal beside the report, and removed in the end."""
    terminal = io.StringIO()
    report(io.StringIO(), OPEN, FREED, progress=terminal)

    assert 'AUTH_a/bucket: 1 uploads in 0 containers' in terminal.getvalue()
    assert terminal.getvalue().endswith(' \r')
    assert '\n' not in terminal.getvalue()
