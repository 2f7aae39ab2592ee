# SPDX-License-Identifier: Apache-2.0
"""Real storage nodes fail, one by one and at random, and nothing is lost. Three replicas, and an erasure code."""

from __future__ import annotations

import secrets
import time

import pytest

from tests.integration.raw import RawClient
from tests.integration.uploads import Upload, persistently, read

from .clients import NO_SUCH_UPLOAD
from .disks import disks_of
from .machines import POLICIES, Machines
from .run import try_out

BODIES = [b'a' * 3000, b'b' * 2000, b'c']
WHOLE = b''.join(BODIES)
# A proxy asks the replicas in any order: so often, and each is asked first.
MANY = 12
# Longer than a proxy keeps away from a node that did not answer.
SHUNNED_SECONDS = 1.5


@pytest.fixture(scope='module')
def machines(tmp_path_factory):
    """The nodes, their daemons and the proxies."""
    with Machines(tmp_path_factory.mktemp('nodes')) as running:
        yield running


@pytest.fixture
def policy():
    """The storage policy of the bucket: three replicas, unless a test wants another."""
    return 'gold'


@pytest.fixture
def upload(policy, machines):
    """An open upload with the first two parts."""
    bucket = 'bucket-' + secrets.token_hex(8)
    machines.make_bucket(bucket, policy)
    return Upload(RawClient(machines.proxies[0].url), bucket).parts(*BODIES[:2])


def test_node_that_missed_an_abort(machines, upload):
    """It still has the marker as it was, until a replicator comes; nobody takes that for the state of the upload."""
    marker = f'key/{upload.id}'
    disk = disks_of(machines.cluster, f'{upload.bucket}_segments', marker)[0]
    number = next(node.number for node in machines.cluster.nodes if disk in node.disks)
    machines.stop_daemons()
    machines.kill(number)
    assert 204 == upload.abort().outcome
    machines.start(number)
    machines.wait_for_nodes()
    time.sleep(SHUNNED_SECONDS)

    try:
        assert {NO_SUCH_UPLOAD} == {upload.client.upload_part(upload.bucket, 'key', upload.id, 3, b'late').outcome
                                    for _ in range(MANY)}
        assert NO_SUCH_UPLOAD == upload.complete().outcome
    finally:
        machines.start_daemons()


@pytest.fixture
def late(machines, upload):
    """An upload with a third part whose row is on no container server yet, and will not be until daemons run."""
    machines.stop_daemons()
    machines.stop_containers()
    upload.part(3, BODIES[2])
    machines.start_containers()
    machines.wait_for_nodes()
    yield upload
    machines.start_daemons()


@pytest.mark.parametrize('policy', [policy.name for policy in POLICIES])
def test_part_whose_row_is_late(machines, late):
    """While a part is written all container servers are away: the Complete finds it, before Swift's updater runs."""
    assert [1, 2] == late.stored_numbers(machines.swift())

    assert 200 == late.complete().outcome
    assert WHOLE == read(late.client, late.bucket, 'key').body


def test_part_whose_row_is_late_and_forgotten(machines, late):
    """The cache is empty as well: InvalidPart, which changes nothing, until the updater has brought the row."""
    machines.restart_cache()
    machines.wait_for_nodes()

    assert (400, 'InvalidPart') == late.complete().outcome
    assert 404 == read(late.client, late.bucket, 'key').status
    machines.start_daemons()
    machines.settle()
    assert 200 == late.complete().outcome
    assert WHOLE == read(late.client, late.bucket, 'key').body


@pytest.mark.parametrize('policy', ['coded'])
def test_disks_that_are_full(machines, upload):
    """With one disk full all goes on; with all full nothing can be written, and nothing that was is lost."""
    machines.fill(1)
    machines.wait_for_nodes()
    upload.part(3, BODIES[2])
    for number in (2, 3, 4):
        machines.fill(number)
    machines.wait_for_nodes()
    refused = [upload.client.upload_part(upload.bucket, 'key', upload.id, 4, b'more').outcome,
               upload.complete().outcome]
    for number in (1, 2, 3, 4):
        machines.empty(number)
    machines.wait_for_nodes()

    assert [(503, 'ServiceUnavailable')] * 2 == refused
    assert 200 == persistently(upload.complete).outcome
    assert WHOLE == read(upload.client, upload.bucket, 'key').body


@pytest.mark.slow
def test_random_failures(machines):
    """Nodes are killed, paused and full, proxies die between any two requests, while clients work: nothing is lost.

    `python3 -m tests.cluster` does it for longer, and with another seed.
    """
    print(try_out(machines, seed=1, seconds=20))
