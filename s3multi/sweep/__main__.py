# SPDX-License-Identifier: Apache-2.0
"""``s3multi-sweep``: ends uploads whose proxy died or whose client forgot them, and frees parts that no object uses."""
import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Any

import s3multi.commands.quiet  # noqa: F401 - before Swift
from swift.common.utils import EventletRateLimiter, Timestamp

from s3multi.commands.arguments import add_places, count, duration, in_order, parse, places, positive
from s3multi.commands.cluster import ReachedCluster
from s3multi.commands.files import check_writable, replace_file
from s3multi.commands.interrupt import Interrupt, Stop
from s3multi.commands.lines import shown
from s3multi.commands.position import PositionFile, Trail
from s3multi.commands.start import begin
from s3multi.config import ConfigError
from s3multi.storage.concurrency import FAILURES
from s3multi.sweep.bucket import Sweep
from s3multi.sweep.report import CANNOT_START, INCOMPLETE, Report
from s3multi.sweep.rules import LEAST_GRACE_SECONDS, MOST_GRACE_SECONDS, Limits
from s3multi.sweep.run import Run
from s3multi.sweep.summary import Summary
from s3multi.upload.records import GRACE_SECONDS


def _grace(text: str) -> float:
    seconds = duration(text)
    if not LEAST_GRACE_SECONDS <= seconds <= MOST_GRACE_SECONDS:
        raise argparse.ArgumentTypeError('expected a time from 1h to 7d')
    return seconds


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog='s3multi-sweep', description=__doc__.replace('``', ''), epilog=(
        'Exit codes: 0 all was swept; 1 something could not be read or deleted, run it again; 2 it could not start; '
        '3 interrupted; 4 all was swept, and nothing empties the queue of the object expirer; 5 --limit or --deadline '
        'has ended it.'))
    add_places(parser, 'sweep')
    parser.add_argument('--apply', action='store_true',
                        help='make the changes; without this, only report what would be changed')
    parser.add_argument('--grace', type=_grace, default=GRACE_SECONDS, metavar='TIME',
                        help='delete nothing that is younger than this, as in 36h or 2d; from 1h to 7d (2d)')
    parser.add_argument('--abort-older-than', type=duration, metavar='TIME',
                        help='abort uploads that were initiated longer ago than this, as in 30d')
    parser.add_argument('--keep-finished', action='store_true',
                        help='keep all parts of completed uploads, whether or not an object refers to them')
    parser.add_argument('--concurrency', type=int, choices=range(1, 101), default=8, metavar='N',
                        help='how many uploads to look at concurrently (%(default)s)')
    # The second name is that of 0.1.0.
    parser.add_argument('--rate', '--uploads-per-second', type=positive, default=0.0, metavar='N',
                        help='ask Swift about at most N uploads per second (no limit)')
    parser.add_argument('--limit', type=count, metavar='N', help='end after asking Swift about N uploads')
    parser.add_argument('--deadline', type=duration, metavar='TIME', help='end after this time, as in 90m or 6h')
    parser.add_argument('--position', metavar='FILE',
                        help='go on where the last run with this FILE has ended, and keep there how far this one has '
                             'come; at the end of all places the FILE is removed')
    parser.add_argument('--skip-queue', action='store_true',
                        help='do not look at the queue of the object expirer, which takes some 200 small requests')
    parser.add_argument('--recon-file', metavar='FILE', help='keep the last report in this file, as JSON')
    parser.add_argument('--textfile', metavar='FILE',
                        help='keep it in this file for the textfile collector of node-exporter, as in DIR/s3multi.prom')
    parser.add_argument('--json', action='store_true', help='report in JSON, one document per line')
    parser.add_argument('--verbose', action='store_true', help='report uploads that are left as they are, too')
    return parser


def read_arguments(arguments: 'Sequence[str] | None') -> argparse.Namespace:
    """Return the options of the command line. arguments: without the program's name; None for those of the process.

    Exits with code 2 when they are wrong.
    """
    return parse(make_parser(), arguments, 'sweep')


def main(arguments: 'Sequence[str] | None' = None) -> int:
    """Run the command; return its exit code. arguments: as ``read_arguments`` takes them."""
    options = read_arguments(arguments)
    interrupt = Interrupt()
    began, logger = time.time(), begin('s3multi-sweep')
    try:
        for file in filter(None, (options.recon_file, options.textfile)):
            check_writable(file)
        cluster = ReachedCluster(options.conf, options.swift_dir, logger, 's3multi sweep')
    # SystemExit is how Swift refuses storage policies that are wrong.
    except (ValueError, LookupError, OSError, SystemExit) as error:
        return _complain(error, CANNOT_START)
    report = Report(sys.stdout, sys.stderr if sys.stderr.isatty() else None, as_json=options.json,
                    applied=options.apply, verbose=options.verbose)
    try:
        code = _run(options, logger, cluster, report, interrupt)
    # Places are read while the sweep goes on: a file of accounts may be missing, or the directory of devices.
    except (ConfigError, OSError) as error:
        return _complain(error, CANNOT_START)
    summary = Summary(report.last, began, time.time(), code)
    try:
        if options.recon_file:
            replace_file(options.recon_file, summary.json())
        if options.textfile:
            replace_file(options.textfile, summary.textfile())
    except OSError as error:
        return _complain(error, code or INCOMPLETE)
    return code


def _run(options: argparse.Namespace, logger: Any, cluster: ReachedCluster, report: Report,
         interrupt: Interrupt) -> int:
    stop = Stop(interrupt, options.deadline, options.limit)
    limiter = EventletRateLimiter(options.rate)

    def pause() -> None:
        stop.count()
        limiter.wait()

    sweep = Sweep(cluster.client.app, cluster.ids, cluster.settings, logger,
                  Limits(options.grace, options.abort_older_than, options.keep_finished), options.apply,
                  options.concurrency, pause, secrets.token_hex(8))
    named = [*options.places, *filter(None, (options.file, options.local_accounts))]
    kept = PositionFile(options.position, named, 'a sweep')
    trail = Trail(kept.read())
    # A file that cannot be written is told of now.
    kept.write(trail.position)
    Run(sweep, cluster, report, trail, kept, stop).all(in_order(places(
        options, cluster, lambda place, error: report.unreadable(place, None, error))))
    cause = stop.cause()
    if cause:
        kept.write(trail.position)
    else:
        kept.remove()
    queue, warnings = None, []
    try:
        queue = None if cause or options.skip_queue else cluster.queue(float(Timestamp.now()))
        warnings = queue.warnings if queue else []
    except FAILURES as error:
        warnings = ['The queue of the object expirer cannot be looked at: %s' % error]
    return report.end(cause, trail.position, queue, warnings)


def _complain(error: BaseException, code: int) -> int:
    print('s3multi-sweep: %s' % shown(str(error)), file=sys.stderr)
    return code


if __name__ == '__main__':
    sys.exit(main())
