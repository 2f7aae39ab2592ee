# SPDX-License-Identifier: Apache-2.0
"""``s3multi-sweep``: ends uploads whose proxy died or whose client forgot them, and frees parts that no object uses."""
import argparse
import sys
from collections.abc import Callable, Iterable, Sequence

from swift.common.utils import EventletRateLimiter, Timestamp

from s3multi.commands.arguments import Place, add_places, duration, parse, places
from s3multi.commands.cluster import ReachedCluster
from s3multi.commands.interrupt import Interrupt
from s3multi.commands.lines import shown
from s3multi.commands.start import begin
from s3multi.config import ConfigError
from s3multi.storage.concurrency import FAILURES
from s3multi.sweep.bucket import Sweep
from s3multi.sweep.report import CANNOT_START, Report
from s3multi.sweep.rules import LEAST_GRACE_SECONDS, MOST_GRACE_SECONDS, Limits
from s3multi.upload.records import GRACE_SECONDS


def _grace(text: str) -> float:
    seconds = duration(text)
    if not LEAST_GRACE_SECONDS <= seconds <= MOST_GRACE_SECONDS:
        raise argparse.ArgumentTypeError('expected a time from 1h to 7d')
    return seconds


def read_arguments(arguments: 'Sequence[str] | None') -> argparse.Namespace:
    """Return the options of the command line. arguments: without the program's name; None for those of the process.

    Exits with code 2 when they are wrong.
    """
    parser = argparse.ArgumentParser(prog='s3multi-sweep', description=__doc__.replace('``', ''), epilog=(
        'Exit codes: 0 all was swept; 1 something could not be read or deleted, run it again; 2 it could not start; '
        '3 interrupted; 4 all was swept, and nothing empties the queue of the object expirer.'))
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
    parser.add_argument('--uploads-per-second', type=float, default=0.0, metavar='N',
                        help='ask Swift about at most N uploads per second (no limit)')
    parser.add_argument('--skip-queue', action='store_true',
                        help='do not look at the queue of the object expirer, which takes some 200 small requests')
    parser.add_argument('--json', action='store_true', help='report in JSON, one document per line')
    parser.add_argument('--verbose', action='store_true', help='report uploads that are left as they are, too')
    return parse(parser, arguments, 'sweep')


def sweep_all(sweep: Sweep, cluster: ReachedCluster, wanted: Iterable[Place], report: Report,
              stop: Callable[[], bool]) -> None:
    """Sweep one place after the other, and report; return before the end when ``stop`` says so.

    wanted: as ``places`` yields them. A place that cannot be read is reported, and does not end the sweep.
    """
    for account, only in wanted:
        try:
            for bucket in cluster.wanted(account, only):
                if stop():
                    return
                report.containers += 1
                report.show('%s/%s' % (account, bucket))
                _sweep_one(sweep, account, bucket, report, stop)
        except FAILURES as error:
            report.unreadable(account, only, error)
        if stop():
            return


def _sweep_one(sweep: Sweep, account: str, bucket: str, report: Report, stop: Callable[[], bool]) -> None:
    try:
        for outcome in sweep.bucket(account, bucket, stop):
            report.add(outcome)
    except FAILURES as error:
        report.unreadable(account, bucket, error)


def main(arguments: 'Sequence[str] | None' = None) -> int:
    """Run the command; return its exit code. arguments: as ``read_arguments`` takes them."""
    options = read_arguments(arguments)
    logger = begin('s3multi-sweep')
    try:
        cluster = ReachedCluster(options.conf, options.swift_dir, logger, 's3multi sweep')
    # SystemExit is how Swift refuses storage policies that are wrong.
    except (ValueError, LookupError, OSError, SystemExit) as error:
        print('s3multi-sweep: %s' % shown(str(error)), file=sys.stderr)
        return CANNOT_START
    stop = Interrupt()
    limiter = EventletRateLimiter(options.uploads_per_second)
    sweep = Sweep(cluster.client.app, cluster.ids, cluster.settings, logger,
                  Limits(options.grace, options.abort_older_than, options.keep_finished), options.apply,
                  options.concurrency, limiter.wait)
    report = Report(sys.stdout, sys.stderr if sys.stderr.isatty() else None, as_json=options.json,
                    applied=options.apply, verbose=options.verbose)
    try:
        sweep_all(sweep, cluster, places(options, cluster, lambda place, error: report.unreadable(place, None, error)),
                  report, stop)
    # Places are read while the sweep goes on: a file of accounts may be missing, or the directory of devices.
    except (ConfigError, OSError) as error:
        print('s3multi-sweep: %s' % shown(str(error)), file=sys.stderr)
        return CANNOT_START
    queue, warnings = None, []
    try:
        queue = None if stop() or options.skip_queue else cluster.queue(float(Timestamp.now()))
        warnings = queue.warnings if queue else []
    except FAILURES as error:
        warnings = ['The queue of the object expirer cannot be looked at: %s' % error]
    return report.end(stop(), queue, warnings)


if __name__ == '__main__':
    sys.exit(main())
