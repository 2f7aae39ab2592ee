# SPDX-License-Identifier: Apache-2.0
"""`python3 -m tests.model --seconds 600 --seed 1`: try races and faults by chance, and say what was tried.

`--replay SEED` plays one run again, and shows all of its requests. `--explore pairs` leaves nothing to chance.
"""
import argparse
import logging
import sys
import time
import warnings

from s3multi.demo import bootstrap


def main(arguments):
    parser = argparse.ArgumentParser(prog='python3 -m tests.model', description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=float, default=60, help='how long to go on (60)')
    parser.add_argument('--seed', type=int, default=0, help='another number tries other runs (0)')
    parser.add_argument('--replay', type=int, metavar='SEED', help='play this run alone, and show its requests')
    parser.add_argument('--sweeps', action='store_true', help='let sweeps take part')
    parser.add_argument('--histories', action='store_true', help='try histories of a key instead')
    parser.add_argument('--explore', nargs='+', metavar='MIX',
                        help='explore every order, crash and fault within bounds instead: quick, pairs, triples, '
                        'apart, late, torn, upgrade, or mixes such as C1+A, C1+C2/versions/first-ahead')
    parser.add_argument('--moves', help='play the run of the one mix along these moves, and show its requests')
    parser.add_argument('--bounds', help='how often somebody else may go on, how many accidents there may be, and how '
                        'often somebody else may go on beside those: 2,1,1')
    parser.add_argument('--processes', type=int, default=2, help='how many processes explore (2)')
    parser.add_argument('--table', help='write what was explored to this file, as a table for the docs')
    options = parser.parse_args(arguments)
    bootstrap.ensure(bootstrap.TEST_MODULES, 'test', ['-m', 'tests.model', *arguments])
    warnings.simplefilter('ignore')
    logging.disable()
    from .many_histories import try_histories
    from .mixes import explore_all, play
    from .rules import Violation
    from .search import Run, Tally
    from .sweeping import SweptRun

    if options.explore:
        return (explore_all(options.explore, options.processes, options.bounds, options.table) if options.moves is None
                else play(options.explore[0], options.moves))
    if options.histories:
        return try_histories(options.seed * 10 ** 9, options.seconds, options.replay)
    make = SweptRun if options.sweeps else Run
    if options.replay is not None:
        run = make(options.replay)
        try:
            run.go()
        finally:
            print(run.describe())
        return 0
    tally = Tally(make)
    begin = shown = time.monotonic()
    seed = options.seed * 10 ** 9
    while time.monotonic() - begin < options.seconds:
        try:
            tally.run(seed)
        except Violation as violation:
            print(violation)
            print('\nAgain: python3 -m tests.model --replay %d%s' % (seed, ' --sweeps' * options.sweeps))
            return 1
        seed += 1
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print('%4.0f s: %s' % (shown - begin, tally), file=sys.stderr)
    print('%.0f s: %s' % (time.monotonic() - begin, tally))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
