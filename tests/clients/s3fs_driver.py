# SPDX-License-Identifier: Apache-2.0
"""Calls s3fs: `python s3fs_driver.py JSON` does what the document says and prints {"result"} or {"error", "message"}.

It is run by the Python of an environment that has s3fs and nothing of this project.
"""

import json
import sys

import s3fs

MIB = 1048576


class Unreadable(Exception):
    """The data to be written cannot be read any further."""


class Calls:
    """The operations, by name. Each path is one of the local disk."""

    def __init__(self):
        self.files = s3fs.S3FileSystem()

    def upload(self, path, bucket, key, metadata=None):
        self.files.put_file(path, f'{bucket}/{key}', **({'Metadata': metadata} if metadata else {}))

    def create(self, path, bucket, key):
        self.files.put_file(path, f'{bucket}/{key}', mode='create')

    def download(self, bucket, key, path):
        self.files.get_file(f'{bucket}/{key}', path)

    def read(self, bucket, key, path, start, size):
        with open(path, 'wb') as file:
            file.write(self.files.cat_file(f'{bucket}/{key}', start=start, end=start + size))

    def objects(self, bucket):
        found = self.files.find(bucket, detail=True)
        return {name.partition('/')[2]: row['size'] for name, row in found.items()}

    def uploads(self, bucket):
        return {row['UploadId']: row['Key'] for row in self.files.list_multipart_uploads(bucket)}

    def copy(self, bucket, key, to):
        self.files.copy(f'{bucket}/{key}', f'{bucket}/{to}')

    def fail(self, path, bucket, key):
        target = self.files.open(f'{bucket}/{key}', 'wb')
        target.write(bytes(110 * MIB))
        if not self.uploads(bucket):
            raise AssertionError('there is no upload yet')
        target.discard()
        raise Unreadable

    def abort(self, bucket, key, upload):
        self.files.abort_mpu(bucket, key, upload)


def main(document):
    """Do what the document says; return the answer."""
    arguments = json.loads(document)
    try:
        return {'result': getattr(Calls(), arguments.pop('operation'))(**arguments)}
    except Exception as error:
        return {'error': type(error).__name__, 'message': str(error)}


if __name__ == '__main__':
    print(json.dumps(main(sys.argv[1])))
