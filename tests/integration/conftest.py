# SPDX-License-Identifier: Apache-2.0
"""One cluster for all integration tests, and clients for it."""

from __future__ import annotations

import secrets

import boto3
import pytest
from botocore.config import Config

from benchmarks.hold import Hold
from s3multi.demo import conf
from s3multi.demo.cluster import STOCK_FILTERS, Policy
from s3multi.demo.keystone import Keystone
from s3multi.demo.ports import HOST

from .. import forking
from . import behind, users
from .daemons import Daemons
from .faults import FaultyProxy
from .raw import RawClient
from .sweeping import Sweeper
from .uploads import TINY_PARTS, tiny_parts

# With --auth keystone these are left out, and why.
WITHOUT_KEYSTONE = {
    'test_cluster.py': 'the servers of the cluster, which nobody asks in the name of a user',
    'test_demo.py': 'the demo with tempauth; test_keystone.py runs it with Keystone',
    'test_load.py': 'the load on a proxy, measured on a cluster of its own',
    'test_memory.py': 'the memory of a proxy, measured on a cluster of its own',
    'test_neighbours.py': 'filters around s3multi, on clusters of their own whose users tempauth tells apart',
    'test_quotas.py': 'those of accounts are set by a reseller, who is a user of tempauth',
    'test_round_trips.py': 'what the storage servers are asked, whoever asks',
    'test_same_manifest.py': 'what Swift stores of a manifest, in pipelines and on a cluster of its own',
    'test_startup.py': 'pipelines that are wrong, built from the one with tempauth',
    'test_switching.py': 'what a page says of two servers with tempauth',
    'test_swift_contract.py': 'what Swift promises to a filter, whoever asks',
    'test_swift_handoffs.py': 'what Swift does while nodes are away, whoever asks',
    'test_swift_replicas.py': 'what Swift does where replicas differ, whoever asks',
}

# Options of [filter:s3multi] that keep the tests quick.
S3MULTI_OPTIONS = {'missing_part_patience': 1}


def pytest_ignore_collect(collection_path, config):
    """Leave out what is for the other kind of users only."""
    if config.getoption('--auth') == 'keystone':
        return True if collection_path.name in WITHOUT_KEYSTONE else None
    return True if collection_path.name == 'test_keystone.py' else None


@pytest.fixture(scope='session')
def keystone(tmp_path_factory):
    """The Keystone of the tests with --auth keystone."""
    with Keystone(tmp_path_factory.mktemp('keystone')) as running:
        yield running


@pytest.fixture(scope='session', autouse=True)
def _auth(request):
    if request.config.getoption('--auth') == 'keystone':
        users.use(users.KeystoneAuth(request.getfixturevalue('keystone')))


@pytest.fixture(scope='package', autouse=True)
def _forking():
    with forking.forking():
        yield


@pytest.fixture(scope='session', autouse=True)
def _behind(request):
    behind.begins = request.config.getoption('--behind')


@pytest.fixture(scope='session')
def hold(tmp_path_factory):
    """What holds the requests to the storage servers of the cluster, when it is told to."""
    return Hold(tmp_path_factory.mktemp('hold'))


@pytest.fixture(scope='session')
def cluster(_auth, _behind, tmp_path_factory, hold):
    """The cluster, with a second storage policy, named silver, of three replicas; `cluster.add_proxy` starts other
    proxies over it.
    """
    made = users.make_cluster(tmp_path_factory.mktemp('cluster'), policies=('gold', Policy('silver', 3)),
                              filters={'s3multi': S3MULTI_OPTIONS}, storage_filters=hold.filters)
    try:
        with forking.forking():
            made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope='session')
def make_client(cluster):
    """A factory of S3 clients: make_client(access, secret, url=None, **options of botocore's Config).

    access: the name of one of users.USERS, or an access key. url: another proxy's address; None for the
    cluster's first proxy.
    """
    clients = []
    # It keeps what it has read of botocore's descriptions of services, which takes longer than all else here.
    session = boto3.session.Session()

    def make(access='test:tester', secret='testing', url=None, **options):
        settings = {
            's3': {'addressing_style': 'path'}, 'signature_version': 's3v4',
            # A retry would hide a failure from the tests.
            'retries': {'total_max_attempts': 1}, 'read_timeout': 60, **options}
        access_key, secret_key = users.auth.keys(access, secret)
        client = session.client(
            's3', endpoint_url=url or cluster.url, region_name='us-east-1', aws_access_key_id=access_key,
            aws_secret_access_key=secret_key, config=Config(**settings))
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope='session')
def s3(make_client):
    """An S3 client of the account's administrator."""
    return make_client()


@pytest.fixture(scope='session')
def raw(cluster):
    """A client whose requests are built by hand."""
    return RawClient(cluster.url)


@pytest.fixture(scope='session')
def tiny(cluster):
    """The same for a proxy that takes parts of any size."""
    return RawClient(tiny_parts(cluster).url)


@pytest.fixture(scope='session')
def stock(cluster):
    """The same for a proxy as Swift ships it, without s3multi."""
    filters = conf.merge({'slo': TINY_PARTS['slo'], 's3api': {'min_segment_size': 1}}, STOCK_FILTERS)
    return RawClient(cluster.add_proxy('stock', pipeline=cluster.pipeline.replace(' s3multi', ''), filters=filters).url)


@pytest.fixture(scope='session')
def faulty(cluster):
    """A proxy whose requests are counted, can be held, and can be told to fail. Tests leave it without rules."""
    return FaultyProxy(cluster, 'faulty')


@pytest.fixture(scope='session')
def other(cluster):
    """Another one."""
    return FaultyProxy(cluster, 'other')


@pytest.fixture(scope='session')
def asking(cluster):
    """One that has SLO ask for every part."""
    return FaultyProxy(cluster, 'asking', verify='head')


@pytest.fixture(scope='session')
def sweeper(cluster):
    """The command s3multi-sweep with the sample of its conf file, three days from now unless a test says otherwise."""
    with Sweeper(cluster) as running:
        yield running


@pytest.fixture(scope='session')
def daemons(cluster):
    """Swift's daemons, for one pass each."""
    with Daemons(cluster) as running:
        yield running


@pytest.fixture(scope='session')
def forgetful(cluster):
    """One that has no memcache, and so no hints, and a little more patience."""
    return FaultyProxy(cluster, 'forgetful', cache={'memcache_servers': f'{HOST}:9'}, missing_part_patience=1)


@pytest.fixture(scope='session')
def later(cluster):
    """A client of a proxy whose clock says that every Complete of the others began more than its lease ago."""
    return RawClient(FaultyProxy(cluster, 'later', seconds_ahead=70).url)


@pytest.fixture
def bucket(s3):
    """The name of a fresh, empty bucket."""
    name = 'bucket-' + secrets.token_hex(8)
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope='session')
def swift(cluster):
    """A connection to the Swift API, as the account's administrator."""
    connection = users.auth.connection(cluster.proxy, 'test:tester', 'testing')
    yield connection
    connection.close()


@pytest.fixture(params=['plain', 'versioned'])
def any_bucket(request, bucket, swift):
    """A bucket without versions, and one with."""
    if request.param == 'versioned':
        swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    return bucket


@pytest.fixture
def versioned(bucket, swift):
    """A bucket with versions."""
    swift.post_container(bucket, {'X-Versions-Enabled': 'true'})
    return bucket
