# SPDX-License-Identifier: Apache-2.0
"""A filter that tells what its proxy holds in memory, and how to ask it. For measurements only: it asks no auth."""

from __future__ import annotations

import ctypes
import functools
import gc
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
    """What a proxy holds once its garbage is collected.

    objects: of the classes of s3multi, requests and answers of Swift, and green threads: a request that is over may
    leave none. blocks: pieces of memory that Python objects live in; some thousands come and go, for eventlet keeps
    timers that were cancelled until their time has come. resident_bytes: RSS, after the C library has given back what
    it can; what it cannot, fragments, is no leak.
    """

    objects: int = 0
    blocks: int = 0
    resident_bytes: int = 0


def into(pipeline: str) -> str:
    """Return the pipeline with the filter where every request passes it."""
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
    """Return what makes the filter."""
    return functools.partial(Probe)


class Probe:
    """Answers GET /probe itself."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, env: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if env['PATH_INFO'] != PATH:
            passed: Iterable[bytes] = self._app(env, start_response)
            return passed
        start_response('200 OK', [('Content-Type', 'application/json')])
        return [json.dumps(_measure()).encode()]


def _measure() -> dict[str, int]:
    # Twice: what finalizers drop is garbage of the second round.
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
