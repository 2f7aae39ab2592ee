# SPDX-License-Identifier: Apache-2.0
"""Operations on one upload at the same time: one of them wins whole, and the object is whole or not there.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
"""

from __future__ import annotations

import json

import pytest

from .faults import rule
from .raw import RawClient, multipart_etag
from .uploads import Upload, at_once, current, persistently, race, result

BODIES = [b'Hello, ', b'multipart ', b'world!\n']
WHOLE = b''.join(BODIES)
ETAG = f'"{multipart_etag(BODIES)}"'
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
UNAVAILABLE = (503, 'ServiceUnavailable')
ROUNDS = 6

# Requests of a Complete and of an Abort, to be held.
PUT_INTENT = ('PUT', '/complete$')
HEAD_INTENT = ('HEAD', '/complete$')
DELETE_INTENT = ('DELETE', '/complete$')
HEAD_MARKER = ('HEAD', r'\x00key\x00[^/]+$')
PUT_MARKER = ('PUT', r'\x00key\x00[^/]+$')
# Of an object, or of a version of one, which then gets a link that shows it.
PUT_LINK = ('PUT', '/bucket-[0-9a-f]+/key$')
PUT_MANIFEST = ('PUT', r'(?<!\x00s3multi\x00)bucket-[0-9a-f]+/[^/]*key')


@pytest.fixture(scope='module')
def held(faulty):
    """A client of the proxy whose requests can be held."""
    return RawClient(faulty.url)


@pytest.fixture
def mixed_bucket(bucket, swift, round_number):
    """A bucket that has versions in every other round."""
    if round_number % 2:
        swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    return bucket


def version_count(s3, upload):
    return len(s3.list_object_versions(Bucket=upload.bucket).get('Versions', []))


# Whatever the scheduler makes of it

@pytest.mark.parametrize('round_number', range(ROUNDS))
def test_completes_with_the_same_list(tiny, held, mixed_bucket, s3, swift, round_number):
    """Completes of the same list at the same time all answer 200 with one ETag, and tell one version id."""
    upload = Upload(tiny, mixed_bucket).parts(*BODIES)

    # One storage node alone cannot read a record at the moment it is replaced; Swift then answers 503.
    answers = race(*[lambda client=client: persistently(lambda: upload.complete(client=client))
                     for client in (tiny, held) * 3])

    assert [ETAG] * 6 == [result(answer)['ETag'] for answer in answers]
    told, = {answer.headers['x-amz-version-id'] for answer in answers}
    assert WHOLE == current(upload)
    # Of Completes that have begun at the very same time each may leave a version, whole, below the current one.
    versions = s3.list_object_versions(Bucket=mixed_bucket)['Versions']
    assert [told or 'null'] == [version['VersionId'] for version in versions if version['IsLatest']]
    assert {ETAG} == {version['ETag'] for version in versions}
    assert [1, 2, 3] == upload.stored_numbers(swift)


@pytest.mark.parametrize('round_number', range(ROUNDS))
def test_completes_with_different_lists(tiny, held, later, mixed_bucket, round_number):
    """Of Completes with different lists one wins whole; the others answer 503, and then 404."""
    upload = Upload(tiny, mixed_bucket).parts(*BODIES)
    lists = [upload.listed, upload.listed[:2], upload.listed[1:]]

    outcomes = race(*[lambda listed=listed, client=client: upload.complete(listed, client=client).outcome
                      for listed, client in zip(lists, (tiny, held, tiny))])

    assert {200, UNAVAILABLE, NO_SUCH_UPLOAD} >= set(outcomes)
    assert outcomes.count(200) <= 1
    # Once all leases are over each list can be told what became of it.
    repeated = [upload.complete(listed, client=later).outcome for listed in lists]
    assert (1, 2) == (repeated.count(200), repeated.count(NO_SUCH_UPLOAD))
    winner = repeated.index(200)
    assert 200 not in outcomes or winner == outcomes.index(200)
    assert b''.join(BODIES[number - 1] for number, _etag in lists[winner]) == current(upload)


# Fewer of these: an Abort looks again for seconds before it answers 503.
@pytest.mark.parametrize('round_number', range(4))
def test_complete_and_abort(tiny, held, later, mixed_bucket, swift, round_number):
    """Of Complete and Abort exactly one wins: there is a whole object, or none. Either may answer 503 first."""
    upload = Upload(tiny, mixed_bucket).parts(*BODIES)

    completed, aborted = race(
        lambda: upload.complete(client=tiny).outcome, lambda: upload.abort(client=held).outcome)

    # Only once its lease is over is it known that a Complete that answered 503 will never write its manifest.
    if completed == UNAVAILABLE and aborted == UNAVAILABLE:
        aborted = upload.abort(client=later).outcome
        completed = upload.complete().outcome
    elif aborted == UNAVAILABLE:
        aborted = upload.abort().outcome
    elif completed == UNAVAILABLE:
        completed = upload.complete().outcome
    assert (completed, aborted) in ((200, NO_SUCH_UPLOAD), (NO_SUCH_UPLOAD, 204))
    if completed == 200:
        assert WHOLE == current(upload)
        assert [1, 2, 3] == upload.stored_numbers(swift)
    else:
        assert current(upload) is None


@pytest.mark.parametrize('round_number', range(ROUNDS))
def test_upload_part_and_complete(tiny, held, bucket, round_number):
    """A part that is uploaded again while a Complete runs is answered 200 or 404, and no object mixes the two."""
    upload = Upload(tiny, bucket).parts(*BODIES)

    part, completed = race(
        lambda: held.upload_part(bucket, 'key', upload.id, 2, b'another ').outcome,
        lambda: upload.complete().outcome)

    assert part in (200, NO_SUCH_UPLOAD)
    assert completed in (200, (400, 'InvalidPart'))
    if completed == 200:
        assert WHOLE == current(upload)
        assert 200 == upload.complete().outcome
    else:
        assert 200 == part and upload.is_open()


@pytest.mark.parametrize('round_number', range(ROUNDS))
def test_upload_part_and_abort(tiny, held, bucket, swift, round_number):
    """A part that is uploaded while an Abort runs is answered 200 or 404; a further Abort frees it."""
    upload = Upload(tiny, bucket).parts(b'first')

    # One storage node alone cannot read a record at the moment it is replaced; Swift then answers 503.
    *parts, aborted = race(
        *[lambda number=number: persistently(lambda: held.upload_part(bucket, 'key', upload.id, number, b'late'))
          for number in (1, 2, 3)], upload.abort)

    assert {200, NO_SUCH_UPLOAD} >= {part.outcome for part in parts}
    assert 204 == aborted.status
    assert 204 == upload.abort().status
    assert [] == upload.stored_numbers(swift)


@pytest.mark.parametrize('round_number', range(3))
def test_uploads_of_the_same_part(tiny, held, bucket, round_number):
    """Of overlapping uploads of one part each has its own ETag, and one of them is the part."""
    upload = Upload(tiny, bucket)
    bodies = [b'attempt %d' % number for number in range(6)]

    answers = race(*[lambda body=body, client=client: client.upload_part(bucket, 'key', upload.id, 1, body)
                     for body, client in zip(bodies, (tiny, held) * 3)])
    etags = [answer.headers['ETag'] for answer in answers]

    listed = upload.list_parts().xml('ListPartsResult').findtext('Part/ETag')
    assert 200 == upload.complete([(1, listed)]).outcome
    assert bodies[etags.index(listed)] == current(upload)


# Held at the worst moment

def test_abort_while_a_complete_is_about_to_write(held, faulty, tiny, any_bucket, swift):
    """An Abort that finds a Complete at work frees nothing; the Complete wins."""
    upload = Upload(held, any_bucket).parts(*BODIES)

    with faulty.below.following(rule(*PUT_MANIFEST, hold='manifest', times=1)) as below, \
            at_once(upload.complete) as (completed,):
        below.wait_held('manifest')
        aborted = upload.abort(client=tiny).outcome
        below.release('manifest')
        outcome = completed.result().outcome

    assert (UNAVAILABLE, 200) == (aborted, outcome)
    assert WHOLE == current(upload)
    assert [1, 2, 3] == upload.stored_numbers(swift)
    assert NO_SUCH_UPLOAD == upload.abort().outcome
    assert 200 == upload.complete().outcome


@pytest.mark.parametrize('step', [HEAD_INTENT, PUT_MARKER], ids=['intent', 'marker'])
def test_complete_while_an_abort_looks(held, faulty, tiny, later, bucket, swift, step):
    """A Complete that comes between the two steps of an Abort does not make an object that the Abort then empties."""
    upload = Upload(held, bucket).parts(*BODIES)

    # The first PUT of the marker is the flag.
    with faulty.above.following(rule(*step, hold='look', skip=int(step is PUT_MARKER))) as above, \
            at_once(upload.abort) as (aborted,):
        above.wait_held('look')
        completed = upload.complete(client=tiny).outcome
        above.release('look')
        outcomes = [completed, aborted.result().outcome]

    assert outcomes in ([UNAVAILABLE, UNAVAILABLE], [UNAVAILABLE, 204], [NO_SUCH_UPLOAD, 204])
    assert current(upload) is None
    assert 204 == upload.abort(client=later).outcome
    assert (NO_SUCH_UPLOAD, None) == (upload.complete().outcome, current(upload))
    assert [] == upload.stored_numbers(swift)


def test_complete_before_the_abort_has_said_anything(held, faulty, tiny, any_bucket):
    """An Abort that has read an open upload, which is then completed, does no harm."""
    upload = Upload(held, any_bucket).parts(*BODIES)

    with faulty.above.following(rule(*PUT_MARKER, hold='flag')) as above, at_once(upload.abort) as (aborted,):
        above.wait_held('flag')
        completed = upload.complete(client=tiny).outcome
        above.release('flag')
        outcomes = [completed, aborted.result().outcome]

    assert [200, NO_SUCH_UPLOAD] == outcomes
    assert WHOLE == current(upload)
    assert [200, NO_SUCH_UPLOAD] == [upload.complete().outcome, upload.abort().outcome]


@pytest.mark.parametrize('step', [HEAD_MARKER, PUT_MANIFEST, PUT_MARKER, DELETE_INTENT],
                         ids=['marker read', 'manifest', 'marker', 'intent'])
def test_same_list_while_a_complete_is_held(held, faulty, tiny, any_bucket, s3, swift, step):
    """A Complete of the same list that overtakes another one answers 200, and so does the other one."""
    upload = Upload(held, any_bucket).parts(*BODIES)
    side = faulty.below if step is PUT_MANIFEST else faulty.above

    # The first look at the marker is made beside the proof.
    skip = 1 if step is HEAD_MARKER else 0
    with side.following(rule(*step, hold='step', times=1, skip=skip)), at_once(upload.complete) as (completed,):
        side.wait_held('step')
        overtaking = upload.complete(client=tiny)
        side.release('step')
        answers = [overtaking, completed.result()]

    assert [ETAG, ETAG] == [result(answer)['ETag'] for answer in answers]
    assert 1 == len({answer.headers['x-amz-version-id'] for answer in answers})
    assert WHOLE == current(upload)
    assert 1 == version_count(s3, upload)
    assert [1, 2, 3] == upload.stored_numbers(swift)


def test_same_list_between_version_and_link(held, faulty, tiny, bucket, s3, swift):
    """In a versioned bucket a Complete that overtakes one whose version is there, but not yet shown, shows that one."""
    swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    upload = Upload(held, bucket).parts(*BODIES)

    with faulty.below.following(rule(*PUT_LINK, hold='link', times=1)) as below, \
            at_once(upload.complete) as (completed,):
        below.wait_held('link')
        overtaking = upload.complete(client=tiny)
        below.release('link')
        answers = [overtaking, completed.result()]

    assert [ETAG, ETAG] == [result(answer)['ETag'] for answer in answers]
    assert WHOLE == current(upload)
    version, = s3.list_object_versions(Bucket=bucket)['Versions']
    assert [version['VersionId']] * 2 == [answer.headers['x-amz-version-id'] for answer in answers]


@pytest.mark.parametrize('step, expected', [
    (PUT_INTENT, [200, NO_SUCH_UPLOAD]), (HEAD_MARKER, [UNAVAILABLE, 200]), (PUT_MANIFEST, [UNAVAILABLE, 200]),
    (PUT_MARKER, [UNAVAILABLE, 200]), (DELETE_INTENT, [NO_SUCH_UPLOAD, 200]),
], ids=['intent', 'marker read', 'manifest', 'marker', 'last'])
def test_other_list_while_a_complete_is_held(held, faulty, tiny, later, any_bucket, step, expected):
    """A Complete with another list waits for the one that was first; only one of them makes the object."""
    upload = Upload(held, any_bucket).parts(*BODIES)
    side = faulty.below if step is PUT_MANIFEST else faulty.above

    # The first look at the marker is made beside the proof.
    skip = 1 if step is HEAD_MARKER else 0
    with side.following(rule(*step, hold='step', times=1, skip=skip)), at_once(upload.complete) as (completed,):
        side.wait_held('step')
        other = upload.complete(upload.listed[:2], client=tiny).outcome
        side.release('step')
        outcomes = [other, completed.result().outcome]

    assert expected == outcomes
    winner, loser = (upload.listed[:2], upload.listed) if other == 200 else (upload.listed, upload.listed[:2])
    assert b''.join(BODIES[:len(winner)]) == current(upload)
    assert [200, NO_SUCH_UPLOAD] == [upload.complete(listed, client=later).outcome for listed in (winner, loser)]


@pytest.mark.parametrize('first_ends', [True, False], ids=['before the other has written', 'after it'])
def test_intents_that_overlap(held, faulty, other, any_bucket, s3, first_ends):
    """Of two lists whose intents Swift took at the same moment one answers 200 and is the object, the other never."""
    upload = Upload(held, any_bucket).parts(*BODIES)
    second_client = RawClient(other.url)
    # Swift tests If-None-Match when a PUT begins; one that began at the same time is as one without it.
    at_the_same_time = rule(*PUT_INTENT, without='If-None-Match', times=1)

    def complete_other():
        faulty.below.wait_held('first')
        return upload.complete(upload.listed[:2], client=second_client).outcome

    with faulty.below.following(rule(*PUT_MANIFEST, hold='first', times=1)) as first, \
            other.above.following(at_the_same_time), \
            other.below.following(rule(*PUT_MANIFEST, hold='second', times=1)) as second, \
            at_once(lambda: upload.complete().outcome, complete_other) as ends:
        second.wait_held('second')
        for side, name, end in ((first, 'first', ends[0]), (second, 'second', ends[1]))[::1 if first_ends else -1]:
            side.release(name)
            end.result()
        outcomes = [end.result() for end in ends]

    assert [UNAVAILABLE, 200] == outcomes if first_ends else [NO_SUCH_UPLOAD, 200] == outcomes
    assert b'Hello, multipart ' == current(upload)
    for version in s3.list_object_versions(Bucket=any_bucket)['Versions']:
        body = s3.get_object(Bucket=any_bucket, Key='key', VersionId=version['VersionId'])['Body'].read()
        assert body in (b'Hello, multipart ', WHOLE)


def test_later_list_waits_for_the_lease(held, faulty, tiny, later, bucket):
    """When the lease of a held Complete is over another list may win; the held one then changes nothing."""
    upload = Upload(held, bucket).parts(*BODIES)

    with faulty.above.following(rule(*HEAD_MARKER, hold='step')) as above, at_once(upload.complete) as (completed,):
        above.wait_held('step')
        other = upload.complete(upload.listed[:2], client=later).outcome
        above.release('step')
        outcomes = [other, completed.result().outcome]

    assert [200, NO_SUCH_UPLOAD] == outcomes
    assert b'Hello, multipart ' == current(upload)


@pytest.mark.parametrize('method', ['PUT', 'DELETE'])
def test_key_that_changes_while_a_complete_is_held(held, faulty, tiny, any_bucket, s3, method):
    """What is done to the key after a Complete has begun counts as done after it."""
    tiny.request('PUT', any_bucket, 'key', body=b'older')
    upload = Upload(held, any_bucket).parts(*BODIES)

    with faulty.below.following(rule(*PUT_MANIFEST, hold='manifest', times=1)) as below, \
            at_once(upload.complete) as (completed,):
        below.wait_held('manifest')
        tiny.request(method, any_bucket, 'key', body=b'newer' if method == 'PUT' else b'')
        below.release('manifest')
        outcome = completed.result().outcome

    assert 200 == outcome
    assert (b'newer' if method == 'PUT' else None) == current(upload)
    assert NO_SUCH_UPLOAD == upload.complete().outcome
    assert (b'newer' if method == 'PUT' else None) == current(upload)


def test_part_that_ends_after_the_complete(held, faulty, tiny, bucket, swift):
    """A part that was begun before a Complete and ends after it does not touch the finished object."""
    upload = Upload(held, bucket).parts(*BODIES)

    with faulty.above.following(rule('PUT', '/00000002-', hold='part')) as above, at_once(
            lambda: held.upload_part(bucket, 'key', upload.id, 2, b'another ')) as (part,):
        above.wait_held('part')
        completed = upload.complete(client=tiny).outcome
        above.release('part')
        outcome = part.result().outcome

    assert 200 == completed
    assert outcome in (200, NO_SUCH_UPLOAD)
    assert WHOLE == current(upload)
    manifest = json.loads(swift.get_object(bucket, 'key', query_string='multipart-manifest=get')[1])
    assert [len(body) for body in BODIES] == [segment['bytes'] for segment in manifest]
