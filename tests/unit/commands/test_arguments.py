# SPDX-License-Identifier: Apache-2.0
"""The options that all commands have."""
import pytest

from s3multi import __version__
from s3multi.check.__main__ import read_arguments as read_check
from s3multi.commands.arguments import in_order, places
from s3multi.demo.command import parse_arguments as read_demo
from s3multi.space.__main__ import read_arguments as read_space
from s3multi.sweep.__main__ import read_arguments


def test_places(tmp_path):
    """They are read from the arguments and a file with comments and blank lines; what is no text is a place too."""
    (tmp_path / 'list').write_bytes(b'\xef\xbb\xbfAUTH_b\n\n# no\n AUTH_c/a/b \r\nAUTH_\xff\nAUTH_d\0\nAUTH_e\n')

    found = list(places(read_arguments(['AUTH_a', '--from', str(tmp_path / 'list')]), None, None))

    assert [('AUTH_a', None), ('AUTH_b', None), ('AUTH_c', 'a/b'), ('AUTH_\udcff', None), ('AUTH_d\0', None),
            ('AUTH_e', None)] == found


@pytest.mark.parametrize('name, read', [('s3multi-check', read_check), ('s3multi-demo', read_demo),
                                        ('s3multi-space', read_space), ('s3multi-sweep', read_arguments)])
def test_version(name, read, capsys):
    """Each command tells its name and version."""
    with pytest.raises(SystemExit) as raised:
        read(['--version'])

    assert (0, '%s %s\n' % (name, __version__)) == (raised.value.code, capsys.readouterr().out)


def test_relative_conf(tmp_path, monkeypatch):
    """The file of the pipeline may be named by a relative path."""
    monkeypatch.chdir(tmp_path)

    assert str(tmp_path / 'sweep.conf') == read_arguments(['AUTH_a', '--conf', 'sweep.conf']).conf


def test_order():
    """Places come in one order, whatever the arguments, each once; of a whole account no bucket comes again."""
    wanted = [('AUTH_b', None), ('AUTH_a', 'z'), ('AUTH_a', 'b'), ('AUTH_b', 'x'), ('AUTH_a', 'z'), ('AUTH_b', None)]

    assert [('AUTH_a', 'b'), ('AUTH_a', 'z'), ('AUTH_b', None)] == in_order(iter(wanted))
