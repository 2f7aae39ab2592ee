# SPDX-License-Identifier: Apache-2.0
"""The storage nodes of a cluster: the address of each, its ports, and its "disks"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .conf import Policy
from .ports import address, free_port

STORAGE = ('account', 'container', 'object')


@dataclass(frozen=True)
class Node:
    """A storage node with a server of each kind. number: from 1. ports: by kind. disks: the names of its devices."""

    number: int
    host: str
    ports: dict[str, int]
    disks: list[str]

    def own(self, kind: str) -> str:
        """Return the name of this node's server of a kind: 'object' for the first node, 'object2' for the second."""
        return kind if self.number == 1 else f'{kind}{self.number}'

    def devices(self, top: Path) -> Path:
        """Return the directory of its devices. top: the directory of all data of the cluster."""
        return top / self.own('devices')


def device_names(count: int) -> list[str]:
    """Return the names of the device directories: d1, d2, ..."""
    return [f'd{number}' for number in range(1, count + 1)]


def make_nodes(count: int, policies: Sequence[Policy], taken: set[int]) -> list[Node]:
    """Return `count` nodes on free ports, which are added to `taken`.

    They share as many devices as the largest policy has replicas, and have at least one each.
    """
    disks = device_names(max(count, *(policy.replicas for policy in policies)))
    nodes = []
    for number in range(1, count + 1):
        host = address(number)
        ports = {kind: free_port(taken, host) for kind in STORAGE}
        nodes.append(Node(number, host, ports, disks[number - 1::count]))
    return nodes
