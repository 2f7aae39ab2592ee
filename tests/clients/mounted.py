# SPDX-License-Identifier: Apache-2.0
"""s3fs-fuse, which mounts a bucket as a file system."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .client import MIB, PROGRAM_SECONDS, Program, find_program


class S3fsFuse(Program):
    """s3fs-fuse. Each operation mounts the bucket, uses it as a directory, and unmounts it again."""

    name = 's3fs-fuse'
    get = 'apt install s3fs'
    program = 's3fs'
    file_bytes = copy_bytes = 40 * MIB
    part_bytes = 10 * MIB
    lacks = {'names': 'it makes objects of directories, too', 'resume': 'a file is written anew',
             'abort': 'it leaves the upload', 'errors': 'a file system has a few numbers for errors'}

    @classmethod
    def missing(cls):
        if not (os.access('/dev/fuse', os.R_OK | os.W_OK) and find_program('fusermount')):
            return 'file systems cannot be mounted here: /dev/fuse or fusermount is missing'
        # The Python package s3fs brings no program, so a program of this name is s3fs-fuse.
        return super().missing()

    @classmethod
    def version(cls):
        said = subprocess.run([find_program('s3fs'), '--version'], capture_output=True, text=True, timeout=60)
        return re.search(r'V([0-9.]+)', said.stdout)[1]

    def command(self, *words):
        # The keys are in the environment, because its file of keys cannot hold a key with a colon, as tempauth's has.
        return super().command(*words, '-o', f'url={self.site.url}', '-o', 'use_path_request_style')

    def part_sizes(self, size):
        # When no more than two parts are left, they become one: the last.
        sizes = []
        while size > 2 * self.part_bytes:
            sizes.append(self.part_bytes)
            size -= self.part_bytes
        return [*sizes, size]

    def upload(self, path, bucket, key):
        with self._mounted(bucket) as top:
            shutil.copyfile(path, top / key)

    def download(self, bucket, key, path):
        with self._mounted(bucket) as top:
            shutil.copyfile(top / key, path)

    def read(self, bucket, key, start, size):
        with self._mounted(bucket) as top, open(top / key, 'rb') as file:
            file.seek(start)
            return file.read(size)

    def objects(self, bucket):
        with self._mounted(bucket) as top:
            return {str(path.relative_to(top)): path.stat().st_size for path in top.rglob('*') if path.is_file()}

    def uploads(self, bucket):
        said = self.run('--incomplete-mpu-list', bucket)
        keys, ids = (re.findall(rf'{word} *: (.*)', said) for word in ('Path', 'UploadId'))
        return {upload_id: key.lstrip('/') for key, upload_id in zip(keys, ids)}

    def copy(self, bucket, key, to):
        # It copies an object to rename it. The parts of the copy have 512 MiB by default.
        with self._mounted(bucket, '-o', 'multipart_copy_size=8') as top:
            (top / key).rename(top / to)

    def abort(self, bucket, key, upload_id):
        self.run('--incomplete-mpu-abort=all', bucket)

    @contextlib.contextmanager
    def _mounted(self, bucket, *options):
        top = Path(tempfile.mkdtemp(dir=self.site.home))
        # The program goes to the background once the bucket is mounted.
        self.run(bucket, top, *options)
        try:
            yield top
        finally:
            subprocess.run([find_program('fusermount'), '-u', str(top)], check=True, timeout=PROGRAM_SECONDS)
