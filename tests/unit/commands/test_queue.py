# SPDX-License-Identifier: Apache-2.0
"""Whether the object expirer empties its queue, by what the containers of the queue hold."""
import logging

import pytest

from s3multi.storage.deletion import ExpiryQueue
from s3multi.commands.queue import look
from s3multi.upload.timestamps import swift_time

DAY = 86400
NOW = 20000 * DAY + 7200.0


def queue(containers, listed=None, now=NOW, divisor=DAY):
    """Return the state of a queue.

    containers: by name, the times at which their deletions are due; negative for objects with an X-Delete-At. listed:
    the containers that the account lists, all by default.
    """
    rows = [{'name': name, 'count': len(containers[name])} for name in (containers if listed is None else listed)]

    def first_tasks(name):
        return [{'name': '%010d-AUTH_a/c/o' % abs(due),
                 'content_type': 'text/plain' if due < 0 else 'application/async-deleted'}
                for due in sorted(containers.get(name, ()), key=abs)]

    return look(lambda: rows, first_tasks, divisor, now)


@pytest.mark.parametrize('containers, length, overdue', [
    ({}, 0, 0),
    ({str(20000 * DAY): [NOW - 60]}, 1, 60),
    ({str(19990 * DAY): [], str(19998 * DAY): [NOW - 2 * DAY, NOW], str(20000 * DAY): [NOW - 5]}, 3, 2 * DAY),
    ({str(20001 * DAY): [NOW + DAY] * 5}, 5, 0),
    ({'someone': [0]}, 0, 0),
], ids=['empty', 'a minute', 'two days', 'later', 'no time'])
def test_length_and_age(containers, length, overdue):
    """Deletions that are due later count, but are not overdue. Empty containers do not matter."""
    state = queue(containers)

    assert (length, overdue) == (state.length, state.overdue)
    assert (overdue > DAY) == bool(state.warnings)


def test_objects_that_outlived_their_time_do_not_alarm():
    """A working expirer keeps the task of an X-Delete-At for days if the object was replaced, but no deletion of parts.
    """
    kept = [-(NOW - 5 * DAY), -(NOW - 4 * DAY)]

    alone = queue({str(19995 * DAY): kept})

    assert (2, 0, []) == (alone.length, alone.overdue, alone.warnings)
    assert 3 * DAY == queue({str(19995 * DAY): [*kept, NOW - 3 * DAY]}).overdue
    assert 2 * DAY == queue({str(19995 * DAY): kept, str(19998 * DAY): [NOW - 2 * DAY]}).overdue


@pytest.mark.parametrize('due, unreported', [(NOW - 7200, 1), (NOW - 60, 0), (NOW + 60, 0), (NOW - DAY, 1)])
def test_containers_that_the_account_does_not_list(due, unreported):
    """If their deletions are overdue by an hour, the container-updater has not reported them."""
    name = str(int(due) // DAY * DAY - 42)

    state = queue({name: [int(due)]}, listed=[])

    assert unreported == state.unreported
    assert bool(unreported) == any('container-updater' in warning for warning in state.warnings)
    assert 0 == queue({name: [int(due)]}).unreported


@pytest.mark.parametrize('divisor', [DAY, 3600])
def test_names_are_those_that_parts_are_queued_under(divisor):
    """That holds whichever part comes first in a batch, and however long a period is."""
    expirer = ExpiryQueue({'expiring_objects_container_divisor': str(divisor)}, logging.getLogger('s3multi.test'))
    for number in range(20):
        due = int(NOW) - 3700
        job = expirer.job('AUTH_a', 'bucket_segments', ['name%d' % number], swift_time(due * 100000))

        assert 1 == queue({job.container: [due]}, [], divisor=divisor).unreported
