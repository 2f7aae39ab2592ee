# SPDX-License-Identifier: Apache-2.0
"""Whether anything empties the queue of Swift's object expirer, to which Aborts and replaced objects hand their parts.

The expirer works through the containers that the account of the queue lists, the oldest first. A container is listed
once a container-updater has reported it. So deletions pile up unseen where either of the two does not run.

That an object has outlived its own ``X-Delete-At`` says less: where it was replaced meanwhile, or reaping is delayed, a
working expirer keeps the task, for days. Deletions that somebody asked for, as s3multi does, it does at once, and drops
them even when the object is gone (``ObjectExpirer.delete_object`` of Swift).
"""
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swift.obj.expirer import ASYNC_DELETE_TYPE

# A container of the queue holds what is due in a period and is named by the time at which that began, less a number
# below this: ``ExpirerConfig.get_expirer_container`` of Swift.
_CONTAINERS_IN_A_PERIOD = 100
# An expirer is rarely that far behind. Tasks of users may wait longer, where ``delay_reaping`` says so.
OVERDUE_SECONDS = 86400.0
# An updater reports a container within minutes.
_UNREPORTED_SECONDS = 3600.0
# Each costs a hundred requests.
_MOST_PERIODS = 10

ListContainers = Callable[[], Iterable[Mapping[str, Any]]]
FirstTasks = Callable[[str], 'Sequence[Mapping[str, Any]]']


@dataclass(frozen=True)
class QueueState:
    """The queue. length: how many tasks it holds, as its account says. overdue: by how many seconds the oldest deletion
    that was asked for is, 0 for none. unreported: containers with overdue tasks that the account does not list."""

    length: int
    overdue: float
    unreported: int

    @property
    def warnings(self) -> 'list[str]':
        """What an operator has to look at."""
        found = []
        if self.overdue > OVERDUE_SECONDS:
            found.append('Nothing empties the queue of the object expirer: its oldest deletion is overdue by %.1f days,'
                         ' and it holds %d. Is swift-object-expirer running?' % (self.overdue / 86400, self.length))
        if self.unreported:
            found.append('The object expirer does not know of %d containers of its queue, since nothing reports them to'
                         ' their account. Is swift-container-updater running?' % self.unreported)
        return found


def look(list_containers: ListContainers, first_tasks: FirstTasks, divisor: int, now: float) -> QueueState:
    """Look at the queue.

    list_containers: returns the rows of its account. first_tasks: returns the first rows of a container, in order; none
    for an empty one, or where there is no such container. divisor: the length of a period, in seconds.
    """
    length, overdue, names = 0, 0.0, set()
    for row in list_containers():
        names.add(row['name'])
        if not row['name'].isdigit():
            continue
        length += row['count']
        # The first that holds one has the oldest.
        if not overdue and row['count'] and int(row['name']) < now:
            overdue = _overdue([task for task in first_tasks(row['name'])
                                if task['content_type'] == ASYNC_DELETE_TYPE], now)
    unreported = [name for name in _lately(now, divisor)
                  if name not in names and _overdue(first_tasks(name), now) > _UNREPORTED_SECONDS]
    return QueueState(length, overdue, len(unreported))


def _lately(now: float, divisor: int) -> 'list[str]':
    """Return the names of the containers for what is due in this period, and in the last or in the last two hours."""
    periods = min(2 + int(2 * _UNREPORTED_SECONDS) // divisor, _MOST_PERIODS)
    return [str(int(now) // divisor * divisor - period * divisor - shard)
            for period in range(periods) for shard in range(_CONTAINERS_IN_A_PERIOD)]


def _overdue(tasks: 'Sequence[Mapping[str, Any]]', now: float) -> float:
    """Return by how many seconds the first of ``tasks`` is, named ``<time>-<account>/<container>/<object>``."""
    try:
        return max(0.0, now - float(tasks[0]['name'].partition('-')[0]))
    except (IndexError, ValueError):
        return 0.0
