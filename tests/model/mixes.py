# SPDX-License-Identifier: Apache-2.0
"""``python3 -m tests.model --explore``: explores many mixes, in two processes, and says what was explored."""
import contextlib
import itertools
import multiprocessing
import time

from .explore import Bounds, Explorer, replay
from .orders import CLOCKS, OPERATIONS, Mix, Move
from .remembered import seldom_look_for_garbage
from .search import BY_0_1, FOR_0_1
from .world import OLD

# Each with each, and with its like: the same Complete, another Abort.
_SINGLE = ('C1', 'C2', 'A', 'P', 'I', 'L', 'U', 'R', 'X', 'D', 'S', 'H')
_LIKE = {'C1': 'C1b', 'C2': 'C2b', 'A': 'A2', 'P': 'P2', 'R': 'R2', 'X': 'X2', 'S': 'S2'}
# Who only reads changes nothing for others, so no two of these are in one mix.
_READERS = frozenset('LUH')

PAIRS = tuple([*((first, second) for first, second in itertools.combinations(_SINGLE, 2)
                 if not {first, second} <= _READERS), *_LIKE.items()])
TRIPLES = tuple(labels for labels in itertools.combinations(('C1', 'C1b', 'C2', 'A', 'A2', 'P', 'R', 'X', 'D', 'S'), 3)
                if ('C1b' not in labels or 'C1' in labels) and ('A2' not in labels or 'A' in labels))
# In which a write may reach one replica alone, which the last operation does not reach.
APART = (('A2', 'A', 'C1'), ('C1', 'C1b', 'A'), ('C1', 'A', 'C2'), ('C1', 'C1b', 'C2'))
# In which an operation misses a replica, and another one misses what that replica would tell.
TORN = tuple(labels for labels in itertools.permutations(('C1', 'C2', 'A', 'P', 'R', 'X', 'D', 'S'), 2)
             if labels[0] not in 'SD')
# One through a proxy with release 0.1.0, and then one through this release.
_SERVED = tuple(label for label in _SINGLE if label not in 'SH')
UPGRADE = tuple((first + OLD, _LIKE.get(second, second) if first == second else second)
                for first in _SERVED for second in _SERVED if not {first, second} <= _READERS)
# In which a listing matters.
LATE = (('P', 'C1'), ('P', 'L'), ('P', 'A'), ('I', 'U'), ('C1', 'U'), ('A', 'U'), ('C1', 'C2'), ('C2', 'S'),
        ('C1', 'R'))
# By name: the labels that meet, in which order, the clocks, and the bounds.
FORMS = {
    'pairs': (PAIRS, CLOCKS, Bounds(2, 1, 1)),
    'quick': (PAIRS, CLOCKS[:1], Bounds(2, 1, 0)),
    'triples': (TRIPLES, CLOCKS[:1], Bounds(2, 1, 0)),
    'apart': (APART, CLOCKS[:1], Bounds(1, 1, 1)),
    'late': (LATE, CLOCKS[:1], Bounds(2, 1, 0)),
    'torn': (TORN, CLOCKS[:1], Bounds(2, 1, 0)),
    'upgrade': (UPGRADE, CLOCKS[:1], Bounds(2, 1, 0)),
}


def explore_all(names, processes, bounds=None, table=None, until=None, rows=None):
    """Explore forms, or single mixes, by their names; print a line for each mix. Returns 1 if a rule broke, else 0.

    bounds: three numbers, as ``Bounds`` has them, instead of those of the form. table: the name of a file to which the
    table for the docs is written. until: by ``time.monotonic()``, when to end; None to explore all. rows: a dict to
    which the numbers of each pair are added, by its labels, and of all.
    """
    begin = time.monotonic()
    own = Bounds(*map(int, bounds.split(','))) if bounds else None
    tasks = [(mix, own or usual, until) for name in names for mix, usual in _tasks(name)]
    rows, whole = {} if rows is None else rows, 0
    with contextlib.ExitStack() as stack:
        done = (stack.enter_context(multiprocessing.Pool(processes, seldom_look_for_garbage)).imap(_explore, tasks)
                if processes > 1 else map(_explore, tasks))
        for found in done:
            if found.runs:
                print('%5.0f s: %s' % (time.monotonic() - begin, _line(found)), flush=True)
            if found.failed:
                _tell(found)
                return 1
            whole += found.is_whole
            row = rows.setdefault('+'.join(found.mix.labels), [0] * len(COLUMNS))
            for place, (_, name) in enumerate(COLUMNS):
                row[place] += getattr(found, name)
    rows['all'] = total = [sum(column) for column in zip(*rows.values())]
    print('%s mixes of %s in %.0f s: %s' % (
        len(tasks) if whole == len(tasks) else '%d of %d' % (whole, len(tasks)), ', '.join(names),
        time.monotonic() - begin, ', '.join('%s %d' % (title, number) for (title, _), number in zip(COLUMNS, total))))
    if table:
        with open(table, 'w') as file:
            file.write(_table(rows))
    return 0


COLUMNS = (('orders', 'orders'), ('with accidents', 'all'), ('states', 'states'), ('crashes', 'crashes'),
           ('faults', 'faults'), ('runs', 'runs'))


def _tasks(name):
    if name not in FORMS:
        return [(Mix.parse(name), FORMS['pairs'][2])]
    labels, clocks, bounds = FORMS[name]
    return [(Mix(each, versioned, clock, name == 'apart', begun, name == 'late', name == 'torn'), bounds)
            for each in labels
            for versioned in (False, True) for clock in clocks
            for begun in ((BY_0_1, FOR_0_1) if name == 'upgrade' else ('',))]


def _explore(task):
    mix, bounds, until = task
    return Explorer(mix, bounds, until=until).explore()


def _line(found):
    return '%s: %s%s' % (found.mix, ', '.join('%s %d' % (title, getattr(found, name)) for title, name in COLUMNS),
                         '' if found.is_whole or found.failed else '; cut short')


def _tell(found):
    violation, moves = found.failed
    moves = shrink(found.mix, moves, violation.rule)
    run, violation = replay(found.mix, moves)
    print('%s\n\n%s\n\nAgain: python3 -m tests.model --explore %s --moves %s' % (
        violation, run.describe(), found.mix, write_moves(moves)))


def shrink(mix, moves, rule, between=None):
    """Return the fewest of some moves without which the rule would not break any more."""
    for number in list(moves):
        fewer = {other: move for other, move in moves.items() if other != number}
        with contextlib.suppress(LookupError, StopIteration):
            _, violation = replay(mix, fewer, between)
            if violation is not None and violation.rule == rule:
                moves = fewer
    return moves


def write_moves(moves):
    return ','.join('%d=%s' % pair for pair in sorted(moves.items()))


def read_moves(text):
    return {int(number): Move.parse(move) for number, _, move in (part.partition('=') for part in text.split(','))
            if number}


def play(name, text):
    """Play one run of a mix along moves, and show it. Returns 1 if a rule broke, else 0."""
    run, violation = replay(Mix.parse(name), read_moves(text))
    print(run.describe())
    if violation is not None:
        print('\n%s' % violation)
    return int(violation is not None)


def _table(rows):
    lines = ['.. list-table::', '   :header-rows: 1', '', '   * - Operations']
    lines += ['     - ' + title for title, _ in COLUMNS]
    for labels, numbers in rows.items():
        lines.append('   * - ' + ', '.join(words(label) for label in labels.split('+')))
        lines += ['     - {:,}'.format(number) for number in numbers]
    return '\n'.join(lines) + '\n'


def words(label):
    if label.endswith(OLD):
        return words(label.removesuffix(OLD)) + ' through 0.1'
    return OPERATIONS.get(label) or OPERATIONS.get(label[:-1]) or OPERATIONS.get(label[:-1] + '1') or label
