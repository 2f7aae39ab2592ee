# SPDX-License-Identifier: Apache-2.0
"""The failure of a measurement."""


class BenchmarkError(Exception):
    """A request was not answered in time, or not as it has to be.

    kind: the status of the answer, or the name of the exception that came in its place; '' for anything else.
    """

    def __init__(self, message: str, kind: str = '') -> None:
        super().__init__(message)
        self.kind = kind
