# SPDX-License-Identifier: Apache-2.0
"""Counts how many round trips to storage servers, one after another, an operation makes before it is answered.

No time is measured. All requests to storage servers are held until nothing moves: every process and the client wait.
Then all that are held go on: that is one step. What can be asked side by side is asked in one step, and what has to
wait for an answer is asked in a later one, on a busy machine too. The reads of a step end before its writes begin, so
that none of them sees what is written beside it. A request that a storage server makes while it serves another, as an
object server does for the row in the container, is held as well: so a write takes two steps.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from .errors import BenchmarkError
from .hold import Hold

POLL_SECONDS = 0.002
CALM_POLLS = 2                # in a row, so that what the kernel has not delivered yet is seen
ALLOWED_SECONDS = 60.0

_STATE = re.compile(rb'^State:\t(\w)', re.MULTILINE)
_SWITCHES = re.compile(rb'ctxt_switches:\t(\d+)$', re.MULTILINE)
_STATUS_BYTES = 8192          # more than the kernel tells of a thread


@dataclass(frozen=True)
class Request:
    """A request to a storage server. step: from 1 on. server: its kind. path: without device and partition."""

    step: int
    server: str
    method: str
    path: str

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method in ('GET', 'HEAD')


@dataclass
class Trips:
    """What an operation asked of the storage servers.

    answered: the number of steps before the answer, which is that of the round trips one after another. steps: all,
    with those of the work behind the answer. requests: all, in order of the steps.
    """

    answered: int = 0
    steps: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def behind(self) -> int:
        """The number of steps behind the answer."""
        return self.steps - self.answered

    @property
    def asked(self) -> list[Request]:
        """The requests before the answer."""
        return [each for each in self.requests if each.step <= self.answered]

    @property
    def cold(self) -> bool:
        """Whether an account or a container was looked up, which happens only where a cache does not know it."""
        return any(each.server == 'account' and each.method == 'GET' or each.server != 'object' and
                   each.method == 'HEAD' for each in self.requests)


class Counter:
    """Counts the round trips of operations; a context manager. hold: of the cluster. pids: of its processes."""

    def __init__(self, hold: Hold, pids: Sequence[int]) -> None:
        self._hold = hold
        self._client = ThreadPoolExecutor(1)
        client = self._client.submit(threading.get_native_id).result()
        self._first = [*(f'/proc/{pid}/task/{pid}' for pid in pids), f'/proc/self/task/{client}']
        self._processes = [f'/proc/{pid}/task' for pid in pids]

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.shutdown()

    def count(self, operation: Callable[[], Any]) -> Trips:
        """Run an operation in the thread of the client; return its Trips once all that it began is over.

        Raises what the operation raises, and BenchmarkError if it does not end.
        """
        self.settle()
        trips = Trips()
        with self._hold.gate() as gate, contextlib.ExitStack() as opened:
            answer = self._client.submit(operation)
            self._walk(gate, trips, answer, opened)
        answer.result()
        return trips

    def settle(self) -> None:
        """Return once the work that went on behind earlier answers is over."""
        with self._hold.gate() as gate, contextlib.ExitStack() as opened:
            self._walk(gate, Trips(), None, opened)

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a function in the thread of the client; return what it returns."""
        return self._client.submit(function).result()

    def _walk(self, gate: socket.socket, trips: Trips, answer: Future[Any] | None,
              opened: contextlib.ExitStack) -> None:
        """Take one step after another until the answer is there, if one is expected, and nothing more is held."""
        deadline = time.monotonic() + ALLOWED_SECONDS
        while True:
            self._wait_calm(deadline)
            held = [opened.enter_context(each) for each in _arrived(gate)]
            answered = answer is None or answer.done()
            if not held:
                if answered:
                    return
                # It waits for a time to pass.
                continue
            trips.steps += 1
            trips.answered += not answered
            asked = [(Request(trips.steps, *_read(each)), each) for each in held]
            trips.requests += [request for request, _ in asked]
            _let_go(each for request, each in asked if request.reads)
            self._wait_calm(deadline)
            _let_go(each for request, each in asked if not request.reads)

    def _wait_calm(self, deadline: float) -> None:
        """Wait until no process moves."""
        calm, last = 0, None
        while calm < CALM_POLLS:
            if time.monotonic() > deadline:
                raise BenchmarkError('the storage servers did not come to rest')
            time.sleep(POLL_SECONDS)
            now = self._asleep()
            calm = calm + 1 if now is not None and now == last else 0
            last = now

    def _asleep(self) -> list[bytes] | None:
        """Return how often each thread has been switched to and from; None if one of them does not sleep.

        Who sleeps twice with the same numbers has slept in between.
        """
        found = []
        # Who moves is mostly the first thread of a process, and each process has dozens.
        for task in itertools.chain(self._first, (f'{process}/{number}' for process in self._processes
                                                  for number in os.listdir(process))):
            text = _status(task)
            state = _STATE.search(text)
            if state is None or state[1] != b'S':
                return None
            found += _SWITCHES.findall(text)
        return found


def _status(task: str) -> bytes:
    # This is read thousands of times a second, and `open` takes longer than the kernel.
    file = os.open(task + '/status', os.O_RDONLY)
    try:
        return os.read(file, _STATUS_BYTES)
    finally:
        os.close(file)


def _arrived(gate: socket.socket) -> Iterator[socket.socket]:
    while True:
        try:
            yield gate.accept()[0]
        except BlockingIOError:
            return


def _let_go(connections: Iterable[socket.socket]) -> None:
    for each in connections:
        each.close()


def _read(connection: socket.socket) -> tuple[str, str, str]:
    connection.settimeout(ALLOWED_SECONDS)
    with connection.makefile('r', encoding='ascii') as file:
        kind, method, path = json.loads(file.readline())
    return kind, method, path.split('/', 3)[-1]
