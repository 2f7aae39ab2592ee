# SPDX-License-Identifier: Apache-2.0
"""What the first set-up installs, and what its user sees meanwhile. No network is needed: a stand-in plays pip."""

import os
import re
import signal
import subprocess
import sys

import pytest

from s3multi.demo import bootstrap

STAND_IN = """
print('Collecting swift>=2.34 (from s3multi==0.1.0)', flush=True)
print('Requirement already satisfied: pip', flush=True)
print('ERROR: no such package')
raise SystemExit(1)
"""


def test_steps_of_pip_are_shown(monkeypatch, capsys):
    """They go to standard error, one at a time, while pip is at work; nothing that it prints is lost."""
    monkeypatch.setattr(bootstrap, 'TELL_SECONDS', 0)

    result = bootstrap.follow([sys.executable, '-c', STAND_IN])

    out, err = capsys.readouterr()
    assert '' == out
    assert re.fullmatch(' +[0-9]+ s: Collecting swift>=2.34', err.strip('\n'))
    assert 1 == result.returncode and 'ERROR: no such package' in bootstrap.output(result)


@pytest.mark.parametrize('error', [PermissionError(13, 'Permission denied'), OSError(28, 'No space left on device')])
def test_an_environment_that_cannot_be_written(monkeypatch, tmp_path, capsys, error):
    """Its user is told how to have another one."""
    def refuse(*_arguments):
        raise error

    monkeypatch.setattr(bootstrap, 'missing', lambda _modules: ['swift'])
    monkeypatch.delenv(bootstrap.GUARD, raising=False)
    monkeypatch.setattr(bootstrap, 'create', refuse)
    with pytest.raises(SystemExit) as ended:
        bootstrap.ensure((), 'demo', [], str(tmp_path / 'venv'))

    assert ended.value.code.startswith('s3multi: cannot make a virtual environment in ')
    assert error.strerror in ended.value.code and '--venv' in ended.value.code


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_set_up_that_is_interrupted(without_nohup, tmp_path, number):
    """It ends without a traceback, and leaves no copy of the checkout."""
    # In a process of its own, which says when it is at work.
    code = ('import os, sys, time; from s3multi.demo import bootstrap, command; os.access = lambda *_: False; '
            'bootstrap.missing = lambda _: ["swift"]; bootstrap.create = lambda _: None; '
            'bootstrap.pip_version = lambda _: (25, 3); '
            'bootstrap.follow = lambda _: print("at work", flush=True) or time.sleep(60); '
            'command.main(["--venv", sys.argv[1]])')
    with subprocess.Popen([sys.executable, '-c', code, str(tmp_path / 'venv')], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True,
                          env={'PYTHONPATH': str(bootstrap.CHECKOUT), 'TMPDIR': str(tmp_path)}) as process:
        assert 'at work\n' == process.stdout.readline()
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]

    assert 130 == process.returncode and 'Traceback' not in said
    assert [] == list(tmp_path.glob('s3multi-*'))


@pytest.mark.parametrize('writable', [True, False])
def test_checkout_that_cannot_be_written_is_copied(monkeypatch, writable):
    """pip builds where the source is, so it gets a copy of that, with all that it needs."""
    seen = []

    def follow(command):
        seen.extend([command, set(os.listdir(command[-1].partition('[')[0]))])
        return bootstrap.subprocess.CompletedProcess(command, 0, b'')

    monkeypatch.setattr(bootstrap, 'follow', follow)
    monkeypatch.setattr(bootstrap, 'pip_version', lambda _pip: (25, 3))
    monkeypatch.setattr(os, 'access', lambda _path, _mode: writable)
    bootstrap.install(bootstrap.Path(sys.executable), 'demo')

    command, found = seen
    assert writable is ('--editable' in command)
    assert writable is (command[-1] == f'{bootstrap.CHECKOUT}[demo]')
    assert set(bootstrap.SOURCES) <= found
