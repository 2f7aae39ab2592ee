# SPDX-License-Identifier: Apache-2.0
"""Tells whether anything empties the queue of Swift's object expirer, to which s3multi hands parts to be deleted.

The expirer works through the containers that the account of the queue lists, the oldest first. A container is listed
once a container-updater has reported it. So deletions pile up unseen when either of the two does not run.

Only deletions that somebody asked for, as s3multi does, show whether the expirer works: it does them at once, and drops
the task even when the object is gone (``ObjectExpirer.delete_object`` of Swift). Objects that have outlived their own
``X-Delete-At`` show little: where they were replaced meanwhile, or reaping is delayed, a working expirer keeps the task
for days.
"""
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swift.obj.expirer import ASYNC_DELETE_TYPE

# The tasks that are due in one period are spread over so many containers. The name of each is the time at which the
# period began, less a number below this one: ``ExpirerConfig.get_expirer_container`` of Swift.
_CONTAINERS_IN_A_PERIOD = 100
# An expirer that works is rarely that far behind.
OVERDUE_SECONDS = 86400.0
# An updater that works reports a container within minutes.
_UNREPORTED_SECONDS = 3600.0
# Each period costs a hundred requests.
_MOST_PERIODS = 10

ListContainers = Callable[[], Iterable[Mapping[str, Any]]]
FirstTasks = Callable[[str], 'Sequence[Mapping[str, Any]]']


@dataclass(frozen=True)
class QueueState:
    """The state of the queue.

    length: how many tasks it holds, by its account. overdue: how many seconds ago the oldest deletion that somebody
    asked for was due; 0 for none. unreported: how many containers have overdue tasks and are not listed by the account.
    """

    length: int
    overdue: float
    unreported: int

    @property
    def warnings(self) -> 'list[str]':
        """What an operator has to look at, a text for each finding."""
        found = []
        if self.overdue > OVERDUE_SECONDS:
            found.append('Nothing empties the queue of the object expirer: its oldest deletion is overdue by %.1f days,'
                         ' and it holds %d. Is swift-object-expirer running?' % (self.overdue / 86400, self.length))
        if self.unreported:
            found.append('The object expirer does not know of %d containers of its queue, since nothing reports them to'
                         ' their account. Is swift-container-updater running?' % self.unreported)
        return found


def look(list_containers: ListContainers, first_tasks: FirstTasks, divisor: int, now: float) -> QueueState:
    """Return the state of the queue. Raises what the two functions raise.

    list_containers: returns the rows of the queue's account, in order. first_tasks: returns the first rows of a
    container, in order; none when it is empty or does not exist. divisor: the length of a period, in seconds. now:
    seconds since the epoch.
    """
    length, overdue, names = 0, 0.0, set()
    for row in list_containers():
        names.add(row['name'])
        if not (row['name'].isascii() and row['name'].isdigit()):
            continue
        length += row['count']
        # Containers come in order of time, so the first one with such a deletion has the oldest.
        if not overdue and row['count'] and int(row['name']) < now:
            overdue = _overdue([task for task in first_tasks(row['name'])
                                if task['content_type'] == ASYNC_DELETE_TYPE], now)
    unreported = [name for name in _lately(now, divisor)
                  if name not in names and _overdue(first_tasks(name), now) > _UNREPORTED_SECONDS]
    return QueueState(length, overdue, len(unreported))


def _lately(now: float, divisor: int) -> 'list[str]':
    """Return the names of the containers for the present period, the one before, and all of the last two hours.

    No more than ``_MOST_PERIODS``, where periods are short.
    """
    periods = min(2 + int(2 * _UNREPORTED_SECONDS) // divisor, _MOST_PERIODS)
    return [str(int(now) // divisor * divisor - period * divisor - shard)
            for period in range(periods) for shard in range(_CONTAINERS_IN_A_PERIOD)]


def _overdue(tasks: 'Sequence[Mapping[str, Any]]', now: float) -> float:
    """Return how many seconds ago the first of ``tasks`` was due; 0 when it is not due yet, or there is none.

    Tasks are named ``<time>-<account>/<container>/<object>``.
    """
    try:
        return max(0.0, now - float(tasks[0]['name'].partition('-')[0]))
    except (IndexError, ValueError):
        return 0.0
