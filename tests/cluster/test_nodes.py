# SPDX-License-Identifier: Apache-2.0
"""Real storage nodes fail, one by one, and nothing is lost, with three replicas and an erasure code."""

from __future__ import annotations

import secrets
import time

import pytest

from s3multi.upload.names import Upload as Layout
from tests import forking
from tests.integration.raw import RawClient
from tests.integration.uploads import Upload, persistently, read
from tests.integration.users import account

from .clients import NO_SUCH_UPLOAD
from .disks import disks_of
from .machines import POLICIES, Machines

BODIES = [b'a' * 3000, b'b' * 2000, b'c']
WHOLE = b''.join(BODIES)
# A proxy asks the replicas in any order. In so many tries, each replica is asked first at least once.
MANY = 12
# Longer than a proxy avoids a node that did not answer.
SHUNNED_SECONDS = 1.5


@pytest.fixture(scope='module')
def machines(tmp_path_factory):
    """The nodes, their daemons and the proxies."""
    with forking.forking(), Machines(tmp_path_factory.mktemp('nodes'), sharding=False) as running:
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
    """A node that missed an Abort has the old marker until a replicator comes; nobody believes this marker."""
    layout = Layout(account(), upload.bucket, 'key', upload.id)
    disk = disks_of(machines.cluster, layout.marker_container, layout.marker)[0]
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
    """An upload with a third part whose row does not reach a container server before daemons run."""
    machines.stop_daemons()
    machines.stop_containers()
    upload.part(3, BODIES[2])
    machines.start_containers()
    machines.wait_for_nodes()
    yield upload
    machines.start_daemons()


@pytest.mark.parametrize('policy', [policy.name for policy in POLICIES])
def test_part_whose_row_is_late(machines, late):
    """A part that was written without any container server is found by the Complete, before Swift's updater runs."""
    assert [1, 2] == late.stored_numbers(machines.swift())

    assert 200 == late.complete().outcome
    assert WHOLE == read(late.client, late.bucket, 'key').body


def test_part_whose_row_is_late_and_forgotten(machines, late):
    """If the cache is empty as well, the answer is InvalidPart, which changes nothing, until the updater has run."""
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
    """With one disk full everything works. With all disks full nothing can be written, and nothing is lost."""
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
