# SPDX-License-Identifier: Apache-2.0
"""Connections of a proxy to the cache end, and are refused or held, while they are cut, and work again afterwards."""

from __future__ import annotations

import eventlet
import pytest
from swift.common.bufferedhttp import BufferedHTTPConnection
from swift.common.memcached import MemcacheConnPool

from .links import HELD, REFUSED, Links, follow

FAILURES = {REFUSED: ConnectionRefusedError, HELD: eventlet.Timeout}


@pytest.fixture
def links(tmp_path, monkeypatch):
    """The remote control. This process is the proxy left; all its connections are plain objects."""
    monkeypatch.setattr(BufferedHTTPConnection, 'connect', BufferedHTTPConnection.connect)
    monkeypatch.setattr(MemcacheConnPool, 'get', MemcacheConnPool.get)
    monkeypatch.setattr(MemcacheConnPool, 'create', lambda _self: (object(), object()))
    links = Links(tmp_path, ['left', 'right'], ['127.0.0.1'])
    follow(tmp_path, 'left')
    return links


@pytest.fixture
def pool():
    """The connections of the proxy left to the cache."""
    return MemcacheConnPool('127.0.0.1:11211', 2, 0.01)


@pytest.mark.parametrize('how', FAILURES)
def test_cut(links, pool, how):
    """While the cache is cut off, a connection that was there has ended, and no other is made."""
    before = pool.get()
    pool.put(before)
    links.cut_off_cache(how, ['left'])
    for _ in range(3):
        with pytest.raises(FAILURES[how]):
            pool.get()
        pool.put((None, None))
    links.mend_cache()

    assert None not in pool.get() != before


def test_other_proxy(links, pool):
    """A proxy reaches the cache while another one does not."""
    links.cut_off_cache(HELD, ['right'])

    assert None not in pool.get()


def test_other_links(links, pool):
    """When the links between nodes work again, the cache may still be away."""
    links.cut_off_cache(REFUSED, ['left'])
    links.cut_off(1)
    links.mend()

    with pytest.raises(ConnectionRefusedError):
        pool.get()
