# SPDX-License-Identifier: Apache-2.0
"""The users of the tests, the same ones with tempauth and with Keystone. A test names them as tempauth does.

`auth` is the one in use. Without `pytest --auth keystone` it is tempauth's.
"""

from __future__ import annotations

import base64

import swiftclient

from s3multi.demo.cluster import Cluster
from s3multi.demo.conf import PIPELINE, merge
from s3multi.demo.keystone import OPERATOR_ROLE, PIPELINE as KEYSTONE_PIPELINE

from . import behind

# Password and role of each. tester3 and tester4 may do nothing but what a bucket grants; new:one never makes a bucket.
# reseller:operator may do everything in all accounts; tempauth knows him by RESELLER alone.
USERS = {
    'test:tester': ('testing', OPERATOR_ROLE),
    'test:tester3': ('testing3', 'member'),
    'test:tester4': ('testing4', 'member'),
    'test2:tester2': ('testing2', OPERATOR_ROLE),
    'new:one': ('testing', OPERATOR_ROLE),
    'reseller:operator': ('testing', 'ResellerAdmin'),
}


class TempAuth:
    """The users that the cluster's own configuration has."""

    name = 'tempauth'
    pipeline = PIPELINE
    filters = {}

    def keys(self, user, password):
        """Return the access key and the secret key with which this user signs."""
        return user, password

    def account(self, project):
        """Return the Swift account of a project."""
        return f'AUTH_{project}'

    def everybody(self, project):
        """Return what lets all users of a project in, in the ACL of a container."""
        return project

    def add_operator(self, cluster, own):
        """Add a user of any name to the project test; return the address of a proxy that knows him, and his keys."""
        encoded = base64.b64encode(own.encode()).decode().rstrip('=')
        proxy = cluster.add_proxy('new-operator', filters={'tempauth': {f'user64_dGVzdA_{encoded}': 'testing .admin'}})
        return proxy.url, f'test:{own}', 'testing'

    def connection(self, proxy, user, password, retries=0):
        """Return a connection to the Swift API."""
        return swiftclient.Connection(proxy.auth_url, user, password, retries=retries)


class KeystoneAuth:
    """The same users in a Keystone, with the EC2 credentials that it gives them."""

    name = 'keystone'
    pipeline = KEYSTONE_PIPELINE

    def __init__(self, keystone):
        self.keystone = keystone
        # The secrets stay in the cache: s3api cannot verify signed chunks without.
        self.filters = merge(keystone.filters(), {'s3token': {'secret_cache_duration': 3600}})
        self.users, self._keys = {}, {}
        for name, (password, role) in USERS.items():
            project, _, own = name.partition(':')
            self.users[name] = keystone.add_user(own, password, project, role)
            self._keys[name] = keystone.ec2_credentials(self.users[name])

    def keys(self, user, password):
        """Return the access key and the secret key with which this user signs; of a wrong password, a wrong one."""
        if user not in USERS:
            return user, password
        access, secret = self._keys[user]
        return access, secret if password == USERS[user][0] else password

    def account(self, project):
        """Return the Swift account of a project."""
        return next(user.account for user in self.users.values() if user.project == project)

    def everybody(self, project):
        """Return what lets all users of a project in, in the ACL of a container."""
        return f'{project}:*'

    def add_operator(self, cluster, own):
        """Add a user of any name to the project test; return the address of a proxy that knows him, and his keys."""
        user = self.keystone.add_user(own, 'testing', 'test', OPERATOR_ROLE)
        return cluster.url, *self.keystone.ec2_credentials(user)

    def connection(self, proxy, user, password, retries=0):
        """Return a connection to the Swift API."""
        project, _, own = user.partition(':')
        return _Connection(preauthurl=f'{proxy.url}/v1/{self.account(project)}', retries=retries,
                           preauthtoken=self.keystone.token(own, password, project))


class _Connection(swiftclient.Connection):
    def get_auth(self):
        return self.url, self.token


auth = TempAuth()


def use(chosen):
    """Have all tests from now on use these users."""
    global auth
    auth = chosen


RESELLER = {'tempauth': {'user_reseller_operator': 'testing .reseller_admin'}}

# Lets tests see the markers.
GATEKEEPER = {'gatekeeper': {'allow_reserved_names_header': 'true'}}


# On a machine that is slow, or busy, Swift's own 0.5 s for a connection may pass, and an object server gives the row of
# a PUT up for Swift's updater.
PATIENT = {'conn_timeout': 10}
# A line about each request, in the proxy with twenty fields, would take a tenth of the time of all requests.
QUIET = {'log_requests': False}
PATIENT_STORAGE = {'account': QUIET, 'container': {**QUIET, **PATIENT},
                   'object': {**QUIET, **PATIENT, 'node_timeout': 30, 'container_update_timeout': 30}}
SHORT_LINES = {'proxy-logging': {
    'log_msg_template': '{method} {path} {protocol} {status_int} {bytes_recvd} {bytes_sent} {transaction_id} {source}'}}


def make_cluster(directory, **options):
    """Return a Cluster, not started, for the users in use; `behind.settle` waits for the work of its proxies.

    options: as Cluster takes them, but no pipeline.
    """
    filters = merge(auth.filters, GATEKEEPER, SHORT_LINES, behind.filters(directory / 'in-flight'),
                    options.pop('filters', {}))
    return Cluster(directory, pipeline=auth.pipeline, filters=filters, app=PATIENT, storage=PATIENT_STORAGE, **options)


def account():
    """Return the account of the user with whom most tests work."""
    return auth.account('test')
