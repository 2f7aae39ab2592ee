# SPDX-License-Identifier: Apache-2.0
"""A filter that tells what its proxy holds in memory, and how to ask it. For measurements only: anybody may ask."""

from __future__ import annotations

import ctypes
import functools
import gc
import heapq
import http.client
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from greenlet import greenlet

from .memory import read_bytes

NAME = 'probe'
FILTERS: dict[str, dict[str, Any]] = {NAME: {'paste.filter_factory': f'{__name__}:filter_factory'}}
PATH = '/probe'
ALLOWED_SECONDS = 30.0

_OF_REQUESTS = ('s3multi.', 'swift.common.swob', 'swift.common.middleware.s3api.s3re')


@dataclass(frozen=True)
class Held:
    """What a proxy holds after its garbage was collected.

    objects: how many there are of the classes of s3multi, of Swift's requests and answers, and of green threads; a
    request that is over must leave none. blocks: the pieces of memory in which Python objects live. Some hundreds
    come and go. resident_bytes: RSS after the C library has given back what it can. What it cannot give back are
    fragments, not a leak.
    """

    objects: int = 0
    blocks: int = 0
    resident_bytes: int = 0


def into(pipeline: str) -> str:
    """Return the pipeline with the filter at a place that every request passes."""
    return pipeline.replace('catch_errors ', f'catch_errors {NAME} ', 1)


def ask(url: str) -> Held:
    """Return what the proxy at this address holds. Raises OSError, http.client.HTTPException or ValueError."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or '', address.port, timeout=ALLOWED_SECONDS)
    try:
        connection.request('GET', PATH)
        return Held(**json.loads(connection.getresponse().read()))
    finally:
        connection.close()


# In the proxy

def filter_factory(_global_conf: dict[str, str], **_local_conf: str) -> Callable[[Any], Probe]:
    """Return a function that makes the filter: the entry point for PasteDeploy."""
    return functools.partial(Probe)


class Probe:
    """Answers requests for PATH itself, and passes on all others."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, env: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if env['PATH_INFO'] != PATH:
            passed: Iterable[bytes] = self._app(env, start_response)
            return passed
        start_response('200 OK', [('Content-Type', 'application/json')])
        return [json.dumps(_measure()).encode()]


def _measure() -> dict[str, int]:
    _drop_cancelled_timers()
    # Twice, because what finalizers drop becomes garbage for the second round.
    gc.collect()
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        # Not the GNU C library.
        pass
    objects = sum(isinstance(each, greenlet) or str(type(each).__module__).startswith(_OF_REQUESTS)
                  for each in gc.get_objects())
    return {'objects': objects, 'blocks': sys.getallocatedblocks(), 'resident_bytes': read_bytes(os.getpid(), 'VmRSS')}


def _drop_cancelled_timers() -> None:
    """Drop the timers that were cancelled, several of each request, which eventlet keeps until their time has come."""
    # Here, since only the proxy has imported eventlet.
    from eventlet.hubs import get_hub
    hub = get_hub()
    hub.prepare_timers()
    hub.timers[:] = [each for each in hub.timers if not each[1].called]
    heapq.heapify(hub.timers)
    hub.timers_canceled = 0
