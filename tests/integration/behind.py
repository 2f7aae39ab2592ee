# SPDX-License-Identifier: Apache-2.0
"""The work that goes on behind the answers of the tests' proxies: tests wait for its end, however long it takes.

Whoever looks at what such work changes calls `settle` first, as the helpers of the tests do. With `pytest --behind 1`
each piece of work begins a second late, and with `--behind first` it is over before the answer: a test that fails only
then relies on the speed of such work. `behind_filter.py` is what does this in the proxies.
"""

from __future__ import annotations

import fcntl
import os
import time

FACTORY = f'{__package__}.behind_filter:filter_factory'
FIRST = 'first'
SETTLE_SECONDS = 60

# What `--behind` says, and the directories of the clusters.
begins = '0'
_directories = []


def filters(directory):
    """Return the options of the filter s3multi in the proxies of a cluster whose work `settle` shall wait for.

    directory: a new one, which is made.
    """
    directory.mkdir(parents=True)
    _directories.append(directory)
    return {'s3multi': {'paste.filter_factory': FACTORY, 'in_flight': directory, 'begins': begins}}


def settle():
    """Return when no work is in flight behind any answer that has come. What a dead proxy has left undone is over."""
    deadline = time.monotonic() + SETTLE_SECONDS
    for directory in _directories:
        # Of a cluster that is gone with its directory there is none.
        if not directory.exists():
            continue
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            # Its length is the number of pieces of work in flight.
            while os.stat(path).st_size and _is_locked(path):
                assert time.monotonic() < deadline, 'work behind an answer does not end'
                time.sleep(0.01)


def _is_locked(path):
    """Return whether the proxy lives whose file this is."""
    with open(path, 'rb') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
