# SPDX-License-Identifier: Apache-2.0
"""The cluster that the demo and these tests share, and its stand-in for memcached."""

from __future__ import annotations

import time

import pytest
import requests
import swiftclient

from s3multi.demo import disks
from s3multi.demo.child import Child
from s3multi.demo.cluster import PIPELINE, Cluster, ClusterError
from s3multi.demo.ports import free_port

from . import behind
from .faults import rule
from .raw import RawClient
from .uploads import Upload, at_once


def test_data_directory_can_be_used_again(tmp_path, make_client):
    """A second start on the same directory finds what the first stored, on other ports."""
    with Cluster(tmp_path) as first:
        client = make_client(url=first.url)
        client.create_bucket(Bucket='kept-bucket')
        client.put_object(Bucket='kept-bucket', Key='k', Body=b'kept')
    with Cluster(tmp_path) as second:
        client = make_client(url=second.url)

        assert b'kept' == client.get_object(Bucket='kept-bucket', Key='k')['Body'].read()


def test_two_clusters_do_not_share_a_directory(cluster):
    """The second one is refused before it touches anything."""
    with pytest.raises(ClusterError, match='another cluster is running'):
        Cluster(cluster.directory).start()


def test_proxy_that_refuses_to_start_shows_its_log(cluster):
    """The error carries the end of the log, with the reason in it."""
    with pytest.raises(ClusterError, match='refuses ended with exit code 1') as caught:
        cluster.add_proxy('refuses', filters={'slo': {'max_manifest_segments': 'many'}})

    assert "invalid literal for int() with base 10: 'many'" in caught.value.log_tail


def teapot_factory(_global_conf, **_conf):
    """A filter that answers everything itself."""
    def factory(_app):
        def teapot(_environ, start_response):
            start_response('418 Teapot', [('Content-Length', '0')])
            return [b'']
        return teapot
    return factory


def test_proxy_takes_a_filter_of_ones_own(cluster):
    """A filter that is named as module:factory stands anywhere in the pipeline: so tests inject faults."""
    proxy = cluster.add_proxy('teapot', pipeline=PIPELINE.replace('bulk', 'teapot bulk'), filters={
        'teapot': {'paste.filter_factory': f'{__name__}:teapot_factory'}})

    assert 418 == requests.get(proxy.url, timeout=10).status_code
    proxy.stop()
    assert proxy.pid is None
    cluster.check()


def test_server_can_be_stopped_and_started_again(cluster, s3, bucket, swift):
    """While the object server is away the cluster answers 503; afterwards all is as before."""
    s3.put_object(Bucket=bucket, Key='k', Body=b'here')
    cluster.servers['object'].stop()
    with pytest.raises(swiftclient.ClientException) as caught:
        swift.put_object(bucket, 'k2', b'lost')
    cluster.servers['object'].start()

    assert 503 == caught.value.http_status
    assert b'here' == s3.get_object(Bucket=bucket, Key='k')['Body'].read()


def test_expirer_runs_once(cluster, daemons, swift, bucket):
    """An object past its time is gone after one pass, once the updater has told of the queue."""
    swift.put_object(bucket, 'brief', b'', headers={'X-Delete-After': '1'})
    time.sleep(1.5)
    daemons.update_queue()

    assert 'DELETE' in cluster.run_once('object-expirer')


def test_file_system_without_attributes_is_refused(tmp_path, monkeypatch):
    """Swift would fail on the first PUT; the message says what to do instead."""
    def refuse(*_arguments):
        raise OSError(95, 'Operation not supported')
    monkeypatch.setattr(disks.os, 'setxattr', refuse)

    with pytest.raises(ClusterError, match='--data DIR'):
        disks.check_attributes(tmp_path)

    assert [] == list(tmp_path.iterdir())


def test_work_behind_an_answer_is_awaited(faulty, bucket, swift):
    """A test that settles goes on when the work is over, and not before."""
    upload = Upload(RawClient(faulty.url), bucket).parts(b'part')
    with faulty.above.following(rule('DELETE', '/0000', hold='part')), at_once(upload.abort) as (aborted,):
        assert 204 == aborted.result().status
        faulty.above.wait_held('part')
        with at_once(behind.settle) as (settled,):
            time.sleep(0.1)
            assert not settled.done()
            faulty.above.release('part')
        assert [] == upload.stored_numbers(swift, settled=False)


def test_work_of_a_dead_proxy_is_not_awaited(tmp_path):
    """Its file says what was in flight, and nobody locks it."""
    behind.filters(tmp_path / 'in-flight')
    (tmp_path / 'in-flight' / 'dead').write_bytes(b'x')

    behind.settle()


@pytest.fixture
def cache(tmp_path):
    """Swift's own memcache client, connected to the demo's stand-in."""
    from swift.common.memcached import MemcacheRing
    from swift.common.utils import get_logger

    port = free_port(set())
    server = Child('cache', ['cache', str(port)], port, tmp_path / 'cache.log', healthcheck=None)
    server.start()
    ring = MemcacheRing([f'127.0.0.1:{port}'], logger=get_logger({}, 'test-cache'))
    yield ring
    server.stop()


def test_stand_in_for_memcached_keeps_values(cache):
    """Set, get, delete and their plural forms, as Swift's client sends them."""
    cache.set('key', {'a': [1, 'é']})
    cache.set_multi({'x': 1, 'y': 2}, 'server')

    assert {'a': [1, 'é']} == cache.get('key')
    assert [1, 2, None] == cache.get_multi(['x', 'y', 'z'], 'server')
    cache.delete('key')
    assert cache.get('key') is None


def test_stand_in_for_memcached_counts(cache):
    """incr makes a missing number and returns the new value; decr stops at 0."""
    assert [1, 3] == [cache.incr('n'), cache.incr('n', delta=2)]
    assert [2, 0] == [cache.decr('n'), cache.decr('n', delta=5)]


def test_stand_in_for_memcached_forgets_in_time(cache):
    """A value with a lifetime is gone after it."""
    cache.set('key', 'value', time=1)
    assert 'value' == cache.get('key')
    time.sleep(1.1)

    assert cache.get('key') is None
