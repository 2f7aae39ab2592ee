# SPDX-License-Identifier: Apache-2.0
"""`python3 -m s3multi.demo`, also installed as `s3multi-demo`: a Swift cluster and one multipart upload on it."""

import argparse
import contextlib
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator, List, Optional

from . import bootstrap

DEFAULT_SIZE = '23MiB'        # four parts of 5 MiB and a smaller one


def parse_arguments(words: Optional[List[str]]) -> argparse.Namespace:
    """Return the options of the command line; words: None for those of this process."""
    parser = argparse.ArgumentParser(
        prog='s3multi-demo', description='Start a small Swift cluster with s3multi on this machine, upload a file to '
        'it in parts through the S3 API, show what is stored, read it back and compare.')
    parser.add_argument('file', nargs='?', type=Path, metavar='FILE',
                        help='the file to upload (default: random bytes)')
    parser.add_argument('--size', default=DEFAULT_SIZE, help='how many random bytes (default: %(default)s)')
    parser.add_argument('--data', type=Path, metavar='DIR',
                        help='keep the cluster in this directory; the next run finds it again (default: a temporary '
                        'directory that is removed at the end)')
    parser.add_argument('--port', type=int, metavar='N', help="the proxy's TCP port (default: any free one)")
    parser.add_argument('--exit', action='store_true', help='stop after the walk instead of waiting for Ctrl-C')
    parser.add_argument('--venv', metavar='DIR', help='the virtual environment to use or make where something is '
                        'missing (default: $S3MULTI_VENV, or .venv in the checkout)')
    options = parser.parse_args(words)
    if options.port is not None and not 1 <= options.port <= 65535:
        parser.error('--port takes a number from 1 to 65535')
    return options


def main(words: Optional[List[str]] = None) -> int:
    """Run the demo and return the exit code: 0 when everything matched, 1 otherwise."""
    options = parse_arguments(words)
    arguments = sys.argv[1:] if words is None else words
    bootstrap.ensure(bootstrap.DEMO_MODULES, 'demo', ['-m', 's3multi.demo', *arguments], options.venv)

    from .errors import DemoError
    # As Ctrl-C: the servers are stopped and the temporary directory removed on the way out.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return run(options)
    except DemoError as error:
        return complain(str(error))
    except OSError as error:
        return complain(str(error))
    except KeyboardInterrupt:
        print()
        return 130


def run(options: argparse.Namespace) -> int:
    """Bring up the cluster, tell the story, wait if so asked. Raises DemoError, OSError, KeyboardInterrupt."""
    from . import walkthrough
    from .cluster import Cluster
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
        print(f'Starting a Swift cluster in {directory} ...', flush=True)
        started = time.monotonic()
        with Cluster(directory, proxy_port=options.port) as cluster:
            cache = cluster.cache_program or "the demo's own stand-in for memcached"
            print(f'Up after {time.monotonic() - started:.1f} s; S3 and Swift API: {cluster.url}; cache: {cache}')
            path = options.file
            if path is None:
                path = directory / 'random.bin'
                walkthrough.make_file(path, size)
                print(f'Made {path}: {format_size(size)} of random bytes')
            try:
                matched = walkthrough.walk(cluster.url, cluster.proxy.auth_url, path)
            except DemoError as error:
                # When a server died on the way, that is the better message.
                cluster.check()
                raise ClusterError(str(error), cluster.proxy.log_tail()) from error
            print('\nEverything matches.' if matched else '\nSomething does NOT match, see above.')
            if not options.exit:
                invite(cluster.url, cluster.proxy.auth_url, path)
                while True:
                    time.sleep(0.5)
                    cluster.check()
            return 0 if matched else 1


@contextlib.contextmanager
def data_directory(chosen: Optional[Path]) -> Iterator[Path]:
    """Give the directory the user chose, or a temporary one that is removed afterwards."""
    if chosen is not None:
        yield chosen.resolve()
        return
    with tempfile.TemporaryDirectory(prefix='s3multi-demo-') as name:
        yield Path(name).resolve()


def invite(url: str, auth_url: str, path: Path) -> None:
    """Print lines to copy and paste, for the AWS CLI, boto3 and the Swift client."""
    from .walkthrough import ACCESS_KEY, BUCKET, REGION, SECRET_KEY
    file = shlex.quote(str(path.resolve()))
    print(f"""
Try it from another terminal. With the AWS CLI:

  export AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY} AWS_DEFAULT_REGION={REGION}
  aws --endpoint-url {url} s3 cp {file} s3://{BUCKET}/again
  aws --endpoint-url {url} s3 ls s3://{BUCKET}/

With boto3:

  import boto3
  s3 = boto3.client('s3', endpoint_url='{url}', region_name='{REGION}',
                    aws_access_key_id='{ACCESS_KEY}', aws_secret_access_key='{SECRET_KEY}')
  s3.upload_file({str(path.resolve())!r}, '{BUCKET}', 'again')

With python-swiftclient:

  swift -A {auth_url} -U {ACCESS_KEY} -K {SECRET_KEY} list {BUCKET}_segments

Ctrl-C ends the cluster.""", flush=True)


def complain(message: str) -> int:
    """Print what went wrong and return the exit code for it."""
    sys.stdout.flush()
    print(f's3multi-demo: {message}', file=sys.stderr, flush=True)
    return 1


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == '__main__':
    sys.exit(main())
