# SPDX-License-Identifier: Apache-2.0
"""The measurements, and what follows from them: medians, ratios, throughput. Plain values; no I/O."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .arena import S3MULTI, SIDES, STOCK
from .cases import MIB, PART_UPLOAD, PUT_OBJECT, SWIFT_PUT, WITH_CRC32, Case


@dataclass(frozen=True)
class Subject:
    """What was measured: an operation of a size. size, unit: as in Case."""

    operation: str
    size: int
    unit: str


@dataclass(frozen=True)
class Throughput:
    """How fast bodies of one size were sent, in MiB a second. with_crc32: whether with a checksum in a header.

    part, put_object: by side. swift_put: by the Swift API, through either proxy. share: by side, the throughput of
    parts as a share of that of PutObject through the same proxy.
    """

    size_bytes: int
    with_crc32: bool
    part: dict[str, float]
    put_object: dict[str, float]
    swift_put: float
    share: dict[str, float]


@dataclass
class Results:
    """All measurements. seconds: by subject and side, in the order of the rounds.

    memory: by subject and side, bytes before and at the peak. failures: a line for every group that was given up.
    """

    seconds: dict[Subject, dict[str, list[float]]] = field(default_factory=dict)
    memory: dict[Subject, dict[str, tuple[int, int]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, case: Case, side: str, seconds: float) -> None:
        """Note one measurement."""
        subject = Subject(case.operation, case.size, case.unit)
        self.seconds.setdefault(subject, {name: [] for name in SIDES})[side].append(seconds)

    def add_memory(self, case: Case, side: str, before_bytes: int, peak_bytes: int) -> None:
        """Note what a proxy held before a measurement, and the most that it held during it."""
        subject = Subject(case.operation, case.size, case.unit)
        self.memory.setdefault(subject, {})[side] = (before_bytes, peak_bytes)

    def whole(self) -> 'Iterator[tuple[Subject, dict[str, list[float]]]]':
        """Yield the subjects that were measured for both sides, with their seconds by side."""
        for subject, samples in self.seconds.items():
            if all(samples[name] for name in SIDES):
                yield subject, samples

    def median(self, subject: Subject, side: str) -> float | None:
        """Return the median in seconds; None if the subject was not measured for this side."""
        samples = self.seconds.get(subject, {}).get(side)
        return statistics.median(samples) if samples else None

    def curve(self, operation: str, side: str) -> list[tuple[int, float]]:
        """Return pairs of number of parts and median seconds of an operation, in order of the number."""
        return sorted((subject.size, statistics.median(samples[side])) for subject, samples in self.whole()
                      if subject.operation == operation)

    def throughputs(self) -> list[Throughput]:
        """Return the throughput for every size and kind of body, if all ways to send it were measured."""
        found = []
        for subject, samples in self.whole():
            if not subject.operation.startswith(PART_UPLOAD):
                continue
            extra = subject.operation[len(PART_UPLOAD):]
            put = self.seconds.get(Subject(PUT_OBJECT + extra, subject.size, subject.unit))
            plain = self.seconds.get(Subject(SWIFT_PUT, subject.size, subject.unit))
            if put and plain and all(put[name] and plain[name] for name in SIDES):
                found.append(Throughput(
                    subject.size, extra == WITH_CRC32, {name: _rate(subject.size, samples[name]) for name in SIDES},
                    {name: _rate(subject.size, put[name]) for name in SIDES},
                    _rate(subject.size, [each for name in SIDES for each in plain[name]]),
                    {name: _share(samples[name], put[name]) for name in SIDES}))
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the results for the JSON file: times in seconds, memory in bytes, throughput in MiB a second."""
        return {
            'results': [
                {'operation': subject.operation, 'size': subject.size, 'unit': subject.unit,
                 'ratio': statistics.median(samples[S3MULTI]) / statistics.median(samples[STOCK]),
                 **{name: {'median': statistics.median(samples[name]), 'seconds': samples[name]} for name in SIDES}}
                for subject, samples in self.whole()],
            'throughput': [
                {'bytes': each.size_bytes, 'with_crc32': each.with_crc32, 'part_upload': each.part,
                 'put_object': each.put_object, 'swift_put': each.swift_put, 'share_of_put_object': each.share}
                for each in self.throughputs()],
            'memory': [
                {'operation': subject.operation, 'size': subject.size, 'unit': subject.unit,
                 **{name: {'before_bytes': before, 'peak_bytes': peak} for name, (before, peak) in held.items()}}
                for subject, held in self.memory.items()],
            'failures': self.failures,
        }


def _rate(size_bytes: int, seconds: list[float]) -> float:
    return size_bytes / MIB / statistics.median(seconds)


def _share(part_seconds: list[float], put_seconds: list[float]) -> float:
    # Round by round: what slows the machine down for a while slows down both requests of a round.
    return statistics.median(put / part for part, put in zip(part_seconds, put_seconds))
