# SPDX-License-Identifier: Apache-2.0
"""``s3multi-check``: proves that finished multipart objects can be read, and says what is broken and who mends it."""
import argparse
import sys
from collections.abc import Sequence
from typing import Any

import s3multi.commands.quiet  # noqa: F401 - before Swift
from swift.common.utils import EventletRateLimiter

from s3multi.check.asking import Asking
from s3multi.check.objects import Objects
from s3multi.check.report import NOT_DONE, Report
from s3multi.check.rules import Proof
from s3multi.check.run import Check
from s3multi.check.walk import Walk
from s3multi.commands.arguments import add_places, count, duration, in_order, parse, places, positive
from s3multi.commands.cluster import ReachedCluster
from s3multi.commands.interrupt import Interrupt, Stop
from s3multi.commands.lines import shown
from s3multi.commands.position import PositionFile, Trail
from s3multi.commands.start import begin
from s3multi.config import ConfigError

_MIB = 1 << 20


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog='s3multi-check', description=__doc__.replace('``', ''), epilog=(
        'Exit codes: 0 nothing is wrong with what was looked at; 1 something is broken; 2 something could not be '
        'looked at, or the command could not start, or was interrupted.'))
    add_places(parser, 'check')
    parser.add_argument('--proof', type=Proof, choices=list(Proof), default=Proof.HEAD, metavar='PROOF',
                        help='what has to be shown of each segment: "listing", and where it disagrees its object; '
                             '"head", its object; or "bytes" (head)')
    parser.add_argument('--every-object', action='store_true',
                        help='ask for objects whose rows do not say that they are large, too: for those that Swift '
                             'before 2.17 has stored')
    parser.add_argument('--concurrency', type=int, choices=range(1, 65), default=8, metavar='N',
                        help='how many requests to have under way (%(default)s)')
    parser.add_argument('--rate', type=positive, default=0.0, metavar='N', help='ask Swift at most N times a second')
    parser.add_argument('--mib-per-second', type=positive, default=0.0, metavar='N',
                        help='with --proof bytes: read at most N MiB in a second')
    parser.add_argument('--limit', type=count, metavar='N', help='end after N objects')
    parser.add_argument('--deadline', type=duration, metavar='TIME', help='end after this time, as in 90m or 6h')
    parser.add_argument('--position', metavar='FILE',
                        help='go on where the last run with this FILE has ended, and keep there how far this one has '
                             'come; at the end of all places the FILE is removed')
    parser.add_argument('--json', action='store_true', help='report in JSON, one document per line')
    parser.add_argument('--verbose', action='store_true', help='report whole objects, too')
    return parser


def read_arguments(arguments: 'Sequence[str] | None') -> argparse.Namespace:
    """Return the options of the command line. arguments: without the program's name; None for those of the process.

    Exits with code 2 when they are wrong.
    """
    return parse(make_parser(), arguments, 'check')


def main(arguments: 'Sequence[str] | None' = None) -> int:
    """Run the command; return its exit code. arguments: as ``read_arguments`` takes them."""
    options = read_arguments(arguments)
    interrupt = Interrupt()
    logger = begin('s3multi-check')
    try:
        return _run(options, logger, interrupt)
    # SystemExit is how Swift refuses storage policies that are wrong.
    except (ConfigError, ValueError, LookupError, OSError, SystemExit) as error:
        print('s3multi-check: %s' % shown(str(error)), file=sys.stderr)
        return NOT_DONE


def _run(options: argparse.Namespace, logger: Any, interrupt: Interrupt) -> int:
    cluster = ReachedCluster(options.conf, options.swift_dir, logger, 's3multi check')
    stop = Stop(interrupt, options.deadline)
    report = Report(sys.stdout, sys.stderr if sys.stderr.isatty() else None, as_json=options.json,
                    verbose=options.verbose)
    named = [*options.places, *filter(None, (options.file, options.local_accounts))]
    file = PositionFile(options.position, named, 'a check')
    trail = Trail(file.read())
    # A file that cannot be written is told of now.
    file.write(trail.position)
    bytes_limiter = EventletRateLimiter(options.mib_per_second * _MIB)
    asking = Asking(cluster.client.app, options.concurrency, EventletRateLimiter(options.rate).wait,
                    lambda count: bytes_limiter.wait(incr_by=count))
    check = Check(Walk(asking, options.every_object),
                  Objects(asking, cluster.ids, options.proof, options.concurrency, stop),
                  report, trail, file, stop, options.limit)
    check.all(cluster, in_order(places(options, cluster, lambda place, error: report.unreadable(place, None, error))))
    early = check.ends()
    if early:
        file.write(trail.position)
    else:
        file.remove()
    return report.end(asking, trail.position if early else None, interrupt())


if __name__ == '__main__':
    sys.exit(main())
