# SPDX-License-Identifier: Apache-2.0
"""Which tests belong to the files that were changed since HEAD: those that `python3 -m tests --near` runs.

Paths are relative to the checkout, with slashes.
"""

import ast
import functools
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
LAYERS = 'tests/unit/test_layers.py'
# What an upload goes through, and a quick test of it as a whole.
PROTOCOL = ('s3multi/upload/', 's3multi/storage/', 's3multi/operations/', 'tests/model/')
MUTATIONS = 'tests/model/test_mutations.py'


def changed() -> list[str]:
    """Return the files that differ from HEAD or are new; deleted ones too."""
    return [path for command in (('diff', '--name-only', '--no-renames', '-z', 'HEAD'),
                                 ('ls-files', '--others', '--exclude-standard', '-z'))
            for path in git(*command).split('\0') if path]


def git(*command: str) -> str:
    """Return what a git command prints."""
    return subprocess.run(('git', *command), cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True).stdout


def tests_of(paths: Iterable[str]) -> list[str]:
    """Return the test files that belong to the files, in order."""
    found = {test for path in paths if path.endswith('.py') for test in _tests_of_one(path)}
    return sorted(test for test in found if (CHECKOUT / test).is_file())


def _tests_of_one(path: str) -> Iterator[str]:
    if path.startswith(PROTOCOL):
        yield MUTATIONS
    if path.startswith('s3multi/'):
        yield LAYERS
        yield from tests_of_module(path)
    elif path.startswith('tests/unit/') and is_test(path):
        yield path
    elif not is_test(path):
        # What tests share.
        yield from importers(path, 'tests/unit', 'test_*.py')


def tests_of_module(path: str) -> set[str]:
    """Return the unit tests of a module of the product.

    Those are the file of its name; without one, the tests that import the module; without these, the tests of the
    modules that import it.
    """
    found, seen, waiting = set(), set(), [path]
    while waiting:
        module = waiting.pop()
        seen.add(module)
        own = own_test(module)
        tests = [own] if (CHECKOUT / own).is_file() else importers(module, 'tests/unit', 'test_*.py')
        found.update(tests)
        if not tests:
            waiting += set(importers(module, 's3multi', '*.py')) - seen
    return found


def own_test(path: str) -> str:
    """Return where the tests of a module of the product are, if it has a file of its own."""
    parent, _, name = path.removeprefix('s3multi/').rpartition('/')
    return '/'.join(filter(None, ('tests/unit', parent, f'test_{name}')))


def is_test(path: str) -> bool:
    """Return whether pytest collects tests from the file."""
    return path.rpartition('/')[2].startswith('test_')


def importers(path: str, under: str, pattern: str) -> list[str]:
    """Return the files below a directory that import the module in the file `path`, in order."""
    module = module_of(path)
    files = sorted(each.relative_to(CHECKOUT).as_posix() for each in (CHECKOUT / under).rglob(pattern))
    return [each for each in files if module in imported_by(each)]


def module_of(path: str) -> str:
    """Return the dotted name of the module in a file; that of the package for its ``__init__``."""
    return path.removesuffix('.py').removesuffix('/__init__').replace('/', '.')


@functools.lru_cache(maxsize=None)
def imported_by(path: str) -> frozenset[str]:
    """Return what the file `path` imports, as ``imports`` does."""
    return imports((CHECKOUT / path).read_text(encoding='utf-8'), path)


def imports(source: str, path: str) -> frozenset[str]:
    """Return the dotted names of all that a source imports, names out of modules included. path: where it stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.split('/')[:-node.level] if node.level else []
            module = '.'.join([*above, *filter(None, [node.module])])
            found.update((module, *(f'{module}.{alias.name}' for alias in node.names)))
    return frozenset(found)
