# SPDX-License-Identifier: Apache-2.0
"""What was answered 200 is seen by everyone who asks, however late the rows of the segments container come."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from s3multi.demo.ports import HOST
from s3multi.upload.marker_names import markers_container

from .behind import settle
from .uploads import container_hash, container_server_down, segment_names
from .users import account

# Swift's own command, for the cluster's own swift.conf.
_MANAGE = 'import sys; from s3multi.demo.server import use_swift_dir; use_swift_dir(sys.argv.pop(1)); ' \
          'from swift.cli.manage_shard_ranges import main; sys.exit(main(sys.argv[1:]))'
BODIES = {number: b'part %d' % number for number in range(1, 10)}


def upload_part(s3, upload, number, body=None):
    """Upload a part and return its ETag."""
    return s3.upload_part(Bucket=upload['Bucket'], Key=upload['Key'], UploadId=upload['UploadId'], PartNumber=number,
                          Body=body or BODIES[number])['ETag']


def part_numbers(s3, upload, page=1000):
    """Return the numbers that List Parts shows, page by page."""
    pages = s3.get_paginator('list_parts').paginate(
        Bucket=upload['Bucket'], Key=upload['Key'], UploadId=upload['UploadId'], PaginationConfig={'PageSize': page})
    return [part['PartNumber'] for found in pages for part in found.get('Parts', [])]


def open_uploads(s3, bucket, page=1000):
    """Return the keys that List Multipart Uploads shows, page by page."""
    pages = s3.get_paginator('list_multipart_uploads').paginate(Bucket=bucket, PaginationConfig={'PageSize': page})
    return [upload['Key'] for found in pages for upload in found.get('Uploads', [])]


def initiate(s3, bucket, key):
    """Begin an upload; return what names it."""
    answer = s3.create_multipart_upload(Bucket=bucket, Key=key)
    # Behind the first of a bucket its container is changed: proxies have to ask for that anew, while its server is up.
    settle()
    return {'Bucket': bucket, 'Key': key, 'UploadId': answer['UploadId']}


def complete(s3, upload, etags):
    """Complete with these ETags, by number."""
    return s3.complete_multipart_upload(**upload, MultipartUpload={'Parts': [
        {'PartNumber': number, 'ETag': etag} for number, etag in sorted(etags.items())]})


@pytest.fixture
def tiny(cluster, make_client):
    """A client of a proxy that takes small parts."""
    if 'late-rows' not in cluster.proxies:
        cluster.add_proxy('late-rows', filters={'s3api': {'min_segment_size': 1},
                                                's3multi': {'missing_part_patience': 0}})
    return make_client(url=cluster.proxies['late-rows'].url)


@pytest.fixture
def lost_updates(cluster, daemons):
    """A function that calls another while the container server is down; rows come with the object-updater only."""
    def losing(call):
        with container_server_down(cluster):
            return call()

    yield losing
    daemons.update_rows()


def code_of(call):
    """Return the code of the error that a call is answered with."""
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response['Error']['Code']


def test_a_lost_container_update(tiny, bucket, lost_updates):
    """The cache knows of the part: it is listed, an older attempt is stale, and the object has it."""
    upload = initiate(tiny, bucket, 'key')
    etags = {number: upload_part(tiny, upload, number) for number in (1, 2, 3)}
    etags[4] = lost_updates(lambda: upload_part(tiny, upload, 4))
    stale = dict(etags)
    etags[2] = lost_updates(lambda: upload_part(tiny, upload, 2, b'anew'))

    assert [1, 2, 3, 4] == part_numbers(tiny, upload) == part_numbers(tiny, upload, 1)
    assert 'InvalidPart' == code_of(lambda: complete(tiny, upload, stale))
    complete(tiny, upload, etags)
    assert b'part 1anewpart 3part 4' == tiny.get_object(Bucket=bucket, Key='key')['Body'].read()


def test_an_upload_whose_row_is_lost(tiny, bucket, lost_updates):
    """It is listed, in its place, until it ends."""
    uploads = [initiate(tiny, bucket, key) for key in ('a', 'c')]
    late = lost_updates(lambda: initiate(tiny, bucket, 'b'))

    assert ['a', 'b', 'c'] == open_uploads(tiny, bucket) == open_uploads(tiny, bucket, 1)
    tiny.abort_multipart_upload(**late)
    assert ['a', 'c'] == open_uploads(tiny, bucket)
    for upload in uploads:
        tiny.abort_multipart_upload(**upload)


def test_an_abort_frees_parts_whose_rows_are_lost(tiny, bucket, swift, lost_updates):
    """None is left when the rows come."""
    upload = initiate(tiny, bucket, 'key')
    upload_part(tiny, upload, 1)
    lost_updates(lambda: upload_part(tiny, upload, 2))
    tiny.abort_multipart_upload(**upload)

    assert not [name for name in segment_names(swift, bucket) if '/0000' in name]


# A container that is being sharded

def container_database(cluster, container):
    """Return the path of the database of a container."""
    digest = container_hash(cluster, f'{account()}/{container}').hex()
    return next(cluster.directory.glob(f'devices/*/containers/*/*/{digest}/{digest}.db'))


def run(command, *arguments):
    """Run some Python with Swift's modules; return what it prints."""
    done = subprocess.run([sys.executable, '-c', command, *arguments], capture_output=True, text=True, timeout=60, env={
        **os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path)), 'PYTHONWARNINGS': 'ignore'})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def flush_cache(cluster):
    """Have memcache forget everything."""
    with socket.create_connection((HOST, cluster.servers['cache'].port)) as connection:
        connection.sendall(b'flush_all\r\n')
        assert connection.recv(100) == b'OK\r\n'


def begin_sharding(cluster, daemons, container, rows):
    """Have Swift split a container into shards of so many rows; return a function that makes one pass of it."""
    run(_MANAGE, str(cluster.swift_dir), str(container_database(cluster, container)), 'find_and_replace', str(rows),
        '--enable')

    def shard():
        daemons.shard(f'{account()}/{container}')

    shard()
    return shard


def test_a_container_of_markers_that_is_being_sharded(cluster, daemons, tiny, bucket):
    """The uploads are listed in their order, whichever shard has the row, and those that were aborted are not."""
    uploads = {key: initiate(tiny, bucket, key) for key in ('a', 'b', 'c', 'd')}
    shard = begin_sharding(cluster, daemons, markers_container(bucket), 2)
    for round_ in range(3):
        flush_cache(cluster)
        for key in (f'a{round_}', f'd{round_}'):
            uploads[key] = initiate(tiny, bucket, key)
        tiny.abort_multipart_upload(**uploads.pop('abc'[round_]))
        flush_cache(cluster)

        assert sorted(uploads) == open_uploads(tiny, bucket) == open_uploads(tiny, bucket, 2)
        shard()
    for upload in uploads.values():
        tiny.abort_multipart_upload(**upload)


def test_a_container_that_is_being_sharded(cluster, daemons, tiny, bucket, swift):
    """At every stage, without a cache, all that was answered 200 is known: parts, uploads, and what is stale."""
    uploads = [initiate(tiny, bucket, f'key{number}') for number in range(4)]
    etags = [{number: upload_part(tiny, upload, number) for number in (1, 2)} for upload in uploads]
    segments = bucket + '_segments'
    shard = begin_sharding(cluster, daemons, segments, 5)
    keys = [upload['Key'] for upload in uploads]
    # One range is cleaved in each round; in the last one all are.
    for round_ in range(3):
        # What proxies know of the container is a minute old at most; here it is new.
        flush_cache(cluster)
        number = 3 + round_
        for upload, known in zip(uploads, etags):
            known[number] = upload_part(tiny, upload, number)
        uploads.append(initiate(tiny, bucket, f'late{round_}'))
        etags.append({1: upload_part(tiny, uploads[-1], 1)})
        keys.append(f'late{round_}')
        resent = dict(etags[round_])
        etags[round_][1] = upload_part(tiny, uploads[round_], 1, b'anew %d' % round_)
        flush_cache(cluster)

        for upload, known in zip(uploads, etags):
            assert sorted(known) == part_numbers(tiny, upload) == part_numbers(tiny, upload, 2)
        assert sorted(keys) == open_uploads(tiny, bucket) == open_uploads(tiny, bucket, 2)
        assert 'InvalidPart' == code_of(lambda: complete(tiny, uploads[round_], resent))
        flush_cache(cluster)
        complete(tiny, uploads[round_], etags[round_])
        keys.remove(uploads[round_]['Key'])
        uploads[round_], etags[round_] = uploads[-1], etags[-1]
        flush_cache(cluster)
        gone = uploads.pop()
        etags.pop()
        keys.remove(gone['Key'])
        tiny.abort_multipart_upload(**gone)
        settle()
        left = [row for row in swift.get_container(segments, prefix=gone['Key'])[1] if '/0000' in row['name']]
        assert [] == left
        uploads[round_] = initiate(tiny, bucket, f'new{round_}')
        etags[round_] = {1: upload_part(tiny, uploads[round_], 1)}
        keys.append(f'new{round_}')
        shard()


@pytest.mark.parametrize('into', ['a-shard', 'the-container'])
def test_shards_that_are_joined_again(cluster, daemons, tiny, bucket, into):
    """At every stage, without a cache, all that was answered 200 is known, whatever takes the rows over."""
    uploads = [initiate(tiny, bucket, f'key{number}') for number in range(2)]
    etags = [{number: upload_part(tiny, upload, number) for number in (1, 2)} for upload in uploads]
    segments = bucket + '_segments'
    database = str(container_database(cluster, segments))

    def manage(*words):
        return run(_MANAGE, str(cluster.swift_dir), database, *words)

    manage('find_and_replace', '2', '--enable')
    for _ in range(2):
        daemons.shard(f'{account()}/{segments}')
    manage('compact', '--yes', '--max-shrinking', '9' if into == 'the-container' else '1')
    donors = [found['name'] for found in json.loads(manage('show')) if found['state'] == 'shrinking']
    assert len(donors) == (2 if into == 'the-container' else 1)

    # Nothing has been moved yet; then the rows of one shard have; then all.
    for round_, moved in enumerate([*donors, None]):
        flush_cache(cluster)
        for upload, known in zip(uploads, etags):
            known[3 + round_] = upload_part(tiny, upload, 3 + round_)
        for place in 'akz':
            uploads.append(initiate(tiny, bucket, f'{place}ey0-{round_}'))
            etags.append({1: upload_part(tiny, uploads[-1], 1)})
        stale = dict(etags[0])
        etags[0][1] = upload_part(tiny, uploads[0], 1, b'anew')

        flush_cache(cluster)
        for upload, known in zip(uploads, etags):
            assert sorted(known) == part_numbers(tiny, upload) == part_numbers(tiny, upload, 2)
        keys = sorted(upload['Key'] for upload in uploads)
        assert keys == open_uploads(tiny, bucket) == open_uploads(tiny, bucket, 2)
        assert 'InvalidPart' == code_of(lambda: complete(tiny, uploads[0], stale))
        flush_cache(cluster)
        complete(tiny, uploads.pop(0), etags.pop(0))
        flush_cache(cluster)
        gone = uploads.pop(0)
        etags.pop(0)
        tiny.abort_multipart_upload(**gone)
        flush_cache(cluster)
        assert 'NoSuchUpload' == code_of(lambda: part_numbers(tiny, gone))
        if moved:
            daemons.shard(moved)
