# SPDX-License-Identifier: Apache-2.0
"""Where the tests keep their data."""
import os
import tempfile

import pytest

from tests import in_memory


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """A directory in the place of memory, and no other that the user has named."""
    monkeypatch.setattr(in_memory, 'MEMORY', tmp_path)
    monkeypatch.setattr(in_memory, 'ROOM_BYTES', 1)
    monkeypatch.setattr(tempfile, 'tempdir', None)
    monkeypatch.delenv('TMPDIR', raising=False)
    return tmp_path


def test_memory_that_will_do(memory):
    """For this process and for others."""
    in_memory.use()

    assert str(memory) == tempfile.gettempdir() == os.environ['TMPDIR']


def test_what_the_user_has_named(memory, monkeypatch):
    """It is left as it is."""
    monkeypatch.setenv('TMPDIR', '/elsewhere')
    in_memory.use()

    assert ('/elsewhere', None) == (os.environ['TMPDIR'], tempfile.tempdir)


@pytest.mark.parametrize('name, value', [('ROOM_BYTES', 1 << 60), ('MEMORY', in_memory.Path('/proc/nowhere'))])
def test_memory_that_will_not_do(memory, monkeypatch, name, value):
    """Too small, or not there."""
    monkeypatch.setattr(in_memory, name, value)
    in_memory.use()

    assert 'TMPDIR' not in os.environ
    assert tempfile.tempdir is None
