# SPDX-License-Identifier: Apache-2.0
"""The accounts of a cluster, read from the databases on its storage nodes, because no proxy can list them."""
import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from swift.account.backend import DATADIR, AccountBroker
from swift.common.ring import Ring
from swift.common.utils import audit_location_generator, whataremyips

from s3multi.storage.concurrency import FAILURES

# Called with a place, and the error that keeps it from being read.
Unreadable = Callable[[str, BaseException], None]


def local_accounts(ring: Ring, devices: str, mount_check: bool, logger: Any, unreadable: Unreadable) -> Iterator[str]:
    """Yield the accounts whose first replica, by ``ring``, the ring of accounts, belongs on a device of this node.

    So each account is swept once if every node sweeps its own. devices: the directory of the devices. mount_check:
    whether to skip devices that are not mounted. unreadable: called for each database, and each device, that cannot be
    read; and for ``devices`` when no account database is there.
    """
    own_addresses = whataremyips()
    skipped: dict[str, list[str]] = {}
    has_databases = False
    try:
        for path, device, _partition in audit_location_generator(devices, DATADIR, '.db', mount_check, logger,
                                                                 error_counter=skipped):
            has_databases = True
            try:
                account = _name(path, logger)
            except FAILURES as error:
                unreadable(path, error)
                continue
            # A name with a dot is that of an account of Swift itself, such as the queue of the expirer.
            if account is None or account.startswith('.'):
                continue
            first = ring.get_nodes(account)[1][0]
            if first['device'] == device and first['ip'] in own_addresses:
                yield account
    except OSError as error:
        unreadable(devices, error)
        return
    places = list(chain.from_iterable(skipped.values()))
    for place in places:
        unreadable(place, OSError('it is not mounted, or cannot be listed'))
    if not has_databases and not places:
        unreadable(devices, OSError('no account database is there'))


def _name(path: str, logger: Any) -> 'str | None':
    """Return the account that the database at ``path`` is of; None when the account is deleted."""
    if not os.path.exists(path):
        return None
    broker = AccountBroker(path, logger=logger)
    return None if broker.is_deleted() else str(broker.get_info()['account'])
