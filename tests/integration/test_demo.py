# SPDX-License-Identifier: Apache-2.0
"""The demo, run as its users run it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s3multi.demo import bootstrap
from s3multi.demo.progress import Bar, format_size, parse_size
from s3multi.demo.walkthrough import make_file, part_bytes_for

MEBIBYTE = 1 << 20
PATIENCE_SECONDS = 60


def start_demo(*words):
    """Start the demo with these words on its command line."""
    return subprocess.Popen([sys.executable, '-m', 's3multi.demo', *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_demo(*words):
    """Run the demo to its end and return (exit code, standard output, standard error)."""
    with start_demo(*words) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, out, err


@contextlib.contextmanager
def waiting_demo(directory, size=1000):
    """Run the demo on a small file until it waits for Ctrl-C; hand over its process and the lines it has printed.

    It is ended in any case.
    """
    source = directory / 'my file.bin'
    make_file(source, size)
    lines = []
    with start_demo('--data', directory / 'data', source) as process:
        try:
            for line in process.stdout:
                lines.append(line)
                if 'Ctrl-C' in line:
                    break
            yield process, lines
        finally:
            process.kill()


def children_of(pid):
    """Return the command lines of a process's children by their process ids."""
    children = {}
    for entry in Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The name, in parentheses, may hold blanks and parentheses itself.
            parent = int((entry / 'stat').read_text().rpartition(')')[2].split()[1])
            if parent == pid:
                children[int(entry.name)] = (entry / 'cmdline').read_text().split('\0')
    return children


def wait_until_gone(pids):
    """Return those of the processes that still run after a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    left = set(pids)
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if is_running(pid)}
        time.sleep(0.05)
    return left


def is_running(pid):
    """Return whether a process exists and has not ended. One that nobody has waited for yet has ended."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_demo_uploads_a_file_and_reads_it_back(tmp_path):
    """The ETag is S3's: the MD5 of the parts' MD5s and their number, computed here independently.

    Ctrl-C ends the demo and all its servers.
    """
    with waiting_demo(tmp_path, 7 * MEBIBYTE) as (process, lines):
        children = children_of(process.pid)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=PATIENCE_SECONDS)
    content, out = (tmp_path / 'my file.bin').read_bytes(), ''.join(lines)
    digests = b''.join(hashlib.md5(part).digest() for part in (content[:5 * MEBIBYTE], content[5 * MEBIBYTE:]))

    assert (130, '') == (process.returncode, err)
    assert 'Everything matches.' in out
    assert f'got       {hashlib.md5(digests).hexdigest()}-2' in out
    assert hashlib.sha256(content).hexdigest() in out
    assert 'demo_segments' in out
    assert 'uploaded   100%' in out
    assert set() == wait_until_gone(children)


def test_demo_makes_its_own_file_and_removes_what_it_made(tmp_path, monkeypatch):
    """Without --data nothing is left on the disk."""
    monkeypatch.setenv('TMPDIR', str(tmp_path))

    code, out, err = run_demo('--exit', '--size', '100KiB')

    assert (0, '') == (code, err)
    assert 'Everything matches.' in out
    assert [] == list(tmp_path.iterdir())


def test_demo_whose_terminal_is_closed_removes_what_it_made(without_nohup, tmp_path, monkeypatch):
    """A terminal that is closed sends SIGHUP."""
    monkeypatch.setenv('TMPDIR', str(tmp_path))
    with start_demo('--size', '100KiB') as process:
        try:
            assert any('Ctrl-C' in line for line in process.stdout)
            assert [] != list(tmp_path.iterdir())
            process.send_signal(signal.SIGHUP)
            _out, err = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()

    assert (130, '') == (process.returncode, err)
    assert [] == list(tmp_path.iterdir())


def test_demo_names_a_port_that_is_taken(tmp_path):
    """One clear message with the port and the option that changes it, no traceback."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
        code, _out, err = run_demo('--exit', '--port', port, '--data', tmp_path)

    assert 1 == code
    assert f'port {port}' in err
    assert '--port' in err
    assert 'Traceback' not in err


@pytest.mark.parametrize('words, expected', [
    (['no-such-file'], 'no-such-file is no file'),
    (['--size', '5 apples'], "'5 apples' is not a size"),
    (['--size', '0'], 'nothing to upload'),
    (['--data', '/proc/nowhere'], 'cannot make the data directory /proc/nowhere'),
])
def test_demo_explains_what_it_cannot_do(words, expected):
    """A wrong word on the command line gives one clear message, no traceback."""
    code, _out, err = run_demo('--exit', *words)

    assert 1 == code
    assert expected in err
    assert 'Traceback' not in err


def test_demo_reports_a_server_that_died(tmp_path):
    """The message names the server and how it ended; the other servers are stopped."""
    with waiting_demo(tmp_path) as (process, _lines):
        children = children_of(process.pid)
        victim, = (pid for pid, words in children.items() if 'object' in words)
        os.kill(victim, signal.SIGKILL)
        _out, err = process.communicate(timeout=PATIENCE_SECONDS)

    assert 1 == process.returncode
    assert 'object server ended with signal SIGKILL' in err
    assert 'Traceback' not in err
    assert set() == wait_until_gone(children)


@pytest.mark.parametrize('number, code', [
    (signal.SIGTERM, 130),
    (signal.SIGKILL, -signal.SIGKILL),
], ids=['SIGTERM', 'SIGKILL'])
def test_demo_leaves_no_process_behind(tmp_path, number, code):
    """However the demo ends, its servers end too."""
    with waiting_demo(tmp_path) as (process, _lines):
        children = children_of(process.pid)
        assert 5 == len(children)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_SECONDS)

    assert code == process.returncode
    assert set() == wait_until_gone(children)


def test_console_script_is_the_demo():
    """`s3multi-demo`, as setup.cfg installs it, runs the same main as `python3 -m s3multi.demo`."""
    from s3multi.demo.__main__ import main
    point, = (point for point in importlib.metadata.distribution('s3multi').entry_points
              if (point.group, point.name) == ('console_scripts', 's3multi-demo'))

    assert main == point.load()


@pytest.mark.parametrize('text, size', [
    ('0', 0), ('1048576', MEBIBYTE), ('20MiB', 20 * MEBIBYTE), ('20 mb', 20 * MEBIBYTE), ('1.5K', 1536), ('7B', 7),
])
def test_sizes_are_read(text, size):
    """Units are powers of 1024, with or without iB."""
    assert size == parse_size(text)


@pytest.mark.parametrize('text', ['', 'MiB', '-1', '1 2', '1x', '1iMB'])
def test_what_is_no_size_is_refused(text):
    """Anything else is refused and not guessed at."""
    with pytest.raises(ValueError, match='is not a size'):
        parse_size(text)


def test_progress_is_a_few_lines_where_it_cannot_be_redrawn():
    """A log file gets one line a quarter, not one an update."""
    stream = io.StringIO()
    bar = Bar('sent', 100 * MEBIBYTE, stream)
    for done in range(101):
        bar.show(done * MEBIBYTE, 'part')
    bar.close()

    assert ['25%', '50%', '75%', '100%'] == [line.split()[1] for line in stream.getvalue().splitlines()]
    assert '100.0 MiB' == format_size(100 * MEBIBYTE)


def test_parts_are_as_small_as_s3_allows_until_there_are_too_many():
    """5 MiB a part, up to 10,000 parts; from there on larger parts."""
    assert 5 * MEBIBYTE == part_bytes_for(1)
    assert 5 * MEBIBYTE == part_bytes_for(50000 * MEBIBYTE)
    assert 5 * MEBIBYTE + 1 == part_bytes_for(50000 * MEBIBYTE + 1)


def test_nothing_is_missing_where_the_tests_run():
    """Here everything can be imported, so the demo runs in place."""
    assert [] == bootstrap.missing(bootstrap.TEST_MODULES)


def test_bootstrap_says_what_is_missing_instead_of_trying_for_ever(monkeypatch, capsys):
    """In the environment it made itself, a module that still lacks ends the run with a message."""
    monkeypatch.setenv(bootstrap.GUARD, '1')

    with pytest.raises(SystemExit, match='no_such_module_of_ours cannot be imported'):
        bootstrap.ensure(['no_such_module_of_ours'], 'demo', [])


def test_bootstrap_leaves_other_directories_alone(tmp_path):
    """A directory that is neither empty nor an environment is not made one."""
    (tmp_path / 'precious').touch()

    with pytest.raises(bootstrap.BootstrapError, match='is no virtual environment'):
        bootstrap.create(tmp_path)

    assert ['precious'] == [path.name for path in tmp_path.iterdir()]
