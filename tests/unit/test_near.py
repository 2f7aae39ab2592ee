# SPDX-License-Identifier: Apache-2.0
"""Which tests `python3 -m tests --near` runs."""
import subprocess

import pytest

from tests import near

TREE = {
    's3multi/config.py': '',
    's3multi/s3/xml.py': '',
    's3multi/s3/words.py': 'from s3multi.s3 import xml',
    's3multi/s3/letters.py': 'from .words import word',
    's3multi/s3/alone.py': '',
    's3multi/s3/circle.py': 'import s3multi.s3.back',
    's3multi/s3/back.py': 'import s3multi.s3.circle',
    's3multi/operations/complete/proof.py': '',
    's3multi/operations/complete/commit.py': '',
    'tests/unit/test_layers.py': '',
    'tests/unit/test_config.py': '',
    'tests/unit/fakes.py': '',
    'tests/unit/s3/test_letters.py': '',
    'tests/unit/s3/test_many.py': 'from s3multi.s3.xml import read\nimport s3multi.s3.words',
    'tests/unit/operations/complete/test_proof.py': 'from tests.unit import fakes',
    'tests/unit/operations/test_complete.py': 'from s3multi.operations.complete import commit',
    'tests/model/world.py': '',
    'tests/model/test_mutations.py': '',
    'tests/integration/test_complete.py': '',
}
LAYERS, MUTATIONS = 'tests/unit/test_layers.py', 'tests/model/test_mutations.py'


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A checkout with the files of TREE."""
    for path, text in TREE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.setattr(near, 'CHECKOUT', tmp_path)
    near.imported_by.cache_clear()
    yield tmp_path
    near.imported_by.cache_clear()


@pytest.mark.parametrize('path, tests', [
    pytest.param('s3multi/config.py', [LAYERS, 'tests/unit/test_config.py'], id='own-file'),
    pytest.param('s3multi/s3/letters.py', [LAYERS, 'tests/unit/s3/test_letters.py'], id='own-file-of-a-package'),
    pytest.param('s3multi/operations/complete/proof.py',
                 [LAYERS, MUTATIONS, 'tests/unit/operations/complete/test_proof.py'], id='own-file-below'),
    pytest.param('s3multi/operations/complete/commit.py',
                 [LAYERS, MUTATIONS, 'tests/unit/operations/test_complete.py'], id='name-out-of-a-package'),
    pytest.param('s3multi/s3/xml.py', [LAYERS, 'tests/unit/s3/test_many.py'], id='without-a-file'),
    pytest.param('s3multi/s3/words.py', [LAYERS, 'tests/unit/s3/test_many.py'], id='imported-whole'),
    pytest.param('s3multi/s3/alone.py', [LAYERS], id='imported-by-nobody'),
    pytest.param('s3multi/s3/circle.py', [LAYERS], id='imported-in-a-circle'),
    pytest.param('s3multi/s3/gone.py', [LAYERS], id='deleted'),
    pytest.param('tests/unit/test_config.py', ['tests/unit/test_config.py'], id='test'),
    pytest.param('tests/unit/test_gone.py', [], id='deleted-test'),
    pytest.param('tests/unit/fakes.py', ['tests/unit/operations/complete/test_proof.py'], id='shared-by-tests'),
    pytest.param('tests/model/world.py', [MUTATIONS], id='model'),
    pytest.param('tests/integration/test_complete.py', [], id='test-with-servers'),
    pytest.param('README.rst', [], id='text'),
])
def test_tests_of_a_file(tree, path, tests):
    """Those of its name; else those that import it; else those of the modules that do."""
    assert sorted(tests) == near.tests_of([path])


def test_a_module_that_only_modules_import(tree):
    """Its tests are theirs."""
    (tree / 'tests/unit/s3/test_many.py').unlink()

    assert ['tests/unit/s3/test_letters.py', LAYERS] == near.tests_of(['s3multi/s3/xml.py'])


def test_several_files(tree):
    """Each test once."""
    assert ['tests/unit/s3/test_letters.py', 'tests/unit/test_config.py', LAYERS] == near.tests_of(
        ['s3multi/s3/letters.py', 'tests/unit/test_config.py', 's3multi/config.py'])


def test_what_was_changed(tree):
    """Whatever git sees as changed, staged, deleted or new, and does not ignore."""
    def git(*command):
        subprocess.run(('git', '-c', 'user.name=a', '-c', 'user.email=a', *command), cwd=tree, check=True,
                       stdout=subprocess.DEVNULL)

    (tree / '.gitignore').write_text('*.txt\n')
    git('init', '--quiet')
    git('add', '.')
    git('commit', '--quiet', '-m', 'a')
    assert [] == near.changed()

    (tree / 's3multi/config.py').write_text('a = 1')
    (tree / 's3multi/s3/xml.py').unlink()
    (tree / 'ignored.txt').write_text('')
    (tree / 'tests/unit/test_with \u00e9.py').write_text('')
    (tree / 's3multi/s3/staged.py').write_text('')
    git('add', 's3multi/s3/staged.py')

    assert ['s3multi/config.py', 's3multi/s3/staged.py', 's3multi/s3/xml.py', 'tests/unit/test_with \u00e9.py'] == (
        sorted(near.changed()))
