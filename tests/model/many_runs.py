# SPDX-License-Identifier: Apache-2.0
"""``python3 -m tests.model``: tries one seed after the other, in several processes, and adds up what they tried."""
import multiprocessing
import sys
import time

from .remembered import seldom_look_for_garbage

# So often the processes tell what they have tried.
_ROUND_SECONDS = 10.0


def try_many(tally, first, seconds, processes, again):
    """Try seeds from ``first`` on for so many seconds; print what was tried, or what broke. Returns 1 then, else 0.

    tally: has ``run(seed)``, which raises an AssertionError if something broke, and ``add(another tally)``. again: the
    options beside ``--replay SEED`` with which one seed is tried.
    """
    begin = time.monotonic()
    # The seeds of a process are as far from each other as there are processes.
    seeds = range(first, first + processes)
    with multiprocessing.Pool(processes, seldom_look_for_garbage) as pool:
        while time.monotonic() - begin < seconds:
            length = min(_ROUND_SECONDS, begin + seconds - time.monotonic())
            done = pool.map(_try, [(type(tally), tally.arguments, seed, processes, length) for seed in seeds], 1)
            seeds = [seed for _, seed, _ in done]
            broken = [(seed, error) for _, seed, error in done if error is not None]
            for each, _, _ in done:
                tally.add(each)
            if broken:
                seed, error = min(broken)
                print('%s\n\nAgain: python3 -m tests.model --replay %d%s' % (error, seed, again))
                return 1
            print('%4.0f s: %s' % (time.monotonic() - begin, tally), file=sys.stderr, flush=True)
    print('%.0f s: %s' % (time.monotonic() - begin, tally))
    return 0


def _try(task):
    """Return the tally of some seeds, the seed after them, and what broke there; None if that was not tried yet."""
    make, arguments, seed, step, seconds = task
    tally, begin = make(*arguments), time.monotonic()
    while time.monotonic() - begin < seconds:
        try:
            tally.run(seed)
        except AssertionError as error:
            return tally, seed, str(error)
        seed += step
    return tally, seed, None
