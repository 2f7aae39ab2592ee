# SPDX-License-Identifier: Apache-2.0
"""The documentation: what is made from the code agrees with it, and Sphinx alone can build the pages."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import re
import sys
from pathlib import Path

import pytest

from s3multi.config import FRONT_OPTIONS, OPTIONS, load, load_front

TOP = Path(__file__).resolve().parents[2]
DOC = TOP / 'doc'
PAGES = sorted(DOC.glob('*.rst'))
SAMPLE = TOP / 'etc' / 'proxy-server.conf-sample'


@pytest.fixture(scope='module')
def generated():
    """The module that writes what is made from the code."""
    before = list(sys.path)
    spec = importlib.util.spec_from_file_location('generated_tables', DOC / 'generated_tables.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


def test_what_is_made_from_the_code_is_current(generated):
    """If this fails: ``python3 doc/generated_tables.py``, with the Python that runs the tests."""
    assert [] == [path.name for path, text in generated.files().items() if path.read_text(encoding='utf-8') != text]


def test_every_table_has_one_place(generated):
    """No table is made for nothing, and no page waits for one that nobody makes."""
    places = [name for page in PAGES for name in re.findall(
        r'^\.\. ([a-z0-9-]+): made by', page.read_text(encoding='utf-8'), re.MULTILINE)]

    assert sorted(generated.TABLES) == sorted(places)


def test_pages_need_nothing_but_sphinx():
    """``sphinx-build doc doc/_build`` works where neither Swift nor s3multi is installed: no extension, and nothing is
    imported but the version."""
    conf = (DOC / 'conf.py').read_text(encoding='utf-8')

    assert {'pathlib', 's3multi', 'sys'} == imported(conf) and 'extensions' not in conf
    assert set() == imported((TOP / 's3multi' / '__init__.py').read_text(encoding='utf-8'))


def test_every_page_is_found():
    """From the front page of the documentation, and from the README."""
    pages = {page.name for page in PAGES} - {'index.rst'}

    assert pages == {name + '.rst' for name in re.findall(
        r'^   ([a-z]+)$', (DOC / 'index.rst').read_text(encoding='utf-8'), re.MULTILINE)}
    assert pages == set(re.findall(
        r'^- `doc/[a-z]+\.rst <doc/([a-z]+\.rst)>`_: ', (TOP / 'README.rst').read_text(encoding='utf-8'), re.MULTILINE))


def imported(source):
    """Return the modules that a module imports."""
    return {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in ast.walk(
        ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_page_can_be_read_as_it_is(page):
    """Nothing is filled in only when Sphinx builds the page, but for files of text that the page names."""
    holes = re.findall(r'^\.\. (?:include|literalinclude|csv-table|s3multi-[a-z-]+):: *(.*)$',
                       page.read_text(encoding='utf-8'), re.MULTILINE)

    assert set(holes) <= {'clients_table.txt', 'cluster_table.txt', 'explored_table.txt', 'explored_triples_table.txt',
                          'explored_versions_table.txt', 'growth_table.txt', 'latency_table.txt',
                          'long_inputs_table.txt', 'performance_table.txt', '../etc/s3multi-sweep.conf-sample'}


def test_sample_configuration_has_every_option_and_its_default():
    """With the comment signs taken away it is a configuration, with the same settings as one without options."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(re.sub(r'^# ([a-z_]+ =)', r'\1', SAMPLE.read_text(encoding='utf-8'), flags=re.MULTILINE))
    front, ours = parser['filter:s3api'], parser['filter:s3multi']

    assert [option.name for option in FRONT_OPTIONS] == [name for name in front if name != 'use']
    assert [option.name for option in OPTIONS] == [name for name in ours if name != 'use']
    inherited = {'min_segment_size': 5242880, 'max_upload_part_num': 10000}
    assert load({}, inherited) == load({name: text for name, text in ours.items() if text}, inherited)
    assert load_front({}) == load_front(front)
