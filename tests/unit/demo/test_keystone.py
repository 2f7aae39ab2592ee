# SPDX-License-Identifier: Apache-2.0
"""The configuration of the demo's Keystone."""

import configparser
from pathlib import Path

from s3multi.demo.keystone import _keystone_conf


def test_all_keys_lie_in_the_directory_of_the_demo():
    """By default those of receipts are in /etc/keystone, where only root may write."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(_keystone_conf(Path('/data')))

    assert {'/data/fernet-keys'} == {parser[name]['key_repository'] for name in ('fernet_tokens', 'fernet_receipts')}
    assert '/data/credential-keys' == parser['credential']['key_repository']
