# SPDX-License-Identifier: Apache-2.0
"""The URL of an object that was completed is the one that its client used."""
import pytest

from s3multi.filters.location import object_url
from tests.unit.fakes import client_env

HTTPS, OUTSIDE = {'X_FORWARDED_PROTO': 'https'}, {'X_FORWARDED_HOST': 's3.example.com'}


def url(scheme, host='proxy:8080', path='/bucket/key', **headers):
    """Return the URL. headers: names as in an environ."""
    return object_url(client_env(path, HTTP_HOST=host, **{'HTTP_' + name: text for name, text in headers.items()}),
                      scheme)


@pytest.mark.parametrize('scheme, headers, shown', [
    ('default', {}, 'http://proxy:8080'), ('http', {}, 'http://proxy:8080'), ('https', {}, 'https://proxy:8080'),
    ('https', {'host': 's3.example.com:443'}, 'https://s3.example.com'),
    ('https', {'host': 's3.example.com:80'}, 'https://s3.example.com:80'),
    ('default', {'host': 's3.example.com:80'}, 'http://s3.example.com'),
    # Anybody can send these; they count only where the operator says so.
    *((scheme, {**HTTPS, **OUTSIDE}, scheme_shown + '://proxy:8080') for scheme, scheme_shown in (
        ('default', 'http'), ('http', 'http'), ('https', 'https'))),
    ('forwarded', {}, 'http://proxy:8080'), ('forwarded', HTTPS, 'https://proxy:8080'),
    ('forwarded', OUTSIDE, 'http://s3.example.com'), ('forwarded', {**HTTPS, **OUTSIDE}, 'https://s3.example.com'),
    ('forwarded', {'X_FORWARDED_PROTO': 'HTTPS, http', 'X_FORWARDED_HOST': 's3.example.com:8443, inner'},
     'https://s3.example.com:8443'),
    ('forwarded', {'X_FORWARDED_HOST': '[2001:db8::1]:80'}, 'http://[2001:db8::1]'),
    *(('forwarded', {'X_FORWARDED_PROTO': text}, 'http://proxy:8080') for text in ('', 'ftp', 'https:', 'httpss', '<')),
    *(('forwarded', {'X_FORWARDED_HOST': text}, 'http://proxy:8080') for text in (
        '', 'a/b', 'a b', '<a>', 'a@b', 'a:b', 'a?', '\xff', ',a')),
])
def test_scheme_and_host(scheme, headers, shown):
    """Those of the connection, unless the operator says otherwise; of forwarded headers only what can be a URL."""
    assert shown + '/bucket/key' == url(scheme, **headers)


def test_path():
    """It is percent-encoded."""
    assert 'http://proxy:8080/bucket/a%20%C3%A9%3F' == url('default', path='/bucket/a \xc3\xa9?')


def test_without_a_host():
    """A client of HTTP/1.0 names none."""
    env = client_env('/bucket/key')
    del env['HTTP_HOST']

    assert 'https://proxy:8080/bucket/key' == object_url(env, 'https')
