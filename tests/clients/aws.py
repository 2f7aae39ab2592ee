# SPDX-License-Identifier: Apache-2.0
"""The clients of AWS in Python: boto3, boto3 over the CRT client, and the AWS CLI."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess

import boto3
import botocore.session
from botocore.exceptions import ClientError

from .client import MIB, REGION, Client, Failed, Program, missing_module, package_version
from .drivers import PartByPart


def boto3_client(site):
    """Return a boto3 client for the site, with boto3's default settings."""
    return boto3.session.Session().client(
        's3', endpoint_url=site.url, region_name=REGION, aws_access_key_id=site.access,
        aws_secret_access_key=site.secret, verify=site.ca or None)


class Unreadable(Exception):
    """A file that is being uploaded cannot be read any further."""


class Breaking:
    """A file of 200 MiB whose first half can be read; then reading waits for has_part(), and fails."""

    def __init__(self, has_part):
        self.has_part, self.left = has_part, 200 * MIB

    def read(self, size=-1):
        """Return the next bytes. Raises Unreadable once the first half was read and has_part() has returned."""
        if self.left < 100 * MIB:
            self.has_part()
            raise Unreadable
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        return bytes(size)


class Boto3(PartByPart, Client):
    """boto3, with upload_file, download_file, copy and paginators."""

    name = 'boto3'
    get = 'pip install boto3'
    checksum = 'CRC32'

    def __init__(self, site):
        super().__init__(site)
        self.s3 = boto3_client(site)

    @classmethod
    def missing(cls):
        return missing_module('boto3', 'boto3')

    @classmethod
    def version(cls):
        return package_version('boto3')

    def upload(self, path, bucket, key, extra=None):
        self.s3.upload_file(str(path), bucket, key, ExtraArgs=extra)

    def download(self, bucket, key, path):
        self.s3.download_file(bucket, key, str(path))

    def upload_with(self, path, bucket, key, metadata):
        self.upload(path, bucket, key, {'Metadata': metadata})

    def read(self, bucket, key, start, size):
        return self.s3.get_object(Bucket=bucket, Key=key, Range=f'bytes={start}-{start + size - 1}')['Body'].read()

    def objects(self, bucket):
        pages = self.s3.get_paginator('list_objects_v2').paginate(Bucket=bucket)
        return {row['Key']: row['Size'] for page in pages for row in page.get('Contents', ())}

    def uploads(self, bucket):
        pages = self.s3.get_paginator('list_multipart_uploads').paginate(Bucket=bucket)
        return {row['UploadId']: row['Key'] for page in pages for row in page.get('Uploads', ())}

    def parts(self, bucket, key, upload_id):
        pages = self.s3.get_paginator('list_parts').paginate(Bucket=bucket, Key=key, UploadId=upload_id)
        return {row['PartNumber']: row['ETag'].strip('"') for page in pages for row in page.get('Parts', ())}

    def copy(self, bucket, key, to):
        self.s3.copy({'Bucket': bucket, 'Key': key}, bucket, to)

    def upload_part(self, bucket, key, upload_id, number, body, crc32=None):
        """Upload one part; return its ETag. crc32: of the body; None to have boto3 compute it."""
        checksum = {'ChecksumCRC32': crc32} if crc32 else {}
        return self.s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body,
                                   **checksum)['ETag']

    def complete(self, bucket, key, upload_id, parts):
        """Complete an upload; parts: number to ETag, in the order in which they are listed."""
        listed = [{'PartNumber': number, 'ETag': etag} for number, etag in parts.items()]
        self.s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id,
                                          MultipartUpload={'Parts': listed})

    def fail(self, path, bucket, key, has_part):
        try:
            self.s3.upload_fileobj(Breaking(has_part), bucket, key)
        except Unreadable:
            return
        raise AssertionError('the upload succeeded')

    def abort(self, bucket, key, upload_id):
        self.s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)


class Crt(Client):
    """The AWS CRT client, made and used by s3transfer, on which boto3 and the AWS CLI are built.

    boto3 itself can give it an endpoint only through the environment, and no authority to trust.
    """

    name = 'AWS CRT'
    get = 'pip install "boto3[crt]"'
    checksum = 'CRC32'
    lacks = {topic: 'it transfers files only' for topic in ('list', 'copy', 'resume', 'explicit abort')}

    @classmethod
    def missing(cls):
        return missing_module('awscrt', 'boto3[crt]')

    @classmethod
    def version(cls):
        return f"awscrt {package_version('awscrt')} by s3transfer {package_version('s3transfer')}"

    @contextlib.contextmanager
    def manager(self):
        """Yield a CRTTransferManager, which ends afterwards. Raises Failed for an error of S3."""
        from s3transfer import crt
        session = botocore.session.Session()
        session.set_credentials(self.site.access, self.site.secret)
        credentials = crt.BotocoreCRTCredentialsWrapper(session.get_credentials()).to_crt_credentials_provider()
        serializer = crt.BotocoreCRTRequestSerializer(session, {'region_name': REGION, 'endpoint_url': self.site.url})
        client = crt.create_s3_crt_client(REGION, credentials, use_ssl=self.site.tls, verify=self.site.ca or None)
        try:
            with crt.CRTTransferManager(client, serializer) as manager:
                yield manager
        except ClientError as error:
            raise Failed(error.response['Error']['Code'], str(error)) from error

    def upload(self, path, bucket, key, extra=None):
        with self.manager() as manager:
            manager.upload(str(path), bucket, key, extra).result()

    def download(self, bucket, key, path):
        with self.manager() as manager:
            manager.download(bucket, key, str(path)).result()

    def upload_with(self, path, bucket, key, metadata):
        self.upload(path, bucket, key, {'Metadata': metadata})

    def fail(self, path, bucket, key, has_part):
        from awscrt.exceptions import AwsCrtError
        with self.manager() as manager:
            future = manager.upload(str(path), bucket, key)
            has_part()
            future.cancel()
            try:
                future.result()
            except AwsCrtError:
                return
        raise AssertionError('the upload succeeded')


class AwsCli(PartByPart, Program):
    """The AWS CLI, version 1: `aws s3`, and `aws s3api` for what `aws s3` cannot do."""

    name = 'AWS CLI v1'
    get = 'pip install awscli'
    program = 'aws'
    checksum = 'CRC32'

    @classmethod
    def version(cls):
        return package_version('awscli')

    def error_code(self, said):
        found = re.search(r'An error occurred \((\w+)\)', said)
        return found.group(1) if found else said.strip()

    def api(self, operation, bucket, *words):
        """Run `aws s3api`; return the result document."""
        said = self.run('s3api', operation, '--bucket', bucket, '--output', 'json', *words)
        return json.loads(said) if said.strip() else {}

    def upload(self, path, bucket, key, *words):
        self.run('s3', 'cp', '--no-progress', *words, path, f's3://{bucket}/{key}')

    def upload_with(self, path, bucket, key, metadata):
        self.upload(path, bucket, key, '--metadata', json.dumps(metadata))

    def download(self, bucket, key, path):
        self.run('s3', 'cp', '--no-progress', f's3://{bucket}/{key}', path)

    def read(self, bucket, key, start, size):
        path = self.site.home / 'range'
        self.api('get-object', bucket, '--key', key, '--range', f'bytes={start}-{start + size - 1}', path)
        return path.read_bytes()

    def objects(self, bucket):
        rows = (line.split(maxsplit=3) for line in self.run('s3', 'ls', '--recursive', f's3://{bucket}/').splitlines())
        return {key: int(size) for _day, _time, size, key in rows}

    def uploads(self, bucket):
        rows = self.api('list-multipart-uploads', bucket).get('Uploads', ())
        return {row['UploadId']: row['Key'] for row in rows}

    def parts(self, bucket, key, upload_id):
        rows = self.api('list-parts', bucket, '--key', key, '--upload-id', upload_id).get('Parts', ())
        return {row['PartNumber']: row['ETag'].strip('"') for row in rows}

    def copy(self, bucket, key, to):
        self.run('s3', 'cp', '--no-progress', f's3://{bucket}/{key}', f's3://{bucket}/{to}')

    def upload_part(self, bucket, key, upload_id, number, body, crc32=None):
        """Upload one part; return its ETag. crc32: of the body; None to have the CLI compute it."""
        path = self.site.home / 'part'
        path.write_bytes(body)
        return self.api('upload-part', bucket, '--key', key, '--upload-id', upload_id, '--part-number', number,
                        '--body', path, *(('--checksum-crc32', crc32) if crc32 else ()))['ETag']

    def complete(self, bucket, key, upload_id, parts):
        """Complete an upload; parts: number to ETag, in the order in which they are listed."""
        listed = [{'PartNumber': number, 'ETag': etag} for number, etag in parts.items()]
        self.api('complete-multipart-upload', bucket, '--key', key, '--upload-id', upload_id,
                 '--multipart-upload', json.dumps({'Parts': listed}))

    def fail(self, path, bucket, key, has_part):
        self.interrupt(has_part, 's3', 'cp', path, f's3://{bucket}/{key}')

    def abort(self, bucket, key, upload_id):
        self.api('abort-multipart-upload', bucket, '--key', key, '--upload-id', upload_id)


class AwsCliV2(AwsCli):
    """The AWS CLI, version 2: the first on PATH that is not version 1."""

    name = 'AWS CLI v2'
    get = 'apt install awscli, in Debian 12 or later'
    checksum = None

    @classmethod
    @functools.cache
    def path(cls):
        """Return the path of the program and its version; None if there is none."""
        for directory in os.get_exec_path():
            program = shutil.which('aws', path=directory)
            said = program and subprocess.run([program, '--version'], capture_output=True, text=True, timeout=60).stdout
            if said and said.startswith('aws-cli/2'):
                return program, re.match(r'aws-cli/(\S+)', said)[1]
        return None

    @classmethod
    def missing(cls):
        return '' if cls.path() else f'there is no program aws of version 2: {cls.get}'

    @classmethod
    def version(cls):
        return cls.path()[1]

    def command(self, *words):
        # Before 2.13 it does not look for an endpoint in the environment.
        return [self.path()[0], '--endpoint-url', self.site.url, *map(str, words)]
