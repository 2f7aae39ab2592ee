# SPDX-License-Identifier: Apache-2.0
"""The accounts of a cluster, from the databases of its storage nodes: no request can ask a proxy for them."""
import os
from collections.abc import Iterator
from typing import Any

from swift.account.backend import DATADIR, AccountBroker
from swift.common.db import DatabaseConnectionError
from swift.common.exceptions import LockTimeout
from swift.common.ring import Ring
from swift.common.utils import audit_location_generator, whataremyips


def local_accounts(ring: Ring, devices: str, mount_check: bool, logger: Any) -> Iterator[str]:
    """Yield the accounts whose first replica, by the ring of accounts, belongs on a device of this node.

    devices: the directory of the devices. So every account is swept by one node, and all of them if each node sweeps.
    """
    own_addresses = whataremyips()
    for path, device, _partition in audit_location_generator(devices, DATADIR, '.db', mount_check, logger):
        try:
            account = _name(path, logger)
        except (DatabaseConnectionError, LockTimeout) as error:
            logger.warning('the account in %s cannot be read: %s', path, error)
            continue
        if account is None or account.startswith('.'):
            continue
        first = ring.get_nodes(account)[1][0]
        if first['device'] == device and first['ip'] in own_addresses:
            yield account


def _name(path: str, logger: Any) -> 'str | None':
    """Return the account of a database, None when it is deleted."""
    if not os.path.exists(path):
        return None
    broker = AccountBroker(path, logger=logger)
    return None if broker.is_deleted() else str(broker.get_info()['account'])
