# SPDX-License-Identifier: Apache-2.0
"""One server process of the cluster: starts it, waits for it and stops it. Its output goes to its log file."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from .errors import ClusterError
from .ports import HOST

START_SECONDS = 60.0     # a loaded machine with one core needs about 15 to start all servers
STOP_SECONDS = 5.0       # after that a server that ignores SIGTERM is killed
POLL_SECONDS = 0.05
TAIL_LINES = 30


class Child:
    """A process of the cluster that listens on one port of the loopback interface.

    name: for messages. arguments: what follows `python -m s3multi.demo.server`. log_path: the file for its output.
    healthcheck: the path that answers 200 once the server works, or None if an accepted connection is proof enough.
    host: the address that it listens on.
    """

    def __init__(self, name: str, arguments: list[str], port: int, log_path: Path,
                 healthcheck: str | None = '/healthcheck', host: str = HOST) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.log_path = log_path
        self._arguments = arguments
        self._healthcheck = healthcheck
        self._process: subprocess.Popen[bytes] | None = None
        self.stopped = True      # on purpose, or not started yet

    @property
    def pid(self) -> int | None:
        """The process id; None when the server is not running."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code of the last process; None while it runs or before it was started."""
        return None if self._process is None else self._process.poll()

    def spawn(self) -> None:
        """Start the process and return at once; its output is appended to the log.

        Call this from a thread that lives as long as the cluster: the kernel kills the process when the thread ends.
        """
        self._process = launch(self._arguments, self.log_path)
        self.stopped = False

    def start(self) -> None:
        """Start the process and wait until it answers. Raises ClusterError if it does not, within START_SECONDS."""
        self.spawn()
        self.wait_ready(time.monotonic() + START_SECONDS)

    def wait_ready(self, deadline: float) -> None:
        """Return once the server answers. deadline: on the monotonic clock, in seconds.

        Raises ClusterError with the end of the log if the process ends first or the deadline passes.
        """
        while not self.answers():
            self.check_alive()
            if time.monotonic() > deadline:
                self.abort()
                raise ClusterError(f'{self.name} did not answer on port {self.port} in time', self.log_tail())
            time.sleep(POLL_SECONDS)
        self.check_alive()

    def check_alive(self) -> None:
        """Raise ClusterError when the process has ended."""
        code = self.returncode
        if code is not None:
            raise ClusterError(f'{self.name} ended with {describe_exit(code)}', self.log_tail())

    def answers(self) -> bool:
        """Return whether the server answers now."""
        try:
            if self._healthcheck is None:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return True
            connection = http.client.HTTPConnection(self.host, self.port, timeout=1)
            try:
                connection.request('GET', self._healthcheck)
                return connection.getresponse().status == 200
            finally:
                connection.close()
        except (OSError, http.client.HTTPException):
            return False

    def pause(self) -> None:
        """Suspend the process and what it forked; its port still accepts connections, but nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process and what it forked go on after pause()."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask the process and what it forked to end; return at once."""
        self.stopped = True
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and what it forked, at once, and wait for it."""
        self.stopped = True
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def abort(self) -> None:
        """End the process as if it had crashed: its log ends with what each of its threads was doing."""
        self._signal(signal.SIGABRT)
        self.wait_stopped(time.monotonic() + STOP_SECONDS)

    def stop(self) -> None:
        """End the process, after STOP_SECONDS by force. Does nothing if it is not running."""
        self.terminate()
        self.wait_stopped(time.monotonic() + STOP_SECONDS)

    def wait_stopped(self, deadline: float) -> None:
        """Wait for the process to end; kill it at the deadline. deadline: on the monotonic clock, in seconds."""
        if self._process is not None:
            try:
                self._process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            self.kill()

    def log_text(self) -> str:
        """Return the whole log; '' when there is none yet."""
        try:
            return self.log_path.read_text(encoding='utf-8', errors='replace')
        except FileNotFoundError:
            return ''

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines of the log."""
        return '\n'.join(self.log_text().splitlines()[-lines:])

    def _signal(self, number: int) -> None:
        # Once the process has been waited for, its number may belong to another one.
        if self._process is None or self.pid is None:
            return
        try:
            # launch() makes the process the leader of a group of its own, so this reaches what it forked, too.
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def launch(arguments: list[str], log_path: Path) -> subprocess.Popen[bytes]:
    """Start `python -m s3multi.demo.server` with `arguments`, in a session of its own, writing to `log_path`."""
    environment = dict(os.environ)
    # Whatever this process can import, the server can: a checkout that is not installed, a test's own filter.
    environment['PYTHONPATH'] = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    environment['PYTHONWARNINGS'] = 'ignore'       # eventlet warns on every start that it is deprecated
    environment['PYTHONUNBUFFERED'] = '1'
    environment['PYTHONFAULTHANDLER'] = '1'        # what abort() relies on
    # Addresses are numbers here; without a resolver of its own eventlet is imported in half the time.
    environment['EVENTLET_NO_GREENDNS'] = 'yes'
    with open(log_path, 'ab') as log:
        # A session of its own: Ctrl-C at the terminal reaches only the demo, which then stops the servers in order.
        return subprocess.Popen(
            [sys.executable, '-m', 's3multi.demo.server', '--parent', str(os.getpid()), *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)


def describe_exit(code: int) -> str:
    """Return an exit code in words: 'exit code 1', 'signal SIGKILL'."""
    if code >= 0:
        return f'exit code {code}'
    try:
        return f'signal {signal.Signals(-code).name}'
    except ValueError:
        return f'signal {-code}'
