# SPDX-License-Identifier: Apache-2.0
"""The URL of an object, as its client has addressed it: the ``Location`` of a Complete.

Where a proxy in front speaks TLS to the client, only the operator can tell what the client sees.
"""
import re
from collections.abc import Mapping
from typing import Any

from swift.common.swob import Request, wsgi_quote, wsgi_to_str

_HOST = re.compile(r'(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?')


def object_url(env: 'Mapping[str, Any]', scheme: str) -> str:
    """Return the URL of the object that ``env``, the environ of an S3 request, names.

    scheme: the option ``location_scheme``.
    """
    seen = {name: env[name] for name in ('wsgi.url_scheme', 'HTTP_HOST', 'SERVER_NAME', 'SERVER_PORT') if name in env}
    if scheme == 'forwarded':
        forwarded, host = (_first(env.get('HTTP_X_FORWARDED_' + name)) for name in ('PROTO', 'HOST'))
        if forwarded.lower() in ('http', 'https'):
            seen['wsgi.url_scheme'] = forwarded.lower()
        if _HOST.fullmatch(host):
            seen['HTTP_HOST'] = host
    elif scheme != 'default':
        seen['wsgi.url_scheme'] = scheme
    return wsgi_to_str(Request(seen).host_url) + wsgi_quote(env['PATH_INFO'])


def _first(values: 'str | None') -> str:
    # Each proxy on the way may have added a value behind that of the one before.
    return (values or '').partition(',')[0].strip()
