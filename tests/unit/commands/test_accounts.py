# SPDX-License-Identifier: Apache-2.0
"""The accounts of a storage node."""
import logging
from unittest import mock

from swift.account.backend import AccountBroker
from swift.common.utils import Timestamp

from s3multi.commands.accounts import local_accounts


def test_accounts_that_cannot_be_read(tmp_path):
    """A broken database, and a device that is not mounted, are told; the accounts of the others are swept."""
    unreadable = []
    for number, name in enumerate(['AUTH_a', 'AUTH_b']):
        path = tmp_path / 'sda' / 'accounts' / str(number) / 'abc' / (str(number) * 32) / ('%s.db' % (str(number) * 32))
        path.parent.mkdir(parents=True)
        if number:
            path.write_bytes(b'no database')
        else:
            AccountBroker(str(path), account=name).initialize(Timestamp.now().internal)
    (tmp_path / 'sdb').mkdir()
    ring = mock.Mock(get_nodes=lambda account: (0, [{'device': 'sda', 'ip': '127.0.0.1'}]))

    def is_mounted(path):
        return path.endswith('sda')

    with mock.patch('swift.common.utils.ismount', is_mounted):
        found = list(local_accounts(ring, str(tmp_path), True, logging.getLogger('s3multi.test'),
                                    lambda place, error: unreadable.append((place, str(error)))))

    assert ['AUTH_a'] == found
    (broken, _), (device, reason) = unreadable
    assert broken.endswith('.db') and (device, 'not mounted' in reason) == ('sdb', True)


def test_no_databases(tmp_path):
    """A directory of devices on which there is no account database is told: it may be the wrong one."""
    unreadable = []
    (tmp_path / 'sda' / 'objects').mkdir(parents=True)

    found = list(local_accounts(mock.Mock(), str(tmp_path), False, logging.getLogger('s3multi.test'),
                                lambda place, error: unreadable.append((place, str(error)))))

    assert ([], [(str(tmp_path), 'no account database is there')]) == (found, unreadable)
