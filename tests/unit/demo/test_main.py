# SPDX-License-Identifier: Apache-2.0
"""The beginning of the demo's process."""

import ast
import inspect

from s3multi.demo import __main__


def test_little_is_imported_before_ctrl_c_is_set():
    """Python prints a traceback if Ctrl-C meets an import. Most of them come after the process has said otherwise."""
    tree = ast.parse(inspect.getsource(__main__))

    assert {'signal', 'sys'} == {name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names}
    assert not any(isinstance(node, ast.ImportFrom) for node in tree.body)
