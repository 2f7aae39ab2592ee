# SPDX-License-Identifier: Apache-2.0
"""What the tests ask of every S3 client, in the client's own words: uploads, lists, copies, resumes and aborts."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

MIB = 1048576
REGION = 'us-east-1'
PROGRAM_SECONDS = 120
LARGE_SECONDS = 1200


@dataclass(frozen=True)
class Site:
    """Where the clients send their requests, and as whom. ca: the file of the authority to trust, '' without TLS.

    home: a directory for what a client writes outside.
    """

    url: str
    home: Path
    ca: str = ''
    access: str = 'test:tester'
    secret: str = 'testing'

    @property
    def tls(self):
        """Whether the site is asked over TLS."""
        return bool(self.ca)

    @property
    def address(self):
        """Host and port."""
        return self.url.partition('://')[2]

    @property
    def environment(self):
        """The environment of a client that is a program: whose keys, where to, and nothing of the user's own."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(('AWS_', 'RCLONE_', 'PYTHON')) and 'PROXY' not in name.upper()}
        names = 'AWS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'
        return {**kept, 'HOME': str(self.home), 'AWS_ACCESS_KEY_ID': self.access, 'AWS_SECRET_ACCESS_KEY': self.secret,
                'AWS_REGION': REGION, 'AWS_DEFAULT_REGION': REGION, 'AWS_ENDPOINT_URL': self.url,
                **(dict.fromkeys(names, self.ca) if self.ca else {})}


class Failed(Exception):
    """A client reported an error. code: the S3 error's, or what the client says instead. message: all it said.

    typed: whether it was an exception of its own.
    """

    def __init__(self, code, message='', typed=False):
        super().__init__(code, message)
        self.code, self.message, self.typed = code, message, typed


class Client:
    """One S3 client. What it does not offer is not overridden, and named in `lacks` with the reason.

    name, get: what it is called, and how to have it. file_bytes: the size of a file that it sends in parts when
    nothing is said about parts. part_bytes: the size of those parts. copy_bytes: the size of an object to copy in
    parts. fail_bytes: the size of a file to give up in the middle of. checksum: the algorithm of the checksum that the
    object has by default; None for none. lacks: topics of the tests, and why the client has no part in them.
    """

    name = get = ''
    file_bytes = 20 * MIB
    part_bytes = 8 * MIB
    copy_bytes = 20 * MIB
    fail_bytes = 201 * MIB
    checksum = None
    lacks: dict[str, str] = {}

    def __init__(self, site):
        self.site = site

    def part_sizes(self, size):
        """Return the sizes of the parts in which the client sends a file of this size."""
        return [min(self.part_bytes, size - place) for place in range(0, size, self.part_bytes)]

    @classmethod
    def missing(cls):
        """Return what this machine lacks to run the client; '' for nothing."""
        raise NotImplementedError

    @classmethod
    def version(cls):
        """Return the version of the client."""
        raise NotImplementedError

    def upload(self, path, bucket, key):
        """Upload a file."""
        raise NotImplementedError

    def download(self, bucket, key, path):
        """Download an object into a file."""
        raise NotImplementedError

    def objects(self, bucket):
        """Return the objects of a bucket: key to size."""
        raise NotImplementedError

    def uploads(self, bucket):
        """Return the open uploads of a bucket: id to key."""
        raise NotImplementedError

    def parts(self, bucket, key, upload_id):
        """Return the parts of an upload: number to ETag, without quotes."""
        raise NotImplementedError

    def copy(self, bucket, key, to):
        """Copy an object within the server and in parts."""
        raise NotImplementedError

    def copy_large(self, bucket, key, to):
        """Copy an object that is so large that nothing has to be said about parts."""
        raise NotImplementedError

    def resume(self, path, bucket, key, upload_id):
        """Upload the parts that an upload of this file lacks, and complete it."""
        raise NotImplementedError

    def fail(self, path, bucket, key, has_part):
        """Begin to upload a file, and give up when has_part() says that a part has arrived."""
        raise NotImplementedError

    def abort(self, bucket, key, upload_id):
        """Abort an upload."""
        raise NotImplementedError


def missing_module(module, package):
    """Return what is missing when a module cannot be imported; '' if it can. package: what brings it."""
    return '' if importlib.util.find_spec(module) else f'{module} is not installed: pip install "{package}"'


def package_version(package):
    """Return the version of an installed package."""
    return importlib.metadata.version(package)


def find_program(name):
    """Return the path of a program, looked for beside this Python first; None when there is none."""
    path = os.environ.get('PATH', os.defpath)
    return shutil.which(name, path=sysconfig.get_path('scripts') + os.pathsep + path)


class Program(Client):
    """A client that is a program of its own. seconds: how long it may run."""

    program = ''
    seconds = PROGRAM_SECONDS

    @classmethod
    def missing(cls):
        return '' if find_program(cls.program) else f'there is no program {cls.program}: {cls.get}'

    def command(self, *words):
        """Return the command line that the words follow."""
        return [find_program(self.program), *map(str, words)]

    def run(self, *words):
        """Run the program and return what it printed. Raises Failed."""
        done = subprocess.run(self.command(*words), env=self.site.environment, capture_output=True, text=True,
                              timeout=self.seconds, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failed(self.error_code(done.stderr), done.stderr)
        return done.stdout

    def error_code(self, said):
        """Return the S3 error code in what the program said."""
        return said.strip()

    def interrupt(self, has_part, *words, number=signal.SIGINT):
        """Run the program until has_part() says so, then send it a signal and wait for its end."""
        process = subprocess.Popen(self.command(*words), env=self.site.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            has_part()
            assert process.poll() is None, 'the upload was over too early'
            process.send_signal(number)
            process.wait(PROGRAM_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


class Driver(Program):
    """A client that is a library of another environment: a small program of ours calls it, a JSON document a call."""

    def call(self, operation, **arguments):
        """Have the library do something and return its result. Raises Failed."""
        answer = json.loads(self.run(json.dumps({'operation': operation, **arguments}, default=str)))
        if 'error' in answer:
            raise Failed(answer['error'], answer['message'], answer.get('typed', False))
        return answer['result']
