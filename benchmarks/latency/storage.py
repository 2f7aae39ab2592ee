# SPDX-License-Identifier: Apache-2.0
"""The clusters on which operations are measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Storage:
    """A cluster. replicas: of objects, containers and accounts. nodes: with storage servers, at least so many."""

    replicas: int
    nodes: int

    @classmethod
    def read(cls, text: str) -> Storage:
        """Return what `text` says: `3/4` for three replicas on four nodes; `3` for three on six. Raises ValueError.

        Swift looks for the newest of several replicas on twice as many nodes, so these are the default.
        """
        replicas, slash, nodes = text.partition('/')
        count = int(replicas)
        found = cls(count, int(nodes) if slash else count if count == 1 else 2 * count)
        if not 0 < found.replicas <= found.nodes:
            raise ValueError(text)
        return found

    @property
    def title(self) -> str:
        """The cluster in words."""
        return 'One replica' if self.replicas == self.nodes == 1 else f'{self.replicas} replicas on {self.nodes} nodes'
