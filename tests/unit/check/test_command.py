# SPDX-License-Identifier: Apache-2.0
"""The command line of s3multi-check: its options, its report, and its exit codes."""
import io
import json

import pytest
from eventlet import Timeout
from hypothesis import given
from hypothesis import strategies as st
from swift.common.utils import Timestamp

from s3multi import __version__
from s3multi.check.__main__ import main, read_arguments
from s3multi.check.asking import Asking
from s3multi.check.objects import Candidate, Outcome, State
from s3multi.check.report import BROKEN, NOT_DONE, OK, Report
from s3multi.check.rules import Finding, Problem, Proof, Seen
from s3multi.commands.position import Position

OBJECT = Candidate('AUTH_a', 'bucket', 'k\x1b"y', 'null', Timestamp(1), True)
MISSING = Problem(Finding.MISSING, '/bucket_segments/one', 'e' * 32, 3,
                  Seen(False, written=Timestamp(1790000000)), False)
WHOLE = Outcome(OBJECT, State.WHOLE, (), 2, 6, 's3multi', 'id')
BAD = Outcome(OBJECT, State.BROKEN, (MISSING,), 2, 6, 's3multi', 'id')
UNKNOWN = Outcome(OBJECT, State.UNDECIDED, reason='a reason')


def report(out, *outcomes, unread=False, position=None, interrupted=False, **options):
    """Return the exit code of a report of these outcomes."""
    told = Report(out, options.pop('progress', None), **{'as_json': True, 'verbose': False, **options})
    for outcome in outcomes:
        told.add(outcome)
    if unread:
        told.unreadable('AUTH_a', None, OSError('a reason'))
    return told.end(Asking(None, 1), position, interrupted)


# Options

def test_what_is_shown_without_options():
    """The object of each segment, and as fast as it goes."""
    options = read_arguments(['a'])

    assert (Proof.HEAD, 8, 0.0, None, None) == (
        options.proof, options.concurrency, options.rate, options.limit, options.deadline)


@pytest.mark.parametrize('arguments, said', [
    ([], 'say what to check'),
    (['a', '--proof', 'faith'], 'invalid'),
    (['a', '--concurrency', '0'], 'invalid'),
    (['a', '--concurrency', '65'], 'invalid'),
    (['a', '--rate', '0'], 'invalid'),
    (['a', '--rate', 'nan'], 'invalid'),
    (['a', '--mib-per-second', 'x'], 'invalid'),
    (['a', '--limit', '0'], 'invalid'),
    (['a', '--deadline', '0'], 'invalid'),
], ids=lambda value: ' '.join(value) if isinstance(value, list) else None)
def test_options_that_are_wrong(arguments, said, capsys):
    """They are refused before anything is asked, with exit code 2."""
    with pytest.raises(SystemExit) as raised:
        read_arguments(arguments)

    assert NOT_DONE == raised.value.code
    assert said in capsys.readouterr().err


def test_version(capsys):
    """It is told."""
    with pytest.raises(SystemExit) as raised:
        main(['--version'])

    assert 0 == raised.value.code
    assert 's3multi-check %s\n' % __version__ == capsys.readouterr().out


# The report

def test_json():
    """Each line is a document: one for each object that is not whole, and one with the sums."""
    out = io.StringIO()

    assert BROKEN == report(out, BAD, WHOLE)
    told, last = [json.loads(line) for line in out.getvalue().splitlines()]
    [problem] = told.pop('problems')
    advice = problem.pop('advice')
    assert {'event': 'object', 'account': 'AUTH_a', 'bucket': 'bucket', 'key': 'k\x1b"y', 'version': 'null',
            'outcome': 'broken', 'maker': 's3multi', 'upload': 'id', 'segments': 2, 'bytes': 6, 'problem_count': 1,
            'reason': ''} == told
    assert {'what': 'missing', 'segment': '/bucket_segments/one', 'etag': 'e' * 32, 'bytes': 3, 'found_etag': '',
            'found_bytes': -1, 'time': '2026-09-21T14:13:20.000000', 'listed': False, 'detail': '',
            'mender': 'owner'} == problem
    assert 'store the segment again' in advice
    assert 0 <= last.pop('seconds') < 1
    assert {'event': 'report', 'buckets': 0, 'objects': {'broken': 1, 'whole': 1}, 'segments': 4, 'bytes': 12,
            'bytes_read': 0, 'requests': 0, 'unreadable': 0, 'interrupted': False, 'position': None} == last


def test_words():
    """Who mends it stands below. Control characters in a key do not reach the terminal."""
    out = io.StringIO()
    report(out, BAD, UNKNOWN, as_json=False, position=Position('AUTH_a', 'bucket', 'key', 'null'))

    first, second, third, fourth, last = out.getvalue().splitlines()
    assert 'AUTH_a/bucket/"k\\u001b\\"y": broken' == first
    assert '  missing /bucket_segments/one' == second
    assert third.startswith('    owner: the segment was deleted at 2026-09-21')
    assert fourth.endswith(': undecided (a reason)')
    assert 'objects: 1 broken, 1 undecided; 2 segments of 6 bytes' in last
    assert last.endswith('It ended early, at AUTH_a/bucket/"key".')


def test_many_problems():
    """Of one object the first hundred are told, and how many there are."""
    out = io.StringIO()
    report(out, Outcome(OBJECT, State.BROKEN, [MISSING] * 150))
    words = io.StringIO()
    report(words, Outcome(OBJECT, State.BROKEN, [MISSING] * 150), as_json=False)

    told = json.loads(out.getvalue().splitlines()[0])
    assert (100, 150) == (len(told['problems']), told['problem_count'])
    assert '  and 50 more\n' in words.getvalue()


@pytest.mark.parametrize('outcomes, more, code', [
    ([WHOLE], {}, OK), ([], {}, OK), ([BAD], {}, BROKEN), ([UNKNOWN], {}, NOT_DONE), ([UNKNOWN, BAD], {}, BROKEN),
    ([WHOLE], {'unread': True}, NOT_DONE), ([BAD], {'unread': True}, BROKEN),
    ([WHOLE], {'position': Position()}, OK), ([WHOLE], {'interrupted': True}, NOT_DONE)])
def test_exit_codes(outcomes, more, code):
    """What is broken matters most. The end of the time is foreseen; a signal is not."""
    assert code == report(io.StringIO(), *outcomes, **more)


hostile = st.text(max_size=20) | st.text('\x00\x1b[2J\x07\x7f\x9b\n\r\u202e\u2028\udcff"\\\xe9a/', max_size=20)


@given(hostile, hostile, hostile, hostile, st.booleans())
def test_nothing_obeyed(account, bucket, key, reason, as_json):
    """Whatever names and errors hold, lines are ASCII without control characters."""
    out, terminal = io.StringIO(), io.StringIO()
    told = Report(out, terminal, as_json=as_json, verbose=True)
    told.add(Outcome(Candidate(account, bucket, key, reason, Timestamp(1), True), State.BROKEN,
                     [Problem(Finding.SUMS, detail=reason), Problem(Finding.MISSING, key)], upload=key, reason=reason))
    told.unreadable(account, bucket, Timeout())
    told.end(Asking(None, 1), Position(account, bucket, key, reason), False)

    text = out.getvalue()
    assert set(text) <= set(map(chr, range(32, 127))) | {'\n'}
    assert (3 if as_json else 7) == text.count('\n')
    assert set(terminal.getvalue()) <= set(map(chr, range(32, 127))) | {'\r'}
