# SPDX-License-Identifier: Apache-2.0
"""A proxy that would lose data, or do something else than its configuration says, does not start.

Each refusal tells in the log what to write instead.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys

import pytest

from s3multi import __version__
from s3multi.demo.cluster import PIPELINE, STOCK_FILTERS, ClusterError
from s3multi.upload.manifest import MAX_ENTRY_BYTES

from .raw import RawClient
from .uploads import TINY_PARTS, Upload

# Loads what a proxy loads at its start, for the configuration file in each line of its input, and tells the error.
_LOADER = '''
import json, sys
from s3multi.demo.server import use_swift_dir
use_swift_dir(sys.argv[1])
import swift.proxy.server
from swift.common.wsgi import loadapp
for line in sys.stdin:
    error = None
    try:
        loadapp(line.strip())
    except Exception as raised:
        error = [type(raised).__name__, str(raised)]
    print(json.dumps(error), flush=True)
'''


@contextlib.contextmanager
def loading(cluster):
    """Run a process that loads; return a function that configures a proxy which must not load, and gets the reason."""
    with subprocess.Popen(
            [sys.executable, '-c', _LOADER, str(cluster.swift_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={
                **os.environ, 'PYTHONWARNINGS': 'ignore', 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
    ) as running:
        def load(**options):
            path = cluster.write_proxy_conf('refused', **options)
            print(path, file=running.stdin, flush=True)
            kind, reason = json.loads(running.stdout.readline()) or ('', 'it was loaded')
            assert 'ConfigError' == kind, reason
            return reason

        yield load
        running.stdin.close()


@pytest.fixture(scope='module')
def refusal(cluster):
    """The function of a process that loads; one for all tests, since most of the time goes into its imports."""
    with loading(cluster) as load:
        yield load


@pytest.fixture(scope='module')
def next_refusal(cluster):
    """The same for a process whose s3api is that of Swift's branch feature/mpu, once it has loaded NEXT."""
    with loading(cluster) as load:
        yield load


def replaced(old, new):
    """Return the pipeline with one word replaced."""
    words = PIPELINE.split()
    assert old in words
    return ' '.join(new if word == old else word for word in words)


def swift_info(url):
    """Return what a proxy tells in /info."""
    host = url.rpartition('/')[2]
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request('GET', '/info')
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


# The pipeline

def test_front_alone(refusal):
    """Without s3multi behind it the front would turn an Abort into the deletion of the object."""
    reason = refusal(pipeline=replaced('s3multi', ''))

    assert 'add it after the auth filters and before slo, with [filter:s3multi] use = egg:s3multi#s3multi' in reason
    assert 'catch_errors gatekeeper' in reason


def test_proxy_that_refuses(cluster):
    """It ends, with the reason in its log."""
    with pytest.raises(ClusterError, match='ended with exit code 1') as caught:
        cluster.add_proxy('refused', pipeline=replaced('s3multi', ''))

    assert 'ConfigError: ' in caught.value.log_tail
    assert 'with [filter:s3multi] use = egg:s3multi#s3multi' in caught.value.log_tail


def test_stock_front(refusal):
    """With Swift's own s3api nothing would ever be handed on."""
    assert 'In [filter:s3api] write: use = egg:s3multi#s3api' in refusal(filters=STOCK_FILTERS)


@pytest.mark.parametrize('pipeline, hint', [
    (replaced('s3api', ''), 's3multi needs s3api to its left'),
    (replaced('s3api', '').replace('s3multi', 's3multi s3api'), 's3multi needs s3api to its left'),
    (replaced('tempauth', '').replace('s3multi', 's3multi tempauth'), 'move s3multi to the right of all auth filters'),
    (replaced('slo', ''), 's3multi needs slo to its right'),
    (replaced('slo', '').replace('s3multi', 'slo s3multi'), 's3multi needs slo to its right'),
    (replaced('s3multi', 's3multi again'), 'must each be in the pipeline once'),
    (replaced('s3api', 's3api front'), 'must each be in the pipeline once'),
    (replaced('s3api', 's3api stock'), 'Swift\'s own s3api'),
    (replaced('copy', 'ratelimit copy'), 'ratelimit has to stand to the left of s3multi'),
    (replaced('copy', 'staticweb copy'), 'staticweb has to stand to the left of s3multi'),
    (replaced('dlo', '').replace('s3multi', 'dlo s3multi'), 'dlo has to stand to the right of s3multi'),
    (replaced('copy', '').replace(' dlo', ''), 'dlo has to stand to the right of s3multi'),
    (replaced('gatekeeper', '').replace('s3multi', 's3multi gatekeeper'),
     'gatekeeper has to stand to the left of s3api'),
    (replaced('s3api', '').replace('tempauth', 'tempauth s3api'), 'move s3api to the left of all auth filters'),
    (replaced('s3multi', 'versioned_writes s3multi'), 'versioned_writes has to stand to the right of s3multi'),
    (replaced('s3multi', 'keymaster encryption s3multi'), 'keymaster has to stand to the right of s3multi'),
], ids=['no-front', 'front-right', 'auth-right', 'no-slo', 'slo-left', 'filter-twice', 'front-twice', 'both-fronts',
        'ratelimit-right', 'staticweb-right', 'dlo-left', 'copy-and-dlo-added',
        'gatekeeper-right', 'auth-left', 'versioned-writes-left', 'encryption-left'])
def test_order_of_the_pipeline(refusal, pipeline, hint):
    """Front, auth, s3multi and slo must stand in this order, front and filter once each, and neighbours do no harm."""
    reason = refusal(pipeline=pipeline, filters={
        'again': {'use': 'egg:s3multi#s3multi'}, 'front': {'use': 'egg:s3multi#s3api'},
        'stock': {'use': 'egg:swift#s3api'}, 'keymaster': {'encryption_root_secret': 'c2VjcmV0' * 8}})

    assert hint in reason
    # In between are the filters that Swift adds.
    assert re.search(' (.* )?'.join(pipeline.split()[:-1]), reason)


def test_names_in_the_pipeline_are_free(cluster):
    """What counts is what a filter is, not what the operator calls it. (Swift insists on the name s3api.)"""
    proxy = cluster.add_proxy('renamed', pipeline=replaced('s3multi', 'multipart'), filters={
        'multipart': {'use': 'egg:s3multi#s3multi'}})
    raw = RawClient(proxy.url)
    raw.request('PUT', 'renamed')
    raw.put_multipart('renamed', 'k', [b'data'])

    assert b'data' == raw.request('GET', 'renamed', 'k').body


@pytest.mark.parametrize('word', ['s3api', 'Stock', 'no'])
def test_who_begins_uploads_is_misspelt(refusal, word):
    """Else uploads of a kind would begin that other proxies may not know."""
    assert f'[filter:s3api] multipart_initiate = {word}: expected "s3multi" or "stock"' in refusal(
        filters={'s3api': {'multipart_initiate': word}})


# What slo allows

@pytest.mark.parametrize('slo', [
    {'max_manifest_segments': None, 'max_manifest_size': None},
    {'max_manifest_segments': 9999},
    {'max_manifest_size': 10000 * MAX_ENTRY_BYTES - 1},
], ids=['defaults', 'segments', 'size'])
def test_slo_that_is_too_narrow(refusal, slo):
    """An upload must not fail at Complete for what could be known before its first part."""
    reason = refusal(filters={'slo': slo})

    lines = f'max_manifest_segments = 10000\nmax_manifest_size = {10000 * MAX_ENTRY_BYTES}\n'
    assert f'In [filter:slo] write:\n{lines}' in reason
    assert 'or lower max_upload_part_num in [filter:s3multi]' in reason


@pytest.fixture(scope='module')
def narrow(cluster):
    """A proxy that stays within the defaults of slo, with the options as the refusals tell to write them."""
    return cluster.add_proxy('narrow', filters={
        'slo': {'max_manifest_segments': None, 'max_manifest_size': None},
        's3api': {'min_segment_size': 7},
        's3multi': {'max_upload_part_num': 1000, 'missing_part_patience': 0, 'heartbeat_interval': '0.1',
                    'marker_recheck_after': 3600, 'delete_concurrency': 100, 'storage_policy': 'silver',
                    'log_level': 'DEBUG', 'log_name': 'multipart'}})


def test_fewer_parts_than_amazon(narrow, bucket):
    """A lower limit is enforced where a client meets it first: at Upload Part."""
    upload = Upload(RawClient(narrow.url), bucket)
    upload.part(1000)
    answer = upload.client.upload_part(bucket, upload.key, upload.id, 1001, b'')

    assert (400, 'InvalidArgument') == answer.outcome
    assert ('partNumber', '1001') == (answer.error['ArgumentName'], answer.error['ArgumentValue'])
    assert 200 == upload.complete().status


def test_storage_policy_of_the_configuration(narrow, bucket, swift):
    """With storage_policy the segments containers lie in that policy, whatever the bucket's is."""
    RawClient(narrow.url).put_multipart(bucket, 'k', [b'1234567', b'8'])

    assert 'gold' == swift.head_container(bucket)['x-storage-policy']
    assert 'silver' == swift.head_container(bucket + '_segments')['x-storage-policy']
    assert b'12345678' == RawClient(narrow.url).request('GET', bucket, 'k').body


def test_info_tells_the_limits(cluster, narrow):
    """Clients and operators find version and limits in /info; unset, they are Amazon's."""
    assert {'version': __version__, 'min_segment_size': 5242880, 'max_upload_part_num': 10000} == \
        swift_info(cluster.url)['s3multi']
    assert {'version': __version__, 'min_segment_size': 7, 'max_upload_part_num': 1000} == \
        swift_info(narrow.url)['s3multi']
    assert 10000 == swift_info(cluster.url)['s3api']['max_upload_part_num']


# Options

@pytest.mark.parametrize('name', ['min_segment_sise', 'max_upload_part_number', 'Storage_Policy', 's3_acl'])
def test_misspelt_option(refusal, name):
    """A name that is no option is refused, and all that are stand in the log."""
    reason = refusal(filters={'s3multi': {name: '1'}})

    assert f'[filter:s3multi] has no option {name!r}; it has: ' in reason
    assert 'delete_concurrency, ' in reason


@pytest.mark.parametrize('section, name, hint', [
    ('s3api', 'multipart_initate', 'did you mean multipart_initiate?'),
    ('s3api', 'list_stock_uploads', 'it belongs into [filter:s3multi]'),
    ('s3multi', 'multipart_initiate', 'it belongs into [filter:s3api]'),
])
def test_option_that_nobody_would_read(refusal, section, name, hint):
    """What is misspelt next to the options of s3api, or stands in the wrong section, is refused as well."""
    assert f'[filter:{section}] has no option {name!r}: {hint}' == refusal(filters={section: {name: 'true'}})


def test_multipart_uploads_that_are_switched_off(refusal):
    """s3api would answer 501 to all requests that s3multi is there for."""
    assert 'In [filter:s3api] remove allow_multipart_uploads = false' in refusal(
        filters={'s3api': {'allow_multipart_uploads': 'false'}})


def tested(conf_file):
    """Run ``swift-proxy-server --test-config`` on a configuration; return exit code and the end of what it says."""
    done = subprocess.run(
        [sys.executable, '-m', 's3multi.demo.server', 'proxy', str(conf_file), '--test-config'], text=True,
        capture_output=True, timeout=60, env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))})
    return done.returncode, (done.stdout + done.stderr)[-2000:]


def test_a_configuration_that_is_tested_first(cluster):
    """Swift's own --test-config runs all checks, and starts no server: before a restart, an operator knows."""
    code, said = tested(cluster.write_proxy_conf('tested', port=80, filters={'s3api': {'multipart_initate': 'stock'}}))

    assert 0 != code
    assert 'did you mean multipart_initiate?' in said
    assert 0 == tested(cluster.write_proxy_conf('tested', port=80))[0]


@pytest.mark.parametrize('section, name, value, expected', [
    ('s3multi', 'min_segment_size', '0', 'an integer from 1 to 5368709120'),
    ('s3multi', 'max_upload_part_num', '10001', 'an integer from 1 to 10000'),
    ('s3multi', 'missing_part_patience', 'nan', 'a number from 0 to 30'),
    ('s3multi', 'heartbeat_interval', '0', 'a number from 0.1 to 60'),
    ('s3multi', 'marker_recheck_after', 'soon', 'a number from 0 to 3600'),
    ('s3multi', 'delete_concurrency', '10.0', 'an integer from 1 to 100'),
    ('s3api', 'max_upload_part_num', '20000', 'an integer from 1 to 10000'),
])
def test_value_that_cannot_be_used(refusal, section, name, value, expected):
    """A value that is not of its kind or out of range is refused with section, name, value and what was expected."""
    assert f'[filter:{section}] {name} = {value}: expected {expected}' in refusal(filters={section: {name: value}})


def test_storage_policy_that_does_not_exist(refusal):
    """A storage policy that swift.conf does not have is refused, not left to the first upload."""
    reason = refusal(filters={'s3multi': {'storage_policy': 'platinum'}})

    assert '[filter:s3multi] storage_policy = platinum: swift.conf has no such policy' in reason


# Swift's branch feature/mpu

NEXT = {'next': {'paste.filter_factory': 'tests.next_swift:filter_factory'}}
MPU = {'mpu': {'paste.filter_factory': 'swift.common.middleware.mpu:filter_factory'}}


def test_uploads_with_a_swift_that_has_native_ones(cluster, bucket):
    """Native uploads, which are on by default there, are switched off, and s3multi does all that it is there for."""
    proxy = cluster.add_proxy('next', pipeline=replaced('copy', 'next copy'), filters={**NEXT, **TINY_PARTS})
    client = RawClient(proxy.url)
    client.put_multipart(bucket, 'key', [b'one', b'two'])

    assert [b'onetwo', b'two'] == [client.request('GET', bucket, 'key', query).body for query in (
        {}, {'partNumber': 2})]
    assert 501 == RawClient(cluster.add_proxy(
        'next', pipeline=replaced('copy', 'next copy').replace(' s3multi', ''), filters={
            **NEXT, **STOCK_FILTERS}).url).request('POST', bucket, 'key', {'uploads': ''}).status


@pytest.mark.parametrize('filters, pipeline, said', [
    ({'s3api': {'enable_native_multipart_uploads': 'yes'}}, 'next copy',
     'In [filter:s3api] write:\nenable_native_multipart_uploads = false'),
    (MPU, 'next mpu copy', 'mpu in the pipeline (catch_errors '),
    ({'next': {**NEXT['next'], 'always': 'true'}}, 'next copy', 'by its NativeUploadsController'),
], ids=['native-on', 'mpu', 'unknown-controllers'])
def test_a_swift_that_would_answer_itself(next_refusal, filters, pipeline, said):
    """Where s3multi would be bypassed, or all requests answered 501, nothing starts; it is said what to write."""
    assert said in next_refusal(filters={**NEXT, **filters}, pipeline=replaced('copy', pipeline))
