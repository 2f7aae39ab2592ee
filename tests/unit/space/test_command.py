# SPDX-License-Identifier: Apache-2.0
"""The command line of s3multi-space."""
import subprocess
import sys

import pytest

from s3multi.space.__main__ import read_arguments
from s3multi.space.report import CANNOT_START


@pytest.mark.parametrize('options', [['--top', '0'], ['--top', '-1'], ['--top', 'many'], []], ids=' '.join)
def test_options_that_are_refused(options, capsys):
    """Exit code 2, before anything is read; without a place there is nothing to report on."""
    with pytest.raises(SystemExit) as raised:
        read_arguments([*options, 'AUTH_a'] if options else [])

    assert 2 == raised.value.code
    assert 's3multi-space: error' in capsys.readouterr().err


@pytest.mark.parametrize('option, said', [('--conf', 'cannot be read'), ('--html', 'cannot be written')])
def test_a_file_that_cannot_be_used(tmp_path, option, said):
    """It is said on one line which one that is, before anything is read."""
    missing = tmp_path / 'missing' / 'file'
    # In a process of its own, since the command prepares its process for green threads.
    done = subprocess.run([sys.executable, '-m', 's3multi.space', 'AUTH_a', option, str(missing)],
                          capture_output=True, text=True, timeout=60)

    assert (CANNOT_START, f's3multi-space: {missing} {said}\n') == (done.returncode, done.stderr)
