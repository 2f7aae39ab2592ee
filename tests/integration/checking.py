# SPDX-License-Identifier: Apache-2.0
"""The command s3multi-check as an operator runs it."""

from __future__ import annotations

from .sweeping import Sweeper
from .users import account


class Checker(Sweeper):
    """Runs the command against a cluster. Arguments: as for ``Sweeper``."""

    package = 'check'

    def __init__(self, cluster, name='s3multi-check', **more):
        super().__init__(cluster, name, **more)

    def run(self, *arguments):
        """Run the command to its end."""
        return self._run(*arguments, days=0)

    def bucket(self, bucket, *arguments):
        """Check one bucket."""
        return self.run(f'{account()}/{bucket}', *arguments)


def found(ran):
    """Return what is wrong in each object that was told of: what, and the container and name of each segment."""
    return {line['key']: [(problem['what'], problem['segment']) for problem in line['problems']]
            for line in ran.lines if line['event'] == 'object' and line['outcome'] == 'broken'}
