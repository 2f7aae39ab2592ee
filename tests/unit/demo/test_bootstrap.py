# SPDX-License-Identifier: Apache-2.0
"""What the first set-up installs, and what its user sees meanwhile. No network is needed: a stand-in plays pip."""

import os
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
    assert ('', '  0 s: Collecting swift>=2.34') == (out, err.strip('\n')[2:])
    assert 1 == result.returncode and 'ERROR: no such package' in bootstrap.output(result)


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
