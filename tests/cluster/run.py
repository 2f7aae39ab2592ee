# SPDX-License-Identifier: Apache-2.0
"""One run: clients work while servers fail, and a little longer; then everything is checked."""

from __future__ import annotations

import time
from collections import Counter

from swiftclient.exceptions import ClientException

from tests.integration import users

from . import clocks, rsync
from .checks import Judge
from .clients import Client, History
from .logs import swift_did
from .machines import Machines
from .trouble import CORRUPTED, PROXY_CLOCK, Trouble

CLIENTS = 4
# How long clients work after the last fault. What they do then must leave nothing behind.
CALM_SECONDS = 5
ENDING_SECONDS = 240


class Broken(AssertionError):
    """Something was lost, left behind or answered wrongly. The text says what, and how to repeat the run."""


def run(directory, seed, seconds):
    """Have servers fail for so many seconds; return in words what was tried. Raises Broken.

    directory: for all data and logs.
    """
    with Machines(directory) as machines:
        return try_out(machines, seed, seconds)


def try_out(machines, seed, seconds, kinds=None):
    """Do what run() does, on machines that run already. kinds: the faults of nodes; None for all of them."""
    history, trouble = History(), Trouble(machines, seed, kinds)
    clients = [Client(machines.proxies, history, seed, number) for number in range(1, CLIENTS + 1)]
    started = time.monotonic()
    for client in clients:
        client.start()
    judge = None
    try:
        trouble.go_on(seconds)
        time.sleep(CALM_SECONDS)
        for client in clients:
            client.stopping = True
        deadline = time.monotonic() + ENDING_SECONDS
        for client in clients:
            client.join(max(0.0, deadline - time.monotonic()))
            assert not client.is_alive(), f'{client.name} did not end'
        slack = clocks.PROXY_SECONDS if trouble.counts[PROXY_CLOCK] else 0
        judge = Judge(machines, history, trouble.calm_from, slack)
        ended = time.monotonic()
        judge.judge()
        problems = judge.problems
        if history.corrupt_reads and not trouble.counts[CORRUPTED]:
            problems.append(f'{history.corrupt_reads} objects were read with wrong bytes')
    except (AssertionError, ClientException) as error:
        problems = [*(judge.problems if judge else history.problems), str(error)]
    finally:
        for client in clients:
            client.stopping = True
    log_path = machines.cluster.log_dir / 'trouble.log'
    log_path.write_text(''.join(
        line + '\n' for line in [*trouble.log, *history.internal_errors]), encoding='utf-8')
    if problems:
        raise Broken('\n'.join([
            f'with seed {seed}, {seconds} seconds:', *problems, '', 'What happened:', *trouble.log, '',
            f'All logs are in {machines.cluster.log_dir}',
            f'Again: python3 -m tests.cluster --seconds {seconds:g} --seed {seed} --auth {users.auth.name}']))
    return describe(machines, history, trouble, judge, ended - started, time.monotonic() - ended)


def describe(machines, history, trouble, judge, worked, checked):
    """Return a table of what a run has tried: in words, and how often. worked, checked: seconds."""
    answers = Counter((call.kind, call.outcome) for call in history.calls)
    groups = {
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
    rows = [('', 'How often')]
    for name, counts in groups.items():
        rows += [(f'**{name}**', '..'), *((what, str(count)) for what, count in counts.items())]
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
