# SPDX-License-Identifier: Apache-2.0
"""Which answers of Swift prove that nobody refers to a part, and which do not."""
import json
from urllib.parse import parse_qs

import pytest
from swift.common.utils import Timestamp

from s3multi.operations.references import References, Uncertain
from s3multi.s3.errors import S3Error
from s3multi.s3.parts import Attempt
from s3multi.storage.requests import Backend, own_environ
from s3multi.sweep.judge import is_in_use
from s3multi.commands.walk import Found
from s3multi.upload.lateness import Horizon, Life
from s3multi.upload.names import Upload
from s3multi.upload.timestamps import swift_time
from tests.unit.fakes import IDS, RecordingSwift, known_containers

TICKS = 1790000000 * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))
BUCKET = '/v1/AUTH_a/bucket'
MARKERS = '/v1/AUTH_a/' + UPLOAD.marker_container
KEY, MARKER = BUCKET + '/key', MARKERS + '/' + UPLOAD.marker
WANTED = {'/c/1', '/c/2'}
VERSIONED = {'X-Container-Sysmeta-Versions-Container': '%00versions%00bucket'}


def later(seconds):
    return swift_time(TICKS + seconds * 100000)


def tombstone(seconds=None):
    return 404, {'X-Backend-Timestamp': later(seconds).internal} if seconds is not None else {}, b''


def large(seconds=1, **headers):
    return 200, {'X-Static-Large-Object': 'True', 'Etag': '"m"', 'X-Timestamp': later(seconds).normal, **headers}, b''


def row(name, seconds, **fields):
    return {'name': name, 'last_modified': later(seconds).isoformat, 'content_type': 'x/y', **fields}


def swift_of(heads, gets=None, shard_headers=None, shards=()):
    """Return a Swift with answers to HEAD and GET by path, or by path and query. A list is the rows of a listing.

    shard_headers: what a listing says about shards. shards: the states of those that there are.
    """
    def answer(answers, seen, default):
        if seen.headers.get('X-Backend-Record-Type') == 'shard':
            asked = parse_qs(seen.query)['states'][0].split(',')
            return 200, {}, json.dumps([{'name': '.shards_AUTH_a/x'} for state in shards if state in asked]).encode()
        found = next((found for place, found in answers.items() if seen.path == place.partition('?')[0]
                      and place.partition('?')[2] in seen.query), default)
        return (200, shard_headers or {}, json.dumps(found).encode()) if isinstance(found, list) else found

    return RecordingSwift(HEAD=lambda seen: answer(heads, seen, 404), GET=lambda seen: answer(gets or {}, seen, 404))


def references(swift):
    env = {**own_environ('AUTH_a', 'bucket'), 'swift.infocache': known_containers('AUTH_a', 'bucket')}
    return References(Backend(swift, env, 'AUTH_a', 'bucket'), 'bucket')


def known(days, grace=2.0, most=None):
    """Return what is known ``days`` after the upload began."""
    return Horizon.of(later(days * 86400), grace * 86400, most)


def listed(heads, gets=None, life=None, at=None, wanted=frozenset(WANTED), shards=()):
    life = life or Life(later(1), [later(1)])
    swift = swift_of({BUCKET: 204, **heads}, gets, shards=shards)
    return references(swift).listed(UPLOAD, wanted, life, at or known(5))


# The marker

COMPLETED = 200, {'Content-Type': 'application/x-s3multi-marker;state=completed',
                  'X-Backend-Timestamp': later(5).internal}, b''


@pytest.mark.parametrize('head, rows, deleted', [
    (tombstone(5), [], later(5)),
    (tombstone(5), [row(UPLOAD.marker, 0)], later(5)),
    (tombstone(), [], Timestamp(0)),
    (tombstone(), [row(UPLOAD.marker + 'x', 0)], Timestamp(0)),
    (COMPLETED, [row(UPLOAD.marker, 5)], later(5)),
])
def test_marker_that_is_gone(head, rows, deleted):
    """Its tombstone says so, or one that tells as much; or neither the object servers nor the listing know it."""
    assert deleted == references(swift_of({MARKER: head}, {MARKERS: rows})).marker_deleted(UPLOAD)


@pytest.mark.parametrize('head, rows', [
    (200, []), (tombstone(), [row(UPLOAD.marker, 0)]), (tombstone(5), [row(UPLOAD.marker, 6)])])
def test_marker_that_may_be_there(head, rows):
    """It is there, or the listing shows one that the object servers do not."""
    with pytest.raises(Uncertain):
        references(swift_of({MARKER: head}, {MARKERS: rows})).marker_deleted(UPLOAD)


# The object

@pytest.mark.parametrize('head, rows', [
    (tombstone(9), []), (tombstone(9), [row('key', 1)]), (tombstone(), []), (tombstone(), [row('key2', 9)]),
    ((200, {'X-Timestamp': later(9).normal, 'Etag': 'x'}, b''), [row('key', 9)]),
    ((200, {'X-Timestamp': later(9).normal, 'Etag': 'x'}, b''), [row('key', 1)])])
def test_no_manifest(head, rows):
    """The object is gone, or is a plain one, and no listing shows anything newer."""
    assert set() == listed({KEY: head}, {BUCKET: rows})


@pytest.mark.parametrize('head', [tombstone(), tombstone(8), (200, {'X-Timestamp': later(8).normal}, b'')])
def test_listing_that_shows_something_newer(head):
    """Then the object servers may have missed a manifest."""
    with pytest.raises(Uncertain):
        listed({KEY: head}, {BUCKET: [row('key', 9)]})


SHARDED = {'X-Backend-Sharding-State': 'sharded', 'X-Container-Sysmeta-Sharding': 'True'}


MAY_BE_SHARDED = {'X-Container-Sysmeta-Sharding': 'True'}


@pytest.mark.parametrize('headers, shards, knows', [
    ({'X-Backend-Sharding-State': 'sharding'}, [], False), (MAY_BE_SHARDED, [], True),
    (MAY_BE_SHARDED, ['created'], False), (MAY_BE_SHARDED, ['active'], False),
    (SHARDED, ['active'], True), (SHARDED, ['active', 'shrinking'], False)],
    ids=['sharding', 'too small to be sharded', 'to be sharded', 'sharded elsewhere', 'sharded', 'shrinking'])
def test_listing_that_is_being_sharded(headers, shards, knows):
    """It need not show what was written long ago, so it proves nothing; nor while shards are joined again.

    A container that has no shards shows it, also where it is to get some when it is large.
    """
    def ask():
        swift = swift_of({MARKER: tombstone(5)}, {MARKERS: []}, headers, shards)
        return references(swift).marker_deleted(UPLOAD)

    if knows:
        assert later(5) == ask()
    else:
        with pytest.raises(Uncertain):
            ask()


def test_manifest():
    """Its names count, whoever wrote it. It is read on condition that it is the one that was seen."""
    swift = swift_of({BUCKET: 204, KEY: large()}, {BUCKET + '?prefix': [], KEY: [{'name': '/c/1'}, {'name': '/c/2'}]})

    assert {'/c/1', '/c/2'} == references(swift).listed(UPLOAD, WANTED, Life(later(1)), known(5))
    read, = [seen for seen in swift.seen if seen.method == 'GET' and seen.path == KEY]
    assert ('"m"', 'true') == (read.headers['If-Match'], read.headers['X-Newest'])
    assert {'multipart-manifest=get', 'symlink=get'} == set(read.query.split('&'))


@pytest.mark.parametrize('answer', [(200, {}, b'\x00encrypted'), (412, {}, b''), (200, {}, b'[1]'), (200, {}, b'[{}]'),
                                    (200, {}, b'{}x'), (404, {}, b'')])
def test_manifest_that_cannot_be_read(answer):
    """It may be encrypted, replaced meanwhile, or of an unknown form."""
    with pytest.raises(Uncertain):
        listed({KEY: large()}, {BUCKET + '?prefix': [], KEY: answer})


@pytest.mark.parametrize('manifest, consists', [
    ('c/', WANTED), ('c/1', {'/c/1'}), ('%63/', WANTED), ('c%2F2', {'/c/2'}), ('c%2f', WANTED), ('%63%2F%31', {'/c/1'}),
    ('d/', set()), ('c/3', set()), ('%2563/', set()), ('/c/', set()), ('%2Fc/', set()), ('cc/', set())])
@pytest.mark.parametrize('large', [False, True])
def test_dynamic_large_object(manifest, consists, large):
    """It consists of what begins with its prefix, percent-encoded or not; a static one may be a dynamic one, too."""
    headers = {'X-Object-Manifest': manifest, 'X-Timestamp': later(1).normal, 'Etag': '"m"',
               **({'X-Static-Large-Object': 'True'} if large else {})}
    found = listed({KEY: (200, headers, b'')}, {BUCKET: [], KEY: [{'name': '/c/2'}]})

    assert consists | ({'/c/2'} if large else set()) == found


@pytest.mark.parametrize('target, leads', [('c/1', {'/c/1'}), ('c/%31', {'/c/1'}), ('d/1', {'/d/1'})])
def test_symbolic_link(target, leads):
    """What it leads to is what it refers to. It is not followed."""
    swift = swift_of({BUCKET: 204, KEY: (200, {'X-Symlink-Target': target, 'X-Timestamp': later(1).normal}, b'')},
                     {BUCKET: []})

    assert leads == references(swift).listed(UPLOAD, WANTED, Life(later(1)), known(5))
    assert all('symlink=get' in seen.query for seen in swift.seen if seen.path == KEY)


def test_segments_that_hold_their_bytes_themselves():
    """They are no references."""
    assert {'/c/1'} == listed({KEY: large()}, {BUCKET: [], KEY: [{'data': 'eA=='}, {'name': '/c/1'}]})


def test_what_has_expired():
    """It counts until the expirer comes."""
    swift = swift_of({BUCKET: 204, KEY: large()}, {BUCKET + '?prefix': [], KEY: [{'name': '/c/1'}]})
    references(swift).listed(UPLOAD, WANTED, Life(later(1)), known(5))

    assert {'true'} == {seen.headers.get('X-Backend-Open-Expired') for seen in swift.seen if seen.path == KEY}


@pytest.mark.parametrize('heads, gets', [
    ({KEY: 503}, {BUCKET: []}), ({KEY: tombstone(9)}, {BUCKET: 503}), ({KEY: tombstone(9), BUCKET: 503}, {BUCKET: []}),
    ({KEY: large()}, {BUCKET + '?prefix': [], KEY: 503})])
def test_reads_that_fail(heads, gets):
    """A request that fails proves nothing, whichever it is."""
    with pytest.raises(S3Error):
        listed(heads, gets)


# The bucket

def test_bucket_that_is_gone():
    """If the account does not list it either, all of its objects are gone, too."""
    account = '/v1/AUTH_a'

    assert set() == listed({BUCKET: 404}, {account: [{'name': 'bucket_segments'}]})
    with pytest.raises(Uncertain):
        listed({BUCKET: 404}, {account: [{'name': 'bucket'}]})
    with pytest.raises(S3Error):
        listed({BUCKET: 404}, {account: 503})


def test_archive_in_the_older_way():
    """It is not known which manifests are in it."""
    with pytest.raises(Uncertain):
        listed({BUCKET: (204, {'X-Container-Sysmeta-Versions-Location': 'old'}, b'')}, {BUCKET: []})


# Versions

VERSIONS_CONTAINER = '/v1/AUTH_a/\0versions\0bucket'
DAY = 86400


def versions(rows, heads=None, gets=None, container=204, life=None, at=None, key=tombstone(1), shards=()):
    """Return the names in a bucket with versions. rows: of these. key: the answer to a HEAD of the key itself."""
    heads = {BUCKET: (204, VERSIONED, b''), VERSIONS_CONTAINER: container,
             **{KEY + '?version-id=' + name: answer for name, answer in (heads or {}).items()}, KEY: key}
    gets = {BUCKET + '?versions': rows, BUCKET: [],
            **{KEY + '?version-id=' + name: answer for name, answer in (gets or {}).items()}}
    return listed(heads, gets, life or Life(later(1)), at, shards=shards)


def test_versions():
    """Every version that is newer than the upload is asked for; delete markers, older ones and the null one are not."""
    new, newer, old = later(5).normal, later(6).normal, later(-5).normal
    rows = [row('key', 9, version_id=later(9).normal,
                content_type='application/x-deleted;swift_versions_deleted=1'),
            row('key', 6, version_id=newer), row('key', 5, version_id=new), row('key', -5, version_id=old),
            row('key', -9, version_id='null'), row('key2', 5, version_id=later(6).normal)]

    assert {'/c/1', '/c/2'} == versions(rows, {new: large(5), newer: large(6)},
                                        {new: [{'name': '/c/1'}], newer: [{'name': '/c/2'}]})


def test_versions_that_need_not_be_asked():
    """The known versions come first, then the oldest of the others. Once all parts are found, no more are asked for."""
    rows = [row('key', 9, version_id=later(9).normal), row('key', 5, version_id=later(5).normal)]

    assert WANTED == versions(rows, {later(5).normal: large(5)},
                              {later(5).normal: [{'name': '/c/1'}, {'name': '/c/2'}]})


@pytest.mark.parametrize('told', ['by the marker', 'by the link'])
def test_version_that_no_listing_shows(told):
    """It is asked for by the timestamp at which the marker was deleted, or by what Swift's own link says."""
    life = Life(later(6), [Timestamp(later(5), offset=1)]) if told == 'by the marker' else None
    key = tombstone(1) if life else (200, {'X-Timestamp': later(5).normal, 'X-Object-Version-Id': later(5).normal}, b'')

    assert {'/c/1'} == versions([], {later(5).normal: large(5)}, {later(5).normal: [{'name': '/c/1'}]}, life=life,
                                key=key)


@pytest.mark.parametrize('rows, container, key', [
    ([row('key', 5, version_id=later(5).normal)], 204, tombstone(1)), ([row('key', 5)], 204, tombstone(1)),
    ([], 404, tombstone(1)), ([], 204, (200, {'X-Timestamp': later(5).normal, 'X-Object-Version-Id': '1'}, b'')),
    ([], (204, {'X-Backend-Sharding-State': 'sharding'}, b''), tombstone(1))],
    ids=['not found', 'no versions shown', 'no container', 'a link that leads nowhere', 'being sharded'])
def test_versions_that_cannot_be_known(rows, container, key):
    """A listed version is not found, the pipeline shows no versions, or their container is not there."""
    with pytest.raises(Uncertain):
        versions(rows, {'1': 404}, container=container, key=key)


def test_versions_whose_shards_are_being_joined():
    """Their listing may lack versions; that of shards which stay is as good as any."""
    assert set() == versions([], container=(204, SHARDED, b''), shards=['active'])
    with pytest.raises(Uncertain):
        versions([], container=(204, SHARDED, b''), shards=['shrinking'])


def test_too_many_versions():
    """Nothing is known if the key has more than may be asked."""
    rows = [row('key', seconds, version_id=later(seconds).normal) for seconds in (3, 2)]
    heads = {later(seconds).normal: (200, {'Etag': 'x'}, b'') for seconds in (2, 3)}

    assert set() == versions(rows, heads, at=known(5, most=2))
    with pytest.raises(Uncertain):
        versions(rows, heads, at=known(5, most=1))


@pytest.mark.parametrize('ended, shared, key, others, certain', [
    pytest.param(1 * DAY, None, 10 * DAY, [], True, id='its own id is known'),
    pytest.param(None, None, 8 * DAY - 9, [], True, id='nothing was written lately'),
    pytest.param(None, None, None, [], True, id='nor is it known when'),
    pytest.param(None, None, 9 * DAY, [], False, id='the key was written lately'),
    pytest.param(None, None, 9 * DAY, [5 * DAY], True, id='... and before that, with versions'),
    pytest.param(None, None, 9 * DAY, [2 * DAY], False, id='... perhaps before the upload ended'),
    pytest.param(None, None, 9 * DAY, [9 * DAY], False, id='... or only then'),
    pytest.param(1 * DAY, 4 * DAY, 9 * DAY, [], False, id='a copy whose id is not known'),
    pytest.param(1 * DAY, 4 * DAY, 9 * DAY, [3 * DAY], False, id='... with a version before it'),
    pytest.param(1 * DAY, 4 * DAY, 9 * DAY, [5 * DAY], True, id='... with a version after it'),
    pytest.param(1 * DAY, 4 * DAY, 7 * DAY, [], True, id='... at a key at rest'),
])
def test_what_may_just_have_become_a_version(ended, shared, key, others, certain):
    """Swift makes a version of what was there without one, when the next is written. Its row may be late."""
    life = Life(later(ended) if ended else Timestamp(0), [later(ended)] if ended else [],
                later(shared) if shared else None)
    rows = [row('key', other, version_id=later(other).normal) for other in others]
    heads = {later(other).normal: (200, {'Etag': 'x'}, b'') for other in others}

    def ask():
        return versions(rows, heads, life=life, at=known(10), key=tombstone(key))

    if certain:
        assert set() == ask()
    else:
        with pytest.raises(Uncertain):
            ask()


def test_versions_switched_on_meanwhile():
    """The object that was at the key a moment ago may be a version now."""
    states = iter([(204, {}, b''), (204, VERSIONED, b'')])
    swift = RecordingSwift(HEAD=lambda seen: next(states) if seen.path == BUCKET else tombstone(9),
                           GET=(200, {}, b'[]'))

    with pytest.raises(Uncertain):
        references(swift).listed(UPLOAD, WANTED, Life(later(1)), known(5))


# In the place of an object

def instead(head, bucket=204, rows=()):
    """Return the names in what replaces an object that was written ten seconds after the upload began."""
    return references(swift_of({BUCKET: bucket, KEY: head}, {BUCKET: list(rows), KEY: [{'name': '/c/1'}]})
                      ).listed_instead(UPLOAD, WANTED, later(10))


def test_what_is_there_instead():
    """It may be a newer object, or none. The names in it are returned."""
    assert set() == instead((200, {'X-Timestamp': later(11).normal}, b'')) == instead(tombstone(11))
    assert {'/c/1'} == instead(large(11))


@pytest.mark.parametrize('case', [
    {'head': large(10)}, {'head': tombstone(9)}, {'head': tombstone()},
    {'head': tombstone(11), 'rows': [row('key', 12)]},
    {'head': tombstone(11), 'bucket': (204, VERSIONED, b'')},
    {'head': tombstone(11), 'bucket': (204, {'X-Container-Sysmeta-Versions-Location': 'old'}, b'')}],
    ids=['the same', 'older', 'unknown', 'listed', 'versions', 'archive'])
def test_what_may_be_there_instead(case):
    """Nothing newer is found, or the listing shows more, or the object may live on as a version."""
    with pytest.raises(Uncertain):
        instead(**case)


# Elsewhere

def test_other_places():
    """Each is asked as the key of an upload is, until every wanted name is found."""
    life = Life(later(1), [], later(2))
    swift = swift_of({'/v1/AUTH_a/other/copy': large(3), '/v1/AUTH_a/other': 204}, {
        '/v1/AUTH_a/other?prefix': [], '/v1/AUTH_a/other/copy': [{'name': '/c/1'}, {'name': '/c/2'}]})

    # Nobody is asked once all are found.
    assert WANTED == references(swift).listed_elsewhere(UPLOAD, [('other', 'copy'), None], WANTED, life, known(5))
    with pytest.raises(S3Error):
        references(swift_of({'/v1/AUTH_a/other': 503})).listed_elsewhere(
            UPLOAD, [('other', 'copy')], WANTED, life, known(5))
    assert set() == references(swift_of({}, {'/v1/AUTH_a': []})).listed_elsewhere(
        UPLOAD, [('other', 'copy')], WANTED, life, known(5))
    with pytest.raises(Uncertain):
        references(swift_of({}, {})).listed_elsewhere(UPLOAD, [None], WANTED, life, known(5))


# The glance

@pytest.mark.parametrize('answer, in_use', [
    (404, False), ((200, {'Etag': 'x'}, b''), False),
    (large(**{'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id, 'X-Object-Sysmeta-S3Api-Etag': 'x-2'}), True),
    (large(**{'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id, 'X-Object-Sysmeta-S3Api-Etag': 'x-1'}), False),
    (large(**{'X-Object-Sysmeta-S3Api-Upload-Id': 'other', 'X-Object-Sysmeta-S3Api-Etag': 'x-2'}), False),
    (large(**{'X-Object-Sysmeta-S3Api-Upload-Id': UPLOAD.id}), False),
])
def test_glance(answer, in_use):
    """If the object is the upload's and has as many parts as are stored, nothing more is asked. Otherwise the upload is
    judged."""
    found = Found(UPLOAD, None, False, [Attempt(number, 'name', TICKS, 'e', 1) for number in (1, 2)])

    assert in_use is is_in_use(found, references(swift_of({KEY: answer})))


# Keys by which Swift cannot list: it takes the next code point for their last character to find the end

@pytest.mark.parametrize('last', ['\ud7ff', '\U0010ffff'])
@pytest.mark.parametrize('shown, certain', [('key', True), ('other', True), ('newer', False)])
def test_a_key_by_which_swift_cannot_list(last, shown, certain):
    """Its row is the last one that is not after it."""
    key = 'key' + last
    upload = Upload('AUTH_a', 'bucket', key, IDS.new('AUTH_a', 'bucket', key, TICKS))
    rows = {'key': [row(key, 9)], 'other': [row('kex', 99)], 'newer': [row(key, 99)]}[shown]
    swift = swift_of({BUCKET: 204, BUCKET + '/' + key: tombstone(10)}, {BUCKET: rows})

    def ask():
        return references(swift).listed(upload, frozenset(WANTED), Life(later(1), [later(1)]), known(5))

    if certain:
        assert set() == ask()
    else:
        with pytest.raises(Uncertain):
            ask()
    query = [seen.query for seen in swift.seen if seen.method == 'GET']
    assert all('reverse=true' in each and 'prefix' not in each for each in query)


def test_versions_of_a_key_by_which_swift_cannot_list():
    """Nothing is known of them."""
    key = 'key\U0010ffff'
    upload = Upload('AUTH_a', 'bucket', key, IDS.new('AUTH_a', 'bucket', key, TICKS))
    swift = swift_of({BUCKET: (204, VERSIONED, b''), '/v1/AUTH_a/\0versions\0bucket': 204}, {BUCKET: []})
    with pytest.raises(Uncertain, match='cannot list'):
        references(swift).listed(upload, frozenset(WANTED), Life(later(1), [later(1)]), known(5))
