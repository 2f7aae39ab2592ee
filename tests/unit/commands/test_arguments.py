# SPDX-License-Identifier: Apache-2.0
"""The options that all commands have."""
from s3multi.commands.arguments import places
from s3multi.sweep.__main__ import read_arguments


def test_places(tmp_path):
    """They are read from the arguments and a file with comments and blank lines; what is no text is a place too."""
    (tmp_path / 'list').write_bytes(b'\xef\xbb\xbfAUTH_b\n\n# no\n AUTH_c/a/b \r\nAUTH_\xff\nAUTH_d\0\nAUTH_e\n')

    found = list(places(read_arguments(['AUTH_a', '--from', str(tmp_path / 'list')]), None, None))

    assert [('AUTH_a', None), ('AUTH_b', None), ('AUTH_c', 'a/b'), ('AUTH_\udcff', None), ('AUTH_d\0', None),
            ('AUTH_e', None)] == found
