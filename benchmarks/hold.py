# SPDX-License-Identifier: Apache-2.0
"""A filter that holds each request to a storage server, as disks and a network would, and its remote control.

It stands first in the pipelines of the account, container and object servers, and does nothing until a file says how
requests are held. So what prepares a measurement is not held.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

NAME = 'hold'
HOST = '127.0.0.1'


class Hold:
    """The remote control of the filters of a cluster. directory: for the file; it is made."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / 'held'
        self._path.unlink(missing_ok=True)

    @property
    def filters(self) -> dict[str, dict[str, Any]]:
        """The filters of the storage servers, as Cluster takes them."""
        return {NAME: {'paste.filter_factory': f'{__name__}:filter_factory', 'path': self._path}}

    @contextlib.contextmanager
    def seconds(self, seconds: float, kind: str = '', method: str = '', text: str = '') -> Iterator[None]:
        """Hold requests for so long inside the with block: all, or those to one kind of server ('object'), with one
        method, or with a text in their path."""
        with self._saying({'seconds': seconds, 'only': [kind, method, text]}):
            yield

    @contextlib.contextmanager
    def gate(self) -> Iterator[socket.socket]:
        """Hold each request that begins inside the with block until its connection to the yielded socket is closed.

        The socket listens and does not block. Each connection sends one line first: as JSON, the kind of the server,
        the method, and the path with device and partition in front. All are let go at the end of the block.
        """
        with socket.create_server((HOST, 0), backlog=1024) as listening:
            listening.setblocking(False)
            with self._saying({'port': listening.getsockname()[1]}):
                yield listening

    @contextlib.contextmanager
    def _saying(self, how: dict[str, Any]) -> Iterator[None]:
        draft = self._path.with_suffix('.draft')
        draft.write_text(json.dumps(how), encoding='ascii')
        os.replace(draft, self._path)
        try:
            yield
        finally:
            self._path.unlink()


# In the storage servers

def filter_factory(global_conf: dict[str, str], **local_conf: str) -> Callable[[Any], HoldFilter]:
    """Return a function that makes the filter: the entry point for PasteDeploy. Option: path, of the file."""
    return functools.partial(HoldFilter, kind=global_conf['log_name'], path=local_conf['path'])


class HoldFilter:
    """Passes each request on, after the time or at the word that the file asks for."""

    def __init__(self, app: Any, kind: str, path: str) -> None:
        self._app = app
        self._kind = kind
        self._path = path

    def __call__(self, env: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        # Checks of health and of rings have one part in their path.
        if env['PATH_INFO'].count('/') > 2:
            self._hold(env)
        passed: Iterable[bytes] = self._app(env, start_response)
        return passed

    def _hold(self, env: dict[str, Any]) -> None:
        # Imported here, since only the servers have imported it.
        import eventlet
        try:
            with open(self._path, encoding='ascii') as file:
                how = json.load(file)
        except FileNotFoundError:
            return
        if 'seconds' in how:
            kind, method, text = how['only']
            if kind in ('', self._kind) and method in ('', env['REQUEST_METHOD']) and text in env['PATH_INFO']:
                eventlet.sleep(how['seconds'])
            return
        with contextlib.suppress(ConnectionError), contextlib.closing(eventlet.connect((HOST, how['port']))) as gate:
            line = json.dumps([self._kind, env['REQUEST_METHOD'], env['PATH_INFO']])
            gate.sendall(line.encode('ascii') + b'\n')
            gate.recv(1)
