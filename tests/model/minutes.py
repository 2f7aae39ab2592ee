# SPDX-License-Identifier: Apache-2.0
"""``python3 -m tests.model --minutes 10``: explores as many pairs as fit, goes on by chance, and shows a table."""
import time

from .many_runs import try_many
from .mixes import COLUMNS, explore_all, words
from .search import Tally

# So much of the time is for what leaves nothing to chance; what that does not need is for runs by chance.
_EXPLORING = 2 / 3


def try_for(minutes, processes, first):
    """Try for so many minutes. Returns 1 if a rule broke, else 0. first: the seed of the first run by chance."""
    begin, seconds, rows = time.monotonic(), 60 * minutes, {}
    if explore_all(['quick'], processes, until=begin + _EXPLORING * seconds, rows=rows):
        return 1
    tally = Tally()
    if try_many(tally, first, begin + seconds - time.monotonic(), processes, ''):
        return 1
    print('\n'.join(['', *_table(rows), '', 'Beyond these bounds, by chance: %s' % tally]))
    return 0


def _table(rows):
    """Return lines with aligned columns."""
    table = [['Operations', *(title for title, _ in COLUMNS)]]
    for labels, numbers in rows.items():
        if any(numbers):
            table.append([', '.join(words(label) for label in labels.split('+')),
                          *('{:,}'.format(number) for number in numbers)])
    widths = [max(map(len, column)) for column in zip(*table)]
    return ['  '.join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
            for row in table]
