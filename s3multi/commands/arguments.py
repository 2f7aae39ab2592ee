# SPDX-License-Identifier: Apache-2.0
"""The options that all commands have: what to look at, and how to reach Swift."""
import argparse
import os
from collections.abc import Iterable, Iterator

from s3multi import __version__
from s3multi.commands.accounts import Unreadable
from s3multi.commands.cluster import ReachedCluster

_UNITS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}
DEFAULT_CONF = '/etc/swift/s3multi-sweep.conf'
# An account, and one of its buckets or None for all of them.
Place = tuple[str, 'str | None']


def duration(text: str) -> float:
    """Return the seconds that ``text`` stands for: ``36h``, ``2d``, ``90m``, ``3600s`` or ``3600``.

    Raises ValueError unless it is a positive number, with one of these units or none.
    """
    number, unit = (text[:-1], _UNITS[text[-1]]) if text and text[-1] in _UNITS else (text, 1)
    return positive(repr(float(number) * unit))


def positive(text: str) -> float:
    """Return the number that ``text`` stands for. Raises ValueError unless it is positive and finite."""
    number = float(text)
    if not 0 < number < float('inf'):
        raise ValueError(text)
    return number


def count(text: str) -> int:
    """Return the number that ``text`` stands for. Raises ValueError unless it is positive."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def add_places(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add ``--version``, and the options that say where Swift is and what to ``verb``."""
    parser.add_argument('--version', action='version', version='%(prog)s ' + __version__)
    parser.add_argument('places', nargs='*', metavar='ACCOUNT[/BUCKET]', help='what to %s' % verb)
    parser.add_argument('--from', dest='file', metavar='FILE',
                        help='a file with more places to %s, one per line; - for standard input' % verb)
    parser.add_argument('--local-accounts', metavar='DEVICES',
                        help='%s all accounts whose first replica is on this storage node; DEVICES as in '
                             'account-server.conf, where the default is /srv/node' % verb)
    parser.add_argument('--no-mount-check', action='store_true',
                        help='with --local-accounts: devices need not be mount points')
    # PasteDeploy takes absolute paths only.
    parser.add_argument('--conf', type=os.path.abspath, default=DEFAULT_CONF, metavar='FILE',
                        help='the pipeline of the internal client (%(default)s)')
    parser.add_argument('--swift-dir', help='where swift.conf and the rings are (/etc/swift)')


def parse(parser: argparse.ArgumentParser, arguments: 'Iterable[str] | None', verb: str) -> argparse.Namespace:
    """Return the options of the command line; exit with code 2 when they are wrong, or name no place to ``verb``."""
    options = parser.parse_args(None if arguments is None else list(arguments))
    if not (options.places or options.file or options.local_accounts):
        parser.error('say what to %s: accounts, --from or --local-accounts' % verb)
    return options


def places(options: argparse.Namespace, cluster: ReachedCluster, unreadable: Unreadable) -> Iterator[Place]:
    """Yield the places that the options of ``add_places`` name.

    unreadable: called for a name, a database or a device that cannot be read. Raises OSError for a file that cannot be
    read, ConfigError for a directory of devices that does not exist.
    """
    yield from _split(options.places)
    if options.file:
        # What is no UTF-8 is no account, and is told of as such.
        with open(0 if options.file == '-' else options.file, encoding='utf-8-sig', errors='surrogateescape',
                  closefd=options.file != '-') as lines:
            yield from _split(lines)
    if options.local_accounts:
        for account in cluster.local_accounts(options.local_accounts, not options.no_mount_check, unreadable):
            yield account, None


def in_order(wanted: 'Iterator[Place]') -> 'list[Place]':
    """Return places in order, each once; no bucket of an account that is there as a whole."""
    whole: set[tuple[str, str]] = set()
    single: set[tuple[str, str]] = set()
    for account, bucket in wanted:
        (whole if bucket is None else single).add((account, bucket or ''))
    single = {(account, bucket) for account, bucket in single if (account, '') not in whole}
    return [(account, bucket or None) for account, bucket in sorted(whole | single)]


def _split(lines: Iterable[str]) -> Iterator[Place]:
    for line in lines:
        account, _, bucket = line.strip().partition('/')
        if account and not account.startswith('#'):
            yield account, bucket or None
