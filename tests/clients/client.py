# SPDX-License-Identifier: Apache-2.0
"""What the tests have every S3 client do, by the client's own calls: upload, list, copy, resume and abort."""

from __future__ import annotations

import importlib.metadata
import importlib.util
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
    """Where the clients send their requests, and as which user. ca: the file of the authority to trust; '' without TLS.

    home: a directory for the files that a client writes, in place of the user's own.
    """

    url: str
    home: Path
    ca: str = ''
    access: str = 'test:tester'
    secret: str = 'testing'

    @property
    def tls(self):
        """Whether requests go over TLS."""
        return bool(self.ca)

    @property
    def address(self):
        """Host and port."""
        return self.url.partition('://')[2]

    @property
    def environment(self):
        """The environment of a client that is a program: keys, endpoint and authority, and no settings of the user."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(('AWS_', 'RCLONE_', 'PYTHON')) and 'PROXY' not in name.upper()}
        names = 'AWS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'
        return {**kept, 'HOME': str(self.home), 'AWS_ACCESS_KEY_ID': self.access, 'AWS_SECRET_ACCESS_KEY': self.secret,
                'AWS_REGION': REGION, 'AWS_DEFAULT_REGION': REGION, 'AWS_ENDPOINT_URL': self.url,
                **(dict.fromkeys(names, self.ca) if self.ca else {})}


class Failed(Exception):
    """A client reported an error. code: that of S3, or what the client says instead. message: all that it said.

    typed: whether the client has an exception of its own for this error.
    """

    def __init__(self, code, message='', typed=False):
        super().__init__(code, message)
        self.code, self.message, self.typed = code, message, typed


class Client:
    """One S3 client. It does not override what it does not offer, and names it in `lacks`.

    name: of the client. get: how to install it. file_bytes: the size of a file that it sends in parts by default.
    part_bytes: the size of those parts. copy_bytes: the size of an object that it copies in parts. fail_bytes: the size
    of a file whose upload it gives up half-way. checksum: the algorithm of the checksum that the object has by default;
    None for none. lacks: the topics of tests that leave the client out, and why.
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
        """Return what this machine lacks to run the client; '' if it can run."""
        raise NotImplementedError

    @classmethod
    def version(cls):
        """Return the version of the client."""
        raise NotImplementedError

    def upload(self, path, bucket, key):
        """Upload a file."""
        raise NotImplementedError

    def upload_with(self, path, bucket, key, metadata):
        """Upload a file with metadata, a dict of name to value."""
        raise NotImplementedError

    def download(self, bucket, key, path):
        """Download an object into a file."""
        raise NotImplementedError

    def read(self, bucket, key, start, size):
        """Return ``size`` bytes of an object, from byte ``start``."""
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
        """Copy an object within the server, in parts."""
        raise NotImplementedError

    def copy_large(self, bucket, key, to):
        """Copy an object that is so large that the client copies it in parts by default."""
        raise NotImplementedError

    def resume(self, path, bucket, key, upload_id):
        """Send the parts that are missing in an upload of this file, and complete it."""
        raise NotImplementedError

    def fail(self, path, bucket, key, has_part):
        """Begin to upload a file, and give up when has_part() says that a part has arrived."""
        raise NotImplementedError

    def abort(self, bucket, key, upload_id):
        """Abort an upload."""
        raise NotImplementedError


def missing_module(module, package):
    """Return a text that says what is missing if a module cannot be imported; '' if it can. package: contains it."""
    return '' if importlib.util.find_spec(module) else f'{module} is not installed: pip install "{package}"'


def package_version(package):
    """Return the version of an installed package."""
    return importlib.metadata.version(package)


def find_program(name):
    """Return the path of a program, which is looked for beside this Python first; None if there is none."""
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
        """Return the command line that ends with these words."""
        return [find_program(self.program), *map(str, words)]

    def run(self, *words):
        """Run the program; return what it printed. Raises Failed if it fails."""
        done = subprocess.run(self.command(*words), env=self.site.environment, capture_output=True, text=True,
                              timeout=self.seconds, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise Failed(self.error_code(done.stderr), done.stderr)
        return done.stdout

    def error_code(self, said):
        """Return the S3 error code in what the program said."""
        return said.strip()

    def interrupt(self, has_part, *words, number=signal.SIGINT):
        """Run the program until has_part() returns, then send it a signal and wait for its end."""
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
