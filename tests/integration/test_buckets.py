# SPDX-License-Identifier: Apache-2.0
"""Buckets: containers that hold uploads are none, and uploads end with the bucket they were begun in.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
"""

from __future__ import annotations

import secrets

import pytest
import swiftclient

from s3multi.upload.names import segments_container

from ..cases import for_each
from .counting import counting
from .faults import FaultyProxy, rule
from .raw import RawClient
from .uploads import TINY_PARTS, Upload, at_once, race, read, segment_names, tiny_parts

NO_SUCH_BUCKET = (404, 'NoSuchBucket')
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
DOMAIN = 's3.example.com'
IMMEDIATE = 5


@pytest.fixture(scope='module')
def any_names(cluster):
    """A client of a proxy where buckets may have any name that Swift allows."""
    proxy = cluster.add_proxy('any-names', filters={
        **TINY_PARTS, 's3api': {'dns_compliant_bucket_names': False, 'storage_domain': DOMAIN}})
    return RawClient(proxy.url)


@pytest.fixture(scope='module')
def freeing(cluster):
    """A proxy that deletes a few parts at once, and leaves more to the expirer."""
    return FaultyProxy(cluster, 'buckets-freeing', immediate_deletes=IMMEDIATE)


@pytest.fixture
def client(faulty):
    """A client of that proxy."""
    return RawClient(faulty.url)


@pytest.fixture(params=['names-of-dns', 'any-names'])
def viewer(request, tiny, any_names):
    """A client of a proxy of either kind."""
    return tiny if request.param == 'names-of-dns' else any_names


def listed_buckets(client):
    return [element.text for element in client.request('GET').xml('ListAllMyBucketsResult').iter('Name')]


def listed_uploads(client, bucket):
    """Return the ids of the uploads that the bucket lists."""
    return [element.text for element in client.list_uploads(bucket).xml('ListMultipartUploadsResult').iter('UploadId')]


def containers(swift):
    return [row['name'] for row in swift.get_account(full_listing=True)[1]]


def delete_bucket(client, bucket):
    return client.request('DELETE', bucket).outcome


# Hidden containers

def test_segments_are_no_buckets(viewer, any_names, bucket, swift):
    """ListBuckets shows every bucket, and no container that holds uploads."""
    odd = 'An_odd.name-' + secrets.token_hex(4)
    any_names.request('PUT', odd)
    for each in (bucket, odd):
        Upload(any_names, each).part(1)
    shown = listed_buckets(viewer)

    assert bucket in shown
    assert (viewer is any_names) == (odd in shown)
    assert [] == [name for name in shown if name.endswith('_segments')]
    assert {segments_container(bucket), segments_container(odd)} < set(containers(swift))


REQUESTS = {
    'list-objects': ('GET', None, {}),
    'list-objects-v2': ('GET', None, {'list-type': 2}),
    'list-versions': ('GET', None, {'versions': None}),
    'get-bucket-acl': ('GET', None, {'acl': None}),
    'location': ('GET', None, {'location': None}),
    'get-versioning': ('GET', None, {'versioning': None}),
    'put-versioning': ('PUT', None, {'versioning': None}),
    'put-bucket-acl': ('PUT', None, {'acl': None}),
    'list-uploads': ('GET', None, {'uploads': None}),
    'delete-objects': ('POST', None, {'delete': None}),
    'delete-bucket': ('DELETE', None, {}),
    'get-object': ('GET', 'mine', {}),
    'put-object': ('PUT', 'mine', {}),
    'delete-object': ('DELETE', 'mine', {}),
    'get-object-acl': ('GET', 'mine', {'acl': None}),
    'put-object-acl': ('PUT', 'mine', {'acl': None}),
    'initiate': ('POST', 'mine', {'uploads': None}),
    'upload-part': ('PUT', 'mine', {'partNumber': 1, 'uploadId': 'x'}),
    'list-parts': ('GET', 'mine', {'uploadId': 'x'}),
    'complete': ('POST', 'mine', {'uploadId': 'x'}),
    'abort': ('DELETE', 'mine', {'uploadId': 'x'}),
}


def test_segments_cannot_be_addressed(viewer, bucket, swift):
    """To every request there is no such bucket, whether the container exists or not; and nothing happens to it."""
    hidden = segments_container(bucket)

    def check(request):
        answer = viewer.request(REQUESTS[request][0], hidden, *REQUESTS[request][1:])
        assert (NO_SUCH_BUCKET, hidden) == (answer.outcome, answer.error['BucketName'])

    for_each(REQUESTS, check)
    swift.put_container(hidden)
    swift.put_object(hidden, 'mine', b'mine')
    for_each(REQUESTS, check)

    assert ['mine'] == segment_names(swift, bucket)
    assert b'mine' == swift.get_object(hidden, 'mine')[1]


@pytest.mark.parametrize('key', [None, 'key'])
def test_heads_of_segments(viewer, bucket, swift, key):
    """HEAD has no document to tell why."""
    hidden = segments_container(bucket)
    swift.put_container(hidden)
    swift.put_object(hidden, 'key', b'mine')

    answer = viewer.request('HEAD', hidden, key)
    assert (404, b'') == (answer.status, answer.body)


def test_segments_cannot_be_addressed_by_host(any_names, bucket, swift):
    """Nor where the bucket is in the name of the host."""
    swift.put_container(segments_container(bucket))
    swift.put_object(segments_container(bucket), 'mine', b'mine')
    client = RawClient(f'http://{any_names.address.netloc}', domain=DOMAIN)
    client.request('PUT', bucket, 'mine', body=b'yours')

    assert b'yours' == read(client, bucket, 'mine').body
    assert NO_SUCH_BUCKET == read(client, segments_container(bucket), 'mine').outcome


def test_segments_cannot_be_created(viewer, bucket, swift):
    """A bucket whose name ends like theirs is refused, where such a container exists too."""
    hidden = segments_container(bucket)
    before = viewer.request('PUT', hidden)
    assert hidden not in containers(swift)
    swift.put_container(hidden)

    for answer in (before, viewer.request('PUT', hidden)):
        assert (400, 'InvalidBucketName') == answer.outcome
        assert hidden == answer.error['BucketName']


@pytest.mark.parametrize('source', ['{}/mine', '/{}/mine', '%2F{}%2Fmine', '/{}/mine?versionId=null'])
def test_segments_are_no_source_of_a_copy(viewer, bucket, swift, source):
    """Neither CopyObject nor Upload Part Copy reads them, however they are written."""
    hidden = segments_container(bucket)
    upload = Upload(viewer, bucket)
    swift.put_object(hidden, 'mine', b'mine')
    for name in (hidden, hidden.replace('_', '%5F')):
        header = {'x-amz-copy-source': source.format(name)}
        assert NO_SUCH_BUCKET == viewer.request('PUT', bucket, 'copy', headers=header).outcome
        assert NO_SUCH_BUCKET == viewer.upload_part(bucket, 'key', upload.id, 1, b'', header).outcome


def test_other_names_are_not_hidden(any_names):
    """Only the end of a name counts."""
    name = 'a_segments_' + secrets.token_hex(4)

    assert 200 == any_names.request('PUT', name).status
    assert name in listed_buckets(any_names)
    assert 200 == any_names.request('GET', name).status


# Deleting a bucket

def test_uploads_end_with_their_bucket(tiny, bucket, swift):
    """The parts of its open uploads are gone when the bucket is, and so is the container they were in."""
    uploads = [Upload(tiny, bucket, key).parts(b'one', b'two') for key in ('a', 'a', 'b/c', 'd')]
    uploads[3].abort()
    answer = tiny.request('DELETE', bucket)

    assert (204, b'') == (answer.status, answer.body)
    assert NO_SUCH_BUCKET == uploads[0].complete().outcome
    assert {bucket, segments_container(bucket)}.isdisjoint(containers(swift))


def test_bucket_without_uploads(tiny, bucket, swift):
    """The usual case."""
    assert 204 == delete_bucket(tiny, bucket)
    assert bucket not in containers(swift)
    assert NO_SUCH_BUCKET == delete_bucket(tiny, bucket)


def test_bucket_that_is_not_empty_stays(tiny, bucket):
    """And so do its uploads."""
    upload = Upload(tiny, bucket).parts(b'one')
    tiny.request('PUT', bucket, 'object')

    assert (409, 'BucketNotEmpty') == delete_bucket(tiny, bucket)
    assert [upload.id] == listed_uploads(tiny, bucket)
    assert 200 == upload.complete().outcome


def test_bucket_of_others_stays(tiny, cluster, bucket):
    """Who may not delete a bucket ends no upload in it."""
    upload = Upload(tiny, bucket).parts(b'one')
    other = RawClient(tiny_parts(cluster).url, 'test:tester3', 'testing3')

    assert (403, 'AccessDenied') == delete_bucket(other, bucket)
    assert 200 == upload.complete().outcome


def test_what_is_not_ours_stays(tiny, bucket, swift):
    """Objects of the user in the segments container are neither listed as uploads nor deleted."""
    hidden = segments_container(bucket)
    swift.put_container(hidden, {'X-Container-Meta-Color': 'blue'})
    upload = Upload(tiny, bucket).parts(b'one')
    own = ['large/1700000000.0/9/5/00000000', 'key/' + upload.id[::-1], f'key/{upload.id}/mine',
           f'key/{upload.id}/00000001-mine', 'marker']
    for name in own:
        swift.put_object(hidden, name, b'mine')
    swift.put_object(hidden, 'k/' + upload.id, b'', content_type='application/x-s3multi-marker;state=open')

    assert [upload.id] == listed_uploads(tiny, bucket)
    assert 204 == delete_bucket(tiny, bucket)
    assert sorted([*own, 'k/' + upload.id]) == sorted(segment_names(swift, bucket))
    assert 'blue' == swift.head_container(hidden)['x-container-meta-color']


def test_parts_of_finished_objects_stay(tiny, bucket, swift):
    """A manifest that was copied elsewhere still leads to them."""
    done = Upload(tiny, bucket, 'done').parts(b'one', b'two')
    done.complete()
    left = Upload(tiny, bucket, 'left').parts(b'open')
    elsewhere = bucket + '-2'
    swift.put_container(elsewhere)
    swift.put_object(elsewhere, 'copy', b'', headers={'X-Copy-From': f'/{bucket}/done'},
                     query_string='multipart-manifest=get')
    swift.delete_object(bucket, 'done')

    assert 204 == delete_bucket(tiny, bucket)
    assert ([1, 2], []) == (done.stored_numbers(swift), left.stored(swift))
    assert b'onetwo' == read(tiny, elsewhere, 'copy').body


def test_many_uploads(daemons, freeing, bucket, swift):
    """More parts than an Abort deletes by itself go to the object expirer."""
    client = RawClient(freeing.url)
    uploads = [Upload(client, bucket, f'key{number}').parts(b'one', b'two') for number in range(4)]

    assert 204 == delete_bucket(client, bucket)
    assert IMMEDIATE < len(uploads) * 2 == len(segment_names(swift, bucket))
    daemons.expire()
    assert [] == segment_names(swift, bucket)


# A bucket that is made again

@pytest.fixture(params=['s3', 'swift'])
def remake(request, tiny, swift):
    """A function that deletes a bucket, by one API or the other, and makes it again."""
    def remake_by_s3(bucket):
        assert [204, 200] == [tiny.request(method, bucket).status for method in ('DELETE', 'PUT')]

    def remake_by_swift(bucket):
        swift.delete_container(bucket)
        swift.put_container(bucket)

    return remake_by_s3 if request.param == 's3' else remake_by_swift


def test_uploads_of_an_earlier_bucket_are_not_known(tiny, bucket, remake):
    """Not to any operation, and not to the list; and those that are begun now are."""
    old = Upload(tiny, bucket).parts(b'one')
    tiny.request('PUT', bucket, 'source', body=b'copied')
    tiny.request('DELETE', bucket, 'source')
    remake(bucket)
    new = Upload(tiny, bucket).parts(b'two')

    assert NO_SUCH_UPLOAD == tiny.upload_part(bucket, 'key', old.id, 2, b'x').outcome
    assert NO_SUCH_UPLOAD == tiny.copy_part(bucket, 'key', old.id, 2, f'{bucket}/source').outcome
    for answer in (old.list_parts(), old.complete(), old.abort()):
        assert NO_SUCH_UPLOAD == answer.outcome
    assert [new.id] == listed_uploads(tiny, bucket)
    assert 200 == new.complete().outcome
    assert b'two' == read(tiny, bucket, 'key').body


def test_the_next_deletion_frees_what_the_last_could_not(tiny, bucket, swift):
    """Parts of uploads whose bucket was deleted through the Swift API are freed with the next bucket of that name."""
    old = Upload(tiny, bucket).parts(b'one')
    swift.delete_container(bucket)
    swift.put_container(bucket)
    assert [1] == old.stored_numbers(swift)

    assert 204 == delete_bucket(tiny, bucket)
    assert segments_container(bucket) not in containers(swift)


def test_a_bucket_that_is_not_deleted_keeps_its_uploads(tiny, bucket, swift):
    """Making it again, changing it, or failing to delete it, ends nothing."""
    upload = Upload(tiny, bucket).parts(b'one')
    tiny.request('PUT', bucket, 'object')
    assert (409, 'BucketAlreadyOwnedByYou') == tiny.request('PUT', bucket).outcome
    swift.put_container(bucket, {'X-Container-Meta-Color': 'blue'})
    swift.post_container(bucket, {'X-Container-Read': '.r:*'})
    with pytest.raises(swiftclient.ClientException, match='409'):
        swift.delete_container(bucket)
    assert (409, 'BucketNotEmpty') == delete_bucket(tiny, bucket)

    assert [upload.id] == listed_uploads(tiny, bucket)
    assert 200 == upload.complete().outcome


def test_a_clock_that_is_behind(cluster, tiny, bucket, remake):
    """An upload that a slow proxy begins in a bucket made a moment ago is one of that bucket."""
    slow = RawClient(FaultyProxy(cluster, 'slow-clock', seconds_ahead=-20).url)
    remake(bucket)
    upload = Upload(slow, bucket).parts(b'one')

    assert [upload.id] == listed_uploads(tiny, bucket)
    assert 200 == upload.complete(client=tiny).outcome


# Deleting a bucket while an upload is completed

INTENT = ('PUT', '/complete$')
MARKER = ('HEAD', r'\x00key\x00[^/]+$')
MANIFEST = ('PUT', 'bucket-[0-9a-f]+/key$')


@pytest.mark.parametrize('verify', ['listing', 'head'])
def test_a_complete_that_comes_too_late(forgetful, asking, tiny, bucket, swift, verify):
    """The bucket goes when the manifest is about to be written: then there is no bucket and no object; and had the
    manifest been there sooner, its parts would be too. Neither proxy begins anything early."""
    proxy = {'listing': forgetful, 'head': asking}[verify]
    upload = Upload(RawClient(proxy.url), bucket).parts(b'one')
    # The marker is read while the parts are proven, too.
    with proxy.above.following(rule(*MARKER, hold='marker', after=True, skip=1)):
        with at_once(upload.complete) as (completed,):
            proxy.above.wait_held('marker')
            assert 204 == delete_bucket(tiny, bucket)
            assert [1] == upload.stored_numbers(swift)
            proxy.above.release('marker')

    assert NO_SUCH_BUCKET == completed.result().outcome
    assert bucket not in containers(swift)


def test_a_manifest_that_overtakes_the_deletion(faulty, client, tiny, bucket, swift):
    """When Swift has looked at the bucket just before, it brings it back, with an object that is whole."""
    upload = Upload(client, bucket).parts(b'one')
    with faulty.below.following(rule(*MANIFEST, hold='manifest')):
        with at_once(upload.complete) as (completed,):
            faulty.below.wait_held('manifest')
            assert 204 == delete_bucket(tiny, bucket)
            faulty.below.release('manifest')

    assert (200, b'one') == (completed.result().outcome, read(tiny, bucket, 'key').body)


def test_a_complete_that_finds_the_upload_ended(faulty, client, tiny, bucket, swift):
    """The upload ends between the proof of the parts and the intent."""
    upload = Upload(client, bucket).parts(b'one')
    with faulty.above.following(rule(*INTENT, hold='intent')):
        with at_once(upload.complete) as (completed,):
            faulty.above.wait_held('intent')
            assert 204 == delete_bucket(tiny, bucket)
            faulty.above.release('intent')

    assert completed.result().outcome in (NO_SUCH_BUCKET, NO_SUCH_UPLOAD)
    assert bucket not in containers(swift)


@pytest.mark.parametrize('round_number', range(5))
def test_complete_or_deletion(tiny, bucket, swift, round_number):
    """Whoever wins, an object that is there can be read."""
    upload = Upload(tiny, bucket).parts(b'one', b'two')
    completed, deleted = race(upload.complete, lambda: tiny.request('DELETE', bucket))

    assert deleted.outcome in (204, (409, 'BucketNotEmpty'), (503, 'ServiceUnavailable'))
    answer = read(tiny, bucket, 'key')
    if completed.status == 200:
        assert b'onetwo' == answer.body
    else:
        assert completed.outcome in (NO_SUCH_BUCKET, NO_SUCH_UPLOAD, (503, 'ServiceUnavailable'))
        assert NO_SUCH_BUCKET == answer.outcome


def test_a_bucket_that_is_made_again_meanwhile(faulty, client, tiny, bucket, swift):
    """Uploads of the new bucket are not ended by the deletion of the old one."""
    old = Upload(tiny, bucket, 'a').parts(b'one')
    with faulty.above.following(rule('GET', '_segments$', hold='listing')):
        with at_once(lambda: delete_bucket(client, bucket)) as (deleted,):
            faulty.above.wait_held('listing')
            assert 200 == tiny.request('PUT', bucket).status
            new = Upload(tiny, bucket, 'b').parts(b'two')
            faulty.above.release('listing')

    assert 204 == deleted.result()
    assert [] == old.stored(swift)
    assert [new.id] == listed_uploads(tiny, bucket)
    assert 200 == new.complete().outcome
    assert b'two' == read(tiny, bucket, 'b').body


# Requests

# Stock s3api looks whether the bucket is empty, and for its own uploads.
STOCK = ['HEAD bucket', 'GET bucket', 'DELETE bucket']


def test_requests_of_a_deletion(faulty, client, bucket):
    """After s3api's own a listing, an Abort of each upload and the deletion of its records, and the containers'."""
    Upload(client, bucket).parts(b'one', b'two')
    client.list_uploads(bucket)
    with counting(faulty.above) as seen:
        assert 204 == delete_bucket(client, bucket)

    abort = ['HEAD marker', 'PUT marker', 'HEAD intent', 'PUT marker', 'HEAD object']
    assert [*STOCK, 'GET markers', *abort, 'GET segments container', *['DELETE part'] * 2, 'DELETE marker',
            'HEAD intent', 'GET segments container', 'DELETE markers', 'HEAD segments container',
            'DELETE segments container'] == seen.order


def test_requests_of_a_deletion_without_uploads(faulty, client, bucket):
    """Two more than stock s3api: listings of containers that are not there."""
    with counting(faulty.above) as seen:
        assert 204 == delete_bucket(client, bucket)

    assert [*STOCK, 'GET markers', 'GET segments container'] == seen.order


def test_requests_of_a_deletion_that_fails(faulty, client, bucket):
    """None of ours."""
    client.request('PUT', bucket, 'object')
    with counting(faulty.above) as seen:
        assert (409, 'BucketNotEmpty') == delete_bucket(client, bucket)

    assert ['HEAD bucket'] == seen.order
