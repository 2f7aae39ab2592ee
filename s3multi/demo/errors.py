# SPDX-License-Identifier: Apache-2.0
"""Failures of the demo that its user can do something about."""


class DemoError(Exception):
    """A failure with one clear message for the person at the terminal."""


class ClusterError(DemoError):
    """A cluster cannot be set up, or has lost a server.

    log_tail: the last lines of the log of the server in question; '' if no server was started.
    """

    def __init__(self, message: str, log_tail: str = '') -> None:
        super().__init__(message)
        self.log_tail = log_tail

    def __str__(self) -> str:
        message = super().__str__()
        if self.log_tail:
            return f'{message}\nThe end of the log:\n{self.log_tail}'
        return message
