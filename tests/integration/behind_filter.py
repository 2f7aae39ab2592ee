# SPDX-License-Identifier: Apache-2.0
"""s3multi in the proxies of the tests: it tells how much work is in flight behind answers, and when that begins."""

from __future__ import annotations

import fcntl
import functools
import tempfile

import eventlet

from s3multi.filters import s3multi
from s3multi.operations import bucket
from s3multi.storage.concurrency import Behind

from .behind import FIRST


class CountedBehind(Behind):
    """Keeps a file as long as the number of pieces of work in flight, and locks it while the process lives."""

    def __init__(self, *arguments, in_flight, begins):
        """in_flight: the directory of the file. begins: how many seconds late work begins, or FIRST."""
        super().__init__(*arguments)
        self._file = tempfile.NamedTemporaryFile(dir=in_flight, delete=False)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._count = 0
        self._first = begins == FIRST
        self._late = 0 if self._first else float(begins)

    def run(self, complaint, task):
        def late():
            eventlet.sleep(self._late)
            task()

        self._add(1)
        thread = super().run(complaint, late if self._late else task)
        thread.link(lambda _: self._add(-1))
        if self._first:
            thread.wait()
        return thread

    def _add(self, number):
        self._count += number
        self._file.truncate(self._count)


# The checks at the start tell filters by the module of their factory.
@functools.wraps(s3multi.filter_factory)
def filter_factory(global_conf, in_flight, begins, **local_conf):
    """Return the factory of s3multi's filter. Options: those of s3multi, and those of CountedBehind."""
    bucket.Behind = functools.partial(CountedBehind, in_flight=in_flight, begins=begins)
    return s3multi.filter_factory(global_conf, **local_conf)
