# SPDX-License-Identifier: Apache-2.0
"""What StatsD gets of a proxy: the metrics of s3multi, and those of Swift, which mean the same as with stock s3api."""
import collections
import contextlib
import json
import re
import socket

import pytest

from s3multi.demo.cluster import STOCK_FILTERS, STOCK_PIPELINE
from s3multi.demo.conf import merge
from s3multi.demo.ports import HOST

from .behind import settle
from .raw import RawClient
from .uploads import TINY_PARTS, Upload

_LINE = re.compile(r'^([^:]+):([^|]+)\|(c|ms)$')
_AUDITED = re.compile(r'(\w+) (\{"status": .*?\})')


class Listener:
    """A StatsD server: keeps what it is sent."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self.port = self._socket.getsockname()[1]

    def close(self):
        """Close the socket."""
        self._socket.close()

    def received(self):
        """Return the sums of all counters, and how often each timer was sent, by name, since the last call."""
        found = collections.Counter()
        settle()
        # The end of a request is told after its answer.
        self._socket.settimeout(0.5)
        with contextlib.suppress(socket.timeout):
            while True:
                line = self._socket.recv(65536).decode()
                name, value, kind = _LINE.match(line).groups()
                found[name] += 1 if kind == 'ms' else int(value)
        return found


@pytest.fixture(scope='module')
def listener():
    """The StatsD server of the proxies below."""
    found = Listener()
    yield found
    found.close()


@pytest.fixture(scope='module')
def observed(cluster, listener):
    """Two clients of proxies that send metrics, by name: s3multi and stock."""
    statsd = {'log_statsd_host': HOST, 'log_statsd_port': listener.port}
    sent = {name: statsd for name in ('proxy-logging', 's3multi')}
    stock = merge({'slo': TINY_PARTS['slo'], 's3api': {'min_segment_size': 1}, 'proxy-logging': statsd}, STOCK_FILTERS)
    return {'s3multi': RawClient(cluster.add_proxy('observed', filters=merge(TINY_PARTS, sent)).url),
            'stock': RawClient(cluster.add_proxy('observed-stock', pipeline=STOCK_PIPELINE, filters=stock).url)}


def test_operations(observed, listener, bucket):
    """Each operation is a timer by its status, and a counter of its error."""
    client = observed['s3multi']
    # The first upload of a bucket has work behind its answer, too.
    Upload(client, bucket, 'first')
    listener.received()
    upload = Upload(client, bucket).parts(b'one', b'two')
    assert 404 == client.upload_part(bucket, 'key', 'x', 1, b'').status
    assert 200 == upload.complete().outcome

    assert {'CreateMultipartUpload.200.timing': 1, 'UploadPart.200.timing': 2, 'UploadPart.404.timing': 1,
            'UploadPart.404.NoSuchUpload': 1, 'CompleteMultipartUpload.200.timing': 1, 'hints.upload.used': 1,
            'hints.parts.used': 2, 'behind.begun': 1, 'behind.ended': 1} == {
        name.removeprefix('s3multi.'): count for name, count in listener.received().items()
        if name.startswith('s3multi.')}


def test_bytes_of_a_part_count_once(observed, listener, bucket):
    """As with stock s3api: under the status that the client sees, for all objects and for the storage policy."""
    seen = {}
    for name, client in observed.items():
        upload = Upload(client, bucket, name)
        listener.received()
        upload.part(1, b'x' * 1000)
        found = listener.received()
        seen[name] = {metric.removeprefix('proxy-server.'): count for metric, count in found.items()
                      if metric.startswith('proxy-server.object.') and '.PUT.' in metric}

    assert {'object.PUT.200.timing': 1, 'object.PUT.200.xfer': 1000, 'object.policy.0.PUT.200.timing': 1,
            'object.policy.0.PUT.200.xfer': 1000} == seen['s3multi'] == seen['stock']


def test_lines_for_auditors(cluster, observed, bucket):
    """Who did what, and for a Complete what was made and how it was proven; a repeat is told from its object."""
    upload = Upload(observed['s3multi'], bucket, headers={'x-amz-checksum-algorithm': 'CRC32',
                                                          'x-amz-checksum-type': 'FULL_OBJECT'}).parts(b'123456789')
    for _ in range(2):
        assert 200 == upload.complete().outcome
    assert 404 == upload.abort().status

    text = (cluster.log_dir / 'observed.log').read_text()
    told = [(name, json.loads(line)) for name, line in _AUDITED.findall(text) if upload.id in line]
    assert ['CompleteMultipartUpload', 'CompleteMultipartUpload', 'AbortMultipartUpload'] == [name for name, _ in told]
    first, repeat, refused = (line for _, line in told)
    assert (200, bucket, 'key', 'listing', 1, 9) == tuple(
        first[name] for name in ('status', 'bucket', 'key', 'proof', 'parts', 'bytes'))
    assert 'crc32 y/Q5Jg==' == first['checksum']
    assert ('object', first['etag'], first['checksum']) == (repeat['proof'], repeat['etag'], repeat['checksum'])
    assert (404, 'NoSuchUpload') == (refused['status'], refused['error'])
