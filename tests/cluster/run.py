# SPDX-License-Identifier: Apache-2.0
"""A run: clients work while servers fail, and a little longer; then everything is checked.

A long run consists of legs, each with a cluster of its own. Rows of ended uploads stay for hours, until a sweep may
take them, and Swift's daemons look at every shard in each round: in one cluster a round took 20 seconds at first and
seven minutes after an hour, and since damage has to be mended before the next, nodes hardly failed any more.
"""

from __future__ import annotations

import math
import operator
import shutil
import time
from collections import Counter
from pathlib import Path

from swiftclient.exceptions import ClientException

from tests import forking
from tests.integration import users

from . import LEG_SECONDS, clocks, rsync
from .checks import Judge
from .clients import Client, History
from .databases import places
from .logs import swift_did
from .machines import REST_SECONDS, Machines
from .trouble import CORRUPTED, PROXY_CLOCK, Trouble

CLIENTS = 4
# How long clients work after the last fault. What they do then must leave nothing behind.
CALM_SECONDS = 5
ENDING_SECONDS = 240
# The group of what does not add up: of all legs, the table has the most.
AT_MOST = 'At most in a leg'


class Broken(AssertionError):
    """Something was lost, left behind or answered wrongly. The text says what, and how to repeat the run."""


def run(directory, seed, seconds, leg_seconds, rest, keep=False):
    """Have servers fail for so many seconds, in legs of equal length; return in words what was tried. Raises Broken.

    directory: for the data and logs of each leg, until the next begins, or for good. Each leg has the seed after that
    of the one before, with which it can be repeated by itself. rest: as for try_out; the
    daemons rest for as long between their rounds, or for REST_SECONDS.
    """
    seconds_of_legs = legs(seconds, leg_seconds)
    total = {}
    for number, leg in enumerate(seconds_of_legs):
        own = Path(directory)
        if len(seconds_of_legs) > 1:
            own = own / f'seed-{seed + number}'
            own.mkdir()
        with forking.forking(), Machines(
                own, sharding=bool(rsync.PROGRAM), rest=max(REST_SECONDS, rest)) as machines:
            tried = try_out(machines, seed + number, leg, rest)
        total = add(total, tried)
        if len(seconds_of_legs) > 1:
            print(f'leg {number + 1} of {len(seconds_of_legs)}, seed {seed + number}:',
                  ', '.join([f'{count} s {what}' for what, count in tried['Seconds'].items()]
                            + [f'{count} {what}' for what, count in tried[AT_MOST].items()]), flush=True)
            if not keep:
                shutil.rmtree(own)
    return table(total)


def legs(seconds, longest):
    """Return the lengths of the legs: equal ones, as few as can be."""
    count = max(1, math.ceil(seconds / longest))
    return [seconds / count] * count


def add(total, tried):
    """Return what was tried in all legs. total: the same for the earlier ones. tried: what try_out returned."""
    return {group: {what: (max if group == AT_MOST else operator.add)(total.get(group, {}).get(what, 0),
                                                                      tried.get(group, {}).get(what, 0))
                    for what in {**total.get(group, {}), **tried.get(group, {})}}
            for group in {**total, **tried}}


def try_out(machines, seed, seconds, rest):
    """Do a leg of run() on machines that run already. rest: for how many seconds each client rests between its uploads,
    on average.

    Returns what was tried: how often, by group and in words.
    """
    history, trouble = History(), Trouble(machines, seed)
    clients = [Client(machines.proxies, history, seed, number, rest) for number in range(1, CLIENTS + 1)]
    started, before = time.monotonic(), machines.rounds()
    for client in clients:
        client.start()
    judge = None
    try:
        trouble.go_on(seconds)
        time.sleep(CALM_SECONDS)
        for client in clients:
            client.stopping.set()
        deadline = time.monotonic() + ENDING_SECONDS
        for client in clients:
            client.join(max(0.0, deadline - time.monotonic()))
            assert not client.is_alive(), f'{client.name} did not end'
        slack = clocks.PROXY_SECONDS if trouble.counts[PROXY_CLOCK] else 0
        judge = Judge(machines, history, trouble.calm_from, slack)
        ended = time.monotonic()
        at_most = size(machines, ended - started, before)
        judge.judge()
        problems = judge.problems
        if history.corrupt_reads and not trouble.counts[CORRUPTED]:
            problems.append(f'{history.corrupt_reads} objects were read with wrong bytes')
    except (AssertionError, ClientException) as error:
        problems = [*(judge.problems if judge else history.problems), str(error)]
    finally:
        for client in clients:
            client.stopping.set()
    log_path = machines.cluster.log_dir / 'trouble.log'
    log_path.write_text(''.join(
        line + '\n' for line in [*trouble.log, *history.internal_errors]), encoding='utf-8')
    if problems:
        raise Broken('\n'.join([
            f'with seed {seed}, {seconds} seconds:', *problems, '', 'What happened:', *trouble.log, '',
            f'All logs are in {machines.cluster.log_dir}',
            f'Again: python3 -m tests.cluster --seconds {seconds:g} --seed {seed} --auth {users.auth.name}'
            + f' --rest {rest:g}' * (rest > 0) + f' --leg {seconds:g}' * (seconds > LEG_SECONDS)]))
    return {**describe(machines, history, trouble, judge, ended - started, time.monotonic() - ended), AT_MOST: at_most}


def describe(machines, history, trouble, judge, worked, checked):
    """Return what a leg has tried: how often, by group and in words. worked, checked: seconds."""
    answers = Counter((call.kind, call.outcome) for call in history.calls)
    return {
        'Clients': {
            'uploads': len(history.uploads), 'parts': answers['part', 200],
            'acknowledged Completes': answers['complete', 200], 'acknowledged Aborts': answers['abort', 204],
            'other writes': answers['put', 200] + answers['delete', 204],
            'requests that had to be repeated': sum(call.lost for call in history.calls),
            'answers with 500': len(history.internal_errors),
            'reads of corrupted bytes': history.corrupt_reads},
        'Faults': dict(sorted(trouble.counts.items())),
        'Swift': swift_did(machines.cluster.log_dir),
        'Afterwards': {
            'uploads that were still open': judge.ended_afterwards,
            'parts that an Abort did not see and its repeat freed': judge.late_rows,
            'uploads with a part that was sent again by a clock behind': judge.stale_parts,
            **{f'left to a sweep: {kind}': count for kind, count in sorted(judge.leftovers.items())}},
        'Seconds': {'of work': round(worked), 'of checks': round(checked)}}


def size(machines, seconds, before):
    """Return how much Swift's daemons have to look at. seconds: since machines.rounds() returned `before`."""
    rounds = min(now - then for now, then in zip(machines.rounds(), before))
    return {'container databases': len(list(places(machines.cluster, 'containers/*/*/*/*.db'))),
            'files of objects': len(list(places(machines.cluster, 'objects*/*/*/*/*.data'))),
            'seconds that a round of the daemons took on average': round(seconds / max(1, rounds))}


def table(groups):
    """Return a table of what was tried, after what was not."""
    rows = [('', 'How often')]
    for name, counts in groups.items():
        rows += [(f'**{name}**', '..'), *((what, str(count)) for what, count in (
            sorted(counts.items()) if name == 'Faults' else counts.items()))]
    return '\n'.join([*missing(), *_table(rows)])


def missing():
    """Return which programs are not installed, and what was not tried for want of them."""
    return [module.MISSING for module, program in ((rsync, rsync.PROGRAM), (clocks, clocks.LIBRARY)) if not program]


def _table(rows):
    """Return the lines of a table in reStructuredText. The first row is the head."""
    width = max(len(what) for what, _count in rows)
    rule = '=' * width + '  ' + '=' * len(rows[0][1])
    lines = [f'{what or chr(92):{width}}  {count}' for what, count in rows]
    return [rule, lines[0], rule, *lines[1:], rule]
