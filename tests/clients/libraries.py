# SPDX-License-Identifier: Apache-2.0
"""Libraries other than those of AWS for Python: minio-py, smart_open, the AWS SDK for JavaScript, s3fs.

The last two are called by programs of ours.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .aws import Breaking, Unreadable, boto3_client
from .client import MIB, Client, Failed, missing_module, package_version
from .drivers import Driver, Library

HERE = Path(__file__).resolve().parent


class MinioPy(Client):
    """minio-py. Its calls that list uploads and parts, upload a part or abort are not public."""

    name = 'minio-py'
    get = 'pip install minio'
    part_bytes = 5 * MIB
    lacks = {'resume': 'no public call', 'explicit abort': 'no public call'}

    def __init__(self, site):
        super().__init__(site)
        import minio
        import urllib3
        trust = {'cert_reqs': 'CERT_REQUIRED', 'ca_certs': site.ca} if site.tls else {}
        self.s3 = minio.Minio(site.address, access_key=site.access, secret_key=site.secret, secure=site.tls,
                              http_client=urllib3.PoolManager(**trust) if trust else None)

    @classmethod
    def missing(cls):
        return missing_module('minio', 'minio')

    @classmethod
    def version(cls):
        return package_version('minio')

    def upload(self, path, bucket, key):
        self.s3.fput_object(bucket, key, str(path))

    def download(self, bucket, key, path):
        self.s3.fget_object(bucket, key, str(path))

    def upload_with(self, path, bucket, key, metadata):
        self.s3.fput_object(bucket, key, str(path), metadata=metadata)

    def read(self, bucket, key, start, size):
        answer = self.s3.get_object(bucket, key, offset=start, length=size)
        try:
            return answer.read()
        finally:
            answer.close()
            answer.release_conn()

    def objects(self, bucket):
        return {row.object_name: row.size for row in self.s3.list_objects(bucket, recursive=True)}

    def copy(self, bucket, key, to):
        # Without ranges it copies in parts only beyond 5 GiB.
        from minio.commonconfig import ComposeSource
        size = self.s3.stat_object(bucket, key).size
        ranges = [(start, min(size, start + 8 * MIB)) for start in range(0, size, 8 * MIB)]
        self.s3.compose_object(bucket, to, [ComposeSource(bucket, key, offset=start, length=end - start)
                                            for start, end in ranges])

    def copy_large(self, bucket, key, to):
        from minio.commonconfig import CopySource
        self.s3.copy_object(bucket, to, CopySource(bucket, key))

    def fail(self, path, bucket, key, has_part):
        try:
            self.s3.put_object(bucket, key, Breaking(has_part), 200 * MIB)
        except Unreadable:
            return
        raise AssertionError('the upload succeeded')


class SmartOpen(Client):
    """smart_open, with a boto3 client that is handed to it as in its documentation."""

    name = 'smart_open'
    get = 'pip install "smart_open[s3]"'
    file_bytes = 110 * MIB
    part_bytes = 50 * MIB
    lacks = {'list': 'it opens files only', 'copy': 'it opens files only', 'resume': 'it opens files only',
             'explicit abort': 'it opens files only'}

    def open(self, bucket, key, mode, **options):
        """Return an open file."""
        import smart_open
        return smart_open.open(f's3://{bucket}/{key}', mode,
                               transport_params={'client': boto3_client(self.site), **options})

    @classmethod
    def missing(cls):
        return missing_module('smart_open', 'smart_open[s3]')

    @classmethod
    def version(cls):
        return package_version('smart_open')

    def upload(self, path, bucket, key):
        with open(path, 'rb') as source, self.open(bucket, key, 'wb') as target:
            shutil.copyfileobj(source, target, MIB)

    def download(self, bucket, key, path):
        with self.open(bucket, key, 'rb') as source, open(path, 'wb') as target:
            shutil.copyfileobj(source, target, MIB)

    def upload_with(self, path, bucket, key, metadata):
        options = {'client_kwargs': {'S3.Client.create_multipart_upload': {'Metadata': metadata}}}
        with open(path, 'rb') as source, self.open(bucket, key, 'wb', **options) as target:
            shutil.copyfileobj(source, target, MIB)

    def read(self, bucket, key, start, size):
        with self.open(bucket, key, 'rb') as source:
            source.seek(start)
            return source.read(size)

    def fail(self, path, bucket, key, has_part):
        try:
            with self.open(bucket, key, 'wb') as target:
                shutil.copyfileobj(Breaking(has_part), target, MIB)
        except Unreadable:
            return
        raise AssertionError('the upload succeeded')


class JavaScript(Library):
    """The AWS SDK for JavaScript v3, with `Upload` of @aws-sdk/lib-storage, and @aws-sdk/client-s3."""

    name = 'AWS SDK for JavaScript v3'
    get = 'apt install nodejs npm, then npm ci in a copy of tests/clients/js that S3MULTI_CLIENTS_JS names'
    program = 'node'
    part_bytes = 5 * MIB
    checksum = 'CRC32'

    def __init__(self, site):
        super().__init__(site)
        # Node looks for modules near the script that imports them.
        shutil.copy(HERE / 'js' / 'driver.mjs', self.directory())

    @classmethod
    def directory(cls):
        """Return the directory in which the packages are installed."""
        return Path(os.environ.get('S3MULTI_CLIENTS_JS') or Path(sys.prefix, 'js'))

    @classmethod
    def missing(cls):
        if not (cls.directory() / 'node_modules' / '@aws-sdk' / 'lib-storage').is_dir():
            return f'@aws-sdk/lib-storage is not installed: {cls.get}'
        return super().missing()

    @classmethod
    def version(cls):
        package = cls.directory() / 'node_modules' / '@aws-sdk' / 'lib-storage' / 'package.json'
        return json.loads(package.read_text())['version']

    def command(self, *words):
        return super().command(self.directory() / 'driver.mjs', *words)

    def fail(self, path, bucket, key, has_part):
        # The driver gives up after the first part, by the call that lib-storage has for this.
        try:
            self.call('fail', path=path, bucket=bucket, key=key)
        except Failed as error:
            assert error.code == 'AbortError', error
            return
        raise AssertionError('the upload succeeded')


class S3fs(Driver):
    """s3fs for fsspec, in an environment of its own, because it needs an older botocore than boto3."""

    name = 's3fs (fsspec)'
    get = 'pip install s3fs, in an environment whose Python S3MULTI_CLIENTS_S3FS names'
    file_bytes = 110 * MIB
    part_bytes = 50 * MIB
    # It copies such a large object in parts.
    copy_bytes = 160 * MIB
    lacks = {'resume': 'no such call'}

    @classmethod
    def python(cls):
        """Return the path of the Python that has s3fs."""
        return Path(os.environ.get('S3MULTI_CLIENTS_S3FS') or Path(sys.prefix, 's3fs', 'bin', 'python'))

    @classmethod
    def missing(cls):
        return '' if cls.python().is_file() else f'there is no {cls.python()}: {cls.get}'

    @classmethod
    def version(cls):
        words = [cls.python(), '-c', 'import s3fs; print(s3fs.__version__)']
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    def command(self, *words):
        return [str(self.python()), str(HERE / 's3fs_driver.py'), *map(str, words)]

    def upload_with(self, path, bucket, key, metadata):
        self.call('upload', path=path, bucket=bucket, key=key, metadata=metadata)

    def create(self, path, bucket, key):
        """Upload a file unless there is an object at the key."""
        self.call('create', path=path, bucket=bucket, key=key)

    def uploads(self, bucket):
        return self.call('uploads', bucket=bucket)

    def copy(self, bucket, key, to):
        self.call('copy', bucket=bucket, key=key, to=to)

    def fail(self, path, bucket, key, has_part):
        try:
            self.call('fail', path=path, bucket=bucket, key=key)
        except Failed as error:
            assert error.code == 'Unreadable', error
            return
        raise AssertionError('the upload succeeded')

    def abort(self, bucket, key, upload_id):
        self.call('abort', bucket=bucket, key=key, upload=upload_id)
