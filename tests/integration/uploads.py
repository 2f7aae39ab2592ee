# SPDX-License-Identifier: Apache-2.0
"""Uploads as the tests use them: an upload with its parts by number, and what Swift holds of it."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from swiftclient.exceptions import ClientException

from s3multi.demo.disks import PART_POWER, hash_suffix
from s3multi.demo.node import device_names
from s3multi.demo.ports import HOST
from s3multi.upload.marker_names import markers_container, split_marker_name
from s3multi.upload.names import segments_container

from .behind import settle
from .users import account

PART_MIN_BYTES = 5242880
MANY_AT_ONCE = 8
BOUND_SECONDS = 20
# Rows that Swift lists in one answer, if there are as many: 20 with the least limit that a test sets.
LEAST_LIMIT = 20

# Shows what is in Swift's reserved namespace, in the clusters of these tests.
RESERVED = {'X-Allow-Reserved-Names': 'true'}
# Options of a proxy that takes parts of any size, and gives up on missing ones quickly. SLO would read one small
# segment a second.
TINY_PARTS = {
    's3multi': {'min_segment_size': 1, 'missing_part_patience': 0.2},
    'slo': {'rate_limit_segments_per_sec': 0},
}


class Upload:
    """An upload of `key`, begun through a RawClient. etags: of the parts uploaded so far, by number, in quotes."""

    def __init__(self, client, bucket, key='key', headers=()):
        self.client, self.bucket, self.key = client, bucket, key
        self.id = client.initiate(bucket, key, headers)
        self.etags = {}

    @property
    def listed(self):
        """The parts uploaded so far as pairs of number and ETag, in order: the list that Complete wants."""
        return sorted(self.etags.items())

    def part(self, number, body=b'part', client=None):
        """Upload a part and return its ETag, in quotes."""
        answer = (client or self.client).upload_part(self.bucket, self.key, self.id, number, body)
        assert 200 == answer.status, answer.body
        self.etags[number] = answer.headers['ETag']
        return self.etags[number]

    def parts(self, *bodies):
        """Upload parts 1 to N with these bodies, and return the upload."""
        for number, body in enumerate(bodies, 1):
            self.part(number, body)
        return self

    def many_parts(self, numbers, make_body=b'%d'.__mod__):
        """Upload the parts with these numbers, several at once, and return the upload."""
        with ThreadPoolExecutor(MANY_AT_ONCE) as pool:
            list(pool.map(lambda number: self.part(number, make_body(number)), numbers))
        return self

    def complete(self, listed=None, headers=(), client=None, **options):
        """Complete the upload, with all parts unless told otherwise; return the Answer."""
        listed = self.listed if listed is None else listed
        return (client or self.client).complete(self.bucket, self.key, self.id, listed, headers, **options)

    def abort(self, client=None, **options):
        """Abort the upload; return the Answer."""
        return (client or self.client).abort(self.bucket, self.key, self.id, **options)

    def list_parts(self, query=(), client=None, **options):
        """List the parts; return the Answer."""
        return (client or self.client).list_parts(self.bucket, self.key, self.id, query, **options)

    def is_open(self):
        """Return whether List Parts knows the upload."""
        outcome = self.list_parts().outcome
        assert outcome in (200, (404, 'NoSuchUpload')), outcome
        return outcome == 200

    def stored(self, swift, settled=True):
        """Return the names of what Swift holds of this upload, without <key>/<id> in front; '' for the marker.

        settled: whether to wait for what goes on behind answers.
        """
        prefix = f'{self.key}/{self.id}'
        return [name[len(prefix):] for name in segment_names(swift, self.bucket, settled) if name.startswith(prefix)]

    def stored_numbers(self, swift, settled=True):
        """Return the part numbers of the stored attempts, in order; a number for each attempt. settled: as above."""
        return [int(name[1:9]) for name in self.stored(swift, settled) if name.startswith('/0')]


def segment_names(swift, bucket, settled=True):
    """Return the names of all objects in the segments container of `bucket`, and of its uploads' markers, sorted.

    Markers are named as <key>/<id>. settled: whether to wait for what goes on behind answers.
    """
    if settled:
        settle()
    names = [row['name'] for row in _rows(swift, segments_container(bucket))]
    return sorted(names + marker_paths(swift, bucket))


def marker_paths(swift, bucket):
    """Return <key>/<id> of each marker in the container of the markers."""
    try:
        rows = _rows(swift, markers_container(bucket), RESERVED)
    except ClientException as error:
        assert error.http_status == 404
        return []
    return ['/'.join(split_marker_name(row['name'])) for row in rows]


def _rows(swift, container, headers=None):
    """Return all rows of a container."""
    rows = swift.get_container(container, headers=headers)[1]
    # With `full_listing` swiftclient asks for one page more each time.
    return rows if len(rows) < LEAST_LIMIT else swift.get_container(container, headers=headers, full_listing=True)[1]


def add_rows(cluster, bucket, rows, container=None):
    """Put rows into the listing of the segments container of `bucket` where Swift has none: thousands at once.

    container: another one to put them into. rows: names, or mappings with `name` and what shall not be as for an
    empty object.
    """
    items = [{'created_at': '1767225600.00000', 'size': 0, 'content_type': 'application/octet-stream',
              'etag': hashlib.md5().hexdigest(), 'deleted': 0, 'storage_policy_index': 0,
              **({'name': row} if isinstance(row, str) else row)} for row in rows]
    path = f'{account()}/{container or segments_container(bucket)}'
    partition = partition_of(container_hash(cluster, path))
    with contextlib.closing(http.client.HTTPConnection(HOST, cluster.servers['container'].port)) as connection:
        connection.request('UPDATE', quote(f'/{device_names(1)[0]}/{partition}/{path}'), json.dumps(items), {
            'X-Timestamp': '1767225600.00000', 'X-Backend-Storage-Policy-Index': '0',
            'Content-Type': 'application/json'})
        response = connection.getresponse()
        assert 202 == response.status, response.read()


def container_hash(cluster, path):
    """Return the hash by which Swift places a container. path: account and container, or an account alone."""
    # As swift.common.utils.hash_path does, which knows the suffix of this process only.
    suffix = hash_suffix(cluster.swift_dir / 'swift.conf')
    return hashlib.md5(f'/{path}{suffix}'.encode()).digest()


def partition_of(digest):
    """Return the partition that a hash of Swift lies in."""
    return int.from_bytes(digest[:4], 'big') >> (32 - PART_POWER)


def result(answer):
    """Return the elements of a CompleteMultipartUploadResult: name to text, in order."""
    return {child.tag: child.text for child in answer.xml('CompleteMultipartUploadResult')}


def list_entries(ordered, prefix, delimiter):
    """Return what S3 lists of pairs of key and id: those pairs, and common prefixes as keys with None, in order."""
    found = []
    for key, upload_id in ordered:
        if key.startswith(prefix):
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            entry = (key, upload_id) if end < 0 else (key[:end + len(delimiter)], None)
            if entry not in found[-1:]:
                found.append(entry)
    return found


def read(client, bucket, key, query=(), headers=()):
    """GET an object and return the Answer."""
    return client.request('GET', bucket, key, query, headers)


def current(upload):
    """Return the bytes at the key, None when there is no object; whatever it is, it has to be readable in full."""
    answer = read(upload.client, upload.bucket, upload.key)
    assert answer.status in (200, 404), answer.body
    return answer.body if answer.status == 200 else None


def await_true(condition):
    """Wait until condition() holds, for as long as what takes a moment may take on a busy machine."""
    deadline = time.monotonic() + BOUND_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def tiny_parts(cluster):
    """Return the proxy of TINY_PARTS, starting it once."""
    return cluster.proxies.get('tiny-parts') or cluster.add_proxy('tiny-parts', filters=TINY_PARTS)


@contextlib.contextmanager
def at_once(*calls):
    """Start the calls in a thread each, and hand over their futures; wait for all at the end."""
    with ThreadPoolExecutor(len(calls)) as pool:
        yield [pool.submit(call) for call in calls]


def persistently(call):
    """Return the Answer of a call that is repeated while it is 503, as SDKs do; after ten times it is that."""
    for repeats in range(10):
        time.sleep(repeats / 20)
        answer = call()
        if answer.status != 503:
            break
    return answer


def race(*calls):
    """Run the calls in a thread each and return what they return, in their order."""
    with at_once(*calls) as futures:
        return [future.result() for future in futures]


@contextlib.contextmanager
def container_server_down(cluster):
    """Inside the with block, and behind its answers, no row is written: object servers keep the news for their updater.
    """
    settle()
    server = cluster.servers['container']
    server.kill()
    try:
        yield
        settle()
    finally:
        server.start()
