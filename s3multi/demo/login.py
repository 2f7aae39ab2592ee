# SPDX-License-Identifier: Apache-2.0
"""How the user of the demo logs in: to the S3 API and, to look behind it, to the Swift API."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from .cluster import Proxy
from .keystone import DOMAIN, OPERATOR_ROLE, Keystone
from .swift_api import SwiftAccount, log_in

TEMPAUTH_USER, TEMPAUTH_KEY = 'test:tester', 'testing'
NAME, PASSWORD = 'demo', 'demo-password'      # of Keystone's user; its project has the same name


@dataclass(frozen=True)
class Login:
    """The demo's user. access_key, secret_key: for S3. swift_options: for the command `swift`, quoted for a shell.

    open_account: asks for a token and returns the user's account.
    """

    access_key: str
    secret_key: str
    swift_options: str
    open_account: Callable[[], SwiftAccount]


def with_tempauth(proxy: Proxy) -> Login:
    """Return the login of the account's administrator, who is in the configuration of the proxy."""
    options = ['-A', proxy.auth_url, '-U', TEMPAUTH_USER, '-K', TEMPAUTH_KEY]
    return Login(TEMPAUTH_USER, TEMPAUTH_KEY, shlex.join(options),
                 lambda: log_in(proxy.auth_url, TEMPAUTH_USER, TEMPAUTH_KEY))


def with_keystone(keystone: Keystone, proxy: Proxy) -> Login:
    """Return the login of a user of Keystone. Makes the user and the EC2 credentials if they do not exist yet.

    Also enters the proxy into Keystone's catalog.
    """
    keystone.register(proxy.url)
    user = keystone.add_user(NAME, PASSWORD, NAME, OPERATOR_ROLE)
    access_key, secret_key = keystone.ec2_credentials(user)
    options = ['--os-auth-url', keystone.url, '--auth-version', '3', '--os-username', user.name,
               '--os-password', user.password, '--os-project-name', user.project, '--os-user-domain-id', DOMAIN,
               '--os-project-domain-id', DOMAIN]
    return Login(access_key, secret_key, shlex.join(options),
                 lambda: SwiftAccount(f'{proxy.url}/v1/{user.account}',
                                      keystone.token(user.name, user.password, user.project)))
