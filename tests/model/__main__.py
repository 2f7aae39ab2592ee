# SPDX-License-Identifier: Apache-2.0
"""`python3 -m tests.model --seconds 600 --seed 1`: try races and faults by chance, and say what was tried.

`--replay SEED` plays one run again, and shows all of its requests. `--explore pairs` leaves nothing to chance.
`--minutes 10` explores as many pairs as fit, goes on by chance, and shows a table.
"""
import argparse
import logging
import sys
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
    parser.add_argument('--minutes', type=float, help='explore the pairs of quick for two thirds of these minutes at '
                        'most, then go on by chance, and show what was tried as a table')
    parser.add_argument('--processes', type=int, default=2, help='how many processes take part (2)')
    parser.add_argument('--table', help='write what was explored to this file, as a table for the docs')
    options = parser.parse_args(arguments)
    bootstrap.ensure(bootstrap.TEST_MODULES, 'test', ['-m', 'tests.model', *arguments])
    warnings.simplefilter('ignore')
    logging.disable()
    from . import many_histories
    from .many_runs import try_many
    from .minutes import try_for
    from .mixes import explore_all, play
    from .search import Run, Tally
    from .sweeping import SweptRun

    first = options.seed * 10 ** 9
    if options.minutes is not None:
        return try_for(options.minutes, options.processes, first)
    if options.explore:
        return (explore_all(options.explore, options.processes, options.bounds, options.table) if options.moves is None
                else play(options.explore[0], options.moves))
    make = SweptRun if options.sweeps else Run
    if options.replay is None:
        tally, again = (many_histories.Histories(), ' --histories') if options.histories else (
            Tally(make), ' --sweeps' * options.sweeps)
        return try_many(tally, first, options.seconds, options.processes, again)
    if options.histories:
        return many_histories.replay(options.replay)
    run = make(options.replay)
    try:
        run.go()
    finally:
        print(run.describe())
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
