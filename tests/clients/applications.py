# SPDX-License-Identifier: Apache-2.0
"""Programs and libraries that keep data in a form of their own, in objects that they send in parts."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import requests

from s3multi.demo.ports import HOST

from .client import MIB, REGION, Failed, Program, find_program, missing_module, package_version
from .libraries import JavaScript
from .serving import serving

HERE = Path(__file__).resolve().parent


class Application(Program):
    """A program that keeps a file. file_bytes: the size of a file whose objects are in parts."""

    file_bytes = 60 * MIB

    def save(self, path, bucket):
        """Keep the file in the bucket."""
        raise NotImplementedError

    def restore(self, bucket, path):
        """Write what is kept in the bucket to a file."""
        raise NotImplementedError


class DataFormat(Application):
    """A library that ``data_driver.py`` calls. module: what is imported; package: contains it."""

    module = package = ''

    @classmethod
    def missing(cls):
        return missing_module(cls.module, cls.package)

    @classmethod
    def version(cls):
        return package_version(cls.package)

    def command(self, *words):
        return [sys.executable, str(HERE / 'data_driver.py'), self.module, *map(str, words)]

    def call(self, operation, **arguments):
        """Have the library do something. Raises Failed if it fails."""
        answer = json.loads(self.run(json.dumps({'operation': operation, **arguments}, default=str)))
        if 'error' in answer:
            raise Failed(answer['error'])

    def save(self, path, bucket):
        self.call('save', path=path, bucket=bucket)

    def restore(self, bucket, path):
        self.call('restore', bucket=bucket, path=path)


class DeltaLake(DataFormat):
    """delta-rs: the file is a table of rows with its bytes."""

    name = 'deltalake'
    get = 'pip install deltalake pyarrow'
    module = package = 'deltalake'


class Gdal(DataFormat):
    """GDAL, as rasterio brings it: the file is an image at /vsis3/, of which windows are read."""

    name = 'GDAL (rasterio)'
    get = 'pip install rasterio'
    module = package = 'rasterio'

    @classmethod
    def version(cls):
        import rasterio
        return f'{rasterio.__gdal_version__} by rasterio {package_version("rasterio")}'


class Duplicity(Application):
    """duplicity: the file is in a directory of which it makes a full backup."""

    name = 'duplicity'
    get = 'apt install duplicity python3-boto3'
    program = 'duplicity'

    @classmethod
    def version(cls):
        return _said(find_program('duplicity'), '--version').split()[-1]

    def command(self, *words):
        return super().command(*words, '--no-encryption', '--s3-endpoint-url', self.site.url)

    def save(self, path, bucket):
        top = self.site.home / 'saved'
        top.mkdir()
        os.link(path, top / 'file')
        self.run('full', top, f'boto3+s3://{bucket}/backup')

    def restore(self, bucket, path):
        self.run('restore', '--file-to-restore', 'file', f'boto3+s3://{bucket}/backup', path)


class Barman(Application):
    """barman-cloud-wal-archive and -restore: the file is a segment of PostgreSQL's log."""

    name = 'barman-cloud'
    get = 'pip install --no-deps barman; pip install boto3 psycopg2-binary python-dateutil'
    program = 'barman-cloud-wal-archive'
    file_bytes = 110 * MIB
    segment = '000000010000000000000001'

    @classmethod
    def version(cls):
        return package_version('barman')

    def save(self, path, bucket):
        segment = self.site.home / self.segment
        os.link(path, segment)
        self.run('--endpoint-url', self.site.url, f's3://{bucket}/wal', 'server', segment)

    def restore(self, bucket, path):
        words = ('--endpoint-url', self.site.url, f's3://{bucket}/wal', 'server', self.segment, path)
        subprocess.run([find_program('barman-cloud-wal-restore'), *map(str, words)], env=self.site.environment,
                       check=True, timeout=self.seconds)


class PgBackRest(Application):
    """pgBackRest, by its commands for single files. It speaks TLS only."""

    name = 'pgBackRest'
    get = 'apt install pgbackrest'
    program = 'pgbackrest'
    lacks = {'kept': 'it speaks TLS only'}

    @classmethod
    def version(cls):
        return _said(find_program('pgbackrest'), 'version').split()[-1]

    def command(self, *words):
        # It compares only names, and no addresses, with a certificate.
        host, port = 'localhost', self.site.address.partition(':')[2]
        options = {'type': 's3', 'path': '/repository', 's3-uri-style': 'path', 's3-region': REGION,
                   's3-endpoint': host, 'storage-host': host, 'storage-port': port, 'storage-ca-file': self.site.ca}
        return super().command(
            '--stanza=main', '--log-level-file=off',
            *(f'--repo1-{name}={value}' for name, value in options.items()), *words)

    def _pipe(self, bucket, *words, **streams):
        environment = {**self.site.environment, 'PGBACKREST_REPO1_S3_KEY': self.site.access,
                       'PGBACKREST_REPO1_S3_KEY_SECRET': self.site.secret}
        done = subprocess.run(self.command(f'--repo1-s3-bucket={bucket}', *words), env=environment,
                              stderr=subprocess.PIPE, timeout=self.seconds, **streams)
        if done.returncode:
            raise Failed(done.stderr.decode())

    def save(self, path, bucket):
        with open(path, 'rb') as source:
            self._pipe(bucket, 'repo-put', 'backup/main/file', stdin=source, stdout=subprocess.DEVNULL)

    def restore(self, bucket, path):
        with open(path, 'wb') as target:
            self._pipe(bucket, 'repo-get', 'backup/main/file', stdin=subprocess.DEVNULL, stdout=target)


class Server(Application):
    """A program that serves HTTP itself while a file is saved or restored."""

    def served(self, bucket, port):
        """Return the command line of the server."""
        raise NotImplementedError

    def running(self, bucket):
        """Run the server; yield its URL."""
        return serving(self.site, lambda port: self.served(bucket, port))


class DockerRegistry(Server):
    """docker-registry: the file is a blob that is pushed in two requests, of which the second continues an upload."""

    name = 'docker-registry'
    get = 'apt install docker-registry'
    program = 'docker-registry'

    @classmethod
    def version(cls):
        return _said(find_program('docker-registry'), '--version').split()[-1]

    def served(self, bucket, port):
        # JSON is YAML, too.
        config = {'version': '0.1', 'http': {'addr': f'{HOST}:{port}'}, 'storage': {'s3': {
            'regionendpoint': self.site.url, 'region': REGION, 'bucket': bucket, 'secure': self.site.tls,
            'accesskey': self.site.access, 'secretkey': self.site.secret}}}
        path = self.site.home / 'registry.yml'
        path.write_text(json.dumps(config))
        return self.command('serve', path)

    def save(self, path, bucket):
        body = path.read_bytes()
        self.digest = 'sha256:' + hashlib.sha256(body).hexdigest()
        with self.running(bucket) as url, requests.Session() as session:
            place = _good(session.post(f'{url}/v2/image/blobs/uploads/')).headers['Location']
            for chunk in body[:22 * MIB], body[22 * MIB:]:
                place = _good(session.patch(place, data=chunk)).headers['Location']
            _good(session.put(place, params={'digest': self.digest}))

    def restore(self, bucket, path):
        # The registry sends the user on to a presigned URL of the bucket.
        with self.running(bucket) as url, requests.Session() as session:
            answer = _good(session.get(f'{url}/v2/image/blobs/{self.digest}', verify=self.site.ca or True))
            assert answer.history and answer.url.startswith(self.site.url)
            path.write_bytes(answer.content)


class Tus(Server):
    """@tus/server with its S3 store: the file is sent in two requests, the second of which continues the upload."""

    name = '@tus/server'
    get = JavaScript.get
    program = 'node'

    @classmethod
    def missing(cls):
        if not (JavaScript.directory() / 'node_modules' / '@tus' / 's3-store').is_dir():
            return f'@tus/s3-store is not installed: {cls.get}'
        return super().missing()

    @classmethod
    def version(cls):
        return ' with s3-store '.join(
            json.loads((JavaScript.directory() / f'node_modules/@tus/{name}/package.json').read_text())['version']
            for name in ('server', 's3-store'))

    def served(self, bucket, port):
        script = shutil.copy(HERE / 'js' / 'tus.mjs', JavaScript.directory())
        return self.command(script, bucket, port)

    def save(self, path, bucket):
        body = path.read_bytes()
        with self.running(bucket) as url, requests.Session() as session:
            session.headers['Tus-Resumable'] = '1.0.0'
            begun = _good(session.post(f'{url}/files', headers={'Upload-Length': str(len(body))}))
            self.place = begun.headers['Location']
            for chunk in body[:22 * MIB], body[22 * MIB:]:
                offset = _good(session.head(self.place)).headers['Upload-Offset']
                _good(session.patch(self.place, data=chunk, headers={
                    'Upload-Offset': offset, 'Content-Type': 'application/offset+octet-stream'}))

    def restore(self, bucket, path):
        with self.running(bucket) as url:
            place = url + re.sub('^http://[^/]*', '', self.place)
            path.write_bytes(_good(requests.get(place)).content)


@functools.cache
def _said(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout


def _good(answer):
    """Return an answer. Raises Failed if it is an error."""
    if answer.status_code >= 400:
        raise Failed(answer.status_code, answer.text)
    return answer
