# SPDX-License-Identifier: Apache-2.0
"""The command `s3multi-demo`: its options, what it does in which order, and how it ends."""

import argparse
import contextlib
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, List, Optional

from .. import __version__
from . import bootstrap

if TYPE_CHECKING:
    from .login import Login

DEFAULT_SIZE = '23MiB'        # four parts of 5 MiB and a smaller one


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog='s3multi-demo', description='Start a small Swift cluster with s3multi on this machine, upload a file to '
        'it in parts through the S3 API, show what is stored, read it back and compare.')
    parser.add_argument('--version', action='version', version='%(prog)s ' + __version__)
    parser.add_argument('file', nargs='?', type=Path, metavar='FILE',
                        help='the file to upload (default: random bytes)')
    parser.add_argument('--size', default=DEFAULT_SIZE, help='how many random bytes (default: %(default)s)')
    parser.add_argument('--data', type=Path, metavar='DIR',
                        help='keep the cluster in this directory; the next run finds it again (default: a temporary '
                        'directory that is removed at the end)')
    parser.add_argument('--port', type=int, metavar='N', help="the proxy's TCP port (default: any free one)")
    parser.add_argument('--keystone', action='store_true',
                        help='authenticate users by a Keystone, with EC2 credentials, instead of tempauth')
    parser.add_argument('--exit', action='store_true', help='stop after the walk instead of waiting for Ctrl-C')
    parser.add_argument('--venv', metavar='DIR', help='the virtual environment to use, or to make, if something is '
                        'missing (default: $S3MULTI_VENV, or .venv in the checkout)')
    return parser


def parse_arguments(words: Optional[List[str]]) -> argparse.Namespace:
    """Return the options of the command line; words: None for those of this process."""
    parser = make_parser()
    options = parser.parse_args(words)
    if options.port is not None and not 1 <= options.port <= 65535:
        parser.error('--port takes a number from 1 to 65535')
    return options


def main(words: Optional[List[str]] = None) -> int:
    """Run the demo and return the exit code: 0 when everything matched, 1 otherwise."""
    options = parse_arguments(words)
    arguments = sys.argv[1:] if words is None else words
    modules, extra = list(bootstrap.DEMO_MODULES), 'demo'
    if options.keystone:
        modules, extra = [*modules, *bootstrap.KEYSTONE_MODULES], 'keystone'
    bootstrap.ensure(modules, extra, ['-m', 's3multi.demo', *arguments], options.venv)

    # Before signals raise an exception: in the middle of an import, Python may make another one of it.
    from . import servers, walkthrough  # noqa: F401
    from .errors import DemoError
    try:
        bootstrap.interrupt_by_exception()
        return run(options)
    except DemoError as error:
        return complain(str(error))
    except OSError as error:
        return complain(str(error))
    except KeyboardInterrupt:
        # After SIGHUP there is no terminal.
        with contextlib.suppress(OSError):
            print(flush=True)
        return 130


def run(options: argparse.Namespace) -> int:
    """Start the servers, walk through the upload, and wait for Ctrl-C unless `--exit` was given; return the exit code.

    Raises DemoError, OSError, KeyboardInterrupt.
    """
    from . import servers, walkthrough
    from .errors import ClusterError, DemoError
    from .progress import format_size, parse_size
    try:
        size = parse_size(options.size)
    except ValueError as error:
        raise DemoError(f'--size: {error}') from None
    if options.file is not None and not options.file.is_file():
        raise DemoError(f'{options.file} is no file')
    if (size if options.file is None else options.file.stat().st_size) == 0:
        raise DemoError('there is nothing to upload: a part has at least one byte')

    with data_directory(options.data) as directory:
        with servers.running(directory, options.port, options.keystone) as running:
            path = options.file
            if path is None:
                path = directory / 'random.bin'
                walkthrough.make_file(path, size)
                print(f'Made {path}: {format_size(size)} of random bytes')
            try:
                matched = walkthrough.walk(running.url, running.login, path)
            except DemoError as error:
                # If a server died, the message about that is the better one.
                running.check()
                raise ClusterError(str(error), running.cluster.proxy.log_tail()) from error
            print('\nEverything matches.' if matched else '\nSomething does NOT match, see above.')
            if not options.exit:
                invite(running.url, running.login, path)
                while True:
                    time.sleep(0.5)
                    running.check()
            return 0 if matched else 1


@contextlib.contextmanager
def data_directory(chosen: Optional[Path]) -> Iterator[Path]:
    """Yield the directory that the user chose, or a temporary one that is removed afterwards."""
    if chosen is not None:
        yield chosen.resolve()
        return
    with tempfile.TemporaryDirectory(prefix='s3multi-demo-') as name:
        yield Path(name).resolve()


def invite(url: str, login: 'Login', path: Path) -> None:
    """Print commands to copy and paste, for the AWS CLI, boto3 and the Swift client. path: the file uploaded."""
    from .walkthrough import BUCKET, REGION
    file = shlex.quote(str(path.resolve()))
    print(f"""
Try it from another terminal. With the AWS CLI:

  export AWS_ACCESS_KEY_ID={login.access_key} AWS_SECRET_ACCESS_KEY={login.secret_key} AWS_DEFAULT_REGION={REGION}
  aws --endpoint-url {url} s3 cp {file} s3://{BUCKET}/again
  aws --endpoint-url {url} s3 ls s3://{BUCKET}/

With boto3, in {bootstrap.shown(Path(sys.executable))}:

  import boto3
  s3 = boto3.client('s3', endpoint_url='{url}', region_name='{REGION}',
                    aws_access_key_id='{login.access_key}',
                    aws_secret_access_key='{login.secret_key}')
  s3.upload_file({str(path.resolve())!r}, '{BUCKET}', 'again')

With python-swiftclient:

  swift {login.swift_options} list {BUCKET}_segments

Ctrl-C ends the cluster.""", flush=True)


def complain(message: str) -> int:
    """Print what went wrong; return the exit code for it."""
    sys.stdout.flush()
    print(f's3multi-demo: {message}', file=sys.stderr, flush=True)
    return 1
