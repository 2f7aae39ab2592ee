# SPDX-License-Identifier: Apache-2.0
"""A cluster that notes the requests which reach it, the clients, and the table of their results."""

from __future__ import annotations

import importlib.util
import os
import secrets
import time
from pathlib import Path

import pytest

from s3multi.demo.cluster import PIPELINE, Cluster
from s3multi.demo.ports import HOST

from tests.integration.users import GATEKEEPER, auth

from .applications import Application, Barman, DeltaLake, DockerRegistry, Duplicity, Gdal, PgBackRest, Tus
from .aws import AwsCli, AwsCliV2, Boto3, Crt, boto3_client
from .browsers import Uppy, UppyCompanion
from .client import MIB, Client, Site
from .data import Obstore, OpenDal, PyArrow
from .golang import AwsGoV1, AwsGoV2, MinioGo
from .libraries import JavaScript, MinioPy, S3fs, SmartOpen
from .mounted import S3fsFuse
from .presigned import JavaScriptPresigner
from .programs import Rclone, S3cmd
from .ruby_libraries import AwsRuby, Fog
from .spy import Sent
from .table import Table
from .tls import in_front_of

CLIENTS: tuple[type[Client], ...] = (
    Boto3, AwsCli, AwsCliV2, JavaScript, JavaScriptPresigner, Uppy, UppyCompanion, Crt, MinioPy, Rclone, S3cmd, S3fs,
    S3fsFuse, SmartOpen, PyArrow, Obstore, OpenDal, MinioGo, AwsGoV1, AwsGoV2, AwsRuby, Fog)
APPLICATIONS: tuple[type[Application], ...] = (Barman, DeltaLake, DockerRegistry, Duplicity, Gdal, PgBackRest, Tus)
WAIT_SECONDS = 30


def pytest_addoption(parser):
    """Add --clients-table and --large."""
    parser.addoption('--large', action='store_true', help='also copy objects of up to 5 GiB')
    parser.addoption('--clients-table', metavar='FILE', help='write the results of each client to this file, as '
                     'reStructuredText')


def pytest_configure(config):
    """Have the table filled if it was asked for."""
    config.addinivalue_line('markers', 'topic(name): what a test of the clients shows, a column of their table')
    if config.getoption('--clients-table', None):
        config.pluginmanager.register(Table(Path(config.getoption('--clients-table')), CLIENTS, APPLICATIONS),
                                      'clients-table')


@pytest.fixture(scope='session')
def log(tmp_path_factory):
    """The file in which the cluster notes the requests that reach it."""
    return tmp_path_factory.mktemp('log') / 'requests'


@pytest.fixture(scope='session')
def sent(log):
    """The requests that the clients have sent."""
    return Sent(log)


@pytest.fixture(scope='session')
def cluster(tmp_path_factory, log):
    """A cluster like that of the demo, and as doc/install.rst describes one. Browsers may ask it in advance."""
    spy = {'paste.filter_factory': 'tests.clients.spy:filter_factory', 'log': log}
    filters = {'spy': spy, 's3api': {'cors_preflight_allow_origin': '*'}, **GATEKEEPER}
    with Cluster(tmp_path_factory.mktemp('cluster'), pipeline=PIPELINE.replace(' s3api ', ' spy s3api '),
                 filters=filters) as running:
        yield running


@pytest.fixture(scope='session')
def secured(cluster, tmp_path_factory):
    """A port at which the cluster's proxy speaks TLS, and the file of its authority."""
    if importlib.util.find_spec('trustme') is None:
        pytest.skip('no TLS without trustme: pip install trustme')
    with in_front_of(cluster.proxy.port, tmp_path_factory.mktemp('tls')) as found:
        yield found


@pytest.fixture
def site(cluster, tmp_path):
    """The cluster, without TLS."""
    home = tmp_path / 'home'
    home.mkdir()
    return Site(cluster.url, home)


@pytest.fixture
def secure_site(secured, site):
    """The cluster, over TLS."""
    port, ca = secured
    return Site(f'https://{HOST}:{port}', site.home, str(ca))


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.__name__)
def kind(request):
    """The class of each client in turn. Skips those that this machine lacks, and what a client does not offer."""
    missing = request.param.missing()
    if missing:
        pytest.skip(missing)
    topic = request.node.get_closest_marker('topic').args[0]
    if topic in request.param.lacks:
        pytest.skip(f'not offered: {request.param.lacks[topic]}')
    return request.param


@pytest.fixture
def client(kind, site):
    """A client of each kind in turn."""
    return kind(site)


@pytest.fixture(scope='session')
def witness(cluster, tmp_path_factory):
    """A boto3 client that looks at what others have done."""
    s3 = boto3_client(Site(cluster.url, tmp_path_factory.mktemp('witness')))
    yield s3
    s3.close()


@pytest.fixture
def swift(cluster):
    """A connection to the Swift API."""
    connection = auth.connection(cluster.proxy, 'test:tester', 'testing')
    yield connection
    connection.close()


@pytest.fixture
def bucket(witness):
    """The name of a fresh, empty bucket, which is emptied and deleted afterwards."""
    name = 'clients-' + secrets.token_hex(8)
    witness.create_bucket(Bucket=name)
    yield name
    for row in witness.list_objects_v2(Bucket=name).get('Contents', ()):
        witness.delete_object(Bucket=name, Key=row['Key'])
    witness.delete_bucket(Bucket=name)


@pytest.fixture(scope='session')
def make_file(tmp_path_factory):
    """make_file(size) returns the path of a file of random bytes. Each size is made once."""
    directory = tmp_path_factory.mktemp('files')

    def make(size):
        path = directory / f'{size}.bin'
        if not path.exists():
            with open(path, 'wb') as file:
                for start in range(0, size, MIB):
                    file.write(os.urandom(min(MIB, size - start)))
        return path

    return make


@pytest.fixture
def has_part(witness, bucket):
    """has_part() waits until an upload of the bucket has a part, and returns the id of the upload."""
    def wait():
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for row in witness.list_multipart_uploads(Bucket=bucket).get('Uploads', ()):
                try:
                    found = witness.list_parts(Bucket=bucket, Key=row['Key'], UploadId=row['UploadId'])
                except witness.exceptions.NoSuchUpload:
                    continue
                if found.get('Parts'):
                    return row['UploadId']
            time.sleep(0.02)
        raise AssertionError('no part has arrived')

    return wait
