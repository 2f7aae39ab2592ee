# SPDX-License-Identifier: Apache-2.0
"""A real Keystone on the loopback interface, and what a cluster needs to use it: users, EC2 credentials, filters.

What runs in Keystone's process is in keystone_server.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from . import conf, disks
from .child import Child
from .errors import DemoError
from .ports import HOST, free_port

# authtoken stands to the left of s3api. To the right of s3token it would remove the identity that s3token found.
PIPELINE = conf.PIPELINE.replace('s3api tempauth', 'authtoken s3api s3token keystoneauth')

DOMAIN = 'default'
OPERATOR_ROLE = 'swiftoperator'     # users who have it in a project own the project's account
RESELLER_PREFIX = 'AUTH'

START_SECONDS = 120.0               # the first start makes some hundred tables
ANSWER_SECONDS = 60


@dataclass(frozen=True)
class User:
    """A user of Keystone in one project. id, project_id: assigned by Keystone. name, project: as people know them."""

    id: str
    name: str
    password: str
    project_id: str
    project: str

    @property
    def account(self) -> str:
        """The Swift account of the project."""
        return f'{RESELLER_PREFIX}_{self.project_id}'


class Keystone:
    """A Keystone whose database and keys lie in one directory; a context manager that starts and stops it.

    directory: kept, and can be used again, with all users. As with a Cluster, start it in a thread that lives as long
    as the server. Raises ClusterError if the server does not start, DemoError if it refuses a request.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).resolve()
        self._requests = self.directory / 'requests'
        self._password = ''
        self._token = ''
        self._server: Child | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Keystone:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Make the database if there is none, start the server, and return when it answers."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server. Does nothing if it is not running."""
        if self._server is not None:
            self._server.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check(self) -> None:
        """Raise ClusterError if the server has ended."""
        if self._server is not None:
            self._server.check_alive()

    @property
    def url(self) -> str:
        """The address of version 3 of the API, without a slash at the end."""
        assert self._server is not None, 'not started'
        return f'http://{HOST}:{self._server.port}/v3'

    def filters(self) -> conf.Filters:
        """Return the options of the proxy's filters that ask this Keystone; PIPELINE tells their places."""
        # The role `service` is enough to ask who made a signature. Only `admin` may also read the secret, with which
        # s3token verifies further signatures without Keystone.
        login: dict[str, conf.Value] = {
            'auth_url': self.url, 'auth_type': 'password', 'username': 'swift', 'password': self._password,
            'project_name': 'service', 'user_domain_id': DOMAIN, 'project_domain_id': DOMAIN}
        return {
            'authtoken': {
                'paste.filter_factory': 'keystonemiddleware.auth_token:filter_factory', **login,
                'www_authenticate_uri': self.url, 'delay_auth_decision': True, 'cache': 'swift.cache',
                'include_service_catalog': False},
            's3token': {'use': 'egg:swift#s3token', **login, 'auth_uri': self.url,
                        'reseller_prefix': RESELLER_PREFIX},
            'keystoneauth': {'use': 'egg:swift#keystoneauth', 'reseller_prefix': RESELLER_PREFIX,
                             'operator_roles': f'admin, {OPERATOR_ROLE}'},
        }

    def add_user(self, name: str, password: str, project: str, *roles: str) -> User:
        """Return a user with these roles in the project. Makes the user, project and roles that do not exist yet."""
        project_id = self._find_or_make('project', project, domain_id=DOMAIN)
        user_id = self._find_or_make('user', name, domain_id=DOMAIN, password=password)
        for role in roles:
            role_id = self._find_or_make('role', role)
            self.call('PUT', f'/projects/{project_id}/users/{user_id}/roles/{role_id}')
        return User(user_id, name, password, project_id, project)

    def ec2_credentials(self, user: User) -> tuple[str, str]:
        """Return access key and secret key of a user. Has Keystone make them if the user has none."""
        path = f'/users/{user.id}/credentials/OS-EC2'
        for held in self.call('GET', path)['credentials']:
            if held['tenant_id'] == user.project_id:
                return held['access'], held['secret']
        made = self.call('POST', path, {'tenant_id': user.project_id})['credential']
        return made['access'], made['secret']

    def register(self, url: str) -> None:
        """Enter Swift into the catalog, where its clients look for it. url: of the proxy."""
        service = self._find_or_make('service', 'swift', type='object-store')
        for held in self.call('GET', f'/endpoints?service_id={service}')['endpoints']:
            self.call('DELETE', f'/endpoints/{held["id"]}')
        self.call('POST', '/endpoints', {'endpoint': {
            'interface': 'public', 'service_id': service, 'url': f'{url}/v1/{RESELLER_PREFIX}_%(project_id)s'}})

    def token(self, name: str, password: str, project: str) -> str:
        """Return a token of a user for a project."""
        login = {'identity': {'methods': ['password'], 'password': {'user': {
            'name': name, 'password': password, 'domain': {'id': DOMAIN}}}},
            'scope': {'project': {'name': project, 'domain': {'id': DOMAIN}}}}
        with self._send('POST', '/auth/tokens', {'auth': login}) as answer:
            return answer.headers['X-Subject-Token']

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send a request as the administrator; return the JSON of the answer, None if it has none.

        path: below /v3. Raises DemoError unless the request succeeds.
        """
        with self._send(method, path, body) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def requests(self) -> list[tuple[str, str]]:
        """Return method and path of each request since the start, in order."""
        lines = self._requests.read_text(encoding='utf-8').splitlines()
        return [(method, path) for method, _, path in (line.partition(' ') for line in lines)]

    def _start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = disks.lock(self.directory)
        self._password = _kept_secret(self.directory / 'admin-password')
        self._requests.write_bytes(b'')
        self._token = ''
        path = self.directory / 'keystone.conf'
        path.write_text(_keystone_conf(self.directory), encoding='utf-8')
        port = free_port(set())
        self._server = Child('keystone', ['keystone', str(path), str(port), str(self._requests)], port,
                             self.directory / 'keystone.log')
        self._server.spawn()
        self._server.wait_ready(time.monotonic() + START_SECONDS)
        self._token = self.token('admin', self._password, 'admin')
        self.add_user('swift', self._password, 'service', 'admin')

    def _find_or_make(self, kind: str, name: str, **fields: str) -> str:
        known = {'domain_id': fields['domain_id']} if 'domain_id' in fields else {}
        query = urllib.parse.urlencode({'name': name, **known})
        found = self.call('GET', f'/{kind}s?{query}')[kind + 's']
        if not found:
            found = [self.call('POST', f'/{kind}s', {kind: {'name': name, **fields}})[kind]]
        return found[0]['id']

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> contextlib.closing[Any]:
        headers = {'Content-Type': 'application/json', **({'X-Auth-Token': self._token} if self._token else {})}
        data = None if body is None else json.dumps(body).encode()
        # The address is on the loopback interface, so a proxy that the environment names must not be used.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            return contextlib.closing(opener.open(request, timeout=ANSWER_SECONDS))
        except urllib.error.HTTPError as error:
            with error:
                raise DemoError(f'Keystone answered {error.code} to {method} {path}: '
                                + error.read().decode('utf-8', 'replace')) from None
        except OSError as error:
            raise DemoError(f'Keystone did not answer {method} {path}: {error}') from None


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(16), encoding='ascii')
    return path.read_text(encoding='ascii')


def _keystone_conf(directory: Path) -> str:
    return conf.render({
        'database': {'connection': f'sqlite:///{directory}/keystone.db'},
        'fernet_tokens': {'key_repository': directory / 'fernet-keys'},
        # The same keys. Otherwise they would be in /etc/keystone, which only root may write.
        'fernet_receipts': {'key_repository': directory / 'fernet-keys'},
        'credential': {'key_repository': directory / 'credential-keys'},
        # Without a cache Keystone asks its database for everything, and takes half a second for a signature.
        'cache': {'enabled': True, 'backend': 'oslo_cache.dict'},
        # Few rounds, for speed: these passwords need not be safe in a stolen database. The length is bcrypt's limit.
        'identity': {'password_hash_rounds': 4, 'max_password_length': 72},
    })
