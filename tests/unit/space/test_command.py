# SPDX-License-Identifier: Apache-2.0
"""The command line of s3multi-space."""
import pytest

from s3multi.space.__main__ import main, read_arguments
from s3multi.space.report import CANNOT_START


@pytest.mark.parametrize('options', [['--top', '0'], ['--top', '-1'], ['--top', 'many'], []], ids=' '.join)
def test_options_that_are_refused(options, capsys):
    """Exit code 2, before anything is read; without a place there is nothing to report on."""
    with pytest.raises(SystemExit) as raised:
        read_arguments([*options, 'AUTH_a'] if options else [])

    assert 2 == raised.value.code
    assert 's3multi-space: error' in capsys.readouterr().err


def test_a_pipeline_that_cannot_be_read(tmp_path, capsys):
    """It is said on one line which file that is."""
    missing = tmp_path / 'missing.conf'

    assert CANNOT_START == main(['AUTH_a', '--conf', str(missing)])
    assert f's3multi-space: {missing} cannot be read\n' == capsys.readouterr().err
