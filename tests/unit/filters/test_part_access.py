# SPDX-License-Identifier: Apache-2.0
"""What ``swift.authorize`` allows in addition to the auth filter: the parts of the object that the request reads."""
import pytest
from swift.common.swob import Request, str_to_wsgi

from s3multi.filters.part_access import grant, reads
from s3multi.upload import names
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS, client_env

NOW = 1790000000 * 100000
KEYS = ['key', 'a/b', 'trailing/', 'gr\u00fcn \u2713', '50%?&=+', 'k/00000001-01234567890']


class Auth:
    """The ``swift.authorize`` of an auth filter that allows only the paths in ``allowed``."""

    def __init__(self, *allowed):
        self.allowed = ['/v1/' + path for path in allowed]
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        return None if request.path_info in map(str_to_wsgi, self.allowed) else 'denied'


class Reading:
    """A request under way. ``ask`` asks as the proxy does for it and its sub-requests, and returns whether it may."""

    def __init__(self, *allowed):
        self.auth = Auth(*allowed)
        self.env = client_env(**{'REQUEST_METHOD': 'GET', 'swift.authorize': self.auth})
        grant(self.env, IDS)

    def ask(self, path, method='GET', query='', source=None):
        env = client_env(str_to_wsgi('/v1/' + path), query, **{'REQUEST_METHOD': method, 'swift.source': source})
        answer = self.env['swift.authorize'](Request(env))
        assert answer in (None, 'denied')
        return answer is None

    def segment(self, path, **changed):
        return self.ask(path, **{'query': 'multipart-manifest=get', 'source': 'SLO', **changed})


def part(account='AUTH_a', bucket='bucket', key='key', number=1):
    """Return the path of a part of an upload made for this very object."""
    upload = Upload(account, bucket, key, IDS.new(account, bucket, key, NOW))
    return f'{account}/{upload.container}/{upload.part(number, names.new_attempt(NOW))}'


# What is granted

@pytest.mark.parametrize('key', KEYS)
def test_parts_of_the_object_that_is_read(key):
    """They may be read as soon as the auth filter has allowed the client to read the object, however many there are."""
    reading = Reading(f'AUTH_a/bucket/{key}')

    assert reading.ask(f'AUTH_a/bucket/{key}')
    assert all(reading.segment(part(key=key, number=number)) for number in (1, 2, 10000))


def test_auth_is_asked_first():
    """What the auth filter allows is allowed."""
    path = part(key='other')
    reading = Reading(path)

    assert reading.segment(path)
    assert 1 == len(reading.auth.asked)


def test_object_at_the_end_of_links():
    """To read a link the client needs rights on its target too, and the parts are those of the target."""
    reading = Reading('AUTH_a/links/link', 'AUTH_a/bucket/key')

    assert reading.ask('AUTH_a/links/link')
    assert not reading.segment(part('AUTH_a', 'links', 'other'))
    reading = Reading('AUTH_a/links/link', 'AUTH_a/bucket/key')
    assert reading.ask('AUTH_a/links/link') and reading.ask('AUTH_a/bucket/key', source='SYM')
    assert reading.segment(part())
    assert not reading.segment(part('AUTH_a', 'links', 'link'))


def test_source_of_a_copy():
    """The source may lie in any account. The target is written, not read."""
    reading = Reading('AUTH_b/source/key', 'AUTH_a/bucket/key')

    assert reading.ask('AUTH_b/source/key', source='SSC')
    assert reading.ask('AUTH_a/bucket/key', 'PUT')
    assert reading.segment(part('AUTH_b', 'source'))
    assert not reading.segment(part('AUTH_a', 'bucket'))


# What is not

def reading_key():
    """Return a request that reads bucket/key."""
    reading = Reading('AUTH_a/bucket/key')
    assert reading.ask('AUTH_a/bucket/key')
    return reading


OTHER_NAMES = {
    'other key': part(key='other'), 'other bucket': part(bucket='other'), 'other account': part(account='AUTH_b'),
    'key below': part(key='key/key'), 'id of this account in another': part().replace('AUTH_a/', 'AUTH_b/'),
    'id of another account': part(account='AUTH_b').replace('AUTH_b', 'AUTH_a'),
    'id of this bucket in another': part().replace('bucket_segments', 'other_segments'),
    'id of another bucket': part(bucket='other').replace('other_segments', 'bucket_segments'),
    'id of this key in another': part().replace('/key/', '/other/'),
    'id of this key below it': part().replace('/key/', '/key/key/'),
    'id of another key': part(key='other').replace('/other/', '/key/'),
    'container of stock s3api': part().replace('_segments', '+segments'), 'longer': part() + '0',
    'below a part': part() + '/x', 'shorter': part()[:-1], 'marker': part().rpartition('/')[0],
    'intent': part().rpartition('/')[0] + '/complete',
    'of swiftclient': 'AUTH_a/bucket_segments/key/1700000000.000000/30/10/00000001',
    'no id': 'AUTH_a/bucket_segments/key', 'container': 'AUTH_a/bucket_segments', 'account': 'AUTH_a',
    'other object': 'AUTH_a/bucket/other',
}


@pytest.mark.parametrize('path', [pytest.param(path, id=name) for name, path in OTHER_NAMES.items()])
def test_other_names(path):
    """Only the exact name of a part counts, with an id that was made for account, bucket and key of what is read."""
    assert not reading_key().segment(path)


@pytest.mark.parametrize('changed', [
    {'method': 'HEAD'}, {'method': 'PUT'}, {'method': 'DELETE'}, {'method': 'POST'}, {'query': ''},
    {'query': 'multipart-manifest=get&format=raw'}, {'query': 'multipart-manifest=delete'}, {'source': None},
    {'source': 'DLO'}, {'source': 'SYM'}, {'source': 'SSC'}, {'source': 'S3M'},
], ids=str)
def test_other_requests_for_a_part(changed):
    """Only SLO's GET of the bytes is allowed. With its HEADs it checks a manifest that somebody writes."""
    assert not reading_key().segment(part(), **changed)


def test_before_anything_was_read():
    """The PUT of a manifest, for example, reads nothing."""
    assert not Reading().segment(part())


@pytest.mark.parametrize('read', [
    {'method': 'HEAD'}, {'method': 'PUT'}, {'query': 'multipart-manifest=get'}, {'source': 'SLO'},
    {'source': 'SYM', 'query': 'multipart-manifest=get'},
], ids=str)
def test_what_does_not_count_as_read(read):
    """A request that does not give SLO a manifest, or that SLO makes because of one, does not count."""
    reading = Reading('AUTH_a/bucket/key')

    assert reading.ask('AUTH_a/bucket/key', **read)
    assert not reading.segment(part())


def test_object_that_may_not_be_read():
    """A denied request does not count as a read."""
    reading = Reading()

    assert not reading.ask('AUTH_a/bucket/key')
    assert not reading.segment(part())


@pytest.mark.parametrize('source', ['SLO', 'SYM', None])
def test_what_a_manifest_leads_to(source):
    """After SLO has begun, an object may be read because anybody's manifest names it, and its parts as well."""
    reading = Reading('AUTH_a/mine/forged', 'AUTH_a/bucket/key', 'AUTH_a/mine/segment')

    assert reading.ask('AUTH_a/mine/forged')
    assert reading.segment('AUTH_a/mine/segment')
    assert reading.ask('AUTH_a/bucket/key', source=source)
    assert not reading.segment(part())


def test_object_that_a_dynamic_large_object_hides():
    """DLO lists a container for the content of the object, and SLO may take that content for a manifest."""
    reading = Reading('AUTH_a/bucket/key', 'AUTH_a/mine')

    assert reading.ask('AUTH_a/bucket/key')
    assert reading.ask('AUTH_a/mine', source='DLO')
    assert not reading.segment(part())


# For which requests it is asked

@pytest.mark.parametrize('method, more, expected', [
    ('GET', {}, True), ('COPY', {}, True), ('PUT', {'HTTP_X_COPY_FROM': '/bucket/key'}, True), ('HEAD', {}, False),
    ('PUT', {}, False), ('POST', {}, False), ('DELETE', {}, False), ('OPTIONS', {}, False),
], ids=str)
def test_requests_that_read(method, more, expected):
    """A HEAD needs no parts, since SLO answers it from the manifest."""
    assert expected == reads(client_env(**{'REQUEST_METHOD': method, **more}))


def test_without_auth_there_is_nothing_to_add_to():
    """The environ is left as it was."""
    env = client_env()
    del env['swift.authorize']
    before = dict(env)
    grant(env, IDS)

    assert before == env
