# SPDX-License-Identifier: Apache-2.0
"""Whether anything empties the queue of Swift's object expirer, to which Aborts and replaced objects hand their parts.

The expirer works through the containers that the account of the queue lists, the oldest first. A container is listed
once a container-updater has reported it. So deletions pile up unseen where either of the two does not run.
"""
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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
FirstTask = Callable[[str], 'str | None']


@dataclass(frozen=True)
class QueueState:
    """The queue. length: how many deletions it holds, as its account says. overdue: how many seconds the oldest of
    them is, 0 for none. unreported: containers with overdue deletions that the account does not list."""

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


def look(list_containers: ListContainers, first_task: FirstTask, divisor: int, now: float) -> QueueState:
    """Look at the queue.

    list_containers: returns the rows of its account. first_task: returns the name of the first task in a container,
    None for an empty one or none. divisor: the length of a period, in seconds.
    """
    length, overdue, names = 0, 0.0, set()
    for row in list_containers():
        names.add(row['name'])
        if not row['name'].isdigit():
            continue
        length += row['count']
        # The first that holds something has the oldest.
        if not overdue and row['count'] and int(row['name']) < now:
            overdue = max(0.0, now - _due(first_task(row['name']), now))
    unreported = [name for name in _lately(now, divisor)
                  if name not in names and now - _due(first_task(name), now) > _UNREPORTED_SECONDS]
    return QueueState(length, overdue, len(unreported))


def _lately(now: float, divisor: int) -> 'list[str]':
    """Return the names of the containers for what is due in this period, and in the last or in the last two hours."""
    periods = min(2 + int(2 * _UNREPORTED_SECONDS) // divisor, _MOST_PERIODS)
    return [str(int(now) // divisor * divisor - period * divisor - shard)
            for period in range(periods) for shard in range(_CONTAINERS_IN_A_PERIOD)]


def _due(task: 'str | None', now: float) -> float:
    """Return when a task is due, ``<time>-<account>/<container>/<object>``; now when there is none."""
    try:
        return float((task or '').partition('-')[0])
    except ValueError:
        return now
