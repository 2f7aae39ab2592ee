# SPDX-License-Identifier: Apache-2.0
"""What ships for operators beside the code: man pages, units of systemd, a cron table, samples; and quiet commands."""
import ast
import configparser
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from s3multi.check.__main__ import make_parser as check
from s3multi.check.__main__ import read_arguments as read_check
from s3multi.demo.command import make_parser as demo
from s3multi.space.__main__ import make_parser as space
from s3multi.sweep.__main__ import make_parser as sweep
from s3multi.sweep.__main__ import read_arguments as read_sweep

TOP = Path(__file__).resolve().parents[2]
ETC = TOP / 'etc'
PARSERS = {'s3multi-check': check, 's3multi-demo': demo, 's3multi-space': space, 's3multi-sweep': sweep}
READ = {'s3multi-check': read_check, 's3multi-sweep': read_sweep}
UNITS = sorted((ETC / 'systemd').iterdir())


def setup():
    """Return setup.cfg."""
    found = configparser.RawConfigParser()
    found.optionxform = str
    found.read(TOP / 'setup.cfg', encoding='utf-8')
    return found


def test_every_command_has_a_man_page():
    """And no page is that of another one."""
    commands = re.findall(r'^(s3multi-\w+) =', setup()['options.entry_points']['console_scripts'], re.MULTILINE)

    assert sorted(commands) == sorted(PARSERS) == sorted(path.stem for path in (ETC / 'man').iterdir())


@pytest.mark.parametrize('name', PARSERS)
def test_every_option_is_in_the_man_page(name):
    """With what it takes."""
    page = (ETC / 'man' / (name + '.8')).read_text().replace('\\-', '-')
    listed = set(re.findall(r'\\fB(--?[a-z-]+)\\fR', page))

    assert {option for action in PARSERS[name]()._actions for option in action.option_strings} == listed


def test_everything_is_installed():
    """All files for operators, below ``share``."""
    listed = [line.strip() for lines in setup()['options.data_files'].values() for line in lines.split('\n') if line]

    assert sorted(str(path.relative_to(TOP)) for path in ETC.rglob('*') if path.is_file()) == sorted(listed)


def commands_in(path):
    """Return the command lines of a unit or a cron table, without what the shell would do."""
    text = path.read_text()
    found = re.findall(r'^(?:ExecStart=|[0-9 *]+ +swift +)(.+?)(?: >> .*)?$', text, re.MULTILINE)
    return [shlex.split(line) for line in found]


@pytest.mark.parametrize('path', [*(unit for unit in UNITS if unit.suffix == '.service'), ETC / 's3multi.cron'],
                         ids=lambda path: path.name)
def test_command_lines(path):
    """The commands take them, and are found wherever they are installed: no line has the directory."""
    lines = commands_in(path)

    assert lines
    for name, *arguments in lines:
        READ[name](arguments)


@pytest.mark.parametrize('name, code, is_mailed', [
    ('s3multi-sweep', 0, False), ('s3multi-sweep', 1, True), ('s3multi-sweep', 4, True), ('s3multi-sweep', 5, False),
    ('s3multi-check', 0, False), ('s3multi-check', 1, True), ('s3multi-check', 2, True)])
def test_cron_mails_what_somebody_has_to_look_at(tmp_path, name, code, is_mailed):
    """That is what a line writes to its output: the report goes to the log."""
    [line] = re.findall(r'^[0-9 *]+ +swift +(%s .+)$' % name, (ETC / 's3multi.cron').read_text(), re.MULTILINE)
    (tmp_path / name).write_text('#!/bin/sh\necho {}\nexit %d\n' % code)
    (tmp_path / name).chmod(0o755)
    said = subprocess.run(['/bin/sh', '-c', line.replace('/var/log/swift', str(tmp_path))], capture_output=True,
                          env={'PATH': '%s:/usr/bin:/bin' % tmp_path}, text=True).stdout

    log = tmp_path / (name + '.log')
    assert ('{}\n', 'See %s\n' % log if is_mailed else '') == (log.read_text(), said)


def test_units_belong_together():
    """Each timer has its service, which is named in its man page's section."""
    assert {'.service', '.timer'} == {unit.suffix for unit in UNITS}
    for unit in UNITS:
        parsed = configparser.RawConfigParser(strict=False)
        parsed.optionxform = str
        parsed.read(unit)
        assert {'Unit', 'Service' if unit.suffix == '.service' else 'Timer'} <= set(parsed.sections())
        assert unit.with_suffix('.timer').exists() and unit.with_suffix('.service').exists()
        if unit.suffix == '.service':
            assert 'man:%s(8)' % unit.stem == parsed['Unit']['Documentation']


def test_commands_are_quiet():
    """Warnings that a user can do nothing about stay out of standard error, and others do not."""
    code = ('import s3multi.commands.quiet, warnings; warnings.warn("\\nEventlet is deprecated. It", Warning); '
            'warnings.warn("pkg_resources is deprecated as an API", UserWarning); warnings.warn("another one")')
    said = subprocess.run([sys.executable, '-c', code], cwd=TOP, env={'PYTHONPATH': str(TOP)}, capture_output=True,
                          text=True, check=True).stderr

    assert 'another one' in said and 'deprecated' not in said


@pytest.mark.parametrize('package', ['check', 'space', 'sweep'])
def test_commands_are_quiet_from_the_beginning(package):
    """Swift is imported after that."""
    tree = ast.parse((TOP / 's3multi' / package / '__main__.py').read_text())
    named = [node.names[0].name if isinstance(node, ast.Import) else node.module for node in tree.body
             if isinstance(node, (ast.Import, ast.ImportFrom))]

    assert 's3multi.commands.quiet' == next(name for name in named if name.startswith(('swift', 's3multi', 'eventlet')))
