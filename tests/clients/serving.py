# SPDX-License-Identifier: Apache-2.0
"""Programs that serve HTTP themselves, while a client uses them."""

from __future__ import annotations

import contextlib
import subprocess
import time

import requests

from s3multi.demo.ports import HOST, free_port

START_SECONDS = 30


@contextlib.contextmanager
def serving(site, command):
    """Run a server for the site; yield its URL. command: a function of its port, which returns the command line."""
    port = free_port(set())
    with open(site.home / 'server.log', 'ab') as log:
        # Older SDKs for Go cannot have AWS_CA_BUNDLE and a transport of the program's own.
        environment = {name: value for name, value in site.environment.items() if name != 'AWS_CA_BUNDLE'}
        process = subprocess.Popen(command(port), env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        url = f'http://{HOST}:{port}'
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                requests.get(url, timeout=5)
                break
            except requests.ConnectionError:
                assert process.poll() is None and time.monotonic() < deadline, log.name
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()
