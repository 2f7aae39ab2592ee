# SPDX-License-Identifier: Apache-2.0
"""Many uploads at the same time through one proxy: each ends, no answer is an error, and no memory is left behind."""

from __future__ import annotations

import pytest

from benchmarks import burst, probe
from benchmarks.client import Body
from benchmarks.side import Side
from s3multi.demo.cluster import PIPELINE, Cluster
from s3multi.demo.conf import merge

from . import behind
from .uploads import TINY_PARTS

UPLOADS, PARTS = 60, 2
# Enough for all that is made on first use.
FIRST_UPLOADS = 30
BODY = Body.of(b's3multi.' * 128)


@pytest.fixture(scope='module')
def side(tmp_path_factory):
    """A proxy on a cluster of its own that has been busy already, so that all that is made on first use is there."""
    directory = tmp_path_factory.mktemp('load')
    with Cluster(directory, pipeline=probe.into(PIPELINE),
                 filters=merge(TINY_PARTS, probe.FILTERS, behind.filters(directory / 'in-flight'))) as cluster:
        side = Side('s3multi')
        side.connect(cluster.proxy)
        burst.run(side, FIRST_UPLOADS, 1, BODY)
        behind.settle()
        yield side
        side.client.close()


def test_many_uploads_at_once(side):
    """Raw answers are counted: no retry hides a failure. Once all is over nothing of any upload is left in memory."""
    found = burst.run(side, UPLOADS, PARTS, BODY)
    behind.settle()
    after = burst.settled(side)

    assert ({}, []) == (found.errors, found.unfinished)
    assert UPLOADS * (PARTS + 3) == found.requests
    # Not RSS, which also has what the C library cannot give back. One of each request would be hundreds.
    assert after.objects < found.before.objects + UPLOADS / 10
    # What else a request leaves, a dict with a few strings for one, would be more than this.
    assert after.blocks < found.before.blocks + 2 * found.requests
