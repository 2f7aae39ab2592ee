# SPDX-License-Identifier: Apache-2.0
"""Directives whose tables are made from the code, so that they cannot differ from it.

The classes below say what each table shows; ``setup`` has the names of the directives. These take no options and no
content, as in ``.. s3multi-options::``.
"""
from collections.abc import Iterable, Sequence
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
import decision_table
import state_diagram
from s3multi import config
from s3multi.filters import client_headers
from s3multi.s3 import errors, request_headers
from s3multi.storage import metrics
from s3multi.upload import decisions, lifecycle
from tests.integration import switching
from tests.model import mutations, sweeping

# The operations by the names of ``request_headers.REFUSED``.
OPERATIONS = {
    'initiate': 'Initiate', 'upload_part': 'Upload Part', 'copy_part': 'Upload Part Copy', 'complete': 'Complete',
    'abort': 'Abort', 'list_parts': 'List Parts', 'get_attributes': 'GetObjectAttributes',
}


class TableDirective(Directive):
    """A table with ``heads`` above ``rows``. Each cell is a line of reStructuredText. widths: in percent."""

    module: Any = None      # the module from which the rows come
    heads: Sequence[str] = ()
    widths: Sequence[int] = ()

    def rows(self) -> 'Iterable[Sequence[str]]':
        raise NotImplementedError

    def run(self) -> 'list[nodes.Node]':
        # So Sphinx makes the page anew when the module changes.
        self.state.document.settings.env.note_dependency(self.module.__file__)
        lines = ['.. list-table::', '   :header-rows: 1', '   :widths: ' + ' '.join(map(str, self.widths)), '']
        for row in [self.heads, *self.rows()]:
            lines += ['   %s - %s' % ('*' if place == 0 else ' ', cell) for place, cell in enumerate(row)]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source=__file__), self.content_offset, container)
        return container.children


class Options(TableDirective):
    """The options of ``[filter:s3multi]``."""

    module = config
    described: Sequence[config.Option] = config.OPTIONS
    heads = ('Option', 'Default', 'Unit', 'Range', 'Why')
    widths = (22, 13, 10, 18, 37)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for option in self.described:
            yield '``%s``' % option.name, _default(option), option.unit, option.expected, _literal(option.reason)


class FrontOptions(Options):
    """Our options of ``[filter:s3api]``."""

    described = config.FRONT_OPTIONS


class Counters(TableDirective):
    """What s3multi counts."""

    module = metrics
    heads = ('Counter', 'What it counts', 'What is normal')
    widths = (27, 40, 33)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for counter in metrics.COUNTERS:
            for value in counter.values or ('',):
                yield ('``s3multi.%s``' % '.'.join(filter(None, (counter.name, value))), _literal(counter.meaning),
                       _literal(counter.normal))


def _default(option: config.Option) -> str:
    if option.default is None:
        return 'that of ``[filter:s3api]``'
    if isinstance(option.default, bool):
        return '``%s``' % str(option.default).lower()
    return '``%s``' % option.default if option.default != '' else 'that of the bucket'


def _literal(text: str) -> str:
    return text.replace('*', '\\*').replace('`', '\\`').replace('_', '\\_')


class RefusedHeaders(TableDirective):
    """The request headers that are refused with NotImplemented, and the operations that refuse them."""

    module = request_headers
    heads = ('Header', 'Refused by')
    widths = (50, 50)

    def rows(self) -> 'Iterable[Sequence[str]]':
        refusing: dict[str, list[str]] = {}
        for operation, headers in request_headers.REFUSED.items():
            for header in headers:
                refusing.setdefault(header, []).append(OPERATIONS[operation])
        for header, operations in refusing.items():
            yield '``%s``' % header, ', '.join(operations)


class ClientHeaders(TableDirective):
    """The headers that do not count in an S3 request, and those that have to be signed."""

    module = client_headers
    heads = ('Header', 'Rule', 'Else a client could', 'Swift does the same since')
    widths = (30, 14, 28, 28)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for does, rules in client_headers.RULES.items():
            for rule in rules:
                yield ', '.join('``%s``' % name for name in rule.headers), does, rule.danger, rule.swift


class Switching(TableDirective):
    """What S3 clients see differently with s3multi and with Swift's own s3api, as measured."""

    module = switching
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


class Errors(TableDirective):
    """Every error code that s3multi itself answers, with its HTTP status and its message."""

    module = errors
    heads = ('Code', 'Status', 'Message')
    widths = (25, 8, 67)

    def rows(self) -> 'Iterable[Sequence[str]]':
        known = {error.code: error for error in vars(errors).values()
                 if isinstance(error, type) and issubclass(error, errors.S3Error)}
        for code in sorted(known):
            yield '``%s``' % code, str(known[code].status), _literal(known[code].message)


class Stages(TableDirective):
    """The stages of an upload: what marker, intent and object say in each, and how it ends."""

    module = lifecycle
    heads = ('Stage', 'Marker', 'Intent', 'Object', 'Who goes on')
    widths = (12, 14, 8, 8, 58)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for stage, look in lifecycle.LOOKS.items():
            markers = [state.value for state in lifecycle.State if state in look.markers]
            yield (stage.value, ' or '.join('``%s``' % marker for marker in markers) or 'gone', _sign(look.intent),
                   _sign(look.visible), look.ends)


def _sign(there: 'bool | None') -> str:
    return {True: 'yes', False: 'no', None: 'either'}[there]


class Moves(TableDirective):
    """Every durable write: by whom, at which timestamp, and how it moves the upload."""

    module = lifecycle
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


class Decisions(TableDirective):
    """What each operation does in each state of an upload."""

    module = decisions
    heads = decision_table.HEADS
    widths = (10, 11, 10, 16, 15, 14, 10, 14)

    def rows(self) -> 'Iterable[Sequence[str]]':
        return decision_table.rows()


class Steps(TableDirective):
    """The steps that protect an upload, the rule that breaks without each, and the events that show it."""

    module = mutations
    heads = ('Step', 'Broken without it', 'After these events')
    widths = (34, 14, 52)

    def rows(self) -> 'Iterable[Sequence[str]]':
        for mutation in mutations.MUTATIONS:
            events = '; '.join(mutation.lines) + (' (a bucket with versions)' if mutation.versioned else '')
            yield mutation.step, mutation.rule, events


class SweepSteps(TableDirective):
    """The steps that protect an upload from a sweep, like ``Steps``."""

    module = sweeping
    heads = Steps.heads
    widths = Steps.widths

    def rows(self) -> 'Iterable[Sequence[str]]':
        for _limits, mutation in sweeping.SWEEP_MUTATIONS:
            events = '; '.join(mutation.lines) + (' (a bucket with versions)' if mutation.versioned else '')
            yield mutation.step, mutation.rule, events


def setup(app: Any) -> 'dict[str, Any]':
    """Register the directives, and have the state diagram drawn before each build. Sphinx calls this."""
    app.add_directive('s3multi-options', Options)
    app.add_directive('s3multi-counters', Counters)
    app.add_directive('s3multi-front-options', FrontOptions)
    app.add_directive('s3multi-refused-headers', RefusedHeaders)
    app.add_directive('s3multi-client-headers', ClientHeaders)
    app.add_directive('s3multi-switching', Switching)
    app.add_directive('s3multi-switching-same', SwitchingSame)
    app.add_directive('s3multi-errors', Errors)
    app.add_directive('s3multi-stages', Stages)
    app.add_directive('s3multi-moves', Moves)
    app.add_directive('s3multi-decisions', Decisions)
    app.add_directive('s3multi-steps', Steps)
    app.add_directive('s3multi-sweep-steps', SweepSteps)
    app.connect('builder-inited', lambda _app: state_diagram.write())
    return {'parallel_read_safe': True}
