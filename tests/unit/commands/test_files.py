# SPDX-License-Identifier: Apache-2.0
"""The files that commands write: a reader finds the old text or the new one."""
import os
from unittest import mock

import pytest

from s3multi.commands.files import check_writable, replace_file
from s3multi.config import ConfigError


def test_replaced(tmp_path):
    """Everybody may read it, and nothing else is left."""
    path = tmp_path / 'sweep.prom'
    for text in ('one', 'two'):
        check_writable(str(path))
        replace_file(str(path), text)
        assert text == path.read_text()

    assert [path] == list(tmp_path.iterdir())
    assert 0o644 == path.stat().st_mode & 0o777


def test_what_cannot_be_written(tmp_path):
    """What was there stays, and nothing beside it."""
    path = tmp_path / 'sweep.prom'
    path.write_text('old')
    with mock.patch.object(os, 'replace', side_effect=OSError(28, 'No space left on device')), pytest.raises(OSError):
        replace_file(str(path), 'new')

    assert [path] == list(tmp_path.iterdir())
    assert 'old' == path.read_text()


def test_which_file_it_was(tmp_path):
    """The error names it, and not the one that was to take its place."""
    path = str(tmp_path / 'missing' / 'file')
    with pytest.raises(FileNotFoundError) as raised:
        replace_file(path, 'text')

    assert path == raised.value.filename


def test_a_link(tmp_path):
    """What it leads to is replaced."""
    (tmp_path / 'link').symlink_to(tmp_path / 'file')
    check_writable(str(tmp_path / 'link'))
    replace_file(str(tmp_path / 'link'), 'text')

    assert (True, 'text') == ((tmp_path / 'link').is_symlink(), (tmp_path / 'file').read_text())


@pytest.mark.parametrize('path', ['missing/file', '.', '/dev/null'])
def test_told_before(tmp_path, path):
    """A sweep takes hours: that its file cannot be written is told at once, and that it is none."""
    with pytest.raises(ConfigError, match='cannot be written'):
        check_writable(str(tmp_path / path))
