# SPDX-License-Identifier: Apache-2.0
"""Writes into the pages what is made from the code: ``python3 doc/generated_tables.py``.

A page has a table between two comments, so that it can be read as it is, and built by Sphinx alone::

    .. NAME: made by doc/generated_tables.py

    .. end of NAME

``TABLES`` has the names. ``states.svg``, ``etc/proxy-server.conf-sample`` and the man pages are written as well.
``tests/unit/test_documentation.py`` fails where the code has changed since.
"""
import abc
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import conf_sample  # noqa: E402
import decision_table  # noqa: E402
import man_pages  # noqa: E402
import state_diagram  # noqa: E402
from s3multi import config  # noqa: E402
from s3multi.filters import client_headers  # noqa: E402
from s3multi.s3 import errors, request_headers  # noqa: E402
from s3multi.storage import metrics  # noqa: E402
from s3multi.upload import lifecycle  # noqa: E402
from tests.integration import switching  # noqa: E402
from tests.model import mutations, sweeping  # noqa: E402

_PLACE = re.compile(r'^\.\. (?P<name>[a-z0-9-]+): made by doc/generated_tables\.py\n.*?^\.\. end of (?P=name)\n',
                    re.MULTILINE | re.DOTALL)
_WIDTH = 120

# The operations by the names of ``request_headers.REFUSED``.
OPERATIONS = {
    'initiate': 'Initiate', 'upload_part': 'Upload Part', 'copy_part': 'Upload Part Copy', 'complete': 'Complete',
    'abort': 'Abort', 'list_parts': 'List Parts', 'get_attributes': 'GetObjectAttributes',
}


class Table(abc.ABC):
    """A table with ``heads`` above ``rows``. Each cell is a line of reStructuredText. widths: in percent."""

    heads: Sequence[str] = ()
    widths: Sequence[int] = ()

    @abc.abstractmethod
    def rows(self) -> 'Iterable[Sequence[str]]':
        """Return the rows."""

    def text(self) -> str:
        """Return the table: with its columns side by side where there is room, else cell by cell."""
        rows = [self.heads, *self.rows()]
        widest = [max(map(len, column)) for column in zip(*rows)]
        if sum(widest) + 2 * len(widest) - 2 > _WIDTH or not all(row[0] for row in rows):
            return '\n'.join(['.. list-table::', '   :header-rows: 1',
                              '   :widths: ' + ' '.join(map(str, self.widths)), '', *map(_listed, rows)]) + '\n'
        rule = '  '.join('=' * width for width in widest)
        lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widest)).rstrip() for row in rows]
        return '\n'.join([rule, lines[0], rule, *lines[1:], rule]) + '\n'


def _listed(row: 'Sequence[str]') -> str:
    return '\n'.join(textwrap.fill(cell, _WIDTH, initial_indent='   %s - ' % (' ' if place else '*'),
                                   subsequent_indent=' ' * 7, break_long_words=False, break_on_hyphens=False)
                     if cell else '   %s -' % (' ' if place else '*') for place, cell in enumerate(row))


class Options(Table):
    """The options of ``[filter:s3multi]``."""

    described: Sequence[config.Option] = config.OPTIONS
    heads = ('Option', 'Default', 'Unit', 'Range', 'Why')
    widths = (22, 13, 10, 18, 37)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for option in self.described:
            yield '``%s``' % option.name, _default(option), option.unit, option.expected, _literal(option.reason)


class FrontOptions(Options):
    """Our options of ``[filter:s3api]``."""

    described = config.FRONT_OPTIONS


class Counters(Table):
    """What s3multi counts."""

    heads = ('Counter', 'What it counts', 'What is normal')
    widths = (27, 40, 33)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for counter in metrics.COUNTERS:
            yield (', '.join('``s3multi.%s``' % '.'.join(filter(None, (counter.name, value)))
                             for value in counter.values or ('',)), _literal(counter.meaning), _literal(counter.normal))


def _default(option: config.Option) -> str:
    written = conf_sample.written(option.default)
    return '``%s``' % written if written else 'unset'


def _literal(text: str) -> str:
    return text.replace('*', '\\*').replace('`', '\\`').replace('_', '\\_')


class RefusedHeaders(Table):
    """The request headers that are refused with NotImplemented, and the operations that refuse them."""

    heads = ('Header', 'Refused by')
    widths = (50, 50)

    def rows(self) -> 'Iterable[Sequence[str]]':
        refusing: dict[str, list[str]] = {}
        for operation, headers in request_headers.REFUSED.items():
            for header in headers:
                refusing.setdefault(header, []).append(OPERATIONS[operation])
        for header, operations in refusing.items():
            yield '``%s``' % header, ', '.join(operations)


class ClientHeaders(Table):
    """The headers that do not count in an S3 request, and those that have to be signed."""

    heads = ('Header', 'Rule', 'Else a client could', 'Swift does the same since')
    widths = (30, 14, 28, 28)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for does, rules in client_headers.RULES.items():
            for rule in rules:
                yield ', '.join('``%s``' % name for name in rule.headers), does, rule.danger, rule.swift


class Switching(Table):
    """What S3 clients see differently with s3multi and with Swift's own s3api, as measured."""

    heads: Sequence[str] = ('Operation', 'Request', "Swift's own", 's3multi')
    widths: Sequence[int] = (14, 42, 22, 22)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for row in switching.ROWS.values():
            if row.stock != row.ours:
                yield row.operation, row.request, row.stock, row.ours


class SwitchingSame(Switching):
    """What both answer alike."""

    heads = ('Operation', 'Request', 'Answer')
    widths = (20, 55, 25)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for row in switching.ROWS.values():
            if row.stock == row.ours:
                yield row.operation, row.request, row.ours


class Errors(Table):
    """Every error code that s3multi itself answers, with its HTTP status and its message."""

    heads = ('Code', 'Status', 'Message')
    widths = (25, 8, 67)

    def rows(self) -> 'Iterable[Sequence[str]]':
        known = {error.code: error for error in vars(errors).values()
                 if isinstance(error, type) and issubclass(error, errors.S3Error)}
        for code in sorted(known):
            yield '``%s``' % code, str(known[code].status), _literal(known[code].message)


class Stages(Table):
    """The stages of an upload: what marker, intent and object say in each, and how it ends."""

    heads = ('Stage', 'Marker', 'Intent', 'Object', 'Who goes on')
    widths = (12, 14, 8, 8, 58)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for stage, look in lifecycle.LOOKS.items():
            markers = [state.value for state in lifecycle.State if state in look.markers]
            yield (stage.value, ' or '.join('``%s``' % marker for marker in markers) or 'gone', _sign(look.intent),
                   _sign(look.visible), look.ends)


def _sign(there: 'bool | None') -> str:
    return {True: 'yes', False: 'no', None: 'either'}[there]


class Moves(Table):
    """Every durable write: by whom, at which timestamp, and how it moves the upload."""

    heads = ('No.', 'Write', 'At', 'By', 'Moves the upload')
    widths = (5, 16, 7, 25, 47)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for number, move in enumerate(lifecycle.MOVES, 1):
            moved = ['%s → %s' % (before.value if before else '●', after.value) for before, after in move.steps
                     if before is not after]
            stays = [after.value for before, after in move.steps if before is after]
            if set(stays) == {stage.value for stage in lifecycle.Stage}:
                stays = ['any stage']
            texts = [', '.join(moved), 'stays: ' + ', '.join(stays) if stays else '']
            yield (str(number), move.write, move.at.value, ', '.join(actor.value for actor in move.by),
                   '; '.join(filter(None, texts)))


class Decisions(Table):
    """What each operation does in each state of an upload."""

    heads = decision_table.HEADS
    widths = (10, 11, 10, 16, 15, 14, 10, 14)

    def rows(self) -> 'Iterable[Sequence[str]]':
        return decision_table.rows()


class Steps(Table):
    """The steps that protect an upload, the rule that breaks without each, and the events that show it."""

    heads = ('Step', 'Broken without it', 'After these events')
    widths = (34, 14, 52)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for mutation in mutations.MUTATIONS:
            events = '; '.join(mutation.lines) + (' (a bucket with versions)' if mutation.versioned else '')
            yield mutation.step, mutation.rule, events


class SweepSteps(Table):
    """The steps that protect an upload from a sweep, like ``Steps``."""

    heads = Steps.heads
    widths = Steps.widths

    def rows(self) -> 'Iterable[Sequence[str]]':
        for _limits, mutation in sweeping.SWEEP_MUTATIONS:
            events = '; '.join(mutation.lines) + (' (a bucket with versions)' if mutation.versioned else '')
            yield mutation.step, mutation.rule, events


TABLES: 'dict[str, type[Table]]' = {
    's3multi-options': Options,
    's3multi-front-options': FrontOptions,
    's3multi-counters': Counters,
    's3multi-refused-headers': RefusedHeaders,
    's3multi-client-headers': ClientHeaders,
    's3multi-switching': Switching,
    's3multi-switching-same': SwitchingSame,
    's3multi-errors': Errors,
    's3multi-stages': Stages,
    's3multi-moves': Moves,
    's3multi-decisions': Decisions,
    's3multi-steps': Steps,
    's3multi-sweep-steps': SweepSteps,
}


def filled(page: str) -> str:
    """Return the text of a page with its tables as the code makes them."""
    return _PLACE.sub(lambda found: '.. %s: made by doc/generated_tables.py\n\n%s\n.. end of %s\n' % (
        found['name'], TABLES[found['name']]().text(), found['name']), page)


def files() -> 'dict[Path, str]':
    """Return every file that is made from the code, wholly or in part, and its text."""
    pages = {path: path.read_text(encoding='utf-8') for path in sorted(HERE.glob('*.rst'))}
    return {**{path: filled(text) for path, text in pages.items() if _PLACE.search(text)},
            state_diagram.FILE: state_diagram.draw(),
            HERE.parent / 'etc' / 'proxy-server.conf-sample': conf_sample.text(), **man_pages.files()}


if __name__ == '__main__':
    for path, text in files().items():
        path.write_text(text, encoding='utf-8')
