# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in a measurement."""


class BenchmarkError(Exception):
    """A request that was not answered in time, or not with what it must be answered with.

    kind: the status of the answer, or the name of what was raised instead of one; '' for anything else.
    """

    def __init__(self, message: str, kind: str = '') -> None:
        super().__init__(message)
        self.kind = kind
