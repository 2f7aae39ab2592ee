# SPDX-License-Identifier: Apache-2.0
"""Runs in Keystone's process: makes the database and the keys, then serves the WSGI application."""

from __future__ import annotations

import grp
import os
import pwd
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from .ports import HOST


def serve(conf_path: str, port: int, requests_path: str) -> None:
    """Prepare the database and keys that a `keystone.conf` names, and serve on a port of the loopback interface.

    requests_path: a file to which "METHOD PATH" of each request is appended as it comes. Does not return.
    """
    directory = Path(conf_path).parent
    password = (directory / 'admin-password').read_text(encoding='ascii')
    owner = ['--keystone-user', pwd.getpwuid(os.geteuid()).pw_name,
             '--keystone-group', grp.getgrgid(os.getegid()).gr_name]
    urls = [word for interface in ('admin', 'internal', 'public')
            for word in (f'--bootstrap-{interface}-url', f'http://{HOST}:{port}/v3')]
    # None does harm if it was run before; the last one corrects the addresses.
    for command in (['db_sync'], ['fernet_setup', *owner], ['credential_setup', *owner],
                    ['bootstrap', '--bootstrap-password', password, *urls]):
        _manage(conf_path, command)

    os.environ['OS_KEYSTONE_CONFIG_FILES'] = conf_path
    sys.argv[1:] = []       # Keystone would take them for options of its own
    from keystone.server import wsgi
    application = _recording(wsgi.initialize_public_application(), requests_path)
    with make_server(HOST, port, application, _Server, _Handler) as server:
        server.serve_forever()


def _manage(conf_path: str, command: list[str]) -> None:
    """Run a command of keystone-manage; end this process if it fails."""
    from keystone.cmd import cli
    # Each command needs a process of its own, because it sets up the configuration of the process, which can be done
    # only once. A forked process need not import Keystone again, which takes seconds.
    pid = os.fork()
    if pid == 0:
        try:
            cli.main(['keystone-manage', '--config-file', conf_path, *command])
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        sys.exit(f'keystone-manage {command[0]} failed')


def _recording(application: Callable[..., Iterable[bytes]], path: str) -> Callable[..., Iterable[bytes]]:
    """Return an application that appends a line to the file at `path` for each request before `application` answers."""
    lock = threading.Lock()

    def recording(env: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if env['PATH_INFO'] != '/healthcheck':
            with lock, open(path, 'a', encoding='utf-8') as file:
                file.write(f'{env["REQUEST_METHOD"]} {env["PATH_INFO"]}\n')
        return application(env, start_response)

    return recording


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Do nothing: the file of requests is log enough."""
