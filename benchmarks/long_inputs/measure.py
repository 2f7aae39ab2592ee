# SPDX-License-Identifier: Apache-2.0
"""The long inputs, one after another, and what is checked of each."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from s3multi.demo.cluster import PIPELINE, Cluster, Proxy

from .. import burst, probe
from ..client import Answer, Body, Zeros
from ..errors import BenchmarkError
from ..hold import Hold
from ..load import percentile
from ..memory import PeakMemory
from ..planting import ACCOUNT, Content, Planter, Row as Listed
from ..programs import Programs
from ..side import PART, Side, Upload, complete_body
from . import sparse
from .results import Row

MIB, GIB, TIB = 1 << 20, 1 << 30, 1 << 40
MOST_PARTS, MOST_PART, MOST_OBJECT = 10000, 5 * GIB, 5 * TIB
# Those of tests/integration/test_memory.py: of a body that streams, and of a Complete of 10,000 parts.
STREAM_BOUND, LIST_BOUND = 64 * MIB, 128 * MIB
CROWD_BOUND = 256 * MIB
UPLOAD_PARTS = 2
# Longer than SDKs wait for a byte.
HELD_SECONDS = 150
PATIENT_SECONDS = 600
SDK_SECONDS = 60


def make_cluster(directory: str, hold: Hold) -> Cluster:
    """Return a cluster, not started, whose object server keeps no zeros, and whose proxies are patient."""
    return Cluster(directory, pipeline=probe.into(PIPELINE), filters={
        's3api': {'min_segment_size': 1}, 'slo': {'rate_limit_segments_per_sec': 0, 'max_manifest_segments': 10000,
                                                  'max_manifest_size': 16 * MIB},
        # More requests at a time than Swift's default of 2 has cache for: see "Under load" in doc/performance.
        'cache': {'memcache_max_connections': 100}, **probe.FILTERS},
        app={'node_timeout': PATIENT_SECONDS, 'recoverable_node_timeout': PATIENT_SECONDS,
             'client_timeout': PATIENT_SECONDS},
        storage={'object': sparse.OPTIONS}, storage_filters=hold.filters)


class Runner:
    """Sends the inputs through proxies of a cluster."""

    def __init__(self, cluster: Cluster, hold: Hold) -> None:
        self._cluster = cluster
        self._hold = hold
        self._planter = Planter(cluster)
        self._digests: dict[int, str] = {}

    def parts(self) -> Iterator[Row]:
        """Upload a part of 5 GiB; begin one with a checksum that the proxy has to compute."""
        side = self._side('parts')
        upload = side.new_upload()
        yield self._measured('Upload Part, 5 GiB', side, STREAM_BOUND, lambda: _put(side, upload, MOST_PART))
        yield self._measured('Complete, one part of 5 GiB', side, STREAM_BOUND,
                             lambda: _timed(side, 'POST', upload.path, {'uploadId': upload.id},
                                            complete_body(upload)))
        self._expect_size(side, upload.key, MOST_PART)
        owed = Upload(side.bucket, side.new_key(), '')
        answer = side.client.s3('POST', owed.path, {'uploads': None}, {
            'x-amz-checksum-algorithm': 'CRC64NVME', 'x-amz-checksum-type': 'FULL_OBJECT'})
        owed.id = answer.body.decode().split('<UploadId>')[1].split('<')[0]
        yield self._measured('the same, with a CRC-64 to be computed', side, STREAM_BOUND,
                             lambda: _put(side, owed, MOST_PART))

    def largest(self) -> Iterator[Row]:
        """Complete 10,000 parts of 5 TiB together, read the object, copy a part out of it, check it, replace it."""
        side = self._side('largest')
        upload = self._planted(side)
        yield self._measured('List Parts, 10,000 parts', side, LIST_BOUND / 2, lambda: _list_parts(side, upload))
        yield self._measured('Complete, 10,000 parts, 5 TiB', side, LIST_BOUND, lambda: _complete(side, upload))
        self._expect_size(side, upload.key, MOST_OBJECT)
        yield self._measured('GET, the last MiB of it', side, LIST_BOUND, lambda: _get_range(
            side, upload, MOST_OBJECT - MIB))
        yield self._measured('GET, a MiB across two parts in its middle', side, LIST_BOUND, lambda: _get_range(
            side, upload, MOST_OBJECT // MOST_PARTS * (MOST_PARTS // 2) - MIB // 2))
        yield self._measured('HEAD ?partNumber=10000', side, LIST_BOUND, lambda: _timed(
            side, 'HEAD', upload.path, {'partNumber': str(MOST_PARTS)}))
        yield self._measured('GetObjectAttributes', side, LIST_BOUND, lambda: _timed(
            side, 'GET', upload.path, {'attributes': None}, headers={
                'x-amz-object-attributes': 'ETag,ObjectSize,ObjectParts'}))
        copy = side.new_upload()
        yield self._measured('Upload Part Copy, 5 GiB of it', side, STREAM_BOUND, lambda: _timed(
            side, 'PUT', copy.path, {'partNumber': '1', 'uploadId': copy.id}, headers={
                'x-amz-copy-source': upload.path, 'x-amz-copy-source-range': f'bytes=0-{MOST_PART - 1}'}))
        yield self._checked(side)
        yield self._measured('PutObject over it', side, LIST_BOUND, lambda: _behind(side, side.put_object(
            upload.key, PART)))
        other = self._planted(side)
        yield self._measured('Abort, 10,000 parts', side, LIST_BOUND, lambda: _behind(side, side.abort(other)))

    def minutes(self) -> Iterator[Row]:
        """Complete where a request takes minutes, and where SLO asks for each of 10,000 parts."""
        from s3multi.upload.names import segments_container
        side = self._side('minutes')
        for name, kind, text in (('its listing', 'container', segments_container(side.bucket)),
                                 ('its manifest', 'object', f'/{side.bucket}/')):
            upload = side.new_upload(2)
            method = 'GET' if kind == 'container' else 'PUT'
            with self._hold.seconds(HELD_SECONDS, kind, method, text):
                yield self._measured(f'Complete, {name} held for {HELD_SECONDS} s', side, STREAM_BOUND,
                                     lambda: _complete(side, upload), SDK_SECONDS)
        head = self._side('head', {'s3multi': {'verify': 'head'}})
        upload = self._planted(head)
        yield self._measured('Complete, 10,000 parts, verify = head', head, LIST_BOUND,
                             lambda: _complete(head, upload), SDK_SECONDS)

    def crowd(self, uploads: int) -> Iterator[Row]:
        """Run so many uploads at once, one half through each of two proxies."""
        sides = [self._side(name) for name in ('crowd1', 'crowd2')]
        body = Body.of(PART.data)
        for side in sides:
            burst.run(side, 50, UPLOAD_PARTS, body)
        started = time.monotonic()
        with ThreadPoolExecutor(len(sides)) as pool:
            found = list(pool.map(lambda side: burst.run(side, uploads // 2, UPLOAD_PARTS, body), sides))
        seconds = time.monotonic() - started
        errors = [each.errors for each in found if each.errors]
        if errors or any(each.unfinished for each in found):
            raise BenchmarkError(f'{errors} {[line for each in found for line in each.unfinished[:3]]}')
        completes = [value for each in found for value in each.latencies[burst.COMPLETE]]
        left = max(each.after.objects - each.before.objects for each in found)
        yield _told(Row(
            f'{uploads} uploads at once, through two proxies', seconds,
            max(each.peak_bytes - each.before.resident_bytes for each in found), CROWD_BOUND,
            seen=f'{sum(each.requests for each in found)} requests, no error; Complete, median '
                 f'{percentile(completes, 50):.1f} s; objects of requests left: {left}'))

    def _side(self, name: str, filters: Mapping[str, Mapping[str, Any]] | None = None) -> Side:
        """Return a side with a new proxy, so that nothing else has made it grow."""
        side = Side(name)
        side.connect(self._cluster.add_proxy(name, filters=filters))
        return side

    def _planted(self, side: Side) -> Upload:
        """Return an open upload with 10,000 parts, of 5 TiB together, which hold nothing but zeros."""
        from s3multi.upload.names import segments_container
        upload = side.new_upload()
        known = self._planter.known(side.bucket, upload.key, upload.id)
        sizes = [MOST_OBJECT // MOST_PARTS] * (MOST_PARTS - 1)
        sizes.append(MOST_OBJECT - sum(sizes))
        rows: list[Listed] = []
        for number, size in enumerate(sizes, 1):
            etag = self._etag(size)
            rows += self._planter.part_rows(known, [number], size, etag)
            self._planter.object(known.container, rows[-1]['name'], Content(size, etag), {})
            upload.etags[number] = f'"{etag}"'
        self._planter.rows(segments_container(side.bucket), rows)
        return upload

    def _etag(self, size: int) -> str:
        """Return the MD5 of so many zeros."""
        if size not in self._digests:
            self._digests[size] = Content.of_zeros(size).etag
        return self._digests[size]

    def _checked(self, side: Side) -> Row:
        run = Programs(self._cluster).run('s3multi.check', f'{ACCOUNT}/{side.bucket}')
        return _told(Row('s3multi-check of it, all of the command', run.seconds, run.memory_bytes, LIST_BOUND * 2,
                         seen=', '.join(f'{count} {state}' for state, count in run.report['objects'].items())))

    def _measured(self, name: str, side: Side, bound: float, act: Callable[[], tuple[float, float]],
                  most_silent: float | None = None) -> Row:
        """Measure something. act: returns seconds, and the longest silence. most_silent: how long that may be."""
        with PeakMemory(_pid(side.proxy)) as memory:
            seconds, silence = act()
        if most_silent is not None and silence > most_silent:
            raise BenchmarkError(f'{name}: nothing came for {silence:.0f} s')
        return _told(Row(name, seconds, memory.peak_bytes - memory.before_bytes, int(bound),
                         None if most_silent is None else silence))

    @staticmethod
    def _expect_size(side: Side, key: str, size: int) -> None:
        found = side.client.s3('HEAD', f'/{side.bucket}/{key}').headers['Content-Length']
        if found != str(size):
            raise BenchmarkError(f'{key} has {found} bytes instead of {size}')


def _pid(proxy: Proxy) -> int:
    assert proxy.pid is not None
    return proxy.pid


def _timed(side: Side, method: str, path: str, query: Mapping[str, str | None], body: Body | None = None,
           headers: Mapping[str, str] | None = None) -> tuple[float, float]:
    answer: Answer = side.client.s3(method, path, query, headers, *([body] if body else []))
    if b'<Error>' in answer.body:
        raise BenchmarkError(f'{method} {path}: {answer.body[-300:]!r}')
    return answer.seconds, answer.silence


def _put(side: Side, upload: Upload, size: int) -> tuple[float, float]:
    answer = side.client.s3('PUT', upload.path, {'partNumber': '1', 'uploadId': upload.id}, {}, Zeros(size))
    upload.etags[1] = answer.headers['ETag']
    return answer.seconds, answer.silence


def _complete(side: Side, upload: Upload) -> tuple[float, float]:
    return _timed(side, 'POST', upload.path, {'uploadId': upload.id}, complete_body(upload))


def _list_parts(side: Side, upload: Upload) -> tuple[float, float]:
    """List all parts, page by page; return the seconds of all pages."""
    seconds, found, marker = 0.0, 0, '0'
    while marker:
        answer = side.client.s3('GET', upload.path, {'uploadId': upload.id, 'part-number-marker': marker})
        seconds, found = seconds + answer.seconds, found + answer.body.count(b'<Part>')
        next_marker = re.search(rb'<NextPartNumberMarker>(\d+)<', answer.body)
        more = b'<IsTruncated>true<' in answer.body
        marker = next_marker[1].decode() if more and next_marker else ''
    if found != len(upload.etags):
        raise BenchmarkError(f'{found} parts are listed')
    return seconds, 0.0


def _get_range(side: Side, upload: Upload, first: int) -> tuple[float, float]:
    answer = side.client.s3('GET', upload.path, None, {'Range': f'bytes={first}-{first + MIB - 1}'})
    if answer.body != bytes(MIB):
        raise BenchmarkError(f'{len(answer.body)} bytes from {first} on are not what was uploaded')
    return answer.seconds, answer.silence


def _behind(side: Side, seconds: float) -> tuple[float, float]:
    """Wait until the work behind an answer is over, which counts for the memory."""
    burst.settled(side)
    return seconds, 0.0


def _told(row: Row) -> Row:
    print(f'{row.name}: {row.seconds:.2f} s, {row.grown_bytes / MIB:.1f} MiB'
          f'{"" if row.silence is None else f", silent for {row.silence:.1f} s"} {row.seen}', file=sys.stderr,
          flush=True)
    return row
