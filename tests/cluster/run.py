# SPDX-License-Identifier: Apache-2.0
"""One run: clients work while servers fail, and a little longer; then everything is checked."""

from __future__ import annotations

import time
from collections import Counter

from .checks import Judge
from .clients import Client, History
from .machines import Machines
from .trouble import Trouble

CLIENTS = 4
# How long clients work after the last fault. What they do then must leave nothing behind.
CALM_SECONDS = 5
ENDING_SECONDS = 120


class Broken(AssertionError):
    """Something was lost, left behind or answered wrongly. The text says what, and how to repeat the run."""


def run(directory, seed, seconds):
    """Have servers fail for so many seconds; return in words what was tried. Raises Broken.

    directory: for all data and logs.
    """
    with Machines(directory) as machines:
        return try_out(machines, seed, seconds)


def try_out(machines, seed, seconds):
    """Do what run() does, on machines that run already."""
    history, trouble = History(), Trouble(machines, seed)
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
        judge = Judge(machines, history, trouble.calm_from)
        ended = time.monotonic()
        judge.judge()
        problems = judge.problems
    except AssertionError as error:
        problems = [*(judge.problems if judge else history.problems), str(error)]
    finally:
        for client in clients:
            client.stopping = True
    log_path = machines.cluster.log_dir / 'trouble.log'
    log_path.write_text(''.join(line + '\n' for line in trouble.log), encoding='utf-8')
    if problems:
        raise Broken('\n'.join([
            f'with seed {seed}, {seconds} seconds:', *problems, '', 'What happened:', *trouble.log, '',
            f'All logs are in {machines.cluster.log_dir}',
            f'Again: python3 -m tests.cluster --seconds {seconds:g} --seed {seed}']))
    return describe(history, trouble, judge, ended - started, time.monotonic() - ended)


def describe(history, trouble, judge, *seconds):
    """Return in words what a run has tried. seconds: how long it worked, and how long it checked."""
    answers = Counter((call.kind, call.outcome) for call in history.calls)
    told = {'acknowledged Completes': answers['complete', 200], 'acknowledged Aborts': answers['abort', 204],
            'parts': answers['part', 200], 'other writes': answers['put', 200] + answers['delete', 204],
            'requests that had to be repeated': sum(call.lost for call in history.calls),
            'uploads that were ended afterwards': judge.ended_afterwards}
    lines = [f'{len(history.uploads)} uploads in {history.rounds} rounds: ' + _list(told),
             'faults: ' + _list(dict(sorted(trouble.counts.items()))),
             f'parts that an Abort did not see and its repeat freed: {judge.late_rows}',
             'explained, and left to a clean-up: ' + (_list(dict(sorted(judge.leftovers.items()))) or 'nothing'),
             'seconds to work and to check: ' + ', '.join(f'{each:.0f}' for each in seconds)]
    return '\n'.join(lines)


def _list(counts):
    return ', '.join(f'{name} {count}' for name, count in counts.items())
