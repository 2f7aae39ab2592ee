# SPDX-License-Identifier: Apache-2.0
"""The command s3multi-sweep as an operator runs it, but for its clock."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .behind import settle
from .users import account

DAYS = 86400
SAMPLE = Path(__file__).parents[2] / 'etc' / 's3multi-sweep.conf-sample'
# Reads a command line and how many seconds the clock is ahead from a line of its input, and tells what came of it. A
# request that failed is repeated sooner than Swift's two and four seconds.
_SERVER = '''
import contextlib, io, json, sys, time
from swift.common import internal_client
from swift.common.utils import timestamp
pause = internal_client.sleep
internal_client.sleep = lambda seconds: pause(seconds / 20)
class Clock:
    ahead = 0
    def time(self):
        return time.time() + self.ahead
timestamp.time = clock = Clock()
from tests import entry_points
entry_points.remember()
from s3multi.%s.__main__ import main
for line in sys.stdin:
    arguments, clock.ahead = json.loads(line)
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(arguments)
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
'''
# The same once, without any clock but its own.
_ONCE = 'import sys; from s3multi.%s.__main__ import main; sys.exit(main())'


@dataclass
class Swept:
    """code: of the exit. uploads: the lines about uploads. report: the last line. errors: what was said on stderr."""

    code: int
    lines: list
    errors: str

    @property
    def report(self):
        return self.lines[-1]

    def outcomes(self, bucket=None):
        """Return upload ids and what was done with them."""
        return {line['upload']: line['outcome'] for line in self.lines if line['event'] == 'upload'
                and bucket in (None, line['bucket'])}


class Sweeper:
    """Runs the command against a cluster. section: further options, by section, of the sample of its conf file."""

    package = 'sweep'

    def __init__(self, cluster, name='s3multi-sweep', app=(), sections=(), pipeline=None):
        text = SAMPLE.read_text()
        text = text.replace('# swift_dir = /etc/swift', f'swift_dir = {cluster.swift_dir}\nlog_udp_host = 127.0.0.1\n'
                                                        'log_udp_port = 9')
        text = text.replace('# memcache_servers = 127.0.0.1:11211',
                            f'memcache_servers = 127.0.0.1:{cluster.servers["cache"].port}')
        text = text.replace('use = egg:swift#proxy\n', 'use = egg:swift#proxy\n' + ''.join(
            f'{name} = {value}\n' for name, value in {'error_suppression_interval': 1, **dict(app)}.items()))
        for section, options in dict(sections).items():
            text += f'\n[{section}]\n' + ''.join(f'{name} = {value}\n' for name, value in options.items())
        if pipeline:
            text = text.replace('catch_errors cache versioned_writes symlink proxy-logging proxy-server', pipeline)
        self.cluster = cluster
        self.conf = cluster.swift_dir / f'{name}.conf'
        self.conf.write_text(text)

        self._server = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._server is not None:
            self._server.stdin.close()
            self._server.stdout.close()
            self._server.wait(10)

    def _arguments(self, arguments):
        return ['--conf', str(self.conf), '--swift-dir', str(self.cluster.swift_dir), '--json', *arguments]

    @staticmethod
    def _spawn(code, arguments, **options):
        return subprocess.Popen([sys.executable, '-c', code, *arguments], stdout=subprocess.PIPE, text=True, env={
            **os.environ, 'PYTHONWARNINGS': 'ignore', 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}, **options)

    def start(self, *arguments):
        """Start the command by itself, and return the process."""
        return self._spawn(_ONCE % self.package, self._arguments(arguments), stderr=subprocess.PIPE)

    @staticmethod
    def end(process, first=''):
        """Wait for a process and return what it told. first: what was read of it already."""
        try:
            out, errors = process.communicate(timeout=100)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        return _swept(process.returncode, first + out, errors)

    def run(self, *arguments, days=3.0, queue=False):
        """Run the command to its end. days: how many its clock is ahead. queue: whether to look at the expirer's."""
        return self._run(*arguments, *(() if queue else ('--skip-queue',)), days=days)

    def _run(self, *arguments, days):
        settle()
        # One process for all, since most of the time goes into its imports.
        if self._server is None:
            self._server = self._spawn(_SERVER % self.package, [], stdin=subprocess.PIPE)
        print(json.dumps([self._arguments(arguments), days * DAYS]), file=self._server.stdin, flush=True)
        return _swept(*json.loads(self._server.stdout.readline()))

    def bucket(self, bucket, *arguments, days=3.0):
        """Sweep one bucket, for real."""
        return self.run(f'{account()}/{bucket}', '--apply', *arguments, days=days)


def _swept(code, out, errors):
    return Swept(code, [json.loads(line) for line in out.splitlines()], errors)
