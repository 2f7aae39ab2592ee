# SPDX-License-Identifier: Apache-2.0
"""How much memory a proxy needs for uploads of as many parts as there can be."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest

from s3multi.demo.cluster import Cluster
from s3multi.demo.conf import merge

from . import behind
from .counting import add_listed_parts
from .raw import RawClient
from .uploads import TINY_PARTS, Upload

PARTS = 10000
MIB = 1024 * 1024

pytestmark = pytest.mark.skipif(
    not Path('/proc/self/clear_refs').exists(), reason='the kernel does not tell peaks of memory')


class Memory:
    """The memory of a process, in bytes."""

    def __init__(self, pid):
        self._proc = Path(f'/proc/{pid}')

    def _read(self, name):
        return 1024 * int(re.search(rf'^{name}:\s+([0-9]+) kB', (self._proc / 'status').read_text(), re.MULTILINE)[1])

    def peak_above_idle(self, call):
        """Return what `call` returns, and by how much the memory was larger meanwhile, at its peak, than before."""
        # Forget earlier peaks: proc(5), clear_refs.
        (self._proc / 'clear_refs').write_text('5')
        idle = self._read('VmRSS')
        returned = call()
        return returned, self._read('VmHWM') - idle


@pytest.fixture(scope='module')
def storage(tmp_path_factory):
    """A cluster of its own, so that no object expirer of other tests has to work off what is aborted here."""
    directory = tmp_path_factory.mktemp('memory')
    with Cluster(directory, filters=merge(TINY_PARTS, behind.filters(directory / 'in-flight'))) as running:
        yield running


@pytest.fixture(params=[(100, 64), (900, 128)], ids=['key of 100 bytes', 'key of 900 bytes'])
def large(request, storage):
    """An upload of 10,000 parts through a proxy that has served little else, its memory, and the bound in bytes."""
    length, bound_mib = request.param
    proxy = storage.add_proxy('memory')
    client, bucket = RawClient(proxy.url), 'bucket-' + secrets.token_hex(8)
    assert 200 == client.request('PUT', bucket).status
    # Once through everything, so that what is loaded on first use does not count.
    for end in ('complete', 'abort'):
        small = Upload(client, bucket, 'small').parts(b'part')
        small.list_parts()
        getattr(small, end)()
    behind.settle()
    upload = add_listed_parts(storage, Upload(client, bucket, 'k' * length), range(1, PARTS + 1))
    yield upload, Memory(proxy.pid), bound_mib * MIB
    proxy.stop()


def list_all_parts(upload):
    """Return how many parts List Parts shows, page by page."""
    found, marker = 0, 0
    while marker is not None:
        page = upload.list_parts({'part-number-marker': marker}).xml('ListPartsResult')
        found += len(page.findall('Part'))
        marker = page.findtext('NextPartNumberMarker') if page.findtext('IsTruncated') == 'true' else None
    return found


def test_list_parts_and_complete(large):
    """List Parts needs little memory: it reads a page. Complete holds the list, the rows and the manifest of 10,000
    parts, and stays within its bound."""
    upload, memory, bound = large

    def list_and_complete():
        return memory.peak_above_idle(lambda: list_all_parts(upload)), upload.complete()

    ((found, peak_of_list), answer), peak = memory.peak_above_idle(list_and_complete)

    assert PARTS == found
    assert peak_of_list < bound / 2, f'{peak_of_list / MIB:.1f} MiB'
    assert 200 == answer.outcome
    assert peak < bound, f'{peak / MIB:.1f} MiB'


def test_abort(large):
    """Abort hands 10,000 parts to the object expirer within the same bound."""
    upload, memory, bound = large

    def abort():
        answer = upload.abort()
        # The parts are handed over behind the answer.
        behind.settle()
        return answer

    answer, peak = memory.peak_above_idle(abort)

    assert 204 == answer.outcome
    assert peak < bound, f'{peak / MIB:.1f} MiB'
