# SPDX-License-Identifier: Apache-2.0
"""Why a port that the user has chosen cannot be had."""

import errno
import os
import socket

import pytest

from s3multi.demo import ports
from s3multi.demo.errors import ClusterError


@pytest.mark.parametrize('number, message', [
    (errno.EACCES, 'only root may listen on port 80; choose one from 1024 on with --port'),
    (errno.EADDRINUSE, 'port 80 on 127.0.0.1 is in use by another program; choose another one with --port'),
], ids=['permission', 'in-use'])
def test_port_that_is_refused(monkeypatch, number, message):
    """The message says which of the two it is, and what to do."""
    def bind(_self, _address):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, 'bind', bind)
    with pytest.raises(ClusterError) as refused:
        ports.claim_port(80, set(), '--port')

    assert message == str(refused.value)
