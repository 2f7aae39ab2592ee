# SPDX-License-Identifier: Apache-2.0
"""What Swift does not list of a container that is being sharded: whom to ask besides, and how listings are joined."""
import json
from unittest import mock
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swift.common import constraints
from swift.common.swob import Response
from swift.common.utils import ShardRange, Timestamp

from s3multi.s3.errors import S3Error
from s3multi.storage import shards
from s3multi.storage.requests import Backend
from s3multi.storage.segments import Segments
from tests.unit.fakes import RecordingSwift, client_env

ROOT, SHARD = '/v1/AUTH_a/bucket_segments', '/v1/.shards_AUTH_a/shard'


def shard(name, lower='', upper='', state=ShardRange.ACTIVE):
    """Return a shard range as Swift's JSON has it."""
    return dict(ShardRange('.shards_AUTH_a/' + name, Timestamp(1), lower, upper, state=state))


def row(name, time=0, **more):
    return {'name': name, 'last_modified': '2026-09-21T14:13:2%d.000000' % time, **more}


@pytest.mark.parametrize('headers, split', [
    ({}, False), ({'X-Backend-Sharding-State': 'unsharded'}, False), ({'X-Backend-Sharding-State': 'sharding'}, True),
    ({'X-Backend-Sharding-State': 'sharded'}, True), ({'X-Backend-Sharding-State': 'collapsed'}, True),
    ({'X-Container-Sysmeta-Sharding': 'True'}, True), ({'X-Container-Sysmeta-Sharding': 'False'}, False)], ids=str)
def test_which_containers_have_shards(headers, split):
    """Also one of which this replica has not begun to shard."""
    assert split is shards.is_split(Response(headers=headers))


@pytest.mark.parametrize('ranges, asked', [
    pytest.param([], [], id='none'),
    pytest.param([shard('a', '', 'm'), shard('b', 'm', '')], [], id='sharded'),
    pytest.param([shard('a', '', 'm', ShardRange.CLEAVED), shard('b', 'm', '', ShardRange.CREATED)], ['b'],
                 id='not-cleaved-yet'),
    pytest.param([shard('a', '', 'm', ShardRange.SHRINKING), shard('b', '', '')], ['a', 'b'], id='shrinking'),
    pytest.param([shard('a', '', '', ShardRange.SHARDING), shard('a1', '', 'm', ShardRange.CREATED)], ['a', 'a1'][1:],
                 id='a-shard-that-shards'),
    pytest.param([shard('a', '', 'm', ShardRange.FOUND)], [], id='only-found'),
])
def test_who_is_asked_besides(ranges, asked):
    """Who takes updates of names for which another one is listed."""
    for state in ('sharding', 'sharded'):
        assert ['.shards_AUTH_a/' + name for name in asked] == shards.unlisted(ranges, 'AUTH_a/bucket_segments', state)


def test_the_container_itself_is_not_asked_again():
    """It fills the gaps between its shards."""
    own = dict(ShardRange('AUTH_a/bucket_segments', Timestamp(1), '', '', state=ShardRange.CREATED))

    for state in ('sharding', 'collapsed'):
        assert [] == shards.unlisted([own], 'AUTH_a/bucket_segments', state)


@pytest.mark.parametrize('ranges', [
    pytest.param([shard('a', '', 'm', ShardRange.SHRINKING), shard('b', 'm', '', ShardRange.SHRINKING)], id='begun'),
    pytest.param([shard('b', 'm', '', ShardRange.SHRINKING)], id='half-done'),
    pytest.param([dict(ShardRange('AUTH_a/bucket_segments', Timestamp(1), '', 'm', state=ShardRange.ACTIVE))],
                 id='in-the-half-that-is-done')])
def test_the_container_is_asked_for_its_own_rows_while_its_shards_shrink_into_it(ranges):
    """It takes the updates, and Swift lists the shards."""
    assert ['AUTH_a/bucket_segments'] == shards.unlisted(ranges, 'AUTH_a/bucket_segments', 'sharded')


def test_rows_of_the_container_itself_are_listed_while_its_shards_shrink_into_it():
    """As rows of objects, which Swift is to be told."""
    def answer(seen):
        headers = {'X-Backend-Sharding-State': 'sharded'}
        if 'states' in seen.query:
            return 200, headers, json.dumps([shard('a', state=ShardRange.SHRINKING)]).encode()
        own = seen.headers.get('X-Backend-Record-Type') == 'object'
        return 200, headers, json.dumps([row('new' if own else 'old')]).encode()

    segments = Segments(Backend(RecordingSwift(GET=answer), client_env(), 'AUTH_a', 'bucket'), 'bucket', 2)

    assert ['new', 'old'] == [found['name'] for page in segments.rows() for found in page]


def test_a_shard_is_asked_that_one_before_the_page_shrinks_into():
    """A proxy that caches the listed shards drops it, with all its names."""
    donor, acceptor = shard('a', '', 'm', ShardRange.SHRINKING), shard('b')

    def answer(seen):
        query = {name: values[0] for name, values in parse_qs(seen.query).items()}
        headers = {'X-Backend-Sharding-State': 'sharded'}
        if 'states' in query:
            ranges = [acceptor] if query.get('marker', '') >= 'm' else [donor, acceptor]
            return 200, headers, json.dumps(ranges).encode()
        return 200, headers, json.dumps([row('z')] if seen.path.endswith('/b') else []).encode()

    segments = Segments(Backend(RecordingSwift(GET=answer), client_env(), 'AUTH_a', 'bucket'), 'bucket', 2)

    assert ['z'] == [found['name'] for page in segments.rows('', 'n') for found in page]


@pytest.mark.parametrize('pages, names, more', [
    pytest.param([['a'], ['b']], ['a', 'b'], False, id='both-whole'),
    pytest.param([['a', 'c', 'e'], ['b', 'd']], ['a', 'b', 'c', 'd', 'e'], True, id='one-goes-on'),
    pytest.param([['a', 'c', 'e'], ['b', 'f']], ['a', 'b', 'c', 'e'], True, id='what-lies-beyond-comes-later'),
    pytest.param([['a', 'c', 'e'], ['b', 'b1', 'b2']], ['a', 'b', 'b1', 'b2'], True, id='both-go-on'),
    pytest.param([[], []], [], False, id='empty'),
])
def test_listings_are_joined(pages, names, more):
    """A page ends where the first of them does that has more."""
    rows, found_more = shards.union([[row(name) for name in page] for page in pages], 3)

    assert (names, more) == ([found['name'] for found in rows], found_more)


def test_the_newest_row_counts():
    """A marker that says aborting replaces the one that said open."""
    for pages in ([[row('a', 1, x=1)], [row('a', 2, x=2)]], [[row('a', 2, x=2)], [row('a', 1, x=1)]]):
        assert [2] == [found['x'] for found in shards.union(pages, 10)[0]]


@given(st.sets(st.text('abc', min_size=1, max_size=3)), st.sets(st.text('abc', min_size=1, max_size=3)),
       st.integers(1, 5))
def test_paging_over_both_shows_every_row_once(listed, hidden, limit):
    """Whatever the pages are."""
    def answer(seen):
        query = {name: values[0] for name, values in parse_qs(seen.query).items()}
        headers = {'X-Backend-Sharding-State': 'sharding'}
        if 'states' in query:
            return 200, headers, json.dumps([shard('shard', state=ShardRange.CREATED)]).encode()
        names = sorted(name for name in (hidden if seen.path == SHARD else listed) if name > query.get('marker', ''))
        return 200, headers, json.dumps([row(name) for name in names[:int(query['limit'])]]).encode()

    segments = Segments(Backend(RecordingSwift(GET=answer), client_env(), 'AUTH_a', 'bucket'), 'bucket', 2)

    with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', limit):
        assert sorted(listed | hidden) == [found['name'] for page in segments.rows() for found in page]


@given(st.sets(st.text('abc', min_size=1, max_size=3)), st.sets(st.text('abc', min_size=1, max_size=3)),
       st.integers(1, 5))
def test_the_last_rows_of_both(listed, hidden, limit):
    """A listing from its end is joined in the same way."""
    def last(names):
        return [row(name) for name in sorted(names, reverse=True)[:limit]]

    rows, _ = shards.union([last(listed), last(hidden)], limit, reverse=True)

    assert sorted(listed | hidden, reverse=True)[:limit] == [found['name'] for found in rows][:limit]


@pytest.mark.parametrize('prefix, marker, end_marker, full, asked', [
    ('', '', '', False, {}), ('k/id/', 'k/id/', '', False, {'marker': 'k/id/', 'end_marker': 'k/id0'}),
    ('k/id/', 'k/id/1', 'k/id/:', False, {'marker': 'k/id/1', 'end_marker': 'k/id/:'}),
    ('', 'a', '', True, {'marker': 'a', 'end_marker': 'z\x01'}),
    ('\U0010ffff', '', '', False, {'marker': '\U0010ffff'})])
def test_only_ranges_of_the_page_are_asked_for(prefix, marker, end_marker, full, asked):
    """A container may have thousands."""
    swift = RecordingSwift(GET=[
        (200, {'X-Backend-Sharding-State': 'sharded'}, json.dumps([row('z')] if full else []).encode()),
        (200, {}, b'[]'), (200, {}, b'[]')])
    segments = Segments(Backend(swift, client_env(), 'AUTH_a', 'bucket'), 'bucket', 2)
    with mock.patch.object(constraints, 'CONTAINER_LISTING_LIMIT', 1):
        list(segments.rows(prefix, marker, end_marker))
    query = {name: values[0] for name, values in parse_qs(swift.seen[1].query).items()}

    assert asked == {name: value for name, value in query.items() if name.endswith('marker')}
    assert ('shard', 'listing,updating') == (swift.seen[1].headers['X-Backend-Record-Type'], query['states'])


@pytest.mark.parametrize('ranges, of_shard', [(503, None), (200, 404), (200, 503)])
def test_nothing_follows_from_a_listing_that_is_not_whole(ranges, of_shard):
    """503, which clients repeat: neither InvalidPart nor 204."""
    def answer(seen):
        if seen.path == SHARD:
            return of_shard
        if 'states=' in seen.query:
            return ranges, {}, json.dumps([shard('shard', state=ShardRange.CREATED)]).encode()
        return 200, {'X-Backend-Sharding-State': 'sharding'}, b'[]'

    segments = Segments(Backend(RecordingSwift(GET=answer), client_env(), 'AUTH_a', 'bucket'), 'bucket', 2)
    with pytest.raises(S3Error) as refused:
        list(segments.rows())

    assert 'ServiceUnavailable' == refused.value.code


def test_no_shard_of_another_account_is_asked():
    """Whatever a shard range says."""
    backend = Backend(RecordingSwift(), client_env(), 'AUTH_a', 'bucket')
    for name in ('AUTH_b/c', '.shards_AUTH_b/c', 'AUTH_a/c'):
        with pytest.raises(ValueError):
            backend.get_shard(name, {})
