# SPDX-License-Identifier: Apache-2.0
"""How many round trips to storage servers, one after another, each operation makes before it is answered.

On storage servers with disks and a network these are its time. Each number is exact: one that rises is a loss, and one
that falls has to be noted here.
"""

from __future__ import annotations

import functools

import pytest

from benchmarks.latency.cases import cases, make_object
from benchmarks.latency.results import Row, Setting
from benchmarks.latency.storage import Storage
from benchmarks.round_trips import Counter
from benchmarks.side import Side

from . import behind
from .uploads import tiny_parts

# By operation and size: the round trips before the answer, and those of the work behind it.
PLAIN = {
    'Initiate': (2, 0),
    'Upload Part': (2, 0),
    'Upload Part Copy': (3, 0),
    'Complete, 3 parts': (6, 4),
    'Complete, 10 parts': (6, 4),
    'Complete, over a plain object, 3 parts': (6, 4),
    'Complete, over a multipart object, 3 parts': (6, 14),
    'Abort, 1 part': (4, 6),
    'Abort, 10 parts': (4, 6),
    'List Parts, 3 parts': (1, 0),
    'List Multipart Uploads, 10 uploads': (1, 0),
    'GET, 3 parts': (4, 0),
    'GET ?partNumber, 3 parts': (2, 0),
    'HEAD, 3 parts': (1, 0),
    'PutObject': (2, 0),
    'PutObject, over a plain object': (2, 0),
    'PutObject, over a multipart object': (2, 13),
    'CopyObject': (4, 0),
    'DELETE': (3, 0),
    'DELETE, 3 parts': (3, 13),
}
VERSIONED = {
    'Complete, 3 parts': (10, 4),
    'Complete, over a plain object, 3 parts': (10, 4),
    'PutObject': (5, 0),
    'PutObject, over a plain object': (5, 0),
    'PutObject, over a multipart object': (5, 0),
    'CopyObject': (9, 0),
    'DELETE': (6, 0),
    'DELETE, 3 parts': (6, 0),
}
TABLES = {'plain': PLAIN, 'versioned': VERSIONED}


@pytest.fixture(scope='module')
def sides(cluster):
    """A client of the proxy for tiny parts by the kind of its buckets."""
    found = {'plain': Side('plain'), 'versioned': Side('versioned', versioned=True), 'replicas': Side('replicas')}
    for side in found.values():
        side.connect(tiny_parts(cluster))
        # So that the bucket has an open upload.
        side.new_upload(1)
    yield found
    for side in found.values():
        side.client.close()


@pytest.fixture(scope='module')
def measured():
    """The cases by the kind of buckets and by name; some set up once what they need each time."""
    settings = {kind: Setting(Storage(1, 1), kind == 'versioned') for kind in TABLES}
    return {kind: {Row(setting, case).name: case for case in cases(setting.versioned)}
            for kind, setting in settings.items()}


@pytest.fixture(scope='module')
def counter(cluster, hold, sides):
    """Counts round trips. Work that waits for its time would not be seen: who sleeps has nothing more to do."""
    if behind.begins not in ('0', behind.FIRST):
        pytest.skip('work behind answers begins late')
    processes = [*cluster.servers.values(), tiny_parts(cluster)]
    with Counter(hold, [each.pid for each in processes]) as counter:
        yield counter
        for side in sides.values():
            # The connection of its thread.
            counter.call(lambda side=side: side.client.close())


@pytest.mark.parametrize('kind, name', [(kind, name) for kind, table in TABLES.items() for name in table])
def test_round_trips(sides, measured, counter, kind, name):
    """What can be asked side by side is: an operation takes as many round trips as the table says."""
    case, side = measured[kind][name], sides[kind]
    trips = counter.count(functools.partial(case.measure, side, case.prepare(side)))
    if trips.cold:
        # A cache had forgotten something, as it does after a minute.
        trips = counter.count(functools.partial(case.measure, side, case.prepare(side)))

    assert TABLES[kind][name] == (trips.answered, trips.behind), '\n'.join(map(str, trips.requests))


def test_replicas_are_asked_at_once(sides, counter, swift):
    """The newest of three replicas takes one round trip to find, as one that stands alone."""
    side = sides['replicas']
    side.bucket = 'bench-three'
    swift.put_container(side.bucket, {'X-Storage-Policy': 'silver'})
    upload = side.new_upload(1)

    trips = counter.count(lambda: side.list_parts(upload))

    assert (1, 3) == (trips.answered, sum(each.method == 'HEAD' for each in trips.requests))


def test_counting(sides, counter):
    """A read is one round trip, a write two, and what comes one after another adds up."""
    side = sides['plain']
    key = make_object(side, 0)

    def read_and_write():
        side.swift_request('HEAD', f'{side.bucket}/{key}')
        side.swift_request('PUT', f'{side.bucket}/{key}')

    assert [1, 2, 3] == [counter.count(operation).answered for operation in (
        lambda: side.swift_request('HEAD', f'{side.bucket}/{key}'),
        lambda: side.swift_request('PUT', f'{side.bucket}/{key}'), read_and_write)]
