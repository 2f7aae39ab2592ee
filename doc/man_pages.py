# SPDX-License-Identifier: Apache-2.0
"""The man pages of the commands, made from their options."""
import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from s3multi.check.__main__ import make_parser as check
from s3multi.demo.command import make_parser as demo
from s3multi.space.__main__ import make_parser as space
from s3multi.sweep.__main__ import make_parser as sweep

DIRECTORY = Path(__file__).resolve().parents[1] / 'etc' / 'man'
# By command: its options, and what it is for.
COMMANDS = {
    's3multi-sweep': (sweep, 'clean up what S3 multipart uploads have left behind'),
    's3multi-check': (check, 'prove that multipart objects can be read'),
    's3multi-space': (space, 'tell which multipart uploads hold how many bytes'),
    's3multi-demo': (demo, 'show a multipart upload on a small Swift cluster'),
}
_NEEDED = ('/etc/swift/s3multi-sweep.conf', 'the pipeline of the internal client; its sample is in share/s3multi')


def files() -> 'dict[Path, str]':
    """Return the pages by their files."""
    return {DIRECTORY / (name + '.8'): ''.join(line + '\n' for line in _page(name)) for name in COMMANDS}


def _page(name: str) -> Iterator[str]:
    parser, purpose = COMMANDS[name][0](), COMMANDS[name][1]
    yield '.\\" SPDX-License-Identifier: Apache-2.0'
    yield '.\\" Made by doc/generated_tables.py'
    yield '.TH %s 8 "" s3multi s3multi' % _written(name.upper())
    yield '.SH NAME'
    yield '%s \\- %s' % (_written(name), _written(purpose))
    yield '.SH SYNOPSIS'
    yield '.B ' + _written(name)
    named = ['[\\fI%s\\fR%s]' % (_written(str(action.metavar)), _dots(action))
             for action in _actions(parser) if not action.option_strings]
    yield '[\\fIoption\\fR ...] ' + ' '.join(named)
    yield '.SH DESCRIPTION'
    description = (parser.description or '').removeprefix(name + ': ')
    yield _written(description[:1].upper() + description[1:])
    yield '.SH OPTIONS'
    for action in _actions(parser):
        yield '.TP'
        yield _heading(action)
        yield _written(_meaning(parser, action))
    codes = re.findall(r'(\d) ([^;]+?)(?:;|\.$)', (parser.epilog or '').partition(': ')[2])
    if codes:
        yield '.SH EXIT STATUS'
        for code, meaning in codes:
            yield '.TP'
            yield '.B ' + code
            yield _written(meaning)
        yield '.SH FILES'
        yield '.TP'
        yield '.I ' + _written(_NEEDED[0])
        yield _written(_NEEDED[1])
    yield '.SH SEE ALSO'
    yield ', '.join('\\fB%s\\fR(8)' % _written(other) for other in COMMANDS if other != name)


def _actions(parser: argparse.ArgumentParser) -> 'list[argparse.Action]':
    return sorted(parser._actions, key=lambda action: bool(action.option_strings))


def _dots(action: argparse.Action) -> str:
    return ' ...' if action.nargs == '*' else ''


def _meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return (action.help or '') % {**vars(action), 'prog': parser.prog}


def _heading(action: argparse.Action) -> str:
    """Return the line with the names of an option, and what it takes."""
    value = '' if action.nargs == 0 else ' \\fI%s\\fR' % _written(str(action.metavar or action.dest.upper()))
    if not action.option_strings:
        return value.strip()
    return ', '.join('\\fB%s\\fR%s' % (_written(option), value) for option in action.option_strings)


def _written(text: str) -> str:
    """Return text as troff shows it: a point or an apostrophe would begin a request."""
    text = ' '.join(text.split()).replace('\\', '\\e').replace('-', '\\-')
    return '\\&' + text if text.startswith(('.', "'")) else text
