# SPDX-License-Identifier: Apache-2.0
"""Swift fails, lags, or is slow, and proxies die between two writes: nothing is lost, and a repeat ends well.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""

from __future__ import annotations

import contextlib
import http.client
import re
import time
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlsplit

import pytest

from s3multi.upload.names import Upload as Layout

from .faults import FaultyProxy, rule
from .raw import RawClient, complete_body, multipart_etag
from .uploads import BOUND_SECONDS, Upload, at_once, await_true, current, read, result
from .users import account

BODIES = [b'Hello, ', b'multipart ', b'world!\n']
WHOLE = b''.join(BODIES)
ETAG = f'"{multipart_etag(BODIES)}"'
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
UNAVAILABLE = (503, 'ServiceUnavailable')

# What the requests of a Complete are for, by method and path.
LISTING = ('GET', '_segments$')
PUT_INTENT = ('PUT', '/complete$')
HEAD_INTENT = ('HEAD', '/complete$')
DELETE_INTENT = ('DELETE', '/complete$')
HEAD_MARKER = ('HEAD', r'\x00key\x00[^/]+$')
END_MARKER = ('PUT', r'\x00key\x00[^/]+$')
# Of an object, or of a version of one; the link that shows the version is written after it.
PUT_MANIFEST = ('PUT', r'(?<!\x00s3multi\x00)bucket-[0-9a-f]+/[^/]*key')
PUT_LINK = ('PUT', '/bucket-[0-9a-f]+/key$')
HEAD_SEGMENT = ('HEAD', '_segments/.*/0000000[0-9]-')


@pytest.fixture(scope='module')
def slow(cluster):
    """A proxy that can be told to fail, asks for every part, and sends white space after a fifth of a second."""
    return FaultyProxy(cluster, 'slow', heartbeat_interval=0.2, verify='head')


@pytest.fixture
def upload(faulty, bucket):
    """An open upload with three parts, through the proxy that can be told to fail."""
    return Upload(RawClient(faulty.url), bucket).parts(*BODIES)


def fault(request, **words):
    return rule(*request, **words)


# What it costs

@pytest.mark.parametrize('count', [1, 10])
def test_requests_of_a_complete(faulty, bucket, count):
    """A Complete sends one listing and nine more requests, whatever the number of parts; nobody asks for a part."""
    upload = Upload(RawClient(faulty.url), bucket).many_parts(range(1, count + 1))
    layout = Layout(account(), bucket, 'key', upload.id)
    marker, intent = f'{layout.marker_container}/{layout.marker}', f'{layout.container}/{layout.intent}'

    with faulty.above.following() as above, faulty.below.following() as below:
        assert 200 == upload.complete().status
    sent, heads = [seen[:2] for seen in above.requests()], [seen for seen in below.requests() if seen[3] == 'SLO']

    assert sorted([('GET', f'{bucket}_segments'), ('HEAD', f'{bucket}/key'), ('PUT', intent), ('HEAD', marker),
                   ('HEAD', marker), ('PUT', f'{bucket}/key'), ('PUT', marker), ('HEAD', intent), ('DELETE', marker),
                   ('DELETE', intent)]) == sorted(sent)
    assert [] == heads


def test_requests_of_the_other_operations(faulty, bucket):
    """Initiate and List Multipart Uploads cost one request, Upload Part and List Parts two, Abort seven and parts."""
    client = RawClient(faulty.url)
    Upload(client, bucket)
    counts = {}

    def count(name, call):
        with faulty.above.following() as above:
            outcome = call()
        counts[name] = len(above.requests())
        return outcome

    upload = count('Initiate', lambda: Upload(client, bucket))
    count('Upload Part', lambda: upload.part(1))
    upload.part(2)
    count('List Parts', upload.list_parts)
    count('List Multipart Uploads', lambda: client.list_uploads(bucket))
    count('Abort', upload.abort)

    assert {'Initiate': 1, 'Upload Part': 2, 'List Parts': 2, 'List Multipart Uploads': 1, 'Abort': 7 + 2} == counts


def test_nothing_asked_carries_the_clients_query(faulty, bucket):
    """No request of s3multi takes over what the client's query says."""
    upload = Upload(RawClient(faulty.url), bucket)

    with faulty.above.following() as above:
        upload.client.request('PUT', bucket, 'key', {
            'partNumber': 1, 'uploadId': upload.id, 'multipart-manifest': 'put', 'smuggled': 'yes'}, body=b'part')
        requests = above.requests()

    assert requests
    assert {'', 'symlink=get&multipart-manifest=get'} == {query for _method, _path, query, _source in requests}


# Swift fails while a Complete runs

STEPS = {
    'listing': (LISTING, 'above'), 'part asked for': (HEAD_SEGMENT, 'below'), 'intent written': (PUT_INTENT, 'above'),
    'marker read': (HEAD_MARKER, 'above'), 'manifest written': (PUT_MANIFEST, 'below'),
    'marker ended': (END_MARKER, 'above'), 'intent read': (HEAD_INTENT, 'above'),
}


@pytest.mark.parametrize('status', ['503 Service Unavailable', '500 Internal Error'])
@pytest.mark.parametrize('step', STEPS)
def test_failure_of_one_request(faulty, asking, upload, swift, step, status):
    """When a request to Swift fails, Complete answers what clients repeat, and the repeat makes the object."""
    request, side = STEPS[step]
    proxy = asking if step == 'part asked for' else faulty
    upload.client = RawClient(proxy.url)

    # The first look at the marker is made beside the proof. If it fails, nothing is lost but the head start.
    skip = 1 if step == 'marker read' else 0
    # Of a record, no first 503 is believed.
    times = 2 if step in ('marker read', 'intent read') else 1
    with getattr(proxy, side).following(fault(request, status=status, times=times, skip=skip)):
        failed = upload.complete()

    assert failed.status in (500, 503), failed.body
    check_completed(upload, upload.complete(), swift)


def test_failure_behind_the_answer(faulty, upload, swift):
    """An intent that cannot be deleted is left. It keeps nobody waiting."""
    with faulty.above.following(fault(DELETE_INTENT, status='503 Service Unavailable')):
        answer = upload.complete()
    assert '/complete' in upload.stored(swift)

    check_completed(upload, answer, swift)
    check_completed(upload, upload.complete(), swift)


@pytest.mark.parametrize('step', ['listing', 'part asked for'])
def test_failure_before_anything_is_written(faulty, asking, upload, swift, step):
    """A Complete that fails before it has written anything leaves the upload to an Abort, or to another list."""
    request, side = STEPS[step]
    proxy = asking if step == 'part asked for' else faulty
    upload.client = RawClient(proxy.url)
    stored = upload.stored(swift)

    with getattr(proxy, side).following(fault(request, status='503 Service Unavailable')):
        assert upload.complete().status in (500, 503)

    assert stored == upload.stored(swift)
    assert 200 == upload.complete(upload.listed[:2]).outcome


def test_part_that_is_listed_but_lost(asking, upload, swift):
    """With verify = head, a part that is listed but whose bytes are gone is InvalidPart, and nothing is written."""
    upload.client = RawClient(asking.url)
    stored = upload.stored(swift)

    with asking.below.following(rule('HEAD', '/00000002-', status='404 Not Found')):
        answer = upload.complete()

    assert ((400, 'InvalidPart'), '2', upload.etags[2].strip('"')) == (
        answer.outcome, answer.error['PartNumber'], answer.error['ETag'])
    assert stored == upload.stored(swift)
    assert 200 == upload.complete([upload.listed[0], upload.listed[2]]).outcome


def test_unlisted_part_that_cannot_be_freed(faulty, upload, swift):
    """A part that was not listed and cannot be deleted costs space, but does not fail the Complete."""
    with faulty.above.following(rule('DELETE', '/00000002-', status='503 Service Unavailable')):
        answer = upload.complete([upload.listed[0], upload.listed[2]])

    assert 200 == answer.outcome
    assert BODIES[0] + BODIES[2] == read(upload.client, upload.bucket, 'key').body


def check_completed(upload, answer, swift):
    """Check that `answer` is the success of a Complete of all parts, and that only these are left.

    After a Complete that died its intent may stay too, and a marker that says ``completed``, both of zero bytes: a
    sweep deletes them.
    """
    assert ETAG == result(answer)['ETag']
    assert WHOLE == read(upload.client, upload.bucket, upload.key).body
    assert [1, 2, 3] == upload.stored_numbers(swift)
    assert {name for name in upload.stored(swift) if not name.startswith('/0000000')} <= {'', '/complete'}
    assert NO_SUCH_UPLOAD == upload.abort().outcome


# A proxy dies while a Complete runs

# After which request, and on which side of slo it is seen; before it for the first.
DEATHS = {
    'before its intent': (PUT_INTENT, 'above', False), 'after its intent': (PUT_INTENT, 'above', True),
    'after it has read the marker': (HEAD_MARKER, 'above', True), 'before its manifest': (PUT_MANIFEST, 'below', False),
    'after its manifest': (PUT_MANIFEST, 'below', True), 'after the marker is gone': (END_MARKER, 'above', True),
    'after it has read its intent': (HEAD_INTENT, 'above', True),
}
WITHOUT_OBJECT = ('before its intent', 'after its intent', 'after it has read the marker', 'before its manifest')


@pytest.fixture(params=DEATHS)
def dead(request, faulty, upload):
    """An upload whose Complete ended at one point or another, as when its proxy died; and whether the object exists."""
    step, side, after = DEATHS[request.param]
    # The first look at the marker is made beside the proof.
    skip = 1 if step is HEAD_MARKER else 0
    with getattr(faulty, side).following(fault(step, die=True, after=after, times=1, skip=skip)):
        assert (500, 'InternalError') == upload.complete().outcome
    upload.object_exists = request.param not in WITHOUT_OBJECT
    upload.died = request.param
    assert (WHOLE if upload.object_exists else None) == current(upload)
    return upload


def test_repeat_after_a_death(dead, swift):
    """The repeat of a Complete whose proxy died answers 200, wherever that was."""
    check_completed(dead, dead.complete(), swift)


def test_repeat_long_after_a_death(dead, later, swift):
    """So does a repeat that comes when the lease of the dead one is over."""
    check_completed(dead, dead.complete(client=later), swift)


def test_abort_long_after_a_death(dead, later, swift):
    """Long after a Complete died, an Abort ends the upload if there is no object, and never harms one."""
    outcome = dead.abort(client=later).outcome

    if dead.object_exists:
        assert (NO_SUCH_UPLOAD, WHOLE) == (outcome, current(dead))
        check_completed(dead, dead.complete(), swift)
    else:
        assert (204, None) == (outcome, current(dead))
        assert [] == dead.stored_numbers(swift)
        assert NO_SUCH_UPLOAD == dead.complete().outcome


def test_other_list_long_after_a_death(dead, later):
    """Long after a Complete died, one with another list succeeds if there is no object, and never replaces one."""
    outcome = dead.complete(dead.listed[:2], client=later).outcome

    if dead.object_exists:
        assert (NO_SUCH_UPLOAD, WHOLE) == (outcome, current(dead))
    else:
        assert (200, b'Hello, multipart ') == (outcome, current(dead))
        assert NO_SUCH_UPLOAD == dead.complete().outcome


def test_other_list_soon_after_a_death(dead):
    """Soon after a Complete died, one with another list has to wait as long as that may still be at work."""
    outcome = dead.complete(dead.listed[:2]).outcome

    if dead.died == 'before its intent':
        assert (200, b'Hello, multipart ') == (outcome, current(dead))
    elif dead.died in ('after the marker is gone', 'after it has read its intent'):
        assert (NO_SUCH_UPLOAD, WHOLE) == (outcome, current(dead))
    else:
        assert UNAVAILABLE == outcome
        assert (WHOLE if dead.object_exists else None) == current(dead)
        assert 200 == dead.complete().outcome


def test_overwritten_after_a_death(dead, later):
    """What was written to the key after a Complete died is not replaced by its repeat."""
    dead.client.request('PUT', dead.bucket, 'key', body=b'newer')

    outcomes = {dead.complete().outcome, dead.complete().outcome, dead.complete(client=later).outcome,
                dead.abort(client=later).outcome}

    assert {200, NO_SUCH_UPLOAD} >= outcomes
    # Without an intent the repeat is a Complete of its own, which begins after the newer object was written.
    assert (WHOLE if dead.died == 'before its intent' else b'newer') == current(dead)


def test_abort_soon_after_a_death(faulty, upload, later):
    """Soon after a Complete died without an object, an Abort has to wait too; no part is freed, and it ends in time."""
    with faulty.below.following(fault(PUT_MANIFEST, die=True)):
        upload.complete()

    assert UNAVAILABLE == upload.abort().outcome
    assert UNAVAILABLE == upload.complete().outcome
    assert 204 == upload.abort(client=later).outcome
    assert (NO_SUCH_UPLOAD, None) == (upload.complete().outcome, current(upload))


def test_abort_soon_after_a_death_with_an_object(faulty, upload, swift):
    """Soon after a Complete died with its object in place, an Abort finds that and answers NoSuchUpload."""
    with faulty.above.following(fault(END_MARKER, die=True)):
        upload.complete()

    assert NO_SUCH_UPLOAD == upload.abort().outcome
    check_completed(upload, upload.complete(), swift)


@pytest.mark.parametrize('step, after, made', [
    (PUT_MANIFEST, False, False), (PUT_MANIFEST, True, False), (PUT_LINK, False, False), (PUT_LINK, True, True),
    (END_MARKER, False, True), (END_MARKER, True, True),
], ids=['before the version', 'after the version', 'before the link', 'after the link', 'before the marker is gone',
        'after the marker is gone'])
@pytest.mark.parametrize('when', ['soon', 'late'])
def test_repeat_after_a_death_in_a_versioned_bucket(faulty, upload, later, s3, swift, step, after, made, when):
    """In a versioned bucket the repeat of a Complete whose proxy died answers 200 with the one version there is."""
    swift.post_container(upload.bucket, {'X-Versions-Enabled': 'true'})
    old = s3.put_object(Bucket=upload.bucket, Key='key', Body=b'old')['VersionId']
    side = faulty.above if step is END_MARKER else faulty.below
    with side.following(fault(step, die=True, after=after, times=1)):
        assert (500, 'InternalError') == upload.complete().outcome
    assert (WHOLE if made else b'old') == current(upload)

    answer = upload.complete(client=later if when == 'late' else None)

    check_completed(upload, answer, swift)
    assert [answer.headers['x-amz-version-id'], old] == [
        version['VersionId'] for version in s3.list_object_versions(Bucket=upload.bucket)['Versions']]


@pytest.mark.parametrize('step, after', [(PUT_LINK, False), (PUT_LINK, True), (END_MARKER, False)],
                         ids=['before the link', 'after the link', 'before the marker is gone'])
def test_abort_after_a_death_in_a_versioned_bucket(faulty, upload, later, swift, step, after):
    """In a versioned bucket an Abort frees no part that a version has, shown or not."""
    swift.post_container(upload.bucket, {'X-Versions-Enabled': 'true'})
    side = faulty.above if step is END_MARKER else faulty.below
    with side.following(fault(step, die=True, after=after, times=1)):
        upload.complete()
    upload.client.request('PUT', upload.bucket, 'key', body=b'newer')

    assert NO_SUCH_UPLOAD == upload.abort(client=later).outcome
    assert NO_SUCH_UPLOAD == upload.abort().outcome
    assert [1, 2, 3] == upload.stored_numbers(swift)


def test_proxy_that_is_killed(cluster, tiny, bucket, swift):
    """A proxy that is really killed before its manifest, or after it, is finished by another one."""
    proxy = FaultyProxy(cluster, 'killed')
    for after in (False, True):
        upload = Upload(RawClient(proxy.url), bucket).parts(*BODIES)
        with proxy.below.following(fault(PUT_MANIFEST, hold='manifest', after=after)) as below, \
                at_once(lambda: ignore_lost_connection(upload.complete)):
            below.wait_held('manifest')
            proxy.proxy.kill()
        upload.client = tiny
        check_completed(upload, upload.complete(), swift)
        tiny.request('DELETE', bucket, 'key', {'multipart-manifest': 'delete'})
        proxy.start()
    proxy.proxy.stop()


def ignore_lost_connection(call):
    with contextlib.suppress(http.client.HTTPException, OSError):
        call()


# A proxy dies, or Swift fails, while an Abort runs

@pytest.mark.parametrize('skip', range(9))
@pytest.mark.parametrize('after', [False, True], ids=['before', 'after'])
def test_abort_that_dies(faulty, upload, swift, skip, after):
    """An Abort that ends before or after any of its requests is finished by the next one."""
    with faulty.above.following(rule('', '', skip=skip, die=True, after=after, times=1)):
        first = upload.abort()

    assert first.status in (204, 500, 503)
    assert 204 == upload.abort().outcome
    assert [] == upload.stored_numbers(swift)
    assert NO_SUCH_UPLOAD == upload.complete().outcome


@pytest.mark.parametrize('skip', range(7))
def test_complete_after_an_abort_that_died(faulty, upload, later, swift, skip):
    """After an Abort that died a Complete succeeds, or the upload can only be aborted; in between there is nothing."""
    with faulty.above.following(rule('', '', skip=skip, die=True, times=1)):
        upload.abort()

    outcome = upload.complete().outcome

    if outcome == 200:
        check_completed(upload, upload.complete(), swift)
    else:
        assert outcome in (NO_SUCH_UPLOAD, UNAVAILABLE)
        assert 204 == upload.abort(client=later).outcome
        assert (NO_SUCH_UPLOAD, None) == (upload.complete().outcome, current(upload))


def test_part_that_cannot_be_freed(faulty, upload, swift):
    """A part that an Abort cannot delete is deleted by the next one."""
    with faulty.above.following(rule('DELETE', '/00000002-', status='503 Service Unavailable')):
        assert 204 == upload.abort().outcome

    assert [2] == upload.stored_numbers(swift)
    assert 204 == upload.abort().outcome
    assert [] == upload.stored_numbers(swift)


def test_part_whose_row_is_late_at_the_abort(faulty, upload, swift):
    """The cache knows of a part that the listing does not show, so it is freed with the others."""
    with faulty.above.following(fault(LISTING, hide='/00000002-')):
        assert 204 == upload.abort().outcome

    assert [] == upload.stored_numbers(swift)


# Listings lag

@pytest.mark.parametrize('hidden', ['/00000002-', '/0000000[123]-', 'key'], ids=['one', 'all', 'all and the marker'])
def test_rows_that_never_come(faulty, upload, hidden):
    """Parts whose rows the listing does not show are found by the names that Upload Part has left in memcache."""
    with faulty.above.following(fault(LISTING, hide=hidden)) as above:
        answer = upload.complete()
        asked = [path for method, path, _query, source in above.requests() if method == 'HEAD' and '/0000000' in path]

    assert ETAG == result(answer)['ETag']
    assert asked
    assert WHOLE == current(upload)


def test_row_of_a_part_that_was_uploaded_again(faulty, upload, swift):
    """The newest attempt of a part is found though the listing shows only an older one."""
    old, = [name for name in upload.stored(swift) if name.startswith('/00000002-')]
    upload.part(2, b'again ')

    with faulty.above.following(fault(LISTING, hide=f'/00000002-(?!{old[10:]})')):
        answer = upload.complete()

    assert 200 == answer.outcome
    assert b'Hello, again world!\n' == current(upload)


def test_part_that_cannot_be_asked_for(faulty, upload):
    """When a part is not in the listing and Swift cannot be asked for it, that is no InvalidPart."""
    with faulty.above.following(fault(LISTING, hide='/00000002-'),
                                rule('HEAD', '/00000002-', status='503 Service Unavailable')):
        assert UNAVAILABLE == upload.complete().outcome

    assert 200 == upload.complete().outcome


def test_row_that_is_late_and_no_memcache(forgetful, bucket):
    """Without memcache a Complete lists again for a while, until the part is there."""
    upload = Upload(RawClient(forgetful.url), bucket).parts(*BODIES)

    with forgetful.above.following(fault(LISTING, hide='/00000002-', times=2)):
        answer = upload.complete()

    assert ETAG == result(answer)['ETag']
    assert WHOLE == current(upload)


def test_row_that_never_comes_and_no_memcache(forgetful, bucket, swift):
    """A part that nothing shows is InvalidPart after that while, and a later repeat succeeds: nothing was lost."""
    upload = Upload(RawClient(forgetful.url), bucket).parts(*BODIES)
    stored = upload.stored(swift)

    with forgetful.above.following(fault(LISTING, hide='/00000002-')):
        answer = upload.complete()

    assert ((400, 'InvalidPart'), '2') == (answer.outcome, answer.error['PartNumber'])
    assert stored == upload.stored(swift)
    check_completed(upload, upload.complete(), swift)


def test_everything_works_without_memcache(forgetful, bucket, swift):
    """No operation needs memcache."""
    client = RawClient(forgetful.url)
    upload, aborted = Upload(client, bucket).parts(*BODIES), Upload(client, bucket).parts(*BODIES)

    assert ['1', '2', '3'] == [number.text for number in upload.list_parts().xml('ListPartsResult').iter('PartNumber')]
    assert 204 == aborted.abort().outcome
    check_completed(upload, upload.complete(), swift)


# Answers of Swift that are no success

def test_part_that_was_not_stored(faulty, upload):
    """202 to the PUT of a part means that it was not stored: the client is not told 200."""
    with faulty.above.following(rule('PUT', '/00000004-', status='202 Accepted')):
        answer = upload.client.upload_part(upload.bucket, 'key', upload.id, 4, b'lost')

    assert answer.status in (500, 503)


@pytest.mark.parametrize('side', ['above', 'below'])
def test_manifest_that_something_newer_overtook(faulty, upload, later, side):
    """What is written to the key meanwhile, with a later time, stays: as if the object was overwritten at once."""
    with getattr(faulty, side).following(fault(PUT_MANIFEST, hold='manifest')) as seen:
        with at_once(upload.complete) as (completed,):
            seen.wait_held('manifest')
            later.request('PUT', upload.bucket, 'key', body=b'from the future')
            seen.release('manifest')

    assert (200, b'from the future') == (completed.result().outcome, current(upload))
    assert NO_SUCH_UPLOAD == upload.complete().outcome
    assert b'from the future' == current(upload)


def test_intent_that_something_newer_overtook(faulty, upload, swift):
    """202 to the PUT of the intent means that it was not written: it is written again with a later time."""
    with faulty.above.following(fault(PUT_INTENT, status='202 Accepted', times=1)) as above:
        answer = upload.complete()
        written = [path for method, path, *_ in above.requests() if method == 'PUT' and path.endswith('/complete')]

    assert 2 == len(written)
    check_completed(upload, answer, swift)


@pytest.mark.parametrize('step', ['the marker', 'the part'])
def test_upload_part_fails_with_swift(faulty, upload, step):
    """When Swift cannot be asked or cannot store, Upload Part answers what clients repeat."""
    request = rule(*HEAD_MARKER) if step == 'the marker' else rule('PUT', '_segments/')

    with faulty.above.following({**request, 'status': '503 Service Unavailable'}):
        answer = upload.client.upload_part(upload.bucket, 'key', upload.id, 4, b'part')

    assert UNAVAILABLE == answer.outcome


@pytest.mark.parametrize('status', ['503 Service Unavailable', '404 Not Found'])
def test_initiate_fails_with_swift(faulty, bucket, status):
    """An upload whose marker could not be written is not answered with an id."""
    with faulty.above.following(rule('PUT', r'\x00key\x00', status=status)):
        answer = RawClient(faulty.url).request('POST', bucket, 'key', {'uploads': None})

    assert answer.status in (500, 503)


@pytest.mark.parametrize('name', ['List Parts', 'List Multipart Uploads'])
def test_lists_fail_with_swift(faulty, upload, name):
    """A listing that Swift cannot give is no empty list."""
    listing = LISTING if name == 'List Parts' else ('GET', r'\x00s3multi\x00[^/]+$')
    with faulty.above.following(fault(listing, status='503 Service Unavailable')):
        answer = upload.list_parts() if name == 'List Parts' else upload.client.list_uploads(upload.bucket)

    assert UNAVAILABLE == answer.outcome


# A Complete that takes long

class Stream:
    """A Complete whose answer is read as it comes, without signing its body."""

    def __init__(self, upload, s3):
        url = urlsplit(s3.generate_presigned_url('complete_multipart_upload', {
            'Bucket': upload.bucket, 'Key': upload.key, 'UploadId': upload.id}))
        address = upload.client.address
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=BOUND_SECONDS)
        self.connection.request('POST', f'{url.path}?{url.query}', complete_body(upload.listed), {
            'Host': url.netloc})
        self.response = self.connection.getresponse()
        self.text = b''

    def read_until(self, enough):
        """Read on until `enough` says so of all that was read."""
        while not enough(self.text):
            chunk = self.response.read1(65536)
            assert chunk, self.text
            self.text += chunk

    def close(self):
        # Both: the answer holds the socket too.
        self.response.close()
        self.connection.close()

    def read_all(self):
        self.text += self.response.read()

    @property
    def root(self):
        return ElementTree.fromstring(self.text)


@pytest.fixture
def stream(slow, bucket, make_client):
    """A Complete whose manifest is held, begun by a client that reads the answer as it comes; and its upload."""
    upload = Upload(RawClient(slow.url), bucket).parts(*BODIES)
    with slow.below.following(fault(PUT_MANIFEST, hold='manifest', times=1)):
        stream = Stream(upload, make_client(url=slow.url))
        stream.upload = upload
        yield stream
        stream.close()


DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def test_white_space_comes_early(stream, slow):
    """While a Complete runs, the XML declaration and then white space arrive; at the end the result stands behind."""
    assert 200 == stream.response.status
    assert 'application/xml' == stream.response.headers['Content-Type']
    assert 'Content-Length' not in stream.response.headers
    stream.read_until(lambda text: len(text) >= len(DECLARATION) + 3)
    # Nobody has let the Complete go on yet.
    assert DECLARATION + b' ' * (len(stream.text) - len(DECLARATION)) == stream.text
    slow.below.release('manifest')
    stream.read_all()

    assert stream.text.startswith(DECLARATION + b'   ')
    assert b'<CompleteMultipartUploadResult' == stream.text[len(DECLARATION):].lstrip(b' ')[:30]
    assert ETAG == stream.root.findtext('{*}ETag')
    assert WHOLE == current(stream.upload)


def test_failure_after_white_space(slow, bucket, make_client):
    """After white space a failure is told by a root Error in the body of the 200."""
    upload = Upload(RawClient(slow.url), bucket).parts(*BODIES)
    with slow.below.following(rule('HEAD', '/00000002-', hold='part', status='404 Not Found')) as below:
        stream = Stream(upload, make_client(url=slow.url))
        stream.read_until(lambda text: b' ' in text[len(DECLARATION):])
        below.release('part')
        stream.read_all()
        stream.close()

    root = stream.root
    assert (200, 'Error', 'InvalidPart', '2') == (
        stream.response.status, root.tag, root.findtext('Code'), root.findtext('PartNumber'))
    assert current(upload) is None


@pytest.mark.parametrize('wrong, root, found', [({}, 'CompleteMultipartUploadResult', None),
                                                ({2: '"%032x"' % 0}, 'Error', 'InvalidPart')])
def test_white_space_while_parts_are_looked_for(slow, bucket, make_client, wrong, root, found):
    """It comes while Swift is slow to list the parts, too; whatever that shows is told behind it."""
    upload = Upload(RawClient(slow.url), bucket).parts(*BODIES)
    upload.etags.update(wrong)
    with slow.above.following(fault(LISTING, hold='listing')) as above:
        stream = Stream(upload, make_client(url=slow.url))
        stream.read_until(lambda text: b' ' in text[len(DECLARATION):])
        above.release('listing')
        stream.read_all()
        stream.close()

    assert (200, root, found) == (
        stream.response.status, stream.root.tag.rpartition('}')[2], stream.root.findtext('Code'))


def test_failure_before_white_space(upload):
    """Before white space, which a proxy sends in time for impatient clients only, a failure has its own status."""
    assert (400, 'InvalidPart') == upload.complete([(1, '"%032x"' % 0)]).outcome
    assert 200 == upload.complete().outcome


def test_sdk_sees_a_failure_after_white_space(slow, bucket, make_client):
    """boto3 takes the root Error in a 200 for a failure."""
    s3 = make_client(url=slow.url)
    upload = Upload(RawClient(slow.url), bucket).parts(*BODIES)

    def complete():
        try:
            return s3.complete_multipart_upload(Bucket=bucket, Key='key', UploadId=upload.id, MultipartUpload={
                'Parts': [{'PartNumber': number, 'ETag': etag} for number, etag in upload.listed]})
        except s3.exceptions.ClientError as error:
            return error.response

    with slow.below.following(rule('HEAD', '/00000002-', hold='part', status='404 Not Found')) as below, \
            at_once(complete) as (completed,):
        below.wait_held('part')
        # Long enough for white space: there is nothing to be awaited but time.
        time.sleep(0.5)
        below.release('part')
        answer = completed.result()

    assert (500, 'InvalidPart') == (answer['ResponseMetadata']['HTTPStatusCode'], answer['Error']['Code'])


def test_client_that_hangs_up(stream, slow, swift):
    """A Complete goes on when its client hangs up, and the repeat finds its result."""
    stream.read_until(lambda text: b' ' in text[len(DECLARATION):])
    stream.close()
    # Swift logs what nobody waits for any more as 499.
    await_true(lambda: re.search(rf'POST /{stream.upload.bucket}/key%3F.* 499 ', slow.proxy.log_text()))
    slow.below.release('manifest')

    await_true(lambda: current(stream.upload) is not None and '/complete' not in stream.upload.stored(swift))
    with slow.above.following() as above:
        answer = stream.upload.complete()
        assert not any(method == 'PUT' for method, *_ in above.requests())
    check_completed(stream.upload, answer, swift)


def test_repeat_while_the_first_still_runs(stream, slow, tiny, swift):
    """A client that repeats a Complete that still runs gets the same 200 as the first, and there is one object."""
    stream.read_until(lambda text: b' ' in text[len(DECLARATION):])

    repeated = stream.upload.complete(client=tiny)
    slow.below.release('manifest')
    stream.read_all()

    assert ETAG == stream.root.findtext('{*}ETag')
    check_completed(stream.upload, repeated, swift)
