# SPDX-License-Identifier: Apache-2.0
"""Addresses and free TCP ports on the loopback interface."""

from __future__ import annotations

import random
import socket

from .errors import ClusterError

HOST = '127.0.0.1'

# Below the range that Linux uses for outgoing connections (32768 and up by default). A port in that range can be lost
# to a connection that the cluster itself opens, between this look and the server's bind.
FIRST_PORT, LAST_PORT = 18000, 32000


def address(number: int) -> str:
    """Return the loopback address of a storage node. That of number 1 is HOST; Linux has all of 127.0.0.0/8."""
    return f'127.0.0.{number}'


def refusal(port: int, host: str = HOST) -> OSError | None:
    """Return the error with which a server could not listen on `port` now; None if it could."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Swift does the same: connections of an earlier run that linger in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error
    return None


def is_free(port: int, host: str = HOST) -> bool:
    """Return whether a server could listen on `port` now."""
    return refusal(port, host) is None


def free_port(taken: set[int], host: str = HOST) -> int:
    """Return a free port that is not in `taken`, and add it there.

    The choice is random, so that two clusters that start at once seldom choose the same port. Raises ClusterError if no
    free port is found.
    """
    for _attempt in range(200):
        port = random.randint(FIRST_PORT, LAST_PORT)
        if port not in taken and is_free(port, host):
            taken.add(port)
            return port
    raise ClusterError(f'no free TCP port found between {FIRST_PORT} and {LAST_PORT} on {host}')


def claim_port(port: int, taken: set[int], option: str) -> int:
    """Return `port` and add it to `taken`. Raises ClusterError if no server can listen there.

    option: the option with which the user chooses another port, for the message.
    """
    error = refusal(port)
    if isinstance(error, PermissionError):
        raise ClusterError(f'only root may listen on port {port}; choose one from 1024 on with {option}')
    if port in taken or error:
        raise ClusterError(f'port {port} on {HOST} is in use by another program; choose another one with {option}')
    taken.add(port)
    return port
