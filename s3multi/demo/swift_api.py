# SPDX-License-Identifier: Apache-2.0
"""The requests of the Swift API with which the demo looks behind the S3 API, by the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from .errors import DemoError

ANSWER_SECONDS = 60


class SwiftAccount:
    """Read access to an account of the cluster. url: of the account. token: of a user who may read it."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def list_objects(self, container: str, prefix: str) -> list[dict[str, Any]]:
        """Return the rows of a container's listing, at most 10,000: 'name', 'bytes', 'hash' and others."""
        return self._get_json(container, None, {'format': 'json', 'prefix': prefix})

    def get_manifest(self, container: str, name: str) -> list[dict[str, Any]]:
        """Return the manifest of a large object: one row per segment, with 'name', 'bytes', 'hash' and others."""
        return self._get_json(container, name, {'multipart-manifest': 'get'})

    def _get_json(self, container: str, name: str | None, query: dict[str, str]) -> list[dict[str, Any]]:
        path = container if name is None else f'{container}/{name}'
        url = f'{self._url}/{urllib.parse.quote(path)}?{urllib.parse.urlencode(query)}'
        with _open(url, {'X-Auth-Token': self._token}) as answer:
            body = answer.read()
        try:
            return json.loads(body) if body else []
        except ValueError:
            raise DemoError(f'Swift did not answer GET {path} with JSON') from None


def log_in(auth_url: str, user: str, key: str) -> SwiftAccount:
    """Return the account of a user of tempauth. Raises DemoError if tempauth does not hand out a token."""
    with _open(auth_url, {'X-Auth-User': user, 'X-Auth-Key': key}) as answer:
        return SwiftAccount(answer.headers['X-Storage-Url'], answer.headers['X-Auth-Token'])


def _open(url: str, headers: dict[str, str]) -> Any:
    # The address is on the loopback interface, so a proxy that the environment names must not be used.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(urllib.request.Request(url, headers=headers), timeout=ANSWER_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        raise DemoError(f'Swift answered {error.code} {error.reason} to GET {url}') from None
    except OSError as error:
        raise DemoError(f'Swift did not answer GET {url}: {error}') from None
