# SPDX-License-Identifier: Apache-2.0
"""Many uploads at the same time through one proxy; every raw answer is counted."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .client import Body
from .errors import BenchmarkError
from .memory import PeakMemory
from .probe import Held, ask
from .side import Side, Upload

# Requests are repeated as SDKs do it, but every failure is counted.
ATTEMPTS = 5
SECONDS_BEFORE_REPEAT = 0.5
READERS = 8

INITIATE, PART, COMPLETE, READ = 'initiate', 'part upload', 'complete', 'read back'


@dataclass
class Burst:
    """The results of a burst.

    parts: of all uploads together. seconds: how long the uploads took. latencies: of the successful requests, in
    seconds, by operation. errors: numbers of requests that failed or were not answered, by operation and then by kind
    (as in BenchmarkError). unfinished: a line for each upload that did not become a readable object. before, after:
    what the proxy held; peak_bytes: its largest RSS.
    """

    parts: int
    before: Held
    seconds: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=lambda: {INITIATE: [], PART: [], COMPLETE: [], READ: []})
    errors: dict[str, collections.Counter[str]] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    after: Held = Held()

    @property
    def parts_a_second(self) -> float:
        """How many parts were uploaded in a second on average, from the first Initiate to the last Complete."""
        return self.parts / self.seconds

    @property
    def requests(self) -> int:
        """How many requests succeeded."""
        return sum(map(len, self.latencies.values()))


def run(side: Side, uploads: int, parts: int, body: Body) -> Burst:
    """Run `uploads` uploads at once, and then read every object back.

    Each upload has a connection of its own, on which it is initiated, gets `parts` parts one after another, and is
    completed. A request that fails is counted and repeated, up to ATTEMPTS times in all. body: of each part.
    """
    assert side.proxy.pid is not None
    burst = Burst(uploads * parts, ask(side.proxy.url))
    waiting = [Upload(side.bucket, side.new_key(), '') for _number in range(uploads)]
    started = time.perf_counter()
    with PeakMemory(side.proxy.pid) as memory:
        _all_at_once(side, burst, uploads, lambda upload: _upload(side, burst, upload, parts, body), waiting)
    burst.seconds = time.perf_counter() - started
    burst.peak_bytes = memory.peak_bytes
    _all_at_once(side, burst, READERS, lambda upload: _persist(
        burst, READ, lambda: side.get_object(upload.key, parts * len(body.data))), waiting)
    burst.after = settled(side)
    return burst


def _all_at_once(side: Side, burst: Burst, threads: int, act: Callable[[Upload], None],
                 uploads: Iterable[Upload]) -> None:
    def guarded(upload: Upload) -> None:
        try:
            act(upload)
        except BenchmarkError as error:
            burst.unfinished.append(f'{upload.key}: {error}')
        finally:
            # Each upload has a connection of its own.
            side.client.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(guarded, uploads))


def _upload(side: Side, burst: Burst, upload: Upload, parts: int, body: Body) -> None:
    _persist(burst, INITIATE, lambda: side.initiate(upload))
    for number in range(1, parts + 1):
        _persist(burst, PART, lambda: side.upload_part(upload, number, body))
    _persist(burst, COMPLETE, lambda: side.complete(upload))


def _persist(burst: Burst, operation: str, request: Callable[[], float]) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            burst.latencies[operation].append(request())
            return
        except BenchmarkError as error:
            burst.errors.setdefault(operation, collections.Counter())[error.kind or 'wrong answer'] += 1
            if attempt == ATTEMPTS:
                raise
        time.sleep(attempt * SECONDS_BEFORE_REPEAT)


def settled(side: Side) -> Held:
    """Return what the proxy holds once it has noticed that its clients are gone, and has ended work behind answers."""
    held = ask(side.proxy.url)
    for _time in range(20):
        time.sleep(0.5)
        held, last = ask(side.proxy.url), held
        if (held.objects, held.blocks) >= (last.objects, last.blocks):
            break
    return held
