# SPDX-License-Identifier: Apache-2.0
"""``s3multi-space``: tells which uploads hold how many bytes, since when, and who began them. It changes nothing."""
import argparse
import sys
from collections.abc import Callable, Iterable, Sequence

import s3multi.commands.quiet  # noqa: F401 - before Swift
from swift.common.utils import Timestamp

from s3multi.commands.arguments import Place, add_places, count, parse, places
from s3multi.commands.cluster import ReachedCluster
from s3multi.commands.files import check_writable, replace_file
from s3multi.commands.interrupt import Interrupt
from s3multi.commands.lines import shown
from s3multi.commands.start import begin
from s3multi.commands.queue import QueueState
from s3multi.config import ConfigError
from s3multi.space.bucket import Reader
from s3multi.space.page import render
from s3multi.space.report import CANNOT_START, Report, exit_code
from s3multi.storage.concurrency import FAILURES


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog='s3multi-space', description=__doc__.replace('``', ''), epilog=(
        'Exit codes: 0 all was read; 1 something could not be read; 2 it could not start; 3 interrupted.'))
    add_places(parser, 'report on')
    parser.add_argument('--top', type=count, default=50, metavar='N',
                        help='tell of the N uploads that hold the most bytes (%(default)s)')
    parser.add_argument('--skip-queue', action='store_true',
                        help='do not look at the queue of the object expirer, which takes some 200 small requests')
    parser.add_argument('--json', action='store_true', help='report in JSON, one document per line')
    parser.add_argument('--html', metavar='FILE', help='write the report with plots to this file, too')
    return parser


def read_arguments(arguments: 'Sequence[str] | None') -> argparse.Namespace:
    """Return the options of the command line. arguments: without the program's name; None for those of the process.

    Exits with code 2 when they are wrong.
    """
    return parse(make_parser(), arguments, 'report on')


def read_all(reader: Reader, cluster: ReachedCluster, wanted: 'Iterable[Place]', report: Report,
             stop: 'Callable[[], bool]') -> None:
    """Read all places, until ``stop`` returns True. A place that cannot be read is reported, and ends nothing."""
    for account, only in wanted:
        bucket = only
        try:
            for bucket in cluster.wanted(account, only):
                report.show('%s/%s' % (account, bucket))
                for holding in reader.holdings(account, bucket, stop):
                    report.add(holding)
                if stop():
                    return
        except FAILURES as error:
            report.unreadable(account, bucket, error)


def main(arguments: 'Sequence[str] | None' = None) -> int:
    """Run the command; return its exit code. arguments: as ``read_arguments`` takes them."""
    options = read_arguments(arguments)
    stop = Interrupt()
    logger = begin('s3multi-space')
    try:
        if options.html:
            check_writable(options.html)
        cluster = ReachedCluster(options.conf, options.swift_dir, logger, 's3multi space')
    # SystemExit is how Swift refuses storage policies that are wrong.
    except (ValueError, LookupError, OSError, SystemExit) as error:
        return _refuse(error)
    report = Report(sys.stdout, sys.stderr if sys.stderr.isatty() else None, options.json, options.top)
    try:
        wanted = places(options, cluster, lambda place, error: report.unreadable(place, None, error))
        read_all(Reader(cluster.client.app, cluster.ids, cluster.settings, logger), cluster, wanted, report, stop)
        found = report.end(stop(), None if stop() or options.skip_queue else _queue(cluster, report))
        if options.html:
            replace_file(options.html, render(found, options.top))
    # A file of places may be missing, or the directory of devices, or the page cannot be written.
    except (ConfigError, OSError) as error:
        return _refuse(error)
    return exit_code(found)


def _refuse(error: BaseException) -> int:
    print('s3multi-space: %s' % shown(str(error)), file=sys.stderr)
    return CANNOT_START


def _queue(cluster: ReachedCluster, report: Report) -> 'QueueState | None':
    try:
        return cluster.queue(float(Timestamp.now()))
    except FAILURES as error:
        report.unreadable('the queue of the object expirer', None, error)
        return None


if __name__ == '__main__':
    sys.exit(main())
